"""How well the modes fit: A = −2 log p(y | û) + a penalty for |û|², with a dispersion and without.

Binomial and Poisson responses have no dispersion φ, and A is −2 log p(y | û) + |û|².

A Gaussian response has one. The group effects are relative to σ = √φ, so A = −2 log p(y | û, φ) + |û|²/φ,
with φ at its best value (D + |û|²)/n, D the deviance. With the identity link that is the linear mixed
model's criterion.

For a Gamma response A is lme4's: φ = D/n, nothing divided by it, and 2 added, as R's `Gamma()$aic` does.
That is no likelihood of one model, and the standard deviations between groups come out too small.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import digamma

from .pirls import Response

GAMMA_MESSAGE = (
    "The criterion of this Gamma model is the one lme4 uses, which compares the group effects with 1 instead "
    "of with the dispersion: SDs between groups, and standard errors with them, may be far off."
)


class Fit(NamedTuple):
    """A, its derivatives by the deviance D and by |û|², and σ (1 where there is no dispersion)."""

    value: float
    by_deviance: float
    by_penalty: float
    sigma: float


def penalised_fit(response: Response, mu: np.ndarray, penalty: float) -> Fit:
    """A at the means that belong to the modes, and the penalty |û|²."""
    by_family = {"gaussian": _gaussian, "gamma": _gamma}
    return by_family.get(response.family.name, _without_dispersion)(response, mu, penalty)


def _without_dispersion(response: Response, mu: np.ndarray, penalty: float) -> Fit:
    loglik = response.constant + response.family.kernel(response.y, mu, response.weights)
    return Fit(penalty - 2.0 * loglik, 1.0, 1.0, 1.0)


def _gaussian(response: Response, mu: np.ndarray, penalty: float) -> Fit:
    n, y, weights = len(mu), response.y, response.weights
    phi = (float(np.sum(response.family.deviance(y, mu, weights))) + penalty) / n
    value = n * (1.0 + np.log(2.0 * np.pi * phi)) - np.sum(np.log(weights))
    return Fit(float(value), 1.0 / phi, 1.0 / phi, float(np.sqrt(phi)))


def _gamma(response: Response, mu: np.ndarray, penalty: float) -> Fit:
    family, y, weights = response.family, response.y, response.weights
    shape = float(np.sum(weights) / np.sum(family.deviance(y, mu, weights)))
    by_deviance = 2.0 * shape**2 * (np.log(shape) - digamma(shape))
    pearson = float(np.sum(family.pearson_residuals(y, mu, weights) ** 2))
    value = penalty + 2.0 - 2.0 * family.loglik(y, mu, weights, 1.0 / shape)
    return Fit(value, float(by_deviance), 1.0, float(np.sqrt((pearson + penalty) / len(y))))
