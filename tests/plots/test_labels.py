"""Labels: apart from each other, inside the frame, the same places every time."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mlmkit.plots.labels import Places, choose, overlaps, place_labels


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
