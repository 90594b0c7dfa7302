"""The parameters a sampler moves through: unbounded numbers q, and what they stand for.

q lists, in this order,

    γ       the population coefficients in an orthonormal basis of X: b = shift + M γ, whose Jacobian is
            constant;
    log τ   for each random-effects term the log SDs; Jacobian τ, so log τ is added to the log density;
    cor     for each term the numbers of `correlation`, which brings its own Jacobian;
    log σ   the logs of the distribution's own parameters above their least values, such as the residual SD's;
            Jacobian σ;
    u       where the group effects are sampled too, their standard normal scores: ζ = u Lᵀ with
            L = diag(τ) C, and no Jacobian, since u itself has the prior N(0, 1); or, for a block that the
            data know well, the groups' own coefficients. `JointDensity` says what γ is shifted by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..design import Design
from .correlation import (
    correlation_factor,
    correlation_length,
    factor_gradient,
    lkj_exponents,
    lkj_log_density,
)
from .priors import Prior, Priors


@dataclass(frozen=True, eq=False)
class Covariance:
    """One random-effects term's part of q: its log SDs and its correlations' numbers.

    Attributes
    ----------
    log_sd, cor : slice
        Their places in q.
    sd_priors
        One for each SD.
    exponents
        The correlations' LKJ exponents.
    """

    log_sd: slice
    cor: slice
    sd_priors: tuple[Prior, ...]
    exponents: np.ndarray

    @property
    def size(self) -> int:
        return len(self.sd_priors)

    def unpack(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The SDs τ, (s,), and the Cholesky factor of the correlation matrix, (s, s): L = diag(τ) C."""
        return np.exp(q[self.log_sd]), correlation_factor(q[self.cor], self.size)

    def add_prior(self, q: np.ndarray, sd: np.ndarray, gradient: np.ndarray) -> float:
        """The log prior of this part of q, Jacobians included; its derivatives are added to `gradient`."""
        log_sd = q[self.log_sd]
        value = float(log_sd.sum())
        gradient[self.log_sd] += 1.0
        for k, prior in enumerate(self.sd_priors):
            log_density, slope = prior.log_density_and_slope(sd[k])
            value += log_density
            gradient[self.log_sd.start + k] += slope * sd[k]
        if self.size > 1:
            log_density, slopes = lkj_log_density(q[self.cor], self.exponents)
            value += log_density
            gradient[self.cor] += slopes
        return value

    def pull_back(self, q, sd, C, by_factor: np.ndarray, gradient: np.ndarray) -> None:
        """Add to `gradient` the derivatives of a function whose derivatives by L are `by_factor`."""
        gradient[self.log_sd] += sd * (by_factor * C).sum(axis=1)
        if self.size > 1:
            gradient[self.cor] += factor_gradient(q[self.cor], sd[:, None] * by_factor)


@dataclass(frozen=True, eq=False)
class Parameters:
    """How q is laid out for a design, and the priors on it.

    Attributes
    ----------
    design, priors
    M, shift : (p, p) and (p,) arrays
        b = shift + M γ.
    sampled_effects
        Whether q ends with the group effects' scores.
    """

    design: Design
    priors: Priors
    M: np.ndarray
    shift: np.ndarray
    sampled_effects: bool

    @property
    def p(self) -> int:
        return len(self.shift)

    @cached_property
    def covariances(self) -> tuple[Covariance, ...]:
        """One for each block of the design."""
        parts, start = [], self.p
        for block in self.design.blocks:
            s = len(block.names)
            middle, stop = start + s, start + s + correlation_length(s)
            sd_priors = tuple(self.priors["sd", block.group, name] for name in block.names)
            eta = self.priors["cor", block.group].args[0]
            exponents = lkj_exponents(s, eta)
            parts.append(Covariance(slice(start, middle), slice(middle, stop), sd_priors, exponents))
            start = stop
        return tuple(parts)

    @cached_property
    def own(self) -> slice:
        """The places of the distribution's own parameters, as logarithms of what they are above their least."""
        start = self.covariances[-1].cor.stop if self.covariances else self.p
        return slice(start, start + len(self.design.spec.family.distribution.own))

    def own_values(self, q: np.ndarray) -> np.ndarray:
        """The distribution's own parameters, σ or others; the last axis of q may follow others."""
        least = [one.lower for one in self.design.spec.family.distribution.own]
        return np.array(least) + np.exp(q[..., self.own])

    @cached_property
    def scores(self) -> tuple[slice, ...]:
        """The places of each block's scores u, level after level; empty where they are integrated out."""
        if not self.sampled_effects:
            return ()
        stop, places = self.n_population, []
        for block in self.design.blocks:
            start, stop = stop, stop + len(block.levels) * len(block.names)
            places.append(slice(start, stop))
        return tuple(places)

    @cached_property
    def n_population(self) -> int:
        """How many numbers q has before the group effects' scores."""
        return self.own.stop

    @cached_property
    def size(self) -> int:
        return self.scores[-1].stop if self.scores else self.n_population

    def coefficients(self, q: np.ndarray) -> np.ndarray:
        """The population coefficients b; the last axis of q may follow others."""
        return self.shift + q[..., : self.p] @ self.M.T

    @cached_property
    def fixed_priors(self) -> list[tuple[Prior, float, np.ndarray]]:
        """The priors on b that are not flat, each on x = constant + slopes @ γ."""
        names = self.design.fixed_names
        directions = [
            (self.priors[("Intercept",) if name == "Intercept" else ("b", name)], self._meaning(name))
            for name in names
        ]
        return [
            (prior, float(direction @ self.shift), direction @ self.M)
            for prior, direction in directions
            if not prior.is_flat
        ]

    def _meaning(self, name: str) -> np.ndarray:
        """What a coefficient's prior is on, as weights on b: itself, but for the intercept the value at
        the predictors' means."""
        if name == "Intercept":
            return self.design.X.mean(axis=0)
        return np.array([float(name == other) for other in self.design.fixed_names])

    def add_fixed_prior(self, q: np.ndarray, gradient: np.ndarray) -> float:
        """The log prior of b; its derivatives by γ are added to `gradient`."""
        value = 0.0
        for prior, constant, slopes in self.fixed_priors:
            log_density, slope = prior.log_density_and_slope(constant + slopes @ q[: self.p])
            value += log_density
            gradient[: self.p] += slope * slopes
        return value

    def add_own_prior(self, q: np.ndarray, gradient: np.ndarray) -> float:
        """The log prior of the distribution's own parameters, Jacobians included."""
        value = 0.0
        for k, one in enumerate(self.design.spec.family.distribution.own, start=self.own.start):
            above = np.exp(q[k])
            log_density, slope = self.priors[one.name,].log_density_and_slope(one.lower + above)
            gradient[k] += 1.0 + slope * above
            value += log_density + q[k]
        return value
