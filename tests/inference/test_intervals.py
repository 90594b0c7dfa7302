"""confint: three methods behind one call."""

import numpy as np
import pandas as pd
import pytest
import scipy
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


def few(groups: int = 6):
    """A balanced one-way design with few groups, where t on J − 1 degrees of freedom is exact."""
    table = data("sleepstudy")
    return mk.lmer("Reaction ~ 1 + (1|Subject)", table[table.Subject.isin(table.Subject.unique()[:groups])])


def studentized(one, n: int, level: float = 0.95):
    return one.confint(
        level, method="bootstrap", boot_type="studentized", n=n, seed=1, workers=1, progress=False
    )


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_studentised_intervals_are_students_where_his_are_exact(level):
    one = few()
    found = studentized(one, 20_000, level).loc["Intercept"].to_numpy() - one.fixef["Intercept"]
    exact = one.confint(level, ddf="satterthwaite").loc["Intercept"].to_numpy() - one.fixef["Intercept"]
    assert_allclose(exact[1], scipy.stats.t.ppf((1 + level) / 2, 5) * one.se["Intercept"], rtol=1e-5)
    assert_allclose(found, exact, rtol=0.05)
    normal = one.confint(level).loc["Intercept"].to_numpy() - one.fixef["Intercept"]
    short = one.confint(level, method="bootstrap", n=20_000, seed=1, workers=1, progress=False)
    assert_allclose(short.loc["Intercept"].to_numpy() - one.fixef["Intercept"], normal, rtol=0.05)


def test_studentised_limits_are_those_of_the_replicates():
    one, n = few(), 199
    draws = one.bootstrap(n, seed=1, workers=1, progress=False, statistic=lambda fit: [*fit.fixef, *fit.se])
    b, se = one.fixef["Intercept"], one.se["Intercept"]
    t = np.sort((draws[0] - b) / draws[1])
    expected = b - se * t[[194, 4]]  # the 195th and the 5th of 199 leave 2.5% on each side
    assert_allclose(studentized(one, n).loc["Intercept"], expected, rtol=1e-6)


def test_what_has_no_standard_error_has_percentiles_and_says_so():
    one = few()
    table = studentized(one, 60)
    percentiles = one.confint(method="bootstrap", n=60, seed=1, workers=1, progress=False)
    names = ["sd_Intercept|Subject", "sigma"]
    assert_allclose(table.loc[names].to_numpy(), percentiles.loc[names].to_numpy())
    assert any("studentised" in note for note in table.notes)
    assert any("percentiles" in note for note in table.notes)


def test_percentiles_of_few_groups_name_what_covers_better(fit):
    few_told, many_told = (
        one.confint(method="bootstrap", n=20, seed=1, progress=False).notes
        for one in (few(), fit("sleepstudy"))
    )
    assert any("6 of Subject" in note and "studentized" in note for note in few_told)
    assert not any("studentized" in note for note in many_told)


def test_generalized_and_flat_models_are_studentised_too(fit):
    table = studentized(fit("cbpp"), 40)
    assert table.notna().all(axis=None) and (table["lower"] < table["upper"]).all()
    with pytest.warns(mk.FitWarning, match="twice"):
        flat = mk.lm("Reaction ~ Days + twice", data("sleepstudy").assign(twice=lambda d: 2 * d.Days))
    told = studentized(flat, 2000)
    assert told.loc["twice"].isna().all() and not any("percentiles" in note for note in told.notes)
    assert_allclose(told.loc["Days"], flat.confint().loc["Days"], atol=0.2 * flat.se["Days"])


def test_replicates_without_a_finite_standard_error_are_left_out_and_counted():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"x": np.tile([0.0, 1.0], 10), "y": rng.permutation(np.repeat([0, 1], [14, 6]))})
    told = studentized(mk.glm("y ~ x", table, family="binomial"), 200)
    assert np.isfinite(told.to_numpy()).all()
    assert any("have no finite estimate" in note and "x" in note for note in told.notes)


# -- profiles by t ---------------------------------------------------------------------------------


def test_profile_by_t_is_the_exact_interval_of_a_linear_model():
    one = mk.lm("Reaction ~ Days", data("sleepstudy").iloc[:8])
    told = one.confint(method="profile", ddf="satterthwaite")
    assert_allclose(told.to_numpy(), one.confint().to_numpy(), rtol=1e-5)
    assert (one.confint(method="profile")["lower"] > told["lower"]).all()


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize("level", [0.8, 0.99])
def test_profile_by_t_is_students_interval_on_balanced_designs(fit, ddf, level):
    for one in (few(), fit("sleepstudy")):
        told = one.confint(level, method="profile", ddf=ddf)
        names = list(one.fixef.index)
        assert_allclose(told.loc[names], one.confint(level, ddf=ddf).loc[names], rtol=1e-4)
        rest = told.index.drop(names)
        assert_allclose(told.loc[rest], one.confint(level, method="profile").loc[rest], rtol=1e-5)


def test_profile_by_normal_is_the_profile(fit):
    one = fit("dyestuff")
    told = one.confint(method="profile", ddf="asymptotic")
    assert_allclose(told.to_numpy(), one.confint(method="profile").to_numpy())


def test_tidy_takes_profiles_by_t():
    one = few()
    told = one.tidy(conf_int=True, method="profile", ddf="satterthwaite")
    expected = one.confint(method="profile", ddf="satterthwaite")
    assert_allclose(told[["conf.low", "conf.high"]].to_numpy(), expected.to_numpy())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "bootstrap", "ddf": "satterthwaite"}, "studentized"),
        ({"boot_type": "studentized"}, 'method="bootstrap"'),
        ({"method": "bootstrap", "boot_type": "stud"}, "'studentized'"),
        ({"method": "profile", "ddf": "df"}, "'satterthwaite'"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(fit, options, words):
    with pytest.raises(DataError, match=words):
        fit("dyestuff").confint(**options)


@pytest.mark.parametrize(("options", "words"), [({"level": 95}, "0.95"), ({"method": "prof"}, "'profile'")])
def test_a_wrong_choice_is_named(fit, options, words):
    with pytest.raises(DataError, match=words):
        fit("dyestuff").confint(**options)
