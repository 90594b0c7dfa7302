"""Exact draws of a Gaussian model's group effects, given everything else.

The sampler never sees the group effects. Given b, L, σ and y they are jointly normal, and the elimination
that gave the density also gives the way back (Bates, Mächler, Bolker & Walker 2015, section 3; the idea of
sampling so is Chib & Carlin 1999, Stat. Comput. 9(1)): first the crossed effects, then the nested ones from
the coarsest to the finest, each from its conditional normal distribution

    ζ_j | coarser ~ N(W_j (what the data leave unexplained in group j), σ² W_j).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dtrtrs

from ..engine.random.blocks import cholesky, multiply_transposed, solve_lower
from .density import GaussianDensity, State


def draw_effects(density: GaussianDensity, q: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """One draw of every block's group effects, (J, s) each, on the scale of b."""
    parameters, data, eq = density.parameters, density.data, density.equations
    if not data.terms:
        return []
    sigma = np.exp(q[parameters.log_sigma])
    factors = [sd[:, None] * C for sd, C in (part.unpack(q) for part in parameters.covariances)]
    state = density.state(q[: parameters.p], factors, sigma)
    noise = sigma / data.scale  # σ in standardised units
    effects, tail = _crossed(eq, state, noise, rng)
    outer = np.empty((0, 1))
    levels = zip(eq.levels, state.chain.levels, state.level_factors, strict=True)
    for level, done, Lambda in reversed(list(levels)):
        coarser = outer[:, level.parent] if level.parent is not None else np.empty((0, level.n_groups))
        unexplained = -done.B.times_vector(tail) - np.einsum("abj,bj->aj", done.U, coarser)
        own = np.einsum("abj,bj->aj", done.W, unexplained)
        own += noise * _correlated(done.A, Lambda, rng.normal(size=own.shape))
        start = 0
        for k in level.terms:
            effects[k] = own[start : start + eq.sizes[k]]
            start += eq.sizes[k]
        outer = np.concatenate([own, coarser])
    return [data.scale * np.linalg.solve(term.R, effects[k]).T for k, term in enumerate(data.terms)]


def _crossed(eq, state: State, noise: float, rng) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """The crossed terms' effects, (s, J) each, and the tail (effects, γ, −1) with them put in."""
    tail, d = -state.solution, eq.n_crossed
    effects = {}
    if d:
        tail[:d] += noise * dtrtrs(state.tail.L[:d, :d], rng.normal(size=d), lower=1, trans=1)[0]
    for one in eq.crossed:
        scores = tail[one.columns].reshape(one.n_groups, one.size)
        by_group = scores @ state.factors[one.term].T
        tail[one.columns] = by_group.ravel()
        effects[one.term] = by_group.T
    return effects, tail


def _correlated(A: np.ndarray, Lambda: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Normal draws with the covariance W = Λ(ΛᵀAΛ + I)⁻¹Λᵀ of each group from standard ones, (s, J)."""
    H = np.einsum("ba,bcj,cd->adj", Lambda, A, Lambda) + np.eye(len(A))[:, :, None]
    half = solve_lower(cholesky(H), Lambda.T[:, :, None])
    return multiply_transposed(half, z[:, None, :])[:, 0]
