"""Predictions, and three intervals that are easily mistaken for each other.

*mean*: where the mean lies; *group*: where a new group's mean will lie; *observation*: where a new
observation will lie. Each contains the one before and adds a source of variation.
"""

from __future__ import annotations

import numpy as np
import scipy

from ..errors import DataError
from ..families import Family
from ..results import Fit, FlatFit, MixedFit
from .degrees import method
from .henderson import own_mean_variance
from .noted import AVERAGE_GROUP, OVER_GROUPS, Noted, NotedSeries
from .over_groups import mean_over_groups, means_in_range, slope_over_groups
from .parameters import one_of, tails
from .quantiles import mixture_quantile
from .rows import Rows, between_variance, fixed_part, new_rows, refuse_fractions, rows_used
from .tests import standard_errors

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
    ddf: str | None = None,
) -> NotedSeries | Noted:
    """Predicted means.

    Parameters
    ----------
    newdata : DataFrame or dict, optional
        Rows to predict for; the rows fitted if left out.
    groups
        `"all"` adds the effects of each row's groups; `"none"` predicts for the average group, ζ = 0; `"average"`
        for the mean over groups, their effects integrated out with Σ at its estimate. The last two are the same
        in a linear model; with a link that is not the identity, `"none"` is the median of the groups' means, not
        their mean. By default `"all"`, but `"none"` where an interval is asked for.
    new_levels
        What to do with a group the fit never saw: `"error"` names it, `"population"` takes ζ = 0.
    interval
        `"mean"`: for what is predicted, the mean of the average group, of the groups or of the row's own group.
        `"group"`: for the mean of a group not yet seen (needs `groups="none"` or `"average"`).
        `"observation"`: for one observation, of a new group or of the row's own. Σ and σ are taken as known,
        unless `ddf` says otherwise.
    level
        The interval's probability.
    scale
        Of a generalized model, `"response"` (mean) or `"link"` (linear predictor).
    offset
        The new rows' offset, where the fit had one.
    ddf
        Of a linear mixed model's `interval="mean"` for the population: `"satterthwaite"` or `"kenward-roger"` (which
        also corrects the standard errors), as in `tests`. By default the normal quantile.

    Returns
    -------
    Series, or with an interval a DataFrame
        Columns prediction, lower, upper. Its notes, which print below it, say what a generalized multilevel
        model's prediction is the mean of.

    Raises
    ------
    DataError
        Naming the column that is missing, or the level that is new.
    """
    groups = groups or ("all" if interval is None else "none")
    _check(fit, groups, new_levels, interval, scale, ddf)
    conditional = groups == "all" and isinstance(fit, MixedFit)
    needs_groups = conditional or groups == "average" or interval in ("group", "observation")
    rows = (
        rows_used(fit)
        if newdata is None
        else new_rows(fit, newdata, random=needs_groups, groups=conditional, offset=offset)
    )
    if conditional and new_levels == "error":
        _refuse_new_levels(fit, rows)
    if interval == "observation":
        _refuse_single_trials(fit, rows)
    eta = _linear_predictor(fit, rows, conditional)
    average = _average(fit, rows, eta) if groups == "average" else None
    shown = _on_scale(fit.family, eta if average is None else average[0], scale)
    notes = _notes(fit, groups, scale)
    if interval is None:
        return NotedSeries(shown, rows.index, name="prediction", notes=notes)
    if average is not None and interval == "mean":
        limits = _on_scale(fit.family, np.sort(_mean_limits(fit, *average, ddf, tails(level)), axis=0), scale)
    elif interval == "mean" and not conditional:
        limits = _on_scale(fit.family, _mean_limits(fit, eta, rows.X, ddf, tails(level)), scale)
    else:
        limits = _limits(fit, rows, eta, conditional, interval, tails(level), scale)
    limits = np.sort(limits, axis=0)
    return Noted({"prediction": shown, "lower": limits[0], "upper": limits[1]}, rows.index, notes=notes)


def _check(fit: Fit, groups, new_levels, interval, scale, ddf) -> None:
    one_of("groups", groups, ("all", "none", "average"))
    one_of("new_levels", new_levels, ("error", "population"))
    one_of("interval", interval, INTERVALS)
    one_of("scale", scale, ("response", "link"))
    if interval == "group" and isinstance(fit, FlatFit):
        raise DataError('A flat model has no groups: interval can be "mean" or "observation".')
    if ddf is not None and (interval != "mean" or (groups == "all" and isinstance(fit, MixedFit))):
        raise DataError(
            f'ddf={ddf!r} is for the interval of the population\'s mean: interval="mean" and groups="none".'
        )
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


def _refuse_single_trials(fit: Fit, rows: Rows) -> None:
    if fit.family.counts_trials and np.all(rows.weights <= 1):
        raise DataError(
            "One observation is 0 or 1 here, so an interval for it would say nothing but that: ask for the interval "
            'of its probability, interval="mean" or "group", or give new rows with their numbers of trials.'
        )


def _average(fit: Fit, rows: Rows, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean over groups on the link's scale, and its gradient by b̂, (m, p)."""
    family, sd = fit.family, np.sqrt(between_variance(fit, rows))
    if family.link == "identity" or not sd.any():
        return eta, rows.X
    value = family.eta(mean_over_groups(family, eta, sd))
    slope = slope_over_groups(family, eta, sd) / family.mean_slope(value)
    return value, slope[:, None] * rows.X


def _mean_limits(fit: Fit, value: np.ndarray, gradient: np.ndarray, ddf, probabilities) -> np.ndarray:
    """(2, m) limits of a population mean on the link's scale."""
    if ddf is None and isinstance(fit, MixedFit):
        ddf = "asymptotic"
    how = method(fit, ddf)
    se = standard_errors(gradient, how.vcov)
    df = [how.degrees(row) if s > 0 else np.inf for row, s in zip(gradient, se, strict=True)]
    return value + scipy.stats.t.ppf(np.array(probabilities)[:, None], df) * se


def _notes(fit: Fit, groups: str, scale: str) -> list[str]:
    """What a generalized multilevel model's prediction for no group in particular is the mean of."""
    if groups == "all" or scale == "link" or fit.family.link == "identity" or isinstance(fit, FlatFit):
        return []
    return [OVER_GROUPS if groups == "average" else AVERAGE_GROUP]


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
    variance = (
        own_mean_variance(fit, rows) if conditional else standard_errors(rows.X, fit.estimates.vcov) ** 2
    )
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


def _quantile(fit: Fit, probabilities) -> np.ndarray:
    """Normal quantiles; Student's for a linear model, where they are exact."""
    if isinstance(fit, FlatFit) and fit.family.has_sigma:
        return scipy.stats.t.ppf(probabilities, fit.df_resid)
    return scipy.stats.norm.ppf(probabilities)
