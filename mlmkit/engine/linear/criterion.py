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
from ..covariance import factors_from_theta, theta_from_factors
from ..estimates import Estimates
from ..lapack import solve_triangular
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

    def __repr__(self):
        what = "REML criterion" if self.reml else "−2 log likelihood"
        return f"The {what} of {self.design.spec.formula} as a function of θ"

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
        return self.value(self.at(theta))

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The criterion and its derivatives by θ."""
        state = self.at(theta)
        return self.value(state), self._by_theta(self.gradients(state))

    def standard(self, theta: np.ndarray) -> tuple[float, np.ndarray, Callable[[], np.ndarray]]:
        """Value and gradient as a function of the standard θ, and a function that gives the curvature."""
        state = self.equations.at(factors_from_theta(theta, self.sizes))
        if self.has_an_effect_for_each_row and state.r2 < NOTHING_LEFT * self.data.n:
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
            value = self.value(self.equations.at(factors))
        except (FloatingPointError, np.linalg.LinAlgError):
            return np.inf
        return value if np.isfinite(value) else np.inf

    def _curvature(self, state: SolvedEquations, gradients: list[np.ndarray]) -> np.ndarray:
        """The second derivatives by the standard θ (see `curvature`)."""
        factors, near = state.factors, nudged(state.factors)
        if any(one is not other for one, other in zip(factors, near, strict=True)):
            state = self.equations.at(near)
            gradients = self.gradients(state)
        return curvature(factors, state, gradients, self.df)

    def from_standard(self, theta: np.ndarray) -> np.ndarray:
        """θ of the data as they came, for a standard θ."""
        return self.data.from_standard(theta)

    def to_standard(self, theta: np.ndarray) -> np.ndarray:
        """The standard θ for a θ of the data as they came."""
        return self.data.to_standard(theta)

    def at(self, theta: np.ndarray) -> SolvedEquations:
        """The equations solved at θ."""
        return self.equations.at(self.data.factors(np.asarray(theta, dtype=float)))

    @cached_property
    def has_an_effect_for_each_row(self) -> bool:
        """Whether fixed and group effects together are as many as the rows, or more."""
        effects = sum(term.n_groups * len(term.R) for term in self.data.terms)
        return len(self.data.Q) + effects >= self.data.n

    def value(self, state: SolvedEquations) -> float:
        """The criterion: log|V| (+ log|XᵀV⁻¹X|) + df (1 + log 2πr²/df)."""
        log_det = state.log_determinant
        if self.reml:
            log_det += 2.0 * np.log(np.diagonal(state.L)[:-1]).sum()
        return float(self.constant + log_det + self.df * (1.0 + np.log(2.0 * np.pi * state.r2 / self.df)))

    def gradients(self, state: SolvedEquations) -> list[np.ndarray]:
        """The derivatives by each standardised term's Λ, all entries of the (s, s) matrix.

        The derivative of (log|XᵀV⁻¹X| +) df log r² by M = [X y]ᵀV⁻¹[X y] = LLᵀ is (M⁻¹ − vvᵀ +) df vvᵀ with
        v = (−b̂, 1)/r, the last row of L⁻¹.
        """
        half = state.inverse_of_L
        Phi = (self.df - self.reml) * np.outer(half[-1], half[-1])
        return state.gradients(Phi + half.T @ half if self.reml else Phi)

    def _by_theta(self, gradients: list[np.ndarray]) -> np.ndarray:
        """The derivatives by θ of the data as they came, from those by the standardised terms' Λ."""
        pairs = zip(self.data.terms, gradients, strict=True)
        return theta_from_factors([term.R.T @ G for term, G in pairs])

    def with_sigma(self, theta: np.ndarray, sigma: float) -> tuple[float, np.ndarray, float]:
        """−2 log L at θ and σ, b at its best, with its derivatives by θ and the σ² that would be best: r²/n.

        It is log|V| + n log 2πσ² + r²/σ²: of a criterion by maximum likelihood, whose v is that of `gradients`.
        """
        state = self.at(theta)
        best = self.data.scale**2 * state.r2 / self.df
        ratio, v = best / sigma**2, state.inverse_of_L[-1]
        gradients = state.gradients(self.df * ratio * np.outer(v, v))
        value = self.value(state) + self.df * (ratio - np.log(ratio) - 1.0)
        return value, self._by_theta(gradients), best

    def solve(self, theta: np.ndarray, **outcome) -> Estimates:
        """The estimates at θ; `outcome` (converged, messages, …) is passed on."""
        theta = np.asarray(theta, dtype=float)
        data, state = self.data, self.at(theta)
        residual, sigma = state.residual, data.scale * np.sqrt(state.r2 / self.df)
        beta = solve_triangular(data.R, data.coefficients - data.scale * residual[:-1])
        half = solve_triangular(data.R, state.inverse_of_L[:-1, :-1].T)
        effects = [np.einsum("srj,r->sj", u, residual) for u in state.effects]
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
