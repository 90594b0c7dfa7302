"""confint: three methods behind one call."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError

from .conftest import data


@pytest.mark.parametrize(("name", "reml"), [("sleepstudy", False), ("cbpp", True)])
def test_wald_intervals_are_lme4s(fit, reference, name, reml):
    table = fit(name, reml).confint()
    expected = np.array(reference["wald"][name]["values"])
    assert_allclose(table.iloc[: len(expected)].to_numpy(), expected, rtol=2e-5)


def test_wald_says_nothing_of_sds_and_says_so(fit):
    table = fit("sleepstudy").confint()
    assert table.loc[["sd_Days|Subject", "cor_Intercept.Days|Subject", "sigma"]].isna().all(axis=None)
    assert "skewed" in table.notes[0] and table.notes[0] in repr(table) and "skewed" in table._repr_html_()


def test_a_linear_model_has_students_quantiles(reference):
    table = mk.lm("Reaction ~ Days", data("sleepstudy")).confint()
    assert_allclose(table.to_numpy(), np.array(reference["lm_confint"]), rtol=1e-10)


def test_levels_nest(fit):
    narrow, wide = (fit("sleepstudy").confint(level) for level in (0.5, 0.99))
    assert (wide["lower"] < narrow["lower"])[:2].all() and (narrow["upper"] < wide["upper"])[:2].all()


def test_profile_and_bootstrap_have_the_same_rows(fit):
    one = fit("dyestuff")
    profile = one.confint(method="profile")
    bootstrap = one.confint(method="bootstrap", n=40, seed=1, progress=False)
    assert list(profile.index) == list(bootstrap.index) == ["Intercept", "sd_Intercept|Batch", "sigma"]
    assert list(profile.columns) == list(bootstrap.columns) == ["lower", "upper"]


@pytest.mark.parametrize(("options", "words"), [({"level": 95}, "0.95"), ({"method": "prof"}, "'profile'")])
def test_a_wrong_choice_is_named(fit, options, words):
    with pytest.raises(DataError, match=words):
        fit("dyestuff").confint(**options)
