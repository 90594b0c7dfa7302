"""What is drawn for each kind of node: shape, shade and outline say it, so that colour never speaks alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from mlmkit.datasets import load_data
from mlmkit.style import SHADE
from mlmkit.views.boxes import RADIUS, Box, Layout, half_width
from mlmkit.views.draw import KEY, Pen, _border, _bounds, _wrapped_notes, note_height, symbol_height
from mlmkit.views.graph import Node
from mlmkit.views.letters import typeset
from mlmkit.views.network import network

NETWORKS = {
    "plates": network("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy")),
    "crossed": network("rt ~ 1 + (1|participant) + (1|spelling)", load_data("blp")),
    "a list of coefficients": network("cbind(m, n - m) ~ a + b + (1|batch)", family="binomial"),
    "unrolled": network("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), style="unrolled"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_shape_of_a_node_says_what_kind_it_is(name):
    net = NETWORKS[name]
    ax = net.draw()
    for node in net.nodes:
        drawn = [patch for patch in ax.patches if patch.get_gid() == f"node-{node.name}"]
        observed = node.kind in ("outcome", "given")
        assert {same_color(patch.get_facecolor(), SHADE) for patch in drawn} == {observed}
        assert len(drawn) == (2 if node.kind == "group" else 1), (
            "a group's coefficients have a double outline"
        )
        long = half_width(node) > RADIUS
        assert isinstance(drawn[0], FancyBboxPatch if node.kind == "given" or long else Circle)
        box = drawn[0].get_path().get_extents(drawn[0].get_patch_transform())
        assert (box.x0 + box.x1, box.y0 + box.y1) == pytest.approx(2 * np.array(net.layout.places[node.name]))
        if node.kind == "parameter":
            heavier = [
                p for p in ax.patches if isinstance(p, Circle) and p.radius > 0.3 and p is not drawn[0]
            ]
            others = [p.get_linewidth() for p in heavier if p.get_gid() not in _parameters(net)]
            assert drawn[0].get_linewidth() > max(others), "a parameter's outline is the heaviest"


def _parameters(net) -> set[str]:
    return {f"node-{node.name}" for node in net.nodes if node.kind == "parameter"}


@pytest.mark.parametrize("name", NETWORKS)
def test_arrows_go_from_border_to_border(name):
    """An arrow's line passes through both centres; it begins at the source's border and ends just short of the target."""
    net = NETWORKS[name]
    ax = net.draw()
    drawn = {patch.get_gid(): patch for patch in ax.patches}
    for edge in net.edges:
        arrow = drawn[f"edge-{edge.source}-{edge.target}"]
        a, b, places = arrow.get_path().vertices[0], arrow._posA_posB[1], net.layout.places
        start, end = np.array(places[edge.source]), np.array(places[edge.target])
        along, length = (end - start) / np.linalg.norm(end - start), np.linalg.norm(end - start)
        for point in (np.array(a), np.array(b)):
            assert np.linalg.norm((point - start) - along * ((point - start) @ along)) < 1e-9
        left, right = (np.array(a) - start) @ along, (np.array(b) - start) @ along
        assert 0 < left < right < length
        for node, centre, tip, gap in (
            (net.node(edge.source), start, np.array(a), 0.0),
            (net.node(edge.target), end, np.array(b), 0.05),
        ):
            outer = next(p for p in ax.patches if p.get_gid() == f"node-{node.name}")
            outline = outer.get_path().transformed(outer.get_patch_transform())
            border = Path(
                outline.transformed(Affine2D().scale(1000)).to_polygons()[0] / 1000
            )  # smooth curves
            inward = (centre - tip) / np.linalg.norm(centre - tip)
            slack = 0.04 if half_width(node) > RADIUS else 0.01  # matplotlib's round ends are not quite round
            assert border.contains_point(tip + (gap + slack) * inward)
            assert not border.contains_point(tip + (gap - slack) * inward)


def test_a_plate_is_tinted_and_drawn_under_what_is_in_it():
    net = NETWORKS["plates"]
    ax = net.draw()
    order = {patch.get_gid(): patch.get_zorder() for patch in ax.patches}
    outer, inner = sorted(net.plates, key=lambda plate: len(plate.inside))
    assert order[f"plate-{outer.name}"] < order[f"plate-{inner.name}"]
    assert order[f"plate-{inner.name}"] < min(order[f"node-{node.name}"] for node in net.nodes)
    for plate in net.plates:
        patch = next(p for p in ax.patches if p.get_gid() == f"plate-{plate.name}")
        box = net.layout.plates[plate.name]
        assert (patch.get_x(), patch.get_y()) == (box.left, box.bottom)
        assert (patch.get_width(), patch.get_height()) == pytest.approx((box.width, box.height))
        assert to_rgb(patch.get_facecolor()) != to_rgb(patch.get_edgecolor())


@pytest.mark.parametrize(("across", "share"), [("left", 0.0), ("center", 0.5), ("right", 1.0)])
def test_a_symbol_begins_has_its_middle_or_ends_at_its_place(across, share):
    figure = Figure(figsize=(4, 4))
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 4), ylim=(0, 4))
    Pen(ax, Box(0, 0, 4, 4)).symbol(2.0, 3.0, r"\beta_{j0}", 0.5, across=across)
    boxes = [t.get_window_extent().transformed(ax.transData.inverted()) for t in ax.texts]
    left, right = min(box.x0 for box in boxes), max(box.x1 for box in boxes)
    assert left + share * (right - left) == pytest.approx(2.0, abs=0.06) and right - left > 0.3
    middle = (min(box.y0 for box in boxes) + max(box.y1 for box in boxes)) / 2
    assert middle == pytest.approx(3.0, abs=0.15)


# ---- notes, the key, and shapes by hand ----------------------------------------------------------------------


def canvas(width: float, height: float) -> Pen:
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    return Pen(ax, Box(0, 0, width, height))


def test_a_pen_draws_in_units_of_the_picture_by_its_narrower_side():
    pen = canvas(4.0, 4.0)
    assert pen.points == pytest.approx(72) and pen.line(1.5) == pytest.approx(1.5 / 0.66)
    assert Pen(pen.ax, Box(0, 0, 8, 4)).points == pytest.approx(36)
    assert Pen(pen.ax, Box(0, 0, 4, 16)).points == pytest.approx(18)
    assert pen.text(1, 1, "a", 0.5).get_fontsize() == pytest.approx(36)


@pytest.mark.parametrize(
    ("label", "half", "height"),
    [("s1", 0.4, 0.28), ("abc", 0.4, 0.28), ("abcd", 0.47, 0.24), ("abcdefgh", 0.81, 0.24)],
)
def test_a_bubble_is_as_wide_as_its_word(label, half, height):
    pen = canvas(4.0, 4.0)
    pen.bubble((2.0, 2.0), label, "#000000")
    (patch,) = pen.ax.patches
    box = patch.get_path().get_extents(patch.get_patch_transform())
    assert (box.x0, box.x1, box.y0, box.y1) == pytest.approx((2 - half, 2 + half, 1.6, 2.4), abs=0.01)
    assert pen.ax.texts[0].get_fontsize() == pytest.approx(72 * height)


def test_dots_are_three_in_a_row():
    pen = canvas(4.0, 4.0)
    pen.dots(2.0, 1.0)
    assert [patch.center for patch in pen.ax.patches] == [(1.83, 1.0), (2.0, 1.0), (2.17, 1.0)]


@pytest.mark.parametrize("degrees", [0, 20, 44, 46, 90, 135, 200, 270, 330])
def test_a_ray_leaves_a_node_at_its_border(degrees):
    """A disc of radius 0.42, a square of half a side 0.88 radii, a stadium about its middle line."""
    angle = np.radians(degrees)
    way = np.array([np.cos(angle), np.sin(angle)])
    outcome, given = Node("y", "y_i", "outcome"), Node("x", "x_i", "given")
    long = Node("all", "b_0, b_1, b_2, b_3", "parameter")
    np.testing.assert_allclose(_border(outcome, (1.0, 2.0), angle, 0.05), [1, 2] + 0.47 * way)
    off = np.array(_border(given, (0.0, 0.0), angle, 0.0))
    assert np.abs(off).max() == pytest.approx(0.88 * RADIUS) and off[0] * way[1] - off[1] * way[
        0
    ] == pytest.approx(0, abs=1e-12)
    off = np.array(_border(long, (0.0, 0.0), angle, 0.0))
    straight = half_width(long) - RADIUS
    nearest = np.array([np.clip(off[0], -straight, straight), 0.0])
    assert np.linalg.norm(off - nearest) == pytest.approx(RADIUS) and off @ way > 0


def noted(notes: int, width: float):
    """A network with so many one-line notes below a picture so wide and 4 high."""
    layout = Layout({}, {}, Box(0, 0, width, 4), {}, {})
    return SimpleNamespace(notes=("A note.",) * notes), layout


@pytest.mark.parametrize(("width", "height"), [(5.0, 0.185), (20.0, 0.4)])
def test_notes_are_larger_in_a_wide_picture(width, height):
    assert note_height(Box(0, 0, width, 4)) == pytest.approx(height)
    net, layout = noted(2, width)
    assert _bounds(net, layout, False).bottom == pytest.approx(-(2 * 1.6 * height + 0.1))
    assert _bounds(*noted(0, width), False) == layout.bounds
    longest = max(map(len, _wrapped_notes(SimpleNamespace(notes=("word " * 60,)), layout.bounds)))
    assert longest <= (width - 0.28) / (0.545 * height) < longest + 6


@pytest.mark.parametrize(("width", "rows", "wide"), [(7.0, 1, 7.0), (6.9, 2, 6.9), (3.0, 2, 3.5)])
def test_the_key_has_two_lines_in_a_narrow_picture(width, rows, wide):
    bounds = _bounds(*noted(0, width), True)
    assert bounds.bottom == pytest.approx(-(0.42 * rows + 0.15 + 0.1)) and bounds.width == pytest.approx(wide)


def test_the_key_shows_a_small_node_of_each_kind_before_its_meaning():
    net = NETWORKS["plates"]
    ax = net.draw(key=True)
    meanings = {text.get_text(): text.get_position() for text in ax.texts}
    names = ("data", "population parameter", "given", "group coefficient")
    small = [p for p in ax.patches if p.get_gid() is None]
    assert len(small) == 5, "one each, two for the double outline"
    for name in names:
        x, y = meanings[name]
        centres = [
            (b.x0 + b.x1, b.y0 + b.y1)
            for b in (p.get_path().get_extents(p.get_patch_transform()) for p in small)
        ]
        assert any((cx / 2, cy / 2) == pytest.approx((x - 0.26, y)) for cx, cy in centres)


def test_a_symbol_is_as_large_as_all_or_as_fits():
    assert symbol_height(Node("b", "b", "parameter")) == 0.4
    long = Node("x", r"\vec{\beta}_{123456}", "given")
    assert symbol_height(long) * typeset(long.symbol).width == pytest.approx(2 * RADIUS - 0.26)
    assert symbol_height(Node("x", long.symbol, "outcome")) * typeset(long.symbol).width == pytest.approx(
        2 * RADIUS - 0.2
    )


def test_the_entries_of_a_key_in_two_lines_stand_below_each_other():
    pen = canvas(8.0, 8.0)
    for y, row in ((2.0, KEY[:2]), (1.0, KEY[2:])):
        pen.key(row, 1.0, y)
    assert [text.get_position() for text in pen.ax.texts] == [
        (1.26, 2.0),
        (3.16, 2.0),
        (1.26, 1.0),
        (3.16, 1.0),
    ]
    pen = canvas(8.0, 8.0)
    pen.key(KEY, 1.0, 2.0)
    starts = [text.get_position()[0] - 1.26 for text in pen.ax.texts]
    widths = [0.62 + 0.112 * len(meaning) for _, meaning in KEY]
    assert starts == pytest.approx([0, *np.cumsum(widths)[:3]])


def test_nothing_is_taken_off_an_arrows_ends():
    """They are where `_border` puts them."""
    ax = NETWORKS["plates"].draw()
    arrows = [patch for patch in ax.patches if str(patch.get_gid()).startswith("edge-")]
    assert arrows and {(arrow.shrinkA, arrow.shrinkB) for arrow in arrows} == {(0, 0)}


def test_the_key_stands_at_the_foot_of_the_picture():
    ax = NETWORKS["plates"].draw(key=True)
    names = {meaning for _, meaning in KEY}
    heights = sorted({text.get_position()[1] for text in ax.texts if text.get_text() in names})
    foot = ax.get_ylim()[0]
    assert heights == pytest.approx([foot + 0.3 + 0.42 * k for k in range(len(heights))])
