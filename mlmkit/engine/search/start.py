"""Where the search starts: variances from quadratic forms of the residuals.

MINQUE(0) (Rao 1971, J. Multivariate Anal. 1, 257–275): the quadratic forms |ZₐᵀMy|², M the projection off
X, have expectations that are linear in the variances,

    E |ZₐᵀMy|²  =  Σ_b |ZₐᵀMZ_b|² σ_b²  +  tr(ZₐᵀMZₐ) σ²,

so the variances solve linear equations. Each column of each term counts as one variance; correlations
start at zero. No iteration, and for balanced data it is already the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csc_matrix

from ..covariance import theta_from_factors
from ..random.elimination import Elimination, eliminate
from ..random.equations import NormalEquations

#: The search starts within these SD ratios to the residual: at zero exactly, the gradient would be zero.
SMALLEST, LARGEST = 0.05, 100.0


def starting_theta(equations: NormalEquations) -> np.ndarray:
    """A θ for standardised data: diagonal factors with the MINQUE(0) variance ratios."""
    return theta_from_forms(*quadratic_forms(equations), equations.n, equations.sizes)


def theta_from_forms(
    expectations: np.ndarray, values: np.ndarray, n: int, sizes: Sequence[int]
) -> np.ndarray:
    """The variances that the forms' values are the expectations for, as a θ within bounds."""
    variances = np.linalg.lstsq(expectations, values, rcond=1e-12)[0]
    residual = max(variances[-1], 1e-3 * values[-1] / n)
    ratios = np.sqrt(np.clip(variances[:-1] / residual, SMALLEST**2, LARGEST**2))
    return theta_from_factors([np.diag(part) for part in np.split(ratios, np.cumsum(sizes)[:-1])])


def sparse_quadratic_forms(products, border: np.ndarray, member: np.ndarray, residual: np.ndarray):
    """`quadratic_forms` from sparse equations.

    Parameters
    ----------
    products : sparse (m, m)
        ZᵀZ.
    border : (m, p + 1) array
        Zᵀ[X y].
    member : (m, K) array
        Which of the K columns each effect belongs to: ones and zeros.
    residual : (2,) array
        n − p and yᵀy.
    """
    X, y = border[:, :-1], border[:, -1]
    met = products.tocoo()
    overlaps = met.data * (met.data - 2.0 * np.einsum("ex,ex->e", X[met.row], X[met.col]))
    through_X = np.einsum("mk,mx,mz->kxz", member, X, X, optimize=True).reshape(member.shape[1], -1)
    traces = (products.diagonal() - np.einsum("mx,mx->m", X, X)) @ member
    between = member.T @ (csc_matrix((overlaps, (met.row, met.col)), shape=products.shape) @ member)
    between += through_X @ through_X.T
    expectations = np.block([[between, traces[:, None]], [traces, residual[0]]])
    return expectations, np.append(y**2 @ member, residual[1])


def quadratic_forms(equations: NormalEquations) -> tuple[np.ndarray, np.ndarray]:
    """The forms of the K columns of Z and of the residual, and their expectations by the K + 1 variances.

    With a² − 2ab + b² for |ZₐᵀZ_b − ZₐᵀQQᵀZ_b|², only the groups that meet are visited.

    Returns
    -------
    expectations : (K + 1, K + 1) array
    values : (K + 1,) array
    """
    p, K = equations.p, sum(equations.sizes)
    sums = _Sums(np.zeros((K, K)), np.zeros((K, p, p)), np.zeros(K), np.zeros(K))
    raw = eliminate(equations, [np.zeros((level.size, level.size)) for level in equations.levels])
    _add_chain(sums, equations, raw)
    _add_crossed(sums, equations, raw.tail)
    flat = sums.through_X.reshape(K, p * p)
    traces = sums.traces - np.trace(sums.through_X, axis1=1, axis2=2)
    expectations = np.block([[sums.overlaps + flat @ flat.T, traces[:, None]], [traces, equations.n - p]])
    return expectations, np.append(sums.forms, raw.tail[-1, -1])


class _Sums:
    """Sums by column of Z: overlaps (K, K), QᵀZₐZₐᵀQ (K, p, p), traces and forms (K,)."""

    def __init__(self, overlaps, through_X, traces, forms):
        self.overlaps, self.through_X, self.traces, self.forms = overlaps, through_X, traces, forms


def _positions(equations: NormalEquations) -> list[np.ndarray]:
    """Where each term's columns stand among the K."""
    stops = np.cumsum(equations.sizes)
    return [np.arange(stop - size, stop) for size, stop in zip(equations.sizes, stops, strict=True)]


def _crossed_positions(equations: NormalEquations) -> np.ndarray:
    """For each crossed column of the tail, which of the K it belongs to."""
    positions = _positions(equations)
    parts = [np.tile(positions[one.term], one.n_groups) for one in equations.crossed]
    return np.concatenate([np.empty(0, dtype=int), *parts])


def _add_chain(sums: _Sums, equations: NormalEquations, raw: Elimination) -> None:
    """The chain's columns with themselves, with those of coarser groups, and with the crossed ones."""
    p, d = equations.p, equations.n_crossed
    positions, crossed_at = _positions(equations), _crossed_positions(equations)
    crossed_X = raw.tail[:d, d : d + p]
    outer_at, outer_X = np.empty(0, dtype=int), np.empty((0, p, 1))
    for level, state in zip(reversed(equations.levels), reversed(raw.levels), strict=True):
        at = np.concatenate([positions[k] for k in level.terms])
        Xy = state.B.dense_columns(p + 1)
        X = Xy[:, :p]
        outer_X = outer_X[..., level.parent] if level.parent is not None else np.empty((0, p, level.n_groups))
        outer_at, outer_X = np.concatenate([at, outer_at]), np.concatenate([X, outer_X])
        met = np.concatenate([state.A, state.U], axis=1)
        overlaps = (met * (met - 2.0 * np.einsum("apj,cpj->acj", X, outer_X))).sum(axis=2)
        _put(sums, at, outer_at, overlaps)
        _put(
            sums,
            at,
            np.arange(len(sums.forms)),
            _with_crossed(state, X, crossed_X, crossed_at, len(sums.forms)),
        )
        sums.through_X[at] = np.einsum("apj,aqj->apq", X, X)
        sums.traces[at] = np.einsum("aaj->a", state.A)
        sums.forms[at] = (Xy[:, p] ** 2).sum(axis=1)


def _put(sums: _Sums, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> None:
    """Overlaps go to both triangles; those of a level with itself are on both already."""
    sums.overlaps[np.ix_(rows, columns)] += values
    beyond = ~np.isin(columns, rows)
    sums.overlaps[np.ix_(columns[beyond], rows)] += values[:, beyond].T


def _with_crossed(state, X, crossed_X, crossed_at, K) -> np.ndarray:
    """Overlaps of a level's columns with the crossed ones, (s, K)."""
    if not len(crossed_at):
        return np.zeros((len(X), K))
    values, group, column = state.B.cells(X.shape[1] + 1)
    through = sum(X[:, x, group] * crossed_X[column, x] for x in range(X.shape[1]))
    squares = values * (values - 2.0 * through)
    return np.array([np.bincount(crossed_at[column], row, K) for row in squares])


def _add_crossed(sums: _Sums, equations: NormalEquations, tail: np.ndarray) -> None:
    """The crossed columns with themselves."""
    p, d, K = equations.p, equations.n_crossed, len(sums.forms)
    if not d:
        return
    at, X, met = _crossed_positions(equations), tail[:d, d : d + p], tail[:d, :d]
    member = (at[:, None] == np.arange(K)).astype(float)
    sums.overlaps += member.T @ ((met * (met - 2.0 * X @ X.T)) @ member)
    sums.through_X += np.einsum("dk,dp,dq->kpq", member, X, X, optimize=True)
    sums.traces += np.diag(met) @ member
    sums.forms += tail[:d, -1] ** 2 @ member
