"""The negative binomial distribution of counts that scatter more than a Poisson's: variance μ + μ²/size.

A Poisson count whose mean is itself multiplied by a Gamma number of mean 1 and variance α = 1/size (Hilbe
2011, *Negative Binomial Regression*, 2nd ed., section 8.1). α is searched for by its root, which is that
number's SD: α = 0 is the Poisson distribution, and nothing here divides by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from scipy.special import digamma, gammaln, xlogy

from .distribution import Array, Distribution, Own
from .poisson import not_counts

#: Sizes from which log Γ(size + y) − log Γ(size) is taken from Stirling's series.
LARGE = 100.0
#: Arguments up to which `_gap` is a series, and so many of its coefficients.
SMALL, COEFFICIENTS = 0.1, [(-1) ** k * (k + 1) / (k + 2) for k in range(17)]
#: The smallest 1/size that is told from 0.
LEAST = 1e-9
#: A Gamma number with a smaller SD than this is 1.
NEXT_TO_NOTHING = 1e-8
#: From this size on, values are drawn and looked up as a Poisson's.
POISSON = 1e9

NO_OVERDISPERSION = (
    "The counts scatter no more than a Poisson's around their means, so the size is estimated as infinite and the "
    'model is a Poisson model: fit it with family="poisson" (chapter 9).'
)


class NegativeBinomial(Distribution):
    """Counts with variance μ + μ²/size; the dispersion is the size, ∞ for a Poisson.

    Derivatives "by the dispersion" are by α = 1/size, the coordinate is its root.
    """

    name = "nbinom"
    also = ("negativebinomial", "negbinomial", "negbin", "nb", "nb2", "nbinom2")
    links = ("log", "sqrt", "identity")
    mean_range = (0.0, np.inf)
    separable = ("log",)
    has_dispersion = discrete = True
    words = "a count that may scatter more than a Poisson's (negative binomial)"
    response_is = "a negative binomial response is a count"
    ratio = "rate ratio"
    mean_symbol = r"\lambda"
    symbols = (r"\phi",)
    own = (Own("shape", "inv_gamma(0.4, 0.3)"),)
    dispersion_name = "size"
    pymc = ("NegativeBinomial", "mu=mu, alpha=shape")
    unknown_dispersion = np.inf
    least_coordinate, nothing = 0.1, 0.01

    def refused(self, y: Array) -> Array:
        return not_counts(y)

    def start(self, y: Array, weights: Array) -> Array:
        return y + 0.1

    def coordinate(self, dispersion: float) -> float:
        return float(dispersion**-0.5)

    def from_coordinate(self, coordinate: float) -> float:
        return np.inf if abs(coordinate) < NEXT_TO_NOTHING else coordinate**-2.0

    def coordinate_slope(self, coordinate: float) -> float:
        return 2 * coordinate

    def most_likely(self, y: Array, mu: Array, weights: Array) -> float:
        def slope(alpha: float) -> float:
            by_mean = self.kernel_by_dispersion(y, mu, 1 / alpha)
            return float(weights @ (by_mean + _log_rising_slope(y, 1 / alpha)))

        low = high = max(float(weights @ ((y - mu) ** 2 - mu)) / float(weights @ mu**2), LEAST)
        while low > LEAST and slope(low) < 0:
            low, high = low / 4, low
        if low <= LEAST and slope(LEAST) <= 0:
            return np.inf
        while slope(high) > 0 and high < 1 / LEAST:
            low, high = high, high * 4
        return 1 / float(scipy.optimize.brentq(slope, low, high, xtol=1e-300, rtol=1e-13))

    def variance(self, mu: Array, dispersion) -> Array:
        return mu * (1 + mu / dispersion)

    def variance_slope(self, mu: Array, dispersion) -> Array:
        return 1 + 2 * mu / dispersion

    def variance_curvature(self, mu: Array, dispersion) -> Array:
        return 2 / dispersion + np.zeros_like(mu)

    def variance_by_dispersion(self, mu: Array, dispersion) -> tuple[Array, Array]:
        return mu**2, 2 * mu

    def kernel(self, y: Array, mu: Array, dispersion) -> Array:
        x = mu / dispersion
        return xlogy(y, mu) - mu * _log1p_ratio(x) - y * np.log1p(x)

    def saturated(self, y: Array, dispersion) -> Array:
        return self.kernel(y, y, dispersion)

    def kernel_by_dispersion(self, y: Array, mu: Array, dispersion) -> Array:
        x = mu / dispersion
        return mu**2 * _gap(x) - y * mu / (1 + x)

    def constants(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        return weights * (_log_rising(y, dispersion) - gammaln(y + 1))

    def constants_by_dispersion(self, y: Array, weights: Array, trials: Array, dispersion) -> Array:
        return weights * _log_rising_slope(y, dispersion)

    def from_own(self, *own) -> Any:
        return own[0]

    def own_slope(self, *own: float) -> float:
        return -(own[0] ** -2.0)

    def own_start(self, y: Array) -> tuple[float, ...]:
        return (1.0,)

    def draw(self, rng: np.random.Generator, mu: Array, weights: Array, dispersion) -> Array:
        shape = np.minimum(dispersion, POISSON)
        return rng.poisson(mu * rng.gamma(np.broadcast_to(shape, np.shape(mu))) / shape).astype(float)

    def frozen(self, mu: Array, weights: Array, dispersion) -> Any:
        size = np.minimum(dispersion, POISSON)
        return scipy.stats.nbinom(size, size / (size + mu))

    def messages(self, dispersion: float) -> tuple[str, ...]:
        return (NO_OVERDISPERSION,) if np.isinf(dispersion) else ()

    def latex(self, mean: str, beside: tuple[str, ...], weight: str) -> str:
        return rf"\mathrm{{NegBinomial}}\left(\text{{mean }} {mean}, \text{{size }} {beside[0]}\right)"

    def spread_in_words(self, dispersion: float) -> str:
        if np.isinf(dispersion):
            return "The variance of a count is its mean, as a Poisson's."
        return f"The variance of a count is its mean plus its squared mean divided by {dispersion:.4g}."


def _log1p_ratio(x: Array) -> Array:
    """log(1 + x)/x; 1 at 0."""
    return np.divide(np.log1p(x), x, out=np.ones_like(x), where=x > 0)


def _gap(x: Array) -> Array:
    """(log(1 + x) − x/(1 + x))/x², minus the slope of log(1 + x)/x; ½ at 0."""
    series = np.polynomial.polynomial.polyval(np.minimum(x, SMALL), COEFFICIENTS)
    far = np.maximum(x, SMALL)
    return np.where(x < SMALL, series, (np.log1p(far) - far / (1 + far)) / far**2)


def _log_rising(y: Array, size) -> Array:
    """log Γ(size + y) − log Γ(size) − y log(size) = Σ log(1 + j/size) over j < y."""
    large = np.maximum(size, LARGE)
    x, start = y / large, 1 / large
    end = start / (1 + x)
    by_series = y * (_log1p_ratio(x) - 1) + (y - 0.5) * np.log1p(x) + _stirling(end) - _stirling(start)
    small = np.minimum(size, LARGE)
    return np.where(size > LARGE, by_series, gammaln(small + y) - gammaln(small) - y * np.log(small))


def _stirling(inverse: Array) -> Array:
    """What Stirling's formula lacks of log Γ(1/inverse), to the fifth power."""
    return inverse / 12 - inverse**3 / 360 + inverse**5 / 1260


def _log_rising_slope(y: Array, size) -> Array:
    """The derivative of `_log_rising` by 1/size."""
    large = np.maximum(size, LARGE)
    x, start = y / large, 1 / large
    by_series = y * (y - 0.5) / (1 + x) - y**2 * _gap(x)
    by_series += ((1 + x) ** -2 - 1) / 12 - start**2 * ((1 + x) ** -4 - 1) / 120
    by_series += start**4 * ((1 + x) ** -6 - 1) / 252
    small = np.minimum(size, LARGE)
    by_digamma = small * (y - small * (digamma(small + y) - digamma(small)))
    return np.where(size > LARGE, by_series, by_digamma)
