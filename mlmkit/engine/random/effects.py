"""Group effects, as one array for each random term, and what carries them to the rows of the data and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from ..standardise import Term
from .blocks import sum_by_group

#: One array for each random term: (s, J) by group, or (s, n) by row.
Effects = list[np.ndarray]


@dataclass(frozen=True, eq=False)
class RandomTerms:
    """The random terms of a design, on one scale.

    Attributes
    ----------
    terms
        Standardised regressors, (s, n) each, with the groups of the rows.
    """

    terms: tuple[Term, ...]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Coefficients that vary in each term."""
        return tuple(term.size for term in self.terms)

    def nothing(self) -> Effects:
        """Group effects of zero."""
        return [np.zeros((term.size, term.n_groups)) for term in self.terms]

    def scaled(self, factors: Sequence[np.ndarray]) -> Effects:
        """Z̃ = ZΛ by row."""
        return [Lambda.T @ term.Z for term, Lambda in zip(self.terms, factors, strict=True)]

    def sums(self, Z: Effects, rows: np.ndarray) -> Effects:
        """Zᵀ rows, by group."""
        return [sum_by_group(z * rows, t.codes, t.n_groups) for z, t in zip(Z, self.terms, strict=True)]

    def by_row(self, effects: Effects) -> Effects:
        """The effects of each row's groups."""
        return [effect.take(term.codes, axis=1) for effect, term in zip(effects, self.terms, strict=True)]

    def predictor(self, Z: Effects, effects: Effects) -> np.ndarray:
        """Z effects, (n,)."""
        return reduce(np.add, map(row_products, Z, self.by_row(effects)))


def row_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row by row the inner product of two (s, n) arrays."""
    return reduce(np.add, map(np.multiply, a, b))


def dot(a: Effects, b: Effects) -> float:
    """The inner product of two sets of effects."""
    return float(sum(np.vdot(x, y) for x, y in zip(a, b, strict=True)))
