"""Every registered question: its truth is right, its usual wrong answers are named, its chapter asks it."""

from __future__ import annotations

import re

import nbformat
import pytest

from mlmkit.check import check, questions
from tools.notebooks import chapters

CHAPTERS = chapters()
QUESTIONS = [q for c in CHAPTERS for q in questions(c.name[:2])]
MISTAKES = [(q, w) for q in QUESTIONS for w in q.wrong]


def value(given):
    return given() if callable(given) else given


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


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.name)
def test_the_chapter_asks_each_question_and_its_solution_is_judged_right(chapter):
    cells = [c for c in nbformat.read(chapter.notebook, 4).cells if c.cell_type == "code"]
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
    registered = {q.id for q in questions(chapter.name[:2])}
    assert asked == solved == registered


def test_ids_are_used_once():
    ids = [q.id for q in QUESTIONS]
    assert len(set(ids)) == len(ids)
