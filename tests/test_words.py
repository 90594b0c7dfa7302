"""Words for people: numbers, lists, counts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmkit.words import count, listed, number, p_value, significant


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
        (1e-8, 1, "0.00000001"),
        (0.99e-8, 3, "0"),
    ],
)
def test_a_number_has_its_digits_and_no_exponent(value, digits, text):
    assert number(value, digits) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(1.9e-16, "<2e-16"), (2e-16, "2e-16"), (2.5e-16, "2.5e-16"), (0.04567, "0.0457"), (math.nan, "")],
)
def test_a_p_value_has_three_digits_down_to_what_can_be_told(p, text):
    assert p_value(p) == text


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


def test_columns_have_as_many_decimals_as_the_smallest_number_needs_and_no_more_than_six():
    """R's rule; a rounding error beside the others of its row does not count."""
    assert significant([251.405, 36.838], [0.5, 4.0])[0] == ["251.4050", "36.8380"]
    assert significant([12.3456], digits=3) == [["12.3"]]
    assert significant([2e6, 3.0], digits=4) == [["2000000.000", "3.000"]]
    assert significant([2e6], [1.0], digits=4) == [["2000000"], ["1"]]  # 1 is less than a millionth of it
    assert significant([1.0, 2e-4])[0] == ["1.000000", "0.000200"]
    assert significant([math.inf, 0.25])[0] == ["inf", "0.2500"] and significant([0.0]) == [["0"]]


@pytest.mark.parametrize(
    ("columns", "texts"),
    [
        (([251.405, 10.467], [6.825, 1.546]), [["251.405", "10.467"], ["6.825", "1.546"]]),
        (([627.57, 35.862, 0.0],), [["627.57", "35.86", "0.00"]]),
        (([2.5, 1e-17], [0.3, 0.4]), [["2.5000", "0.0000"], ["0.3000", "0.4000"]]),  # by the SE a 0
        (
            ([251.405, 1.0467e-5], [9.7467, 8.042e-7]),
            [["2.514e+02", "1.047e-05"], ["9.747e+00", "8.042e-07"]],
        ),
        (([6.121e-10, 0.0],), [["6.121e-10", "0.000e+00"]]),
        (([900.0, 9e-14],), [["900.0", "0.0"]]),  # a rounding error
        (([math.nan, math.inf, 1.5],), [["nan", "inf", "1.500"]]),
        (([0.0, 0.0],), [["0", "0"]]),
    ],
)
def test_no_number_is_printed_as_0_for_want_of_decimals(columns, texts):
    """Beside one another as R prints them: with one number of decimals, or else all in exponent form."""
    assert significant(*columns) == texts


@given(st.lists(st.tuples(*[st.floats(1e-12, 1e12)] * 2), min_size=1, max_size=5))
def test_every_rows_largest_number_can_be_read_from_what_is_printed(rows):
    columns = list(zip(*rows, strict=True))
    read = [[float(text) for text in column] for column in significant(*columns)]
    for k, row in enumerate(rows):
        largest = max(range(2), key=lambda c: row[c])
        if max(row) > 2e-15 * max(map(max, rows)):
            assert read[largest][k] == pytest.approx(row[largest], rel=0.005)
