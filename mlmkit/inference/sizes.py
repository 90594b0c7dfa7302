"""The data of a study with other numbers of groups or of rows per group: the same design, larger or smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..columns import look
from ..errors import DataError, did_you_mean
from ..results import Fit


@dataclass(frozen=True, eq=False)
class Size:
    """One size of a study: what is told of it (`{"Subject": 12, "rows": 120}`) and its data."""

    told: dict[str, int]
    data: pd.DataFrame


def sizes(fit: Fit, groups=None, rows=None) -> list[Size]:
    """Designs of other sizes made from the one that a model was fitted to.

    Parameters
    ----------
    groups
        `{"Subject": [8, 12, 18]}`: numbers of groups of one grouping factor. Further groups are copies of those
        there are, in turn, under names of their own; fewer groups keep the shares of treatments that whole groups have.
    rows
        Numbers of rows per group of that factor: the first so many, or all of them repeated in turn.

    Raises
    ------
    DataError
        For a factor that the model does not have, or a size that is not a whole number.
    """
    data = fit.design.rows_of(fit.data)
    if groups is None and rows is None:
        return [_size(fit, data)]
    name = _factor(fit, groups)
    numbers = _numbers(name, groups[name]) if groups else [data[name].nunique()]
    lengths: list[int | None] = [*_numbers("rows", rows)] if rows is not None else [None]
    return [_size(fit, _resized(fit, data, name, J, m), name, J) for J in numbers for m in lengths]


def _factor(fit: Fit, groups) -> str:
    known = list(dict.fromkeys(name for term in fit.spec.random for name in term.factors))
    if not known:
        raise DataError(
            f"{fit.formula!r} has no groups whose number could be changed: give plan() the data of each size."
        )
    if groups is None:
        return known[0]
    if not isinstance(groups, dict) or len(groups) != 1:
        raise DataError(
            f'groups takes one grouping factor and its sizes, such as groups={{"{known[0]}": [10, 20]}}.'
        )
    name = next(iter(groups))
    if name not in known:
        raise DataError(f"{name!r} is not a grouping factor of this model.{did_you_mean(str(name), known)}")
    return name


def _numbers(name: str, values) -> list[int]:
    numbers = list(np.atleast_1d(np.asarray(values, dtype=object)))
    least = 2 if name != "rows" else 1
    for value in numbers:
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise DataError(f"{name}: {value!r} is no number of them; give whole numbers, {least} or more.")
    return [int(value) for value in numbers]


def _size(fit: Fit, data: pd.DataFrame, name: str | None = None, J: int | None = None) -> Size:
    told = {} if name is None or J is None else {name: J}
    for factor in dict.fromkeys(name for term in fit.spec.random for name in term.factors):
        told.setdefault(factor, data[factor].nunique())
    return Size({**told, "rows": len(data)}, data.reset_index(drop=True))


def _resized(fit: Fit, data: pd.DataFrame, name: str, J: int, length: int | None) -> pd.DataFrame:
    inside = _nested_in(fit, data, name)
    order = _in_turn(fit, data, name)
    parts = dict(list(data.groupby(name, observed=True, sort=False)))
    made = []
    for k in range(J):
        copy, level = divmod(k, len(order))
        rows = parts[order[level]]
        if length is not None:
            rows = rows.iloc[np.arange(length) % len(rows)]
        made.append(rows.assign(**{one: _renamed(rows[one], copy) for one in (name, *inside)}))
    return pd.concat(made, ignore_index=True)


def _renamed(column: pd.Series, copy: int) -> pd.Series:
    """Ids of a copy of a group: a group's own in the first, others in the next."""
    ids = column.astype(object).map(str)
    return ids if copy == 0 else ids + f" ({copy + 1})"


def _nested_in(fit: Fit, data: pd.DataFrame, name: str) -> list[str]:
    """Grouping factors whose groups each lie in one group of `name`: their copies are other groups, too."""
    others = dict.fromkeys(one for term in fit.spec.random for one in term.factors if one != name)
    return [one for one in others if data.groupby(one, observed=True)[name].nunique().max() == 1]


def _in_turn(fit: Fit, data: pd.DataFrame, name: str) -> Sequence:
    """The groups in an order whose every beginning has the shares of treatments that all of them have."""
    groups = data.groupby(name, observed=True, sort=True)
    of_groups = [one for one in fit.spec.predictors if one in data and groups[one].nunique().max() == 1]
    words = [one for one in of_groups if not look(one, data[one]).is_number or data[one].nunique() <= 6]
    if not words:
        return list(groups.groups)
    kinds = groups[words].first().astype(str).agg(" ".join, axis=1)
    place = kinds.groupby(kinds).cumcount() / kinds.map(kinds.value_counts())
    return list(place.sort_values(kind="stable").index)
