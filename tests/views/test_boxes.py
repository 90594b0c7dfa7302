"""Boxes, middle lines and what is in the way of what: plane geometry, known without the code."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace

import pytest

from mlmkit.views.boxes import (
    RADIUS,
    Box,
    Words,
    around,
    axis,
    caption_height,
    caption_width,
    caption_words,
    check_clear,
    crowding,
    distance,
    half_width,
    node_box,
    runs_over,
    separation,
)
from mlmkit.views.graph import Edge, Node
from mlmkit.views.model import DiagramError

LONG = Node("all", "b_0, b_1, b_2, b_3", "parameter")


def test_a_box_contains_itself_and_touching_boxes_do_not_overlap():
    box, beside = Box(0, 0, 2, 1), Box(2, 0, 3, 1)
    assert box.contains(box) and not box.overlaps(beside) and not beside.overlaps(box)
    assert box.overlaps(Box(1.9, 0.9, 3, 3)) and not box.contains(Box(1, 0.5, 2.1, 1))
    for outside in (Box(-1, 0, 2, 1), Box(0, -1, 2, 1), Box(0, 0, 3, 1), Box(0, 0, 2, 2)):
        assert outside.contains(box) and not box.contains(outside)
    assert around([box, beside]) == Box(0, 0, 3, 1)
    assert box.grown(1, 2, 3) == Box(-1, -2, 3, 4) and (box.width, box.height) == (2, 1)


def test_a_long_node_has_a_middle_line_through_its_centre_with_a_radius_left_at_both_ends():
    points = axis(LONG, (3.0, 1.0))
    half = half_width(LONG)
    assert half > 2 * RADIUS
    assert points[0] == pytest.approx((3 - half + RADIUS, 1)) and points[-1] == pytest.approx(
        (3 + half - RADIUS, 1)
    )
    assert sum(x for x, _ in points) / len(points) == pytest.approx(3)
    gaps = [b[0] - a[0] for a, b in pairwise(points)]
    assert max(gaps) == pytest.approx(min(gaps)) and max(gaps) < RADIUS  # nothing slips between two points
    assert axis(Node("b", "b", "parameter"), (3.0, 1.0)) == [(3.0, 1.0)]


def test_the_distance_to_a_stretch_of_line_is_that_to_its_nearest_point():
    start, end = (0.0, 0.0), (4.0, 3.0)
    nearest = [
        min(math.dist(p, (4 * t / 5000, 3 * t / 5000)) for t in range(5001))
        for p in ((2, 4), (-1, -2), (7, 3))
    ]
    assert [distance(p, start, end) for p in ((2, 4), (-1, -2), (7, 3))] == pytest.approx(nearest, abs=1e-3)
    assert distance((1, 1), (2, 1), (2, 1)) == pytest.approx(1)


# ---- words ---------------------------------------------------------------------------------------------------


def test_words_take_a_letters_width_each_beside_on_or_before_their_place():
    lefts = {"left": 2.0, "center": 1.5, "right": 1.0}
    for across, left in lefts.items():
        box = Words("words", 2.0, 3.0, across, 1.0).box
        assert (box.left, box.bottom, box.right, box.top) == pytest.approx((left, 2.9, left + 1, 3.1))


@pytest.mark.parametrize(
    ("side", "first", "across"),
    [
        ("below", (0, -0.57), "center"), ("above", (0, 0.57 + 0.24), "center"), ("right", (0.28, -0.5), "left"),
        ("left", (-0.28, -0.5), "right"), ("east", (0.54, 0.12), "left"), ("west", (-0.54, 0.12), "right"),
    ],
)  # fmt: skip
def test_a_caption_of_two_lines_stands_on_its_side(side, first, across):
    """Above its node it grows upwards, beside it both ways, else downwards; lines are 0.24 apart."""
    node = Node("x", "x_i", "given", "mathematics_in_grade_nine")
    one, two = caption_words(node, (10.0, 20.0), side)
    assert (one.text, two.text) == ("mathematics_in_", "grade_nine")
    assert (one.x - 10, one.y - 20) == pytest.approx(first) and one.across == two.across == across
    assert (two.x, one.y - two.y) == (one.x, pytest.approx(0.24))
    assert (one.width, two.width) == pytest.approx((15 * 0.112, 10 * 0.112))
    assert caption_width(node.caption) == pytest.approx(15 * 0.112)
    assert caption_height([node]) == pytest.approx(0.26 + 0.24) and caption_height([]) == 0


def test_the_room_of_a_node_has_its_caption_in_it():
    assert node_box(Node("b", "b_0", "parameter"), (0.0, 0.0)) == Box(-0.42, -0.42, 0.42, 0.42)
    box = node_box(Node("x", "x_i", "given", "a word"), (0.0, 0.0))
    assert (box.left, box.bottom, box.right, box.top) == pytest.approx((-0.42, -0.67, 0.42, 0.42))


@pytest.mark.parametrize(
    ("symbols", "half"), [("b_0", 0.42), ("b_0, b_1", 0.115 * 6 + 0.12), ("b_0, b_1, b_2", 0.115 * 10 + 0.12)]
)
def test_a_list_of_symbols_is_as_wide_as_its_letters(symbols, half):
    assert half_width(Node("b", symbols, "parameter")) == pytest.approx(half)


def test_what_runs_over_what_is_a_radius_and_the_margin_away():
    a, b, c = (Node(name, name, "parameter") for name in "abc")
    edge = Edge("a", "b")
    for height, margin, over in (
        (0.41, 0.0, True),
        (0.43, 0.0, False),
        (0.51, 0.1, True),
        (0.53, 0.1, False),
    ):
        places = {"a": (0.0, 0.0), "b": (4.0, 0.0), "c": (2.0, height)}
        assert runs_over(edge, c, places, margin) is over
        assert not runs_over(edge, a, places, margin)
    assert not runs_over(edge, c, {"a": (0.0, 0.0), "b": (4.0, 0.0)})
    assert separation(a, b, {"a": (0.0, 0.0), "b": (3.0, 4.0)}) == 5


@pytest.mark.parametrize(("gap", "said"), [(0.83, "a and b would touch"), (0.85, "")])
def test_nodes_that_touch_are_crowded(gap, said):
    nodes = tuple(Node(name, name, "parameter") for name in "abc")
    graph = SimpleNamespace(nodes=nodes, edges=())
    assert crowding(graph, {"a": (0.0, 0.0), "b": (gap, 0.0), "c": (0.0, 5.0)}) == said
    struck = SimpleNamespace(nodes=nodes, edges=(Edge("a", "c"),))
    places = {"a": (0.0, 0.0), "b": (0.1, 2.0), "c": (0.0, 5.0)}
    assert crowding(struck, places) == "the arrow from a to c would run over b"
    with pytest.raises(DiagramError, match="too crowded to draw: the arrow from a to c"):
        check_clear(struck, places)
