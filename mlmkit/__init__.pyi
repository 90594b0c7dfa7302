from . import plots, style, widgets
from .bayes import brm, compare, prior_table, pymc_model
from .check import check
from .datasets import datasets, load_data
from .errors import DataError, FitWarning, FormulaError, MlmkitError
from .families import Family
from .fits import summary
from .formula import parse_formula
from .inference.compare import anova
from .models import glm, glmer, lm, lmer
from .planning import plan, simulate
from .report import table
from .showing import show
from .spec import Spec
from .views.describe import describe
from .views.equation import equation
from .views.matrices import matrices
from .views.network import network
from .views.overview import overview
from .views.structure import structure
from .widgets import (
    explore_clustering,
    explore_design,
    explore_dropout,
    explore_future_batch,
    explore_icc,
    explore_likelihood,
    explore_loss,
    explore_odds,
    explore_plan,
    explore_plane,
    explore_pooling,
    explore_predictor,
    explore_prior,
    explore_reveal,
    explore_weight,
    lecture,
    playground,
    show_clustering,
    show_design,
    show_dropout,
    show_future_batch,
    show_icc,
    show_likelihood,
    show_loss,
    show_odds,
    show_plan,
    show_plane,
    show_playground,
    show_pooling,
    show_predictor,
    show_prior,
    show_reveal,
    show_weight,
)

__version__: str

__all__ = [
    "DataError",
    "Family",
    "FitWarning",
    "FormulaError",
    "MlmkitError",
    "Spec",
    "anova",
    "brm",
    "check",
    "compare",
    "datasets",
    "describe",
    "equation",
    "explore_clustering",
    "explore_design",
    "explore_dropout",
    "explore_future_batch",
    "explore_icc",
    "explore_likelihood",
    "explore_loss",
    "explore_odds",
    "explore_plan",
    "explore_plane",
    "explore_pooling",
    "explore_predictor",
    "explore_prior",
    "explore_reveal",
    "explore_weight",
    "glm",
    "glmer",
    "lecture",
    "lm",
    "lmer",
    "load_data",
    "matrices",
    "network",
    "overview",
    "parse_formula",
    "plan",
    "playground",
    "plots",
    "prior_table",
    "pymc_model",
    "show",
    "show_clustering",
    "show_design",
    "show_dropout",
    "show_future_batch",
    "show_icc",
    "show_likelihood",
    "show_loss",
    "show_odds",
    "show_plan",
    "show_plane",
    "show_playground",
    "show_pooling",
    "show_predictor",
    "show_prior",
    "show_reveal",
    "show_weight",
    "simulate",
    "structure",
    "style",
    "summary",
    "table",
    "widgets",
]
