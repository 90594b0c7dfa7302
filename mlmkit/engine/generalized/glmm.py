"""The generalized linear mixed model: from a design to its estimates.

    criterion = glmm_criterion(design, flat, n_agq)     # −2 log L as a function of θ and b
    fit_glmm(design, n_agq)                             # where it is lowest, with standard errors

Standard errors come from the Hessian in θ and b together, so that they allow for θ being estimated, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np

from ...errors import DataError
from ..covariance import factors_from_theta, shift_left, theta_from_factors, theta_length, without_traces
from ..estimates import Estimates
from ..lapack import eigh, solve, solve_triangular
from ..random.effects import Effects
from ..search.hills import Summit, are_alike, further_starts, highest, may_have_hills, sds_of, two_summits
from ..search.optimise import NOT_CONVERGED, Point, Search, begin, descend, minimise
from ..search.singular import RANK_TOLERANCE, singular_messages
from .criterion import End, GlmmCriterion, State, Walk, glmm_criterion
from .doubt import move_of
from .irls import Solution, fit_glm, in_full, iterate_and_examine
from .quadrature import MOST_NODES, is_lattice
from .separation import INSTEAD, Separation
from .summits import LIKE_LOGS, View, height, is_far, largest_sd, units

#: Most directions to integrate in: coefficients that vary across the groups.
MOST_INTEGRATED = 3
#: Before a lattice is placed, a search with this many nodes in each direction comes near its optimum.
FEW = 7
#: A lattice is placed anew while that promises to lower the criterion by this much, and no more often than this.
STANDING, MOST_PLACINGS = 1e-7, 12
#: Another summit is not looked for with more rows, group effects or parameters than this: every look is expensive then.
MANY_ROWS, MANY_EFFECTS, MANY_PARAMETERS = 50_000, 2000, 40
#: It is always looked for where more than one coefficient varies, with no more rows than this and no more groups in
#: some term.
FEW_ROWS, FEW_GROUPS = 500, 9
#: Directions of θ in which the criterion is less curved than this share of the most say nothing.
FLAT = 1e-6
#: A dispersion is next to nothing beside the flat model's where it is less than this share of it.
NO_NOISE = 1e-5
#: No further search begins once the first number of evaluations is spent, and none goes on beyond the second: all
#: searches of a model that has a minimum need half as many.
ENOUGH_EVALUATIONS, MOST_IN_ALL = 300, 450
#: A further search halts where a step promises this little, to see whether it is coming to where another one ended.
ON_THE_WAY = (1e-2, 1e-4, 1e-6)
#: It is where the height, and the covariances as a share of their size, differ by less than this, and all the rest by
#: less than ten times this in standard errors; and what rounding may take off a height.
NEXT_TO, SAME_HEIGHT = 1e-2, 1e-7
#: Shares of the starting SDs: a search starts from the first at which the modes can be found.
SHARES = (1.0, 0.3, 0.1, 0.01)
AT_THE_EDGE = (
    "Some group's effects would take a mean out of the range of the {} family, so they cannot be estimated: "
    "use a link that keeps means in range, such as log or logit."
)
RUNNING_AWAY = (
    "The group effects describe the rows (nearly) perfectly, so that their variances have no finite estimate: "
    "leave terms out of the random part."
)
NO_START = (
    "No starting point was found from which the group effects can be estimated: "
    "try another link, or rescale the predictors."
)
EXACTLY = ", or see with n_agq=25 whether the exact likelihood has both"
NO_CURVATURE = (
    "The likelihood is not curved downwards in every direction here, so the standard errors are those at the "
    "start of the search and not to be relied on: leave terms out of the random part, or sample the model with a "
    "prior, mk.brm() (chapter 8)."
)


def fit_glmm(design, n_agq: int = 1, examine: bool = False) -> Estimates:
    """Fit a generalized linear mixed model by maximum likelihood.

    Parameters
    ----------
    design : Design
        With at least one random-effects block.
    n_agq : int
        1 for Laplace's approximation; more for quadrature with that many nodes in each direction.
    examine : bool
        Whether to see how far the approximation is from exact integration.

    Returns
    -------
    Estimates
        `vcov` is from the Hessian in θ and b. A coefficient without a finite maximum is −inf, inf or nan.

    Raises
    ------
    DataError
        `n_agq` asks for quadrature in a model with more than one grouping factor, or more than three varying
        coefficients; or the link lets means out of the family's range.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015), J. Stat. Softw. 67(1). Pinheiro & Chao (2006), J. Comput. Graph.
    Stat. 15, 58–81.
    """
    check_nodes(design, n_agq)
    flat, separation = iterate_and_examine(design)
    if separation is not None:
        return _separated(design, separation, n_agq)
    dense = is_lattice(n_agq, sum(block.Z.shape[1] for block in design.blocks))
    end, messages = best_end(climb(_begin(design, flat, FEW if dense else n_agq)))
    if dense:
        end = _on_a_lattice(end, n_agq)
    try:
        estimates = estimates_of(end, messages)
    except FloatingPointError:
        family = design.spec.family
        raise DataError(RUNNING_AWAY if family.link in LIKE_LOGS else AT_THE_EDGE.format(family)) from None
    if not examine or not np.all(np.isfinite(end.hessian)):
        return estimates
    return replace(estimates, move=move_of(end))


def climb(search: Search) -> End:
    """A search along a walk to its end."""
    criterion = cast(Walk, search.objective).criterion
    converged, H = minimise(search, partial(_canonical, criterion))
    search.point = _without_traces(criterion, search)
    return End(search, converged, H)


def best_end(first: End) -> tuple[End, tuple[str, ...]]:
    """The end of the best search: of the first one, and of others where it may not be the best."""
    criterion = first.criterion
    if not _may_be_higher_elsewhere(first):
        return first, ()
    look, end = View(criterion, first.x), criterion.factors(first.x)
    starts = further_starts(end, look, units(criterion), largest_sd(criterion))
    searches = (
        begin_at(criterion, np.concatenate([theta_from_factors(factors), place.x]), place.modes(factors))
        for factors, place in starts
    )
    ends, spent = [first], first.search.evaluations
    for search in searches:
        if spent > ENOUGH_EVALUATIONS:
            break  # a search that finds no end says what further ones would
        if search is None:
            continue
        search.most = min(search.most, MOST_IN_ALL - spent)
        if not _comes_to_one_of(ends, search):
            ends.append(climb(search))
        spent += search.evaluations
    summits = [
        Summit(height(criterion, end.x, end.modes), criterion.factors(end.x), end.converged, end)
        for end in ends
    ]
    best, rival = highest(summits)
    end = replace(best.outcome, search=replace(best.outcome.search, evaluations=spent))
    if rival is None:
        return end, ()
    here, there = (
        sds_of(factors_from_theta(criterion.estimates_at(one.outcome.x)[0], criterion.sizes))
        for one in (best, rival)
    )
    nodes = EXACTLY if criterion.rule is None and _takes_nodes(criterion.design) else ""
    return end, (two_summits(criterion.design, here, there, rival.height - best.height, nodes),)


def _takes_nodes(design) -> bool:
    """Whether the group effects can be integrated by quadrature."""
    groups = {block.group for block in design.blocks}
    return len(groups) == 1 and sum(block.Z.shape[1] for block in design.blocks) <= MOST_INTEGRATED


def _comes_to_one_of(ends: Sequence[End], search: Search) -> bool:
    """Whether a search, part of its way taken, is where another one proved a minimum: it need not go on then."""
    for promise in ON_THE_WAY:
        descend(search, promise)
        if any(_is_at(end, search.point) for end in ends if end.converged):
            return True
    return False


def _is_at(end: End, point: Point) -> bool:
    """Whether a point is next to an end, and not below it: its covariances and, in standard errors, all the rest."""
    criterion, rest = end.criterion, slice(end.criterion.n_theta, None)
    return bool(
        -SAME_HEIGHT < point.value - end.search.point.value < NEXT_TO
        and np.all(np.abs(point.x[rest] - end.x[rest]) < 10.0 * NEXT_TO)
        and are_alike(criterion.factors(point.x), criterion.factors(end.x), NEXT_TO)
    )


def _may_be_higher_elsewhere(end: End) -> bool:
    """Whether another summit is to be feared, and the model small enough to look for it."""
    criterion, design = end.criterion, end.criterion.design
    effects = sum(len(block.levels) * block.Z.shape[1] for block in design.blocks)
    if len(design.y) > MANY_ROWS or effects > MANY_EFFECTS or criterion.n_parameters > MANY_PARAMETERS:
        return False
    if end.search.evaluations > _most(criterion) or (not end.converged and _leaves_no_noise(end)):
        return False  # where one search finds no end, others find none
    doubtful = not end.converged or is_far(criterion, criterion.factors(end.x))
    return doubtful or _few_data(criterion) or may_have_hills(design, criterion.information)


def _few_data(criterion: GlmmCriterion) -> bool:
    """Few rows, some term with few groups, and more than one coefficient that varies."""
    blocks = criterion.design.blocks
    few_groups = min(len(block.levels) for block in blocks) <= FEW_GROUPS
    return len(criterion.design.y) <= FEW_ROWS and few_groups and sum(criterion.sizes) > 1


def _leaves_no_noise(end: End) -> bool:
    """Whether next to nothing is left of the flat model's dispersion: the likelihood has no maximum then."""
    family = end.criterion.response.family
    return family.has_sigma and end.criterion.dispersion_at(end.x) < NO_NOISE * family.dispersion


def check_nodes(design, n_agq: int) -> None:
    """Refuse a number of nodes, or nodes for a model that they are not for."""
    is_number = isinstance(n_agq, int | float | np.number)
    if not (is_number and 1 <= n_agq <= MOST_NODES and n_agq == int(n_agq)):
        raise DataError(
            f"n_agq is {n_agq!r}: it is a number of nodes, a whole number from 1 to {MOST_NODES}."
        )
    if n_agq == 1:
        return
    groups = list(dict.fromkeys(block.group for block in design.blocks))
    if len(groups) > 1:
        raise DataError(
            f"n_agq = {n_agq} needs a model with one grouping factor, such as (x|g); this one has "
            f"{', '.join(groups)}. Use n_agq=1, Laplace's approximation, or sample it with mk.brm()."
        )
    coefficients = sum(block.Z.shape[1] for block in design.blocks)
    if coefficients > MOST_INTEGRATED:
        raise DataError(
            f"n_agq = {n_agq} integrates up to {MOST_INTEGRATED} varying coefficients; here {coefficients} vary "
            f"across {groups[0]}. Use n_agq=1, Laplace's approximation, or sample it with mk.brm()."
        )


def _on_a_lattice(few: End, n_agq: int) -> End:
    """From the end of a search with few nodes to that of one with many, placed anew until they stay."""
    criterion, modes, search = few.criterion.with_nodes(n_agq), few.modes, few.search
    for _ in range(MOST_PLACINGS):
        x = search.point.x
        walk = Walk(criterion.holding(x, modes), modes)
        search = Search(walk, Point(x, *walk(x)), search.metric, search.evaluations + 1)
        if search.promise < STANDING:
            break
        descend(search, STANDING)
        modes = walk.modes
    end = climb(search)
    return replace(end, search=replace(search, objective=Walk(criterion, end.modes)))  # placed anew


def _begin(design, flat: Solution, n_agq: int) -> Search:
    """A search from the flat model's coefficients and the first SDs at which the modes can be found."""
    with suppress(FloatingPointError, np.linalg.LinAlgError):
        with np.errstate(invalid="ignore"):  # the flat model itself may lie at the edge of the means' range
            criterion = glmm_criterion(design, flat, n_agq)
        for share in SHARES:
            theta = theta_from_factors([np.diag(share * sd) for sd in criterion.sds])
            x = np.concatenate([theta, np.zeros(criterion.n_parameters - len(theta))])
            search = begin_at(criterion, x, criterion.part.nothing())
            if search is not None:
                return search
    raise DataError(NO_START)


def begin_at(criterion: GlmmCriterion, x: np.ndarray, modes: Effects) -> Search | None:
    """A search from a place in standard coordinates, near modes; None where the modes cannot be found."""
    curvature = _curvature(criterion, criterion.factors(x))
    try:
        search = begin(Walk(criterion, modes), x, np.where(curvature > 0, curvature, 1.0))
    except FloatingPointError:
        return None
    search.most = _most(criterion)
    return search if np.isfinite(search.point.value) else None


def _most(criterion: GlmmCriterion) -> int:
    """Evaluations after which a search is given up; those that found a minimum needed half as many."""
    return 300 + 5 * criterion.n_parameters


def _curvature(criterion: GlmmCriterion, factors: Sequence[np.ndarray]) -> np.ndarray:
    """The expected Hessian's diagonal at the start: 4θ² Σ (a/(1 + θ²a))² over the groups; 2 for the rest."""
    by_column = []
    for Lambda, a in zip(factors, criterion.information, strict=True):
        variance = np.sum(Lambda**2, axis=1)[:, None]
        information = np.sum(4.0 * variance * (a / (1.0 + variance * a)) ** 2, axis=1)
        by_column.append(np.tile(information[:, None], len(Lambda)))
    theta = theta_from_factors(by_column)
    return np.concatenate([theta, np.full(criterion.n_parameters - len(theta), 2.0)])


def _canonical(criterion: GlmmCriterion, x: np.ndarray) -> np.ndarray:
    """The equivalent point whose gradient hides nothing."""
    shifted = theta_from_factors([shift_left(L, RANK_TOLERANCE) for L in criterion.factors(x)])
    return np.concatenate([shifted, x[criterion.n_theta :]])


def _without_traces(criterion: GlmmCriterion, search: Search) -> Point:
    """The search's end; next to no variance becomes none where the criterion does not mind."""
    point = search.point
    theta = theta_from_factors([without_traces(L, 10 * RANK_TOLERANCE) for L in criterion.factors(point.x)])
    x = np.concatenate([theta, point.x[criterion.n_theta :]])
    place = criterion.place_at(x)
    if place is not None and abs(place) < criterion.design.spec.family.distribution.nothing:
        x[-1] = -criterion.place / criterion.unit
    if np.array_equal(x, point.x):
        return point
    there = search.at(x)
    return there if there.value <= point.value + 1e-8 else point


def estimates_of(end: End, summits: tuple[str, ...]) -> Estimates:
    """Everything that follows from where a search ended; `summits` says what is to be said of others."""
    criterion, design = end.criterion, end.criterion.design
    (theta, beta), dispersion = criterion.estimates_at(end.x), criterion.dispersion_at(end.x)
    family = design.spec.family
    factors, state, gradient = _model_at(end, theta, beta)
    vcov, messages = _covariance(criterion, end.hessian)
    if not end.converged:
        messages = (NOT_CONVERGED, *messages)
    if dispersion is not None:
        messages = (*messages, *family.distribution.messages(dispersion))
    modes = zip(criterion.part.terms, factors, state.modes.u, strict=True)
    sigma = float(np.sqrt(dispersion)) if family.has_sigma else 1.0
    return Estimates(
        beta=beta,
        vcov=vcov,
        theta=theta / sigma,
        sigma=sigma,
        dispersion=None if family.has_sigma else dispersion,
        modes=tuple(solve_triangular(term.R, Lambda @ u).T for term, Lambda, u in modes),
        criterion=state.value,
        loglik=-0.5 * state.value,
        reml=False,
        linear_predictor=state.modes.eta,
        fitted=state.modes.mu,
        converged=end.converged,
        messages=(*messages, *summits, *singular_messages(design, theta)),
        evaluations=end.search.evaluations,
        gradient=gradient,
        n_agq=1 if criterion.rule is None else criterion.rule.n,
    )


def _model_at(end: End, theta: np.ndarray, beta: np.ndarray) -> tuple[list[np.ndarray], State, np.ndarray]:
    """The standardised terms' Λ at the estimates, the model there, and the derivatives by the estimates.

    Where each term has one coefficient, Λ can differ from the search's in sign only, and the model is that of its
    last step. Otherwise it may be turned, and several coefficients' nodes with it.
    """
    criterion = end.criterion
    if max(criterion.sizes) == 1:
        state = end.walk.at(end.x)
        gradient = criterion.gradient(state)
        gradient[: criterion.n_theta] *= np.where(end.x[: criterion.n_theta] < 0.0, -1.0, 1.0)
        return criterion.factors(end.x), state, gradient
    dispersion = criterion.dispersion_at(end.x)
    state = criterion.solve(theta, beta, dispersion, end.modes)
    return criterion.standard_factors(theta), state, criterion.gradient(state)


def _covariance(criterion: GlmmCriterion, H: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The covariance of b from the Hessian at a point, and a sentence where it is not to be trusted."""
    information = _information(H, criterion) if np.all(np.isfinite(H)) else np.zeros((0, 0))
    if not len(information) or not np.all(eigh(information)[0] > 1e-8):
        return criterion.T @ criterion.T.T, (NO_CURVATURE,) if len(criterion.b0) else ()
    return criterion.T @ solve(information / 2.0, criterion.T.T), ()


def _information(H: np.ndarray, criterion: GlmmCriterion) -> np.ndarray:
    """Twice the information on b's coordinates, θ and the dispersion taken out by their Schur complement.

    Directions of θ in which the criterion is flat, as at a boundary, say nothing on b and are left out.
    """
    x = criterion.of_b
    rest = np.delete(np.arange(len(H)), x)
    beside = H[rest, x]
    curvatures, directions = eigh(H[np.ix_(rest, rest)])
    curved = np.abs(curvatures) > FLAT * np.max(np.abs(curvatures))
    seen = directions[:, curved].T @ beside
    return H[x, x] - seen.T @ (seen / curvatures[curved, None])


def _separated(design, separation: Separation, n_agq: int) -> Estimates:
    """The finite estimates from the rows that are not separated: the likelihood depends on no others."""
    if separation.rows.all():
        flat = fit_glm(design)
        modes = tuple(np.zeros((len(block.levels), block.Z.shape[1])) for block in design.blocks)
        theta = np.zeros(sum(theta_length(block.Z.shape[1]) for block in design.blocks))
        message = f"{separation.message}; {INSTEAD}."
        return replace(flat, theta=theta, modes=modes, n_agq=n_agq, messages=(message,))
    return in_full(design, separation, fit_glmm(separation.undecided(design), n_agq))
