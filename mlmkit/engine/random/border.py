"""What ties the groups of a chain to the rest of the model: the crossed terms, X and y.

For each group of a level the border holds the cross-products of the level's regressors with those of the
rest, the *tail*: columns [crossed effects, X, y]. A pupil meets few of a thousand teachers, so most of a
border may be zeros; `SparseBorder` stores only the pairs that meet, `DenseBorder` everything. Both know the
same few operations, so the elimination reads the same for either.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from ..covariance import theta_length
from .blocks import multiply, sum_by_group, transpose

#: Cells a dense border may hold whatever its pattern; the share of pairs that meet above which it is dense.
SMALL_BORDER, DENSE_SHARE = 200_000, 0.3
#: Pairs of cells in one group for which their products are kept, and how many are gathered at once otherwise.
PAIRS_KEPT, PAIRS_AT_ONCE = 8_000_000, 100_000


@dataclass(frozen=True, eq=False)
class DenseBorder:
    """Border as one array (rows, q, J), q the width of the tail."""

    values: np.ndarray

    def rows(self, which: slice) -> DenseBorder:
        """The part of some of the level's regressors."""
        return DenseBorder(self.values[which])

    def times(self, left: np.ndarray) -> DenseBorder:
        """Group by group left @ border, with `left` (r, rows, J)."""
        return DenseBorder(np.einsum("abj,bqj->aqj", left, self.values))

    def plus(self, other: DenseBorder) -> DenseBorder:
        return DenseBorder(self.values + other.values)

    def stacked_on(self, below: DenseBorder) -> DenseBorder:
        return DenseBorder(np.concatenate([self.values, below.values]))

    def inner(self, other: DenseBorder) -> np.ndarray:
        """Group by group border @ otherᵀ, summed over the tail: (rows, rows of other, J)."""
        return np.einsum("aqj,bqj->abj", self.values, other.values)

    def subtract_gram(self, tail: np.ndarray, W: np.ndarray) -> None:
        """tail −= Σ over the groups of borderᵀ W border, W symmetric (rows, rows, J)."""
        for one, other in zip(self.values, self.times(W).values, strict=True):
            tail -= one @ other.T

    def quadratic(self, left: np.ndarray, F: np.ndarray) -> np.ndarray:
        """Σ over the groups of left border F borderᵀ leftᵀ: (r, r)."""
        outer = self.times(left)
        return np.einsum("aqj,bqj->ab", outer.times_tail(F).values, outer.values)

    def times_tail(self, F: np.ndarray) -> DenseBorder:
        """border @ F for a symmetric (q, q) F."""
        return DenseBorder(np.matmul(F, self.values))

    def times_vector(self, v: np.ndarray) -> np.ndarray:
        """border @ v for a (q,) v: (rows, J)."""
        return np.einsum("aqj,q->aj", self.values, v)

    def transposed_times(self, v: np.ndarray) -> np.ndarray:
        """borderᵀ @ v for a (rows, J) v: (q,)."""
        return np.einsum("aqj,aj->q", self.values, v)

    def to_parents(self, parent: np.ndarray, n_parents: int, template: DenseBorder) -> DenseBorder:
        """Sums over the groups that share a parent."""
        return DenseBorder(sum_by_group(self.values, parent, n_parents))

    def to_children(self, parent: np.ndarray, template: DenseBorder) -> DenseBorder:
        """Each group's own copy of its parent's."""
        return DenseBorder(self.values.take(parent, axis=-1))

    def dense_columns(self, width: int) -> np.ndarray:
        """The last `width` columns: (rows, width, J)."""
        return self.values[:, self.values.shape[1] - width :]

    def cells(self, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All but the last `width` columns as cells: values (rows, N), their groups and columns."""
        rows, q, n_groups = self.values.shape
        values = self.values[:, : q - width].reshape(rows, -1)
        return values, np.tile(np.arange(n_groups), q - width), np.repeat(np.arange(q - width), n_groups)


@dataclass(frozen=True, eq=False)
class Pattern:
    """Which groups of a level meet which columns of the crossed terms: N cells, sorted by group.

    Attributes
    ----------
    group, column
        (N,) the group and the tail's column of each cell.
    n_groups, n_columns
    parent_cell
        (N,) the cell of the next level's pattern that each cell is summed into; None at the last level.
    """

    group: np.ndarray
    column: np.ndarray
    n_groups: int
    n_columns: int
    parent_cell: np.ndarray | None = None

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each group's cells start, and the end: (J + 1,)."""
        return np.searchsorted(self.group, np.arange(self.n_groups + 1))

    @cached_property
    def by_column(self) -> tuple[np.ndarray, np.ndarray]:
        """The cells' order by column, and where each column starts: the transposed pattern."""
        order = np.argsort(self.column, kind="stable")
        return order, np.searchsorted(self.column[order], np.arange(self.n_columns + 1))

    def matrix(self, values: np.ndarray) -> csr_matrix:
        """Groups × columns."""
        return csr_matrix((values, self.column, self.starts), shape=(self.n_groups, self.n_columns))

    def transposed(self, values: np.ndarray) -> csr_matrix:
        """Columns × groups."""
        order, starts = self.by_column
        return csr_matrix((values[order], self.group[order], starts), shape=(self.n_columns, self.n_groups))

    @cached_property
    def batches(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Groups of similar numbers of cells taken together: positions of their cells, and which are real."""
        counts = np.diff(self.starts)
        order = np.argsort(counts, kind="stable")[np.count_nonzero(counts == 0) :]
        batches, start = [], 0
        while start < len(order):
            stop = _batch_end(counts[order], start)
            groups, width = order[start:stop], counts[order[stop - 1]]
            positions = self.starts[groups][:, None] + np.arange(width)
            real = np.arange(width) < counts[groups][:, None]
            batches.append((np.where(real, positions, 0), real))
            start = stop
        return batches


def _batch_end(counts: np.ndarray, start: int) -> int:
    """Groups sorted by size: how far a batch goes before it is too big, or its padding is."""
    widest = np.searchsorted(counts, max(counts[start] * 1.25, counts[start] + 2), side="right")
    return int(min(widest, start + max(1, PAIRS_AT_ONCE // counts[start] ** 2)))


@dataclass(frozen=True, eq=False)
class CellPairs:
    """The products of all pairs of cells in a group, kept because they enter linearly.

    Σ borderᵀ W border is linear in W, so with the pairs' products in a sparse matrix, entries of the sum ×
    entries of W, each elimination is one product with it and each derivative one with its transpose.
    """

    operator: csc_matrix
    n_columns: int
    rows: int

    def gram(self, W: np.ndarray) -> np.ndarray:
        """Σ over the groups of borderᵀ W border."""
        upper = W[np.triu_indices(self.rows)]
        return (self.operator @ upper.ravel()).reshape(self.n_columns, self.n_columns)

    def through(self, F: np.ndarray) -> np.ndarray:
        """Group by group border F borderᵀ, (rows, rows, J), F symmetric."""
        sums = (self.operator.T @ F.ravel()).reshape(theta_length(self.rows), -1)
        within = np.empty((self.rows, self.rows, sums.shape[1]))
        for one, a, b in zip(sums, *np.triu_indices(self.rows), strict=True):
            within[a, b] = within[b, a] = one if a == b else 0.5 * one
        return within


def cell_pairs(pattern: Pattern, values: np.ndarray) -> CellPairs | None:
    """The pairs of a border's cells, or None where they are too many to keep."""
    counts = np.diff(pattern.starts)
    per_group = counts**2
    rows = len(values)
    if per_group.sum() * theta_length(rows) > PAIRS_KEPT:
        return None
    first = np.repeat(np.arange(len(pattern.group)), counts[pattern.group])
    place = np.arange(len(first)) - np.repeat(np.cumsum(per_group) - per_group, per_group)
    group = pattern.group[first]
    second = pattern.starts[group] + place % counts[group]
    index = pattern.column[first] * pattern.n_columns + pattern.column[second]
    products = [
        values[a, first] * values[b, second] + (values[b, first] * values[a, second] if a < b else 0.0)
        for a, b in zip(*np.triu_indices(rows), strict=True)
    ]
    starts = np.concatenate([[0], np.cumsum(np.tile(per_group, len(products)))])
    shape = (pattern.n_columns**2, len(products) * pattern.n_groups)
    operator = csc_matrix((np.concatenate(products), np.tile(index, len(products)), starts), shape=shape)
    return CellPairs(operator, pattern.n_columns, rows)


@dataclass(frozen=True, eq=False)
class SparseBorder:
    """Border as the cells that meet, (rows, N), and the dense columns of X and y, (rows, p + 1, J).

    `pairs` holds the products of the cells where they do not depend on θ and are few enough to keep.
    """

    pattern: Pattern
    values: np.ndarray
    dense: np.ndarray
    pairs: CellPairs | None = None

    def _like(self, values: np.ndarray, dense: np.ndarray) -> SparseBorder:
        return SparseBorder(self.pattern, values, dense)

    def rows(self, which: slice) -> SparseBorder:
        return self._like(self.values[which], self.dense[which])

    def times(self, left: np.ndarray) -> SparseBorder:
        cells = np.einsum("abn,bn->an", left.take(self.pattern.group, axis=-1), self.values)
        return self._like(cells, np.einsum("abj,bqj->aqj", left, self.dense))

    def plus(self, other: SparseBorder) -> SparseBorder:
        return self._like(self.values + other.values, self.dense + other.dense)

    def stacked_on(self, below: SparseBorder) -> SparseBorder:
        return self._like(
            np.concatenate([self.values, below.values]), np.concatenate([self.dense, below.dense])
        )

    def inner(self, other: SparseBorder) -> np.ndarray:
        cells = np.einsum("an,bn->abn", self.values, other.values)
        dense = np.einsum("aqj,bqj->abj", self.dense, other.dense)
        return dense + sum_by_group(cells, self.pattern.group, self.pattern.n_groups)

    def subtract_gram(self, tail: np.ndarray, W: np.ndarray) -> None:
        d, dense = self.pattern.n_columns, np.einsum("abj,bqj->aqj", W, self.dense)
        tail[:d, :d] -= self._crossed_gram(W)
        for values, one, other in zip(self.values, self.dense, dense, strict=True):
            with_Xy = self.pattern.transposed(values) @ other.T
            tail[:d, d:] -= with_Xy
            tail[d:, :d] -= with_Xy.T
            tail[d:, d:] -= one @ other.T

    def _crossed_gram(self, W: np.ndarray) -> np.ndarray:
        """Σ over the groups of borderᵀ W border between the crossed columns."""
        if self.pairs is not None:
            return self.pairs.gram(W)
        weighted = np.einsum("abn,bn->an", W.take(self.pattern.group, axis=-1), self.values)
        products = zip(
            map(self.pattern.transposed, self.values), map(self.pattern.matrix, weighted), strict=True
        )
        return sum(left @ right for left, right in products).toarray()

    def quadratic(self, left: np.ndarray, F: np.ndarray) -> np.ndarray:
        d = self.pattern.n_columns
        if self.pairs is not None:
            within = self.pairs.through(F[:d, :d])
        elif len(left) == 1:
            return self._quadratic_of_one(left, F)
        else:
            within = sum_by_group(
                np.einsum("an,bn->abn", self._cells_times(F), self.values),
                self.pattern.group,
                self.pattern.n_groups,
            )
        across = np.zeros_like(within)
        for a, values in enumerate(self.values):
            across[a] = np.einsum("jx,bxj->bj", self.pattern.matrix(values) @ F[:d, d:], self.dense)
        dense = np.einsum("aqj,bqj->abj", np.matmul(F[d:, d:], self.dense), self.dense)
        total = within + across + transpose(across) + dense
        return np.einsum("abj,cbj->ac", multiply(left, total), left)

    def _quadratic_of_one(self, left: np.ndarray, F: np.ndarray) -> np.ndarray:
        """With one row a sum of squares, which the elimination's own sparse product delivers."""
        gram = np.zeros_like(F)
        self.subtract_gram(gram, left * left)
        return -np.vdot(gram, F).reshape(1, 1)

    def times_tail(self, F: np.ndarray) -> SparseBorder:
        """border @ F, of which only the cells in the pattern are wanted."""
        d = self.pattern.n_columns
        dense = np.matmul(F[d:, d:], self.dense)
        for a, values in enumerate(self.values):
            dense[a] += (self.pattern.matrix(values) @ F[:d, d:]).T
        cells = np.empty_like(self.values)
        for a in range(len(self.values)):
            from_dense = self.dense[a].T[self.pattern.group]
            cells[a] = np.einsum("nx,nx->n", from_dense, F[:d, d:][self.pattern.column])
        return self._like(cells + self._cells_times(F), dense)

    def _cells_times(self, F: np.ndarray) -> np.ndarray:
        """For each cell the sum over its group's cells of their value times F between the two columns."""
        products = np.zeros_like(self.values)
        flat, width = F.ravel(), F.shape[1]
        for positions, real in self.pattern.batches:
            columns = self.pattern.column[positions]
            between = flat.take(columns[:, :, None] * width + columns[:, None, :])
            values = np.where(real, self.values[:, positions], 0.0)
            result = np.einsum("gab,rgb->rga", between, values)
            products[:, positions[real]] = result[:, real]
        return products

    def times_vector(self, v: np.ndarray) -> np.ndarray:
        d = self.pattern.n_columns
        cells = sum_by_group(self.values * v[self.pattern.column], self.pattern.group, self.pattern.n_groups)
        return cells + np.einsum("aqj,q->aj", self.dense, v[d:])

    def transposed_times(self, v: np.ndarray) -> np.ndarray:
        products = np.einsum("an,an->n", self.values, v[:, self.pattern.group])
        cells = np.bincount(self.pattern.column, products, self.pattern.n_columns)
        return np.concatenate([cells, np.einsum("aqj,aj->q", self.dense, v)])

    def to_parents(self, parent: np.ndarray, n_parents: int, template: SparseBorder) -> SparseBorder:
        cells = sum_by_group(self.values, self.pattern.parent_cell, len(template.pattern.group))
        return SparseBorder(template.pattern, cells, sum_by_group(self.dense, parent, n_parents))

    def to_children(self, parent: np.ndarray, template: SparseBorder) -> SparseBorder:
        cells = self.values.take(template.pattern.parent_cell, axis=-1)
        return SparseBorder(template.pattern, cells, self.dense.take(parent, axis=-1))

    def dense_columns(self, width: int) -> np.ndarray:
        return self.dense

    def cells(self, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.values, self.pattern.group, self.pattern.column
