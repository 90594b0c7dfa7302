"""Confidence intervals, one call for three methods."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy

from ..errors import DataError
from ..results import Fit, MixedFit
from .bootstrap import replicates
from .degrees import Method
from .degrees import method as degrees_by
from .noted import Noted
from .parameters import as_ml, one_of, parameters, tails
from .profile import profile
from .refits import Refits
from .tests import tests

FIXED_ONLY = (
    "Wald intervals are for fixed coefficients only: estimates of SDs and correlations are skewed, so take "
    'method="profile" or "bootstrap" for them.'
)
STUDENTIZED = "Intervals of coefficients are studentised: each replicate's error is counted in standard errors of its own."
PERCENTILE = (
    "SDs, correlations and other parameters without a standard error have percentiles of the replicates."
)
BY_T = "Intervals of coefficients end where Bates and Watts's profile t is Student's quantile."

METHODS = ("wald", "profile", "bootstrap")
BOOT_TYPES = ("percentile", "studentized")

#: With fewer groups than this, percentiles of a coefficient are seen to be short.
FEW = 15


def confint(
    fit: Fit,
    level: float = 0.95,
    method: str = "wald",
    n: int = 1000,
    seed=None,
    workers: int | None = None,
    progress: bool = True,
    ddf: str | None = None,
    boot_type: str = "percentile",
) -> Noted:
    """Confidence intervals of the parameters.

    Parameters
    ----------
    level
        Their confidence.
    method
        `"wald"`: estimate ± quantile × standard error, for the fixed coefficients. `"profile"`: the values a
        likelihood-ratio test would not reject, for SDs and correlations too. `"bootstrap"`: from the estimates of
        responses simulated from the fit.
    n, seed, workers, progress
        Of the bootstrap; see `bootstrap`.
    ddf
        Of a linear model's coefficients, by Wald's method or the profile: `"satterthwaite"` or `"kenward-roger"` takes
        Student's quantile, as `tests` does. By default the normal quantile, as in lme4. A profile is then of
        Bates and Watts's τ = ±√(ν (exp(ζ²/N) − 1)), which is compared with t on ν degrees of freedom. In a linear
        model N is the number of rows, and the interval is the exact one; in a mixed model N = ν V/V_ML, with V
        the variance that a t test uses and V_ML that of maximum likelihood, so that τ and t agree near the estimate:
        an extension of this package's own, whose coverage is in benchmarks/README.md.
    boot_type
        Of the bootstrap's coefficients. `"percentile"`: quantiles of the replicates' estimates b*.
        `"studentized"`: b̂ − t* se, with the quantiles of t* = (b* − b̂)/se*, which holds the true value about as often as
        it should with few groups, too, where percentiles are short. What has no standard error has percentiles.

    Returns
    -------
    DataFrame
        One row per parameter, the names of `fit.fixef` first, then `sd_Days|Subject`,
        `cor_Intercept.Days|Subject` and `sigma`; columns lower and upper. Its notes say what was done.

    References
    ----------
    Pinheiro & Bates (2000), *Mixed-Effects Models in S and S-PLUS*, section 2.4; Bates et al. (2015), section
    5.1; Bates & Watts (1988), *Nonlinear Regression Analysis and Its Applications*, section 6.1, for τ; Davison &
    Hinkley (1997), *Bootstrap Methods and their Application*, sections 2.4 and 5.2, for the studentised bootstrap.
    """
    one_of("method", method, METHODS)
    one_of("boot_type", boot_type, BOOT_TYPES)
    probabilities = tails(level)
    if ddf is not None and method == "bootstrap":
        raise DataError(
            f"ddf={ddf!r} is for Wald and profile intervals: a bootstrap interval has no degrees of freedom. "
            'boot_type="studentized" finds the quantiles that take their place.'
        )
    if boot_type != "percentile" and method != "bootstrap":
        raise DataError(f'boot_type={boot_type!r} is for method="bootstrap", and this is method={method!r}.')
    if method == "profile":
        return profiled(fit, level, ddf)
    if method == "bootstrap":
        refits, notes = replicates(fit, n, seed, workers=workers, progress=progress)
        return bootstrapped(refits, notes, probabilities, boot_type)
    return wald(fit, probabilities, ddf)


def bootstrapped(
    refits: Refits, notes: tuple[str, ...], probabilities: tuple[float, float], boot_type: str
) -> Noted:
    """Percentiles of every parameter; of the coefficients studentised limits in their place, if asked for."""
    table = percentiles(Noted(refits.parameters, notes=notes), probabilities)
    if boot_type == "percentile":
        table.notes += _short(refits.fit)
        return table
    limits, missing = studentized(refits, probabilities)
    table.loc[limits.index] = limits
    table.notes += (STUDENTIZED, *((PERCENTILE,) if len(table) > len(limits) else ()), *missing)
    return table


def studentized(refits: Refits, probabilities: tuple[float, float]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """b̂ − t* se of each coefficient; the quantile of probability q is the ((n + 1)q)-th of the n values of t*."""
    fit = refits.fit
    with np.errstate(invalid="ignore", divide="ignore"):
        t = ((refits.fixef - fit.fixef) / refits.se).to_numpy()
    limits = np.full((t.shape[1], 2), np.nan)
    for k, own in enumerate(t.T):
        finite = own[np.isfinite(own)]
        if len(finite):
            limits[k] = np.quantile(finite, probabilities[::-1], method="weibull")
    se = fit.se.reindex(fit.fixef.index).to_numpy()
    table = fit.fixef.to_numpy()[:, None] - se[:, None] * limits
    fitted = ~np.isnan(refits.criterion)
    without = pd.Series((~np.isfinite(t[fitted])).sum(axis=0), fit.fixef.index)[np.isfinite(limits[:, 0])]
    notes = tuple(
        f"{count} replicates have no finite estimate or standard error of {name} and are left out of its interval."
        for name, count in without.items()
        if count
    )
    return pd.DataFrame(table, fit.fixef.index, ["lower", "upper"]), notes


def _short(fit: Fit) -> tuple[str, ...]:
    """What to say of percentiles where few groups vary."""
    if not isinstance(fit, MixedFit) or not len(fit.fixef):
        return ()
    count, group = min((len(block.levels), block.group) for block in fit.design.blocks)
    told = (
        f"With few groups (here {count} of {group}) percentiles of coefficients are too narrow: "
        'boot_type="studentized" holds the true value more often.'
    )
    return (told,) if count < FEW else ()


def profiled(fit: Fit, level: float, ddf: str | None) -> Noted:
    """Profile intervals; those of the coefficients by Student's t if degrees of freedom are asked for."""
    how = None if ddf is None else degrees_by(fit, ddf)
    if how is None or how.is_asymptotic:
        return profile(fit, level=level).confint(level)
    ends = _ends_by_t(fit, how, tails(level)[1])
    reach = 2 * scipy.stats.norm.cdf(max(ends.values(), default=0.0)) - 1
    table = profile(fit, level=max(level, reach)).confint(level, ends)
    table.notes += (*how.notes, BY_T)
    return table


def _ends_by_t(fit: Fit, how: Method, probability: float) -> Mapping[str, float]:
    """The |ζ| at which Bates and Watts's τ is Student's quantile, of each coefficient."""
    by_ml = np.diag(as_ml(fit).estimates.vcov)
    ends = {}
    for name, weights, own, ml in zip(
        fit.design.fixed_names, np.eye(len(by_ml)), np.diag(how.vcov), by_ml, strict=True
    ):
        nu = how.degrees(weights)
        N = nu * own / ml if isinstance(fit, MixedFit) else fit.nobs
        ends[name] = float(np.sqrt(N * np.log1p(scipy.stats.t.ppf(probability, nu) ** 2 / nu)))
    return ends


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
