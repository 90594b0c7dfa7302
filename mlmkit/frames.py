"""Tables of data, of whatever library, as pandas frames; the columns that a model uses, looked at."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .columns import Column, look
from .errors import DataError, did_you_mean

ACCEPTED = "The data must be a pandas DataFrame or another table, such as one of polars"


def as_frame(data: Any, names: Iterable[str] = (), what: str = ACCEPTED) -> pd.DataFrame:
    """Any data frame as a pandas one whose columns have text for names.

    Parameters
    ----------
    data
        A pandas, polars or pyarrow table, or whatever narwhals reads.
    names
        The names wanted, as a formula spells them: a column that differs only in how a letter is encoded ("µ"
        has two code points, "é" may be two characters) is given that spelling.
    what
        The sentence that says what is accepted, up to its comma.

    Raises
    ------
    DataError
        If it is no table, or a lazy one.
    """
    frame = data if isinstance(data, pd.DataFrame) else _from_another(data, what)
    wanted = {unicodedata.normalize("NFKC", name): name for name in names}
    found = [str(name) for name in frame.columns]
    here = set(found)
    spelled = [
        name if wanted.get(normal := unicodedata.normalize("NFKC", name), name) in here else wanted[normal]
        for name in found
    ]
    if all(new is old or new == old for new, old in zip(spelled, frame.columns, strict=True)):
        return frame
    return frame.set_axis(spelled, axis=1)


def _from_another(data: Any, what: str) -> pd.DataFrame:
    import narwhals.stable.v1 as nw  # only for who brings another table

    try:
        table = nw.from_native(data, eager_or_interchange_only=True)
    except TypeError:
        lazy = nw.from_native(data, pass_through=True)
        if isinstance(lazy, nw.LazyFrame):
            raise DataError("A lazy frame holds no data yet: call its collect() first.") from None
        raise DataError(f"{what}, not {type(data).__name__}.") from None
    try:
        return table.to_pandas()
    except ImportError:  # polars needs pyarrow for that
        return pd.DataFrame({name: table[name].to_numpy() for name in table.columns})


def check_there(
    names: Iterable[str], frame: pd.DataFrame, role: str = "The column", new: bool = False
) -> None:
    """Refuse names that are no column, that are in the index, or that two columns have.

    Parameters
    ----------
    names, frame
        The columns wanted, and where.
    role
        What messages call such a column: "The predictor".
    new
        Whether these are new rows for a model that is there already.
    """
    whose = "The new data" if new else "The data"
    there = frame.columns.tolist()
    for name in names:
        found = there.count(name)
        if found == 1:
            continue
        if found > 1:
            raise DataError(f"{whose} have two columns named {name!r}: rename one of them.")
        hint = did_you_mean(name, frame.columns)
        if name in map(str, frame.index.names):
            hint = " It is in the index: write data.reset_index() first."
        if new:
            raise DataError(f"The new data have no column {name!r}, which the model needs.{hint}")
        raise DataError(f"{role} {name!r} is not a column of the data.{hint}")


@dataclass(frozen=True, eq=False)
class Table:
    """The columns that a model uses, looked at, over the same rows."""

    columns: Mapping[str, Column]
    index: pd.Index

    def __len__(self):
        return len(self.index)

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def take(self, rows: np.ndarray) -> Table:
        return Table({name: column.take(rows) for name, column in self.columns.items()}, self.index[rows])

    def missing(self, names: Iterable[str]) -> np.ndarray:
        """(n,) where one of these columns has no value."""
        gone = np.zeros(len(self), dtype=bool)
        for name in names:
            gone |= self[name].missing
        return gone


def look_at(frame: pd.DataFrame, names: Iterable[str]) -> Table:
    """These columns of a frame, each looked at once."""
    return Table({name: look(name, frame[name]) for name in dict.fromkeys(names)}, frame.index)


def given(name: str, value: Any, data: pd.DataFrame) -> np.ndarray | None:
    """Weights or an offset as one number for each row of the data."""
    if value is None:
        return None
    called = name
    if isinstance(value, str):
        called = value
        frame = as_frame(data, [value])
        check_there([value], frame, f"The {name}")
        value = frame[value]
    elif isinstance(value, pd.Series) and _same_rows(value.index, data.index):
        value = value.reindex(data.index)
    elif np.ndim(value) == 0:
        value = np.full(len(data), value)
    values = pd.Series(np.asarray(value) if not isinstance(value, pd.Series) else value)
    if len(values) != len(data) or np.ndim(value) != 1:
        raise DataError(f"There are {np.size(value)} {name} for {len(data)} rows; give one for each row.")
    column = look(called, values)
    if not column.is_number and column.kind != "truth":
        raise DataError(f"The {name} are not numbers: {column.no_number}")
    return column.numbers


def _same_rows(one: pd.Index, other: pd.Index) -> bool:
    """Whether two unique indices hold the same rows, in whatever order."""
    return (
        len(one) == len(other)
        and not one.equals(other)
        and one.is_unique
        and other.is_unique
        and one.sort_values().equals(other.sort_values())
    )
