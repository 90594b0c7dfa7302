"""Satterthwaite's degrees of freedom for many responses at once (one response: `inference.degrees`).

With φ = (θ, log σ), the criterion's second derivatives are f″ + df h hᵀ by θ, −2 df h across and 4 df by log σ,
where h = ∂ log r²/∂θ = −2 Σ u uᵀΛ/r² with u = ZᵀV⁻¹(y − Xb̂) of each group; twice their inverse is the covariance
A of φ̂. The variance v = σ² lᵀ(XᵀV⁻¹X)⁻¹l of a combination has the derivatives g = 2σ² Σ q qᵀΛ by Λ,
q = ZᵀV⁻¹X(XᵀV⁻¹X)⁻¹l, and 2v by log σ; df = 2v²/gᵀAg (Giesbrecht & Burns 1985, Biometrics 41:477–486).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular

from .batch import LinearBatch, Responses, Solved

#: Step of the differences in θ, relative to its size (at least 0.1).
STEP = 1e-3


class BatchDegrees:
    """How well the variances of B responses are known.

    Parameters
    ----------
    batch
    responses
        Standardised, from `LinearBatch.responses`.
    x : (n_theta, B) array
        Each response's standard θ.
    """

    def __init__(self, batch: LinearBatch, responses: Responses, x: np.ndarray):
        self.batch, self.at = batch, batch.at(x, responses)
        at, df = self.at, batch.df
        second = _second_derivatives(batch, responses, x)
        h = batch.by_theta(batch.residual_squares(at, responses), at.Lambda) * (-1.0 / at.r2)
        k, B = x.shape
        H = np.empty((B, k + 1, k + 1))
        H[:, :k, :k] = np.moveaxis(second + df * h[:, None] * h[None], -1, 0)
        H[:, :k, k] = H[:, k, :k] = -2.0 * df * h.T
        H[:, k, k] = 4.0 * df
        fine = np.all(np.isfinite(H), axis=(1, 2))
        self.covariance = np.full_like(H, np.nan)
        self.covariance[fine] = 2.0 * np.linalg.pinv(H[fine], rcond=1e-9, hermitian=True)

    def of(self, weights: np.ndarray) -> np.ndarray:
        """The degrees of freedom of combinations of the coefficients: weights (p,) or (B, p) give (B,)."""
        R = self.batch.data.R
        own = np.broadcast_to(weights, (len(self.at.r2), weights.shape[-1]))
        basis = solve_triangular(R, own.T, trans="T")
        m = np.einsum("pqx,qx->px", self.at.inverse, basis)
        variance = np.einsum("px,px->x", basis, m)
        squares = self.batch.weighted_squares(self.at, m[:, None] * m[None])
        g = np.concatenate([self.batch.by_theta(squares, self.at.Lambda), 2.0 * variance[None]])
        spread = np.einsum("ax,xab,bx->x", g, self.covariance, g)
        with np.errstate(invalid="ignore", divide="ignore"):
            return 2.0 * variance**2 / spread


def _second_derivatives(batch: LinearBatch, responses: Responses, x: np.ndarray) -> np.ndarray:
    """By the standard θ, (n_theta, n_theta, B): central differences of the gradient, of fourth order."""

    def gradient(there: np.ndarray) -> np.ndarray:
        at: Solved = batch.at(there, responses)
        return batch.gradient(at, responses)

    k = len(x)
    H = np.empty((k, *x.shape))
    for a in range(k):
        e = np.zeros_like(x)
        e[a] = size = np.maximum(np.abs(x[a]), 0.1) * STEP
        near = gradient(x + e) - gradient(x - e)
        far = gradient(x + 2.0 * e) - gradient(x - 2.0 * e)
        H[a] = (8.0 * near - far) / (12.0 * size)
    return 0.5 * (H + H.swapaxes(0, 1))
