"""Labels that keep clear of each other, of lines and of points; the same places every time.

Each label has candidate places around its point, near ones first. The labels start at their best place and
are then visited in turn, each moving to its cheapest place given where the others are, until none moves.
There is no chance in it, so a figure is the same file each time it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

DIRECTIONS = 24
DISTANCES = (5.0, 9.0, 14.0, 20.0, 27.0, 35.0)  # points, from the label's point to the label's edge
SWEEPS = 30

#: What a place costs: a pixel of overlap with each kind of thing, and distance and turning for their own sake.
OUTSIDE, ON_LABEL, ON_POINT, ON_LINE, ON_FAINT = 50.0, 20.0, 12.0, 4.0, 0.6
FAR, TURNED = 1.2, 6.0
MISTAKEN = 8.0  # for each pixel by which a label is nearer to another label's point than to its own
MARGIN = 2.0  # points kept free around each label


DOT = 4.0  # points: half the width of a point kept clear


@dataclass(frozen=True, eq=False)
class Scene:
    """What labels keep clear of, in pixels: the frame's sides, dots as boxes (k, 4), segments (k, 2, 2)."""

    frame: np.ndarray
    anchors: np.ndarray  # (m, 2) the points that have labels
    dots: np.ndarray
    lines: np.ndarray
    faint_lines: np.ndarray
    pixel: float  # pixels a point


@dataclass(frozen=True, eq=False)
class Places:
    """The candidate places of one label: boxes (m, 4) as x0 y0 x1 y1 in pixels, and what each costs alone."""

    boxes: np.ndarray
    costs: np.ndarray


def place_labels(
    ax: Axes,
    texts: Sequence[str],
    points: np.ndarray,
    away_from: np.ndarray | None = None,
    lines: np.ndarray | None = None,
    faint_lines: np.ndarray | None = None,
    keep_clear: np.ndarray | None = None,
    **style,
) -> list:
    """Write a label beside each point where it covers nothing; call it when the limits of the Axes are final.

    Parameters
    ----------
    ax
        The Axes, all else drawn.
    texts, points
        The m labels and the (m, 2) points they belong to, in data units.
    away_from
        (m, 2) points that each label would rather lie opposite to, such as the other end of an arrow.
    lines, faint_lines
        (k, 2, 2) segments, in data units, that labels keep off, and that they would rather keep off.
    keep_clear
        (k, 2) more points to keep off.
    style
        Passed to the texts: `fontsize`, `color`, …

    Returns
    -------
    list of Annotation
    """
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()  # the layout is final only now
    scene = _scene(ax, points, lines, faint_lines, keep_clear)
    sizes = _text_sizes(ax, texts, style) + 2 * MARGIN * scene.pixel
    anchors = ax.transData.transform(points)
    wishes = [None] * len(texts) if away_from is None else anchors - ax.transData.transform(away_from)
    boxes = choose([_places(*one, scene) for one in zip(anchors, sizes, wishes, strict=True)])
    offsets = ((boxes[:, :2] + boxes[:, 2:]) / 2 - anchors) / scene.pixel
    style = {"textcoords": "offset points", "ha": "center", "va": "center"} | style
    return [ax.annotate(*one, **style) for one in zip(texts, points, offsets, strict=True)]


def _scene(ax: Axes, points, lines, faint_lines, keep_clear) -> Scene:
    place, pixel = ax.transData.transform, ax.get_figure(root=True).dpi / 72

    def segments(ends):
        return np.empty((0, 2, 2)) if ends is None else place(np.reshape(ends, (-1, 2))).reshape(-1, 2, 2)

    spots = place(points if keep_clear is None else np.vstack([points, keep_clear]))
    dots = np.hstack([spots - DOT * pixel, spots + DOT * pixel])
    return Scene(
        np.array(ax.bbox.extents), place(points), dots, segments(lines), segments(faint_lines), pixel
    )


def choose(options: Sequence[Places]) -> np.ndarray:
    """Which box each label takes, (m, 4): coordinate descent on the sum of costs and of overlaps."""
    chosen = np.array([places.boxes[np.argmin(places.costs)] for places in options])
    for _ in range(SWEEPS):
        before = chosen.copy()
        for k, places in enumerate(options):
            others = np.delete(chosen, k, axis=0)
            costs = places.costs + ON_LABEL * overlaps(places.boxes, others).sum(axis=1)
            chosen[k] = places.boxes[np.argmin(costs)]
        if np.array_equal(before, chosen):
            break
    return chosen


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How deep each box reaches into each other box, (m, k): the square root of the common area, in pixels."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.sqrt(np.prod(np.clip(high - low, 0, None), axis=2))


def _places(anchor, size, wish, scene: Scene) -> Places:
    angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    distance = np.repeat(DISTANCES, DIRECTIONS)
    directions = np.tile(directions, (len(DISTANCES), 1))
    centres = anchor + directions * (distance[:, None] * scene.pixel + size / 2)
    boxes = np.hstack([centres - size / 2, centres + size / 2])
    own = (
        FAR * distance + TURNED * _turn(directions, wish) + MISTAKEN * _nearer_to_others(boxes, anchor, scene)
    )
    return Places(boxes, own + _covered(boxes, scene))


def _covered(boxes: np.ndarray, scene: Scene) -> np.ndarray:
    """What each box costs by what it covers, other labels apart, (m,)."""
    outside = np.clip(scene.frame[:2] - boxes[:, :2], 0, None) + np.clip(
        boxes[:, 2:] - scene.frame[2:], 0, None
    )
    costs = OUTSIDE * outside.sum(axis=1) + ON_POINT * overlaps(boxes, scene.dots).sum(axis=1)
    return costs + ON_LINE * _on_lines(boxes, scene.lines) + ON_FAINT * _on_lines(boxes, scene.faint_lines)


def _turn(directions: np.ndarray, wish) -> np.ndarray:
    """0 in the wished direction, 2 opposite to it; to the right and up where there is no wish."""
    wish = np.array([1.0, 0.4]) if wish is None or not np.any(wish) else wish
    return 1 - directions @ (wish / np.linalg.norm(wish))


def _nearer_to_others(boxes: np.ndarray, anchor: np.ndarray, scene: Scene) -> np.ndarray:
    """By how many pixels each box is nearer to another label's point than to its own, at least as far being 0."""
    others = scene.anchors[np.any(scene.anchors != anchor, axis=1)]
    if not len(others):
        return np.zeros(len(boxes))
    own = _distances(boxes, anchor[None])[:, 0]
    return np.clip(own + DOT * scene.pixel - _distances(boxes, others).min(axis=1), 0, None)


def _distances(boxes: np.ndarray, points: np.ndarray) -> np.ndarray:
    """From each box to each point in pixels, (m, k); 0 inside."""
    low, high = boxes[:, None, :2] - points[None], points[None] - boxes[:, None, 2:]
    return np.linalg.norm(np.clip(np.maximum(low, high), 0, None), axis=2)


def _on_lines(boxes: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """How many pixels of all segments lie inside each box, (m,)."""
    if not len(segments):
        return np.zeros(len(boxes))
    steps = np.linspace(0, 1, 60)
    along = segments[:, :1] + (segments[:, 1:] - segments[:, :1]) * steps[None, :, None]
    length = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1) / len(steps)
    inside = (along[None] > boxes[:, None, None, :2]) & (along[None] < boxes[:, None, None, 2:])
    return (inside.all(axis=3).sum(axis=2) * length).sum(axis=1)


def _text_sizes(ax: Axes, texts: Sequence[str], style: dict) -> np.ndarray:
    """Width and height of each text in pixels, (m, 2)."""
    probe = ax.text(0, 0, "", **style)
    sizes = []
    for text in texts:
        probe.set_text(text)
        sizes.append(probe.get_window_extent().size)
    probe.remove()
    return np.array(sizes)
