"""Minimising the criterion: descent on θ without bounds, and the proof that it ends at a minimum.

θ has no bounds because signs of columns of Λ do not matter. What does matter: the derivative by an empty
column of Λ is zero whatever the data say, so a search can stop where a variance is zero that should not
be. Here a search is over only when the gradient is zero *and* the second derivatives show no direction
downhill; an empty column is moved to the right, a direction downhill is followed, and the search goes on.

Where the objective offers its second derivatives cheaply (`linear.curvature`), the descent is Newton's, with
BFGS in between for as long as that does as well; elsewhere it is BFGS (Nocedal & Wright 2006, Numerical
Optimization, chapters 3 and 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..lapack import eigh

#: A search is over when a further step promises to lower the criterion by less than this.
TOLERANCE = 1e-11
#: Where second derivatives are cheap the last steps are Newton's: once a step promises less than NEAR, until EXACT.
NEAR, EXACT = 1e-8, 1e-14
#: Where rounding hides whether a step goes down, as with very small residuals, this promise is small enough.
HIDDEN = 1e-6
#: Differences of the criterion that are nothing but rounding, relative to its size.
ROUNDING = 1e-13
#: What the criterion may rise by when directions with hardly any variance are set to none.
GIVEN_UP = 1e-8
#: New second derivatives are computed while a step promises more than FAR, and later where the last step did
#: not bring the promise below this share of what it was.
FAR, GOOD_STEP = 1e-3, 0.1
#: Most steps in one descent, most descents (from a saddle or a false boundary another one begins), and most
#: evaluations in all: a search that needs more has no minimum to find, or none that double precision shows.
MOST_STEPS, MOST_SEARCHES, MOST_EVALUATIONS = 500, 12, 600
#: Longest change of one parameter in one step, besides the size of the largest: where residuals are small, the
#: parameters, in units of them, are thousands.
LONGEST = 10.0

NOT_CONVERGED = (
    "The search for the variances did not end at a proven minimum, so the estimates may be off: "
    "rescale or centre the predictors, or simplify the random part (chapter 4 takes such a search apart)."
)

#: A point's value and gradient, and, where they are cheap, a function that gives its second derivatives.
Objective = Callable[[np.ndarray], tuple]


@dataclass
class Point:
    """Where the search stands."""

    x: np.ndarray
    value: float
    gradient: np.ndarray
    curvature: Callable[[], np.ndarray] | None = None


@dataclass
class Search:
    """A search's record: the objective, counted, the latest point and metric (inverse Hessian), and when to give up."""

    objective: Objective
    point: Point
    metric: np.ndarray
    evaluations: int = 1
    most: int = MOST_EVALUATIONS

    def at(self, x: np.ndarray) -> Point:
        self.evaluations += 1
        try:
            value, gradient, *curvature = self.objective(x)
        except (FloatingPointError, np.linalg.LinAlgError):
            return Point(x, np.inf, np.full_like(x, np.nan))
        return Point(x, value if np.isfinite(value) else np.inf, gradient, *curvature)

    @property
    def promise(self) -> float:
        """By how much a whole step lowers the criterion, if the metric is right."""
        return 0.5 * float(self.point.gradient @ self.metric @ self.point.gradient)


def begin(objective: Objective, start: np.ndarray, curvature: np.ndarray | None = None) -> Search:
    """A search from `start`, where the Hessian's diagonal is about `curvature`."""
    curvature = np.ones(len(start)) if curvature is None else curvature
    return Search(objective, Point(start, *objective(start)), np.diag(1.0 / curvature))


def minimise(search: Search, canonical: Callable[[np.ndarray], np.ndarray]) -> tuple[bool, np.ndarray]:
    """Descend, and from a saddle or a false boundary again.

    Parameters
    ----------
    search
        From `begin`; its point is where the minimum is found.
    canonical
        Gives the equivalent, or nearly equivalent, point whose gradient hides nothing.

    Returns
    -------
    converged : bool
        Whether the gradient is zero there and no direction leads downhill.
    hessian : (k, k) array
        The second derivatives there.
    """
    near = TOLERANCE if search.point.curvature is None else NEAR
    for _ in range(MOST_SEARCHES):
        if search.evaluations > search.most:
            break
        descend(search, near)
        if moved(search, canonical):
            continue
        H = hessian(search)
        if not np.all(np.isfinite(H)):
            return False, H
        search.metric, downhill = inverse_and_downhill(H)
        if downhill is None or not escape(search, downhill):
            settle(search)
            arrived = descend(search)
            moved(search, canonical)
            return arrived and downhill is None, H
    return False, hessian(search)


def descend(search: Search, tolerance: float = TOLERANCE) -> bool:
    """Go down until a further step promises less than `tolerance`; whether it got there."""
    last, fresh = 0.0, search.point.curvature is None
    for _ in range(MOST_STEPS):
        if search.evaluations > search.most:
            return False
        if not fresh and search.promise > max(min(GOOD_STEP * last, FAR), tolerance):
            search.metric, _ = inverse_and_downhill(search.point.curvature())
        last, fresh = search.promise, search.point.curvature is None
        if not last > tolerance:
            return True
        direction = -search.metric @ search.point.gradient
        new = line_search(search, direction, -2.0 * last)
        if new is None:
            return last <= HIDDEN
        _update(search, new)
        search.point = new
    return False


def settle(search: Search) -> None:
    """A Newton step or two more. They hardly lower the criterion, but the estimates become as exact as the
    derivatives: a test statistic near 0 feels changes that the criterion does not. What is 0 stays so."""
    for _ in range(2):
        point = search.point
        if search.promise <= EXACT:
            return
        step = search.metric @ point.gradient
        new = search.at(np.where(point.x == 0.0, 0.0, point.x - step))
        if new.value > point.value + max(TOLERANCE, ROUNDING * abs(point.value)) or not _flatter(new, point):
            return
        search.point = new


def line_search(search: Search, direction: np.ndarray, slope: float) -> Point | None:
    """A point along `direction` that lowers the criterion enough; None where rounding hides any decrease."""
    point = search.point
    step = min(1.0, longest(point.x) / np.max(np.abs(direction)))
    for _ in range(40):
        new = search.at(point.x + step * direction)
        if new.value <= point.value + 1e-4 * step * slope:
            return _extend(search, new, direction, slope, step)
        if step * np.max(np.abs(direction)) < 1e-12 * (1.0 + np.max(np.abs(point.x))):
            return None
        if abs(new.value - point.value) <= ROUNDING * abs(point.value):
            return new if _flatter(new, point) else None
        step = _shorter(step, slope, new.value - point.value)
    return None


def longest(x: np.ndarray) -> np.ndarray:
    """The longest change of one parameter in a step from (k,) or (k, B) points."""
    return LONGEST + np.max(np.abs(x), axis=0)


def _flatter(new: Point, point: Point) -> bool:
    """Where values agree to rounding, the gradients decide."""
    return bool(np.linalg.norm(new.gradient) < 0.5 * np.linalg.norm(point.gradient))


def _shorter(step: float, slope: float, rise: float) -> float:
    """The minimum of the parabola through value and slope at 0 and value at `step`, within reason."""
    if not np.isfinite(rise):
        return 0.1 * step
    best = -0.5 * slope * step**2 / (rise - slope * step)
    return float(np.clip(best, 0.1 * step, 0.5 * step))


def _extend(search: Search, new: Point, direction: np.ndarray, slope: float, step: float) -> Point:
    """Go further while the descent is as steep as at the start: the metric was too short-sighted."""
    size, most = np.max(np.abs(direction)), longest(search.point.x)
    while float(new.gradient @ direction) < 0.9 * slope and 2.0 * step * size <= most:
        step *= 2.0
        further = search.at(search.point.x + step * direction)
        if not further.value < new.value:
            break
        new = further
    return new


def _update(search: Search, new: Point) -> None:
    """The BFGS update of the metric, skipped where the curvature along the step is not positive."""
    s, y = new.x - search.point.x, new.gradient - search.point.gradient
    curvature = float(s @ y)
    if curvature <= 1e-12 * np.sqrt((s @ s) * (y @ y)):
        return
    left = np.eye(len(s)) - np.outer(s, y) / curvature
    search.metric = left @ search.metric @ left.T + np.outer(s, s) / curvature


def hessian(search: Search, step: float = 1e-4) -> np.ndarray:
    """The second derivatives, if need be by differences of the gradient, one evaluation a parameter."""
    point = search.point
    if point.curvature is not None:
        return point.curvature()
    steps = step * np.maximum(1.0, np.abs(point.x))
    columns = [
        (search.at(point.x + h * unit).gradient - point.gradient) / h
        for h, unit in zip(steps, np.eye(len(steps)), strict=True)
    ]
    H = np.array(columns)
    return 0.5 * (H + H.T)


def inverse_and_downhill(H: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The metric a Hessian gives, and the steepest direction downhill by curvature, None where there is none.

    Negative curvatures count as positive in the metric, and none as flatter than rounding lets it be.
    """
    curvatures, vectors = eigh(H)
    size = np.abs(curvatures)
    largest = max(size.max(), 1e-100)
    metric = (vectors / np.maximum(size, 1e-6 * largest)) @ vectors.T
    return metric, vectors[:, 0] if curvatures[0] < -1e-5 * largest else None


def moved(search: Search, canonical: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Move to the canonical form, if the criterion allows; whether the search must go on from there."""
    x = canonical(search.point.x)
    if np.all(np.abs(x - search.point.x) <= 1e-14 + 1e-12 * np.abs(search.point.x)):
        return False
    there = search.at(x)
    if there.value > search.point.value + GIVEN_UP:
        return False
    search.point = there
    return search.promise > 10 * GIVEN_UP


def escape(search: Search, downhill: np.ndarray) -> bool:
    """Leave a saddle along a direction of negative curvature; whether that lowered the criterion."""
    if downhill @ search.point.gradient > 0:
        downhill = -downhill
    for step in (0.3, 0.1, 0.03, 0.01, 1e-3):
        new = search.at(search.point.x + step * downhill)
        if new.value < search.point.value - TOLERANCE:
            search.point = new
            return True
    return False
