"""What every picture shares: data first, then a drawing of them in the house style, and the same in words.

A result that is worth looking at (marginal means, a power curve, a check of the model) is a `Picture` itself: it
holds its numbers, tells them in words, and draws them. Matplotlib is imported when something is drawn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: A size of the house by its name, or width and height in inches.
Size: TypeAlias = str | tuple[float, float]


class Drawable(ABC):
    """Data worked out for a picture: tested as numbers, told in words, drawn on Axes.

    Attributes
    ----------
    alt_text
        What the picture shows, in words made from the data.
    """

    @property
    def size(self) -> Size:
        """Of a new figure: one of the house's, or its width and height in inches."""
        return "page"

    @property
    @abstractmethod
    def alt_text(self) -> str: ...


class Picture(Drawable):
    """A drawing on one Axes; a kind of picture says in `paint` how it is drawn."""

    @abstractmethod
    def paint(self, ax: Axes) -> None: ...

    def draw(self, ax: Axes | None = None) -> Axes:
        """Draw on these Axes, or on those of a new figure, and return them."""
        with in_house():
            ax = _new_figure(self.size).subplots() if ax is None else ax
            self.paint(ax)
            ax.alt_text = self.alt_text  # a notebook shows it with the picture
        return ax

    #: The same by the name that results have it under: `fit.means("arm").plot()`.
    plot = draw


class Panels(Drawable):
    """A drawing on several Axes: small multiples of one scale."""

    @property
    def size(self) -> Size:
        return "panels"

    @abstractmethod
    def paint(self, figure: Figure) -> None: ...

    def draw(self, figure: Figure | None = None) -> Figure:
        """Draw in this figure (or subfigure), or in a new one, and return it."""
        with in_house():
            figure = _new_figure(self.size) if figure is None else figure
            self.paint(figure)
            figure.alt_text = self.alt_text
        return figure

    plot = draw


def _new_figure(size: Size) -> Figure:
    import matplotlib.pyplot as plt

    return plt.figure(figsize=page(size), layout="constrained")


@contextmanager
def in_house() -> Iterator[None]:
    """The house style, unless it is in force already (perhaps enlarged for a projector)."""
    import matplotlib as mpl

    from .style import RC, house

    in_force = mpl.rcParams["svg.hashsalt"] == RC["svg.hashsalt"]
    with nullcontext() if in_force else house():
        yield


def filled_or_hollow(ax: Axes, x, y, filled: np.ndarray, size: float) -> None:
    """Marks of groups or estimates: filled where an interval leaves the value out that is asked about, hollow elsewhere.

    Parameters
    ----------
    ax
    x, y : (n,) array or series
    filled : (n,) array of bool
    size
        Of the marks, in points.
    """
    from .style import MARKERS, colour

    for shown, face in ((filled, colour("group")), (~filled, "white")):
        style = {"marker": MARKERS["group"], "color": colour("group"), "markerfacecolor": face}
        ax.plot(x[shown], y[shown], ls="", markersize=size, **style)


def page(size: Size) -> tuple[float, float]:
    """The size of a new figure: the picture's own, unless the reader has set one (`house("slide")`)."""
    import matplotlib as mpl

    from .style import RC, SIZES

    now = tuple(mpl.rcParams["figure.figsize"])
    own = SIZES[size] if isinstance(size, str) else size
    return own if now == RC["figure.figsize"] else now
