"""What a fit must say of itself: one plain sentence each, on what was estimated, what it means, what to try next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from .engine.estimates import Move
from .engine.search.optimise import NOT_CONVERGED
from .results import Fit, MixedFit
from .words import listed

#: The share of outer groups whose ids must begin at the first for ids to count as numbered within them.
RESTARTS = 0.9

#: Labels of a factor with more levels than this are not compared with each other.
MOST_LABELS = 20_000
#: Rows that tell, mostly, whether a column varies within groups before all of them are looked at.
GLANCE = 2000


def notices(fit: Fit) -> list[str]:
    """Everything about a fit that its reader should know before believing it."""
    in_both = list(_in_both_parts(fit))
    told = [sentence for sentence in fit.messages if not (in_both and sentence == NOT_CONVERGED)]
    sentences = [*fit.design.notes, *_collinear(fit), *in_both, *told]
    if isinstance(fit, MixedFit):
        sentences += [*_repeated_ids(fit), *_factors_split(fit), *_approximate(fit)]
        sentences += _slopes_without_a_range(fit)
    return [*sentences, *_near_labels(fit)]


def _approximate(fit: MixedFit) -> Iterator[str]:
    """Where exact integration would give other estimates than Laplace's approximation, or than few nodes."""
    move = fit.estimates.move
    if move is None or not move.matters:
        return
    nodes = fit.estimates.n_agq
    doubt = "Laplace's approximation is in doubt" if nodes == 1 else f"{nodes} nodes are too few"
    where, size = _largest_move(fit, move)
    far = f"about {size:.1f} standard errors" if size < 1 else "more than one standard error"
    how = (
        f"fit again with n_agq={move.nodes}"
        if move.nodes
        else "nodes are for one grouping factor, so sample this model with mk.brm()"
    )
    yield f"{doubt} here: integrated exactly, {where} would lie {far} from this estimate; {how} (chapter 9)."


def _largest_move(fit: MixedFit, move: Move) -> tuple[str, float]:
    """Which estimate would move farthest, and how far."""
    moves = {
        f"the coefficient of {name}": size
        for name, size in zip(fit.design.fixed_names, move.coefficients, strict=True)
    }
    for block, sizes in zip(fit.design.blocks, move.sds, strict=True):
        moves |= {
            f"the SD of {name} across {block.group}": size
            for name, size in zip(block.names, sizes, strict=True)
        }
    where = max(moves, key=lambda name: abs(moves[name]))
    return where, abs(moves[where])


def _collinear(fit: Fit) -> Iterator[str]:
    if fit.design.aliased:
        names = listed(fit.design.aliased, 8)
        yield (
            f"Dropped from the fixed part: {names}, since the columns before it already determine it; "
            "its coefficient cannot be told apart from theirs (chapter 7)."
        )


def _in_both_parts(fit: Fit) -> Iterator[str]:
    """`y ~ g + (1|g)`: with a coefficient for every group nothing is left for their SD to be told from."""
    for block in getattr(fit.design, "blocks", ()):
        for factor, coding in fit.design.columns.codings.items():
            alone = any(term == (factor,) for term in fit.spec.fixed)
            if alone and factor.columns == block.factors and len(coding.levels) == len(block.levels):
                yield (
                    f"{block.group} is in the fixed part, too, where every group has a coefficient of its own, so the data "
                    f"say nothing of their SD{' (maximum likelihood makes it 0)' if fit.reml else ''}: leave "
                    f"{block.group} out of one of the two."
                )
                return


def _repeated_ids(fit: MixedFit) -> Iterator[str]:
    """Classes numbered 1, 2, … again in every school are not crossed with schools: hint at (1|school/class)."""
    blocks = list({block.group: block for block in fit.design.blocks if len(block.factors) == 1}.values())
    for inner in blocks:
        for outer in blocks:
            if inner is not outer and ids_restart(inner.codes, outer.codes, inner.levels):
                yield (
                    f"The ids of {inner.group} start again in every {outer.group}, so rows of different "
                    f"{outer.group} were taken for one {inner.group}; if each {inner.group} belongs to one "
                    f"{outer.group}, write (…|{outer.group}/{inner.group}) (chapter 6, relative ids)."
                )


def _near_labels(fit: Fit) -> Iterator[str]:
    """Labels that differ in spaces or capitals alone were most likely meant to be one."""
    levels = {
        block.group: block.levels for block in getattr(fit.design, "blocks", ()) if len(block.factors) == 1
    }
    levels |= {factor.name: coding.levels for factor, coding in fit.design.columns.codings.items()}
    for name, labels in levels.items():
        if len(labels) > MOST_LABELS or is_numeric_dtype(labels):
            continue
        texts = list(map(str, labels.tolist()))
        folded = "\n".join(texts).casefold()
        words = folded.split()
        if folded == "\n".join(words) and len(set(words)) == len(texts):
            continue  # each is one word, and no two are alike
        seen: dict[str, str] = {}
        for label in texts:
            other = seen.setdefault(" ".join(label.casefold().split()), label)
            if other != label:
                yield (
                    f"{name} has the labels {other!r} and {label!r}, which differ in spaces or capitals alone and were "
                    "taken for two; if they are one, write them alike: data[…].str.strip()."
                )
                break


def _slopes_without_a_range(fit: MixedFit) -> Iterator[str]:
    """`(z|school)` with a property z of schools: a model of unequal variances, in which no school has a slope."""
    for block in fit.design.blocks:
        rows, groups = len(block.codes), len(block.levels)
        if groups == rows or "Intercept" not in block.columns.names:
            continue  # a group is a row, or each kind of group has its variance: both are meant so
        constant = _constant(block.Z[:GLANCE], block.codes[:GLANCE], groups)
        constant &= np.array(block.names) != "Intercept"
        if constant.any():
            constant &= _constant(block.Z, block.codes, groups)
            for name in np.array(block.names)[constant]:
                yield (
                    f"{name} has one value within each {block.group}, so no {block.group} has a slope of its own: the "
                    f"term lets the spread across {block.group} depend on {name} instead; where that is not meant, "
                    f"leave {name} out of the term (chapter 7)."
                )


def _constant(Z: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Which columns have one value within each group."""
    some_row = np.empty(groups, dtype=np.intp)
    some_row[codes] = np.arange(len(codes))
    return (Z[some_row[codes]] == Z).all(axis=0)


def _factors_split(fit: MixedFit) -> Iterator[str]:
    """`(f||g)` with a factor f, or a spline, is another model in lme4: there a term's columns stay together."""
    for term in fit.spec.random:
        columns = next(block.columns for block in fit.design.blocks if block.columns.terms == term.terms)
        if (columns.codings or len(columns.names) > len(term.terms)) and not term.correlated:
            parts = (
                f"(0 + {':'.join(f.expr for f in one)}|{term.group})" if one else f"(1|{term.group})"
                for one in term.terms
            )
            yield (
                f"In {term} each of {listed(columns.names, 8)} varies independently of the others, where lme4 lets "
                f"the columns of a term be correlated; for lme4's model write {' + '.join(parts)} (chapter 5)."
            )


def ids_restart(inner: np.ndarray, outer: np.ndarray, levels: pd.Index) -> bool:
    """Whether ids look numbered within each outer group: 1, 2, … again, and not everywhere as many of them.

    Parameters
    ----------
    inner, outer
        (n,) each row's inner and outer group, as positions 0, 1, …; every position occurs.
    levels
        The inner groups' ids; those that are numbers are taken in their order as numbers, "2" before "10".

    Returns
    -------
    bool
        True if (nearly) every outer group uses just the first few ids, and some group not all of them.
    """
    order, n_inner, n_outer = _counted(levels), len(levels), int(outer.max()) + 1
    if np.count_nonzero(np.bincount(outer[inner == order.argmin()])) < RESTARTS * n_outer:
        return False  # too many lack the first id: no need to look through all the rows
    parent, child = np.divmod(np.unique(outer.astype(np.int64) * n_inner + order[inner]), n_inner)
    count, last = np.bincount(parent), np.zeros(n_outer, dtype=np.int64)
    np.maximum.at(last, parent, child)
    return bool((last + 1 == count).mean() >= RESTARTS and count.min() < n_inner)


def _counted(levels: pd.Index) -> np.ndarray:
    """The place of each id when they are counted up."""
    if is_numeric_dtype(levels) or not _may_be_number(levels[0]):
        return np.arange(len(levels))
    numbers = pd.to_numeric(pd.Series(levels.astype(str)), errors="coerce")
    return np.arange(len(levels)) if numbers.isna().any() else np.argsort(np.argsort(numbers, kind="stable"))


def _may_be_number(label: object) -> bool:
    """Whether a label may be written as a number; of text it is mostly seen at the first one that it is not."""
    try:
        float(str(label))
    except ValueError:
        return False
    return True
