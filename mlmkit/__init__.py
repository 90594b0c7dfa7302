"""Multilevel models: a course kit. One specification, every view.

    import mlmkit as mk
    sleep = mk.load_data("sleepstudy")
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", sleep)
    print(fit.summary())

The public face is what this module lists in `__all__`.
"""

from . import inference as _inference  # noqa: F401  attaches confint(), predict(), … to the fits
from . import plots, style, widgets
from . import summary as _summary  # noqa: F401  attaches summary() and tidy() to the fits
from .bayes import brm, prior_table, pymc_model
from .check import check
from .datasets import datasets, load_data
from .diagrams import display as _display
from .diagrams.describe import describe
from .diagrams.equation import equation
from .diagrams.matrices import matrices
from .diagrams.network import network
from .diagrams.structure import structure
from .errors import DataError, FitWarning, FormulaError, MlmkitError
from .families import Family
from .formula import parse_formula
from .inference import anova
from .models import glm, glmer, lm, lmer
from .spec import Spec
from .widgets import *  # noqa: F403  (its __all__ is part of ours)

_display.install()  # in a notebook, pictures bring their words

__version__ = "0.1.0"

__all__ = [  # noqa: PLE0604  (names, all of them)
    "DataError",
    "Family",
    "FitWarning",
    "FormulaError",
    "MlmkitError",
    "Spec",
    "anova",
    "brm",
    "check",
    "datasets",
    "describe",
    "equation",
    "glm",
    "glmer",
    "lm",
    "lmer",
    "load_data",
    "matrices",
    "network",
    "parse_formula",
    "plots",
    "prior_table",
    "pymc_model",
    "structure",
    "style",
    *widgets.__all__,
]
