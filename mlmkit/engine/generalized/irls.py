"""Generalized linear models by iteratively reweighted least squares.

At the current linear predictor η every observation has a score s and an expected information W
(`Family.working`); the next coefficients solve XᵀWX δ = Xᵀs. See McCullagh & Nelder (1989), *Generalized
Linear Models*, 2nd ed., section 2.5. Where some coefficient has no finite maximum, `separation` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...design import Design
from ...errors import DataError
from ...families import Family
from ...words import listed
from ..estimates import Estimates
from ..lapack import cholesky, eigh, solve_triangular
from ..standardise import NOTHING_LEFT, orthonormal
from .separation import INSTEAD, Separation, find_separation, looks_separated

#: Newton's decrement sᵀX(XᵀWX)⁻¹Xᵀs below which another step would change nothing that can be seen.
DECREMENT = 1e-20
MAX_STEPS = 60
MAX_HALVINGS = 30
#: A mean lies at the edge of its range where it is this share of the usual distance from it.
EDGE = 1e-6
#: A dispersion that changes by less than this share is known.
SETTLED = 1e-10
#: A coefficient that a direction without information moves by less than this share is not moved.
UNMOVED = 1e-7
NOT_SETTLED = (
    "The iterations did not settle after {} steps: treat these estimates with suspicion, "
    "and look for predictors on very different scales or for too many of them."
)
AT_THE_EDGE = (
    "The likelihood is highest where a mean leaves the range of the {} family, so these coefficients are not at a "
    "maximum, and their standard errors are not to be trusted: use a link that keeps means in range, such as log."
)
UNSEEN = (
    "The likelihood hardly changes with {}, so what is printed is only where the search stopped, without a standard "
    "error: some means would have to reach the edge of what the {} family allows, or some rows have next to no weight; "
    "try another link, or leave those rows out."
)
NO_START = (
    "No coefficients could be found from which every mean is in the range of the {} family: "
    "try another link, such as log."
)


class Solution(NamedTuple):
    """Where the iterations ended: coefficients, linear predictor, (XᵀWX)⁻¹, score, steps, success.

    And the distribution's dispersion at its most likely, 1 where there is none. Where it is a factor of the
    variance, the information and the score are told without it, as at φ = 1. The inverse has NaN for coefficients
    that the rows hold no information on.
    """

    beta: np.ndarray
    eta: np.ndarray
    inverse_information: np.ndarray
    gradient: np.ndarray
    steps: int
    converged: bool
    dispersion: float = 1.0


def fit_glm(design: Design) -> Estimates:
    """Maximum likelihood estimates of a flat (non-hierarchical) generalized linear model.

    The dispersion of a Gamma or Gaussian response is Pearson's χ²/(n − p), as R's `summary.glm` has it;
    the log likelihood, like R's `logLik`, is taken at deviance/n instead.

    Parameters
    ----------
    design : Design
        Its random-effects blocks are not looked at.

    Returns
    -------
    Estimates
        A coefficient without a finite maximum is −inf or inf, or nan where not even its sign is
        determined; its row and column of `vcov` are nan, and `messages` says why.

    Raises
    ------
    DataError
        If no linear predictor within the family's range can be found to start from, or the fixed part gives every
        mean of a family that has a dispersion to estimate.

    References
    ----------
    McCullagh & Nelder (1989), *Generalized Linear Models*, 2nd ed., sections 2.5 and 9.2.
    """
    solution, separation = iterate_and_examine(design)
    if separation is not None:
        return _separated_estimates(design, separation)
    return _estimates(design, solution, tuple(_messages(design, solution)))


def _messages(design: Design, solution: Solution) -> Iterator[str]:
    if not solution.converged:
        yield _not_settled(design, solution)
    unseen = np.flatnonzero(np.isnan(solution.inverse_information.diagonal()))
    if len(unseen):
        yield UNSEEN.format(listed((design.fixed_names[k] for k in unseen), 4), design.spec.family)


def _not_settled(design: Design, solution: Solution) -> str:
    """Why the iterations did not settle: at the edge of the family's range, or it is not known."""
    family = design.spec.family
    lower, upper = family.distribution.mean_range
    step = design.X @ (np.nan_to_num(solution.inverse_information) @ solution.gradient)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mu, beyond = family.mean(solution.eta), family.mean(solution.eta + step)
        room = np.minimum(mu - lower, upper - mu)
    inside = family.valid(beyond) and np.min(room) > EDGE * np.median(room)
    return NOT_SETTLED.format(MAX_STEPS) if family.keeps_range or inside else AT_THE_EDGE.format(family)


def iterate_and_examine(design: Design) -> tuple[Solution, Separation | None]:
    """The maximum of the flat model, and what has no finite one."""
    solution = iterate(design)
    _refuse_perfect(design, solution)
    return solution, find_separation(design) if looks_separated(design, solution.eta) else None


def _refuse_perfect(design: Design, solution: Solution) -> None:
    """A family with a dispersion has none to estimate where the fixed part gives every mean."""
    family, y = design.spec.family, design.y
    if not (family.has_dispersion and family.distribution.has_sigma):
        return
    left = family.deviance(y, family.mean(solution.eta), design.weights).sum()
    of = family.deviance(y, np.full_like(y, y.mean()), design.weights).sum()
    if left <= 1e-20 * of or np.count_nonzero(design.weights) <= design.X.shape[1]:
        raise DataError(NOTHING_LEFT + design.crowded)


def iterate(design: Design) -> Solution:
    """Maximum likelihood for the coefficients, and for the dispersion where there is one."""
    family = design.spec.family
    if family.has_dispersion and not family.has_sigma:
        return _with_shape(design)
    solution = _iterate(design, family)
    if not family.has_dispersion:
        return solution
    return solution._replace(dispersion=dispersions(design, family.mean(solution.eta))[1])


def _with_shape(design: Design) -> Solution:
    """Coefficients and a dispersion that changes the variance's shape, in turn (as `MASS::glm.nb` does)."""
    family, start = design.spec.family, None
    for _ in range(MAX_STEPS):
        solution = _iterate(design, family, start)
        mu = family.mean(solution.eta)
        dispersion = family.distribution.most_likely(design.y, mu, design.weights)
        known, family, start = family, family.at(dispersion), solution.beta
        places = [family.distribution.coordinate(one.at_dispersion) for one in (known, family)]
        if abs(places[1] - places[0]) <= SETTLED * (1.0 + places[1]):
            return solution._replace(dispersion=dispersion)
    return solution._replace(dispersion=dispersion, converged=False)


def _iterate(design: Design, family: Family, start: np.ndarray | None = None) -> Solution:
    """Iteratively reweighted least squares, with steps halved while they do not raise the likelihood."""
    if design.X.shape[1] == 0:
        if not np.isfinite(likelihood(family, design.y, design.offset, design.weights)):
            raise DataError(NO_START.format(family))
        return Solution(np.zeros(0), design.offset, np.zeros((0, 0)), np.zeros(0), 0, True)
    y, weights = design.y, design.weights
    Q, R = orthonormal(np.ascontiguousarray(design.X.T))
    Q = Q.T
    coefficients = _start(design, Q) if start is None else R @ start
    eta = Q @ coefficients + design.offset
    value = -likelihood(family, y, eta, weights)
    for steps in range(1, MAX_STEPS + 1):  # noqa: B007  (read after the loop)
        working = family.working(y, eta, weights)
        gradient = Q.T @ working.score
        information = Q.T @ (working.fisher[:, None] * Q)
        step = _solve(information, gradient)
        decrement = gradient @ step
        if not decrement > DECREMENT:
            break
        size, value = _step_size(design, family, Q, coefficients, step, value)
        if not size:  # at the edge of the family's range, or where rounding hides what is uphill
            break
        coefficients = coefficients + size * step
        eta = Q @ coefficients + design.offset
    back = solve_triangular(R, np.eye(len(R)))
    inverse = _inverse(information, back)
    return Solution(back @ coefficients, eta, inverse, R.T @ gradient, steps, bool(decrement <= DECREMENT))


def _start(design: Design, Q: np.ndarray) -> np.ndarray:
    """Coefficients with a valid linear predictor: a weighted regression on η near the data, or a constant."""
    family, weights = design.spec.family, design.weights
    with np.errstate(invalid="ignore", divide="ignore"):
        near = family.start(design.y, weights) - design.offset
        level = family.start(weights @ design.y / np.sum(weights), np.inf)
    candidates = []
    if np.all(np.isfinite(near)):
        fisher = family.working(design.y, near + design.offset, weights).fisher
        candidates.append(_solve(Q.T @ (fisher[:, None] * Q), Q.T @ (fisher * near)))
    if np.isfinite(level):
        candidates.append(Q.T @ (level - design.offset))
    candidates.append(np.zeros(Q.shape[1]))
    for coefficients in candidates:
        if np.isfinite(likelihood(family, design.y, Q @ coefficients + design.offset, weights)):
            return coefficients
    raise DataError(NO_START.format(family))


def _solve(information: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(information)⁻¹ right; by a pseudo-inverse when rounding has made the information singular."""
    if not (np.all(np.isfinite(information)) and np.all(np.isfinite(right))):
        raise FloatingPointError("The information that the rows hold on the coefficients is not finite.")
    try:
        root = cholesky(information)
        return solve_triangular(root, solve_triangular(root, right, lower=True), lower=True, transposed=True)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(information, hermitian=True) @ right


def _inverse(information: np.ndarray, back: np.ndarray) -> np.ndarray:
    """(information)⁻¹ for coefficients that are `back` times these; NaN for those that the information leaves open."""
    try:
        half = solve_triangular(cholesky(information), back.T, lower=True)
        return half.T @ half
    except np.linalg.LinAlgError:
        values, vectors = eigh(information)
    told = values > len(values) * np.finfo(float).eps * values[-1]
    half = back @ (vectors[:, told] / np.sqrt(values[told]))
    open_ = np.abs(back @ vectors[:, ~told]).max(axis=1) > UNMOVED * np.abs(back).max(axis=1)
    inverse = half @ half.T
    inverse[open_], inverse[:, open_] = np.nan, np.nan
    return inverse


def likelihood(family: Family, y: np.ndarray, eta: np.ndarray, weights: np.ndarray) -> float:
    """The log likelihood's part that depends on η; −inf where a mean is outside the family's range."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mu = family.mean(eta)
        return family.kernel(y, mu, weights) if family.valid(mu) else -np.inf


def _step_size(design: Design, family: Family, Q: np.ndarray, coefficients, step, value: float):
    """The largest part of a step that does not lower the likelihood, and −log likelihood there."""

    def value_at(size: float) -> float:
        eta = (
            Q @ (coefficients + size * step) + design.offset
        )  # not by steps of η: one near 0 would be rounding
        return -likelihood(family, design.y, eta, design.weights)

    return halved(value_at, value, MAX_HALVINGS)


def halved(value_at: Callable[[float], float], value: float, most: int) -> tuple[float, float]:
    """The largest of 1, ½, ¼, … at which a value does not rise beyond rounding, and the value there; 0 if it always does."""
    size = 1.0
    for _ in range(most):
        new = value_at(size)
        if new <= value + 1e-10 * (1.0 + abs(value)):
            return size, new
        size *= 0.5
    return 0.0, value


def _estimates(design: Design, solution: Solution, messages: tuple[str, ...]) -> Estimates:
    family, y, weights = design.spec.family, design.y, design.weights
    mu = family.mean(solution.eta)
    factor = dispersions(design, mu)[0] if family.has_sigma else 1.0
    loglik = family.loglik(y, mu, weights, solution.dispersion, design.trials)
    return Estimates(
        beta=solution.beta,
        vcov=factor * solution.inverse_information,
        theta=np.zeros(0),
        sigma=float(np.sqrt(factor)),
        dispersion=None if family.has_sigma else solution.dispersion,
        modes=(),
        criterion=-2 * loglik,
        loglik=loglik,
        reml=False,
        linear_predictor=solution.eta,
        fitted=mu,
        converged=solution.converged,
        messages=messages,
        evaluations=solution.steps,
        gradient=-2 * solution.gradient,
    )


def dispersions(design: Design, mu: np.ndarray) -> tuple[float, float]:
    """φ for standard errors, Pearson's χ²/(n − p), and deviance/n, at which the likelihood is taken."""
    family, (n, p) = design.spec.family, design.X.shape
    pearson = np.sum(family.pearson_residuals(design.y, mu, design.weights) ** 2)
    size = np.sum(design.weights) if family.distribution.weights_repeat else n
    likely = np.sum(family.deviance(design.y, mu, design.weights)) / size
    return float(pearson / max(n - p, 1)), float(max(likely, np.finfo(float).tiny))


def _separated_estimates(design: Design, separation: Separation) -> Estimates:
    """The finite estimates from the rows that still hold information, and the infinite ones."""
    rest = separation.undecided(design)
    whole = in_full(design, separation, _estimates(rest, iterate(rest), ()))
    return replace(
        whole, messages=(f"{separation.message}; a multilevel model would give finite estimates.",)
    )


def in_full(design: Design, separation: Separation, rest: Estimates) -> Estimates:
    """Estimates of the whole design from those of the rows that are not separated."""
    finite = np.flatnonzero(separation.limits == 0)
    beta, vcov = separation.limits.copy(), np.full((len(separation.limits),) * 2, np.nan)
    beta[finite] = rest.beta[: len(finite)]
    vcov[np.ix_(finite, finite)] = rest.vcov[: len(finite), : len(finite)]
    eta = separation.far.copy()
    eta[~separation.rows] = rest.linear_predictor
    return replace(
        rest,
        beta=beta,
        vcov=vcov,
        linear_predictor=eta,
        fitted=np.where(separation.rows, (eta > 0).astype(float), design.spec.family.mean(eta)),
        messages=(f"{separation.message}; {INSTEAD}.", *rest.messages),
        gradient=None,
    )
