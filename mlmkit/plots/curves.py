"""A fit's mean response as a function of one predictor: the lines that the plots draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from ..columns import look
from ..engine.generalized.separation import population_part
from ..errors import DataError, did_you_mean
from ..inference.over_groups import mean_over_groups
from ..results import Fit, MixedFit
from ..spec import columns_in
from .pooling import arms, block_of, separate_coefficients

POINTS = 41


def only_predictor(fit: Fit, x: str | None = None) -> str:
    """The predictor along the horizontal axis: the one named, or else the model's numeric one.

    Of several, the first that varies across groups: `Days` in `Reaction ~ age + Days + (Days|Subject)`.

    Raises
    ------
    DataError
        If the data have no such column, or the model no numeric predictor.
    """
    if x is not None:
        if x not in fit.data:
            raise DataError(f"The data have no column {x!r}.{did_you_mean(x, fit.data.columns)}")
        return x
    random = [term for one in fit.spec.random for term in one.terms]
    factors = [factor for term in [*random, *fit.spec.fixed] for factor in term if factor.is_column]
    numeric = [f.columns[0] for f in factors if _is_number(fit.data[f.columns[0]])]
    if not numeric:
        raise DataError(f"{fit.formula!r} has no numeric predictor to draw along: say which column with x=.")
    return numeric[0]


def group_curves(fit: MixedFit, group: str, x: str, beyond: bool = False) -> pd.DataFrame:
    """The fitted mean of every group over its own range of x, at the group's average of the other predictors.

    With `beyond` it goes on over the range that x has in the whole data.

    Numbers are averaged over the group's rows; categories count with the shares they have in them. The effects
    of a grouping factor that contains the group are included (a class's line has its school's effects in it);
    those of one that crosses it are left at their mean, 0.

    Returns
    -------
    DataFrame
        Columns group, x, y.
    """

    def eta(level, new, own):
        return _fixed(fit, new) + _effects(fit, new, own)

    return _each_group(fit, group, x, eta, beyond)


def flat_curves(fit: MixedFit, group: str, x: str) -> pd.DataFrame:
    """As `group_curves`, with the fixed part fitted to each group alone; none where its rows cannot tell it."""
    alone = separate_coefficients(fit, group)[list(fit.design.fixed_names)]

    def eta(level, new, own):
        return _columns(fit, new) @ alone.loc[level].to_numpy()

    return _each_group(fit, group, x, eta).dropna()


def _each_group(fit: MixedFit, group: str, x: str, eta, beyond: bool = False) -> pd.DataFrame:
    rows = fit.design.rows_of(fit.data)
    block = block_of(fit, group)
    whole = (rows[x].min(), rows[x].max())
    parts = []
    for j, level in enumerate(block.levels):
        own = np.flatnonzero(block.codes == j)
        line = _along(fit, rows.iloc[own], x, whole, beyond)
        y = fit.family.mean(line.average(partial(eta, level, own=own)))
        parts.append(pd.DataFrame({"group": level, "x": line.grid, "y": y}))
    return pd.concat(parts, ignore_index=True)


def population_curve(fit: Fit, x: str, group: str | None = None) -> pd.DataFrame:
    """The mean response of a group whose effects are 0, a line for each arm, other predictors at their average.

    Parameters
    ----------
    fit, x
    group
        The grouping factor whose `arms` get a line each; None for one line.

    Returns
    -------
    DataFrame
        Columns arm ("" where there is one line), x, y, and mean: the mean over groups. That is y, unless the link is
        not the identity: then the mean of the groups is not the mean response of the average group.
    """
    rows = fit.design.rows_of(fit.data)
    whole = (rows[x].min(), rows[x].max())
    kinds = arms(fit, group) if isinstance(fit, MixedFit) and group else pd.Series(dtype=object)
    parts = rows.groupby(rows[kinds.name].astype(object), sort=True) if len(kinds) else [("", rows)]
    return pd.concat(
        [_population(fit, own, x, whole).assign(arm=arm) for arm, own in parts], ignore_index=True
    )


def _population(fit: Fit, rows: pd.DataFrame, x: str, whole: tuple[float, float]) -> pd.DataFrame:
    line = _along(fit, rows, x, whole)
    eta = line.average(lambda new: _fixed(fit, new))
    y = fit.family.mean(eta)
    mean = y
    if isinstance(fit, MixedFit) and fit.family.link != "identity":
        mean = mean_over_groups(fit.family, eta, np.sqrt(line.average(lambda new: _variance(fit, new))))
    return pd.DataFrame({"x": line.grid, "y": y, "mean": mean})


def least_squares_line(rows: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """The least-squares line of y on x over the range of x; empty where fewer than two x differ."""
    rows = rows[[x, y]].dropna()
    if rows[x].nunique() < 2:
        return pd.DataFrame({"x": [], "y": []})
    slope, intercept = np.polyfit(rows[x], rows[y], 1)
    ends = np.array([rows[x].min(), rows[x].max()])
    return pd.DataFrame({"x": ends, "y": intercept + slope * ends})


def slopes(lines: pd.DataFrame, by: str | list[str]) -> pd.Series:
    """Rise over run between the ends of each line, for the words about it."""
    ends = lines.groupby(by, sort=False)[["x", "y"]].agg(["first", "last"])
    return (ends["y", "last"] - ends["y", "first"]) / (ends["x", "last"] - ends["x", "first"])


@dataclass(frozen=True, eq=False)
class _Line:
    """Rows along x, in as many versions as the categories have combinations, each with its share of the data."""

    grid: np.ndarray
    versions: list[tuple[float, pd.DataFrame]]

    def average(self, of: Callable[[pd.DataFrame], np.ndarray]) -> np.ndarray:
        return np.sum([share * of(new) for share, new in self.versions], axis=0)


def _along(fit: Fit, rows: pd.DataFrame, x: str, whole: tuple[float, float], beyond: bool = False) -> _Line:
    """Rows along the range that x has in `rows` (`beyond` it, or where it has one value only: in the whole data)."""
    low, high = rows[x].min(), rows[x].max()
    low, high = (low, high) if high > low and not beyond else whole
    grid = np.linspace(low, high, POINTS)
    numbers = {name: rows[name].mean() for name in rows.columns if _is_number(rows[name])}
    numbers[x] = grid
    categories = [name for name in _used(fit) if name not in numbers]
    firsts = rows.drop_duplicates(categories) if categories else rows.iloc[[0]]
    counts = (
        rows.groupby(categories, observed=True, dropna=False, sort=False).size()
        if categories
        else [len(rows)]
    )
    versions = []
    for (_, first), n in zip(firsts.iterrows(), counts, strict=True):
        new = pd.concat([firsts.loc[[first.name]].iloc[[0]]] * POINTS, ignore_index=True).assign(**numbers)
        versions.append((n / len(rows), new))
    return _Line(grid, versions)


def _used(fit: Fit) -> list[str]:
    """The columns that the fixed part uses."""
    return list(columns_in(fit.spec.fixed))


def _fixed(fit: Fit, new: pd.DataFrame) -> np.ndarray:
    return population_part(fit.design, fit.estimates, _columns(fit, new))


def _columns(fit: Fit, new: pd.DataFrame) -> np.ndarray:
    return fit.design.columns.matrix(new)[:, fit.design.keep]


def _effects(fit: MixedFit, new: pd.DataFrame, own: np.ndarray) -> np.ndarray:
    total = np.zeros(len(new))
    for block, modes in zip(fit.design.blocks, fit.estimates.modes, strict=True):
        codes = np.unique(block.codes[own])
        if len(codes) == 1:
            Z = block.columns.matrix(new)
            total += Z[:, [block.columns.names.index(name) for name in block.names]] @ modes[codes[0]]
    return total


def _is_number(column: pd.Series) -> bool:
    return look(str(column.name), column).is_number


def _variance(fit: MixedFit, new: pd.DataFrame) -> np.ndarray:
    """The variance across groups of new rows' linear predictor."""
    total = np.zeros(len(new))
    for block, Sigma in zip(fit.design.blocks, fit.covariances, strict=True):
        Z = block.columns.matrix(new)[:, [block.columns.names.index(name) for name in block.names]]
        total += np.einsum("is,st,it->i", Z, Sigma, Z)
    return total
