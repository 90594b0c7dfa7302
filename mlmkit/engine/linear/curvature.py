"""How the criterion is curved in θ: the average information, and exactly what the square in ΛΛᵀ adds.

The criterion f depends on Λ through Ω = ΛΛᵀ. With G = ∂f/∂Ω of a term, so that ∂f/∂Λ = 2GΛ, the second
derivative in a direction dΛ is

    2 tr(G dΛ dΛᵀ)  +  f″ in the direction dΩ = dΛ Λᵀ + Λ dΛᵀ.

The first part is exact: where a column of Λ is empty it is all there is, and its sign says whether a
variance of zero is an optimum. For the second, the mean of the observed and the expected information needs
no traces (Gilmour, Thompson & Cullis 1995, Biometrics 51, 1440–1450): for two directions

    (df/r²) yᵀP dV P dV′ P y  −  (df/r⁴) (yᵀP dV P y)(yᵀP dV′ P y),      dV = Z dΩ Zᵀ.

With q = dΩ ZᵀPy for each direction, the first product is qᵀ ZᵀPZ q′, and ZᵀV⁻¹Z = Ω⁻¹ − Ω⁻¹ C Ω⁻¹ with C
the effects' conditional covariance: one solution for each parameter, where differences take an evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..covariance import is_clear_of, lower_indices, theta_length
from ..lapack import solve
from ..random.effects import Effects
from .equations import SolvedEquations

#: SDs below this, relative to the residual's, are made this large, so that Ω has an inverse.
NUDGE = 1e-3


def nudged(factors: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The nearest Λ whose singular values are all large enough; the same matrices where they are."""
    near = []
    for Lambda in factors:
        if is_clear_of(Lambda, NUDGE):
            near.append(Lambda)
            continue
        left, size, right = np.linalg.svd(Lambda)
        near.append(Lambda if size[-1] >= NUDGE else (left * np.maximum(size, NUDGE)) @ right)
    return near


def curvature(
    factors: Sequence[np.ndarray], near: SolvedEquations, gradients: Sequence[np.ndarray], df: int
) -> np.ndarray:
    """The second derivatives by θ, approximately.

    Parameters
    ----------
    factors
        Each term's Λ.
    near
        The equations solved at these Λ, nudged.
    gradients
        The criterion's derivatives by Λ there.
    df

    Returns
    -------
    (n_theta, n_theta) array
    """
    left = [np.einsum("srj,r->sj", R, near.residual) for R in near.left]
    moved = _moved(factors, left)
    inverses = [solve(L, np.eye(len(L))) for L in near.factors]
    pulls = [np.einsum("ab,bpj->apj", half.T @ half, q) for half, q in zip(inverses, moved, strict=True)]
    solved = near.factorised.solve_each(pulls)
    within = _inner([q - u for q, u in zip(moved, solved, strict=True)], pulls)
    through = near.inverse_of_L[:-1, :-1] @ _inner([R[:, :-1] for R in near.left], moved)
    slope = _inner([R[:, None] for R in left], moved)
    H = df / near.r2 * (within - through.T @ through - slope.T @ slope / near.r2)
    _add_square(H, inverses, gradients)
    return 0.5 * (H + H.T)


def _inner(one: Effects, other: Effects) -> np.ndarray:
    """Inner products of two stacks of effects, summed over terms and groups: (a, b)."""
    return sum(np.einsum("saj,sbj->ab", u, v) for u, v in zip(one, other, strict=True))


def _moved(factors: Sequence[np.ndarray], left: Effects) -> Effects:
    """dΩ ZᵀPy for a change of each entry of θ: (s, n_theta, J) for each term."""
    n_theta = sum(theta_length(len(Lambda)) for Lambda in factors)
    moved, start = [], 0
    for Lambda, R in zip(factors, left, strict=True):
        rows, columns = lower_indices(len(Lambda))
        q, own = np.zeros((len(Lambda), n_theta, R.shape[1])), start + np.arange(len(rows))
        q[rows, own] = (Lambda.T @ R)[columns]
        q[:, own] += Lambda[:, columns][:, :, None] * R[rows]
        moved.append(q)
        start += len(rows)
    return moved


def _add_square(H: np.ndarray, inverses: Sequence[np.ndarray], gradients: Sequence[np.ndarray]) -> None:
    """Add 2G between the entries of one column of Λ, given the inverses of Λ."""
    start = 0
    for inverse, gradient in zip(inverses, gradients, strict=True):
        rows, columns = lower_indices(len(inverse))
        G = gradient @ inverse
        part = slice(start, start + len(rows))
        H[part, part] += G[np.ix_(rows, rows)] * (columns[:, None] == columns)
        start = part.stop
