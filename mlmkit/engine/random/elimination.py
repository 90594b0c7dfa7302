"""The chain eliminated level by level, and the way back for derivatives and inverses.

Forward, the group effects are eliminated, pupils' classes before schools. A finest group with the
cross-products

    A  own × own      U  own × coarser groups

contributes, with W = Λ(ΛᵀAΛ + I)⁻¹Λᵀ, the Schur complement −UᵀWU to the group it lies in; where terms cross,
the tail takes that part (`tail`). It is the blocked Cholesky factorisation of Bates, Mächler, Bolker & Walker (2015,
J. Stat. Softw. 67(1), section 3), with a hierarchy's blocks kept small and the blocks' factors summed out.

Backward, the same steps are differentiated in reverse: from the derivative of log|H| by what was left to its
derivative by A, U and Λ, for all parameters at once at the price of about one more elimination. The
derivative of log|H| by a cross-product is the same entry of C = ΛH⁻¹Λᵀ, so this is the selected inverse, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .blocks import multiply, multiply_transposed, posterior_spread, sum_by_group, transpose


@dataclass(frozen=True, eq=False)
class Level:
    """One grouping of the chain.

    Attributes
    ----------
    terms
        Positions in the design of the terms on this grouping.
    size, n_groups
        Coefficients that vary across the groups, over all of its terms, and the number of groups.
    codes
        (n,) the group of each row.
    parent
        (J,) the next level's group that each group lies in; None at the coarsest level.
    """

    terms: tuple[int, ...]
    size: int
    n_groups: int
    codes: np.ndarray
    parent: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Eliminated:
    """A level as it stood when it was eliminated.

    Attributes
    ----------
    A, U
        Cross-products of the level's regressors with themselves (s, s, J), and with those of the coarser
        groups each group lies in (s, ·, J).
    W : (s, s, J) array
        Λ(ΛᵀAΛ + I)⁻¹Λᵀ: covariance, over σ², of a group's effects given the data and everything else.
    """

    A: np.ndarray
    U: np.ndarray
    W: np.ndarray


@dataclass(frozen=True, eq=False)
class Elimination:
    """All levels eliminated, finest first, and Σ log|ΛᵀAΛ + I|."""

    levels: tuple[Eliminated, ...]
    log_determinant: float


def eliminate(levels: Sequence[Level], products: np.ndarray, factors: Sequence[np.ndarray]) -> Elimination:
    """Eliminate the chain, finest level first.

    Parameters
    ----------
    levels
    products : (c, c, J) array
        For each finest group, the cross-products of the chain's c regressors.
    factors
        Each level's Λ, (s, s); any square matrix, triangular or not.
    """
    total, done = 0.0, []
    for position, (level, Lambda) in enumerate(zip(levels, factors, strict=True)):
        s = level.size
        A, U = products[:s, :s], products[:s, s:]
        W, log_determinant = posterior_spread(A, Lambda)
        total += log_determinant
        done.append(Eliminated(A, U, W))
        if level.parent is not None:
            left = products[s:, s:] - multiply_transposed(U, multiply(W, U))
            products = sum_by_group(left, level.parent, levels[position + 1].n_groups)
    return Elimination(tuple(done), total)


def differentiate(
    levels: Sequence[Level],
    chain: Elimination,
    factors: Sequence[np.ndarray],
    by_border: np.ndarray | None = None,
) -> list[np.ndarray]:
    """∂log|H|/∂Λ for each level's Λ, (s, s), finest level first.

    Parameters
    ----------
    levels, chain, factors
        What `eliminate` was given, and what it made of it.
    by_border : (s, s) array, optional
        With a tail, Σ (I − AW) B F Bᵀ (I − WA), B the border and F the crossed effects' part of C.
    """
    gradients, outer, W_bar = [], np.empty(0), np.zeros_like(chain.levels[-1].W)
    for position in reversed(range(len(levels))):
        level, state = levels[position], chain.levels[position]
        beside = np.empty(0)
        if level.parent is not None:
            beside, W_bar = _by_spread(level, state, outer)
        by_square = _by_factor(state, W_bar)
        if by_border is not None:
            by_square -= 2.0 * by_border
        gradients.append(by_square @ factors[position])
        if position:
            outer = _by_products(level, state, beside, W_bar, outer)
    return gradients[::-1]


def inverse_on_pattern(levels: Sequence[Level], chain: Elimination, W_bar: np.ndarray) -> list[np.ndarray]:
    """C = ΛH⁻¹Λᵀ where a level's groups have cross-products, (c, c, J), level by level, finest first."""
    blocks, outer = [], np.empty(0)
    for level, state in reversed(list(zip(levels, chain.levels, strict=True))):
        beside = np.empty(0)
        if level.parent is not None:
            beside, W_bar = _by_spread(level, state, outer)
        outer = _by_products(level, state, beside, W_bar, outer)
        blocks.append(outer)
    return blocks[::-1]


def _by_spread(level: Level, state: Eliminated, outer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """U F with F the derivative by the coarser groups' products, and −U F Uᵀ, the derivative by W."""
    beside = multiply(state.U, outer.take(level.parent, axis=-1))
    return beside, -multiply(beside, transpose(state.U))


def _by_factor(state: Eliminated, W_bar: np.ndarray) -> np.ndarray:
    """2 Σ [A + (I − AW) W̄](I − WA), which times Λ is the derivative by Λ.

    It needs no inverse of Λ and so holds at a variance of zero, too.
    """
    kept = kept_by(state)
    return 2.0 * np.einsum("abj,cbj->ac", state.A + multiply(kept, W_bar), kept)


def kept_by(state: Eliminated) -> np.ndarray:
    """I − AW: what the effects leave of a right-hand side, (s, s, J)."""
    return np.eye(len(state.A))[:, :, None] - multiply(state.A, state.W)


def _by_products(
    level: Level, state: Eliminated, beside: np.ndarray, W_bar: np.ndarray, outer: np.ndarray
) -> np.ndarray:
    """The derivative by a level's cross-products, from those of the next coarser level."""
    W = state.W
    own = W - multiply(W, multiply(W_bar, W))
    if level.parent is None:
        return own
    beside = -multiply(W, beside)
    top = np.concatenate([own, beside], axis=1)
    bottom = np.concatenate([transpose(beside), outer.take(level.parent, axis=-1)], axis=1)
    return np.concatenate([top, bottom])
