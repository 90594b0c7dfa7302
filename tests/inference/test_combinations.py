"""Combinations of coefficients: names, text, weights and matrices say the same."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from mlmkit.errors import DataError
from mlmkit.inference.combinations import combinations

NAMES = ("Intercept", "x", "f[T.b]", "x:f[T.b]", "C(f, Sum)[S.a]", "log(a + b)")


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ("f[T.b]", [[0, 0, 1, 0, 0, 0]]),
        ("f[T.b] - x", [[0, -1, 1, 0, 0, 0]]),
        ("-x", [[0, -1, 0, 0, 0, 0]]),
        ("2*x - 0.5 * x:f[T.b]", [[0, 2, 0, -0.5, 0, 0]]),
        ("x + x:f[T.b]/2", [[0, 1, 0, 0.5, 0, 0]]),
        ("x = f[T.b]", [[0, 1, -1, 0, 0, 0]]),
        ("x = 0", [[0, 1, 0, 0, 0, 0]]),
        ("log(a + b) - C(f, Sum)[S.a]", [[0, 0, 0, 0, -1, 1]]),
        (["x", "f[T.b]"], [[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]),
        (("x", "x - Intercept"), [[0, 1, 0, 0, 0, 0], [-1, 1, 0, 0, 0, 0]]),
        ({"x": 1, "f[T.b]": -1}, [[0, 1, -1, 0, 0, 0]]),
        ({"difference": {"x": 1, "f[T.b]": -1}}, [[0, 1, -1, 0, 0, 0]]),
        ({"difference": "x - f[T.b]", "x": "x"}, [[0, 1, -1, 0, 0, 0], [0, 1, 0, 0, 0, 0]]),
        ([0, 1, 0, 0, 0, 0], [[0, 1, 0, 0, 0, 0]]),
        (np.eye(6)[2:3], [[0, 0, 1, 0, 0, 0]]),
        (pd.DataFrame({"x": [1.0, 2.0]}), [[0, 1, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0]]),
        (None, np.eye(6)),
    ],
)
def test_the_same_matrix_however_it_is_written(given, rows):
    table = combinations(NAMES, given)
    assert_array_equal(table, rows)
    assert list(table.columns) == list(NAMES)


def test_rows_are_labelled_as_written():
    assert list(combinations(NAMES, ["x", "x - f[T.b]"]).index) == ["x", "x - f[T.b]"]
    assert list(combinations(NAMES, {"difference": {"x": 1}}).index) == ["difference"]
    assert list(combinations(NAMES, {"x": 1, "Intercept": -2}).index) == ["1 x + -2 Intercept"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("z", "'z' is not a coefficient"),
        ("x - f[T.c]", "'f[T.c]' is not a coefficient of this fit. Did you mean 'f[T.b]'?"),
        ("x x", "'x' is not a coefficient"),
        ("x - x", "all 0"),
        ("", "all 0"),
        (["x", "q"], "'q'"),
        ({"q": 1}, "'q' is not a coefficient"),
        ({"x": "a"}, "'a' is not a coefficient"),
        ({"d": {"x": None}}, "not a number"),
        ({"d": {"x": 1}, "e": 3}, "'e' is a combination"),
        (3, "1 weights for the 6 coefficients"),
        ([[1, 2]], "2 weights"),
        ([object()], "no combination of coefficients"),
        ([0] * 6, "all 0"),
    ],
)
def test_what_is_no_combination_is_named(given, words):
    with pytest.raises(DataError) as caught:
        combinations(NAMES, given)
    assert words in str(caught.value)
