"""Algebra over groups: thousands of small matrices at once.

A stack of J small matrices is one array of shape (rows, columns, J), the group last. Loops run over the
rows and columns, which are few; numpy runs over the groups, which may be many. Sums over the rows of the
data are counts with weights (`np.bincount`), so the sparse matrix Z of the textbooks is formed only where there are
many columns to be summed (`membership`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix


def sum_by_group(values: np.ndarray, codes: np.ndarray, n_groups: int) -> np.ndarray:
    """Sums of the last axis within groups: (..., n) → (..., J)."""
    sums = np.empty((*values.shape[:-1], n_groups))
    for place in np.ndindex(values.shape[:-1]):
        sums[place] = np.bincount(codes, values[place], n_groups)
    return sums


def membership(codes: np.ndarray, n_groups: int, values: np.ndarray | None = None) -> csr_matrix:
    """The sparse (J, n) matrix that sums rows, or their products with `values`, within groups: for many columns."""
    n = len(codes)
    return csr_matrix((np.ones(n) if values is None else values, (codes, np.arange(n))), shape=(n_groups, n))


def group_products(
    left: Sequence[np.ndarray], right: Sequence[np.ndarray], codes: np.ndarray, n_groups: int
) -> np.ndarray:
    """Each group's cross-products Σ left rightᵀ over its rows: (a, n) and (b, n) → (a, b, J)."""
    products = np.empty((len(left), len(right), n_groups))
    for a, row in enumerate(left):
        for b, other in enumerate(right):
            products[a, b] = np.bincount(codes, row * other, n_groups)
    return products


def group_squares(
    columns: Sequence[np.ndarray],
    codes: np.ndarray,
    n_groups: int,
    weighted: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """`group_products` of columns with themselves, or with the same weighted, each pair summed once: (a, a, J)."""
    products = np.empty((len(columns), len(columns), n_groups))
    for a, row in enumerate(columns if weighted is None else weighted):
        for b in range(a + 1):
            products[a, b] = products[b, a] = np.bincount(codes, row * columns[b], n_groups)
    return products


def multiply(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Group by group A B."""
    if A.shape[1] == 1:
        return A * B
    return np.einsum("abj,bcj->acj", A, B)


def times_vectors(A: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Group by group A v, for one vector (b, J) per group."""
    return multiply(A, v[:, None])[:, 0]


def multiply_transposed(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Group by group AᵀB."""
    return np.einsum("baj,bcj->acj", A, B)


def between(left: np.ndarray, A: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Group by group left A right, for two matrices that are the same in all groups."""
    return np.einsum("ab,bcj->acj", left, np.einsum("abj,bc->acj", A, right))


def transpose(A: np.ndarray) -> np.ndarray:
    """Group by group Aᵀ."""
    return A.swapaxes(0, 1)


def cholesky(A: np.ndarray) -> np.ndarray:
    """Group by group the lower triangular L with A = LLᵀ."""
    L = np.zeros_like(A)
    for k in range(len(A)):
        L[k:, k] = A[k:, k]
        for c in range(k):
            L[k:, k] -= L[k:, c] * L[k, c]
        L[k, k] = np.sqrt(L[k, k])
        L[k + 1 :, k] /= L[k, k]
    return L


def solve_lower(L: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Group by group the solution of L X = B."""
    X = np.empty((*B.shape[:2], L.shape[2]))
    X[:] = B
    for k in range(len(L)):
        X[k] /= L[k, k]
        for below in range(k + 1, len(L)):
            X[below] -= L[below, k] * X[k]
    return X


def posterior_spread(A: np.ndarray, Lambda: np.ndarray) -> tuple[np.ndarray, float]:
    """Group by group W = Λ(ΛᵀAΛ + I)⁻¹Λᵀ, and Σ log|ΛᵀAΛ + I|.

    A is the information the data hold on a group's effects; σ²W is their covariance once the data are
    seen. Written so, nothing is divided by Λ: a variance of zero is no special case.

    Parameters
    ----------
    A : (s, s, J) array
    Lambda : (s, s) array

    Returns
    -------
    W : (s, s, J) array
    log_det : float
    """
    if len(Lambda) == 1:
        H = Lambda[0, 0] ** 2 * A + 1.0
        return Lambda[0, 0] ** 2 / H, float(np.log(H).sum())
    H = between(Lambda.T, A, Lambda)
    for k in range(len(H)):
        H[k, k] += 1.0
    L = cholesky(H)
    half = solve_lower(L, Lambda.T[:, :, None])
    log_determinant = 2.0 * float(sum(np.log(L[k, k]).sum() for k in range(len(L))))
    return multiply_transposed(half, half), log_determinant
