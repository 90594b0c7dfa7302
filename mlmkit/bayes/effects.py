"""Exact draws of a Gaussian model's group effects, given everything else.

The sampler never sees the group effects. Given b, L, σ and y they are jointly normal, and the elimination
that gave the density also gives the way back (Bates, Mächler, Bolker & Walker 2015, section 3; the idea of
sampling so is Chib & Carlin 1999, Stat. Comput. 9(1)): first the crossed effects, then the nested ones from
the coarsest to the finest, each from its conditional normal distribution

    ζ_j | coarser ~ N(W_j (what the data leave unexplained in group j), σ² W_j).
"""

from __future__ import annotations

import numpy as np

from .density import GaussianDensity


def draw_effects(density: GaussianDensity, q: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """One draw of every block's group effects, (J, s) each, on the scale of b."""
    parameters, data = density.parameters, density.data
    if not data.terms:
        return []
    sigma = float(parameters.own_values(q)[0])
    factors = [sd[:, None] * C for sd, C in (part.unpack(q) for part in parameters.covariances)]
    state = density.state(q[: parameters.p], factors, sigma)
    draws = state.equations.factorised.draw(rng)
    effects = []
    for term, modes, draw in zip(data.terms, state.equations.effects, draws, strict=True):
        standard = np.einsum("srj,r->sj", modes, state.residual) + sigma / data.scale * draw
        effects.append(data.scale * np.linalg.solve(term.R, standard).T)
    return effects
