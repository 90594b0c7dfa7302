"""Small matrices, straight from LAPACK.

A fit to a small data set spends its time on calls, not on arithmetic: numpy's and scipy's functions look at a matrix of
three rows for ten times as long as it takes to factorise it. Here are the few steps that every search takes often.
All raise `LinAlgError` where there is no solution; what is not finite is handed on.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dgesv, dpotrf, dsyevd, dtrtri, dtrtrs


def cholesky(A: np.ndarray) -> np.ndarray:
    """The lower triangular L with A = LLᵀ."""
    L, failed = dpotrf(A, lower=1, clean=1)
    _check(failed)
    return L


def inverse_of_lower(L: np.ndarray) -> np.ndarray:
    """L⁻¹ for a lower triangular L."""
    inverse, failed = dtrtri(L, lower=1)
    _check(failed)
    return inverse


def solve(A: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A⁻¹ right, for any square A."""
    *_, solution, failed = dgesv(A, right)
    _check(failed)
    return solution


def solve_triangular(
    T: np.ndarray, right: np.ndarray, lower: bool = False, transposed: bool = False
) -> np.ndarray:
    """T⁻¹ right, or T⁻ᵀ right, for a triangular T, which may have no rows."""
    if not len(T):
        return right
    solution, failed = dtrtrs(T, right, lower=lower, trans=transposed)
    _check(failed)
    return solution


def eigh(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues of a symmetric matrix, rising, and its eigenvectors as columns."""
    values, vectors, failed = dsyevd(A, lower=1)
    _check(failed)
    return values, vectors


def _check(failed: int) -> None:
    if failed:
        raise np.linalg.LinAlgError("A matrix is singular, or not positive definite.")
