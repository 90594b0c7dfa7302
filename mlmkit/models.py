"""The four ways in: `lm`, `glm`, `lmer`, `glmer`. Formula and data to a fit, in the steps of the course."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from .design import build_design
from .engine import fit_glm, fit_glmm, fit_lm, fit_lmm
from .errors import DataError, FitWarning, FormulaError
from .families import Family
from .fits import Fit, FlatFit, MixedFit
from .formula import parse_formula
from .frames import as_frame
from .habits import answers
from .notices import notices
from .results import estimated
from .spec import Spec

#: The kind of fit that a function gives.
AFit = TypeVar("AFit", bound=Fit)


@answers
def lm(formula: str, data: pd.DataFrame, weights=None) -> FlatFit:
    """A linear model by least squares: y ~ N(Xb, σ²).

    Parameters
    ----------
    formula
        `y ~ x`, with R's operators: `a*b`, `a:b`, `0 + g`, `I(x**2)`, `log(x)`.
    data
        One row per observation; rows with a missing value in a used column are dropped and counted.
    weights
        A column's name or one number for each row: each row's variance is σ²/weight.

    Returns
    -------
    FlatFit
        `help(type(fit))` lists all that can be asked of it.

    Raises
    ------
    FormulaError, DataError
        Naming the variable, the value and what to do.
    """
    spec = _flat(parse_formula(formula), "lmer")
    again = partial(lm, weights=weights)
    return _fit(FlatFit, spec, data, fit_lm, weights, None, again)


@answers
def glm(
    formula: str, data: pd.DataFrame, family: str | Family = "binomial", weights=None, offset=None
) -> FlatFit:
    """A generalized linear model by maximum likelihood.

    Parameters
    ----------
    formula
        As for `lm`; a binomial response is 0/1, `cbind(successes, failures)`, or a proportion with the number of
        trials as weights.
    data
        One row per observation.
    family
        `"binomial"`, `"poisson"`, `"nbinom"`, `"gamma"`, `"inverse.gaussian"`, `"gaussian"`, or with a link
        `"binomial(probit)"`, for which `"probit"` will do.
    weights, offset
        A column's name or one number for each row.

    Returns
    -------
    FlatFit
        As R's `glm` has it: the dispersion of a gamma or inverse Gaussian model is Pearson's χ²/(n − p), its log
        likelihood is taken at deviance/n. A negative binomial's size is estimated, as by MASS's `glm.nb`:
        `fit.dispersion`. A coefficient whose likelihood has no finite maximum (all responses of a group alike, say) is −∞ or ∞,
        with a warning.

    Raises
    ------
    FormulaError, DataError
        Naming the variable, the value and what to do.
    """
    spec = _flat(parse_formula(formula, family), "glmer")
    again = partial(glm, family=spec.family, weights=weights, offset=offset)
    return _fit(FlatFit, spec, data, fit_glm, weights, offset, again)


@answers
def lmer(formula: str, data: pd.DataFrame, reml: bool = True, weights=None, offset=None) -> MixedFit:
    """A linear mixed model: y = Xb + Zγ + ε, γ ~ N(0, Ω), ε ~ N(0, σ²I).

    Parameters
    ----------
    formula
        lme4's notation: `y ~ x + (x|g)`, `(0 + x|g)`, `(x||g)`, `(1|g1/g2)`, `(1|g1:g2)`, several terms.
    data
        One row per observation.
    reml
        Whether θ maximises the restricted likelihood (the default, less biased) or the likelihood (ML).
    weights, offset
        A column's name or one number for each row.

    Returns
    -------
    MixedFit
        `help(type(fit))` lists all that can be asked of it. A fit on the boundary is flagged by `is_singular` and a
        warning that says what it means.

    Raises
    ------
    FormulaError, DataError
        Naming the variable, the value and what to do.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015). Journal of Statistical Software 67(1).
    """
    spec = _multilevel(parse_formula(formula), "lm")
    if not isinstance(reml, bool | np.bool_):
        raise DataError(
            f"reml={reml!r}: it is True for restricted maximum likelihood, False for maximum likelihood."
        )
    again = partial(lmer, reml=reml, weights=weights, offset=offset)
    return _fit(MixedFit, spec, data, partial(fit_lmm, reml=reml), weights, offset, again)


@answers
def glmer(
    formula: str,
    data: pd.DataFrame,
    family: str | Family = "binomial",
    n_agq: int = 1,
    weights=None,
    offset=None,
) -> MixedFit:
    """A generalized linear mixed model by maximum likelihood, the group effects integrated out.

    Parameters
    ----------
    formula, data, weights, offset
        As for `lmer` and `glm`.
    family
        `"binomial"`, `"poisson"`, `"nbinom"`, `"gamma"`, `"inverse.gaussian"`, `"gaussian"`, or with a link
        `"binomial(probit)"`, for which `"probit"` will do. What the distribution has beside its mean, a negative
        binomial's size or a gamma's dispersion, is estimated by maximum likelihood with everything else:
        `fit.dispersion`.
    n_agq
        1 for Laplace's approximation; more for exact integration with that many nodes in each direction, where up
        to three coefficients vary across one grouping factor: adaptive Gauss–Hermite nodes, and from 15 on, for two
        or three coefficients, a lattice around each group's mean effects. Enough are there when more change
        nothing: 7 or 11 with counts or with many rows per group; with 0/1 responses, few rows per group and a large
        SD 25 to 50 for one coefficient and 21 to 31 for two. The time grows with the nodes to the power of the
        coefficients. The log likelihood is the full one either way.

    Returns
    -------
    MixedFit
        `help(type(fit))` lists all that can be asked of it. A warning says where Laplace's approximation, or the number
        of nodes, is in doubt.

    Raises
    ------
    FormulaError, DataError
        Naming the variable, the value and what to do.

    Notes
    -----
    Laplace's approximation takes the expected information for binomial and Poisson models, as lme4 does, and the
    observed for the others, as glmmTMB does: with a canonical link, or many nodes, there is no difference.

    References
    ----------
    Pinheiro & Chao (2006). Journal of Computational and Graphical Statistics 15, 58–81. Trefethen & Weideman (2014).
    SIAM Review 56, 385–458.
    """
    spec = _multilevel(parse_formula(formula, family), "glm")
    again = partial(glmer, family=spec.family, n_agq=n_agq, weights=weights, offset=offset)
    estimator = partial(fit_glmm, n_agq=n_agq)
    return _fit(MixedFit, spec, data, estimator, weights, offset, again, partial(estimator, examine=True))


def _fit(
    kind: type[AFit], spec: Spec, data: pd.DataFrame, estimator, weights, offset, again, first=None
) -> AFit:
    """The first fit, by an estimator that looks more closely than those of refits where there is one."""
    data = as_frame(data, spec.columns)
    design = build_design(spec, data, weights, offset)
    fit = kind(design, estimated(first or estimator, design), data, estimator, again)
    for notice in notices(fit):
        warnings.warn(notice, FitWarning, stacklevel=4)
    return fit


def _flat(spec: Spec, mixed: str) -> Spec:
    _maximised(spec)
    if spec.random:
        raise FormulaError(f"{spec.random[0]} is a random-effects term: fit this model with {mixed}().")
    return spec


def _maximised(spec: Spec) -> None:
    if spec.family.distribution.is_sampled_only:
        raise FormulaError(f"The {spec.family} family is sampled, not maximised: fit it with brm().")


def _multilevel(spec: Spec, flat: str) -> Spec:
    _maximised(spec)
    if not spec.random:
        raise FormulaError(
            f"{spec.formula!r} has no random-effects term such as (1|g): add one, or fit the flat model with {flat}()."
        )
    return spec
