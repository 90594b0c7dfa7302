"""The random part of a generalized model, arranged for the solver that suits it.

Every step of a generalized fit meets the same matrix, H = Z̃ᵀWZ̃ + I with Z̃ = ZΛ, for ever new weights W.
Its pattern never changes, so it is worked out here, once: blocked, with the crossed effects in one dense
matrix, or sparse where crossed groups meet few of each other.
"""

from __future__ import annotations

import numpy as np

from ...errors import DataError
from ..standardise import Standardised, Term, standard_term
from .equations import crossed_width, split_terms
from .route import is_sparse
from .weighted import BlockedPart, Factorised, blocked_part
from .weighted_sparse import SparseFactorised, SparsePart, sparse_part

#: Most crossed group effects that are held in one dense matrix (1.2 GB, and some more such at work).
WIDEST = 12_000

RandomPart = BlockedPart | SparsePart
Curvature = Factorised | SparseFactorised


def random_part(design, information: np.ndarray) -> RandomPart:
    """Work out the pattern of a design's random terms.

    Parameters
    ----------
    design : Design
    information : (n,) array
        About the information each row holds on η, which sets the scale of the standardised regressors.

    Raises
    ------
    DataError
        The crossed terms have more group effects than fit, and are linked too closely for sparse matrices.
    """
    n, empty = len(design.y), np.empty((0, 0))
    terms = tuple(_standardised(block, np.sqrt(information)) for block in design.blocks)
    groups = [block.group for block in design.blocks]
    split = split_terms(terms, groups)
    data = Standardised(np.empty((0, n)), empty, np.zeros(n), np.zeros(0), 1.0, terms, n, 0.0)
    width = crossed_width(terms, split[1])
    part = sparse_part(terms) if width > WIDEST or is_sparse(data, *split) else None
    if part is None and width > WIDEST:
        raise DataError(
            f"The crossed terms have {width} group effects that are too closely linked for sparse matrices, and a "
            f"dense one would take {width**2 * 8 / 1e9:.0f} GB. Leave one of the crossed terms out, or fit a sample "
            "of its groups."
        )
    return part or blocked_part(data, groups, split)


def _standardised(block, root: np.ndarray) -> Term:
    """Regressors Z̃ = ZR⁻¹ that are orthogonal, with unit mean square, once weighted by the information."""
    R = standard_term(block, root).R
    return Term(block.codes, len(block.levels), np.linalg.solve(R.T, block.Z.T), R)
