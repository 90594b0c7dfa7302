"""The one mechanism behind both criteria: a pattern, its cross-products, and H = ΛᵀAΛ + I factorised.

    pattern = arrange(terms, groups)            # once: which random effects meet which
    products = pattern.sum(Z, weights)          # A = ZᵀWZ; once, or at each step of a generalized model
    factorised = products.at(factors)           # H at one Λ: log|H|, solutions, inverse, gradient, draws

Everything that follows from a Λ is said in the units of Z, through C = ΛH⁻¹Λᵀ, the covariance of the group
effects given the data (over σ²): nothing is ever divided by Λ, so that a variance of zero is no special case.
With Λ = I, C is H⁻¹ itself. (W is the rows' weights here; the W that a level keeps is its groups' spread, see
`elimination.Eliminated`.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import accumulate
from math import prod

import numpy as np

from ..covariance import join_factors
from ..standardise import Term
from .blocks import (
    between,
    cholesky,
    group_squares,
    multiply,
    multiply_transposed,
    solve_lower,
    sum_by_group,
    times_vectors,
)
from .border import Border, Cells
from .effects import Effects, row_products
from .elimination import Elimination, Level, differentiate, eliminate, inverse_on_pattern, kept_by
from .tail import NOT_POSITIVE, Curvature, Tail

#: A coefficient that varies: its term, and its place there.
Coefficient = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Pattern:
    """The random terms of a design, arranged.

    Attributes
    ----------
    terms
        Standardised regressors, (s, n) each, with the groups of the rows.
    levels
        The chain, finest level first; one level only where terms cross.
    tail, cells
        Where the crossed effects stand, and which groups meet them; None without crossed terms.
    stored
        For each crossed coefficient (its term, its place there) where the border stores each row's
        cross-product with it, (n,).
    met
        For each pair of crossed coefficients where the tail stores each row's product of the two, (n,).
    """

    terms: tuple[Term, ...]
    levels: tuple[Level, ...]
    tail: Tail | None = None
    cells: Cells | None = None
    stored: dict[Coefficient, np.ndarray] = field(default_factory=dict)
    met: dict[tuple[Coefficient, Coefficient], np.ndarray] = field(default_factory=dict)

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

    @property
    def chain(self) -> list[int]:
        """The terms of the chain, finest level first."""
        return [k for level in self.levels for k in level.terms]

    @cached_property
    def parts(self) -> list[list[tuple[int, slice]]]:
        """For each level its terms, each with its rows among the level's."""
        stops = [accumulate(self.sizes[k] for k in level.terms) for level in self.levels]
        return [
            [(k, slice(stop - self.sizes[k], stop)) for k, stop in zip(level.terms, own, strict=True)]
            for level, own in zip(self.levels, stops, strict=True)
        ]

    @cached_property
    def unscaled(self) -> list[np.ndarray]:
        """Λ = I, term by term."""
        return [np.eye(size) for size in self.sizes]

    def factorise(self, Z: Effects, weights: np.ndarray) -> Factorised:
        """Factorise ZᵀWZ + I.

        Raises
        ------
        FloatingPointError
            It is not positive definite to working precision.
        """
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return self.sum(Z, weights).factorised(self.unscaled)

    def sum(self, Z: Effects, weights: np.ndarray | None = None, products=None) -> CrossProducts:
        """The cross-products ZᵀWZ, as far as they are not zero by the pattern.

        Parameters
        ----------
        Z
            Each term's regressors, (s, n).
        weights : (n,) array
            W; ones if left out.
        products : (c, c, J) array
            Those of the chain's c regressors in the finest groups, where they are known already.
        """
        z = [row for k in self.chain for row in Z[k]]
        weighted = z if weights is None else [weights * row for row in z]
        finest = self.levels[0]
        if products is None:
            products = group_squares(z, finest.codes, finest.n_groups, weighted)
        if self.tail is None:
            return CrossProducts(self, products, None, None)
        return CrossProducts(self, products, self._border(Z, weighted), self._tail(Z, weights))

    def _border(self, Z: Effects, weighted: Sequence[np.ndarray]) -> Border:
        """Cross-products of the finest groups' regressors with the crossed ones."""
        at = self.cells
        shape = (len(at.group),) if len(at.group) else (at.n_columns, at.n_groups)
        values = np.zeros((len(weighted), prod(shape)))
        for (k, b), stored in self.stored.items():
            for total, row in zip(values, weighted, strict=True):
                total += np.bincount(stored, row * Z[k][b], len(total))
        return Border(at, values.reshape(len(values), *shape))

    def _tail(self, Z: Effects, weights: np.ndarray | None) -> np.ndarray:
        """Cross-products of the crossed regressors with each other."""
        sums = np.zeros(self.tail.size)
        for ((k, a), (m, b)), places in self.met.items():
            products = Z[k][a] * Z[m][b]
            sums += np.bincount(places, products if weights is None else weights * products, len(sums))
        return self.tail.symmetric(sums)


@dataclass(frozen=True, eq=False)
class CrossProducts:
    """ZᵀWZ on its pattern.

    Attributes
    ----------
    pattern
    products : (c, c, J) array
        For each finest group, the cross-products of the chain's c regressors.
    border
        For each finest group, those of the chain's regressors with the crossed ones; None without any.
    tail
        Those of the crossed regressors, as the pattern's tail stores a matrix; None without any.
    """

    pattern: Pattern
    products: np.ndarray
    border: Border | None
    tail: np.ndarray | None

    def at(self, factors: Sequence[np.ndarray]) -> Factorised:
        """Factorise ΛᵀZᵀWZΛ + I for the terms' Λ, each (s, s), triangular or not.

        Raises
        ------
        FloatingPointError
            It is not positive definite to working precision.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.factorised(factors)

    def factorised(self, factors: Sequence[np.ndarray]) -> Factorised:
        """The same where numpy's warnings are held back already, as entering that state again takes time."""
        by_level = [join_factors([factors[k] for k in level.terms]) for level in self.pattern.levels]
        chain = eliminate(self.pattern.levels, self.products, by_level)
        if not np.isfinite(chain.log_determinant):
            raise FloatingPointError(NOT_POSITIVE)
        tail = None
        if self.tail is not None:
            left = self.pattern.tail.less_gram(self.tail, self.border, chain.levels[0].W)
            tail = self.pattern.tail.factorise(left, factors)
        return Factorised(self.pattern, by_level, chain, self.border, tail)


@dataclass(frozen=True, eq=False)
class Factorised:
    """H with its chain eliminated, and what is left for the crossed effects factorised.

    `by_level` has each level's Λ; `border` and `tail` are None without crossed terms.
    """

    pattern: Pattern
    by_level: list[np.ndarray]
    chain: Elimination
    border: Border | None
    tail: Curvature | None

    @property
    def log_determinant(self) -> float:
        """log|H|."""
        return self.chain.log_determinant + (0.0 if self.tail is None else self.tail.log_determinant)

    def solve(self, right: Effects) -> Effects:
        """C right, (s, J) for each term."""
        if len(right) == 1 and self.tail is None:  # most models: nothing is carried to and fro
            return [times_vectors(self.chain.levels[0].W, right[0])]
        return [effect[:, 0] for effect in self.solve_each([one[:, None] for one in right])]

    def solve_each(self, right: Effects) -> Effects:
        """C right for each of k right-hand sides, (s, k, J) for each term."""
        _, alone, crossed = self._forward(right)
        solved = None if crossed is None else self.tail.solve(crossed)
        return self._by_term(self._back(alone, solved)[0], solved)

    def explain(self, right: Effects) -> tuple[Effects, Effects]:
        """C right, and what it leaves of the right-hand sides, right − A C right: (s, k, J) for each term, for k of them."""
        own, alone, crossed = self._forward(right)
        solved = None if crossed is None else self.tail.solve(crossed)
        effects, explained = self._back(alone, solved)
        left = []
        for done, one, effect, beside in zip(self.chain.levels, own, effects, explained, strict=True):
            left.append((one if beside is None else one - beside) - multiply(done.A, effect))
        unsolved = None if crossed is None else crossed - self.pattern.tail.times(self.tail.T, solved)
        return self._by_term(effects, solved), self._by_term(left, unsolved)

    def _forward(self, right: Effects) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray | None]:
        """Each level's right-hand sides less what is finer, its effects by these alone, and what is left for the tail."""
        levels, alone, carried = self.pattern.levels, [], np.empty(0)
        own = [np.concatenate([right[k] for k in level.terms]) for level in levels]
        for position, (level, done) in enumerate(zip(levels, self.chain.levels, strict=True)):
            if position:
                own[position] += carried[: level.size]
            alone.append(multiply(done.W, own[position]))
            if level.parent is not None:
                above = -multiply_transposed(done.U, alone[position])
                above += carried[level.size :] if position else 0.0
                carried = sum_by_group(above, level.parent, levels[position + 1].n_groups)
        tail = self.pattern.tail
        if tail is None:
            return own, alone, None
        crossed = np.empty((tail.width, alone[0].shape[1]))
        for one in tail.crossed:
            crossed[one.columns] = right[one.term].transpose(2, 0, 1)
        return own, alone, crossed - self.border.transposed_times(alone[0])

    def _back(
        self, alone: Sequence[np.ndarray], crossed: np.ndarray | None
    ) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
        """From each level's effects without the others to those beside all, and what the others explain there.

        Given the crossed effects and everything coarser, a group's effects are W times what is left for them.
        """
        effects: list[np.ndarray] = []
        explained: list[np.ndarray | None] = []
        coarser, beside = np.empty(0), None if crossed is None else self.border.times_vectors(crossed)
        steps = list(zip(self.pattern.levels, self.chain.levels, alone, strict=True))
        for level, done, effect in reversed(steps):
            if level.parent is not None:
                coarser = coarser.take(level.parent, axis=-1)
                beside = multiply(done.U, coarser)
            if beside is not None:
                effect = effect - multiply(done.W, beside)
            effects.append(effect)
            explained.append(beside)
            coarser = np.concatenate([effect, coarser]) if len(coarser) else effect
        return effects[::-1], explained[::-1]

    def _by_term(self, by_level: Sequence[np.ndarray], crossed: np.ndarray | None) -> Effects:
        """The terms' effects from those of the levels and, (d, k), the crossed ones."""
        effects: Effects = [np.empty(0)] * len(self.pattern.terms)
        for parts, own in zip(self.pattern.parts, by_level, strict=True):
            for k, part in parts:
                effects[k] = own[part]
        if crossed is not None:
            for one in self.pattern.tail.crossed:
                effects[one.term] = crossed[one.columns].transpose(1, 2, 0)
        return effects

    @cached_property
    def _beside(self) -> Border | None:
        """The border times the crossed effects' C."""
        if self.tail is None:
            return None
        return self.pattern.tail.through(self.border, self.tail.covariance)

    def gradients(self) -> list[np.ndarray]:
        """∂log|H|/∂Λ, all entries of each term's (s, s) matrix."""
        levels = self.pattern.levels
        if self.tail is None:
            return self._within_terms(differentiate(levels, self.chain, self.by_level), {})
        kept = self.border.times(kept_by(self.chain.levels[0]))
        by_border = self.pattern.tail.quadratic(kept, self.tail.covariance)
        by_level = differentiate(levels, self.chain, self.by_level, by_border)
        return self._within_terms(by_level, self.tail.gradients())

    def _within_terms(
        self, by_level: Sequence[np.ndarray], crossed: dict[int, np.ndarray]
    ) -> list[np.ndarray]:
        """Each term's own part of the levels' matrices, (s, s, …), beside those of the crossed terms."""
        own = {
            k: one[part, part]
            for parts, one in zip(self.pattern.parts, by_level, strict=True)
            for k, part in parts
        }
        return [matrix for _, matrix in sorted((own | crossed).items())]

    @cached_property
    def _inverse(self) -> list[np.ndarray]:
        """C where the chain's groups have cross-products, level by level."""
        by_W = 0.0 * self.chain.levels[-1].W if self.tail is None else -self._beside.inner(self.border)
        return inverse_on_pattern(self.pattern.levels, self.chain, by_W)

    def inverse_by_group(self) -> Effects:
        """The diagonal blocks of C, (s, s, J) for each term."""
        return self._within_terms(self._inverse, {} if self.tail is None else self.tail.diagonal_blocks())

    def inverse_by_row(self, Z: Effects) -> Effects:
        """C z of each row at the row's own groups, (s, n) for each term."""
        pattern = self.pattern
        z = np.concatenate([Z[k] for k in pattern.chain])
        codes = pattern.levels[0].codes
        own = np.array([row_products(row.take(codes, axis=1), z) for row in self._inverse[0]])
        if len(Z) == 1 and self.tail is None:
            return [own]
        beside = {}
        if self.tail is not None:
            covariance = self.tail.covariance.ravel()
            border = -self._beside.times(self.chain.levels[0].W).values.reshape(len(z), -1)
            for (k, a), stored in pattern.stored.items():
                between_them = border.take(stored, axis=1)
                own += between_them * Z[k][a]
                beside[k, a] = row_products(between_them, z)
            for ((k, a), (m, b)), places in pattern.met.items():
                between_them = covariance.take(places)
                beside[k, a] += between_them * Z[m][b]
                if (k, a) != (m, b):
                    beside[m, b] += between_them * Z[k][a]
        stops = np.cumsum([len(Z[k]) for k in pattern.chain])[:-1]
        whole = dict(zip(pattern.chain, np.split(own, stops), strict=True))
        return [
            whole[k] if k in whole else np.array([beside[k, a] for a in range(len(Z[k]))])
            for k in range(len(Z))
        ]

    def draw(self, rng: np.random.Generator) -> Effects:
        """Group effects from a normal distribution with the covariance C, (s, J) for each term.

        First the crossed effects, then the nested ones from the coarsest to the finest, each given those
        before it.
        """
        levels = list(zip(self.pattern.levels, self.chain.levels, self.by_level, strict=True))
        crossed = None if self.tail is None else self.tail.draw(rng.normal(size=self.pattern.tail.width))
        alone = [
            _correlated(done.A, Lambda, rng.normal(size=(level.size, level.n_groups))[:, None])
            for level, done, Lambda in reversed(levels)
        ]
        effects, _ = self._back(alone[::-1], crossed)
        return [effect[:, 0] for effect in self._by_term(effects, crossed)]


def _correlated(A: np.ndarray, Lambda: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Normal draws with the covariance W = Λ(ΛᵀAΛ + I)⁻¹Λᵀ of each group from standard ones, (s, 1, J)."""
    H = between(Lambda.T, A, Lambda) + np.eye(len(A))[:, :, None]
    return multiply_transposed(solve_lower(cholesky(H), Lambda.T[:, :, None]), z)
