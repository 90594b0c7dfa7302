"""Plans: the exact power, the simulated one beside it, and what the same money buys."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from mlmkit.widgets import planner
from mlmkit.widgets.planner import (
    GROUPS,
    STUDIES,
    Design,
    _intervals,
    _tests,
    compute,
    describe,
    draw,
    panels,
    presets,
)

from .artists import painted, points, segments

SLEEP = Design("days", 10, 5.92, 25.59)


@pytest.mark.parametrize(("J", "power"), [(10, 0.407), (18, 0.684), (24, 0.816), (40, 0.964)])
def test_power_of_a_slope_is_the_noncentral_ts(J, power):
    assert SLEEP.power(J, 4.0) == pytest.approx(power, abs=1e-3)


def test_the_standard_error_is_chapter_threes():
    assert Design("days", 10, 5.922, 25.592).se(18) == pytest.approx(1.5458, abs=2e-4)


@pytest.mark.parametrize(("J", "n", "power"), [(40, 5, 0.331), (40, 20, 0.476), (80, 10, 0.705)])
def test_power_of_two_arms(J, n, power):
    assert Design("arms", n, 2.935, 6.257).power(J, 2.0) == pytest.approx(power, abs=2e-3)


def test_simulated_power_lies_around_the_exact_one():
    it = compute(effect=4.0)
    exact = it.design.power(GROUPS, 4.0)
    assert np.all(np.abs(it.simulated - exact) < 4.5 * np.sqrt(exact * (1 - exact) / STUDIES) + 1e-3)


def test_the_interval_and_the_budget():
    it = compute(J=18, n=10, tau=5.92, sigma=25.59, group_cost=10)
    assert it.half_width == pytest.approx(stats.t.isf(0.025, 17) * 1.5453, rel=1e-3)
    n, J, power = it.budget
    assert it.cost == 18 * 20 and np.all(J * (10 + n) <= it.cost) and np.all((J + 1) * (10 + n) > it.cost)
    k = list(n).index(10)
    assert (J[k], power[k]) == (18, pytest.approx(it.power))


def test_significant_estimates_of_a_small_study_are_too_large():
    small = compute(J=6, effect=2.0, tau=5.92, sigma=25.59)
    assert small.exaggeration == pytest.approx(2.93, abs=0.6)
    assert compute(J=60, effect=4.0).exaggeration < 1.1
    assert np.isnan(compute(effect=0.0).exaggeration)
    assert "times too large" in describe(small) and "times too large" not in describe(compute(effect=0.0))


def test_without_an_effect_one_study_in_twenty_is_significant():
    """However few groups: the χ² that the t tests divide by has its degrees of freedom for a mean."""
    z, u = np.random.default_rng(2).standard_normal((2, 200_000))
    estimates, significant = _tests(SLEEP, 5, 0.0, z, u)
    assert np.std(estimates) == pytest.approx(SLEEP.se(5), rel=0.01)
    assert np.mean(significant) == pytest.approx(0.05, abs=0.003)


def test_bars_of_simulated_power_hold_the_exact_one_as_often_as_they_say():
    """Wilson's 95% intervals, as scipy has them: they hold the exact power about nineteen times in twenty."""
    inside, of = 0, 0
    for sample in range(5):
        it, axes = compute(effect=2.0, sample=sample), panels(plt.Figure())
        draw(axes, it)
        (bars,) = axes[0].collections
        ends = np.array(bars.get_segments())[:, :, 1]
        counts = np.round(it.simulated * STUDIES).astype(int)
        scipys = [stats.binomtest(k, STUDIES).proportion_ci(0.95, "wilson") for k in counts]
        np.testing.assert_allclose(ends, scipys, atol=1e-12)
        exact = it.design.power(GROUPS, it.effect)
        inside, of = inside + np.sum((ends[:, 0] <= exact) & (exact <= ends[:, 1])), of + len(exact)
    assert 0.88 < inside / of <= 1


@pytest.mark.parametrize("kind", ["days", "arms"])
@pytest.mark.parametrize("tau", [0.0, 5.9, 15.0])
def test_power_is_a_number_however_large_the_effect(kind, tau):
    """It grows with the effect from 5% to 1, and is the noncentral t's, a tail at a time."""
    J = np.arange(4, 101)
    power = np.array([Design(kind, 100, tau, 1.0).power(J, effect) for effect in (0.0, 0.5, 2.0, 12.0)])
    assert np.all(np.isfinite(power)) and np.all(power <= 1) and np.all(np.diff(power, axis=0) > -1e-9)
    np.testing.assert_allclose(power[0], 0.05, atol=1e-6)
    design = Design(kind, 10, 5.9, 25.6)
    df, away = design.df(J), 2.0 / design.se(J)
    edge = stats.t.isf(0.025, df)
    exact = stats.nct.sf(edge, df, away) + stats.nct.cdf(-edge, df, away)
    np.testing.assert_allclose(design.power(J, 2.0), exact, atol=1e-6)


def test_few_schools_have_as_many_pupils_as_many():
    many, few = (presets()[name].values for name in ("schools", "few schools"))
    assert many["J"] * many["n"] == few["J"] * few["n"] == 360


def test_intervals_are_each_studys_own_and_hold_the_effect_19_times_in_20():
    """They differ in width as the estimated SDs do, and a dot is filled if its interval leaves 0 out."""
    z, u = np.random.default_rng(4).standard_normal((2, 100_000))
    estimates, half = _intervals(SLEEP, 8, 3.0, z, u)
    assert np.mean(np.abs(estimates - 3.0) < half) == pytest.approx(0.95, abs=0.003)
    assert np.std(half) / np.mean(half) == pytest.approx(
        np.std(np.sqrt(stats.chi2.rvs(7, size=100_000, random_state=1) / 7)), rel=0.05
    )
    it, axes = compute(), panels(plt.Figure())
    draw(axes, it)
    (bars,) = axes[2].collections
    ends = np.array(bars.get_segments())[:, :, 0]
    filled = axes[2].lines[2].get_xdata()
    alone = (ends[:, 0] > 0) | (ends[:, 1] < 0)
    np.testing.assert_allclose(filled, ends.mean(axis=1)[alone])


def test_of_an_odd_number_of_groups_one_arm_has_one_more():
    """The standard error of a difference of two means, and what the t test of simulated groups finds."""
    design, rng = Design("arms", 10, 2.9, 6.3), np.random.default_rng(5)
    y = design.of_group**0.5 * rng.standard_normal((40_000, 5))
    y[:, :2] += 6.0
    assert design.se(5) == pytest.approx(np.std(y[:, :2].mean(axis=1) - y[:, 2:].mean(axis=1)), rel=0.02)
    found = stats.ttest_ind(y[:, :2], y[:, 2:], axis=1).pvalue < 0.05
    assert design.power(5, 6.0) == pytest.approx(np.mean(found), abs=0.01)


def test_words_of_an_effect_of_0_and_of_money_well_spent():
    nothing = describe(compute(effect=0.0))
    assert "5% of studies find an effect that is not there" in nothing and "same money" not in nothing
    assert "buys no more power" in describe(compute(**presets()["schools"].values))
    assert "18 groups of 10" in describe(compute(**presets()["few schools"].values))
    assert "right on average" in describe(compute(J=100, n=100, effect=12.0))


def test_a_power_of_1_in_500_studies_is_not_known_for_sure():
    it, axes = compute(J=100, n=100, effect=12.0), panels(plt.Figure())
    assert it.simulated[-1] == 1
    draw(axes, it)
    low, high = axes[0].collections[0].get_segments()[-1][:, 1]
    assert high == pytest.approx(1) and 0.99 < low < 0.993  # 500/(500 + 1.96²)


# ---- the picture ---------------------------------------------------------------------------------------------


def test_forty_studies_have_their_own_intervals_and_the_scale_holds_nine_in_ten():
    it = planner.compute()
    power, _, studies = painted(planner, it)
    bars = segments(studies)
    np.testing.assert_allclose(
        bars[:, 0], np.column_stack([it.estimates - it.half_widths, np.arange(500)])[:40]
    )
    np.testing.assert_allclose(
        bars[:, 1], np.column_stack([it.estimates + it.half_widths, np.arange(500)])[:40]
    )
    reach = 1.1 * max(4 + it.half_width, np.quantile(np.abs(it.estimates[:40]) + it.half_widths[:40], 0.9))
    assert reach <= studies.get_xlim()[1] < 1.7 * reach and studies.get_ylim() == (-1, 40)
    x, y = power.lines[1].get_data()
    np.testing.assert_array_equal(x, np.arange(4, 101))
    np.testing.assert_allclose(y, it.design.power(x, 4.0))
    np.testing.assert_allclose(points(power, "D"), [[18, it.power]])
    found = np.abs(it.estimates) > it.half_widths
    assert it.exaggeration == pytest.approx(np.abs(it.estimates[found]).mean() / 4)


@pytest.mark.parametrize("values", [{}, {"effect": 12.0}, {"group_cost": 100.0}, {"group_cost": 0.0}])
def test_the_best_division_of_the_money_is_named_at_its_point_inside_the_panel(values):
    it = planner.compute(**values)
    n, J, power = it.budget
    best = int(np.argmax(power))
    (name,) = painted(planner, it)[1].texts
    assert name.get_text() == f"{J[best]} groups of {n[best]}" and name.xy == (n[best], power[best])
    right, below = name.xyann
    assert (right < 0) == (n[best] > 55) == (name.get_ha() == "right") and (below < 0) == (power[best] > 0.85)
    assert it.cost == it.J * (values.get("group_cost", 10.0) + it.design.n)
    assert n.min() == 2 and n.max() <= 100 and J.min() >= 4


def test_a_slopes_variance_is_that_of_days_in_a_row():
    design = planner.Design("days", 7, 2.0, 3.0)
    days = np.arange(7.0)
    assert design.of_group == pytest.approx(4 + 9 / np.sum((days - 3) ** 2))
    assert planner.Design("arms", 7, 2.0, 3.0).of_group == pytest.approx(4 + 9 / 7)
    assert (design.df(10), planner.Design("arms", 7, 2.0, 3.0).df(10)) == (9, 8)
