"""From a fit to what a person may say: intervals, tests, predictions, simulations, diagnostics.

Importing this package attaches its verbs to the fits (`fit.confint()`, `fit.predict()`, …).
"""

from . import (
    bootstrap,
    degrees,
    diagnostics,
    glance,
    icc,
    influence,
    intervals,
    predict,
    profile,
    r2,
    simulate,
)
from .compare import anova
from .newgroup import NewGroup
from .profile import Profile

__all__ = [
    "NewGroup",
    "Profile",
    "anova",
    "bootstrap",
    "degrees",
    "diagnostics",
    "glance",
    "icc",
    "influence",
    "intervals",
    "predict",
    "profile",
    "r2",
    "simulate",
]
