"""A generalized model fitted to responses like one that it was fitted to before: the plan is kept, and each search
begins where the first one ended."""

from __future__ import annotations

import numpy as np

from ...design import Design
from ..covariance import lower_triangular, theta_from_factors
from ..estimates import Estimates
from ..search.hills import sds_of
from ..search.optimise import Point, Search, begin, hessian, inverse_and_downhill
from .criterion import End, GlmmCriterion, Walk, glmm_criterion
from .glmm import best_end, climb, estimates_of
from .irls import iterate
from .quadrature import is_lattice
from .summits import FAR, units

#: A linear predictor of the population beyond this may be on its way to infinity, as that of separated data.
EXTREME = 15.0


def fit_again(end: End, y: np.ndarray) -> Estimates | None:
    """Fit another response (n,) from where the first fit ended; None where that takes a search of its own."""
    walk, x = Walk(end.criterion.with_response(y), end.modes), end.x
    try:
        found, messages = best_end(climb(Search(walk, Point(x, *walk(x)), end.search.metric)))
        if not found.converged or is_extreme(end.criterion, found.x[None])[0]:
            return None
        return estimates_of(found, messages)
    except (FloatingPointError, np.linalg.LinAlgError):
        return None


def is_extreme(criterion: GlmmCriterion, x: np.ndarray) -> np.ndarray:
    """Whether points (B, k) in standard coordinates need a search of their own, (B,): far-out coefficients or SDs."""
    eta = criterion.response.population[:, None] + criterion.basis @ x[:, criterion.of_b].T
    sds = np.array([sds_of(criterion.factors(one)) for one in x]) / units(criterion)
    return (np.max(np.abs(eta), axis=0) > EXTREME) | (np.max(sds, axis=1) > FAR)


def before(design: Design, estimates: Estimates) -> End | None:
    """Where the search of a fit ended; None of a fit whose optimum is not proven or not finite.

    Nor of one by a lattice of nodes, which is placed anew for each response.
    """
    if not np.all(np.isfinite(estimates.linear_predictor)) or not estimates.converged:
        return None
    if is_lattice(estimates.n_agq, sum(block.Z.shape[1] for block in design.blocks)):
        return None
    criterion = glmm_criterion(design, iterate(design), estimates.n_agq)
    factors = criterion.standard_factors(estimates.sigma * estimates.theta)
    theta = theta_from_factors([lower_triangular(Lambda) for Lambda in factors])
    x = np.append(theta, np.linalg.solve(criterion.T, estimates.beta - criterion.b0))
    if criterion.place is not None:
        family = estimates.family(design)
        place = family.distribution.coordinate(family.dispersion)
        x = np.append(x, (place - criterion.place) / criterion.unit)
    try:
        walk = Walk(criterion, criterion.part.nothing())
        search = begin(walk, x)
        H = hessian(search)
        metric, _ = inverse_and_downhill(H)
    except (FloatingPointError, np.linalg.LinAlgError):
        return None
    walk = Walk(criterion, walk.modes)  # without the state there, which may be large
    return End(Search(walk, search.point, metric), True, H)
