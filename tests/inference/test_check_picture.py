"""What the picture of a check draws: residuals against what they should be, and statistics among their simulations."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.inference.check_picture import _histogram


@pytest.fixture(scope="module")
def check():
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"g": np.repeat(np.arange(12), 8), "x": rng.normal(size=96)})
    data["kind"] = np.array(["low", "mid", "high"])[np.arange(96) % 3]
    data["y"] = rng.poisson(np.exp(0.3 + 0.4 * data["x"] + 0.5 * rng.normal(size=12)[data["g"]]))
    return mk.glmer("y ~ x + kind + (1|g)", data, "poisson").check(n=60, seed=1, progress=False)


@pytest.fixture(scope="module")
def axes(check):
    figure = plt.Figure(figsize=(9, 6))
    check.paint(figure)
    return figure.axes


def test_ordered_residuals_stand_at_their_share_of_the_rows(check, axes):
    """Of n uniform numbers the k-th lies about (k − ½)/n; the diagonal joins 0 and 1."""
    diagonal, dots = (line.get_xydata() for line in axes[0].lines)
    np.testing.assert_allclose(diagonal, [[0, 0], [1, 1]])
    np.testing.assert_allclose(dots[:, 0], (np.arange(96) + 0.5) / 96)
    np.testing.assert_allclose(dots[:, 1], np.sort(check.residuals))
    band = axes[0].collections[0].get_paths()[0].vertices
    simulated = np.sort(check.places[:, 1:], axis=0)
    assert (band[:, 0].min(), band[:, 0].max()) == pytest.approx((0.5 / 96, 1 - 0.5 / 96))
    heights = band[np.isclose(band[:, 0], 47.5 / 96), 1]
    assert (heights.min(), heights.max()) == pytest.approx(np.quantile(simulated[47], [0.025, 0.975]))


def test_means_of_residuals_stand_in_eight_parts_of_equal_size(check, axes):
    half, dots, means = (line.get_xydata() for line in axes[1].lines)
    assert set(half[:, 1]) == {0.5} and axes[1].get_ylim() == (0, 1)
    along = check.along.iloc[:, 0].to_numpy()
    np.testing.assert_allclose(dots, np.column_stack([along, check.residuals]))
    order = np.argsort(along, kind="stable")
    parts = np.array_split(order, 8)
    np.testing.assert_allclose(means[:, 0], [along[part].mean() for part in parts])
    np.testing.assert_allclose(means[:, 1], [check.residuals.to_numpy()[part].mean() for part in parts])


def test_along_a_factor_there_is_a_part_for_each_level(check):
    figure = plt.Figure(figsize=(9, 6))
    replace(check, x="kind").paint(figure)
    ax = figure.axes[1]
    labels = [label.get_text() for label in ax.get_xticklabels()]
    means = ax.lines[-1].get_xydata()
    own = check.residuals.groupby(check.fit.data["kind"]).mean()
    assert means[:, 0].tolist() == [0, 1, 2]
    np.testing.assert_allclose(means[:, 1], own[labels])


def test_a_statistic_is_marked_in_the_histogram_of_its_simulations(check, axes):
    shown = {ax.get_title("left") or ax.get_title(): ax for ax in axes[2:] if ax.get_visible()}
    assert len(shown) == 4 and set(shown) <= set(check.table.index)
    for name, ax in shown.items():
        row, simulated = check.table.loc[name], check.simulated[name]
        (mark,) = (line.get_xdata()[0] for line in ax.lines)
        assert mark == row["statistic"]
        heights = [bar.get_height() for bar in ax.patches]
        assert len(heights) == 20 and sum(heights) == np.isfinite(simulated).sum()
        outside = row["statistic"] < row["conf.low"] or row["statistic"] > row["conf.high"]
        assert (", p " in ax.get_xlabel()) == outside == (ax.lines[0].get_linewidth() > 2)


@pytest.mark.parametrize(
    ("statistic", "shown"), [(12.0, "12"), (1234.0, "1234"), (1.25, "1.25"), (0.031, "0.0310")]
)
def test_a_statistic_that_is_a_whole_number_is_told_as_one(statistic, shown):
    ax = plt.Figure().subplots()
    row = pd.Series({"statistic": statistic, "conf.low": -np.inf, "conf.high": np.inf, "p.value": 1.0})
    _histogram(ax, "zeros", row, np.array([1.0, 2.0, np.nan]))
    assert ax.get_xlabel() == f"seen: {shown}"
