"""Kenward and Roger's small-sample correction: a larger covariance of b̂, and degrees of freedom with it.

V = Σ_r φ_r G_r is linear in the entries φ of the Σs and σ². With P_r = −XᵀV⁻¹G_rV⁻¹X and Q_rs =
XᵀV⁻¹G_rV⁻¹G_sV⁻¹X, the covariance W of φ̂ is from the expected information, and the covariance of b̂ becomes
Φ + 2Φ{Σ_rs W_rs (Q_rs − P_rΦP_s)}Φ (Kenward & Roger 1997, Biometrics 53:983–997, equations 3–5).

Nothing of n × n is formed. V = σ²D + ZΩZᵀ with the inverse weights in D, so each G_r is D, or Z E_r Zᵀ with noughts and
ones in E_r; and V⁻¹D = (1 − V⁻¹ZΩZᵀ)/σ². All that is needed follows from A = ZᵀV⁻¹Z and C = ZᵀV⁻¹X, which have a row for
each effect of each group.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import block_diag, csr_array, eye_array, kron, vstack

from ..design import Block, Design
from ..engine.random.blocks import membership
from ..errors import DataError
from ..results import MixedFit

#: A has as many rows and columns: at this size it takes some 800 MB and six seconds.
MOST_EFFECTS = 4000


class KenwardRoger:
    """The adjusted covariance `vcov`, and tests with it."""

    is_asymptotic = False

    def __init__(self, fit: MixedFit):
        _check(fit)
        self.notes: tuple[str, ...] = (
            "Standard errors and degrees of freedom by Kenward and Roger's method.",
        )
        self.phi = fit.vcov.to_numpy()
        products, Q, traces = _products(fit)
        self.P = -products
        self.W = self._covariance_of_variances(traces, Q)
        inner = Q - np.einsum("rab,bc,scd->rsad", self.P, self.phi, self.P)
        self.vcov = self.phi + 2 * self.phi @ np.einsum("rs,rsab->ab", self.W, inner) @ self.phi

    def _covariance_of_variances(self, traces: np.ndarray, Q: np.ndarray) -> np.ndarray:
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


def _products(fit: MixedFit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """XᵀV⁻¹G_rV⁻¹X (R, p, p), XᵀV⁻¹G_rV⁻¹G_sV⁻¹X (R, R, p, p) and tr(V⁻¹G_rV⁻¹G_s) (R, R); σ² is the last r."""
    variance, covariance = fit.sigma**2, _covariance_of_effects(fit)
    A, C = _through_the_inverse(fit.design, covariance, variance)
    M, spread, part = np.linalg.inv(fit.vcov.to_numpy()), covariance @ C, covariance @ A
    places, last = list(_places(fit.design.blocks)), -1
    R, p = len(places) + 1, C.shape[1]
    first, second, traces = np.empty((R, p, p)), np.empty((R, R, p, p)), np.empty((R, R))
    less = (C - A @ spread) / variance
    for r, (rows, columns) in enumerate(places):
        first[r] = C[rows].T @ C[columns]
        second[r, last] = C[rows].T @ less[columns]
        second[last, r] = second[r, last].T
        traces[r, last] = (A[rows, columns].sum() - np.sum(A[rows] * part.T[columns])) / variance
        traces[last, r] = traces[r, last]
        for s, (others, across) in enumerate(places[: r + 1]):
            between = A[np.ix_(columns, others)]
            second[r, s] = C[rows].T @ between @ C[across]
            second[s, r] = second[r, s].T
            traces[r, s] = traces[s, r] = np.sum(between * A[np.ix_(rows, across)])
    first[last] = (M - C.T @ spread) / variance
    second[last, last] = (M - 2 * C.T @ spread + spread.T @ A @ spread) / variance**2
    traces[last, last] = (fit.nobs - 2 * np.trace(part) + np.sum(part * part.T)) / variance**2
    return first, second, traces


def _through_the_inverse(
    design: Design, covariance: csr_array, variance: float
) -> tuple[np.ndarray, np.ndarray]:
    """ZᵀV⁻¹Z and ZᵀV⁻¹X: (1 + ZᵀWZΩ/σ²)⁻¹ times the same with W = D⁻¹ in the place of V⁻¹, over σ²."""
    blocks = [(block.codes, len(block.levels), z) for block in design.blocks for z in block.Z.T]
    ZT = vstack([membership(codes, J, z) for codes, J, z in blocks], format="csr")
    weighted = ZT.multiply(design.weights).tocsr()
    ZZ, ZX = (weighted @ ZT.T).toarray() / variance, weighted @ design.X / variance
    solved = np.linalg.solve(np.eye(len(ZZ)) + ZZ @ covariance, np.hstack([ZZ, ZX]))
    return solved[:, : len(ZZ)], solved[:, len(ZZ) :]


def _covariance_of_effects(fit: MixedFit) -> csr_array:
    """Ω: the covariance Σ of its term for each group; a coefficient's effects stand beside each other, as in Z."""
    sizes = [len(block.levels) for block in fit.design.blocks]
    each = [kron(Sigma, eye_array(J)) for J, Sigma in zip(sizes, fit.covariances, strict=True)]
    return block_diag(each, format="csr")


def _places(blocks: tuple[Block, ...]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Where the ones of E_r stand, rows and columns, for every entry of each Σ."""
    start = 0
    for block in blocks:
        own = start + np.arange(len(block.names) * len(block.levels)).reshape(len(block.names), -1)
        for i, one in enumerate(own):
            for other in own[:i]:
                yield np.concatenate([one, other]), np.concatenate([other, one])
            yield one, one
        start += own.size


def _check(fit: MixedFit) -> None:
    if not fit.reml:
        raise DataError("Kenward and Roger's method is for REML fits: fit the model with reml=True.")
    effects = sum(len(block.levels) * len(block.names) for block in fit.design.blocks)
    if effects > MOST_EFFECTS:
        raise DataError(
            f"Kenward and Roger's method works with {effects} × {effects} matrices here, one row per effect "
            f'of a group; above {MOST_EFFECTS} use ddf="satterthwaite".'
        )
