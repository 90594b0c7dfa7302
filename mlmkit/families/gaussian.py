"""The normal distribution: V(μ) = 1, φ = σ²."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from .distribution import Array, Distribution, Own


class Gaussian(Distribution):
    """N(μ, σ²/weight)."""

    name = "gaussian"
    also = ("normal",)
    links = ("identity", "log", "inverse")
    canonical = "identity"
    has_dispersion = has_sigma = True
    weights_repeat = False
    words = "normally distributed"
    symbols = (r"\sigma",)
    own = (Own("sigma"),)
    pymc = ("Normal", "mu=mu, sigma=sigma")

    def unit_variance(self, mu: Array) -> Array:
        return np.ones_like(mu)

    def unit_variance_slope(self, mu: Array) -> Array:
        return np.zeros_like(mu)

    def unit_variance_curvature(self, mu: Array) -> Array:
        return np.zeros_like(mu)

    def unit_kernel(self, y: Array, mu: Array) -> Array:
        return -0.5 * (y - mu) ** 2

    def unit_saturated(self, y: Array) -> Array:
        return np.zeros_like(y)

    def constants(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        return -0.5 * np.log(2 * np.pi * dispersion / weights) + np.zeros_like(y)

    def constants_by_dispersion(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        return np.full(np.shape(y), -0.5)

    def from_own(self, *own) -> Any:
        return own[0] ** 2

    def own_slope(self, *own: float) -> float:
        return 2 / own[0]

    def own_start(self, y: Array) -> tuple[float, ...]:
        return (0.7 * float(np.std(y)),)

    def draw(self, rng: np.random.Generator, mu: Array, weights: Array, dispersion) -> Array:
        return rng.normal(mu, np.sqrt(dispersion / weights))

    def frozen(self, mu: Array, weights: Array, dispersion) -> Any:
        return scipy.stats.norm(mu, np.sqrt(dispersion / weights))

    def latex(self, mean: str, beside: tuple[str, ...], weight: str) -> str:
        return rf"\mathrm{{N}}\left({mean}, {beside[0]}^{{2}}{weight}\right)"
