"""The response as numbers: R's direction for factors, one column, and what is no response is named."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.formula import parse_formula
from mlmkit.frames import look_at
from mlmkit.response import response_values


def y(left, data, family="gaussian"):
    spec = parse_formula(f"{left} ~ 1", family)
    return response_values(spec, look_at(data, spec.columns))


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "y": [0.5, 3.0, 2.5, 1.0],
            "b": [0, 1, 1, 0],
            "t": [False, True, True, False],
            "f": ["no", "yes", "yes", "no"],
            "three": list("abca"),
            "d": pd.to_datetime(["2020-01-01"] * 4),
            "n": [4, 4, 4, 4],
        }
    )


@pytest.mark.parametrize(
    "left",
    [
        "b",
        "t",
        "f",
        "factor(b)",
        "C(b)",
        "I(factor(b))",
        "I(t)",
        "y > 2",
        "(y > 2)",
        "f == 'yes'",
        "factor(f)",
    ],
)
def test_a_binary_response_has_rs_direction(frame, left):
    assert_array_equal(y(left, frame, "binomial")[0], [0, 1, 1, 0])


def test_relevel_turns_it_round(frame):
    assert_array_equal(y('relevel(f, "yes")', frame, "binomial")[0], [1, 0, 0, 1])


def test_successes_and_failures(frame):
    proportion, trials = y("cbind(b + 1, n - b - 1)", frame, "binomial")
    assert_allclose(proportion, [0.25, 0.5, 0.5, 0.25])
    assert_array_equal(trials, 4)


@pytest.mark.parametrize(
    ("left", "family", "words"),
    [
        ("factor(b)", "gaussian", "'C(b)' is not numeric but a factor"),
        ("C(three)", "gaussian", "is not numeric but a factor"),
        ("poly(y, 3)", "gaussian", "'poly(y, 3)' is 3 columns: a model has one response"),
        ("ns(y, df=3)", "gaussian", "is 3 columns"),
        ("y*C(b)", "gaussian", "'C(b)' is a factor"),
        ("three", "gaussian", "'three' is not numeric: it is text and has the value 'a'"),
        ("three", "binomial", "3 different values"),
        ("factor(three)", "binomial", "3 different values"),
        ("y*1e200", "gaussian", "beyond what can be squared"),
        ("y*1e-200", "gaussian", "beyond what can be squared"),
        ("y*1e-200", "gamma", "beyond what can be squared"),
        ("cbind(y, n)", "gaussian", "is a binomial response"),
    ],
)
def test_what_is_no_response_is_named(frame, left, family, words):
    with pytest.raises(DataError) as caught:
        y(left, frame, family)
    assert words in str(caught.value)


def test_a_stray_value_in_the_response_is_named():
    d = pd.DataFrame({"y": [str(k) for k in range(20)], "x": np.arange(20)})
    d.loc[4, "y"] = "."
    with pytest.raises(DataError, match=r"19 of its 20 values are numbers, '\.' \(row 4\) is not"):
        mk.lm("y ~ x", d)


@pytest.mark.parametrize(
    ("response", "is_column"),
    [("y", True), ("log(y)", False), ("cbind(m, n - m)", False), ("cbind(m, n)", False)],
)
def test_a_response_is_a_column_if_it_is_one_and_as_it_stands(response, is_column):
    assert (
        parse_formula(f"{response} ~ 1", "gaussian" if "y" in response else "binomial").response.is_column
        is is_column
    )
