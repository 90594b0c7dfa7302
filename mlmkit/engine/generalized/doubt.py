"""How far an approximate fit is from the exact one, without making it: one Newton step with more nodes.

At the optimum of −2 log L by Laplace's approximation, or with a few nodes, its gradient is zero; that of the
same with more nodes, g, is not. With the Hessian H there, the exact optimum lies about −H⁻¹g away, and that in
standard errors says whether the approximation matters. It costs an evaluation or two.

Several grouping factors are looked at one after the other, the effects of the others held at their modes: their
errors add up to first order. Those modes move with the parameters; so with r the derivative of one factor's error by
every row's linear predictor and q = H⁻¹Z̃ᵀr over the other factors' effects, −W Z̃q is added to r, as in `laplace`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from ..covariance import theta_from_factors
from ..estimates import Move
from ..lapack import eigh, solve_triangular
from ..random.arrange import arrange
from ..random.blocks import sum_by_group
from ..random.effects import row_products
from . import laplace, quadrature
from .criterion import GlmmCriterion, Walk
from .laplace import Approximation
from .quadrature import DENSE, MOST_NODES, Integral, Rule, integrate_around, rule_of

#: A move by this many standard errors is worth a second look.
SUSPICIOUS = 0.15
#: Nodes in each direction for a first look and a second, by the number of coefficients.
FIRST, SECOND = {1: 5, 2: 5, 3: 3}, {1: 15, 2: 9, 3: 5}
#: The typical group's information from which its effects are so nearly normal that one look tells, and its nodes.
INFORMED, ONE_LOOK = 10.0, {1: 5, 2: 4, 3: 3}
#: Nodes to choose from for one coefficient; a choice is good when more would move nothing by more than this.
LADDER, STILL = (11, 25, 50, 100), 0.1
#: Nodes to choose for two and three coefficients, where the move is small and where it is large.
CHOICE = {2: (11, 25), 3: (7, 15)}


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where a search ended: the criterion, the place in its standard coordinates, gradient and Hessian, and the walk there."""

    criterion: GlmmCriterion
    x: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    walk: Walk

    def move(self) -> Move | None:
        """Where exact integration would move the estimates; None where that is not known."""
        rule, sizes = self.criterion.rule, dict(self._factors())
        few = 1 if rule is None else rule.n
        if not set(sizes.values()) <= set(FIRST) or (few >= DENSE and max(sizes.values()) > 1):
            return None
        try:
            if len(sizes) > 1:
                return self._of_several(sizes)
            return self._of_one(few, *sizes.values())
        except (FloatingPointError, np.linalg.LinAlgError):
            return None

    def _factors(self) -> Iterator[tuple[str, int]]:
        """Each grouping factor and how many coefficients vary across it."""
        blocks = self.criterion.design.blocks
        for group in dict.fromkeys(block.group for block in blocks):
            yield group, sum(len(block.names) for block in blocks if block.group == group)

    def _of_one(self, few: int, size: int) -> Move:
        def with_nodes(n: int) -> Move:
            return self._moved(self._gradient(n) - self.gradient)

        most = MOST_NODES if size == 1 else DENSE - 1
        informed = few == 1 and self._information() > INFORMED
        move = with_nodes(ONE_LOOK[size] if informed else max(FIRST[size], min(2 * few + 1, most)))
        if few == 1 and not informed and move.largest > SUSPICIOUS:
            move = with_nodes(SECOND[size])
        if not move.matters:
            return move
        if size > 1:
            return replace(move, nodes=CHOICE[size][move.largest > 1.0 or few > 1])
        return _enough([replace(with_nodes(n), nodes=n) for n in LADDER if n > few])

    def _information(self) -> float:
        """What the rows of the median group tell of its mean, on the scale of η."""
        state, block = cast(Approximation, self.walk.at(self.x)), self.criterion.design.blocks[0]
        return float(np.median(sum_by_group(state.information, block.codes, len(block.levels))))

    def _gradient(self, n: int) -> np.ndarray:
        """The gradient with n nodes in each direction."""
        criterion = self.criterion.with_nodes(n)
        state = self.walk.at(self.x)
        at = state.laplace if isinstance(state, Integral) else state
        integral = integrate_around(criterion.part, at, cast(Rule, criterion.rule))
        return criterion.standard_gradient(integral, self.x)

    def _of_several(self, sizes: dict[str, int]) -> Move:
        state = cast(Approximation, self.walk.at(self.x))  # with several grouping factors there are no nodes
        move = self._moved_by(state, sizes, FIRST)
        return move if move.largest < SUSPICIOUS else self._moved_by(state, sizes, SECOND)

    def _moved_by(self, state: Approximation, sizes: dict[str, int], nodes: dict[int, int]) -> Move:
        """The move that these nodes ask for, by how many coefficients vary across each grouping factor."""
        return self._moved(
            np.sum([self._off(state, group, nodes[size]) for group, size in sizes.items()], axis=0)
        )

    def _off(self, state: Approximation, group: str, n: int) -> np.ndarray:
        """What n nodes for one grouping factor change in the gradient."""
        criterion, part = self.criterion, self.criterion.part
        own = np.array([block.group == group for block in criterion.design.blocks])
        u = part.by_row(state.modes.u)
        change, by_row, by_dispersion = self._change(state, own, n)
        q = state.H.solve(
            [total * (not mine) for total, mine in zip(part.sums(state.Z, by_row), own, strict=True)]
        )
        further = -state.information * part.predictor(state.Z, q)
        by_factor = []
        for k, (term, effects, moved) in enumerate(zip(part.terms, u, part.by_row(q), strict=True)):
            rows = (further + by_row * (not own[k])) * effects + state.modes.score * moved
            by_factor.append(term.Z @ rows.T + change.get(k, 0.0))
        by_b = criterion.basis.T @ (by_row + further)
        return np.concatenate([theta_from_factors(by_factor), by_b, by_dispersion])

    def _change(
        self, state: Approximation, own: np.ndarray, n: int
    ) -> tuple[dict[int, np.ndarray], np.ndarray, np.ndarray]:
        """Of one factor's blocks alone: by Λ, by row and by the dispersion, n nodes less Laplace."""
        criterion, x, places = self.criterion, self.x, np.flatnonzero(own)
        u, factors = criterion.part.by_row(state.modes.u), criterion.factors(x)
        beside = sum(row_products(state.Z[k], u[k]) for k in np.flatnonzero(~own))
        part = arrange([criterion.part.terms[k] for k in places], [""] * len(places))
        response = replace(state.response, population=state.response.population + beside)
        start = [state.modes.u[k] for k in places]
        at = laplace.approximate(part, [factors[k] for k in places], response, start)
        few = laplace.gradient(part, at)
        more = quadrature.gradient(part, integrate_around(part, at, rule_of(n, sum(part.sizes))))
        by_factor = zip(places, few.by_factor, more.by_factor, strict=True)
        by_place = criterion.by_place(more.by_dispersion - few.by_dispersion, criterion.place_at(x))
        return (
            {int(k): b - a for k, a, b in by_factor},
            more.by_population - few.by_population,
            criterion.unit * by_place,
        )

    def _moved(self, off: np.ndarray) -> Move:
        """The Newton step that a change of the gradient asks for, in standard errors of b and of the SDs."""
        criterion, n_theta = self.criterion, self.criterion.n_theta
        inverse = _inverse(self.hessian)
        step, covariance = -inverse @ off, 2.0 * inverse
        b = slice(n_theta, n_theta + len(criterion.b0))
        errors = _standard_errors(criterion.T, covariance[b, b])
        coefficients = np.divide(criterion.T @ step[b], errors, out=np.zeros_like(errors), where=errors > 0)
        sds = []
        for slopes in _sd_slopes(criterion, self.x):
            sd_errors = _standard_errors(slopes, covariance[:n_theta, :n_theta])
            moves = slopes @ step[:n_theta]
            sds.append(np.divide(moves, sd_errors, out=np.zeros_like(moves), where=sd_errors > 0))
        return Move(coefficients, sds)


def _standard_errors(rows: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Those of linear combinations, one per row."""
    return np.sqrt(np.sum((rows @ covariance) * rows, axis=1))


def _inverse(H: np.ndarray) -> np.ndarray:
    """The inverse of a Hessian without directions in which it is flat, or not curved upwards."""
    values, vectors = eigh(H)
    curved = values > 1e-6 * values.max()
    return (vectors[:, curved] / values[curved]) @ vectors[:, curved].T


def _sd_slopes(criterion: GlmmCriterion, x: np.ndarray) -> Iterator[np.ndarray]:
    """For each block the derivatives of its SDs by θ, (s, n_theta): a SD is the length of a row of R⁻¹Λ."""
    factors = criterion.factors(x)
    for k, (term, L) in enumerate(zip(criterion.part.terms, factors, strict=True)):
        slopes = []
        for r in solve_triangular(term.R, np.eye(term.size)):
            row = r @ L
            sd = np.linalg.norm(row)
            by_factor = [np.zeros_like(one) for one in factors]
            by_factor[k] = np.outer(r, row) / sd if sd > 0 else by_factor[k]
            slopes.append(theta_from_factors(by_factor))
        yield np.array(slopes)


def _enough(moves: list[Move]) -> Move:
    """The move with the most nodes, and the fewest nodes that tell the same."""
    last = moves[-1]
    for move in moves:
        apart = np.concatenate([move.coefficients - last.coefficients, *np.subtract(move.sds, last.sds)])
        if np.all(np.abs(apart) < STILL):
            return replace(last, nodes=move.nodes)
    return last
