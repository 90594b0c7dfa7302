"""The criterion of a generalized linear mixed model: −2 log likelihood as a function of θ, b and φ.

Unlike in the linear model, b has no closed form, so the criterion is minimised over all at once. The
optimiser works on *standard* coordinates in which the criterion is about as curved in every direction: θ of
regressors that are worth one observation's information, z in b = b₀ + Tz with b₀ the flat model's estimates
and T from the information there, so that z counts standard errors, and last, for a distribution with a
dispersion, its coordinate (`Distribution.coordinate`, mostly its logarithm), in standard errors from the flat model's.
A point x holds all of them, one after the other.

Λ is not relative to the dispersion here: the covariance across groups is ΛΛᵀ, whatever the distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import numpy as np

from ...design import Design
from ..covariance import factors_from_theta, lower_triangular, theta_from_factors, theta_length
from ..lapack import cholesky, solve_triangular
from ..random.arrange import arrange_blocks
from ..random.effects import Effects, dot
from ..random.pattern import Pattern
from ..search.optimise import Search
from ..standardise import orthonormal
from . import laplace, quadrature
from .irls import Solution
from .laplace import Approximation, Gradient
from .pirls import Response
from .quadrature import Integral, Rule, rule_of

#: The model at one point, by either of the two approximations.
State = Approximation | Integral

#: No search starts from a larger standardised SD.
LARGEST = 5.0


@dataclass(frozen=True, eq=False)
class GlmmCriterion:
    """−2 log L(θ, b, φ), by Laplace's approximation or by adaptive quadrature.

    Call it with θ (lme4's order, any signs), b and, where the distribution has one, its dispersion;
    `value_and_gradient` adds the derivatives. A `Walk` is the same in the coordinates the optimiser uses.

    Attributes
    ----------
    design
    part
        The random part: which effects meet which (`random.pattern`).
    rule
        The quadrature's nodes; None for Laplace's approximation.
    response
        The observations at b₀ and the flat model's dispersion.
    b0, T
        (p,) and (p, p): b = b₀ + Tz, z the part of a point that is about b (`b_at`).
    place, unit
        The coordinate of the flat model's dispersion, and about a standard error of it; None and 0 without one.
    basis
        (n, p) XT.
    sds, information
        For each term the standardised SDs that a search starts from, (s,), and the information the data hold
        on each group's effects, (s, J).
    held
        The point at which a lattice of nodes was placed, where it stays; None to place it each time.
    """

    design: Design
    part: Pattern
    rule: Rule | None
    response: Response
    b0: np.ndarray
    T: np.ndarray
    place: float | None
    unit: float
    basis: np.ndarray
    sds: list[np.ndarray]
    information: list[np.ndarray]
    held: Integral | None = field(default=None, repr=False)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Coefficients that vary in each term."""
        return self.part.sizes

    @cached_property
    def n_theta(self) -> int:
        return sum(theta_length(size) for size in self.sizes)

    @property
    def n_parameters(self) -> int:
        """How many numbers are searched for: θ, b, and the dispersion where there is one."""
        return self.n_theta + len(self.b0) + (self.place is not None)

    @property
    def of_b(self) -> slice:
        """Where b stands among them."""
        return slice(self.n_theta, self.n_theta + len(self.b0))

    def __call__(self, theta: np.ndarray, beta: np.ndarray, dispersion: float | None = None) -> float:
        return self.solve(theta, beta, dispersion).value

    def value_and_gradient(
        self, theta: np.ndarray, beta: np.ndarray, dispersion: float | None = None
    ) -> tuple[float, np.ndarray]:
        """The criterion and its derivatives by θ, b and the dispersion's coordinate, one after the other."""
        state = self.solve(theta, beta, dispersion)
        return state.value, self.gradient(state)

    def solve(
        self,
        theta: np.ndarray,
        beta: np.ndarray,
        dispersion: float | None = None,
        start: Effects | None = None,
    ) -> State:
        """The model at θ, b and a dispersion: the criterion's value, the modes and what belongs to them."""
        population = self.design.X @ np.asarray(beta, dtype=float) + self.design.offset
        return self._state(self.standard_factors(theta), population, dispersion, start)

    def gradient(self, state: State) -> np.ndarray:
        """The derivatives by θ, b and the dispersion's coordinate at a state."""
        by_factor, by_population, by_dispersion = self.derivatives(state)
        family = state.response.family
        by_theta = [term.R.T @ G for term, G in zip(self.part.terms, by_factor, strict=True)]
        place = None if self.place is None else family.distribution.coordinate(family.dispersion)
        by_b, by_place = self.design.X.T @ by_population, self.by_place(by_dispersion, place)
        return np.concatenate([theta_from_factors(by_theta), by_b, by_place])

    def standard_gradient(self, state: State, x: np.ndarray) -> np.ndarray:
        """The derivatives in standard coordinates, at the state that belongs to `x`."""
        by_factor, by_population, by_dispersion = self.derivatives(state)
        by_place = self.unit * self.by_place(by_dispersion, self.place_at(x))
        by_x = self.basis.T @ by_population
        return np.concatenate([theta_from_factors(by_factor), by_x, by_place])

    def state_at(self, x: np.ndarray, start: Effects | None = None) -> State:
        """The model at a place in standard coordinates."""
        population = self.response.population + self.basis @ x[self.of_b]
        return self._state(self.factors(x), population, self.dispersion_at(x), start)

    def by_place(self, by_dispersion: float, place: float | None) -> np.ndarray:
        """The derivative by the dispersion's coordinate, (1,); nothing where there is no dispersion."""
        if place is None:
            return np.zeros(0)
        return np.array([by_dispersion * self.design.spec.family.distribution.coordinate_slope(place)])

    def place_at(self, x: np.ndarray) -> float | None:
        """The coordinate of the dispersion at a point; None without one."""
        return None if self.place is None else self.place + self.unit * x[-1]

    def dispersion_at(self, x: np.ndarray) -> float | None:
        """The dispersion; None where there is none."""
        place = self.place_at(x)
        return None if place is None else self.design.spec.family.distribution.from_coordinate(place)

    def with_nodes(self, n: int) -> GlmmCriterion:
        """The same criterion with another number of nodes in each direction."""
        return replace(self, rule=rule_of(n, sum(self.sizes)), held=None)

    def with_response(self, y: np.ndarray) -> GlmmCriterion:
        """The criterion of the same model with another response (n,)."""
        response = self.response
        constant = response.family.constant(y, response.weights, response.trials)
        return replace(
            self, design=self.design.with_response(y), response=replace(response, y=y, constant=constant)
        )

    def holding(self, x: np.ndarray, start: Effects | None = None) -> GlmmCriterion:
        """The same criterion, its lattice of nodes placed for `x`, where it stays."""
        return replace(self, held=cast(Integral, replace(self, held=None).state_at(x, start)))

    def factors(self, x: np.ndarray) -> list[np.ndarray]:
        """The standardised terms' Λ."""
        return factors_from_theta(x[: self.n_theta], self.sizes)

    def estimates_at(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """θ and b."""
        pairs = zip(self.part.terms, self.factors(x), strict=True)
        theta = theta_from_factors([lower_triangular(solve_triangular(term.R, L)) for term, L in pairs])
        return theta, self.b0 + self.T @ x[self.of_b]

    def standard_factors(self, theta: np.ndarray) -> list[np.ndarray]:
        """The standardised terms' Λ for a θ of the data as they came."""
        factors = factors_from_theta(np.asarray(theta, dtype=float), self.sizes)
        return [term.R @ L for term, L in zip(self.part.terms, factors, strict=True)]

    def _state(
        self,
        factors: Sequence[np.ndarray],
        population: np.ndarray,
        dispersion: float | None,
        start: Effects | None,
    ) -> State:
        """The model at standardised Λ, a population part of η and a dispersion; modes are sought from `start`, or 0."""
        response = self.response.given(population, dispersion)
        try:
            return self._integrated(factors, response, start or self.part.nothing())
        except FloatingPointError:  # perhaps it was a bad place to start from
            if start is None:
                raise
            return self._integrated(factors, response, self.part.nothing())

    def _integrated(self, factors: Sequence[np.ndarray], response: Response, start: Effects) -> State:
        if self.held is not None:
            at = replace(self.held.laplace, Z=self.part.scaled(factors), response=response)
            return quadrature.integrate_placed(self.part, at, self.rule, self.held.placement)
        at = laplace.approximate(self.part, factors, response, start)
        return at if self.rule is None else quadrature.integrate(self.part, at, self.rule)

    def derivatives(self, state: State) -> Gradient:
        """The derivatives at a state, by the standardised terms' Λ, the rows' population part and the dispersion."""
        if isinstance(state, Integral):
            return quadrature.gradient(self.part, state)
        return laplace.gradient(self.part, state)


class Walk:
    """A criterion along a path: each search for the modes starts where the last one ended.

    Called with a place in standard coordinates it gives value and gradient there, as an optimiser wants them.
    """

    def __init__(self, criterion: GlmmCriterion, modes: Effects):
        self.criterion, self.modes = criterion, modes
        self._last: tuple[np.ndarray, State] | None = None

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        state = self.at(x)
        return state.value, self.criterion.standard_gradient(state, x)

    def at(self, x: np.ndarray) -> State:
        """The state at a place; that of the last step is kept."""
        if self._last is None or not np.array_equal(x, self._last[0]):
            self._last = None  # before there is another: of large models each takes much memory
            state = self.criterion.state_at(x, self.modes)
            self.modes = state.modes.u
            self._last = x.copy(), state
        return self._last[1]


@dataclass(frozen=True, eq=False)
class End:
    """Where a search along a walk ended, whether it proved a minimum there, and the second derivatives."""

    search: Search
    converged: bool
    hessian: np.ndarray

    @property
    def walk(self) -> Walk:
        """What led there, and gives the state there."""
        return cast(Walk, self.search.objective)

    @property
    def criterion(self) -> GlmmCriterion:
        return self.walk.criterion

    @property
    def x(self) -> np.ndarray:
        """The place in standard coordinates."""
        return self.search.point.x

    @property
    def modes(self) -> Effects:
        """The modes of the spherical group effects."""
        return self.walk.modes


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
    family = family.at(flat.dispersion) if family.has_dispersion else family
    mu, score, fisher = family.working(y, flat.eta, weights)
    part = arrange_blocks(design.blocks, fisher)
    information = part.sums([term.Z**2 for term in part.terms], fisher)
    sds = starting_sds(part.sums([term.Z for term in part.terms], score), information)
    constant = family.constant(y, weights, design.trials)
    response = Response(family, y, weights, design.trials, flat.eta, constant)
    T = _standardising(design, part, fisher, [np.diag(sd) for sd in sds])
    rule = rule_of(n_agq, sum(part.sizes)) if n_agq > 1 else None
    place, unit = _place_and_unit(response, mu)
    return GlmmCriterion(
        design, part, rule, response, flat.beta, T, place, unit, design.X @ T, sds, information
    )


def _place_and_unit(response: Response, mu: np.ndarray) -> tuple[float | None, float]:
    """The coordinate of the flat model's dispersion, and about a standard error of it.

    That of a negative binomial is kept off 0, where it is a Poisson: nothing can be seen from there.
    """
    if not response.family.has_dispersion:
        return None, 0.0
    distribution = response.family.distribution
    place = max(distribution.coordinate(response.family.dispersion), distribution.least_coordinate)
    step = 1e-3 * max(1.0, abs(place))
    slopes = []
    for at in (place + step, place - step):
        there = response.given(response.population, distribution.from_coordinate(at))
        slopes.append(-2.0 * there.loglik_by_dispersion(mu) * distribution.coordinate_slope(at))
    curvature = max((slopes[0] - slopes[1]) / (2.0 * step), 0.1 * float(np.sum(response.weights)))
    return place, float(np.sqrt(2.0 / curvature))


def starting_sds(scores: Effects, information: Effects) -> list[np.ndarray]:
    """SDs of the group effects by the method of moments: E(Zᵀs)² = a + θ²a² in a group with information a."""
    sds = []
    for total, a in zip(scores, information, strict=True):
        tiny = np.finfo(float).tiny
        variance = np.sum(total**2 - a, axis=1) / np.maximum(np.sum(a**2, axis=1), tiny)
        least = 0.1 / np.maximum(a.mean(axis=1), tiny)
        sds.append(np.sqrt(np.minimum(np.maximum(variance, least), LARGEST**2)))
    return sds


def _standardising(design, part: Pattern, weights: np.ndarray, factors: list[np.ndarray]) -> np.ndarray:
    """T with TTᵀ the inverse information on b at Λ, the rows' information being `weights`."""
    p = design.X.shape[1]
    if p == 0:
        return np.zeros((0, 0))
    Q, R = orthonormal(np.ascontiguousarray(design.X.T))
    Z = part.scaled(factors)
    H = part.factorise(Z, weights)
    beside = [part.sums(Z, weights * column) for column in Q]
    solved = [H.solve(right) for right in beside]
    explained = np.array([[dot(one, other) for other in solved] for one in beside])
    information = (weights * Q) @ Q.T - explained
    root = cholesky(information)
    return solve_triangular(R, solve_triangular(root, np.eye(p), lower=True).T)
