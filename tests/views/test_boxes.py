"""Boxes, middle lines and what is in the way of what: plane geometry, known without the code."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from mlmkit.views.boxes import RADIUS, Box, around, axis, distance, half_width
from mlmkit.views.graph import Node

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
