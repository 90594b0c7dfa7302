"""Where else a generalized likelihood may be high, and how high it is there.

To look along a line of SDs (`search.hills`) needs the criterion with b at its best at many places, but only
nearly so: b is moved together with the group effects to their joint mode, where

    f₀  =  −2 log p(y | û, b̂) + |û|² + log|H|

is Laplace's criterion at b̂, which is close to the best b (lme4's `nAGQ = 0`). Joint modes are unique for
canonical links, and a few Newton steps from the last ones.

Which of several summits is the highest, is asked of a quadrature: far out, where groups of 0/1 responses are
all one or all the other, Laplace's approximation can be too high by ten and more.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from ..random.effects import Effects, dot
from ..search.hills import sds_of
from .criterion import GlmmCriterion
from .laplace import Approximation
from .pirls import Response, moved, step_size
from .quadrature import Placement, gauss_hermite, summed

#: Newton's steps end when a further one would lower f₀ by less than this, or after this many.
DECREMENT, MOST_STEPS = 1e-3, 25
#: The largest SD looked at, on the scale of η. Of a regressor far from 0 its own SD, not its size, counts.
LARGEST = 30.0
#: An SD beyond this, on the scale of η, is doubted.
FAR = 8.0
#: Links on whose scale a change of 1 is a large one.
LIKE_LOGS = ("logit", "probit", "cloglog", "cauchit", "log")
#: Nodes with which summits are compared: for one effect at a time, and in each direction for two of the same groups
#: together, as long as rows and nodes make no more terms than these.
NODES, TOGETHER, MOST_TERMS = 40, 30, 1_000_000


def units(criterion: GlmmCriterion) -> np.ndarray:
    """The standardised SD of each coefficient that moves η by 1, (K,); with other links, by the noise of one row.

    On the scale of logits, logs and their like an effect of 1 is large, whatever the data. On the scale of a link
    such as 1/μ² it may be thousands of times the whole range, and says nothing.
    """
    if criterion.response.family.link not in LIKE_LOGS:
        return np.ones(sum(criterion.sizes))
    pairs = zip(criterion.part.terms, criterion.design.blocks, strict=True)
    sizes = [(np.abs(np.diag(term.R)), np.sqrt(np.mean(block.Z**2, axis=0))) for term, block in pairs]
    return np.concatenate([R / np.where(size > 0, size, 1.0) for R, size in sizes])


def largest_sd(criterion: GlmmCriterion) -> float:
    """How far to look, on the scale of η."""
    stretch = 1.0
    for block in criterion.design.blocks:
        size, spread = np.sqrt(np.mean(block.Z**2, axis=0)), block.Z.std(axis=0)
        varies = spread > 1e-6 * np.maximum(size, np.finfo(float).tiny)
        stretch = max(stretch, *(size[varies] / spread[varies]), 1.0)
    return LARGEST * stretch


def is_far(criterion: GlmmCriterion, factors: Sequence[np.ndarray]) -> bool:
    """Whether some SD is larger than SDs are on the scale of η."""
    return bool(np.max(sds_of(factors) / units(criterion)) > FAR)


@dataclass(frozen=True, eq=False)
class Place:
    """What goes with a Λ: b in standard coordinates, followed by the dispersion's, and the group effects Λu."""

    x: np.ndarray
    effects: Effects

    def modes(self, factors: Sequence[np.ndarray]) -> Effects:
        """The spherical effects that make these group effects with a Λ, as nearly as it can."""
        return [np.linalg.pinv(Lambda) @ one for Lambda, one in zip(factors, self.effects, strict=True)]


class View:
    """f₀ at any Λ, with what else belongs there; each look begins where the last one ended.

    Parameters
    ----------
    criterion
    end
        A search's end in standard coordinates; its dispersion is kept.
    """

    def __init__(self, criterion: GlmmCriterion, end: np.ndarray):
        self.criterion, self.kept = criterion, end[criterion.of_b.stop :]
        population = criterion.response.population
        self.response = criterion.response.given(population, criterion.dispersion_at(end))
        nothing = np.concatenate([np.zeros(len(criterion.b0)), self.kept])
        self.latest = self.nothing = Place(nothing, criterion.part.nothing())

    def __call__(self, factors: Sequence[np.ndarray]) -> tuple[float, Place]:
        for begin in dict.fromkeys((self.latest, self.nothing)):
            with suppress(FloatingPointError, np.linalg.LinAlgError):
                u, x = begin.modes(factors), begin.x[: len(self.criterion.b0)]
                value, u, x = _joint_modes(self.criterion, factors, self.response, u, x)
                effects = [Lambda @ one for Lambda, one in zip(factors, u, strict=True)]
                self.latest = Place(np.concatenate([x, self.kept]), effects)
                return value, self.latest
        self.latest = self.nothing
        return np.inf, self.nothing


def _joint_modes(criterion: GlmmCriterion, factors, response: Response, u: Effects, x: np.ndarray):
    """f₀ at Λ with the modes of the group effects and of b, from a guess at both.

    Raises
    ------
    FloatingPointError
        The steps lead nowhere.
    """
    part, basis, family = criterion.part, criterion.basis, response.family
    Z = part.scaled(factors)
    eta = response.population + basis @ x + part.predictor(Z, u)
    if not np.isfinite(response.kernel(eta)):
        u, x, eta = part.nothing(), np.zeros_like(x), response.population
    value = response.penalised(eta, u)
    for _ in range(MOST_STEPS):
        working = family.working(response.y, eta, response.weights)
        H = part.factorise(Z, working.fisher)
        by_u = [total - effect for total, effect in zip(part.sums(Z, working.score), u, strict=True)]
        step, x_step = _newton(part, Z, H, basis, working.fisher, by_u, basis.T @ working.score)
        if dot(by_u, step) + working.score @ (basis @ x_step) < DECREMENT:
            return value + H.log_determinant, u, x
        move = basis @ x_step + part.predictor(Z, step)
        size, fall = step_size(response, eta, move, u, step, value)
        u, x, eta, value = moved(u, step, size), x + size * x_step, eta + size * move, value - fall
    raise FloatingPointError(f"The joint modes were not found in {MOST_STEPS} steps.")


def _newton(part, Z: Effects, H, basis: np.ndarray, weights: np.ndarray, by_u: Effects, by_x: np.ndarray):
    """The step of u and x together: x by its Schur complement, u given x."""
    if not basis.shape[1]:
        return H.solve(by_u), by_x
    by_column = [part.sums(Z, weights * column) for column in basis.T]
    right = [np.stack(several, axis=1) for several in zip(*by_column, by_u, strict=True)]
    beside, solutions = _as_rows(right)[:-1], _as_rows(H.solve_each(right))
    solved, flat = solutions[:-1], solutions[-1]
    information = basis.T @ (weights[:, None] * basis) - beside @ solved.T
    x_step = np.linalg.lstsq(information, by_x - beside @ flat, rcond=1e-13)[0]
    ends = np.cumsum([one.size for one in by_u])[:-1]
    parts = zip(np.split(flat - x_step @ solved, ends), by_u, strict=True)
    return [part.reshape(one.shape) for part, one in parts], x_step


def _as_rows(several: Effects) -> np.ndarray:
    """k sets of effects, (s, k, J) for each term, each as one row."""
    return np.concatenate([one.swapaxes(0, 1).reshape(one.shape[1], -1) for one in several], axis=1)


def height(criterion: GlmmCriterion, x: np.ndarray, modes: Effects) -> float:
    """−2 log L at a search's end, nearer to the truth than Laplace's approximation.

    Two effects of the same groups are integrated together where that is cheap: strongly correlated, they share what one
    alone would be given twice. Otherwise each group's effect is integrated by quadrature with all others at their
    modes, one at a time, and what that changes is summed. A criterion that is a quadrature itself is left as it is.
    The modes are looked for near the given ones.
    """
    if criterion.rule is None and _is_integrated_together(criterion):
        criterion = criterion.with_nodes(TOGETHER)
    try:
        state = criterion.state_at(x, modes)
        if not isinstance(state, Approximation):
            return state.value
        return state.value + sum(
            _one_at_a_time(state, term.codes, z, u)
            for term, Z, effects in zip(criterion.part.terms, state.Z, state.modes.u, strict=True)
            for z, u in zip(Z, effects, strict=True)
        )
    except FloatingPointError:
        return np.inf


def _is_integrated_together(criterion: GlmmCriterion) -> bool:
    groups = {block.group for block in criterion.design.blocks}
    terms = len(criterion.design.y) * TOGETHER**2
    return len(groups) == 1 and sum(criterion.sizes) == 2 and terms <= MOST_TERMS


def _one_at_a_time(at: Approximation, codes: np.ndarray, z: np.ndarray, u: np.ndarray) -> float:
    """What −2 log L changes by when one coefficient's effects are integrated instead of approximated."""
    others = replace(at.response, population=at.modes.eta - z * u[codes])
    curvature = 1.0 + np.bincount(codes, at.modes.fisher * z**2, len(u))
    around = Placement(u[None], 1.0 / np.sqrt(curvature)[None, None])
    totals = summed(z[None], around, codes, others, gauss_hermite(NODES))
    return -2.0 * float(np.sum(totals.log_total)) - others.penalised(at.modes.eta, [u])
