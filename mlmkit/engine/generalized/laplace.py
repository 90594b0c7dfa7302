"""Laplace's approximation to −2 log L of a generalized linear mixed model, and its gradient.

With û the conditional modes and H = Z̃ᵀWZ̃ + I (Z̃ = ZΛ, W the expected information there),

    f(θ, b)  =  A  +  log|H|,        A = −2 log p(y | û) + |û|²

(Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1); Pinheiro & Chao 2006, J. Comput. Graph. Stat.
15, 58–81). û moves with θ and b; by the implicit function theorem its part of the derivative is one more
solve. Let s be the scores, W_o the observed information, H_o = Z̃ᵀW_oZ̃ + I, and for each row
g_i = H⁻¹z̃_i, c_i = z̃_iᵀg_i, t_i = c_i dW_i/dη_i. Then with

    q = H_o⁻¹ ∂f/∂u,      r = ∂A/∂η + t − W_o Z̃q

the derivative by b is Xᵀr, and the derivative by Λ sums over the rows z_i (r_i u + s_i q + 2 w_i g_i)ᵀ, each
with the u, q and g of the row's own group. For a canonical link ∂A/∂η = −2s, W_o = W and ∂f/∂u = Z̃ᵀt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..random.effects import Effects, dot, row_products
from ..random.random_part import RandomPart
from .dispersion import Fit, penalised_fit
from .pirls import Modes, Response, find_modes


@dataclass(frozen=True, eq=False)
class Approximation:
    """f at one point, with all it was made from."""

    value: float
    Z: Effects
    modes: Modes
    fit: Fit
    response: Response

    @property
    def sigma(self) -> float:
        """√φ; 1 for a family without a dispersion."""
        return self.fit.sigma


def approximate(
    part: RandomPart, factors: Sequence[np.ndarray], response: Response, start: Effects
) -> Approximation:
    """Laplace's approximation at Λ and the response's population part, the modes sought from `start`."""
    Z = part.scaled(factors)
    modes = find_modes(part, Z, response, start)
    if not response.family.canonical:
        modes = replace(modes, curvature=part.factorise(Z, modes.fisher))
    fit = penalised_fit(response, modes.mu, dot(modes.u, modes.u))
    return Approximation(fit.value + modes.curvature.log_determinant, Z, modes, fit, response)


def gradient(part: RandomPart, X: np.ndarray, at: Approximation) -> tuple[list[np.ndarray], np.ndarray]:
    """The derivatives by every entry of each term's Λ, and by the coefficients of X."""
    modes, response, fit = at.modes, at.response, at.fit
    g = modes.curvature.inverse_by_row(at.Z)
    c = sum(row_products(z, one) for z, one in zip(at.Z, g, strict=True))
    t = c * response.family.fisher_slope(modes.eta, modes.mu, response.weights)
    observed, curvature = _observed(part, at)
    # Z̃ᵀs = û at the modes, so what is left of ∂A/∂u is the difference between the two ways A may count.
    by_u = [
        2.0 * (fit.by_penalty - fit.by_deviance) * u + total
        for u, total in zip(modes.u, part.sums(at.Z, t), strict=True)
    ]
    q = curvature.solve(by_u)
    r = t - 2.0 * fit.by_deviance * modes.score - observed * part.predictor(at.Z, q)
    by_factor = [
        term.Z @ (r * u + modes.score * q_row + 2.0 * modes.fisher * g_row).T
        for term, u, q_row, g_row in zip(part.terms, part.by_row(modes.u), part.by_row(q), g, strict=True)
    ]
    return by_factor, X.T @ r


def _observed(part: RandomPart, at: Approximation):
    """The observed information of every row, and H made from it."""
    modes, response = at.modes, at.response
    if response.family.canonical:
        return modes.fisher, modes.curvature
    observed = response.family.observed_information(response.y, modes.eta, modes.mu, response.weights)
    return observed, part.factorise(at.Z, observed)
