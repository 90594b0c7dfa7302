"""New rows of data as the columns of a fitted model: X, each term's Z, and which group a row belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import Block, Columns
from ..errors import DataError, did_you_mean
from ..formula import names_in
from ..results import Fit


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
    """

    index: pd.Index
    X: np.ndarray
    Z: tuple[np.ndarray, ...] | None
    codes: tuple[np.ndarray, ...] | None
    offset: np.ndarray
    weights: np.ndarray


def rows_used(fit: Fit) -> Rows:
    """The rows the model was fitted to."""
    design = fit.design
    Z, codes = tuple(b.Z for b in design.blocks), tuple(b.codes for b in design.blocks)
    return Rows(design.rows, design.X, Z, codes, design.offset, design.weights)


def new_rows(
    fit: Fit, data, *, fixed: bool = True, random: bool = True, groups: bool = True, offset=None
) -> Rows:
    """The columns of new data.

    Parameters
    ----------
    data : DataFrame or dict
        The predictors' columns and, with `groups`, the grouping variables'. Not the response.
    fixed, random, groups
        Whether the fixed part's columns, the random terms' and the rows' groups are wanted.
    offset
        One number, or one a row; needed where the fit had one.

    Raises
    ------
    DataError
        For a column that is missing, a value that is, or a level of a predictor that the fit never saw.
    """
    data = as_frame(data)
    design = fit.design
    X = np.zeros((len(data), 0)) if not fixed else _matrix(design.columns, data)[:, design.keep]
    Z = tuple(_block_matrix(block, data) for block in design.blocks) if random else None
    codes = tuple(_codes(block, data) for block in design.blocks) if groups else None
    return Rows(data.index, X, Z, codes, _offset(fit, offset, len(data)), _trials(fit, data))


def as_frame(data) -> pd.DataFrame:
    if isinstance(data, pd.Series):
        data = data.to_frame().T.infer_objects()
    if isinstance(data, dict) and not any(np.ndim(value) for value in data.values()):
        data = {name: [value] for name, value in data.items()}
    if not isinstance(data, pd.DataFrame | dict):
        raise DataError(f"New data must be a DataFrame or a dict of columns, not {type(data).__name__}.")
    return pd.DataFrame(data)


def _matrix(columns: Columns, data: pd.DataFrame) -> np.ndarray:
    used = list(dict.fromkeys(n for term in columns.terms for factor in term for n in names_in(factor)))
    for name in used:
        _present(name, data)
        if data[name].isna().any():
            row = data.index[data[name].isna()][0]
            raise DataError(
                f"{name!r} is missing in row {row!r} of the new data: fill it in or take the row out."
            )
    return columns.matrix(data[used] if used else data)


def _present(name: str, data: pd.DataFrame) -> None:
    if name not in data.columns:
        raise DataError(
            f"The new data have no column {name!r}, which the model needs.{did_you_mean(name, data.columns)}"
        )


def _block_matrix(block: Block, data: pd.DataFrame) -> np.ndarray:
    """A `||` term's blocks share the term's columns; each takes its own."""
    places = [block.columns.names.index(name) for name in block.names]
    return _matrix(block.columns, data)[:, places]


def group_labels(block: Block, data: pd.DataFrame) -> pd.Index:
    """The group each row belongs to, as its label."""
    for name in block.factors:
        if name not in data.columns:
            raise DataError(
                f"The new data have no column {name!r} to say which group a row belongs to; for the "
                'population instead of known groups, predict takes groups="none".'
            )
        if data[name].isna().any():
            row = data.index[data[name].isna()][0]
            raise DataError(
                f"{name!r} is missing in row {row!r} of the new data: fill it in or take the row out."
            )
    if len(block.factors) == 1:
        return pd.Index(data[block.factors[0]].astype(object))
    parts = [data[name].astype(str) for name in block.factors]
    return pd.Index(parts[0].str.cat(parts[1:], sep=":"))


def _codes(block: Block, data: pd.DataFrame) -> np.ndarray:
    values = group_labels(block, data)
    codes = block.levels.astype(object).get_indexer(values)
    if (codes < 0).any():  # 308 and "308" are the same person
        codes = np.where(codes < 0, block.levels.astype(str).get_indexer(values.astype(str)), codes)
    return codes


def population_part(X: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Xb, where a coefficient may be infinite (a separated group): a row without it stays finite."""
    finite = np.isfinite(beta)
    eta = X[:, finite] @ beta[finite]
    for column, limit in zip(X[:, ~finite].T, beta[~finite], strict=True):
        eta = eta + np.where(column == 0, 0.0, np.where(column == 0, 1.0, column) * limit)
    return eta


def _offset(fit: Fit, offset, m: int) -> np.ndarray:
    if offset is None:
        if np.any(fit.design.offset != 0):
            raise DataError(
                "The model was fitted with an offset: give the new rows' with offset=…, 0 for none."
            )
        return np.zeros(m)
    return np.broadcast_to(np.asarray(offset, dtype=float), (m,))


def _trials(fit: Fit, data: pd.DataFrame) -> np.ndarray:
    """A binomial response's trials where the new data tell them, else one."""
    response = fit.spec.response
    names = names_in(response.expr) + names_in(response.failures) if response.failures else []
    if not names or any(name not in data.columns for name in names):
        return np.ones(len(data))
    successes, failures = (np.asarray(data.eval(e), dtype=float) for e in (response.expr, response.failures))
    return successes + failures
