"""Posteriors against each other: which model would predict a row best that it has not seen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError
from ..habits import answers
from ..inference.noted import Noted
from .checks import error_of_sum, pointwise_loo, summed_loo
from .record import Posterior

NOTE = (
    "elpd_diff is the expected log predictive density less that of the best model, se_diff its standard error over the "
    "rows: a difference of less than about two of them says little. high_k counts rows whose importance weights are not "
    "to be trusted."
)


@answers
def compare(*posteriors: Posterior) -> Noted:
    """Models compared by leave-one-out cross-validation, the best first.

    Parameters
    ----------
    *posteriors
        Two or more from `brm`, of the same rows and response.

    Returns
    -------
    DataFrame
        One row per model: elpd_diff and se_diff against the best, elpd_loo, se, p_loo, high_k (see `posterior.loo`).

    Raises
    ------
    DataError
        If something is no posterior, or the rows differ.

    References
    ----------
    Vehtari, Gelman & Gabry (2017). Stat. Comput. 27(5), 1413–1432, section 5.
    """
    _check(posteriors)
    by_row = [pointwise_loo(posterior) for posterior in posteriors]
    summed = [summed_loo(one.formula, *rows) for one, rows in zip(posteriors, by_row, strict=True)]
    table = pd.DataFrame(summed).drop(columns="looic").astype({"high_k": int})
    best = int(np.argmax(table["elpd_loo"]))
    gaps = [elpd - by_row[best][0] for elpd, *_ in by_row]
    table.insert(0, "se_diff", [error_of_sum(gap) for gap in gaps])
    table.insert(0, "elpd_diff", [float(gap.sum()) for gap in gaps])
    return Noted(table.sort_values("elpd_diff", ascending=False, kind="stable"), notes=[NOTE])


def _check(posteriors: tuple[Posterior, ...]) -> None:
    if len(posteriors) < 2:
        raise DataError("compare() takes two posteriors or more.")
    for one in posteriors:
        if not isinstance(one, Posterior):
            raise DataError(
                f"compare() takes posteriors from brm, and {type(one).__name__} is not one; fits are compared with anova()."
            )
        if one.prior_only:
            raise DataError(
                f"{one.formula!r} holds draws from the priors alone, which have seen no row to leave out."
            )
        first = posteriors[0]
        if one.nobs != first.nobs or not np.allclose(one.design.y, first.design.y, rtol=1e-12, atol=0):
            raise DataError(f"{first.formula!r} and {one.formula!r} do not have the same rows and response.")
