"""Dense or sparse: how the crossed terms of a model are best solved.

Once the finest groups are eliminated, crossed groups are linked where they share one of them. Where few
are, as teachers whose pupils stay in their school, the links stay sparse and so should the equations;
where most are, as in a course evaluation, a dense matrix is many times faster for the same work.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from ..standardise import Term

#: Up to so many crossed columns the tail is dense in any case; from so many on, in no case (12 GB).
ALWAYS_DENSE, NEVER_DENSE = 400, 20_000
#: Links per crossed group up to which the sparse factor stays small, and pairs of cells worth counting them.
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
    return links.nnz <= FEW_LINKS * links.shape[0] or _profile(links) * DENSE_SPEED < width**3


def _pairs(finest: Term, others: int) -> float:
    """At most so many pairs of cells lie in the same finest group."""
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
    entries = links.tocoo()
    widths = np.zeros(len(order))
    np.maximum.at(widths, place[entries.row], place[entries.row] - place[entries.col])
    return float(widths @ widths)
