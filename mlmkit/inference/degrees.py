"""How well the variances behind a standard error are known: the reference distribution of a test.

b̂/SE is only nearly normal, since SE is itself an estimate. In a linear model it has Student's t distribution; in a
linear mixed model both methods here compare it with the t whose degrees of freedom say how well the variances are
known; elsewhere the normal distribution has to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from ..engine import lmm_criterion
from ..errors import DataError
from ..results import Fit, FlatFit, MixedFit
from .focus import slope_of_r2
from .kenward_roger import KenwardRoger
from .parameters import one_of

METHODS = ("satterthwaite", "kenward-roger", "asymptotic")

#: Step of the differences in θ, relative to its size (at least 0.1).
STEP = 1e-3


class Method(Protocol):
    """A covariance of b̂, and the degrees of freedom of tests with it; infinitely many for a z or χ² test."""

    @property
    def vcov(self) -> np.ndarray: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def is_asymptotic(self) -> bool: ...

    def degrees(self, weights: np.ndarray) -> float:
        """Of one combination of coefficients."""
        ...

    def f_statistic(self, L: np.ndarray, beta: np.ndarray) -> tuple[float, float]:
        """F of the hypothesis Lb = 0, and its denominator's degrees of freedom."""
        ...


def method(fit: Fit, ddf: str | None = None) -> Method:
    """How tests of a fit's coefficients are made.

    Parameters
    ----------
    ddf
        Of a linear mixed model `"satterthwaite"` (also if left out), `"kenward-roger"`, or `"asymptotic"`
        (`"normal"` for short): z and χ² tests. A linear model's tests are exact, a generalized one's z, so that for
        them there is nothing to choose.

    Raises
    ------
    DataError
        Degrees of freedom asked of a model whose tests are z.
    """
    if ddf is not None:
        one_of("ddf", ddf, (*METHODS, "normal"))
    if ddf in ("asymptotic", "normal"):
        return Known(fit.estimates.vcov)
    if isinstance(fit, FlatFit) and fit.family.has_sigma:
        return Known(fit.estimates.vcov, fit.df_resid)
    if not isinstance(fit, MixedFit) or not fit.family.is_linear:
        if ddf is not None:
            raise DataError(
                f"ddf={ddf!r} is for linear mixed models; the response of this one is {fit.family}, and its tests are z tests, "
                "which have no degrees of freedom: leave ddf out."
            )
        return Known(fit.estimates.vcov)
    return KenwardRoger(fit) if ddf == "kenward-roger" else Satterthwaite(fit)


@dataclass(frozen=True, eq=False)
class Known:
    """Degrees of freedom that are the same for every test: a linear model's n − p, or infinitely many."""

    vcov: np.ndarray
    df: float = np.inf
    notes: tuple[str, ...] = ()

    @property
    def is_asymptotic(self) -> bool:
        return np.isinf(self.df)

    def degrees(self, weights: np.ndarray) -> float:
        """Of one combination of coefficients."""
        return float(self.df)

    def f_statistic(self, L: np.ndarray, beta: np.ndarray) -> tuple[float, float]:
        """F (χ² over its degrees of freedom where they are infinitely many)."""
        values, vectors = np.linalg.eigh(L @ self.vcov @ L.T)
        kept = values > 1e-10 * values.max()
        return float(np.mean((vectors[:, kept].T @ L @ beta) ** 2 / values[kept])), float(self.df)


class Satterthwaite:
    """Degrees of freedom by matching the first two moments of the estimated variance to those of a χ².

    With φ = (θ, log σ), A the covariance of φ̂ (twice the inverse Hessian of the criterion) and g the
    gradient of v = lᵀV_b l, df = 2v²/gᵀAg. The Hessian follows from the profiled criterion f(θ) and h = log
    σ̂²(θ): by σ it is known, by θ it is f″ + df h′h′ᵀ, so only f″ and the derivatives of V_b by θ are
    differences.
    """

    is_asymptotic = False

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
        return float(squared.mean()), joint_degrees(df)


def joint_degrees(df: np.ndarray) -> float:
    """The denominator's degrees of freedom of an F test from those of its independent directions."""
    q = len(df)
    if q == 1 or np.isinf(df).all() or np.ptp(df) < 1e-8 * df.max():
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
