"""What pictures of a model's assumptions are drawn from: residuals against fitted values, and Q–Q plots."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from ..results import Fit, MixedFit


def diagnostics(fit: Fit) -> pd.DataFrame:
    """A row for each row used: fitted, resid (response), scaled (in residual SDs) and its normal_quantile.

    Plot `resid` against `fitted` for the mean and the spread, `scaled` against `normal_quantile` for the
    shape.
    """
    scaled = fit.resid("scaled")
    return pd.DataFrame(
        {
            "fitted": fit.fitted,
            "resid": fit.resid("response"),
            "scaled": scaled,
            "normal_quantile": normal_quantiles(scaled.to_numpy()),
        }
    )


def normal_quantiles(values: np.ndarray) -> np.ndarray:
    """For each value the standard normal quantile of its rank, (rank − ½)/n."""
    return scipy.stats.norm.ppf((scipy.stats.rankdata(values, method="ordinal") - 0.5) / len(values))


def group_diagnostics(fit: MixedFit) -> pd.DataFrame:
    """A row for each group and coefficient: are the group effects normal, and which groups stand out?

    Returns
    -------
    DataFrame
        Columns group, level, term, effect (the conditional mode ζ̂), scaled (ζ̂ over the SD that ζ̂ itself
        has across groups, √(τ² − conditional variance)) and normal_quantile (of scaled, within its term).
    """
    frames = []
    for block, modes, covariance, Sigma in zip(
        fit.design.blocks, fit.estimates.modes, fit.conditional_covariance, fit.covariances, strict=True
    ):
        own = np.sqrt(np.maximum(np.diag(Sigma) - np.einsum("jss->js", covariance), 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.where(own > 0, modes / own, np.nan)
        for k, term in enumerate(block.names):
            frames.append(
                pd.DataFrame(
                    {
                        "group": block.group,
                        "level": block.levels,
                        "term": term,
                        "effect": modes[:, k],
                        "scaled": scaled[:, k],
                        "normal_quantile": normal_quantiles(scaled[:, k]),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)
