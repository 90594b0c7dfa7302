"""What every picture shares: data first, then a drawing of them in the house style, and the same in words."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar, ParamSpec, Protocol, TypeVar

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results import Fit
from ..style import RC, SIZES, house


class Drawable(ABC):
    """Data worked out for a picture: tested as numbers, told in words, drawn on Axes.

    Attributes
    ----------
    alt_text
        What the picture shows, in words made from the data.
    """

    size: ClassVar[str | tuple[float, float]] = "page"

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
            ax = plt.subplots(figsize=page(self.size), layout="constrained")[1] if ax is None else ax
            self.paint(ax)
            ax.alt_text = self.alt_text  # a notebook shows it with the picture
        return ax


class Panels(Drawable):
    """A drawing on several Axes: small multiples of one scale."""

    size = "panels"

    @abstractmethod
    def paint(self, figure: Figure) -> None: ...

    def draw(self, figure: Figure | None = None) -> Figure:
        """Draw in this figure (or subfigure), or in a new one, and return it."""
        with in_house():
            figure = plt.figure(figsize=page(self.size), layout="constrained") if figure is None else figure
            self.paint(figure)
            figure.alt_text = self.alt_text
        return figure


P = ParamSpec("P")
D_co = TypeVar("D_co", bound=Drawable, covariant=True)


class Plot(Protocol[P, D_co]):
    """A plotting function: called, it draws; its `data` is the function that works out what is drawn."""

    data: Callable[P, D_co]

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


def on_axes(work_out: Callable[P, D_co]) -> Plot[P, D_co]:
    """A plotting function of the one that works out a `Picture`: the same arguments, and `ax` to draw on."""
    return _drawn(work_out, "ax", "Axes")


def on_figure(work_out: Callable[P, D_co]) -> Plot[P, D_co]:
    """A plotting function of the one that works out `Panels`: the same arguments, and `figure` to draw in."""
    return _drawn(work_out, "figure", "Figure")


def _drawn(work_out: Callable, place: str, kind: str):
    signature = inspect.signature(work_out)
    canvas = inspect.Parameter(place, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=kind)
    signature = signature.replace(parameters=[*signature.parameters.values(), canvas], return_annotation=kind)

    @functools.wraps(work_out)
    def draw(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        on = given.pop(place, None)
        return work_out(**given).draw(on)

    where = f"    {place}\n        Where to draw; by default a new figure.\n\n    Returns\n    -------\n    {kind}\n    "
    draw.__doc__ = f"{(work_out.__doc__ or '').rstrip()}\n{where}"
    draw.__signature__ = signature  # type: ignore[attr-defined]  (what inspect and help() read)
    draw.__annotations__ = {**work_out.__annotations__, place: kind, "return": kind}
    draw.data = work_out  # type: ignore[attr-defined]
    return draw


@contextmanager
def in_house() -> Iterator[None]:
    """The house style, unless it is in force already (perhaps enlarged for a projector)."""
    in_force = mpl.rcParams["svg.hashsalt"] == RC["svg.hashsalt"]
    with nullcontext() if in_force else house():
        yield


def page(size: str | tuple[float, float]) -> tuple[float, float]:
    """The size of a new figure: the picture's own, unless the reader has set one (`house("slide")`)."""
    now = tuple(mpl.rcParams["figure.figsize"])
    return SIZES.get(size, size) if now == RC["figure.figsize"] else now


# ---- words -------------------------------------------------------------------------------------------


def term_label(name: str, symbol: str | None = None) -> str:
    """An axis label of a coefficient: "intercept", "slope of Days", with its symbol if one is given."""
    words = "intercept" if name == "Intercept" else f"slope of {name}"
    return f"{words}, ${symbol}$" if symbol else words


def response_name(fit: Fit) -> str:
    """What is on the vertical axis of a plot of the data."""
    response = fit.spec.response
    return response.name if response.failures is None else f"proportion of {response.name}"
