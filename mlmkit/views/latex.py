r"""Pieces of a model's equations in LaTeX: symbols or estimates in their place, sums, columns, ranges."""

from __future__ import annotations

import numpy as np

from ..spec import same_group
from .model import Block, DiagramError, Group, Model
from .symbols import number

#: A sum with more terms than this is broken into lines.
TERMS_A_LINE = 5


# -- symbols, or estimates in their place ------------------------------------------------------------


class Symbols:
    """Parameters as symbols."""

    def __init__(self, model: Model):
        self.model = model

    def b(self, k: int) -> str:
        return self.model.b(k)

    def sd_squared(self, group: Group, k: int) -> str:
        return squared(self.model.sd(group, k))

    def beside_mean(self) -> tuple[str, ...]:
        """The parameters beside the mean, of a row."""
        return self.model.beside_mean

    def covariance(self, block: Block) -> str:
        """The matrix Σ, element by element up to 3 × 3."""
        group, members = self.model.group(block.group), block.members
        if len(members) > 3:
            return ""

        def cell(a, b):
            if a == b:
                return squared(self.model.sd(group, a))
            low, high = sorted((a, b))
            sds = f"{self.model.sd(group, low)} {self.model.sd(group, high)}"
            return f"{self.model.rho(group, low, high)} {sds}"

        return matrix_of([[cell(a, b) for b in members] for a in members])

    def term(self, k: int, column: str) -> tuple[str, str]:
        """A sign, and a coefficient with its column."""
        return "+", times(self.b(k), column)


class Values(Symbols):
    """Parameters as the fit's estimates."""

    def b(self, k: int) -> str:
        return number(self.value(k))

    def value(self, k: int) -> float:
        model = self.model
        name = model.coefficient(k).column.name
        return float(model.fit.fixef[name])

    def term(self, k: int, column: str) -> tuple[str, str]:
        value = self.value(k)
        return ("-" if value < 0 else "+"), times(number(abs(value)), rf"\, {column}" if column else "")

    def sd_squared(self, group: Group, k: int) -> str:
        return squared(number(self.sds(group, k)))

    def sds(self, group: Group, *numbers: int) -> float:
        """A group's SD (one coefficient) or correlation (two), from the fit's table of variances."""
        names = [self.model.coefficient(k).column.name for k in numbers]
        for row in self.model.fit.varcorr.itertuples():
            terms = [term for term in (row.term1, row.term2) if isinstance(term, str)]
            if sorted(terms) == sorted(names) and same_group(row.group, group.key):
                return float(row.sdcor)
        raise DiagramError(f"The fit has no SD of {' and '.join(names)} across {group.key}.")

    def beside_mean(self) -> tuple[str, ...]:
        values = self.model.family.distribution.told(self.model.fit.dispersion)
        return tuple(r"\infty" if np.isinf(value) else number(value) for value in values)

    def covariance(self, block: Block) -> str:
        group, members = self.model.group(block.group), block.members
        sd = np.array([self.sds(group, k) for k in members])
        rho = np.array([[1.0 if a == b else self.sds(group, a, b) for b in members] for a in members])
        return matrix_of([[number(value) for value in row] for row in np.outer(sd, sd) * rho])


# -- pieces ------------------------------------------------------------


def squared(symbol: str) -> str:
    """τ², with the square where it can be read: τ_0², 25.6², (1.05 · 10^{-5})²."""
    base = f"({symbol})" if "^" in symbol else symbol
    return rf"{base}^{{2}}"


def times(coefficient: str, column: str) -> str:
    return f"{coefficient} {column}".strip()


def matrix_of(rows) -> str:
    return r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in rows) + r" \end{bmatrix}"


def column_of(cells: list[str]) -> str:
    return matrix_of([[cell] for cell in cells])


def transposed(cells) -> str:
    return rf"[{', '.join(cells)}]^\top"


def sum_of(terms: list[tuple[str, str]]) -> str:
    """Signed terms as a sum; long ones on several lines."""
    if not terms:
        return "0"
    text = ("-" if terms[0][0] == "-" else "") + terms[0][1]
    for k, (sign, term) in enumerate(terms[1:], start=1):
        text += (" \\\\\n&\\quad " if k % TERMS_A_LINE == 0 else " ") + f"{sign} {term}"
    return text


def range_of(letter: str, count: str) -> str:
    return rf"{letter} = 1 \ldots {count}" if letter else ""


def scope(group: Group) -> str:
    return range_of(group.letter, group.count)


def rows_scope(model: Model) -> str:
    return scope(model.groups[0]) if model.collapsed else range_of(model.row, model.total)


def normal(mean: str, variance: str) -> str:
    return rf"\mathrm{{N}}\left({mean}, {variance}\right)"
