"""The symbol table: a `Spec`, with data if there are any, read once into the symbols every view shares.

Network, equations and words are all written from a `Model`, so they cannot disagree about what β_j is, what
it depends on, or which predictor belongs to the groups.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import MlmkitError
from ..families import Family, get_family
from ..spec import Spec
from ..terms import Part
from .symbols import COEFFICIENTS, DEVIATIONS, expression, function_of, indexed, innermost, roman

#: Brackets with none inside them.
BRACKETED = r"[({][^(){}]*[)}]"


class DiagramError(MlmkitError):
    """A model that is fitted but not drawn; the message says what is not drawn."""


@dataclass(frozen=True)
class Group:
    """A grouping factor with its letters. `outer` is the key of the group that directly contains it.

    `name` is what its plate is called: without the factors of the groups around it, inside whose plates it
    stands. `codes` holds each row's group where data were given; `pooled` is False where every group has free
    coefficients of its own (a flat model) rather than a draw from a population.
    """

    key: str
    factors: tuple[str, ...]
    letter: str = "j"
    count: str = "J"
    size: int | None = None
    indicator: str = "s"
    order: int = 0
    outer: str | None = None
    coefficient: str = COEFFICIENTS[0]
    deviation: str = DEVIATIONS[0]
    pooled: bool = True
    name: str = ""
    codes: np.ndarray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Variable:
    """A predictor column. `group` is the key of the group it is constant within, None for observations."""

    name: str
    letter: str = "x"
    number: int | None = None
    group: str | None = None
    categorical: bool = False

    def at(self, index: str) -> str:
        """Its LaTeX at an index: `x_i`, `x_{i2}`, `z_j`."""
        return indexed(self.letter, index, self.number)


@dataclass(frozen=True)
class Column:
    """A column of X: the product of its parts; the intercept has none."""

    name: str
    parts: tuple[Part, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.factor.columns))


@dataclass(frozen=True)
class Coefficient:
    """A coefficient, numbered as in b_0, b_1, …; `fixed` if it has a population value in the model."""

    number: int
    column: Column
    fixed: bool = True


@dataclass(frozen=True)
class Block:
    """Coefficients that vary together across the groups of `group`: one node of the network."""

    group: str
    members: tuple[int, ...]
    rank: int = 0

    @property
    def mark(self) -> str:
        return "'" * self.rank

    @property
    def vector(self) -> bool:
        return len(self.members) > 1


@dataclass(frozen=True)
class Model:
    """Everything the views need, in the order in which it is written down.

    Attributes
    ----------
    groups
        Innermost first where they nest; else in the order typed.
    chains
        The same groups, those nested in one another together; two chains cross.
    coefficients
        All coefficients, those of the fixed part first.
    blocks
        The varying ones, group by group.
    absorbed
        Coefficient number → (group key, number): this coefficient of a group-level predictor is part of the
        mean of that group coefficient.
    row
        The observations' index: "i", a group's letter where each group is one row, "" where there is one row.
    alone
        Up to this many predictors of one plate are nodes of their own in a network; more are one vector.
    """

    spec: Spec
    groups: tuple[Group, ...]
    chains: tuple[tuple[Group, ...], ...]
    variables: tuple[Variable, ...]
    coefficients: tuple[Coefficient, ...]
    blocks: tuple[Block, ...]
    absorbed: dict[int, tuple[str, int]]
    row: str = "i"
    n: int | None = None
    sigma_by_group: bool = False
    has_trials: bool = False
    has_offset: bool = False
    has_weights: bool = False
    notes: tuple[str, ...] = ()
    fit: Any = None
    alone: int = 4

    # -- finding ------------------------------------------------------------
    @cached_property
    def by_key(self) -> dict[str, Group]:
        return {group.key: group for group in self.groups}

    def group(self, key: str) -> Group:
        return self.by_key[key]

    def variable(self, name: str) -> Variable:
        return next(v for v in self.variables if v.name == name)

    def coefficient(self, number: int) -> Coefficient:
        return next(c for c in self.coefficients if c.number == number)

    def blocks_of(self, group: Group) -> list[Block]:
        return [block for block in self.blocks if block.group == group.key]

    def varies(self, group: Group, number: int) -> bool:
        return any(number in block.members for block in self.blocks_of(group))

    # -- shape ------------------------------------------------------------
    @property
    def pooled(self) -> bool:
        return any(group.pooled for group in self.groups)

    @property
    def nested(self) -> bool:
        """One chain of groups: coefficients have means that are coefficients (β_j ~ N(b, Σ)).

        Crossed groups have no such chain; each adds its own deviations with mean zero.
        """
        return len(self.chains) == 1

    @property
    def collapsed(self) -> bool:
        """Each group is one row, so that observations and groups share one index."""
        return bool(self.groups) and self.row == self.groups[0].letter

    @property
    def lone(self) -> bool:
        """One coefficient in all: it needs no number."""
        return len(self.coefficients) == 1

    @property
    def family(self) -> Family:
        return self.spec.family

    @property
    def title(self) -> str:
        """The formula, with the family, and the link, where they are not the usual ones."""
        name, link = self.family.name, self.family.link
        usual = link == get_family(name).link
        words = [] if self.family.is_linear else [name] if usual else [name, link]
        return self.spec.formula + (f" ({', '.join(words)})" if words else "")

    @property
    def has_row_predictors(self) -> bool:
        """Whether some predictor has a value for each observation, not for each group."""
        return any(variable.group is None for variable in self.variables)

    # -- symbols ------------------------------------------------------------
    @property
    def y(self) -> str:
        return indexed("m" if self.spec.response.failures else "y", self.row)

    @property
    def response(self) -> str:
        """The response as people call it."""
        return self.spec.response.name

    @property
    def trials(self) -> str:
        return indexed("n", self.row)

    @property
    def total(self) -> str:
        """How many observations: n, or N where n is the number of trials."""
        return "N" if self.has_trials else "n"

    @property
    def mean(self) -> str:
        return indexed(self.family.distribution.mean_symbol, self.row)

    @property
    def sigma(self) -> str:
        """The first parameter beside the mean: σ, or φ for a size."""
        return indexed(
            self.family.distribution.symbols[0], self.groups[0].letter if self.sigma_by_group else ""
        )

    @property
    def beside_mean(self) -> tuple[str, ...]:
        """The parameters beside the mean, of a row: σ, or φ for a size, or σ and ν."""
        symbols = self.family.distribution.symbols
        if not self.sigma_by_group:
            return symbols
        return (indexed(symbols[0], self.seen_from(self.groups[0], self.row)), *symbols[1:])

    @property
    def population(self) -> str:
        """The letter of coefficients that do not vary: b where others do, β in a model of its own."""
        return "b" if self.groups else COEFFICIENTS[0]

    def numbered(self, number: int) -> int | str:
        return "" if self.lone else number

    def b(self, number: int) -> str:
        return indexed(self.population, self.numbered(number))

    def own(self, group: Group, number: int) -> str:
        r"""A group coefficient at its own index: `\beta_{j0}`."""
        return indexed(group.coefficient, group.letter, self.numbered(number))

    def at_row(self, group: Group, number: int) -> str:
        r"""The coefficient of the group that observation i belongs to: `\beta_{[s_i]0}`."""
        return indexed(group.coefficient, self.seen_from(group, self.row), self.numbered(number))

    def at_group(self, outer: Group, inner: Group, number: int) -> str:
        r"""The outer group's coefficient seen from an inner group: `\beta_{[s_j]0}`."""
        return indexed(outer.coefficient, self.seen_from(outer, inner.letter), self.numbered(number))

    def deviation_at_row(self, group: Group, number: int) -> str:
        return indexed(group.deviation, self.seen_from(group, self.row), self.numbered(number))

    @property
    def known_numbers(self) -> list[tuple[str, str]]:
        """What is known of each row beside its predictors: a symbol, and the word for it."""
        known = [(self.trials, "trials")] if self.has_trials else []
        known += [(indexed("w", self.row), "weight")] if self.has_weights else []
        return known + ([(indexed("o", self.row), "offset")] if self.has_offset else [])

    def seen_from(self, group: Group, index: str) -> str:
        """The group's index as another index gives it: `[s_i]`; its own letter where the two are the same."""
        return group.letter if index == group.letter else f"[{group.indicator}_{index}]"

    def coefficients_symbol(self, block: Block) -> str:
        group = self.group(block.group)
        if block.vector:
            return indexed(group.coefficient, group.letter, vector=True, mark=block.mark)
        return self.own(group, block.members[0])

    def deviations_symbol(self, block: Block) -> str:
        group = self.group(block.group)
        number = "" if block.vector else self.numbered(block.members[0])
        return indexed(group.deviation, group.letter, number, vector=block.vector, mark=block.mark)

    def group_mark(self, group: Group) -> str:
        """What τ and Σ carry to say whose they are: nothing where there is one grouping."""
        return group.indicator if len(self.groups) > 1 else ""

    def sd(self, group: Group, number: int) -> str:
        return indexed(r"\tau", self.group_mark(group), self.numbered(number))

    def rho(self, group: Group, a: int, b: int) -> str:
        alone = sum(len(block.members) for block in self.blocks_of(group)) == 2
        return indexed(r"\rho", self.group_mark(group), *(() if alone else (a, b)))

    def covariance(self, block: Block) -> str:
        """Σ of a vector, τ of a single coefficient."""
        group = self.group(block.group)
        if not block.vector:
            return self.sd(group, block.members[0])
        return indexed(r"\Sigma", self.group_mark(group), mark=block.mark)

    def b_vector(self, block: Block | None = None) -> str:
        """b as a vector: of all coefficients, or of those in a block's means (primed from the second on)."""
        fed = [other for other in self.blocks if other.vector and self.feeding(other)]
        return indexed(self.population, vector=True, mark="'" * fed.index(block) if block else "")

    # -- columns in LaTeX ------------------------------------------------------------
    def column(self, column: Column, index: str) -> str:
        """A column's value at an index: `x_i`, `x_i z_{[s_i]}`, an Iverson bracket for a level."""
        return r" \, ".join(self.part(part, index) for part in column.parts)

    def part(self, part: Part, index: str) -> str:
        symbols = {name: self.value(name, index) for name in part.factor.columns}
        text = expression(part.factor.tree, symbols)
        if part.level is None:
            return f"({text})" if _needs_brackets(text) else text
        if part.kind == "basis":
            inner = expression(innermost(part.factor.tree), symbols)
            return rf"{roman(function_of(part.factor.tree))}_{{{part.level}}}({inner})"
        if part.kind in ("sum", "poly"):
            number = part.level.lstrip(".^") if part.kind == "poly" else roman(part.level)
            return rf"{roman(part.kind)}_{{{number}}}({text})"
        return rf"[{text} = {roman(part.level)}]"

    def value(self, name: str, index: str) -> str:
        """A variable seen from an index: its own, or that of the group an observation belongs to."""
        variable = self.variable(name)
        if variable.group is None:
            return variable.at(index)
        return variable.at(self.seen_from(self.group(variable.group), index))

    # -- where things come from ------------------------------------------------------------
    def outer(self, group: Group) -> Group | None:
        return self.by_key.get(group.outer)

    def parent(self, group: Group, number: int) -> Group | None:
        """The next group outwards in which this coefficient varies, too."""
        above = self.outer(group)
        while above is not None and not self.varies(above, number):
            above = self.outer(above)
        return above

    def innermost(self, number: int) -> Group | None:
        """The finest group in which a coefficient varies; None where it does not, or where groups cross."""
        if not self.nested:
            return None
        return next((group for group in self.groups if self.varies(group, number)), None)

    def added_to(self, group: Group, number: int) -> list[int]:
        """Coefficients of group-level predictors in the mean of this group coefficient."""
        return [c for c, target in self.absorbed.items() if target == (group.key, number)]

    @property
    def direct(self) -> list[Coefficient]:
        """Population coefficients that enter the observations' mean themselves, not through a group's."""
        through = set(self.absorbed) | {c.number for c in self.coefficients if self.innermost(c.number)}
        return [c for c in self.coefficients if c.fixed and c.number not in through]

    def feeding(self, block: Block) -> list[int]:
        """Population coefficients in the means of a block, in the order of their numbers."""
        group, found = self.group(block.group), []
        if not (group.pooled and self.nested):
            return []
        for number in block.members:
            if self.coefficient(number).fixed and self.parent(group, number) is None:
                found.append(number)
            found += self.added_to(group, number)
        return sorted(found)


def _needs_brackets(text: str) -> bool:
    """Whether an expression, written behind its coefficient as it is, would be read as something else, or badly."""
    if text.startswith("-"):
        return True
    if not text.startswith("("):
        return bool(re.search(r" [+-] ", text))
    while re.search(BRACKETED, text):
        text = re.sub(BRACKETED, "", text)
    return bool(re.search(r" [+-] ", text))
