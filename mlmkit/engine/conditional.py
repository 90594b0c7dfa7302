"""How well each group's effects are known once the data are seen."""

from __future__ import annotations

import numpy as np

from .estimates import Estimates
from .generalized import glmm
from .linear import lmm


def conditional_covariance(design, estimates: Estimates) -> tuple[np.ndarray, ...]:
    """Covariances of each group's effects given the data, the other parameters taken as known.

    Exact for a linear mixed model; for the others that of the normal distribution with the same mode and
    curvature.

    Parameters
    ----------
    design : Design
    estimates : Estimates
        The fit of this design.

    Returns
    -------
    For each block of the design a (J, s, s) array, on the squared scale of the population coefficients.
    """
    return (lmm if design.spec.family.is_linear else glmm).conditional_covariance(design, estimates)
