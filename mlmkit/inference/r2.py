"""How much of the variation a model describes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError
from ..results import Fit, MixedFit
from .icc import has_latent, latent_variance, variance_by_group
from .rows import fixed_part, told_rows


def r2(fit: Fit) -> pd.Series:
    """R² of Nakagawa and Schielzeth: the share of variance due to the fixed part, and to all but residuals.

    Returns
    -------
    Series
        `marginal` (fixed part) and `conditional` (fixed part and group effects); of a flat model `r2` alone.
        A generalized model's is on the link's scale, with the latent residual variance (see `icc`); rows that
        a separated fit describes perfectly, by an infinite linear predictor, are left out of it.

    References
    ----------
    Nakagawa & Schielzeth (2013), Methods in Ecology and Evolution 4:133–142; Johnson (2014), the same
    5:944–946.
    """
    rows = told_rows(fit)
    fixed = float(np.var(fixed_part(fit, rows) - rows.offset, ddof=1)) if len(rows.X) > 1 else np.nan
    if not isinstance(fit, MixedFit):
        return pd.Series({"r2": _flat(fit, fixed)})
    by_group = variance_by_group(fit, rows)
    random = float(np.mean(sum(by_group.values())))
    residual = fit.sigma**2 if fit.family.is_linear else _latent(fit, rows, by_group)
    total = fixed + random + residual
    return pd.Series({"marginal": fixed / total, "conditional": (fixed + random) / total})


def _latent(fit: Fit, rows, by_group: dict) -> float:
    if not has_latent(fit.family):
        raise DataError(
            f"R² has no residual variance to work with for the {fit.family} family; use logit, probit or log."
        )
    return latent_variance(fit, rows, by_group)


def _flat(fit: Fit, fixed: float) -> float:
    if fit.family.is_linear:
        y, w = fit.design.y, fit.design.weights
        centre = np.average(y, weights=w) if "Intercept" in fit.design.fixed_names else 0.0
        total = w @ (y - centre) ** 2
        return float(1 - w @ (y - fit.estimates.fitted) ** 2 / total) if total > 0 else np.nan
    return fixed / (fixed + _latent(fit, told_rows(fit), {"": 0.0}))
