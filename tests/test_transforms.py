"""Transforms compute what R computes, remember what they were fitted to, and name what cannot be computed."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.frames import look_at
from mlmkit.grammar import Reader
from mlmkit.transforms import evaluate, remembers


def value(text, frame, memory=None):
    tree = Reader(text).comparison()
    return evaluate(tree, look_at(frame, frame.columns), {} if memory is None else memory)


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "x": [1, 2, 4, 8],
            "z": [0.5, 1.0, 1.5, 2.5],
            "t": [True, False, True, True],
            "f": list("abca"),
            "o": pd.Categorical(list("abca"), ordered=True),
            "d": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03", "2020-02-01"]),
        }
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x + 2*z - 1", [1, 3, 6, 12]),
        ("x/z", [2, 2, 8 / 3, 3.2]),
        ("x^-1", [1, 0.5, 0.25, 0.125]),
        ("-x", [-1, -2, -4, -8]),
        ("log2(x)", [0, 1, 2, 3]),
        ("log(x)/log(2)", [0, 1, 2, 3]),
        ("sqrt(x*4) + abs(-x)", [3, 2 + 8**0.5, 8, 8 + 32**0.5]),
        ("exp(log1p(z)) - log10(x/x)", [1.5, 2, 2.5, 3.5]),
        ("t + 1", [2, 1, 2, 2]),
        ("center(x)", [-2.75, -1.75, 0.25, 4.25]),
        ("I(d - 18262)", [0, 1, 2, 31]),
    ],
)
def test_arithmetic(frame, text, expected):
    assert_allclose(value(text, frame), expected)


def test_a_level_that_the_fit_had_not_equals_none_of_its_levels(frame):
    memory = {}
    assert_array_equal(value('f == "a"', frame, memory).labels.codes, [1, 0, 0, 1])
    others = pd.DataFrame({"f": ["z", "a"]})
    assert_array_equal(value('f == "a"', others, memory).labels.codes, [0, 1])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float16"])
def test_arithmetic_is_in_full_precision(dtype):
    small = pd.DataFrame({"x": np.array([100, 12], dtype=dtype)})
    assert_array_equal(value("x*x - 2*x", small), [9800, 120])
    assert_array_equal(value("log(x)", small), np.log([100.0, 12.0]))
    assert_array_equal(value("poly(x, 3, raw=TRUE)", small)[:, 2], [1e6, 1728])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > 2", [0, 0, 1, 1]),
        ("x != 2", [1, 0, 1, 1]),
        ("2 >= x", [1, 1, 0, 0]),
        ("x < z*4", [1, 1, 1, 1]),
        ('f == "b"', [0, 1, 0, 0]),
        ('"b" != f', [1, 0, 1, 1]),
        ('o >= "b"', [0, 1, 1, 0]),
        ('"b" < o', [0, 0, 1, 0]),
        ("t == TRUE", None),
        ('d > "2020-01-02"', [0, 0, 1, 1]),
        ("log(z - 1) > 0", [-1, 0, 0, 1]),
    ],
)
def test_comparisons_are_truth_values(frame, text, expected):
    if expected is None:
        expected = [1, 0, 1, 1]
        text = 't == "TRUE"'
    labels = value(text, frame).labels
    assert_array_equal(labels.levels, [False, True])
    assert_array_equal(labels.codes, expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("log(f)", "'f' is not numeric"),
        ("f*2", "'f' is not numeric"),
        ("C(x)*2", "'C(x)' is a factor"),
        ("poly(x, 2) + 1", "'poly(x, 2)' is 2 columns"),
        ('f > "b"', "without an order"),
        ('f == "z"', "'f' has no level 'z': it has 'a', 'b', 'c'"),
        ('relevel(f, "z")', "'f' has no level 'z'"),
        ('relevel(o, "b")', "ordered factor"),
        ('x == "2"', "'2' is compared with a column of labels only"),
        ('d > "soon"', "'d' is a date"),
        ("poly(x, 4)", "4 different values"),
        ("scale(x - x)", "constant"),
        ("poly(log(x - 1), 2)", "-inf in row 0"),
        ("bs(x, df=2)", "df is at least 3"),
        ("ns(x, knots=c(3, 20))", "inside the range of x, 1 to 8"),
    ],
)
def test_what_cannot_be_computed_is_named(frame, text, words):
    with pytest.raises(DataError) as caught:
        value(text, frame)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["scale(x)", "center(log(x))", "poly(x, 2)", "bs(x, df=3, degree=2)", "ns(x, df=2)", "standardize(x)"],
)
def test_what_was_fitted_is_remembered(frame, text):
    memory = {}
    whole = value(text, frame, memory)
    assert remembers(Reader(text).sum()) and len(memory) >= 1
    assert_allclose(value(text, frame.iloc[[2]], memory), whole[[2]])


def test_scale_is_rs_and_standardize_divides_by_n(frame):
    assert_allclose(value("scale(x)", frame).std(ddof=1), 1)
    assert_allclose(value("standardize(x)", frame).std(), 1)
    # R: scale(x, center = FALSE) divides by sqrt(sum(x^2)/(n - 1))
    assert_allclose(value("scale(x, center=FALSE)", frame), frame.x / np.sqrt((frame.x**2).sum() / 3))


def test_orthogonal_polynomials_are_orthonormal(frame):
    P = value("poly(x, 3)", frame)
    assert_allclose(P.T @ P, np.eye(3), atol=1e-12)
    assert_allclose(P.sum(axis=0), 0, atol=1e-12)


def test_beyond_the_data_a_natural_spline_is_a_line():
    d = pd.DataFrame({"x": np.arange(20.0), "y": np.sin(np.arange(20.0))})
    fit = mk.lm("y ~ ns(x, df=4)", d)
    outside = fit.predict(pd.DataFrame({"x": [20.0, 25.0, 30.0, -5.0, -10.0, -15.0]})).to_numpy()
    assert_allclose(np.diff(outside[:3], 2), 0, atol=1e-9)
    assert_allclose(np.diff(outside[3:], 2), 0, atol=1e-9)


def test_a_missing_response_does_not_move_what_is_remembered():
    d = pd.DataFrame({"x": np.arange(12.0), "y": np.r_[np.sin(np.arange(9.0)), [np.nan] * 3]})
    whole = mk.lm("y ~ poly(x, 2)", d).design.X
    assert_allclose(whole, np.column_stack([np.ones(12), value("poly(x, 2)", d[["x"]])])[:9])


def test_numbers_may_be_a_factor_and_several_columns_not(frame):
    """C() of a computed number has a level for each value; of a polynomial it has no meaning."""
    d = pd.DataFrame({"x": [1.0, 2.0, 3.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 2.0, 1.5, 3.5, 2.5]})
    fit = mk.lm("y ~ 0 + C(I(x * 2))", d)
    assert_allclose(fit.fixef, [1.25, 3.25, 2.25])  # the levels' means
    with pytest.raises(DataError, match="is several columns, not a factor"):
        mk.lm("y ~ C(poly(x, 2))", d)


def test_of_many_levels_the_first_ten_are_named_and_the_others_counted():
    d = pd.DataFrame({"f": [f"l{k:02d}" for k in range(14)] * 2, "y": np.arange(28.0)})
    with pytest.raises(DataError) as caught:
        mk.lm('y ~ relevel(f, "z")', d)
    first = ", ".join(repr(f"l{k:02d}") for k in range(10))
    assert f"it has {first} and 4 more" in str(caught.value)


def test_a_missing_label_is_none_of_the_levels_that_were_put_in_another_order():
    d = pd.DataFrame({"f": ["b", "a", None, "c", "b", "a", "c"], "y": np.arange(7.0)})
    fit = mk.lm('y ~ relevel(f, "c")', d)
    assert fit.nobs == 6 and list(fit.fixef.index)[1:] == ['relevel(f, "c")[T.a]', 'relevel(f, "c")[T.b]']
    assert_allclose(fit.fixef, [4.5, 3.0 - 4.5, 2.0 - 4.5])  # c: 3, 6; a: 1, 5; b: 0, 4
