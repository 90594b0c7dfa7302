"""How far an approximate fit is from the exact one, without making it: one Newton step with more nodes.

At the optimum of −2 log L by Laplace's approximation, or with a few nodes, its gradient is zero; that of the
same with more nodes, g, is not. With the Hessian H there, the exact optimum lies about −H⁻¹g away, and that in
standard errors says whether the approximation matters. It costs an evaluation or two.

Several grouping factors are looked at one after the other, the effects of the others held at their modes: their
errors add up to first order. Those modes move with the parameters; so with r the derivative of one factor's error by
every row's linear predictor and q = H⁻¹Z̃ᵀr over the other factors' effects, −W Z̃q is added to r, as in `laplace`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np

from ..covariance import theta_from_factors
from ..estimates import Move
from ..lapack import eigh, solve_triangular
from ..random.arrange import arrange
from ..random.blocks import sum_by_group
from . import laplace, quadrature
from .criterion import End, GlmmCriterion
from .laplace import Approximation
from .quadrature import DENSE, MOST_NODES, Integral, Rule, integrate, rule_of

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


def move_of(end: End) -> Move | None:
    """Where exact integration would move the estimates; None where that is not known."""
    rule, sizes = end.criterion.rule, Counter[str]()
    for block in end.criterion.design.blocks:
        sizes[block.group] += len(block.names)
    few = 1 if rule is None else rule.n
    if not set(sizes.values()) <= set(FIRST) or (few >= DENSE and max(sizes.values()) > 1):
        return None
    try:
        if len(sizes) > 1:
            return _of_several(end, sizes)
        return _of_one(end, few, *sizes.values())
    except (FloatingPointError, np.linalg.LinAlgError):
        return None


def _of_one(end: End, few: int, size: int) -> Move:
    def with_nodes(n: int) -> Move:
        return _moved(end, _gradient(end, n) - end.search.point.gradient)

    most = MOST_NODES if size == 1 else DENSE - 1
    informed = few == 1 and _information(end) > INFORMED
    move = with_nodes(ONE_LOOK[size] if informed else max(FIRST[size], min(2 * few + 1, most)))
    if few == 1 and not informed and move.largest > SUSPICIOUS:
        move = with_nodes(SECOND[size])
    if not move.matters:
        return move
    if size > 1:
        return replace(move, nodes=CHOICE[size][move.largest > 1.0 or few > 1])
    return _enough([replace(with_nodes(n), nodes=n) for n in LADDER if n > few])


def _information(end: End) -> float:
    """What the rows of the median group tell of its mean, on the scale of η."""
    state, block = cast(Approximation, end.walk.at(end.x)), end.criterion.design.blocks[0]
    return float(np.median(sum_by_group(state.information, block.codes, len(block.levels))))


def _gradient(end: End, n: int) -> np.ndarray:
    """The gradient with n nodes in each direction."""
    criterion = end.criterion.with_nodes(n)
    state = end.walk.at(end.x)
    at = state.laplace if isinstance(state, Integral) else state
    integral = integrate(criterion.part, at, cast(Rule, criterion.rule))
    return criterion.standard_gradient(integral, end.x)


def _of_several(end: End, sizes: dict[str, int]) -> Move:
    state = cast(Approximation, end.walk.at(end.x))  # with several grouping factors there are no nodes

    def with_nodes(nodes: dict[int, int]) -> Move:
        return _moved(end, np.sum([_off(end, state, group, nodes[n]) for group, n in sizes.items()], axis=0))

    move = with_nodes(FIRST)
    return move if move.largest < SUSPICIOUS else with_nodes(SECOND)


def _off(end: End, state: Approximation, group: str, n: int) -> np.ndarray:
    """What n nodes for one grouping factor change in the gradient."""
    criterion, part = end.criterion, end.criterion.part
    own = [block.group == group for block in criterion.design.blocks]
    few, more = _with_and_without(end, state, np.flatnonzero(own), n)
    change = iter([b - a for a, b in zip(few.by_factor, more.by_factor, strict=True)])
    by_row = more.by_population - few.by_population
    q = state.H.solve(
        [total * (not mine) for total, mine in zip(part.sums(state.Z, by_row), own, strict=True)]
    )
    further = -state.information * part.predictor(state.Z, q)
    by_factor = []
    for term, mine, u, moved in zip(part.terms, own, part.by_row(state.modes.u), part.by_row(q), strict=True):
        rows = (further + by_row * (not mine)) * u + state.modes.score * moved
        by_factor.append(term.Z @ rows.T + (next(change) if mine else 0.0))
    by_place = criterion.by_place(more.by_dispersion - few.by_dispersion, criterion.place_at(end.x))
    by_b = criterion.basis.T @ (by_row + further)
    return np.concatenate([theta_from_factors(by_factor), by_b, criterion.unit * by_place])


def _with_and_without(
    end: End, state: Approximation, own: np.ndarray, n: int
) -> tuple[laplace.Gradient, laplace.Gradient]:
    """The gradients of one factor's terms alone, the others' effects at their modes: without nodes, and with n."""
    terms, factors = end.criterion.part.terms, end.criterion.factors(end.x)
    part = arrange([terms[k] for k in own], [""] * len(own))
    u = [state.modes.u[k] for k in own]
    population = state.modes.eta - part.predictor([state.Z[k] for k in own], u)
    response = replace(state.response, population=population)
    at = laplace.approximate(part, [factors[k] for k in own], response, u)
    return laplace.gradient(part, at), quadrature.gradient(
        part, integrate(part, at, rule_of(n, sum(part.sizes)))
    )


def _moved(end: End, off: np.ndarray) -> Move:
    """The Newton step that a change of the gradient asks for, in standard errors of b and of the SDs."""
    criterion, inverse = end.criterion, _inverse(end.hessian)
    step, covariance = -inverse @ off, 2.0 * inverse
    theta, b = slice(criterion.n_theta), criterion.of_b
    sds = [
        _in_standard_errors(slopes, step[theta], covariance[theta, theta])
        for slopes in _sd_slopes(criterion, end.x)
    ]
    return Move(_in_standard_errors(criterion.T, step[b], covariance[b, b]), sds)


def _in_standard_errors(rows: np.ndarray, step: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """The moves of linear combinations, one per row; 0 for one that is known exactly."""
    errors = np.sqrt(np.sum((rows @ covariance) * rows, axis=1))
    return np.divide(rows @ step, errors, out=np.zeros_like(errors), where=errors > 0)


def _inverse(H: np.ndarray) -> np.ndarray:
    """The inverse of a Hessian without directions in which it is flat, or not curved upwards."""
    values, vectors = eigh(H)
    curved = values > 1e-6 * values.max()
    return (vectors[:, curved] / values[curved]) @ vectors[:, curved].T


def _sd_slopes(criterion: GlmmCriterion, x: np.ndarray) -> Iterator[np.ndarray]:
    """For each block the derivatives of its SDs by θ, (s, n_theta): a SD is the length of a row of R⁻¹Λ."""
    factors = criterion.factors(x)
    for k, (term, L) in enumerate(zip(criterion.part.terms, factors, strict=True)):
        back = solve_triangular(term.R, np.eye(term.size))
        rows = back @ L
        sds = np.linalg.norm(rows, axis=1, keepdims=True)
        directions = np.divide(rows, sds, out=np.zeros_like(rows), where=sds > 0)
        by_factor = [np.zeros((term.size, *one.shape)) for one in factors]
        by_factor[k] = back[:, :, None] * directions[:, None]
        yield theta_from_factors(by_factor)


def _enough(moves: list[Move]) -> Move:
    """The move with the most nodes, and the fewest nodes that tell the same."""
    last = moves[-1]
    for move in moves:
        apart = np.concatenate([move.coefficients - last.coefficients, *np.subtract(move.sds, last.sds)])
        if np.all(np.abs(apart) < STILL):
            return replace(last, nodes=move.nodes)
    return last
