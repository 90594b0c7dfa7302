"""The one door for data: what each column is, decided once and the same everywhere.

A column of a data frame becomes one of five kinds, whatever type it came in:

==========  ==========================================================  ====================================
kind        what it was                                                 what it is to a formula
==========  ==========================================================  ====================================
number      integers and floats of any width, nullable, Arrow,          float64
            decimals, numbers that sit in an object column
truth       true and false                                              a factor with the levels False and
                                                                        True, as in R; 0 and 1 in arithmetic
label       text, categoricals, text and numbers mixed                  a factor
ordered     ordered categoricals                                        a factor; polynomial contrasts, as R
time        dates and times, durations                                  days since 1970, as R's dates; days
==========  ==========================================================  ====================================

Whatever else there is (lists, intervals, complex numbers) can at most be a grouping variable. Fits, new rows,
offsets, weights, plots and explorations all come through `look` here and `as_frame` in `mlmkit.frames`, so that a level read back from
a file, 0 or 0.0 or "0", is the same level.
"""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from .errors import DataError


@dataclass(frozen=True, eq=False)
class Labels:
    """A factor: for each row the position of its level.

    Attributes
    ----------
    codes
        (n,) positions in `levels`, −1 where the value is missing.
    levels
        The levels in order: that of a categorical's categories, else sorted.
    ordered
        Whether the order means something, so that contrasts are polynomials.
    """

    codes: np.ndarray
    levels: pd.Index
    ordered: bool = False

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The levels as they are written: 2 and 2.0 are "2"."""
        return tuple(label_text(level) for level in self.levels)

    def take(self, rows: np.ndarray) -> Labels:
        """The same factor on some of the rows (a mask, or positions)."""
        return replace(self, codes=self.codes[rows])

    def present(self) -> Labels:
        """The same factor with only the levels that some row has."""
        found = np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels)) > 0
        if found.all():
            return self
        place = np.append(np.cumsum(found) - 1, -1)
        return replace(self, codes=place[self.codes], levels=self.levels[found])

    def positions_in(self, levels: pd.Index, texts: Iterable[str]) -> np.ndarray:
        """(n,) each row's position among levels known already, by value or as they are written; else −1."""
        place = {text: k for k, text in reversed(list(enumerate(texts)))}
        known = np.array([place.get(text, -1) for text in self.texts] + [-1], dtype=np.intp)
        return known[self.codes]


def label_text(level: Any) -> str:
    """A level as it is written in names: whole numbers without a point, whatever their type."""
    if isinstance(level, numbers.Real | Decimal) and not isinstance(level, bool | np.bool_):
        value = float(level)
        if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
    return str(level)


def shown(value: Any) -> str:
    """A value of the data as its owner would write it, without numpy's type around it, and not too long."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 60 else f"{text[:57]}…"


@dataclass(frozen=True, eq=False)
class Column:
    """A column, looked at.

    Attributes
    ----------
    name, kind
        What it is called, and which of the five kinds above it is (`"other"` for none).
    note
        A sentence to say once if the column is used as a predictor, or "".
    """

    name: str
    kind: str
    values: pd.Series = field(repr=False)
    note: str = ""
    # for what is not a number, the levels were found while looking
    coded: Labels | None = field(default=None, repr=False)

    def __len__(self):
        return len(self.values)

    @property
    def is_number(self) -> bool:
        """Whether the column enters a model as one number for each row."""
        return self.kind in ("number", "time")

    @property
    def is_duration(self) -> bool:
        return self.kind == "time" and _holds_durations(self.values)

    @property
    def what(self) -> str:
        """The kind in words; a date and a duration are told apart."""
        return DURATION if self.is_duration else WORDS[self.kind]

    @cached_property
    def labels(self) -> Labels:
        """The column as a factor."""
        if self.coded is not None:
            return self.coded
        try:
            codes, levels = pd.factorize(_in_full_precision(self.values))
        except (TypeError, NotImplementedError):
            raise DataError(
                f"{self.name!r} holds values such as {shown(_first(self.values))}, which cannot name a group or a level."
            ) from None
        coded = _sorted(codes, pd.Index(levels))
        return replace(coded, levels=whole_numbers(coded.levels)) if self.kind == "number" else coded

    @cached_property
    def numbers(self) -> np.ndarray:
        """(n,) the column as float64, NaN where it is missing.

        Raises
        ------
        DataError
            Naming the value that is no number.
        """
        if self.kind == "number":
            if self.coded is not None:
                return _at(np.array([float(level) for level in self.coded.levels]), self.coded.codes)
            if isinstance(self.values.dtype, np.dtype):  # nothing can be missing but NaN
                return self.values.to_numpy(dtype=np.float64, copy=True)
            return self.values.to_numpy(dtype=np.float64, na_value=np.nan)
        if self.kind == "truth":
            return _at(np.asarray(self.labels.levels, dtype=np.float64), self.labels.codes)
        if self.kind == "time":
            return _days(self.values)
        raise DataError(self.no_number)

    @property
    def no_number(self) -> str:
        """Why the column is no number, in a sentence."""
        if self.coded is None:
            hint = HINTS.get(type(self.values.dtype), "")
            return f"{self.name!r} is not numeric: it holds values such as {shown(_first(self.values))}.{hint}".replace(
                "NAME", repr(self.name)
            )
        if self.kind == "label" and (stray := _strays(self.coded)):
            return self.stray_sentence(stray)
        if self.numeric_text:
            return self.numeric_text
        levels = self.coded.levels
        example = shown(levels[0]) if len(levels) else "missing values only"
        text = self.kind != "label" or not len(levels) or isinstance(levels[0], str)
        kind = WORDS[self.kind] if text else "a categorical"
        return f"{self.name!r} is not numeric: it is {kind} and has the value {example}."

    def stray_sentence(self, stray: _Stray) -> str:
        row = self.values.index[int(np.flatnonzero(self.coded.codes == stray.first)[0])]
        return (
            f"{self.name!r} is text: {stray.n_numbers} of its {stray.n} values are numbers, "
            f"{shown(self.coded.levels[stray.first])} (row {shown(row)}) is not. Correct it or make it missing: "
            f"data[{self.name!r}] = pd.to_numeric(data[{self.name!r}], errors='coerce')."
        )

    @property
    def stray(self) -> str:
        """A sentence where text looks like a column of numbers with a few values that are none; else ""."""
        if self.kind != "label" or not isinstance(self.coded, Labels):
            return ""
        found = _strays(self.coded)
        return self.stray_sentence(found) if found and found.is_rare else ""

    @property
    def numeric_text(self) -> str:
        """A sentence where text holds nothing but numbers, which may have decimal commas; else ""."""
        if self.kind != "label" or self.coded is None or isinstance(self.values.dtype, pd.CategoricalDtype):
            return ""
        texts = [str(text) for text in self.coded.present().levels]
        comma = any("," in text for text in texts)
        if len(texts) < 3 or not all(_NUMERIC.fullmatch(text.replace(",", ".", 1)) for text in texts):
            return ""
        values = f"data[{self.name!r}]" + (".str.replace(',', '.')" if comma else "")
        return (
            f"{self.name!r} is text, though all of its values are numbers, such as {texts[-1]!r}. To have them as numbers "
            f"write data[{self.name!r}] = pd.to_numeric({values})."
        )

    @cached_property
    def missing(self) -> np.ndarray:
        """(n,) where there is no value."""
        if self.kind == "number" and self.coded is None:
            if isinstance(self.values.dtype, np.dtype) and self.values.dtype.kind in "iu":
                return np.zeros(len(self.values), dtype=bool)
            return np.isnan(self.numbers)
        if self.coded is not None:
            return self.coded.codes < 0
        return self.values.isna().to_numpy()

    def take(self, rows: np.ndarray) -> Column:
        """The same column on some of the rows (a mask, or positions)."""
        coded = None if self.coded is None else self.coded.take(rows)
        return replace(self, values=self.values[rows], coded=coded)


WORDS = {
    "number": "a number",
    "truth": "true or false",
    "label": "text",
    "ordered": "an ordered factor",
    "time": "a date or time",
    "other": "neither number nor text",
}

DATE, DURATION = WORDS["time"], "a duration"

#: What to write instead of columns that have no number and no label of their own.
HINTS: dict[type, str] = {
    pd.PeriodDtype: " For a slope per day write data[NAME] = data[NAME].dt.to_timestamp(), for levels C(…).",
    pd.IntervalDtype: " For their middles write data[NAME] = data[NAME].array.mid, for levels C(…).",
}


# -- looking at a column ----------------------------------------------------------------------------------


def look(name: str, values: pd.Series) -> Column:
    """What a column is.

    Parameters
    ----------
    name
        What it is called in messages.
    values
        The column, of any type.
    """
    dtype = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iufO":  # of most columns the letter says it
        return _by_values(name, values) if dtype.kind == "O" else Column(name, "number", values)
    if isinstance(dtype, pd.SparseDtype):
        values = values.sparse.to_dense()
        dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(name, values)
    if types.is_complex_dtype(dtype) or isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        return Column(name, "other", values)
    if types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype):
        return Column(name, "number", values)
    if types.is_datetime64_any_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return Column(name, "time", values, _time_note(name, types.is_timedelta64_dtype(dtype)))
    return _by_values(name, values)


def _categorical(name: str, values: pd.Series) -> Column:
    codes, levels = values.cat.codes.to_numpy(), values.cat.categories
    if levels.dtype == bool:
        return Column(name, "truth", values, coded=Labels(codes, levels))
    ordered = bool(values.cat.ordered)
    return Column(name, "ordered" if ordered else "label", values, coded=Labels(codes, levels, ordered))


def _by_values(name: str, values: pd.Series) -> Column:
    """A column whose type says little (object, text, Arrow's): its different values say what it is."""
    try:
        if values.dtype == object:
            values.isna()  # which a decimal that compares with nothing refuses
        codes, found = pd.factorize(values)
    except (TypeError, NotImplementedError):  # lists and the like cannot be told apart by value
        return Column(name, "other", values)
    except ArithmeticError:
        raise DataError(
            f"{name!r} holds a decimal that compares with nothing (sNaN): make it missing."
        ) from None
    levels = pd.Index(found)
    distinct = list(levels.astype(object))
    of_each_type = {type(value): value for value in distinct}
    kinds = frozenset(map(_kind_of, of_each_type.values()))
    if kinds in ({"date"}, {"duration"}):
        return Column(name, "time", values, _time_note(name, kinds == {"duration"}))
    if kinds <= {"text"}:
        return Column(name, "label", values, coded=_in_order(codes, levels, distinct))
    if kinds == {"truth"}:
        return Column(name, "truth", values, coded=_in_order(codes, levels.astype(bool), distinct))
    if kinds <= {"number", "truth"}:
        note = f"{name!r} came as Python objects that are all numbers, and was taken as numbers."
        coded = _in_order(codes, levels, [float(value) for value in distinct])
        return Column(name, "number", values, note, replace(coded, levels=whole_numbers(coded.levels)))
    if kinds <= {"text", "number", "truth"}:
        return Column(name, "label", values, coded=_as_text(codes, levels))
    return Column(name, "other", values, coded=_in_order(codes, levels, [str(value) for value in distinct]))


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool | np.bool_):
        return "truth"
    if isinstance(value, numbers.Real | Decimal):
        return "number"
    if isinstance(value, datetime.date | np.datetime64):
        return "date"
    return "duration" if isinstance(value, datetime.timedelta | np.timedelta64) else "other"


def _in_order(codes: np.ndarray, levels: pd.Index, keys: list) -> Labels:
    """A factor with its levels sorted by these keys."""
    return _arranged(codes, levels, np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.intp))


def _sorted(codes: np.ndarray, levels: pd.Index) -> Labels:
    try:
        order = levels.argsort()
    except (TypeError, NotImplementedError):  # values of several types, in the order of their texts
        return _in_order(codes, levels, [str(level) for level in levels.astype(object)])
    return _arranged(codes, levels, order)


def _arranged(codes: np.ndarray, levels: pd.Index, order: np.ndarray) -> Labels:
    place = np.full(len(levels) + 1, -1, dtype=np.intp)
    place[order] = np.arange(len(levels))
    return Labels(place[codes], levels.take(order))


def _as_text(codes: np.ndarray, levels: pd.Index) -> Labels:
    """Text and numbers in one column: both as text, so that 1 and "1" are one level."""
    place, distinct = pd.factorize(pd.Index([label_text(level) for level in levels]))
    return _in_order(np.append(place, -1)[codes], pd.Index(distinct), list(distinct))


def whole_numbers(levels: Any) -> pd.Index:
    """Whole numbers as integers: one missing value turns ids into floats, but they are the same ids."""
    levels = pd.Index(levels)
    if types.is_integer_dtype(levels.dtype):
        return levels.astype(np.int64) if not len(levels) or levels[-1] < 2**63 else levels
    values = levels.to_numpy(dtype=np.float64)
    if np.all(np.abs(values) < 2**53) and np.all(values == np.round(values)):
        return pd.Index(values.astype(np.int64))
    return pd.Index(values)


#: Types with half the digits, or a quarter, by name.
HALF = {
    "float16": "float16",
    "halffloat[pyarrow]": "float16",
    "float32": "float32",
    "Float32": "float32",
    "float[pyarrow]": "float32",
}


def _in_full_precision(values: pd.Series) -> pd.Series:
    """Numbers of half the digits as what they are written as: 0.1 is the same level in float32 and float64."""
    half = HALF.get(str(values.dtype))
    if half is None:
        return values
    codes, found = pd.factorize(values.to_numpy(dtype=half, na_value=np.nan).astype(np.float64))
    exact = [float(str(level)) for level in found.astype(half)]
    return pd.Series(_at(np.array(exact), codes), values.index)


# -- times ------------------------------------------------------------------------------------------------


def _time_note(name: str, duration: bool) -> str:
    if duration:
        return f"{name!r} is a duration and was taken as a number of days."
    return f"{name!r} is a date or time and was taken as days since 1970-01-01, so that its slope is per day."


def _holds_durations(values: pd.Series) -> bool:
    """Of a column of times, whether they are durations."""
    return types.is_timedelta64_dtype(values.dtype) or isinstance(_first(values), datetime.timedelta)


def _days(values: pd.Series) -> np.ndarray:
    """Days since 1970 of dates, or days of durations, as R counts them; NaN where missing."""
    if _holds_durations(values):
        return (pd.to_timedelta(values) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64, na_value=np.nan)
    try:
        moments = pd.to_datetime(values, utc=True)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{values.name!r} holds dates that cannot be read together: {error}.") from None
    since = moments - pd.Timestamp("1970-01-01", tz="UTC")
    return (since / pd.Timedelta(days=1)).to_numpy(dtype=np.float64, na_value=np.nan)


def day_of(text: str) -> float:
    """Days since 1970 of a date written in a formula, `"2020-05-01"`; NaN if it is no date."""
    moment = pd.to_datetime(text, errors="coerce", utc=True)
    return float((moment - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1))


# -- text that is nearly numbers ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stray:
    """A column of text most of whose values are numbers: how many, and the first level that is none."""

    n: int
    n_numbers: int
    n_different: int
    first: int

    @property
    def is_rare(self) -> bool:
        """Whether this looks like a slip in a column of numbers, not like a factor with a level "10+"."""
        return self.n_different >= 3 and self.n - self.n_numbers <= max(1, self.n // 10)


_NUMERIC = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*")


def _strays(labels: Labels) -> _Stray | None:
    numeric = np.array([_NUMERIC.fullmatch(text) is not None for text in labels.texts], dtype=bool)
    if numeric.all() or not numeric.any():
        return None
    counts = np.bincount(labels.codes[labels.codes >= 0], minlength=len(numeric))
    stray = np.flatnonzero(~numeric & (counts > 0))
    if 2 * counts[numeric].sum() <= counts.sum() or not len(stray):
        return None
    return _Stray(
        int(counts.sum()), int(counts[numeric].sum()), int(np.count_nonzero(counts[numeric])), int(stray[0])
    )


# -- small helpers ----------------------------------------------------------------------------------------


def _at(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.append(values, np.nan)[codes]


def _first(values: pd.Series) -> Any:
    there = values[values.notna()]
    return there.iloc[0] if len(there) else None
