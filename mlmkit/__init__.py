"""Multilevel models: a course kit. One specification, every view.

    import mlmkit as mk
    sleep = mk.load_data("sleepstudy")
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", sleep)
    print(fit.summary())

The public face is what this module lists in `__all__`.
"""

from . import style
from . import summary as _summary  # attaches summary() and tidy() to the fits
from .check import check
from .datasets import datasets, load_data
from .errors import DataError, FitWarning, FormulaError, MlmkitError
from .families import Family
from .formula import parse_formula
from .models import glm, glmer, lm, lmer
from .spec import Spec

__version__ = "0.1.0"

__all__ = [
    "DataError",
    "Family",
    "FitWarning",
    "FormulaError",
    "MlmkitError",
    "Spec",
    "check",
    "datasets",
    "glm",
    "glmer",
    "lm",
    "lmer",
    "load_data",
    "parse_formula",
    "style",
]
