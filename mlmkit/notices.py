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
        sentences += _repeated_ids(fit)
    return sentences


def _collinear(fit: Fit) -> Iterator[str]:
    if fit.design.aliased:
        names = ", ".join(fit.design.aliased)
        yield (
            f"Dropped from the fixed part: {names}, since the columns before it already determine it; "
            "its coefficient cannot be told apart from theirs (chapter 7)."
        )


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
    if len(np.unique(outer.codes[inner.codes == 0])) < len(outer.levels):
        return False  # some outer group lacks the first id: no need to look through all the rows
    cells = np.unique(outer.codes.astype(np.int64) * len(inner.levels) + inner.codes)
    parent, child = cells // len(inner.levels), cells % len(inner.levels)
    count = np.bincount(parent, minlength=len(outer.levels))
    last = np.zeros(len(outer.levels), dtype=int)
    np.maximum.at(last, parent, child)
    return bool((last + 1 == count).all() and count.min() < count.max())
