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
from .start import starting_theta

#: An SD below this, relative to the residual's, counts as hardly any.
TRACE = 1e-3
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
    optimum = _search(criterion, starting_theta(criterion.equations, criterion.data.n))
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
    search = begin(criterion.standard, x)
    converged, _ = minimise(search, lambda x: without_traces(x, criterion.sizes))
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


def without_traces(theta: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """θ with directions of hardly any variance set to exactly none, and empty columns of Λ last.

    A search comes close to a boundary but never stands on it: a variance of 1e-8 should read zero, a
    correlation of 0.999999 one. And an empty column before a filled one hides a derivative (`shift_left`).
    """
    return theta_from_factors([_reduced(Lambda) for Lambda in factors_from_theta(theta, sizes)])


def _reduced(Lambda: np.ndarray) -> np.ndarray:
    left, size, right = np.linalg.svd(Lambda)
    if size[-1] > TRACE:
        return Lambda
    return lower_triangular((left * np.where(size > TRACE, size, 0.0)) @ right)
