"""A tail with few links: crossed effects by the thousand, each linked with few of the others.

Once the finest groups are eliminated, two crossed effects are linked where one of those groups meets both: a
teacher with those few who share a pupil. T is stored on these links alone and factorised in an order that
keeps its factor sparse. SuperLU with symmetric pivoting is a sparse Cholesky in all but name: S = LDLᵀ, and
log|S| is the sum of its pivots' logarithms. Of S⁻¹ only the entries at the links are computed (`selected`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix, eye_array
from scipy.sparse.linalg import SuperLU, splu, spsolve_triangular

from .blocks import between
from .border import Border, Cells, Pairs
from .selected import SelectedInverse, plan
from .tail import NOT_POSITIVE, CrossedTerm, Scaling


@dataclass(frozen=True, eq=False)
class Links:
    """Linked groups of two crossed terms: for each pair of groups, where its (s, s') block is stored.

    `mirrored` if the block stands on the other side of the diagonal, too.
    """

    one: int
    other: int
    places: np.ndarray
    mirrored: bool


@dataclass(frozen=True, eq=False)
class SparseTail:
    """A tail kept on its links, every effect known by its place in the order of elimination.

    Attributes
    ----------
    crossed
    keys : (E,) array
        column · d + row of the stored entries, those on and below the diagonal, sorted.
    links
        The entries by groups.
    inverse
        The plan for the entries of S⁻¹.
    """

    crossed: tuple[CrossedTerm, ...]
    keys: np.ndarray
    links: tuple[Links, ...]
    inverse: SelectedInverse

    @cached_property
    def width(self) -> int:
        return sum(one.columns.size for one in self.crossed)

    @property
    def size(self) -> int:
        return len(self.keys)

    def places(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        key = np.minimum(rows, columns) * np.int64(self.width) + np.maximum(rows, columns)
        return np.searchsorted(self.keys, key)

    def symmetric(self, sums: np.ndarray) -> np.ndarray:
        return sums

    def times(self, T: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        return self.matrix(T) @ vectors

    def less_gram(self, T: np.ndarray, border: Border, W: np.ndarray) -> np.ndarray:
        return T - border.at.pairs.gram(border.values, border.times(W).values, len(T))

    def quadratic(self, border: Border, F: np.ndarray) -> np.ndarray:
        return border.at.pairs.quadratic(border.values, F)

    def through(self, border: Border, F: np.ndarray) -> Border:
        return Border(border.at, border.at.pairs.through(border.values, F))

    def factorise(self, T: np.ndarray, factors: Sequence[np.ndarray]) -> SparseCurvature:
        S = np.empty_like(T)
        for link in self.links:
            S[link.places] = between(factors[link.one].T, T[link.places], factors[link.other])
        S[self.diagonal] += 1.0
        if not np.all(np.isfinite(S)):
            raise FloatingPointError(NOT_POSITIVE)
        factorised = ldl(self.matrix(S))
        pivots = factorised.U.diagonal()
        if not np.all(pivots > 0.0):
            raise FloatingPointError(NOT_POSITIVE)
        return SparseCurvature(self, Scaling(self.crossed, factors), T, factorised, pivots)

    @cached_property
    def diagonal(self) -> np.ndarray:
        """Where the entries on the diagonal are stored."""
        return np.searchsorted(self.keys, np.arange(self.width) * np.int64(self.width + 1))

    @cached_property
    def _pattern(self) -> csc_matrix:
        """S with both triangles: for each entry its place among those stored."""
        columns, rows = np.divmod(self.keys, self.width)
        below = rows > columns
        place = np.arange(len(self.keys))
        both = np.concatenate([rows, columns[below]]), np.concatenate([columns, rows[below]])
        whole = csc_matrix((np.concatenate([place, place[below]]), both), shape=(self.width, self.width))
        whole.sort_indices()
        return whole

    def matrix(self, stored: np.ndarray) -> csc_matrix:
        """A stored matrix with both triangles."""
        return csc_matrix((stored[self._pattern.data], self._pattern.indices, self._pattern.indptr))

    @cached_property
    def of_inverse(self) -> np.ndarray:
        """Where the stored entries stand on the pattern of the factor."""
        columns, rows = np.divmod(self.keys, self.width)
        return self.inverse.positions(rows, columns)


@dataclass(frozen=True, eq=False)
class SparseCurvature:
    """S = LDLᵀ."""

    tail: SparseTail
    scaling: Scaling
    T: np.ndarray
    factorised: SuperLU
    pivots: np.ndarray

    @property
    def log_determinant(self) -> float:
        return float(np.log(self.pivots).sum())

    def solve(self, right: np.ndarray) -> np.ndarray:
        return self.scaling.times(self.factorised.solve(self.scaling.transposed_times(right)))

    def draw(self, z: np.ndarray) -> np.ndarray:
        half = spsolve_triangular(self.factorised.U.tocsr(), np.sqrt(self.pivots) * z, lower=False)
        return self.scaling.times(half[:, None])

    @cached_property
    def inverse(self) -> np.ndarray:
        """S⁻¹ at the links."""
        return self.tail.inverse.data(self.factorised.L, self.pivots)[self.tail.of_inverse]

    def gradients(self) -> dict[int, np.ndarray]:
        gradients = {one.term: np.zeros((one.size, one.size)) for one in self.tail.crossed}
        for link in self.tail.links:
            T, F = self.T[link.places], self.inverse[link.places]
            moved = np.einsum("abp,bc->acp", T, self.scaling.factors[link.other])
            gradients[link.one] += 2.0 * np.einsum("acp,dcp->ad", moved, F)
            if link.mirrored:
                moved = np.einsum("bap,bc->acp", T, self.scaling.factors[link.one])
                gradients[link.other] += 2.0 * np.einsum("acp,cdp->ad", moved, F)
        return gradients

    @cached_property
    def covariance(self) -> np.ndarray:
        covariance = np.empty_like(self.T)
        for link in self.tail.links:
            one, other = self.scaling.factors[link.one], self.scaling.factors[link.other].T
            covariance[link.places] = between(one, self.inverse[link.places], other)
        return covariance

    def diagonal_blocks(self) -> dict[int, np.ndarray]:
        blocks = {}
        for one in self.tail.crossed:
            places = self.tail.places(one.columns[:, :, None], one.columns[:, None, :])
            blocks[one.term] = self.covariance[places].transpose(1, 2, 0)
        return blocks


def ldl(H: csc_matrix, order: str = "NATURAL") -> SuperLU:
    """LDLᵀ in all but name; panels of one column suit factors this sparse."""
    options = {"SymmetricMode": True}
    return splu(H, permc_spec=order, diag_pivot_thresh=0.0, relax=1, panel_size=1, options=options)


def sparse_tail(cells: Cells, crossed: Sequence[CrossedTerm]) -> tuple[SparseTail, Cells] | None:
    """The tail whose links are these cells', and the cells with their columns in its order of elimination.

    None where the entries wanted of the inverse would take too much memory.
    """
    d = cells.n_columns
    first, second = cells.all_pairs()
    rows, columns = cells.column[first], cells.column[second]
    met = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(d, d)).tocsc()
    met.data[:] = 1.0
    definite = csc_matrix(met + met.T + eye_array(d) * (2.0 * d))
    order = np.argsort(ldl(definite, "MMD_AT_PLUS_A").perm_c)
    definite = definite[order][:, order].tocsc()
    definite.sort_indices()
    inverse = plan(ldl(definite).L)
    if inverse is None:
        return None
    place = np.empty(d, dtype=np.int64)
    place[order] = np.arange(d)
    rows, columns = place[rows], place[columns]
    keys, link = np.unique(np.minimum(rows, columns) * d + np.maximum(rows, columns), return_inverse=True)
    crossed = tuple(CrossedTerm(one.term, place[one.columns]) for one in crossed)
    tail = SparseTail(crossed, keys, (), inverse)
    cells = replace(cells, column=place[cells.column], pairs=Pairs(first, second, link))
    return replace(tail, links=_links(tail)), cells


def _links(tail: SparseTail) -> tuple[Links, ...]:
    """The stored entries between groups, known by those of the groups' first coefficients."""
    owner = np.full((tail.width, 2), -1)
    for k, one in enumerate(tail.crossed):
        owner[one.columns[:, 0]] = np.column_stack([np.full(one.n_groups, k), np.arange(one.n_groups)])
    columns, rows = np.divmod(tail.keys, tail.width)
    ends = np.stack([owner[columns], owner[rows]], axis=1)
    ends = ends[np.all(ends[:, :, 0] >= 0, axis=1)]
    swapped = ends[:, 0, 0] > ends[:, 1, 0]
    ends[swapped] = ends[swapped, ::-1]
    mirrored = np.any(ends[:, 0] != ends[:, 1], axis=1)
    links = []
    for k, one in enumerate(tail.crossed):
        for m, other in enumerate(tail.crossed[k:], start=k):
            for side in (False, True):
                some = ends[(ends[:, 0, 0] == k) & (ends[:, 1, 0] == m) & (mirrored == side)]
                if len(some):
                    rows, columns = one.columns[some[:, 0, 1]].T, other.columns[some[:, 1, 1]].T
                    places = tail.places(rows[:, None], columns[None])
                    links.append(Links(one.term, other.term, places, side))
    return tuple(links)
