"""How much of the variation lies between groups: intraclass correlations, design effects, shrinkage."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..families import Family
from ..results import ByGroup, Fit, MixedFit
from .noted import Noted
from .over_groups import variance_of_part, variances
from .parameters import one_of
from .rows import Rows, as_rows, fixed_part, new_rows, told_rows

AVERAGED = "Variances are averaged over the rows, since they depend on the predictors; icc(at={…}) takes them at values of your choice."


def icc(fit: MixedFit, at=None, scale: str | None = None) -> Noted:
    """The intraclass correlation: each grouping factor's share of the variance that the fixed part leaves.

    For one grouping factor it is also the correlation of two observations of the same group.

    Parameters
    ----------
    at : DataFrame or dict, optional
        Values of the predictors at which to compute it, as `{"Days": [0, 9]}`. A varying slope, or a link
        other than the identity, makes it depend on them; left out, variances are averaged over the rows.
    scale
        Of a generalized model: `"latent"` (of the variable behind the response: its residual variance is π²/3
        for logit, 1 for probit), `"response"` (of a single observation, a 0 or 1), or both if left out.

    Returns
    -------
    DataFrame
        One row per grouping factor, scale and value of the predictors; columns group, scale, icc, after those of
        `at`.

    References
    ----------
    Goldstein, Browne & Rasbash (2002), Understanding Statistics 1:223–231; Nakagawa, Johnson & Schielzeth
    (2017), J. R. Soc. Interface 14:20170213; Johnson (2014), Methods in Ecology and Evolution 5:944–946.
    """
    scales = _scales(fit, scale)
    linear = fit.family.is_linear
    rows = told_rows(fit) if at is None else new_rows(fit, at, fixed=not linear, groups=False, offset=0.0)
    by_group = variance_by_group(fit, rows)
    shares = {name: _shares(fit, rows, by_group, name, average=at is None) for name in scales}
    frames = [
        pd.DataFrame({"group": group, "scale": name, "icc": share})
        for name in scales
        for group, share in shares[name].items()
    ]
    if at is not None:
        values = as_rows(at).reset_index(drop=True)
        frames = [pd.concat([values, frame], axis=1) for frame in frames]
    averaged = at is None and any(np.ptp(s2) > 0 for s2 in by_group.values())
    return Noted(pd.concat(frames, ignore_index=True), notes=[AVERAGED] if averaged else [])


def _scales(fit: MixedFit, scale: str | None) -> tuple[str, ...]:
    """The scales that this family has an ICC on."""
    if fit.family.is_linear:
        return ("response",)
    known = ("latent", "response") if has_latent(fit.family) else ("response",)
    if scale is None:
        return known
    one_of("scale", scale, known)
    return (scale,)


def has_latent(family: Family) -> bool:
    """Whether there is a residual variance on the link's scale: of a latent error, or of log y."""
    positive = family.distribution.mean_range[0] == 0.0
    return family.link_function.latent_variance is not None or (family.link == "log" and positive)


def variance_by_group(fit: MixedFit, rows: Rows) -> dict[str, np.ndarray]:
    """zΣzᵀ of each grouping factor at each row, (m,)."""
    total: dict[str, np.ndarray] = {}
    for block, Z, Sigma in zip(fit.design.blocks, rows.Z, fit.covariances, strict=True):
        total[block.group] = total.get(block.group, 0.0) + np.einsum("is,st,it->i", Z, Sigma, Z)
    return total


def _shares(fit: MixedFit, rows: Rows, by_group: dict, scale: str, average: bool) -> dict[str, np.ndarray]:
    """Each grouping factor's share of the variance, at each row or with variances averaged over the rows."""
    if fit.family.is_linear:
        between, total = by_group, sum(by_group.values()) + fit.sigma**2
    elif scale == "latent":
        between, total = by_group, sum(by_group.values()) + latent_variance(fit, rows, by_group)
    else:
        between, total = _response_variances(fit, rows, by_group)
    if average:
        between = {group: np.array([np.mean(values)]) for group, values in between.items()}
        total = np.mean(total)
    return {group: values / total for group, values in between.items()}


def latent_variance(fit: Fit, rows: Rows, by_group: dict) -> float:
    """Residual variance on the link's scale: of the latent error, or of the log of the response."""
    latent = fit.family.link_function.latent_variance
    if latent is not None:
        return float(latent)
    mean = np.mean(np.exp(fixed_part(fit, rows) + sum(by_group.values()) / 2))
    return float(fit.family.distribution.log_variance(mean, fit.dispersion))


def _response_variances(fit: MixedFit, rows: Rows, by_group: dict) -> tuple[dict, np.ndarray]:
    """Variances of one observation's mean due to each factor alone, and the variance of one observation."""
    eta = fixed_part(fit, rows)
    cells, place = np.unique(np.column_stack([eta, *by_group.values()]), axis=0, return_inverse=True)
    eta, s2 = cells[:, 0], cells[:, 1:].T
    total = s2.sum(axis=0)
    between, within = variances(fit.family, eta, np.sqrt(total), fit.dispersion)
    place, parts = place.ravel(), {}
    for group, own in zip(by_group, s2, strict=True):
        rest = np.maximum(total - own, 0)
        parts[group] = variance_of_part(fit.family, eta, np.sqrt(own), np.sqrt(rest))[place]
    return parts, (between + within)[place]


def design_effect(fit: MixedFit) -> pd.DataFrame:
    """What clustering costs: how many independent observations the rows are worth, for their mean.

    Returns
    -------
    DataFrame
        One row per grouping factor: groups, size (Σn_j²/n, the size of a random row's group), icc (of the
        response), design_effect 1 + (size − 1) icc, and effective_n, the rows divided by it.

    References
    ----------
    Kish (1965), *Survey Sampling*, section 5.4.
    """
    table = icc(fit, scale="response").set_index("group")[["icc"]]
    counts = {block.group: np.bincount(block.codes) for block in fit.design.blocks}
    sizes = pd.Series({group: np.sum(n**2) / fit.nobs for group, n in counts.items()})
    table.insert(0, "groups", pd.Series({group: len(n) for group, n in counts.items()}))
    table.insert(1, "size", sizes)
    table["design_effect"] = 1 + (table["size"] - 1) * table["icc"]
    table["effective_n"] = fit.nobs / table["design_effect"]
    return table


def shrinkage(fit: MixedFit) -> ByGroup:
    """How far each group's data speak for it: 1 − conditional variance / τ², by group and coefficient.

    1: the group's estimate is its own; 0: it is the population's. With one varying intercept it is the weight
    n_j τ²/(n_j τ² + σ²) of the group's mean. Laid out as `fit.ranef`; NaN where τ is 0.
    """
    tables: dict[str, list] = {}
    for group, frame in _shrinkage(fit):
        tables.setdefault(group, []).append(frame)
    return ByGroup({group: pd.concat(frames, axis=1) for group, frames in tables.items()})


def _shrinkage(fit: MixedFit) -> Iterator[tuple[str, pd.DataFrame]]:
    blocks = zip(fit.design.blocks, fit.conditional_covariance, fit.covariances, strict=True)
    for block, covariance, Sigma in blocks:
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = 1 - np.einsum("jss->js", covariance) / np.diag(Sigma)
        weight = np.where(np.diag(Sigma) > 0, weight, np.nan)
        yield block.group, pd.DataFrame(weight, block.levels.rename(block.group), list(block.names))
