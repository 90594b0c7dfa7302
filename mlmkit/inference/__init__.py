"""From a fit to what a person may say: intervals, tests, predictions, simulations, diagnostics.

Free functions of a fit, one file each; `mlmkit.fits` makes methods of them.
"""

from . import (
    bootstrap,
    checks,
    compare,
    degrees,
    diagnostics,
    glance,
    icc,
    influence,
    intervals,
    newgroup,
    parameters,
    power,
    predict,
    profile,
    r2,
    simulate,
)

__all__ = [
    "bootstrap",
    "checks",
    "compare",
    "degrees",
    "diagnostics",
    "glance",
    "icc",
    "influence",
    "intervals",
    "newgroup",
    "parameters",
    "power",
    "predict",
    "profile",
    "r2",
    "simulate",
]
