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

ACCEPTED = "The data must be a pandas DataFrame or another table, such as one of polars or a dict of columns"


def as_frame(data: Any, names: Iterable[str] = (), what: str = ACCEPTED) -> pd.DataFrame:
    """Any data frame as a pandas one whose columns have text for names.

    Parameters
    ----------
    data
        A pandas, polars or pyarrow table, or whatever narwhals reads; a dict of columns; a record array.
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
    if isinstance(data, Mapping) or (isinstance(data, np.ndarray) and data.dtype.names):
        data = _from_columns(data)
    frame, names = data if isinstance(data, pd.DataFrame) else _from_another(data, what), tuple(names)
    if frame.columns.nlevels > 1:
        raise DataError(
            "The columns' names have several levels; make one of them: "
            "data.columns = ['_'.join(map(str, name)) for name in data.columns]."
        )
    if all(isinstance(name, str) and name.isascii() for name in (*frame.columns, *names)):
        return frame  # of these every letter has one encoding
    wanted = {unicodedata.normalize("NFKC", name): name for name in names}
    found = [str(name) for name in frame.columns]
    here = set(found)
    spelled = [
        name if wanted.get(normal := unicodedata.normalize("NFKC", name), name) in here else wanted[normal]
        for name in found
    ]
    if spelled == list(frame.columns):
        return frame
    return frame.set_axis(spelled, axis=1)


def _from_columns(data: Any) -> pd.DataFrame:
    """A dict of columns, or a structured array."""
    if isinstance(data, np.ma.MaskedArray):
        raise DataError(
            "A masked record array does not say what is missing to pandas: fill it with NaN first."
        )
    try:
        return pd.DataFrame(data if isinstance(data, np.ndarray) else dict(data))
    except (ValueError, TypeError) as error:
        raise DataError(f"The columns do not go together: {error}.") from None


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
        frame = table.to_pandas()
    except ImportError:  # polars needs pyarrow for that
        frame = pd.DataFrame({name: table[name].to_numpy() for name in table.columns})
    try:
        is_polars = table.implementation.is_polars()
    except NotImplementedError:  # of a table that has nothing but the interchange protocol
        is_polars = False
    if not is_polars:
        return frame
    kinds = {name: table.schema[name] for name in table.columns}
    factors = [name for name, kind in kinds.items() if kind in (nw.Categorical, nw.Enum)]
    return frame.assign(
        **{name: _polars_factor(table[name], nw.String, kinds[name] == nw.Enum) for name in factors}
    )


def _polars_factor(column: Any, text: Any, in_order: bool) -> pd.Categorical:
    """An Enum's levels have an order; those of a Categorical are in alphabetical order, as polars sorts them, not in
    that in which it happened to meet them."""
    levels = column.cat.get_categories().to_list()
    values = column.cast(text).to_list()
    return pd.Categorical(values, levels if in_order else sorted(levels), ordered=in_order)


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
        hint = in_the_index(name, frame) or did_you_mean(name, frame.columns)
        if new:
            raise DataError(f"The new data have no column {name!r}, which the model needs.{hint}")
        raise DataError(f"{role} {name!r} is not a column of the data.{hint}")


def in_the_index(name: str, frame: pd.DataFrame) -> str:
    """A sentence where a name that is no column belongs to the index; else ""."""
    if name not in map(str, frame.index.names):
        return ""
    return " It is in the index: write data.reset_index() first."


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


def only_column(value: Any) -> Any:
    """The column of a table that has one, as `data[["w"]]` and `simulate()` give it; anything else as it is."""
    if getattr(value, "ndim", 1) != 2 and not hasattr(value, "columns"):
        return value
    if np.ndim(value) != 2 or np.shape(value)[1] != 1:
        return value
    return value.iloc[:, 0] if isinstance(value, pd.DataFrame) else np.asarray(value)[:, 0]


def given(name: str, value: Any, data: pd.DataFrame) -> np.ndarray | None:
    """Weights or an offset as one number for each row of the data."""
    if value is None:
        return None
    called, value = name, only_column(value)
    if isinstance(value, str):
        called = value
        frame = as_frame(data, [value])
        check_there([value], frame, f"The {name}")
        value = frame[value]
    elif isinstance(value, pd.Series) and _same_rows(value.index, data.index):
        value = value.reindex(data.index)
    elif np.ndim(value) == 0:
        value = np.full(len(data), value)
    if np.ndim(value) != 1 or len(value) != len(data):
        raise DataError(f"There are {np.size(value)} {name} for {len(data)} rows; give one for each row.")
    column = look(called, value if isinstance(value, pd.Series) else pd.Series(np.asarray(value)))
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
