"""Kenward and Roger's small-sample correction: a larger covariance of b̂, and degrees of freedom with it.

V = Σ_r φ_r G_r is linear in the entries φ of the Σs and σ². With P_r = −XᵀV⁻¹G_rV⁻¹X and Q_rs =
XᵀV⁻¹G_rV⁻¹G_sV⁻¹X, the covariance W of φ̂ is from the expected information, and the covariance of b̂ becomes
Φ + 2Φ{Σ_rs W_rs (Q_rs − P_rΦP_s)}Φ (Kenward & Roger 1997, Biometrics 53:983–997, equations 3–5).

The matrices are n × n and dense, which is honest for the few hundred rows where the correction matters.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import DataError
from ..results import MixedFit

MOST_ROWS = 3000


class KenwardRoger:
    """The adjusted covariance `vcov`, and tests with it."""

    is_asymptotic = False

    def __init__(self, fit: MixedFit):
        _check(fit)
        self.notes: tuple[str, ...] = (
            "Standard errors and degrees of freedom by Kenward and Roger's method.",
        )
        X, G = fit.design.X, list(covariance_derivatives(fit))
        inverse = np.linalg.inv(_covariance(fit, G))
        VX = inverse @ X
        GVX = [g @ VX for g in G]
        self.phi = np.linalg.inv(X.T @ VX)
        self.P = np.array([-VX.T @ one for one in GVX])
        Q = np.array([[one.T @ inverse @ other for other in GVX] for one in GVX])
        self.W = self._covariance_of_variances(inverse, G, Q)
        inner = Q - np.einsum("rab,bc,scd->rsad", self.P, self.phi, self.P)
        self.vcov = self.phi + 2 * self.phi @ np.einsum("rs,rsab->ab", self.W, inner) @ self.phi

    def _covariance_of_variances(self, inverse, G, Q) -> np.ndarray:
        VG = [inverse @ g for g in G]
        traces = np.array([[np.sum(one * other.T) for other in VG] for one in VG])
        phi_P = np.array([self.phi @ p for p in self.P])
        information = (
            traces - 2 * np.einsum("ab,rsba->rs", self.phi, Q) + np.einsum("rab,sba->rs", phi_P, phi_P)
        )
        return 2 * np.linalg.pinv((information + information.T) / 2, rcond=1e-12, hermitian=True)

    def degrees(self, weights: np.ndarray) -> float:
        """Of one combination of coefficients."""
        return self._match_moments(weights[None])[1]

    def f_statistic(self, L: np.ndarray, beta: np.ndarray) -> tuple[float, float]:
        """The scaled F statistic and its denominator's degrees of freedom."""
        L = independent_rows(L)
        factor, df = self._match_moments(L)
        combined = L @ beta
        return float(factor * combined @ np.linalg.solve(L @ self.vcov @ L.T, combined) / len(L)), df

    def _match_moments(self, L: np.ndarray) -> tuple[float, float]:
        """The scale λ and the df m for which λF has the mean and variance of F(q, m), to the order known."""
        q = len(L)
        theta = L.T @ np.linalg.solve(L @ self.phi @ L.T, L)
        products = np.array([theta @ self.phi @ p @ self.phi for p in self.P])
        traces = np.einsum("raa->r", products)
        A1 = traces @ self.W @ traces
        A2 = np.einsum("rs,rab,sba->", self.W, products, products)
        B = (A1 + 6 * A2) / (2 * q)
        g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
        c1, c2, c3 = np.array([g, q - g, q + 2 - g]) / (3 * q + 2 * (1 - g))
        mean = 1 / (1 - A2 / q)
        variance = 2 / q * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
        df = 4 + (q + 2) / (q * variance / (2 * mean**2) - 1)
        return float(df / (mean * (df - 2))), float(df)


def independent_rows(L: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the rows of L: neither F nor its degrees of freedom depend on which."""
    _, size, rows = np.linalg.svd(L, full_matrices=False)
    return rows[size > 1e-10 * size[0]]


def covariance_derivatives(fit: MixedFit) -> Iterator[np.ndarray]:
    """∂V/∂φ for every entry of each Σ, then for σ²: (n, n) each."""
    for block in fit.design.blocks:
        same = block.codes[:, None] == block.codes[None, :]
        for i in range(len(block.names)):
            for m in range(i + 1):
                outer = np.outer(block.Z[:, i], block.Z[:, m])
                yield same * (outer if i == m else outer + outer.T)
    yield np.diag(1 / fit.design.weights)


def _covariance(fit: MixedFit, G: list[np.ndarray]) -> np.ndarray:
    entries = [Sigma[i, m] for Sigma in fit.covariances for i in range(len(Sigma)) for m in range(i + 1)]
    return sum(value * g for value, g in zip([*entries, fit.sigma**2], G, strict=True))


def _check(fit: MixedFit) -> None:
    if not fit.reml:
        raise DataError("Kenward and Roger's method is for REML fits: fit the model with reml=True.")
    if fit.nobs > MOST_ROWS:
        raise DataError(
            f"Kenward and Roger's method works with {fit.nobs} × {fit.nobs} matrices here; above {MOST_ROWS} "
            'rows use ddf="satterthwaite".'
        )
