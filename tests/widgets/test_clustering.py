"""False alarms: the shortcut is the t test it stands for, and the rates are theory's."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy import stats

from mlmkit.style import colour
from mlmkit.widgets import clustering
from mlmkit.widgets.clustering import STUDIES, compute, describe, explore_clustering, false_alarms

from .artists import painted, points


def test_the_shortcut_is_the_t_test_of_rows_and_of_means():
    """Simulate whole studies and compare the shares of small p values with those of the shortcut."""
    rng = np.random.default_rng(1)
    icc, n, J = 0.15, 8, 12
    rows = np.sqrt(icc) * rng.standard_normal((4000, J, 1)) + np.sqrt(1 - icc) * rng.standard_normal(
        (4000, J, n)
    )
    by_rows = stats.ttest_ind(
        rows[:, : J // 2].reshape(4000, -1), rows[:, J // 2 :].reshape(4000, -1), axis=1
    ).pvalue
    means = rows.mean(axis=2)
    by_means = stats.ttest_ind(means[:, : J // 2], means[:, J // 2 :], axis=1).pvalue
    it = compute(icc, n, J)
    for ours, theirs in ((it.p_rows, by_rows), (it.p_groups, by_means)):
        for level in (0.05, 0.2, 0.5):
            assert np.mean(ours < level) == pytest.approx(np.mean(theirs < level), abs=0.035)


@pytest.mark.parametrize(
    ("icc", "n", "rate"), [(0.01, 10, 0.060), (0.01, 100, 0.165), (0.05, 25, 0.186), (0.2, 10, 0.241)]
)
def test_rows_cry_wolf_as_often_as_the_design_effect_says(icc, n, rate):
    assert false_alarms(icc, n) == pytest.approx(rate, abs=5e-4)
    it = compute(icc, n, 60)
    assert it.alarms[0] == pytest.approx(rate, abs=4 * np.sqrt(rate / STUDIES))
    assert it.alarms[1] == pytest.approx(0.05, abs=0.02)
    assert it.design_effect == pytest.approx(1 + (n - 1) * icc)


def test_independent_rows_do_no_harm():
    it = compute(0.0, 20, 20)
    assert it.alarms[0] == pytest.approx(0.05, abs=0.02) and it.expected == pytest.approx(0.05, abs=1e-6)
    assert "design effect is 1.00" in describe(it)


def test_an_odd_number_of_groups_is_made_even():
    assert compute(J=21).J == 20


def test_groups_are_dealt_to_two_arms_of_one_size():
    control = explore_clustering().controls["J"]
    assert control.step == 2 and control.min % 2 == control.max % 2 == control.value % 2 == 0


# ---- the picture ---------------------------------------------------------------------------------------------


def test_histograms_count_p_values_and_the_first_bin_is_the_alarms():
    it = clustering.compute(0.1, 20, 20)
    rows, groups, curve = painted(clustering, it)
    for ax, p in ((rows, it.p_rows), (groups, it.p_groups)):
        bars = ax.patches
        assert len(bars) == 20 and sum(bar.get_height() for bar in bars) == len(p) == 2000
        assert bars[0].get_height() == np.sum(p < 0.05)
        assert [(bar.get_x(), bar.get_width()) for bar in bars][7] == pytest.approx((0.35, 0.05))
        assert (
            to_hex(bars[0].get_facecolor()) == to_hex(colour("population")) != to_hex(bars[1].get_facecolor())
        )
        assert ax.lines[0].get_ydata()[0] == 100, "as many as in each bin if nothing is wrong"
    highest = max(np.sum(it.p_rows < 0.05), np.sum(it.p_groups < 0.05))
    assert rows.get_ylim()[1] == groups.get_ylim()[1] == 200 * np.ceil(1.05 * highest / 200)
    for line, share in zip(curve.lines[1:5], (0.01, 0.05, 0.2, 0.1), strict=True):
        n, alarms = line.get_data()
        np.testing.assert_array_equal(n, np.arange(2, 101))
        np.testing.assert_allclose(
            alarms, 2 * stats.norm.sf(1.959964 / np.sqrt(1 + (n - 1) * share)), rtol=1e-6
        )
    np.testing.assert_allclose(points(curve, "o"), [[20, np.mean(it.p_rows < 0.05)]])
    assert f"say as much as {400 / (1 + 19 * 0.1):.0f} independent ones" in clustering.describe(it)
