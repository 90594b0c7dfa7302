"""What a fit must say of itself: one plain sentence each, on what was estimated, what it means, what to try next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .design import Block
from .results import Fit, MixedFit


def notices(fit: Fit) -> list[str]:
    """Everything about a fit that its reader should know before believing it."""
    sentences = [*_collinear(fit), *fit.messages]
    if isinstance(fit, MixedFit):
        sentences += [*_boundary(fit), *_repeated_ids(fit)]
    if not fit.converged:
        sentences.append(
            f"The fit of {fit.formula!r} did not converge: its estimates are the best found, not a maximum; "
            "rescale the predictors or simplify the random part (chapter 6)."
        )
    return sentences


def _collinear(fit: Fit) -> Iterator[str]:
    if fit.design.aliased:
        names = ", ".join(fit.design.aliased)
        yield (
            f"Dropped from the fixed part: {names}, since the columns before it already determine it; "
            "its coefficient cannot be told apart from theirs (chapter 7)."
        )


def _boundary(fit: MixedFit) -> Iterator[str]:
    for block, flat, Sigma in zip(fit.design.blocks, fit.boundary, fit.covariances, strict=True):
        if any(flat):
            yield _boundary_sentence(fit, block, flat, Sigma)


def _boundary_sentence(fit: MixedFit, block: Block, flat: tuple[bool, ...], Sigma: np.ndarray) -> str:
    """An SD of zero if there is one, else the correlation that is ±1, else what varies in lockstep."""
    sd = np.sqrt(np.diag(Sigma)) * np.sqrt(np.mean(block.Z**2, axis=0))
    zero = [name for name, size in zip(block.names, sd, strict=True) if size < 1e-4 * max(fit.sigma, 1e-300)]
    if zero:
        return (
            f"The SD of {_and(zero)} across {block.group} is estimated as 0: the data show no variation of it beyond "
            f"the noise, which is not proof that there is none; try the model without it (chapter 6, boundary fits)."
        )
    first = next(k for k, stuck in enumerate(flat) if stuck)
    if len(block.names) == 2:
        correlation = np.sign(Sigma[1, 0])
        return (
            f"The correlation of {block.names[0]} and {block.names[1]} across {block.group} is estimated as "
            f"{correlation:+.0f}: the data cannot tell how one varies apart from the other; try (…||{block.group}) or "
            "fewer varying coefficients (chapter 6, boundary fits)."
        )
    return (
        f"{block.names[first]} across {block.group} is estimated to vary in lockstep with {_and(block.names[:first])}: "
        f"the data carry less than {len(block.names)} ways to vary; try (…||{block.group}) or fewer varying "
        "coefficients (chapter 6, boundary fits)."
    )


def _and(names) -> str:
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _repeated_ids(fit: MixedFit) -> Iterator[str]:
    """Classes numbered 1, 2, … again in every school are not crossed with schools: hint at (1|school/class)."""
    blocks = list({block.group: block for block in fit.design.blocks if len(block.factors) == 1}.values())
    for inner in blocks:
        for outer in blocks:
            if inner is not outer and _restarts(inner, outer):
                yield (
                    f"The ids of {inner.group} start again in every {outer.group}, so rows of different "
                    f"{outer.group} were taken for one {inner.group}; if each {inner.group} belongs to one "
                    f"{outer.group}, write (…|{outer.group}/{inner.group}) (chapter 6, relative ids)."
                )


def _restarts(inner: Block, outer: Block) -> bool:
    """Whether each outer group uses the first few inner ids, and not all groups equally many."""
    cells = np.unique(outer.codes.astype(np.int64) * len(inner.levels) + inner.codes)
    parent, child = cells // len(inner.levels), cells % len(inner.levels)
    count = np.bincount(parent, minlength=len(outer.levels))
    last = np.zeros(len(outer.levels), dtype=int)
    np.maximum.at(last, parent, child)
    return bool((last + 1 == count).all() and count.min() < count.max())
