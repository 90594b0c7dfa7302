"""The log posterior and its gradient, for any formula: the landscape that the sampler walks.

Gaussian models have their group effects integrated out, so that only b, τ, the correlations and σ are left
(six numbers for sleepstudy's two varying coefficients): y ~ N(Xb, ZΩZᵀ + σ²I), whose density comes from the
same elimination as the estimates of `lmer`. The other families keep the group effects among the sampled
numbers, non-centred: ζ = L u with u ~ N(0, 1) (Papaspiliopoulos, Roberts & Sköld 2007, Statist. Sci. 22(1)); and
beside them not γ, but γ plus the part of Zζ that X could say as well. The data tell that sum well, and γ alone less
well than the two differ, so that γ and the mean of many well-known group effects would go hand in hand.
Both are densities of the unbounded numbers described in `parameters`; priors are up to a constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..design import Design
from ..engine.linear.equations import Equations, SolvedEquations, mixed_model_equations
from ..engine.random.blocks import sum_by_group
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
        by_factor = state.equations.gradients(
            state.factors, precision * np.outer(state.residual, state.residual)
        )
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
    shared : tuple of (p, J, s) arrays
        What each group effect adds to the projection of Zζ on Q.
    """

    parameters: Parameters
    Q: np.ndarray
    Z: tuple[np.ndarray, ...]
    shared: tuple[np.ndarray, ...]

    def value_and_gradient(self, q: np.ndarray) -> tuple[float, np.ndarray]:
        """The log posterior at q, up to constants, and its derivatives."""
        parameters, design = self.parameters, self.parameters.design
        unpacked = [covariance.unpack(q) for covariance in parameters.covariances]
        factors = [sd[:, None] * C for sd, C in unpacked]
        scores = [q[place].reshape(-1, len(Z)) for place, Z in zip(parameters.scores, self.Z, strict=True)]
        effects = [u @ L.T for u, L in zip(scores, factors, strict=True)]
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
        for k, (block, Z, u) in enumerate(zip(design.blocks, self.Z, scores, strict=True)):
            by_effect = sum_by_group(Z * by_eta, block.codes, len(block.levels))
            by_effect = by_effect - np.tensordot(self.shared[k], gradient[: parameters.p], (0, 0)).T
            gradient[parameters.scores[k]] = (by_effect.T @ factors[k] - u).ravel()
            sd, C = unpacked[k]
            parameters.covariances[k].pull_back(q, sd, C, by_effect @ u, gradient)
            value -= 0.5 * float(u.ravel() @ u.ravel())
        return value + self._add_own(family, mu, own, gradient), gradient

    def population(self, q: np.ndarray, effects: list[np.ndarray]) -> np.ndarray:
        """q with γ in the place of its sum with what Zζ shares with X; q, (…, size), may be many points."""
        at = q.copy()
        for shared, effect in zip(self.shared, effects, strict=True):
            at[..., : self.parameters.p] -= np.einsum("pjs,...js->...p", shared, effect)
        return at

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

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Somewhere reasonable: b near the data without groups, SDs near 0.6, group effects near 0.

        Where a link does not keep means in their range, nearer to the data's own mean, until all are in it.
        """
        parameters, design = self.parameters, self.parameters.design
        family = design.spec.family
        eta = family.start(design.y, design.weights) - design.offset
        q = rng.normal(size=parameters.size) * 0.1
        for covariance, Z in zip(parameters.covariances, self.Z, strict=True):
            width = np.sqrt((Z**2).mean(axis=1))
            q[covariance.log_sd] = np.log(0.6 / np.where(width > 0, width, 1)) + rng.uniform(-1, 1, len(Z))
        own = family.distribution.own_start(design.y)
        q[parameters.own] += [np.log(a - b.lower) for a, b in zip(own, family.distribution.own, strict=True)]
        centre = np.zeros_like(q)
        centre[: parameters.p] = self.Q @ eta / len(eta)
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
    shared = tuple(
        np.array([sum_by_group(z * q, block.codes, len(block.levels)) for q in Q]).swapaxes(1, 2)
        / len(design.y)
        for block, z in zip(design.blocks, Z, strict=True)
    )
    return JointDensity(parameters, Q, Z, shared)


def _gaussian(design: Design, priors: Priors) -> GaussianDensity:
    data = standardise(design)
    M = np.linalg.inv(data.R) * data.scale
    shift = np.linalg.solve(data.R, data.coefficients)
    parameters = Parameters(design, priors, M, shift, sampled_effects=False)
    equations = mixed_model_equations(data, [block.group for block in design.blocks])
    return GaussianDensity(parameters, data, equations)
