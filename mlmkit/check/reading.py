"""An answer as a person writes it, read as what was meant: "25%", "5/20", "25.6 ms", "(b)", "a and c".

Each reader returns what the judge compares, or raises `Unreadable` with a sentence for the person who answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from ..errors import FormulaError
from ..formula import parse_formula
from ..spec import Spec


class Unreadable(Exception):
    """An answer that is not of the kind that was asked for; the message says what is."""


@dataclass(frozen=True)
class Number:
    """A number and how precisely it was given.

    Attributes
    ----------
    value
        The number.
    decimals
        Digits behind the point, as written: 2 for 15.77 and for 15.70 in quotes, 3 for "15.7%", −2 for "1.1e3".
    digits
        Significant digits, as written.
    """

    value: float
    decimals: int
    digits: int


# ---- numbers -------------------------------------------------------------------------------------------

DIGITS = r"(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:e[-+]?\d+)?"
#: A number with what people write around it: "about", a fraction, per cent, a unit.
WRITTEN = re.compile(
    rf"(?:about|approximately|[≈~=])?\s*(?P<number>[-+]?\s*{DIGITS})\s*"
    rf"(?:/\s*(?P<below>{DIGITS}))?\s*(?P<percent>%|per ?cent)?\s*(?P<unit>[a-zµ°][a-zµ°²³/ .·]*)?",
    re.IGNORECASE,
)
MINUS = str.maketrans("−–", "--")
NUMBER_WANTED = "A number is asked for, such as 25.6; {}"


def number(given: Any) -> Number:
    """A number from a number, a text, or an array or Series that holds one."""
    if isinstance(given, str):
        return _number_in(given)
    try:
        values = np.asarray(given)
    except ValueError:  # a ragged list
        values = np.asarray(None)
    if values.size != 1 and values.dtype != object:
        raise Unreadable(NUMBER_WANTED.format(f"this holds {values.size} of them."))
    if values.dtype.kind not in "iuf":
        if values.dtype.kind == "U":
            return _number_in(str(values.item()))
        raise Unreadable(NUMBER_WANTED.format(f"{_named(given)} is not one."))
    return _written(str(values.item()))


def _number_in(text: str) -> Number:
    found = WRITTEN.fullmatch(text.translate(MINUS).strip())
    if not found:
        raise Unreadable(NUMBER_WANTED.format(f"{text!r} is not read as one."))
    top = _written(_with_point(found["number"]))
    if found["below"]:
        below = _written(_with_point(found["below"])).value
        if below == 0:
            raise Unreadable("That divides by zero.")
        exact = top.value / below
        top = _written(repr(exact))
    if found["percent"]:
        top = Number(top.value / 100, top.decimals + 2, top.digits)
    return top


def _with_point(text: str) -> str:
    """A decimal comma as a point; three digits behind a comma may also be thousands."""
    whole, comma, decimals = text.replace(" ", "").partition(",")
    if comma and len(decimals) == 3 and whole.lstrip("+-").strip("0"):
        raise Unreadable(f"{text!r} can be read in two ways; write {whole}{decimals} or {whole}.{decimals}.")
    return f"{whole}.{decimals}" if comma else whole


def _written(text: str) -> Number:
    try:
        exact = Decimal(text)
    except InvalidOperation as error:
        raise Unreadable(NUMBER_WANTED.format(f"{text!r} is not read as one.")) from error
    if not exact.is_finite():
        return Number(float(exact), 0, 0)
    _, figures, exponent = exact.as_tuple()
    return Number(float(exact), -int(exponent), len(figures) if exact else 1)


def numbers(given: Any) -> list[Number]:
    """Several numbers, from a list, an array, a dict's values or a text with commas between them."""
    if isinstance(given, str):
        parts = [part for part in re.split(r"[;,]\s+|;|\s+and\s+", given.strip("()[]{} ")) if part]
        if len(parts) > 1:
            return [number(part) for part in parts]
    elif isinstance(given, Iterable):
        each_one = given.values() if isinstance(given, dict) else given
        return [
            number(each)
            for each in (np.ravel(np.asarray(given)) if hasattr(given, "__array__") else each_one)
        ]
    raise Unreadable(f"A list of numbers is asked for, such as [25.0, 6.5]; {_named(given)} is not one.")


# ---- letters and words ---------------------------------------------------------------------------------

#: What stands around letters that are listed: "(b)", "a, c", "a & c".
AROUND = r"[\s()\[\]{},;.:/&+'\"]+"
BETWEEN = {"and", "or", "both", "only", "option", "options", "answer", "answers"}


def letter(given: Any) -> str:
    """One letter: "b", "(b)", "B.", "option b"."""
    found = _letters_in(given) if isinstance(given, str) else None
    if found is None or len(found) != 1:
        raise Unreadable("One letter is asked for, like 'b'.")
    return found[0]


def letters(given: Any) -> frozenset[str]:
    """Several letters, from a set or from a text however they are set apart: "a, c", "(a) and (c)", "ac"; or "none"."""
    if not isinstance(given, str) and isinstance(given, Iterable):
        parts = [_letters_in(each) if isinstance(each, str) else None for each in given]
        found = None if None in parts else [one for part in parts for one in part or ()]
    else:
        found = _letters_in(given) if isinstance(given, str) else None
    if found is None:
        raise Unreadable("A set of letters is asked for, like {'a', 'c'}.")
    return frozenset(found)


def _letters_in(text: str) -> list[str] | None:
    """The letters of a text, or None if it holds anything but letters and what stands between them."""
    words = [word for word in re.split(AROUND, text.casefold()) if word and word not in BETWEEN]
    if words in (["none"], []):
        return []
    if len(words) == 1 and re.fullmatch("[a-h]{2,8}", words[0]):
        return list(words[0])
    return words if all(len(word) == 1 and word.isalpha() for word in words) else None


def words(given: Any) -> str:
    """A word or a few, whatever the case, quotation marks, hyphens and spaces."""
    if not isinstance(given, str):
        raise Unreadable(f"A word in quotes is asked for; {_named(given)} is not one.")
    return " ".join(re.sub(r"[\s_\-‐–.,;:!?'\"“”()]+", " ", given.casefold()).split())


def accepted_words(truth: Any) -> frozenset[str]:
    """The words that are equally good: one, or a tuple of them."""
    return frozenset([words(truth)] if isinstance(truth, str) else map(words, truth))


def label(given: Any) -> str:
    """A group's id, which may be a number or a word: 308, "308", "subject 308", "school_12"."""
    if isinstance(given, str):
        plain = re.sub(r"^[a-z]+\s+(?=\d+$)", "", words(given))
        return re.sub(r"^(\d+) 0$", r"\1", plain)
    try:
        read = number(given)
    except Unreadable as error:
        raise Unreadable(f"One group's id is asked for; {_named(given)} is not one.") from error
    return str(int(read.value)) if read.value.is_integer() else str(read.value)


# ---- formulas ------------------------------------------------------------------------------------------


def formula(given: Any) -> Spec:
    """A formula in quotes, or a fit that was made from one."""
    text = given if isinstance(given, str) else getattr(given, "formula", None)
    if not isinstance(text, str):
        raise Unreadable(
            f"A formula in quotes is asked for, like 'y ~ x + (1|g)'; {_named(given)} is not one."
        )
    try:
        return parse_formula(text)
    except FormulaError as error:
        raise Unreadable(str(error)) from error


def meaning(spec: Spec) -> tuple[str, frozenset, frozenset]:
    """What a formula says, whatever the order: response, fixed terms, and what varies across which groups.

    `(x||g)` and `(1|g) + (0 + x|g)` say the same, so they give the same blocks; a term is the set of its factors.
    """
    blocks = (
        (frozenset(map(frozenset, block)), term.key)
        for term in spec.random
        for block in ([term.terms] if term.correlated else [(one,) for one in term.terms])
    )
    fixed = (*map(frozenset, spec.fixed), *spec.offsets)
    return str(spec.response), frozenset(fixed), frozenset(blocks)


def _named(given: Any) -> str:
    """What was given, in words that are not Python's."""
    if isinstance(given, str | int | float):
        return repr(given)
    return "what you gave"
