"""A generalized model fitted to responses like one that it was fitted to before: the plan is kept, and each search
begins where the first one ended."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...design import Design
from ..covariance import lower_triangular, theta_from_factors
from ..estimates import Estimates
from ..random.effects import Effects
from ..search.hills import sds_of
from ..search.optimise import Point, Search, hessian, inverse_and_downhill
from .criterion import GlmmCriterion, Walk, glmm_criterion
from .glmm import best_end, climb, estimates_of
from .irls import iterate
from .quadrature import is_lattice
from .summits import FAR, units

#: A linear predictor of the population beyond this may be on its way to infinity, as that of separated data.
EXTREME = 15.0


@dataclass(frozen=True, eq=False)
class Before:
    """A fit's criterion, with its optimum.

    Attributes
    ----------
    criterion
    x
        The optimum in standard coordinates.
    modes
        The spherical group effects there.
    metric
        About the inverse of the second derivatives there.
    """

    criterion: GlmmCriterion
    x: np.ndarray
    modes: Effects
    metric: np.ndarray

    def criterion_of(self, y: np.ndarray) -> GlmmCriterion:
        """The criterion of the same model with another response (n,)."""
        response = self.criterion.response
        constant = response.family.constant(y, response.weights, response.trials)
        return replace(
            self.criterion,
            design=self.criterion.design.with_response(y),
            response=replace(response, y=y, constant=constant),
        )

    def fit(self, y: np.ndarray) -> Estimates | None:
        """Fit another response (n,); None where that takes a search of its own."""
        criterion = self.criterion_of(y)
        try:
            walk = Walk(criterion, self.modes)
            search = Search(walk, Point(self.x, *walk(self.x)), self.metric)
            end, messages = best_end(criterion, climb(criterion, search))
            if not end.converged or self.is_extreme(end.x[None])[0]:
                return None
            return estimates_of(criterion, end, messages)
        except (FloatingPointError, np.linalg.LinAlgError):
            return None

    def is_extreme(self, x: np.ndarray) -> np.ndarray:
        """Whether points (B, k) in standard coordinates need a search of their own, (B,): far-out coefficients or SDs."""
        criterion = self.criterion
        b = x[:, criterion.n_theta : criterion.n_theta + len(criterion.b0)]
        eta = criterion.response.population[:, None] + criterion.basis @ b.T
        sds = np.array([sds_of(criterion.factors(one)) for one in x]) / units(criterion)
        return (np.max(np.abs(eta), axis=0) > EXTREME) | (np.max(sds, axis=1) > FAR)


def before(design: Design, estimates: Estimates) -> Before | None:
    """The criterion of a fit, with its optimum; None of a fit whose optimum is not proven or not finite.

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
        search = Search(walk, Point(x, *walk(x)), np.eye(len(x)))
        search.metric, _ = inverse_and_downhill(hessian(search))
    except (FloatingPointError, np.linalg.LinAlgError):
        return None
    return Before(criterion, x, walk.modes, search.metric)
