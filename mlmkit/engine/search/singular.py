"""Singular fits: covariances estimated on the boundary of what a covariance can be.

An SD of exactly zero, or a correlation of exactly ±1, is an honest estimate: the data ask for no more
variation than that. It is measured on standardised regressors, so that units and centring do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...words import listed
from ..covariance import factors_from_theta
from ..standardise import scales

#: An SD, relative to the residual's, below which a direction of a group effect counts as without variance.
RANK_TOLERANCE = 1e-4


def singular_blocks(design, theta: np.ndarray) -> tuple[int, ...]:
    """Positions of the blocks whose covariance is singular at θ."""
    return tuple(k for k, _, _ in _singular(design, theta, scales(design)))


def is_singular(design, theta: np.ndarray) -> bool:
    """Whether any block's covariance is singular at θ: an SD of zero or a correlation of ±1."""
    return bool(singular_blocks(design, theta))


def singular_messages(design, theta: np.ndarray, R: Sequence[np.ndarray] | None = None) -> tuple[str, ...]:
    """One sentence for each singular block: the term, its estimate, what it means and what to try.

    Parameters
    ----------
    design, theta
    R
        The blocks' scales (`standardise.scales`), where they are known already.
    """
    found = _singular(design, theta, scales(design) if R is None else R)
    chance = "the residual noise" if design.spec.family.is_linear else "what chance gives"
    return tuple(_message(design.blocks[k], Lambda, R_k, chance) for k, Lambda, R_k in found)


def _singular(design, theta: np.ndarray, R: Sequence[np.ndarray]):
    """The singular blocks' positions, with their Λ and scale."""
    factors = factors_from_theta(theta, [block.Z.shape[1] for block in design.blocks])
    for k, (Lambda, R_k) in enumerate(zip(factors, R, strict=True)):
        if np.linalg.svd(R_k @ Lambda, compute_uv=False)[-1] < RANK_TOLERANCE:
            yield k, Lambda, R_k


def _message(block, Lambda: np.ndarray, R: np.ndarray, chance: str) -> str:
    sds = np.sqrt((Lambda**2).sum(axis=1)) * np.sqrt((R**2).sum(axis=0))
    zero = [name for name, sd in zip(block.names, sds, strict=True) if sd < RANK_TOLERANCE]
    if zero:
        names, (sd, verb) = listed(zero), ("SD", "is") if len(zero) == 1 else ("SDs", "are")
        return (
            f"Singular fit: the {sd} of {names} across {block.group} {verb} estimated as 0, so the data show no "
            f"variation there beyond {chance}; try the model without {names} in that term "
            f"(chapter 6)."
        )
    if len(block.names) == 2:
        a, b = block.names
        sign = "+" if Lambda[0] @ Lambda[1] > 0 else "−"
        return (
            f"Singular fit: the correlation of {a} and {b} across {block.group} is estimated as {sign}1, "
            f"so the data cannot tell the two apart; try them uncorrelated (||), or the term without {b} "
            f"(chapter 6)."
        )
    directions = np.linalg.matrix_rank(R @ Lambda, tol=RANK_TOLERANCE)
    return (
        f"Singular fit: the {len(block.names)} coefficients that vary across {block.group} are estimated to "
        f"move in {directions} directions only; try them uncorrelated (||), or fewer of them (chapter 6)."
    )
