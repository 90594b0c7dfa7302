"""The Poisson distribution of counts: V(μ) = μ."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from scipy.special import gammaln, xlogy

from .distribution import Array, Distribution


def not_counts(y: Array) -> Array:
    """Which numbers are not 0, 1, 2, …"""
    return (y < 0) | (y != np.round(y))


class Poisson(Distribution):
    """Counts with variance μ."""

    name = "poisson"
    links = ("log", "sqrt", "identity")
    canonical = "log"
    mean_range = (0.0, np.inf)
    separable = ("log",)
    discrete = True
    words = "a Poisson count"
    response_is = "a Poisson response is a count"
    ratio = "rate ratio"
    mean_symbol = r"\lambda"
    pymc = ("Poisson", "mu=mu")

    def refused(self, y: Array) -> Array:
        return not_counts(y)

    def start(self, y: Array, weights: Array) -> Array:
        return y + 0.1

    def unit_variance(self, mu: Array) -> Array:
        return mu

    def unit_variance_slope(self, mu: Array) -> Array:
        return np.ones_like(mu)

    def unit_variance_curvature(self, mu: Array) -> Array:
        return np.zeros_like(mu)

    def unit_kernel(self, y: Array, mu: Array) -> Array:
        return y * np.log(mu) - mu

    def unit_saturated(self, y: Array) -> Array:
        return xlogy(y, y) - y

    def constants(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        return -weights * gammaln(y + 1)

    def draw(self, rng: np.random.Generator, mu: Array, weights: Array, dispersion) -> Array:
        return rng.poisson(mu).astype(float)

    def frozen(self, mu: Array, weights: Array, dispersion) -> Any:
        return scipy.stats.poisson(mu)

    def latex(self, mean: str, beside: tuple[str, ...], weight: str) -> str:
        return rf"\mathrm{{Poisson}}\left({mean}\right)"
