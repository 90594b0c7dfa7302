"""Weighted normal equations of the random part: factorised, solved and inverted where it matters.

Every step of a generalized fit meets the same matrix, H = Z̃ᵀWZ̃ + I with Z̃ = ZΛ, for ever new weights W.
Its pattern never changes, so it is worked out once (`RandomPart`); `factorise` then fills in the weights
and eliminates the chain of nested groupings and the crossed terms as for a linear mixed model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotrf, dpotri

from .blocks import group_squares, sum_by_group
from .border import DenseBorder, SparseBorder
from .elimination import Adjoint, Elimination, eliminate, inverse_on_pattern
from .equations import NormalEquations, normal_equations
from .standardise import Standardised, Term, standard_term

Effects = list[np.ndarray]  # one (s, J) array a term, or (s, n) for the rows' regressors


@dataclass(frozen=True, eq=False)
class RandomPart:
    """The random terms of a design and the pattern of their cross-products.

    Attributes
    ----------
    terms
        Regressors of unit mean square, (s, n) each, with the groups of the rows.
    pattern
        Normal equations of which only the arrangement matters here.
    columns
        For each crossed coefficient (term, which of its columns) the (n,) tail column of each row.
    cells
        The same coefficients' cell of the finest level's border, (n,).
    """

    terms: tuple[Term, ...]
    pattern: NormalEquations
    columns: dict[tuple[int, int], np.ndarray]
    cells: dict[tuple[int, int], np.ndarray]

    @property
    def codes(self) -> np.ndarray:
        """The finest group of each row."""
        return self.pattern.levels[0].codes

    @property
    def chain(self) -> list[int]:
        """The terms of the chain, finest level first."""
        return [k for level in self.pattern.levels for k in level.terms]

    def scaled(self, factors: Sequence[np.ndarray]) -> Effects:
        """Z̃ = ZΛ, one (s, n) array a term."""
        return [Lambda.T @ term.Z for term, Lambda in zip(self.terms, factors, strict=True)]

    def sums(self, Z: Effects, rows: np.ndarray) -> Effects:
        """Zᵀ rows, one (s, J) array a term."""
        return [sum_by_group(z * rows, t.codes, t.n_groups) for z, t in zip(Z, self.terms, strict=True)]

    def by_row(self, effects: Effects) -> Effects:
        """Each row's group effects, (s, n) a term."""
        return [effect[:, term.codes] for effect, term in zip(effects, self.terms, strict=True)]

    def predictor(self, Z: Effects, effects: Effects) -> np.ndarray:
        """Z effects, (n,)."""
        products = (np.einsum("an,an->n", z, u) for z, u in zip(Z, self.by_row(effects), strict=True))
        return sum(products)


def random_part(design) -> RandomPart:
    """Work out the pattern of a design's random terms."""
    terms = tuple(standard_term(block) for block in design.blocks)
    n = len(design.y)
    data = Standardised(
        np.empty((0, n)), np.empty((0, 0)), np.zeros(n), np.zeros(0), 1.0, terms, n, 0.0
    )
    pattern = normal_equations(data, [block.group for block in design.blocks])
    columns = {
        (one.term, a): one.columns.start + terms[one.term].codes * one.size + a
        for one in pattern.crossed
        for a in range(one.size)
    }
    cells = {key: _cells(pattern, column) for key, column in columns.items()}
    return RandomPart(terms, pattern, columns, cells)


def _cells(pattern: NormalEquations, column: np.ndarray) -> np.ndarray:
    """Where the finest level's border keeps each row's cross-product with a tail column."""
    finest, border = pattern.levels[0], pattern.border
    if isinstance(border, DenseBorder):
        return column * finest.n_groups + finest.codes
    known = border.pattern.group * pattern.n_crossed + border.pattern.column
    return np.searchsorted(known, finest.codes * pattern.n_crossed + column)


@dataclass(frozen=True, eq=False)
class Factorised:
    """H = Z̃ᵀWZ̃ + I with the chain eliminated and `L` the Cholesky factor of what is left."""

    part: RandomPart
    equations: NormalEquations
    chain: Elimination
    L: np.ndarray

    @property
    def log_determinant(self) -> float:
        """log|H|."""
        return self.chain.log_determinant + 2.0 * float(np.log(np.diagonal(self.L)).sum())

    def solve(self, right: Effects) -> Effects:
        """H⁻¹ right, term by term."""
        levels, tail = self.equations.levels, self._tail_of(right)
        waiting = []
        above = 0.0
        for level, done in zip(levels, self.chain.levels, strict=True):
            own = np.concatenate([right[k] for k in level.terms]) + above[: level.size] if waiting else (
                np.concatenate([right[k] for k in level.terms])
            )
            step = np.einsum("abj,bj->aj", done.W, own)
            tail = tail - done.B.transposed_times(step)
            if level.parent is not None:
                carried = above[level.size :] if waiting else 0.0
                below = carried - np.einsum("abj,aj->bj", done.U, step)
                above = sum_by_group(below, level.parent, levels[len(waiting) + 1].n_groups)
            waiting.append(own)
        solution = cho_solve((self.L, True), tail) if len(tail) else tail
        return self._substitute_back(waiting, solution)
