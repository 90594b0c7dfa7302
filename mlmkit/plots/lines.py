"""Lines of groups: one panel for each group, or all in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..errors import DataError, did_you_mean
from ..pictures import Panels, Picture
from ..results import MixedFit
from ..style import INK, LINES, MARKERS, PAPER, RULE, SIZES, colour, tint
from ..words import count, listed, number
from .canvas import column_label, on_axes, on_figure, response_name
from .curves import flat_curves, group_curves, least_squares_line, only_predictor, population_curve, slopes
from .pooling import arms, block_of, only_group

#: At most this many panels, unless the reader names the groups.
MOST_PANELS = 36

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
    note: str = ""

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
        return " ".join([*words, self.note] if self.note else words)

    def paint(self, figure: Figure) -> None:
        axes = figure.subplots(self.n_rows, self.n_columns, sharex=True, sharey=True, squeeze=False)
        for ax, panel in zip(axes.flat, self.panels, strict=False):
            self._panel(ax, panel)
        for k in range(len(self.panels), axes.size):
            axes.flat[k].set_visible(False)
            axes.flat[k - self.n_columns].xaxis.set_tick_params(labelbottom=True)
        figure.supxlabel(f"{self.x}\n{self.note}" if self.note else self.x, fontsize="medium")
        figure.supylabel(self.y, fontsize="medium")
        if self.roles:
            handles = [self._key(role, name) for role, name in self.roles.items()]
            figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))

    def _panel(self, ax: Axes, panel) -> None:
        for role, points in self.points[self.points["panel"] == panel].groupby("role", sort=False):
            ax.plot(
                points["x"],
                points["y"],
                ls="",
                marker=MARKERS[role],
                markersize=3,
                alpha=0.75,
                color=colour(role),
                markeredgewidth=0,
            )
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
        Columns group, x, y, arm.
    population
        Columns arm, x, y: the mean of a group whose effects are 0; mean: the mean over groups, which differs from it
        where the link is not the identity.
    points
        Columns x, y: the data.
    factor
        What tells the groups' arms apart, such as the treatment; "" where there is no such factor.
    """

    lines: pd.DataFrame
    population: pd.DataFrame
    points: pd.DataFrame
    group: str
    x: str
    y: str
    factor: str = ""
    size = "page"

    @property
    def roles(self) -> dict:
        """The role in the house style of each arm's groups."""
        return dict(zip(self.population["arm"].unique(), ("group", "group2", "group3"), strict=False))

    @property
    def is_curved(self) -> bool:
        """Whether the mean of the groups is not the mean of the average group."""
        return bool(np.any(self.population["mean"] != self.population["y"]))

    @property
    def alt_text(self) -> str:
        slope = slopes(self.lines, "group")
        starts = self.lines.groupby("group", sort=False)["y"].first()
        shape = (
            "all parallel"
            if np.ptp(slope) < 1e-6 * max(1e-12, slope.abs().max())
            else "with different slopes"
        )
        shape = "all starting from one point" if np.ptp(starts) < 1e-6 * starts.abs().max() else shape
        return (
            f"{count(len(slope), 'line')} of {self.y} against {self.x}, one for each {self.group}, {shape}: at the "
            f"left end {_between(starts, 'at')}, with slopes {_between(slope)}. "
            + " ".join(
                self._population_in_words(arm, line)
                for arm, line in self.population.groupby("arm", sort=False)
            )
        )

    def _population_in_words(self, arm, line: pd.DataFrame) -> str:
        first, last = line.iloc[0], line.iloc[-1]
        whose = f"The population line of {self.factor} {arm}" if self.factor else "The population line"
        words = f"{whose} goes from {number(first['y'])} at {first['x']:g} to {number(last['y'])} at {last['x']:g}"
        mean = f"; the mean of the groups from {number(first['mean'])} to {number(last['mean'])}"
        return f"{words}{mean if self.is_curved else ''}."

    def paint(self, ax: Axes) -> None:
        n = self.lines["group"].nunique()
        ax.plot(
            self.points["x"], self.points["y"], ls="", marker=".", color=tint(colour("data"), 0.55), zorder=1
        )
        for _, line in self.lines.groupby("group", sort=False):
            own = colour(self.roles[line["arm"].iloc[0]])
            ax.plot(line["x"], line["y"], color=own, lw=1.3 if n < 40 else 0.7, alpha=0.8, zorder=2)
        key = []
        for arm, line in self.population.groupby("arm", sort=False):
            key += self._population_lines(ax, arm, line)
        ax.legend(handles=key, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize="small")
        ax.set(xlabel=self.x, ylabel=self.y)
        ax.grid(True, color=RULE)

    def _population_lines(self, ax: Axes, arm, line: pd.DataFrame) -> list[Line2D]:
        """Draw an arm's population and return its entries in the key."""
        role, which = self.roles[arm], f", {arm}" if self.factor else ""
        ax.plot(line["x"], line["y"], lw=5, color=PAPER, zorder=3)
        style = {"color": colour("population"), "ls": LINES[role], "lw": 3}
        ax.plot(line["x"], line["y"], zorder=3, **style)
        name = f"typical {self.group}" if self.is_curved else "population"
        key = [
            Line2D([], [], color=colour(role), lw=1.3, label=f"each {self.group}{which}"),
            Line2D([], [], label=f"{name}{which}", **style),
        ]
        if self.is_curved:
            style = {"color": INK, "ls": LINES[role], "lw": 2}
            ax.plot(line["x"], line["mean"], zorder=4, **style)
            key += [Line2D([], [], label=f"mean of all{which}", **style)]
        return key


# ---- what chapters call ------------------------------------------------------------------------------


@on_figure
def panels(
    fit: MixedFit,
    x: str | None = None,
    group: str | None = None,
    groups: Sequence | int | None = None,
    show: Sequence[str] = ("flat", "multilevel", "population"),
    n_columns: int = 6,
    beyond: bool = False,
) -> SmallMultiples:
    """A panel for each group: its data, its own least-squares line, and its line in the multilevel model.

    Parameters
    ----------
    fit
        A multilevel fit with a numeric predictor.
    x, group
        The predictor along the axis and the grouping factor; by default the model's own.
    groups
        Which groups to show, in this order; a number for that many of them, evenly spread from the lowest multilevel
        estimate to the highest; by default all, or 36 where there are more.
    show
        Which lines: any of `"flat"`, `"multilevel"`, `"population"`; `()` for the data alone.
    n_columns
        Panels in a row.
    beyond
        Whether a group's multilevel line goes on beyond its own rows, over the whole axis: what the model expects of
        a group of which little was seen.

    Raises
    ------
    DataError
        If the model has no such predictor, factor or group.
    """
    x, group = only_predictor(fit, x), only_group(fit, group)
    y = response_name(fit)
    block = block_of(fit, group)
    rows = fit.design.rows_of(fit.data)
    points = pd.DataFrame({"panel": block.levels[block.codes], "x": rows[x].to_numpy(), "y": fit.design.y})
    chosen, note = _chosen_or_spread(fit, group, groups)
    lines = pd.concat([_role_lines(role, fit, group, x, chosen, beyond) for role in show] or [_NO_LINES])
    points = points[points["panel"].isin(chosen)].assign(role="data")
    points = points.sort_values(
        "panel", key=lambda names: names.map({name: k for k, name in enumerate(chosen)})
    )
    points, lines = points.reset_index(drop=True), lines[lines["panel"].isin(chosen)].reset_index(drop=True)
    roles = {role: role for role in show}
    across = column_label(x, fit.data)
    return SmallMultiples(points, lines, roles, group, across, y, min(n_columns, len(chosen)), note)


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
    points = pd.DataFrame({"x": fit.design.rows_of(fit.data)[x].to_numpy(), "y": fit.design.y})
    kinds, lines = arms(fit, group), group_curves(fit, group, x)
    lines = lines.assign(arm=lines["group"].map(kinds) if len(kinds) else "")
    population = population_curve(fit, x, group)
    labels = column_label(x, fit.data), response_name(fit)
    return FittedLines(lines, population, points, group, *labels, str(kinds.name or ""))


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
    order: str = "name",
    together: bool = False,
) -> SmallMultiples:
    """A panel for each group with its least-squares line, or with one for each group inside it.

    Parameters
    ----------
    data
        One row per observation.
    x, y
        The predictor and the response.
    panel
        The column whose values each get a panel.
    line
        The column whose values each get a line; by default one line per panel.
    kind
        A column of the panels' groups (at most three values) told by colour, marker and line.
    groups
        Which values of `panel` to show, in this order; by default all.
    n_columns
        Panels in a row.
    order
        Of panels that `groups` does not put in order: `"name"`, or `"slope"` for that of each panel's line.
    together
        Whether every panel also has the line through the rows of all panels, as if there were no groups.

    Raises
    ------
    DataError
        If a column or a group is not there.
    """
    if order not in ("name", "slope"):
        raise DataError(f"order is 'name' or 'slope', not {order!r}.")
    for name in filter(None, (x, y, panel, line, kind)):
        if name not in data:
            raise DataError(f"The data have no column {name!r}.{did_you_mean(name, data.columns)}")
    chosen = _chosen(pd.Index(sorted(data[panel].astype(object).unique())), groups, panel)
    if order == "slope" and groups is None:
        own = {name: least_squares_line(data[data[panel] == name], x, y) for name in chosen}
        chosen.sort(key=lambda name: _slope(own[name]))
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
    if together:
        whole = least_squares_line(data[data[panel].isin(chosen)], x, y)
        lines += [whole.assign(panel=name, line="all", role="pooled") for name in chosen]
        roles = (roles or {"group": f"each {panel}'s own line"}) | {"pooled": "one line for all"}
    points, lines = pd.concat(points, ignore_index=True), pd.concat(lines, ignore_index=True)
    labels = column_label(x, data), column_label(y, data)
    return SmallMultiples(points, lines, roles, panel, *labels, min(n_columns, len(chosen)))


def _slope(line: pd.DataFrame) -> float:
    """Of a straight line; a group whose rows tell none comes first."""
    run = line["x"].iloc[-1] - line["x"].iloc[0] if len(line) else 0.0
    return (line["y"].iloc[-1] - line["y"].iloc[0]) / run if run else -np.inf


_NO_LINES = pd.DataFrame({name: pd.Series(dtype=object) for name in ("panel", "line", "role", "x", "y")})


def _role_lines(
    role: str, fit: MixedFit, group: str, x: str, chosen: list, beyond: bool = False
) -> pd.DataFrame:
    if role not in KINDS:
        raise DataError(f"There are no {role!r} lines to show: choose from {listed(KINDS, 12)}.")
    if role == "multilevel":
        lines = group_curves(fit, group, x, beyond).rename(columns={"group": "panel"})
    elif role == "flat":
        lines = flat_curves(fit, group, x).rename(columns={"group": "panel"})
    else:
        whole, kinds = population_curve(fit, x, group), arms(fit, group)
        own = {name: whole[whole["arm"] == kinds.get(name, "")] for name in chosen}
        lines = pd.concat(own, names=["panel"]).reset_index("panel")[["panel", "x", "y"]]
    return lines.assign(line=role, role=role)


def _chosen_or_spread(fit: MixedFit, group: str, groups: Sequence | int | None) -> tuple[list, str]:
    """The groups to show and what to say of the choice; of too many, some spread over the range of estimates."""
    levels = block_of(fit, group).levels
    if groups is None and len(levels) > MOST_PANELS:
        groups = MOST_PANELS
    if not isinstance(groups, int):
        return _chosen(levels, groups, group), ""
    if groups < 1:
        raise DataError(f"groups is a number of panels (1 or more) or a list of groups, not {groups}.")
    ordered = fit.coef[group].sort_values(fit.ranef[group].columns[0]).index
    places = np.unique(np.linspace(0, len(ordered) - 1, min(groups, len(ordered))).round().astype(int))
    told = f"{len(places)} of {len(levels)} groups of {group}, from the lowest estimate to the highest"
    return list(ordered[places]), told


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
