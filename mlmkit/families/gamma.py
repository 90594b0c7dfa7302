"""The Gamma distribution of positive measurements: V(μ) = μ², φ = 1/shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from scipy.special import digamma, gammaln, polygamma

from .distribution import Array, Distribution, Own


class Gamma(Distribution):
    """A positive number whose SD is σ times its mean, σ² = φ."""

    name = "gamma"
    links = ("inverse", "log", "identity")
    canonical = "inverse"
    mean_range = (0.0, np.inf)
    has_dispersion = has_sigma = True
    words = "Gamma distributed"
    response_is = "a Gamma response is positive"
    symbols = (r"\sigma",)
    own = (Own("shape", "gamma(0.01, 0.01)"),)
    pymc = ("Gamma", "mu=mu, sigma=mu / shape**0.5")

    def refused(self, y: Array) -> Array:
        return y <= 0

    def unit_variance(self, mu: Array) -> Array:
        return np.square(mu)

    def unit_variance_slope(self, mu: Array) -> Array:
        return 2 * mu

    def unit_variance_curvature(self, mu: Array) -> Array:
        return np.full(np.shape(mu), 2.0)

    def unit_kernel(self, y: Array, mu: Array) -> Array:
        return -y / mu - np.log(mu)

    def unit_saturated(self, y: Array) -> Array:
        return -1 - np.log(y)

    def constants(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        shape = 1 / np.maximum(dispersion, 1e-300)
        return weights * (shape * np.log(shape) + (shape - 1) * np.log(y) - gammaln(shape))

    def constants_by_dispersion(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        shape = 1 / dispersion
        return -shape * weights * (np.log(shape) + 1 + np.log(y) - digamma(shape))

    def from_own(self, *own) -> Any:
        return 1 / own[0]

    def own_slope(self, *own: float) -> float:
        return -1 / own[0]

    def own_start(self, y: Array) -> tuple[float, ...]:
        return (float(np.mean(y) ** 2 / np.var(y)),)

    def draw(self, rng: np.random.Generator, mu: Array, weights: Array, dispersion) -> Array:
        return rng.gamma(1 / dispersion, mu * dispersion)

    def frozen(self, mu: Array, weights: Array, dispersion) -> Any:
        return scipy.stats.gamma(1 / dispersion, scale=mu * dispersion)

    def log_variance(self, mean: Array, dispersion) -> Array:
        return polygamma(1, 1 / dispersion) + np.zeros_like(mean)

    def latex(self, mean: str, beside: tuple[str, ...], weight: str) -> str:
        return rf"\mathrm{{Gamma}}\left(\text{{mean }} {mean}, \text{{SD }} {beside[0]} \, {mean}\right)"

    def spread_in_words(self, dispersion: float) -> str:
        return f"The SD of an observation is {np.sqrt(dispersion):.3g} of its mean."
