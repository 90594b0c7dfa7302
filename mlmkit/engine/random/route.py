"""Dense or sparse: how the crossed terms of a model are best solved.

Once the finest groups are eliminated, crossed groups are linked where they share one of them. Where few
are, as teachers whose pupils stay in their school, the links stay sparse and so should the equations;
where most are, as in a course evaluation, a dense matrix is many times faster for the same work.

Few links do not keep a factor sparse by themselves: every elimination links what was linked with the eliminated
group, and groups that are linked at random soon are linked all with all. So the work of the factorisation is counted
before it is begun, and counting ends where it is too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from ..standardise import Term
from . import selected

#: With no more crossed columns than the first number the tail is always dense; with more than the second, when it
#: would take 29 GB, never.
ALWAYS_DENSE, NEVER_DENSE = 400, 20_000
#: Links per crossed group up to which the sparse factor may stay small, and pairs of cells worth counting them.
FEW_LINKS, FEW_PAIRS = 20, 400
#: How many operations of a dense factorisation take the time of a sparse one's.
DENSE_SPEED = 30.0


def is_sparse(terms: Sequence[Term], finest: int, rest: Sequence[int]) -> bool:
    """Whether the crossed effects are to be solved sparse.

    Parameters
    ----------
    terms
    finest, rest
        A term on the finest groups, and all terms on other groups.
    """
    width = sum(terms[k].n_groups * terms[k].size for k in rest)
    if width <= ALWAYS_DENSE or _pairs(terms[finest], len(rest)) > FEW_PAIRS * width:
        return False
    links = _links(terms, finest, rest)
    by_column = (width / links.shape[0]) ** 3
    most, bound = selected.MOST_GATHERED / by_column, _profile(links)
    if bound <= most and bound * by_column * DENSE_SPEED < width**3:
        return True
    if width <= NEVER_DENSE:
        if links.nnz > FEW_LINKS * links.shape[0]:
            return False
        most = min(most, width**3 / DENSE_SPEED / by_column)
    return operations(links, most) <= most


def _pairs(finest: Term, others: int) -> float:
    """A bound on the pairs of cells that lie in the same finest group."""
    rows = np.bincount(finest.codes, minlength=finest.n_groups).astype(float) * others
    return float(rows @ rows)


def _links(terms: Sequence[Term], finest: int, rest: Sequence[int]) -> csc_matrix:
    """How the other terms' groups are linked once the finest groups are eliminated: a sparse pattern."""
    starts = np.cumsum([0, *(terms[k].n_groups for k in rest)])
    columns = np.concatenate([terms[k].codes + start for k, start in zip(rest, starts, strict=False)])
    rows = np.tile(terms[finest].codes, len(rest))
    shape = (terms[finest].n_groups, starts[-1])
    met = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()
    return csc_matrix(met.T @ met)


def _profile(links: csc_matrix) -> float:
    """A bound on the operations of a factorisation: Σ width² of the profile, well reordered."""
    order = reverse_cuthill_mckee(links, symmetric_mode=True)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    met = np.diff(links.indptr) > 0
    first = np.minimum.reduceat(place[links.indices], links.indptr[:-1][met])
    widths = (place[met] - first).astype(float)
    return float(widths @ widths)


def operations(links: csc_matrix, most: float = np.inf) -> float:
    """Σ count² over the columns of a sparse factor, the group with the fewest links eliminated first.

    Infinite if it must be more than `most`: where every group has d links, at least 1² + 2² + … + (d − 1)² are to come.
    """
    starts, rows = links.indptr.tolist(), links.indices.tolist()
    beside = [set(rows[start:stop]) - {j} for j, (start, stop) in enumerate(pairwise(starts))]
    waiting, total = [(len(linked), j) for j, linked in enumerate(beside)], 0.0
    heapify(waiting)
    while waiting:
        degree, j = heappop(waiting)
        if j in beside[j] or len(beside[j]) != degree:
            continue  # it has other links by now, and waits at another place
        linked = beside[j]
        total += degree**2
        if total + degree * (degree - 1) * (2 * degree - 1) / 6 > most:
            return np.inf
        for k in linked:
            beside[k] |= linked
            beside[k] -= {j, k}
            heappush(waiting, (len(beside[k]), k))
        beside[j] = {j}  # gone
    return total
