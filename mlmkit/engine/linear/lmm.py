"""The linear mixed model: from a design to its estimates.

The stages are public and can be called one by one:

    criterion = lmm_criterion(design, reml=True)     # one pass over the data
    criterion(theta)                                 # the REML criterion at a θ
    optimum = optimise(criterion)                    # the θ where it is lowest
    estimates = criterion.solve(optimum.theta)       # everything that follows from θ
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..covariance import factors_from_theta, lower_triangular, theta_from_factors
from ..estimates import Estimates
from ..search.optimise import begin, minimise
from ..search.singular import singular_messages
from .criterion import LmmCriterion, lmm_criterion

#: Up to so many rows, with up to so many groups in some term, a second search is made.
FEW_ROWS, FEW_GROUPS = 500, 9
NOT_CONVERGED = (
    "The search for the variances did not end at a proven minimum, so the estimates may be off: "
    "rescale or centre the predictors, or simplify the random part."
)


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the criterion is lowest.

    Attributes
    ----------
    theta : (n_theta,) array
        In lme4's order.
    value : float
        The criterion there.
    gradient : (n_theta,) array
        Its derivatives, by the θ of the standardised data.
    converged : bool
        The gradient is zero and no direction leads down.
    evaluations : int
        Evaluations of the criterion with its gradient.
    """

    theta: np.ndarray
    value: float
    gradient: np.ndarray
    converged: bool
    evaluations: int


def optimise(criterion: LmmCriterion, start: np.ndarray | None = None) -> Optimum:
    """Minimise a criterion over θ.

    Parameters
    ----------
    criterion
        From `lmm_criterion`.
    start : (n_theta,) array, optional
        A θ to start from; by default variances from quadratic forms (MINQUE), and where few data may leave
        the criterion with more than one minimum, every SD as large as the residual's, too.
    """
    if start is not None:
        return _search(criterion, criterion.to_standard(start))
    optimum = _search(criterion, criterion.system.start())
    if not _few_data(criterion):
        return optimum
    other = _search(criterion, theta_from_factors([np.eye(size) for size in criterion.sizes]))
    best = min(optimum, other, key=lambda one: one.value)
    return replace(best, evaluations=optimum.evaluations + other.evaluations)


def _few_data(criterion: LmmCriterion) -> bool:
    """Few rows, and some term with few groups."""
    return criterion.data.n <= FEW_ROWS and min(term.n_groups for term in criterion.data.terms) <= FEW_GROUPS


def _search(criterion: LmmCriterion, x: np.ndarray) -> Optimum:
    """The minimum that a search from a standard θ leads to."""
    search = begin(criterion.standard, x, initial_curvature(criterion, x))
    converged = minimise(search, lambda x, trace: without_traces(x, criterion.sizes, trace))
    point = search.point
    return Optimum(
        criterion.from_standard(point.x), point.value, point.gradient, converged, search.evaluations
    )


def fit_lmm(design, reml: bool = True) -> Estimates:
    """Fit a linear mixed model.

    Parameters
    ----------
    design : Design
        With at least one random-effects block.
    reml : bool
        Restricted maximum likelihood, or maximum likelihood.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError
        The fixed part reproduces the response exactly.
    """
    criterion = lmm_criterion(design, reml)
    optimum = optimise(criterion)
    messages = singular_messages(design, optimum.theta, [term.R for term in criterion.data.terms])
    if not optimum.converged:
        messages = (NOT_CONVERGED, *messages)
    return criterion.solve(
        optimum.theta,
        converged=optimum.converged,
        messages=messages,
        evaluations=optimum.evaluations,
        gradient=optimum.gradient,
    )


def conditional_covariance(design, estimates: Estimates) -> tuple[np.ndarray, ...]:
    """Covariances of each group's effects given the data, the population coefficients taken as known.

    Returns
    -------
    For each block of the design a (J, s, s) array, in squared units of the response over the regressors'.
    """
    return lmm_criterion(design, estimates.reml).conditional_covariance(estimates.theta)


def initial_curvature(criterion: LmmCriterion, theta: np.ndarray) -> np.ndarray:
    """A scale for the Hessian's diagonal: 4 Σ a/(1 + λ²a) over J groups of a = n/J rows each, λ from Λ."""
    curvatures, n = [], criterion.data.n
    for term, Lambda in zip(criterion.data.terms, factors_from_theta(theta, criterion.sizes), strict=True):
        by_row = 4.0 * n / (1.0 + np.diag(Lambda) ** 2 * (n / term.n_groups))
        curvatures.append(np.tile(by_row[:, None], len(Lambda)))
    return theta_from_factors(curvatures)


def without_traces(theta: np.ndarray, sizes: Sequence[int], trace: float) -> np.ndarray:
    """θ with directions whose SD is below `trace` set to exactly none, and empty columns of Λ last.

    A search comes close to a boundary but never stands on it: a variance of 1e-8 should read zero, a
    correlation of 0.999999 one. And an empty column before a filled one hides a derivative (`shift_left`).
    """
    return theta_from_factors([_reduced(Lambda, trace) for Lambda in factors_from_theta(theta, sizes)])


def _reduced(Lambda: np.ndarray, trace: float) -> np.ndarray:
    left, size, right = np.linalg.svd(Lambda)
    if size[-1] > trace:
        return Lambda
    return lower_triangular((left * np.where(size > trace, size, 0.0)) @ right)
