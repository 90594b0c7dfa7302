"""One house style for every figure: what a colour, a line and a size mean, said once.

The views, the plots and the widgets take their colours from here, so a population parameter is the same
brick red in the network, in the plots and in the words below them. Colour never speaks alone: each role has
its own line style and marker as well.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import matplotlib as mpl

#: What each colour means. All pairs stay apart under simulated protan-, deuter- and tritanopia, and each
#: has at least 3:1 contrast on white.
COLOURS: dict[str, str] = {
    "population": "#A83A1E",  # b, τ, Σ, σ: what is true of all groups
    "group": "#17699F",  # β_j, ζ_j: the first grouping factor
    "group2": "#B9840F",  # the second (the outer level, or the other side of a crossing)
    "group3": "#3F9C86",  # the third
    "data": "#2F2D2A",  # observations
    "flat": "#6B665F",  # no pooling: separate models
    "multilevel": "#17699F",  # partial pooling: a group's colour, for it is the group that is estimated
    "pooled": "#A83A1E",  # complete pooling: the population's colour
}

INK = "#2F2D2A"  # text
MUTED = "#6B665F"  # captions, ticks
RULE = "#D9D3C7"  # grid and reference lines
PAPER = "#FFFFFF"  # behind a figure
SHADE = "#DFD9CD"  # the fill of an observed node

#: Lines and markers of the three ways to treat groups, and of the roles that are drawn side by side.
LINES: dict[str, str] = {
    "population": "-",
    "group": "-",
    "group2": "--",
    "group3": ":",
    "flat": "--",
    "multilevel": "-",
    "pooled": "-.",
}
MARKERS: dict[str, str] = {
    "population": "D",
    "group": "o",
    "group2": "s",
    "group3": "^",
    "data": "o",
    "flat": "o",
    "multilevel": "D",
    "pooled": "s",
}

#: Figure sizes in inches: `page` for a notebook, `slide` for a projector, `wide` for panels.
SIZES: dict[str, tuple[float, float]] = {
    "page": (6.4, 4.2),
    "tall": (6.4, 5.8),
    "square": (5.0, 5.0),
    "wide": (9.6, 4.8),
    "panels": (9.6, 7.2),
    "slide": (12.8, 7.2),
}

#: Faces that come with matplotlib, each followed by common ones of nearly its width, for SVG read elsewhere.
SERIF = ["STIXGeneral", "STIX Two Text", "Times New Roman", "Times", "serif"]
SANS = ["DejaVu Sans", "Verdana", "sans-serif"]

_CYCLE = ["group", "group2", "group3", "population", "flat"]

RC: dict[str, Any] = {
    "figure.facecolor": PAPER,
    "figure.figsize": SIZES["page"],
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "mathtext.fontset": "stix",
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and scaled
    "svg.hashsalt": "mlmkit",  # the same figure gives the same file
    "text.color": INK,
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.prop_cycle": mpl.cycler(color=[COLOURS[role] for role in _CYCLE]),
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "image.cmap": "cividis",
}


def colour(role: str) -> str:
    """The hex colour of a role: `"population"`, `"group"`, `"group2"`, `"data"`, `"flat"`, …

    Raises
    ------
    KeyError
        If there is no such role.
    """
    return COLOURS[role]


def group_role(order: int) -> str:
    """The role (`"group"`, `"group2"`, `"group3"`) of the grouping factor numbered from 0."""
    return f"group{order + 1}" if 0 < order < 3 else "group"


def tint(hex_colour: str, amount: float = 0.85) -> str:
    """A colour mixed with white: 0 leaves it, 1 makes it white."""
    return mpl.colors.to_hex([c + (1 - c) * amount for c in mpl.colors.to_rgb(hex_colour)])


@contextmanager
def house(size: str = "page", projector: bool = False):
    """Draw in the house style inside a `with` block; nothing outside it changes.

    Parameters
    ----------
    size
        One of `SIZES`: the default figure size.
    projector
        True makes text and lines half as large again, to be read from the back row.

    Examples
    --------
    >>> with house("wide"):
    ...     fig, ax = plt.subplots()
    """
    with mpl.rc_context({**RC, "figure.figsize": SIZES[size], **(_enlarged(1.5) if projector else {})}):
        yield


def use(projector: bool = False) -> None:
    """Make the house style the default for the rest of the session (the first cell of a chapter)."""
    mpl.rcParams.update({**RC, **(_enlarged(1.5) if projector else {})})


def _enlarged(scale: float) -> dict[str, float]:
    names = ["font.size", "axes.labelsize", "axes.titlesize", "xtick.labelsize", "ytick.labelsize"]
    names += ["legend.fontsize", "lines.linewidth", "lines.markersize", "axes.linewidth"]
    return {name: RC[name] * scale for name in names}
