"""Small strokes that several explorations share, so that a role looks the same in all of them."""

from __future__ import annotations

from matplotlib.axes import Axes

from ..style import MARKERS, PAPER, colour


def wipe(ax: Axes) -> None:
    """Empty an Axes but keep its scales, ticks and key, which are what takes long to make anew."""
    for artist in [*ax.lines, *ax.collections, *ax.patches, *ax.texts, *ax.images, *ax.artists]:
        artist.remove()
    ax.set_prop_cycle(None)


def points(role: str, size: float, **more) -> dict:
    """How points of a role are drawn with `plot`: flat estimates hollow, multilevel ones filled."""
    hollow = {"mfc": PAPER} if role == "flat" else {}
    return {"ls": "", "marker": MARKERS[role], "ms": size, "color": colour(role), **hollow, **more}


def cloud(size: float, alpha: float, role: str = "data") -> dict:
    """How many small points are drawn with `plot`, dense places darker."""
    return {"ls": "", "marker": "o", "ms": size, "mec": "none", "alpha": alpha, "color": colour(role)}


def key_above(ax: Axes, columns: int) -> None:
    """The legend in a row above the Axes, where it covers nothing."""
    place = {"loc": "lower left", "bbox_to_anchor": (-0.02, 0.985)}
    key(ax, **place, ncols=columns, columnspacing=1.1, handletextpad=0.4)


def key(ax: Axes, **options) -> None:
    """A legend; the one that is there where it says the same, since a role always looks the same."""
    labels = ax.get_legend_handles_labels()[1]
    there = ax.get_legend()
    if there is None or [text.get_text() for text in there.get_texts()] != labels:
        ax.legend(**options)
