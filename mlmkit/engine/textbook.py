"""Chapter 4's formulas as it writes them: every matrix formed, V inverted. Slow, plain, and right.

Nothing in the package is fitted with these functions. They are the door into the engine for a reader, and the
oracle of its tests: `linear.criterion` gives the same numbers without ever forming V. Letters are chapter 4's,

    y = Xb + Zγ + ε,      γ ~ N(0, Ω),  Ω = σ²ΛΛᵀ,      ε ~ N(0, σ²I),      V = ZΩZᵀ + σ²I,

with I replaced by W⁻¹ where rows have prior weights, and y taken less its offset. The effects γ stand term
after term and, within a term, group by group.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import block_diag

from ..design import Design
from .covariance import factors_from_theta


def make_Z(design: Design) -> np.ndarray:
    """Who each row belongs to, and with which regressors (4.1): (n, q)."""
    blocks = []
    for block in design.blocks:
        n, s = block.Z.shape
        Z = np.zeros((n, len(block.levels), s))
        Z[np.arange(n), block.codes] = block.Z
        blocks.append(Z.reshape(n, -1))
    return np.hstack(blocks)


def make_Lambda(design: Design, theta: np.ndarray) -> np.ndarray:
    """A root of Ω/σ², each term's small Λ once for every group (4.5): (q, q)."""
    factors = factors_from_theta(np.asarray(theta, dtype=float), [b.Z.shape[1] for b in design.blocks])
    pairs = zip(design.blocks, factors, strict=True)
    return block_diag(*(np.kron(np.eye(len(block.levels)), Lambda) for block, Lambda in pairs))


def make_Omega(design: Design, theta: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    """Ω = σ²ΛΛᵀ, the covariance of γ (4.1, 4.5): (q, q)."""
    Lambda = make_Lambda(design, theta)
    return sigma**2 * Lambda @ Lambda.T


def make_V(design: Design, theta: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    """V = ZΩZᵀ + σ²W⁻¹, the covariance of y (4.2): (n, n)."""
    Z = make_Z(design)
    return Z @ make_Omega(design, theta, sigma) @ Z.T + sigma**2 * np.diag(1.0 / design.weights)


def log_likelihood(residual: np.ndarray, V: np.ndarray) -> float:
    """Log of the normal density N(0, V) at a residual y − Xb (4.3)."""
    quadratic = residual @ np.linalg.solve(V, residual)
    return float(-0.5 * (np.linalg.slogdet(V)[1] + quadratic + len(residual) * np.log(2.0 * np.pi)))


def gls(y: np.ndarray, X: np.ndarray, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """b̂ = (XᵀV⁻¹X)⁻¹XᵀV⁻¹y and its covariance (XᵀV⁻¹X)⁻¹ for known V (4.4): (p,) and (p, p)."""
    covariance = np.linalg.inv(X.T @ np.linalg.solve(V, X))
    return covariance @ X.T @ np.linalg.solve(V, y), covariance


def best_b_and_sigma(design: Design, theta: np.ndarray, reml: bool = False) -> tuple[np.ndarray, float]:
    """b̂ and σ̂ at θ: σ̂² is a weighted mean square, over n or, for REML, over n − p (4.5, 4.6)."""
    y, X, V = design.y - design.offset, design.X, make_V(design, theta)
    b, _ = gls(y, X, V)
    residual = y - X @ b
    r2 = residual @ np.linalg.solve(V, residual)
    return b, float(np.sqrt(r2 / (len(y) - reml * X.shape[1])))


def deviance(design: Design, theta: np.ndarray) -> float:
    """−2 log L at θ, with b and σ at their best (4.5)."""
    b, sigma = best_b_and_sigma(design, theta)
    residual = design.y - design.offset - design.X @ b
    return -2.0 * log_likelihood(residual, make_V(design, theta, sigma))


def reml_criterion(design: Design, theta: np.ndarray) -> float:
    """−2 log of the restricted likelihood at θ, with σ at its best (4.6)."""
    b, sigma = best_b_and_sigma(design, theta, reml=True)
    X, V = design.X, make_V(design, theta, sigma)
    residual = design.y - design.offset - X @ b
    log_det = np.linalg.slogdet(X.T @ np.linalg.solve(V, X))[1]
    return float(-2.0 * log_likelihood(residual, V) + log_det - X.shape[1] * np.log(2.0 * np.pi))


def modes(design: Design, theta: np.ndarray) -> list[np.ndarray]:
    """γ̂ = ΩZᵀV⁻¹(y − Xb̂), what the data say of the groups (4.4): (J, s) for each term."""
    b, sigma = best_b_and_sigma(design, theta)
    residual = design.y - design.offset - design.X @ b
    pull = make_Z(design).T @ np.linalg.solve(make_V(design, theta, sigma), residual)
    gamma = make_Omega(design, theta, sigma) @ pull
    shapes = [(len(block.levels), block.Z.shape[1]) for block in design.blocks]
    stops = np.cumsum([J * s for J, s in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(gamma, stops[:-1]), shapes, strict=True)]


def mode_covariance(design: Design, theta: np.ndarray, sigma: float) -> np.ndarray:
    """Ω − ΩZᵀV⁻¹ZΩ, the covariance of γ once y is seen, b taken as known (4.4): (q, q)."""
    Omega, Z = make_Omega(design, theta, sigma), make_Z(design)
    return Omega - Omega @ Z.T @ np.linalg.solve(make_V(design, theta, sigma), Z @ Omega)
