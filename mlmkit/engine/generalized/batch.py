"""Many responses on one design: generalized models with one varying coefficient, fitted side by side.

The equations are those of `laplace` and `quadrature` for one coefficient, where H and everything solved with it
are numbers, one for each group; every array has a last axis of responses. A response may also have weights of its
own, such as zeros for the rows of a group that is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from ...design import Design
from ...families import Family
from ..estimates import Estimates
from ..linear.batch import MOST_NUMBERS, ManyEstimates
from ..random.blocks import membership
from ..search.hills import may_have_hills
from ..search.many import begin_many, minimise_many
from ..search.singular import RANK_TOLERANCE
from .again import before, is_extreme
from .criterion import End, GlmmCriterion
from .pirls import DECREMENT, SMALL

#: Newton's steps to the modes, and halvings of one of them.
MOST_STEPS, MOST_HALVINGS = 60, 30
#: An SD below this becomes none where the criterion does not mind.
TRACE = 10 * RANK_TOLERANCE


@dataclass(frozen=True, eq=False)
class Observed:
    """B responses: y and weights (n, B) or (n, 1), and the constants of their log likelihoods, (B,)."""

    y: np.ndarray
    weights: np.ndarray
    constant: np.ndarray

    def take(self, which: np.ndarray) -> Observed:
        y, weights = (one if one.shape[1] == 1 else one[:, which] for one in (self.y, self.weights))
        return Observed(y, weights, self.constant[which])


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes of the group effects (J, B), the rows (n, B) and the curvature (J, B) there, and which were found."""

    u: np.ndarray
    z: np.ndarray
    eta: np.ndarray
    mu: np.ndarray
    score: np.ndarray
    information: np.ndarray
    H: np.ndarray
    ok: np.ndarray


@dataclass(frozen=True, eq=False)
class ScalarBatch:
    """One design with one varying coefficient, for any number of responses like the one it was fitted to."""

    before: End

    @property
    def criterion(self) -> GlmmCriterion:
        return self.before.criterion

    @property
    def modes(self) -> np.ndarray:
        """The spherical group effects of the fit, (J,)."""
        return self.before.modes[0][0]

    @property
    def family(self) -> Family:
        return self.criterion.response.family

    @property
    def together(self) -> int:
        """Responses that are worked on at once."""
        nodes = 1 if self.criterion.rule is None else len(self.criterion.rule.log_weights)
        rows = len(self.criterion.design.y)
        return max(4, min(2000, MOST_NUMBERS // max(rows, nodes * len(self.modes))))

    def observed(self, Y: np.ndarray, weights: np.ndarray | None = None) -> Observed:
        """Responses (n, B), or (n, 1) with weights (n, B) of their own."""
        design = self.criterion.design
        own = design.weights[:, None] if weights is None else weights
        rows = self.family.distribution.constants(Y, own, design.trials[:, None], self.family.at_dispersion)
        B = max(Y.shape[1], own.shape[1])
        return Observed(Y, own, np.broadcast_to(np.sum(rows, axis=0), (B,)))

    def fit(self, Y: np.ndarray) -> ManyEstimates:
        """Fit the model to each column of Y, (n, B); one that needs its own search is marked as not converged."""
        return self.fit_observed(self.observed(Y))

    def fit_observed(self, observed: Observed) -> ManyEstimates:
        """`fit`, of responses with weights."""
        B = len(observed.constant)
        latest = np.repeat(self.modes[:, None], B, axis=1)
        objective = self._objective(observed, latest)
        start = np.repeat(self.before.x[:, None], B, axis=1)
        many = begin_many(objective, start, self.before.search.metric)
        return self._estimates(many, minimise_many(many, _canonical))

    # -- the criterion ---------------------------------------------------------------------------------
    def _objective(self, observed: Observed, latest: np.ndarray) -> Callable:
        """Value and gradient at some positions; `latest` has the modes found last, where the next begin."""

        def value_and_gradient(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            own = observed.take(rows)
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                modes = self._find_modes(x, own, latest[:, rows])
                latest[:, rows[modes.ok]] = modes.u[:, modes.ok]
                places = self._laplace if self.criterion.rule is None else self._quadrature
                loglik, *sums = places(own, modes)
                value = np.sum(np.log(modes.H), axis=0) - 2.0 * (loglik + own.constant)
                gradient = self._gradient(own, modes, *sums)
            return np.where(modes.ok, value, np.inf), gradient

        return value_and_gradient

    def _sums(self, rows: np.ndarray) -> np.ndarray:
        """Sums within groups: (n, B) → (J, B)."""
        return self._member @ rows

    @property
    def _codes(self) -> np.ndarray:
        return self.criterion.part.terms[0].codes

    @cached_property
    def _member(self) -> csr_matrix:
        term = self.criterion.part.terms[0]
        return membership(term.codes, term.n_groups)

    def _find_modes(self, x: np.ndarray, observed: Observed, u: np.ndarray) -> Modes:
        """Newton's method for every group of every response, with halved steps where a whole one goes uphill."""
        family, y, weights, codes = self.family, observed.y, observed.weights, self._codes
        z = self.criterion.part.terms[0].Z[0][:, None] * x[0]
        population = self.criterion.response.population[:, None] + self.criterion.basis @ x[1:]
        eta = population + z * u[codes]
        for _ in range(MOST_STEPS):
            mu, score, fisher = family.working(y, eta, weights)
            curvature = fisher
            if not family.canonical:
                observed_information = family.observed_information(y, eta, mu, weights)
                curvature = np.maximum(observed_information, 0.1 * fisher)
            downhill = self._sums(z * score) - u
            step = downhill / (1.0 + self._sums(curvature * z**2))
            decrement = np.sum(downhill * step, axis=0)
            if not np.any(decrement >= DECREMENT):
                break
            step[:, decrement < DECREMENT] = 0.0
            if np.any(decrement >= SMALL) or not family.keeps_range:
                step *= self._sizes(observed, eta, z, u, step)
            u = u + step
            eta = population + z * u[codes]
        information = family.information(y, eta, mu, weights)
        H = 1.0 + self._sums(information * z**2)
        return Modes(u, z, eta, mu, score, information, H, decrement < DECREMENT)

    def _sizes(self, observed: Observed, eta, z, u, step) -> np.ndarray:
        """For each group the largest of 1, ½, ¼, … that does not raise its penalised deviance."""
        family, codes = self.family, self._codes

        def penalised(eta: np.ndarray, u: np.ndarray) -> np.ndarray:
            mu = family.mean(eta)
            rows = np.where(family.inside(mu), family.kernels(observed.y, mu), -np.inf)
            rows = np.where(observed.weights > 0, observed.weights * rows, 0.0)
            return u**2 - 2.0 * self._sums(rows)

        before, size = penalised(eta, u), np.ones_like(step)
        for _ in range(MOST_HALVINGS):
            moved = size * step
            uphill = ~(
                penalised(eta + z * moved[codes], u + moved) <= before + 1e-10 * (1.0 + np.abs(before))
            )
            if not uphill.any():
                break
            size[uphill] *= 0.5
        return size

    def _laplace(self, observed: Observed, at: Modes) -> tuple:
        """The penalised log likelihood at the modes (B,), and the sums that `_gradient` takes."""
        rows = observed.weights * self.family.kernels(observed.y, at.mu)
        loglik = np.sum(rows, axis=0) - 0.5 * np.sum(at.u**2, axis=0)
        return loglik, 1.0 / at.H, at.score, at.score * at.u[self._codes], 0.0

    def _quadrature(self, observed: Observed, at: Modes) -> tuple:
        """The same by adaptive Gauss–Hermite quadrature, over the nodes."""
        family, y, weights = self.family, observed.y, observed.weights
        codes, rule, H = self._codes, self.criterion.rule, at.H
        nodes = [at.u + zeta / np.sqrt(H) for zeta in rule.nodes[0]]
        etas = [at.eta + at.z * (u - at.u)[codes] for u in nodes]
        terms = np.array(
            [
                log_weight + self._sums(weights * family.kernels(y, family.mean(eta))) - 0.5 * u**2
                for log_weight, u, eta in zip(rule.log_weights, nodes, etas, strict=True)
            ]
        )
        highest = terms.max(axis=0)
        total = highest + np.log(np.exp(terms - highest).sum(axis=0))
        score, by_effect = np.zeros_like(at.eta), np.zeros_like(at.eta)
        pull, moved = np.zeros_like(H), np.zeros_like(H)
        for zeta, u, eta, share in zip(rule.nodes[0], nodes, etas, np.exp(terms - total), strict=True):
            own = family.working(y, eta, weights).score
            slope = share * (u - self._sums(at.z * own))
            pull, moved = pull + slope, moved + zeta * slope
            own = own * share[codes]
            score, by_effect = score + own, by_effect + own * u[codes]
        spread = (1.0 - moved / np.sqrt(H)) / H
        return np.sum(total, axis=0), spread, score, by_effect, pull

    def _gradient(self, observed: Observed, at: Modes, spread, score, by_effect, pull):
        """`laplace.from_sums` for one coefficient: with what log|H| changes, `spread` (J, B), per unit of z̃²."""
        family, y, weights, codes = self.family, observed.y, observed.weights, self._codes
        g = at.z * spread[codes]
        t = g * at.z * family.information_slope(y, at.eta, at.mu, weights)
        seen = at.information if family.canonical else family.observed_information(y, at.eta, at.mu, weights)
        q = (2.0 * pull + self._sums(t * at.z)) / (1.0 + self._sums(seen * at.z**2))
        r = t - seen * at.z * q[codes]
        rows = r * at.u[codes] + at.score * q[codes] + 2.0 * at.information * g - 2.0 * by_effect
        by_sd = self.criterion.part.terms[0].Z[0] @ rows
        return np.concatenate([by_sd[None], self.criterion.basis.T @ (r - 2.0 * score)])

    # -- what follows ----------------------------------------------------------------------------------
    def _estimates(self, many, converged: np.ndarray) -> ManyEstimates:
        criterion, x = self.criterion, many.x
        R = criterion.part.terms[0].R[0, 0]
        beta = (criterion.b0[:, None] + criterion.T @ x[1:]).T
        H = np.moveaxis(many.hessian, -1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            across = np.where(H[:, 0, 0] == 0.0, 0.0, 1.0 / H[:, 0, 0])
        information = H[:, 1:, 1:] - across[:, None, None] * H[:, 1:, :1] * H[:, :1, 1:]
        converged = converged & np.all(np.isfinite(information), axis=(1, 2))
        information[~converged] = np.eye(len(x) - 1)
        converged &= np.linalg.eigvalsh(information).min(axis=1, initial=1.0) > 1e-8
        information[~converged] = np.eye(len(x) - 1)
        vcov = criterion.T @ np.linalg.solve(
            information / 2.0, np.broadcast_to(criterion.T.T, information.shape)
        )
        theta = np.abs(x[0]) / R
        converged &= ~is_extreme(criterion, x.T)
        ones = np.ones(len(theta))
        singular = np.abs(x[0]) < RANK_TOLERANCE
        return ManyEstimates(beta, vcov, theta[:, None], ones, many.value, converged, singular)

    def whole(self, y: np.ndarray, many: ManyEstimates, k: int) -> Estimates:
        """All the estimates of one response (n,), which was the k-th of many: the group effects and fitted values too."""
        beta, theta = many.beta[k], many.theta[k]
        state = self.criterion.with_response(y).solve(theta, beta, start=self.before.modes)
        return Estimates(
            beta=beta,
            vcov=many.vcov[k],
            theta=theta,
            sigma=1.0,
            modes=tuple((theta * u).T for u in state.modes.u),
            criterion=state.value,
            loglik=-0.5 * state.value,
            reml=False,
            linear_predictor=state.modes.eta,
            fitted=state.modes.mu,
            converged=bool(many.converged[k]),
            n_agq=1 if self.criterion.rule is None else self.criterion.rule.n,
        )


def _canonical(x: np.ndarray) -> np.ndarray:
    """SDs that are not negative, and none where there is hardly any."""
    sd = np.abs(x[:1])
    return np.concatenate([np.where(sd < TRACE, 0.0, sd), x[1:]])


def scalar_batch(design: Design, estimates: Estimates) -> ScalarBatch | None:
    """Prepare for responses like the one a design was fitted to; None where they have to be fitted one by one.

    That is a model with more than one varying coefficient or with a dispersion, one with infinite coefficients, and
    one whose likelihood may have more than one maximum.
    """
    family = design.spec.family
    if sum(block.Z.shape[1] for block in design.blocks) != 1 or family.has_dispersion:
        return None
    known = before(design, estimates)
    if known is None or may_have_hills(design, known.criterion.information):
        return None
    return ScalarBatch(known)
