"""Dense or sparse: how the crossed terms of a model are best solved.

Once the finest groups are eliminated, crossed groups are linked where they share one of them. Where few
are, as teachers whose pupils stay in their school, the links stay sparse and so should the equations;
where most are, as in a course evaluation, a dense matrix is many times faster for the same work.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..standardise import Standardised
from .equations import crossed_width
from .sparse import crossings, profile

#: Up to so many crossed columns the tail is dense in any case; from so many on, in no case (12 GB).
ALWAYS_DENSE, NEVER_DENSE = 400, 20_000
#: Links per crossed group up to which the sparse factor stays small, and pairs of cells worth counting them.
FEW_LINKS, FEW_PAIRS = 20, 400
#: How many operations of a dense factorisation take the time of a sparse one's.
DENSE_SPEED = 30.0


def is_sparse(data: Standardised, chain: Sequence[tuple[int, ...]], crossed: Sequence[int]) -> bool:
    """Whether the equations are to be solved sparse.

    Parameters
    ----------
    data
    chain, crossed
        The terms as `split_terms` splits them.
    """
    width = crossed_width(data.terms, crossed)
    if width <= ALWAYS_DENSE or width > NEVER_DENSE:
        return width > NEVER_DENSE
    finest = data.terms[chain[0][0]]
    if _pairs(finest.codes, finest.n_groups, len(crossed)) > FEW_PAIRS * width:
        return False
    links = crossings(data, finest, crossed)
    return links.nnz <= FEW_LINKS * links.shape[0] or profile(links) * DENSE_SPEED < width**3


def _pairs(codes: np.ndarray, n_groups: int, n_crossed: int) -> float:
    """At most so many pairs of cells lie in the same finest group."""
    rows = np.bincount(codes, minlength=n_groups).astype(float) * n_crossed
    return float(rows @ rows)
