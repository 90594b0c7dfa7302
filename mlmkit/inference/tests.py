"""Tests of coefficients and of combinations of them: t, z, F and χ², whichever the model has."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from ..engine.generalized.separation import population_part
from ..results import Fit
from .combinations import combinations
from .degrees import Known, Method, method
from .noted import Noted
from .parameters import tails


def tests(
    fit: Fit, contrasts=None, ddf: str | None = None, conf_int: bool = False, level: float = 0.95
) -> Noted:
    """t or z tests of fixed coefficients, or of combinations of them.

    Parameters
    ----------
    contrasts : str, list, dict, DataFrame or array, optional
        `"f[T.b] - x"` or a list of such; `{"Days": 1, "Intercept": -1}`; several under names of their own as
        `{"difference": {…}}`; a DataFrame with a row for each combination and a column for each coefficient. Every
        coefficient on its own if left out.
    ddf
        Of a linear mixed model: `"satterthwaite"` (if left out), `"kenward-roger"`, which also corrects the
        standard errors (REML fits of up to a few thousand rows), or `"asymptotic"` for z tests. A linear model's t
        is exact, a generalized model's tests are z.
    conf_int, level
        Whether to add conf.low and conf.high, from the same degrees of freedom as the p value.

    Returns
    -------
    DataFrame
        Columns estimate, std.error, df (infinite for z), statistic, p.value.

    References
    ----------
    Giesbrecht & Burns (1985), Biometrics 41:477–486; Kuznetsova, Brockhoff & Christensen (2017), J. Stat.
    Softw. 82(13); Kenward & Roger (1997), Biometrics 53:983–997.
    """
    how = method(fit, ddf)
    L = combinations(fit.design.fixed_names, contrasts)
    estimate = population_part(fit.design, fit.estimates, L.to_numpy())
    table = wald_table(estimate, L.to_numpy(), how)
    if conf_int:
        half = scipy.stats.t.ppf(tails(level)[1], table["df"]) * table["std.error"]
        table = table.assign(**{"conf.low": table["estimate"] - half, "conf.high": table["estimate"] + half})
    return Noted(table.set_axis(L.index), notes=how.notes)


def wald_table(estimate: np.ndarray, L: np.ndarray, how: Method) -> pd.DataFrame:
    """estimate, std.error, df, statistic and p.value of (m,) combinations with weights or gradients L, (m, p)."""
    se = standard_errors(L, how.vcov)
    without = how.df if isinstance(how, Known) else np.nan  # of a combination that is 0 whatever b is
    df = np.array([how.degrees(row) if s > 0 else s + without for row, s in zip(L, se, strict=True)])
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(se > 0, estimate / se, np.nan)
    columns = {"estimate": estimate, "std.error": se, "df": df, "statistic": statistic}
    return pd.DataFrame({**columns, "p.value": 2 * scipy.stats.t.sf(np.abs(statistic), df)})


def standard_errors(L: np.ndarray, vcov: np.ndarray) -> np.ndarray:
    """√(lVlᵀ) of each row; NaN for a row that uses a coefficient without a finite estimate."""
    known = np.isfinite(np.diag(vcov))
    variance = np.einsum("ip,pq,iq->i", L[:, known], vcov[np.ix_(known, known)], L[:, known])
    unknown = np.any(L[:, ~known] != 0, axis=1) | ~np.isfinite(L).all(axis=1)
    return np.sqrt(np.where(unknown, np.nan, np.maximum(variance, 0.0)))


def f_test(fit: Fit, contrasts, ddf: str | None = None) -> pd.Series:
    """Test that several coefficients, or combinations of them, are all 0: F, or Wald's χ² in a generalized model.

    Parameters
    ----------
    contrasts : str, list, dict, DataFrame or array
        The coefficients' names, or the combinations as in `tests`.
    ddf
        As in `tests`.

    Returns
    -------
    Series
        num_df, den_df, statistic, p.value; df, statistic, p.value of a χ².
    """
    return joint_test(
        combinations(fit.design.fixed_names, contrasts).to_numpy(), fit.estimates.beta, method(fit, ddf)
    )


def joint_test(L: np.ndarray, beta: np.ndarray, how: Method) -> pd.Series:
    """F test of Lb = 0, or a χ² test where the denominator's degrees of freedom are infinitely many."""
    q = int(np.linalg.matrix_rank(L)) if L.size else 0
    used = np.any(L != 0, axis=0)
    if q == 0 or not (np.isfinite(beta[used]).all() and np.isfinite(how.vcov[np.ix_(used, used)]).all()):
        statistic, df = np.nan, np.nan
    else:
        statistic, df = how.f_statistic(L, beta)
    if how.is_asymptotic:
        return pd.Series(
            {"df": q, "statistic": q * statistic, "p.value": scipy.stats.chi2.sf(q * statistic, q)}
        )
    p = scipy.stats.f.sf(statistic, q, df)
    return pd.Series({"num_df": q, "den_df": df, "statistic": statistic, "p.value": p})
