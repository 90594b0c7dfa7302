"""What stands in a formula between its `+` and `:`, as data: columns, numbers, arithmetic, transforms.

`log(x + 1)` is read once into a small tree, and every later step (computing the column, naming its coefficient,
writing it in LaTeX) walks that tree. No text of a formula is read again, and none is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Name:
    """A column of the data."""

    column: str


@dataclass(frozen=True)
class Number:
    """A number as it was typed."""

    text: str

    @property
    def value(self) -> float:
        return float(self.text)


@dataclass(frozen=True)
class Text:
    """A piece of text, which stands for a level: the "b" of `f == "b"`."""

    value: str


@dataclass(frozen=True)
class Negative:
    operand: Expression


@dataclass(frozen=True)
class Operation:
    """Arithmetic (`+ - * / **`) or a comparison (`> < >= <= == !=`)."""

    operator: str
    left: Expression
    right: Expression

    @property
    def is_comparison(self) -> bool:
        return self.operator in COMPARISONS


@dataclass(frozen=True)
class Contrast:
    """How a factor becomes columns: the `Treatment("b")` of `C(f, Treatment("b"))`, `Sum` or `Poly`."""

    kind: str
    reference: str | None = None


Value = float | int | bool | str | tuple[float, ...] | Contrast


@dataclass(frozen=True)
class Option:
    """An argument of a transform besides its column: its name, its value, and whether the name was typed."""

    name: str
    value: Value
    named: bool


@dataclass(frozen=True)
class Call:
    """A transform of an expression: `poly(x, 2, raw=True)`."""

    function: str
    argument: Expression
    options: tuple[Option, ...] = ()

    def option(self, name: str, default: Value | None = None) -> Any:
        """The value of one of the transform's arguments, by its name."""
        return next((option.value for option in self.options if option.name == name), default)


Expression = Name | Number | Text | Negative | Operation | Call

_PLAIN, _HIDDEN = re.compile(r"[^\W\d][\w.]*"), re.compile(r"(^|\.)__")

COMPARISONS = (">", "<", ">=", "<=", "==", "!=")

#: How tightly an operator binds what stands on its two sides.
_STRENGTH = {**dict.fromkeys(COMPARISONS, 0), "+": 1, "-": 1, "*": 2, "/": 2, "**": 4}
_SIGN, _ATOM = 3, 5


def columns_of(expression: Expression) -> tuple[str, ...]:
    """The columns that an expression uses, each once, in order."""
    return tuple(dict.fromkeys(_names(expression)))


def as_they_are(expression: Expression) -> tuple[str, ...]:
    """The columns that an expression does not take as levels, `C(x)`."""
    return tuple(dict.fromkeys(_names(expression, levels=False)))


def _names(expression: Expression, levels: bool = True) -> Iterator[str]:
    match expression:
        case Call("C" | "relevel") if not levels:
            return
        case Name(column):
            yield column
        case Negative(operand) | Call(argument=operand):
            yield from _names(operand, levels)
        case Operation(left=left, right=right):
            yield from _names(left, levels)
            yield from _names(right, levels)


def spell(expression: Expression, quoted: bool = True) -> str:
    """An expression as a formula writes it, in Python's spelling: `I(x ** 2)`.

    Parameters
    ----------
    expression
        What to write.
    quoted
        Whether names that are no plain words stand in backticks, so that the text reads back as the same
        expression; coefficients and axes are named without.
    """

    def inside(operand: Expression, strength: int) -> str:
        text = spell(operand, quoted)
        return text if _strength(operand) >= strength else f"({text})"

    match expression:
        case Name(column):
            return quote(column) if quoted else column
        case Number(text):
            return text
        case Text(value):
            return f'"{value}"'
        case Negative(operand):
            return f"-{inside(operand, _SIGN)}"
        case Operation(operator, left, right):
            strength = _STRENGTH[operator]
            return f"{inside(left, strength)} {operator} {inside(right, strength + 1)}"
        case Call(function, argument, options):
            return f"{function}({', '.join([spell(argument, quoted), *map(_spell_option, options)])})"


def quote(name: str) -> str:
    """A column's name as a formula needs it: in backticks unless it is a plain word, which may have dots."""
    if _PLAIN.fullmatch(name) and not _HIDDEN.search(name):
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _strength(expression: Expression) -> int:
    match expression:
        case Operation(operator=operator):
            return _STRENGTH[operator]
        case Negative():
            return _SIGN
    return _ATOM


def _spell_option(option: Option) -> str:
    value = _spell_value(option.value)
    return f"{option.name}={value}" if option.named else value


def _spell_value(value: Value) -> str:
    match value:
        case str():
            return f'"{value}"'
        case tuple():
            return f"c({', '.join(f'{number:g}' for number in value)})"
        case Contrast(kind, reference):
            return kind if reference is None else f'{kind}("{reference}")'
    return str(value)
