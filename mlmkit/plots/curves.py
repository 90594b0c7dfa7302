"""A fit's mean response as a function of one predictor: the lines that the plots draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ..errors import DataError, did_you_mean
from ..results import Fit, MixedFit
from .pooling import separate_coefficients

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
    terms = [part for term in [*random, *fit.spec.fixed] for part in term]
    numeric = [name for name in terms if name in fit.data and _is_number(fit.data[name])]
    if not numeric:
        raise DataError(f"{fit.formula!r} has no numeric predictor to draw along: say which column with x=.")
    return numeric[0]


def group_curves(fit: MixedFit, group: str, x: str) -> pd.DataFrame:
    """The fitted mean of every group over its own range of x, other predictors at the group's average.

    The effects of a grouping factor that contains the group are included (a class's line has its school's
    effects in it); those of one that crosses it are left at their mean, 0.

    Returns
    -------
    DataFrame
        Columns group, x, y.
    """

    def mean(level, new, own):
        return _fixed(fit, new) + _effects(fit, new, own)

    return _each_group(fit, group, x, mean)


def flat_curves(fit: MixedFit, group: str, x: str) -> pd.DataFrame:
    """As `group_curves`, with the fixed part fitted to each group alone; none where its rows cannot tell it."""
    alone = separate_coefficients(fit, group)[list(fit.design.fixed_names)]

    def mean(level, new, own):
        return _columns(fit, new) @ alone.loc[level].to_numpy()

    return _each_group(fit, group, x, mean).dropna()


def _each_group(fit: MixedFit, group: str, x: str, linear_predictor) -> pd.DataFrame:
    rows = fit.data.loc[fit.design.rows]
    block = next(block for block in fit.design.blocks if block.group == group)
    whole = (rows[x].min(), rows[x].max())
    parts = []
    for j, level in enumerate(block.levels):
        own = np.flatnonzero(block.codes == j)
        new = _along(rows.iloc[own], x, whole)
        y = fit.family.mean(linear_predictor(level, new, own))
        parts.append(pd.DataFrame({"group": level, "x": new[x].to_numpy(), "y": y}))
    return pd.concat(parts, ignore_index=True)


def population_curve(fit: Fit, x: str) -> pd.DataFrame:
    """The mean response of a group whose effects are 0, other predictors at their average. Columns x, y."""
    rows = fit.data.loc[fit.design.rows]
    new = _along(rows, x, (rows[x].min(), rows[x].max()))
    return pd.DataFrame({"x": new[x].to_numpy(), "y": fit.family.mean(_fixed(fit, new))})


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


def _along(rows: pd.DataFrame, x: str, whole: tuple[float, float]) -> pd.DataFrame:
    """One row repeated along x: numbers averaged, the rest as in the first row."""
    low, high = rows[x].min(), rows[x].max()
    grid = np.linspace(*((low, high) if high > low else whole), POINTS)
    new = pd.concat([rows.iloc[[0]]] * POINTS, ignore_index=True)
    for name in new.columns:
        if _is_number(rows[name]):
            new[name] = rows[name].mean()
    new[x] = grid
    return new


def _fixed(fit: Fit, new: pd.DataFrame) -> np.ndarray:
    return _columns(fit, new) @ fit.estimates.beta


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
    return is_numeric_dtype(column) and not is_bool_dtype(column)
