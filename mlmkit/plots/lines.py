"""Lines of groups: one panel a group, or all in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..errors import DataError, did_you_mean
from ..results import MixedFit
from ..style import LINES, MARKERS, PAPER, RULE, SIZES, colour, tint
from ..words import count, listed, number
from .canvas import Panels, Picture, on_axes, on_figure, response_name
from .curves import flat_curves, group_curves, least_squares_line, only_predictor, population_curve, slopes
from .pooling import only_group

#: The lines that `panels` can draw; each is a role of the house style.
KINDS = ("flat", "multilevel", "population")


@dataclass(frozen=True, eq=False)
class SmallMultiples(Panels):
    """A panel for each group: its points and one line or several.

    Attributes
    ----------
    points
        Columns panel, x, y, role.
    lines
        Columns panel, line, role, x, y; the rows of one panel, line and role are one line.
    roles
        The roles drawn (see `mlmkit.style`) and what the key calls them; {} for no key.
    """

    points: pd.DataFrame
    lines: pd.DataFrame
    roles: dict[str, str]
    group: str
    x: str
    y: str
    n_columns: int = 6

    @property
    def size(self) -> tuple[float, float]:
        """As wide as a page and as high as its rows need: a row alone is not drawn out to the whole page."""
        width, tall = SIZES["tall"]
        row = min(max(1.3 * (width - 0.7) / self.n_columns, 1.5), 3.2)
        return width, min(0.9 + row * self.n_rows, max(tall, 0.9 + 1.2 * self.n_rows))

    @property
    def n_rows(self) -> int:
        return -(-len(self.panels) // self.n_columns)

    @property
    def panels(self) -> list:
        """The groups in the order of their panels."""
        return list(dict.fromkeys(self.points["panel"]))

    @property
    def alt_text(self) -> str:
        words = [
            (
                f"{count(len(self.panels), 'panel')}, one for each {self.group}, of {self.y} against {self.x}: "
                f"{count(len(self.points), 'point')} in all."
            )
        ]
        for role, lines in self.lines.groupby("role", sort=False):
            slope = slopes(lines, ["panel", "line"])
            name = f"{role} " if role in KINDS else ""
            kind = f" of {self.roles[role]}" if role in self.roles and not name else ""
            words.append(
                f"The {count(len(slope), f'{name}line')}{kind} {'has a slope' if len(slope) == 1 else 'have slopes'} "
                f"{_between(slope)}."
            )
        return " ".join(words)

    def paint(self, figure: Figure) -> None:
        axes = figure.subplots(self.n_rows, self.n_columns, sharex=True, sharey=True, squeeze=False)
        for ax, panel in zip(axes.flat, self.panels, strict=False):
            self._panel(ax, panel)
        for k in range(len(self.panels), axes.size):
            axes.flat[k].set_visible(False)
            axes.flat[k - self.n_columns].xaxis.set_tick_params(labelbottom=True)
        figure.supxlabel(self.x, fontsize="medium")
        figure.supylabel(self.y, fontsize="medium")
        if self.roles:
            handles = [self._key(role, name) for role, name in self.roles.items()]
            figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))

    def _panel(self, ax: Axes, panel) -> None:
        for role, points in self.points[self.points["panel"] == panel].groupby("role", sort=False):
            ax.plot(points["x"], points["y"], ls="", marker=MARKERS[role], markersize=3, alpha=0.75,
                    color=colour(role), markeredgewidth=0)  # fmt: skip
        mine = self.lines[self.lines["panel"] == panel]
        for (role, _), line in mine.groupby(["role", "line"], sort=False):
            ax.plot(
                line["x"],
                line["y"],
                color=colour(role),
                ls=LINES[role],
                lw=1.1 if role == "population" else 1.5,
            )
        ax.set_title(str(panel), fontsize="small", pad=2)
        ax.grid(True)
        ax.tick_params(labelsize="small", length=2)
        ax.locator_params(nbins=3)

    def _key(self, role: str, name: str) -> Line2D:
        dotted = role in set(self.points["role"])
        style = {"marker": MARKERS[role], "markersize": 4} if dotted else {}
        lined = role in set(self.lines["role"])
        return Line2D([], [], color=colour(role), ls=LINES[role] if lined else "", label=name, **style)


@dataclass(frozen=True, eq=False)
class FittedLines(Picture):
    """Every group's fitted line and the population's, in one picture.

    Attributes
    ----------
    lines
        Columns group, x, y.
    population
        Columns x, y: the mean of a group whose effects are 0.
    points
        Columns x, y: the data.
    """

    lines: pd.DataFrame
    population: pd.DataFrame
    points: pd.DataFrame
    group: str
    x: str
    y: str
    size = "page"

    @property
    def alt_text(self) -> str:
        slope = slopes(self.lines, "group")
        starts = self.lines.groupby("group", sort=False)["y"].first()
        ends = self.population.iloc[[0, -1]]
        shape = (
            "all parallel"
            if np.ptp(slope) < 1e-6 * max(1e-12, slope.abs().max())
            else "with different slopes"
        )
        shape = "all starting from one point" if np.ptp(starts) < 1e-6 * starts.abs().max() else shape
        return (
            f"{count(len(slope), 'line')} of {self.y} against {self.x}, one for each {self.group}, {shape}: at the "
            f"left end {_between(starts, 'at')}, with slopes {_between(slope)}. The population "
            f"line goes from {number(ends['y'].iloc[0])} at {ends['x'].iloc[0]:g} to "
            f"{number(ends['y'].iloc[1])} at {ends['x'].iloc[1]:g}."
        )

    def paint(self, ax: Axes) -> None:
        n = self.lines["group"].nunique()
        ax.plot(
            self.points["x"], self.points["y"], ls="", marker=".", color=tint(colour("data"), 0.55), zorder=1
        )
        for _, line in self.lines.groupby("group", sort=False):
            ax.plot(
                line["x"], line["y"], color=colour("group"), lw=1.3 if n < 40 else 0.7, alpha=0.8, zorder=2
            )
        line = {"color": colour("population"), "ls": LINES["population"]}
        ax.plot(self.population["x"], self.population["y"], lw=5, color=PAPER, zorder=3)
        ax.plot(self.population["x"], self.population["y"], lw=3, zorder=3, **line)
        key = [Line2D([], [], color=colour("group"), lw=1.3, label=f"each {self.group}")]
        key += [Line2D([], [], lw=3, label="population", **line)]
        ax.legend(handles=key, loc="upper left")
        ax.set(xlabel=self.x, ylabel=self.y)
        ax.grid(True, color=RULE)


# ---- what chapters call ------------------------------------------------------------------------------


@on_figure
def panels(
    fit: MixedFit,
    x: str | None = None,
    group: str | None = None,
    groups: Sequence | None = None,
    show: Sequence[str] = ("flat", "multilevel", "population"),
    n_columns: int = 6,
) -> SmallMultiples:
    """A panel for each group: its data, its own least-squares line, and its line in the multilevel model.

    Parameters
    ----------
    fit
        A multilevel fit with a numeric predictor.
    x, group
        The predictor along the axis and the grouping factor; by default the model's own.
    groups
        Which groups to show, in this order; by default all.
    show
        Which lines: any of `"flat"`, `"multilevel"`, `"population"`; `()` for the data alone.
    n_columns
        Panels in a row.

    Raises
    ------
    DataError
        If the model has no such predictor, factor or group.
    """
    x, group = only_predictor(fit, x), only_group(fit, group)
    y = response_name(fit)
    block = next(block for block in fit.design.blocks if block.group == group)
    rows = fit.data.loc[fit.design.rows]
    points = pd.DataFrame({"panel": block.levels[block.codes], "x": rows[x].to_numpy(), "y": fit.design.y})
    chosen = _chosen(block.levels, groups, group)
    lines = pd.concat([_role_lines(role, fit, group, x, chosen) for role in show] or [_NO_LINES])
    points = points[points["panel"].isin(chosen)].assign(role="data")
    points = points.sort_values(
        "panel", key=lambda names: names.map({name: k for k, name in enumerate(chosen)})
    )
    lines = lines[lines["panel"].isin(chosen)].reset_index(drop=True)
    roles = {role: role for role in show}
    return SmallMultiples(
        points.reset_index(drop=True), lines, roles, group, x, y, min(n_columns, len(chosen))
    )


@on_axes
def fitted_lines(fit: MixedFit, x: str | None = None, group: str | None = None) -> FittedLines:
    """Every group's fitted line in one picture, and the population's in front.

    Parameters
    ----------
    fit
        A multilevel fit with a numeric predictor.
    x, group
        The predictor along the axis and the grouping factor; by default the model's own.
    """
    x, group = only_predictor(fit, x), only_group(fit, group)
    points = pd.DataFrame({"x": fit.data.loc[fit.design.rows, x].to_numpy(), "y": fit.design.y})
    return FittedLines(
        group_curves(fit, group, x), population_curve(fit, x), points, group, x, response_name(fit)
    )


@on_figure
def lines_by_group(
    data: pd.DataFrame,
    x: str,
    y: str,
    panel: str,
    line: str | None = None,
    kind: str | None = None,
    groups: Sequence | None = None,
    n_columns: int = 3,
) -> SmallMultiples:
    """A panel for each group with its least-squares line, or with one for each group inside it.

    Parameters
    ----------
    data
        One row an observation.
    x, y
        The predictor and the response.
    panel
        The column whose values each get a panel.
    line
        The column whose values each get a line; by default one line a panel.
    kind
        A column of the panels' groups (at most three values) told by colour, marker and line.
    groups
        Which values of `panel` to show, in this order; by default all.
    n_columns
        Panels in a row.

    Raises
    ------
    DataError
        If a column or a group is not there.
    """
    for name in filter(None, (x, y, panel, line, kind)):
        if name not in data:
            raise DataError(f"The data have no column {name!r}.{did_you_mean(name, data.columns)}")
    chosen = _chosen(pd.Index(sorted(data[panel].astype(object).unique())), groups, panel)
    kinds = sorted(data[kind].unique()) if kind else []
    roles = {
        role: f"{kind} {value}" for role, value in zip(("group", "group2", "group3"), kinds, strict=False)
    }
    points, lines = [], [_NO_LINES]
    for name in chosen:
        rows = data[data[panel] == name].dropna(subset=[x, y])
        role = list(roles)[kinds.index(rows[kind].iloc[0])] if kind else "group"
        shown = {"panel": name, "x": rows[x], "y": rows[y], "role": role if kind else "data"}
        points.append(pd.DataFrame(shown))
        for part, own in rows.groupby(line, observed=True) if line else [(name, rows)]:
            lines.append(least_squares_line(own, x, y).assign(panel=name, line=part, role=role))
    points, lines = pd.concat(points, ignore_index=True), pd.concat(lines, ignore_index=True)
    return SmallMultiples(points, lines, roles, panel, x, y, min(n_columns, len(chosen)))


_NO_LINES = pd.DataFrame({name: pd.Series(dtype=object) for name in ("panel", "line", "role", "x", "y")})


def _role_lines(role: str, fit: MixedFit, group: str, x: str, chosen: list) -> pd.DataFrame:
    if role not in KINDS:
        raise DataError(f"There are no {role!r} lines to show: choose from {listed(KINDS, 12)}.")
    if role == "multilevel":
        lines = group_curves(fit, group, x).rename(columns={"group": "panel"})
    elif role == "flat":
        lines = flat_curves(fit, group, x).rename(columns={"group": "panel"})
    else:
        lines = pd.concat({name: population_curve(fit, x) for name in chosen}, names=["panel"]).reset_index(
            "panel"
        )
    return lines.assign(line=role, role=role)


def _chosen(levels: pd.Index, groups: Sequence | None, name: str) -> list:
    strange = [] if groups is None else [group for group in groups if group not in levels]
    if strange:
        raise DataError(
            f"{name!r} has no group {strange[0]!r}.{did_you_mean(str(strange[0]), map(str, levels))}"
        )
    return list(levels if groups is None else groups)


def _between(values: pd.Series, one: str = "of") -> str:
    low, high = number(values.min()), number(values.max())
    return f"{one} {low}" if low == high else f"between {low} and {high}"
