"""The conditional modes of the group effects, by penalised iteratively reweighted least squares.

Given Λ and the population coefficients, the modes û of the spherical group effects (γ = Λu, u ~ N(0, I))
minimise the deviance plus |u|². Each Newton step solves (Z̃ᵀWZ̃ + I) δ = Z̃ᵀs − u with the working weights
W and scores s of a generalized linear model (Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1);
Pinheiro & Chao 2006, J. Comput. Graph. Stat. 15, 58–81, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...families import Family, Working
from ..random.effects import Effects, dot
from ..random.pattern import Factorised, Pattern
from .irls import halved, likelihood

#: The modes stand when a further step would lower the penalised deviance by less than this. log|H| is of
#: first order in their error, so it has to be tight.
DECREMENT = 1e-20
#: A promise below ROUNDING that does not fall by half in a step is rounding, and so is one below HIDDEN that has not
#: for some steps: where a dispersion is next to nothing, or counts are huge, rounding is of that size.
ROUNDING, HIDDEN, SOME_STEPS = 1e-16, 1e-10, 5
#: Steps that promise less than this are taken without a look at the penalised deviance.
SMALL = 1e-3
#: Most steps, and most halvings of one.
MAX_STEPS, MAX_HALVINGS = 100, 40
#: Most steps in a row that come no nearer: the deviance does not fall as its slope says, as where a mean is so far out
#: that its log density is cut off, or a small promise does not fall by half, as at a saddle.
MAX_IDLE = 12


@dataclass(frozen=True, eq=False)
class Response:
    """What was observed, and what is given while the modes are sought.

    Attributes
    ----------
    family
        At the dispersion that is given.
    y, weights, trials
    population
        (n,) the part of η that is the same whatever the groups: Xb + offset.
    constant
        The log likelihood's part that no mean changes.
    """

    family: Family
    y: np.ndarray
    weights: np.ndarray
    trials: np.ndarray
    population: np.ndarray
    constant: float

    def given(self, population: np.ndarray, dispersion: float | None) -> Response:
        """The same observations with another population part, and another dispersion (None: the same)."""
        if dispersion is None:
            return replace(self, population=population)
        family = self.family.at(dispersion)
        constant = family.constant(self.y, self.weights, self.trials)
        return replace(self, family=family, population=population, constant=constant)

    def kernel(self, eta: np.ndarray) -> float:
        """Σ w ℓ without constants; −inf where a mean is outside the family's range."""
        return likelihood(self.family, self.y, eta, self.weights)

    def penalised(self, eta: np.ndarray, u: Effects) -> float:
        """Deviance plus |u|², without constants."""
        return -2.0 * self.kernel(eta) + dot(u, u)

    def loglik(self, mu: np.ndarray) -> float:
        """The log likelihood of means, with every constant."""
        return self.family.kernel(self.y, mu, self.weights) + self.constant

    @property
    def constant_by_dispersion(self) -> float:
        """The derivative of `constant`; 0 where there is no dispersion."""
        if not self.family.has_dispersion:
            return 0.0
        return self.family.constant_by_dispersion(self.y, self.weights, self.trials)

    def loglik_by_dispersion(self, mu: np.ndarray) -> float:
        """The derivative of `loglik`; 0 where there is no dispersion."""
        if not self.family.has_dispersion:
            return 0.0
        rows = self.family.loglik_by_dispersion(self.y, mu, self.weights)
        return float(np.sum(rows)) + self.constant_by_dispersion


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes û with the state of every observation there.

    Attributes
    ----------
    u
        Spherical group effects, (s, J) for each term.
    eta, mu, score, fisher
        (n,) linear predictor, mean, ∂ℓ/∂η and expected information.
    curvature
        H of the last step, with the observed information.
    """

    u: Effects
    eta: np.ndarray
    mu: np.ndarray
    score: np.ndarray
    fisher: np.ndarray
    curvature: Factorised


def find_modes(part: Pattern, Z: Effects, response: Response, start: Effects) -> Modes:
    """Newton's method for û, from `start`, with halved steps where a whole one would go uphill.

    Raises
    ------
    FloatingPointError
        No modes were found: a mean is outside the family's range, or the steps lead nowhere.
    """
    u, family = start, response.family
    eta = response.population + part.predictor(Z, u)
    if not _valid(family, eta):
        u, eta = [np.zeros_like(effect) for effect in start], response.population
        if not _valid(family, eta):
            raise FloatingPointError("A mean is out of the family's range whatever the group effects.")
    last, least, fall, idle = np.inf, np.inf, np.inf, 0
    for _ in range(MAX_STEPS):
        if idle > MAX_IDLE:
            break
        working = family.working(response.y, eta, response.weights)
        curvature = _curvature(part, Z, response, eta, working, last < SMALL)
        downhill = [total - effect for total, effect in zip(part.sums(Z, working.score), u, strict=True)]
        step = curvature.solve(downhill)
        decrement = dot(downhill, step)
        nearer = decrement < 0.5 * least if decrement < SMALL else fall > 0.0
        idle = 0 if nearer else idle + 1
        rounding = (
            decrement > 0.5 * last if decrement < ROUNDING else decrement < HIDDEN and idle >= SOME_STEPS
        )
        if decrement < DECREMENT or rounding:
            return Modes(u, eta, working.mu, working.score, working.fisher, curvature)
        move, size, fall = part.predictor(Z, step), 1.0, np.inf
        last, least = decrement, min(least, decrement)
        if decrement >= SMALL or not _valid(family, eta + move):
            size, fall = step_size(response, eta, move, u, step, response.penalised(eta, u))
        u = moved(u, step, size)
        eta = eta + size * move
    raise FloatingPointError("The conditional modes were not found.")


def _valid(family: Family, eta: np.ndarray) -> bool:
    return family.keeps_range or family.valid(family.mean(eta))


def _curvature(
    part: Pattern, Z: Effects, response: Response, eta: np.ndarray, working: Working, near: bool
) -> Factorised:
    """H of a Newton step: with the observed information of each row, kept positive but for the last steps.

    Near the modes H is positive definite though some row's information may be negative, and only with H as it is
    do the steps become short quickly.
    """
    family = response.family
    if family.canonical:
        return part.factorise(Z, working.fisher)
    observed = family.observed_information(response.y, eta, working.mu, response.weights)
    positive = np.maximum(observed, 0.1 * working.fisher)
    if near and np.any(observed < -0.01 * working.fisher):
        try:
            return part.factorise(Z, observed)
        except FloatingPointError:  # not so near
            pass
    return part.factorise(Z, positive)


def step_size(response: Response, eta, move, u: Effects, step: Effects, value: float) -> tuple[float, float]:
    """The largest part of a step that does not raise the penalised deviance, and how far that falls."""
    size, new = halved(
        lambda size: response.penalised(eta + size * move, moved(u, step, size)), value, MAX_HALVINGS
    )
    if not size:
        raise FloatingPointError("No step towards the conditional modes lowers the penalised deviance.")
    return size, value - new


def moved(u: Effects, step: Effects, size: float) -> Effects:
    """u after a part of a step."""
    return [effect + size * change for effect, change in zip(u, step, strict=True)]
