"""The tail: what is left for the crossed effects once the chain is eliminated.

T holds the crossed effects' cross-products less what the chain explains of them. For given Λ it becomes
S = ΛᵀTΛ + I, is factorised, solved, and inverted as far as gradients and covariances need. `DenseTail` keeps
T as one matrix; `sparse_tail.SparseTail` keeps only the pairs of effects that some group of the chain links.
Both offer what `Tail` and `Curvature` say, and nothing else in the engine knows which of the two it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs, dtrtrs
from scipy.sparse import csr_matrix

from .border import Border

NOT_POSITIVE = "The cross-products of the group effects are not positive definite to working precision."
#: The share of a row's entries that are not zero from which on it is multiplied as a dense one.
DENSE_ROW = 0.1
#: Numbers that a product with the whole tail holds at once.
AT_ONCE = 4_000_000
#: A symmetric matrix is completed from one triangle in squares of this many rows, which fit the cache.
SQUARE = 128


class Tail(Protocol):
    """Where the crossed effects stand, and how the entries of a symmetric matrix between them are stored."""

    @property
    def crossed(self) -> tuple[CrossedTerm, ...]:
        """Whose effects they are."""

    @property
    def width(self) -> int:
        """d, the number of crossed effects."""

    @property
    def size(self) -> int:
        """How many numbers a matrix takes."""

    def places(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Where entries stand among those numbers."""

    def symmetric(self, sums: np.ndarray) -> np.ndarray:
        """The matrix with these numbers, every pair of different effects having been counted once."""

    def times(self, T: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """T @ vectors, (d, r)."""

    def less_gram(self, T: np.ndarray, border: Border, W: np.ndarray) -> np.ndarray:
        """T − Σ over the groups of borderᵀ W border, W (r, r, J)."""

    def quadratic(self, border: Border, F: np.ndarray) -> np.ndarray:
        """Σ over the groups of border F borderᵀ for a symmetric F, (r, r)."""

    def through(self, border: Border, F: np.ndarray) -> Border:
        """border @ F for a symmetric F, of which only what the border stores is wanted."""

    def factorise(self, T: np.ndarray, factors: Sequence[np.ndarray]) -> Curvature:
        """Factorise ΛᵀTΛ + I, given all terms' Λ.

        Raises
        ------
        FloatingPointError
            It is not positive definite to working precision.
        """


class Curvature(Protocol):
    """A factorised S = ΛᵀTΛ + I."""

    @property
    def T(self) -> np.ndarray:
        """As the tail stores a matrix."""

    @property
    def log_determinant(self) -> float:
        """log|S|."""

    def solve(self, right: np.ndarray) -> np.ndarray:
        """ΛS⁻¹Λᵀ right, (d, r)."""

    def draw(self, z: np.ndarray) -> np.ndarray:
        """From independent standard normal numbers (d,) a vector (d, 1) with the covariance ΛS⁻¹Λᵀ."""

    def gradients(self) -> dict[int, np.ndarray]:
        """By crossed term ∂log|S|/∂Λ, (s, s)."""

    @property
    def covariance(self) -> np.ndarray:
        """ΛS⁻¹Λᵀ, as the tail stores a matrix."""

    def diagonal_blocks(self) -> dict[int, np.ndarray]:
        """By crossed term the covariance's blocks within groups, (s, s, J)."""


@dataclass(frozen=True, eq=False)
class CrossedTerm:
    """A term in the tail: its position in the design and its columns there, (J, s)."""

    term: int
    columns: np.ndarray

    @property
    def n_groups(self) -> int:
        return len(self.columns)

    @property
    def size(self) -> int:
        return self.columns.shape[1]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Λ over all crossed effects, given all terms' Λ."""

    crossed: tuple[CrossedTerm, ...]
    factors: Sequence[np.ndarray]

    @cached_property
    def numbers(self) -> np.ndarray | None:
        """Λ as one number for each crossed effect; None where a term has more than one coefficient."""
        if any(one.size > 1 for one in self.crossed):
            return None
        numbers = np.empty(sum(one.n_groups for one in self.crossed))
        for one in self.crossed:
            numbers[one.columns] = self.factors[one.term]
        return numbers

    def times(self, vectors: np.ndarray) -> np.ndarray:
        """Λ @ vectors, (d, r)."""
        return self._by_group(vectors, [Lambda.T for Lambda in self.factors])

    def transposed_times(self, vectors: np.ndarray) -> np.ndarray:
        """Λᵀ @ vectors, (d, r)."""
        return self._by_group(vectors, self.factors)

    def _by_group(self, vectors: np.ndarray, transposed: Sequence[np.ndarray]) -> np.ndarray:
        if self.numbers is not None:
            return self.numbers[:, None] * vectors
        product = np.empty_like(vectors)
        for one in self.crossed:
            product[one.columns] = np.einsum("ba,jbr->jar", transposed[one.term], vectors[one.columns])
        return product


@dataclass(frozen=True, eq=False)
class DenseTail:
    """A tail kept as one (d, d) matrix, the effects term by term and group by group."""

    crossed: tuple[CrossedTerm, ...]

    @cached_property
    def width(self) -> int:
        return sum(one.columns.size for one in self.crossed)

    @property
    def size(self) -> int:
        return self.width**2

    def places(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return rows * self.width + columns

    def symmetric(self, sums: np.ndarray) -> np.ndarray:
        half = sums.reshape(self.width, self.width)
        whole = half + half.T
        whole.flat[:: self.width + 1] *= 0.5
        return whole

    def times(self, T: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        return T @ vectors

    @cached_property
    def slices(self) -> list[slice]:
        """Each crossed term's effects."""
        return [slice(one.columns[0, 0], one.columns[-1, -1] + 1) for one in self.crossed]

    def less_gram(self, T: np.ndarray, border: Border, W: np.ndarray) -> np.ndarray:
        at, right = border.at, border.times(W).values
        if border.is_whole:
            return T - sum(one @ other.T for one, other in zip(border.values, right, strict=True))
        if at.pairs is not None:
            return T - self.symmetric(at.pairs.gram(border.values, right, self.size))
        left = T.copy()
        for one, other in zip(border.values, right, strict=True):
            _subtract_gram(left, at.transposed(one), at.transposed(other))
        return left

    def quadratic(self, border: Border, F: np.ndarray) -> np.ndarray:
        at = border.at
        if border.is_whole:
            return np.einsum("aqj,bqj->ab", np.matmul(F, border.values), border.values)
        if at.pairs is not None:
            return at.pairs.quadratic(border.values, F.ravel())
        rows = [at.transposed(one) for one in border.values]
        products = np.zeros((len(rows), len(rows)))
        for a, b in np.ndindex(products.shape):
            gram = np.zeros_like(F)
            _subtract_gram(gram, rows[a], rows[b])
            products[a, b] = -np.vdot(gram, F)
        return 0.5 * (products + products.T)

    def through(self, border: Border, F: np.ndarray) -> Border:
        at = border.at
        if border.is_whole:
            return Border(at, np.matmul(F, border.values))
        if at.pairs is not None:
            return Border(at, at.pairs.through(border.values, F.ravel()))
        product, step = np.empty_like(border.values), max(1, AT_ONCE // self.width)
        for own, row in zip(product, border.values, strict=True):
            matrix = at.matrix(row)
            for start in range(0, at.n_groups, step):
                whole = matrix[start : start + step] @ F
                some = slice(at.starts[start], at.starts[start + len(whole)])
                own[some] = whole[at.group[some] - start, at.column[some]]
        return Border(at, product)

    def factorise(self, T: np.ndarray, factors: Sequence[np.ndarray]) -> DenseCurvature:
        scaling = Scaling(self.crossed, factors)
        S = self.both_scaled(T, scaling).T
        S.flat[:: self.width + 1] += 1.0
        L, failed = dpotrf(S, lower=1, clean=1, overwrite_a=1)
        if failed or not np.isfinite(L[-1, -1]):
            raise FloatingPointError(NOT_POSITIVE)
        return DenseCurvature(self, scaling, T, L)

    def both_scaled(self, matrix: np.ndarray, scaling: Scaling, transpose: bool = False) -> np.ndarray:
        """Λᵀ matrix Λ for a symmetric matrix, or Λ matrix Λᵀ."""
        if scaling.numbers is None:
            half = self.columns_scaled(matrix, scaling, transpose)
            return self.columns_scaled(half.T, scaling, transpose)
        product = matrix * scaling.numbers
        product *= scaling.numbers[:, None]  # in place: of a large matrix every copy costs
        return product

    def columns_scaled(self, matrix: np.ndarray, scaling: Scaling, transpose: bool = False) -> np.ndarray:
        """matrix @ Λ, or matrix @ Λᵀ."""
        product = np.empty(matrix.shape)
        for one, place in zip(self.crossed, self.slices, strict=True):
            Lambda = scaling.factors[one.term].T if transpose else scaling.factors[one.term]
            columns = matrix[:, place].reshape(len(matrix), one.n_groups, one.size)
            product[:, place] = (columns @ Lambda).reshape(len(matrix), -1)
        return product


@dataclass(frozen=True, eq=False)
class DenseCurvature:
    """S with its lower Cholesky factor L."""

    tail: DenseTail
    scaling: Scaling
    T: np.ndarray
    L: np.ndarray

    @property
    def log_determinant(self) -> float:
        return 2.0 * float(np.log(self.L.diagonal()).sum())

    def solve(self, right: np.ndarray) -> np.ndarray:
        return self.scaling.times(dpotrs(self.L, self.scaling.transposed_times(right), lower=1)[0])

    def draw(self, z: np.ndarray) -> np.ndarray:
        return self.scaling.times(dtrtrs(self.L, z[:, None], lower=1, trans=1)[0])

    @cached_property
    def inverse(self) -> np.ndarray:
        """S⁻¹, (d, d)."""
        return completed(dpotri(self.L, lower=1)[0]).T

    def gradients(self) -> dict[int, np.ndarray]:
        gradients, numbers = {}, self.scaling.numbers
        moved = self.T if numbers is not None else self.tail.columns_scaled(self.T, self.scaling)
        for one, place in zip(self.tail.crossed, self.tail.slices, strict=True):
            if numbers is not None:
                by_column = np.einsum("lm,lm->m", self.T[place], self.inverse[place])
                gradients[one.term] = np.array([[2.0 * by_column @ numbers]])
                continue
            rows = moved[place].reshape(one.n_groups, one.size, -1)
            columns = self.inverse[place].reshape(one.n_groups, one.size, -1)
            gradients[one.term] = 2.0 * np.einsum("lam,lbm->ab", rows, columns)
        return gradients

    @cached_property
    def covariance(self) -> np.ndarray:
        return self.tail.both_scaled(self.inverse, self.scaling, transpose=True)

    def diagonal_blocks(self) -> dict[int, np.ndarray]:
        blocks = {}
        for one, place in zip(self.tail.crossed, self.tail.slices, strict=True):
            within = self.covariance[place, place].reshape(one.n_groups, one.size, one.n_groups, one.size)
            blocks[one.term] = np.einsum("jajb->abj", within)
        return blocks


def _subtract_gram(T: np.ndarray, one: csr_matrix, other: csr_matrix) -> None:
    """T −= one @ otherᵀ, symmetric if summed; rows that are hardly sparse are multiplied as dense ones."""
    counts = np.diff(one.indptr)
    many = np.flatnonzero(counts >= DENSE_ROW * one.shape[1])
    if not len(many):
        T -= (one @ other.T).toarray()
        return
    sparse = np.repeat(counts < DENSE_ROW * one.shape[1], counts)
    few, rest = one.copy(), other.copy()
    few.data *= sparse
    few.eliminate_zeros()
    rest.data *= sparse
    rest.eliminate_zeros()
    T -= (few @ rest.T).toarray()
    dense = other[many].toarray()
    beside = one @ dense.T
    T[:, many] -= beside
    beside[many] = 0.0
    T[many] -= beside.T


def completed(lower: np.ndarray) -> np.ndarray:
    """A symmetric matrix from its lower triangle, zeros above, in place."""
    for start in range(0, len(lower), SQUARE):
        rows = slice(start, start + SQUARE)
        for left in range(0, start, SQUARE):
            columns = slice(left, left + SQUARE)
            lower[columns, rows] = lower[rows, columns].T
        corner = lower[rows, rows]
        corner += np.tril(corner, -1).T
    return lower
