"""Tables of estimates as pictures: means and slopes as points or lines with intervals, contrasts row by row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ..pictures import Picture, filled_or_hollow
from ..style import COLOURS, MUTED
from ..words import count, listed, number
from .estimated import in_words

#: How the levels that lie beside each other are told apart: by colour, marker and line.
ROLES = ("group", "group2", "group3", "population", "flat")
SHAPES, STROKES = "os^Dv", ("-", "--", ":", "-.", (0, (6, 2, 1, 2, 1, 2)))


@dataclass(frozen=True, eq=False)
class EstimatesPicture(Picture):
    """What every picture of a table of estimates knows.

    Attributes
    ----------
    table
        The table, labels first.
    variables
        The columns of its labels.
    axis
        What the estimates are, with their units.
    level
        Of the intervals.
    labels
        Other words for variables and levels.
    """

    table: pd.DataFrame
    variables: tuple[str, ...]
    axis: str
    level: float
    labels: Mapping[str, str] = field(default_factory=dict)

    def word(self, value) -> str:
        text = in_words(value)
        return str(self.labels.get(text, text))

    @property
    def drawn(self) -> pd.DataFrame:
        """The rows that are known."""
        return self.table[self.table["estimate"].notna()]

    @property
    def interval_words(self) -> str:
        return f"each with its {self.level:.0%} interval"


@dataclass(frozen=True, eq=False)
class MarginsPicture(EstimatesPicture):
    """Means or slopes: along a number as lines with bands, beside each other as points with bars.

    The horizontal axis is the first number with several values, or else the first variable; what the others say
    apart is told by colour, marker and line.
    """

    @property
    def x(self) -> str | None:
        """What lies on the horizontal axis."""
        numbers = [name for name in self.variables if self._is_number(name)]
        return (*numbers, *self.variables, None)[0]

    def _is_number(self, name: str) -> bool:
        values = self.table[name]
        return is_numeric_dtype(values) and not is_bool_dtype(values) and values.nunique() > 1

    @property
    def series(self) -> dict[str, pd.DataFrame]:
        """The rows that are drawn alike, by what they are called."""
        others = [name for name in self.variables if name != self.x]
        if not others:
            return {"": self.drawn}
        names = self.drawn[others].map(self.word).agg(", ".join, axis=1)
        return {name: self.drawn[names == name] for name in dict.fromkeys(names)}

    @property
    def alt_text(self) -> str:
        rows = self.drawn
        along = f" by {listed(map(self.word, self.variables))}" if self.variables else ""
        low, high = rows["estimate"].idxmin(), rows["estimate"].idxmax()
        return (
            f"{count(len(rows), 'estimate')} of the {self.axis}{along}, {self.interval_words}: from "
            f"{number(rows.loc[low, 'estimate'])} ({low}) to {number(rows.loc[high, 'estimate'])} ({high})."
        )

    def paint(self, ax: Axes) -> None:
        series, lines = self.series, self.x is not None and self._is_number(self.x)
        levels = (
            {} if lines or self.x is None else {v: k for k, v in enumerate(dict.fromkeys(self.table[self.x]))}
        )
        shifts = np.zeros(len(series)) if lines else (np.arange(len(series)) - (len(series) - 1) / 2) * 0.14
        for k, (name, rows) in enumerate(series.items()):
            style = _style(k, lines)
            if lines:
                places = rows[self.x].to_numpy(dtype=float)
                ax.fill_between(
                    places, rows["conf.low"], rows["conf.high"], color=style["color"], alpha=0.15, lw=0
                )
            else:
                places = (
                    rows[self.x].map(levels).to_numpy(float) if self.x else np.zeros(len(rows))
                ) + shifts[k]
                ax.vlines(places, rows["conf.low"], rows["conf.high"], color=style["color"], lw=1.4)
            ax.plot(places, rows["estimate"], label=name, **style)
        if levels:
            ax.set_xticks(list(levels.values()), [self.word(level) for level in levels])
        if not lines:
            ax.set_xlim(-0.6, max(len(levels), 1) - 0.4)
        ax.set(ylabel=self.axis, xlabel="" if self.x is None else self.word(self.x))
        if self.x is None:
            ax.set_xticks([])
        ax.grid(axis="y")
        self._key(ax, len(series))

    def _key(self, ax: Axes, n: int) -> None:
        """The key above the picture, clear of what it shows."""
        others = [self.word(name) for name in self.variables if name != self.x]
        if others:
            ax.legend(
                title=", ".join(others),
                loc="lower left",
                bbox_to_anchor=(0, 1.0),
                ncols=min(n, 3),
                alignment="left",
                borderaxespad=0.2,
            )


def _style(k: int, lines: bool) -> dict:
    return {
        "color": COLOURS[ROLES[k % len(ROLES)]],
        "marker": SHAPES[k % len(SHAPES)],
        "ls": STROKES[(k // len(ROLES) + k) % len(STROKES)] if lines else "",
    }


@dataclass(frozen=True, eq=False)
class ContrastsPicture(EstimatesPicture):
    """Contrasts row by row, with their intervals and a line where there is no difference.

    Attributes
    ----------
    nothing
        The value that says no difference: 0, or 1 for a ratio, whose axis is then logarithmic.
    """

    nothing: float = 0.0

    @property
    def size(self) -> tuple[float, float]:
        return 6.4, max(2.2, 0.9 + 0.32 * len(self.table))

    @property
    def alt_text(self) -> str:
        rows = self.drawn
        clear = (rows["conf.low"] > self.nothing) | (rows["conf.high"] < self.nothing)
        parts = "; ".join(f"{name} {number(value)}" for name, value in rows["estimate"].head(12).items())
        return (
            f"{count(len(rows), 'contrast')} ({self.axis}), {self.interval_words}: {parts}. "
            f"{clear.sum()} of the intervals leave out {self.nothing:g}."
        )

    def paint(self, ax: Axes) -> None:
        rows = self.drawn
        places, blue = np.arange(len(rows))[::-1], COLOURS["group"]
        clear = ((rows["conf.low"] > self.nothing) | (rows["conf.high"] < self.nothing)).to_numpy()
        ax.axvline(self.nothing, color=MUTED, lw=1.0, zorder=1)
        ax.hlines(places, rows["conf.low"], rows["conf.high"], color=blue, lw=1.4)
        filled_or_hollow(ax, rows["estimate"], places, clear, 6)
        if self.nothing == 1:
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5), numticks=9))
            ax.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
            ax.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
        labels = [self._row(row) for row in rows[list(self.variables)].itertuples(index=False)]
        ax.set_yticks(places, labels)
        ax.set(xlabel=self.axis, ylim=(-0.7, len(rows) - 0.3))
        ax.grid(axis="x")

    def _row(self, row) -> str:
        """ "Low − Control, Female": a minus is drawn as one."""
        contrast, *split = row
        words = [self.labels.get(part, part) for part in re.split(r"( [-/] )", str(contrast))]
        named = zip(self.variables[1:], split, strict=True)
        where = [
            self.word(v) if isinstance(v, str) else f"{self.word(name)} {self.word(v)}" for name, v in named
        ]
        return ", ".join(["".join(words).replace(" - ", " − "), *where])
