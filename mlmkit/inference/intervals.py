"""Confidence intervals, one call for three methods."""

from __future__ import annotations

import numpy as np
import scipy

from ..errors import DataError
from ..results import Fit, MixedFit
from .bootstrap import bootstrap
from .noted import Noted
from .parameters import one_of, parameters, tails
from .profile import profile
from .tests import tests

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
    ddf: str | None = None,
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
    ddf
        Of a linear mixed model's Wald intervals: `"satterthwaite"` or `"kenward-roger"` takes Student's quantile
        (and Kenward and Roger's standard errors), as `tests` does. By default the normal quantile, as in lme4.

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
    if ddf is not None and method != "wald":
        raise DataError(f"ddf={ddf!r} is for Wald intervals: a {method} interval has no degrees of freedom.")
    if method == "profile":
        return profile(fit, level=level).confint(level)
    if method == "bootstrap":
        return percentiles(bootstrap(fit, n, seed, workers=workers, progress=progress), probabilities)
    return wald(fit, probabilities, ddf)


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


def wald(fit: Fit, probabilities: tuple[float, float], ddf: str | None = None) -> Noted:
    """b̂ ± quantile × standard error; nothing for SDs, whose estimates are far from normal."""
    names = parameters(fit).index
    tested = tests(fit, ddf="asymptotic" if ddf is None and isinstance(fit, MixedFit) else ddf)
    quantiles = scipy.stats.t.ppf(np.array(probabilities)[:, None], tested["df"].to_numpy())
    table = Noted(np.nan, names, ["lower", "upper"])
    limits = tested["estimate"].to_numpy() + quantiles * tested["std.error"].to_numpy()
    table.iloc[: len(tested)] = limits.T
    table.notes = (*tested.notes, *((FIXED_ONLY,) if len(names) > len(fit.fixef) else ()))
    return table
