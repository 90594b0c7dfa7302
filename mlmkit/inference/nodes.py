"""How many nodes are enough: the log likelihood at a fit's estimates, integrated with more and more of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..engine.generalized.criterion import glmm_criterion
from ..engine.generalized.glmm import check_nodes
from ..engine.generalized.irls import iterate
from ..errors import DataError
from ..results import MixedFit
from .noted import Noted

NOTE = (
    "Log likelihoods at this fit's estimates, and how far each is from the last. Nodes are enough when more change "
    "nothing that matters; then fit again with that n_agq."
)


def nodes(fit: MixedFit, n: Sequence[int] = (1, 5, 11, 25, 51)) -> Noted:
    """How well the log likelihood is integrated with n nodes in each direction, at the fit's estimates.

    Parameters
    ----------
    n
        Numbers of nodes, 1 for Laplace's approximation.

    Returns
    -------
    DataFrame
        One row per number of nodes, the smallest first: loglik, and error, its distance from the last.

    Raises
    ------
    DataError
        For a linear mixed model, whose likelihood is exact, or one with several grouping factors.
    """
    if fit.family.is_linear:
        raise DataError("The likelihood of a linear mixed model is exact: there is nothing to integrate.")
    if not np.all(np.isfinite(fit.estimates.beta)):
        raise DataError(
            "A coefficient is infinite, so there is no likelihood to integrate at these estimates."
        )
    numbers = sorted({int(k) for k in n})
    for k in numbers:
        check_nodes(fit.design, k)
    flat, theta = iterate(fit.design), fit.sigma * fit.theta
    at = theta, fit.estimates.beta, fit.dispersion if fit.family.has_dispersion else None
    values = [-0.5 * glmm_criterion(fit.design, flat, k)(*at) for k in numbers]
    index = pd.Index(numbers, name="n_agq")
    return Noted({"loglik": values, "error": np.array(values) - values[-1]}, index, notes=[NOTE])
