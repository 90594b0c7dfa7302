"""Group effects one by one, with how well each is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ..errors import DataError
from ..pictures import Picture, filled_or_hollow
from ..results import MixedFit
from ..style import LINES, colour
from ..words import count, number
from .canvas import on_axes, term_label, term_unit
from .pooling import only_group

#: More groups than this are drawn without their names.
NAMED = 40


@dataclass(frozen=True, eq=False)
class Caterpillar(Picture):
    """The conditional modes of one varying coefficient, in order of size.

    Attributes
    ----------
    table
        Groups × effect, sd (the conditional SD: given the data, b and θ), lower, upper.
    """

    table: pd.DataFrame
    group: str
    term: str
    level: float
    unit: str = ""

    @property
    def size(self) -> str:
        return "page" if len(self.table) <= 24 else "tall"

    @property
    def clear(self) -> pd.Series:
        """Which intervals leave out 0."""
        return (self.table["lower"] > 0) | (self.table["upper"] < 0)

    @property
    def alt_text(self) -> str:
        table, what = self.table, f"{term_label(self.term)} of each {self.group}"
        return (
            f"{count(len(table), 'group')} in order of their effect on the {what}, from {number(table['effect'].iloc[0])} "
            f"({table.index[0]}) to {number(table['effect'].iloc[-1])} ({table.index[-1]}), each with its {self.level:.0%} "
            f"interval given the data. {self.clear.sum()} of the intervals leave out 0."
        )

    def paint(self, ax: Axes) -> None:
        table, rows, blue = self.table, np.arange(len(self.table)), colour("group")
        small = len(table) > NAMED
        ax.axvline(0, color=colour("population"), ls=LINES["population"], lw=1.4, zorder=1)
        ax.hlines(rows, table["lower"], table["upper"], color=blue, lw=0.7 if small else 1.4, alpha=0.75)
        filled_or_hollow(ax, table["effect"], rows, self.clear, 2.5 if small else 5)
        ax.set_yticks([] if small else rows, [] if small else [str(name) for name in table.index])
        ax.set(xlabel=f"offset of the {term_label(self.term, unit=self.unit)}", ylabel=self.group)
        ax.set(ylim=(-0.8, len(table) - 0.2))
        ax.grid(axis="x")


@on_axes
def caterpillar(
    fit: MixedFit, group: str | None = None, term: str | None = None, level: float = 0.95
) -> Caterpillar:
    """The group effects ζ in order of size, each with its interval; filled where the interval leaves out 0.

    Parameters
    ----------
    fit
        A multilevel fit.
    group, term
        The grouping factor and the coefficient; by default the first that varies.
    level
        Of the intervals, from the conditional SDs: given the data, with b and θ as estimated.
    """
    group = only_group(fit, group)
    effects = fit.ranef[group]
    term = effects.columns[0] if term is None else term
    if term not in effects:
        raise DataError(f"{term!r} does not vary across {group}; these do: {', '.join(effects.columns)}.")
    table = pd.DataFrame({"effect": effects[term], "sd": fit.ranef_sd[group][term]}).sort_values("effect")
    half = norm.ppf((1 + level) / 2) * table["sd"]
    table = table.assign(lower=table["effect"] - half, upper=table["effect"] + half)
    return Caterpillar(table, group, term, level, term_unit(fit, term))
