"""The estimates that a plot sets beside each other: flat (no pooling), multilevel, and where both are drawn to."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd

from ..columns import label_text, look
from ..design import Block
from ..engine import fit_glm
from ..errors import DataError
from ..results import Fit, FlatFit, MixedFit
from ..spec import group_key
from ..terms import Part


def only_group(fit: Fit, group: str | None = None) -> str:
    """The grouping factor meant: the one named, or the model's first (the one with the most groups).

    Raises
    ------
    DataError
        If the fit has no grouping factor of that name, or none at all.
    """
    if not isinstance(fit, MixedFit):
        raise DataError(
            f"{fit.formula!r} has no groups to draw: fit a multilevel model with lmer() or glmer()."
        )
    names = {group_key(block.group): block.group for block in fit.design.blocks}
    wanted = fit.design.blocks[0].group if group is None else group
    if (key := group_key(wanted)) not in names:
        raise DataError(
            f"{group!r} is not a grouping factor of {fit.formula!r}: it has {', '.join(fit.ngroups)}."
        )
    return names[key]


def flat_coefficients(flat: FlatFit, group: str) -> pd.DataFrame:
    """Each group's own coefficients in a flat model such as `y ~ 0 + g + g:x` or `y ~ g * x`.

    Parameters
    ----------
    flat
        From `lm` or `glm`, with the grouping factor among its predictors.
    group
        The grouping factor's column.

    Returns
    -------
    DataFrame
        Groups × coefficients; a coefficient without a finite maximum is −∞ or ∞, as in the fit.

    Raises
    ------
    DataError
        If the model has no coefficients of that factor.
    """
    levels = look(group, flat.design.rows_of(flat.data)[group]).labels.present().levels.rename(group)
    columns = itertools.compress(flat.design.columns.parts, flat.design.keep)
    parts = [_split(column, group) for column in columns]
    if not any(level is not None for level, _ in parts):
        raise DataError(
            f"{flat.formula!r} has no coefficients of its own for each {group}: try 'y ~ 0 + {group}'."
        )
    table = pd.DataFrame(0.0, levels, list(dict.fromkeys(term for _, term in parts)))
    for value, (level, term) in zip(flat.fixef, parts, strict=True):
        rows = levels if level is None else [one for one in levels if label_text(one) == level]
        table.loc[rows, term] += value
    return table


def separate_coefficients(fit: MixedFit, group: str | None = None) -> pd.DataFrame:
    """The fixed part of a multilevel model fitted to each group alone: no pooling at all.

    What no group can tell from its own rows (the coefficient of a treatment that a whole group has, its
    interaction with time) is held at the multilevel fit's b̂, so that groups of every arm can be compared.

    Parameters
    ----------
    fit
        The multilevel fit.
    group
        One of its grouping factors; by default the first.

    Returns
    -------
    DataFrame
        Groups × coefficients. NaN where this group's rows cannot tell a coefficient that others' can: a slope
        from one row.
    """
    group = only_group(fit, group)
    block = block_of(fit, group)
    own = told_within(fit.design.X, block.codes, len(block.levels))
    return pd.DataFrame(
        [_alone(fit, block.codes == j, own) for j in range(len(block.levels))],
        block.levels.rename(group),
        list(fit.design.fixed_names),
    )


def block_of(fit: MixedFit, group: str) -> Block:
    """The first block of the design with this grouping factor."""
    return next(block for block in fit.design.blocks if block.group == group)


def arms(fit: MixedFit, group: str) -> pd.Series:
    """The treatment, sex or sector of each group: the model's first factor that is constant within groups.

    Returns
    -------
    Series
        Indexed by the group's levels and named after the factor; empty where the model has no such factor with
        two or three levels.
    """
    block = block_of(fit, group)
    rows = fit.design.rows_of(fit.data)
    used = [factor.columns[0] for term in fit.spec.fixed for factor in term if factor.is_column]
    for name in (name for name in dict.fromkeys(used) if not look(name, rows[name]).is_number):
        kinds = pd.Series(rows[name].astype(object).to_numpy()).groupby(block.codes)
        if kinds.nunique().max() == 1 and rows[name].nunique() in (2, 3):
            return pd.Series(kinds.first().to_numpy(), block.levels, name=name)
    return pd.Series(dtype=object)


def told_within(X: np.ndarray, codes: np.ndarray, n_groups: int) -> np.ndarray:
    """Which columns of X at least one group can tell from its own rows, (p,) of bool.

    The columns are taken in order: a treatment that is constant in every group says there what the intercept
    says already, and its product with time what time says.
    """
    rows = [X[codes == j] for j in range(n_groups)]
    own = np.zeros(X.shape[1], dtype=bool)
    for k in range(X.shape[1]):
        own[k] = any(_adds(part[:, own], part[:, k]) for part in rows)
    return own


def _adds(known: np.ndarray, column: np.ndarray) -> bool:
    """Whether a column is not a combination of those known."""
    left = column - known @ np.linalg.lstsq(known, column, rcond=None)[0] if known.size else column
    return bool(np.linalg.norm(left) > 1e-7 * max(float(np.linalg.norm(column)), 1e-300))


def no_pooling(
    fit: MixedFit, group: str, terms: list[str], flat: FlatFit | pd.DataFrame | None = None
) -> pd.DataFrame:
    """Groups × terms without pooling: of the flat fit or table given, or else of a model for each group alone.

    Raises
    ------
    DataError
        If no group's own rows tell these coefficients.
    """
    if flat is None:
        table = separate_coefficients(fit, group)
    else:
        table = flat_coefficients(flat, group) if isinstance(flat, FlatFit) else flat
    table = table.reindex(index=fit.coef[group].index, columns=terms)
    if table.isna().any(axis=1).all():
        raise DataError(
            f"There is no {group} whose own rows tell {' and '.join(terms)}: nothing to set beside the fit."
        )
    return table


def group_covariance(fit: MixedFit, group: str) -> pd.DataFrame:
    """Σ of a grouping factor's coefficients, 0 between those that the formula keeps apart (`||`)."""
    parts = [
        pd.DataFrame(Sigma, list(block.names), list(block.names))
        for block, Sigma in zip(fit.design.blocks, fit.covariances, strict=True)
        if block.group == group
    ]
    return pd.concat(parts).fillna(0.0)


def _alone(fit: MixedFit, rows: np.ndarray, own: np.ndarray) -> np.ndarray:
    """The fixed part fitted to some rows, (p,): what groups tell by themselves, the rest as in the fit."""
    design, b = fit.design, fit.estimates.beta.copy()
    X, y, weights = design.X[np.ix_(rows, own)], design.y[rows], design.weights[rows]
    offset = design.offset[rows] + design.X[np.ix_(rows, ~own)] @ b[~own]
    inverse = np.linalg.pinv(X)
    told = np.linalg.norm(np.eye(X.shape[1]) - inverse @ X, axis=1) < 1e-8  # rows of X span that coefficient
    if fit.family.is_linear:
        root = np.sqrt(weights)
        b[own] = np.where(told, np.linalg.pinv(root[:, None] * X) @ (root * (y - offset)), np.nan)
    elif told.all():
        parts = {
            "weights": weights,
            "trials": design.trials[rows],
            "offset": offset,
            "rows": design.rows[rows],
        }
        b[own] = fit_glm(replace(design, y=y, X=X, blocks=(), **parts)).beta
    else:
        b[own] = np.nan
    return b


def _split(parts: tuple[Part, ...], group: str) -> tuple[str | None, str]:
    """The level and the rest of a coefficient: of `Subject[T.309]:Days` "309" and "Days"."""
    own = [part for part in parts if part.factor.columns == (group,) and part.level is not None]
    rest = ":".join(part.name for part in parts if part not in own) or "Intercept"
    return (own[0].level if own else None), rest
