"""A family: a distribution with a link, and what a fit asks of the two together.

With r = μ′/V(μ) a row of weight w has the score s = w (y − μ) r, the expected information w μ′ r and the
observed information w (μ′ r − (y − μ) r′) about its linear predictor η (McCullagh & Nelder 1989,
*Generalized Linear Models*, 2nd ed., chapter 2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from ..errors import DataError, FormulaError, did_you_mean
from .binomial import Binomial
from .distribution import Array, Distribution
from .gamma import Gamma
from .gaussian import Gaussian
from .inverse_gaussian import InverseGaussian
from .links import LINKS, Link
from .nbinom import NegativeBinomial
from .poisson import Poisson
from .student import Student

#: The distributions by name. A new one is entered here, and nowhere else.
DISTRIBUTIONS: dict[str, Distribution] = {
    one.name: one
    for one in (Gaussian(), Binomial(), Poisson(), NegativeBinomial(), Gamma(), InverseGaussian(), Student())
}
#: Links that are called by their own name: "probit" is a binomial family.
BINOMIAL_LINKS = ("logit", "probit", "cloglog", "cauchit")


class Working(NamedTuple):
    """What one step of a fit needs from every observation: mean, score ∂ℓ/∂η, expected information W."""

    mu: Array
    score: Array
    fisher: Array


class Ratio(NamedTuple):
    """r = μ′/V(μ) and its first two derivatives by η."""

    value: Array
    slope: Array
    curvature: Array


@dataclass(frozen=True)
class Family:
    """A response distribution with its link.

    Parameters
    ----------
    name
        "gaussian", "binomial" ("bernoulli"), "poisson", "nbinom" ("negative binomial"), "gamma" or
        "inverse.gaussian", in any case; or a binomial link by itself, such as "probit".
    link
        One of the distribution's links; the usual one if left out.
    dispersion
        What the distribution has beside its mean: σ², φ, or a negative binomial's size. A family that was
        not given one (`None`) is at dispersion 1, a negative binomial at size ∞.

    Raises
    ------
    FormulaError
        For an unknown name or a link the distribution is not fitted with; both lists are in the message.
    """

    name: str
    link: str = ""
    dispersion: float | None = None

    def __post_init__(self):
        name, link = _named(self.name), self.link.lower().replace("**", "^").replace(" ", "")
        if name in BINOMIAL_LINKS and link in ("", name):
            name, link = "binomial", name
        if name not in DISTRIBUTIONS:
            raise FormulaError(
                f"There is no family {self.name!r}.{did_you_mean(name, [*DISTRIBUTIONS, *BINOMIAL_LINKS])}"
            )
        links = DISTRIBUTIONS[name].links
        link = link or links[0]
        if link not in links:
            raise FormulaError(f"The {name} family has no link {self.link!r}.{did_you_mean(link, links)}")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "link", link)

    def __str__(self):
        return f"{self.name} ({self.link})"

    # -- its facts ---------------------------------------------------------------------------------
    @property
    def distribution(self) -> Distribution:
        """The distribution, with all its facts."""
        return DISTRIBUTIONS[self.name]

    @property
    def link_function(self) -> Link:
        """The link, with all its facts."""
        return LINKS[self.link]

    @property
    def is_linear(self) -> bool:
        """Whether the model is linear: normal, and the mean itself is the linear predictor."""
        return self.name == "gaussian" and self.link == "identity"

    @cached_property
    def canonical(self) -> bool:
        """Whether η is the distribution's natural parameter (up to a factor)."""
        return self.link == self.distribution.canonical

    @cached_property
    def has_dispersion(self) -> bool:
        """Whether something is estimated beside the mean: σ², φ or a size."""
        return self.distribution.has_dispersion

    @cached_property
    def has_sigma(self) -> bool:
        """Whether that is a factor of the variance, so that its root σ is a residual SD."""
        return self.distribution.has_sigma

    @property
    def counts_trials(self) -> bool:
        """Whether an observation is a proportion of trials."""
        return self.distribution.counts_trials

    @property
    def is_count(self) -> bool:
        """Whether an observation is a number of events without a known upper limit."""
        return self.distribution.discrete and not self.counts_trials

    @cached_property
    def keeps_range(self) -> bool:
        """Whether the link keeps every mean in the distribution's range, whatever η."""
        (low, high), (lowest, highest) = self.distribution.mean_range, self.link_function.image
        return low <= lowest and highest <= high

    @property
    def separable(self) -> bool:
        """Whether a mean has a limit that only an infinite η reaches."""
        return self.link in self.distribution.separable

    def at(self, dispersion: float) -> Family:
        """The same family with this dispersion."""
        return replace(self, dispersion=dispersion)

    def unscaled(self, dispersion: float) -> Family:
        """The family at this dispersion, but at φ = 1 where it is a factor: so R tells residuals."""
        return self if self.has_sigma else self.at(dispersion)

    @cached_property
    def at_dispersion(self) -> float:
        """The dispersion at which everything is told, given or not."""
        return self.distribution.unknown_dispersion if self.dispersion is None else self.dispersion

    # -- the link ----------------------------------------------------------------------------------
    def eta(self, mu) -> Array:
        """The linear predictor η = g(μ) of a mean."""
        return self.link_function.link(np.asarray(mu, float))

    def mean(self, eta) -> Array:
        """The mean μ = g⁻¹(η); within the open range of the distribution for bounded links."""
        return self.link_function.mean(np.asarray(eta, float))

    def mean_slope(self, eta) -> Array:
        """dμ/dη."""
        return self.link_function.slope(np.asarray(eta, float))

    def inside(self, mu) -> Array:
        """Whether each mean is finite and strictly inside the distribution's range."""
        lower, upper = self.distribution.mean_range
        return (mu > lower) & (mu < upper)

    def valid(self, mu) -> bool:
        """Whether every mean is."""
        return bool(np.all(self.inside(mu)))

    def start(self, y, weights) -> Array:
        """A linear predictor close to the data and inside the range, to start a fit from."""
        return self.eta(self.distribution.start(y, weights))

    # -- one observation ---------------------------------------------------------------------------
    def variance(self, mu) -> Array:
        """The variance of an observation of weight 1, at the family's dispersion."""
        return self.distribution.variance(np.asarray(mu, float), self.at_dispersion)

    def deviance(self, y, mu, weights=1.0) -> Array:
        """Each observation's deviance, 2 w (ℓ(y; y) − ℓ(y; μ)); never negative."""
        y, mu = np.asarray(y, float), np.asarray(mu, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = self.distribution.saturated(y, self.at_dispersion) - self.kernels(y, mu)
        return weights * np.where(y == mu, 0.0, np.maximum(2 * gap, 0))

    def deviance_residuals(self, y, mu, weights=1.0) -> Array:
        """The root of each observation's deviance, with the sign of y − μ."""
        return np.sign(np.asarray(y) - mu) * np.sqrt(self.deviance(y, mu, weights))

    def pearson_residuals(self, y, mu, weights=1.0) -> Array:
        """(y − μ) √(w / V(μ)): what lme4 calls scaled residuals, at the dispersion that was estimated."""
        gap, variance = np.asarray(y, float) - mu, self.variance(mu)
        return np.where(gap == 0, 0.0, gap * np.sqrt(weights / np.where(variance > 0, variance, 1.0)))

    def quantile_residuals(self, y, mu, weights, rng) -> Array:
        """Normal quantiles of P(Y < y) + u P(Y = y), u drawn from 0 to 1 (Dunn & Smyth 1996)."""
        distribution = self.distribution
        frozen = distribution.frozen(mu, np.asarray(weights), self.at_dispersion)
        if not distribution.discrete:
            return _normal_quantile(frozen.cdf(y), frozen.sf(y))
        value = np.round(y * weights) if distribution.counts_trials else y
        share = rng.uniform(size=np.shape(value)) * frozen.pmf(value)
        return _normal_quantile(frozen.cdf(value - 1) + share, frozen.sf(value - 1) - share)

    def draw(self, rng, mu, weights, dispersion=None) -> Array:
        """One simulated response for every mean (for a binomial, the proportion of `weights` trials).

        Raises
        ------
        DataError
            If a mean is one that the distribution does not have, or cannot be drawn from: a count of 10³⁰, say.
        """
        dispersion = self.at_dispersion if dispersion is None else dispersion
        mu = np.asarray(mu, float)
        try:
            return self.distribution.draw(rng, mu, np.asarray(weights), dispersion)
        except ValueError:
            raise DataError(
                f"Nothing can be drawn from the {self.name} distribution at these means, of {np.min(mu):.3g} to "
                f"{np.max(mu):.3g}."
            ) from None

    # -- the likelihood ----------------------------------------------------------------------------
    def kernels(self, y, mu) -> Array:
        """Each row's log density of weight 1, without the terms that do not depend on μ."""
        return self.distribution.kernel(y, mu, self.at_dispersion)

    def kernel(self, y, mu, weights) -> float:
        """Σ w ℓ(y; μ), without the terms that do not depend on μ."""
        return float(weights @ self.kernels(y, mu))

    def constant(self, y, weights, trials) -> float:
        """The log likelihood's part that does not depend on the means."""
        return float(np.sum(self.distribution.constants(y, weights, trials, self.at_dispersion)))

    def loglik(self, y, mu, weights, dispersion=None, trials=None) -> float:
        """The full log likelihood, with every constant.

        Parameters
        ----------
        y : (n,) array
            The response; for a binomial the proportion of successes.
        mu : (n,) array
            The means.
        weights : (n,) array
            Prior weights; for a binomial trials × weights.
        dispersion : float, optional
            σ² of a gaussian, φ of a gamma or inverse Gaussian, a negative binomial's size; the family's own
            if left out.
        trials : (n,) array, optional
            A binomial's trials, where they differ from `weights`: an observation of weight 2 then counts
            as two equal ones, the binomial coefficient included.
        """
        y, mu, weights = np.broadcast_arrays(np.asarray(y, float), mu, np.asarray(weights, float))
        trials = weights if trials is None else np.asarray(trials, float)
        family = self if dispersion is None else self.at(dispersion)
        with np.errstate(over="ignore"):
            return float(np.sum(weights * family.kernels(y, mu))) + family.constant(y, weights, trials)

    def working(self, y, eta, weights) -> Working:
        """Mean, score and expected information of every observation at η."""
        mu = self.link_function.mean(eta)
        if self._plain:
            weights = weights / self.at_dispersion
            return Working(mu, weights * (y - mu), weights * self.distribution.unit_variance(mu))
        # of a mean far out, or at the end of the range, which no search stays at
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            slope = self.link_function.slope(eta)
            fisher = weights * slope**2 / self.distribution.variance(mu, self.at_dispersion)
            score = weights * slope * self.distribution.score(y, mu, self.at_dispersion)
        return Working(mu, score, fisher)

    @cached_property
    def _plain(self) -> bool:
        """Whether μ′ = V(μ), so that neither needs to be computed for a score."""
        return self.canonical and self.link in ("identity", "logit", "log")

    # -- the curvature of Laplace's approximation --------------------------------------------------
    def information(self, y, eta, mu, weights) -> Array:
        """What each row adds to the curvature that Laplace's approximation takes.

        It is the expected information, as in lme4; the observed where the distribution has a dispersion,
        as in glmmTMB, since lme4 has no likelihood of these models to agree with.
        """
        if self.has_dispersion:
            return self.observed_information(y, eta, mu, weights)
        return self.working(y, eta, weights).fisher

    def information_slope(self, y, eta, mu, weights) -> Array:
        """Its derivative by η."""
        if self._plain:
            return (
                weights
                * self.distribution.variance(mu, 1.0)
                * self.distribution.variance_slope(mu, 1.0)
                / self.at_dispersion
            )
        r, link = self._ratio(eta, mu), self.link_function
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            slope, curvature = link.slope(eta), link.curvature(eta)
            expected = curvature * r.value + slope * r.slope
            if not self.has_dispersion:
                return weights * expected
            return weights * (expected + slope * r.slope - (y - mu) * r.curvature)

    def observed_information(self, y, eta, mu, weights) -> Array:
        """−∂²ℓ/∂η²: equal to the expected information where the link is canonical."""
        r = self._ratio(eta, mu)
        with np.errstate(over="ignore", invalid="ignore"):
            return weights * (self.link_function.slope(eta) * r.value - (y - mu) * r.slope)

    def _ratio(self, eta, mu) -> Ratio:
        link, distribution, phi = self.link_function, self.distribution, self.at_dispersion
        # Far out, where an unbounded link gives means next to nothing, these overflow: nobody stays there.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            m1, m2, m3 = link.slope(eta), link.curvature(eta), link.third(eta)
            v = distribution.variance(mu, phi)
            v1, v2 = distribution.variance_slope(mu, phi) / v, distribution.variance_curvature(mu, phi) / v
            slope = (m2 - m1**2 * v1) / v
            curvature = (m3 - 3 * m1 * m2 * v1 - m1**3 * v2 + 2 * m1**3 * v1**2) / v
            return Ratio(m1 / v, slope, curvature)

    # -- derivatives by the dispersion's coordinate ------------------------------------------------
    def loglik_by_dispersion(self, y, mu, weights) -> Array:
        """The derivative of each row's log density, without that of `constant`."""
        return weights * self.distribution.kernel_by_dispersion(y, mu, self.at_dispersion)

    def constant_by_dispersion(self, y, weights, trials) -> float:
        """The derivative of `constant`."""
        return float(
            np.sum(self.distribution.constants_by_dispersion(y, weights, trials, self.at_dispersion))
        )

    def working_by_dispersion(self, y, eta, mu, weights) -> tuple[Array, Array]:
        """The derivatives of each row's score and of its observed information."""
        link, distribution, phi = self.link_function, self.distribution, self.at_dispersion
        m1, m2 = link.slope(eta), link.curvature(eta)
        v, v1 = distribution.variance(mu, phi), distribution.variance_slope(mu, phi)
        by_v, by_v1 = distribution.variance_by_dispersion(mu, phi)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            ratio = -m1 * by_v / v**2
            ratio_slope = -(m2 * by_v + m1**2 * by_v1 - 2 * m1**2 * v1 * by_v / v) / v**2
            return weights * (y - mu) * ratio, weights * (m1 * ratio - (y - mu) * ratio_slope)


def _normal_quantile(below: Array, above: Array) -> Array:
    """The normal quantile of two probabilities that sum to 1, accurate in both tails."""
    return np.where(below < 0.5, ndtri(below), -ndtri(np.maximum(above, 0.0)))


_WRITTEN = re.compile(r"""^\s*([\w. ]+?)\s*(?:\(\s*(?:link\s*=\s*)?["']?([\w/^*]*)["']?\s*\))?\s*$""")


def _named(name: str) -> str:
    """The name that a distribution has here, of any that it goes by."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    for one in DISTRIBUTIONS.values():
        if plain in (one.name.replace(".", ""), *one.also):
            return one.name
    return name.lower()


def get_family(family) -> Family:
    """The family that was meant.

    Parameters
    ----------
    family : Family, str or (str, str)
        `"binomial"`, `"binomial(probit)"`, `'binomial(link="probit")'`, `("binomial", "probit")`, `"probit"`;
        without a link, the usual one.

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
