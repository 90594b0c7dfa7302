"""Adaptive Gauss–Hermite quadrature for one varying coefficient, and its gradient.

Each group's likelihood is an integral over its effect u_j. With P_j(u) the group's penalised deviance, û_j
its minimum and σ_j² = 1/H_j, the nodes are u_jk = û_j + σ_j z_k and

    −2 log L  =  Σ_j log H_j − 2 Σ_j log Σ_k ω_k exp(−P_j(u_jk)/2),      ω_k = w_k exp(z_k²/2)

for the nodes z_k and weights w_k of the standard normal (Pinheiro & Chao 2006, J. Comput. Graph. Stat. 15,
58–81, section 4). One node is Laplace's approximation.

The nodes move with θ and b, through û_j and through σ_j. With π_jk the share of node k in the sum, let

    γ_j = Σ_k π_jk P_j′(u_jk),      α_j = 1 − ½ σ_j Σ_k π_jk z_k P_j′(u_jk)

be the derivatives by û_j and by log H_j. The rest is as in `laplace`, with t_i = α_j c_i dW_i/dη_i and
q_j = (γ_j + Σ t_i z̃_i)/H_oj.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..random.blocks import sum_by_group
from ..random.effects import Effects
from ..random.random_part import RandomPart
from .laplace import Approximation, approximate
from .pirls import Response


@dataclass(frozen=True, eq=False)
class Rule:
    """Nodes of the standard normal distribution, and log ω_k = log w_k + z_k²/2."""

    nodes: np.ndarray
    log_weights: np.ndarray


def gauss_hermite(n: int) -> Rule:
    """The n-node rule: exact for the normal expectation of polynomials up to degree 2n − 1."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return Rule(nodes, np.log(weights) - 0.5 * np.log(2.0 * np.pi) + 0.5 * nodes**2)


@dataclass(frozen=True, eq=False)
class Integral:
    """−2 log L at one point.

    Attributes
    ----------
    value
    laplace
        The approximation with one node, whose modes and curvature place the nodes.
    u : (K, J) array
        The nodes of each group.
    score : (K, n) array
        Each row's ∂ℓ/∂η at its group's nodes.
    share : (K, J) array
        π, the nodes' shares in each group's sum.
    """

    value: float
    laplace: Approximation
    rule: Rule
    H: np.ndarray
    u: np.ndarray
    score: np.ndarray
    share: np.ndarray

    @property
    def modes(self):
        """The conditional modes the nodes are placed around."""
        return self.laplace.modes

    @property
    def sigma(self) -> float:
        """1: only families without a dispersion are integrated."""
        return 1.0


def integrate(
    part: RandomPart, factors: Sequence[np.ndarray], response: Response, start: Effects, rule: Rule
) -> Integral:
    """Integrate the groups' effects out, the modes sought from `start`.

    Raises
    ------
    FloatingPointError
        The modes were not found, or the nodes around them take a mean out of the family's range.
    """
    at = approximate(part, factors, response, start)
    codes, n_groups, z = part.terms[0].codes, part.terms[0].n_groups, at.Z[0][0]
    H = 1.0 + np.bincount(codes, at.modes.fisher * z**2, n_groups)
    u = at.modes.u[0] + rule.nodes[:, None] / np.sqrt(H)
    eta = response.population + z * u[:, codes]
    with np.errstate(invalid="ignore", divide="ignore"):
        working = response.family.working(response.y, eta, response.weights)
        kernel = response.weights * response.family.kernels(response.y, working.mu)
    log_terms = rule.log_weights[:, None] + sum_by_group(kernel, codes, n_groups) - 0.5 * u**2
    highest = log_terms.max(axis=0)
    total = highest + np.log(np.exp(log_terms - highest).sum(axis=0))
    value = np.sum(np.log(H)) - 2.0 * np.sum(total) - 2.0 * response.constant
    if not np.isfinite(value):
        raise FloatingPointError("A quadrature node takes a mean out of the family's range.")
    return Integral(float(value), at, rule, H, u, working.score, np.exp(log_terms - total))


def gradient(part: RandomPart, X: np.ndarray, at: Integral) -> tuple[list[np.ndarray], np.ndarray]:
    """The derivatives by Λ, one (1, 1) array, and by the coefficients of X."""
    modes, response, term = at.modes, at.laplace.response, part.terms[0]
    codes, z, family = term.codes, at.laplace.Z[0][0], response.family
    slope = 2.0 * (at.u - sum_by_group(z * at.score, codes, term.n_groups))
    gamma = np.sum(at.share * slope, axis=0)
    alpha = 1.0 - 0.5 * at.rule.nodes @ (at.share * slope) / np.sqrt(at.H)
    t = (alpha / at.H)[codes] * z**2 * family.fisher_slope(modes.eta, modes.mu, response.weights)
    observed = family.observed_information(response.y, modes.eta, modes.mu, response.weights)
    H_observed = 1.0 + np.bincount(codes, observed * z**2, term.n_groups)
    q = (gamma + np.bincount(codes, t * z, term.n_groups)) / H_observed
    r = t - observed * z * q[codes]
    shares = at.share[:, codes] * at.score
    by_z = r * modes.u[0][0, codes] + modes.score * q[codes] + 2.0 * modes.fisher * z * (alpha / at.H)[codes]
    by_z -= 2.0 * np.einsum("kn,kn->n", shares, at.u[:, codes])
    return [np.array([[term.Z[0] @ by_z]])], X.T @ (r - 2.0 * shares.sum(axis=0))
