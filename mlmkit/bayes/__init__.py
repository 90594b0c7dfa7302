"""Bayesian multilevel models from the same specification: priors, log posterior, sampler, posterior."""

from .compare import compare
from .model import brm, prior_table
from .posterior import Posterior
from .priors import Prior
from .pymc_view import PymcModel, pymc_model

__all__ = ["Posterior", "Prior", "PymcModel", "brm", "compare", "prior_table", "pymc_model"]
