"""Words for people: numbers, lists, counts."""

from __future__ import annotations

import math

import pytest

from mlmkit.words import count, listed, number


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (251.405, 3, "251"),
        (10.46729, 3, "10.5"),
        (0.0065555, 3, "0.00656"),
        (-1.5, 2, "−1.5"),
        (12345.6, 3, "12346"),
        (-0.0, 3, "0"),
        (1e-12, 3, "0"),
        (math.inf, 3, "infinity"),
        (-math.inf, 3, "minus infinity"),
        (math.nan, 3, "not known"),
    ],
)
def test_a_number_has_its_digits_and_no_exponent(value, digits, text):
    assert number(value, digits) == text


def test_a_number_may_be_bounded_in_decimals_and_keep_a_hyphen():
    assert number(-0.00012345, 4, decimals=6, minus="-") == "-0.000123"


def test_lists_end_in_and_or_in_how_many_more():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed("abc") == "a, b and c"
    assert listed("ab", last="or") == "a or b"
    assert listed(range(20), limit=3) == "0, 1 and 18 more"


def test_counts_know_one_from_many():
    assert [count(n, "group") for n in (0, 1, 2)] == ["0 groups", "1 group", "2 groups"]
    assert count(2, "child", "children") == "2 children"
