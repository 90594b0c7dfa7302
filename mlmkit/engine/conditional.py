"""How well each group's effects are known once the data are seen."""

from __future__ import annotations

import numpy as np

from ..design import Design
from .covariance import factors_from_theta
from .estimates import Estimates
from .random.arrange import arrange_blocks


def conditional_covariance(design: Design, estimates: Estimates) -> tuple[np.ndarray, ...]:
    """Covariances of each group's effects given the data, the other parameters taken as known.

    Λ(ΛᵀZᵀWZΛ + I)⁻¹Λᵀ with ΛΛᵀ the covariance across groups and W each row's information on η. Exact for a
    linear mixed model; for the others that of the normal distribution with the same mode and curvature.

    Parameters
    ----------
    design : Design
    estimates : Estimates
        The fit of this design.

    Returns
    -------
    For each block of the design a (J, s, s) array, on the squared scale of the population coefficients.
    """
    finite = np.isfinite(estimates.linear_predictor)
    eta = np.where(finite, estimates.linear_predictor, 0.0)
    if design.spec.family.is_linear:
        information = design.weights / estimates.sigma**2
    else:
        family = estimates.family(design)
        information = finite * family.information(design.y, eta, family.mean(eta), design.weights)
    part = arrange_blocks(design.blocks, np.ones(len(eta)))
    factors = factors_from_theta(estimates.sigma * estimates.theta, part.sizes)
    scaled = [term.R @ L for term, L in zip(part.terms, factors, strict=True)]
    products = part.sum([term.Z for term in part.terms], information)
    blocks = products.at(scaled).inverse_by_group()
    inverses = [np.linalg.inv(term.R) for term in part.terms]
    return tuple(np.einsum("ab,bcj,dc->jad", R, C, R) for R, C in zip(inverses, blocks, strict=True))
