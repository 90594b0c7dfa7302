"""What is drawn for each kind of node: shape, shade and outline say it, so that colour never speaks alone."""

from __future__ import annotations

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
from mlmkit.views.boxes import RADIUS, Box, half_width
from mlmkit.views.draw import Pen
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
