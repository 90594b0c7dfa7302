"""The estimates that a plot sets beside each other: flat (no pooling), multilevel, and where both are drawn to."""

from __future__ import annotations

import re
import warnings

import pandas as pd

from ..errors import DataError, FitWarning
from ..models import glm, lm
from ..results import FlatFit, MixedFit


def only_group(fit: MixedFit, group: str | None = None) -> str:
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
    names = {tuple(sorted(block.group.split(":"))): block.group for block in fit.design.blocks}
    wanted = fit.design.blocks[0].group if group is None else group
    if (key := tuple(sorted(wanted.split(":")))) not in names:
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
    levels = _levels(flat.data.loc[flat.design.rows, group])
    parts = [_split(name, group) for name in flat.fixef.index]
    if not any(level is not None for level, _ in parts):
        raise DataError(
            f"{flat.formula!r} has no coefficients of its own for each {group}: try 'y ~ 0 + {group}'."
        )
    table = pd.DataFrame(0.0, levels, list(dict.fromkeys(term for _, term in parts)))
    for value, (level, term) in zip(flat.fixef, parts, strict=True):
        rows = levels if level is None else [one for one in levels if str(one) == level]
        table.loc[rows, term] += value
    return table


def separate_coefficients(fit: MixedFit, group: str | None = None) -> pd.DataFrame:
    """The fixed part of a multilevel model fitted to each group alone: no pooling at all.

    Parameters
    ----------
    fit
        The multilevel fit.
    group
        One of its grouping factors; by default the first.

    Returns
    -------
    DataFrame
        Groups × coefficients. NaN where a group's rows cannot tell a coefficient (a slope from one row).
    """
    group = only_group(fit, group)
    rows = fit.data.loc[fit.design.rows]
    block = next(block for block in fit.design.blocks if block.group == group)
    alone = {level: _alone(fit, rows[block.codes == j]) for j, level in enumerate(block.levels)}
    return pd.DataFrame(alone, list(fit.fixef.index)).T.rename_axis(group)


def no_pooling(fit: MixedFit, group: str, flat: FlatFit | pd.DataFrame | None = None) -> pd.DataFrame:
    """Groups × coefficients without pooling: of the flat fit given, or else of a model for each group alone."""
    if flat is None:
        return separate_coefficients(fit, group)
    return flat_coefficients(flat, group) if isinstance(flat, FlatFit) else flat


def group_covariance(fit: MixedFit, group: str) -> pd.DataFrame:
    """Σ of a grouping factor's coefficients, 0 between those that the formula keeps apart (`||`)."""
    parts = [
        pd.DataFrame(Sigma, list(block.names), list(block.names))
        for block, Sigma in zip(fit.design.blocks, fit.covariances, strict=True)
        if block.group == group
    ]
    return pd.concat(parts).fillna(0.0)


def _alone(fit: MixedFit, rows: pd.DataFrame) -> pd.Series:
    spec = fit.spec.with_random()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # a group without successes: its estimate says so, −∞
        gaussian = fit.family.name == "gaussian"
        one = lm(spec.formula, rows) if gaussian else glm(spec.formula, rows, fit.family)
    return one.fixef.reindex(fit.fixef.index)


def _split(name: str, group: str) -> tuple[str | None, str]:
    """The level and the rest of a coefficient's name: `Subject[T.309]:Days` is ("309", "Days")."""
    level, rest = None, []
    for part in name.split(":"):
        found = re.fullmatch(rf"{re.escape(group)}\[(?:T\.)?(.*)\]", part)
        level = found[1] if found else level
        rest += [] if found else [part]
    return level, ":".join(rest) or "Intercept"


def _levels(column: pd.Series) -> pd.Index:
    return pd.Index(sorted(column.astype(object).unique()), name=column.name)
