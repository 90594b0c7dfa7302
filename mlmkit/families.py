"""Response distributions and links (ground floor).

A family is a distribution of the exponential family together with the link that ties its mean μ to the
linear predictor η. Everything a fit needs follows from four functions of the mean and three of η
(McCullagh & Nelder 1989, *Generalized Linear Models*, 2nd ed., chapter 2): the score of one observation
is s = w (y − μ) μ′ / V(μ), and its expected information W = w μ′² / V(μ).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, ndtr, ndtri, xlogy

from .errors import FormulaError, did_you_mean

Array = np.ndarray
EPS = np.finfo(float).eps


class Link(NamedTuple):
    """A link: η = `link`(μ), and the mean μ = `mean`(η) with its first two derivatives in η."""

    link: Callable[[Array], Array]
    mean: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: Callable[[Array], Array]


# --- Links. η is kept where its mean differs from the ends of the range, so that no logarithm is infinite.

LOGIT_BOUND, PROBIT_BOUND = -np.log(EPS), 8.1
CLOGLOG_LOWER, CLOGLOG_UPPER = np.log(EPS), np.log(-np.log(EPS))
LOG_BOUND = 690.0
INVERSE_ROOT_2PI = 1 / np.sqrt(2 * np.pi)


def _within(eta, lower, upper):
    return np.minimum(np.maximum(eta, lower), upper)


def _logistic(eta):
    return 1 / (1 + np.exp(-_within(eta, -LOGIT_BOUND, LOGIT_BOUND)))


def _logistic_slope(eta):
    tail = np.exp(-np.minimum(np.abs(eta), LOGIT_BOUND))
    return tail / (1 + tail) ** 2


def _logistic_curvature(eta):
    return _logistic_slope(eta) * (1 - 2 * _logistic(eta))


def _normal_cdf(eta):
    return ndtr(_within(eta, -PROBIT_BOUND, PROBIT_BOUND))


def _normal_density(eta):
    return INVERSE_ROOT_2PI * np.exp(-0.5 * _within(eta, -PROBIT_BOUND, PROBIT_BOUND) ** 2)


def _cloglog_exp(eta):
    return np.exp(_within(eta, CLOGLOG_LOWER, CLOGLOG_UPPER))


def _exp(eta):
    return np.exp(_within(eta, -LOG_BOUND, LOG_BOUND))


LINKS = {
    "identity": Link(lambda mu: mu, lambda eta: eta, np.ones_like, np.zeros_like),
    "logit": Link(lambda mu: np.log(mu) - np.log1p(-mu), _logistic, _logistic_slope, _logistic_curvature),
    "probit": Link(ndtri, _normal_cdf, _normal_density, lambda eta: -eta * _normal_density(eta)),
    "cloglog": Link(
        lambda mu: np.log(-np.log1p(-mu)),
        lambda eta: -np.expm1(-_cloglog_exp(eta)),
        lambda eta: _cloglog_exp(eta) * np.exp(-_cloglog_exp(eta)),
        lambda eta: _cloglog_exp(eta) * np.exp(-_cloglog_exp(eta)) * (1 - _cloglog_exp(eta)),
    ),
    "log": Link(np.log, _exp, _exp, _exp),
    "inverse": Link(lambda mu: 1 / mu, lambda eta: 1 / eta, lambda eta: -1 / eta**2, lambda eta: 2 / eta**3),
    # η² of a negative η is no mean: the sign is kept, so that `valid` can tell.
    "sqrt": Link(
        np.sqrt, lambda eta: eta * np.abs(eta), lambda eta: 2 * np.abs(eta), lambda eta: 2 * np.sign(eta)
    ),
}


class Distribution(NamedTuple):
    """One distribution: its variance function, its log density, and the links it goes with.

    `kernel` is the part of one observation's log density that depends on μ, for dispersion 1; `saturated`
    is its value at μ = y, so the unit deviance is 2 (saturated − kernel). `start` is a mean inside the
    range, near y, to start a fit from.
    """

    links: tuple[str, ...]  # the canonical one first
    mean_range: tuple[float, float]
    variance: Callable[[Array], Array]
    variance_slope: Callable[[Array], Array]
    kernel: Callable[[Array, Array], Array]
    saturated: Callable[[Array], Array]
    loglik: Callable[[Array, Array, Array, float, Array], float]
    start: Callable[[Array, Array], Array]
    draw: Callable[[np.random.Generator, Array, Array, float], Array]
    has_dispersion: bool = False


# --- Distributions: log likelihoods with all their constants.


def _gaussian_loglik(y, mu, weights, dispersion, trials):
    return float(
        -0.5 * np.sum(weights * (y - mu) ** 2 / dispersion + np.log(2 * np.pi * dispersion / weights))
    )


def _log_choose(trials, successes):
    return gammaln(trials + 1) - gammaln(successes + 1) - gammaln(trials - successes + 1)


def _binomial_kernel(y, mu):
    return y * np.log(mu) + (1 - y) * np.log(1 - mu)


def _binomial_loglik(y, mu, weights, dispersion, trials):
    present = trials > 0
    repeats = np.divide(weights, trials, out=np.zeros_like(weights), where=present)
    return float(np.sum(weights * _binomial_kernel(y, mu) + repeats * _log_choose(trials, trials * y)))


def _binomial_draw(rng, mu, weights, dispersion):
    return rng.binomial(weights.astype(int), mu) / np.maximum(weights, 1)


def _poisson_kernel(y, mu):
    return y * np.log(mu) - mu


def _poisson_loglik(y, mu, weights, dispersion, trials):
    return float(np.sum(weights * (_poisson_kernel(y, mu) - gammaln(y + 1))))


def _gamma_loglik(y, mu, weights, dispersion, trials):
    shape = 1 / dispersion
    density = shape * np.log(shape * y / mu) - shape * y / mu - np.log(y) - gammaln(shape)
    return float(np.sum(weights * density))


DISTRIBUTIONS = {
    "gaussian": Distribution(
        links=("identity", "log", "inverse"),
        mean_range=(-np.inf, np.inf),
        variance=np.ones_like,
        variance_slope=np.zeros_like,
        kernel=lambda y, mu: -0.5 * (y - mu) ** 2,
        saturated=np.zeros_like,
        loglik=_gaussian_loglik,
        start=lambda y, weights: y,
        draw=lambda rng, mu, weights, dispersion: rng.normal(mu, np.sqrt(dispersion / weights)),
        has_dispersion=True,
    ),
    "binomial": Distribution(
        links=("logit", "probit", "cloglog", "log", "identity"),
        mean_range=(0.0, 1.0),
        variance=lambda mu: mu * (1 - mu),
        variance_slope=lambda mu: 1 - 2 * mu,
        kernel=_binomial_kernel,
        saturated=lambda y: xlogy(y, y) + xlogy(1 - y, 1 - y),
        loglik=_binomial_loglik,
        start=lambda y, weights: (weights * y + 0.5) / (weights + 1),
        draw=_binomial_draw,
    ),
    "poisson": Distribution(
        links=("log", "sqrt", "identity"),
        mean_range=(0.0, np.inf),
        variance=lambda mu: mu,
        variance_slope=np.ones_like,
        kernel=_poisson_kernel,
        saturated=lambda y: xlogy(y, y) - y,
        loglik=_poisson_loglik,
        start=lambda y, weights: y + 0.1,
        draw=lambda rng, mu, weights, dispersion: rng.poisson(mu).astype(float),
    ),
    "gamma": Distribution(
        links=("inverse", "log", "identity"),
        mean_range=(0.0, np.inf),
        variance=np.square,
        variance_slope=lambda mu: 2 * mu,
        kernel=lambda y, mu: -y / mu - np.log(mu),
        saturated=lambda y: -1 - np.log(y),
        loglik=_gamma_loglik,
        start=lambda y, weights: y,
        draw=lambda rng, mu, weights, dispersion: rng.gamma(1 / dispersion, mu * dispersion),
        has_dispersion=True,
    ),
}


class Working(NamedTuple):
    """What one step of a fit needs from every observation: mean, score ∂ℓ/∂η, expected information W."""

    mu: Array
    score: Array
    fisher: Array


@dataclass(frozen=True)
class Family:
    """A response distribution with its link.

    Parameters
    ----------
    name
        "gaussian", "binomial", "poisson" or "gamma" (any case).
    link
        One of the distribution's links; its canonical link if left out.

    Raises
    ------
    FormulaError
        For an unknown name or a link the distribution is not fitted with; both lists are in the message.
    """

    name: str
    link: str = ""

    def __post_init__(self):
        name = self.name.lower()
        if name not in DISTRIBUTIONS:
            raise FormulaError(f"There is no family {self.name!r}.{did_you_mean(name, DISTRIBUTIONS)}")
        links = DISTRIBUTIONS[name].links
        link = self.link.lower() or links[0]
        if link not in links:
            raise FormulaError(f"The {name} family has no link {self.link!r}.{did_you_mean(link, links)}")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "link", link)

    def __str__(self):
        return f"{self.name} ({self.link})"

    @property
    def _distribution(self) -> Distribution:
        return DISTRIBUTIONS[self.name]

    @property
    def _link(self) -> Link:
        return LINKS[self.link]

    @property
    def canonical(self) -> bool:
        """Whether η is the distribution's natural parameter (up to sign, for the Gamma's inverse)."""
        return self.link == self._distribution.links[0]

    @property
    def has_dispersion(self) -> bool:
        """Whether the spread has a parameter of its own (gaussian, gamma) beside the mean."""
        return self._distribution.has_dispersion

    def eta(self, mu) -> Array:
        """The linear predictor η = g(μ) of a mean."""
        return self._link.link(np.asarray(mu, float))

    def mean(self, eta) -> Array:
        """The mean μ = g⁻¹(η); within the open range of the distribution for bounded links."""
        return self._link.mean(np.asarray(eta, float))

    def mean_slope(self, eta) -> Array:
        """dμ/dη."""
        return self._link.slope(np.asarray(eta, float))

    def mean_curvature(self, eta) -> Array:
        """d²μ/dη²."""
        return self._link.curvature(np.asarray(eta, float))

    def variance(self, mu) -> Array:
        """The variance function V(μ): Var(y) = dispersion × V(μ) / weight."""
        return self._distribution.variance(np.asarray(mu, float))

    @property
    def keeps_range(self) -> bool:
        """Whether the link keeps every mean in the distribution's range, whatever η."""
        bounded = self.link in {"logit", "probit", "cloglog"}
        return bounded or (self.link == "log" and self.name != "binomial") or self.name == "gaussian"

    def valid(self, mu) -> bool:
        """Whether every mean is finite and strictly inside the distribution's range."""
        lower, upper = self._distribution.mean_range
        return bool(np.all((mu > lower) & (mu < upper)))

    def deviance(self, y, mu, weights=1.0) -> Array:
        """Each observation's deviance, 2 w (ℓ(y; y) − ℓ(y; μ)) at dispersion 1; never negative."""
        y, mu = np.asarray(y, float), np.asarray(mu, float)
        distribution = self._distribution
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = distribution.saturated(y) - distribution.kernel(y, mu)
        return weights * np.where(y == mu, 0.0, np.maximum(2 * gap, 0))

    def deviance_residuals(self, y, mu, weights=1.0) -> Array:
        """The root of each observation's deviance, with the sign of y − μ."""
        return np.sign(np.asarray(y) - mu) * np.sqrt(self.deviance(y, mu, weights))

    def pearson_residuals(self, y, mu, weights=1.0) -> Array:
        """(y − μ) √(w / V(μ)): what lme4 calls scaled residuals where there is no dispersion."""
        gap, variance = np.asarray(y, float) - mu, self.variance(mu)
        return np.where(gap == 0, 0.0, gap * np.sqrt(weights / np.where(variance > 0, variance, 1.0)))

    def kernels(self, y, mu) -> Array:
        """Each ℓ(y; μ) at dispersion 1, without the terms that do not depend on μ."""
        return self._distribution.kernel(y, mu)

    def kernel(self, y, mu, weights) -> float:
        """Σ w ℓ(y; μ) at dispersion 1, without the terms that do not depend on μ."""
        return float(weights @ self._distribution.kernel(y, mu))

    def loglik(self, y, mu, weights, dispersion=1.0, trials=None) -> float:
        """The full log likelihood, with every constant.

        Parameters
        ----------
        y : (n,) array
            The response; for a binomial the proportion of successes.
        mu : (n,) array
            The means.
        weights : (n,) array
            Prior weights; for a binomial trials × weights.
        dispersion : float
            σ² of a gaussian, 1/shape of a gamma; not used by the others.
        trials : (n,) array, optional
            A binomial's trials, where they differ from `weights`: an observation of weight 2 then counts
            as two equal ones, the binomial coefficient included.
        """
        y, mu, weights = np.broadcast_arrays(np.asarray(y, float), mu, np.asarray(weights, float))
        trials = weights if trials is None else np.asarray(trials, float)
        return self._distribution.loglik(y, mu, weights, dispersion, trials)

    def working(self, y, eta, weights) -> Working:
        """Mean, score and expected information of every observation at η."""
        mu = self._link.mean(eta)
        if self.canonical and self.link != "inverse":
            return Working(mu, weights * (y - mu), weights * self._distribution.variance(mu))
        slope = self._link.slope(eta)
        ratio = weights * slope / self._distribution.variance(mu)
        return Working(mu, ratio * (y - mu), ratio * slope)

    def fisher_slope(self, eta, mu, weights) -> Array:
        """dW/dη of the expected information: how the curvature itself changes with η."""
        variance, variance_slope = self._distribution.variance(mu), self._distribution.variance_slope(mu)
        if self.canonical and self.link != "inverse":
            return weights * variance * variance_slope
        slope, curvature = self._link.slope(eta), self._link.curvature(eta)
        return weights * slope / variance * (2 * curvature - slope**2 * variance_slope / variance)

    def observed_information(self, y, eta, mu, weights) -> Array:
        """−∂²ℓ/∂η²: equal to the expected information where the link is canonical."""
        variance, variance_slope = self._distribution.variance(mu), self._distribution.variance_slope(mu)
        slope, curvature = self._link.slope(eta), self._link.curvature(eta)
        bend = curvature - slope**2 * variance_slope / variance
        return weights / variance * (slope**2 - (y - mu) * bend)

    def start(self, y, weights) -> Array:
        """A linear predictor close to the data and inside the range, to start a fit from."""
        return self.eta(self._distribution.start(y, weights))

    def draw(self, rng, mu, weights, dispersion=1.0) -> Array:
        """One simulated response for every mean (for a binomial, the proportion of `weights` trials)."""
        return self._distribution.draw(rng, np.asarray(mu, float), np.asarray(weights), dispersion)


_WRITTEN = re.compile(r"""^\s*(\w+)\s*(?:\(\s*(?:link\s*=\s*)?["']?(\w*)["']?\s*\))?\s*$""")


def get_family(family) -> Family:
    """The family that was meant.

    Parameters
    ----------
    family : Family, str or (str, str)
        `"binomial"`, `"binomial(probit)"`, `'binomial(link="probit")'`, `("binomial", "probit")`; without
        a link, the canonical one.

    Raises
    ------
    FormulaError
        If there is no such family or link; the message lists those there are.
    """
    if isinstance(family, Family):
        return family
    if isinstance(family, tuple) and all(isinstance(part, str) for part in family) and 0 < len(family) < 3:
        return Family(*family)
    written = _WRITTEN.match(family) if isinstance(family, str) else None
    if written is None:
        raise FormulaError(
            f"Cannot read the family {family!r}. Write it as 'binomial' or 'binomial(probit)'."
            f" There are: {', '.join(DISTRIBUTIONS)}."
        )
    return Family(written[1], written[2] or "")
