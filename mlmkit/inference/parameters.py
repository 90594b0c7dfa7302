"""The parameters of a fit by name, in one order for every table of this package.

Fixed coefficients keep their names; an SD across groups is `sd_Days|Subject`, a correlation
`cor_Intercept.Days|Subject`, the residual SD `sigma`, a negative binomial's `size`. `tidy()` has the same rows in
the same order.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from ..engine import fit_lmm
from ..errors import DataError
from ..habits import value_answer
from ..results import Fit, MixedFit


def parameters(fit: Fit) -> pd.Series:
    """The estimates of b, of the SDs and correlations across groups, and of σ or a size."""
    return pd.Series(parameter_values(fit), parameter_labels(fit))


def parameter_labels(fit: Fit) -> list[str]:
    random = fit.varcorr.itertuples() if isinstance(fit, MixedFit) else ()
    shape = isinstance(fit, MixedFit) and fit.family.has_dispersion and not fit.family.has_sigma
    own = [fit.family.distribution.dispersion_name] if shape else []
    return [*fit.fixef.index, *map(label, random), *own]


def parameter_values(fit: Fit) -> np.ndarray:
    """`parameters` as an array: the order of `fixef` and of `varcorr`."""
    parts = [fit.fixef.to_numpy()]
    if isinstance(fit, MixedFit):
        parts += [sds_and_correlations(Sigma) for Sigma in fit.covariances]
        told = fit.family.distribution.told
        parts += [list(told(fit.dispersion))] if fit.family.has_dispersion else []
    return np.concatenate(parts)


def sds_and_correlations(Sigma: np.ndarray) -> np.ndarray:
    """Of one covariance, (s, s), or of many, (…, s, s): SDs, then correlations, missing where an SD is 0."""
    sd = np.sqrt(np.einsum("...ss->...s", Sigma))
    first, second = np.triu_indices(sd.shape[-1], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = np.clip(Sigma[..., first, second] / (sd[..., first] * sd[..., second]), -1, 1)
    return np.concatenate([sd, correlations], axis=-1)


def label(row) -> str:
    """The name of a row of `varcorr`."""
    if row.term1 is None:
        return "sigma"
    if row.term2 is None:
        return f"sd_{row.term1}|{row.group}"
    return f"cor_{row.term1}.{row.term2}|{row.group}"


def as_ml(fit: Fit) -> Fit:
    """The same model fitted by maximum likelihood; the fit itself unless it was fitted by REML."""
    if not fit.reml:
        return fit
    estimator = partial(fit_lmm, reml=False)
    again = fit.again and partial(fit.again, reml=False)
    return replace(fit, estimator=estimator, estimates=estimator(fit.design), again=again)


def tails(level: float) -> tuple[float, float]:
    """The two probabilities that leave `level` between them."""
    if not (isinstance(level, int | float | np.number) and 0 < level < 1):
        raise DataError(
            f"The level {level!r} is not a probability: give a number between 0 and 1, such as 0.95."
        )
    return (1 - level) / 2, (1 + level) / 2


def check_count(n, of: str, least: int = 1) -> None:
    """Refuse a number of simulated things that is not a whole one, or too small."""
    if not isinstance(n, int | np.integer) or n < least:
        raise DataError(f"n={n!r}: ask for a whole number of {of}, at least {least}.")


def one_of(name: str, value, choices) -> None:
    """Refuse a keyword's value that is not one of its choices."""
    if value not in choices:
        known = ", ".join(repr(choice) for choice in choices)
        raise DataError(
            f"{name}={value!r} is not known here; it can be {known}.{value_answer(name, value, choices)}"
        )
