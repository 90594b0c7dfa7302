"""Any table becomes a frame whose columns have the names that the formula uses."""

from types import SimpleNamespace

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mlmkit.columns import look
from mlmkit.errors import DataError
from mlmkit.frames import as_frame, check_there, given


def test_names_become_text_and_code_points_one():
    frame = as_frame(pd.DataFrame({0: [1], "µg": [2], "e\u0301": [3]}), ["0", "μg", "é"])
    assert list(frame.columns) == ["0", "μg", "é"]
    assert list(as_frame(pd.DataFrame({"µg": [2]}), ["µg"]).columns) == ["µg"]


def test_a_column_that_is_not_there_once_is_named():
    frame = pd.DataFrame({"x": [1], "y": [2]}).set_index("y")
    with pytest.raises(
        DataError, match=r"'y' is not a column of the data. It is in the index: write data.reset_index\(\)"
    ):
        check_there(["y"], frame)
    with pytest.raises(DataError, match="two columns named 'x'"):
        check_there(["x"], pd.concat([frame, frame], axis=1))
    check_there(["x"], frame)


@pytest.mark.parametrize("data", [3, [1, 2], [{"x": 1}], np.zeros((2, 2)), None])
def test_what_is_no_table_is_refused(data):
    with pytest.raises(DataError, match="DataFrame"):
        as_frame(data)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_tables_are_read(library):
    module = pytest.importorskip(library)
    columns = {"x": [1, 2, None], "f": ["a", None, "b"], "t": [True, False, None]}
    frame = as_frame(module.DataFrame(columns) if library == "polars" else module.table(columns))
    assert_allclose(look("x", frame["x"]).numbers, [1, 2, np.nan])
    assert_array_equal(look("f", frame["f"]).labels.codes, [0, -1, 1])
    assert look("t", frame["t"]).kind == "truth"


def test_factors_of_polars_have_levels_in_their_own_order():
    polars = pytest.importorskip("polars")
    values = ["z", "a", None, "m"]
    table = polars.DataFrame(
        {
            "met": polars.Series(values, dtype=polars.Categorical),
            "ordered": polars.Series(values, dtype=polars.Enum(["z", "q", "m", "a"])),
        }
    )
    frame = as_frame(table)
    assert list(look("met", frame["met"]).labels.levels) == ["a", "m", "z"]
    enum = look("ordered", frame["ordered"]).labels
    assert enum.ordered and list(enum.present().levels) == ["z", "m", "a"]
    assert_array_equal(enum.codes, [0, 3, -1, 2])


def test_names_of_several_levels_are_refused():
    with pytest.raises(DataError, match="several levels"):
        as_frame(pd.concat({"a": pd.DataFrame({"x": [1]})}, axis=1))


def test_a_lazy_frame_is_collected_first():
    polars = pytest.importorskip("polars")
    with pytest.raises(DataError, match=r"collect\(\)"):
        as_frame(polars.LazyFrame({"x": [1]}))


def test_one_number_for_each_row():
    frame = pd.DataFrame({"w": [1, 2]}, index=["a", "b"])
    assert_array_equal(given("weights", "w", frame), [1, 2])
    assert_array_equal(given("weights", 3, frame), [3, 3])
    assert_array_equal(given("weights", pd.Series([5, 6], ["b", "a"]), frame), [6, 5])
    assert_array_equal(given("weights", pd.Series([5, 6]), frame), [5, 6])
    assert_array_equal(given("weights", [True, False], frame), [1, 0])
    assert given("weights", None, frame) is None
    assert_array_equal(given("weights", frame[["w"]], frame), [1, 2])
    with pytest.raises(DataError, match="4 weights for 2 rows"):
        given("weights", np.ones((2, 2)), frame)
    with pytest.raises(DataError, match="3 weights for 2 rows"):
        given("weights", [1, 2, 3], frame)
    with pytest.raises(DataError, match="not numbers"):
        given("weights", ["1", "a"], frame)
    with pytest.raises(DataError, match="'v' is not a column"):
        given("offset", "v", frame)


def test_columns_in_a_dict_and_records_in_an_array_are_a_table():
    columns = {"x": [1, 2, 3], "f": np.array(["a", "b", "a"])}
    records = np.array([(1, "a"), (2, "b"), (3, "a")], dtype=[("x", int), ("f", "U1")])
    for data in (columns, records, records.view(np.recarray)):
        frame = as_frame(data, ["x", "f"])
        assert frame["x"].tolist() == [1, 2, 3] and frame["f"].tolist() == ["a", "b", "a"]
    with pytest.raises(DataError, match="do not go together"):
        as_frame({"x": [1, 2], "f": ["a"]})
    with pytest.raises(DataError, match="masked"):
        as_frame(np.ma.array(records))


@pytest.mark.filterwarnings("ignore:.*Interchange Protocol is deprecated")
def test_a_table_of_the_interchange_protocol_alone_is_read():
    class Table:
        def __dataframe__(self, *args, **kwargs):
            return pd.DataFrame({"x": [1.0, 2.0]}).__dataframe__(*args, **kwargs)

    assert as_frame(Table())["x"].tolist() == [1.0, 2.0]


def test_a_frame_whose_names_are_spelled_as_the_formula_does_is_not_copied():
    frame = pd.DataFrame({"größe": [1], "y": [2]})
    assert as_frame(frame, ["größe", "y"]) is frame


@pytest.mark.parametrize("is_polars", [False, True])
def test_only_polars_has_its_factors_put_in_order(monkeypatch, is_polars):
    """A table as narwhals sees it, for where polars is not installed."""
    frame = pd.DataFrame({"f": pd.Categorical(["z", "a"], ["z", "a"])})

    class Table(dict):
        implementation = SimpleNamespace(is_polars=lambda: is_polars)
        schema, columns = {"f": nw.Categorical}, ["f"]
        to_pandas = staticmethod(lambda: frame)

    table = Table(f=nw.from_native(frame["f"], series_only=True))
    monkeypatch.setattr(nw, "from_native", lambda *_, **__: table)
    levels = list(as_frame(object())["f"].cat.categories)
    assert levels == (["a", "z"] if is_polars else ["z", "a"])
