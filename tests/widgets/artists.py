"""What is on the axes of an exploration, by kind: marks, segments and texts, for tests of where they stand."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection

from mlmkit.widgets.drawing import canvas


def painted(module, it):
    """The axes of an exploration, drawn at its usual size."""
    axes = module.panels(canvas((9.6, 4.2)))
    module.draw(axes, it)
    return axes


def segments(ax) -> np.ndarray:
    """The ends of all lines that are drawn as a collection, (lines, 2, 2)."""
    found = [s for c in ax.collections if isinstance(c, LineCollection) for s in c.get_segments()]
    return np.array(found)


def has(lines, wanted) -> bool:
    """Whether one of the segments is this one."""
    return bool(np.any(np.all(np.isclose(lines, wanted), axis=(1, 2))))


def points(ax, marker: str) -> np.ndarray:
    """Where marks of a kind are, one line after the other."""
    return np.vstack([line.get_xydata() for line in ax.lines if line.get_marker() == marker])


def texts(ax) -> dict[str, tuple[float, float]]:
    return {text.get_text(): text.get_position() for text in ax.texts}
