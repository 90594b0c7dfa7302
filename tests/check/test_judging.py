"""The self-check: right, wrong and why, for each kind of answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlmkit.check import Question, Wrong, check, judge
from mlmkit.check.judging import _digits_left, _is_rounded, _same_count, _which_letters
from mlmkit.check.reading import Number, number
from mlmkit.check.slips import A_PROBABILITY, A_SHARE, A_VARIANCE, AN_SD, LOG_ODDS
from mlmkit.errors import DataError

SLOPE = Question(
    "99-1",
    "number",
    lambda: 10.46729,
    right="ms per day",
    wrong=(Wrong(lambda: 251.40510, "the intercept"), Wrong(1.546, "the standard error")),
)
SHRUNK = Question(
    "99-2",
    "number",
    15.7727,
    right="a little below 16",
    wrong=(Wrong(16, "not shrunk"), Wrong(15.7820, "the wrong centre")),
    tolerance=1e-4,
    digits=4,
)
SHARE = Question(
    "99-3", "number", 0.154, right="a share", wrong=(Wrong(0.1526, "of SDs"),), slips=A_PROBABILITY
)
COVARIANCE = Question("99-11", "number", 9.604, right="ms² per day")
COUNT = Question(
    "99-4", "count", 312.0, right="classes", wrong=(Wrong(9, "too few ids"), Wrong(4.93855, "round up"))
)
WHO = Question(
    "99-5",
    "label",
    308.0,
    right="who",
    wrong=(Wrong(337, "the highest"), Wrong(19.66626, "that is how steep")),
)
POOLING = Question("99-6", "choice", "b", right="partial", wrong=(Wrong("a", "that is no pooling"),))
BOTH = Question("99-7", "choices", {"a", "c"}, right="both", wrong=(Wrong({"b"}, "the opposite"),))
FORMULA = Question(
    "99-8",
    "formula",
    "y ~ x + (x|g)",
    right="both vary",
    wrong=(Wrong("y ~ x + (x||g)", "uncorrelated"),),
    columns=lambda: ("y", "x", "g"),
)
SDS = Question("99-9", "numbers", (25.0, 6.5), right="both SDs", slips=AN_SD)
WORD = Question(
    "99-10", "text", ("shrinkage", "partial pooling"), right="either", wrong=(Wrong("pooling", "which?"),)
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (SLOPE, 10.46729),
        (SLOPE, 10.5),  # rounded
        (SLOPE, 10),  # rounded to two digits
        (SLOPE, "10.47 ms/day"),
        (SLOPE, np.float64(10.4673)),
        (SLOPE, pd.Series([10.467])),
        (SHRUNK, 15.77),
        (SHRUNK, "15.773"),
        (SHARE, 0.154),
        (SHARE, "15.4%"),
        (SHARE, "2/13"),
        (COUNT, 312),
        (COUNT, "312 classes"),
        (COUNT, 312.0),
        (WHO, "subject 308"),
        (WHO, 308),
        (POOLING, "(b)"),
        (BOTH, "(a), (c)"),
        (BOTH, "a and c"),
        (FORMULA, "y ~ 1 + x + (1 + x | g)"),
        (SDS, np.array([25.0, 6.5])),
        (SDS, {"intercept": 25.01, "slope": 6.5}),
        (WORD, "Partial  pooling."),
    ],
)
def test_right_answers_are_right_however_they_are_given(question, answer):
    verdict = judge(question, answer)
    assert verdict and repr(verdict) == f"✓ Right: {question.right}"


@pytest.mark.parametrize(
    ("question", "answer", "says"),
    [
        (SLOPE, 251.4, "the intercept"),
        (SLOPE, 1.55, "the standard error"),
        (SLOPE, -10.467, "sign"),
        (SLOPE, 10.7, "close"),
        (SLOPE, 400, "too large"),
        (SLOPE, 3, "too small"),
        (SLOPE, "ten", "a number is asked for, such as 25.6; 'ten' is not read as one"),
        (SLOPE, True, "a number is asked for"),
        (SLOPE, [1, 2], "this holds 2"),
        (SLOPE, float("nan"), "finite"),
        (SLOPE, 109.56, "too large"),  # nobody asked for a variance
        (SHRUNK, 16, "not shrunk"),
        (SHRUNK, 16.0, "not shrunk"),
        (SHRUNK, 15.782, "the wrong centre"),
        (SHRUNK, 15.8, "more digits"),
        (SHRUNK, 15.78, "the wrong centre"),
        (SHARE, 0.15, "more digits"),  # a wrong answer rounds to it as well
        (SHARE, 0.153, "of SDs"),
        (COVARIANCE, 10, "more digits"),  # of 9.604 one digit is left
        (SHARE, 0.2, "more digits"),
        (SHARE, 15.4, "per cent"),
        (SHARE, 0.846, "the other share"),
        (SHARE, -1.7036, "log odds"),
        (COUNT, 313, "too many"),
        (COUNT, 311.9, "a whole number"),
        (COUNT, float("nan"), "a whole number"),
        (COUNT, float("inf"), "a whole number"),
        (WHO, float("nan"), "not it"),
        (COUNT, 9, "too few ids"),
        (COUNT, 4.94, "round up"),
        (COUNT, 4.95, "round up"),  # near to it, though no rounding of it
        (COUNT, 4.9, "round up"),  # a rounding of it, though not near
        (WHO, 337, "the highest"),
        (WHO, 19.7, "that is how steep"),
        (WHO, 350, "not it"),
        (POOLING, "a)", "no pooling"),
        (POOLING, "c", "not it"),
        (POOLING, 2, "one letter"),
        (BOTH, {"a", "b"}, "1 right, 1 not part of it, 1 still missing"),
        (BOTH, "only b", "the opposite"),
        (FORMULA, "y ~ x + (x||g)", "uncorrelated"),
        (FORMULA, "y ~ x + (1|g)", "the random part"),
        (FORMULA, "y ~ (x|g)", "the fixed part"),
        (FORMULA, "x ~ 1 + (1|g)", "the response and at the fixed part and at the random part"),
        (FORMULA, "y ~ X + (X|g)", "there is no column 'X'. Did you mean 'x'?"),
        (FORMULA, "y ~ x + (x|", "^"),
        (FORMULA, 3, "a formula in quotes"),
        (SDS, (6.5, 25.0), "their order"),
        (SDS, (25.0, 42.25), "1 of 2 are right. Number 2: that is its square"),
        (SDS, (25.0,), "2 numbers are asked for, you gave 1"),
        (SDS, 25.0, "a list of numbers"),
        (WORD, "pooling", "which?"),
        (WORD, "regression", "not it"),
    ],
)
def test_wrong_answers_say_why(question, answer, says):
    verdict = judge(question, answer)
    assert verdict.right is False
    assert says in verdict.message


@pytest.mark.parametrize(
    ("slips", "truth", "answer", "says"),
    [
        (AN_SD, 6.5, 42.25, "its square"),
        (A_VARIANCE, 42.25, 6.5, "its square root"),
        (LOG_ODDS, -1.7, 0.154, "probability scale"),
        (("upside down",), 4.0, 0.25, "upside down"),
        (A_SHARE, 0.3, 0.7, "the other share"),
        (("exp",), 2.0, 7.389, "take the logarithm"),
        (("log",), 7.389, 2.0, "undo it with exp"),
        (("root", "log", "log odds", "upside down"), -4.0, 2.0, "too large"),  # where a slip cannot be made
        (("upside down",), 0.0, 2.0, "too large"),
    ],
)
def test_a_slip_is_named_where_it_makes_sense(slips, truth, answer, says):
    assert says in judge(Question("99-0", "number", truth, right="", slips=slips), answer).message


@pytest.mark.parametrize("answer", [..., "...", "", " … "])
def test_three_dots_are_no_answer_yet(answer):
    verdict = check("03-2", answer)
    assert verdict.right is None and not verdict
    assert "three dots" in repr(verdict)


def test_a_verdict_is_a_status_line_in_a_notebook_and_escapes_its_text():
    question = Question("99-9", "choice", "b", right="τ < σ & so on")
    html = judge(question, "b")._repr_html_()
    assert 'role="status"' in html and "τ &lt; σ &amp; so on" in html


def test_the_place_of_a_formulas_error_stands_below_it():
    html = judge(FORMULA, "y ~ x + (x|")._repr_html_()
    assert "<pre>    y ~ x + (x|\n" in html


def test_an_unknown_exercise_lists_those_there_are():
    with pytest.raises(DataError, match=r"'03-99'.*03-1, 03-2"):
        check("03-99", 1)


@pytest.mark.parametrize("question", [3, 3.5, ["03-2"], {"03-2": 1}, None, len])
def test_an_exercise_is_asked_for_by_its_id(question):
    with pytest.raises(DataError, match=f"by its id, such as '03-2', and not by a {type(question).__name__}"):
        check(question, 1)


@pytest.mark.parametrize("question", ["3.5-2", "99-1", "", "no such thing\n", "…-1", "03.x"])
def test_a_chapter_without_exercises_is_named(question):
    with pytest.raises(DataError, match="no exercises of a chapter"):
        check(question, 1)


def test_a_truth_that_fails_is_an_error_not_a_wrong_answer():
    def broken():
        raise ValueError("the fit failed")

    with pytest.raises(ValueError, match="the fit failed"):
        judge(Question("99-9", "number", broken, right=""), 1.0)


@pytest.mark.parametrize(
    ("answer", "right"), [(1.0, True), (1.003, True), (1.0049, False), (1.008, False), (0.9960, True)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_an_answer_within_reach_of_a_right_and_a_wrong_number_is_the_nearer_one(answer, right, sign):
    question = Question(
        "99-12", "number", sign * 1.0, right="it", wrong=(Wrong(sign * 1.008, "a wrong one"),), tolerance=0.01
    )
    verdict = judge(question, f"{sign * answer:.5f}")
    assert verdict.right is right and ("a wrong one" in verdict.message) is not right


def test_of_two_wrong_numbers_within_reach_the_nearer_one_is_named():
    wrong = (Wrong(2.01, "the far one"), Wrong(2.002, "the near one"))
    question = Question("99-13", "number", 1.0, right="it", wrong=wrong, tolerance=0.01)
    assert "the near one" in judge(question, "2.0031").message
    assert "the far one" in judge(question, "2.0081").message


@pytest.mark.parametrize(
    ("given", "other", "same"),
    [
        ("18", 18.0, True), ("18.0", 18.0, True), ("17.99", 18.0, False), ("18", 17.96, True), ("17.9", 18.0, False),
        ("9.6", 9.604, True), ("9.56", 9.604, True), ("9.5", 9.604, False), ("10", 9.604, True), ("9", 9.4, False),
        ("0.3", 0.2667, False), ("0.27", 0.2667, True), ("0.268", 0.2667, True), ("0.2695", 0.2667, False),
    ],
)  # fmt: skip
def test_a_whole_number_is_exact_and_another_may_be_rounded_to_two_digits(given, other, same):
    assert _same_count(number(given), Number(other, 3, 3)) is same


@pytest.mark.parametrize(
    ("given", "exact", "rounded"),
    [
        ("1.5", 1.549, True),
        ("1.5", 1.551, False),
        ("1.50", 1.504, True),
        ("1.50", 1.506, False),
        ("2", 2.5, True),
        ("2", 1.4, False),
    ],
)
def test_rounded_is_within_half_of_the_last_digit_given(given, exact, rounded):
    assert _is_rounded(number(given), exact) is rounded
    assert not _is_rounded(number(given), float("nan"))


@pytest.mark.parametrize(
    ("exact", "decimals", "digits"),
    [(9.604, 0, 1), (9.604, 2, 3), (12.3, 1, 3), (0.0123, 4, 3), (0.0, 2, 2), (-250.0, 0, 3)],
)
def test_digits_left_of_a_number_with_so_many_decimals(exact, decimals, digits):
    assert _digits_left(exact, decimals) == digits


def test_letters_that_are_right_wrong_and_missing_are_counted():
    assert (
        _which_letters(None, frozenset("abc"), frozenset("bd"))
        == "1 right, 2 not part of it, 1 still missing."
    )
    assert _which_letters(None, frozenset("a"), frozenset("a")) == "1 right."
