"""What columns of data say of groupings: which nest, which cross, and which are treatments."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..columns import Labels
from ..errors import DataError
from ..frames import as_frame, check_there, look_at
from ..notices import ids_restart
from ..words import count, listed

#: A column of words with fewer values than this is taken for a treatment: an SD of so few is hardly known.
FEW = 6


@dataclass(frozen=True)
class Relation:
    """How two groupings lie: "nested" (`inner` in `outer`), "crossed", "partially crossed" or "identical".

    `filled` of `cells` combinations of their levels occur in the data. `restarts` says that the ids of
    `inner` start again in each group of `outer`, as when classes are numbered within their schools.
    """

    kind: str
    inner: str
    outer: str
    filled: int
    cells: int
    restarts: bool = False

    def __str__(self):
        share = f"{self.filled} of {self.cells} combinations occur"
        text = {
            "nested": f"{self.inner} is nested in {self.outer}: each {self.inner} is in one {self.outer}",
            "crossed": f"{self.inner} and {self.outer} are crossed: all {self.cells} combinations occur",
            "partially crossed": f"{self.inner} and {self.outer} are partially crossed: {share}",
            "identical": f"{self.inner} and {self.outer} are the same grouping under two names",
        }[self.kind]
        return f"{text}."


@dataclass(frozen=True)
class Treatment:
    """A condition among the columns named: its levels, and the groupings whose groups see several of them."""

    name: str
    levels: int
    varies_within: tuple[str, ...]
    groups: tuple[str, ...]

    def __str__(self):
        where = [
            f"varies within {group}"
            if group in self.varies_within
            else f"is the same for all rows of one {group}"
            for group in self.groups
        ]
        return (
            f"{self.name} {listed(where)}. It has {count(self.levels, 'value')}, too few to tell how values vary: "
            "it belongs in the fixed part."
        )


def rows_used(data: pd.DataFrame, groups, outcome: str | None) -> tuple[pd.DataFrame, list[str]]:
    """The rows with all of the groupings and an outcome, and the groupings' names."""
    if isinstance(data, str):
        raise DataError("structure(data, groups) takes the data first; this is str.")
    names = [groups] if isinstance(groups, str) else list(dict.fromkeys(groups))
    if not names:
        raise DataError("Name at least one grouping column.")
    wanted = [*names, *([outcome] if outcome else [])]
    frame = as_frame(data, wanted, "structure(data, groups) takes the data first: a DataFrame")
    check_there(wanted, frame)
    table = look_at(frame, wanted)
    there = ~table.missing(wanted)
    used = pd.DataFrame({name: _values(table[name].labels.take(there)) for name in names})
    if used.empty:
        raise DataError(f"No row has a value in {listed(wanted)}.")
    return used, names


def _values(labels: Labels) -> np.ndarray:
    """Each row's level, as a value of the data."""
    return labels.levels.to_numpy(dtype=object)[labels.codes]


def conditions_among(data: pd.DataFrame, names: list[str], few: int) -> list[str]:
    """Columns that name conditions ("naming", "placebo"), not a sample of groups; never all of the columns."""
    sizes = data[names].nunique()
    found = [name for name in names if sizes[name] < few and all(map(_is_word, data[name].unique()))]
    return [name for name in found if name != sizes.idxmax()] if len(found) == len(names) else found


def _is_word(value) -> bool:
    """Whether a value names a condition; ids such as 7, "s07" or "B" do not."""
    return isinstance(value, bool | np.bool_) or (
        isinstance(value, str) and len(value) > 1 and not re.search(r"\d", value)
    )


def treatment_of(data: pd.DataFrame, name: str, groups: tuple[str, ...]) -> Treatment:
    within = tuple(g for g in groups if data.groupby(g, observed=True)[name].nunique().max() > 1)
    return Treatment(name, data[name].nunique(), within, groups)


def each_row(chain: list[str]) -> str:
    what = f"each row is its own {':'.join(chain)}"
    if len(chain) > 1:
        return f"{what}: that is the residual, so {chain[-1]} is left out."
    return (
        f"{what}: such a term is the residual of a linear model; a linear model needs groups of several rows."
    )


def counts(data: pd.DataFrame, names) -> pd.DataFrame:
    rows = {}
    for name in names:
        sizes = data[name].value_counts()
        sizes = sizes[sizes > 0]
        rows[name] = (len(sizes), int(sizes.min()), float(sizes.median()), int(sizes.max()))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["groups", "fewest", "median", "most"])


def relation_of(data: pd.DataFrame, a: str, b: str) -> Relation:
    n_a, n_b = data[a].nunique(), data[b].nunique()
    filled = len(data[[a, b]].drop_duplicates())
    if filled == n_a == n_b:
        return Relation("identical", a, b, filled, n_a * n_b)
    if filled in (n_a, n_b):
        inner, outer = (a, b) if filled == n_a else (b, a)
        return Relation("nested", inner, outer, filled, n_a * n_b)
    if filled == n_a * n_b:
        return Relation("crossed", a, b, filled, n_a * n_b)
    for inner, outer in ((a, b), (b, a)):
        if _restarts(data, inner, outer):
            return Relation("partially crossed", inner, outer, filled, n_a * n_b, restarts=True)
    return Relation("partially crossed", a, b, filled, n_a * n_b)


def _restarts(data: pd.DataFrame, inner: str, outer: str) -> bool:
    codes, levels = pd.factorize(data[inner], sort=True)
    return ids_restart(codes, pd.factorize(data[outer])[0], pd.Index(levels))


def outermost_first(names: list[str], relations) -> tuple[str, ...]:
    within = {
        name: sum(r.inner == name and (r.kind == "nested" or r.restarts) for r in relations) for name in names
    }
    return tuple(sorted(names, key=lambda name: within[name]))


def chains_of(ordered: tuple[str, ...], relations) -> list[list[str]]:
    """Groupings nested in one another together, outermost first; chains cross one another."""
    parent = {}
    for name in reversed(ordered):
        outers = [r.outer for r in relations if r.inner == name and (r.kind == "nested" or r.restarts)]
        if outers:
            parent[name] = max(outers, key=ordered.index)
    same = {r.outer for r in relations if r.kind == "identical"}
    leaves = [name for name in ordered if name not in parent.values() and name not in same]
    chains = []
    for leaf in leaves:
        chain = [leaf]
        while chain[0] in parent:
            chain.insert(0, parent[chain[0]])
        chains.append(chain)
    return sorted(chains, key=lambda chain: ordered.index(chain[0]))


def caution(relation: Relation, data: pd.DataFrame) -> str:
    inner, outer = relation.inner, relation.outer
    if relation.restarts:
        first = min(data[inner].unique())
        return (
            f"the ids of {inner} repeat across {outer}: {inner} {first} of one {outer} is a different one "
            f"from {inner} {first} of another, if they are numbered within it. Write (1|{outer}/{inner}); "
            f"(1|{inner}) alone would mix them up."
        )
    if relation.kind == "crossed":
        small, large = sorted((inner, outer), key=lambda name: data[name].nunique())
        return (
            f"each {small} occurs with every {large}. If ids of {small} are only numbered within {large}, "
            f"they are nested: write (1|{large}/{small})."
        )
    if relation.kind == "identical":
        return f"{inner} and {outer} cannot both vary: keep one."
    return ""
