"""Bayesian multilevel models from the same specification: priors, log posterior, sampler, posterior."""

from . import report  # noqa: F401  (gives Posterior its summary)
from .model import brm, prior_table
from .posterior import Posterior
from .priors import Prior

__all__ = ["Posterior", "Prior", "brm", "prior_table"]
