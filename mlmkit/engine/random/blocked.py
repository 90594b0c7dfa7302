"""The mixed-model equations solved block by block: the chain eliminated, then the tail factorised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from ..covariance import join_factors
from ..search.start import starting_theta
from .elimination import Elimination, differentiate, eliminate, posterior_covariances
from .equations import NormalEquations
from .tail import Tail, crossed_gradients, factorise, unscale


@dataclass(frozen=True, eq=False)
class BlockedState:
    """The equations at one Λ.

    Attributes
    ----------
    factors, level_factors
        Λ of each term, and of each level of the chain.
    log_determinant : float
        log|ΛᵀZᵀZΛ + I|.
    Xy : (p + 1, p + 1) array
        Lower Cholesky factor of [X y]ᵀV⁻¹[X y].
    """

    factors: Sequence[np.ndarray]
    level_factors: Sequence[np.ndarray]
    chain: Elimination
    tail: Tail
    log_determinant: float
    Xy: np.ndarray


@dataclass(frozen=True, eq=False)
class BlockedSystem:
    """The mixed-model equations of one design, for any Λ."""

    equations: NormalEquations

    def start(self) -> np.ndarray:
        """A standard θ to start from."""
        return starting_theta(self.equations)

    def at(self, factors: Sequence[np.ndarray]) -> BlockedState:
        """Solve for the standardised terms' Λ, each (s, s), triangular or not."""
        eq, d = self.equations, self.equations.n_crossed
        level_factors = [join_factors([factors[k] for k in level.terms]) for level in eq.levels]
        chain = eliminate(eq, level_factors)
        tail = factorise(chain.tail, eq, factors)
        log_determinant = chain.log_determinant + tail.log_determinant(d)
        return BlockedState(factors, level_factors, chain, tail, log_determinant, tail.L[d:, d:])

    def gradients(self, state: BlockedState, df: int, reml: bool) -> list[np.ndarray]:
        """The criterion's derivatives by each term's Λ, all entries of the (s, s) matrix."""
        eq = self.equations
        F = self._by_tail(state.tail, df, reml)
        by_term = crossed_gradients(state.tail, F, eq)
        by_level = differentiate(eq, state.chain, state.level_factors, unscale(F, eq, state.factors))
        for level, G in zip(eq.levels, by_level, strict=True):
            for k, part in level.parts(eq.sizes):
                by_term[k] = G[part, part]
        return [by_term[k] for k in range(len(eq.sizes))]

    def _by_tail(self, tail: Tail, df: int, reml: bool) -> np.ndarray:
        """∂(log determinants + df log r²)/∂S for the scaled tail S: S⁻¹ + ((df − 1)/r²) vvᵀ, v = (−û, −b̂, 1).

        The last column of S⁻¹ is v/r². For maximum likelihood the part of log|XᵀV⁻¹X| goes.
        """
        F = tail.inverse()
        v, r2 = F[:, -1].copy(), tail.L[-1, -1] ** 2
        if reml:
            F += np.outer(v * ((df - 1) * r2), v)
            return F
        F -= np.outer(v * r2, v)
        X = slice(self.equations.n_crossed, len(F) - 1)
        explained = F[:, X] @ np.linalg.solve(F[X, X], F[X, :])
        return F - explained + np.outer(v * (df * r2), v)

    def effects(self, state: BlockedState, b: np.ndarray) -> list[np.ndarray]:
        """Each term's conditional modes, (s, J), given b; coarsest level first.

        Given everything coarser, a group's effects are W times what its data leave unexplained.
        """
        eq, d, effects = self.equations, self.equations.n_crossed, {}
        L = state.tail.L
        tail = np.concatenate([np.zeros(d), b, [-1.0]])
        if d:
            right = L[-1, :d] - b @ L[d:-1, :d]
            u = solve_triangular(L[:d, :d], right, lower=True, trans="T")
            for one in eq.crossed:
                by_group = u[one.columns].reshape(one.n_groups, one.size) @ state.factors[one.term].T
                tail[one.columns], effects[one.term] = by_group.ravel(), by_group.T
        outer = np.empty((0, 1))
        for level, done in zip(reversed(eq.levels), reversed(state.chain.levels), strict=True):
            coarser = outer[:, level.parent] if level.parent is not None else np.empty((0, level.n_groups))
            unexplained = -done.B.times_vector(tail) - np.einsum("abj,bj->aj", done.U, coarser)
            own = np.einsum("abj,bj->aj", done.W, unexplained)
            effects.update((k, own[part]) for k, part in level.parts(eq.sizes))
            outer = np.concatenate([own, coarser])
        return [effects[k] for k in range(len(eq.sizes))]

    def covariances(self, state: BlockedState) -> list[np.ndarray]:
        """Each term's covariances of the group effects given the data and b, over σ²: (s, s, J)."""
        eq, d = self.equations, self.equations.n_crossed
        F = np.zeros_like(state.tail.L)
        if d:
            half = solve_triangular(state.tail.L[:d, :d], np.eye(d), lower=True)
            F[:d, :d] = half.T @ half
        F = unscale(F, eq, state.factors)
        by_term = {}
        for one in eq.crossed:
            within = F[one.columns, one.columns].reshape(one.n_groups, one.size, one.n_groups, one.size)
            by_term[one.term] = np.einsum("jajb->abj", within)
        for level, blocks in zip(eq.levels, posterior_covariances(eq, state.chain, F), strict=True):
            for k, part in level.parts(eq.sizes):
                by_term[k] = blocks[part, part]
        return [by_term[k] for k in range(len(eq.sizes))]
