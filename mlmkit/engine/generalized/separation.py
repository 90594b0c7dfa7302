"""Separation: when a coefficient's likelihood keeps rising all the way to infinity.

A batch without a single tumour is best described by log odds of −∞; whatever number an iteration prints
there only says when it gave up. In general a likelihood has no finite maximum when there is a direction
δ ≠ 0 along which no observation is ever described worse: x_iδ ≥ 0 where everything succeeded, ≤ 0 where
nothing did, and = 0 where there is something of both (Albert & Anderson 1984, Biometrika 71, 1–10).
Whether there is one is a linear programme (Konis 2007, DPhil thesis, Oxford).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy

from ...design import Design, independent_columns
from ..estimates import Estimates

NEAR = 1e-6
TOLERANCE = 1e-7


@dataclass(frozen=True, eq=False)
class Separation:
    """What has no finite maximum.

    Attributes
    ----------
    limits : (p,) array
        −inf, inf, or nan (no limit) for the coefficients concerned; 0 elsewhere.
    rows : (n,) array of bool
        The rows whose η is infinite: they are described perfectly, and say nothing about the rest.
    far : (n,) array
        −inf or inf for those rows.
    columns : array of int
        Columns of X that are independent in the other rows, finite coefficients first.
    message : str
        One sentence, without its full stop.
    """

    limits: np.ndarray
    rows: np.ndarray
    far: np.ndarray
    columns: np.ndarray
    message: str

    @property
    def finite_columns(self) -> np.ndarray:
        """The positions of the coefficients that have a finite maximum."""
        return np.flatnonzero(self.limits == 0)

    def undecided(self, design: Design) -> Design:
        """The design of the rows that are not separated, the finite coefficients' columns first."""
        keep = ~self.rows
        return replace(
            design,
            y=design.y[keep],
            X=design.X[keep][:, self.columns],
            weights=design.weights[keep],
            trials=design.trials[keep],
            offset=design.offset[keep],
            blocks=tuple(replace(block, codes=block.codes[keep], Z=block.Z[keep]) for block in design.blocks),
            fixed_names=tuple(design.fixed_names[k] for k in self.columns),
        )


def looks_separated(design: Design, eta: np.ndarray) -> bool:
    """Whether some row is described almost perfectly, so that it is worth looking for a direction."""
    family = design.spec.family
    if not family.separable or design.X.shape[1] == 0:
        return False
    side = sides(design)
    mu = family.mean(eta)
    return bool(np.any((side < 0) & (mu < NEAR)) or np.any((side > 0) & (mu > 1 - NEAR)))


def sides(design: Design) -> np.ndarray:
    """For every row the direction in which η may go for ever: −1, +1, or 0 for neither."""
    highest = design.spec.family.distribution.mean_range[1]
    return np.where(design.y >= highest, 1.0, np.where(design.y <= 0, -1.0, 0.0))


def find_separation(design: Design) -> Separation | None:
    """The directions in which the likelihood rises for ever; None if every maximum is finite."""
    side = sides(design)
    scale = np.abs(design.X).max(axis=0)
    X = design.X / np.where(scale > 0, scale, 1.0)
    direction = _widest_direction(X, side)
    if direction is None:
        return None
    eta = X @ direction
    rows = np.abs(eta) > TOLERANCE * np.abs(direction).max()
    if not rows.any():  # columns so nearly collinear that the direction is made of rounding errors
        return None
    limits = _limits(X, side, direction, X[~rows])
    finite, rest = np.flatnonzero(limits == 0), np.flatnonzero(limits != 0)
    order = np.concatenate([finite, rest])
    columns = order[independent_columns(design.X[~rows][:, order])] if not rows.all() else order[:0]
    far = np.where(rows, np.copysign(np.inf, eta), 0.0)
    return Separation(limits, rows, far, columns, _message(design, limits, rows))


def _cone(X: np.ndarray, side: np.ndarray) -> dict:
    """The directions that describe no row worse, as constraints of a linear programme (equal rows once)."""
    signed = np.unique(np.column_stack([side, X * np.where(side == 0, 1.0, side)[:, None]]), axis=0)
    free, fixed = signed[signed[:, 0] != 0, 1:], signed[signed[:, 0] == 0, 1:]
    return {"A_ub": -free, "b_ub": np.zeros(len(free)), "A_eq": fixed, "b_eq": np.zeros(len(fixed))}


def _widest_direction(X: np.ndarray, side: np.ndarray) -> np.ndarray | None:
    """The direction that separates every row any direction does; None if there is none.

    Maximises Σ z_i subject to x_iδ sign_i ≥ z_i, 0 ≤ z_i ≤ 1: z_i is 1 exactly for the rows that can be
    separated, since δ may be as long as it likes.
    """
    cone, p = _cone(X, side), X.shape[1]
    m = len(cone["b_ub"])
    if m == 0:
        return None
    answer = scipy.optimize.linprog(
        np.concatenate([np.zeros(p), -np.ones(m)]),
        A_ub=np.hstack([cone["A_ub"], np.eye(m)]),
        b_ub=cone["b_ub"],
        A_eq=np.hstack([cone["A_eq"], np.zeros((len(cone["b_eq"]), m))]),
        b_eq=cone["b_eq"],
        bounds=[(None, None)] * p + [(0, 1)] * m,
        method="highs",
    )
    return answer.x[:p] if answer.status == 0 and -answer.fun > 0.5 else None


def _limits(X: np.ndarray, side: np.ndarray, direction: np.ndarray, undecided: np.ndarray) -> np.ndarray:
    """Each coefficient's limit: ±inf where all the directions agree on its sign, nan where they do not."""
    cone, p = _cone(X, side), X.shape[1]
    limits = np.zeros(p)
    for k in np.flatnonzero(~_determined(undecided)):
        ends = [_furthest(cone, sign * np.eye(p)[k]) for sign in (1, -1)]
        if max(ends) > TOLERANCE:
            limits[k] = np.nan if min(ends) > TOLERANCE else np.inf * (1 if ends[0] > ends[1] else -1)
    return limits


def _determined(X: np.ndarray) -> np.ndarray:
    """Which coefficients these rows determine: those that no direction with Xδ = 0 moves."""
    values, vectors = np.linalg.eigh(X.T @ X)
    unseen = vectors[:, values <= TOLERANCE**1.5 * max(values[-1], 1.0)]
    return np.abs(unseen).max(axis=1, initial=0.0) < TOLERANCE


def _furthest(cone: dict, objective: np.ndarray) -> float:
    answer = scipy.optimize.linprog(-objective, **cone, bounds=[(-1, 1)] * len(objective), method="highs")
    return -answer.fun if answer.status == 0 else 0.0


def population_part(design: Design, estimates: Estimates, X: np.ndarray) -> np.ndarray:
    """Xb̂ for any rows X, where some coefficients may be infinite, (m,).

    Where infinities cancel, as in the row a = h = 1 of b_h = −∞ and b_ah = ∞, the value is that of the rows of the
    data with the same combination. Elsewhere it is ±∞ if all directions in which the likelihood rises agree, and
    NaN if the data do not say.
    """
    if np.isfinite(estimates.beta).all():
        return X @ estimates.beta
    return X @ finite_part(design, estimates) + infinite_part(design, estimates, X)


def finite_part(design: Design, estimates: Estimates) -> np.ndarray:
    """Finite coefficients that give the rows with a finite linear predictor the same one, (p,)."""
    told = np.isfinite(estimates.linear_predictor)
    fixed = estimates.linear_predictor - design.offset - group_part(design, estimates)
    scale = np.abs(design.X).max(axis=0)
    if not told.any():
        return np.zeros(len(scale))
    return np.linalg.lstsq(design.X[told] / scale, fixed[told], rcond=None)[0] / scale


def infinite_part(design: Design, estimates: Estimates, X: np.ndarray) -> np.ndarray:
    """What rows X have besides `finite_part`: 0 where their infinities cancel, else −∞, ∞, or NaN, (m,)."""
    scale = np.abs(design.X).max(axis=0)
    own, rows = design.X / scale, X / scale
    told = np.isfinite(estimates.linear_predictor)
    unseen = scipy.linalg.null_space(own[told], rcond=TOLERANCE) if told.any() else np.eye(len(scale))
    beyond = rows @ unseen
    outside = np.linalg.norm(beyond, axis=1) > TOLERANCE * np.linalg.norm(rows, axis=1)
    part = np.zeros(len(X))
    if outside.any():
        part[outside] = _ends(_cone(own, sides(design)), rows[outside], beyond[outside])
    return part


def group_part(design: Design, estimates: Estimates) -> np.ndarray:
    """Each row's sum of group effects Zζ̂, (n,)."""
    total = np.zeros(len(design.y))
    for block, modes in zip(design.blocks, estimates.modes, strict=True):
        total += np.einsum("is,is->i", block.Z, modes[block.codes])
    return total


def _ends(cone: dict, rows: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """−∞, ∞ or NaN for each of these rows; rows that go beyond the finite part in one direction share the answer."""
    directions = beyond / np.linalg.norm(beyond, axis=1, keepdims=True)
    _, first, place = np.unique(directions.round(9), axis=0, return_index=True, return_inverse=True)
    answers = []
    for row in rows[first]:
        up, down = (_furthest(cone, sign * row) > TOLERANCE for sign in (1, -1))
        answers.append(np.nan if up == down else np.inf if up else -np.inf)
    return np.array(answers)[place.ravel()]


def _message(design: Design, limits: np.ndarray, rows: np.ndarray) -> str:
    infinite = [design.fixed_names[k] for k in np.flatnonzero(limits != 0)]
    named = ", ".join(infinite[:4]) + (f" and {len(infinite) - 4} more" if len(infinite) > 4 else "")
    coefficients = "1 coefficient has" if len(infinite) == 1 else f"{len(infinite)} coefficients have"
    described = "1 row is" if rows.sum() == 1 else f"{rows.sum()} rows are"
    return (
        f"{coefficients} no finite maximum ({named}): {described} described perfectly by an infinite linear "
        "predictor, so the likelihood keeps rising towards it"
    )
