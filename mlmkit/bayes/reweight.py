"""Other priors without sampling again: the draws stay, their weights change.

A draw that was made under the prior p has the weight p'(draw)/p(draw) under the prior p', the likelihood
being the same. It works as long as the two posteriors overlap; `ess` says how well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .priors import Prior, find_priors
from .record import Posterior, flatten


@dataclass(frozen=True, eq=False)
class Reweighted:
    """The posterior under other priors, by importance weights on the draws already made.

    Attributes
    ----------
    weights : (draws,) array
        Of each draw; they sum to 1.
    ess : float
        How many equally weighted draws they are worth. Below a few hundred, run `brm` again instead.
    table : DataFrame
        group, term, estimate, est_error, lower, upper under the other priors.
    """

    weights: np.ndarray
    ess: float
    table: pd.DataFrame


def reweight(posterior: Posterior, priors, level: float = 0.95) -> Reweighted:
    """What other priors would change, at once and without sampling.

    Parameters
    ----------
    priors
        As for `brm`: all that shall differ from the defaults.
    """
    old, new = posterior.priors, find_priors(posterior.design, priors)
    log_weights = np.zeros(posterior.n_draws)
    for key in _single_keys(posterior):
        if new[key] != old[key]:
            log_weights += _log_prior(new[key], posterior, key) - _log_prior(old[key], posterior, key)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    rows = [(p.group, p.term, *_weighted(p.draws.ravel(), weights, level)) for p in posterior.parameters]
    columns = ["group", "term", "estimate", "est_error", "lower", "upper"]
    return Reweighted(weights, float(1 / (weights**2).sum()), pd.DataFrame(rows, columns=columns))


def _single_keys(posterior: Posterior):
    """The keys of single parameters (of a group's correlations together)."""
    lengths = {"b": 2, "Intercept": 1, "sd": 3, "cor": 2, "sigma": 1}
    return [key for key in posterior.priors.keys if len(key) == lengths[key[0]]]


def _log_prior(prior: Prior, posterior: Posterior, key) -> np.ndarray:
    """(draws,) log density of the parameter's prior, up to a constant that is the same for all draws."""
    design = posterior.design
    if prior.is_flat:
        return np.zeros(posterior.n_draws)
    if key[0] == "cor":
        blocks = zip(design.blocks, posterior.factors, strict=True)
        of_group = [_log_lkj(flatten(L), prior.args[0]) for block, L in blocks if block.group == key[1]]
        return np.sum(of_group, axis=0)
    if key[0] == "Intercept":
        x = flatten(posterior.beta) @ design.X.mean(axis=0)
    elif key[0] == "b":
        x = flatten(posterior.beta)[:, design.fixed_names.index(key[1])]
    else:
        x = posterior.draws["sigma" if key[0] == "sigma" else f"sd_{key[1]}__{key[2]}"].to_numpy()
    return prior.log_density_and_slope(x)[0]


def _log_lkj(L: np.ndarray, eta: float) -> np.ndarray:
    """(η − 1) log|R| of the correlation matrices of covariances LLᵀ."""
    diagonal = np.einsum("dss->ds", L) / np.sqrt((L**2).sum(axis=-1))
    return 2 * (eta - 1) * np.log(diagonal).sum(axis=-1)


def _weighted(x: np.ndarray, weights: np.ndarray, level: float):
    mean = float(weights @ x)
    order = np.argsort(x)
    tail = (1 - level) / 2
    lower, upper = np.interp([tail, 1 - tail], np.cumsum(weights[order]), x[order])
    return mean, float(np.sqrt(weights @ (x - mean) ** 2)), float(lower), float(upper)
