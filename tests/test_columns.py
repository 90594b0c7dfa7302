"""What a column is, is decided once, whatever type it came in."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mlmkit as mk
from mlmkit.columns import _Stray, label_text, look, whole_numbers
from mlmkit.errors import DataError

NUMBERS = [3, 1, 2, 1, 3, 7]
NUMERIC_TYPES = [
    *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "longdouble"),
    *("Int8", "UInt16", "Int64", "Float32", "Float64", "object"),
]


@pytest.mark.parametrize("dtype", NUMERIC_TYPES)
def test_numbers_are_float64_whatever_they_came_as(dtype):
    column = look("x", pd.Series(NUMBERS).astype(dtype))
    assert column.kind == "number" and column.numbers.dtype == np.float64
    assert_array_equal(column.numbers, NUMBERS)
    assert_array_equal(column.labels.levels, [1, 2, 3, 7])
    assert column.labels.texts == ("1", "2", "3", "7")
    assert not column.missing.any()


@pytest.mark.parametrize(
    "values",
    [
        [Decimal("1.5"), Decimal(2), None],
        [Fraction(3, 2), 2, None],
        [1.5, 2, None],
        [np.float32(1.5), np.int8(2), pd.NA],
    ],
)
def test_numbers_in_an_object_column_are_numbers_and_it_is_said(values):
    column = look("x", pd.Series(values, dtype=object))
    assert column.kind == "number" and "'x' came as Python objects that are all numbers" in column.note
    assert_array_equal(column.numbers, [1.5, 2, np.nan])
    assert_array_equal(column.missing, [False, False, True])


@pytest.mark.parametrize("dtype", [bool, "boolean", object, "category"])
def test_truth_values_are_a_factor(dtype):
    column = look("t", pd.Series([True, False, True]).astype(dtype))
    assert column.kind == "truth" and not column.is_number
    assert_array_equal(column.labels.levels, [False, True])
    assert_array_equal(column.labels.codes, [1, 0, 1])
    assert_array_equal(column.numbers, [1, 0, 1])


@pytest.mark.parametrize("dtype", [object, "str", "string", "category"])
def test_text_is_labels_in_order(dtype):
    column = look("f", pd.Series(["b", "a", None, "b"]).astype(dtype))
    assert column.kind == "label"
    assert_array_equal(column.labels.levels, ["a", "b"])
    assert_array_equal(column.labels.codes, [1, 0, -1, 1])
    assert_array_equal(column.missing, [False, False, True, False])
    with pytest.raises(DataError, match="'f' is not numeric: it is text and has the value 'a'"):
        _ = column.numbers


def test_a_categorical_keeps_its_order():
    column = look("f", pd.Series(pd.Categorical(["b", "a"], categories=["b", "z", "a"], ordered=True)))
    assert column.kind == "ordered" and list(column.labels.levels) == ["b", "z", "a"]
    assert list(column.labels.present().levels) == ["b", "a"]
    assert_array_equal(column.labels.present().codes, [0, 1])


def test_text_and_numbers_mixed_are_labels_and_one_is_one():
    column = look("f", pd.Series([1, "1", "a", 1.0, None], dtype=object))
    assert column.kind == "label" and list(column.labels.levels) == ["1", "a"]
    assert_array_equal(column.labels.codes, [0, 0, 1, 0, -1])


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(pd.to_datetime(["2020-01-01", "2020-01-03", None])),
        pd.Series(pd.to_datetime(["2020-01-01", "2020-01-03", None], utc=True)),
        pd.Series([datetime.date(2020, 1, 1), datetime.date(2020, 1, 3), None]),
    ],
)
def test_dates_are_days_since_1970(values):
    column = look("d", values)
    assert column.kind == "time" and "days since 1970-01-01" in column.note
    assert_array_equal(column.numbers, [18262, 18264, np.nan])


def test_durations_are_days():
    column = look("d", pd.Series(pd.to_timedelta([36, 12], "h")))
    assert_array_equal(column.numbers, [1.5, 0.5])


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1 + 2j, 3]),
        pd.Series([[1], [2]]),
        pd.Series(pd.arrays.IntervalArray.from_breaks([0, 1, 2])),
        pd.Series(pd.period_range("2020", periods=2)),
        pd.Series([b"a", b"b"]),
        pd.Series([(1, 2), (3, 4)]),
    ],
)
def test_what_is_neither_number_nor_label_is_refused_by_name(values):
    column = look("strange", values)
    assert column.kind == "other"
    with pytest.raises(DataError, match="'strange' is not numeric"):
        _ = column.numbers


def test_a_stray_value_in_a_column_of_numbers_is_named():
    values = pd.Series([str(k) for k in range(60)])
    values[7] = "bad"
    assert "'x' is text: 59 of its 60 values are numbers, 'bad' (row 7) is not" in look("x", values).stray
    assert "'x' is text: 59 of its 60 values are numbers, 'bad' (row 7) is not" in look("x", values).no_number
    ids = pd.Series(["1", "2", "3", "control"] * 5)
    assert look("dose", ids).stray == ""


@pytest.mark.parametrize("one", [float("inf"), b"a", pd.Timestamp("2020-01-01")])
def test_only_text_has_stray_values(one):
    """An infinity among numbers is a number, whatever the column's type; bytes and dates are refused as what they are."""
    assert look("x", pd.Series([one, 1, 2, 3], dtype=object)).stray == ""


@pytest.mark.parametrize(
    ("value", "text"), [(2, "2"), (2.0, "2"), (np.int8(2), "2"), (2.5, "2.5"), (True, "True"), ("2", "2")]
)
def test_a_level_is_written_the_same_whatever_its_type(value, text):
    assert label_text(value) == text


def test_a_level_read_back_is_the_same_level():
    known = look("g", pd.Series([0, 1, 2])).labels
    for back in ([2.0, 0.0, 9.0], ["2", "0", "9"], pd.Categorical(["2", "0", "9"])):
        found = look("g", pd.Series(back)).labels
        assert_array_equal(found.positions_in(known.levels, known.texts), [2, 0, -1])


def test_half_precision_levels_are_those_of_full_precision():
    half, full = (look("g", pd.Series([0.1, 0.7], dtype=kind)).labels for kind in ("float16", "float64"))
    assert half.texts == full.texts == ("0.1", "0.7")


def frame_with(values, n=24):
    i = np.arange(n)
    return pd.DataFrame({"y": np.sin(i) + i % 3, "x": i * 7 % 11, "g": i // 4}).assign(c=values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pd.Series([[k % 3] for k in range(24)]), r"'c' is not numeric: it holds values such as \[0\]"),
        (pd.Series(pd.period_range("2020", periods=24, freq="M")), r"data\['c'\]\.dt\.to_timestamp\(\)"),
        (pd.Series(pd.arrays.IntervalArray.from_breaks(range(25))), r"data\['c'\]\.array\.mid"),
        (
            pd.Series([Decimal("sNaN"), *map(Decimal, range(23))]),
            r"'c' holds a decimal that compares with nothing",
        ),
        (pd.Series([f"{k},5" for k in range(24)]), r"alone has 24 levels in 24 rows.*pd.to_numeric"),
        (pd.Series([b"ab"[k % 2 : k % 2 + 1] for k in range(24)]), "neither number nor text"),
        (pd.Series([complex(k % 5, 1) for k in range(24)]), "'c' is not numeric"),
    ],
)
def test_a_predictor_that_is_none_is_refused_with_what_to_write(values, words):
    with pytest.raises(mk.DataError, match=words):
        mk.lm("y ~ c", frame_with(values))


@pytest.mark.parametrize("type_", ["list", "struct", "binary", "time64", "null"])
def test_what_arrow_nests_is_refused_by_name(type_):
    pa = pytest.importorskip("pyarrow")
    arrays = {
        "list": pa.array([[k % 3] for k in range(24)]),
        "struct": pa.array([{"a": k % 3} for k in range(24)]),
        "binary": pa.array([b"a"] * 24),
        "time64": pa.array(list(range(24)), pa.time64("us")),
        "null": pa.nulls(24),
    }
    with pytest.raises(mk.DataError, match="'c'"):
        mk.lmer("y ~ c + (1|g)", frame_with(pd.arrays.ArrowExtensionArray(arrays[type_])))


@pytest.mark.parametrize(
    "values",
    [
        pd.period_range("2020", periods=4, freq="M")[np.arange(24) % 4],
        pd.Series(np.asarray(pd.IntervalIndex.from_breaks(range(5)))[np.arange(24) % 4]).astype("interval"),
        pd.Series([(k % 4, "a") for k in range(24)]),
        pd.Series(
            [[pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-01").date()][k % 2] for k in range(24)]
        ),
    ],
)
def test_anything_that_can_be_told_apart_can_be_levels(values):
    data = frame_with(values)
    fit = mk.lm("y ~ C(c)", data)
    assert len(fit.fixef) == data.c.nunique() and not fit.design.notes
    assert_allclose(fit.predict(data.iloc[[5, 2]]), fit.fitted.iloc[[5, 2]])


def test_text_of_numbers_is_labels_as_in_r_and_it_is_said():
    text = frame_with([str(k % 6) for k in range(24)])
    with pytest.warns(mk.FitWarning, match=r"all of its values are numbers.*pd.to_numeric\(data\['c'\]\)"):
        fit = mk.lm("y ~ c", text)
    assert len(fit.fixef) == 6
    assert mk.lm("y ~ C(c)", text).design.notes == ()
    with pytest.raises(mk.DataError, match=r"The response 'c'.*str.replace\(',', '.'\)"):
        mk.lm("c ~ x", frame_with([f"{k},5" for k in range(24)]))


def test_who_is_meant_is_named():
    data = frame_with(list("ab") * 12)
    with pytest.raises(mk.DataError, match="The offset 'c' is not numeric"):
        mk.lm("y ~ offset(c)", data)
    with pytest.raises(mk.DataError, match="The weights are not numbers: 'c' is not numeric"):
        mk.lm("y ~ x", data, weights="c")
    with pytest.raises(mk.DataError, match="it is a categorical and has the value 0"):
        mk.lm("c ~ x", frame_with(pd.Categorical(np.arange(24) % 3)))


@pytest.mark.parametrize("dtype", ["float16", "halffloat[pyarrow]", "float[pyarrow]", "Float32"])
def test_groups_of_half_precision(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    data = frame_with(np.arange(24) // 4 / 10)
    half = data.assign(c=data.c.astype(dtype))
    fit, plain = mk.lmer("y ~ 1 + (1|c)", half), mk.lmer("y ~ 1 + (1|c)", data)
    assert_allclose(fit.predict(data), plain.predict(half))
    assert fit.design.blocks[0].levels[1] == 0.1


@pytest.mark.parametrize(
    ("n", "numbers", "different", "rare"),
    [
        (30, 27, 3, True),
        (30, 26, 3, False),
        (30, 27, 2, False),
        (5, 4, 3, True),
        (5, 3, 3, False),
        (19, 18, 3, True),
    ],
)
def test_a_tenth_of_the_values_or_one_may_be_slips(n, numbers, different, rare):
    assert _Stray(n, numbers, different, 0).is_rare is rare


@pytest.mark.parametrize(("largest", "dtype"), [(2**63 - 1, "int64"), (2**63, "uint64")])
def test_whole_numbers_are_signed_as_far_as_they_go(largest, dtype):
    levels = whole_numbers(np.array([1, largest], dtype="uint64"))
    assert levels.dtype == dtype and list(levels) == [1, largest]


@pytest.mark.parametrize("kind", ["datetime64[ns]", "datetime64[ns, UTC]", "timedelta64[ns]"])
def test_a_column_of_dates_is_one_though_all_are_missing(kind):
    column = look("d", pd.Series([None, None], dtype=kind))
    assert column.kind == "time" and np.isnan(column.numbers).all()
