"""Small-sample tests against lmerTest (Satterthwaite) and pbkrtest (Kenward–Roger)."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.inference.kenward_roger import KenwardRoger

from .conftest import data

NAMES = [
    "sleepstudy", "sleep_intercepts", "sleep_independent", "dyestuff", "penicillin", "pastes",
    "mathachieve", "classroom",
]  # fmt: skip


def agrees(table, expected, rtol):
    """Tiny p values compare by their logarithm."""
    assert_allclose(table[:, :4], expected[:, :4], rtol=rtol)
    assert_allclose(np.log(table[:, 4]), np.log(expected[:, 4]), rtol=rtol)


@pytest.mark.parametrize("name", NAMES)
def test_satterthwaite_is_lmertests(fit, reference, name):
    table = fit(name).tests()
    expected = np.array(reference["tests"][name]["satterthwaite"]["values"])
    agrees(table.to_numpy(), expected, 1e-5)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "mathachieve"])
def test_kenward_roger_is_pbkrtests(fit, reference, name):
    table = fit(name).tests(ddf="kenward-roger")
    expected = reference["tests"][name]
    agrees(table.to_numpy(), np.array(expected["kenward_roger"]["values"]), 2e-6)
    assert_allclose(KenwardRoger(fit(name)).vcov, np.array(expected["kr_vcov"]), rtol=1e-5)


@pytest.mark.parametrize(
    ("ddf", "key"), [("satterthwaite", "satterthwaite"), ("kenward-roger", "kenward_roger")]
)
def test_several_coefficients_at_once(reference, ddf, key):
    square = mk.lmer("Reaction ~ Days + I(Days**2) + (Days|Subject)", data("sleepstudy"))
    assert_allclose(square.f_test(np.eye(3)[1:], ddf=ddf), reference["joint2"][key], rtol=1e-5)
    steps = mk.lmer("Reaction ~ C(Days) + (1|Subject)", data("sleepstudy"))
    assert_allclose(steps.f_test(list(steps.fixef.index[1:]), ddf=ddf), reference["joint"][key], rtol=1e-6)


def test_a_single_coefficients_f_is_its_t_squared(fit):
    one = fit("mathachieve")
    t, f = one.tests().loc["himinty"], one.f_test(["himinty"])
    assert_allclose(
        [f["statistic"], f["den_df"], f["p.value"]], [t["statistic"] ** 2, t["df"], t["p.value"]], rtol=1e-9
    )


def test_combinations_of_coefficients(fit):
    """The slope where himinty is 1 is the sum of two coefficients."""
    table = fit("mathachieve").tests({"ses": 1, "ses:himinty": 1})
    assert list(table.index) == ["1 ses + 1 ses:himinty"]
    assert table["estimate"].iloc[0] == pytest.approx(fit("mathachieve").fixef[["ses", "ses:himinty"]].sum())
    assert 100 < table["df"].iloc[0] < 200


def test_summary_and_tidy_print_them(fit):
    text = str(fit("sleepstudy").summary(ddf="satterthwaite"))
    assert "17.000   6.771 3.26e-06" in text and "Satterthwaite" in text
    tidy = fit("sleepstudy").tidy(ddf="kenward-roger", conf_int=True)
    assert {"df", "p.value", "conf.low", "conf.high"} <= set(tidy.columns)
    assert tidy.loc[1, "df"] == pytest.approx(17.0)


def test_what_they_are_not_for_is_said(fit):
    with pytest.raises(DataError, match="its tests are z"):
        fit("rats").tests(ddf="satterthwaite")
    with pytest.raises(DataError, match="reml=True"):
        fit("sleepstudy", reml=False).tests(ddf="kenward-roger")
    with pytest.raises(DataError, match="satterthwaite"):
        fit("mathachieve").tests(ddf="kenward-roger")
    with pytest.raises(DataError, match="'Day' is not a coefficient.*Did you mean 'Days'"):
        fit("sleepstudy").tests({"Day": 1})
    with pytest.raises(DataError, match="3 weights"):
        fit("sleepstudy").tests([[1, 0, 0]])
    with pytest.raises(DataError, match="kenward-roger"):
        fit("sleepstudy").tests(ddf="kr")
