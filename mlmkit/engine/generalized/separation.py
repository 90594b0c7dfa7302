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
from ...words import count
from ..estimates import Estimates

#: A mean this close to the end of its range is described almost perfectly; and what counts as no move of η at all.
NEAR, TOLERANCE = 1e-6, 1e-7
#: What to do with a mixed model that is separated.
INSTEAD = "compare models by their likelihoods, or give the coefficients a prior with mk.brm() (chapter 9)"


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
    cone = _cone(X, side)
    direction = _widest_direction(cone)
    if direction is None:
        return None
    eta = X @ direction
    rows = np.abs(eta) > TOLERANCE * np.abs(direction).max()
    if not rows.any():  # columns so nearly collinear that the direction is made of rounding errors
        return None
    moved = np.abs(_unseen(X[~rows])).max(axis=1, initial=0.0) >= TOLERANCE
    limits = np.zeros(len(moved))
    limits[moved] = [_limit(cone, unit) for unit in np.eye(len(moved))[moved]]
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


def _widest_direction(cone: dict) -> np.ndarray | None:
    """The direction that separates every row any direction does; None if there is none.

    Maximises Σ z_i subject to x_iδ sign_i ≥ z_i, 0 ≤ z_i ≤ 1: z_i is 1 exactly for the rows that can be
    separated, since δ may be as long as it likes.
    """
    m, p = cone["A_ub"].shape
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


def _unseen(X: np.ndarray) -> np.ndarray:
    """A basis of the directions δ with Xδ = 0, (p, k)."""
    if len(X) == 0:
        return np.eye(X.shape[1])
    return scipy.linalg.null_space(np.linalg.qr(X, mode="r"), rcond=TOLERANCE)


def _limit(cone: dict, row: np.ndarray) -> float:
    """Where row δ goes: ±inf if the directions that move it agree on the sign, nan if they do not, 0 without any."""
    up, down = (_furthest(cone, sign * row) > TOLERANCE for sign in (1, -1))
    return np.nan if up and down else np.inf if up else -np.inf if down else 0.0


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
    fixed = estimates.linear_predictor - design.offset
    for block, modes in zip(design.blocks, estimates.modes, strict=True):
        fixed -= np.einsum("is,is->i", block.Z, modes[block.codes])
    scale = np.abs(design.X).max(axis=0)
    if not told.any():
        return np.zeros(len(scale))
    return np.linalg.lstsq(design.X[told] / scale, fixed[told], rcond=None)[0] / scale


def infinite_part(design: Design, estimates: Estimates, X: np.ndarray) -> np.ndarray:
    """What rows X have besides `finite_part`: 0 where their infinities cancel, else −∞, ∞, or NaN, (m,)."""
    scale = np.abs(design.X).max(axis=0)
    own, rows = design.X / scale, X / scale
    beyond = rows @ _unseen(own[np.isfinite(estimates.linear_predictor)])
    outside = np.linalg.norm(beyond, axis=1) > TOLERANCE * np.linalg.norm(rows, axis=1)
    part = np.zeros(len(X))
    if outside.any():
        part[outside] = _ends(_cone(own, sides(design)), rows[outside], beyond[outside])
    return part


def _ends(cone: dict, rows: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """−∞, ∞ or NaN for each of these rows; rows that go beyond the finite part in one direction share the answer."""
    directions = beyond / np.linalg.norm(beyond, axis=1, keepdims=True)
    _, first, place = np.unique(directions.round(9), axis=0, return_index=True, return_inverse=True)
    answers = np.array([_limit(cone, row) for row in rows[first]])
    return np.where(answers == 0.0, np.nan, answers)[place.ravel()]


def _message(design: Design, limits: np.ndarray, rows: np.ndarray) -> str:
    infinite = [design.fixed_names[k] for k in np.flatnonzero(limits != 0)]
    named = ", ".join(infinite[:4]) + (f" and {len(infinite) - 4} more" if len(infinite) > 4 else "")
    return (
        f"{count(len(infinite), 'coefficient has', 'coefficients have')} no finite maximum ({named}): "
        f"{count(rows.sum(), 'row is', 'rows are')} described perfectly by an infinite linear predictor, "
        "so the likelihood keeps rising towards it"
    )
