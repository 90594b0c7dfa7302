"""The binomial distribution of a proportion of trials: V(μ) = μ(1 − μ), the trials are its weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from scipy.special import gammaln, xlogy

from .distribution import Array, Distribution


class Binomial(Distribution):
    """A proportion of `weights` trials, each a success with probability μ."""

    name = "binomial"
    also = ("bernoulli",)
    links = ("logit", "probit", "cloglog", "cauchit", "log", "identity")
    canonical = "logit"
    mean_range = (0.0, 1.0)
    separable = ("logit", "probit", "cloglog", "cauchit")
    counts_trials = discrete = True
    words = "yes or no"
    response_is = (
        "a binomial response is 0 or 1, a proportion with its number of trials as weights, or "
        "cbind(successes, failures)"
    )
    mean_symbol = r"\theta"
    pymc = ("Binomial", "n=trials, p=mu")

    def refused(self, y: Array) -> Array:
        return (y < 0) | (y > 1)

    def start(self, y: Array, weights: Array) -> Array:
        return (weights * y + 0.5) / (weights + 1)

    def unit_variance(self, mu: Array) -> Array:
        return mu * (1 - mu)

    def unit_variance_slope(self, mu: Array) -> Array:
        return 1 - 2 * mu

    def unit_variance_curvature(self, mu: Array) -> Array:
        return np.full(np.shape(mu), -2.0)

    def unit_kernel(self, y: Array, mu: Array) -> Array:
        return y * np.log(mu) + (1 - y) * np.log(1 - mu)

    def unit_saturated(self, y: Array) -> Array:
        return xlogy(y, y) + xlogy(1 - y, 1 - y)

    def constants(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        repeats = np.divide(weights, trials, out=np.zeros_like(weights), where=trials > 0)
        successes = trials * y
        choose = gammaln(trials + 1) - gammaln(successes + 1) - gammaln(trials - successes + 1)
        return repeats * choose

    def draw(self, rng: np.random.Generator, mu: Array, weights: Array, dispersion) -> Array:
        return rng.binomial(weights.astype(int), mu) / np.maximum(weights, 1)

    def frozen(self, mu: Array, weights: Array, dispersion) -> Any:
        return scipy.stats.binom(np.round(weights).astype(int), mu)

    def latex(self, mean: str, beside: tuple[str, ...], weight: str) -> str:
        return rf"\mathrm{{Bernoulli}}\left({mean}\right)"
