"""Marginal means and slopes: what a model says of the levels of a factor, the rest held or averaged over.

A marginal mean is lᵀb̂ with l the average of the design's rows over a reference grid (Searle, Speed & Milliken 1980;
Lenth's emmeans in R): factors averaged with equal weights, numbers at their means. A slope is the derivative of the
same by a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from ..design import offset_of
from ..engine.generalized.separation import population_part
from ..errors import DataError, did_you_mean
from ..expression import Call, spell
from ..frames import look_at
from ..results import Fit, MixedFit
from ..words import listed
from .contrasts import Margins
from .degrees import method
from .estimated import Scale, in_words
from .grid import Grid, Predictor, as_mapping, predictors, reference_grid
from .multiplicity import Family
from .noted import AVERAGE_GROUP, OVER_GROUPS
from .over_groups import mean_over_groups, means_in_range, slope_over_groups
from .parameters import one_of, tails
from .rows import Rows, aliased_defect, between_variance, fixed_part, new_rows

SCALES, GROUPS, WEIGHTS = ("response", "link", "original"), ("none", "average"), ("equal", "data", "rows")

#: A slope is a central difference over this many SDs of the number.
STEP = 1e-4


def means(
    fit: Fit,
    over: str | Sequence[str] | None = None,
    /,
    at: Mapping | None = None,
    ddf: str | None = None,
    scale: str = "response",
    groups: str = "none",
    weights: str = "equal",
    level: float = 0.95,
    *,
    by: str | Sequence[str] | None = None,
) -> Margins:
    """Marginal means (estimated marginal means, least-squares means).

    Parameters
    ----------
    over
        The variable whose means are wanted, or a list of them for their combinations: `fit.means("treatment")`. A
        number is shown at its own values if they are few, at five along its range if not, or at those of `at`. A
        factor nested in another is shown, and averaged over, within each of the other's levels.
    at
        Values to take for variables: `{"month": [2, 8]}`. All others: a factor's levels are averaged over, a number is
        held at its mean (one with two values is averaged over, too).
    ddf
        Of a linear mixed model `"satterthwaite"` (if left out), `"kenward-roger"` or `"asymptotic"`, worked out for
        each row; a linear model's t is exact, a generalized model's tests are z.
    scale
        `"response"`; `"link"` for the linear predictor (log odds, logarithms); `"original"` to show means of log(y) or
        sqrt(y) back on y's own scale, where they are medians rather than means.
    groups
        Of a multilevel model, `"none"` for the average group (ζ = 0; with a link that is not the identity, its mean is
        the median of the groups' means), `"average"` for the mean over groups, Σ at its estimate.
    weights
        `"equal"`: every level that is averaged over counts alike. `"data"`: each combination as often as the data have
        it. `"rows"`: the average over the rows of the data, each set to the cell's values in turn (g-computation).
    level
        Of the intervals.
    by
        Splits the table: `fit.means("treatment", by="month", at={"month": [2, 8]})` compares treatments within months.

    Returns
    -------
    Margins
        Its `.table` has a row for each cell: the variables' values, estimate, std.error, df, statistic, p.value,
        conf.low, conf.high. `.contrasts()` compares the rows, `.plot()` draws them.

    Raises
    ------
    DataError
        Naming the variable or the level that is not there.

    References
    ----------
    Searle, Speed & Milliken (1980), The American Statistician 34:216–221.
    """
    _check(scale, SCALES, groups, weights, level)
    over, by = _names("The variable", over), _names("by", by)
    over, by = (over, by) if over else (by, ())
    average = groups == "average" and isinstance(fit, MixedFit)
    grid = reference_grid(fit, (*over, *by), at, weights, average)
    shown = _scale(fit, scale)
    cells = _cells(fit, grid, average)
    averages_means = average or (weights == "rows" and scale != "link")
    linear = fit.family.link == "identity" or not averages_means
    value, gradient = _linear(fit, cells) if linear else _nonlinear(fit, cells)
    how = method(fit, ddf)
    return Margins(
        labels=grid.cells,
        value=value,
        gradient=gradient,
        defect=cells.averaged(cells.defect),
        method=how,
        level=level,
        scale=shown,
        family=Family("none", ()),
        notes=(*_what(fit, scale, shown, average), _held(grid, weights), *how.notes),
        over=tuple(name for name in grid.cells if name not in by),
        by=by,
        fit=fit,
        offset=cells.averaged(cells.rows.offset) if linear else None,
        ratios=bool(shown.ratio) and linear,
    )


def slopes(
    fit: Fit,
    x: str,
    by: str | Sequence[str] | None = None,
    at: Mapping | None = None,
    ddf: str | None = None,
    groups: str = "none",
    scale: str = "link",
    weights: str = "equal",
    level: float = 0.95,
) -> Margins:
    """Slopes of a number: by how much the linear predictor (or the mean) changes for one unit more.

    Parameters
    ----------
    x
        The number. The slope is the derivative at its mean, or at the values that `at` gives; log(x), poly(x, 2),
        products and splines are followed.
    by
        Variables for whose levels the slope is wanted; `.contrasts()` compares them.
    at, ddf, weights, level
        As for `means`.
    groups
        As for `means`; `"average"` is a slope of the mean over groups, on the response's scale.
    scale
        `"link"`, or `"response"` for the change of the mean.

    Returns
    -------
    Margins
    """
    _check(scale, SCALES[:2], groups, weights, level)
    average = groups == "average" and isinstance(fit, MixedFit)
    number, asked, places = _number(fit, x, average), _names("by", by), as_mapping(at)
    if np.size(places.get(x, 0)) > 1 and x not in asked:
        asked = (*asked, x)
    grid = reference_grid(fit, asked, places, weights, average)
    response = scale == "response" or average
    value, gradient, offset, defect = _derivative(fit, grid, number, average, response)
    how = method(fit, ddf)
    return Margins(
        labels=grid.cells if len(grid.cells.columns) else pd.DataFrame({"slope": [x]}),
        value=value,
        gradient=gradient,
        defect=defect,
        method=how,
        level=level,
        scale=Scale("slope of {}", x),
        family=Family("none", ()),
        notes=(*_slope_of(fit, x, response, average), _held(grid, weights), *how.notes),
        over=tuple(grid.cells),
        by=(),
        fit=fit,
        offset=offset,
        ratios=False,
    )


# -- what was asked --------------------------------------------------------------------------------------------


def _check(scale: str, scales: tuple[str, ...], groups: str, weights: str, level: float) -> None:
    one_of("scale", scale, scales)
    one_of("groups", groups, GROUPS)
    one_of("weights", weights, WEIGHTS)
    tails(level)


def _names(what: str, names: str | Sequence[str] | None) -> tuple[str, ...]:
    names = () if names is None else (names,) if isinstance(names, str) else names
    if not isinstance(names, list | tuple | pd.Index) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{what} is a column's name or a list of names, not {names!r}.")
    return tuple(names)


def _number(fit: Fit, x: str, random: bool) -> Predictor:
    names = _names("The number of a slope", x)
    if len(names) != 1:
        raise DataError(f"Slopes are of one number at a time, not of {x!r}.")
    (name,), known = names, predictors(fit, random)
    if name not in known:
        raise DataError(f"{x!r} is not a predictor in the fixed part.{did_you_mean(str(x), known)}")
    if known[name].is_factor:
        raise DataError(f"{x!r} is a factor and has no slope: means({x!r}).contrasts() compares its levels.")
    return known[name]


# -- values and their gradients --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cells:
    """The rows of a grid as the model's columns: m cells of k rows.

    Attributes
    ----------
    rows
        X, offset and, where wanted, Z of the m·k rows.
    weights
        (m, k) how much the rows of a cell count.
    sd
        (m·k,) the SD of the group effects' sum at each row; 0 for the average group.
    defect
        (m·k, d) what the dropped columns of a rank-deficient design add.
    """

    rows: Rows
    weights: np.ndarray
    sd: np.ndarray
    defect: np.ndarray

    def averaged(self, values: np.ndarray) -> np.ndarray:
        """(m, …) the mean over each cell's rows of (m·k, …) values."""
        shaped = values.reshape(*self.weights.shape, *values.shape[1:])
        return np.einsum("mk,mk...->m...", self.weights, shaped)


def _cells(fit: Fit, grid: Grid, average: bool) -> Cells:
    rows = new_rows(fit, grid.rows, random=average, groups=False, offset=_given_offset(fit, grid))
    sd = np.sqrt(between_variance(fit, rows)) if average else np.zeros(len(rows.X))
    return Cells(rows, grid.weights, sd, aliased_defect(fit, grid.rows))


def _given_offset(fit: Fit, grid: Grid) -> np.ndarray | None:
    """Of an offset given as an argument the mean, or each row's own where the rows are those of the data."""
    design = fit.design
    if not design.given_offset:
        return None
    own = design.offset - offset_of(fit.spec, look_at(design.rows_of(fit.data), fit.spec.predictors))
    m, k = grid.weights.shape
    return np.tile(own if k == len(own) else np.full(k, own.mean()), m)


def _linear(fit: Fit, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Averages of the linear predictor, and their gradients."""
    L = cells.averaged(cells.rows.X)
    return population_part(fit.design, fit.estimates, L) + cells.averaged(cells.rows.offset), L


def _nonlinear(fit: Fit, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Averages of means, taken back to the link's scale, where their tests and intervals are made."""
    mean, slope = _mean_and_slope(fit, cells)
    value = fit.family.eta(cells.averaged(mean))
    gradient = cells.averaged(slope[:, None] * cells.rows.X)
    return value, gradient / fit.family.mean_slope(value)[:, None]


def _mean_and_slope(fit: Fit, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """(m·k,) E μ over the groups at each row, and its derivative by η."""
    eta = fixed_part(fit, cells.rows)
    if not cells.sd.any():
        return means_in_range(fit.family, eta), fit.family.mean_slope(eta)
    return mean_over_groups(fit.family, eta, cells.sd), slope_over_groups(fit.family, eta, cells.sd)


def _derivative(fit: Fit, grid: Grid, number: Predictor, average: bool, response: bool):
    """The slopes, their gradients, offsets (None where they are not linear in b̂) and defects: central differences of
    fourth order."""
    name, size = number.column.name, STEP * float(np.std(number.column.numbers))
    if not size:
        raise DataError(f"{name!r} has one value only, so it has no slope.")

    def at(step: float):
        moved = grid.rows.assign(**{name: grid.rows[name].astype(float) + step * size})
        cells = _cells(fit, replace(grid, rows=moved), average)
        value, slope = (cells.rows.offset, 1.0) if linear else _mean_and_slope(fit, cells)
        parts = (value, np.reshape(slope, (-1, 1)) * cells.rows.X, cells.defect)
        return tuple(cells.averaged(part) for part in parts)

    linear = fit.family.link == "identity" or not response
    parts = zip(at(1), at(-1), at(2), at(-2), strict=True)
    value, gradient, defect = (
        (8 * (one - minus) - (two - minus_two)) / (12 * size) for one, minus, two, minus_two in parts
    )
    if not linear:
        return value, gradient, None, defect
    gradient[np.abs(gradient) < 1e-11 * np.abs(gradient).max(initial=0.0)] = 0.0
    return population_part(fit.design, fit.estimates, gradient) + value, gradient, value, defect


# -- how it is shown -------------------------------------------------------------------------------------------

SCALE_NAMES = {"logit": "log odds", "log": "log of the mean"}


def _slope_of_power(base: float, value: np.ndarray) -> np.ndarray:
    """The derivative of base**value."""
    return np.log(base) * base**value


#: Back from a transformed response to the response itself, and the derivative.
ORIGINAL: dict[str, tuple[Callable, Callable]] = {
    "log": (np.exp, np.exp),
    "log2": (np.exp2, partial(_slope_of_power, 2.0)),
    "log10": (partial(np.power, 10.0), partial(_slope_of_power, 10.0)),
    "log1p": (np.expm1, np.exp),
    "sqrt": (np.square, partial(np.multiply, 2.0)),
}


def _scale(fit: Fit, scale: str) -> Scale:
    family, name = fit.family, fit.spec.response.name
    if scale == "original":
        tree = fit.spec.response.tree
        if family.link != "identity" or not isinstance(tree, Call) or tree.function not in ORIGINAL:
            raise DataError(
                f'scale="original" goes back from log(y), log2(y), log10(y), log1p(y) or sqrt(y); the response is {name}.'
            )
        inside = spell(tree.argument, quoted=False)
        note = f"Tests and intervals are made on the scale of {name}, which is fitted."
        return Scale(
            "median {}", inside, *ORIGINAL[tree.function], "ratio" if tree.function == "log" else "", note
        )
    if family.link == "identity":
        return Scale("mean {}", name)
    if scale == "link":
        return Scale(f"{SCALE_NAMES.get(family.link, family.link)} of {{}}", name)
    ratio = {"logit": "odds ratio", "log": family.distribution.ratio}.get(family.link, "")
    with np.errstate(divide="ignore"):
        zero = family.mean(0.0)
    against = f"; a test is against {zero:g}" if np.isfinite(zero) else ""
    note = f"Tests and intervals are made on the {family.link} scale{against}."
    quantity = "probability of {}" if family.counts_trials else "mean {}"
    return Scale(quantity, name, partial(means_in_range, family), family.mean_slope, ratio, note)


def _what(fit: Fit, scale: str, shown: Scale, average: bool) -> list[str]:
    """What an estimate is, where that is not plain."""
    notes, generalized = [], fit.family.link != "identity"
    if scale == "original":
        notes.append(
            f"Each estimate is a {shown.axis()}, back from {fit.spec.response.name}; it is not a mean."
        )
    if generalized and average:
        notes.append(OVER_GROUPS)
    elif generalized and isinstance(fit, MixedFit) and scale == "response":
        notes.append(AVERAGE_GROUP)
    if generalized and scale == "link":
        notes.append(f"On the {fit.family.link} scale.")
    return notes


def _slope_of(fit: Fit, x: str, response: bool, average: bool) -> list[str]:
    if fit.family.link == "identity":
        return [f"Slopes of {x}: the change of {fit.spec.response} for one unit more."]
    of = (
        "mean over the groups" if average else "average group's mean" if isinstance(fit, MixedFit) else "mean"
    )
    return [
        f"Slopes of {x}: the change of the {of} for one unit more."
        if response
        else f"Slopes of {x} on the {fit.family.link} scale."
    ]


def _held(grid: Grid, weights: str) -> str:
    parts = []
    if weights == "rows":
        parts.append("averaged over the rows of the data")
    elif grid.averaged:
        share = "equal weights" if weights == "equal" else "weights as in the data"
        parts.append(f"averaged over {listed(grid.averaged)} with {share}")
    if grid.held:
        parts.append(f"at {listed(f'{name} = {in_words(value)}' for name, value in grid.held.items())}")
    parts += [f"{name} is nested in {listed(within)}" for name, within in grid.nested.items()]
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
