"""Plotting functions made from those that work out what is drawn, and words that axes share."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from ..pictures import Drawable
from ..results import Fit

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

    draw.__doc__ = _documented(work_out.__doc__ or "", place, kind)
    draw.__signature__ = signature  # type: ignore[attr-defined]  (what inspect and help() read)
    draw.__annotations__ = {**work_out.__annotations__, place: kind, "return": kind}
    draw.data = work_out  # type: ignore[attr-defined]
    return draw


def _documented(text: str, place: str, kind: str) -> str:
    """The docstring of what is drawn, with where to draw it among the parameters and the canvas as what is returned."""
    where = f"    {place}\n        Where to draw; by default a new figure."
    returned = f"    Returns\n    -------\n    {kind}"
    parts = [part.rstrip() for part in re.split(r"\n\n(?=    [A-Z][a-z]+\n    -+\n)", text)]
    parts = [part for part in parts if not part.startswith("    Returns\n")]
    at = next(k for k, part in enumerate(parts) if part.startswith("    Parameters\n"))
    return "\n\n".join([*parts[:at], f"{parts[at]}\n{where}", returned, *parts[at + 1 :]]) + "\n    "


# ---- words -------------------------------------------------------------------------------------------


def term_label(name: str, symbol: str | None = None) -> str:
    """An axis label of a coefficient: "intercept", "slope of Days", with its symbol if one is given."""
    words = "intercept" if name == "Intercept" else f"slope of {name}"
    return f"{words}, ${symbol}$" if symbol else words


def response_name(fit: Fit) -> str:
    """What is on the vertical axis of a plot of the data."""
    response = fit.spec.response
    return response.name if response.failures is None else f"proportion of {response.name}"
