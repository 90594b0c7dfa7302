"""The log posterior and its gradient, for any formula: the landscape that the sampler walks.

Gaussian models have their group effects integrated out, so that only b, τ, the correlations and σ are left
(six numbers for sleepstudy's two varying coefficients): y ~ N(Xb, ZΩZᵀ + σ²I), whose density comes from the
same elimination as the estimates of `lmer`. The other families keep the group effects among the sampled numbers, in
the coordinates in which the data make them least dependent (Papaspiliopoulos, Roberts & Sköld 2007, Statist. Sci.
22(1)): scores u ~ N(0, 1) with ζ = L u, and in the place of γ its sum with what Zζ shares with X, which the data
know better than either; or, for a block that the data know well, ζ + A γ, the groups' own coefficients.
Both are densities of the unbounded numbers described in `parameters`; priors are up to a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..design import Design
from ..engine.linear.equations import Equations, SolvedEquations, mixed_model_equations
from ..engine.random.blocks import group_products, sum_by_group
from ..engine.standardise import Standardised, standardise
from ..errors import MlmkitError
from ..families import Family
from .parameters import Parameters
from .priors import Priors


@dataclass(frozen=True, eq=False)
class State:
    """A Gaussian model at one point, in the engine's standardised units.

    Attributes
    ----------
    factors
        The terms' relative factors RL/σ.
    equations
        The mixed-model equations solved there, for each column of [X y].
    residual : (p + 1,) array
        (−γ, 1): what makes a residual of Xγ and y.
    pull : (p,) array
        −½ the derivatives of the distance by γ.
    distance : float
        rᵀV⁻¹r of the residual r = y − Xb, where σ²V is the covariance of y.
    """

    factors: list[np.ndarray]
    equations: SolvedEquations
    residual: np.ndarray
    pull: np.ndarray
    distance: float


@dataclass(frozen=True, eq=False)
class GaussianDensity:
    """The log posterior of a Gaussian model, its group effects integrated out.

    Attributes
    ----------
    parameters
        How the unbounded numbers q are laid out.
    data, equations
        The engine's standardised data and their cross-products, summed once.
    """

    parameters: Parameters
    data: Standardised
    equations: Equations

    def value_and_gradient(self, q: np.ndarray) -> tuple[float, np.ndarray]:
        """The log posterior at q, up to the priors' constants, and its derivatives."""
        gradient = np.zeros_like(q)
        value, unpacked = _add_priors(self.parameters, q, gradient)
        return value + self._add_likelihood(q, unpacked, gradient), gradient

    def _add_likelihood(self, q, unpacked, gradient: np.ndarray) -> float:
        """log N(y; Xb, ZΩZᵀ + σ²W⁻¹), all its constants included."""
        parameters, data, p = self.parameters, self.data, self.parameters.p
        sigma, log_sigma = float(parameters.own_values(q)[0]), parameters.own.start
        state = self.state(q[:p], [sd[:, None] * C for sd, C in unpacked], sigma)
        precision = (data.scale / sigma) ** 2
        gradient[:p] += precision * state.pull
        gradient[log_sigma] += precision * state.distance - data.n
        by_factor = state.equations.gradients(precision * np.outer(state.residual, state.residual))
        terms = zip(parameters.covariances, unpacked, data.terms, state.factors, by_factor, strict=True)
        for covariance, (sd, C), term, F, G in terms:
            gradient[log_sigma] += 0.5 * (G * F).sum()
            covariance.pull_back(q, sd, C, -0.5 * term.R.T @ G / sigma, gradient)
        constants = data.n * np.log(2 * np.pi * sigma**2) - data.log_weights
        return -0.5 * (constants + state.equations.log_determinant + precision * state.distance)

    def state(self, gamma: np.ndarray, factors: list[np.ndarray], sigma: float) -> State:
        """The model at given γ, covariance factors L and σ."""
        relative = [term.R @ L / sigma for term, L in zip(self.data.terms, factors, strict=True)]
        equations, residual = self.equations.at(relative), np.append(-gamma, 1.0)
        by_residual = equations.between @ residual
        return State(relative, equations, residual, by_residual[:-1], float(residual @ by_residual))

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Somewhere reasonable: least squares for b, and SDs within a factor of e of half y's spread."""
        q = rng.normal(size=self.parameters.size) * 0.5
        for covariance, term in zip(self.parameters.covariances, self.data.terms, strict=True):
            width = np.sqrt((term.R**2).sum(axis=0))
            q[covariance.log_sd] = np.log(0.5 * self.data.scale / width) + rng.uniform(-1, 1, covariance.size)
        q[self.parameters.own] = np.log(0.7 * self.data.scale) + rng.uniform(-0.5, 0.5)
        return q


def _add_priors(parameters: Parameters, q: np.ndarray, gradient: np.ndarray):
    """The log prior of all but the scores, and each term's τ and C; derivatives are added to `gradient`."""
    value = parameters.add_fixed_prior(q, gradient) + parameters.add_own_prior(q, gradient)
    unpacked = [covariance.unpack(q) for covariance in parameters.covariances]
    for covariance, (sd, _) in zip(parameters.covariances, unpacked, strict=True):
        value += covariance.add_prior(q, sd, gradient)
    return value, unpacked


class Overlap(NamedTuple):
    """What the regressors Z of a block have in common with the basis Q of X, both (J, s, p).

    Attributes
    ----------
    share
        What each group effect adds to the projection of Zζ on Q.
    own
        A: what Xγ is to each group, as coefficients of its Z: the least-squares ones.
    """

    share: np.ndarray
    own: np.ndarray


@dataclass(frozen=True, eq=False)
class JointDensity:
    """The log posterior of a model that is not Gaussian, over its group effects too.

    Attributes
    ----------
    parameters
        How the unbounded numbers q are laid out.
    Q : (p, n) array
        An orthogonal basis of X of unit mean square: Xb = offset + γQ.
    Z : tuple of (s, n) arrays
        Each block's regressors.
    overlaps : tuple of `Overlap`
        What each block and X have in common.
    centred : int or None
        The block that is centred.
    units : (s,) array or None
        What its numbers are in.
    """

    parameters: Parameters
    Q: np.ndarray
    Z: tuple[np.ndarray, ...]
    overlaps: tuple[Overlap, ...]
    centred: int | None = None
    units: np.ndarray | None = None

    def value_and_gradient(self, q: np.ndarray) -> tuple[float, np.ndarray]:
        """The log posterior at q, up to constants, and its derivatives."""
        parameters, design = self.parameters, self.parameters.design
        unpacked = [covariance.unpack(q) for covariance in parameters.covariances]
        factors = [sd[:, None] * C for sd, C in unpacked]
        effects = self.effects(q, factors)
        at = self.population(q, effects)
        gradient = np.zeros_like(q)
        value, _ = _add_priors(parameters, at, gradient)
        eta = design.offset + at[: parameters.p] @ self.Q
        for block, Z, effect in zip(design.blocks, self.Z, effects, strict=True):
            eta = eta + np.einsum("sn,sn->n", Z, effect.T[:, block.codes])
        own = parameters.own_values(q)
        family = design.spec.family.at(design.spec.family.distribution.from_own(*own))
        mu, by_eta, _ = family.working(design.y, eta, design.weights)
        gradient[: parameters.p] += self.Q @ by_eta
        by_population = gradient[: parameters.p].copy()
        for k, (block, Z) in enumerate(zip(design.blocks, self.Z, strict=True)):
            by_effect = sum_by_group(Z * by_eta, block.codes, len(block.levels)).T
            add = self._add_centred if k == self.centred else self._add_scores
            value += add(k, q, effects[k], unpacked[k], by_effect, by_population, gradient)
        return value + self._add_own(family, mu, own, gradient), gradient

    def _add_scores(self, k, q, effects, unpacked, by_effect, by_population, gradient) -> float:
        """The log prior of a block's scores; derivatives by them and by L, through ζ and γ too, are added."""
        (sd, C), place = unpacked, self.parameters.scores[k]
        u = q[place].reshape(effects.shape)
        by_effect = by_effect - self.overlaps[k].share @ by_population
        gradient[place] = (by_effect @ (sd[:, None] * C) - u).ravel()
        self.parameters.covariances[k].pull_back(q, sd, C, by_effect.T @ u, gradient)
        return -0.5 * float((u**2).sum())

    def _add_centred(self, k, q, effects, unpacked, by_effect, _, gradient) -> float:
        """The log prior of a block's effects ζ given L; derivatives by ζ + A γ, γ and L are added."""
        sd, C = unpacked
        L, J = sd[:, None] * C, len(effects)
        inverse = np.linalg.inv(L)
        u = inverse @ effects.T
        by_effect = by_effect - u.T @ inverse
        gradient[self.parameters.scores[k]] = (by_effect * self.units).ravel()
        gradient[: self.parameters.p] -= np.einsum("jsp,js->p", self.overlaps[k].own, by_effect)
        by_factor = inverse.T @ (u @ u.T) - np.diag(J / np.diag(L))
        self.parameters.covariances[k].pull_back(q, sd, C, by_factor, gradient)
        return -0.5 * float((u**2).sum()) - J * float(np.log(np.diag(L)).sum())

    def effects(self, q: np.ndarray, factors: Sequence[np.ndarray]) -> list[np.ndarray]:
        """ζ of each block, (…, J, s), at one q or many, (…, size), with their factors L."""
        parts = []
        for k, (place, L) in enumerate(zip(self.parameters.scores, factors, strict=True)):
            numbers = q[..., place].reshape(*q.shape[:-1], -1, L.shape[-1])
            if k == self.centred:
                along = np.einsum("jsp,...p->...js", self.overlaps[k].own, q[..., : self.parameters.p])
                parts.append(numbers * self.units - along)
            else:
                parts.append(numbers @ L.swapaxes(-1, -2))
        return parts

    def population(self, q: np.ndarray, effects: Sequence[np.ndarray]) -> np.ndarray:
        """q with γ itself in the place of γ + what the scores' Zζ share with X; at one q or many."""
        return self._shifted(q, effects, -1.0)

    def _shifted(self, q: np.ndarray, effects: Sequence[np.ndarray], sign: float) -> np.ndarray:
        at = q.copy()
        for k, (overlap, effect) in enumerate(zip(self.overlaps, effects, strict=True)):
            if k != self.centred:
                at[..., : self.parameters.p] += sign * np.einsum("jsp,...js->...p", overlap.share, effect)
        return at

    def numbers(self, at: np.ndarray, effects: Sequence[np.ndarray]) -> np.ndarray:
        """The inverse: q, from q with γ in its place and the group effects of the centred block."""
        q = self._shifted(at, effects, 1.0)
        if self.centred is not None:
            along = self.overlaps[self.centred].own @ q[: self.parameters.p]
            q[self.parameters.scores[self.centred]] = ((effects[self.centred] + along) / self.units).ravel()
        return q

    def _add_own(self, family: Family, mu: np.ndarray, own: np.ndarray, gradient: np.ndarray) -> float:
        """The log likelihood; its derivatives by the distribution's own parameters are added to `gradient`."""
        y, weights, trials = (getattr(self.parameters.design, name) for name in ("y", "weights", "trials"))
        if not (family.keeps_range or family.valid(mu)):
            return -np.inf
        if not len(own):
            return family.kernel(y, mu, weights)
        distribution = family.distribution
        least = [one.lower for one in distribution.own]
        gradient[self.parameters.own] += (own - least) * distribution.by_own(y, mu, weights, trials, own)
        return family.kernel(y, mu, weights) + family.constant(y, weights, trials)

    def information(self) -> float:
        """Roughly what the data say about each γ, as 1 / SD²: the expected information near the data's own means."""
        design, family = self.parameters.design, self.parameters.design.spec.family
        own = family.distribution.own_start(design.y)
        family = family.at(family.distribution.from_own(*own))
        fisher = family.working(design.y, family.start(design.y, design.weights), design.weights).fisher
        total = float(fisher.sum())
        return total if 0 < total < np.inf else float(len(design.y))

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Somewhere reasonable: b near the data without groups, SDs near half of what is left, group effects near 0.

        Where a link does not keep means in their range, nearer to the data's own mean, until all are in it.
        """
        parameters, design = self.parameters, self.parameters.design
        family = design.spec.family
        eta = family.start(design.y, design.weights) - design.offset
        centre = np.zeros(parameters.size)
        centre[: parameters.p] = self.Q @ eta / len(eta)
        left = float(np.std(eta - centre[: parameters.p] @ self.Q)) or 1.0
        q = rng.normal(size=parameters.size) * 0.1
        q[: parameters.p] *= left
        for covariance, Z in zip(parameters.covariances, self.Z, strict=True):
            width = np.sqrt((Z**2).mean(axis=1))
            sd = 0.5 * left / np.where(width > 0, width, 1)
            q[covariance.log_sd] = np.log(sd) + rng.uniform(-1, 1, len(Z))
        own = family.distribution.own_start(design.y)
        q[parameters.own] += [np.log(a - b.lower) for a, b in zip(own, family.distribution.own, strict=True)]
        return self._within_range(q, centre)

    def _within_range(self, q: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """q with its coefficients and scores about a centre, so near to it that the density is not 0."""
        family = self.parameters.design.spec.family
        near = np.r_[: self.parameters.p, self.parameters.n_population : self.parameters.size]
        for share in 0.5 ** np.arange(30):
            start = q.copy()
            start[near] = centre[near] + share * q[near]
            if np.isfinite(self.value_and_gradient(start)[0]):
                return start
        raise MlmkitError(
            f"The sampler finds no coefficients to start from: with the {family.link} link some means of the "
            f"{family.name} family leave its range. Try a link that keeps them in it, such as "
            f'family="{family.name}(log)".'
        )


def log_posterior(design: Design, priors: Priors) -> GaussianDensity | JointDensity:
    """The log posterior of a design: marginal over the group effects where it is Gaussian."""
    if design.spec.family.is_linear:
        return _gaussian(design, priors)
    root_n = np.sqrt(len(design.y))
    Q, R = np.linalg.qr(design.X)
    M = np.linalg.inv(R) * root_n
    parameters = Parameters(design, priors, M, np.zeros(len(M)), sampled_effects=True)
    Z = tuple(np.ascontiguousarray(block.Z.T) for block in design.blocks)
    Q = np.ascontiguousarray(Q.T) * root_n
    overlaps = tuple(
        _overlap(Q, z, block.codes, len(block.levels)) for block, z in zip(design.blocks, Z, strict=True)
    )
    return JointDensity(parameters, Q, Z, overlaps)


def _overlap(Q: np.ndarray, Z: np.ndarray, codes: np.ndarray, J: int) -> Overlap:
    between = np.moveaxis(group_products(list(Z), list(Q), codes, J), -1, 0)
    within = np.moveaxis(group_products(list(Z), list(Z), codes, J), -1, 0)
    return Overlap(between / Q.shape[1], np.linalg.pinv(within, hermitian=True) @ between)


#: A block is sampled centred if the data know all its effects to less than this share of their variance.
WELL_KNOWN = 0.33


def centred_where_known(density: JointDensity, q: np.ndarray) -> tuple[JointDensity, np.ndarray]:
    """The density with the block centred that the draws q, (draws, size), know best; the draws, in its terms.

    Scores u are nearly independent of τ where a group has few rows. Where it has many, the data fix τ u, and u goes
    against τ and all the u against b: then the group's own coefficients are better sampled.
    """
    unpacked = [[part.unpack(row) for row in q] for part in density.parameters.covariances]
    factors = [np.array([sd[:, None] * C for sd, C in rows]) for rows in unpacked]
    effects = density.effects(q, factors)
    variances = [(L**2).sum(axis=-1).mean(axis=0) for L in factors]
    open_shares = [
        (effect.var(axis=0).mean(axis=0) / variance).max()
        for effect, variance in zip(effects, variances, strict=True)
    ]
    best = int(np.argmin(open_shares))
    if not open_shares[best] < WELL_KNOWN:
        return density, q
    chosen = replace(density, centred=best, units=np.sqrt(variances[best]))
    draws = zip(density.population(q, effects), *effects, strict=True)
    return chosen, np.array([chosen.numbers(at, own) for at, *own in draws])


def _gaussian(design: Design, priors: Priors) -> GaussianDensity:
    data = standardise(design)
    M = np.linalg.inv(data.R) * data.scale
    shift = np.linalg.solve(data.R, data.coefficients)
    parameters = Parameters(design, priors, M, shift, sampled_effects=False)
    equations = mixed_model_equations(data, [block.group for block in design.blocks])
    return GaussianDensity(parameters, data, equations)
