"""Which groupings are nested in which: pupils in classes in schools, and what crosses them.

The groups of a chain (each nested in the next) can be eliminated one after the other, like the floors of
a hierarchy, at a cost that grows only with their number. Terms that cross the chain cannot.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Crossed factors are told apart on this many rows, before all of them are looked at.
GLANCE = 1000


def parents(codes: np.ndarray, n_groups: int, outer: np.ndarray) -> np.ndarray | None:
    """The outer group each inner group lies in, or None where one of them lies in several.

    Parameters
    ----------
    codes, n_groups
        (n,) the inner group of each row, and how many there are.
    outer
        (n,) the outer group of each row.
    """
    for rows in (slice(GLANCE), slice(None)):
        parent = np.zeros(n_groups, dtype=np.intp)
        parent[codes[rows]] = outer[rows]
        if not np.array_equal(parent[codes[rows]], outer[rows]):
            return None
    return parent


def longest_chain(codes: Sequence[np.ndarray], n_groups: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """The groupings, finest first and each nested in the next, that account for most group effects.

    Parameters
    ----------
    codes
        For each grouping the (n,) group of each row.
    n_groups, sizes
        For each grouping how many groups it has, and how many coefficients vary across them.

    Returns
    -------
    Positions in `codes`.
    """
    order = sorted(range(len(codes)), key=lambda k: -n_groups[k])
    chains = [_chain_from(start, order, codes, n_groups) for start in order]
    return max(chains, key=lambda chain: sum(n_groups[k] * sizes[k] for k in chain), default=[])


def _chain_from(start: int, order: list[int], codes, n_groups) -> list[int]:
    chain = [start]
    for k in order[order.index(start) + 1 :]:
        last = chain[-1]
        if parents(codes[last], n_groups[last], codes[k]) is not None:
            chain.append(k)
    return chain
