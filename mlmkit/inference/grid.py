"""The reference grid: the rows at which a model is asked for means and slopes.

Every factor of the fixed part with all its levels, every number at its mean: the rows over which marginal means
average (Searle, Speed & Milliken 1980, The American Statistician 34:216–221). A number with two values only is taken
with both, like a factor, as emmeans does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from ..columns import DATE, Column, label_text, look
from ..errors import DataError, did_you_mean
from ..expression import Call
from ..frames import look_at
from ..results import Fit
from ..spec import Factor, columns_in
from ..words import listed
from .nesting import nested

#: More rows than this are not worked out: a grid so large is a mistake in what was asked.
MOST_ROWS = 200_000

#: A number that is asked for without values is shown at its own values if there are at most this many of them.
FEW = 10


@dataclass(frozen=True, eq=False)
class Predictor:
    """A column that the model predicts from.

    Attributes
    ----------
    column
        The column on the rows used.
    is_factor
        Whether the model takes it as categories.
    is_date
        Whether it is a date in the data, and days since 1970 in the model.
    zone
        The dates' time zone; None where they have none.
    values
        Its levels, or its different numbers, in order.
    codes
        (n,) which of them each row has.
    """

    column: Column
    is_factor: bool
    is_date: bool
    values: tuple
    codes: np.ndarray
    zone: Any = None

    @property
    def levels(self) -> tuple:
        """What it takes in the grid: a factor's levels, a number's mean (both values of one that has two)."""
        if self.is_factor or len(self.values) <= 2:
            return self.values
        return (float(self.column.numbers.mean()),)

    def label(self, value: Any) -> Any:
        """A value as a table shows it: a date by the clock of its own time zone."""
        if not self.is_date:
            return value
        moment = pd.Timestamp(0, tz="UTC") + pd.Timedelta(days=value)
        return str(moment.tz_convert(self.zone or "UTC").tz_localize(None)).removesuffix(" 00:00:00")

    def moments(self, values: pd.Series) -> pd.Series:
        """Values given for a date as moments; what has no time zone is by the clock of the column's own."""
        moments = pd.to_datetime(values, errors="coerce")
        if self.zone is None or moments.dt.tz is not None:
            return moments
        return moments.dt.tz_localize(self.zone, ambiguous="NaT", nonexistent="shift_forward")

    @property
    def spread(self) -> tuple:
        """A number's own values if they are few, else five along its range."""
        return (
            self.values if len(self.values) <= FEW else tuple(np.linspace(self.values[0], self.values[-1], 5))
        )


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows to predict at: for each of m cells that are asked for, k rows to average over.

    Attributes
    ----------
    cells
        (m, …) the values of the variables asked for, a row for each cell.
    rows
        (m·k, …) the predictors' columns; the k rows of a cell lie together.
    weights
        (m, k) how much each counts, summing to 1 in each cell.
    held
        What is held, with its value.
    averaged
        What is averaged over.
    nested
        Of the factors that are asked for or averaged over, in what each nested one is nested.
    """

    cells: pd.DataFrame
    rows: pd.DataFrame
    weights: np.ndarray
    held: dict[str, Any]
    averaged: tuple[str, ...]
    nested: dict[str, tuple[str, ...]]


def predictors(fit: Fit, random: bool = False) -> dict[str, Predictor]:
    """The columns of the fixed part and of the offset (with `random`, of the random terms), in the formula's order."""
    spec = fit.spec
    varying = [term for one in spec.random for term in one.terms] if random else []
    terms = [*spec.fixed, *varying, *((offset,) for offset in spec.offsets)]
    as_levels = {factor.columns[0] for term in terms for factor in term if _makes_levels(factor)}
    table = look_at(fit.design.rows_of(fit.data), columns_in(terms))
    own = look_at(fit.data, table.columns)
    return {name: _predictor(column, name in as_levels, own[name]) for name, column in table.columns.items()}


def _makes_levels(factor: Factor) -> bool:
    """Whether a factor takes a column, even of numbers, as categories: C(x), relevel(x, …)."""
    return isinstance(factor.tree, Call) and factor.tree.function in ("C", "relevel")


def _predictor(column: Column, as_levels: bool, own: Column) -> Predictor:
    """A column of the rows used, whose dates are days by now, and the same as the data have it."""
    if column.is_number and not as_levels:
        values, codes = np.unique(column.numbers, return_inverse=True)
        zone = getattr(own.values.dtype, "tz", None)
        return Predictor(column, False, own.what == DATE, tuple(values), codes, zone)
    labels = column.labels.present()
    return Predictor(column, True, False, tuple(labels.levels), labels.codes)


def reference_grid(
    fit: Fit, asked: Iterable[str], at: Mapping | None, weights: str = "equal", random: bool = False
) -> Grid:
    """The grid for the cells of these variables, the first one's values running fastest.

    Parameters
    ----------
    asked
        Names of the variables asked for.
    at
        Values of variables, to take instead of all levels or the mean.
    weights
        `"equal"`, or `"data"`: as often as the averaged factors' combinations occur; `"rows"`: the rows of the data
        themselves, with the variables asked for set to each cell's values.
    random
        Whether the random terms' columns are needed.
    """
    known, asked, at = predictors(fit, random), tuple(asked), as_mapping(at)
    _check_names(known, asked, at)
    nests = nested({name: one.codes for name, one in known.items() if len(one.levels) > 1}, fit.spec.fixed)
    asked = tuple(dict.fromkeys(chain(asked, *(nests.get(name, ()) for name in asked))))
    levels = {name: _levels(one, at, name, name in asked) for name, one in known.items()}
    rest = {name: values for name, values in levels.items() if name not in asked}
    seen = _combinations(known, levels, at)
    cells = _occurring(_product({name: levels[name] for name in asked}), seen, nests)
    if weights == "rows":
        rest = {name: values for name, values in rest.items() if name in at}
        inner = _rows_themselves(known, rest)
    else:
        inner = _product(rest)
    averaged = tuple(name for name, values in rest.items() if len(values) > 1)
    held = {name: values[0] for name, values in rest.items() if name not in averaged}
    _check_size(len(cells) * len(inner), levels)
    place, again = np.repeat(np.arange(len(cells)), len(inner)), np.tile(np.arange(len(inner)), len(cells))
    parts = {name: cells[name].take(place) if name in asked else inner[name].take(again) for name in known}
    rows = pd.DataFrame({name: part.array for name, part in parts.items()}, range(len(place)))
    share = _shares(rows, seen, averaged, nests, weights).reshape(len(cells), len(inner))
    share[~share.any(axis=1)] = 1.0  # a cell without rows: what it lacks is said of its estimate
    labels = cells.assign(**{name: list(map(known[name].label, cells[name])) for name in asked})
    held = {name: known[name].label(value) for name, value in held.items()}
    told = {name: nests[name] for name in (*asked, *averaged) if name in nests}
    return Grid(labels, rows, share / share.sum(axis=1, keepdims=True), held, averaged, told)


def as_mapping(at: Any) -> dict:
    """Values by name; none if `at` was left out."""
    if at is not None and not isinstance(at, Mapping):
        raise DataError(f"at gives values by name, as in {{'x': [1, 2]}}, and not {at!r}.")
    return dict(at or {})


def _check_names(known: dict[str, Predictor], asked: tuple[str, ...], at: dict) -> None:
    for name in (*asked, *at):
        if name not in known:
            hint = did_you_mean(str(name), known) if known else " The model has an intercept alone."
            raise DataError(f"{name!r} is not a predictor in the fixed part.{hint}")
    twice = next((name for name in asked if asked.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{twice!r} is asked for twice: name each variable once.")


def _levels(one: Predictor, at: dict, name: str, asked: bool) -> tuple:
    """The values a predictor takes in the grid."""
    if name in at:
        return _given(one, name, at[name])
    return one.spread if asked and not one.is_factor else one.levels


def _given(one: Predictor, name: str, given: Any) -> tuple:
    """The values that `at` gives a predictor."""
    values = pd.Series([given] if np.ndim(given) == 0 else list(given))
    if not len(values):
        raise DataError(f"at has no values for {name!r}: give one or more.")
    if one.is_factor:
        texts = {label_text(level): level for level in one.values}
        strange = next((value for value in values if label_text(value) not in texts), None)
        if strange is not None:
            raise DataError(f"{name!r} has no level {strange!r}.{did_you_mean(str(strange), texts)}")
        return tuple(texts[label_text(value)] for value in values)
    if one.is_date:
        values = one.moments(values)
    numbers = look(name, values)
    if not numbers.is_number or not np.isfinite(numbers.numbers).all():
        raise DataError(f"{name!r} is a {'date' if one.is_date else 'number'}, and at gives it {given!r}.")
    return tuple(numbers.numbers)


def _product(levels: dict[str, tuple]) -> pd.DataFrame:
    """All combinations, the first variable's values running fastest."""
    size = prod(len(values) for values in levels.values())
    _check_size(size, levels)
    columns, each = {}, 1
    for name, values in levels.items():
        columns[name] = pd.Series(_without_decimals(values)).take(np.arange(size) // each % len(values)).array
        each *= len(values)
    return pd.DataFrame(columns, index=range(size))


def _without_decimals(values: tuple) -> list:
    """Whole numbers as integers, so that a table says month 2, not 2.0."""
    whole = all(isinstance(value, float) and value == round(value) for value in values)
    return [int(value) for value in values] if whole else list(values)


def _rows_themselves(known: dict[str, Predictor], at: dict[str, tuple]) -> pd.DataFrame:
    """The rows that were fitted, with the values of `at` in place of their own."""
    several = next((name for name, values in at.items() if len(values) > 1), None)
    if several is not None:
        raise DataError(
            f'weights="rows" sets {several!r} in every row to one value, and at gives several: ask for it by name.'
        )
    columns = {name: pd.Series(list(one.values)).take(one.codes).array for name, one in known.items()}
    rows = pd.DataFrame(columns, range(len(next(iter(columns.values())))))
    return rows.assign(**{name: values[0] for name, values in at.items()})


def _combinations(known: dict[str, Predictor], levels: dict[str, tuple], at: dict) -> pd.DataFrame:
    """The factors (and numbers of two values) of the rows that were fitted, at the levels that `at` leaves."""
    discrete = {
        name: one for name, one in known.items() if one.is_factor or (len(one.values) == 2 and name not in at)
    }
    columns = {
        name: pd.Series(_without_decimals(one.values)).take(one.codes).array for name, one in discrete.items()
    }
    kept = [
        np.isin(one.codes, [one.values.index(level) for level in levels[name]])
        for name, one in discrete.items()
    ]
    return pd.DataFrame(columns)[np.logical_and.reduce(kept)] if discrete else pd.DataFrame()


def _occurring(cells: pd.DataFrame, seen: pd.DataFrame, nests: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """The cells whose nested factors have a level that occurs there."""
    for name, within in nests.items():
        if name in cells and name in seen:
            there = _counts(seen[[name, *within]], cells) > 0
            cells = cells[there].reset_index(drop=True) if there.any() else cells
    return cells


def _shares(
    rows: pd.DataFrame,
    seen: pd.DataFrame,
    averaged: tuple[str, ...],
    nests: dict[str, tuple[str, ...]],
    weights: str,
) -> np.ndarray:
    """How much each row of a grid counts in its cell."""
    factors = [name for name in averaged if name in seen] if weights != "rows" else []
    inside = [name for name in factors if name in nests and set(nests[name]) <= set(seen)]
    share = np.ones(len(rows))
    if weights == "data" and factors:
        counted = [name for name in seen if name in factors or any(name in nests[one] for one in inside)]
        share = _counts(seen[counted], rows)
        if not share.sum():
            raise DataError(
                f"No row of the data has these values of {listed(counted)}, so they cannot be weighted."
            )
        return share
    for name in inside:  # the levels within one level of the outer factors share its weight equally
        pairs = seen[[name, *nests[name]]].drop_duplicates()
        siblings = _counts(pairs[list(nests[name])], rows)
        share = share * (_counts(pairs, rows) > 0) / np.maximum(siblings, 1.0)
    return share


def _counts(seen: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """In how many rows of `seen` all its columns have the values that they have in each of these rows."""
    names = list(seen.columns)
    sizes = seen.groupby(names, observed=True).size().rename("_rows").reset_index()
    return rows[names].merge(sizes, how="left", on=names)["_rows"].fillna(0.0).to_numpy(copy=True)


def _check_size(size: int, levels: dict[str, tuple]) -> None:
    if size > MOST_ROWS:
        large = sorted(levels, key=lambda name: -len(levels[name]))[:3]
        counts = listed(f"{name} has {len(levels[name])}" for name in large)
        raise DataError(
            f"The grid would have {size} rows ({counts} values): give fewer values with at={{…}}, or fewer variables."
        )
