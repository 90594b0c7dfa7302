"""What a question is, and where questions are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from ..errors import DataError, did_you_mean

#: Other packages offer questions of their own as modules with a tuple `QUESTIONS`, under this group of entry points.
ENTRY_POINTS = "mlmkit.answers"


@dataclass(frozen=True)
class Wrong:
    """A usual wrong answer, as a value or a function that computes it, and what it is a sign of."""

    answer: Any
    why: str


@dataclass(frozen=True)
class Question:
    """One exercise's question.

    Attributes
    ----------
    id
        Chapter and number, `"03-2"`.
    kind
        How answers are read and compared: "number", "numbers", "count" (a whole number, exactly), "label" (a group's
        id, a number or a word), "choice", "choices", "formula" or "text".
    truth
        The right answer, or a function without arguments that computes it.
    right
        What a right answer means, in a sentence; it is said when the answer is right.
    wrong
        The usual wrong answers. An answer that is nearer to one of them than to the truth is a wrong one.
    tolerance
        Relative tolerance of a number.
    digits
        A number may also be the truth rounded to so many significant digits or more.
    slips
        Names of `slips.SLIPS` that make sense for this question, for numbers that are no registered wrong answer.
    columns
        Of a formula, the names of the data's columns, or a function that looks them up.
    """

    id: str
    kind: str
    truth: Any
    right: str
    wrong: tuple[Wrong, ...] = ()
    tolerance: float = 0.005
    digits: int = 2
    slips: tuple[str, ...] = ("sign", "per cent")
    columns: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()


def find_question(question: str) -> Question:
    """The question of that id.

    Raises
    ------
    DataError
        If there is none; the message lists those the chapter has.
    """
    if not isinstance(question, str):
        raise DataError(
            f"An exercise is asked for by its id, such as '03-2', and not by a {type(question).__name__}."
        )
    chapter = question.partition("-")[0]
    known = {each.id: each for each in questions(chapter)}
    if not known:
        raise DataError(
            f"There are no exercises of a chapter {chapter!r}: an id is a chapter and a number, as '03-2'."
        )
    if question not in known:
        raise DataError(f"There is no exercise {question!r}.{did_you_mean(question, known)}")
    return known[question]


def questions(chapter: str) -> tuple[Question, ...]:
    """The questions of one chapter, `"03"`; none for a chapter without exercises."""
    elsewhere = (each for each in _announced() if each.id.partition("-")[0] == chapter)
    return (*_own(chapter), *elsewhere)


def _own(chapter: str) -> tuple[Question, ...]:
    name = f"mlmkit.answers.chapter{chapter}"
    if not name.rpartition(".")[2].isidentifier():
        return ()
    try:
        return import_module(name).QUESTIONS
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return ()


@cache
def _announced() -> tuple[Question, ...]:
    return tuple(_of_other_packages())


def _of_other_packages() -> Iterator[Question]:
    for entry in entry_points(group=ENTRY_POINTS):
        yield from entry.load().QUESTIONS
