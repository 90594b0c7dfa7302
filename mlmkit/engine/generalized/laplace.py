"""Laplace's approximation to −2 log L of a generalized linear mixed model, and its gradient.

With û the conditional modes and H = Z̃ᵀWZ̃ + I (Z̃ = ZΛ, W the information there, see `Family.information`),

    f(θ, b, φ)  =  −2 log p(y | û) + |û|² + log|H|

(Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1); Pinheiro & Chao 2006, J. Comput. Graph. Stat.
15, 58–81). û moves with the parameters; by the implicit function theorem its part of the derivative is one
more solve. Let s be the scores, W_o the observed information, H_o = Z̃ᵀW_oZ̃ + I, and for each row
g_i = H⁻¹z̃_i, c_i = z̃_iᵀg_i, t_i = c_i dW_i/dη_i. Then with

    q = H_o⁻¹ Z̃ᵀt,      r = t − 2s − W_o Z̃q

the derivative by b is Xᵀr; that by Λ sums over the rows z_i (r_i u + s_i q + 2 W_i g_i)ᵀ, each with the u, q
and g of the row's own group; and that by φ is −2 ∂log p/∂φ + Σ c_i ∂W_i/∂φ + (Z̃q)ᵀ ∂s/∂φ. Where a log
likelihood is summed over the nodes of a quadrature, the same holds with other s, s u and g (`Sums`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..random.effects import Effects, dot, row_products
from ..random.pattern import Factorised, Pattern
from .pirls import Modes, Response, find_modes


@dataclass(frozen=True, eq=False)
class Approximation:
    """f at one point, with all it was made from.

    Attributes
    ----------
    value
    Z
        Z̃ by row, one array for each term.
    modes, response
    information : (n,) array
        W.
    H
        The curvature at the modes, factorised.
    """

    value: float
    Z: Effects
    modes: Modes
    information: np.ndarray
    H: Factorised
    response: Response


class Sums(NamedTuple):
    """What a gradient needs of the places at which a group's likelihood is evaluated: the modes, or nodes.

    Attributes
    ----------
    score : (n,) array
        Each row's score, averaged over the places.
    by_effect
        Each row's score times the effects there, averaged: (s, n) for each term.
    pull
        Half the derivative of the penalised deviance by the effects, averaged: (s, J) for each term; 0 at modes.
    spread
        g, each row's z̃ times what log|H| changes with: (s, n) for each term.
    by_dispersion
        The derivative of log p by the dispersion, averaged.
    """

    score: np.ndarray
    by_effect: Effects
    pull: Effects
    spread: Effects
    by_dispersion: float


class Gradient(NamedTuple):
    """Derivatives by every entry of each term's Λ, by each row's population part Xb, and by the dispersion."""

    by_factor: list[np.ndarray]
    by_population: np.ndarray
    by_dispersion: float


def approximate(
    part: Pattern, factors: Sequence[np.ndarray], response: Response, start: Effects
) -> Approximation:
    """Laplace's approximation at Λ and the response's population part, the modes sought from `start`."""
    Z = part.scaled(factors)
    modes = find_modes(part, Z, response, start)
    information, H = modes.fisher, modes.curvature
    if not response.family.canonical:
        information = response.family.information(response.y, modes.eta, modes.mu, response.weights)
        H = part.factorise(Z, information)
    value = dot(modes.u, modes.u) - 2.0 * response.loglik(modes.mu) + H.log_determinant
    return Approximation(value, Z, modes, information, H, response)


def gradient(part: Pattern, at: Approximation) -> Gradient:
    """The derivatives of f."""
    modes, response = at.modes, at.response
    by_effect = [modes.score * u for u in part.by_row(modes.u)]
    by_dispersion = response.loglik_by_dispersion(modes.mu)
    spread = at.H.inverse_by_row(at.Z)
    return from_sums(part, at, Sums(modes.score, by_effect, part.nothing(), spread, by_dispersion))


def from_sums(part: Pattern, at: Approximation, sums: Sums) -> Gradient:
    """The derivatives of −2 log L, from what it needs of the places where the likelihood is evaluated."""
    modes, response = at.modes, at.response
    family, y, weights = response.family, response.y, response.weights
    c = sum(row_products(z, g) for z, g in zip(at.Z, sums.spread, strict=True))
    t = c * family.information_slope(y, modes.eta, modes.mu, weights)
    observed, H = _observed(part, at)
    by_u = [2.0 * pull + total for pull, total in zip(sums.pull, part.sums(at.Z, t), strict=True)]
    q = H.solve(by_u)
    moved = part.predictor(at.Z, q)
    r = t - observed * moved
    rows = zip(part.terms, part.by_row(modes.u), part.by_row(q), sums.spread, sums.by_effect, strict=True)
    by_factor = [
        term.Z @ (r * u + modes.score * q_row + 2.0 * at.information * g - 2.0 * effect).T
        for term, u, q_row, g, effect in rows
    ]
    by_dispersion = 0.0
    if family.has_dispersion:
        score, information = family.working_by_dispersion(y, modes.eta, modes.mu, weights)
        by_dispersion = float(c @ information + moved @ score) - 2.0 * sums.by_dispersion
    return Gradient(by_factor, r - 2.0 * sums.score, by_dispersion)


def _observed(part: Pattern, at: Approximation) -> tuple[np.ndarray, Factorised]:
    """The observed information of every row, and H made from it."""
    response = at.response
    if response.family.canonical or response.family.has_dispersion:
        return at.information, at.H
    observed = response.family.observed_information(response.y, at.modes.eta, at.modes.mu, response.weights)
    return observed, part.factorise(at.Z, observed)
