"""Models against each other: likelihood-ratio tests, with the right reference for a variance of zero."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import scipy

from ..errors import DataError
from ..habits import answers
from ..results import Fit
from .noted import Noted
from .parameters import as_ml

REFITTED = (
    "Models fitted by REML were fitted again by maximum likelihood, since REML criteria of different fixed "
    "parts do not compare."
)


@answers
def anova(*fits: Fit) -> Noted:
    """Likelihood-ratio tests of nested models.

    Parameters
    ----------
    *fits
        Two or more fits to the same rows, in any order; REML fits are fitted again by ML.

    Returns
    -------
    DataFrame
        A row a model, the smallest first: npar, AIC, BIC, logLik, deviance (−2 logLik), and against the model
        above it Chisq, Df and `Pr(>Chisq)`. Where the models differ by one varying coefficient, `Pr(mixture)`
        is the p value that allows for an SD that cannot be negative (half χ²_q, half χ²_{q+1}).

    References
    ----------
    Self & Liang (1987), JASA 82:605–610; Stram & Lee (1994), Biometrics 50:1171–1177.
    """
    _check(fits)
    refitted = any(fit.reml for fit in fits)
    fits = sorted(map(as_ml, fits), key=lambda fit: fit.n_parameters)
    table = pd.DataFrame([_row(fit) for fit in fits], [fit.formula for fit in fits])
    table["Chisq"] = -table["deviance"].diff()
    table["Df"] = table["npar"].diff()
    p = scipy.stats.chi2.sf(table["Chisq"].clip(lower=0), table["Df"])
    table["Pr(>Chisq)"] = np.where(table["Df"] > 0, p, np.nan)
    notes = [REFITTED] if refitted else []
    mixtures = [np.nan] + [_mixture(*pair) for pair in pairwise(fits)]
    if not np.isnan(mixtures).all():
        table["Pr(mixture)"] = mixtures
        notes.append(
            "Pr(>Chisq) is naive where an SD is tested: zero lies at the edge of its range, so this p value "
            "is too large. Pr(mixture) is half the tail of χ² with one degree of freedom less, half with all."
        )
    return Noted(table, notes=notes)


def _check(fits) -> None:
    if len(fits) < 2:
        raise DataError("anova compares models: give it at least two fits.")
    for fit in fits:
        if not isinstance(fit, Fit):
            hint = ": posteriors are compared by their loo()" if hasattr(fit, "loo") else ""
            raise DataError(f"anova compares fits, and {type(fit).__name__} is not one{hint}.")
    first = fits[0]
    for fit in fits[1:]:
        if fit.nobs != first.nobs:
            raise DataError(
                f"{first.formula!r} was fitted to {first.nobs} rows and {fit.formula!r} to {fit.nobs}: "
                "likelihoods compare on the same rows only, so drop the rows with missing values first."
            )
        same = np.allclose(fit.design.y, first.design.y, rtol=1e-12, atol=0)
        if fit.family.distribution is not first.family.distribution or not same:
            raise DataError(f"{first.formula!r} and {fit.formula!r} do not have the same response.")


def _row(fit: Fit) -> dict:
    return {
        "npar": fit.n_parameters,
        "AIC": fit.aic,
        "BIC": fit.bic,
        "logLik": fit.loglik,
        "deviance": -2 * fit.loglik,
    }


def _mixture(small: Fit, large: Fit) -> float:
    """The mixture p value where one more coefficient varies, correlated with q others; else NaN."""
    q = extra_coefficient(small, large)
    if q is None:
        return np.nan
    chisq = max(2 * (large.loglik - small.loglik), 0.0)
    return 0.5 * (_tail(chisq, q) + _tail(chisq, q + 1))


def _tail(chisq: float, df: int) -> float:
    return float(scipy.stats.chi2.sf(chisq, df)) if df else float(chisq <= 0)


def extra_coefficient(small: Fit, large: Fit) -> int | None:
    """With how many others the one coefficient correlates that only `large` lets vary; else None."""
    if set(small.design.fixed_names) != set(large.design.fixed_names):
        return None
    before, after = _varying(small), _varying(large)
    more = [key for key in after if key not in before]
    if len(more) == 1 and len(after) == len(before) + 1 and len(more[0][1]) == 1:
        return 0
    gone = [key for key in before if key not in after]
    if len(more) == 1 and len(gone) == 1 and len(after) == len(before):
        (group, names), (same, fewer) = more[0], gone[0]
        if group == same and fewer < names and len(names) == len(fewer) + 1:
            return len(fewer)
    return None


def _varying(fit: Fit) -> list[tuple[str, frozenset]]:
    return [(block.group, frozenset(block.names)) for block in fit.design.blocks]
