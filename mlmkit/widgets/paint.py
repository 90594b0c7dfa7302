"""Small strokes that several explorations share, so that a role looks the same in all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.spines import Spine

from ..style import MARKERS, PAPER, colour


def wipe(ax: Axes) -> None:
    """Empty an Axes but keep its scales, ticks and key, which are what takes long to make anew."""
    for artist in [*ax.lines, *ax.collections, *ax.patches, *ax.texts, *ax.images, *ax.artists]:
        artist.remove()
    ax.set_prop_cycle(None)


class Painter:
    """Paints one figure again and again; scales, labels and keys only when they have changed.

    Text takes most of a picture's time, and most of it is the same from one redraw to the next. It is painted
    once and kept as a background, on which everything else is painted each time.
    """

    def __init__(self, figure: Figure):
        self.figure = figure
        self._looks: list[tuple] | None = None
        self._background: Any = None

    def pixels(self) -> np.ndarray:
        """The figure painted, (height, width, 3) bytes."""
        canvas, axes = self.figure.canvas, self.figure.axes
        looks = [_looks(ax) for ax in axes]
        if looks != self._looks:
            self._paint_background()
            self._looks = looks
        canvas.restore_region(self._background)
        for ax in axes:
            ax.apply_aspect()  # as a full painting would
            for artist in sorted(_content(ax), key=Artist.get_zorder):
                ax.draw_artist(artist)
        return np.asarray(canvas.buffer_rgba())[..., :3]

    def _paint_background(self) -> None:
        content = [artist for ax in self.figure.axes for artist in _content(ax) if artist.get_visible()]
        for artist in content:
            artist.set_visible(False)
        self.figure.canvas.draw()
        self._background = self.figure.canvas.copy_from_bbox(self.figure.bbox)
        for artist in content:
            artist.set_visible(True)


def _content(ax: Axes) -> list[Artist]:
    """What an Axes shows, titles included: all but its scales, frame and key."""
    frame = (Axis, Spine, Legend)
    return [
        artist for artist in ax.get_children() if not isinstance(artist, frame) and artist is not ax.patch
    ]


def _tick_labels(axis: Axis) -> list[str]:
    return axis.get_major_formatter().format_ticks(axis.get_majorticklocs())


def _looks(ax: Axes) -> tuple:
    """All that the background of an Axes depends on."""
    scales = [
        (axis.get_label_text(), *axis.get_view_interval(), *_tick_labels(axis))
        for axis in (ax.xaxis, ax.yaxis)
    ]
    legend = ax.get_legend()
    labels = [text.get_text() for text in legend.get_texts()] if legend else []
    return (*scales, *labels, ax.axison, ax.get_aspect())


def stepped(reach: float) -> float:
    """The next of 1, 1.5, 2, 3, 5, 8 times a power of ten: a scale that seldom changes as a slider moves."""
    if not reach > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(reach))
    steps = power * np.array([1, 1.5, 2, 3, 5, 8, 10])
    return float(steps[np.searchsorted(steps, reach * (1 - 1e-9))])


def points(role: str, size: float, **more) -> dict:
    """How points of a role are drawn with `plot`: flat estimates hollow, multilevel ones filled."""
    hollow = {"mfc": PAPER} if role == "flat" else {}
    return {"ls": "", "marker": MARKERS[role], "ms": size, "color": colour(role), **hollow, **more}


def cloud(size: float, alpha: float, role: str = "data") -> dict:
    """How many small points are drawn with `plot`, dense places darker."""
    return {"ls": "", "marker": "o", "ms": size, "mec": "none", "alpha": alpha, "color": colour(role)}


def key_above(ax: Axes, columns: int, to_the: str = "left") -> None:
    """The legend above the Axes, where it covers nothing, from its left end on or up to its right end."""
    place = {"loc": f"lower {to_the}", "bbox_to_anchor": (-0.02 if to_the == "left" else 1.04, 0.985)}
    key(ax, **place, ncols=columns, columnspacing=1.1, handletextpad=0.4)


def key(ax: Axes, **options) -> None:
    """A legend; the one that is there where it says the same, since a role always looks the same."""
    labels = ax.get_legend_handles_labels()[1]
    there = ax.get_legend()
    if there is None or [text.get_text() for text in there.get_texts()] != labels:
        ax.legend(**options)
