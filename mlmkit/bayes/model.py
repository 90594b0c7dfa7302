"""`brm`: a formula, data and priors to draws from the posterior."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..design import build_design
from ..errors import FitWarning, FormulaError
from ..families import Family
from ..formula import parse_formula
from ..habits import answers
from ..spec import Spec
from .density import log_posterior
from .posterior import Posterior
from .priors import find_priors
from .sampling import sample


@answers
def brm(
    formula: str,
    data: pd.DataFrame,
    family: str | Family = "gaussian",
    priors: Mapping | None = None,
    chains: int = 4,
    draws: int = 1000,
    tune: int = 1000,
    seed: int | None = None,
    weights=None,
    offset=None,
    cores: int | None = None,
    progress: bool = True,
) -> Posterior:
    """A Bayesian multilevel model: the counterpart of `lmer` and `glmer`, with brms's default priors.

    Parameters
    ----------
    formula, data, weights, offset
        As for `lmer` and `glmer`.
    family
        `"gaussian"`, `"binomial"` or `"poisson"`, or with a link `"binomial(probit)"`.
    priors
        Priors to set, in brms's notation, by class ("Intercept", "b", "sd", "cor", "sigma") or more
        particularly by (class, coef), (class, group) or (class, group, coef):
        `{"b": "normal(0, 10)", ("sd", "Subject", "Days"): "exponential(0.1)", "cor": "lkj(2)"}`.
        Those not set are the defaults (see `mlmkit.bayes.priors`); "Intercept" is at centred predictors.
    chains, draws, tune
        How many chains, and each one's draws kept and draws before those, to tune the sampler.
    seed
        A whole number makes the draws repeatable on one machine; None makes new ones.
    cores
        Processes to use; None for one a chain, at most the machine's cores; 1 for none but this one.
    progress
        Whether to show a progress bar while sampling.

    Returns
    -------
    Posterior
        Divergent trajectories, chains that disagree and too few effective draws are said in a warning.

    Raises
    ------
    FormulaError, DataError, MlmkitError
        Naming the variable, the value and what to do.

    References
    ----------
    Bürkner (2017). brms: an R package for Bayesian multilevel models using Stan. J. Stat. Softw. 80(1).
    """
    spec = supported(parse_formula(formula, family))
    design = build_design(spec, data, weights, offset)
    chosen = find_priors(design, priors)
    runs = sample(log_posterior(design, chosen), chains, draws, tune, seed, cores, progress)
    posterior = Posterior(
        design,
        data,
        chosen,
        beta=np.stack([run.beta for run in runs]),
        factors=_stack([run.factors for run in runs]),
        residual_sd=None if runs[0].sigma is None else np.stack([run.sigma for run in runs]),
        effects=_stack([run.effects for run in runs]),
        diverging=np.stack([run.diverging for run in runs]),
        depth=np.stack([run.depth for run in runs]),
        tune=tune,
    )
    for message in posterior.messages:
        warnings.warn(message, FitWarning, stacklevel=3)
    return posterior


def prior_table(formula: str, data: pd.DataFrame, family="gaussian", priors=None, weights=None, offset=None):
    """The priors that `brm` would use, before any sampling: `posterior.prior` in advance."""
    spec = supported(parse_formula(formula, family))
    return find_priors(build_design(spec, data, weights, offset), priors).table()


def _stack(chains: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    return tuple(np.stack(parts) for parts in zip(*chains, strict=True))


def supported(spec: Spec) -> Spec:
    """The same specification, if its family is one that can be sampled."""
    family = spec.family
    if family.has_dispersion and not family.is_linear:
        raise FormulaError(
            f"brm samples gaussian (identity), binomial and poisson models; this one is {family}. "
            "Take the response's logarithm for a gaussian model of it, or fit it with glmer."
        )
    return spec
