"""The shrinkage weight: the formula, its numbers, and the fits it comes from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mlmkit.datasets import load_data
from mlmkit.models import lmer
from mlmkit.widgets import weight as module
from mlmkit.widgets.weight import MODELS, compute, describe, explore_weight, groups, population_mean, weight

from .artists import painted, segments


def as_observed(data, group, **changes):
    it = groups(data)
    k = it.names.index(group)
    values = {"n": it.n[k], "mean": it.means[k], "tau": it.tau, "sigma": it.sigma}
    return compute(data, group, **{**values, **changes})


@pytest.mark.parametrize(
    ("tau", "sigma", "n", "value"),
    [(1, 1, 1, 0.5), (2, 1, 1, 0.8), (1, 2, 4, 0.5), (0, 1, 9, 0), (1, 0, 1, 1)],
)
def test_the_formula(tau, sigma, n, value):
    assert weight(tau, sigma, n) == pytest.approx(value)


@pytest.mark.parametrize("data", MODELS)
def test_untouched_it_is_the_fit(data):
    formula, group, _ = MODELS[data]
    fit = lmer(formula, load_data(data))
    it = as_observed(data, groups(data).names[groups(data).shown[0]])
    coef = fit.coef[group]["Intercept"]
    coef.index = coef.index.astype(str)
    np.testing.assert_allclose(it.multilevel, coef[list(it.names)], rtol=1e-5)
    assert it.b == pytest.approx(fit.fixef["Intercept"], rel=1e-6)
    np.testing.assert_allclose(it.as_observed, it.multilevel)


def test_more_observations_leave_less_to_shrink_and_the_others_hardly_move():
    name = groups("mathachieve").names[groups("mathachieve").shown[-1]]
    few, many = (as_observed("mathachieve", name, n=n) for n in (1, 60))
    gap = [abs(it.flat[it.chosen] - it.multilevel[it.chosen]) for it in (few, many)]
    assert gap[0] > 5 * gap[1]
    assert few.others_move < 0.01 * gap[0]


def test_a_groups_mean_moves_its_estimate_by_its_weight():
    name = groups("sleepstudy").names[groups("sleepstudy").shown[4]]
    it, moved = (as_observed("sleepstudy", name, mean=mean) for mean in (300.0, 310.0))
    k = it.chosen
    expected = 10 * (it.weights[k] + (1 - it.weights[k]) / 18)  # b moves, too: one of 18 equal groups
    assert moved.multilevel[k] - it.multilevel[k] == pytest.approx(expected)


def test_a_data_set_brings_its_own_ranges():
    explorer = explore_weight()
    explorer.use("mathachieve")
    it = groups("mathachieve")
    assert explorer.values["tau"] == pytest.approx(it.tau, abs=0.01)
    assert explorer.values["group"] in it.names
    k = it.names.index(explorer.values["group"])
    assert explorer.values["n"] == it.n[k] and explorer.values["mean"] == pytest.approx(it.means[k], abs=0.01)
    explorer.controls["group"].value = next(
        name for name in explorer.controls["group"].options if name != it.names[k]
    )
    assert explorer.values["n"] == it.n[it.names.index(explorer.values["group"])]


def test_words():
    words = describe(
        as_observed("mathachieve", groups("mathachieve").names[groups("mathachieve").shown[0]], n=1)
    )
    assert "has 1 observation with mean" in words and "λ = 0.18" in words and "other groups" in words


def test_the_others_move_is_the_largest_of_them():
    name = groups("mathachieve").names[groups("mathachieve").shown[-1]]
    it = as_observed("mathachieve", name, n=1)
    moves = [abs(it.multilevel[k] - it.as_observed[k]) for k in range(len(it.names)) if k != it.chosen]
    assert it.others_move == pytest.approx(max(moves)) and max(moves) > 1.2 * min(moves)


def test_without_any_variance_no_weight_is_claimed():
    name = groups("sleepstudy").names[groups("sleepstudy").shown[0]]
    words = describe(as_observed("sleepstudy", name, tau=0.0, sigma=0.0))
    assert "λ is 0/0" in words and "weighs" not in words
    assert "λ = 1.00" in describe(as_observed("sleepstudy", name, sigma=0.0))
    assert "λ = 0.00" in describe(as_observed("sleepstudy", name, tau=0.0))


# ---- the picture ---------------------------------------------------------------------------------------------


def shown(data="mathachieve", k=3, **changes):
    it = groups(data)
    j = it.shown[k]
    values = {"n": int(it.n[j]), "mean": it.means[j], "tau": it.tau, "sigma": it.sigma}
    return compute(data, it.names[j], **{**values, **changes})


def test_twelve_groups_are_shown_evenly_from_the_lowest_mean_to_the_highest():
    it = groups("mathachieve")
    ranks = stats.rankdata(it.means)[list(it.shown)] - 1
    np.testing.assert_array_equal(ranks, np.round(np.arange(12) * 159 / 11))


def test_the_chosen_groups_row_is_shaded_and_its_weight_is_on_the_curve():
    it = shown(n=10, tau=2.0, sigma=4.0)
    means, curve = painted(module, it)
    box = means.patches[0].get_extents().transformed(means.transData.inverted())
    assert (box.y0, box.y1) == pytest.approx((2.55, 3.45))
    rows = segments(means)
    np.testing.assert_allclose(rows[:, :, 1], np.repeat(np.arange(12), 2).reshape(12, 2))
    np.testing.assert_allclose(rows[:, :, 0], np.column_stack([it.flat, it.multilevel]))
    low, high = groups("mathachieve").means[list(groups("mathachieve").shown)][[0, -1]]
    assert means.get_xlim() == pytest.approx((low - 0.12 * (high - low), high + 0.12 * (high - low)))
    n, lam = curve.lines[0].get_data()
    np.testing.assert_array_equal(n, np.arange(1, 71))
    np.testing.assert_allclose(lam, n / (n + 4))
    np.testing.assert_allclose(curve.lines[1].get_xydata(), [[10, 0], [10, 10 / 14], [0, 10 / 14]])
    assert curve.get_title("right") == "λ = 4.00 / (4.00 + 16.0/10)\n= 0.71"
    assert "not defined" in painted(module, shown(tau=0.0, sigma=0.0))[1].get_title("right")
    assert "= 0.00" in painted(module, shown(tau=0.0))[1].get_title("right")


def test_the_population_mean_weighs_groups_by_what_they_tell():
    n, means = np.array([1, 4, 16]), np.array([1.0, 2.0, 6.0])
    w = 1 / (2.0**2 + 3.0**2 / n)
    assert population_mean(2.0, 3.0, n, means) == pytest.approx(np.sum(w * means) / np.sum(w))
    assert population_mean(0.0, 3.0, n, means) == pytest.approx(np.average(means, weights=n))
    assert population_mean(0.0, 0.0, n, means) == pytest.approx(3.0)


def test_the_others_are_named_only_if_they_move():
    assert "other groups" not in describe(shown())
    assert "other groups" in describe(shown(mean=0.0, n=60))
