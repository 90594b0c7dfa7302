"""The criterion: how well a relative covariance Λ explains the data, with everything else at its best.

For y = Xb + Zγ + ε, γ ~ N(0, σ²ΛΛᵀ) and ε ~ N(0, σ²I), the covariance of y is σ²V, V = ZΛΛᵀZᵀ + I. Both
b and σ² have their best value in closed form for given Λ, which leaves a function of θ alone,

    −2 log L  =  log|V| + n (1 + log(2πr²/n))
    REML      =  log|V| + log|XᵀV⁻¹X| + (n − p)(1 + log(2πr²/(n − p)))

with r² = min (y − Xb)ᵀV⁻¹(y − Xb), and log|V| = log|ΛᵀZᵀZΛ + I| from the elimination (Bates, Mächler, Bolker
& Walker 2015, J. Stat. Softw. 67(1), equations 33–41; Pinheiro & Bates 2000, section 2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import solve_triangular

from .covariance import factors_from_theta, join_factors, lower_triangular, theta_from_factors
from .elimination import Elimination, differentiate, eliminate, posterior_covariances
from .equations import NormalEquations, normal_equations
from .estimates import Estimates
from .standardise import Standardised, standardise
from .tail import Tail, crossed_gradients, factorise, unscale


@dataclass(frozen=True, eq=False)
class State:
    """The model at one Λ: the chain eliminated and the tail factorised."""

    factors: Sequence[np.ndarray]
    level_factors: Sequence[np.ndarray]
    chain: Elimination
    tail: Tail
    value: float


@dataclass(frozen=True, eq=False)
class LmmCriterion:
    """The REML criterion or −2 log likelihood of a design as a function of θ.

    Call it with θ (lme4's order; any signs). `value_and_gradient` adds the derivatives, `solve` gives the
    estimates that belong to a θ. The optimiser works on the *standard* θ, that of the standardised
    data (see `standardise`), through `standard`, `from_standard` and `to_standard`.
    """

    design: object
    reml: bool
    data: Standardised
    equations: NormalEquations

    @property
    def df(self) -> int:
        """n − p for REML, n for maximum likelihood."""
        return self.data.n - len(self.data.Q) * self.reml

    @cached_property
    def constant(self) -> float:
        """What standardising took out of the criterion."""
        log_R = np.log(np.abs(np.diag(self.data.R))).sum() if self.reml else 0.0
        return float(2.0 * log_R + 2.0 * self.df * np.log(self.data.scale) - self.data.log_weights)

    def __call__(self, theta: np.ndarray) -> float:
        return self.state(self._standard_factors(theta)).value

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The criterion and its derivatives by θ."""
        state = self.state(self._standard_factors(theta))
        gradients = self.gradients(state)
        return state.value, theta_from_factors(
            [term.R.T @ G for term, G in zip(self.data.terms, gradients, strict=True)]
        )

    def standard(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient as a function of the standard θ."""
        state = self.state(factors_from_theta(theta, self.equations.sizes))
        return state.value, theta_from_factors(self.gradients(state))

    def from_standard(self, theta: np.ndarray) -> np.ndarray:
        """θ of the data as they came, for a standard θ."""
        factors = factors_from_theta(theta, self.equations.sizes)
        pairs = zip(self.data.terms, factors, strict=True)
        return theta_from_factors([lower_triangular(np.linalg.solve(term.R, L)) for term, L in pairs])

    def to_standard(self, theta: np.ndarray) -> np.ndarray:
        """The standard θ for a θ of the data as they came."""
        return theta_from_factors([lower_triangular(L) for L in self._standard_factors(theta)])

    def _standard_factors(self, theta: np.ndarray) -> list[np.ndarray]:
        factors = factors_from_theta(np.asarray(theta, dtype=float), self.equations.sizes)
        return [term.R @ Lambda for term, Lambda in zip(self.data.terms, factors, strict=True)]

    def state(self, factors: Sequence[np.ndarray]) -> State:
        """The model at the standardised terms' Λ."""
        eq, p = self.equations, len(self.data.Q)
        level_factors = [join_factors([factors[k] for k in level.terms]) for level in eq.levels]
        chain = eliminate(eq, level_factors)
        tail = factorise(chain.tail, eq, factors)
        log_det = chain.log_determinant + tail.log_determinant(eq.n_crossed + p * self.reml)
        value = self.constant + log_det + self.df * (1.0 + np.log(2.0 * np.pi * tail.r2 / self.df))
        return State(factors, level_factors, chain, tail, float(value))

    def gradients(self, state: State) -> list[np.ndarray]:
        """Derivatives by each standardised term's Λ, all entries of the (s, s) matrix."""
        eq = self.equations
        F = self._derivative_by_tail(state.tail)
        by_term = crossed_gradients(state.tail, F, eq)
        by_level = differentiate(eq, state.chain, state.level_factors, unscale(F, eq, state.factors))
        for level, G in zip(eq.levels, by_level, strict=True):
            for k, part in level.parts(eq.sizes):
                by_term[k] = G[part, part]
        return [by_term[k] for k in range(len(eq.sizes))]

    def _derivative_by_tail(self, tail: Tail) -> np.ndarray:
        """∂(log determinants + df log r²)/∂S for the scaled tail S: S⁻¹ + ((df − 1)/r²) vvᵀ, v = (−û, −b̂, 1).

        The last column of S⁻¹ is v/r². For maximum likelihood the part of log|XᵀV⁻¹X| goes.
        """
        F = tail.inverse()
        last = F[:, -1].copy()
        if not self.reml:
            F -= np.outer(last, last) * tail.r2
            F -= self._explained_by_X(F)
            return F + np.outer(last * (self.df * tail.r2), last)
        F += np.outer(last * ((self.df - 1) * tail.r2), last)
        return F

    def _explained_by_X(self, inverse: np.ndarray) -> np.ndarray:
        """The derivative of log|XᵀV⁻¹X|, given the inverse of the tail without y."""
        X = slice(self.equations.n_crossed, len(inverse) - 1)
        return inverse[:, X] @ np.linalg.solve(inverse[X, X], inverse[X, :])

    def solve(self, theta: np.ndarray, **outcome) -> Estimates:
        """The estimates at θ; `outcome` (converged, messages, …) is passed on."""
        theta = np.asarray(theta, dtype=float)
        state = self.state(self._standard_factors(theta))
        solution = solve_triangular(state.tail.L[:-1, :-1], state.tail.L[-1, :-1], lower=True, trans="T")
        d = self.equations.n_crossed
        standard_b = solution[d:]
        sigma = self.data.scale * np.sqrt(state.tail.r2 / self.df)
        effects = _effects(self, state, solution[:d], standard_b)
        modes = tuple(
            self.data.scale * np.linalg.solve(term.R, effect).T
            for term, effect in zip(self.data.terms, effects, strict=True)
        )
        beta = _from_basis(self.data.R, self.data.coefficients + self.data.scale * standard_b)
        half = _from_basis(self.data.R, np.linalg.inv(state.tail.L[d:-1, d:-1]).T)
        predictor = linear_predictor(self.design, beta, modes)
        return Estimates(
            beta=beta,
            vcov=sigma**2 * half @ half.T,
            theta=theta,
            sigma=float(sigma),
            modes=modes,
            criterion=state.value,
            loglik=-0.5 * state.value,
            reml=self.reml,
            linear_predictor=predictor,
            fitted=predictor,
            **outcome,
        )


    def conditional_covariance(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Covariances of the group effects given the data at θ, b taken as known: a (J, s, s) array a block."""
        state, eq = self.state(self._standard_factors(theta)), self.equations
        sigma2 = self.data.scale**2 * state.tail.r2 / self.df
        F = self._inverse_of_crossed(state.tail)
        crossed = unscale(F, eq, state.factors)
        by_term = _diagonal_blocks(eq, crossed)
        for level, blocks in zip(eq.levels, posterior_covariances(eq, state.chain, crossed), strict=True):
            for k, part in level.parts(eq.sizes):
                by_term[k] = blocks[part, part]
        inverses = [np.linalg.inv(term.R) for term in self.data.terms]
        return tuple(sigma2 * np.einsum("ab,bcj,dc->jad", R, by_term[k], R) for k, R in enumerate(inverses))

    def _inverse_of_crossed(self, tail: Tail) -> np.ndarray:
        """The derivative of the crossed effects' log determinant by the tail: zero in X and y."""
        d = self.equations.n_crossed
        F = np.zeros_like(tail.L)
        half = solve_triangular(tail.L[:d, :d], np.eye(d), lower=True)
        F[:d, :d] = half.T @ half
        return F


def _diagonal_blocks(equations: NormalEquations, crossed: np.ndarray) -> dict[int, np.ndarray]:
    """Each crossed term's blocks on the diagonal, (s, s, J), by term."""
    blocks = {}
    for one in equations.crossed:
        within = crossed[one.columns, one.columns].reshape(one.n_groups, one.size, one.n_groups, one.size)
        blocks[one.term] = np.einsum("jajb->abj", within)
    return blocks


def lmm_criterion(design, reml: bool = True) -> LmmCriterion:
    """Prepare a design for fitting: one pass over the data, whose cost every later evaluation is spared.

    Parameters
    ----------
    design : Design
    reml : bool
        Restricted maximum likelihood, or maximum likelihood.
    """
    data = standardise(design)
    equations = normal_equations(data, [block.group for block in design.blocks])
    return LmmCriterion(design, reml, data, equations)


def linear_predictor(design, beta: np.ndarray, modes: Sequence[np.ndarray]) -> np.ndarray:
    """Xb + Zγ + offset, (n,)."""
    predictor = design.offset + design.X @ beta
    for block, mode in zip(design.blocks, modes, strict=True):
        for column, effect in zip(block.Z.T, mode.T, strict=True):
            predictor += column * effect[block.codes]
    return predictor


def _from_basis(R: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    return solve_triangular(R, coefficients) if len(R) else coefficients


def _effects(criterion: LmmCriterion, state: State, u: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
    """Each standardised term's conditional modes, (s, J), given the tail's solution; coarsest level first.

    Given everything coarser, a group's effects are W times what its data leave unexplained.
    """
    eq, effects = criterion.equations, {}
    tail = np.concatenate([u, b, [-1.0]])
    for one in eq.crossed:
        by_group = u[one.columns].reshape(one.n_groups, one.size) @ state.factors[one.term].T
        tail[one.columns] = by_group.ravel()
        effects[one.term] = by_group.T
    outer = np.empty((0, 1))
    for level, done in zip(reversed(eq.levels), reversed(state.chain.levels), strict=True):
        coarser = outer[:, level.parent] if level.parent is not None else np.empty((0, level.n_groups))
        unexplained = -done.B.times_vector(tail) - np.einsum("abj,bj->aj", done.U, coarser)
        own = np.einsum("abj,bj->aj", done.W, unexplained)
        for k, part in level.parts(eq.sizes):
            effects[k] = own[part]
        outer = np.concatenate([own, coarser])
    return [effects[k] for k in range(len(eq.sizes))]
