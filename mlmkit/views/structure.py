"""How groupings lie to one another in data: nested, crossed, in part; with counts, picture and formula."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from ..errors import DataError, did_you_mean
from ..habits import answers
from ..style import COLOURS, INK, MUTED, PAPER, RC, RULE, SHADE, tint
from ..words import count, listed
from .boxes import Box
from .draw import Pen, figure_to_png, figure_to_svg
from .groupings import (
    FEW,
    Relation,
    Treatment,
    caution,
    chains_of,
    conditions_among,
    counts,
    each_row,
    outermost_first,
    relation_of,
    rows_used,
    treatment_of,
)

STEP = 1.5  # between the levels of a tree
ASIDE = 0.72  # from the only branch that is shown to the dots beside it
ROLES = ("group", "group2", "group3")


@dataclass(frozen=True, eq=False)
class Structure:
    """What `structure` found. Print it, draw it, or take its parts.

    Attributes
    ----------
    groups
        The groupings, outermost first where they nest.
    counts
        A row each: how many groups, and rows per group (fewest, median, most).
    relations
        How each pair of groupings lies.
    formula
        The part of a formula that the structure suggests: treatments, and varying intercepts.
    warnings
        What to check before trusting it.
    data
        The rows that have all of the groupings, and the outcome where one was named.
    treatments
        Columns of the fixed part: conditions that were chosen, not a sample of groups.
    """

    groups: tuple[str, ...]
    counts: pd.DataFrame
    relations: tuple[Relation, ...]
    formula: str
    warnings: tuple[str, ...]
    data: pd.DataFrame = field(repr=False)
    treatments: tuple[Treatment, ...] = ()

    @property
    def nested(self) -> bool:
        """Whether the groupings form one chain, each within the next (ids numbered within parents do)."""
        pairs = {frozenset((r.inner, r.outer)): r for r in self.relations}
        chain = [pairs[frozenset(pair)] for pair in zip(self.groups, self.groups[1:], strict=False)]
        return all(r.kind == "nested" or r.restarts for r in chain)

    @property
    def crossing(self) -> Relation | None:
        """The first pair that crosses."""
        return next((r for r in self.relations if "crossed" in r.kind and not r.restarts), None)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """Rows in each combination of two groupings: the first that cross, else the first."""
        pair = (self.crossing.inner, self.crossing.outer) if self.crossing else self.groups[:2]
        if len(pair) < 2:
            return self.data[pair[0]].value_counts(sort=False).to_frame("rows")
        table = pd.crosstab(self.data[pair[0]], self.data[pair[1]])
        if not any(r.kind == "nested" and {r.inner, r.outer} == set(pair) for r in self.relations):
            return table
        return table[sorted(table.columns, key=lambda inner: int(table[inner].to_numpy().argmax()))]

    def __str__(self):
        lines = [
            f"{row.Index}: {row.groups} groups, {row.fewest} to {row.most} rows each"
            for row in self.counts.itertuples()
        ]
        lines += map(str, [*self.relations, *self.treatments])
        lines += [f"Formula: {self.formula}", *(f"Check: {warning}" for warning in self.warnings)]
        return "\n".join(lines)

    __repr__ = __str__

    @property
    def alt_text(self) -> str:
        """The picture in words."""
        kind = "Crossing graph" if self.crossing else "Tree"
        counts = listed(f"{row.groups} groups of {row.Index}" for row in self.counts.itertuples())
        return f"{kind} of {len(self.data)} rows in {counts}. {' '.join(map(str, self.relations))}".strip()

    def draw(self, ax=None, kind: str | None = None):
        """Draw the structure.

        Parameters
        ----------
        ax
            Where to draw; None makes a figure.
        kind
            "tree" (nested), "graph" (crossed) or "cells" (filled combinations); by default the one that fits.
        """
        kind = kind or ("graph" if self.crossing else "tree")
        kinds = {"tree": _draw_tree, "graph": _draw_graph, "cells": _draw_cells}
        if kind not in kinds:
            raise DataError(f"There is no picture {kind!r}.{did_you_mean(kind, kinds)}")
        if kind == "tree" and not self.nested:
            raise DataError("A tree is drawn of nested groupings; these cross. Use kind='graph' or 'cells'.")
        if kind == "graph" and not self.crossing:
            raise DataError("A crossing graph is drawn of groupings that cross; these nest. Use kind='tree'.")
        with mpl.rc_context(RC):
            ax = kinds[kind](self, ax)
        ax.alt_text = self.alt_text
        return ax

    def _repr_svg_(self) -> str:
        figure = self.draw().figure
        return figure_to_svg(figure, f"Structure of {listed(self.groups)}", self.alt_text)

    def _repr_png_(self) -> bytes:
        return figure_to_png(self.draw().figure)


@answers
def structure(data: pd.DataFrame, groups, outcome: str | None = None, few: int = FEW) -> Structure:
    """Whether groupings are nested, crossed or partially crossed in data.

    Parameters
    ----------
    data
        One row per observation.
    groups
        Names of the grouping columns; one name, or several.
    outcome
        The response's column: rows where it is missing are left out, since they say nothing.
    few
        A column of words with fewer values than this ("naming" and "lexdec"; not ids such as 7 or "s07") is taken for
        a treatment: it goes to the fixed part. 0 takes every column for a grouping.

    Returns
    -------
    Structure

    Raises
    ------
    DataError
        If a column is not there, or no row has all of them.

    Examples
    --------
    >>> structure(load_data("classroom"), ["schoolid", "classid"]).formula
    '(1|schoolid/classid)'
    """
    used, names = rows_used(data, groups, outcome)
    found = [relation_of(used, a, b) for a, b in combinations(names, 2)]
    conditions = conditions_among(used, names, few)
    found = [r for r in found if not {r.inner, r.outer} & set(conditions)]
    ordered = outermost_first([name for name in names if name not in conditions], found)
    chains = chains_of(ordered, found)
    alone = [chain for chain in chains if used[chain].drop_duplicates().shape[0] == len(used)]
    terms = [chain[:-1] if chain in alone and len(chain) > 1 else chain for chain in chains]
    warnings = [caution(r, used) for r in found] + [each_row(chain) for chain in alone]
    if missing := len(data) - len(used):
        warnings.append(
            f"{count(missing, 'row')} without {'an outcome or ' if outcome else ''}a group are left out."
        )
    return Structure(
        groups=ordered,
        counts=counts(used, ordered),
        relations=tuple(found),
        formula=" + ".join([*conditions, *(f"(1|{'/'.join(chain)})" for chain in terms)]),
        warnings=tuple(filter(None, warnings)),
        data=used,
        treatments=tuple(treatment_of(used, name, ordered) for name in conditions),
    )


# -- the tree ------------------------------------------------------------


@dataclass
class _Branch:
    """A node of the tree: its label, its children, and after which of them some are left out."""

    label: str
    children: list[_Branch] = field(default_factory=list)
    gap_after: int | None = None
    x: float = 0.0


def _draw_tree(it: Structure, ax):
    top = _grow(it.data, it.groups, first=True)
    leaves = _spread(top, 0.0)
    depth = len(it.groups)
    left = 0.185 * max(len(_level(it, k)) for k in range(depth + 1)) + 0.5
    bounds = Box(-left - 0.5, -0.55, leaves + 0.1, depth * STEP + 0.6)
    ax, pen = _canvas(ax, bounds)
    for branch in top.children:
        _branch(pen, branch, depth)
    _ellipsis(pen, top, depth)
    for k in range(depth + 1):
        pen.text(-left - 0.3, (depth - k) * STEP, _level(it, k), 0.32, MUTED, "left")
    return ax


def _level(it: Structure, k: int) -> str:
    return f"{it.counts.groups.iloc[k]} {it.groups[k]}" if k < len(it.groups) else f"{len(it.data)} rows"


def _grow(data: pd.DataFrame, groups: tuple[str, ...], first=False, thin=False, deep=False) -> _Branch:
    """Branches of the first groups: the first, (at the top) the second, and the last.

    With three groupings or more, only the first branch of each is shown with all of these; the others stay thin.
    """
    if not groups:
        shown = list(range(len(data)))[:1] + list(range(len(data)))[-1:]
        return _Branch("", [_Branch("") for _ in dict.fromkeys(shown)], 0 if len(data) > 2 else None)
    codes, levels = pd.factorize(data[groups[0]], sort=True)
    shown = list(dict.fromkeys([0, 1, len(levels) - 1] if first else [0] if thin else [0, len(levels) - 1]))
    shown = [k for k in shown if k < len(levels)]
    deep = deep or (first and len(groups) > 2)
    branches = []
    for k in shown:
        branch = _grow(data[codes == k], groups[1:], thin=deep and (thin or k > 0), deep=deep)
        branch.label = str(levels[k])
        branches.append(branch)
    return _Branch("", branches, max(len(shown) - 2, 0) if len(levels) > len(shown) else None)


def _spread(branch: _Branch, x: float) -> float:
    """Leaves from left to right; a parent stands above the middle of its children. The next free place."""
    if not branch.children:
        branch.x = x
        return x + 0.62
    for k, child in enumerate(branch.children):
        x = _spread(child, x) + (0.5 if branch.gap_after == k else 0.0)
    branch.x = (branch.children[0].x + branch.children[-1].x) / 2
    return x + 0.22


def _branch(pen: Pen, branch: _Branch, level: int) -> None:
    y = level * STEP
    for child in branch.children:
        pen.stroke((branch.x, y), (child.x, y - STEP))
        _branch(pen, child, level - 1)
    _ellipsis(pen, branch, level - 1)
    if level:
        role = ROLES[min(level - 1, 2)]
        pen.bubble((branch.x, y), branch.label, COLOURS[role])
    else:
        pen.ax.add_artist(Circle((branch.x, y), 0.13, fc=SHADE, ec=INK, lw=pen.line(1.2), zorder=4))


def _ellipsis(pen: Pen, branch: _Branch, level: int) -> None:
    if branch.gap_after is not None:
        a, *b = [child.x for child in branch.children[branch.gap_after :]]
        pen.dots((a + b[0]) / 2 if b else a + ASIDE, level * STEP)


# -- the crossing graph ------------------------------------------------------------


def _draw_graph(it: Structure, ax):
    """Some groups of each of two groupings, above and below the rows that belong to both."""
    above, below = it.crossing.inner, it.crossing.outer
    a, b = _some(it.data, above, below)
    cells = it.data[it.data[above].isin(a) & it.data[below].isin(b)].drop_duplicates([above, below])
    cells = cells.assign(
        a=[a.index(v) for v in cells[above]], b=[b.index(v) for v in cells[below]]
    ).sort_values(["a", "b"])
    width = 1.0 * (len(cells) - 1)
    top = [_along(k, len(a), width) for k in range(len(a))]
    foot = [_along(k, len(b), width) for k in range(len(b))]
    left = 0.18 * max(len(_level(it, 0)), len(_level(it, 1)), len(_level(it, 2))) + 0.7
    bounds = Box(-left - 0.3, -2.75, width + 1.0, 2.75)
    ax, pen = _canvas(ax, bounds)
    for k, (i, j) in enumerate(zip(cells.a, cells.b, strict=True)):
        pen.stroke((top[i], 2.1), (k * 1.0, 0.0), COLOURS["group"])
        pen.stroke((foot[j], -2.1), (k * 1.0, 0.0), COLOURS["group2"], (0, (4, 1.5)))
        pen.ax.add_artist(Circle((k * 1.0, 0.0), 0.2, fc=SHADE, ec=INK, lw=pen.line(1.3), zorder=4))
    for labels, places, y, role in ((a, top, 2.1, "group"), (b, foot, -2.1, "group2")):
        for label, x in zip(labels, places, strict=True):
            pen.bubble((x, y), str(label), COLOURS[role])
    names = [(above, 2.1), (below, -2.1)]
    for name, y in names:
        pen.text(-left - 0.1, y, f"{it.counts.groups[name]} {name}", 0.32, MUTED, "left")
    pen.text(-left - 0.1, 0.0, f"{len(it.data)} rows", 0.32, MUTED, "left")
    _more(pen, it, a, b, above, below, width)
    return ax


def _more(pen: Pen, it: Structure, a, b, above: str, below: str, width: float) -> None:
    """Dots where there are more groups, or more rows, than are shown."""
    if it.counts.groups[above] > len(a):
        pen.dots(width + 0.6, 2.1)
    if it.counts.groups[below] > len(b):
        pen.dots(width + 0.6, -2.1)
    pen.dots(width + 0.6, 0.0)


def _along(k: int, count: int, width: float) -> float:
    return width / 2 if count == 1 else width * (0.06 + 0.88 * k / (count - 1))


def _some(data: pd.DataFrame, above: str, below: str) -> tuple[list, list]:
    """Three groups of one grouping and up to four of the other that share rows, the same ones every time."""
    table = pd.crosstab(data[above], data[below]).gt(0)
    a = [table.sum(axis=1).idxmax()]
    while len(a) < min(3, len(table)):
        shared = table.loc[:, table.loc[a].any()].sum(axis=1).drop(a)
        a.append(shared.idxmax())
    overlap = table.loc[a].sum()
    b = (
        overlap[overlap > 0]
        .sort_values(ascending=False, kind="stable")
        .index[: 3 if table.loc[a].all().all() else 4]
    )
    order = list(table.index), list(table.columns)
    return sorted(a, key=order[0].index), sorted(b, key=order[1].index)


# -- the table of cells ------------------------------------------------------------


def _draw_cells(it: Structure, ax):
    table = it.cells
    if ax is None:
        figure = Figure(figsize=(6.4, 4.8), facecolor=PAPER, layout="constrained")
        ax = figure.add_subplot()
    shades = mpl.colors.LinearSegmentedColormap.from_list(
        "cells", [tint(COLOURS["group"], 0.75), COLOURS["group"]]
    )
    filled = np.ma.masked_equal(table.to_numpy(), 0)
    image = ax.imshow(filled, aspect="auto", cmap=shades, interpolation="nearest", vmin=0.5)
    ax.set(xlabel=table.columns.name or "", ylabel=table.index.name or "")
    ax.set_xticks(*_some_ids(table.columns), rotation=90 if max(map(len, map(str, table.columns))) > 4 else 0)
    ax.set_yticks(*_some_ids(table.index))
    ax.set_title(f"{int((table > 0).to_numpy().sum())} of {table.size} combinations occur")
    ax.set_facecolor(tint(RULE, 0.6))
    if table.to_numpy().max() > 1:
        ax.figure.colorbar(image, ax=ax, label="rows", ticks=mpl.ticker.MaxNLocator(integer=True))
    return ax


def _some_ids(ids: pd.Index, most: int = 10) -> tuple[list[int], list[str]]:
    """Places and names of evenly spaced ids, all of them where they are few."""
    shown = list(range(0, len(ids), -(-len(ids) // most)))
    return shown, [str(ids[k]) for k in shown]


def _canvas(ax, bounds: Box):
    if ax is None:
        figure = Figure(figsize=(bounds.width * 0.55, bounds.height * 0.55), facecolor=PAPER)
        ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(bounds.left, bounds.right), ylim=(bounds.bottom, bounds.top), aspect="equal")
    ax.axis("off")
    return ax, Pen(ax, bounds)
