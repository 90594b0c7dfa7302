"""Predictions, and three intervals that are easily mistaken for each other.

*mean*: where the mean lies; *group*: where a new group's mean will lie; *observation*: where a new
observation will lie. Each contains the one before and adds a source of variation.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from ..errors import DataError
from ..families import Family
from ..results import Fit, FlatFit
from .henderson import own_mean_variance
from .margins import means_in_range
from .parameters import one_of, tails
from .quantiles import mixture_quantile
from .rows import Rows, fixed_part, new_rows, refuse_fractions, rows_used

INTERVALS = (None, "mean", "group", "observation")


def predict(
    fit: Fit,
    newdata=None,
    groups: str | None = None,
    new_levels: str = "error",
    interval: str | None = None,
    level: float = 0.95,
    scale: str = "response",
    offset=None,
) -> pd.Series | pd.DataFrame:
    """Predicted means.

    Parameters
    ----------
    newdata : DataFrame or dict, optional
        Rows to predict for; the rows fitted if left out.
    groups
        `"all"` adds the effects of each row's groups; `"none"` predicts for the population, ζ = 0. In a
        generalized model the latter is the mean of the median group, not the mean over groups (see
        `new_group`). By default `"all"`, but `"none"` where an interval is asked for.
    new_levels
        What to do with a group the fit never saw: `"error"` names it, `"population"` takes ζ = 0.
    interval
        `"mean"`: for the population's mean with `groups="none"`, for the mean of the row's own group with
        `groups="all"`. `"group"`: for the mean of a group not yet seen (needs `groups="none"`).
        `"observation"`: for one observation, of a new group or of the row's own. Σ and σ are taken as known.
    level
        The interval's probability.
    scale
        Of a generalized model, `"response"` (mean) or `"link"` (linear predictor).
    offset
        The new rows' offset, where the fit had one.

    Returns
    -------
    Series, or with an interval a DataFrame
        Columns prediction, lower, upper.

    Raises
    ------
    DataError
        Naming the column that is missing, or the level that is new.
    """
    groups = groups or ("all" if interval is None else "none")
    _check(fit, groups, new_levels, interval, scale)
    conditional = groups == "all" and not isinstance(fit, FlatFit)
    needs_groups = conditional or interval in ("group", "observation")
    rows = (
        rows_used(fit)
        if newdata is None
        else new_rows(fit, newdata, random=needs_groups, groups=conditional, offset=offset)
    )
    if conditional and new_levels == "error":
        _refuse_new_levels(fit, rows)
    eta = _linear_predictor(fit, rows, conditional)
    if interval is None:
        return pd.Series(_on_scale(fit.family, eta, scale), rows.index, name="prediction")
    limits = _limits(fit, rows, eta, conditional, interval, tails(level), scale)
    return pd.DataFrame(
        {"prediction": _on_scale(fit.family, eta, scale), "lower": limits[0], "upper": limits[1]}, rows.index
    )


def _check(fit: Fit, groups, new_levels, interval, scale) -> None:
    one_of("groups", groups, ("all", "none"))
    one_of("new_levels", new_levels, ("error", "population"))
    one_of("interval", interval, INTERVALS)
    one_of("scale", scale, ("response", "link"))
    if interval == "group" and isinstance(fit, FlatFit):
        raise DataError('A flat model has no groups: interval can be "mean" or "observation".')
    if interval == "group" and groups == "all":
        raise DataError(
            'interval="group" is about a group not yet seen, so it goes with groups="none"; '
            'for the rows\' own groups use interval="mean".'
        )
    if interval == "observation" and scale == "link" and fit.family.link != "identity":
        raise DataError('An observation lives on the response\'s scale: use scale="response".')


def _refuse_new_levels(fit: Fit, rows: Rows) -> None:
    for block, codes, labels in zip(fit.design.blocks, rows.codes, rows.labels, strict=True):
        if (codes < 0).any():
            place = int(np.flatnonzero(codes < 0)[0])
            row = rows.index[place]
            values = labels.texts[labels.codes[place]]
            raise DataError(
                f"The fit never saw {block.group} {values} (row {row}): "
                'new_levels="population" predicts for such a group from the population alone.'
            )


def _linear_predictor(fit: Fit, rows: Rows, conditional: bool) -> np.ndarray:
    eta = fixed_part(fit, rows)
    if conditional:
        for Z, codes, modes in zip(rows.Z, rows.codes, fit.estimates.modes, strict=True):
            effects = np.where(codes[:, None] < 0, 0.0, modes[codes])
            eta = eta + np.einsum("is,is->i", Z, effects)
    return eta


def _on_scale(family: Family, eta: np.ndarray, scale: str) -> np.ndarray:
    return means_in_range(family, eta) if scale == "response" else eta


def _limits(fit, rows, eta, conditional, interval, probabilities, scale) -> np.ndarray:
    """(2, m) lower and upper limits."""
    variance = own_mean_variance(fit, rows) if conditional else mean_variance(fit, rows.X)
    if interval != "mean" and not conditional:
        variance = variance + between_variance(fit, rows)
    if interval == "observation":
        refuse_fractions(fit, rows)
        return _observation_limits(fit, rows, eta, variance, probabilities)
    quantiles = np.outer(_quantile(fit, probabilities), np.sqrt(variance))
    return np.sort(_on_scale(fit.family, eta + quantiles, scale), axis=0)


def _observation_limits(fit, rows, eta, variance, probabilities) -> np.ndarray:
    if fit.family.is_linear:
        spread = np.sqrt(variance + fit.sigma**2 / rows.weights)
        return eta + np.outer(_quantile(fit, probabilities), spread)
    return mixture_quantile(fit.family, eta, np.sqrt(variance), rows.weights, fit.dispersion, probabilities)


def mean_variance(fit: Fit, X: np.ndarray) -> np.ndarray:
    """The (m,) variance of Xb̂; NaN for a row that uses a coefficient without a finite estimate."""
    known = np.isfinite(np.diag(fit.estimates.vcov))
    variance = np.einsum("ip,pq,iq->i", X[:, known], fit.estimates.vcov[np.ix_(known, known)], X[:, known])
    return np.where(np.any(X[:, ~known] != 0, axis=1), np.nan, variance)


def between_variance(fit: Fit, rows: Rows) -> np.ndarray:
    """The (m,) variance of the group effects' sum at these rows, Σ zΣzᵀ over the terms."""
    total = np.zeros(len(rows.X))
    for Z, Sigma in zip(rows.Z, getattr(fit, "covariances", ()), strict=True):
        total += np.einsum("is,st,it->i", Z, Sigma, Z)
    return total


def _quantile(fit: Fit, probabilities) -> np.ndarray:
    """Normal quantiles; Student's for a linear model, where they are exact."""
    if isinstance(fit, FlatFit) and fit.family.has_sigma:
        return scipy.stats.t.ppf(probabilities, fit.df_resid)
    return scipy.stats.norm.ppf(probabilities)
