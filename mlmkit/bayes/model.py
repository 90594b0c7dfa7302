"""`brm`: a formula, data and priors to draws from the posterior."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..design import build_design
from ..errors import FitWarning
from ..families import Family
from ..formula import parse_formula
from ..habits import answers
from ..inference.parameters import one_of
from .density import log_posterior
from .posterior import Posterior
from .prior_draws import draw_priors
from .priors import find_priors
from .sampling import Chain, check_numbers, sample
from .store import described, load, path_of, prepare, save


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
    sample_prior: str = "no",
    file=None,
) -> Posterior:
    """A Bayesian multilevel model: the counterpart of `lmer` and `glmer`, with brms's default priors.

    Parameters
    ----------
    formula, data, weights, offset
        As for `lmer` and `glmer`.
    family
        As for `glmer`, and `"student"`: normal measurements with a few far ones. What a distribution has beside its
        mean is called as in brms: `sigma`, `nu` of a student, `shape` of a negative binomial, gamma or inverse
        Gaussian.
    priors
        Priors to set, in brms's notation, by class ("Intercept", "b", "sd", "cor", "sigma", "nu", "shape") or more
        particularly by (class, coef), (class, group) or (class, group, coef):
        `{"b": "normal(0, 10)", ("sd", "Subject", "Days"): "exponential(0.1)", "cor": "lkj(2)"}`.
        Those not set are the defaults (see `mlmkit.bayes.priors`); "Intercept" is at centred predictors.
    chains, draws, tune
        How many chains, and each one's draws kept and draws before those, to tune the sampler.
    seed
        A whole number makes the draws repeatable on one machine; None makes new ones.
    cores
        Processes to use; None for one per chain, at most the machine's cores; 1 for none but this one.
    progress
        Whether to show a progress bar while sampling.
    sample_prior
        `"only"` draws from the priors alone, the response not looked at: `predictive` and `pp_check` then show what
        data the priors expect. Every prior must be a distribution: the default of slopes, which is flat, is none.
    file
        A path to keep the draws in, ending in .npz. Where the file is there already, they are read from it instead of
        sampled, if it is of the same model, data, priors and settings; if not, that is an error.

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
    spec = parse_formula(formula, family)
    design = build_design(spec, data, weights, offset)
    chosen = find_priors(design, priors)
    one_of("sample_prior", sample_prior, ("no", "only"))
    only = sample_prior == "only"
    settings = {"chains": chains, "draws": draws, "tune": tune, "seed": seed, "sample_prior": sample_prior}

    def run() -> list[Chain]:
        if only:
            check_numbers(chains=(chains, 1), draws=(draws, 4))
            return [
                draw_priors(design, chosen, draws, one) for one in np.random.SeedSequence(seed).spawn(chains)
            ]
        return sample(log_posterior(design, chosen), chains, draws, tune, seed, cores, progress)

    runs = run() if file is None else _kept(path_of(file), described(design, chosen, **settings), run)
    posterior = Posterior(
        design,
        data,
        chosen,
        beta=np.stack([run.beta for run in runs]),
        factors=_stack([run.factors for run in runs]),
        own=np.stack([run.own for run in runs]),
        effects=_stack([run.effects for run in runs]),
        diverging=np.stack([run.diverging for run in runs]),
        depth=np.stack([run.depth for run in runs]),
        tune=tune,
        prior_only=only,
    )
    for message in posterior.messages:
        warnings.warn(message, FitWarning, stacklevel=3)
    return posterior


def prior_table(formula: str, data: pd.DataFrame, family="gaussian", priors=None, weights=None, offset=None):
    """The priors that `brm` would use, before any sampling: `posterior.prior` in advance."""
    spec = parse_formula(formula, family)
    return find_priors(build_design(spec, data, weights, offset), priors).table()


def _stack(chains: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    return tuple(np.stack(parts) for parts in zip(*chains, strict=True))


def _kept(path: Path, about: dict, run: Callable[[], list[Chain]]) -> list[Chain]:
    """The chains of a file, which is written first where there is none."""
    if not path.exists():
        prepare(path)
        save(path, about, run())
    return load(path, about)
