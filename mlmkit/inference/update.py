"""The same kind of fit of a changed formula (R's `update`), and the matrix of its fixed part."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pandas as pd

from ..errors import DataError, FormulaError, did_you_mean
from ..formula import parse_formula
from ..results import Fit
from ..spec import INTERCEPT, Factor, RandomTerm, Spec, term_name
from .rows import new_rows

#: A dot that stands alone for what was there before; not that of a name or a number.
_DOT = re.compile(r"(?<![\w.`])\.(?![\w.`])")


def update(fit: Fit, formula: str | None = None, data: Any = None, **changes: Any) -> Fit:
    """Fit the model again with a changed formula, other data or other options.

    Parameters
    ----------
    formula
        As in R, with a dot for what was there: `"~ . - x"`, `"~ . + x:z"`, `"log(.) ~ ."`, `"~ . - (1|item)"`,
        `"~ . - (1|g) + (x|g)"`. A left side left out stays.
    data
        Other data; the fit's own if left out. Rows are dropped for missing values anew, in what the new formula uses.
    **changes
        Options of the function that made the fit, such as `reml=False` or `weights=None`.

    Returns
    -------
    A fit of the same kind.

    Raises
    ------
    FormulaError
        For a term taken away that is not in the model, by name.
    """
    if fit.again is None:
        raise DataError(
            "This fit does not know how it was made: fit the new formula with lm, glm, lmer or glmer."
        )
    new = fit.formula if formula is None else updated_formula(fit.spec, formula)
    return fit.again(new, fit.data if data is None else data, **changes)


def updated_formula(spec: Spec, change: str) -> str:
    """A formula with its dots replaced by what a specification has there, its terms added and taken away.

    A Wilkinson–Rogers formula as R's `update.formula` has it; the random terms, which R takes for terms like others, are
    compared by what varies and by group.
    """
    if not isinstance(change, str) or change.count("~") != 1:
        raise FormulaError(f"A change of formula is a text such as '~ . - x', not {change!r}.")
    left, right = (side.strip() for side in change.split("~"))
    response = _DOT.sub(lambda _: str(spec.response), left) if left else str(spec.response)
    fixed, random, offsets = "", list(spec.random), list(spec.offsets)
    if not any(_DOT.search(piece) for _, piece in signed_pieces(right)):
        random, offsets = [], []
    for sign, piece in signed_pieces(right):
        if is_bar(piece):
            random = _changed(random, sign, _read(piece, response).random, change)
        elif re.match(r"offset\s*\(", piece):
            offsets = _changed(offsets, sign, _read(piece, response).offsets, change)
        else:
            _check_taken_away(spec, sign, piece, response, change)
            fixed += f" {sign} {_DOT.sub(lambda _: f'({fixed_text(spec)})', piece)}"
    terms = _read(fixed.removeprefix(" + ") or "1", response).fixed
    return _written(replace(spec, fixed=terms, random=tuple(random), offsets=tuple(offsets)), response)


def _read(right: str, response: str) -> Spec:
    return parse_formula(f"{response} ~ {right}")


def fixed_text(spec: Spec) -> str:
    """The fixed part as a formula writes it."""
    names = [":".join(factor.expr for factor in term) for term in spec.fixed if term != INTERCEPT]
    return " + ".join(["1" if INTERCEPT in spec.fixed else "0", *names])


def _written(spec: Spec, response: str) -> str:
    """The formula as a person would write it: the intercept unsaid where there are other terms."""
    names = [":".join(factor.expr for factor in term) for term in spec.fixed if term != INTERCEPT]
    start = ([] if names else ["1"]) if INTERCEPT in spec.fixed else ["0"]
    offsets = [f"offset({offset.expr})" for offset in spec.offsets]
    return f"{response} ~ {' + '.join([*start, *names, *offsets, *map(str, spec.random)])}"


def signed_pieces(text: str) -> list[tuple[str, str]]:
    """The pieces of a right-hand side between its outermost + and −, each with its sign."""
    pieces, sign, start, depth, quote = [], "+", 0, 0, ""
    for k, letter in enumerate(text):
        if quote or letter in "`'\"":
            quote = "" if letter == quote else quote or letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter in "+-" and depth == 0:
            if text[start:k].strip():
                pieces.append((sign, text[start:k].strip()))
            sign, start = letter, k + 1
    last = text[start:].strip()
    return [*pieces, (sign, last)] if last else pieces


def is_bar(piece: str) -> bool:
    """Whether a piece of a formula is a random term, `(…|g)`."""
    return piece.startswith("(") and "|" in re.sub(r"`[^`]*`", "", piece)


def _changed(old: list, sign: str, parts: tuple, change: str) -> list:
    """Random terms or offsets with these added or taken away."""
    for part in parts:
        same = [one for one in old if _key(one) == _key(part)]
        if sign == "-" and not same:
            raise FormulaError(f"{part} in {change!r} is not in the model.{did_you_mean(str(part), old)}")
        if sign == "-":
            old = [one for one in old if one not in same]
        elif not same:
            old = [*old, part]
    return old


def _key(part: RandomTerm | Factor) -> tuple:
    if isinstance(part, RandomTerm):
        return part.key, frozenset(map(frozenset, part.terms)), part.correlated or len(part.terms) == 1
    return (part.expr,)


def _check_taken_away(spec: Spec, sign: str, piece: str, response: str, change: str) -> None:
    """Refuse to take away what is not there: most likely a slip."""
    if sign != "-" or piece in ("0", "1") or _DOT.search(piece):
        return
    there = {frozenset(term) for term in spec.fixed}
    gone = [term for term in _read(piece, response).fixed if term != INTERCEPT]
    if not any(frozenset(term) in there for term in gone):
        names = [term_name(term) for term in spec.fixed if term != INTERCEPT]
        raise FormulaError(f"{piece!r} in {change!r} is not a term of the model.{did_you_mean(piece, names)}")


def model_matrix(fit: Fit, newdata: Any = None) -> pd.DataFrame:
    """The columns of the fixed part, X: `fit.model_matrix() @ fit.fixef` is the population's linear predictor.

    Parameters
    ----------
    newdata : DataFrame or dict, optional
        Rows to make the columns for; the rows fitted if left out. Factors are coded, and numbers centred or expanded, as
        they were for the fit.

    Returns
    -------
    DataFrame
        (m, p), a column for each coefficient, named as in `fit.fixef`; the rows' labels as index.
    """
    names = list(fit.design.fixed_names)
    if newdata is None:
        return pd.DataFrame(fit.design.X, fit.design.rows, names)
    rows = new_rows(fit, newdata, random=False, groups=False, offset=0.0)
    return pd.DataFrame(rows.X, rows.index, names)
