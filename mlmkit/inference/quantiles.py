"""Quantiles of an observation whose linear predictor is itself uncertain: a mixture over a normal η."""

from __future__ import annotations

import numpy as np
import scipy

from ..families import Family
from .over_groups import means_in_range

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
    mu = means_in_range(family, eta[:, None] + sd[:, None] * z, np.full(NODES, 1 / NODES))
    frozen = family.distribution.frozen(mu, weights[:, None], dispersion)
    values = np.array([_invert(frozen, p, family.distribution.discrete) for p in probabilities])
    return values / weights if family.counts_trials else values


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
