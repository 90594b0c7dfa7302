"""Where the finest groups meet the crossed effects: the border beside their blocks.

A group has cross-products with every crossed effect it meets. A small border is stored whole. In a large one
most may be zeros, since a pupil meets few of a thousand teachers: there the entries are stored one by one, as
*cells*.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from .blocks import multiply, sum_by_group


@dataclass(frozen=True, eq=False)
class Pairs:
    """All pairs of cells in one group, each once and every cell with itself.

    Attributes
    ----------
    first, second
        (P,) the two cells.
    place
        (P,) where a matrix between the crossed effects stores the entry between their columns.
    """

    first: np.ndarray
    second: np.ndarray
    place: np.ndarray

    @cached_property
    def times_counted(self) -> np.ndarray:
        """How often a pair stands in a sum over all cells and all cells: a cell with itself once, others twice."""
        return np.where(self.first == self.second, 1.0, 2.0)

    def gram(self, left: np.ndarray, right: np.ndarray, size: int) -> np.ndarray:
        """Σ over the groups of leftᵀ right between the cells' columns, each pair of columns once."""
        products = np.einsum("ap,ap->p", left.take(self.first, axis=1), right.take(self.second, axis=1))
        return np.bincount(self.place, products, size)

    def quadratic(self, cells: np.ndarray, F: np.ndarray) -> np.ndarray:
        """Σ over the groups of cells F cellsᵀ, (r, r)."""
        between = self.times_counted * F.take(self.place)
        half = (cells.take(self.first, axis=1) * between) @ cells.take(self.second, axis=1).T
        return 0.5 * (half + half.T)

    def through(self, cells: np.ndarray, F: np.ndarray) -> np.ndarray:
        """For each cell the sum over its group's cells of their value times F between the two columns."""
        between, product = F.take(self.place), np.empty_like(cells)
        apart = between * (self.times_counted - 1.0)
        for own, total in zip(cells, product, strict=True):
            total[:] = np.bincount(self.first, own.take(self.second) * between, len(own))
            total += np.bincount(self.second, own.take(self.first) * apart, len(own))
        return product


@dataclass(frozen=True, eq=False)
class Cells:
    """Which finest groups meet which crossed effects.

    Attributes
    ----------
    n_groups, n_columns
        Finest groups; crossed effects.
    group, column
        (N,) the group and the crossed effect of each cell, sorted by group; empty where the border is whole.
    pairs
        The pairs of cells; None where they are too many to keep, or the border is whole.
    """

    n_groups: int
    n_columns: int
    group: np.ndarray
    column: np.ndarray
    pairs: Pairs | None = None

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each group's cells start, and the end: (J + 1,)."""
        return np.searchsorted(self.group, np.arange(self.n_groups + 1))

    @property
    def n_pairs(self) -> float:
        """How many pairs of cells lie in the same group."""
        counts = np.diff(self.starts).astype(float)
        return float(counts @ (counts + 1.0)) / 2.0

    def all_pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The pairs of cells in the same group, the second never after the first."""
        within = np.arange(len(self.group)) - self.starts[self.group]
        first = np.repeat(np.arange(len(within)), within + 1)
        starts = np.cumsum(within + 1) - within - 1 - self.starts[self.group]
        return first, np.arange(len(first)) - starts[first]

    @cached_property
    def by_column(self) -> tuple[np.ndarray, np.ndarray]:
        """The cells' order by column, and where each column starts: the transposed pattern."""
        order = np.argsort(self.column, kind="stable")
        return order, np.searchsorted(self.column[order], np.arange(self.n_columns + 1))

    def matrix(self, values: np.ndarray) -> csr_matrix:
        """Groups × columns, from one value per cell."""
        return csr_matrix((values, self.column, self.starts), shape=(self.n_groups, self.n_columns))

    def transposed(self, values: np.ndarray) -> csr_matrix:
        """Columns × groups."""
        order, starts = self.by_column
        return csr_matrix((values[order], self.group[order], starts), shape=(self.n_columns, self.n_groups))


@dataclass(frozen=True, eq=False)
class Border:
    """The cross-products of r regressors with the crossed ones: cells (r, N), or whole (r, d, J)."""

    at: Cells
    values: np.ndarray

    @property
    def is_whole(self) -> bool:
        return self.values.ndim == 3

    def times(self, left: np.ndarray) -> Border:
        """Group by group left @ border, with `left` (a, r, J)."""
        if self.is_whole:
            return Border(self.at, multiply(left, self.values))
        return Border(self.at, np.einsum("abn,bn->an", left.take(self.at.group, axis=-1), self.values))

    def inner(self, other: Border) -> np.ndarray:
        """Group by group border @ otherᵀ: (r, r', J)."""
        if self.is_whole:
            return np.einsum("aqj,bqj->abj", self.values, other.values)
        cells = np.einsum("an,bn->abn", self.values, other.values)
        return sum_by_group(cells, self.at.group, self.at.n_groups)

    def times_vectors(self, v: np.ndarray) -> np.ndarray:
        """border @ v for vectors over the crossed effects, (d, k): (r, k, J)."""
        if self.is_whole:
            return np.matmul(v.T, self.values)
        return np.array([(self.at.matrix(one) @ v).T for one in self.values])

    def transposed_times(self, v: np.ndarray) -> np.ndarray:
        """borderᵀ @ v summed over the groups, for `v` (r, k, J): (d, k)."""
        rows = self.values if self.is_whole else map(self.at.transposed, self.values)
        return sum(one @ row.T for one, row in zip(rows, v, strict=True))
