"""A fit in one row, in broom.mixed's columns, to stack models under each other."""

from __future__ import annotations

import pandas as pd

from ..results import Fit, FlatFit


def glance(fit: Fit) -> pd.DataFrame:
    """One row: nobs, sigma, logLik, AIC, BIC, then REMLcrit or deviance (−2 logLik), and df.residual.

    df.residual counts rows less parameters, for `lm` and `glm` rows less coefficients.
    """
    row = {"nobs": fit.nobs, "sigma": fit.sigma, "logLik": fit.loglik, "AIC": fit.aic, "BIC": fit.bic}
    row["REMLcrit" if fit.reml else "deviance"] = fit.criterion
    row["df.residual"] = fit.df_resid if isinstance(fit, FlatFit) else fit.nobs - fit.n_parameters
    return pd.DataFrame([row], [fit.formula])
