"""The normal equations of a mixed model, once for all values of θ: one pass over the data.

For known covariances the estimates solve linear equations in the group effects and the population
coefficients (Henderson's mixed-model equations). Their matrix holds the cross-products of [Z X y], which
do not depend on θ, and here they are summed. The random terms are put in two places:

* the *chain*, groupings nested in each other from the finest to the coarsest, with several terms on one
  grouping side by side. Rows of the data enter through the finest groups only, since those know which
  coarser groups they lie in;
* the *tail*, [crossed effects, X, y], whose cross-products are one dense matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..standardise import Standardised, Term
from .blocks import group_products, group_squares
from .border import DENSE_SHARE, SMALL_BORDER, DenseBorder, Pattern, SparseBorder, cell_pairs
from .nesting import longest_chain, parents


@dataclass(frozen=True, eq=False)
class Level:
    """One grouping of the chain.

    Attributes
    ----------
    terms
        Positions in the design of the terms on this grouping.
    size, n_groups
        Coefficients that vary across the groups, over all of its terms, and the number of groups.
    codes
        (n,) the group of each row.
    parent
        (J,) the next level's group that each group lies in; None at the coarsest level.
    template
        A border with the pattern of this level's cells.
    """

    terms: tuple[int, ...]
    size: int
    n_groups: int
    codes: np.ndarray
    parent: np.ndarray | None
    template: DenseBorder | SparseBorder | None = None

    def parts(self, sizes: Sequence[int]) -> list[tuple[int, slice]]:
        """Each of its terms with its rows among the level's."""
        stops = np.cumsum([sizes[k] for k in self.terms])
        return [(k, slice(stop - sizes[k], stop)) for k, stop in zip(self.terms, stops, strict=True)]


@dataclass(frozen=True, eq=False)
class CrossedTerm:
    """A term in the tail: its position in the design and its columns there, group by group."""

    term: int
    columns: slice
    size: int
    n_groups: int


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """Cross-products of [Z X y].

    Attributes
    ----------
    levels
        The chain, finest first.
    crossed
        The terms in the tail.
    products : (c, c, J) array
        For each finest group, the cross-products of the chain's c regressors.
    border
        For each finest group, those of the chain's regressors with the tail.
    tail : (q, q) array
        Those of [crossed, X, y].
    p, n
        Columns of X; rows of the data.
    sizes
        Coefficients that vary in each of the design's terms.
    """

    levels: tuple[Level, ...]
    crossed: tuple[CrossedTerm, ...]
    products: np.ndarray
    border: DenseBorder | SparseBorder
    tail: np.ndarray
    p: int
    n: int
    sizes: tuple[int, ...]

    @cached_property
    def finest_rows(self) -> DenseBorder | SparseBorder:
        """The border's rows of the finest level's own regressors."""
        own = self.border.rows(slice(self.levels[0].size))
        if isinstance(own, SparseBorder):
            return replace(own, pairs=cell_pairs(own.pattern, own.values))
        return own

    @property
    def n_crossed(self) -> int:
        """Columns of the tail before those of X and y."""
        return len(self.tail) - self.p - 1


def split_terms(terms: Sequence[Term], groups: Sequence[str]) -> tuple[list[tuple[int, ...]], list[int]]:
    """The chain as groups of terms on the same grouping, finest first, and the crossed terms."""
    same = [tuple(k for k, g in enumerate(groups) if g == name) for name in dict.fromkeys(groups)]
    chain = longest_chain(
        [terms[group[0]].codes for group in same],
        [terms[group[0]].n_groups for group in same],
        [sum(terms[k].size for k in group) for group in same],
    )
    crossed = [k for position, group in enumerate(same) if position not in chain for k in group]
    return [same[position] for position in chain], crossed


def crossed_width(terms: Sequence[Term], crossed: Sequence[int]) -> int:
    """Columns of Z that the crossed terms have."""
    return sum(terms[k].n_groups * terms[k].size for k in crossed)


def normal_equations(data: Standardised, groups: Sequence[str], split=None) -> NormalEquations:
    """Sum the cross-products of standardised data.

    Parameters
    ----------
    data
    groups
        The name of each term's grouping.
    split
        What `split_terms` makes of the terms, where it is known already.
    """
    terms = data.terms
    chain, rest = split_terms(terms, groups) if split is None else split
    levels = _levels(terms, chain)
    crossed = _crossed(terms, rest)
    Xy = [*data.Q, data.y]
    products, with_Xy = _finest_products(data, levels)
    levels, border = _borders(levels, terms, crossed, with_Xy)
    return NormalEquations(
        levels,
        crossed,
        products,
        border,
        _tail(terms, crossed, Xy),
        p=len(data.Q),
        n=data.n,
        sizes=tuple(term.size for term in terms),
    )


def _finest_products(data: Standardised, levels: Sequence[Level]) -> tuple[np.ndarray, np.ndarray]:
    """For each finest group the cross-products of the chain's regressors, (c, c, J), and theirs with [X y].

    A column that occurs more than once, in several terms or in X, too, is summed once.
    """
    finest, root_n = levels[0], np.sqrt(len(data.y))
    columns, places, seen = [], [], {}
    for k in (k for level in levels for k in level.terms):
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


def _levels(terms: Sequence[Term], chain: list[tuple[int, ...]]) -> tuple[Level, ...]:
    levels = []
    for position, group in enumerate(chain):
        term = terms[group[0]]
        outer = terms[chain[position + 1][0]].codes if position + 1 < len(chain) else None
        parent = None if outer is None else parents(term.codes, term.n_groups, outer)
        levels.append(Level(group, sum(terms[k].size for k in group), term.n_groups, term.codes, parent))
    return tuple(levels)


def _crossed(terms: Sequence[Term], rest: list[int]) -> tuple[CrossedTerm, ...]:
    crossed, start = [], 0
    for k in rest:
        stop = start + terms[k].n_groups * terms[k].size
        crossed.append(CrossedTerm(k, slice(start, stop), terms[k].size, terms[k].n_groups))
        start = stop
    return tuple(crossed)


def _tail(terms: Sequence[Term], crossed: Sequence[CrossedTerm], Xy: Sequence[np.ndarray]) -> np.ndarray:
    """Cross-products of [crossed, X, y], the crossed effects group by group."""
    d = crossed[-1].columns.stop if crossed else 0
    tail = np.zeros((d + len(Xy), d + len(Xy)))
    tail[d:, d:] = np.eye(len(Xy))  # Q is orthonormal and y is orthogonal to it
    tail[-1, -1] = Xy[-1] @ Xy[-1]
    for position, one in enumerate(crossed):
        term = terms[one.term]
        with_Xy = group_products(term.Z, Xy, term.codes, term.n_groups)
        tail[one.columns, d:] = with_Xy.transpose(2, 0, 1).reshape(-1, len(Xy))
        tail[one.columns, one.columns] = _within(term)
        for other in crossed[:position]:
            block = _between(term, terms[other.term])
            tail[one.columns, other.columns] = block
            tail[other.columns, one.columns] = block.T
    tail[d:, :d] = tail[:d, d:].T
    return tail


def _within(term: Term) -> np.ndarray:
    """Cross-products of a crossed term with itself: a block for each group on the diagonal, (J s, J s)."""
    s, J = term.size, term.n_groups
    whole = np.zeros((J, s, J, s))
    whole[np.arange(J), :, np.arange(J)] = np.moveaxis(group_squares(term.Z, term.codes, J), -1, 0)
    return whole.reshape(J * s, J * s)


def _between(one: Term, other: Term) -> np.ndarray:
    """Cross-products of two crossed terms, (J s, J' s')."""
    codes = one.codes * other.n_groups + other.codes
    products = group_products(one.Z, other.Z, codes, one.n_groups * other.n_groups)
    s, t, _ = products.shape
    products = products.reshape(s, t, one.n_groups, other.n_groups)
    return products.transpose(2, 0, 3, 1).reshape(one.n_groups * s, other.n_groups * t)


def _borders(levels, terms, crossed, with_Xy):
    """The levels with their borders' patterns, and the finest level's border with the data's values."""
    finest = levels[0]
    d = crossed[-1].columns.stop if crossed else 0
    if not crossed:
        return levels, DenseBorder(with_Xy)
    Z = np.concatenate([terms[k].Z for level in levels for k in level.terms])
    group, column, values = _cells(finest, Z, terms, crossed)
    possible = finest.n_groups * d
    if possible * len(Z) <= SMALL_BORDER or len(group) > DENSE_SHARE * possible:
        dense = np.zeros((len(Z), d, finest.n_groups))
        dense[:, column, group] = values
        return levels, DenseBorder(np.concatenate([dense, with_Xy], axis=1))
    patterns = _patterns(levels, group, column, d)
    empty = np.empty((0, 0))
    levels = tuple(
        Level(one.terms, one.size, one.n_groups, one.codes, one.parent, SparseBorder(pattern, empty, empty))
        for one, pattern in zip(levels, patterns, strict=True)
    )
    return levels, SparseBorder(patterns[0], values, with_Xy)


def _cells(finest: Level, Z, terms, crossed):
    """Cells of the finest groups with the crossed terms' columns, sorted by group."""
    groups, columns, values = [], [], []
    for one in crossed:
        term = terms[one.term]
        pairs, which = np.unique(finest.codes * one.n_groups + term.codes, return_inverse=True)
        group, level = np.divmod(pairs, one.n_groups)
        products = group_products(Z, term.Z, which, len(pairs))
        for a in range(one.size):
            groups.append(group)
            columns.append(one.columns.start + level * one.size + a)
            values.append(products[:, a])
    group, column = np.concatenate(groups), np.concatenate(columns)
    order = np.lexsort((column, group))
    return group[order], column[order], np.concatenate(values, axis=1)[:, order]


def _patterns(levels: Sequence[Level], group: np.ndarray, column: np.ndarray, d: int) -> list[Pattern]:
    """Each level's cells: those of its children, with the children's groups replaced by their parents."""
    patterns = []
    for level in levels:
        if level.parent is None:
            patterns.append(Pattern(group, column, level.n_groups, d))
            continue
        pairs, cell = np.unique(level.parent[group] * d + column, return_inverse=True)
        patterns.append(Pattern(group, column, level.n_groups, d, cell))
        group, column = np.divmod(pairs, d)
    return patterns
