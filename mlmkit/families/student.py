"""Student's t distribution around a mean: normal measurements with a few far ones. It is for `brm` alone.

Not an exponential dispersion model: its dispersion is the pair (σ², ν), and the derivatives are its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from scipy.special import digamma, gammaln

from .distribution import Array, Distribution, Own


class Student(Distribution):
    """μ + σ t, t of Student's distribution with ν degrees of freedom; brms's `student`."""

    name = "student"
    also = ("t", "studentt")
    links = ("identity", "log", "inverse")
    has_dispersion = is_sampled_only = True
    words = "distributed as Student's t"
    symbols = (r"\sigma", r"\nu")
    own = (Own("sigma"), Own("nu", "gamma(2, 0.1)", 1.0))
    unknown_dispersion = (1.0, 1e9)  # as good as normal
    pymc = ("StudentT", "nu=nu, mu=mu, sigma=sigma")

    def from_own(self, *own) -> Any:
        return own[0] ** 2, own[1]

    def told(self, dispersion) -> tuple[float, ...]:
        return float(np.sqrt(dispersion[0])), float(dispersion[1])

    def own_start(self, y: Array) -> tuple[float, ...]:
        return 0.7 * float(np.std(y)), 10.0

    def variance(self, mu: Array, dispersion) -> Array:
        spread, nu = dispersion
        return np.where(nu > 2, spread * nu / np.maximum(nu - 2, 1e-300), np.inf) + np.zeros_like(mu)

    def score(self, y: Array, mu: Array, dispersion) -> Array:
        spread, nu = dispersion
        return (nu + 1) * (y - mu) / (nu * spread + (y - mu) ** 2)

    def kernel(self, y: Array, mu: Array, dispersion) -> Array:
        spread, nu = dispersion
        return -0.5 * (nu + 1) * np.log1p((y - mu) ** 2 / (nu * spread))

    def saturated(self, y: Array, dispersion) -> Array:
        return np.zeros_like(y)

    def constants(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        spread, nu = dispersion
        return weights * (gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi * spread))

    def by_own(self, y: Array, mu: Array, weights: Array, trials: Array, own) -> list[float]:
        sigma, nu = own
        ratio = ((y - mu) / sigma) ** 2 / nu
        by_sigma = (nu * ratio - 1) / (1 + ratio) / sigma
        by_nu = digamma((nu + 1) / 2) - digamma(nu / 2) - 1 / nu - np.log1p(ratio)
        by_nu += (nu + 1) / nu * ratio / (1 + ratio)
        return [float(weights @ by_sigma), float(weights @ by_nu / 2)]

    def draw(self, rng: np.random.Generator, mu: Array, weights: Array, dispersion) -> Array:
        spread, nu = dispersion
        return mu + np.sqrt(spread) * rng.standard_t(np.broadcast_to(nu, np.shape(mu)))

    def frozen(self, mu: Array, weights: Array, dispersion) -> Any:
        return scipy.stats.t(dispersion[1], mu, np.sqrt(dispersion[0]))

    def latex(self, mean: str, beside: tuple[str, ...], weight: str) -> str:
        return rf"\mathrm{{t}}\left({beside[1]}, {mean}, {beside[0]}^{{2}}\right)"

    def spread_in_words(self, dispersion: float) -> str:
        sigma, nu = self.told(dispersion)
        return f"The scale of the residuals is {sigma:.4g}, with {nu:.3g} degrees of freedom: far ones are no surprise."
