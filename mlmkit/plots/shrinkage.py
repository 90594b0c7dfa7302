"""Shrinkage seen: every group's flat estimate joined to its multilevel one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from ..errors import DataError
from ..pictures import Picture
from ..results import FlatFit, MixedFit
from ..style import INK, LINES, MARKERS, PAPER, RULE, colour
from ..words import count, listed, number
from .canvas import column_label, on_axes, term_label, term_unit
from .labels import place_labels
from .pooling import arms, no_pooling, only_group

#: Of more groups than this, some are drawn in colour, from the lowest to the highest, and the others in grey.
MOST_LINES = 90
TELLING = 20


@dataclass(frozen=True, eq=False)
class Shrinkage(Picture):
    """Each group's estimate without pooling and with partial pooling.

    Attributes
    ----------
    table
        Groups × flat, multilevel, n (how much data the group has: rows, or trials of a binomial response), arm
        (the group's treatment, sector, ... where the model has such a factor, else "").
    centre
        What complete pooling of the multilevel model's kind gives: the population's value.
    quantity
        What is estimated, in words: the vertical axis.
    labelled
        Groups to name in the picture.
    """

    table: pd.DataFrame
    centre: float
    group: str
    quantity: str
    labelled: tuple = ()
    factor: str = ""
    size = "page"

    @property
    def arms(self) -> dict:
        """The role in the house style of each arm; one role, under "", where the groups are all of a kind."""
        kinds = sorted(self.table["arm"].unique(), key=str)
        return dict(zip(kinds, ("multilevel", "group2", "group3"), strict=False))

    @property
    def pulled(self) -> pd.Series:
        """The share of the way from the flat estimate to the centre that each group is moved; NaN at the centre."""
        gap = self.table["flat"] - self.centre
        return (self.table["flat"] - self.table["multilevel"]) / gap.where(gap != 0)

    @property
    def alt_text(self) -> str:
        flat, multilevel = self.table["flat"], self.table["multilevel"]
        closer = ((multilevel - self.centre).abs() < (flat - self.centre).abs()).sum()
        return (
            f"Two columns of points, one for each of {count(len(flat), 'group')} of {self.group}, joined by lines: the "
            f"{self.quantity} estimated flat runs from {number(flat.min())} to {number(flat.max())}, multilevel from "
            f"{number(multilevel.min())} to {number(multilevel.max())}. {closer} of {len(flat)} move towards the "
            f"population's {number(self.centre)}, half of them by {number(100 * self.pulled.median())}% of the way or more.{self._arms_in_words()}"
        )

    @property
    def telling(self) -> pd.Series:
        """Which groups are drawn in colour: all, or some of many, evenly spread from the lowest to the highest."""
        if len(self.table) <= MOST_LINES:
            return pd.Series(True, self.table.index)
        places = np.linspace(0, len(self.table) - 1, TELLING).round().astype(int)
        spread = self.table["flat"].sort_values().index[places]
        return pd.Series(self.table.index.isin([*spread, *self.labelled]), self.table.index)

    def _arms_in_words(self) -> str:
        if not self.factor:
            return ""
        sizes = listed(
            f"{count(n, 'group')} of {arm}" for arm, n in self.table["arm"].value_counts(sort=False).items()
        )
        return f" Colours tell {self.factor}: {sizes}; its own effect is taken out."

    def paint(self, ax: Axes) -> None:
        grey = ~self.telling.to_numpy()
        if grey.any():
            ax.add_collection(LineCollection(self._segments[grey], colors=RULE, linewidths=0.7))
        self._lines_and_marks(ax, ~grey)
        ax.axhline(self.centre, color=colour("population"), ls=LINES["population"], lw=1.4, zorder=1)
        ax.set_xticks(
            [0, 1], ["flat\n(no pooling)", "multilevel\n(partial pooling)"], color=INK, fontsize="medium"
        )
        ax.set(xlim=(-0.28, 1.28), ylabel=self.quantity)
        ax.margins(y=0.05)
        ax.legend(handles=self._key(), loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
        if self.labelled:
            self._labels(ax)

    @property
    def _segments(self) -> np.ndarray:
        """(groups, 2 ends, 2 coordinates)."""
        ends = self.table[["flat", "multilevel"]].to_numpy()
        return np.stack([np.broadcast_to([0.0, 1.0], ends.shape), ends], axis=2)

    def _lines_and_marks(self, ax: Axes, shown: np.ndarray) -> None:
        segments, sizes = self._segments[shown], self._sizes(self.table["n"])[shown]
        colours = [colour(self.arms[arm]) for arm in self.table["arm"][shown]]
        ax.add_collection(LineCollection(segments, colors=colours, linewidths=0.8, alpha=0.5))
        flat = {"marker": MARKERS["flat"], "facecolor": PAPER, "edgecolor": colour("flat")}
        ax.scatter(*segments[:, 0].T, sizes, zorder=3, **flat)
        ax.scatter(
            *segments[:, 1].T,
            0.8 * sizes,
            marker=MARKERS["multilevel"],
            facecolor=colours,
            edgecolor=PAPER,
            linewidth=0.5,
            zorder=3,
        )

    def _sizes(self, n) -> np.ndarray:
        """A mark's area grows with how much data its group has."""
        n, most = np.asarray(n, dtype=float), self.table["n"].max()
        return np.maximum(60 * n / most, 12) if np.ptp(self.table["n"]) > 0 else np.full(len(n), 30.0)

    def _key(self) -> list[Line2D]:
        style = {"color": colour("population"), "ls": LINES["population"], "lw": 1.4}
        population = Line2D([], [], label=f"population, {number(self.centre)}", **style)
        others = Line2D([], [], color=RULE, lw=1.4, label="other groups")
        return [
            population,
            *self._arm_keys(),
            *([] if self.telling.all() else [others]),
            *self._size_keys(),
        ]

    def _size_keys(self) -> list[Line2D]:
        """The marks of the smallest and the largest group, where these differ."""
        extremes = sorted({self.table["n"].min(), self.table["n"].max()})
        marker = {"ls": "", "marker": MARKERS["flat"], "color": colour("flat"), "markerfacecolor": PAPER}
        return [
            Line2D([], [], markersize=np.sqrt(size), label=f"$n_j$ = {n:g}", **marker)
            for n, size in zip(extremes, self._sizes(extremes), strict=True)
            if len(extremes) > 1
        ]

    def _arm_keys(self) -> list[Line2D]:
        marker = {"ls": "", "marker": MARKERS["multilevel"]}
        roles = self.arms.items() if self.factor else ()
        return [
            Line2D([], [], color=colour(role), label=f"{self.factor} {arm}", **marker) for arm, role in roles
        ]

    def _labels(self, ax: Axes) -> None:
        rows = self.table.loc[list(self.labelled)]
        points = np.column_stack([np.zeros(len(rows)), rows["flat"]])
        place_labels(
            ax, [str(name) for name in rows.index], points, away_from=points + (1, 0), fontsize="small"
        )


@on_axes
def shrinkage(
    multilevel: MixedFit,
    flat: FlatFit | pd.DataFrame | None = None,
    group: str | None = None,
    term: str | None = None,
    label: Sequence = (),
    scale: str | None = None,
) -> Shrinkage:
    """Each group's flat estimate (left) joined to its multilevel estimate (right).

    Parameters
    ----------
    multilevel
        The multilevel fit.
    flat
        The flat fit to compare it with, such as `lm("y ~ 0 + g")`, or a table of groups × coefficients; by
        default the fixed part fitted to each group alone.
    group, term
        The grouping factor and the coefficient; by default the first that varies.
    label
        Groups to name.
    scale
        `"response"` for the mean (probabilities), `"link"` for the coefficient (log odds). By default the mean
        where the intercept is all there is, else the coefficient.
    """
    group = only_group(multilevel, group)
    coefficients = multilevel.coef[group]
    term = multilevel.ranef[group].columns[0] if term is None else term
    if term not in coefficients:
        raise DataError(
            f"{term!r} is not a coefficient of {group}: there are {', '.join(coefficients.columns)}."
        )
    estimates = no_pooling(multilevel, group, [term], flat)[term]
    table = pd.DataFrame({"flat": estimates, "multilevel": coefficients[term]})
    centre = float(multilevel.fixef.get(term, 0.0))
    response = on_response_scale(multilevel, term, scale)
    if response:
        table, centre = table.apply(multilevel.family.mean), float(multilevel.family.mean(centre))
    kinds = arms(multilevel, group)
    table = table.assign(n=_amount(multilevel, group)).dropna()
    table = table.assign(arm=kinds.reindex(table.index) if len(kinds) else "")
    return Shrinkage(
        table, centre, group, quantity(multilevel, term, response), tuple(label), str(kinds.name or "")
    )


def on_response_scale(fit: MixedFit, term: str, scale: str | None) -> bool:
    """Whether to show means rather than coefficients: as asked, or where the intercept is all there is."""
    if scale not in (None, "response", "link"):
        raise DataError(f"The scale is 'response' or 'link', not {scale!r}.")
    return scale == "response" or (scale is None and term == "Intercept" and len(fit.fixef) == 1)


def quantity(fit: MixedFit, term: str, response_scale: bool) -> str:
    """What an axis of group estimates shows, in words."""
    name = fit.spec.response.name
    if response_scale:
        return (
            f"probability of {name}" if fit.family.counts_trials else f"mean {column_label(name, fit.data)}"
        )
    odds = fit.family.link == "logit" and term == "Intercept" and len(fit.fixef) == 1
    return f"log odds of {name}" if odds else term_label(term, unit=term_unit(fit, term))


def _amount(fit: MixedFit, group: str) -> np.ndarray:
    block = next(block for block in fit.design.blocks if block.group == group)
    return np.bincount(block.codes, fit.design.weights, minlength=len(block.levels))
