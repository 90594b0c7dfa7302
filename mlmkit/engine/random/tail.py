"""The tail, what is left when the chain is eliminated: [crossed effects, X, y] as one dense matrix.

Its Cholesky factor holds the rest of the criterion. With y as the last column, the last pivot is the
penalised residual sum of squares r², and the columns of X give log|XᵀV⁻¹X| (REML).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from .equations import NormalEquations


@dataclass(frozen=True, eq=False)
class Tail:
    """The tail's Cholesky factorisation.

    Attributes
    ----------
    scaled : (q, q) array
        T Λ: the tail before factorisation, its crossed columns multiplied by their Λ.
    L : (q, q) array
        The lower triangular factor of ΛᵀTΛ + I (the identity on the crossed effects only).
    """

    scaled: np.ndarray
    L: np.ndarray

    def log_determinant(self, stop: int) -> float:
        """log|·| of the leading `stop` rows and columns."""
        return 2.0 * float(np.log(np.diagonal(self.L)[:stop]).sum())

    def inverse(self) -> np.ndarray:
        """(ΛᵀTΛ + I)⁻¹, both triangles."""
        half = dpotri(self.L, lower=1)[0]
        whole = half + half.T
        whole.flat[:: len(whole) + 1] *= 0.5
        return whole


def scale(matrix: np.ndarray, equations: NormalEquations, factors: Sequence[np.ndarray]) -> np.ndarray:
    """matrix @ Λ over the crossed columns, given all terms' Λ; the columns of X and y as they are."""
    if all(one.size == 1 for one in equations.crossed):
        return matrix * _scalars(equations, factors)
    scaled = matrix.copy()
    for one in equations.crossed:
        columns = matrix[:, one.columns].reshape(len(matrix), one.n_groups, one.size)
        scaled[:, one.columns] = np.einsum("qja,ab->qjb", columns, factors[one.term]).reshape(len(matrix), -1)
    return scaled


def scale_both(scaled: np.ndarray, equations: NormalEquations, factors: Sequence[np.ndarray]) -> np.ndarray:
    """From T Λ to Λᵀ T Λ, T symmetric."""
    if all(one.size == 1 for one in equations.crossed):
        return scaled * _scalars(equations, factors)[:, None]
    return scale(scaled.T, equations, factors)


def _scalars(equations: NormalEquations, factors: Sequence[np.ndarray]) -> np.ndarray:
    """Λ as one number for each column of the tail."""
    parts = [np.full(one.n_groups, factors[one.term][0, 0]) for one in equations.crossed]
    return np.concatenate([*parts, np.ones(equations.p + 1)])


def factorise(tail: np.ndarray, equations: NormalEquations, factors: Sequence[np.ndarray]) -> Tail:
    """Scale a tail by the crossed terms' Λ, add the identity and take its Cholesky factor.

    Raises
    ------
    FloatingPointError
        The matrix is not positive definite to working precision (θ far out of any reasonable range).
    """
    d = equations.n_crossed
    scaled = scale(tail, equations, factors) if d else tail
    S = scale_both(scaled, equations, factors) if d else tail.copy()
    S.flat[: d * len(S) : len(S) + 1] += 1.0
    L, failed = dpotrf(S.T if S.flags.c_contiguous else S, lower=1, clean=1, overwrite_a=1)
    if failed:
        raise FloatingPointError("The normal equations are not positive definite to working precision.")
    return Tail(scaled, L)


def crossed_gradients(tail: Tail, F: np.ndarray, equations: NormalEquations) -> dict[int, np.ndarray]:
    """Derivatives by each crossed term's Λ, 2 Σ (T Λ F) over its groups' diagonal blocks, by term.

    F is the derivative by ΛᵀTΛ + I.
    """
    gradients = {}
    for one in equations.crossed:
        rows = tail.scaled[one.columns].reshape(one.n_groups, one.size, -1)
        columns = F[one.columns].reshape(one.n_groups, one.size, -1)
        gradients[one.term] = 2.0 * np.einsum("lam,lbm->ab", rows, columns)
    return gradients


def unscale(F: np.ndarray, equations: NormalEquations, factors: Sequence[np.ndarray]) -> np.ndarray:
    """From the derivative by ΛᵀTΛ + I to that by T: Λ F Λᵀ."""
    if not equations.crossed:
        return F
    transposed = [Lambda.T for Lambda in factors]
    return scale_both(scale(F, equations, transposed), equations, transposed)
