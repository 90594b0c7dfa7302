"""The ICC: one set of draws, re-scaled; presets as the course's fits have them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

from mlmkit.models import lmer
from mlmkit.widgets import icc
from mlmkit.widgets.icc import _share, compute, describe, presets

from .artists import has, painted, points, segments, texts


@pytest.mark.parametrize(
    ("tau", "sigma", "icc"), [(0, 1, 0), (1, 0, 1), (3, 3, 0.5), (1, 2, 0.2), (6, 12, 0.2)]
)
def test_the_icc_is_the_share_of_the_variance(tau, sigma, icc):
    assert compute(tau, sigma).icc == pytest.approx(icc)


def test_only_what_a_slider_changes_changes():
    it, wider = compute(1.0, 2.0), compute(3.0, 2.0)
    np.testing.assert_allclose(wider.means, 3 * it.means)
    np.testing.assert_allclose(wider.y - wider.means[:, None], it.y - it.means[:, None])
    more = compute(1.0, 2.0, J=20, n=15)
    np.testing.assert_array_equal(more.y[:12, :10], it.y)


def test_a_new_sample_is_another():
    assert not np.allclose(compute(sample=1).y, compute(sample=0).y)


def test_the_samples_own_icc_is_what_reml_estimates():
    it = compute(2.0, 1.5, J=15, n=8)
    rows = pd.DataFrame({"y": it.y.ravel(), "g": np.repeat(np.arange(15), 8)})
    fit = lmer("y ~ 1 + (1|g)", rows)
    tau, sigma = fit.varcorr.sdcor
    assert it.sample_icc == pytest.approx(tau**2 / (tau**2 + sigma**2), rel=1e-5)


def test_pairs_correlate_as_the_icc_says():
    for tau, sigma in ((0.0, 2.0), (2.0, 2.0), (4.0, 1.0)):
        it = compute(tau, sigma)
        assert np.corrcoef(it.pairs.T)[0, 1] == pytest.approx(it.icc, abs=0.1)


@pytest.mark.parametrize(
    ("name", "icc"),
    [
        ("alcohol", 0.9525),
        ("sleepstudy", 0.589),
        ("mathachieve", 0.180),
        ("rats, latent", 0.118),
        ("rats, response", 0.053),
    ],
)
def test_presets_are_the_courses_iccs(name, icc):
    values = presets()[name].values
    assert compute(**values).icc == pytest.approx(icc, abs=2e-3)


def test_no_variance_at_all_is_said_to_be_nothing_to_split():
    assert "nothing to split" in describe(compute(0, 0))


def test_words_have_the_numbers():
    words = describe(compute(2.0, 4.0, J=7, n=9))
    assert (
        "τ² = 4.00" in words and "σ² = 16.0" in words and "ICC = 0.20" in words and "7 groups of 9" in words
    )


def test_a_samples_icc_below_0_has_a_minus_and_one_that_is_0_has_none():
    below = compute(0.0, 3.0)
    assert below.sample_icc < 0
    assert f"estimate it as −{-below.sample_icc:.2f}." in describe(below)
    assert [_share(icc) for icc in (-0.001, 0.0, 1.0, np.nan)] == ["0.00", "0.00", "1.00", "not defined"]


# ---- the picture ---------------------------------------------------------------------------------------------


def test_members_stand_around_their_group_and_its_true_mean_is_a_bar():
    it = icc.compute(2.0, 1.0, J=4, n=5)
    groups, _, pairs = painted(icc, it)
    dots = points(groups, "o").reshape(4, 5, 2)
    np.testing.assert_allclose(dots[:, :, 1], it.y)
    np.testing.assert_allclose(dots[2, :, 0], 3 + np.array([-2, -1, 0, 1, 2]) * 0.135)
    for j, mean in enumerate(it.means):
        assert has(segments(groups), [[j + 0.6, mean], [j + 1.4, mean]])
    assert groups.get_xlim() == (0.2, 5.8) and groups.get_ylim() == (-8, 8), (
        "the next of 5, 8, 10 beyond 3.1 SDs"
    )
    assert pairs.get_xlim() == pairs.get_ylim() == (-8, 8)
    np.testing.assert_allclose(points(pairs, "o"), it.pairs)
    np.testing.assert_allclose(painted(icc, icc.compute(n=2))[0].lines[1].get_xdata()[:2], [0.73, 1.27])
    np.testing.assert_allclose(painted(icc, icc.compute(n=1, J=3))[0].lines[1].get_xdata(), [1, 2, 3])


@pytest.mark.parametrize(
    ("tau", "names"),
    [(0.5, {"within"}), (0.9, {"between", "within"}), (1.9, {"between", "within"}), (2.1, {"between"})],
)
def test_a_part_of_the_variance_is_named_where_it_has_room(tau, names):
    """ICCs of 0.2, 0.447, 0.783 and 0.815 at σ = 1; the parts meet at the ICC and end at 1."""
    it = icc.compute(tau, 1.0)
    split = painted(icc, it)[1]
    assert set(texts(split)) == names and split.get_title() == f"ICC = {it.icc:.2f}"
    bars = [(bar.get_x(), bar.get_width()) for bar in split.patches]
    share = tau**2 / (tau**2 + 1)
    np.testing.assert_allclose(bars, [(0, share), (share, 1 - share)])


def test_the_rats_two_iccs_have_their_residuals():
    tau, sigma = icc._rats_latent()
    assert sigma**2 == pytest.approx(stats.logistic.var())
    between, within = icc._rats_response()
    b = icc._rats().fixef.iloc[0]
    z = np.linspace(-9, 9, 20001)
    p, density = expit(b + tau * z), stats.norm.pdf(z) * (z[1] - z[0])
    mean = np.sum(p * density)
    assert between == pytest.approx(np.sqrt(np.sum(p**2 * density) - mean**2), rel=1e-6)
    assert between**2 + within**2 == pytest.approx(mean * (1 - mean), rel=1e-9)
