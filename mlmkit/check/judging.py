"""Right, or wrong and why: an answer is held against the truth, the usual wrong answers and the usual slips."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from typing import Any, NamedTuple

from ..errors import did_you_mean
from . import reading
from .questions import Question, Wrong, find_question
from .reading import Number, Unreadable
from .slips import SLIPS, slipped


@dataclass(frozen=True)
class Verdict:
    """What `check` says: true if the answer is right; a sentence, and in a notebook a status line."""

    right: bool | None
    message: str

    def __bool__(self) -> bool:
        return self.right is True

    def __repr__(self) -> str:
        return f"{_MARKS[self.right]} {self.message}"

    def _repr_html_(self) -> str:
        first, *rest = escape(self.message).split("\n")  # a formula's error points at a place below it
        place = f"<pre>{chr(10).join(rest)}</pre>" if rest else ""
        style = f"border-left: 4px solid {_COLOURS[self.right]}; padding: 0.3em 0.8em"
        return f'<div role="status" style="{style}"><b>{_MARKS[self.right]}</b> {first}{place}</div>'


_MARKS = {True: "✓ Right:", False: "✗ Not yet:", None: "… No answer yet:"}
_COLOURS = {True: "#0072B2", False: "#D55E00", None: "#808080"}


def check(question: str, answer: Any = ...) -> Verdict:
    """Tell whether an answer to an exercise is right, and if it is a usual wrong one, what it comes from.

    Parameters
    ----------
    question
        The exercise's id, `"03-2"` for the second of chapter 3.
    answer
        What the exercise asks for: a number (`"25%"`, `"5/20"` and `"25.6 ms"` are read, too), a sequence of numbers,
        a letter, a set of letters, a formula or a word. The three dots that stand in the notebook (`...`) are no
        answer yet.

    Raises
    ------
    DataError
        If there is no such exercise; the message lists those the chapter has.
    """
    asked = find_question(question)
    if answer is ... or (isinstance(answer, str) and answer.strip(" .…") == ""):
        return Verdict(None, "put yours in place of the three dots and run the cell again.")
    return judge(asked, answer)


def judge(question: Question, answer: Any) -> Verdict:
    """Compare an answer with the truth, the usual wrong answers and the usual slips."""
    kind = _KINDS[question.kind]
    truth = kind.truth(_value(question.truth))
    try:
        given = kind.read(answer)
    except Unreadable as error:
        return Verdict(False, _uncapitalised(str(error)))
    candidates = [(kind.truth(_value(wrong.answer)), wrong.why) for wrong in question.wrong]
    return kind.judge(question, given, truth, candidates)


def settled(question: Question) -> Question:
    """The same question with its truth and its wrong answers computed, to judge many answers."""
    wrong = tuple(Wrong(_value(it.answer), it.why) for it in question.wrong)
    return replace(question, truth=_value(question.truth), wrong=wrong, columns=_value(question.columns))


def usual_answers(question: Question) -> list[Any]:
    """The answers that `judge` has words of their own for: the truth, the wrong ones, a number's usual slips."""
    it = settled(question)
    answers = [it.truth, *(wrong.answer for wrong in it.wrong)]
    if it.kind != "number":
        return answers
    exact = [reading.number(answer).value for answer in answers]
    return [*exact, *filter(math.isfinite, (slipped(name, exact[0]) for name in it.slips))]


def _value(given: Any) -> Any:
    return given() if callable(given) else given


def _uncapitalised(sentence: str) -> str:
    """A sentence that goes on after a colon."""
    begins_as_a_word = sentence[1:2].islower() or sentence[1:2] == " "
    return sentence[:1].lower() + sentence[1:] if begins_as_a_word else sentence


# ---- answers that are the same or not ------------------------------------------------------------------


def _judge_same(same: Callable, otherwise: Callable) -> Callable:
    """A judge of answers that are the same as the truth, or as a usual wrong answer, or neither."""

    def judge_it(question: Question, given: Any, truth: Any, candidates: list[tuple[Any, str]]) -> Verdict:
        if same(given, truth):
            return Verdict(True, question.right)
        why = next((why for wrong, why in candidates if same(given, wrong)), None)
        return Verdict(False, why or otherwise(question, given, truth))

    return judge_it


def _equal(given: Any, truth: Any) -> bool:
    return given == truth


def _among(given: str, truth: frozenset[str]) -> bool:
    return given in truth


def _same_meaning(given: Any, truth: Any) -> bool:
    return reading.meaning(given) == reading.meaning(truth)


def _same_count(given: Number, other: Number) -> bool:
    """Whole numbers are the same or not; a wrong answer that is not whole may be rounded."""
    if other.value.is_integer():
        return given.value == other.value
    return _is_near(given.value, other.value, 0.005) or (
        given.digits >= 2 and _is_rounded(given, other.value)
    )


def _same_label(given: str, other: str) -> bool:
    """Ids are the same or not; a wrong answer that is a number with decimals, and no id, may be rounded."""
    if given == other or "." not in other:
        return given == other
    try:
        return _same_count(reading.number(given), reading.number(other))
    except Unreadable:
        return False


def _try_again(_question: Question, _given: Any, _truth: Any) -> str:
    return "that is not it. Read the hint, or the section above, and try again."


def _which_letters(_question: Question, given: frozenset, truth: frozenset) -> str:
    counts = (
        (len(given & truth), "right"),
        (len(given - truth), "not part of it"),
        (len(truth - given), "still missing"),
    )
    return ", ".join(f"{n} {what}" for n, what in counts if n) + "."


def _too_many_or_few(_question: Question, given: Number, truth: Number) -> str:
    if not given.value.is_integer():
        return "a whole number is asked for, exactly."
    return f"too {'many' if given.value > truth.value else 'few'}. Read the hint and try again."


def _which_part(question: Question, given: Any, truth: Any) -> str:
    known = tuple(_value(question.columns))
    for name in given.columns if known else ():
        if name not in known:
            return f"there is no column {name!r}.{did_you_mean(name, known)}"
    parts = ("the response", "the fixed part", "the random part")
    both = zip(parts, reading.meaning(given), reading.meaning(truth), strict=True)
    return f"look again at {' and at '.join(name for name, mine, right in both if mine != right)}."


# ---- numbers -------------------------------------------------------------------------------------------


def _judge_number(question: Question, given: Number, truth: Number, candidates: list) -> Verdict:
    found = _number_verdict(question, given, truth.value, [(wrong.value, why) for wrong, why in candidates])
    return Verdict(found is None, question.right if found is None else found)


def _number_verdict(question: Question, given: Number, truth: float, wrong: list) -> str | None:
    """None for a right number, else what to say.

    An answer within the tolerance of the truth and of a wrong number is the one it is nearer to; what is only a rounded
    form of the truth is right unless it is a wrong number, or the same wrong number rounded.
    """
    a, near = given.value, question.tolerance
    gaps = [(abs(a - value), why) for value, why in wrong if _is_near(a, value, near)]
    if _is_near(a, truth, near) and all(abs(a - truth) <= gap for gap, _ in gaps):
        return None
    if gaps:
        return min(gaps)[1]
    rounded = next((why for value, why in wrong if given.digits >= 2 and _is_rounded(given, value)), None)
    if _is_rounded(given, truth):
        enough = min(given.digits, _digits_left(truth, given.decimals)) >= question.digits and rounded is None
        return None if enough else "it may be right, but give more digits."
    return rounded or _diagnosis(question, given, truth)


def _is_near(a: float, b: float, tolerance: float) -> bool:
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)


def _is_rounded(given: Number, exact: float) -> bool:
    """Whether the answer is this number, rounded to as many decimals as the answer has."""
    if not (math.isfinite(exact) and math.isfinite(given.value)):
        return False
    return abs(exact - given.value) <= 0.5 * 10.0**-given.decimals * (1 + 1e-9)


def _digits_left(exact: float, decimals: int) -> int:
    """How many significant digits of a number are left with so many decimals: one of 9.604 with none, though it reads 10."""
    return math.floor(math.log10(abs(exact))) + 1 + decimals if exact else decimals


def _diagnosis(question: Question, given: Number, truth: float) -> str:
    for name in question.slips:
        value = slipped(name, truth)
        if _is_near(given.value, value, question.tolerance) or (
            given.digits >= 2 and _is_rounded(given, value)
        ):
            return SLIPS[name][1]
    if math.isclose(given.value, truth, rel_tol=0.05):
        return "close, but further off than rounding explains."
    if not math.isfinite(given.value):
        return "the number is finite. Read the hint and try again."
    return f"too {'large' if given.value > truth else 'small'}. Read the hint and try again."


def _judge_numbers(question: Question, given: list[Number], truth: list[Number], candidates: list) -> Verdict:
    if len(given) != len(truth):
        return Verdict(False, f"{len(truth)} numbers are asked for, you gave {len(given)}.")
    if _wrongs(question, given, truth) == []:
        return Verdict(True, question.right)
    for wrong, why in candidates:
        if _wrongs(question, given, wrong) == []:
            return Verdict(False, why)
    in_order = (sorted(them, key=lambda each: each.value) for them in (given, truth))
    if _wrongs(question, *in_order) == []:
        return Verdict(False, "the numbers are right, their order is not.")
    off = _wrongs(question, given, truth)
    place, first = off[0]
    return Verdict(False, f"{len(truth) - len(off)} of {len(truth)} are right. Number {place}: {first}")


def _wrongs(question: Question, given: list[Number], truth: list[Number]) -> list[tuple[int, str]]:
    """The numbers that are not right: their places, from 1, and what to say of each."""
    pairs = enumerate(zip(given, truth, strict=True), start=1)
    said = ((place, _number_verdict(question, mine, right.value, [])) for place, (mine, right) in pairs)
    return [(place, why) for place, why in said if why is not None]


# ---- kinds ---------------------------------------------------------------------------------------------


class _Kind(NamedTuple):
    """How answers of one kind are read and judged, and how the truth is, where that differs."""

    read: Callable
    judge: Callable
    truth: Callable


_KINDS = {
    "number": _Kind(reading.number, _judge_number, reading.number),
    "numbers": _Kind(reading.numbers, _judge_numbers, reading.numbers),
    "count": _Kind(reading.number, _judge_same(_same_count, _too_many_or_few), reading.number),
    "label": _Kind(reading.label, _judge_same(_same_label, _try_again), reading.label),
    "choice": _Kind(reading.letter, _judge_same(_equal, _try_again), reading.letter),
    "choices": _Kind(reading.letters, _judge_same(_equal, _which_letters), reading.letters),
    "formula": _Kind(reading.formula, _judge_same(_same_meaning, _which_part), reading.formula),
    "text": _Kind(reading.words, _judge_same(_among, _try_again), reading.accepted_words),
}
