"""θ ↔ Λ: the covariance of the group effects, relative to the residual variance.

The group effects of one term have the covariance Ω = σ²ΛΛᵀ, the same in every group. Λ is lower
triangular, one s × s factor for each term, and θ lists the lower triangles column by column, term after term:
lme4's order (Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1), section 2.2).

The sign of a column of Λ is free (ΛΛᵀ does not see it), and so is the place of a column where the
diagonal is zero; the functions below choose the one form that is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np


def theta_length(size: int) -> int:
    """How many parameters the covariance of `size` coefficients has."""
    return size * (size + 1) // 2


@cache
def lower_indices(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the lower triangle, column by column."""
    columns, rows = np.triu_indices(size)
    return rows, columns


def diagonal_places(sizes: Sequence[int]) -> np.ndarray:
    """Which entries of θ stand on a diagonal, (n_theta,) boolean."""
    return np.concatenate([np.equal(*lower_indices(size)) for size in sizes])


def factors_from_theta(theta: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """The terms' Λ, each (…, s, s) lower triangular, from θ, (…, n_theta)."""
    factors, start = [], 0
    for size in sizes:
        stop = start + theta_length(size)
        Lambda = np.zeros((*theta.shape[:-1], size, size))
        Lambda[(..., *lower_indices(size))] = theta[..., start:stop]
        factors.append(Lambda)
        start = stop
    return factors


def theta_from_factors(factors: Sequence[np.ndarray]) -> np.ndarray:
    """θ, (…, n_theta), from the terms' Λ; of any other matrices (a gradient's, say) the same lower triangles."""
    return np.concatenate([Lambda[(..., *lower_indices(Lambda.shape[-1]))] for Lambda in factors], axis=-1)


def join_factors(factors: Sequence[np.ndarray]) -> np.ndarray:
    """One Λ for several terms on the same groups: their factors along the diagonal."""
    if len(factors) == 1:
        return factors[0]
    at, size = 0, sum(len(factor) for factor in factors)
    joined = np.zeros((size, size))  # scipy's block_diag takes five times as long, at every step of a fit
    for factor in factors:
        place = slice(at, at + len(factor))
        joined[place, place] = factor
        at += len(factor)
    return joined


def lower_triangular(factor: np.ndarray) -> np.ndarray:
    """The lower triangular Λ with a diagonal ≥ 0 and the same ΛΛᵀ as `factor`, any square matrices (…, s, s).

    Entries that are nothing but rounding are set to zero, so that a singular covariance stays exactly so.
    """
    if factor.shape[-1] == 1:
        return np.abs(factor)
    R: Any = np.linalg.qr(factor.swapaxes(-1, -2), mode="r")
    Lambda = R.swapaxes(-1, -2)
    size = np.sqrt((Lambda**2).sum(axis=-1, keepdims=True))
    Lambda[np.abs(Lambda) <= 8 * np.finfo(float).eps * size] = 0.0
    return shift_left(with_positive_diagonal(Lambda))


def without_traces(Lambda: np.ndarray, trace: float) -> np.ndarray:
    """Λ with directions whose SD is below `trace` set to exactly none, and empty columns last.

    A search comes close to a boundary but never stands on it: a variance of 1e-8 should read zero, a
    correlation of 0.999999 one. And an empty column before a filled one hides a derivative (`shift_left`).
    """
    if is_clear_of(Lambda, trace):
        return Lambda
    left, size, right = np.linalg.svd(Lambda)
    if size[-1] > trace:
        return Lambda
    return lower_triangular((left * np.where(size > trace, size, 0.0)) @ right)


def is_clear_of(Lambda: np.ndarray, trace: float) -> bool:
    """Whether a lower triangular Λ is sure, without a decomposition, to have no direction whose SD is below `trace`.

    Of s SDs with the product |det Λ|, the others together are at most (‖Λ‖²/(s − 1))^((s − 1)/2).
    """
    others = len(Lambda) - 1
    most = (np.vdot(Lambda, Lambda) / others) ** (0.5 * others) if others else 1.0
    return bool(abs(Lambda.diagonal().prod()) > trace * most)


def with_positive_diagonal(Lambda: np.ndarray) -> np.ndarray:
    """The same covariance with the sign of each column flipped where its diagonal is negative."""
    first = np.argmax(Lambda != 0.0, axis=-2)[..., None, :]
    return Lambda * np.sign(np.take_along_axis(Lambda, first, axis=-2))


def shift_left(Lambda: np.ndarray, zero: float = 0.0) -> np.ndarray:
    """The same covariance with a column that starts too low moved into the place of an empty one.

    Where column j is empty and a later column k is not, Λ with column k moved to j describes the same
    covariance. The criterion's derivative by an empty column is zero whatever the data say, so an
    optimiser can stop at an empty column that is no optimum; after the move the derivatives by the
    entries above the moved ones are not zero, and it goes on.
    """
    empty = np.all(np.abs(Lambda) <= zero, axis=-2, keepdims=True)
    order = np.argsort(empty, axis=-1, kind="stable")
    return np.take_along_axis(np.where(empty, 0.0, Lambda), order, axis=-1)
