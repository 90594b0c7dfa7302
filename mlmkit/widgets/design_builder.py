"""Nested or crossed: click which groups occur together, and see the tree, Z and the formula that follow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from ipywidgets import HTML, GridBox, Layout, ValueWidget
from matplotlib.collections import LineCollection
from traitlets import Tuple

from ..design import Design, build_design
from ..errors import DataError
from ..formula import parse_formula
from ..style import INK, MUTED, PAPER, RULE, SHADE, colour, tint
from ..views.structure import Structure, structure
from ..words import count
from .controls import Toggle, buttons, tick, whole
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills

#: The grid that is clicked: inner groups down, outer groups across.
INNER, OUTER = 6, 3
NOUNS = {"classes in schools": ("class", "school"), "words and people": ("word", "person")}
UNIQUE, RESTART = "each its own", "from 1 in each"

NESTED = tuple((k, k // 2) for k in range(INNER))
CROSSED = tuple((k, j) for k in range(4) for j in range(OUTER))


@dataclass(frozen=True, eq=False)
class Built:
    """A small data set made by clicking, and what follows from it.

    Attributes
    ----------
    cells
        The (inner, outer) positions that occur together.
    rows
        One row per observation: columns of the outer and the inner group's id.
    structure
        How the two groupings lie, by their ids.
    nested
        Whether they nest as they were clicked, whatever the ids say.
    formula
        The random part: the right one, or the one that the ids alone suggest.
    design
        Of that formula: its blocks make Z.
    """

    nouns: tuple[str, str]
    cells: tuple[tuple[int, int], ...]
    rows: pd.DataFrame
    structure: Structure
    nested: bool
    formula: str
    design: Design

    @property
    def kind(self) -> str:
        """How the groups lie as they were clicked: one word, whatever their ids say."""
        if self.nested:
            return "nested" if self.structure.relations[0].kind != "identical" else "the same grouping twice"
        return "crossed" if len(self.cells) == self.possible else "crossed in part"

    @property
    def possible(self) -> int:
        """How many combinations there would be if every inner group occurred with every outer one."""
        return len({k for k, _ in self.cells}) * len({j for _, j in self.cells})

    @property
    def mixed_up(self) -> bool:
        """Whether the formula, by the ids, takes different inner groups for one, or one for several."""
        inner, outer = self.nouns
        first = self.rows.iloc[:: len(self.rows) // len(self.cells)]
        columns = first[inner].astype(str) + (":" + first[outer] if "/" in self.formula else "")
        meant = {(cell[0], column) for cell, column in zip(self.cells, columns, strict=True)}
        return not len(meant) == len({k for k, _ in meant}) == len({column for _, column in meant})

    @property
    def ids_repeat(self) -> bool:
        """Whether the ids look crossed though every inner group belongs to one outer one."""
        return self.nested and "crossed" in self.structure.relations[0].kind

    def Z(self) -> tuple[np.ndarray, list[str], list[str]]:
        """Z with a column for each group of each term, the columns' labels and the terms they are of."""
        parts, labels, terms = [], [], []
        for block in sorted(self.design.blocks, key=lambda block: block.group != self.nouns[1]):
            parts.append(np.equal.outer(block.codes, np.arange(len(block.levels))))
            labels += [str(level) for level in block.levels]
            terms += [block.group] * len(block.levels)
        return np.concatenate(parts, axis=1), labels, terms


def compute(
    cells=NESTED, each: int = 2, ids: str = UNIQUE, literal: bool = False, nouns: str = "classes in schools"
) -> Built:
    """The data set of the clicked cells, with `each` rows a cell.

    Parameters
    ----------
    cells
        (inner, outer) positions.
    ids
        Whether inner groups are numbered through, or from 1 in each outer group.
    literal
        Take the ids at their word, where they repeat.
    """
    inner, outer = NOUNS[nouns]
    if not cells:
        raise DataError(f"Nothing is clicked: click where a {inner} and a {outer} occur together.")
    cells = tuple(sorted(cells, key=lambda cell: (cell[1], cell[0])))
    names = _restarting(cells) if ids == RESTART else {cell: cell[0] + 1 for cell in cells}
    pairs = [("ABC"[cell[1]], names[cell]) for cell in cells for _ in range(each)]
    rows = pd.DataFrame(pairs, columns=[outer, inner])
    found = structure(rows, [outer, inner], few=0)
    nested = not _several(cells)
    formula = _formula(inner, outer, nested and not (literal and ids == RESTART), found)
    # Only Z's pattern is wanted. A response of 0 and 1 has no residual SD, so a group may have a single row.
    spec = parse_formula(f"y ~ 1 + {formula}", "binomial")
    design = build_design(spec, rows.assign(y=np.arange(len(rows)) % 2))
    return Built((inner, outer), cells, rows, found, nested, formula, design)


def _formula(inner: str, outer: str, nested: bool, found: Structure) -> str:
    """The random part for groups that nest, or cross; two names of one grouping vary once."""
    if found.relations[0].kind == "identical":
        return found.formula
    return f"(1|{outer}/{inner})" if nested else f"(1|{outer}) + (1|{inner})"


def _restarting(cells) -> dict[tuple[int, int], int]:
    """Inner ids that start from 1 in each outer group."""
    seen = dict.fromkeys(range(OUTER), 0)
    names = {}
    for cell in cells:
        seen[cell[1]] += 1
        names[cell] = seen[cell[1]]
    return names


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """The groups and their links on the left, Z on the right."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1.25, 1), left=0.02, right=0.98, bottom=0.08, top=0.84, wspace=0.13
    )
    links, Z = (figure.add_subplot(cell) for cell in grid)
    links.set_axis_off()
    Z.spines[:].set_visible(False)
    Z.tick_params(length=0, labelbottom=False, labeltop=True, labelleft=False)
    return links, Z


def draw(axes, it: Built) -> None:
    """Paint who occurs with whom, and the pattern of Z."""
    _draw_links(axes[0], it)
    _draw_Z(axes[1], it)


def _draw_links(ax, it: Built) -> None:
    """Outer groups above, inner ones below them, rows at the foot; places never change, so nothing jumps."""
    inner, outer = it.nouns
    above, below = {j: 1.0 + 2.0 * j for j in range(OUTER)}, {k: 1.0 * k + 0.5 for k in range(INNER)}
    crossed = _several(it.cells)
    ways = [[(above[j], 2.0), (below[k], 1.0)] for k, j in it.cells]
    shades = [colour("population") if k in crossed else MUTED for k, _ in it.cells]
    ax.add_collection(LineCollection(ways, color=shades, lw=1.6, zorder=1))
    _draw_groups(ax, above, 2.0, "group2", {j: "ABC"[j] for j in above}, {j for _, j in it.cells})
    inner_labels = {k: _inner_label(it, k) for k in below}
    _draw_groups(ax, below, 1.0, "group", inner_labels, {k for k, _ in it.cells})
    _draw_rows(ax, it, below)
    for y, text, role in ((2.0, outer, "group2"), (1.0, inner, "group"), (0.2, "rows", "data")):
        ax.text(-0.55, y, text, ha="right", va="center", color=colour(role))
    ax.set(xlim=(-1.5, INNER + 0.3), ylim=(-0.15, 2.45))
    kind = "mixed up" if it.mixed_up else it.kind
    ax.set_title(f"{kind}:  {it.formula}", x=0.02, pad=14)


def _draw_groups(ax, places: dict[int, float], y: float, role: str, labels: dict, used: set[int]) -> None:
    """A marker for each group with its label; those that occur in no row are pale."""
    fills = {True: (tint(colour(role), 0.75), colour(role)), False: (PAPER, RULE)}
    for on, (fill, edge) in fills.items():
        x = [place for k, place in places.items() if (k in used) is on]
        marker = "o" if role == "group" else "s"
        ax.plot(x, [y] * len(x), ls="", marker=marker, ms=26, mfc=fill, color=edge, mew=1.8)
    for k, place in places.items():
        ax.text(place, y, labels[k], ha="center", va="center", color=INK if k in used else RULE)


def _inner_label(it: Built, k: int) -> str:
    """The id in the data; a group that occurs in several outer ones, numbered within them, has several."""
    each = len(it.rows) // len(it.cells)
    inner = it.rows[it.nouns[0]].iloc[::each]
    ids = dict.fromkeys(str(label) for label, cell in zip(inner, it.cells, strict=True) if cell[0] == k)
    return "/".join(ids) or str(k + 1)


def _draw_rows(ax, it: Built, below: dict[int, float]) -> None:
    each = len(it.rows) // len(it.cells)
    ways = []
    for k, x in below.items():
        n = each * sum(cell[0] == k for cell in it.cells)
        dots = x + (np.linspace(-0.36, 0.36, n) if n > 1 else np.zeros(n))
        ways += [[(x, 1.0), (dot, 0.2)] for dot in dots]
    ax.add_collection(LineCollection(ways, color=RULE, lw=0.8, zorder=0))
    ends = np.array([end for _, end in ways])
    ax.plot(*ends.T, ls="", marker="o", ms=4.5, mfc=SHADE, color=INK, mew=0.8)


def _several(cells) -> set[int]:
    """Inner groups that occur in more than one outer group."""
    inner = [k for k, _ in cells]
    return {k for k in inner if inner.count(k) > 1}


def _draw_Z(ax, it: Built) -> None:
    Z, labels, terms = it.Z()
    rows, columns = np.nonzero(Z)
    n, q = Z.shape
    outer = np.array([term == it.nouns[1] for term in terms])
    size = float(np.clip(170 / max(n, 1.6 * q), 3, 11))
    for role, of_role in (("group2", outer[columns]), ("group", ~outer[columns])):
        y = (rows[of_role] + 0.5) / n  # of the height, so that the scale stays when the rows change
        ax.plot(columns[of_role], y, ls="", marker="s", ms=size, color=colour(role))
    ax.axvline(outer.sum() - 0.5, color=MUTED, lw=1)
    ax.hlines(np.arange(n + 1) / n, -0.5, q - 0.5, color=RULE, lw=0.4)
    ax.set_xticks(range(q), labels if q <= 14 else [""] * q, fontsize="small")
    ax.set(xlim=(-0.5, q - 0.5), ylim=(1, 0))
    ax.set_title(f"Z: {n} rows, {q} columns", pad=26)


def describe(it: Built) -> str:
    """The structure in words, with its formula."""
    Z, _, _ = it.Z()
    columns = f"Formula: y ~ 1 + {it.formula}; Z has {count(Z.shape[1], 'column')}."
    parts = [f"{count(len(it.rows), 'row')}.", _lie(it), _ids(it), columns, _mixed(it), _alone(it)]
    return " ".join(filter(None, parts))


def _lie(it: Built) -> str:
    """How the groups lie, by the clicks."""
    inner, outer = it.nouns
    if it.kind == "the same grouping twice":
        return f"Each {outer} has one {inner}, and each {inner} one {outer}: they are the same grouping."
    if it.nested:
        return f"Each {inner} occurs with one {outer} only: nested."
    if it.kind == "crossed":
        return f"Each {inner} occurs with each {outer}: crossed, all {it.possible} combinations."
    several = len(_several(it.cells))
    who = f"One {inner} occurs" if several == 1 else f"{several} of the {_plural(inner)} occur"
    return (
        f"{who} with more than one {outer}: crossed in part, {len(it.cells)} of {it.possible} combinations."
    )


def _plural(noun: str) -> str:
    return noun + ("es" if noun.endswith("s") else "s")


def _ids(it: Built) -> str:
    inner, outer = it.nouns
    if not it.ids_repeat:
        return ""
    return f"The ids start again: {inner} 1 of {outer} A is not {inner} 1 of {outer} B."


def _mixed(it: Built) -> str:
    """What the formula mistakes, and what to write instead."""
    inner, outer = it.nouns
    if not it.mixed_up:
        return ""
    if it.nested:
        return f"It takes what shares an id for one {inner}: write (1|{outer}/{inner})."
    return f"But the same {inner} has another id in another {outer}: number the {_plural(inner)} through."


def _alone(it: Built) -> str:
    """What cannot be fitted, for want of a second row."""
    if all(len(block.levels) < len(it.rows) for block in it.design.blocks):
        return ""
    noun = it.nouns[0]
    return (
        f"With one row for each {noun}, the variation of the {_plural(noun)} and the residual variation cannot be told "
        "apart: this model cannot be fitted."
    )


# ---- the grid that is clicked ------------------------------------------------------------------------------


class Grid(GridBox, ValueWidget):
    """A table of buttons; its value is the set of those that are down, as sorted (row, column) pairs."""

    value, nouns = Tuple(), Tuple(("class", "school"))

    def __init__(self, value=()):
        small = Layout(width="64px", height="26px", margin="1px")
        self._buttons = {(r, c): Toggle(layout=small) for r in range(INNER) for c in range(OUTER)}
        self._heads, self._sides = [HTML() for _ in range(OUTER)], [HTML() for _ in range(INNER)]
        children = [HTML(), *self._heads]
        for r in range(INNER):
            children += [self._sides[r], *(self._buttons[r, c] for c in range(OUTER))]
        columns = f"64px repeat({OUTER}, 70px)"
        super().__init__(children, layout=Layout(grid_template_columns=columns, margin="2px 24px 2px 2px"))
        self.add_class("mlmkit-grid")
        self.observe(self._press, "value")
        for button in self._buttons.values():
            button.observe(self._read, "value")
        self.observe(self._name, "nouns")
        self._name()
        self.value = value

    def _name(self, _=None) -> None:
        """Say what rows and columns are."""
        inner, outer = self.nouns
        for c, head in enumerate(self._heads):
            head.value = f"{outer} {'ABC'[c]}"
        for r, side in enumerate(self._sides):
            side.value = f"{inner} {r + 1}"
        for (r, c), button in self._buttons.items():
            button.tooltip = f"{inner} {r + 1} occurs with {outer} {'ABC'[c]}"

    def _read(self, _) -> None:
        self.value = tuple(cell for cell, button in self._buttons.items() if button.value)

    def _press(self, change) -> None:
        # While buttons go up and down one by one, their sum means nothing.
        self.unobserve(self._press, "value")
        for cell, button in self._buttons.items():
            button.unobserve(self._read, "value")
            button.value = cell in change.new
            button.description = "✓" if button.value else ""
            button.observe(self._read, "value")
        self.observe(self._press, "value")


def _controls() -> dict:
    return {
        "cells": Grid(NESTED),
        "each": whole("rows a cell", 2, 1, 4),
        "ids": buttons("inner ids", [UNIQUE, RESTART], tip="How the inner groups are numbered"),
        "literal": tick("take the ids at their word", tip="Use the formula that the ids alone suggest"),
        "nouns": buttons("about", list(NOUNS)),
    }


@cache
def presets() -> dict[str, Preset]:
    """The designs of chapter 6, in miniature."""
    schools, people = NOUNS
    start = {"each": 2, "ids": UNIQUE, "literal": False, "nouns": schools}
    relative = {**start, "cells": NESTED, "ids": RESTART}
    part = tuple(cell for cell in CROSSED if sum(cell) % 3)
    return {
        "nested": Preset({**start, "cells": NESTED}, "Each class belongs to one school."),
        "relative ids": Preset(
            {**relative, "literal": False}, "The same classes, numbered from 1 in every school."
        ),
        "mixed up": Preset({**relative, "literal": True}, "The same again, with the school forgotten."),
        "crossed": Preset({**start, "cells": CROSSED, "nouns": people}, "Everyone reads every word."),
        "crossed in part": Preset(
            {**start, "cells": part, "nouns": people}, "Everyone reads some of the words."
        ),
        "one class moved": Preset(
            {**start, "cells": (*NESTED, (1, 1))}, "One class has pupils of two schools."
        ),
    }


def _when_nouns(values: dict) -> dict:
    return {"cells": {"nouns": NOUNS[values["nouns"]]}}


def _film() -> dict:
    """The settings that the film shows."""
    return {
        "cells": {
            name: presets()[name].values["cells"]
            for name in ("nested", "crossed", "crossed in part", "one class moved")
        },
        "each": [1, 2, 3],
        "nouns": list(NOUNS),
        "ids": [UNIQUE, RESTART],
        "literal": [False, True],
    }


EXPLORATION = Exploration(
    title="Nested or crossed?",
    shows=(
        "Left: outer groups above inner ones, joined where they occur together, with their rows below. "
        "Right: the pattern of Z, a mark where a row belongs to a group."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    follow={"nouns": _when_nouns},
    film=_film,
    film_to_try=(
        "From “nested”, move one class: what changes in the formula, and in Z?",
        "Number the classes from 1 in each school, and take the ids at their word: what is class 1 in Z?",
        "With everything crossed: how many columns has Z, and how many ones each row?",
    ),
    to_try=(
        "From “nested”, click one more cell in a class's row: what changes in the formula, and in Z?",
        "Number the classes from 1 in each school, and take the ids at their word: what is class 1 in Z?",
        "Click every cell of the first four rows: how many columns has Z, and how many ones each row?",
    ),
    height=4.4,
)


def explore_design(preset: str | None = None, **values) -> Explorer:
    """Click which groups occur together, and see whether they nest or cross, Z's pattern, and the formula.

    Parameters
    ----------
    preset
        `"nested"`, `"relative ids"`, `"mixed up"`, `"crossed"`, `"crossed in part"` or `"one class moved"`.
    values
        Start values: `cells`, a sequence of (inner, outer) positions, `each`, `ids`, `literal`, `nouns`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_design() -> Stills:
    """The design builder on paper: four designs."""
    names = ("nested", "mixed up", "crossed", "crossed in part")
    return stills(EXPLORATION, {name: presets()[name].values for name in names})
