"""Many functions of the same form minimised side by side: `optimise` with a trailing axis.

Every array's last axis is that of the functions. What happens to one of them does not depend on the others, but
for rounding, and functions that have arrived leave the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .optimise import GIVEN_UP, HIDDEN, MOST_SEARCHES, ROUNDING, TOLERANCE, longest

#: Most steps of one descent, and most trials of one step.
MOST_STEPS, MOST_TRIALS = 200, 30
#: Step of the differences that make second derivatives.
DIFFERENCE = 1e-4

#: Values (b,) and gradients (k, b) at points (k, b), of the functions at these positions (b,).
Objective = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass
class Many:
    """Where the searches stand.

    Attributes
    ----------
    objective
    x, gradient : (k, B) array
    value : (B,) array
    hessian, metric : (k, k, B) array
        The second derivatives, and about their inverse.
    arrived : (B,) boolean array
        Whether the last descent ended where it should.
    evaluations : (B,) array
    """

    objective: Objective
    x: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    metric: np.ndarray
    arrived: np.ndarray
    evaluations: np.ndarray

    def at(self, x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not len(rows):
            return np.zeros(0), np.zeros_like(x)
        self.evaluations[rows] += 1
        value, gradient = self.objective(x, rows)
        return np.where(np.isfinite(value), value, np.inf), gradient

    def move(self, rows: np.ndarray, x: np.ndarray, value: np.ndarray, gradient: np.ndarray) -> None:
        self.x[:, rows], self.value[rows], self.gradient[:, rows] = x, value, gradient

    def promise(self, rows: np.ndarray) -> np.ndarray:
        """By how much a whole step lowers each function, if its metric is right."""
        g = self.gradient[:, rows]
        return 0.5 * _inner(g, _times(self.metric[:, :, rows], g))


def begin_many(objective: Objective, start: np.ndarray, metric: np.ndarray | None = None) -> Many:
    """Searches from (k, B) starting points, with a metric (k, k) for all of them or each with its own."""
    k, B = start.shape
    value, gradient = objective(start, np.arange(B))
    value, unknown = np.where(np.isfinite(value), value, np.inf), np.full((k, k, B), np.nan)
    many = Many(
        objective, start.copy(), value, gradient, unknown, unknown.copy(), np.zeros(B, bool), np.ones(B, int)
    )
    if metric is None:
        hessians_many(many, np.flatnonzero(np.isfinite(value)))
    else:
        many.metric[:] = metric[:, :, None]
    return many


def minimise_many(many: Many, canonical: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Descend, and from a saddle or a false boundary again; which of the ends are proven minima.

    Parameters
    ----------
    many
        From `begin_many`; its points are where the minima are found.
    canonical
        Gives the equivalent, or nearly equivalent, points (k, b) whose gradients hide nothing.

    Returns
    -------
    converged : (B,) boolean array
    """
    converged, rows = np.zeros(len(many.value), bool), np.flatnonzero(np.isfinite(many.value))
    for _ in range(MOST_SEARCHES):
        descend_many(many, rows)
        again = _moved(many, rows, canonical)
        still = rows[~again]
        downhill = hessians_many(many, still)
        saddle = downhill.any(axis=0)
        escaped = np.zeros(len(still), bool)
        escaped[saddle] = _escape(many, still[saddle], downhill[:, saddle])
        done = still[~saddle]
        descend_many(many, done)
        _settle(many, done)
        converged[done] = many.arrived[done]
        rows = np.concatenate([rows[again], still[escaped]])
        if not len(rows):
            break
    return converged


def descend_many(many: Many, rows: np.ndarray) -> None:
    """BFGS until a further step promises less than the tolerance."""
    many.arrived[rows] = False
    for _ in range(MOST_STEPS):
        promise = many.promise(rows)
        near = promise <= TOLERANCE
        many.arrived[rows[near]] = True
        going = ~near & np.isfinite(promise)
        rows, promise = rows[going], promise[going]
        if not len(rows):
            return
        direction = -_times(many.metric[:, :, rows], many.gradient[:, rows])
        x, value, gradient, found = _line_search(many, rows, direction)
        many.arrived[rows[~found]] = promise[~found] <= HIDDEN
        rows, x, gradient = rows[found], x[:, found], gradient[:, found]
        _update(many, rows, x, gradient)
        many.move(rows, x, value[found], gradient)


def _line_search(many: Many, rows: np.ndarray, direction: np.ndarray):
    """Points along the directions that lower the functions enough, and where there is one."""
    start, before, slopes = many.x[:, rows], many.value[rows], _inner(direction, many.gradient[:, rows])
    size = np.max(np.abs(direction), axis=0)
    step = np.minimum(1.0, longest(start) / size)
    x, value, gradient = start.copy(), before.copy(), many.gradient[:, rows].copy()
    found, todo = np.zeros(len(rows), bool), np.arange(len(rows))
    for _ in range(MOST_TRIALS):
        there = start[:, todo] + step[todo] * direction[:, todo]
        new, slope = many.at(there, rows[todo])
        rise = new - before[todo]
        even = np.abs(rise) <= ROUNDING * np.abs(before[todo])
        flatter = even & (_length(slope) < 0.5 * _length(gradient[:, todo]))
        good = (rise <= 1e-4 * step[todo] * slopes[todo]) | flatter
        at = todo[good]
        x[:, at], value[at], gradient[:, at], found[at] = there[:, good], new[good], slope[:, good], True
        hopeless = even | (step[todo] * size[todo] < 1e-12 * (1.0 + np.max(np.abs(start[:, todo]), axis=0)))
        left = ~good & ~hopeless
        todo, rise = todo[left], rise[left]
        if not len(todo):
            break
        step[todo] *= _shorter(step[todo], slopes[todo], rise)
    return x, value, gradient, found


def _shorter(step: np.ndarray, slope: np.ndarray, rise: np.ndarray) -> np.ndarray:
    """By what to shorten a step: to the minimum of the parabola through what is known, within reason."""
    with np.errstate(invalid="ignore", divide="ignore"):
        best = -0.5 * slope * step / (rise - slope * step)
    return np.where(np.isfinite(rise), np.clip(best, 0.1, 0.5), 0.1)


def _update(many: Many, rows: np.ndarray, x: np.ndarray, gradient: np.ndarray) -> None:
    """The BFGS update of the metrics, skipped where the curvature along the step is not positive."""
    s, y = x - many.x[:, rows], gradient - many.gradient[:, rows]
    curvature = _inner(s, y)
    ok = curvature > 1e-12 * _length(s) * _length(y)
    rows, s, y, curvature = rows[ok], s[:, ok], y[:, ok], curvature[ok]
    H = many.metric[:, :, rows]
    Hy = _times(H, y)
    factor = (1.0 + _inner(y, Hy) / curvature) / curvature
    cross = s[:, None] * Hy[None]
    many.metric[:, :, rows] = H + factor * s[:, None] * s[None] - (cross + cross.swapaxes(0, 1)) / curvature


def hessians_many(many: Many, rows: np.ndarray) -> np.ndarray:
    """Second derivatives by differences of the gradients; the metrics become their inverses (`inverse_and_downhill`).

    Returns the directions downhill by curvature, (k, b): 0 where there is none.
    """
    k, point, gradient = len(many.x), many.x[:, rows], many.gradient[:, rows]
    H = np.empty((k, k, len(rows)))
    for a in range(k):
        size, there = DIFFERENCE * np.maximum(1.0, np.abs(point[a])), point.copy()
        there[a] += size
        H[a] = (many.at(there, rows)[1] - gradient) / size
    H = np.moveaxis(0.5 * (H + H.swapaxes(0, 1)), -1, 0)
    many.hessian[:, :, rows] = np.moveaxis(H, 0, -1)
    H[~np.all(np.isfinite(H), axis=(1, 2))] = np.eye(k)
    curvatures, vectors = np.linalg.eigh(H)
    size = np.abs(curvatures)
    largest = np.maximum(size.max(axis=1, keepdims=True), 1e-100)
    inverse = 1.0 / np.maximum(size, 1e-6 * largest)
    many.metric[:, :, rows] = np.einsum("bac,bc,bdc->adb", vectors, inverse, vectors)
    return np.where(curvatures[:, :1] < -1e-5 * largest, vectors[:, :, 0], 0.0).T


def _moved(many: Many, rows: np.ndarray, canonical: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Move to the canonical points where the functions allow it; which searches must go on from there."""
    x = canonical(many.x[:, rows])
    other = ~np.all(np.isclose(x, many.x[:, rows], rtol=1e-12, atol=1e-14), axis=0)
    again = np.zeros(len(rows), bool)
    if other.any():
        value, gradient = many.at(x[:, other], rows[other])
        allowed = value <= many.value[rows[other]] + GIVEN_UP
        at = rows[other][allowed]
        many.move(at, x[:, other][:, allowed], value[allowed], gradient[:, allowed])
        again[np.flatnonzero(other)[allowed]] = many.promise(at) > 10 * GIVEN_UP
    return again


def _escape(many: Many, rows: np.ndarray, downhill: np.ndarray) -> np.ndarray:
    """Leave saddles along directions of negative curvature; where that lowered the functions."""
    downhill = downhill * np.where(_inner(downhill, many.gradient[:, rows]) > 0, -1.0, 1.0)
    left = np.ones(len(rows), bool)
    for step in (0.3, 0.1, 0.03, 0.01, 1e-3):
        at = np.flatnonzero(left)
        if not len(at):
            break
        x = many.x[:, rows[at]] + step * downhill[:, at]
        value, gradient = many.at(x, rows[at])
        lower = value < many.value[rows[at]] - TOLERANCE
        many.move(rows[at[lower]], x[:, lower], value[lower], gradient[:, lower])
        left[at[lower]] = False
    return ~left


def _settle(many: Many, rows: np.ndarray) -> None:
    """One Newton step more, too small to be seen in the functions' values, as in `optimise.settle`."""
    point = many.x[:, rows]
    x = np.where(point == 0.0, 0.0, point - _times(many.metric[:, :, rows], many.gradient[:, rows]))
    value, gradient = many.at(x, rows)
    better = np.abs(value - many.value[rows]) <= GIVEN_UP
    better &= _length(gradient) < 0.5 * _length(many.gradient[:, rows])
    many.move(rows[better], x[:, better], value[better], gradient[:, better])


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.einsum("abx,bx->ax", matrices, vectors)


def _inner(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.einsum("ax,ax->x", one, other)


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(_inner(vectors, vectors))
