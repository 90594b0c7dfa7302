"""The exercises' self-check: right, wrong and why, for each kind of answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlmkit.check import Question, Wrong, check, judge, questions
from mlmkit.errors import DataError

QUESTIONS = (
    Question(
        "99-1",
        "number",
        lambda: 10.46729,
        right="ms per day",
        wrong=(Wrong(lambda: 251.40510, "the intercept"), Wrong(1.546, "the standard error")),
    ),
    Question("99-2", "choice", "b", right="partial pooling", wrong=(Wrong("a", "that is no pooling"),)),
    Question("99-3", "choices", {"a", "c"}, right="both"),
    Question("99-4", "formula", "y ~ x + (x|g)", right="intercepts and slopes vary"),
    Question("99-5", "numbers", (25.0, 6.5), right="both SDs"),
    Question("99-6", "text", ("shrinkage", "partial pooling"), right="either name"),
    Question("99-7", "number", 0.154, right="a proportion"),
    Question("99-8", "formula", "y ~ x + (x||g)", right="uncorrelated"),
)


@pytest.fixture(autouse=True)
def chapter_99(monkeypatch):
    known = questions
    monkeypatch.setitem(check.__globals__, "questions", lambda c: QUESTIONS if c == "99" else known(c))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("99-1", 10.46729),
        ("99-1", 10.5),  # rounded
        ("99-1", 10),  # rounded to two digits
        ("99-1", "10.47"),
        ("99-1", np.float64(10.4673)),
        ("99-1", pd.Series([10.467])),
        ("99-2", " B "),
        ("99-3", ["c", "a"]),
        ("99-3", "a, c"),
        ("99-3", "ac"),
        ("99-4", "y ~ 1 + x + (1 + x | g)"),
        ("99-5", np.array([25.0, 6.5])),
        ("99-5", {"intercept": 25.01, "slope": 6.5}),
        ("99-6", "Partial  pooling."),
        ("99-8", "y ~ x + (1|g) + (0 + x|g)"),
    ],
)
def test_right_answers_are_right_however_they_are_given(question, answer):
    verdict = check(question, answer)
    assert verdict and repr(verdict).startswith("✓ Right:"), verdict


@pytest.mark.parametrize(
    ("question", "answer", "says"),
    [
        ("99-1", 251.4, "the intercept"),
        ("99-1", 1.55, "the standard error"),
        ("99-1", -10.467, "sign"),
        ("99-1", 109.56, "square"),
        ("99-1", 0.0955, "upside down"),
        ("99-1", 10.7, "close"),
        ("99-1", 400, "too large"),
        ("99-1", 3, "too small"),
        ("99-1", "ten", "a number is asked for"),
        ("99-1", True, "a number is asked for"),
        ("99-1", [1, 2], "a number is asked for"),
        ("99-1", float("nan"), "too small"),
        ("99-2", "a", "no pooling"),
        ("99-2", "c", "not it"),
        ("99-2", 2, "one letter"),
        ("99-3", {"a", "b"}, "1 right, 1 not part of it, 1 still missing"),
        ("99-4", "y ~ x + (1|g)", "the random part"),
        ("99-4", "y ~ (x|g)", "the fixed part"),
        ("99-4", "z ~ 1 + (1|g)", "the response and at the fixed part and at the random part"),
        ("99-4", "y ~ x + (x|", "a formula in quotes"),
        ("99-5", (6.5, 25.0), "their order"),
        ("99-5", (25.0, 42.25), "1 of 2 are right. Number 2: that is its square"),
        ("99-5", (25.0,), "2 numbers are asked for, you gave 1"),
        ("99-5", 25.0, "a list of numbers"),
        ("99-6", "pooling", "not it"),
        ("99-7", 15.4, "per cent"),
        ("99-7", 0.846, "the other share"),
        ("99-7", -1.7036, "log odds"),
        ("99-1", 1.0, "too small"),  # nobody asked for log odds
        ("99-7", 0.2, "more digits"),
        ("99-8", "y ~ x + (x|g)", "the random part"),
    ],
)
def test_wrong_answers_say_why(question, answer, says):
    verdict = check(question, answer)
    assert verdict.right is False
    assert says in verdict.message


def test_three_dots_are_no_answer_yet():
    verdict = check("99-1", ...)
    assert verdict.right is None and not verdict
    assert "three dots" in repr(verdict)


def test_a_verdict_is_a_status_line_in_a_notebook_and_escapes_its_text():
    question = Question("99-9", "choice", "b", right="τ < σ & so on")
    html = judge(question, "b")._repr_html_()
    assert 'role="status"' in html and "τ &lt; σ &amp; so on" in html


def test_an_unknown_exercise_lists_those_there_are():
    with pytest.raises(DataError, match="'99-0'.*99-1, 99-2"):
        check("99-0", 1)


def test_a_truth_that_fails_is_an_error_not_a_wrong_answer():
    def broken():
        raise ValueError("the fit failed")

    with pytest.raises(ValueError, match="the fit failed"):
        judge(Question("99-9", "number", broken, right=""), 1.0)


def test_a_chapter_without_questions_has_none():
    assert questions("98") == ()
