"""The linear mixed model: from a design to its estimates.

The stages are public and can be called one by one:

    criterion = lmm_criterion(design, reml=True)     # one pass over the data
    criterion(theta)                                 # the REML criterion at a θ
    optimum = optimise(criterion)                    # the θ where it is lowest
    estimates = criterion.solve(optimum.theta)       # everything that follows from θ
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...design import Design
from ...errors import DataError
from ..covariance import diagonal_places, factors_from_theta, theta_from_factors, without_traces
from ..estimates import Estimates
from ..random.blocks import sum_by_group
from ..search.hills import Summit, further_starts, highest, may_have_hills, sds_of, two_summits
from ..search.optimise import MOST_EVALUATIONS, NOT_CONVERGED, begin, minimise
from ..search.singular import singular_messages
from ..standardise import Standardised
from .criterion import REPRODUCED, LmmCriterion, lmm_criterion
from .start import starting_theta

#: An SD below this, relative to the residual's, counts as hardly any.
TRACE = 1e-3
#: With no more rows than this, and no more groups in some term, a second search is made.
FEW_ROWS, FEW_GROUPS = 500, 9
#: The largest SD at which another minimum is looked for, in units of a row's noise; and the most group effects with
#: which it is looked for at all, since with more every look is expensive.
LARGEST, MANY_EFFECTS = 300.0, 2000
#: How often a search may begin again where it got stuck, its metric forgotten.
MOST_TRIALS = 4
#: With no more rows than this it is seen whether the fixed part and the groups reproduce the response.
MOST_ROWS_CHECKED = 20_000
#: A refit begins with no smaller standardised SD: at zero the slope is zero.
BARELY = 0.05


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
    rival : Optimum or None
        Another minimum that is nearly as low.
    """

    theta: np.ndarray
    value: float
    gradient: np.ndarray
    converged: bool
    evaluations: int
    rival: Optimum | None = None


def optimise(criterion: LmmCriterion, start: np.ndarray | None = None) -> Optimum:
    """Minimise a criterion over θ.

    Parameters
    ----------
    criterion
        From `lmm_criterion`.
    start : (n_theta,) array, optional
        A θ to start from, and no other. By default a search starts at variances from quadratic forms (MINQUE);
        with few data another starts where every SD is as large as the residual's; and where there may be several
        minima (`search.hills`), further ones start at low places of the criterion.
    """
    if start is not None:
        return _search(criterion, criterion.to_standard(start))
    found = [_search(criterion, starting_theta(criterion.equations, criterion.data.n))]
    if _few_data(criterion.data):
        found.append(_search(criterion, theta_from_factors([np.eye(size) for size in criterion.sizes])))
    best = min(found, key=lambda one: one.value)
    if _may_be_lower_elsewhere(criterion, best):
        end, units = criterion.data.factors(best.theta), np.ones(sum(criterion.sizes))
        starts = further_starts(end, lambda factors: (criterion.at_standard(factors), None), units, LARGEST)
        for factors, _ in starts:
            if sum(one.evaluations for one in found) > MOST_EVALUATIONS:
                break  # a search that finds no end says what further ones would
            found.append(_search(criterion, theta_from_factors(factors)))
    if len(found) == 1:
        return best
    evaluations = sum(one.evaluations for one in found)
    summits = [Summit(one.value, criterion.data.factors(one.theta), one.converged, one) for one in found]
    summit, rival = highest(summits)
    return replace(summit.outcome, evaluations=evaluations, rival=rival and rival.outcome)


def _may_be_lower_elsewhere(criterion: LmmCriterion, end: Optimum) -> bool:
    """Whether a minimum may be another than the lowest: few data, uneven groups, or a search that got stuck."""
    effects = sum(term.n_groups * term.size for term in criterion.data.terms)
    if effects > MANY_EFFECTS or end.evaluations > MOST_EVALUATIONS:
        return False  # too dear; or one search found no end, and others find none
    return not end.converged or several_minima(criterion.design, criterion.data)


def several_minima(design: Design, data: Standardised) -> bool:
    """Whether the criterion may have more than one minimum, whatever the response: few data, or uneven groups."""
    information = (sum_by_group(term.Z**2, term.codes, term.n_groups) for term in data.terms)
    return _few_data(data) or may_have_hills(design, information)


def _few_data(data: Standardised) -> bool:
    """Few rows, and some term with few groups."""
    return data.n <= FEW_ROWS and min(term.n_groups for term in data.terms) <= FEW_GROUPS


def _search(criterion: LmmCriterion, x: np.ndarray) -> Optimum:
    """The minimum that a search from a standard θ leads to; one that gets stuck begins again where it stands."""
    evaluations = 0
    for _ in range(MOST_TRIALS):
        search = begin(criterion.standard, x)
        converged, _ = minimise(search, partial(canonical, sizes=criterion.sizes))
        x, evaluations = search.point.x, evaluations + search.evaluations
        if converged or evaluations > MOST_EVALUATIONS:
            break
    point = search.point
    return Optimum(criterion.from_standard(x), point.value, point.gradient, converged, evaluations)


def canonical(x: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The nearby point without traces of variance, whose gradient hides nothing."""
    return theta_from_factors([without_traces(L, TRACE) for L in factors_from_theta(x, sizes)])


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
        The fixed part, or that and the group effects, reproduce the response exactly.
    """
    return lowest(lmm_criterion(design, reml))


def refit_lmm(criterion: LmmCriterion, y: np.ndarray, theta: np.ndarray) -> Estimates:
    """Fit the model of a criterion to another response (n,), beginning at θ of a fit to a similar one.

    Raises
    ------
    DataError
        As `fit_lmm`.
    """
    again = criterion.with_response(y)
    if several_minima(again.design, again.data):
        return lowest(again)
    x = criterion.to_standard(theta)
    start = criterion.from_standard(np.where(diagonal_places(criterion.sizes), np.maximum(x, BARELY), x))
    estimates = lowest(again, start)
    return estimates if estimates.converged else lowest(again)


def lowest(criterion: LmmCriterion, start: np.ndarray | None = None) -> Estimates:
    """The estimates where a criterion is lowest; `start` as for `optimise`."""
    _refuse_perfect(criterion)
    optimum = optimise(criterion, start)
    return criterion.solve(
        optimum.theta,
        converged=optimum.converged,
        messages=tuple(_messages(criterion, optimum)),
        evaluations=optimum.evaluations,
        gradient=optimum.gradient,
    )


def _messages(criterion: LmmCriterion, optimum: Optimum) -> Iterator[str]:
    if not optimum.converged:
        yield NOT_CONVERGED
    if optimum.rival is not None:
        here, there = (
            criterion.solve(one.theta).sigma * sds_of(factors_from_theta(one.theta, criterion.sizes))
            for one in (optimum, optimum.rival)
        )
        yield two_summits(criterion.design, here, there, optimum.rival.value - optimum.value)
    yield from singular_messages(criterion.design, optimum.theta, [term.R for term in criterion.data.terms])


def _refuse_perfect(criterion: LmmCriterion) -> None:
    """Refuse a response that the fixed part and the group effects, fewer than the rows, reproduce exactly.

    The criterion falls without end as θ grows then, and r², which tends to what least squares with all group effects free would leave over, falls as 1/θ².
    """
    n = criterion.data.n
    if n > MOST_ROWS_CHECKED or criterion.has_an_effect_for_each_row:
        return

    def left(scale: float) -> float:
        return criterion.equations.at([scale * np.eye(size) for size in criterion.sizes]).r2

    try:
        some = left(1e3)
        falls = some < 1e-4 * n and left(1e4) < 0.02 * some
    except (np.linalg.LinAlgError, FloatingPointError):
        return  # effects that the fixed part has already: nothing is told this way
    if falls:
        raise DataError(REPRODUCED)
