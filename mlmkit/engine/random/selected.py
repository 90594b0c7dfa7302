"""The entries of a sparse matrix's inverse that a gradient needs, without the rest of the inverse.

The derivative of log|H| by an entry of H is the same entry of H⁻¹, so only entries where H is not zero are
wanted. With H = LDLᵀ they follow from those of L's pattern, column by column from the last to the first
(Takahashi's equations; Erisman & Tinney 1975, Commun. ACM 18(3), 177–179): with p the rows below the
diagonal in column j,

    Z_pj = −Z_pp l_pj,    Z_jj = 1/d_j − l_pjᵀ Z_pj.

Columns at the same depth of the elimination tree do not need each other, so they are taken together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_matrix

#: Entries of Z_pp gathered over all columns, beyond which the plan would take too much memory.
MOST_GATHERED = 50_000_000


@dataclass(frozen=True, eq=False)
class Batch:
    """Columns at one depth with about as many rows: positions, in the data of L's pattern.

    Attributes
    ----------
    columns : (b,) array
    below : (b, r) array
        The entries below the diagonal, padded by the last position, which stays zero.
    square : (b, r, r) array
        The entries of Z_pp.
    diagonal : (b,) array
    """

    columns: np.ndarray
    below: np.ndarray
    square: np.ndarray
    diagonal: np.ndarray


@dataclass(frozen=True, eq=False)
class SelectedInverse:
    """A plan for the entries of H⁻¹ on L's pattern, made once for all values of H.

    Attributes
    ----------
    keys : (nnz,) array
        column · m + row of the pattern's entries, sorted.
    rows, places : (nnz,) arrays
        The rows of the factor's entries as they come, and where those entries stand among the keys.
    batches : list of Batch
        From the root of the elimination tree to its leaves.
    size : int
        m, the order of H.
    """

    keys: np.ndarray
    rows: np.ndarray
    places: np.ndarray
    batches: list[Batch]
    size: int

    def positions(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Where entries stand in the pattern's data; either triangle."""
        key = np.minimum(rows, columns) * np.int64(self.size) + np.maximum(rows, columns)
        return np.searchsorted(self.keys, key)

    def diagonal_blocks(self, data: np.ndarray, effects: np.ndarray) -> np.ndarray:
        """H⁻¹ between the effects of each group, (J, s) → (J, s, s), from its entries on the pattern."""
        return data[self.positions(effects[:, :, None], effects[:, None, :])]

    def data(self, L: csc_matrix, pivots: np.ndarray) -> np.ndarray:
        """H⁻¹ on the pattern, followed by a zero.

        Parameters
        ----------
        L
            Unit lower triangular factor, with entries anywhere in the pattern.
        pivots : (m,) array
            The diagonal of D.
        """
        factor = np.zeros(len(self.keys) + 1)
        if np.array_equal(L.indices, self.rows):
            factor[self.places] = L.data
        else:
            columns = np.repeat(np.arange(self.size), np.diff(L.indptr))
            factor[self.positions(L.indices, columns)] = L.data
        inverse = np.zeros_like(factor)
        for batch in self.batches:
            below = factor.take(batch.below)
            z = -np.matmul(inverse.take(batch.square), below[:, :, None])[:, :, 0]
            inverse[batch.below] = z
            inverse[batch.diagonal] = 1.0 / pivots[batch.columns] - (below * z).sum(axis=1)
        return inverse


def plan(L: csc_matrix) -> SelectedInverse | None:
    """The plan for a factor's pattern, or None where it would take too much memory."""
    rows, columns = L.indices.copy(), np.repeat(np.arange(L.shape[0]), np.diff(L.indptr))
    L = L.copy()
    L.sort_indices()
    counts = np.diff(L.indptr) - 1
    if float(counts @ counts) > MOST_GATHERED:
        return None
    m = L.shape[0]
    keys = np.repeat(np.arange(m, dtype=np.int64), counts + 1) * m + L.indices
    places = np.searchsorted(keys, columns * m + rows)
    inverse = SelectedInverse(keys, rows, places, [], m)
    depth = depths(L)
    order = np.lexsort((counts, depth))
    start, depth = 0, depth[order]
    while start < m:
        widest = max(8, 2 * counts[order[start]])
        same = np.searchsorted(depth, depth[start], side="right")
        stop = start + np.searchsorted(counts[order[start:same]], widest, side="right")
        inverse.batches.append(_batch(inverse, L, order[start:stop], counts))
        start = stop
    return inverse


def depths(L: csc_matrix) -> np.ndarray:
    """Each column's depth in the elimination tree, roots at 0; a column's parent is its first row below."""
    depth = [0] * L.shape[0]
    starts, rows = L.indptr.tolist(), L.indices.tolist()
    for j in reversed(range(L.shape[0])):
        if starts[j + 1] - starts[j] > 1:
            depth[j] = depth[rows[starts[j] + 1]] + 1
    return np.array(depth)


def _batch(inverse: SelectedInverse, L: csc_matrix, columns: np.ndarray, counts: np.ndarray) -> Batch:
    width, nothing = counts[columns].max(), len(inverse.keys)
    start = L.indptr[columns].astype(np.int64)
    place = np.arange(width)
    real = place < counts[columns][:, None]
    below = np.where(real, start[:, None] + 1 + place, nothing)
    rows = np.where(real, L.indices.take(below, mode="clip"), 0)
    square = inverse.positions(rows[:, :, None], rows[:, None, :])
    square[~(real[:, :, None] & real[:, None, :])] = nothing
    return Batch(columns, below, square, start)
