"""Tests of fixed coefficients that allow for variances having been estimated from few groups.

The statistic b̂/SE is only nearly normal, since SE is itself an estimate. Both methods here compare it with
Student's t, whose degrees of freedom say how well the variances behind SE are known.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import scipy

from ..engine import lmm_criterion
from ..errors import DataError
from ..results import MixedFit
from .contrasts import combinations
from .focus import slope_of_r2
from .kenward_roger import KenwardRoger
from .noted import Noted
from .parameters import one_of

METHODS = ("satterthwaite", "kenward-roger")

#: Step of the differences in θ, relative to its size (at least 0.1).
STEP = 1e-3


def tests(fit: MixedFit, contrasts=None, ddf: str = "satterthwaite") -> Noted:
    """t tests of fixed coefficients, or of combinations of them, in a linear mixed model.

    Parameters
    ----------
    contrasts : str, list of str, dict, DataFrame or array, optional
        Names or combinations of names (`"f[T.b] - x"`), weights by name (`{"Days": 1, "Intercept": -1}`), or a row
        for each combination and a column for each coefficient; every coefficient on its own if left out.
    ddf
        `"satterthwaite"`, or `"kenward-roger"`, which also corrects the standard errors (REML fits of up to
        a few thousand rows).

    Returns
    -------
    DataFrame
        Columns estimate, std.error, df, statistic, p.value.

    References
    ----------
    Giesbrecht & Burns (1985), Biometrics 41:477–486; Kuznetsova, Brockhoff & Christensen (2017), J. Stat.
    Softw. 82(13); Kenward & Roger (1997), Biometrics 53:983–997.
    """
    method = _method(fit, ddf)
    L = combinations(fit.design.fixed_names, contrasts)
    weights = L.to_numpy()
    estimate = weights @ fit.estimates.beta
    se = np.sqrt(np.einsum("lp,pq,lq->l", weights, method.vcov, weights))
    df = np.array([method.degrees(row) for row in weights])
    statistic = estimate / se
    table = pd.DataFrame(
        {
            "estimate": estimate,
            "std.error": se,
            "df": df,
            "statistic": statistic,
            "p.value": 2 * scipy.stats.t.sf(np.abs(statistic), df),
        },
        L.index,
    )
    return Noted(table, notes=method.notes)


def f_test(fit: MixedFit, contrasts, ddf: str = "satterthwaite") -> pd.Series:
    """F test that several coefficients, or combinations of them, are all 0 in a linear mixed model.

    Parameters
    ----------
    contrasts : str, list of str, dict, DataFrame or array
        The coefficients' names, or combinations of them, as in `tests`.
    ddf
        As in `tests`.

    Returns
    -------
    Series
        num_df, den_df, statistic, p.value.
    """
    method = _method(fit, ddf)
    L = combinations(fit.design.fixed_names, contrasts).to_numpy()
    statistic, den_df = method.f_statistic(L, fit.estimates.beta)
    num_df = np.linalg.matrix_rank(L)
    p = scipy.stats.f.sf(statistic, num_df, den_df)
    return pd.Series({"num_df": num_df, "den_df": den_df, "statistic": statistic, "p.value": p})


def _method(fit: MixedFit, ddf: str):
    one_of("ddf", ddf, METHODS)
    if not fit.family.is_linear:
        raise DataError(
            f"Degrees of freedom are for linear mixed models; this one is {fit.family}; its tests are z."
        )
    return Satterthwaite(fit) if ddf == "satterthwaite" else KenwardRoger(fit)


class Satterthwaite:
    """Degrees of freedom by matching the first two moments of the estimated variance to those of a χ².

    With φ = (θ, log σ), A the covariance of φ̂ (twice the inverse Hessian of the criterion) and g the
    gradient of v = lᵀV_b l, df = 2v²/gᵀAg. The Hessian follows from the profiled criterion f(θ) and h = log
    σ̂²(θ): by σ it is known, by θ it is f″ + df h′h′ᵀ, so only f″ and the derivatives of V_b by θ are
    differences.
    """

    def __init__(self, fit: MixedFit):
        self.vcov = fit.estimates.vcov
        self.notes: tuple[str, ...] = ("Degrees of freedom by Satterthwaite's approximation.",)
        criterion = lmm_criterion(fit.design, fit.reml)
        theta = fit.estimates.theta
        second = _differences(lambda t: criterion.value_and_gradient(t)[1], theta)
        at = criterion.solve(theta)
        df = fit.nobs - len(fit.estimates.beta) * fit.reml
        h = slope_of_r2(fit.design, at) / (df * at.sigma**2)
        H = np.block(
            [
                [(second + second.T) / 2 + df * np.outer(h, h), -2 * df * h[:, None]],
                [-2 * df * h[None, :], np.array([[4.0 * df]])],
            ]
        )
        self.covariance = 2 * np.linalg.pinv(H, rcond=1e-9, hermitian=True)
        by_theta = _differences(partial(_unit_vcov, criterion), theta) * at.sigma**2
        self.gradient = np.concatenate([np.moveaxis(by_theta, -1, 0), 2 * self.vcov[None]])

    def degrees(self, weights: np.ndarray) -> float:
        """Of one combination of coefficients."""
        variance = weights @ self.vcov @ weights
        g = np.einsum("p,kpq,q->k", weights, self.gradient, weights)
        return float(2 * variance**2 / (g @ self.covariance @ g))

    def f_statistic(self, L: np.ndarray, beta: np.ndarray) -> tuple[float, float]:
        """F, and its denominator's degrees of freedom from those of the independent directions of L.

        Fai & Cornelius (1996), J. Stat. Comput. Simul. 54:363–378.
        """
        values, vectors = np.linalg.eigh(L @ self.vcov @ L.T)
        kept = values > 1e-10 * values.max()
        directions = vectors[:, kept].T @ L
        squared = (directions @ beta) ** 2 / values[kept]
        df = np.array([self.degrees(direction) for direction in directions])
        return float(squared.mean()), _joint_degrees(df)


def _joint_degrees(df: np.ndarray) -> float:
    q = len(df)
    if q == 1 or np.ptp(df) < 1e-8 * df.max():
        return float(df.mean())
    expected = np.sum(df[df > 2] / (df[df > 2] - 2))
    return float(2 * expected / (expected - q)) if expected > q else 2.0


def _unit_vcov(criterion, theta: np.ndarray) -> np.ndarray:
    """The covariance of b̂ for σ = 1."""
    at = criterion.solve(theta)
    return at.vcov / at.sigma**2


def _differences(function, theta: np.ndarray) -> np.ndarray:
    """Derivatives by θ along a last axis: central differences of fourth order."""
    columns = []
    for k, size in enumerate(np.maximum(np.abs(theta), 0.1) * STEP):
        e = np.zeros(len(theta))
        e[k] = size
        near = np.asarray(function(theta + e)) - np.asarray(function(theta - e))
        far = np.asarray(function(theta + 2 * e)) - np.asarray(function(theta - 2 * e))
        columns.append((8 * near - far) / (12 * size))
    return np.stack(columns, axis=-1)
