"""Every registered question: its truth is right, its usual wrong answers are named, its chapter asks it."""

from __future__ import annotations

import re

import nbformat
import numpy as np
import pytest

from mlmkit.check import check, questions
from tools.notebooks import chapters

CHAPTERS = chapters()
#: Chapters by number: 04a and 04b ask the questions of 04.
NUMBERED = {
    number: [c for c in CHAPTERS if c.name[:2] == number] for number in sorted({c.name[:2] for c in CHAPTERS})
}
QUESTIONS = [q for number in NUMBERED for q in questions(number)]
MISTAKES = [(q, w) for q in QUESTIONS for w in q.wrong]


def value(given):
    return given() if callable(given) else given


def repr_of(given):
    return given.id if hasattr(given, "id") else given.why[:20]


def one_of(truth):
    """An answer a student may give: one of the words where several are accepted."""
    return truth[0] if isinstance(truth, tuple) and isinstance(truth[0], str) else truth


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_the_truth_is_right_and_says_what_it_means(question):
    verdict = check(question.id, one_of(value(question.truth)))
    assert verdict, verdict
    assert verdict.message == question.right != ""


@pytest.mark.parametrize(("question", "wrong"), MISTAKES, ids=[f"{q.id}-{w.why[:20]}" for q, w in MISTAKES])
def test_usual_wrong_answers_are_wrong_and_named(question, wrong):
    verdict = check(question.id, one_of(value(wrong.answer)))
    assert verdict.right is False and verdict.message == wrong.why


NUMBERS = [q for q in QUESTIONS if q.kind == "number"]


@pytest.mark.parametrize(("question", "wrong"), [m for m in MISTAKES if m[0].kind == "number"], ids=repr_of)
def test_a_wrong_number_is_not_right_when_it_is_rounded(question, wrong):
    number = value(wrong.answer)
    rounded = {f"{number:.{digits}g}" for digits in (2, 3, 4, 6)} if np.isfinite(number) else set()
    assert not [text for text in rounded if check(question.id, text)]


@pytest.mark.parametrize("question", NUMBERS, ids=lambda q: q.id)
def test_the_truth_may_be_rounded_as_far_as_it_can_be_told_from_what_is_wrong(question):
    truth = value(question.truth)
    assert check(question.id, f"{truth:.6g}")
    verdict = check(question.id, f"{truth:.{question.digits}g}")
    assert verdict or "more digits" in verdict.message


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.kind == "count"], ids=lambda q: q.id)
def test_a_count_is_exact(question):
    truth = value(question.truth)
    assert truth == round(truth)
    assert not check(question.id, truth + 1) and not check(question.id, truth - 1)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.kind == "choice"], ids=lambda q: q.id)
def test_a_letter_may_stand_in_brackets(question):
    assert check(question.id, f"({question.truth})") and check(question.id, f"{question.truth.upper()})")


STRANGE: tuple = (
    "five",
    "b or so?",
    "1,234",
    True,
    None,
    3,
    2.5,
    [],
    {},
    [1, "x"],
    set(),
    object(),
    print,
    "y ~ (",
    np.eye(2),
)
PYTHONS_WORDS = (
    r"could not|object|NoneType|iterable|traceback|ndarray|<|dtype|unhashable|0x|\bint\b|\bstr\b|\bfloat\b"
)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_whatever_is_answered_the_reply_is_in_plain_words(question):
    for answer in STRANGE:
        verdict = check(question.id, answer)
        assert not re.search(PYTHONS_WORDS, verdict.message), (answer, verdict)
        assert verdict.message.rstrip()[-1:] in ".?!^e", verdict


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.kind == "formula"], ids=lambda q: q.id)
def test_a_formula_with_a_column_that_is_not_there_is_told_so(question):
    name = next(name for name in value(question.columns) if name in question.truth)
    verdict = check(question.id, question.truth.replace(name, name.swapcase()))
    assert f"there is no column {name.swapcase()!r}. Did you mean {name!r}?" in verdict.message


@pytest.mark.parametrize("number", NUMBERED)
def test_the_chapter_asks_each_question_and_its_solution_is_judged_right(number):
    notebooks = [nbformat.read(chapter.notebook, 4) for chapter in NUMBERED[number]]
    cells = [c for nb in notebooks for c in nb.cells if c.cell_type == "code"]
    asked, solved = set(), set()
    for cell in cells:
        ids = re.findall(r"""mk\.check\(["']([\w-]+)["']""", cell.source)
        tags = cell.metadata.get("tags", [])
        shown = str(cell.outputs)
        if "attempt" in tags:
            asked.update(ids)
            assert "No answer yet" in shown
        elif "solution" in tags and ids:
            assert shown.count("✓ Right") >= len(ids) and "✗" not in shown, cell.source
            solved.update(ids)
    registered = {q.id for q in questions(number)}
    assert asked == solved == registered


def test_ids_are_used_once():
    ids = [q.id for q in QUESTIONS]
    assert len(set(ids)) == len(ids)
