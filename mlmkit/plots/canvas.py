"""Plotting functions made from those that work out what is drawn, and words that axes share."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import pandas as pd

from ..habits import answers
from ..pictures import Drawable
from ..results import Fit

if TYPE_CHECKING:
    from ..bayes import Posterior

P = ParamSpec("P")
D = TypeVar("D", bound=Drawable)


class Plot(Protocol[P, D]):
    """A plotting function: called, it draws; its `data` is the function that works out what is drawn."""

    data: Callable[P, D]

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


def on_axes(work_out: Callable[P, D]) -> Plot[P, D]:
    """A plotting function of the one that works out a `Picture`: the same arguments, and `ax` to draw on."""
    return _drawn(work_out, "ax", "Axes")


def on_figure(work_out: Callable[P, D]) -> Plot[P, D]:
    """A plotting function of the one that works out `Panels`: the same arguments, and `figure` to draw in."""
    return _drawn(work_out, "figure", "Figure")


def _drawn(work_out: Callable, place: str, kind: str):
    signature = inspect.signature(work_out)
    canvas = inspect.Parameter(place, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=kind)
    signature = signature.replace(parameters=[*signature.parameters.values(), canvas], return_annotation=kind)

    @functools.wraps(work_out)
    def draw(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        on = given.pop(place, None)
        return work_out(**given).draw(on)

    draw.__doc__ = _documented(work_out.__doc__ or "", place, kind)
    draw.__dict__["__signature__"] = signature  # what inspect and help() read
    draw.__annotations__ = {**work_out.__annotations__, place: kind, "return": kind}
    draw.__dict__["data"] = work_out
    return answers(draw)


def _documented(text: str, place: str, kind: str) -> str:
    """The docstring of what is drawn, with where to draw it among the parameters and the canvas as what is returned."""
    where = f"    {place}\n        Where to draw; by default a new figure."
    returned = f"    Returns\n    -------\n    {kind}"
    parts = [part.rstrip() for part in re.split(r"\n\n(?=    [A-Z][a-z]+\n    -+\n)", text)]
    parts = [part for part in parts if not part.startswith("    Returns\n")]
    at = next(k for k, part in enumerate(parts) if part.startswith("    Parameters\n"))
    return "\n\n".join([*parts[:at], f"{parts[at]}\n{where}", returned, *parts[at + 1 :]]) + "\n    "


# ---- words -------------------------------------------------------------------------------------------


def term_label(name: str, symbol: str | None = None, unit: str = "") -> str:
    """An axis label of a coefficient: "slope of Days, $b_1$ (ms per day)", with what is known of symbol and unit."""
    words = "intercept" if name == "Intercept" else f"slope of {name}"
    return with_unit(f"{words}, ${symbol}$" if symbol else words, unit)


def term_unit(fit: Fit | Posterior, name: str) -> str:
    """The unit of a coefficient: of the response, for a slope per unit of its predictor; "" where one is not known."""
    units = units_of(fit.data)
    y, x = units.get(fit.spec.response.name), units.get(name)
    if not y or not fit.family.is_linear:
        return ""
    return y if name == "Intercept" else f"{y} per {x}" if x else ""


def response_name(fit: Fit) -> str:
    """What is on the vertical axis of a plot of the data."""
    response = fit.spec.response
    if response.failures is not None:
        return f"proportion of {response.name}"
    return column_label(response.name, fit.data)


def column_label(name: str, data: pd.DataFrame) -> str:
    """A column on an axis, "Reaction (ms)", with the unit that the data's `attrs["units"]` have for it.

    A unit that the name says already is not said twice: "Days".
    """
    unit = units_of(data).get(name, "")
    return name if unit.casefold() in name.casefold() else with_unit(name, unit)


def units_of(data: pd.DataFrame) -> Mapping[str, str]:
    """The units of columns that a table carries, `data.attrs["units"]`: by column, none for most."""
    units = data.attrs.get("units")
    known = units if isinstance(units, Mapping) else {}
    return {name: unit for name, unit in known.items() if isinstance(unit, str)}


def with_unit(label: str, unit: str) -> str:
    """The label with its unit in brackets, if there is one."""
    return f"{label} ({unit})" if unit else label
