"""The weighted equations as one sparse matrix, for crossed groups that meet few of each other.

H = Z̃ᵀWZ̃ + I over all group effects, in an order that keeps its factor sparse. Entries of H and of its
inverse live on the factor's pattern: row i of the data adds wᵢ z̃ᵢₐ z̃ᵢ_b to one place of H for each pair
of its coefficients, and reads H⁻¹ at the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_matrix, eye_array
from scipy.sparse.linalg import SuperLU

from ..standardise import Term
from .effects import Effects, RandomTerms
from .selected import SelectedInverse, plan
from .sparse import (
    by_term,
    effect_numbers,
    elimination_order,
    factorise_sparse,
    places_of_effects,
    regressors,
)
from .weighted import NOT_POSITIVE


@dataclass(frozen=True, eq=False)
class SparsePart(RandomTerms):
    """The random terms of a design and the pattern of H, all in the order of elimination.

    Attributes
    ----------
    rows
        Each term's effects, group by group: their places in that order.
    inverse
        The factor's pattern, on which H and the entries wanted of its inverse lie.
    indices, indptr
        H's own pattern, both triangles.
    cells
        For each pair of coefficients (terms' columns counted through) the (n,) places of each row's
        product on the factor's pattern.
    """

    rows: list[np.ndarray]
    inverse: SelectedInverse
    indices: np.ndarray
    indptr: np.ndarray
    cells: dict[tuple[int, int], np.ndarray]

    @cached_property
    def both_triangles(self) -> np.ndarray:
        """For each entry of H its place on the factor's pattern."""
        columns = np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))
        return self.inverse.positions(self.indices, columns)

    @cached_property
    def diagonal(self) -> np.ndarray:
        every = np.arange(len(self.indptr) - 1)
        return self.inverse.positions(every, every)

    def factorise(self, Z: Effects, weights: np.ndarray) -> SparseFactorised:
        """Factorise H = Z̃ᵀWZ̃ + I.

        Raises
        ------
        FloatingPointError
            H is not positive definite to working precision.
        """
        z = np.concatenate(Z)
        products = np.zeros(len(self.inverse.keys))
        for (a, b), cell in self.cells.items():
            products += np.bincount(cell, weights * z[a] * z[b], len(products))
        products[self.diagonal] += 1.0
        if not np.all(np.isfinite(products)):
            raise FloatingPointError(NOT_POSITIVE)
        data = products[self.both_triangles]
        factorised = factorise_sparse(csc_matrix((data, self.indices, self.indptr)))
        pivots = factorised.U.diagonal()
        if not np.all(pivots > 0.0):
            raise FloatingPointError(NOT_POSITIVE)
        return SparseFactorised(self, factorised, pivots)

    def flattened(self, effects: Effects) -> np.ndarray:
        """All effects as one vector, (m,)."""
        vector = np.empty(len(self.indptr) - 1)
        for rows, effect in zip(self.rows, effects, strict=True):
            vector[rows] = effect.T.ravel()
        return vector


@dataclass(frozen=True, eq=False)
class SparseFactorised:
    """H = LDLᵀ; what it offers is what `Factorised` does."""

    part: SparsePart
    factorised: SuperLU
    pivots: np.ndarray

    @property
    def log_determinant(self) -> float:
        """log|H|."""
        return float(np.log(self.pivots).sum())

    @cached_property
    def inverse(self) -> np.ndarray:
        """H⁻¹ on the factor's pattern."""
        return self.part.inverse.data(self.factorised.L, self.pivots)

    def solve(self, right: Effects) -> Effects:
        """H⁻¹ right."""
        return by_term(self.factorised.solve(self.part.flattened(right)), self.part.terms, self.part.rows)

    def inverse_by_row(self, Z: Effects) -> Effects:
        """H⁻¹z̃ of each row at the row's own groups, (s, n) a term."""
        z = np.concatenate(Z)
        result = np.zeros_like(z)
        for (a, b), cell in self.part.cells.items():
            entries = self.inverse[cell]
            result[a] += entries * z[b]
            if a != b:
                result[b] += entries * z[a]
        return np.split(result, np.cumsum(self.part.sizes)[:-1])

    def inverse_by_group(self) -> Effects:
        """The diagonal blocks of H⁻¹, (s, s, J) a term."""
        own = [rows.reshape(-1, size) for rows, size in zip(self.part.rows, self.part.sizes, strict=True)]
        blocks = [self.part.inverse.diagonal_blocks(self.inverse, effects) for effects in own]
        return [block.transpose(1, 2, 0) for block in blocks]


def sparse_part(terms: Sequence[Term]) -> SparsePart | None:
    """The pattern of these terms; None where the entries wanted of the inverse would take too much memory."""
    numbers = effect_numbers(terms)
    member = regressors(terms, np.ones((len(numbers), len(numbers[0]))))
    met = csc_matrix(member @ member.T + eye_array(member.shape[0]))
    order = elimination_order(met)
    met = met[order][:, order].tocsc()
    met.sort_indices()
    inverse = plan(factorise_sparse(met).L)
    if inverse is None:
        return None
    rows = places_of_effects(terms, order)
    columns = [np.concatenate(rows)[effects] for effects in numbers]
    cells = {
        (a, b): inverse.positions(columns[a], columns[b]) for a in range(len(columns)) for b in range(a + 1)
    }
    return SparsePart(tuple(terms), rows, inverse, met.indices, met.indptr, cells)
