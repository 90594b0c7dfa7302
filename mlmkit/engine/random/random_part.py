"""The random part of a generalized model: its regressors brought to one scale, and arranged.

Every step of a generalized fit meets the same matrix, H = Z̃ᵀWZ̃ + I with Z̃ = ZΛ, for ever new weights W.
Its pattern never changes, so it is worked out here, once.
"""

from __future__ import annotations

import numpy as np

from ...design import Block, Design
from ..standardise import Term, standard_term
from .arrange import arrange
from .pattern import Factorised, Pattern

RandomPart = Pattern
Curvature = Factorised


def random_part(design: Design, information: np.ndarray) -> Pattern:
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
    terms = tuple(_standardised(block, np.sqrt(information)) for block in design.blocks)
    return arrange(terms, [block.group for block in design.blocks])


def _standardised(block: Block, root: np.ndarray) -> Term:
    """Regressors Z̃ = ZR⁻¹ that are orthogonal, with unit mean square, once weighted by the information."""
    R = standard_term(block, root).R
    return Term(block.codes, len(block.levels), np.linalg.solve(R.T, block.Z.T), R)
