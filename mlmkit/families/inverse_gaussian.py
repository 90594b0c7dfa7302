"""The inverse Gaussian distribution of positive, very skewed measurements: V(μ) = μ³, φ = 1/λ."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from .distribution import Array, Distribution, Own


class InverseGaussian(Distribution):
    """A positive number with variance φμ³, as of the time that a drifting Brownian motion takes."""

    name = "inverse.gaussian"
    also = ("ig", "wald", "invgauss")
    links = ("1/mu^2", "inverse", "log", "identity")
    canonical = "1/mu^2"
    mean_range = (0.0, np.inf)
    has_dispersion = has_sigma = True
    words = "inverse Gaussian distributed"
    response_is = "an inverse Gaussian response is positive"
    symbols = (r"\sigma",)
    own = (Own("shape", "gamma(0.01, 0.01)"),)
    pymc = ("Wald", "mu=mu, lam=shape")

    def refused(self, y: Array) -> Array:
        return y <= 0

    def unit_variance(self, mu: Array) -> Array:
        return mu**3

    def unit_variance_slope(self, mu: Array) -> Array:
        return 3 * mu**2

    def unit_variance_curvature(self, mu: Array) -> Array:
        return 6 * mu

    def unit_kernel(self, y: Array, mu: Array) -> Array:
        return (1 - 0.5 * y / mu) / mu

    def unit_saturated(self, y: Array) -> Array:
        return 0.5 / y

    def constants(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        return -0.5 * weights * (np.log(2 * np.pi * dispersion * y**3) + 1 / (dispersion * y))

    def constants_by_dispersion(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        return -0.5 * weights * (1 - 1 / (dispersion * y))

    def from_own(self, *own) -> Any:
        return 1 / own[0]

    def own_slope(self, *own: float) -> float:
        return -1 / own[0]

    def own_start(self, y: Array) -> tuple[float, ...]:
        return (float(np.mean(y) ** 3 / np.var(y)),)

    def draw(self, rng: np.random.Generator, mu: Array, weights: Array, dispersion) -> Array:
        return rng.wald(mu, 1 / dispersion)

    def frozen(self, mu: Array, weights: Array, dispersion) -> Any:
        return scipy.stats.invgauss(mu * dispersion, scale=1 / dispersion)

    def latex(self, mean: str, beside: tuple[str, ...], weight: str) -> str:
        return rf"\mathrm{{InvGaussian}}\left(\text{{mean }} {mean}, \text{{SD }} {beside[0]} \, {mean}^{{3/2}}\right)"

    def spread_in_words(self, dispersion: float) -> str:
        return f"The variance of an observation is {dispersion:.3g} times its cubed mean."
