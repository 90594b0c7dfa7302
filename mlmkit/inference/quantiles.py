"""Quantiles of an observation whose linear predictor is itself uncertain: a mixture over a normal η."""

from __future__ import annotations

import numpy as np
import scipy

from ..errors import DataError
from ..families import Family

#: Equally probable values that stand for the normal distribution of η.
NODES = 400


def mixture_quantile(family: Family, eta, sd, weights, dispersion: float, probabilities) -> np.ndarray:
    """For each probability and row the smallest y with P(Y ≤ y) at least that.

    Parameters
    ----------
    eta, sd : (m,) arrays
        Mean and SD of each row's linear predictor.
    weights : (m,) array
        A binomial's trials, whose quantiles come as proportions.
    dispersion : float
        σ² of a gaussian, 1/shape of a gamma.

    Returns
    -------
    (len(probabilities), m) array
    """
    z = scipy.stats.norm.ppf((np.arange(NODES) + 0.5) / NODES)
    mu = family.mean(eta[:, None] + sd[:, None] * z)
    distribution = _distribution(family, mu, weights[:, None], dispersion)
    discrete = family.name in ("binomial", "poisson")
    values = np.array([_invert(distribution, p, discrete) for p in probabilities])
    return values / weights if family.name == "binomial" else values


def _distribution(family: Family, mu, weights, dispersion):
    """scipy's distributions of y given the mean, one for each row and node."""
    if family.name == "binomial":
        return scipy.stats.binom(np.round(weights).astype(int), mu)
    if family.name == "poisson":
        return scipy.stats.poisson(mu)
    if family.name == "gamma":
        return scipy.stats.gamma(1 / dispersion, scale=mu * dispersion)
    if family.name == "gaussian":
        return scipy.stats.norm(mu, np.sqrt(dispersion / weights))
    raise DataError(f"There are no intervals for observations of the {family.name} family.")


def _invert(distribution, probability: float, discrete: bool) -> np.ndarray:
    """Bisection on the mixture's distribution function, between the components' own quantiles."""
    ends = distribution.ppf(probability)
    lower, upper = ends.min(axis=1) - (1 if discrete else 0), ends.max(axis=1)
    for _ in range(60):
        middle = np.floor((lower + upper) / 2) if discrete else (lower + upper) / 2
        enough = distribution.cdf(middle[:, None]).mean(axis=1) >= probability
        lower, upper = np.where(enough, lower, middle), np.where(enough, middle, upper)
        if np.all(upper - lower <= (1 if discrete else 1e-12 * (1 + np.abs(upper)))):
            break
    return upper
