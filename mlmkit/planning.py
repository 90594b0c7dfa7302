"""Before there are data: simulate from given numbers, and plan a study with them.

A model with numbers that were given, not estimated, is a fit like any other: it simulates, and its power is that of
`fit.power`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .design import Block, Design, build_design
from .engine import fit_glm, fit_glmm, fit_lm, fit_lmm
from .engine.covariance import lower_triangular, theta_from_factors
from .engine.estimates import Estimates
from .errors import DataError, did_you_mean
from .families import Family
from .fits import Fit, FlatFit, MixedFit
from .formula import parse_formula
from .frames import as_frame
from .habits import answers
from .inference import power as powers
from .inference import simulate as simulations
from .spec import Spec
from .words import listed

#: Numbers by name, in order, or one alone.
Numbers: TypeAlias = Mapping[str, Any] | Sequence[float] | pd.Series | float | None


@answers
def simulate(
    formula: str,
    data: pd.DataFrame,
    fixef: Numbers,
    sd: Numbers = None,
    cor: Numbers = None,
    sigma: float | None = None,
    family: str | Family = "gaussian",
    n: int = 1,
    seed=None,
    dispersion: float | None = None,
) -> pd.DataFrame:
    """Responses of a model whose numbers are given, not estimated.

    Parameters
    ----------
    formula
        As for `lm`, `glm`, `lmer` or `glmer`.
    data
        The study's rows: predictors and groups. The response need not be there; a binomial one with trials needs
        its trials.
    fixef
        The coefficients b: by name, `{"Intercept": 250, "Days": 4}`, or in order.
    sd
        The SDs τ across groups: `{"Subject": {"Intercept": 25, "Days": 6}}` or, in order, `{"Subject": [25, 6]}`; with
        one grouping factor its name may be left out.
    cor
        The correlations, 0 by default: `{"Subject": 0.1}` or a matrix for more than two coefficients.
    sigma
        The residual SD of a normal response.
    family, dispersion
        As for `glmer`; a negative binomial's size, a gamma's dispersion.
    n, seed
        How many responses; the same seed gives the same ones.

    Returns
    -------
    DataFrame
        (rows, n), columns `sim_1` …, as `fit.simulate` gives them.

    Raises
    ------
    DataError
        Naming the number that is missing, unknown or impossible.
    """
    return simulations.simulate(assumed(formula, data, fixef, sd, cor, sigma, family, dispersion), n, seed)


@answers
def plan(
    formula: str,
    data: pd.DataFrame,
    fixef: Numbers,
    sd: Numbers = None,
    cor: Numbers = None,
    sigma: float | None = None,
    family: str | Family = "gaussian",
    *,
    term: str,
    effect: float | None = None,
    dispersion: float | None = None,
    **options,
) -> powers.Power:
    """The power of a study that is yet to be made.

    Parameters
    ----------
    formula, data, fixef, sd, cor, sigma, family, dispersion
        As for `simulate`.
    term, effect
        The coefficient to be found and its true value; by default the one in `fixef`.
    **options
        `groups`, `rows`, `n`, `seed`, `ddf`, `level`, `cost`, `workers`, `progress`: as for `fit.power`.

    Returns
    -------
    Power
        Prints as its `.table`; `.plot()` draws the curve.

    Examples
    --------
    >>> days = pd.DataFrame({"person": np.repeat(range(18), 10), "day": np.tile(range(10), 18)})
    >>> plan("ms ~ day + (day|person)", days, fixef=[250, 4], sd=[25, 6], sigma=26,
    ...      term="day", groups={"person": [10, 18, 24]}, n=1000, seed=1)
    """
    return powers.power(
        assumed(formula, data, fixef, sd, cor, sigma, family, dispersion), term, effect, **options
    )


def assumed(
    formula: str,
    data: pd.DataFrame,
    fixef: Numbers,
    sd: Numbers = None,
    cor: Numbers = None,
    sigma: float | None = None,
    family: str | Family = "gaussian",
    dispersion: float | None = None,
) -> Fit:
    """A model with given numbers in the form of a fit, which was fitted to nothing. Arguments as for `simulate`."""
    spec = parse_formula(formula, family)
    frame = _with_response(spec, as_frame(data, spec.predictors))
    design = build_design(spec, frame)
    beta = _coefficients(design, fixef)
    sigma, dispersion = _sigma_and_dispersion(spec.family, sigma, dispersion)
    factors = [_factor(block, sigma, sd, cor, design) for block in design.blocks]
    estimates = Estimates(
        beta=beta,
        vcov=np.full((len(beta), len(beta)), np.nan),
        theta=theta_from_factors(factors) if factors else np.zeros(0),
        sigma=sigma,
        dispersion=dispersion,
        modes=tuple(np.zeros((len(block.levels), len(block.names))) for block in design.blocks),
        criterion=np.nan,
        loglik=np.nan,
        reml=spec.family.is_linear and bool(design.blocks),
        linear_predictor=np.zeros(len(design.y)),
        fitted=np.zeros(len(design.y)),
    )
    kind = MixedFit if design.blocks else FlatFit
    return kind(design, estimates, frame, _estimator(spec))


def _estimator(spec: Spec):
    if spec.random:
        return partial(fit_lmm, reml=True) if spec.family.is_linear else partial(fit_glmm, n_agq=1)
    return fit_lm if spec.family.is_linear else fit_glm


def _with_response(spec: Spec, data: pd.DataFrame) -> pd.DataFrame:
    """The data with a response where they have none; its values do not matter."""
    missing = [name for name in spec.response.columns if name not in data.columns]
    value = 0.0 if spec.response.failures else 1.0
    return data.assign(**dict.fromkeys(missing, value))


def _coefficients(design: Design, fixef: Numbers) -> np.ndarray:
    return _in_order("fixef", fixef, design.fixed_names)


def _in_order(what: str, values: Numbers, names: Sequence[str]) -> np.ndarray:
    """Numbers given by name or in order, as an array in the order of the names."""
    if isinstance(values, Mapping | pd.Series):
        given = {
            ("Intercept" if name == "(Intercept)" else name): value for name, value in dict(values).items()
        }
        for name in given:
            if name not in names:
                raise DataError(
                    f"{what}: {name!r} is none of {listed(names, 12)}.{did_you_mean(str(name), names)}"
                )
        lacking = [name for name in names if name not in given]
        if lacking:
            raise DataError(
                f"{what} lacks {listed(lacking, 12)}: give a number for each of {listed(names, 12)}."
            )
        values = [given[name] for name in names]
    array = np.atleast_1d(_floats(what, values))
    if array.shape != (len(names),):
        raise DataError(f"{what} has {array.size} numbers; there are {len(names)}: {listed(names, 12)}.")
    return array


def _floats(what: str, values) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"{what} takes numbers, not {values!r}.") from None
    if not np.isfinite(array).all():
        raise DataError(f"{what} takes finite numbers, not {values!r}.")
    return array


def _sigma_and_dispersion(
    family: Family, sigma: float | None, dispersion: float | None
) -> tuple[float, float | None]:
    """σ and the dispersion, as a fit of this family has them."""
    if family.is_linear:
        if sigma is None or not sigma > 0:
            raise DataError(f"sigma={sigma!r}: a normal response needs its residual SD, a number above 0.")
        return float(sigma), None
    if not family.has_dispersion:
        return 1.0, None
    given = sigma**2 if dispersion is None and sigma is not None and family.has_sigma else dispersion
    if given is None or not given > 0:
        raise DataError(f"dispersion={given!r}: the {family.name} family needs it, a number above 0.")
    return (float(np.sqrt(given)) if family.has_sigma else 1.0), float(given)


# -- the covariance across groups -----------------------------------------------------------------------------


def _factor(block: Block, sigma: float, sd: Numbers, cor: Numbers, design: Design) -> np.ndarray:
    """Λ of a block, with Σ = σ²ΛΛᵀ."""
    names = [name for one in design.blocks if one.group == block.group for name in one.names]
    given = _of_group("sd", sd, block, design)
    if given is None:
        raise DataError(f"sd lacks {block.group!r}: give the SDs of {listed(names)} across its groups.")
    taus = dict(zip(names, _in_order(f"sd of {block.group}", given, names), strict=True))
    tau = np.array([taus[name] for name in block.names])
    if (tau < 0).any():
        raise DataError(f"sd of {block.group}: an SD is not negative; {tau.min():g} is.")
    return tau[:, None] * _cholesky(_correlation(block, _of_group("cor", cor, block, design))) / sigma


def _of_group(what: str, values: Numbers, block: Block, design: Design):
    """What was given for one grouping factor; with one factor its name may be left out."""
    groups = list(dict.fromkeys(one.group for one in design.blocks))
    if isinstance(values, Mapping):
        strange = [name for name in values if name not in groups]
        if not strange:
            return values.get(block.group)
        if len(groups) > 1 or what == "cor":
            raise DataError(
                f"{what}: {strange[0]!r} is no grouping factor of this model.{did_you_mean(str(strange[0]), groups)}"
            )
    elif values is not None and len(groups) > 1:
        raise DataError(f"{what}: say of which grouping factor, {{{groups[0]!r}: …, {groups[1]!r}: …}}.")
    return values


def _correlation(block: Block, given) -> np.ndarray:
    size = len(block.names)
    if given is None or size == 1:
        return np.eye(size)
    array = _floats(f"cor of {block.group}", given)
    matrix = array
    if array.ndim < 2:
        below = np.tril_indices(size, -1)
        if array.size not in (1, len(below[0])):
            raise DataError(
                f"cor of {block.group} has {array.size} numbers; there are {len(below[0])} correlations."
            )
        matrix = np.eye(size)
        matrix[below] = array
        matrix = matrix + np.tril(matrix, -1).T
    valid = matrix.shape == (size, size) and np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1)
    if not valid or np.linalg.eigvalsh(matrix)[0] < -1e-10:
        raise DataError(f"cor of {block.group} is no correlation matrix of {listed(block.names)}: {given!r}.")
    return matrix


def _cholesky(matrix: np.ndarray) -> np.ndarray:
    """The lower triangular root, of a singular matrix too."""
    values, vectors = np.linalg.eigh(matrix)
    return lower_triangular(vectors * np.sqrt(np.maximum(values, 0)))
