"""The plane: the fit at its own Σ, and the two ways to say "towards"."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mlmkit.widgets import plane
from mlmkit.widgets.plane import EXPLORATION, compute, contour, describe, sleep

from .artists import has, painted, points, segments


@pytest.fixture(scope="module")
def fitted():
    tau0, tau1, rho = sleep().fit.varcorr.sdcor[:3]
    return compute(tau0, tau1, rho, sleep().fit.sigma, "335")


def test_at_the_fitted_covariance_it_is_the_fit(fitted):
    np.testing.assert_allclose(fitted.multilevel, sleep().fit.coef["Subject"], rtol=1e-6)
    np.testing.assert_allclose(fitted.b, [251.40510, 10.46729], rtol=1e-6)


def test_five_slopes_move_away_and_no_subject_does(fitted):
    assert [fitted.subjects[j] for j in np.flatnonzero(fitted.away[:, 1])] == [
        "309",
        "310",
        "337",
        "352",
        "372",
    ]
    assert fitted.nearer == 18
    assert "5 (309, 310, 337, 352 and 372)" in describe(fitted)


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.4, 0.95])
def test_whatever_the_correlation_all_come_nearer_in_its_own_distance(rho):
    assert compute(30, 6, rho, 25, "308").nearer == 18


def test_wide_and_narrow_covariances_are_the_two_kinds_of_pooling():
    wide, narrow = compute(5000, 900, 0, 25, "308"), compute(0.1, 0.02, 0, 25, "308")
    np.testing.assert_allclose(wide.multilevel, wide.flat, rtol=1e-3, atol=0.02)
    np.testing.assert_allclose(narrow.multilevel - narrow.b, 0, atol=0.05)


def test_flat_estimates_are_the_subjects_own_lines(fitted):
    k = fitted.subjects.index("350")
    np.testing.assert_allclose(fitted.flat[k], [225.83460, 19.50402], rtol=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_contour_holds_its_share(fitted, share):
    draws = np.random.default_rng(2).multivariate_normal(fitted.b, fitted.covariance, 20_000)
    radius = np.sqrt(-2 * np.log(1 - share))
    np.testing.assert_allclose(fitted.distance(contour(fitted, share).T), radius, rtol=1e-6)
    assert np.mean(fitted.distance(draws) < radius) == pytest.approx(share, abs=0.01)


def test_the_sliders_reach_every_covariance_matrix_there_is():
    """SDs above 0, and a correlation of either sign, nearly to ±1."""
    controls = EXPLORATION.controls()
    rho = controls["rho"]
    assert -1 < rho.min < -0.9 and rho.min == -rho.max
    for name in ("tau0", "tau1", "sigma"):
        assert 0 < controls[name].min < controls[name].value / 10 < controls[name].value < controls[name].max


# ---- the picture ---------------------------------------------------------------------------------------------


def test_lines_of_the_chosen_subject_are_straight_through_its_three_estimates():
    it = plane.compute(20.0, 6.0, 0.1, 25.0, "335")
    field, lines = painted(plane, it)
    k = it.subjects.index("335")
    for label, (b0, b1) in {"population": it.b, "flat": it.flat[k], "multilevel": it.multilevel[k]}.items():
        (line,) = (line for line in lines.lines if line.get_label() == label)
        np.testing.assert_allclose(line.get_xydata(), [[0, b0], [9, b0 + 9 * b1]])
    np.testing.assert_allclose(points(lines, "o"), np.column_stack([it.days[k], it.reaction[k]]))
    ways = segments(field)
    assert len(ways) == 18 and all(has(ways, [f, m]) for f, m in zip(it.flat, it.multilevel, strict=True))
    marks = {line.get_label(): line.get_xydata() for line in field.lines}
    np.testing.assert_allclose(marks["slope away"], it.multilevel[it.away[:, 1]])
    np.testing.assert_allclose(marks["at this Σ"], it.multilevel[~it.away[:, 1]])
    np.testing.assert_allclose(marks["$b$"], [it.b])


@pytest.mark.parametrize(("subject", "up"), [("335", True), ("308", False)])
def test_a_subjects_name_keeps_clear_of_its_line(subject, up):
    """335, whose slope is the lowest, moves up, and its name stands below; 308 the other way."""
    it = plane.compute(24.7, 5.9, 0.07, 25.6, subject)
    k = it.subjects.index(subject)
    assert bool(it.multilevel[k, 1] > it.flat[k, 1]) is up
    field = painted(plane, it)[0]
    (name,) = (text for text in field.texts if text.get_text() == subject)
    assert name.xyann == (0, -9 if up else 9) and name.get_va() == ("top" if up else "bottom")
    np.testing.assert_allclose(name.xy, it.flat[k])
    np.testing.assert_allclose(
        [line.get_xydata() for line in field.lines if line.get_markersize() == 13], [[it.flat[k]]]
    )


def test_contours_are_ellipses_of_their_sds():
    it = plane.compute(20.0, 5.0, 0.0, 25.0, "335")
    for polygon, share in zip(
        painted(plane, it)[0].artists or painted(plane, it)[0].patches, (0.95, 0.5), strict=True
    ):
        reach = np.abs(polygon.get_xy() - it.b).max(axis=0)
        np.testing.assert_allclose(reach, np.array([20, 5]) * np.sqrt(stats.chi2.ppf(share, 2)), rtol=1e-3)
