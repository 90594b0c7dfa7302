"""Links: how a mean μ is tied to the linear predictor η, and what is said of each scale.

Adding a link is adding one entry to `LINKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

Array = np.ndarray
EPS = np.finfo(float).eps

# η is kept where its mean differs from the ends of the range, so that no logarithm is infinite.
LOGIT_BOUND, PROBIT_BOUND, CAUCHIT_BOUND = -np.log(EPS), 8.1, 1e14
CLOGLOG_LOWER, CLOGLOG_UPPER = np.log(EPS), np.log(-np.log(EPS))
LOG_BOUND = 690.0
INVERSE_ROOT_2PI = 1 / np.sqrt(2 * np.pi)


@dataclass(frozen=True, eq=False)
class Link:
    """A link: η = `link`(μ), and the mean μ = `mean`(η) with its derivatives in η.

    Attributes
    ----------
    link, mean
        The link and its inverse.
    slope, curvature, third
        The first, second and third derivatives of the mean.
    latex
        The link of a symbol, in LaTeX.
    scale
        Where the mean is modelled, in words; empty for the mean itself.
    pymc
        The mean as PyMC code, of a name `eta`.
    image
        The smallest and the largest mean that any η can give.
    latent_variance
        The variance of the error of the latent variable that a binary response is the sign of, where the
        link has such a variable and the variance is finite.
    """

    link: Callable[[Array], Array]
    mean: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: Callable[[Array], Array]
    third: Callable[[Array], Array]
    latex: Callable[[str], str]
    scale: str
    pymc: str
    image: tuple[float, float] = (-np.inf, np.inf)
    latent_variance: float | None = None


def _within(eta: Array, lower: float, upper: float) -> Array:
    return np.minimum(np.maximum(eta, lower), upper)


def _logistic(eta: Array) -> Array:
    return 1 / (1 + np.exp(-_within(eta, -LOGIT_BOUND, LOGIT_BOUND)))


def _logistic_slope(eta: Array) -> Array:
    tail = np.exp(-np.minimum(np.abs(eta), LOGIT_BOUND))
    return tail / (1 + tail) ** 2


def _logistic_curvature(eta: Array) -> Array:
    return _logistic_slope(eta) * (1 - 2 * _logistic(eta))


def _logistic_third(eta: Array) -> Array:
    slope = _logistic_slope(eta)
    return slope * (1 - 6 * slope)


def _normal_cdf(eta: Array) -> Array:
    return ndtr(_within(eta, -PROBIT_BOUND, PROBIT_BOUND))


def _normal_density(eta: Array) -> Array:
    return INVERSE_ROOT_2PI * np.exp(-0.5 * _within(eta, -PROBIT_BOUND, PROBIT_BOUND) ** 2)


def _cloglog_exp(eta: Array) -> Array:
    return np.exp(_within(eta, CLOGLOG_LOWER, CLOGLOG_UPPER))


def _cloglog_slope(eta: Array) -> Array:
    rate = _cloglog_exp(eta)
    return rate * np.exp(-rate)


def _cauchy_cdf(eta: Array) -> Array:
    return np.arctan2(1.0, -_within(eta, -CAUCHIT_BOUND, CAUCHIT_BOUND)) / np.pi


def _cauchy_density(eta: Array) -> Array:
    return 1 / (np.pi * (1 + _within(eta, -CAUCHIT_BOUND, CAUCHIT_BOUND) ** 2))


def _exp(eta: Array) -> Array:
    return np.exp(_within(eta, -LOG_BOUND, LOG_BOUND))


LINKS = {
    "identity": Link(
        link=lambda mu: mu,
        mean=lambda eta: eta,
        slope=np.ones_like,
        curvature=np.zeros_like,
        third=np.zeros_like,
        latex=lambda mean: mean,
        scale="",
        pymc="eta",
    ),
    "logit": Link(
        link=lambda mu: np.log(mu) - np.log1p(-mu),
        mean=_logistic,
        slope=_logistic_slope,
        curvature=_logistic_curvature,
        third=_logistic_third,
        latex=lambda mean: rf"\log\left(\frac{{{mean}}}{{1 - {mean}}}\right)",
        scale="on the scale of log odds",
        pymc="pm.math.sigmoid(eta)",
        image=(0.0, 1.0),
        latent_variance=np.pi**2 / 3,
    ),
    "probit": Link(
        link=ndtri,
        mean=_normal_cdf,
        slope=_normal_density,
        curvature=lambda eta: -eta * _normal_density(eta),
        third=lambda eta: (eta**2 - 1) * _normal_density(eta),
        latex=lambda mean: rf"\Phi^{{-1}}({mean})",
        scale="on the probit scale",
        pymc="pm.math.invprobit(eta)",
        image=(0.0, 1.0),
        latent_variance=1.0,
    ),
    "cloglog": Link(
        link=lambda mu: np.log(-np.log1p(-mu)),
        mean=lambda eta: -np.expm1(-_cloglog_exp(eta)),
        slope=_cloglog_slope,
        curvature=lambda eta: _cloglog_slope(eta) * (1 - _cloglog_exp(eta)),
        third=lambda eta: _cloglog_slope(eta) * ((1 - _cloglog_exp(eta)) ** 2 - _cloglog_exp(eta)),
        latex=lambda mean: rf"\log(-\log(1 - {mean}))",
        scale="on the scale of the complementary log-log",
        pymc="1 - pm.math.exp(-pm.math.exp(eta))",
        image=(0.0, 1.0),
        latent_variance=np.pi**2 / 6,
    ),
    "cauchit": Link(
        link=lambda mu: -1 / np.tan(np.pi * mu),
        mean=_cauchy_cdf,
        slope=_cauchy_density,
        curvature=lambda eta: -2 * np.pi * eta * _cauchy_density(eta) ** 2,
        third=lambda eta: np.pi**2 * (6 * eta**2 - 2) * _cauchy_density(eta) ** 3,
        latex=lambda mean: rf"\tan\left(\pi \left({mean} - \tfrac{{1}}{{2}}\right)\right)",
        scale="on the cauchit scale",
        pymc="0.5 + pt.arctan(eta) / 3.141592653589793",
        image=(0.0, 1.0),
    ),
    "log": Link(
        link=np.log,
        mean=_exp,
        slope=_exp,
        curvature=_exp,
        third=_exp,
        latex=lambda mean: rf"\log({mean})",
        scale="on the log scale",
        pymc="pm.math.exp(eta)",
        image=(0.0, np.inf),
    ),
    "inverse": Link(
        link=lambda mu: 1 / mu,
        mean=lambda eta: 1 / eta,
        slope=lambda eta: -1 / eta**2,
        curvature=lambda eta: 2 / eta**3,
        third=lambda eta: -6 / eta**4,
        latex=lambda mean: rf"\frac{{1}}{{{mean}}}",
        scale="on the scale of 1 over the mean",
        pymc="1 / eta",
    ),
    # A negative η has no mean here, nor below: its sign is kept, so that `Family.valid` can tell.
    "1/mu^2": Link(
        link=lambda mu: mu**-2.0,
        mean=lambda eta: np.sign(eta) * np.abs(eta) ** -0.5,
        slope=lambda eta: -0.5 * np.abs(eta) ** -1.5,
        curvature=lambda eta: 0.75 * np.sign(eta) * np.abs(eta) ** -2.5,
        third=lambda eta: -1.875 * np.abs(eta) ** -3.5,
        latex=lambda mean: rf"\frac{{1}}{{{mean}^{{2}}}}",
        scale="on the scale of 1 over the squared mean",
        pymc="eta**-0.5",
    ),
    "sqrt": Link(
        link=np.sqrt,
        mean=lambda eta: eta * np.abs(eta),
        slope=lambda eta: 2 * np.abs(eta),
        curvature=lambda eta: 2 * np.sign(eta),
        third=np.zeros_like,
        latex=lambda mean: rf"\sqrt{{{mean}}}",
        scale="on the square-root scale",
        pymc="eta**2",
    ),
}
