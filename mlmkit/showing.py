"""`show(table)`: a table as a page shows it, rounded, with the same digits on every machine.

A table is made into text cells once (`Sheet`), and rendered as text and as HTML.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

from .errors import DataError
from .habits import answers

#: Columns of p values, by the names that this package, R and broom give them.
P_VALUE = re.compile(r"p|p[ ._]?values?|Pr\(.*\)|.*p value", re.IGNORECASE)
MISSING = "–"


@answers
def show(table: Any, digits: int | Mapping[Hashable, int] = 3, *, index: bool = True) -> None:
    """Show a table with rounded numbers; in a notebook as HTML, elsewhere as text.

    Parameters
    ----------
    table
        A DataFrame, a Series, or an object of this package that carries a `.table`; several of them in a list, or in a
        dict by their titles, are shown side by side.
    digits
        Decimals of every number, or a dict by column name (others get 3). Whole numbers get none; a p value that
        would round to 0 is shown as `<0.001`.
    index
        Whether to show the row labels.

    Raises
    ------
    DataError
        If it is no table.

    Examples
    --------
    >>> show(pd.DataFrame({"estimate": [251.405, 10.467]}, index=["Intercept", "Days"]), 2)
               estimate
    Intercept    251.41
    Days          10.47
    """
    shown = Sheets(tuple(_sheets(table, digits, index)))
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and hasattr(shell, "kernel"):
        shell.display_pub.publish({"text/plain": str(shown), "text/html": shown.html()})
    else:
        print(shown)


@dataclass(frozen=True)
class Sheet:
    """A table as text.

    Attributes
    ----------
    title
        What stands above it; may be empty.
    heads
        Rows of column heads, one for each level of the columns' names.
    rows
        The cells, row by row.
    labels
        How many of the first columns are row labels.
    left
        For each column, whether it is aligned to the left.
    """

    title: str
    heads: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int
    left: tuple[bool, ...]

    def __str__(self) -> str:
        everything = [*map(_once, self.heads[:-1]), self.heads[-1], *self.rows]
        widths = [max(len(row[k]) for row in everything) for k in range(len(self.left))]
        lines = (
            "  ".join(
                cell.ljust(width) if left else cell.rjust(width)
                for cell, width, left in zip(row, widths, self.left, strict=True)
            )
            for row in everything
        )
        return "\n".join(line.rstrip() for line in ([self.title] if self.title else []) + list(lines))

    def html(self) -> str:
        """The table as HTML, with heads that a screen reader can tell from cells."""
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        upper = (_spanning_heads(row) for row in self.heads[:-1])
        lowest = (_head(name, _align(left)) for name, left in zip(self.heads[-1], self.left, strict=True))
        heads = "".join(f"<tr>{row}</tr>" for row in (*upper, "".join(lowest)))
        rows = "".join(f"<tr>{self._cells(row)}</tr>" for row in self.rows)
        return f'<table class="mlmkit-table">{caption}<thead>{heads}</thead><tbody>{rows}</tbody></table>'

    def _cells(self, row: tuple[str, ...]) -> str:
        kinds = ["th scope='row'" if k < self.labels and cell else "td" for k, cell in enumerate(row)]
        return "".join(
            f"<{kind}{_align(left)}>{escape(cell)}</{kind[:2]}>"
            for kind, cell, left in zip(kinds, row, self.left, strict=True)
        )


@dataclass(frozen=True)
class Sheets:
    """Tables that are shown together: below one another as text, side by side in a notebook."""

    sheets: tuple[Sheet, ...]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.sheets))

    def html(self) -> str:
        """The tables as HTML, side by side where the page is wide enough."""
        if len(self.sheets) == 1:
            return self.sheets[0].html()
        style = "display: inline-block; vertical-align: top; margin-right: 2.5em"
        return "".join(f'<div style="{style}">{sheet.html()}</div>' for sheet in self.sheets)


# ---- from tables to text -------------------------------------------------------------------------------


def _sheets(table: Any, digits: int | Mapping[Hashable, int], index: bool) -> Iterable[Sheet]:
    if isinstance(table, Mapping):
        return (_sheet(_frame(one), digits, index, str(title)) for title, one in table.items())
    tables = table if isinstance(table, list | tuple) else [table]
    return (_sheet(_frame(one), digits, index, "") for one in tables)


def _frame(table: Any) -> pd.DataFrame:
    table = getattr(table, "table", table)
    if isinstance(table, pd.Series):
        return table.to_frame(name="" if table.name is None else table.name)
    if isinstance(table, pd.DataFrame):
        return table
    raise DataError(
        "show() takes a table: a DataFrame, a Series, or several of them in a list or, by title, in a dict; "
        f"this is a {type(table).__name__}."
    )


def _sheet(table: pd.DataFrame, digits: int | Mapping[Hashable, int], index: bool, title: str) -> Sheet:
    labels = [_labels(table.index.get_level_values(k)) for k in range(table.index.nlevels)] if index else []
    for level in labels[:-1]:
        level[:] = _once(level)
    columns = [_texts(table.iloc[:, k], _digits_of(table.columns[k], digits)) for k in range(table.shape[1])]
    rows = tuple(zip(*labels, *columns, strict=True))
    left = [True] * len(labels) + [not is_numeric_dtype(dtype) for dtype in table.dtypes]
    names = [str(name) if name is not None else "" for name in table.index.names] if index else []
    return Sheet(title, tuple(_heads(table.columns, names)), rows, len(labels), tuple(left))


def _digits_of(column: Hashable, digits: int | Mapping[Hashable, int]) -> int:
    return digits.get(column, 3) if isinstance(digits, Mapping) else digits


def _heads(columns: pd.Index, labels: list[str]) -> Iterable[tuple[str, ...]]:
    """The rows of heads: one for each level of the columns' names, the labels' names beside the last."""
    for k in range(columns.nlevels):
        beside = labels if k == columns.nlevels - 1 else [""] * len(labels)
        yield (*beside, *map(str, columns.get_level_values(k)))


def _labels(values: pd.Index) -> list[str]:
    return _texts(values.to_series(), 3)


def _once(level: Iterable[str]) -> tuple[str, ...]:
    """Each label where it first stands, and nothing where it repeats itself."""
    return tuple(label if k == 0 else "" for label, run in groupby(level) for k, _ in enumerate(run))


def _texts(column: pd.Series, digits: int) -> list[str]:
    """A column's cells as text."""
    if is_bool_dtype(column.dtype):
        return [MISSING if pd.isna(it) else "yes" if it else "no" for it in column]
    if not is_numeric_dtype(column.dtype):
        return [_text(it, digits) for it in column]
    numbers = [float(it) if pd.notna(it) else math.nan for it in column]
    whole = is_integer_dtype(column.dtype) or all(it == round(it) for it in numbers if math.isfinite(it))
    name = column.name[-1] if isinstance(column.name, tuple) else column.name
    smallest = 10.0**-digits if P_VALUE.fullmatch(str(name)) else 0.0
    return [_number(it, 0 if whole else digits, smallest) for it in numbers]


def _text(it: Any, digits: int) -> str:
    """A cell of a column that holds words, or words and numbers."""
    if isinstance(it, str):
        return it
    if isinstance(it, bool):
        return "yes" if it else "no"
    if isinstance(it, float | int):
        return _number(float(it), digits if isinstance(it, float) else 0, 0.0)
    return MISSING if it is None or it is pd.NA or it is pd.NaT else str(it)


def _number(it: float, decimals: int, smallest: float) -> str:
    if not math.isfinite(it):
        return MISSING if math.isnan(it) else "∞" if it > 0 else "-∞"
    if 0 < it < smallest:
        return f"<{smallest:g}"
    text = f"{it:.{decimals}f}"
    return text[1:] if float(text) == 0 and text[0] == "-" else text


# ---- HTML ----------------------------------------------------------------------------------------------


def _spanning_heads(row: tuple[str, ...]) -> str:
    """Heads of an upper level, each once over all its columns."""
    runs = ((name, len(list(run))) for name, run in groupby(row))
    return "".join(_head(name, f' colspan="{span}" style="text-align: center"') for name, span in runs)


def _head(name: str, attributes: str) -> str:
    """A head; one without words is no head."""
    kind, scope = ("th", ' scope="col"') if name else ("td", "")
    return f"<{kind}{scope}{attributes}>{escape(name)}</{kind}>"


def _align(left: bool) -> str:
    return f' style="text-align: {"left" if left else "right"}"'
