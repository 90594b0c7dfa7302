"""Before the fit: who was measured how often, what is missing, how much varies within and between groups, and which
slopes the design allows.

The rule of slopes: rows repeated within a group give the group an intercept of its own; a predictor that varies
within groups may have a slope that varies across them; one that is the same for all rows of a group may not; an
interaction may if all its parts do (Barr et al. 2013, J. Mem. Lang. 68, 255).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..columns import Column, look
from ..errors import DataError
from ..frames import as_frame, check_there
from ..habits import answers, methods_answer
from ..pictures import Picture
from ..words import count, listed, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Groups drawn one by one, and arms told apart.
MOST_LINES, MOST_ARMS = 100, 3
TREATMENTS = ("treatment", "arm", "condition", "trt")


@methods_answer
@dataclass(frozen=True, eq=False, repr=False)
class Overview(Picture):
    """What the data say before any model; `.plot()` draws the groups' trajectories.

    Attributes
    ----------
    table
        A row for each column: what it is, its missing values, mean, SD, and for each grouping factor the SD within and
        between groups (numbers) and whether it varies within them.
    missing
        Rows with a response at each value of `x` (a wave), in all and in each arm: `seen` of `rows`.
    patterns
        For each group the number of responses it has: how many groups have 0, 1, 2, … of them.
    slopes
        For each grouping factor and predictor: in how many groups it varies, and whether its slope may vary.
    sentences
        The same in words.
    """

    table: pd.DataFrame
    missing: pd.DataFrame
    patterns: pd.DataFrame
    slopes: pd.DataFrame
    sentences: tuple[str, ...]
    response: str
    groups: tuple[str, ...]
    x: str | None
    arm: str | None
    lines: pd.DataFrame = field(repr=False)
    size = "page"

    def __repr__(self):
        with pd.option_context("display.max_columns", None, "display.width", 110):
            parts = [f"{title}\n{table.round(3).to_string()}" for title, table in self._tables()]
        return "\n\n".join(["\n".join(self.sentences), *parts])

    def _repr_html_(self):
        parts = [f"<h4>{title}</h4>{table.round(3).to_html()}" for title, table in self._tables()]
        return "<br>".join(self.sentences) + "".join(parts)

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        tables = [("Columns", self.table), (f"Rows with {self.response}", self.missing)]
        tables += [("Responses per group", self.patterns), ("Slopes that may vary", self.slopes)]
        return [(title, table) for title, table in tables if len(table)]

    @property
    def alt_text(self) -> str:
        drawn = self.lines["group"].nunique()
        return (
            f"{self.response} against {self.x}, {count(drawn, 'line')}, one for each {self.groups[0]}. "
            + " ".join(self.sentences)
        )

    def paint(self, ax: Axes) -> None:
        from ..style import RULE, colour

        if self.x is None or not self.groups:
            raise DataError("Trajectories need groups and x: mk.overview(data, response, groups=…, x=…).")
        roles = dict(
            zip(sorted(self.lines["arm"].unique(), key=str), ("group", "group2", "group3"), strict=False)
        )
        many = self.lines["group"].nunique() > 40
        for (arm, _), line in self.lines.groupby(["arm", "group"], sort=False):
            ax.plot(
                line["x"],
                line["y"],
                color=colour(roles[arm]),
                lw=0.6 if many else 1,
                alpha=0.5,
                marker=".",
                ms=3,
            )
        for arm, role in roles.items():
            mean = self.lines[self.lines["arm"] == arm].groupby("x")["y"].mean()
            label = f"mean of those seen{f', {arm}' if arm else ''}"
            ax.plot(mean.index, mean, color=colour(role), lw=3, marker="o", ms=5, label=label)
        ax.set(xlabel=self.x, ylabel=self.response)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        ax.grid(color=RULE)


@answers
def overview(data, response: str, groups=None, x: str | None = None, arm: str | None = None) -> Overview:
    """Look at data before a model is written: sizes, what is missing, what varies where, and which slopes may vary.

    Parameters
    ----------
    data
        One row per observation, missing responses included.
    response
        The outcome's column.
    groups
        The grouping factor, or several.
    x
        The column along which a group is measured again: a wave, a day.
    arm
        The treatment whose arms are drawn apart; by default the first column of two or three labels that is the
        same for all rows of a group, one called treatment, arm or condition before others.

    Returns
    -------
    Overview
        Prints as its tables; `.table`, `.missing`, `.patterns`, `.slopes`, `.plot()`.

    Raises
    ------
    DataError
        For a column that is not there.
    """
    if isinstance(response, pd.DataFrame) or not isinstance(response, str):
        raise DataError("overview(data, response, groups=…, x=…) takes the data, then the outcome's name.")
    names = (groups,) if isinstance(groups, str) else tuple(groups or ())
    data = as_frame(data, (response, *names))
    check_there((response, *names, *(name for name in (x, arm) if name)), data)
    columns = {str(name): look(str(name), data[name]) for name in data.columns}
    codes = {name: columns[name].labels.codes for name in names}
    others = [name for name in columns if name not in names]
    seen = ~columns[response].missing
    slopes = _slopes(columns, codes, [name for name in others if name != response], seen)
    arms = [arm] if arm else _arms(columns, slopes, names)
    arm = arms[0] if arms else None
    lines = _lines(columns, codes, response, names, x, arm, seen)
    table = pd.DataFrame([_about(columns[name], codes) for name in columns]).set_index("column")
    missing, patterns = _missing(columns, seen, x, arms), _patterns(codes, seen)
    sentences = _sentences(columns, codes, response, seen, slopes)
    return Overview(table, missing, patterns, slopes, sentences, response, names, x, arm, lines)


# -- columns ------------------------------------------------------------------------------------------------


def _about(column: Column, codes: dict[str, np.ndarray]) -> dict[str, object]:
    told: dict[str, object] = {
        "column": column.name,
        "kind": column.kind,
        "missing": int(column.missing.sum()),
    }
    if column.is_number:
        values = column.numbers
        told |= {
            "values": len(np.unique(values[~np.isnan(values)])),
            "mean": np.nanmean(values),
            "sd": np.nanstd(values, ddof=1),
        }
        for name, own in codes.items():
            if column.name != name:
                within, between = _within_and_between(values, own)
                told |= {f"sd within {name}": within, f"sd between {name}": between}
    elif column.kind != "other":
        told["values"] = len(column.labels.present().levels)
    return told


def _within_and_between(values: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
    """The SD of rows about their group's mean (n − J in the divisor), and that of the groups' means."""
    there = ~np.isnan(values) & (codes >= 0)
    rows = pd.Series(values[there])
    by = rows.groupby(codes[there])
    free = len(rows) - by.ngroups
    within = np.sqrt(((rows - by.transform("mean")) ** 2).sum() / free) if free > 0 else np.nan
    return float(within), float(by.mean().std(ddof=1))


def _slopes(
    columns: dict[str, Column], codes: dict[str, np.ndarray], names: list[str], seen: np.ndarray
) -> pd.DataFrame:
    rows = []
    for group, own in codes.items():
        for name in names:
            column = columns[name]
            if column.kind == "other":
                continue
            value = column.numbers if column.is_number else column.labels.codes.astype(float)
            there = seen & ~column.missing & (own >= 0)
            counts = pd.Series(value[there]).groupby(own[there]).nunique()
            varies = int((counts > 1).sum())
            rows.append(
                {
                    "group": group,
                    "predictor": name,
                    "varies in": varies,
                    "of": len(counts),
                    "slope may vary": varies > 0,
                }
            )
    return pd.DataFrame(rows, columns=["group", "predictor", "varies in", "of", "slope may vary"])


def _arms(columns: dict[str, Column], slopes: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    """The columns of two or three labels that are the same for all rows of a group, treatments first."""
    if not names:
        return []
    own = slopes.loc[(slopes["group"] == names[0]) & ~slopes["slope may vary"].astype(bool), "predictor"]
    few = [
        name
        for name in own
        if not columns[name].is_number and 1 < len(columns[name].labels.present().levels) <= MOST_ARMS
    ]
    return sorted(few, key=lambda name: name.lower() not in TREATMENTS)


# -- what is missing ----------------------------------------------------------------------------------------


def _missing(columns: dict[str, Column], seen: np.ndarray, x: str | None, arms: list[str]) -> pd.DataFrame:
    if x is None:
        return pd.DataFrame()
    waves = columns[x].values.to_numpy()
    parts = {"all": np.ones(len(seen), dtype=bool)}
    for arm in arms[:2]:
        labels = columns[arm].labels
        parts |= {f"{arm} {text}": labels.codes == k for k, text in enumerate(labels.texts)}
    told = {}
    for name, own in parts.items():
        by = pd.Series(seen[own]).groupby(waves[own])
        told[name] = by.sum().astype(int).astype(str) + " of " + by.size().astype(str)
    return pd.DataFrame(told).rename_axis(x)


def _patterns(codes: dict[str, np.ndarray], seen: np.ndarray) -> pd.DataFrame:
    told = {
        name: pd.Series(seen).groupby(own).sum().value_counts().sort_index() for name, own in codes.items()
    }
    told = {name: counts for name, counts in told.items() if len(counts) <= 20}
    return pd.DataFrame(told).fillna(0).astype(int).rename_axis("responses") if told else pd.DataFrame()


def _lines(
    columns, codes, response: str, names, x: str | None, arm: str | None, seen: np.ndarray
) -> pd.DataFrame:
    """Columns arm, group, x, y: the trajectories of up to 100 groups, in the order of the data."""
    if x is None or not names or not (columns[x].is_number and columns[response].is_number):
        return pd.DataFrame(columns=["arm", "group", "x", "y"])
    own = codes[names[0]]
    arms = np.full(len(seen), "", dtype=object)
    if arm is not None:
        arms = np.array([*columns[arm].labels.texts, ""], dtype=object)[columns[arm].labels.codes]
    table = pd.DataFrame(
        {"arm": arms, "group": own, "x": columns[x].numbers, "y": columns[response].numbers}
    )[seen]
    levels = table["group"].unique()
    some = levels[
        np.unique(np.linspace(0, len(levels) - 1, min(MOST_LINES, len(levels))).round().astype(int))
    ]
    return table[table["group"].isin(some)].sort_values(["group", "x"], kind="stable")


# -- in words -----------------------------------------------------------------------------------------------


def _sentences(columns, codes, response: str, seen: np.ndarray, slopes: pd.DataFrame) -> tuple[str, ...]:
    lost = int((~seen).sum())
    words = [
        f"{count(len(seen), 'row')}; {response} is missing in {lost}."
        if lost
        else f"{count(len(seen), 'row')}, none without {response}."
    ]
    for name, own in codes.items():
        sizes = np.bincount(own[seen & (own >= 0)], minlength=len(columns[name].labels.levels))
        known = sizes[sizes > 0]
        empty = f"; {len(sizes) - len(known)} have none" if len(known) < len(sizes) else ""
        each = (
            f"{known.min()}"
            if known.min() == known.max()
            else f"{known.min()} to {known.max()} (median {np.median(known):g})"
        )
        words.append(f"{len(known)} groups of {name} with {each} responses each{empty}.")
        if columns[response].is_number:
            within, between = _within_and_between(np.where(seen, columns[response].numbers, np.nan), own)
            words.append(
                f"SD of {response} within {name}: {number(within)}; of the means of {name}: {number(between)}."
            )
        words.append(_of_slopes(name, slopes[slopes["group"] == name]))
    return tuple(filter(None, words))


def _of_slopes(name: str, slopes: pd.DataFrame) -> str:
    if slopes.empty:
        return ""
    may = list(slopes.loc[slopes["slope may vary"].astype(bool), "predictor"])
    fixed = list(slopes.loc[~slopes["slope may vary"].astype(bool), "predictor"])
    words = []
    if may:
        verb, whose = ("varies", "its slope") if len(may) == 1 else ("vary", "their slopes")
        words.append(
            f"Within {name} {listed(may, 8)} {verb}: {whose} may vary across {name}, ({' + '.join(may[:8])}|{name})."
        )
    if fixed:
        words.append(
            f"The same for all rows of one {name}: {listed(fixed, 8)}; no slope of these can vary across {name}."
        )
    return " ".join(words)
