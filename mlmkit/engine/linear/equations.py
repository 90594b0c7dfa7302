"""The mixed-model equations of standardised data: every cross-product of [Z X y], in one pass over the rows.

For known covariances the estimates solve linear equations in the group effects and the population
coefficients (Henderson 1950, Ann. Math. Stat. 21, 309–310). Their matrix holds cross-products that do not
depend on θ, and here they are summed: those of Z on the pattern of the random part, and [X y] beside them as
right-hand sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..lapack import cholesky, inverse_of_lower
from ..random.arrange import arrange
from ..random.blocks import group_products, group_squares, sum_by_group
from ..random.effects import Effects
from ..random.pattern import CrossProducts, Factorised, Pattern
from ..standardise import Standardised


@dataclass(frozen=True, eq=False)
class Equations:
    """The cross-products of standardised [Z X y].

    Attributes
    ----------
    products
        ZᵀZ; None without group effects.
    right
        Zᵀ[X y], (s, p + 1, J) for each term.
    square : (p + 1, p + 1) array
        [X y]ᵀ[X y]: X is orthonormal and y orthogonal to it.
    """

    products: CrossProducts | None
    right: Effects
    square: np.ndarray

    def with_response(self, data: Standardised) -> Equations:
        """The equations of the same standardised design with another response."""
        square = self.square.copy()
        square[-1, -1] = data.y @ data.y
        right = []
        for term, old in zip(data.terms, self.right, strict=True):
            new = sum_by_group(term.Z * data.y, term.codes, term.n_groups)
            right.append(np.concatenate([old[:, :-1], new[:, None]], axis=1))
        return replace(self, right=right, square=square)

    def at(self, factors: Sequence[np.ndarray]) -> SolvedEquations:
        """Solve the equations at the standardised terms' Λ, each (s, s), triangular or not.

        Raises
        ------
        FloatingPointError
            They are not positive definite to working precision.
        """
        if self.products is None:
            return SolvedEquations(factors, None, [], [], self.square)
        factorised = self.products.at(factors)
        effects, left = factorised.explain(self.right)
        explained = sum(np.einsum("srj,stj->rt", B, u) for B, u in zip(self.right, effects, strict=True))
        return SolvedEquations(factors, factorised, effects, left, self.square - explained)


@dataclass(frozen=True, eq=False)
class SolvedEquations:
    """The equations solved at one Λ, for each column of [X y] as if it were the response.

    Attributes
    ----------
    factors
        The standardised terms' Λ.
    factorised
        H = ΛᵀZᵀZΛ + I.
    effects, left
        ΛH⁻¹ΛᵀZᵀ[X y], the group effects, and ZᵀV⁻¹[X y], what they leave unexplained: (s, p + 1, J) for each term.
    between : (p + 1, p + 1) array
        [X y]ᵀV⁻¹[X y].
    """

    factors: Sequence[np.ndarray]
    factorised: Factorised | None
    effects: Effects
    left: Effects
    between: np.ndarray

    @property
    def log_determinant(self) -> float:
        """log|V| = log|H|."""
        return 0.0 if self.factorised is None else self.factorised.log_determinant

    @cached_property
    def L(self) -> np.ndarray:
        """The lower Cholesky factor of [X y]ᵀV⁻¹[X y]."""
        return cholesky(self.between)

    @cached_property
    def inverse_of_L(self) -> np.ndarray:
        """L⁻¹, whose last row is (−b̂, 1)/r."""
        return inverse_of_lower(self.L)

    @property
    def r2(self) -> float:
        """r² = min (y − Xb)ᵀV⁻¹(y − Xb), the penalised residual sum of squares."""
        return float(self.L[-1, -1] ** 2)

    @property
    def residual(self) -> np.ndarray:
        """(−b̂, 1), what makes y − Xb̂ of [X y]."""
        return self.inverse_of_L[-1] * self.L[-1, -1]

    def gradients(self, Phi: np.ndarray) -> list[np.ndarray]:
        """The derivatives of log|V| + ⟨Φ, [X y]ᵀV⁻¹[X y]⟩ by all entries of each term's Λ, Φ held fixed.

        With R = ZᵀV⁻¹[X y] in each group, the second part is −2 Σ R Φ Rᵀ Λ.
        """
        if self.factorised is None:
            return []
        pairs = zip(self.factorised.gradients(), self.left, self.factors, strict=True)
        return [G - 2.0 * _quadratic(R, Phi) @ Lambda for G, R, Lambda in pairs]


def _quadratic(R: np.ndarray, Phi: np.ndarray) -> np.ndarray:
    """Σ over the groups of R Φ Rᵀ, (s, s)."""
    return np.einsum("atj,btj->ab", np.einsum("arj,rt->atj", R, Phi), R)


def mixed_model_equations(data: Standardised, groups: Sequence[str]) -> Equations:
    """Sum the cross-products of standardised data, given the name of each term's grouping."""
    square = np.eye(len(data.Q) + 1)
    square[-1, -1] = data.y @ data.y
    if not groups:
        return Equations(None, [], square)
    pattern = arrange(data.terms, groups)
    within, beside = _finest_products(data, pattern)
    products = pattern.sum([term.Z for term in data.terms], products=within)
    return Equations(products, _right(data, pattern, beside), square)


def _finest_products(data: Standardised, pattern: Pattern) -> tuple[np.ndarray, np.ndarray]:
    """For each finest group the cross-products of the chain's c regressors, (c, c, J), and theirs with [X y].

    A column that occurs more than once, in several terms or in X, too, is summed once.
    """
    finest, root_n = pattern.levels[0], np.sqrt(len(data.y))
    columns: list[np.ndarray] = []
    places: list[int] = []
    seen: dict[Any, int] = {}
    for k in pattern.chain:
        for a, row in enumerate(data.terms[k].Z):
            key = a if data.terms[k].leading else (k, a)
            if key not in seen:
                seen[key] = len(columns)
                columns.append(row)
            places.append(seen[key])
    new = [x for x in range(len(data.Q)) if x not in seen]
    own = group_squares(columns, finest.codes, finest.n_groups)
    right = group_products(columns, [*data.Q[new], data.y], finest.codes, finest.n_groups)
    known = [x for x in range(len(data.Q)) if x in seen]
    with_Xy = np.empty((len(columns), len(data.Q) + 1, finest.n_groups))
    with_Xy[:, known] = own[:, [seen[x] for x in known]] / root_n
    with_Xy[:, [*new, len(data.Q)]] = right
    return own[np.ix_(places, places)], with_Xy[places]


def _right(data: Standardised, pattern: Pattern, beside: np.ndarray) -> Effects:
    """Zᵀ[X y] of every term: the chain's carried up from the finest groups, the crossed ones' summed."""
    right: list[np.ndarray] = [np.empty(0)] * len(data.terms)
    for position, (level, parts) in enumerate(zip(pattern.levels, pattern.parts, strict=True)):
        for k, part in parts:
            right[k] = beside[part]
        if level.parent is not None:
            n_parents = pattern.levels[position + 1].n_groups
            beside = sum_by_group(beside[level.size :], level.parent, n_parents)
    for k in set(range(len(right))) - set(pattern.chain):
        term = data.terms[k]
        right[k] = group_products(list(term.Z), [*data.Q, data.y], term.codes, term.n_groups)
    return right
