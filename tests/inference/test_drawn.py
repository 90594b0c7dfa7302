"""Pictures of estimates draw the table: each estimate with its interval at its place, series beside each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from numpy.testing import assert_allclose

from mlmkit.inference.drawn import MarginsPicture

from .test_margins import lmm


def segments(ax) -> np.ndarray:
    return np.array([s for c in ax.collections if isinstance(c, LineCollection) for s in c.get_segments()])


def marks(ax) -> list[np.ndarray]:
    return [line.get_xydata() for line in ax.lines if line.get_marker() not in ("None", None, "")]


@pytest.fixture(scope="module")
def means():
    return lmm("y ~ a*b + x + (1|plot)", "field").means("a", by="b")


@pytest.mark.parametrize(
    ("columns", "across"),
    [
        ({"x": [1.0, 1.0], "a": ["u", "v"]}, "x"),
        ({"a": ["u", "v"], "x": [1.0, 1.0]}, "a"),
        ({"a": ["u", "v"], "x": [1.0, 2.0]}, "x"),
        ({"a": ["u", "v"], "yes": [False, True]}, "a"),
    ],
)
def test_across_is_the_first_number_with_several_values_or_else_the_first_variable(columns, across):
    table = pd.DataFrame(columns).assign(estimate=[1.0, 2.0])
    assert MarginsPicture(table, tuple(columns), "y", 0.95).x == across


def test_points_of_several_series_stand_beside_each_other_around_their_level(means):
    ax, table = means.plot(), means.table
    a, b = list(dict.fromkeys(table["a"])), list(dict.fromkeys(table["b"]))
    drawn = marks(ax)
    assert len(drawn) == len(b) and [text.get_text() for text in ax.get_xticklabels()] == [
        str(one) for one in a
    ]
    places = np.array([points[:, 0] for points in drawn])
    assert np.all(np.diff(places, axis=0) > 0.05), "no series stands on another"
    assert_allclose(places.mean(axis=0), range(len(a)), atol=1e-12)  # around the level's tick
    assert np.ptp(places, axis=0).max() < 0.5, "nearer to their own level than to the next"
    for name, points in zip(b, drawn, strict=True):
        own = table[table["b"] == name].set_index("a").loc[a]
        assert_allclose(points[:, 1], own["estimate"])
    ends = segments(ax)
    assert_allclose(ends[:, :, 0], np.repeat(places.reshape(-1, 1), 2, axis=1))
    rows = pd.concat([table[table["b"] == name] for name in b])
    assert_allclose(ends[:, :, 1], rows[["conf.low", "conf.high"]])
    left, right = ax.get_xlim()
    assert left < places.min() and places.max() < right
    looks = {(line.get_color(), line.get_marker()) for line in ax.lines}
    assert len(looks) == len(b), "told apart by colour and marker"


def test_along_a_number_there_are_lines_with_bands():
    means = lmm("y ~ a*x + b + (1|plot)", "field").means("a", at={"x": [0.0, 1.0, 2.5]}, by="x")
    ax, table = means.plot(), means.table
    for points, band, (_, rows) in zip(
        marks(ax),
        [c for c in ax.collections if isinstance(c, PolyCollection)],
        table.groupby("a", sort=False),
        strict=True,
    ):
        assert_allclose(points, rows[["x", "estimate"]])
        corners = band.get_paths()[0].vertices
        for x, low, high in rows[["x", "conf.low", "conf.high"]].to_numpy(float):
            heights = corners[np.isclose(corners[:, 0], x), 1]
            assert (heights.min(), heights.max()) == pytest.approx((low, high))
    strokes = [(line.get_color(), line.get_linestyle()) for line in ax.lines]
    assert len(set(strokes)) == len(strokes)


def test_contrasts_stand_row_by_row_the_first_at_the_top(means):
    contrasts = means.contrasts()
    ax, table = contrasts.plot(), contrasts.table
    rows = np.arange(len(table))[::-1]
    ends = segments(ax)
    assert_allclose(ends[:, :, 0], table[["conf.low", "conf.high"]])
    assert_allclose(ends[:, :, 1], np.column_stack([rows, rows]))
    clear = ((table["conf.low"] > 0) | (table["conf.high"] < 0)).to_numpy()
    filled, open_ = marks(ax)
    assert_allclose(filled, np.column_stack([table["estimate"], rows])[clear].reshape(-1, 2))
    assert_allclose(open_, np.column_stack([table["estimate"], rows])[~clear].reshape(-1, 2))
    nothing = [line for line in ax.lines if list(line.get_ydata()) == [0, 1]]
    assert list(nothing[0].get_xdata()) == [0, 0] and len(nothing) == 1
    assert ax.get_ylim()[0] < 0 and ax.get_ylim()[1] > len(table) - 1
