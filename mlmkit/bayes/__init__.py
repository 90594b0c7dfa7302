"""Bayesian multilevel models from the same specification: priors, log posterior, sampler, posterior."""

from . import checks, exchange, predictive, report, reweight  # noqa: F401  (give Posterior its verbs)
from .model import brm, prior_table
from .posterior import Posterior
from .priors import Prior
from .pymc_view import PymcModel, pymc_model

__all__ = ["Posterior", "Prior", "PymcModel", "brm", "prior_table", "pymc_model"]
