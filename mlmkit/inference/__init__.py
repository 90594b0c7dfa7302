"""From a fit to what a person may say: intervals, tests, predictions, simulations, diagnostics.

Free functions of a fit, one file each; `mlmkit.fits` makes methods of them.
"""

from . import (
    bootstrap,
    checks,
    compare,
    diagnostics,
    drop,
    glance,
    icc,
    influence,
    intervals,
    margins,
    newgroup,
    nodes,
    parameters,
    power,
    predict,
    profile,
    r2,
    refits,
    simulate,
    tests,
    update,
)

__all__ = [
    "bootstrap",
    "checks",
    "compare",
    "diagnostics",
    "drop",
    "glance",
    "icc",
    "influence",
    "intervals",
    "margins",
    "newgroup",
    "nodes",
    "parameters",
    "power",
    "predict",
    "profile",
    "r2",
    "refits",
    "simulate",
    "tests",
    "update",
]
