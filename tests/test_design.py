"""Names meet data: the arrays are those of the formula, and bad data are refused by name."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mlmkit.datasets import load_data
from mlmkit.design import build_design, independent_columns
from mlmkit.errors import DataError, FormulaError
from mlmkit.formula import parse_formula


def design(formula, data, family="gaussian", **extras):
    return build_design(parse_formula(formula, family), data, **extras)


@pytest.fixture
def frame():
    """Twelve rows: groups g of 3, f a factor of three levels, ids restarting within g."""
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "y": rng.normal(size=12),
            "x": np.arange(12.0),
            "f": list("abcabcabcabc"),
            "g": [1, 1, 1, 2, 2, 2, 10, 10, 10, 11, 11, 11],
            "id": [1, 1, 2] * 4,
            "count": np.arange(12),
        }
    )


def test_sleepstudy_is_two_columns_and_one_block_of_two():
    it = design("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))
    assert it.fixed_names == ("Intercept", "Days")
    assert_array_equal(it.X, np.column_stack([np.ones(180), np.tile(np.arange(10), 18)]))
    (block,) = it.blocks
    assert (block.group, block.names, len(block.levels)) == ("Subject", ("Intercept", "Days"), 18)
    assert_array_equal(block.Z, it.X)
    assert_array_equal(block.levels[block.codes], load_data("sleepstudy").Subject)


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("y ~ f", ("Intercept", "f[T.b]", "f[T.c]")),
        ("y ~ 0 + f", ("f[a]", "f[b]", "f[c]")),
        ("y ~ x*f", ("Intercept", "x", "f[T.b]", "f[T.c]", "x:f[T.b]", "x:f[T.c]")),
        ("y ~ C(g)", ("Intercept", "C(g)[T.2]", "C(g)[T.10]", "C(g)[T.11]")),
        ("y ~ x + I(x^2)", ("Intercept", "x", "I(x ** 2)")),
        ("y ~ sqrt(x) + abs(x)", ("Intercept", "sqrt(x)", "abs(x)")),
        ("y ~ x:count", ("Intercept", "x:count")),
    ],
)
def test_names_of_columns(frame, formula, names):
    assert design(formula, frame).fixed_names == names


def test_transforms_are_computed(frame):
    it = design("log(count + 1) ~ I(x^2) + center(x) + scale(x)", frame)
    assert_allclose(it.y, np.log(frame["count"] + 1))
    assert_allclose(it.X[:, 1], frame.x**2)
    assert_allclose(it.X[:, 2], frame.x - frame.x.mean())
    assert it.aliased == ("scale(x)",)


def test_new_data_become_the_columns_of_the_fit(frame):
    it = design("y ~ center(x) + f", frame)
    assert_allclose(it.columns.matrix(frame.iloc[4:5]), it.X[4:5])
    with pytest.raises(DataError, match="'f' has the value 'z', which the fit never saw"):
        it.columns.matrix(frame.iloc[:1].assign(f="z"))


def test_double_bar_splits_a_factor_into_one_block_per_column(frame):
    it = design("y ~ 1 + (f||id)", pd.concat([frame] * 2))
    assert [block.names for block in it.blocks] == [("Intercept",), ("f[T.b]",), ("f[T.c]",)]
    together = design("y ~ 1 + (f|id)", pd.concat([frame] * 2)).blocks[0]
    assert_array_equal(np.column_stack([block.Z for block in it.blocks]), together.Z)


def test_combined_groups_are_sorted_first_factor_slowest(frame):
    inner, outer = design("y ~ 1 + (1|g/id)", frame).blocks
    assert (inner.group, outer.group) == ("id:g", "g")
    assert list(inner.levels) == [f"{i}:{g}" for i in (1, 2) for g in (1, 2, 10, 11)]
    assert list(outer.levels) == [1, 2, 10, 11]
    wanted = frame.id.astype(str) + ":" + frame.g.astype(str)
    assert_array_equal(inner.levels[inner.codes], wanted)


@pytest.mark.parametrize("kind", [int, str, "category"])
def test_groups_may_be_integers_strings_or_categories(frame, kind):
    block = design("y ~ 1 + (1|g)", frame.astype({"g": kind})).blocks[0]
    assert_array_equal(
        block.codes, np.unique(block.codes.reshape(4, 3)[:, 0], return_inverse=True)[1].repeat(3)
    )
    assert sorted(map(int, block.levels)) == [1, 2, 10, 11]


def test_a_categorical_keeps_its_order_and_loses_its_empty_levels(frame):
    g = pd.Categorical(frame.g, categories=[11, 99, 10, 2, 1])
    assert list(design("y ~ 1 + (1|g)", frame.assign(g=g)).blocks[0].levels) == [11, 10, 2, 1]


def test_blocks_are_in_lme4s_order_which_turns_ties_round():
    data = pd.DataFrame(
        {"y": np.arange(24.0) % 7, "a": np.arange(24) % 3, "b": np.arange(24) % 8, "x": np.arange(24.0)}
    )
    order = [(b.group, b.names) for b in design("y ~ 1 + (1|a) + (0 + x|a) + (1|b)", data).blocks]
    assert order == [("b", ("Intercept",)), ("a", ("x",)), ("a", ("Intercept",))]
    unsorted = [(b.group, b.names) for b in design("y ~ 1 + (1|b) + (1|a) + (0 + x|a)", data).blocks]
    assert unsorted == [("b", ("Intercept",)), ("a", ("Intercept",)), ("a", ("x",))]


def test_a_factor_with_one_group_more_comes_first():
    data = pd.DataFrame({"y": np.arange(30.0) % 7, "a": np.arange(30) % 5, "b": np.arange(30) % 6})
    assert [b.group for b in design("y ~ 1 + (1|a) + (1|b)", data).blocks] == ["b", "a"]


def test_rows_with_a_missing_value_are_dropped_and_counted():
    it = design("rt ~ 1 + (1|participant) + (1|spelling)", load_data("blp"))
    assert (len(it.y), it.n_dropped) == (651, 11)
    assert [len(block.levels) for block in it.blocks] == [78, 58]


def test_missing_values_elsewhere_cost_no_rows(frame):
    assert design("y ~ x", frame.assign(other=np.nan)).n_dropped == 0


def test_cbind_is_a_proportion_with_its_trials_as_weights():
    rats = load_data("rats")
    it = design("cbind(m, n - m) ~ 1 + (1|batch)", rats, "binomial")
    assert_allclose(it.y, rats.m / rats.n)
    assert_array_equal(it.weights, rats.n)
    assert_array_equal(it.trials, rats.n)
    doubled = design("cbind(m, n - m) ~ 1 + (1|batch)", rats, "binomial", weights=np.full(71, 2.0))
    assert_array_equal(doubled.weights, 2 * rats.n)
    assert_array_equal(doubled.trials, rats.n)


def test_a_two_level_factor_is_a_binomial_response(frame):
    answer = np.where(frame.x > 5, "Yes", "No")
    assert_array_equal(design("answer ~ x", frame.assign(answer=answer), "binomial").y, frame.x > 5)


def test_weights_and_offset_by_name_or_by_value(frame):
    by_name = design("y ~ 1", frame.assign(w=frame.x + 1), weights="w", offset="x")
    by_value = design("y ~ 1", frame, weights=frame.x + 1, offset=frame.x.to_numpy())
    assert_array_equal(by_name.weights, by_value.weights)
    assert_array_equal(by_name.offset, frame.x)
    assert_array_equal(by_value.offset, frame.x)


def test_later_collinear_columns_are_dropped(frame):
    it = design("y ~ x + count + f", frame)
    assert it.aliased == ("count",)
    assert it.fixed_names == ("Intercept", "x", "f[T.b]", "f[T.c]")


def test_independent_columns_walks_in_order():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 50))
    X = np.column_stack([a, np.zeros(50), 2 * a, b, a + b, c, 1e8 * c + a])
    assert_array_equal(independent_columns(X), [True, False, False, True, False, True, False])


def test_of_one_column_or_none():
    assert independent_columns(np.empty((5, 0))).shape == (0,)
    assert_array_equal(independent_columns(np.ones((5, 1))), [True])
    assert_array_equal(independent_columns(np.zeros((5, 1))), [False])


def test_a_far_away_origin_is_not_collinear():
    x = np.arange(100.0)
    assert independent_columns(np.column_stack([np.ones(100), 1e6 + x])).all()


@pytest.mark.parametrize(
    ("formula", "change", "family", "words"),
    [
        ("y ~ xx + (1|g)", {}, "gaussian", ["'xx' is not a column", "Did you mean 'x'?"]),
        ("yy ~ x", {}, "gaussian", ["The response 'yy'", "'y'"]),
        ("y ~ x + (1|school)", {}, "gaussian", ["grouping variable 'school'", "There are: y, x"]),
        ("y ~ x + (1|g/clas)", {}, "gaussian", ["grouping variable 'clas'"]),
        ("y ~ log(xx)", {}, "gaussian", ["'xx' is not a column"]),
        ("y ~ 1 + (1|g)", {"g": 1}, "gaussian", ["'g' has one level, 1"]),
        ("y ~ 1 + (1|g)", {"g": range(12)}, "gaussian", ["'g' has 12 levels for 12 rows"]),
        (
            "y ~ 1 + (x + count|g)",
            {},
            "gaussian",
            ["(1 + x + count | g) asks for 12 group effects from 12 rows"],
        ),
        ("y ~ x", {"x": np.nan}, "gaussian", ["No rows are left", "'x' has none but missing values"]),
        ("f ~ x", {}, "gaussian", ["'f' is not numeric", "'a'"]),
        ("log(f) ~ x", {}, "gaussian", ["'f' is not numeric"]),
        ("y ~ x", {"y": [np.inf] + [0.0] * 11}, "gaussian", ["'y' is inf in row 0"]),
        ("y ~ x", {"x": [0.0] * 11 + [-np.inf]}, "gaussian", ["'x' is -inf in row 11"]),
        ("y ~ log(x - 5)", {}, "gaussian", ["'log(x - 5)'"]),
        ("log(x) ~ y", {}, "gaussian", ["'log(x)'", "-inf"]),
        ("y ~ x", {}, "binomial", ["'y' has the value", "0 or 1"]),
        ("f ~ x", {}, "binomial", ["3 different values"]),
        ("y ~ x", {"y": -1}, "poisson", ["-1", "a count"]),
        ("x ~ y", {}, "gamma", ["positive"]),
        ("cbind(x, count) ~ 1", {}, "gaussian", ["binomial response"]),
        ("cbind(x, -x) ~ 1", {}, "binomial", ["counts of successes"]),
        ("cbind(x, x) ~ 1", {}, "binomial", ["no trials in row 0"]),
    ],
)
def test_bad_data_get_an_error_that_names_the_culprit(frame, formula, change, family, words):
    with pytest.raises(DataError) as caught:
        design(formula, frame.assign(**change), family)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("extras", "words"),
    [
        ({"weights": [1.0, 2.0]}, "2 weights for 12 rows"),
        ({"weights": "w"}, "'w'"),
        ({"weights": [-1.0] * 12}, "not negative"),
        ({"weights": [0.0] * 12}, "A weight is 0"),
        ({"offset": ["a"] * 12}, "not numbers"),
    ],
)
def test_bad_weights_and_offsets(frame, extras, words):
    with pytest.raises(DataError, match=words):
        design("y ~ x", frame, **extras)


@pytest.mark.parametrize(
    ("response", "values"),
    [
        ("2 * (y + x) / 4 - x", lambda d: 2 * (d.y + d.x) / 4 - d.x),
        ("-y", lambda d: -d.y),
        ("I(y^2)", lambda d: d.y**2),
        ("exp(y) / 2", lambda d: np.exp(d.y) / 2),
        ("`my y` - x", lambda d: d.y - d.x),
    ],
)
def test_a_response_may_be_computed(frame, response, values):
    assert_allclose(design(f"{response} ~ 1", frame.assign(**{"my y": frame.y})).y, values(frame))


def test_a_column_that_is_there_twice(frame):
    with pytest.raises(DataError, match="two columns named 'x'"):
        design("y ~ x", pd.concat([frame, frame[["x"]]], axis=1))


def test_data_must_be_a_frame_with_rows(frame):
    with pytest.raises(DataError, match="DataFrame"):
        design("y ~ x", [[1, 2], [3, 4]])
    with pytest.raises(DataError, match="no rows"):
        design("y ~ x", frame.iloc[:0])


def test_a_new_response_must_fit_the_rows(frame):
    it = design("y ~ x", frame)
    assert_array_equal(it.with_response(frame.x).y, frame.x)
    with pytest.raises(DataError, match="3 values"):
        it.with_response([1, 2, 3])


def test_a_missing_response_does_not_move_a_predictors_origin(frame):
    frame.loc[frame.x > 8, "y"] = np.nan
    it = design("y ~ center(x) + f", frame)
    assert it.n_dropped == 3
    assert_allclose(it.X[:, it.fixed_names.index("center(x)")], np.arange(9) - 5.5)


def test_a_level_that_is_dropped_with_its_rows_has_no_column(frame):
    frame.loc[frame.f == "a", "y"] = np.nan
    assert design("y ~ scale(x) + f", frame).fixed_names == ("Intercept", "scale(x)", "f[T.c]")


def test_a_filtered_categorical_has_columns_for_the_levels_left():
    rats = load_data("rats")
    it = design("cbind(m, n - m) ~ 0 + batch", rats[rats.batch.isin([1, 42, 70])], "binomial")
    assert it.fixed_names == ("batch[1]", "batch[42]", "batch[70]") and it.aliased == ()
    assert_array_equal(it.columns.matrix(rats[rats.batch == 42]), [[0, 1, 0]])


def test_an_offset_that_forgot_its_logarithm(frame):
    with pytest.raises(
        DataError, match=r"reaches 1.1e\+03 on the scale of the link \(log\).*offset\(log\(n\)\)"
    ):
        design("count ~ x + offset(n)", frame.assign(n=100 * frame.x), "poisson")
    assert design("count ~ x + offset(log(n))", frame.assign(n=100 * frame.x + 1), "poisson").offset.max() < 8
    assert design("y ~ x + offset(n)", frame.assign(n=100 * frame.x)).offset.max() == 1100


def test_the_offsets_of_formula_and_argument_add_up(frame):
    it = design("y ~ x + offset(x) + offset(x^2)", frame, offset=1.0)
    assert_allclose(it.offset, frame.x + frame.x**2 + 1)
    assert it.given_offset and it.fixed_names == ("Intercept", "x")


@pytest.mark.parametrize("kind", ["int8", "Int64", "object", "float32"])
def test_weights_and_offsets_come_through_the_same_door(frame, kind):
    values = pd.Series(np.arange(1, 13)).astype(kind)
    it = design("y ~ 1", frame.assign(w=values), weights="w", offset=values)
    assert_array_equal(it.weights, np.arange(1.0, 13))
    assert_array_equal(it.offset, np.arange(1.0, 13))


def test_an_unused_doubled_column_is_no_obstacle(frame):
    doubled = pd.concat([frame, frame[["f"]]], axis=1)
    assert design("y ~ x", doubled).n_dropped == 0


def test_a_new_response_with_a_gap_is_named(frame):
    with pytest.raises(DataError, match="The new 'response' is nan in row 3"):
        design("y ~ x", frame).with_response(np.r_[0.0, 1, 2, np.nan, range(8)])


def test_a_design_prints_as_what_it_holds_not_as_its_arrays(frame):
    told = repr(design("y ~ x + (x|g)", frame))
    assert told == "Design of y ~ x + (x|g): 12 rows; fixed Intercept and x; Intercept and x across 4 g"


@pytest.mark.parametrize(
    "formula", ["y ~ y + x", "y ~ x*y", "log(y) ~ x + (y|g)", "y ~ x + (1|y)", "y ~ x + (1|g/y)"]
)
def test_a_response_does_not_explain_itself(frame, formula):
    with pytest.raises(FormulaError, match="'y' is the response and stands on the right-hand side, too"):
        design(formula, frame.assign(y=frame.y - frame.y.min() + 1))


def test_trials_may_explain_the_successes_among_them(frame):
    assert (
        design("cbind(m, n - m) ~ n", frame.assign(m=1, n=2 + np.arange(len(frame)) % 3), "binomial").X.shape[
            1
        ]
        == 2
    )
