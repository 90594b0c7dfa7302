"""The criterion: how well a relative covariance Λ explains the data, with everything else at its best.

For y = Xb + Zγ + ε, γ ~ N(0, σ²ΛΛᵀ) and ε ~ N(0, σ²I), the covariance of y is σ²V, V = ZΛΛᵀZᵀ + I. Both
b and σ² have their best value in closed form for given Λ, which leaves a function of θ alone,

    −2 log L  =  log|V| + n (1 + log(2πr²/n))
    REML      =  log|V| + log|XᵀV⁻¹X| + (n − p)(1 + log(2πr²/(n − p)))

with r² = min (y − Xb)ᵀV⁻¹(y − Xb), and log|V| = log|ΛᵀZᵀZΛ + I| from the elimination (Bates, Mächler, Bolker
& Walker 2015, J. Stat. Softw. 67(1), equations 33–41; Pinheiro & Bates 2000, section 2.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from ...design import Design
from ...errors import DataError
from ..covariance import factors_from_theta, lower_triangular, theta_from_factors
from ..estimates import Estimates
from ..lapack import cholesky, inverse_of_square, solve_triangular
from ..standardise import Standardised, standardise, with_response, without_response
from .curvature import curvature, nudged
from .equations import Equations, SolvedEquations, mixed_model_equations

#: With an effect for each row, a search that leaves less than this of the response over is on its way to nothing.
NOTHING_LEFT = 1e-7
REPRODUCED = (
    "The fixed part and the group effects reproduce the response exactly: no variance is left to estimate. Let fewer "
    "coefficients vary, or group the rows less finely."
)


@dataclass(frozen=True, eq=False)
class State:
    """The equations solved at one Λ, and the lower Cholesky factor L of [X y]ᵀV⁻¹[X y]: r² is L[-1, -1]²."""

    factors: Sequence[np.ndarray]
    equations: SolvedEquations
    L: np.ndarray


@dataclass(frozen=True, eq=False)
class LmmCriterion:
    """The REML criterion or −2 log likelihood of a design as a function of θ.

    Call it with θ (lme4's order; any signs). `value_and_gradient` adds the derivatives, `solve` gives the
    estimates that belong to a θ. The optimiser works on the *standard* θ, that of the standardised
    data (see `standardise`), through `standard`, `from_standard` and `to_standard`.
    """

    design: Design
    reml: bool
    data: Standardised
    equations: Equations

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many coefficients vary in each term."""
        return self.data.sizes

    @property
    def df(self) -> int:
        """n − p for REML, n for maximum likelihood."""
        return self.data.df(self.reml)

    @cached_property
    def constant(self) -> float:
        """What standardising took out of the criterion."""
        return self.data.constant(self.reml) + 2.0 * self.df * float(np.log(self.data.scale))

    def __call__(self, theta: np.ndarray) -> float:
        return self.value(self.at(self._standard_factors(theta)))

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The criterion and its derivatives by θ."""
        state = self.at(self._standard_factors(theta))
        pairs = zip(self.data.terms, self.gradients(state), strict=True)
        return self.value(state), theta_from_factors([term.R.T @ G for term, G in pairs])

    def standard(self, theta: np.ndarray) -> tuple[float, np.ndarray, Callable[[], np.ndarray]]:
        """Value and gradient as a function of the standard θ, and a function that gives the curvature."""
        state = self.at(factors_from_theta(theta, self.sizes))
        if self.has_an_effect_for_each_row and state.L[-1, -1] ** 2 < NOTHING_LEFT * self.data.n:
            raise DataError(REPRODUCED)
        gradients = self.gradients(state)
        return self.value(state), theta_from_factors(gradients), partial(self._curvature, state, gradients)

    def with_response(self, y: np.ndarray) -> LmmCriterion:
        """The criterion of the same design with another response (n,): all that does not depend on it is kept.

        Raises
        ------
        DataError
            The fixed part reproduces the response exactly.
        """
        data = with_response(self.data, self.design, y)
        equations = self.equations.with_response(data)
        return LmmCriterion(self.design.with_response(y), self.reml, data, equations)

    def at_standard(self, factors: Sequence[np.ndarray]) -> float:
        """The criterion at the standardised terms' Λ; infinite where rounding leaves nothing to evaluate."""
        try:
            value = self.value(self.at(factors))
        except (FloatingPointError, np.linalg.LinAlgError):
            return np.inf
        return value if np.isfinite(value) else np.inf

    def _curvature(self, state: State, gradients: list[np.ndarray]) -> np.ndarray:
        """The second derivatives by the standard θ (see `curvature`)."""
        factors, near = state.factors, nudged(state.factors)
        if any(one is not other for one, other in zip(factors, near, strict=True)):
            state = self.at(near)
            gradients = self.gradients(state)
        return curvature(factors, state.equations, near, gradients, self.df)

    def from_standard(self, theta: np.ndarray) -> np.ndarray:
        """θ of the data as they came, for a standard θ."""
        pairs = zip(self.data.terms, factors_from_theta(theta, self.sizes), strict=True)
        return theta_from_factors([lower_triangular(solve_triangular(term.R, L)) for term, L in pairs])

    def to_standard(self, theta: np.ndarray) -> np.ndarray:
        """The standard θ for a θ of the data as they came."""
        return theta_from_factors([lower_triangular(L) for L in self._standard_factors(theta)])

    def _standard_factors(self, theta: np.ndarray) -> list[np.ndarray]:
        factors = factors_from_theta(np.asarray(theta, dtype=float), self.sizes)
        return [term.R @ Lambda for term, Lambda in zip(self.data.terms, factors, strict=True)]

    def at(self, factors: Sequence[np.ndarray]) -> State:
        """The model at the standardised terms' Λ."""
        equations = self.equations.at(factors)
        return State(factors, equations, cholesky(equations.between))

    @cached_property
    def has_an_effect_for_each_row(self) -> bool:
        """Whether fixed and group effects together are as many as the rows, or more."""
        effects = sum(term.n_groups * len(term.R) for term in self.data.terms)
        return len(self.data.Q) + effects >= self.data.n

    def left_over(self, factors: Sequence[np.ndarray]) -> float:
        """r², the penalised residual sum of squares of the standardised response at the terms' Λ."""
        return float(self.at(factors).L[-1, -1] ** 2)

    def value(self, state: State) -> float:
        """The criterion: log|V| (+ log|XᵀV⁻¹X|) + df (1 + log 2πr²/df)."""
        pivots = np.diagonal(state.L)
        log_det = state.equations.log_determinant
        if self.reml:
            log_det += 2.0 * np.log(pivots[:-1]).sum()
        return float(
            self.constant + log_det + self.df * (1.0 + np.log(2.0 * np.pi * pivots[-1] ** 2 / self.df))
        )

    def gradients(self, state: State) -> list[np.ndarray]:
        """The derivatives by each standardised term's Λ, all entries of the (s, s) matrix.

        The derivative of (log|XᵀV⁻¹X| +) df log r² by M = [X y]ᵀV⁻¹[X y] is (M⁻¹ − vvᵀ +) df vvᵀ with
        v = (−b̂, 1)/r, the last column of M⁻¹ times r.
        """
        inverse = inverse_of_square(state.L)
        v = inverse[:, -1] * state.L[-1, -1]
        Phi = np.outer((self.df - self.reml) * v, v) + (inverse if self.reml else 0.0)
        return state.equations.gradients(state.factors, Phi)

    def with_sigma(self, theta: np.ndarray, sigma: float) -> tuple[float, np.ndarray, float]:
        """−2 log L at θ and σ, b at its best, with its derivatives by θ and the σ² that would be best: r²/n.

        It is log|V| + n log 2πσ² + r²/σ²: of a criterion by maximum likelihood, whose v is that of `gradients`.
        """
        state = self.at(self._standard_factors(theta))
        best = (self.data.scale * state.L[-1, -1]) ** 2 / self.df
        ratio = best / sigma**2
        v = inverse_of_square(state.L)[:, -1] * state.L[-1, -1]
        gradients = state.equations.gradients(state.factors, self.df * ratio * np.outer(v, v))
        pairs = zip(self.data.terms, gradients, strict=True)
        value = self.value(state) + self.df * (ratio - np.log(ratio) - 1.0)
        return value, theta_from_factors([term.R.T @ G for term, G in pairs]), best

    def solve(self, theta: np.ndarray, **outcome) -> Estimates:
        """The estimates at θ; `outcome` (converged, messages, …) is passed on."""
        theta = np.asarray(theta, dtype=float)
        data, state = self.data, self.at(self._standard_factors(theta))
        L_X, L_y = state.L[:-1, :-1], state.L[-1]
        b = solve_triangular(L_X, L_y[:-1], lower=True, transposed=True)
        sigma = data.scale * abs(L_y[-1]) / np.sqrt(self.df)
        beta = solve_triangular(data.R, data.coefficients + data.scale * b)
        half = solve_triangular(data.R, solve_triangular(L_X, np.eye(len(L_X)), lower=True).T)
        effects = [np.einsum("srj,r->sj", u, np.append(-b, 1.0)) for u in state.equations.effects]
        pairs = zip(data.terms, effects, strict=True)
        modes = tuple(data.scale * solve_triangular(term.R, effect).T for term, effect in pairs)
        predictor = linear_predictor(self.design, beta, modes)
        value = self.value(state)
        return Estimates(
            beta=beta,
            vcov=sigma**2 * half @ half.T,
            theta=theta,
            sigma=float(sigma),
            modes=modes,
            criterion=value,
            loglik=-0.5 * value,
            reml=self.reml,
            linear_predictor=predictor,
            fitted=predictor,
            **outcome,
        )


def lmm_criterion(design: Design, reml: bool = True) -> LmmCriterion:
    """Prepare a design for fitting: one pass over the data, whose cost every later evaluation is spared.

    Parameters
    ----------
    design : Design
    reml : bool
        Restricted maximum likelihood, or maximum likelihood.
    """
    return criterion_of(design, reml, standardise(design))


def responseless_criterion(design: Design, reml: bool = True) -> LmmCriterion:
    """Prepare a design whose own response does not matter, for others: see `LmmCriterion.with_response`."""
    return criterion_of(design, reml, without_response(design))


def criterion_of(design: Design, reml: bool, data: Standardised) -> LmmCriterion:
    """Prepare a design that is standardised already."""
    groups = [block.group for block in design.blocks]
    return LmmCriterion(design, reml, data, mixed_model_equations(data, groups))


def linear_predictor(design, beta: np.ndarray, modes: Sequence[np.ndarray]) -> np.ndarray:
    """Xb + Zγ + offset, (n,)."""
    predictor = design.X @ beta
    predictor += design.offset
    row = np.empty_like(predictor)
    for block, mode in zip(design.blocks, modes, strict=True):
        for column, effect in zip(block.Z.T, mode.T, strict=True):
            effect.take(block.codes, out=row, mode="clip")  # "raise" would make a copy first
            row *= column
            predictor += row
    return predictor
