"""Confidence intervals, one call for three methods."""

from __future__ import annotations

import numpy as np
import scipy

from ..results import Fit, FlatFit
from .bootstrap import bootstrap
from .noted import Noted
from .parameters import one_of, parameters, tails
from .profile import profile

FIXED_ONLY = (
    "Wald intervals are for fixed coefficients only: estimates of SDs and correlations are skewed, so take "
    'method="profile" or "bootstrap" for them.'
)
METHODS = ("wald", "profile", "bootstrap")


def confint(
    fit: Fit,
    level: float = 0.95,
    method: str = "wald",
    n: int = 1000,
    seed=None,
    workers: int | None = None,
    progress: bool = True,
) -> Noted:
    """Confidence intervals of the parameters.

    Parameters
    ----------
    level
        Their confidence.
    method
        `"wald"`: estimate ± quantile × standard error, for the fixed coefficients. `"profile"`: the values a
        likelihood-ratio test would not reject, for SDs and correlations too. `"bootstrap"`: percentiles of
        the estimates from responses simulated from the fit.
    n, seed, workers, progress
        Of the bootstrap; see `bootstrap`.

    Returns
    -------
    DataFrame
        A row a parameter, the names of `fit.fixef` first, then `sd_Days|Subject`,
        `cor_Intercept.Days|Subject` and `sigma`; columns lower and upper. Its notes say what was done.

    References
    ----------
    Pinheiro & Bates (2000), *Mixed-Effects Models in S and S-PLUS*, section 2.4; Bates et al. (2015), section
    5.1.
    """
    one_of("method", method, METHODS)
    probabilities = tails(level)
    if method == "profile":
        return profile(fit, level=level).confint(level)
    if method == "bootstrap":
        return percentiles(bootstrap(fit, n, seed, workers=workers, progress=progress), probabilities)
    return wald(fit, probabilities)


def percentiles(draws: Noted, probabilities: tuple[float, float]) -> Noted:
    """Quantiles of each column of a bootstrap; an infinite estimate is further out than any finite one."""
    infinite = np.isinf(draws.to_numpy()).any(axis=0)
    limits = [
        column.quantile(list(probabilities), interpolation="nearest" if far else "linear").to_numpy()
        for far, (_, column) in zip(infinite, draws.items(), strict=True)
    ]
    notes = draws.notes
    if infinite.any():
        names = ", ".join(map(str, draws.columns[infinite]))
        notes = (*notes, f"Some replicates have no finite estimate of {names}; it counts as infinite there.")
    return Noted(limits, draws.columns, ["lower", "upper"], notes=notes)


def wald(fit: Fit, probabilities: tuple[float, float]) -> Noted:
    """b̂ ± quantile × standard error; nothing for SDs, whose estimates are far from normal."""
    names = parameters(fit).index
    student = isinstance(fit, FlatFit) and fit.family.has_sigma
    quantiles = (
        scipy.stats.t.ppf(probabilities, fit.df_resid) if student else scipy.stats.norm.ppf(probabilities)
    )
    table = Noted(np.nan, names, ["lower", "upper"])
    se = fit.se.reindex(fit.fixef.index).to_numpy()
    table.loc[fit.fixef.index] = fit.fixef.to_numpy()[:, None] + se[:, None] * quantiles
    if len(names) > len(fit.fixef):
        table.notes = (FIXED_ONLY,)
    return table
