from . import plots as plots
from . import style as style
from . import widgets as widgets
from .bayes import brm as brm
from .bayes import compare as compare
from .bayes import prior_table as prior_table
from .bayes import pymc_model as pymc_model
from .check import check as check
from .datasets import datasets as datasets
from .datasets import load_data as load_data
from .errors import DataError as DataError
from .errors import FitWarning as FitWarning
from .errors import FormulaError as FormulaError
from .errors import MlmkitError as MlmkitError
from .families import Family as Family
from .fits import summary as summary
from .formula import parse_formula as parse_formula
from .inference.compare import anova as anova
from .models import glm as glm
from .models import glmer as glmer
from .models import lm as lm
from .models import lmer as lmer
from .planning import plan as plan
from .planning import simulate as simulate
from .report import table as table
from .showing import show as show
from .spec import Spec as Spec
from .views.describe import describe as describe
from .views.equation import equation as equation
from .views.matrices import matrices as matrices
from .views.network import network as network
from .views.overview import overview as overview
from .views.structure import structure as structure
from .widgets import explore_clustering as explore_clustering
from .widgets import explore_design as explore_design
from .widgets import explore_dropout as explore_dropout
from .widgets import explore_future_batch as explore_future_batch
from .widgets import explore_icc as explore_icc
from .widgets import explore_likelihood as explore_likelihood
from .widgets import explore_loss as explore_loss
from .widgets import explore_odds as explore_odds
from .widgets import explore_plan as explore_plan
from .widgets import explore_plane as explore_plane
from .widgets import explore_pooling as explore_pooling
from .widgets import explore_predictor as explore_predictor
from .widgets import explore_prior as explore_prior
from .widgets import explore_reveal as explore_reveal
from .widgets import explore_weight as explore_weight
from .widgets import lecture as lecture
from .widgets import playground as playground
from .widgets import show_clustering as show_clustering
from .widgets import show_design as show_design
from .widgets import show_dropout as show_dropout
from .widgets import show_future_batch as show_future_batch
from .widgets import show_icc as show_icc
from .widgets import show_likelihood as show_likelihood
from .widgets import show_loss as show_loss
from .widgets import show_odds as show_odds
from .widgets import show_plan as show_plan
from .widgets import show_plane as show_plane
from .widgets import show_playground as show_playground
from .widgets import show_pooling as show_pooling
from .widgets import show_predictor as show_predictor
from .widgets import show_prior as show_prior
from .widgets import show_reveal as show_reveal
from .widgets import show_weight as show_weight

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
