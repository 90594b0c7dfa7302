"""Where each random term of a design is put: in a chain of nested groupings, or beside one in the tail.

Groupings that nest in each other, pupils in classes in schools, form a *chain* that is eliminated from the
finest to the coarsest, at a cost that grows only with the number of groups. Rows of the data enter through the
finest groups, since those know which coarser ones they lie in. Where some grouping crosses another, the
grouping with the most effects is a chain by itself and all others go into the *tail*.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...design import Block
from ...errors import DataError, FitWarning
from ...words import listed
from ..standardise import Term, standard_term
from .border import Cells, Pairs
from .elimination import Level
from .pattern import Coefficient, Pattern
from .route import NEVER_DENSE, is_sparse
from .sparse_tail import sparse_tail
from .tail import CrossedTerm, DenseTail, Tail

#: Products of regressors with crossed effects up to which a border is stored whole; pairs of its cells up to
#: which they are written down.
SMALL_BORDER, PAIRS_KEPT = 200_000, 8_000_000
#: With this many dense columns or more a fit takes so long that it is told before it begins: about SECONDS times the
#: columns cubed for a linear model, GENERALIZED times that for a generalized one, and the memory of COPIES of the matrix.
SLOW, SECONDS, GENERALIZED, COPIES = 4000, 1.5e-10, 5, 9
LINKED = (
    "{groups} are crossed in so many combinations that the fit needs a matrix of {width:,} × {width:,} numbers: "
    "{cost}. {advice} (chapter 6)."
)
SOONER = "This changes no result; to have it sooner, fit the rows of a sample of the groups, or leave one of these terms out"
INSTEAD = "Leave one of these terms out, or fit the rows of a sample of the groups"


def arrange(terms: Sequence[Term], groups: Sequence[str]) -> Pattern:
    """Work out the pattern of random terms.

    Parameters
    ----------
    terms
    groups
        The name of each term's grouping.

    Raises
    ------
    DataError
        The crossed terms have more group effects than fit, and are linked too closely for a sparse matrix.

    Warns
    -----
    FitWarning
        They do fit, but it will take long.
    """
    terms = tuple(terms)
    by_name = [tuple(k for k, g in enumerate(groups) if g == name) for name in dict.fromkeys(groups)]
    levels = _chain(terms, by_name)
    if levels is not None:
        return Pattern(terms, levels)
    first = max(by_name, key=lambda own: sum(terms[k].n_groups * terms[k].size for k in own))
    finest, rest = _level(terms, first, None), [k for k in range(len(terms)) if k not in first]
    crossed = _crossed(terms, rest)
    if is_sparse(terms, first[0], rest):
        cells, stored = _find_cells(finest, terms, crossed)
        found = sparse_tail(cells, crossed)
        if found is not None:
            tail, cells = found
            return Pattern(terms, (finest,), tail, cells, stored, _row_places(tail, terms))
    _tell_the_cost(terms, sum(one.columns.size for one in crossed), groups)
    return _dense(terms, finest, crossed)


def arrange_blocks(blocks: Sequence[Block], information: np.ndarray) -> Pattern:
    """The pattern of a design's blocks, their regressors Z̃ = ZR⁻¹ on one scale.

    Parameters
    ----------
    blocks
    information : (n,) array
        About the information each row holds on η: weighted by it, the columns of a block's Z̃ are orthogonal
        and have unit mean square.
    """
    terms = []
    for block in blocks:
        R = standard_term(block, np.sqrt(information)).R
        terms.append(Term(block.codes, len(block.levels), np.linalg.solve(R.T, block.Z.T), R))
    return arrange(terms, [block.group for block in blocks])


def _chain(terms: Sequence[Term], by_name: Sequence[tuple[int, ...]]) -> tuple[Level, ...] | None:
    """All groupings as levels, finest first, if each is nested in the next."""
    levels: tuple[Level, ...] = ()
    for own in sorted(by_name, key=lambda own: terms[own[0]].n_groups):
        parent, inner = None, terms[own[0]]
        if levels:
            parent = parents(inner.codes, inner.n_groups, levels[0].codes)
            if parent is None:
                return None
        levels = (_level(terms, own, parent), *levels)
    return levels


def parents(codes: np.ndarray, n_groups: int, outer: np.ndarray) -> np.ndarray | None:
    """The outer group each inner group lies in, or None where one of them lies in several.

    Parameters
    ----------
    codes, n_groups
        (n,) the inner group of each row, and how many there are.
    outer
        (n,) the outer group of each row.
    """
    parent = np.zeros(n_groups, dtype=np.intp)
    parent[codes] = outer
    return parent if np.array_equal(parent[codes], outer) else None


def _level(terms: Sequence[Term], own: tuple[int, ...], parent: np.ndarray | None) -> Level:
    first = terms[own[0]]
    return Level(own, sum(terms[k].size for k in own), first.n_groups, first.codes, parent)


def _crossed(terms: Sequence[Term], which: Sequence[int]) -> tuple[CrossedTerm, ...]:
    """Crossed terms one after the other, each group by group."""
    crossed, start = [], 0
    for k in which:
        columns = start + np.arange(terms[k].n_groups * terms[k].size).reshape(-1, terms[k].size)
        crossed.append(CrossedTerm(k, columns))
        start += columns.size
    return tuple(crossed)


def _tell_the_cost(terms: Sequence[Term], width: int, groups: Sequence[str]) -> None:
    """Refuse a dense tail that is too large, and say of a large one, before it is made, what it will take."""
    if width < min(SLOW, NEVER_DENSE):
        return
    sizes = {name: term.n_groups for name, term in zip(groups, terms, strict=True)}
    told = listed([f"{name} ({size:,} groups)" for name, size in sizes.items()], 8)
    memory = f"{max(1.0, COPIES * 8.0 * width**2 / 1e9):.0f} GB of memory"
    if width > NEVER_DENSE:
        cost = f"that would take {memory}, and hours"
        raise DataError(LINKED.format(groups=told, width=width, cost=cost, advice=INSTEAD))
    linear = SECONDS * width**3
    cost = (
        f"expect {_duration(linear)} for a linear model, {_duration(GENERALIZED * linear)} for a generalized one, "
        f"and {memory}"
    )
    warnings.warn(LINKED.format(groups=told, width=width, cost=cost, advice=SOONER), FitWarning, stacklevel=2)


def _duration(seconds: float) -> str:
    """About how long, as people say it."""
    return f"some {seconds:.0f} seconds" if seconds < 90 else f"some {seconds / 60:.0f} minutes"


def _dense(terms: tuple[Term, ...], finest: Level, crossed: tuple[CrossedTerm, ...]) -> Pattern:
    """The finest groups eliminated, all other effects in a dense tail."""
    tail = DenseTail(crossed)
    if finest.n_groups * tail.width * finest.size <= SMALL_BORDER:
        cells = Cells(finest.n_groups, tail.width, np.zeros(0, dtype=int), np.zeros(0, dtype=int))
        stored = {
            (one.term, a): one.columns[terms[one.term].codes, a] * finest.n_groups + finest.codes
            for one in crossed
            for a in range(one.size)
        }
        return Pattern(terms, (finest,), tail, cells, stored, _row_places(tail, terms))
    cells, stored = _find_cells(finest, terms, crossed)
    if cells.n_pairs <= PAIRS_KEPT:
        first, second = cells.all_pairs()
        places = tail.places(cells.column[first], cells.column[second])
        cells = replace(cells, pairs=Pairs(first, second, places))
    return Pattern(terms, (finest,), tail, cells, stored, _row_places(tail, terms))


def _find_cells(
    finest: Level, terms: Sequence[Term], crossed: Sequence[CrossedTerm]
) -> tuple[Cells, dict[Coefficient, np.ndarray]]:
    """The cells of the finest groups, and for each crossed coefficient the cell that each row belongs to."""
    keys, groups, columns, rows = [], [], [], []
    for one in crossed:
        size = finest.n_groups * one.n_groups
        pairs, row = distinct(finest.codes * one.n_groups + terms[one.term].codes, size)
        group, level = np.divmod(pairs, one.n_groups)
        for a in range(one.size):
            keys.append((one.term, a))
            groups.append(group)
            columns.append(one.columns[level, a])
            rows.append(row)
    group, column = np.concatenate(groups), np.concatenate(columns)
    order = np.lexsort((column, group))
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    own = np.split(place, np.cumsum([len(part) for part in groups])[:-1])
    cells = Cells(finest.n_groups, sum(one.columns.size for one in crossed), group[order], column[order])
    return cells, {key: part[row] for key, part, row in zip(keys, own, rows, strict=True)}


def distinct(keys: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct keys in order, all below `size`, and where each key stands among them."""
    if size > 4 * len(keys):
        return np.unique(keys, return_inverse=True)
    found = np.zeros(size, dtype=bool)
    found[keys] = True
    return np.flatnonzero(found), (np.cumsum(found) - 1)[keys]


def _row_places(tail: Tail, terms: Sequence[Term]) -> dict[tuple[Coefficient, Coefficient], np.ndarray]:
    """For each pair of crossed coefficients where the tail stores the rows' products, (n,)."""
    columns = {
        (one.term, a): one.columns[terms[one.term].codes, a] for one in tail.crossed for a in range(one.size)
    }
    pairs = itertools.combinations_with_replacement(columns, 2)
    return {(one, other): tail.places(columns[one], columns[other]) for one, other in pairs}
