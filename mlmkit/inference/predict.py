"""Predictions, and three intervals that are easily mistaken for each other.

*mean*: where the mean lies; *group*: where a new group's mean will lie; *observation*: where a new
observation will lie. Each contains the one before and adds a source of variation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy

from ..errors import DataError
from ..families import Family
from ..habits import value_answer
from ..results import Fit, FlatFit, MixedFit
from ..spec import same_group
from ..words import listed
from .degrees import method
from .henderson import own_mean_variance
from .noted import AVERAGE_GROUP, OVER_GROUPS, Noted, NotedSeries
from .over_groups import mean_over_groups, means_in_range, slope_over_groups
from .parameters import one_of, tails
from .quantiles import mixture_quantile
from .rows import Rows, between_variance, fixed_part, new_rows, refuse_fractions, rows_used
from .tests import standard_errors

WORDS = ("all", "none", "average")
INTERVALS = (None, "mean", "group", "observation")


def predict(
    fit: Fit,
    newdata=None,
    groups: str | Sequence[str] | None = None,
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
        their mean. The name of a grouping factor, or a list of names, adds the effects of these factors' groups
        alone. By default `"all"`, but `"none"` where an interval is asked for.
    new_levels
        What to do with a group the fit never saw: `"error"` names it, `"population"` takes ζ = 0.
    interval
        `"mean"`: for what is predicted, the mean of the average group, of the groups or of the row's own group.
        `"group"`: for the mean of a group not yet seen (of a grouping factor that `groups` does not name).
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
    groups = ("all" if interval is None else "none") if groups is None else groups
    own = _own_factors(fit, groups)
    _check(fit, own, new_levels, interval, level, scale, ddf)
    conditional = bool(own)
    varying = groups == "average" or interval in ("group", "observation") or own
    rows = (
        rows_used(fit, random=varying, groups=own)
        if newdata is None
        else new_rows(fit, newdata, random=varying, groups=own, offset=offset)
    )
    if conditional and new_levels == "error":
        _refuse_new_levels(fit, rows, own)
    if interval == "observation":
        _refuse_single_trials(fit, rows)
    eta = _linear_predictor(fit, rows, conditional)
    average = _average(fit, rows, eta) if groups == "average" else None
    shown = _on_scale(fit.family, eta if average is None else average[0], scale)
    notes = _notes(fit, groups, own, scale)
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


def _own_factors(fit: Fit, groups) -> tuple[str, ...]:
    """The grouping factors whose groups' effects are added: their names as the fit has them."""
    known = list(dict.fromkeys(block.group for block in fit.design.blocks))
    if isinstance(groups, str) and groups in WORDS:
        return tuple(known) if groups == "all" else ()
    names = [groups] if isinstance(groups, str) else groups
    if not isinstance(names, list | tuple) or not names:
        names = [groups]
    own = [next((one for one in known if same_group(one, str(name))), None) for name in names]
    if None in own:
        strange = names[own.index(None)]
        raise DataError(
            f"groups={strange!r} is not known here; it can be 'all', 'none', 'average' or the name of a grouping "
            f"factor: {listed(known) if known else 'this model has none'}."
            f"{value_answer('groups', strange, WORDS)}"
        )
    return tuple(own)


def _check(fit: Fit, own: tuple[str, ...], new_levels, interval, level, scale, ddf) -> None:
    one_of("new_levels", new_levels, ("error", "population"))
    one_of("interval", interval, INTERVALS)
    tails(level)
    one_of("scale", scale, ("response", "link"))
    if interval == "group" and isinstance(fit, FlatFit):
        raise DataError('A flat model has no groups: interval can be "mean" or "observation".')
    if ddf is not None and (interval != "mean" or own):
        raise DataError(
            f'ddf={ddf!r} is for the interval of the population\'s mean: interval="mean" and groups="none".'
        )
    if interval == "group" and own and all(block.group in own for block in fit.design.blocks):
        raise DataError(
            'interval="group" is about a group not yet seen, so it goes with groups="none"; '
            'for the rows\' own groups use interval="mean".'
        )
    if interval == "observation" and scale == "link" and fit.family.link != "identity":
        raise DataError('An observation lives on the response\'s scale: use scale="response".')


def _refuse_new_levels(fit: Fit, rows: Rows, own: tuple[str, ...]) -> None:
    for block, codes, labels in zip(fit.design.blocks, rows.codes, rows.labels, strict=True):
        if block.group in own and (codes < 0).any():
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


def _notes(fit: Fit, groups, own: tuple[str, ...], scale: str) -> list[str]:
    """What a generalized multilevel model's prediction for no group in particular is the mean of."""
    if own or scale == "link" or fit.family.link == "identity" or isinstance(fit, FlatFit):
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
