"""Terms → the columns of a design matrix, and the same columns for new rows.

A numeric factor is its own column; a factor with levels becomes indicators or contrasts of them; a term's columns
are the products of its factors' columns, the first factor's running fastest. Which of the two codings a factor
gets is R's rule: contrasts where the term without that factor lies in an earlier term, indicators of all levels
where it does not, and indicators for the first factor of a model without an intercept.

What a coefficient is called says how its column was made:

==========================  ================================================================================
`x`, `log(x)`               a number
`f[T.b]`                    level b against the reference level (a truth value's is `t[T.True]`)
`f[b]`                      level b itself: an indicator
`C(f, Sum)[S.a]`            level a against the mean of all levels
`f.L f.Q f.C f^4`           linear, quadratic, cubic, … contrast of an ordered factor
`poly(x, 2)[1]`             the first column of a transform that makes several
==========================  ================================================================================
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .columns import DATE, DURATION, WORDS, Column, Labels, shown, whole_numbers
from .errors import DataError
from .expression import Contrast
from .frames import Table, as_frame, check_there, look_at
from .spec import INTERCEPT, Factor, Term, columns_in
from .transforms import Coded, Memory, Values, evaluate, listed, place_of, remembers

#: The most numbers that a design matrix may have, and one with more columns than rows.
MOST_CELLS, MOST_CELLS_OF_MANY = 250_000_000, 10_000_000

#: A column's sum of squares lies between this and one divided by it, or leaves the range of floating point later.
LEAST_SQUARE = 1e-200


@dataclass(frozen=True, eq=False)
class Coding:
    """How a factor with levels becomes columns.

    Attributes
    ----------
    levels
        The levels, as values of the data, in order.
    texts
        The same as they are written in names.
    contrast
        The contrast's kind and, for `Treatment`, its reference level.
    matrix
        (levels, levels − 1) the contrasts; the other coding, indicators, is the identity.
    by_default
        Whether the contrast is the usual one of such a column, not one that the formula asks for.
    """

    levels: pd.Index
    texts: tuple[str, ...]
    contrast: Contrast
    matrix: np.ndarray = field(repr=False)
    by_default: bool = True

    @property
    def reference(self) -> int:
        """The position of the reference level of a treatment contrast; 0 for the others."""
        return self.texts.index(self.contrast.reference) if self.contrast.reference is not None else 0


@dataclass(frozen=True)
class Part:
    """One factor's share of a column.

    Attributes
    ----------
    factor
        The factor.
    level
        Which level, contrast or column of a transform; None for a number.
    kind
        `"number"`, `"level"` (an indicator), `"treatment"`, `"sum"`, `"poly"` (of an ordered factor) or `"basis"`.
    """

    factor: Factor
    level: str | None = None
    kind: str = "number"

    @property
    def name(self) -> str:
        """The part as it is written in the name of a coefficient."""
        return self.factor.name + self.suffix

    @property
    def suffix(self) -> str:
        if self.level is None:
            return ""
        mark = {"treatment": "T.", "sum": "S."}.get(self.kind, "")
        return self.level if self.kind == "poly" else f"[{mark}{self.level}]"


@dataclass(frozen=True, eq=False)
class Columns:
    """How terms become columns, kept so that new data become the same columns (same levels, same centring).

    Attributes
    ----------
    terms
        The terms, the intercept as `()`.
    names
        The columns' names.
    parts
        For each column the parts whose product it is; none for the intercept.
    assign
        For each column the position of its term in `terms`.
    codings
        For each factor with levels: levels, contrast and contrast matrix. Factors that are not here are numbers.
    """

    terms: tuple[Term, ...]
    names: tuple[str, ...]
    parts: tuple[tuple[Part, ...], ...]
    assign: tuple[int, ...]
    codings: Mapping[Factor, Coding]
    memory: Memory = field(repr=False, default_factory=dict)
    # which factors of each term are coded by indicators
    full: tuple[frozenset[Factor], ...] = field(repr=False, default=())
    # what each column of the data was: a number, a date or time, text …
    kinds: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def used(self) -> tuple[str, ...]:
        """The data's columns that these need."""
        return columns_in(self.terms)

    def matrix(self, data: pd.DataFrame) -> np.ndarray:
        """The columns for these rows, shape (rows, columns).

        Raises
        ------
        DataError
            For a column that is not there, a missing value, a level that the fit never saw, or a value that a
            transform turns into none.
        """
        frame = as_frame(data, self.used)
        check_there(self.used, frame, new=True)
        return self.of(look_at(frame, self.used))

    def of(self, table: Table) -> np.ndarray:
        """The columns for rows whose columns have been looked at already."""
        matrix = _matrix(self, self.values(table), len(table))
        return finite(matrix, self.names, "The column", table.index)

    def values(self, table: Table) -> dict[Factor, Values]:
        """What each factor is on these rows: numbers, or positions among the levels of the fit."""
        for name in self.used:
            refuse_missing(name, table)
            _refuse_another_kind(table[name], self.kinds.get(name, ""))
        return {factor: self._value(factor, table) for term in self.terms for factor in term}

    def _value(self, factor: Factor, table: Table) -> Values:
        """A factor's numbers, or its rows' positions among the levels of the fit."""
        values = evaluate(factor.tree, table, self.memory)
        coding = self.codings.get(factor)
        if coding is None:
            if isinstance(values, Coded):
                column = table[factor.columns[0]]
                why = f": {column.no_number}" if len(factor.columns) == 1 and not column.is_number else "."
                raise DataError(
                    f"{factor.name!r} was a number when the model was fitted and is none now{why}"
                )
            return values
        if not isinstance(values, Coded):
            values = _number_as_labels(values)
        _refuse_unknown(factor, values, table.index)
        codes = values.labels.positions_in(coding.levels, coding.texts)
        if (codes < 0).any():
            strange = values.labels.levels[values.labels.codes[codes < 0][0]]
            raise DataError(
                f"{factor.name!r} has the value {shown(strange)}, which the fit never saw; it saw {listed(coding.levels)}."
            )
        return Coded(Labels(codes, coding.levels))


def encode(
    terms: tuple[Term, ...], table: Table, used: np.ndarray | None, reserved: tuple[str, ...] = ()
) -> tuple[Columns, np.ndarray]:
    """How these terms become columns, and the columns of the rows used.

    `scale(x)` and its like take their mean and SD from all rows that have an x, as in R, so that a missing
    response elsewhere in the row does not move the origin of a predictor.

    Parameters
    ----------
    terms
        What to encode.
    table
        All rows.
    used
        (n,) mask of the rows that the model uses, none of which misses a value; None for all of them.
    reserved
        Names of other parameters of the model, that no coefficient is given.
    """
    index = table.index if used is None else table.index[used]
    memory: Memory = {}
    values: dict[Factor, Values] = {}
    codings: dict[Factor, Coding] = {}
    for factor in dict.fromkeys(factor for term in terms for factor in term):
        value = _fitted(factor, table, used, memory)
        if isinstance(value, Coded):
            _refuse_unknown(factor, value, index)
            value = Coded(value.labels.present(), value.contrast)
            codings[factor] = _coding(factor, value)
        values[factor] = value
    full = _indicators(terms, codings)
    _check_size(terms, full, values, len(index))
    pieces = [_parts(term, whole, values, codings) for term, whole in zip(terms, full, strict=True)]
    parts = tuple(itertools.chain.from_iterable(pieces))
    assign = tuple(k for k, one in enumerate(pieces) for _ in one)
    kinds = {name: table[name].what for name in columns_in(terms)}
    columns = Columns(terms, _names(parts, reserved), parts, assign, codings, memory, full, kinds)
    return columns, finite(_matrix(columns, values, len(index)), columns.names, "The column", index)


def _check_size(
    terms: Sequence[Term], full: Sequence[frozenset[Factor]], values: Mapping[Factor, Values], n: int
) -> None:
    """Count the columns before any is made."""
    sizes = [
        math.prod(_width(values[factor], factor in whole) for factor in term)
        for term, whole in zip(terms, full, strict=True)
    ]
    p = sum(sizes)
    if n * p <= (MOST_CELLS if p <= n else MOST_CELLS_OF_MANY):
        return
    most = int(np.argmax(sizes))
    name = ":".join(factor.name for factor in terms[most])
    raise DataError(
        f"The predictors have {p} columns for {n} rows, {sizes[most]} of them from {name!r}: more than can be "
        "estimated. A factor with very many levels is a grouping variable, (1|g)."
    )


def _width(value: Values, whole: bool) -> int:
    if isinstance(value, Coded):
        return len(value.labels.levels) - (not whole)
    return 1 if value.ndim == 1 else value.shape[1]


def _fitted(factor: Factor, table: Table, used: np.ndarray | None, memory: Memory) -> Values:
    """A factor on the rows used; what it remembers is fitted to all rows that have its columns."""
    if used is None:
        return evaluate(factor.tree, table, memory)
    own = Table({name: table[name] for name in factor.columns}, table.index)
    if not remembers(factor.tree):
        return evaluate(factor.tree, own.take(used), memory)
    there = ~own.missing(factor.columns)
    values = evaluate(factor.tree, own.take(there), memory)
    kept = used[there]
    return Coded(values.labels.take(kept), values.contrast) if isinstance(values, Coded) else values[kept]


# -- coding -----------------------------------------------------------------------------------------------


def _coding(factor: Factor, value: Coded) -> Coding:
    labels, contrast = (
        value.labels,
        value.contrast or Contrast("Poly" if value.labels.ordered else "Treatment"),
    )
    texts, size = labels.texts, len(labels.levels)
    if contrast.reference is not None:
        place = place_of(labels, contrast.reference, factor.name)
        contrast = Contrast(contrast.kind, texts[place])
        matrix = np.delete(np.eye(size), place, axis=1)
    elif contrast.kind == "Sum":
        matrix = np.vstack([np.eye(size - 1), -np.ones((1, size - 1))])
    elif contrast.kind == "Poly":
        matrix = _orthogonal_polynomials(size)
    else:
        matrix = np.eye(size)[:, 1:]
    return Coding(labels.levels, texts, contrast, matrix, value.contrast is None)


def _orthogonal_polynomials(size: int) -> np.ndarray:
    """R's `contr.poly`: orthonormal polynomials on 1, …, size, each rising at the end."""
    x = np.arange(size) - (size - 1) / 2
    Q, R = np.linalg.qr(np.vander(x, size, increasing=True))
    return (Q * np.sign(np.diag(R)))[:, 1:]


def _indicators(terms: Sequence[Term], codings: Mapping[Factor, Coding]) -> tuple[frozenset[Factor], ...]:
    """For each term the factors that are coded by indicators of all their levels; R's rule (see above)."""
    found = []
    for k, term in enumerate(terms):
        before = [frozenset(other) for other in terms[:k]]
        # a factor alone always has contrasts, but for the case without an intercept
        rest = {f: frozenset(term) - {f} for f in term if f in codings}
        found.append({f for f, other in rest.items() if other and not any(other <= one for one in before)})
    if INTERCEPT not in terms:
        first = next(((k, f) for k, term in enumerate(terms) for f in term if f in codings), None)
        if first is not None:
            found[first[0]].add(first[1])
    return tuple(map(frozenset, found))


def _parts(
    term: Term, whole: frozenset[Factor], values: Mapping[Factor, Values], codings: Mapping[Factor, Coding]
) -> list[tuple[Part, ...]]:
    """The parts of each of a term's columns."""
    choices = [_choices(factor, factor in whole, values[factor], codings.get(factor)) for factor in term]
    return [parts[::-1] for parts in itertools.product(*reversed(choices))]


def _choices(factor: Factor, whole: bool, value: Values, coding: Coding | None) -> list[Part]:
    if coding is None:
        if not isinstance(value, np.ndarray) or value.ndim == 1:
            return [Part(factor)]
        return [Part(factor, str(k + 1), "basis") for k in range(value.shape[1])]
    if whole:
        return [Part(factor, text, "level") for text in coding.texts]
    if coding.contrast.kind == "Poly":
        degrees = range(1, len(coding.texts))
        return [Part(factor, _DEGREES.get(k, f"^{k}"), "poly") for k in degrees]
    if coding.contrast.kind == "Sum":
        return [Part(factor, text, "sum") for text in coding.texts[:-1]]
    others = [text for k, text in enumerate(coding.texts) if k != coding.reference]
    return [Part(factor, text, "treatment") for text in others]


_DEGREES = {1: ".L", 2: ".Q", 3: ".C"}

#: Names of parameters, the intercept and the residual SD, that no column's coefficient is given in any model.
RESERVED = ("Intercept", "sigma")


def _names(parts: Sequence[tuple[Part, ...]], reserved: tuple[str, ...]) -> tuple[str, ...]:
    """What the columns are called; where two would be called the same, their factors keep the backticks."""
    names = [":".join(part.name for part in one) or "Intercept" for one in parts]
    count = Counter([*names, *{*RESERVED, *reserved}])
    return tuple(
        ":".join(f"`{part.factor.name}`{part.suffix}" for part in one) if one and count[name] > 1 else name
        for name, one in zip(names, parts, strict=True)
    )


# -- columns ----------------------------------------------------------------------------------------------


def _matrix(columns: Columns, values: Mapping[Factor, Values], n: int) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused by name afterwards
        blocks = [
            _block(term, whole, values, columns.codings, n)
            for term, whole in zip(columns.terms, columns.full, strict=True)
        ]
    # column by column in memory, as the engine walks it
    return np.concatenate([block.T for block in blocks]).T if blocks else np.empty((n, 0))


def _block(
    term: Term,
    whole: frozenset[Factor],
    values: Mapping[Factor, Values],
    codings: Mapping[Factor, Coding],
    n: int,
) -> np.ndarray:
    """A term's columns, (n, k): products over its factors, the first factor's column running fastest."""
    block = None
    for factor in term:
        value = values[factor]
        if isinstance(value, Coded):
            matrix = np.eye(len(codings[factor].levels)) if factor in whole else codings[factor].matrix
            value = matrix[value.labels.codes]
        elif value.ndim == 1:
            value = value[:, None]
        if block is None:
            block = value
        else:  # the size is said, as it cannot be worked out where there are no rows
            size = value.shape[1] * block.shape[1]
            block = (value[:, :, None] * block[:, None, :]).reshape(n, size)
    return np.ones((n, 1)) if block is None else block


def _number_as_labels(values: np.ndarray) -> Coded:
    codes, levels = pd.factorize(values)
    return Coded(Labels(codes, whole_numbers(levels)))


# -- refusals ---------------------------------------------------------------------------------------------


def finite(
    matrix: np.ndarray, names: Sequence[str], what: str, rows: pd.Index | None = None, squared: bool = True
) -> np.ndarray:
    """The matrix, all of whose values are numbers, and with `squared` numbers that can be squared.

    Raises
    ------
    DataError
        Naming the column and the row of the first that is infinite or no number, or the column that is out of scale.
    """
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        squares = np.einsum("ij,ij->j", matrix, matrix)
        if np.all((squares > LEAST_SQUARE) & (squares < 1 / LEAST_SQUARE)):
            return matrix
    broken = ~np.isfinite(matrix)
    if broken.any():
        row, column = np.argwhere(broken)[0]
        place = f"in row {shown(rows[row])}" if rows is not None else f"in row {row} of those used"
        raise DataError(
            f"{what} {names[column]!r} is {matrix[row, column]} {place}; "
            "take out or recode values that are infinite or have no value under a transform."
        )
    for name, column, square in zip(names, matrix.T, squares, strict=True) if squared else ():
        if (square <= LEAST_SQUARE and column.any()) or square >= 1 / LEAST_SQUARE:
            largest = np.abs(column).max()
            raise DataError(
                f"{what} {name!r} has values of about {largest:.0e}, beyond what can be squared: rescale it."
            )
    return matrix


def _refuse_unknown(factor: Factor, value: Coded, rows: pd.Index) -> None:
    """A level computed from a number that is none, such as log(−1) > 2."""
    unknown = value.labels.codes < 0
    if unknown.any():
        row = rows[int(np.flatnonzero(unknown)[0])]
        raise DataError(f"{factor.name!r} has no value in row {shown(row)}: take out or recode that row.")


def _refuse_another_kind(column: Column, was: str) -> None:
    """Numbers, dates and durations do not stand in for each other; but a plain number may say days since 1970."""
    numeric, now = (WORDS["number"], DATE, DURATION), column.what
    if was not in numeric or now in (was, numeric[0]) or (was == numeric[0] and now not in numeric):
        return
    convert = {DATE: "to_datetime", DURATION: "to_timedelta"}.get(was)
    hint = (
        f" Write data[{column.name!r}] = pd.{convert}(data[{column.name!r}])." if now not in numeric else ""
    )
    raise DataError(f"{column.name!r} was {was} when the model was fitted and is {now} now.{hint}")


def refuse_missing(name: str, table: Table) -> None:
    """New rows must be complete: nothing is dropped from them."""
    gone = table[name].missing
    if gone.any():
        row = table.index[int(np.flatnonzero(gone)[0])]
        raise DataError(
            f"{name!r} is missing in row {shown(row)} of the new data: fill it in or take the row out."
        )
