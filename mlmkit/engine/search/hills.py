"""Hills: whether the likelihood has a higher summit than the one a search climbed.

A search proves that nothing beside its end is higher; it cannot see beyond a valley. A second summit comes up
where one group holds most of what the data say of the population, so that the coefficients turn from that
group's to the average of all as an SD grows, and where a coefficient varies around 0, so that the others have
to move far with its SD (Henn & Hodges 2014, Int. Stat. Rev. 82:90–105). There, and only there, the criterion
is looked at along lines of SDs, with everything else at its best, and from each low point a search begins.

SDs are those of standardised regressors, as the searches use them, in units that a criterion says: an SD of 1
makes an effect as large as the noise of one row, or of 1 on the scale of the linear predictor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np

#: Groups are uneven when, by what the data say of each, they count as fewer than this share of their number.
UNEVEN = 0.3
#: More groups than this say enough of an SD to leave no second summit.
MANY_GROUPS = 500
#: Where more coefficients vary than the first number, all SDs are looked at together, none alone; beyond the second
#: number low places are not followed downhill either.
MANY_COEFFICIENTS, TOO_MANY = 4, 8
#: A line's SDs: none, then from the smallest up by this factor.
SMALLEST, FACTOR = 0.1, np.sqrt(10.0)
#: Below this, SDs are no more told apart.
NOTHING = 0.03
#: A search begins from no smaller SD, for at zero the slope is zero.
LEAST = 0.05
#: The correlation that some searches begin with.
LEANING = 0.9
#: Summits whose criteria differ by less are of nearly the same height.
CLOSE = 2.0

#: A place on the lattice of SDs: a position on the ladder for each.
Rungs = tuple[int, ...]
Rest = TypeVar("Rest")
Look = Callable[[list[np.ndarray]], tuple[float, Rest]]


@dataclass(frozen=True, eq=False)
class Summit:
    """Where one search ended.

    Attributes
    ----------
    height
        What summits are compared by, the lower the better: the criterion, as exactly as it is known there.
    factors
        Standardised Λ, term by term.
    converged
        Whether it is proven to be a minimum of the criterion.
    outcome
        What the search hands back.
    """

    height: float
    factors: list[np.ndarray]
    converged: bool
    outcome: Any


def may_have_hills(design, information: Iterable[np.ndarray]) -> bool:
    """Whether more than one summit is to be expected.

    Parameters
    ----------
    design : Design
    information
        What the data say of each group's effects, (s, J) for each term: sums of squared regressors, weighted.
    """
    if max(len(block.levels) for block in design.blocks) > MANY_GROUPS:
        return False
    return any(_around_zero(block, design) for block in design.blocks) or any(map(uneven, information))


def uneven(information: np.ndarray) -> bool:
    """Whether a few of the groups hold most of the information on some coefficient.

    By (Σa)²/Σa², the number of groups of equal information that would count as much.
    """
    counted = information.sum(axis=1) ** 2 / np.maximum((information**2).sum(axis=1), np.finfo(float).tiny)
    return bool(np.min(counted) < UNEVEN * information.shape[1])


def _around_zero(block, design) -> bool:
    """Whether a coefficient varies that the fixed part does not have, so that it varies around 0."""
    missing = [k for k, name in enumerate(block.names) if name not in design.fixed_names]
    if not missing:
        return False
    Z, X = block.Z[:, missing], design.X
    left = Z - X @ np.linalg.lstsq(X, Z, rcond=None)[0] if X.shape[1] else Z
    return bool(np.linalg.norm(left) > 1e-6 * np.linalg.norm(Z))


def sds_of(factors: Sequence[np.ndarray]) -> np.ndarray:
    """The SDs that factors Λ make, (K,): for all coefficients of all terms."""
    return np.concatenate([np.sqrt((Lambda**2).sum(axis=1)) for Lambda in factors])


def diagonal_factors(sds: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """Λ of uncorrelated coefficients."""
    return [np.diag(part) for part in np.split(sds, np.cumsum(sizes)[:-1])]


def further_starts(
    end: Sequence[np.ndarray], look: Look[Rest], units: np.ndarray, largest: float
) -> list[tuple[list[np.ndarray], Rest]]:
    """Where to search for another summit than the one at `end`: standardised Λ, and the rest.

    Parameters
    ----------
    end
        Standardised Λ where a search ended.
    look
        From standardised Λ to the criterion there with everything else at its best, and what that is: the rest
        of a search's starting point.
    units : (K,) array
        Of the standardised SDs.
    largest
        The largest SD looked at, in these units.
    """
    sizes, sds = [len(Lambda) for Lambda in end], sds_of(end) / units
    steps = int(np.ceil(np.log(largest / SMALLEST) / np.log(FACTOR)))
    ladder = np.concatenate([[0.0], SMALLEST * FACTOR ** np.arange(steps + 1)])

    @cache
    def at(rungs: Rungs) -> tuple[float, Rest]:
        return look(diagonal_factors(units * ladder[list(rungs)], sizes))

    here, n = _nearest(sds, ladder), len(ladder)
    low = {_descended(at, place, n) for place in _low_places(at, here, n)} - {here}
    starts = [
        (diagonal_factors(units * np.maximum(ladder[list(rungs)], LEAST), sizes), at(rungs)[1])
        for rungs in sorted(low, key=lambda rungs: at(rungs)[0])
        if np.isfinite(at(rungs)[0])
    ]
    turned = (factors for some in (sds, np.ones(len(sds))) for factors in _leaning(some, units, sizes))
    return starts + [(factors, look(factors)[1]) for factors in turned]


def _nearest(sds: np.ndarray, ladder: np.ndarray) -> Rungs:
    distance = np.abs(np.log((ladder + NOTHING) / (sds[:, None] + NOTHING)))
    return tuple(int(rung) for rung in np.argmin(distance, axis=1))


def _low_places(at: Callable, end: Rungs, n: int) -> Iterator[Rungs]:
    """The low places along lines of SDs, which are no higher than those beside them on the line."""
    for line in _lines(end, n):
        values = np.array([at(rungs)[0] for rungs in line])
        beside = np.concatenate([[np.inf], values, [np.inf]])
        low = np.isfinite(values) & (values <= beside[:-2]) & (values <= beside[2:])
        yield from (line[k] for k in np.flatnonzero(low))


def _lines(end: Rungs, n: int) -> Iterator[list[Rungs]]:
    """Lines of n rungs: all SDs together; and each alone, the others as they ended or none."""
    K = len(end)
    if K > 1:
        yield [(rung,) * K for rung in range(n)]
    if K > MANY_COEFFICIENTS:
        return
    for k in range(K):
        for others in {end, (0,) * K} if K > 1 else {end}:
            yield [(*others[:k], rung, *others[k + 1 :]) for rung in range(n)]


def _descended(at: Callable, place: Rungs, n: int) -> Rungs:
    """The lowest place that steps of one rung of one SD lead down to."""
    while len(place) <= TOO_MANY:
        beside = [
            (*place[:k], rung, *place[k + 1 :])
            for k in range(len(place))
            for rung in (place[k] - 1, place[k] + 1)
            if 0 <= rung < n
        ]
        lowest = min(beside, key=lambda rungs: at(rungs)[0])
        if not at(lowest)[0] < at(place)[0]:
            break
        place = lowest
    return place


def _leaning(sds: np.ndarray, units: np.ndarray, sizes: Sequence[int]) -> Iterator[list[np.ndarray]]:
    """These SDs, large where they are 0, with a term's first coefficient strongly correlated with others."""
    if max(sizes) == 1:
        return
    parts = diagonal_factors(units * np.where(sds < NOTHING, 3.0, np.maximum(sds, 0.3)), sizes)
    for correlation in (LEANING, -LEANING):
        turned = []
        for part in parts:
            factor = np.sqrt(1.0 - correlation**2) * np.eye(len(part))
            factor[:, 0], factor[0, 0] = correlation, 1.0
            turned.append(part @ factor)
        yield turned


def highest(summits: Sequence[Summit]) -> tuple[Summit, Summit | None]:
    """The best summit, proven ones first where heights agree, and another that is nearly as high, if any."""
    best = min(summits, key=lambda one: (round(one.height, 7), not one.converged))
    rivals = [
        one
        for one in summits
        if one.converged and one.height < best.height + CLOSE and _apart(one.factors, best.factors)
    ]
    return best, min(rivals, key=lambda one: one.height, default=None)


def _apart(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    """Whether two sets of covariances differ by more than a tenth."""
    a, b = (np.concatenate([(L @ L.T).ravel() for L in factors]) for factors in (one, other))
    return bool(np.linalg.norm(a - b) > 0.1 * (np.linalg.norm(a) + np.linalg.norm(b)))


def are_alike(one: Sequence[np.ndarray], other: Sequence[np.ndarray], share: float) -> bool:
    """Whether each term's covariances differ by no more than a share of their size, or by next to nothing."""
    covariances = [(L @ L.T, M @ M.T) for L, M in zip(one, other, strict=True)]
    return all(
        np.linalg.norm(a - b) <= share * (np.linalg.norm(a) + np.linalg.norm(b)) + NOTHING**2
        for a, b in covariances
    )


TWO_SUMMITS = (
    "The likelihood has two maxima of nearly the same height: here the SD of {name} across {group} is {here:.4g}, at the "
    "other it is {there:.4g}, and −2 log likelihood differs by {difference:.2g} only. The data do not decide between the two, so "
    "report both{nodes}; fit.profile() shows the likelihood between them (chapter 4), and mk.brm() weighs them with a "
    "prior (chapter 8)."
)


def two_summits(design, here: np.ndarray, there: np.ndarray, difference: float, nodes: str = "") -> str:
    """The sentence on another summit of nearly the same height.

    Parameters
    ----------
    design : Design
    here, there
        (K,) the SDs of all coefficients of all blocks, at the best summit and at the other.
    difference
        Of their heights.
    nodes
        What to try where the heights are by an approximation.
    """
    labels = [(name, block.group) for block in design.blocks for name in block.names]
    size = np.maximum(np.maximum(here, there), np.finfo(float).tiny)
    k = int(np.argmax(np.abs(here - there) / size))
    name, group = labels[k]
    return TWO_SUMMITS.format(
        name=name,
        group=group,
        here=here[k],
        there=there[k],
        difference=abs(difference),
        nodes=nodes,
    )
