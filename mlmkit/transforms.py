"""Computing what a formula's expressions stand for: arithmetic, comparisons, transforms, splines.

A transform may remember something of the rows it was fitted to, the mean of `scale(x)` or the knots of
`ns(x, df=3)`, so that new rows become the same columns. What is remembered is keyed by the call itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from .columns import Column, Labels, day_of, label_text, shown, whole_numbers
from .errors import DataError
from .expression import Call, Contrast, Expression, Name, Negative, Number, Operation, Text, spell
from .frames import Table

#: What the calls and comparisons of an expression remember.
Memory = dict[Call | Operation, Any]


@dataclass(frozen=True, eq=False)
class Coded:
    """The value of a factor whose rows are levels, and the contrast asked for, if one was."""

    labels: Labels
    contrast: Contrast | None = None


@dataclass(frozen=True, eq=False)
class _Spline:
    """A spline basis: its knots, degree, and (for natural splines) the combinations kept and where they end."""

    knots: np.ndarray
    degree: int
    first: int
    keep: np.ndarray | None = field(default=None, repr=False)


Values = np.ndarray | Coded


def evaluate(tree: Expression, table: Table, memory: Memory) -> Values:
    """What an expression is on these rows.

    Parameters
    ----------
    tree
        The expression.
    table
        Its columns, without missing values.
    memory
        What its calls remember; a call not yet in it is fitted to these rows and put into it.

    Returns
    -------
    numpy.ndarray or Coded
        (n,) numbers, (n, k) for a transform that makes several columns, or levels.

    Raises
    ------
    DataError
        Naming the column that is no number where one is needed.
    """
    with np.errstate(all="ignore"):  # what is not finite is refused by name afterwards
        return _evaluate(tree, table, memory)


def remembers(tree: Expression) -> bool:
    """Whether what an expression is on some rows depends on all of them."""
    match tree:
        case Call(function, argument):
            return function in _FITTED or remembers(argument)
        case Negative(operand):
            return remembers(operand)
        case Operation(left=left, right=right):
            return remembers(left) or remembers(right)
    return False


def _evaluate(tree: Expression, table: Table, memory: Memory) -> Values:
    match tree:
        case Name(column):
            return _column(table[column])
        case Number():
            return np.full(len(table), tree.value)
        case Text(value):
            raise DataError(f"The text {value!r} is compared with a column of labels only.")
        case Negative(operand):
            return -_numbers(operand, table, memory)
        case Operation():
            if tree.is_comparison:
                return Coded(Labels(_compared(tree, table, memory), pd.Index([False, True])))
            left, right = _numbers(tree.left, table, memory), _numbers(tree.right, table, memory)
            return _ARITHMETIC[tree.operator](left, right)
        case Call("I"):
            return _evaluate(tree.argument, table, memory)
        case Call("C" | "relevel"):
            return _coded(tree, table, memory)
    return _transformed(tree, table, memory)


def _column(column: Column) -> Values:
    if column.is_number:
        return column.numbers
    if column.kind == "other":
        raise DataError(column.no_number)
    if column.stray:
        raise DataError(f"{column.stray} If it is meant as labels, write C({column.name}).")
    return Coded(column.labels)


def _numbers(tree: Expression, table: Table, memory: Memory) -> np.ndarray:
    """An expression as one number for each row; true and false count 1 and 0, as in R."""
    values = _evaluate(tree, table, memory)
    if isinstance(values, Coded):
        if values.labels.levels.dtype == bool and values.contrast is None:
            return values.labels.levels.to_numpy(dtype=float)[values.labels.codes]
        if isinstance(tree, Name):
            raise DataError(table[tree.column].no_number)
        raise DataError(f"{spell(tree, quoted=False)!r} is a factor: nothing can be computed with it.")
    if values.ndim > 1:
        raise DataError(
            f"{spell(tree, quoted=False)!r} is {values.shape[1]} columns, which stand on their own in a term."
        )
    return values


_ARITHMETIC: Mapping[str, Callable] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": np.power,
}


# -- comparisons --------------------------------------------------------------------------------------------


_COMPARISONS: Mapping[str, Callable] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def _compared(tree: Operation, table: Table, memory: Memory) -> np.ndarray:
    """1 where the comparison holds, 0 where it does not, −1 where one side is no number."""
    compare = _COMPARISONS[tree.operator]
    if isinstance(tree.left, Text):
        mirrored = {">": "<", "<": ">", ">=": "<=", "<=": ">="}.get(tree.operator, tree.operator)
        return _compared(Operation(mirrored, tree.right, tree.left), table, memory)
    if (
        isinstance(tree.left, Name)
        and isinstance(tree.right, Text)
        and table[tree.left.column].kind == "time"
    ):
        day = _day(tree.left.column, tree.right.value)
        return compare(table[tree.left.column].numbers, day).astype(np.intp)
    left = _evaluate(tree.left, table, memory)
    if isinstance(left, Coded) and isinstance(tree.right, Text | Number):
        value = tree.right.value if isinstance(tree.right, Text) else label_text(tree.right.value)
        return _compared_with_level(tree, left.labels, value, memory)[left.labels.codes].astype(np.intp)
    sides = _numbers(tree.left, table, memory), _numbers(tree.right, table, memory)
    return np.where(np.isnan(sides[0]) | np.isnan(sides[1]), -1, compare(*sides)).astype(np.intp)


def _compared_with_level(tree: Operation, labels: Labels, value: str, memory: Memory) -> np.ndarray:
    """For each level whether the comparison holds; the level's place is that among the levels of the fit."""
    if labels.levels.dtype == bool:
        value = {"TRUE": "True", "FALSE": "False", "1": "True", "0": "False"}.get(value, value)
    if tree not in memory:
        what = spell(tree.left, quoted=False)
        place_of(labels, value, what)
        if tree.operator not in ("==", "!=") and not labels.ordered:
            raise DataError(f"{what!r} is a factor without an order: compare it with == or !=.")
        memory[tree] = {text: k for k, text in enumerate(labels.texts)}
    place = memory[tree]
    places = np.array([place.get(text, -1) for text in labels.texts], dtype=np.intp)
    return _COMPARISONS[tree.operator](places, place[value])


def _day(name: str, text: str) -> float:
    day = day_of(text)
    if np.isnan(day):
        raise DataError(f'{name!r} is a date, and {text!r} is none: write it as "2020-12-31".')
    return day


def listed(values, most: int = 10) -> str:
    """Some values in words, the first of them where they are many."""
    values = list(values)
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(shown(value) for value in values[:most]) + more


# -- factors ------------------------------------------------------------------------------------------------


def _coded(call: Call, table: Table, memory: Memory) -> Coded:
    """`C(x)`, `C(x, Sum)`, `relevel(x, "b")`: any column as a factor."""
    if isinstance(call.argument, Name):
        given = Coded(table[call.argument.column].labels)
    else:
        inner = _evaluate(call.argument, table, memory)
        given = inner if isinstance(inner, Coded) else _levels_of_numbers(call, inner)
    if call.function == "C":
        contrast = call.option("contrast")
        return given if contrast is None else replace(given, contrast=contrast)
    if call in memory:  # new rows need not have the reference level
        return given
    memory[call] = True
    if given.labels.ordered:
        raise DataError(
            f"{spell(call.argument, quoted=False)!r} is an ordered factor, coded by polynomials: there is no reference "
            "level to choose. Make it unordered first: data[…].cat.as_unordered()."
        )
    return Coded(_first_level(given.labels, str(call.option("ref")), spell(call.argument, quoted=False)))


def _levels_of_numbers(call: Call, values: np.ndarray) -> Coded:
    if values.ndim > 1:
        raise DataError(f"{spell(call.argument, quoted=False)!r} is several columns, not a factor.")
    codes, levels = pd.factorize(values, sort=True)
    return Coded(Labels(codes, whole_numbers(levels)))


def _first_level(labels: Labels, ref: str, name: str) -> Labels:
    first = place_of(labels, ref, name)
    order = np.concatenate([[first], np.delete(np.arange(len(labels.levels)), first)])
    place = np.append(np.argsort(order), -1)
    return Labels(place[labels.codes], labels.levels.take(order))


def place_of(labels: Labels, level: str, name: str) -> int:
    """The position of a level given as it is written."""
    text = {"TRUE": "True", "FALSE": "False"}.get(level, level) if labels.levels.dtype == bool else level
    if text not in labels.texts:
        raise DataError(f"{name!r} has no level {level!r}: it has {listed(labels.texts)}.")
    return labels.texts.index(text)


# -- transforms of numbers ----------------------------------------------------------------------------------

_ELEMENTWISE: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p,
    "exp": np.exp, "sqrt": np.sqrt, "abs": np.abs,
}  # fmt: skip


def _transformed(call: Call, table: Table, memory: Memory) -> np.ndarray:
    x = _numbers(call.argument, table, memory)
    if call.function in _ELEMENTWISE:
        return _ELEMENTWISE[call.function](x)
    fit, apply = _FITTED[call.function]
    if call not in memory:
        _refuse_infinite(call, x, table)
        memory[call] = fit(x, call)
    return apply(x, memory[call])


def _refuse_infinite(call: Call, x: np.ndarray, table: Table) -> None:
    if len(x) == 0:
        raise DataError(f"There are no rows to compute {spell(call, quoted=False)} from.")
    if not np.isfinite(x).all():
        k = int(np.flatnonzero(~np.isfinite(x))[0])
        raise DataError(
            f"{spell(call.argument, quoted=False)!r} is {x[k]} in row {shown(table.index[k])}, so that "
            f"{spell(call, quoted=False)} cannot be computed."
        )


def _fit_scale(x: np.ndarray, call: Call) -> tuple[float, float]:
    """The origin and the unit of `center`, `scale` (R's) and `standardize` (whose SD divides by n)."""
    ddof = int(call.option("ddof", 0 if call.function == "standardize" else 1))
    origin = x.mean() if call.option("center", True) else 0.0
    rescale = call.function != "center" and call.option("scale", call.option("rescale", True))
    if not rescale:
        return float(origin), 1.0
    # without centring R divides by the root mean square
    unit = np.sqrt(np.sum((x - origin) ** 2) / max(len(x) - ddof, 1))
    if not unit > 0:
        raise DataError(f"{spell(call.argument, quoted=False)!r} is constant: it has no SD to be scaled by.")
    return float(origin), float(unit)


def _apply_scale(x: np.ndarray, state: tuple[float, float]) -> np.ndarray:
    return (x - state[0]) / state[1]


def _fit_poly(x: np.ndarray, call: Call) -> tuple[np.ndarray, np.ndarray] | int:
    """The recurrence of the polynomials orthogonal on x: x̄-like centres α and squared norms (R's `poly`)."""
    degree = int(call.option("degree", 1))
    if call.option("raw", False):
        return degree
    if len(np.unique(x)) <= degree:
        raise DataError(
            f"{spell(call.argument, quoted=False)!r} has {len(np.unique(x))} different values, too few for a "
            f"polynomial of degree {degree}."
        )
    alpha, norms, now, before = [], [float(len(x))], np.ones_like(x), np.zeros_like(x)
    for k in range(degree):
        alpha.append(np.sum(x * now**2) / norms[-1])
        following = (x - alpha[-1]) * now - (norms[-1] / norms[-2] if k else 0.0) * before
        before, now = now, following
        norms.append(float(np.sum(now**2)))
    return np.array(alpha), np.array(norms)


def _apply_poly(x: np.ndarray, state: tuple[np.ndarray, np.ndarray] | int) -> np.ndarray:
    if isinstance(state, int):
        return np.column_stack([x**k for k in range(1, state + 1)])
    alpha, norms = state
    columns = [np.ones_like(x)]
    for k in range(len(alpha)):
        previous = norms[k] / norms[k - 1] * columns[k - 1] if k else 0.0
        columns.append((x - alpha[k]) * columns[k] - previous)
    return np.column_stack(columns[1:]) / np.sqrt(norms[1:])


# -- splines ------------------------------------------------------------------------------------------------


def _fit_spline(x: np.ndarray, call: Call) -> _Spline:
    """The knots of `bs` and `ns`, placed as R's splines package places them."""
    natural = call.function == "ns"
    degree = 3 if natural else int(call.option("degree", 3))
    intercept = bool(call.option("intercept", False))
    inner = call.option("knots")
    if inner is None:
        least = (1 if natural else degree) + intercept
        n_inner = int(call.option("df", least)) - least
        if n_inner < 0:
            raise DataError(f"{spell(call, quoted=False)} has too few columns: df is at least {least}.")
        inner = np.quantile(x, np.linspace(0, 1, n_inner + 2)[1:-1])
    inner = np.sort(np.asarray(inner, dtype=float))
    low, high = x.min(), x.max()
    if not low < high or np.any((inner <= low) | (inner >= high)):
        raise DataError(
            f"The knots of {spell(call, quoted=False)} do not lie inside the range of "
            f"{spell(call.argument, quoted=False)}, {low:g} to {high:g}."
        )
    knots = np.r_[[low] * (degree + 1), inner, [high] * (degree + 1)]
    first = 0 if intercept else 1
    return _Spline(knots, degree, first, _natural(knots, first) if natural else None)


def _natural(knots: np.ndarray, first: int) -> np.ndarray:
    """The combinations of cubic B-splines whose second derivative is 0 at both ends, as R's `ns` has them."""
    from scipy.interpolate import BSpline  # slow to import, and few models have splines

    size = len(knots) - 4
    ends = np.array([knots[0], knots[-1]])
    second = np.column_stack([BSpline(knots, np.eye(size)[k], 3)(ends, nu=2) for k in range(size)])
    Q, _ = np.linalg.qr(second[:, first:].T, mode="complete")
    return Q[:, 2:]


def _apply_spline(x: np.ndarray, spline: _Spline) -> np.ndarray:
    from scipy.interpolate import BSpline

    size = len(spline.knots) - spline.degree - 1
    basis = BSpline(spline.knots, np.eye(size), spline.degree)  # beyond the ends: the same polynomials
    if spline.keep is None:
        return basis(x)[:, spline.first :]
    low, high = spline.knots[0], spline.knots[-1]
    inside = np.clip(x, low, high)
    rows = basis(inside) + (x - inside)[:, None] * basis(inside, nu=1)  # beyond the ends: straight lines
    return rows[:, spline.first :] @ spline.keep


_FITTED: Mapping[str, tuple[Callable, Callable]] = {
    **dict.fromkeys(("center", "scale", "standardize"), (_fit_scale, _apply_scale)),
    "poly": (_fit_poly, _apply_poly),
    **dict.fromkeys(("bs", "ns"), (_fit_spline, _apply_spline)),
}
