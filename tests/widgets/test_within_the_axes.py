"""Whatever an exploration shows as a mark lies within its axes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.transforms import Bbox

from mlmkit import widgets
from mlmkit.widgets import predictor
from mlmkit.widgets.drawing import canvas, drawing
from mlmkit.widgets.pooling import MULTIPLES, explore_pooling
from tools.pictures import different, told

#: Clouds whose far ends are cut off on purpose, so that the rest can be seen; and what samples for a minute.
CUT, LONG = {("explore_icc", 2), ("explore_likelihood", 0)}, {"explore_prior"}
#: As `tools.pictures` tells them; see reference/README.md.
APPROVED = json.loads((Path(__file__).parents[1] / "reference" / "explorations.json").read_text())
LIVE = [name for name in widgets.__all__ if name.startswith("explore_") and name not in LONG]


def outside(explorer, name: str) -> dict[int, int]:
    """For each panel how many marks are beyond its limits."""
    found: dict[int, int] = {}
    for k, ax in enumerate(explorer.axes):
        (left, right), (low, high) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
        marked = [line for line in ax.lines if line.get_marker() not in ("None", None, "", " ")]
        for line in marked if ax.get_visible() and (name, k) not in CUT else ():
            if line.get_transform() == ax.transData:
                x, y = np.asarray(line.get_xydata(), dtype=float).T
                found[k] = found.get(k, 0) + int(np.sum((x < left) | (x >= right) | (y < low) | (y > high)))
    return {k: n for k, n in found.items() if n}


#: Panels whose limits leave room for what a slider may bring.
ROOMY = {("explore_clustering", 1), ("explore_loss", 0), ("explore_odds", 2), ("explore_plane", 1)}


def filled(ax) -> list[float]:
    """The share of each axis, across and up, that what is drawn takes."""
    points = [
        np.asarray(line.get_xydata(), float) for line in ax.lines if line.get_transform() == ax.transData
    ]
    shapes = [c for c in ax.collections if c.get_transform() == ax.transData and len(c.get_offsets()) <= 1]
    points += [path.vertices for shape in shapes for path in shape.get_paths()]
    boxes = [patch.get_extents().transformed(ax.transData.inverted()) for patch in ax.patches]
    drawn = np.vstack([*points, *(box.get_points() for box in boxes)])
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    limits = np.sort([ax.get_xlim(), ax.get_ylim()], axis=1).T
    return list(np.ptp(np.clip(drawn, *limits), axis=0) / np.ptp(limits, axis=0))


def assert_panels_have_room(figure) -> None:
    """With their words they reach to all sides of the picture, no further, and none lies on another."""
    with drawing():
        figure.canvas.draw()
        boxes = [ax.get_tightbbox(figure.canvas.get_renderer()) for ax in figure.axes]
    (left, low), (right, high) = Bbox.union(boxes).get_points() / figure.bbox.size
    assert 0.015 < left < 0.1 and 0.03 < low < 0.1 and 0.97 < right < 0.995 and 0.9 < high < 0.99
    for k, one in enumerate(boxes):
        for other in boxes[:k]:
            common = Bbox.intersection(one, other)
            assert common is None or min(common.size) < 1, "a panel's words run into the next one"
    assert sum(np.prod(ax.get_position().size) for ax in figure.axes) > 0.45, "more paper than picture"


@pytest.mark.parametrize("name", LIVE)
def test_marks_are_within_the_axes_and_fill_them(name):
    explorer = getattr(widgets, name)()
    assert different(told(explorer.figure), APPROVED[name]) == [], "looks as when it was approved"
    assert not outside(explorer, name)
    assert_panels_have_room(explorer.figure)
    for k, ax in enumerate(explorer.axes):
        if ax.get_visible() and ax.axison and ax.has_data() and (name, k) not in ROOMY:
            assert min(filled(ax)) > 0.45, f"panel {k} is half empty"
    for preset in list(explorer.presets)[-1:]:
        explorer.use(preset)
        assert not outside(explorer, name), preset
        assert different(told(explorer.figure), APPROVED[f"{name}: {preset}"]) == [], preset


@pytest.mark.parametrize("data", ["rats", "alcohol", "sleepstudy"])
def test_estimates_at_every_tau_are_within_the_axes(data):
    explorer = explore_pooling(data=data)
    for multiple in (MULTIPLES[0], MULTIPLES[-2], MULTIPLES[-1]):
        explorer.set(multiple=multiple)
        assert not outside(explorer, "explore_pooling"), multiple
        assert explorer.axes[0].get_ylim()[1] > explorer.result.flat[:, -1].max()
        flat = [line for line in explorer.axes[0].lines if line.get_label() == "flat"]
        shown = np.sort(flat[0].get_ydata())
        np.testing.assert_allclose(shown, np.sort(explorer.result.flat[:, -1]))


@pytest.mark.parametrize("values", [{}, {"b1": 3.0, "tau": 2.5}, {"b1": 0.0, "tau": 3.0}])
def test_bars_are_the_variances_before_and_after_and_what_is_between(values):
    it = predictor.compute(**values)
    figure = canvas((9, 4))
    axes = predictor.panels(figure)
    predictor.draw(axes, it)
    ax = next(ax for ax in axes if ax.patches)
    widths = {(round(bar.get_y() + bar.get_height() / 2), bar.get_x()): bar.get_width() for bar in ax.patches}
    before, after = it.tau_before**2, it.tau_after**2
    assert widths == pytest.approx({(1, 0): before, (0, 0): after, (0, after): max(before - after, 0)})
    assert ax.get_xlim()[1] >= max(before, after)
    assert it.r_squared == pytest.approx(1 - after / before)
    texts = [text.get_text() for text in ax.texts]
    assert sum(r"\hat\tau" in text for text in texts) == 2


@pytest.mark.parametrize("data", ["rats", "alcohol", "sleepstudy"])
def test_the_criterion_over_tau_is_seen_whole_but_for_no_pooling(data):
    ax = explore_pooling(data=data).axes[1]
    rise = ax.lines[0].get_ydata()[:-1]
    low, high = ax.get_ylim()
    assert low < 0 and rise[0] < high < 1.5 * rise[0]
    flat = explore_pooling(data=data).axes[0].lines[-2].get_ydata()
    assert np.isfinite(flat).all()
