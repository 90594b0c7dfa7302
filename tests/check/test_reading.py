"""Answers as people write them, read as what was meant."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmkit.check import reading
from mlmkit.check.reading import Number, Unreadable
from mlmkit.formula import parse_formula


@pytest.mark.parametrize(
    ("written", "value", "decimals", "digits"),
    [
        (10.467, 10.467, 3, 5),
        (16, 16, 0, 2),
        (16.0, 16, 1, 3),
        ("16.00", 16, 2, 4),
        ("25%", 0.25, 2, 2),
        ("15.7 %", 0.157, 3, 3),
        ("4 per cent", 0.04, 2, 1),
        ("5/20", 0.25, 2, 2),
        ("5 / 20 rats", 0.25, 2, 2),
        ("25.6 ms", 25.6, 1, 3),
        ("10.5 ms/day", 10.5, 1, 3),
        ("9.6 ms²/day", 9.6, 1, 2),
        ("≈ 10", 10, 0, 2),
        ("about −0.066", -0.066, 3, 2),
        ("25,6", 25.6, 1, 3),
        ("0,126", 0.126, 3, 3),
        (".5", 0.5, 1, 1),
        ("1.8e-3", 0.0018, 4, 2),
        ("1.1e3", 1100, -2, 2),
        (np.float64(10.5), 10.5, 1, 3),
        (np.int64(342), 342, 0, 3),
        (pd.Series([10.467]), 10.467, 3, 5),
        ([342], 342, 0, 3),
    ],
)
def test_a_number_is_read_with_its_precision(written, value, decimals, digits):
    read = reading.number(written)
    assert read == Number(pytest.approx(value), decimals, digits)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("ten", "'ten' is not read as one"),
        ("10 to 12", "not read as one"),
        ("10.5 ± 1.5", "not read as one"),
        ("1,234", "two ways; write 1234 or 1.234"),
        ("3/0", "divides by zero"),
        (True, "True is not one"),
        (None, "what you gave is not one"),
        ([1, 2], "this holds 2"),
        (np.zeros((3, 2)), "this holds 6"),
        ([1, [2, 3]], "what you gave is not one"),
        ({"a": 1}, "what you gave is not one"),
        (print, "what you gave is not one"),
        (pd.DataFrame({"a": ["x"]}), "is not one"),
    ],
)
def test_what_is_no_number_is_refused_in_words(written, says):
    with pytest.raises(Unreadable, match=says):
        reading.number(written)


@settings(deadline=None)
@given(st.floats(-1e9, 1e9))
def test_a_number_of_python_is_read_as_it_is(x):
    assert reading.number(x).value == x
    assert reading.number(repr(x)).value == x


@pytest.mark.parametrize("written", ["b", "(b)", "b)", " B. ", "'b'", "option b", "Answer: (b)"])
def test_one_letter_however_it_is_written(written):
    assert reading.letter(written) == "b"


@pytest.mark.parametrize("written", ["", "b, c", "bc", "because", 2, None, ["b"]])
def test_what_is_not_one_letter_is_refused(written):
    with pytest.raises(Unreadable, match="One letter is asked for, like 'b'"):
        reading.letter(written)


@pytest.mark.parametrize(
    "written",
    [
        {"a", "c", "e"},
        ["(a)", "c)", "E"],
        "ace",
        "a, c, e",
        "(a) (c) (e)",
        "a and c and e",
        "(a), (c), and (e)",
        "{a,c,e}",
        "a & c & e",
        "a/c/e",
        "A C E",
    ],
)
def test_letters_however_they_are_set_apart(written):
    assert reading.letters(written) == {"a", "c", "e"}


@pytest.mark.parametrize(
    ("written", "read"), [("none", set()), (set(), set()), ("only b", {"b"}), ("both a and b", {"a", "b"})]
)
def test_few_letters(written, read):
    assert reading.letters(written) == read


@pytest.mark.parametrize("written", ["all of them", 3, None, [1, 2], "a-c"])
def test_what_is_no_set_of_letters_is_refused(written):
    with pytest.raises(Unreadable, match="A set of letters is asked for"):
        reading.letters(written)


def test_words_without_case_and_punctuation():
    assert reading.words(" “Partial-pooling”. ") == reading.words("partial_pooling") == "partial pooling"
    with pytest.raises(Unreadable, match="A word in quotes"):
        reading.words(3)


@pytest.mark.parametrize(
    "written", [308, 308.0, "308", "subject 308", " (308) ", np.int64(308), pd.Series([308])]
)
def test_a_label_is_a_number_or_a_word(written):
    assert reading.label(written) == "308"
    assert reading.label("School_12") == reading.label("school 12") == "12"


def test_several_numbers():
    read = [each.value for each in reading.numbers("25.0, 6.5")]
    assert read == [each.value for each in reading.numbers(np.array([25.0, 6.5]))] == [25.0, 6.5]
    assert [each.value for each in reading.numbers({"a": 1, "b": "50%"})] == [1, 0.5]
    with pytest.raises(Unreadable, match="list of numbers"):
        reading.numbers(25.0)


class Fitted:
    formula = "y ~ x"


def test_a_formula_or_a_fit():
    assert reading.formula("y ~ x") == reading.formula(Fitted()) == parse_formula("y ~ x")
    with pytest.raises(Unreadable, match="in quotes"):
        reading.formula(3)


SAME = [
    "mathach ~ ses*sector + (ses|school)",
    "mathach ~ sector*ses + (1 + ses | school)",
    "mathach ~ sector + ses + ses:sector + (ses|school)",
    "mathach ~ (ses|school) + sector:ses + ses + sector + 1",
]


@pytest.mark.parametrize("written", SAME)
def test_the_order_of_terms_and_factors_means_nothing(written):
    assert reading.meaning(parse_formula(written)) == reading.meaning(parse_formula(SAME[0]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("y ~ x + (x||g)", "y ~ x + (0 + x|g) + (1|g)"),
        ("y ~ x + (1|a/b)", "y ~ x + (1|b:a) + (1|a)"),
        ("y ~ x + (x*z|g)", "y ~ x + (z*x|g)"),
        ("cbind(m,n-m) ~ 1 + (1|g)", "cbind(m, n - m) ~ (1 | g)"),
    ],
)
def test_two_ways_to_write_one_random_part(one, other):
    assert reading.meaning(parse_formula(one)) == reading.meaning(parse_formula(other))
