"""Tests of each term of one model: analysis of variance, or of deviance.

*Linear mixed model*: F of each term's hypothesis (`hypotheses`: lmerTest's rows), the denominator's degrees of freedom
by Satterthwaite (Fai & Cornelius 1996 for several rows) or by Kenward & Roger (1997). *Linear model*: the exact F, with
car's hypotheses. *Generalized linear model*: likelihood ratios of models with and without the term (type 3: with Lb = 0,
fitted on the columns XN where N is a basis of the null space of L); F where the dispersion is estimated. *Generalized
linear mixed model*: Wald's χ², with car's hypotheses.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import scipy

from ..errors import DataError
from ..results import Fit, FlatFit, MixedFit
from ..spec import INTERCEPT, Term, term_name
from .degrees import Known, Method, method
from .hypotheses import column_owners, containing_terms, hypotheses
from .noted import Noted
from .tests import joint_test

TYPES = {
    1: "Type 1: each term after those before it",
    2: "Type 2: each term after all others but those that contain it",
    3: "Type 3: each term after all others, levels counting alike",
}


def anova_of_terms(fit: Fit, type: int | str = 3, ddf: str | None = None) -> Noted:
    """The test of each term of the fixed part.

    Parameters
    ----------
    type
        1: each term after those before it. 2: each after all others but those that contain it. 3: each after all
        others, a main effect being an average over the levels of what it interacts with. None of them depends on the
        contrasts by which factors are coded; but a number's origin matters: in `treatment*month`, type 3 tests the
        treatment at month 0.
    ddf
        Of a linear mixed model `"satterthwaite"` (if left out), `"kenward-roger"`, or `"asymptotic"` for Wald's χ².

    Returns
    -------
    DataFrame
        A row for each term: num_df, den_df, statistic (F), p.value, with sumsq and meansq before them; or df,
        statistic (χ²), p.value.
    """
    kind = _type(type)
    how = method(fit, ddf)
    sas = isinstance(fit, MixedFit) and not how.is_asymptotic
    terms = [term for term in fit.spec.fixed if term != INTERCEPT]
    if not terms:
        raise DataError(f"{fit.formula!r} has no terms to test, only an intercept.")
    if isinstance(fit, FlatFit) and not fit.family.is_linear:
        rows, test = _likelihood_ratios(fit, kind, terms), "Likelihood ratios"
    else:
        rows = [_row(fit, L, how) for L in hypotheses(fit, kind, sas).values()]
        test = "Wald's χ²" if how.is_asymptotic else "F tests"
    table = pd.DataFrame(rows, pd.Index([term_name(term) for term in terms], name="term"))
    return Noted(table, notes=[f"{TYPES[kind]}. {test}.", *how.notes])


def _type(type) -> int:
    kinds = {"1": 1, "2": 2, "3": 3, "I": 1, "II": 2, "III": 3}
    if str(type).upper() not in kinds:
        raise DataError(f"type={type!r} is not known here; it can be 1, 2 or 3.")
    return kinds[str(type).upper()]


def _row(fit: Fit, L: np.ndarray, how: Method) -> pd.Series:
    tested = joint_test(L, fit.estimates.beta, how)
    if how.is_asymptotic:
        return tested
    square = np.nan
    if tested["num_df"]:
        square = fit.sigma**2 * Known(how.vcov).f_statistic(L, fit.estimates.beta)[0]
    return pd.concat([pd.Series({"sumsq": square * tested["num_df"], "meansq": square}), tested])


def _likelihood_ratios(fit: FlatFit, kind: int, terms: list[Term]) -> list[pd.Series]:
    full = fit.design.X
    if kind == 3 and len(terms) > 1:
        matrices = hypotheses(fit, kind, sas=False).values()
        pairs = [(full @ scipy.linalg.null_space(L), full) if len(L) else (full, full) for L in matrices]
    else:
        pairs = [_nested_columns(fit, kind, term, terms) for term in terms]
    return [deviance_test(fit, small, large) for small, large in pairs]


def _nested_columns(fit: FlatFit, kind: int, term: Term, terms: list[Term]) -> tuple[np.ndarray, np.ndarray]:
    """The columns of the models without and with a term, as types 1 and 2 compare them."""
    owner, place = column_owners(fit), fit.spec.fixed.index
    if kind == 1:
        large = owner <= place(term)
    else:
        later = containing_terms(terms, term, {}, sas=False)
        large = ~np.isin(owner, [place(other) for other in later])
    return fit.design.X[:, large & (owner != place(term))], fit.design.X[:, large]


def deviance_test(fit: FlatFit, small: np.ndarray, large: np.ndarray) -> pd.Series:
    """The likelihood ratio of two nested sets of columns; an F test where the fit's dispersion is an estimate."""
    q = large.shape[1] - small.shape[1]
    drop = max(_deviance(fit, small) - _deviance(fit, large), 0.0) if q else np.nan
    if not fit.family.has_sigma:
        return pd.Series({"df": q, "statistic": drop, "p.value": scipy.stats.chi2.sf(drop, q)})
    statistic = drop / max(q, 1) / fit.sigma**2
    p = scipy.stats.f.sf(statistic, q, fit.df_resid)
    return pd.Series({"num_df": q, "den_df": fit.df_resid, "statistic": statistic, "p.value": p})


def _deviance(fit: FlatFit, X: np.ndarray) -> float:
    """The deviance of the same kind of model on other columns; −2 log likelihood where a size is estimated with b,
    since what a deviance is measured from moves with the size."""
    design = replace(fit.design, X=X, fixed_names=tuple(f"x{k}" for k in range(X.shape[1])))
    again = fit.estimator(design)
    if fit.family.has_dispersion and not fit.family.has_sigma:
        return float(again.criterion)
    return float(np.sum(fit.family.deviance_residuals(design.y, again.fitted, design.weights) ** 2))
