"""Group-level predictors: the closed forms are REML's, and what a predictor buys is what theory says."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlmkit.errors import FitWarning
from mlmkit.models import lm, lmer
from mlmkit.widgets import predictor
from mlmkit.widgets.predictor import SPREAD_WITHIN, Bought, _share, compute, describe, presets
from mlmkit.words import number

from .artists import has, painted, segments


def rows_like(it: Bought) -> pd.DataFrame:
    """Rows with these group means and this mean square within, to be fitted by `lmer`."""
    J, n = len(it.z), it.n
    e = np.random.default_rng(3).standard_normal((J, n))
    e -= e.mean(axis=1, keepdims=True)
    e *= np.sqrt(it.within * J * (n - 1) / np.sum(e**2))
    y = it.means[:, None] + e
    return pd.DataFrame({"y": y.ravel(), "z": np.repeat(it.z, n), "g": np.repeat(np.arange(J), n)})


@pytest.mark.parametrize(
    "values", [{}, {"b1": 0.4, "tau": 4.0, "J": 12, "n": 9}, {"b1": 3.0, "tau": 2.5, "sample": 2}]
)
def test_the_closed_forms_are_the_fits(values):
    it = compute(**values)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FitWarning)  # the closed forms hold off the boundary
        before, after = (lmer(f"y ~ {x} + (1|g)", rows_like(it)) for x in ("1", "z"))
    assert it.tau_before == pytest.approx(before.varcorr.sdcor[0], rel=1e-4)
    assert it.tau_after == pytest.approx(after.varcorr.sdcor[0], rel=1e-4)
    assert it.within == pytest.approx(after.sigma**2, rel=1e-4)
    assert it.slope == pytest.approx(after.fixef["z"], rel=1e-6)
    assert it.se == pytest.approx(after.se["z"], rel=1e-4)
    share = 1 - after.varcorr.vcov[0] / before.varcorr.vcov[0]
    assert it.r_squared == pytest.approx(share, abs=2e-4)


def test_on_the_boundary_the_slope_is_the_fits_too():
    it = compute(tau=0.0, b1=1.0, J=20, n=4, sample=1)
    assert it.tau_after == 0
    with pytest.warns(FitWarning, match="Singular"):
        fit = lmer("y ~ z + (1|g)", rows_like(it))
    assert it.slope == pytest.approx(fit.fixef["z"], rel=1e-6)


def test_a_stronger_predictor_takes_more_and_leaves_the_same():
    weak, strong = compute(b1=1.0, J=200), compute(b1=4.0, J=200)
    assert strong.tau_after == pytest.approx(weak.tau_after)
    assert strong.within == weak.within
    assert strong.tau_before > weak.tau_before and strong.r_squared > weak.r_squared
    assert strong.r_squared == pytest.approx(4.0**2 / (4.0**2 + 1.5**2), abs=0.05)


def test_more_groups_help_the_slope_more_than_more_members():
    start, members, groups = (compute(**v) for v in ({"J": 40}, {"J": 40, "n": 100}, {"J": 200}))
    assert groups.se < 0.6 * start.se
    assert members.se > 0.75 * start.se
    assert start.se_floor <= members.se


def test_a_level_2_r_squared_below_zero_is_said_to_be_no_share():
    found = [it for it in (compute(b1=0.0, sample=k) for k in range(8)) if it.r_squared < 0]
    assert found and "below 0" in describe(found[0])


def test_without_differences_there_is_nothing_to_explain():
    found = [it for it in (compute(b1=0.0, tau=0.0, sample=k) for k in range(8)) if it.tau_before == 0]
    assert found and np.isnan(found[0].r_squared) and "nothing for a predictor" in describe(found[0])


def test_a_preset_is_the_schools_own_fit():
    values = presets()["meanses"].values
    assert (values["J"], values["n"]) == (160, 45)
    assert values["b1"] ** 2 / (values["b1"] ** 2 + values["tau"] ** 2) == pytest.approx(0.694, abs=0.01)


def test_a_group_far_out_moves_the_line_and_is_told_apart():
    usual, far = compute(), compute(far_out=True)
    out = far.far_out
    assert out == int(np.argmax(usual.z))
    np.testing.assert_allclose(np.diff(np.delete(far.means, out)), np.diff(np.delete(usual.means, out)))
    assert far.slope < usual.slope and far.tau_after > usual.tau_after
    others = far.without(out)
    np.testing.assert_allclose(others.slope, usual.without(out).slope)
    assert f"the slope would be {number(others.slope)}" in describe(far)


def test_rows_alone_mix_the_slope_between_groups_with_the_one_within():
    """The regression over all rows, made of rows that have exactly these means and this slope within groups."""
    it = compute(b1=2.0, J=30, n=8, reversal=True)
    own = np.linspace(-1, 1, it.n)
    own *= SPREAD_WITHIN * np.sqrt((it.n - 1) / (own @ own))
    x = it.z[:, None] + own
    y = it.means[:, None] + it.reversed_by * own
    rows = pd.DataFrame({"x": x.ravel(), "y": y.ravel()})
    assert it.over_rows == pytest.approx(lm("y ~ x", rows).fixef["x"])
    assert it.reversed_by < 0 < it.over_rows < it.slope
    assert "Simpson" in describe(it) and "Simpson" not in describe(compute())


@pytest.mark.parametrize("far_out", [False, True])
def test_the_means_lie_around_zero(far_out):
    for sample in range(4):
        assert compute(sample=sample, far_out=far_out).means.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("share", "text"),
    [(-0.003, "−0.003"), (-0.3, "−0.30"), (0.004, "0.00"), (0.51, "0.51"), (np.nan, "none")],
)
def test_a_share_below_0_is_never_minus_nought(share, text):
    assert _share(share) == text


# ---- the picture ---------------------------------------------------------------------------------------------


def test_the_line_with_its_band_and_the_bar_without_it():
    it = predictor.compute()
    groups = painted(predictor, it)[0]
    lines = {line.get_label(): line.get_xydata() for line in groups.lines}
    slope = stats.linregress(it.z, it.means).slope
    np.testing.assert_allclose(lines["line ± τ"], [[-3.2, -3.2 * slope], [3.2, 3.2 * slope]])
    band = groups.collections[0].get_paths()[0].vertices
    assert np.ptp(band[np.isclose(band[:, 0], -3.2), 1]) == pytest.approx(2 * it.tau_after)
    np.testing.assert_allclose(lines["± τ without $z$"], [[3.45, -it.tau_before], [3.45, it.tau_before]])
    reach = max(1.05 * np.abs(it.means).max(), 2.2 * slope)
    assert groups.get_ylim()[0] == -groups.get_ylim()[1] and reach <= groups.get_ylim()[1] < 1.7 * reach
    steep = predictor.compute(b1=5.0, tau=0.0, sigma=0.1, J=4)
    assert painted(predictor, steep)[0].get_ylim()[1] >= 2.2 * steep.slope


def test_reversed_lines_are_drawn_within_each_group_and_the_ringed_group_is_the_one_far_out():
    it = predictor.compute(reversal=True, far_out=True, J=10)
    groups = painted(predictor, it)[0]
    ways = segments(groups)
    for z, mean in zip(it.z, it.means, strict=True):
        assert has(ways, [[z - 0.5, mean + 1.0], [z + 0.5, mean - 1.0]]), "b₁ = 2, downwards within groups"
    rings = [line.get_xydata() for line in groups.lines if line.get_markersize() == 13]
    np.testing.assert_allclose(rings, [[[it.z[it.far_out], it.means[it.far_out]]]])
    (rows,) = (line for line in groups.lines if line.get_label() == "all rows")
    np.testing.assert_allclose(rows.get_ydata(), it.over_rows * np.array([-3.2, 3.2]))
    assert not segments(painted(predictor, predictor.compute())[0]).size


def test_the_far_group_lies_three_sds_and_one_below_all_others_mean():
    usual, far = predictor.compute(), predictor.compute(far_out=True)
    gap = (far.means - usual.means)[np.arange(60) != far.far_out]
    assert np.ptp(gap) == pytest.approx(0, abs=1e-9)
    raw = predictor.compute(b1=2.0, tau=1.5)
    moved = usual.means.mean() - 3 * np.hypot(2.0, 1.5) - 1
    expected = np.where(np.arange(60) == far.far_out, moved, raw.means)
    np.testing.assert_allclose(far.means, expected - expected.mean())


def test_the_standard_error_is_lmers():
    it = predictor.compute(J=40, n=12, tau=1.0, sigma=3.0)
    own = np.tile([1.0, -1.0], 6) * np.sqrt(it.within * 11 / 12)
    rows = pd.DataFrame({"g": np.repeat(np.arange(40), 12), "z": np.repeat(it.z, 12)})
    rows["y"] = np.repeat(it.means, 12) + np.tile(own, 40)
    fit = lmer("y ~ z + (1|g)", rows)
    assert it.slope == pytest.approx(fit.fixef["z"])
    assert it.tau_after == pytest.approx(fit.varcorr["sdcor"].iloc[0], rel=1e-5)
    assert it.se == pytest.approx(np.sqrt(np.diag(fit.vcov))[1], rel=1e-5)
    assert it.se_floor == pytest.approx(it.tau_after / np.sqrt(40))


def test_each_bar_has_its_tau_above_its_start():
    it = predictor.compute()
    bars = painted(predictor, it)[1]
    told = {text.get_text(): text.xy for text in bars.texts}
    before, after = (rf"$\hat\tau$ = {number(tau)}" for tau in (it.tau_before, it.tau_after))
    assert told == {before: (0, 1.28), after: (0, 0.28), "hatched: taken by $z$": (0, -0.3)}
    assert [label.get_text() for label in bars.get_yticklabels()] == ["with $z$", "without"]
