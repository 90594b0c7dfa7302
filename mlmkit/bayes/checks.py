"""Holding the model against its data: replicated responses, and leave-one-out cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from scipy.special import logsumexp

from .predictive import predictive
from .record import Posterior


@dataclass(frozen=True, eq=False)
class PredictiveCheck:
    """The response beside responses that the model would give.

    Attributes
    ----------
    y : (n,) array
        What was observed.
    replicated : (draws, n) array
        What might have been.
    """

    y: np.ndarray
    replicated: np.ndarray

    def statistic(self, of: Callable[[np.ndarray], float]) -> tuple[float, np.ndarray]:
        """A statistic of the data, and of each replicate."""
        return float(of(self.y)), np.array([of(row) for row in self.replicated])


def pp_check(
    posterior: Posterior, n: int = 50, groups: str = "all", seed: int | None = None
) -> PredictiveCheck:
    """Data for a posterior predictive check: the response and n replicates of it.

    `groups="all"` replicates the observations in the same groups, `"new"` in new ones.
    """
    return PredictiveCheck(posterior.design.y, predictive(posterior, groups=groups, n=n, seed=seed))


def log_likelihood(posterior: Posterior) -> np.ndarray:
    """(C, D, n) the log density of every observation given its group's effects, for every draw."""
    design, family = posterior.design, posterior.family
    eta = predictive(posterior, kind="link").reshape(*posterior.beta.shape[:2], -1)
    distribution = family.distribution
    dispersion = posterior.dispersions(axes=1)
    density = design.weights * distribution.kernel(design.y, family.mean(eta), dispersion)
    return density + distribution.constants(design.y, design.weights, design.trials, dispersion)


def loo(posterior: Posterior) -> pd.Series:
    """Leave-one-out cross-validation by Pareto-smoothed importance sampling.

    Returns
    -------
    Series
        elpd_loo, se, p_loo, looic, and high_k: for how many observations the shape k̂ is above 0.7, so that
        the approximation is not to be trusted.

    References
    ----------
    Vehtari, Gelman & Gabry (2017). Stat. Comput. 27(5), 1413–1432.
    """
    return summed_loo(posterior.formula, *pointwise_loo(posterior))


def summed_loo(name: str, elpd: np.ndarray, in_sample: np.ndarray, k: np.ndarray) -> pd.Series:
    """`loo`, from what `pointwise_loo` says of each row."""
    total = float(elpd.sum())
    values = [total, error_of_sum(elpd), float(in_sample.sum()) - total, -2 * total, int(np.sum(k > 0.7))]
    return pd.Series(values, ["elpd_loo", "se", "p_loo", "looic", "high_k"], name=name)


def error_of_sum(rows: np.ndarray) -> float:
    """The standard error of a sum over rows."""
    return float(np.sqrt(len(rows) * rows.var()))


def pointwise_loo(posterior: Posterior) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every row the log predictive density without it, with it, and the shape k̂ of its importance weights."""
    log_density = log_likelihood(posterior).reshape(posterior.n_draws, -1).T
    log_weights, k = array_stats.psislw(log_density)  # turns the sign itself
    elpd = logsumexp(log_density + log_weights, axis=1)
    in_sample = logsumexp(log_density, axis=1) - np.log(posterior.n_draws)
    return elpd, in_sample, np.asarray(k)
