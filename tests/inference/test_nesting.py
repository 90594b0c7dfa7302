"""Means of nested factors beside emmeans, which averages over the levels that occur."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.inference.nesting import nested

pytestmark = pytest.mark.filterwarnings("ignore:Dropped from the fixed part")


def trial() -> pd.DataFrame:
    """Three arms, each with kinds p, q or r of its own: not every kind occurs in every arm."""
    k = np.arange(48)
    codes = {"arm": ("abc", k % 3), "kind": ("pqr", k * k // 5 % 3), "sex": ("fm", k // 7 % 2)}
    data = pd.DataFrame({name: np.array(list(levels))[code] for name, (levels, code) in codes.items()})
    data["y"] = np.round(5 + k * 13 % 11 * 0.3 + (data.arm == "b") * 1.0 + k % 7 * 0.2, 2)
    data["batch"] = data.arm + data.kind
    return data[data.batch != "cr"]


@pytest.fixture(scope="module", params=["y ~ arm/kind + sex", "y ~ arm + batch + sex"])
def fit(request):
    """The same model with the nesting in its formula, and in its data."""
    return mk.lm(request.param, trial())


def test_levels_that_occur_are_averaged_over(fit):
    """emmeans 1.8.4, to the digits shown."""
    arms = fit.means("arm").table
    assert_allclose(arms["estimate"], [6.77030014, 8.27193220, 6.95220926], rtol=1e-8)
    assert_allclose(arms["std.error"], [0.309142590, 0.337651250, 0.289013676], rtol=1e-8)
    weighted = fit.means("arm", weights="data").table
    assert_allclose(weighted["estimate"], [6.89375, 8.10625, 6.94615385], rtol=1e-8)
    sexes = fit.means("sex").table
    assert_allclose(sexes["estimate"], [7.25276019, 7.41020088], rtol=1e-8)
    assert_allclose(sexes["std.error"], [0.241605168, 0.256715878], rtol=1e-8)


def test_a_nested_factor_is_shown_within_what_it_is_nested_in(fit):
    inner = "kind" if "kind" in fit.formula else "batch"
    shown = fit.means(inner)
    assert_allclose(
        shown.table["estimate"], [6.50372035, 7.03687994, 8.02258475, 8.52127965, 6.95220926], rtol=1e-8
    )
    assert list(shown.table["arm"]) == ["a", "a", "b", "b", "c"]
    assert f"{inner} is nested in arm" in repr(shown)
    assert len(shown.contrasts().table) == 10


def test_comparisons_within_each_arm_leave_out_an_arm_with_nothing_to_compare(fit):
    inner = "kind" if "kind" in fit.formula else "batch"
    table = fit.means(inner, by="arm").contrasts().table
    assert_allclose(table["estimate"], [-0.533159597, -0.498694907], rtol=1e-8)
    assert_allclose(table["p.value"], [0.405836809, 0.486037401], rtol=1e-7)
    assert list(table["arm"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("adjust", "p", "low"),
    [
        ("tukey", [0.00711860136, 0.90242244511, 0.01415912739], -2.637503284),
        ("sidak", [0.00771768444, 0.96339823654, 0.01560926043], -2.664699785),
        ("holm", [0.00773762422, 0.66797763656, 0.01046079231], -2.667971258),
        ("bonferroni", [0.00773762422, 1.0, 0.01569118847], -2.667971258),
    ],
)
def test_adjusted_comparisons_are_emmeanss(fit, adjust, p, low):
    table = fit.means("arm").contrasts(adjust=adjust).table
    assert_allclose(table["p.value"], p, rtol=1e-7)
    assert_allclose(table["conf.low"].iloc[0], low, rtol=1e-8)


def test_slopes_are_averaged_over_the_levels_that_occur():
    data = trial().assign(x=lambda d: np.arange(len(d)) % 9 * 1.0)
    fit = mk.lm("y ~ arm*x + batch*x", data)
    within = fit.slopes("x", by="batch").table.groupby("arm", sort=False)["estimate"].mean()
    assert_allclose(fit.slopes("x", by="arm").table["estimate"], within, rtol=1e-7)


def test_crossed_factors_with_an_empty_cell_are_not_nested():
    data = trial()
    table = mk.lm("y ~ arm*kind", data).means("arm").table
    assert table["estimate"].isna().all()


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("y ~ a/b", {"b": ("a",)}),
        ("y ~ a:b", {}),
        ("y ~ a*b", {}),
        ("y ~ a/b/c", {"b": ("a",), "c": ("a", "b")}),
        ("y ~ a + a:b + c", {"b": ("a",)}),
        ("y ~ a + a:x + b", {}),
        ("y ~ factor(a)/b", {"b": ("a",)}),
        ("y ~ a + a:b + b:c", {"b": ("a",), "c": ("a", "b")}),
        ("y ~ a + a:b + b:c + a:b:c", {"b": ("a",), "c": ("a", "b")}),
    ],
)
def test_what_a_formula_nests(formula, found):
    k = np.arange(24)
    data = pd.DataFrame({"a": k % 2, "b": k // 2 % 3, "c": k // 6 % 2, "x": k * 1.0, "y": np.sin(k)})
    data[["a", "b", "c"]] = data[["a", "b", "c"]].astype(str)
    codes = {name: data[name].astype(int).to_numpy() for name in "abc" if name in formula}
    assert nested(codes, mk.lm(formula, data).spec.fixed) == found


def test_what_data_nest():
    outer, inner = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 2, 2])
    assert nested({"inner": inner, "outer": outer}, ()) == {"inner": ("outer",)}
    assert nested({"one": outer, "other": 1 - outer}, ()) == {"one": ("other",)}
