"""Self-check of the exercises: `check("03-2", answer)` says right, or wrong and why.

The questions stand in `mlmkit/answers`, a file a chapter. Their truths are computed from fits when they are
asked for, so they cannot drift from what the package does, and no notebook has to carry an answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from .errors import DataError, did_you_mean
from .formula import parse_formula


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
        "number", "numbers", "choice", "choices", "formula" or "text": how answers are read and compared.
    truth
        The right answer, or a function without arguments that computes it.
    right
        What a right answer means, in a sentence; it is said when the answer is right.
    wrong
        The usual wrong answers. The right answer is tried first.
    tolerance
        Relative tolerance of a number. Answers rounded to two significant digits or more pass as well.
    """

    id: str
    kind: str
    truth: Any
    right: str
    wrong: tuple[Wrong, ...] = ()
    tolerance: float = 0.005


@dataclass(frozen=True)
class Verdict:
    """What `check` says: true if the answer is right; a sentence, and in a notebook a status line."""

    right: bool | None
    message: str

    def __bool__(self):
        return self.right is True

    def __repr__(self):
        return f"{_MARKS[self.right]} {self.message}"

    def _repr_html_(self):
        colour = _COLOURS[self.right]
        style = f"border-left: 4px solid {colour}; padding: 0.3em 0.8em"
        return f'<div role="status" style="{style}"><b>{_MARKS[self.right]}</b> {escape(self.message)}</div>'


_MARKS = {True: "✓ Right:", False: "✗ Not yet:", None: "… No answer yet:"}
_COLOURS = {True: "#0072B2", False: "#D55E00", None: "#808080"}


def check(question: str, answer: Any = ...) -> Verdict:
    """Tell whether an answer to an exercise is right, and if it is a usual wrong one, what it comes from.

    Parameters
    ----------
    question
        The exercise's id, `"03-2"` for the second of chapter 3.
    answer
        A number, a sequence of numbers, a letter, a set of letters, a formula or a word, as the exercise
        asks. The three dots that stand in the notebook (`...`) are no answer yet.

    Raises
    ------
    DataError
        If there is no such exercise; the message lists those the chapter has.
    """
    asked = find_question(question)
    if answer is ...:
        return Verdict(None, "put yours in place of the three dots and run the cell again.")
    return verdict(asked, answer)


def verdict(question: Question, answer: Any) -> Verdict:
    """Read an answer as the question's kind has it, and judge it."""
    kind = _KINDS[question.kind]
    try:
        given = kind.read(answer)
    except (TypeError, ValueError) as error:
        return Verdict(False, f"{kind.expects} ({error})")
    return judge(question, given)


def find_question(question: str) -> Question:
    """The question of that id."""
    chapter = str(question).partition("-")[0]
    known = {q.id: q for q in questions(chapter)}
    if question not in known:
        raise DataError(f"There is no exercise {question!r}.{did_you_mean(question, known)}")
    return known[question]


def questions(chapter: str) -> tuple[Question, ...]:
    """The questions of one chapter, `"03"`; none for a chapter without exercises."""
    name = f"mlmkit.answers.chapter{chapter}"
    try:
        return import_module(name).QUESTIONS
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return ()


def judge(question: Question, given: Any) -> Verdict:
    """Compare an answer with the truth, then with the usual wrong answers, then with the usual slips."""
    kind = _KINDS[question.kind]
    truth = kind.read(_value(question.truth))
    if kind.same(given, truth, question.tolerance):
        return Verdict(True, question.right)
    for wrong in question.wrong:
        if kind.same(given, kind.read(_value(wrong.answer)), question.tolerance):
            return Verdict(False, wrong.why)
    return Verdict(False, kind.diagnose(given, truth, question.tolerance))


def settled(question: Question) -> Question:
    """The same question with its truth and its wrong answers computed, to judge many answers."""
    wrong = tuple(Wrong(_value(it.answer), it.why) for it in question.wrong)
    return replace(question, truth=_value(question.truth), wrong=wrong)


def usual_answers(question: Question) -> list[Any]:
    """The answers that `judge` has words of their own for: the truth, the wrong ones, a number's usual slips."""
    it = settled(question)
    answers = [it.truth, *(wrong.answer for wrong in it.wrong)]
    if it.kind != "number":
        return answers
    return [*map(_number, answers), *_slipped(_number(it.truth))]


def _slipped(truth: float) -> Iterable[float]:
    for slip, _ in _SLIPS:
        with suppress(ValueError, ZeroDivisionError, OverflowError):
            yield slip(truth)


def _value(given: Any) -> Any:
    return given() if callable(given) else given


# ---- reading what was given ---------------------------------------------------------------------------


def _number(given: Any) -> float:
    """A number from a number, a text, or an array or Series that holds one."""
    if isinstance(given, str):
        return float(given.strip().replace("−", "-"))
    values = np.asarray(given)
    if values.size != 1 or values.dtype == bool:
        raise ValueError(f"got {given!r}")
    return float(values.item())


def _numbers(given: Any) -> list[float]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"got {given!r}")
    return [_number(g) for g in (given.values() if isinstance(given, dict) else np.ravel(given))]


def _word(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError(f"got {given!r}")
    return " ".join(given.casefold().replace("_", " ").split()).rstrip(".")


def _words(given: Any) -> frozenset[str]:
    """The words of a text, or of a tuple of texts that are equally good."""
    return frozenset([_word(given)] if isinstance(given, str) else map(_word, given))


def _letters(given: Any) -> frozenset[str]:
    """The letters of a set, or of a text however they are set apart: "a, c", "{a,c}", "ac"."""
    return frozenset(map(_word, filter(str.isalpha, given) if isinstance(given, str) else given))


def _specification(formula: Any) -> tuple:
    spec = parse_formula(formula)
    return spec.response, frozenset(spec.fixed), frozenset(_blocks(spec.random))


def _blocks(random) -> Iterable[tuple]:
    """What varies with what: `(x||g)` and `(1|g) + (0 + x|g)` say the same, so they give the same blocks."""
    for term in random:
        blocks = [term.terms] if term.correlated else [(t,) for t in term.terms]
        yield from ((frozenset(block), term.key) for block in blocks)


# ---- comparing ----------------------------------------------------------------------------------------


def _same_number(answer: float, truth: float, tolerance: float) -> bool:
    """Equal within the tolerance, or the truth rounded to the digits that were given (at least two)."""
    near = math.isclose(answer, truth, rel_tol=tolerance, abs_tol=1e-9)
    return near or (_significant_digits(answer) >= 2 and _is_rounded(answer, truth))


def _same_numbers(answer: list[float], truth: list[float], tolerance: float) -> bool:
    return len(answer) == len(truth) and all(map(_same_number, answer, truth, [tolerance] * len(truth)))


def _same(answer: Any, truth: Any, _tolerance: float) -> bool:
    return answer == truth


def _same_words(answer: frozenset, truth: frozenset, _tolerance: float) -> bool:
    return answer <= truth


def _is_rounded(answer: float, truth: float) -> bool:
    decimals = len(f"{answer:.10f}".rstrip("0").partition(".")[2])
    return math.isfinite(truth) and math.isclose(round(truth, decimals), answer, abs_tol=1e-12)


def _significant_digits(number: float) -> int:
    return len(f"{abs(number):.10f}".rstrip("0").replace(".", "").lstrip("0"))


# ---- when the answer is wrong -------------------------------------------------------------------------


def _as_probability(log_odds: float) -> float:
    if abs(log_odds) > 10:  # no log odds of the course: its probability would be just 0 or 1
        raise ValueError
    return 1 / (1 + math.exp(-log_odds))


#: Usual slips: what was done to the right number, and what to say.
_SLIPS: tuple[tuple[Callable[[float], float], str], ...] = (
    (lambda t: -t, "the size is right, the sign is not."),
    (lambda t: 100 * t, "that is in per cent; give it as a proportion."),
    (lambda t: t / 100, "that is a hundredth of it: is the answer asked for in per cent?"),
    (lambda t: t**2, "that is its square: a variance where a standard deviation is asked for?"),
    (lambda t: math.sqrt(t), "that is its square root: a standard deviation where a variance is asked for?"),
    (lambda t: 1 / t, "that is one divided by it: the fraction is upside down."),
    (lambda t: 1 - t, "that is one minus it: the other share."),
    (_as_probability, "that is on the probability scale; log odds are asked for."),
    (lambda t: math.log(t / (1 - t)), "that is on the log odds scale; a probability is asked for."),
    (lambda t: math.exp(t), "that is its exponential: take the logarithm."),
    (lambda t: math.log(t), "that is its logarithm: undo it with exp."),
)


def _number_diagnosis(answer: float, truth: float, tolerance: float) -> str:
    if _is_rounded(answer, truth):
        return "it may be right, but give more digits."
    for slip, say in _SLIPS:
        if _is_slip(slip, answer, truth, tolerance):
            return say
    if math.isclose(answer, truth, rel_tol=0.05):
        return "close, but further off than rounding explains."
    return f"too {'large' if answer > truth else 'small'}. Read the hint and try again."


def _is_slip(slip: Callable[[float], float], answer: float, truth: float, tolerance: float) -> bool:
    try:
        return _same_number(answer, slip(truth), tolerance)
    except (ValueError, ZeroDivisionError, OverflowError):
        return False


def _numbers_diagnosis(answer: list[float], truth: list[float], tolerance: float) -> str:
    if len(answer) != len(truth):
        return f"{len(truth)} numbers are asked for, you gave {len(answer)}."
    if _same_numbers(sorted(answer), sorted(truth), tolerance):
        return "the numbers are right, their order is not."
    off = [i for i, pair in enumerate(zip(answer, truth, strict=True)) if not _same_number(*pair, tolerance)]
    first = _number_diagnosis(answer[off[0]], truth[off[0]], tolerance)
    return f"{len(truth) - len(off)} of {len(truth)} are right. Number {off[0] + 1}: {first}"


def _choices_diagnosis(answer: frozenset, truth: frozenset, _tolerance: float) -> str:
    counts = (
        (len(answer & truth), "right"),
        (len(answer - truth), "not part of it"),
        (len(truth - answer), "still missing"),
    )
    return ", ".join(f"{n} {what}" for n, what in counts if n) + "."


def _formula_diagnosis(answer: tuple, truth: tuple, _tolerance: float) -> str:
    parts = ("the response", "the fixed part", "the random part")
    off = [name for name, a, t in zip(parts, answer, truth, strict=True) if a != t]
    return f"look again at {' and at '.join(off)}."


def _try_again(_answer: Any, _truth: Any, _tolerance: float) -> str:
    return "that is not it. Read the hint, or the section above, and try again."


class _Kind(NamedTuple):
    """How answers of one kind are read, compared and, when wrong, commented on."""

    read: Callable
    same: Callable
    diagnose: Callable
    expects: str


_KINDS = {
    "number": _Kind(_number, _same_number, _number_diagnosis, "a number is asked for."),
    "numbers": _Kind(_numbers, _same_numbers, _numbers_diagnosis, "a list of numbers is asked for."),
    "choice": _Kind(_word, _same, _try_again, "one letter is asked for, like 'b'."),
    "choices": _Kind(_letters, _same, _choices_diagnosis, "a set of letters is asked for, like {'a', 'c'}."),
    "formula": _Kind(_specification, _same, _formula_diagnosis, "a formula in quotes is asked for."),
    "text": _Kind(_words, _same_words, _try_again, "a word in quotes is asked for."),
}
