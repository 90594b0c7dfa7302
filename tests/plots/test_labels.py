"""Labels: apart from each other, inside the frame, the same places every time."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mlmkit.plots.labels import (
    Places,
    Scene,
    _covered,
    _distances,
    _nearer_to_others,
    _on_lines,
    _text_sizes,
    _turn,
    choose,
    overlaps,
    place_labels,
)


def boxes_of(labels):
    renderer = labels[0].figure.canvas.get_renderer()
    return np.array([label.get_window_extent(renderer).extents for label in labels])


def test_overlap_is_the_root_of_the_common_area():
    box = np.array([[0.0, 0.0, 4.0, 4.0]])
    others = np.array([[2.0, 2.0, 6.0, 6.0], [4.0, 0.0, 8.0, 4.0], [-1.0, -1.0, 9.0, 9.0]])
    assert overlaps(box, others) == pytest.approx(np.array([[2.0, 0.0, 4.0]]))


def test_two_labels_that_want_one_place_give_way():
    near, far = [0.0, 0.0, 10.0, 5.0], [20.0, 0.0, 30.0, 5.0]
    option = Places(np.array([near, far]), np.array([0.0, 1.0]))
    chosen = choose([option, option])
    assert overlaps(chosen[:1], chosen[1:]).item() == 0


@pytest.mark.parametrize("seed", range(4))
def test_crowded_points_get_labels_that_do_not_overlap(seed):
    points = np.random.default_rng(seed).normal(size=(18, 2))
    _, ax = plt.subplots()
    ax.plot(*points.T, "o")
    labels = place_labels(ax, [f"{300 + k}" for k in range(18)], points, fontsize=8)
    boxes = boxes_of(labels)
    common = overlaps(boxes, boxes)[~np.eye(18, dtype=bool)]
    assert common.max() == 0
    x0, y0, x1, y1 = ax.bbox.extents
    assert boxes[:, :2].min(axis=0) == pytest.approx(np.maximum(boxes[:, :2].min(axis=0), [x0, y0]))
    assert boxes[:, 2:].max(axis=0) == pytest.approx(np.minimum(boxes[:, 2:].max(axis=0), [x1, y1]))


def test_a_label_lies_opposite_to_what_it_keeps_away_from():
    _, ax = plt.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    (left,) = place_labels(ax, ["a"], np.array([[0.5, 0.5]]), away_from=np.array([[0.9, 0.5]]))
    assert left.xyann[0] < 0
    (up,) = place_labels(ax, ["b"], np.array([[0.5, 0.5]]), away_from=np.array([[0.5, 0.1]]))
    assert up.xyann[1] > abs(up.xyann[0])


def test_the_same_places_every_time():
    points = np.random.default_rng(1).normal(size=(12, 2))

    def places():
        _, ax = plt.subplots()
        ax.plot(*points.T, "o")
        return [label.xyann for label in place_labels(ax, list("abcdefghijkl"), points)]

    assert places() == places()


def test_a_label_is_nearest_to_its_own_point():
    points = np.array([[0.5, 0.5], [0.53, 0.44], [0.47, 0.42], [0.55, 0.55]])
    _, ax = plt.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    boxes = boxes_of(place_labels(ax, ["331", "332", "333", "334"], points))
    pixels = ax.transData.transform(points)
    gaps = np.maximum(boxes[:, None, :2] - pixels, pixels - boxes[:, None, 2:]).clip(0)
    distances = np.linalg.norm(gaps, axis=2)
    assert list(distances.argmin(axis=1)) == [0, 1, 2, 3]


NONE = np.empty((0, 2, 2))


def scene(**changes) -> Scene:
    """An empty frame of 100 by 100 pixels, one pixel a point."""
    parts = {"frame": np.array([0.0, 0, 100, 100]), "anchors": np.empty((0, 2)), "dots": np.empty((0, 4))}
    return Scene(**{**parts, "lines": NONE, "faint_lines": NONE, "pixel": 1.0, **changes})


def test_a_label_costs_by_each_pixel_outside_the_frame():
    boxes = np.array([[10.0, 10, 20, 20], [-3, 10, 7, 20], [10, -4, 20, 6], [95, 97, 105, 107]])
    np.testing.assert_allclose(_covered(boxes, scene()), 50 * np.array([0, 3, 4, 5 + 7]))


def test_points_cost_more_than_lines_and_lines_more_than_faint_ones():
    box = np.array([[10.0, 10, 20, 20]])
    across = np.array([[[0.0, 15.0], [30.0, 15.0]]])
    dot = np.array([[16.0, 16, 24, 24]])
    assert _covered(box, scene(dots=dot))[0] == pytest.approx(12 * 4)
    assert _covered(box, scene(lines=across))[0] == pytest.approx(4 * 10, rel=0.06)
    assert _covered(box, scene(faint_lines=across))[0] == pytest.approx(0.6 * 10, rel=0.06)


def test_a_line_costs_by_its_length_inside_a_box():
    boxes = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10], [0, 20, 10, 30]])
    slanted = np.array([[[0.0, 0.0], [6.0, 8.0]], [[25.0, -10.0], [25.0, 20.0]]])
    np.testing.assert_allclose(_on_lines(boxes, slanted), [10, 10, 0], rtol=0.07)
    assert list(_on_lines(boxes, NONE)) == [0, 0, 0]


def test_turning_costs_from_0_to_2():
    directions = np.array([[1.0, 0], [0, 1], [-1, 0]])
    np.testing.assert_allclose(_turn(directions, np.array([3.0, 0])), [0, 1, 2])
    usual = np.array([1, 0.4]) / np.hypot(1, 0.4)
    for none in (None, np.zeros(2)):
        np.testing.assert_allclose(_turn(directions, none), [1 - usual[0], 1 - usual[1], 1 + usual[0]])


def test_a_box_is_as_far_from_a_point_as_its_nearest_corner_or_side():
    boxes, points = np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 5], [15, 5], [5, -7], [13, 14], [-6, -8]])
    np.testing.assert_allclose(_distances(boxes, points), [[0, 5, 7, 5, 10]])


def test_a_label_is_mistaken_by_what_it_is_nearer_to_anothers_point():
    boxes = np.array([[0.0, 0, 10, 10], [40, 0, 50, 10]])
    own, other = np.array([-5.0, 5.0]), np.array([30.0, 5.0])
    both = scene(anchors=np.stack([own, other]))
    np.testing.assert_allclose(_nearer_to_others(boxes, own, both), [0, 45 + 4 - 10])
    assert list(_nearer_to_others(boxes, own, scene(anchors=own[None]))) == [0, 0]


def test_a_lone_label_is_five_points_from_its_point_to_the_right_and_a_little_up():
    figure, ax = plt.subplots(dpi=144)
    (label,) = place_labels(ax, ["one"], np.array([[0.5, 0.5]]), fontsize=8)
    figure.canvas.draw()
    width, height = _text_sizes(ax, ["one"], {"fontsize": 8})[0] / 2  # in points: two pixels each
    x, y = label.xyann
    angle = np.arctan2(y / (5 + height / 2 + 2), x / (5 + width / 2 + 2))
    assert np.degrees(angle) in (pytest.approx(15, abs=0.1), pytest.approx(30, abs=0.1))
    assert (label.get_ha(), label.get_va(), label.anncoords) == ("center", "center", "offset points")


def test_the_probe_that_measures_texts_is_taken_away():
    _, ax = plt.subplots()
    sizes = _text_sizes(ax, ["i", "mmmm"], {"fontsize": 8})
    assert sizes[1, 0] > 4 * sizes[0, 0] and not ax.texts


def test_a_line_along_a_boxs_side_costs_nothing():
    boxes = np.array([[0.0, 0.0, 10.0, 4.0]])
    corners = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 4.0], [0.0, 4.0]])
    for k in range(4):
        assert _on_lines(boxes, np.array([[corners[k], corners[k - 1]]])) == 0
