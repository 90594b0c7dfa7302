"""From the normal equations and Λ to what the criterion needs, and back again for its gradient.

Forward, the group effects are eliminated level by level, pupils' classes before schools. A finest group
with the cross-products

    A  own × own      U  own × coarser groups      B  own × tail

contributes, with W = Λ(ΛᵀAΛ + I)⁻¹Λᵀ, the Schur complement −[U B]ᵀ W [U B] to what is left: the group it
lies in, and the tail. It is the blocked Cholesky factorisation of Bates, Mächler, Bolker & Walker (2015,
J. Stat. Softw. 67(1), section 3), with a hierarchy's blocks kept small and the blocks' factors summed out.

Backward, the same steps are differentiated in reverse: from the derivative of a function by what was left
to its derivative by A, U, B and Λ, for all parameters at once at the price of about one more elimination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .blocks import multiply, multiply_transposed, posterior_spread, sum_by_group, transpose
from .border import DenseBorder, SparseBorder
from .equations import Level, NormalEquations


@dataclass(frozen=True, eq=False)
class Eliminated:
    """A level as it stood when it was eliminated.

    Attributes
    ----------
    A, U, B
        Cross-products of the level's regressors with themselves (s, s, J), with those of the coarser
        groups each group lies in (s, ·, J), and with the tail.
    W : (s, s, J) array
        Λ(ΛᵀAΛ + I)⁻¹Λᵀ: covariance, over σ², of a group's effects given the data and everything coarser.
    """

    A: np.ndarray
    U: np.ndarray
    B: DenseBorder | SparseBorder
    W: np.ndarray


@dataclass(frozen=True, eq=False)
class Elimination:
    """All levels eliminated: what is left of the tail, and Σ log|ΛᵀAΛ + I|."""

    levels: tuple[Eliminated, ...]
    tail: np.ndarray
    log_determinant: float


def eliminate(equations: NormalEquations, factors: Sequence[np.ndarray]) -> Elimination:
    """Eliminate the chain, finest level first.

    Parameters
    ----------
    equations
    factors
        Each level's Λ, (s, s); any square matrix, triangular or not.
    """
    products, border = equations.products, equations.border
    tail, total, done = equations.tail.copy(), 0.0, []
    for position, (level, Lambda) in enumerate(zip(equations.levels, factors, strict=True)):
        s = level.size
        A, U, B = products[:s, :s], products[:s, s:], _own_rows(border, s, equations)
        W, log_determinant = posterior_spread(A, Lambda)
        if Lambda.any():
            B.subtract_gram(tail, W)
        total += log_determinant
        done.append(Eliminated(A, U, B, W))
        if level.parent is not None:
            outer = equations.levels[position + 1]
            left = products[s:, s:] - multiply_transposed(U, multiply(W, U))
            products = sum_by_group(left, level.parent, outer.n_groups)
            rest = border.rows(slice(s, None)).plus(B.times(W).times(-transpose(U)))
            border = rest.to_parents(level.parent, outer.n_groups, outer.template)
    return Elimination(tuple(done), tail, total)


@dataclass(frozen=True, eq=False)
class Adjoint:
    """Derivatives by a level's cross-products, (c, c, J) and symmetric, and half those by its border."""

    products: np.ndarray
    border: DenseBorder | SparseBorder


def _own_rows(
    border: DenseBorder | SparseBorder, s: int, equations: NormalEquations
) -> DenseBorder | SparseBorder:
    """The border's rows of a level; at the finest, where they do not depend on θ, prepared ones."""
    return equations.finest_rows if border is equations.border else border.rows(slice(s))


def differentiate(
    equations: NormalEquations, done: Elimination, factors: Sequence[np.ndarray], F: np.ndarray
) -> list[np.ndarray]:
    """Derivatives by each level's Λ of log_determinant + a function of the tail.

    Parameters
    ----------
    equations, done, factors
        What `eliminate` was given, and what it made of it.
    F : (q, q) array
        The symmetric derivative of the function by the tail.

    Returns
    -------
    For each level the (s, s) matrix of derivatives by the entries of Λ.
    """
    gradients, outer = [], None
    for position in reversed(range(len(factors))):
        level, state = equations.levels[position], done.levels[position]
        if position == 0:
            gradients.append(_by_finest_factor(level, state, F, outer) @ factors[0])
            break
        P, Q, W_bar = _by_spread(level, state, F, outer)
        gradients.append(_by_factor(state, W_bar) @ factors[position])
        outer = _by_products(state, P, Q, W_bar, level, outer)
    return gradients[::-1]


def posterior_covariances(equations: NormalEquations, done: Elimination, F: np.ndarray) -> list[np.ndarray]:
    """Each level's (s, s, J) covariances of the group effects given the data, over σ².

    The derivative of a log determinant by a diagonal block is that block of the inverse, so the same
    backward pass, given only the log determinant's F, delivers the blocks of Λ(ΛᵀZᵀZΛ + I)⁻¹Λᵀ.
    """
    blocks = inverse_on_pattern(equations, done, F)
    return [
        one.products[: level.size, : level.size] for level, one in zip(equations.levels, blocks, strict=True)
    ]


def inverse_on_pattern(equations: NormalEquations, done: Elimination, F: np.ndarray) -> list[Adjoint]:
    """Λ(ΛᵀZᵀZΛ + I)⁻¹Λᵀ where the normal equations have entries, level by level, finest first."""
    blocks, outer = [], None
    for position in reversed(range(len(done.levels))):
        level, state = equations.levels[position], done.levels[position]
        P, Q, W_bar = _by_spread(level, state, F, outer)
        outer = _by_products(state, P, Q, W_bar, level, outer)
        blocks.append(outer)
    return blocks[::-1]


def _by_spread(level: Level, state: Eliminated, F: np.ndarray, outer: Adjoint | None):
    """The derivative by W, −[U B] F [U B]ᵀ with F that of everything coarser, and its two halves [U B] F."""
    Q = state.B.times_tail(F)
    if level.parent is None:
        return None, Q, -Q.inner(state.B)
    products = outer.products.take(level.parent, axis=-1)
    border = outer.border.to_children(level.parent, state.B)
    P = multiply(state.U, products) + state.B.inner(border)
    Q = Q.plus(border.times(state.U))
    return P, Q, -(multiply(P, transpose(state.U)) + Q.inner(state.B))


def _by_factor(state: Eliminated, W_bar: np.ndarray) -> np.ndarray:
    """2 Σ [A + (I − AW) W̄](I − WA), which times Λ is the derivative by Λ.

    It needs no inverse of Λ and so holds at a variance of zero, too.
    """
    kept = np.eye(len(state.A))[:, :, None] - multiply(state.A, state.W)
    return 2.0 * np.einsum("abj,cbj->ac", state.A + multiply(kept, W_bar), kept)


def _by_finest_factor(level: Level, state: Eliminated, F: np.ndarray, outer: Adjoint | None) -> np.ndarray:
    """`_by_factor` where the border's part −B F Bᵀ of W̄ is wanted only in the sum over the groups."""
    kept = np.eye(len(state.A))[:, :, None] - multiply(state.A, state.W)
    W_bar = np.zeros_like(state.A)
    if level.parent is not None:
        products = outer.products.take(level.parent, axis=-1)
        border = outer.border.to_children(level.parent, state.B)
        W_bar -= multiply(multiply(state.U, products), transpose(state.U))
        across = multiply(state.U, transpose(state.B.inner(border)))
        W_bar -= across + transpose(across)
    return _by_factor(state, W_bar) - 2.0 * state.B.quadratic(kept, F)


def _by_products(state: Eliminated, P, Q, W_bar, level: Level, outer: Adjoint | None) -> Adjoint:
    """The derivative by a level's cross-products and border, from those of the next coarser level."""
    W = state.W
    own = W - multiply(W, multiply(W_bar, W))
    border = Q.times(-W)
    if level.parent is None:
        return Adjoint(own, border)
    beside = -multiply(W, P)
    products = outer.products.take(level.parent, axis=-1)
    below = outer.border.to_children(level.parent, state.B)
    top = np.concatenate([own, beside], axis=1)
    bottom = np.concatenate([transpose(beside), products], axis=1)
    return Adjoint(np.concatenate([top, bottom]), border.stacked_on(below))
