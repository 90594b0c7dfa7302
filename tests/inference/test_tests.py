"""Tests of combinations, however they are written, for every kind of model."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.inference.combinations import combinations

from .conftest import data

NAMES = ["Intercept", "f[T.b]", "f[T.c]", "x", "x:z", "log(x + 1)", "f[T.b]:x"]


def test_all_ways_to_write_a_combination_are_one():
    fit = mk.lmer("Reaction ~ Days + I(Days**2) + (1|Subject)", data("sleepstudy"))
    square = fit.fixef.index[2]
    expected = [0.0, 1.0, -2.0]
    table = pd.DataFrame({"Days": [1], square: [-2]}, index=["d"])
    ways = [
        f"Days - 2*{square}", [f"Days - 2 * {square}"], {"Days": 1, square: -2}, {"d": {"Days": 1, square: -2}},
        {"d": f"Days - 2*{square}"}, {"d": expected}, table, [expected], np.array(expected),
    ]  # fmt: skip
    first = fit.tests(ways[0])
    for way in ways:
        assert_allclose(fit.tests(way), first)
    assert list(fit.tests({"d": expected}).index) == ["d"]
    assert list(first.index) == [ways[0]]


@settings(deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=7, max_size=7).filter(any))
def test_what_is_written_is_read(weights):
    text = " + ".join(f"{w}*{n}" for w, n in zip(weights, NAMES, strict=True) if w).replace("+ -", "- ")
    assert_allclose(combinations(NAMES, text), [weights])


def test_a_linear_models_are_exact():
    classes = data("classroom").assign(late=lambda d: d["classid2"].astype(int) % 3)
    flat = mk.lm("mathscore ~ ses + late + I(late**2)", classes)
    table = flat.tests()
    assert (table["df"] == flat.df_resid).all()
    assert_allclose(table["p.value"], flat.tidy()["p.value"], rtol=1e-12)
    joint = flat.f_test(list(flat.fixef.index[[1, 3]]))
    small = mk.lm("mathscore ~ late", classes)
    rss = [fit.sigma**2 * fit.df_resid for fit in (small, flat)]
    F = (rss[0] - rss[1]) / 2 / flat.sigma**2
    assert_allclose(joint, [2, flat.df_resid, F, stats.f.sf(F, 2, flat.df_resid)], rtol=1e-9)


def test_a_joint_test_takes_a_list_of_lists(fit):
    one = fit("sleepstudy")
    assert_allclose(one.f_test([[0, 1]]), one.f_test(np.array([[0.0, 1.0]])))
    assert_allclose(one.f_test([[0, 1]])["den_df"], 17, rtol=1e-4)


def test_generalized_models_have_z_and_chi_square(fit):
    cbpp = fit("cbpp")
    table = cbpp.tests(["period[T.p4] - period[T.p2]"])
    difference = cbpp.fixef["period[T.p4]"] - cbpp.fixef["period[T.p2]"]
    V = cbpp.vcov.loc[["period[T.p4]", "period[T.p2]"], ["period[T.p4]", "period[T.p2]"]].to_numpy()
    se = np.sqrt(V[0, 0] + V[1, 1] - 2 * V[0, 1])
    assert_allclose(
        table.iloc[0], [difference, se, np.inf, difference / se, 2 * stats.norm.sf(-difference / se)]
    )
    joint = cbpp.f_test(list(cbpp.fixef.index[1:]))
    assert list(joint.index) == ["df", "statistic", "p.value"] and joint["df"] == 3
    assert_allclose(joint["statistic"], mk.anova(cbpp)["statistic"], rtol=1e-9)


def test_an_interval_has_its_rows_degrees_of_freedom(fit):
    sleep = fit("sleepstudy")
    table = sleep.tests(ddf="kenward-roger", conf_int=True)
    half = stats.t.ppf(0.975, table["df"]) * table["std.error"]
    assert_allclose(table["conf.high"] - table["conf.low"], 2 * half)
    intervals = sleep.confint(ddf="kenward-roger")
    assert_allclose(intervals.loc[table.index, "upper"], table["conf.high"])
    tidy = sleep.tidy(conf_int=True, ddf="kenward-roger")
    assert_allclose(tidy["conf.low"][:2], table["conf.low"])
    assert_allclose(
        sleep.confint().loc["Days", "upper"], sleep.fixef["Days"] + stats.norm.ppf(0.975) * sleep.se["Days"]
    )


def test_z_for_a_linear_mixed_model_if_asked_for(fit):
    table = fit("sleepstudy").tests(ddf="asymptotic")
    assert np.isinf(table["df"]).all()
    assert_allclose(table["p.value"], 2 * stats.norm.sf(table["statistic"].abs()))
    assert "Pr(>|z|)" in str(fit("sleepstudy").summary(ddf="asymptotic"))


def test_an_infinite_coefficient_is_no_number():
    with pytest.warns(mk.FitWarning):
        flat = mk.glm("cbind(m, n - m) ~ 0 + batch", data("rats").iloc[[0, 40, 60]])
    table = flat.tests()
    assert np.isneginf(table["estimate"].iloc[0]) and np.isnan(table["p.value"].iloc[0])
    assert table.iloc[1:].notna().all(axis=None)
    assert np.isnan(flat.f_test(list(flat.fixef.index[:2]))["statistic"])


@pytest.mark.parametrize(
    ("contrasts", "words"),
    [
        ("Day", "'Day' is not a coefficient.*Did you mean 'Days'"),
        ("Days - Weeks", "'Weeks' is not a coefficient"),
        ({"d": {"Days": "a"}}, "weight of 'Days' is 'a'"),
        ({}, "all 0"),
        ({"d": [1, 2, 3]}, "3 weights"),
        ({"d": ["a", "b"]}, "no combination of coefficients"),
    ],
)
def test_misuse_is_named(fit, contrasts, words):
    with pytest.raises(DataError, match=words):
        fit("sleepstudy").tests(contrasts)


def test_degrees_of_freedom_are_not_for_everything(fit):
    with pytest.raises(DataError, match="its tests are z"):
        fit("rats").f_test(["Intercept"], ddf="kenward-roger")
    with pytest.raises(DataError, match="'kr'"):
        fit("sleepstudy").means(ddf="kr")
    with pytest.raises(DataError, match="bootstrap interval has no degrees"):
        fit("sleepstudy").confint(method="bootstrap", ddf="satterthwaite")
