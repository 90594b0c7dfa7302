"""One parameter held at a value, the likelihood maximised over all the others.

Covariances are profiled through T, the Cholesky factor of Σ = TTᵀ with the parameter's own columns first.
Then an SD is T₁₁, and a correlation ρ makes the second row t(ρ, √(1 − ρ²)): both are held fixed by fixing
entries of T, and everything else stays free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial

import numpy as np
import scipy

from ..design import Design
from ..engine import lmm_criterion
from ..engine.covariance import factors_from_theta, lower_triangular, theta_from_factors, theta_length
from ..engine.estimates import Estimates
from ..engine.generalized.criterion import glmm_criterion
from ..engine.generalized.irls import iterate
from ..engine.linear.batch import linear_batch
from ..engine.linear.criterion import responseless_criterion
from ..engine.linear.lmm import refit_lmm
from ..engine.random.blocks import sum_by_group
from ..families import Distribution
from ..results import Fit, MixedFit

#: Entries of T smaller than this, in units of the residual SD, are made this large before a search.
NUDGE = 0.03


@dataclass(frozen=True)
class Focus:
    """A parameter to profile.

    Attributes
    ----------
    label, estimate
        Its name and maximum-likelihood estimate.
    scale
        About one standard error: the first step.
    lower, upper
        The ends of its range.
    deviance
        −2 log likelihood with the parameter at a value, maximised over the others.
    shown
        The value as it is told: a negative binomial's size is profiled as 1/√size, where ∞ is 0.
    together
        `deviance` of several values at once, where that is cheaper than one by one.
    """

    label: str
    estimate: float
    scale: float
    lower: float
    upper: float
    deviance: Callable[[float], float] = field(repr=False)
    shown: Callable[[float], float] = field(default=float, repr=False)
    together: Callable[[np.ndarray], np.ndarray] | None = field(default=None, repr=False)

    def deviances(self, values: np.ndarray) -> np.ndarray:
        """`deviance` of each of several values."""
        if self.together is not None:
            return self.together(values)
        return np.array([self.deviance(value) for value in values])


def coefficient(fit: Fit, k: int) -> Focus:
    """The k-th fixed coefficient: its column moves into the offset."""
    value, se = float(fit.estimates.beta[k]), float(np.sqrt(fit.estimates.vcov[k, k]))
    together = (
        partial(_with_coefficients, fit, k) if isinstance(fit, MixedFit) and fit.family.is_linear else None
    )
    deviance = partial(_with_coefficient, fit, k)
    return Focus(fit.design.fixed_names[k], value, se, -np.inf, np.inf, deviance, together=together)


def infinite_coefficient(fit: Fit, k: int) -> Focus:
    """The k-th fixed coefficient of a separated fit, whose likelihood rises all the way to ±∞."""
    value, unit = float(fit.estimates.beta[k]), 1 / float(np.abs(fit.design.X[:, k]).max())
    return Focus(fit.design.fixed_names[k], value, unit, -np.inf, np.inf, partial(_with_coefficient, fit, k))


def _with_coefficient(fit: Fit, k: int, value: float) -> float:
    held = _without_column(fit.design, k)
    return fit.estimator(replace(held, offset=held.offset + value * fit.design.X[:, k])).criterion


def _with_coefficients(fit: Fit, k: int, values: np.ndarray) -> np.ndarray:
    """`_with_coefficient` of a linear mixed model: the responses less what the values say, on one design."""
    design = fit.design
    held, Y = _without_column(design, k), design.y[:, None] - design.X[:, k, None] * values
    batch = linear_batch(held, reml=False)
    if batch is None:
        known = responseless_criterion(held, reml=False)
        return np.array([refit_lmm(known, y, fit.theta).criterion for y in Y.T])
    many = batch.fit(Y)
    for one in np.flatnonzero(~many.converged):
        many.criterion[one] = fit.estimator(held.with_response(Y[:, one])).criterion
    return many.criterion


def _without_column(design: Design, k: int) -> Design:
    names = np.array(design.fixed_names, dtype=object)
    return replace(design, X=np.delete(design.X, k, axis=1), fixed_names=tuple(np.delete(names, k)))


def standard_deviation(fit: MixedFit, block: int, i: int, label: str) -> Focus:
    """The SD across groups of one coefficient of a term."""
    value = float(np.sqrt(fit.covariances[block][i, i]))
    problem = Problem(fit, block, _first(fit, block, i), HeldSd(_start_of(fit, block)))
    return Focus(label, value, max(value / 4, _unit(fit, block, i) / 10), 0.0, np.inf, problem.deviance)


def correlation(fit: MixedFit, block: int, i: int, m: int, label: str) -> Focus:
    """The correlation across groups of two coefficients of a term."""
    Sigma = fit.covariances[block]
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(np.clip(Sigma[i, m] / np.sqrt(Sigma[i, i] * Sigma[m, m]), -1, 1))
    held = HeldCorrelation(_start_of(fit, block), len(Sigma))
    problem = Problem(fit, block, _first(fit, block, i, m), held)
    return Focus(label, value, 0.2, -1.0, 1.0, problem.deviance)


def dispersion(fit: MixedFit) -> Focus:
    """What the distribution has beside its mean: σ, or a size."""
    distribution, n = fit.family.distribution, fit.nobs
    if fit.family.has_sigma:
        place = np.log if fit.family.is_linear else partial(_at_sigma, distribution)
        problem = Problem(fit, 0, _first(fit, 0), HeldLast(place))
        return Focus("sigma", fit.sigma, fit.sigma / np.sqrt(2 * n), 0.0, np.inf, problem.deviance)
    at = distribution.coordinate(fit.dispersion)
    problem = Problem(fit, 0, _first(fit, 0), HeldLast(float))
    scale = max(at / 4, 1 / np.sqrt(n))
    shown = distribution.from_coordinate
    return Focus(distribution.dispersion_name, at, scale, 0.0, np.inf, problem.deviance, shown)


def _at_sigma(distribution: Distribution, sigma: float) -> float:
    """Where the search has a dispersion σ²."""
    return distribution.coordinate(sigma**2)


def _first(fit: MixedFit, block: int, *places: int) -> list[int]:
    """A block's columns with these first."""
    return [*places, *(k for k in range(len(fit.design.blocks[block].names)) if k not in places)]


def _start_of(fit: MixedFit, block: int) -> int:
    """Where a block's part of θ starts."""
    return sum(theta_length(len(b.names)) for b in fit.design.blocks[:block])


def _unit(fit: MixedFit, block: int, i: int) -> float:
    """What an SD of this coefficient is large or small against: a row's own SD over the regressor's size."""
    return _sd_of_a_row(fit) / np.sqrt(np.mean(fit.design.blocks[block].Z[:, i] ** 2))


def _sd_of_a_row(fit: MixedFit) -> float:
    """What one row alone could tell of its linear predictor, as a standard error."""
    if fit.family.is_linear:
        return fit.sigma
    design, eta = fit.design, fit.estimates.linear_predictor
    return float(np.mean(fit.fitted_family.working(design.y, eta, design.weights).fisher) ** -0.5)


# -- What is held: from the free numbers to all of them, and the derivatives of all by the free ones. They are
# -- the entries of T in units of `scale`, then log σ, or for a generalized model b and the dispersion's place.


@dataclass(frozen=True)
class HeldSd:
    """T₁₁ is the SD."""

    start: int

    def free(self, x: np.ndarray) -> np.ndarray:
        return np.delete(x, self.start)

    def full(self, free: np.ndarray, value: float, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x = _with(free, self.start, value / scale[self.start])
        return x, _identity_without(self.start, len(x))

    def bounded(self) -> tuple[int, ...]:
        return ()

    def starts(self, free: np.ndarray) -> list[np.ndarray]:
        return [free]


@dataclass(frozen=True)
class HeldLast:
    """The last number is where the dispersion lies on its line."""

    place: Callable[[float], float]

    def free(self, x: np.ndarray) -> np.ndarray:
        return x[:-1]

    def full(self, free: np.ndarray, value: float, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.append(free, self.place(value)), _identity_without(len(free), len(free) + 1)

    def bounded(self) -> tuple[int, ...]:
        return ()

    def starts(self, free: np.ndarray) -> list[np.ndarray]:
        return [free]


@dataclass(frozen=True)
class HeldCorrelation:
    """T's second row is t(ρ, √(1 − ρ²)); free are T₁₁ ≥ 0, t ≥ 0 in T₂₁'s place, and the rest without T₂₂."""

    start: int
    size: int

    def free(self, x: np.ndarray) -> np.ndarray:
        own, last = self.start + 1, self.start + self.size
        free = np.delete(x, last)
        free[self.start], free[own] = abs(x[self.start]), np.hypot(x[own], x[last])
        return free

    def full(self, free: np.ndarray, value: float, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        own, last = self.start + 1, self.start + self.size
        rest = np.sqrt(max(1 - value**2, 0.0))
        x = _with(free, last, free[own] * rest)
        x[own] = free[own] * value
        jacobian = _identity_without(last, len(x)).copy()
        jacobian[own, own], jacobian[last, own] = value, rest
        return x, jacobian

    def bounded(self) -> tuple[int, ...]:
        return self.start, self.start + 1

    def starts(self, free: np.ndarray) -> list[np.ndarray]:
        """Where either SD is 0 any ρ is as good: a second and a third valley to look into."""
        near_zero = [free.copy(), free.copy()]
        for start, place in zip(near_zero, self.bounded(), strict=True):
            start[place] = NUDGE
        return [free, *near_zero]


def _with(free: np.ndarray, place: int, value: float) -> np.ndarray:
    """The free numbers with one more in its place."""
    x = np.empty(len(free) + 1)
    x[:place], x[place], x[place + 1 :] = free[:place], value, free[place:]
    return x


@cache
def _identity_without(place: int, size: int) -> np.ndarray:
    """The derivatives of all numbers by those that are free."""
    return np.delete(np.eye(size), place, axis=1)


# -- The likelihood of everything that is not held


@dataclass(eq=False)
class Problem:
    """The likelihood of a mixed model with something held, the focal block's columns in another order.

    Each search starts where the nearest one so far ended.
    """

    fit: MixedFit
    block: int
    order: list[int]
    held: HeldSd | HeldLast | HeldCorrelation
    ends: dict[float, np.ndarray] = field(default_factory=dict)

    @cached_property
    def design(self) -> Design:
        blocks = list(self.fit.design.blocks)
        own = blocks[self.block]
        names = tuple(own.names[k] for k in self.order)
        blocks[self.block] = replace(own, names=names, Z=np.ascontiguousarray(own.Z[:, self.order]))
        return replace(self.fit.design, blocks=tuple(blocks))

    def __getstate__(self) -> dict:
        """What is stored or sent to another process: the likelihood, made of closures, is made again there."""
        return {name: value for name, value in self.__dict__.items() if name != "likelihood"}

    @cached_property
    def likelihood(self) -> Likelihood:
        linear = linear_likelihood if self.fit.family.is_linear else generalized_likelihood
        return linear(self.fit, self.design)

    def deviance(self, value: float) -> float:
        """−2 log likelihood with the parameter at `value`, maximised over the rest."""
        scale, bounded = self.likelihood.scale, self.held.bounded()

        def objective(free):
            x, jacobian = self.held.full(free, value, scale)
            f, gradient = self.likelihood.value_and_gradient(x * scale)
            return f, (gradient * scale) @ jacobian

        starts = self.held.starts(self._start(value))
        if not starts[0].size:  # with the parameter held, the model is known
            return float(objective(starts[0])[0])
        bounds = [(0.0 if k in bounded else None, None) for k in range(len(starts[0]))]
        options = {"ftol": 1e-13, "gtol": 1e-7, "maxiter": 500, "maxcor": 20}
        search = partial(
            scipy.optimize.minimize, objective, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        found = min((search(start) for start in starts), key=lambda one: one.fun)
        self.ends[value] = found.x
        return float(found.fun)

    def _start(self, value: float) -> np.ndarray:
        if self.ends:
            return self._nudged(self.ends[min(self.ends, key=lambda known: abs(known - value))])
        return self._nudged(self.held.free(self._optimum()))

    def _optimum(self) -> np.ndarray:
        """The fit's own estimates, in this problem's coordinates."""
        factors = [self.fit.sigma * Lambda for Lambda in self.fit.relative_factors]
        factors[self.block] = lower_triangular(factors[self.block][self.order])
        return np.concatenate([theta_from_factors(factors), self.likelihood.rest]) / self.likelihood.scale

    def _nudged(self, free: np.ndarray) -> np.ndarray:
        """Numbers that are next to nothing made small: an empty column of T has no slope to leave it by."""
        n_theta = len(self.likelihood.scale) - len(self.likelihood.rest)
        place = np.arange(len(free)) < n_theta - 1
        return np.where(place & (np.abs(free) < NUDGE), np.where(free < 0, -NUDGE, NUDGE), free)


@dataclass(frozen=True)
class Likelihood:
    """−2 log likelihood and gradient as a function of T's entries and the rest (log σ; or b, dispersion).

    `scale` has about the size of each number, `rest` the estimates of those after T.
    """

    value_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]]
    scale: np.ndarray
    rest: np.ndarray


def _scale_of_T(fit: MixedFit, design: Design) -> np.ndarray:
    """The unit of each entry of T: a row's own SD over the size of the row's regressor."""
    units = []
    for block in design.blocks:
        size = _sd_of_a_row(fit) / np.sqrt(np.mean(block.Z**2, axis=0))
        units.append(np.repeat(size[:, None], len(size), axis=1))
    return theta_from_factors(units)


def linear_likelihood(fit: MixedFit, design: Design) -> Likelihood:
    """Of a linear mixed model, b at its best: log|V| + n log 2πσ² + r²/σ²."""
    criterion = lmm_criterion(design, reml=False)
    n = criterion.df

    def value_and_gradient(x):
        T, sigma = x[:-1], np.exp(x[-1])
        theta = T / sigma
        value, by_theta, best = criterion.with_sigma(theta, sigma)
        by_log_sigma = 2 * n * (1 - best / sigma**2) - by_theta @ theta
        return value, np.append(by_theta / sigma, by_log_sigma)

    return Likelihood(
        value_and_gradient, np.append(_scale_of_T(fit, design), 1.0), np.array([np.log(fit.sigma)])
    )


def slope_of_r2(design: Design, at: Estimates) -> np.ndarray:
    """∂r²/∂Λ = −2 Σ_j q_j q_jᵀ Λ, q_j = Z_jᵀ W (y − Xb̂ − ZΛû): the envelope theorem, with û_j = Λᵀq_j."""
    residual = design.weights * (design.y - at.linear_predictor)
    sizes = [len(block.names) for block in design.blocks]
    gradients = []
    for block, Lambda in zip(design.blocks, factors_from_theta(at.theta, sizes), strict=True):
        q = sum_by_group(block.Z.T * residual, block.codes, len(block.levels))
        gradients.append(-2 * (q @ q.T) @ Lambda)
    return theta_from_factors(gradients)


def generalized_likelihood(fit: MixedFit, design: Design) -> Likelihood:
    """Of a generalized linear mixed model, Λ = T and b joined, and the dispersion's place where it has one."""
    criterion = glmm_criterion(design, iterate(design), fit.estimates.n_agq)
    distribution, has_dispersion = fit.family.distribution, fit.family.has_dispersion
    n_theta, last = len(fit.estimates.theta), len(fit.estimates.theta) + len(fit.estimates.beta)
    modes = None  # where the next search for them starts

    def value_and_gradient(x):
        nonlocal modes
        dispersion = distribution.from_coordinate(x[-1]) if has_dispersion else None
        state = criterion.solve(x[:n_theta], x[n_theta:last], dispersion, modes)
        modes = state.modes.u
        return state.value, criterion.gradient(state)

    place = [distribution.coordinate(fit.dispersion)] if has_dispersion else []
    scale = np.concatenate([_scale_of_T(fit, design), fit.se.to_numpy(), np.ones(len(place))])
    return Likelihood(value_and_gradient, scale, np.concatenate([fit.estimates.beta, place]))
