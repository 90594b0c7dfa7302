"""New rows of data as the columns of a fitted model: X, each term's Z, and which group a row belongs to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..columns import Labels, shown
from ..design import Block, Design, group_labels, offset_of
from ..engine.generalized.separation import population_part
from ..errors import DataError
from ..frames import Table, as_frame, check_there, given, in_the_index, look_at
from ..response import trials_of
from ..results import Fit
from ..spec import Spec, columns_in
from ..terms import refuse_missing


class Fitted(Protocol):
    """What rows are made for: a fit or a posterior."""

    @property
    def design(self) -> Design: ...

    @property
    def spec(self) -> Spec: ...

    @property
    def data(self) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Rows:
    """Rows to predict for.

    Attributes
    ----------
    index
        Their labels.
    X
        (m, p) the fixed part's columns.
    Z, codes
        For each block of the design the (m, s) columns and the (m,) positions of the rows' groups, −1 for a
        group the fit never saw; None where the groups do not matter.
    offset, weights
        (m,) the known part of the linear predictor, and prior weights (a binomial's trials).
    labels
        For each block of the design the names of the rows' groups, known or not; None where they do not matter.
    """

    index: pd.Index
    X: np.ndarray
    Z: tuple[np.ndarray, ...] | None
    codes: tuple[np.ndarray, ...] | None
    offset: np.ndarray
    weights: np.ndarray
    labels: tuple[Labels, ...] | None = None

    def take(self, which: np.ndarray) -> Rows:
        """Some of the rows."""
        parts = {
            "Z": None if self.Z is None else tuple(Z[which] for Z in self.Z),
            "codes": None if self.codes is None else tuple(codes[which] for codes in self.codes),
            "labels": None if self.labels is None else tuple(labels.take(which) for labels in self.labels),
        }
        return Rows(
            self.index[which], self.X[which], offset=self.offset[which], weights=self.weights[which], **parts
        )


def told_rows(fit: Fit) -> Rows:
    """The rows the model was fitted to, without those of a separated fit whose linear predictor is infinite.

    Raises
    ------
    DataError
        If that is all of them.
    """
    told = np.isfinite(fit.estimates.linear_predictor)
    if not told.any():
        raise DataError(
            "Every row is described perfectly by a coefficient that is infinite, so no variance is left to divide up: leave "
            "out the predictor that separates the rows (chapter 9)."
        )
    return rows_used(fit).take(told)


def refuse_fractions(fit: Fit, rows: Rows) -> None:
    """Observations can be drawn only where a binomial's weights are numbers of trials."""
    if not fit.family.counts_trials:
        return
    broken = np.abs(rows.weights - np.round(rows.weights)) > 1e-8
    if broken.any():
        k = int(np.flatnonzero(broken)[0])
        raise DataError(
            f"The weight of row {shown(rows.index[k])} is {rows.weights[k]:g}, not a whole number of trials: no "
            "observation can be drawn from it. Weights that are not trials say how much a row counts, not what it is."
        )


#: For every grouping factor, for none, or for those with these names.
Which = bool | Collection[str]


def rows_used(fit: Fitted, *, random: Which = True, groups: Which = True) -> Rows:
    """The rows the model was fitted to; `random` and `groups` as for `new_rows`."""
    design = fit.design
    Z = _of_blocks(design.blocks, random, lambda b: b.Z, lambda b: np.zeros(b.Z.shape))
    codes = _of_blocks(design.blocks, groups, lambda b: b.codes, lambda b: np.full(len(b.codes), -1))
    labels = tuple(Labels(b.codes, b.levels) for b in design.blocks)
    return Rows(design.rows, design.X, Z, codes, design.offset, design.weights, labels)


def new_rows(
    fit: Fitted,
    data: Any,
    *,
    fixed: bool = True,
    random: Which = True,
    groups: Which = True,
    offset: Any = None,
) -> Rows:
    """The columns of new data.

    Parameters
    ----------
    data : DataFrame or dict
        The predictors' columns and, with `groups`, the grouping variables'. Not the response.
    fixed
        Whether the fixed part's columns are wanted.
    random, groups
        Whether the random terms' columns and the rows' groups are wanted, or the names of the grouping factors of
        which they are. The others' columns are 0, and their groups not known.
    offset
        A column's name, one number, or one for each row; needed where the fit had one as an argument. What the
        formula's `offset(…)` say is computed from the new rows.

    Raises
    ------
    DataError
        For a column that is missing, a value that is, or a level of a predictor that the fit never saw.
    """
    design, spec = fit.design, fit.spec
    frame = as_rows(data, spec.columns)
    n = len(frame)
    varying = [b for b in design.blocks if _is_in(b, random)]
    grouped = [b for b in design.blocks if _is_in(b, groups)]
    terms = (*(spec.fixed if fixed else ()), *(t for b in varying for t in b.columns.terms))
    needed = columns_in((*terms, *((one,) for one in spec.offsets if fixed)))
    table = _looked_at(frame, needed, list(dict.fromkeys(name for b in grouped for name in b.factors)))
    X = design.columns.of(table)[:, design.keep] if fixed else np.zeros((n, 0))
    Z = _of_blocks(design.blocks, random, lambda b: b.matrix(table), lambda b: np.zeros((n, len(b.names))))
    codes = _of_blocks(design.blocks, groups, lambda b: b.positions(table), lambda b: np.full(n, -1))
    unnamed = Labels(np.zeros(n, dtype=int), pd.Index([""]))
    labels = _of_blocks(design.blocks, groups, lambda b: group_labels(b.factors, table), lambda b: unnamed)
    known = _offset(fit, offset, frame) + (offset_of(spec, table) if fixed else 0.0)
    return Rows(frame.index, X, Z, codes, known, _trials(fit, frame), labels)


def _is_in(block: Block, which: Which) -> bool:
    return which if isinstance(which, bool) else block.group in which


def _of_blocks(
    blocks: Sequence[Block], which: Which, known: Callable[[Block], Any], other: Callable[[Block], Any]
) -> tuple | None:
    """What is known of the blocks that are wanted, and what stands for the others; None if none is wanted."""
    return tuple(known(b) if _is_in(b, which) else other(b) for b in blocks) if which else None


def as_rows(data: Any, names: Iterable[str] = ()) -> pd.DataFrame:
    """Rows to predict for as a frame: a table, a dict of columns, or a dict or Series of one row's values."""
    if isinstance(data, pd.Series):
        data = data.to_frame().T.infer_objects()
    if isinstance(data, dict):
        if not any(np.ndim(value) for value in data.values()):
            data = {name: [value] for name, value in data.items()}
        try:
            data = pd.DataFrame(data)
        except ValueError as error:
            raise DataError(f"The new data's columns do not go together: {error}.") from None
    return as_frame(data, names, "New data must be a DataFrame or a dict of columns")


def _looked_at(frame: pd.DataFrame, predictors: Sequence[str], grouping: Sequence[str]) -> Table:
    """The columns needed, complete."""
    check_there(predictors, frame, new=True)
    for name in grouping:
        if name not in frame.columns:
            raise DataError(
                f"The new data have no column {name!r} to say which group a row belongs to; for the population "
                f'instead of known groups, predict takes groups="none".{in_the_index(name, frame)}'
            )
    check_there(grouping, frame, new=True)
    table = look_at(frame, (*predictors, *grouping))
    for name in table.columns:
        refuse_missing(name, table)
    return table


def fixed_part(fit: Fit, rows: Rows) -> np.ndarray:
    """Xb plus offset at these rows, (m,); infinite, or NaN, where a separated fit says so."""
    return rows.offset + population_part(fit.design, fit.estimates, rows.X)


def between_variance(fit: Fit, rows: Rows) -> np.ndarray:
    """The (m,) variance of the group effects' sum at these rows, Σ zΣzᵀ over the terms."""
    total = np.zeros(len(rows.X))
    for Z, Sigma in zip(rows.Z or (), getattr(fit, "covariances", ()), strict=False):
        total += np.einsum("is,st,it->i", Z, Sigma, Z)
    return total


def aliased_defect(fit: Fit, data: pd.DataFrame) -> np.ndarray:
    """(m, d) by how much each dropped column differs at these rows from what the kept columns make of it.

    A combination of coefficients of a rank-deficient design is estimable only where this is 0.
    """
    design = fit.design
    if not design.aliased:
        return np.zeros((len(data), 0))
    used = design.columns.matrix(design.rows_of(fit.data))
    from_kept = np.linalg.lstsq(used[:, design.keep], used[:, ~design.keep], rcond=None)[0]
    new = design.columns.matrix(data)
    defect = new[:, ~design.keep] - new[:, design.keep] @ from_kept
    size = np.abs(used[:, ~design.keep]).max(axis=0)
    return defect / np.where(size > 0, size, 1.0)


def _offset(fit: Fitted, offset: Any, frame: pd.DataFrame) -> np.ndarray:
    if offset is None:
        if fit.design.given_offset:
            raise DataError(
                "The model was fitted with an offset: give the new rows' with offset=…, 0 for none."
            )
        return np.zeros(len(frame))
    return given("offset", offset, frame)


def _trials(fit: Fitted, frame: pd.DataFrame) -> np.ndarray:
    """A binomial response's trials where the new data tell them, else one."""
    response = fit.spec.response
    names = response.columns if response.failures else ()
    if not names or any(name not in frame.columns for name in names):
        return np.ones(len(frame))
    return trials_of(response, look_at(frame, names))
