"""Nested factors: the classes of a school, the batches of a treatment.

A factor is nested in others where the data say so (each of its levels occurs at one level of the other) or the formula
does (`a/b` has no effect of b apart from a). Its levels are then compared and averaged over within a level of those
others, among the combinations that occur (the rule of Lenth's emmeans in R).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

import numpy as np

from ..spec import Factor, Term


def nested(codes: Mapping[str, np.ndarray], terms: Iterable[Term]) -> dict[str, tuple[str, ...]]:
    """In what each nested factor is nested.

    Parameters
    ----------
    codes
        The (n,) level of each row, for each factor of two levels or more.
    terms
        The fixed part.

    Returns
    -------
    dict
        For each factor that is nested the names of those it is nested in, all of them.
    """
    parents: dict[str, set[str]] = {}
    for name in codes:  # of two that are the same in other words, the first is nested in the second
        parents[name] = {other for other in _by_rows(name, codes) if name not in parents.get(other, ())}
    for name, within in _by_formula(codes, tuple(terms)).items():
        parents[name] |= within
    for name in codes:
        parents[name] |= set(chain.from_iterable(parents[other] for other in parents[name]))
    return {
        name: tuple(other for other in codes if other in found)
        for name, found in parents.items()
        if found and name not in found
    }


def _by_rows(name: str, codes: Mapping[str, np.ndarray]) -> list[str]:
    """The factors that have one level only wherever this one has the same level."""
    return [other for other in codes if other != name and _is_function_of(codes[other], codes[name])]


def _is_function_of(outer: np.ndarray, inner: np.ndarray) -> bool:
    one = np.zeros(inner.max(initial=0) + 1, dtype=outer.dtype)
    one[inner] = outer
    return bool(np.all(one[inner] == outer))


def _by_formula(codes: Mapping[str, np.ndarray], terms: tuple[Term, ...]) -> dict[str, set[str]]:
    """The factors within whose levels alone others have effects: b within a, in a + a:b."""
    present: set[frozenset[Factor]] = {frozenset(term) for term in terms} | {frozenset()}
    alone = {term[0].columns for term in terms if len(term) == 1}
    return {name: _outside(name, codes, terms, present) for name in codes if (name,) not in alone}


def _outside(name: str, codes: Mapping[str, np.ndarray], terms: tuple[Term, ...], present: set) -> set[str]:
    """Of the terms of a factor with no effect of its own, the factors that come with all their levels."""

    def every_level(factor: Factor, term: Term) -> bool:
        return frozenset(term) - {factor} not in present

    own = [(one, term) for term in terms for one in term if one.columns == (name,)]
    marginal = [term for one, term in own if not every_level(one, term)] or [term for _, term in own]
    outer = [
        {column for one in term if every_level(one, term) for column in one.columns} & set(codes) - {name}
        for term in marginal
    ]
    return set(chain.from_iterable(one for one in outer if not any(other < one for other in outer)))
