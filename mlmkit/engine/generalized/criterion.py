"""The criterion of a generalized linear mixed model: −2 log likelihood as a function of θ and b.

Unlike in the linear model, b has no closed form, so the criterion is minimised over both at once. The
optimiser works on *standard* coordinates in which the criterion is about as curved in every direction: θ of
regressors that are worth one observation's information, and b = b₀ + Tx with b₀ the flat model's estimates
and T from the information there, so that x counts standard errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import solve_triangular

from ..covariance import factors_from_theta, lower_triangular, theta_from_factors, theta_length
from ..random.effects import Effects, dot
from ..random.random_part import RandomPart, random_part
from . import laplace, quadrature
from .irls import Solution, dispersions, orthonormal
from .laplace import Approximation
from .pirls import Response
from .quadrature import Integral, Rule, gauss_hermite

#: No search starts from a larger standardised SD.
LARGEST = 5.0


@dataclass(frozen=True, eq=False)
class GlmmCriterion:
    """−2 log L(θ, b), by Laplace's approximation or by adaptive quadrature.

    Call it with θ (lme4's order, any signs) and b; `value_and_gradient` adds the derivatives. `standard` is
    the same in the coordinates the optimiser uses.

    Attributes
    ----------
    design
    part
        The random part.
    rule
        The quadrature's nodes; None for Laplace's approximation.
    response
        The observations at b₀.
    b0, T
        (p,) and (p, p): b = b₀ + Tx.
    basis
        (n, p) XT.
    sds, information
        For each term the standardised SDs that a search starts from, (s,), and the information the data hold
        on each group's effects, (s, J).
    latest
        The modes found last, where the next search for them starts.
    """

    design: object
    part: RandomPart
    rule: Rule | None
    response: Response
    b0: np.ndarray
    T: np.ndarray
    basis: np.ndarray
    sds: list[np.ndarray]
    information: list[np.ndarray]
    latest: list[Effects] = field(repr=False)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Coefficients that vary in each term."""
        return self.part.sizes

    @property
    def n_theta(self) -> int:
        return sum(theta_length(size) for size in self.sizes)

    def __call__(self, theta: np.ndarray, beta: np.ndarray) -> float:
        return self.solve(theta, beta).value

    def value_and_gradient(self, theta: np.ndarray, beta: np.ndarray) -> tuple[float, np.ndarray]:
        """The criterion and its derivatives by θ and b, one after the other."""
        state = self.solve(theta, beta)
        return state.value, self.gradient(state)

    def solve(self, theta: np.ndarray, beta: np.ndarray) -> Approximation | Integral:
        """The model at θ and b: the criterion's value, the modes and what belongs to them."""
        return self.state(self.standard_factors(theta), self._population(beta))

    def gradient(self, state: Approximation | Integral) -> np.ndarray:
        """The derivatives by θ and b at a state."""
        by_factor, by_b = self._gradient(state, self.design.X)
        by_theta = [term.R.T @ G for term, G in zip(self.part.terms, by_factor, strict=True)]
        return np.concatenate([theta_from_factors(by_theta), by_b])

    def standard(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient in standard coordinates."""
        population = self.response.population + self.basis @ x[self.n_theta :]
        state = self.state(self.factors(x), population)
        by_factor, by_x = self._gradient(state, self.basis)
        return state.value, np.concatenate([theta_from_factors(by_factor), by_x])

    def factors(self, x: np.ndarray) -> list[np.ndarray]:
        """The standardised terms' Λ."""
        return factors_from_theta(x[: self.n_theta], self.sizes)

    def estimates_at(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """θ and b."""
        pairs = zip(self.part.terms, self.factors(x), strict=True)
        theta = theta_from_factors([lower_triangular(np.linalg.solve(term.R, L)) for term, L in pairs])
        return theta, self.b0 + self.T @ x[self.n_theta :]

    def standard_factors(self, theta: np.ndarray) -> list[np.ndarray]:
        """The standardised terms' Λ for a θ of the data as they came."""
        factors = factors_from_theta(np.asarray(theta, dtype=float), self.sizes)
        return [term.R @ L for term, L in zip(self.part.terms, factors, strict=True)]

    def _population(self, beta: np.ndarray) -> np.ndarray:
        return self.design.X @ np.asarray(beta, dtype=float) + self.design.offset

    def state(self, factors: Sequence[np.ndarray], population: np.ndarray) -> Approximation | Integral:
        """The model at the standardised terms' Λ and a population part of η."""
        response = replace(self.response, population=population)
        try:
            state = self._integrated(factors, response, self.latest[0])
        except FloatingPointError:  # perhaps the last modes were a bad place to start from
            state = self._integrated(factors, response, self.part.nothing())
        self.latest[0] = state.modes.u
        return state

    def _integrated(self, factors: Sequence[np.ndarray], response: Response, start: Effects):
        if self.rule is None:
            return laplace.approximate(self.part, factors, response, start)
        return quadrature.integrate(self.part, factors, response, start, self.rule)

    def _gradient(self, state: Approximation | Integral, X: np.ndarray):
        return (laplace if self.rule is None else quadrature).gradient(self.part, X, state)


def glmm_criterion(design, flat: Solution, n_agq: int = 1) -> GlmmCriterion:
    """Prepare a design for fitting.

    Parameters
    ----------
    design : Design
    flat : Solution
        The model without group effects, from `irls.iterate`.
    n_agq : int
        Nodes of the quadrature; 1 for Laplace's approximation.
    """
    family, y, weights = design.spec.family, design.y, design.weights
    mu, score, fisher = family.working(y, flat.eta, weights)
    dispersion = dispersions(design, mu)[0]
    score, fisher = score / dispersion, fisher / dispersion
    part = random_part(design, fisher)
    information = part.sums([term.Z**2 for term in part.terms], fisher)
    sds = starting_sds(part.sums([term.Z for term in part.terms], score), information)
    constant = 0.0
    if not family.has_dispersion:
        constant = family.loglik(y, mu, weights, trials=design.trials) - family.kernel(y, mu, weights)
    response = Response(family, y, weights, flat.eta, constant)
    T = _standardising(design, part, fisher, [np.diag(sd) for sd in sds])
    rule = gauss_hermite(n_agq) if n_agq > 1 else None
    return GlmmCriterion(
        design, part, rule, response, flat.beta, T, design.X @ T, sds, information, [part.nothing()]
    )


def starting_sds(scores: Effects, information: Effects) -> list[np.ndarray]:
    """SDs of the group effects by the method of moments: E(Zᵀs)² = a + θ²a² in a group with information a."""
    sds = []
    for total, a in zip(scores, information, strict=True):
        variance = np.sum(total**2 - a, axis=1) / np.sum(a**2, axis=1)
        sds.append(np.sqrt(np.clip(variance, 0.1 / a.mean(axis=1), LARGEST**2)))
    return sds


def _standardising(design, part: RandomPart, weights: np.ndarray, factors: list[np.ndarray]) -> np.ndarray:
    """T with TTᵀ the inverse information on b at Λ, the rows' information being `weights`."""
    p = design.X.shape[1]
    if p == 0:
        return np.zeros((0, 0))
    Q, R = orthonormal(design.X)
    Z = part.scaled(factors)
    H = part.factorise(Z, weights)
    beside = [part.sums(Z, weights * column) for column in Q.T]
    solved = [H.solve(right) for right in beside]
    explained = np.array([[dot(one, other) for other in solved] for one in beside])
    information = Q.T @ (weights[:, None] * Q) - explained
    return solve_triangular(R, np.linalg.inv(np.linalg.cholesky(information)).T)
