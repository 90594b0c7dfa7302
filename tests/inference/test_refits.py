"""Many refits: the numbers of `fit.refit`, in tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.inference.parameters import parameter_values
from mlmkit.inference.refits import refitting
from mlmkit.planning import assumed

from .conftest import data

NAMES = ["sleepstudy", "dyestuff", "pastes", "blp", "rats", "cbpp", "classroom_singular", "sleep_independent"]


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_of_single_refits(fit, name):
    one = fit(name)
    Y = one.simulate(5, seed=2)
    many = one.refit_many(Y, progress=False)
    single = [one.refit(Y[column]) for column in Y]
    assert_allclose(many.criterion, [again.criterion for again in single], atol=1e-8)
    assert many.converged.tolist() == [again.converged for again in single]
    assert many.singular.tolist() == [again.is_singular for again in single]
    expected = np.array([parameter_values(again) for again in single])
    size = np.nanmax(np.abs(expected), axis=0) + 1e-6
    assert_allclose(many.parameters / size, expected / size, rtol=1e-4, atol=1e-4)
    assert list(many.parameters.index) == list(Y.columns) and len(many) == 5
    assert_allclose(many.se, [again.se for again in single], rtol=1e-3)


@pytest.mark.parametrize("name", ["sleepstudy", "pastes", "rats"])
@pytest.mark.parametrize("ddf", [None, "asymptotic"])
def test_tests_of_all_refits(fit, name, ddf):
    one = fit(name)
    Y = one.simulate(4, seed=3)
    table = one.refit_many(Y, progress=False).tests(ddf=ddf)
    for column in Y:
        expected = one.refit(Y[column]).tests(ddf=ddf)
        assert list(table.columns) == list(expected.columns)
        assert_allclose(table.loc[column], expected, rtol=1e-4, atol=1e-8)


def test_kenward_roger(fit):
    one = fit("dyestuff")
    Y = one.simulate(3, seed=3)
    table = one.refit_many(Y, progress=False).tests(ddf="kenward-roger")
    expected = one.refit(Y["sim_2"]).tests(ddf="kenward-roger")
    assert_allclose(table.loc["sim_2"], expected, rtol=1e-4)


def test_contrasts_by_name(fit):
    refits = fit("sleepstudy").refit_many(fit("sleepstudy").simulate(3, seed=1), progress=False)
    table = refits.tests("2*Days - Intercept")
    assert_allclose(
        table["estimate"].to_numpy(), (2 * refits.fixef["Days"] - refits.fixef["Intercept"]).to_numpy()
    )


@pytest.mark.parametrize("name", ["mathachieve", "classroom", "cbpp"])
def test_f_tests_of_all_refits(fit, name):
    one = fit(name)
    names = list(one.fixef.index[1:])
    Y = one.simulate(2, seed=4)
    table = one.refit_many(Y, progress=False).f_test(names)
    for column in Y:
        expected = one.refit(Y[column]).f_test(names)
        assert_allclose(table.loc[column], expected[table.columns], rtol=1e-3, atol=1e-10)


def test_flat_models_too():
    flat = mk.lm("Reaction ~ Days", data("sleepstudy"))
    Y = flat.simulate(3, seed=1)
    many = flat.refit_many(Y, progress=False)
    assert_allclose(many.fixef.loc["sim_2"], flat.refit(Y["sim_2"]).fixef)
    assert_allclose(many.tests().loc["sim_2"], flat.refit(Y["sim_2"]).tests())
    assert many.theta.shape == (3, 0) and not many.singular.any()


def test_by_maximum_likelihood_with_weights_and_offset():
    rng = np.random.default_rng(1)
    d = pd.DataFrame(
        {"g": np.repeat(list("abcdefgh"), 6), "x": rng.normal(size=48), "y": rng.normal(size=48)}
    )
    w, o = rng.gamma(2, 1, 48), rng.normal(size=48)
    one = mk.lmer("y ~ x + (1|g)", d, reml=False, weights=w, offset=o)
    Y = rng.normal(size=(48, 4)) + o[:, None]
    many = one.refit_many(Y, progress=False)
    for k in range(4):
        again = one.refit(Y[:, k])
        assert many.criterion[k] == pytest.approx(again.criterion, abs=1e-8)
        assert_allclose(many.beta[k], again.fixef, atol=1e-5)


def test_the_same_for_any_number_of_workers(fit):
    for name in ("sleepstudy", "pastes", "rats"):
        one, Y = fit(name), fit(name).simulate(30, seed=5)
        alone, two = (one.refit_many(Y, workers=workers, progress=False) for workers in (None, 2))
        np.testing.assert_array_equal(alone.parameters, two.parameters)


def test_a_response_that_cannot_be_fitted_is_missing(fit):
    one = fit("dyestuff")
    Y = one.simulate(3, seed=1).to_numpy().copy()
    Y[:, 1] = 7.0
    many = one.refit_many(Y, progress=False)
    assert np.isnan(many.fixef.loc[1]).all() and many.fixef.drop(1).notna().all(axis=None)
    assert many.converged.tolist() == [True, False, True]
    assert np.isnan(many.tests().loc[1]["estimate"]).all()
    assert "1 failed" in repr(many)


def test_responses_are_checked(fit):
    one = fit("dyestuff")
    with pytest.raises(DataError, match="30 rows"):
        one.refit_many(np.ones((29, 2)))
    with pytest.raises(DataError, match="at least one column"):
        one.refit_many(np.ones((30, 0)))
    with pytest.raises(DataError, match="numbers"):
        one.refit_many(pd.DataFrame({"a": ["x"] * 30}))
    with pytest.raises(DataError, match="'b' has missing"):
        one.refit_many(pd.DataFrame({"a": np.arange(30.0), "b": [np.nan] * 30}))
    with pytest.raises(DataError, match="satterthwaite"):
        one.refit_many(one.simulate(2, seed=1), progress=False).f_test(["Intercept"], ddf="kenward-roger")


def test_one_response_is_many_with_one(fit):
    one = fit("dyestuff")
    y = one.simulate(1, seed=1)["sim_1"].to_numpy()
    assert one.refit_many(y, progress=False).criterion[0] == pytest.approx(one.refit(y).criterion, abs=1e-8)


def a_study(J: int, n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {"class": np.repeat(np.arange(J), n), "x": rng.normal(size=J * n)}
    return pd.DataFrame(columns | {"g": np.repeat(rng.normal(size=J), n), "h": np.tile(np.arange(n), J)})


@pytest.mark.parametrize("sizes", [(24, 4), (18, 10), (10, 10)])
def test_a_model_of_given_numbers_has_no_response_of_its_own(sizes):
    study = assumed(
        "y ~ x*g + (x||class)", a_study(*sizes), fixef=[1, 0.5, 0.2, 0.1], sd=[0.5, 0.3], sigma=1.0
    )
    Y = study.simulate(12, seed=1)
    many, single = study.refit_many(Y, progress=False), [study.refit(Y[column]) for column in Y]
    assert many.converged.all()
    assert_allclose(many.criterion, [one.criterion for one in single], atol=1e-8)
    assert many.singular.tolist() == [one.is_singular for one in single]


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
@pytest.mark.parametrize("random", ["(1|class)", "(1|class) + (1|h)", "(1|class) + (0 + x|class)"])
def test_given_numbers_in_every_kind_of_model(family, random):
    groups = {"class": 0.6, "h": 0.3} if "h)" in random else {"class": [0.6, 0.3][: random.count("class")]}
    sigma = 1.0 if family == "gaussian" else None
    study = assumed(
        f"y ~ x + {random}", a_study(12, 5), fixef=[0.5, 0.3], sd=groups, sigma=sigma, family=family
    )
    Y = study.simulate(4, seed=1)
    many = study.refit_many(Y, progress=False)
    assert_allclose(many.criterion, [study.refit(Y[column]).criterion for column in Y], atol=1e-7)


@pytest.mark.parametrize("random", ["(1|class)", "(1|class) + (1|h)"])
def test_each_response_is_judged_for_itself(random):
    """One that the fixed part reproduces is flagged; the others, and the fit's own response, have no part in that."""
    d = a_study(12, 5).assign(y=0.0)
    groups = {"class": 0.6, "h": 0.3} if "h)" in random else 0.6
    study = assumed(f"y ~ x + {random}", d, fixef=[1, 0.5], sd=groups, sigma=1.0)
    Y = study.simulate(4, seed=1).to_numpy(copy=True)
    Y[:, 2] = 3.0 - 2.0 * d["x"]
    many = study.refit_many(Y, progress=False)
    assert many.converged.tolist() == [True, True, False, True]
    assert np.isnan(many.beta[2]).all() and np.isfinite(many.beta[[0, 1, 3]]).all()


@pytest.mark.parametrize("formula", ["y ~ 0 + (1|class)", "y ~ 0 + (x|class)", "y ~ 0 + (1|class) + (1|h)"])
def test_without_population_coefficients(formula):
    d = a_study(12, 5)
    one = mk.lmer(formula, d.assign(y=np.random.default_rng(2).normal(size=60) + d["class"] % 3))
    Y = one.simulate(3, seed=1)
    many = one.refit_many(Y, progress=False)
    assert_allclose(many.criterion, [one.refit(Y[column]).criterion for column in Y], atol=1e-8)
    assert many.beta.shape == (3, 0) and many.parameters.notna().all(axis=None)


@pytest.mark.parametrize("name", NAMES)
def test_whole_estimates_of_many_responses_are_those_of_single_refits(fit, name):
    """Group effects and fitted values too, whether the responses are fitted side by side or one by one."""
    one = fit(name)
    Y = one.simulate(4, seed=3).to_numpy()
    for y, whole in zip(Y.T, refitting(one).whole(Y), strict=True):
        single = one.refit(y).estimates
        size = np.abs(single.fitted).max()
        assert_allclose(whole.fitted, single.fitted, atol=1e-5 * size)
        assert_allclose(whole.linear_predictor, single.linear_predictor, atol=1e-4 * size)
        for effects, expected in zip(whole.modes, single.modes, strict=True):
            assert_allclose(effects, expected, atol=1e-4 * size)
        assert whole.criterion == pytest.approx(single.criterion, abs=1e-7)
        assert (whole.n_agq, whole.reml) == (single.n_agq, single.reml)


@pytest.mark.parametrize("ddf", ["satterthwaite", "asymptotic"])
def test_a_joint_test_of_many_refits_is_an_f_of_as_many_contrasts(ddf):
    """P(F > f) of statistic, df and denominator; a χ² where the denominator is without end."""
    mixed = mk.lmer("Reaction ~ Days + I(Days**2) + (1|Subject)", data("sleepstudy"))
    names = list(mixed.fixef.index[1:])
    noise = 20 * np.random.default_rng(1).normal(size=(180, 2))
    table = mixed.refit_many(0.1 * mixed.simulate(2, seed=3) + noise, progress=False).f_test(names, ddf=ddf)
    if ddf == "asymptotic":
        p = scipy.stats.chi2.sf(table["statistic"], table["df"])
    else:
        p = scipy.stats.f.sf(table["statistic"], table["num_df"], table["den_df"])
    assert_allclose(table["p.value"], p, rtol=1e-10)
    assert (table["p.value"] > 0).all()


@pytest.mark.parametrize(("function", "family"), [(mk.lmer, {}), (mk.glmer, {"family": "poisson"})])
def test_without_population_coefficients_there_is_nothing_to_test(function, family):
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(8), 6)
    fit = function(
        "y ~ 0 + (1|g)", pd.DataFrame({"y": rng.poisson(np.exp(rng.normal(size=8))[g]), "g": g}), **family
    )
    many = fit.refit_many(rng.poisson(2.0, size=(48, 3)).astype(float), progress=False)
    assert many.tests().shape == (0, 5) and list(many.tests().columns) == list(fit.tests().columns)
    with pytest.raises(DataError, match="no fixed part"):
        many.f_test()


def test_what_cannot_be_fitted_is_missing_from_kenward_rogers_tests_too(fit):
    one = fit("dyestuff")
    Y = one.simulate(3, seed=1).to_numpy().copy()
    Y[:, 1] = 7.0
    many = one.refit_many(Y, progress=False)
    table = many.tests(ddf="kenward-roger")
    assert table.loc[1].isna().all(axis=None) and table.drop(1, level=0).notna().all(axis=None)
    assert_allclose(table.loc[2], one.refit(Y[:, 2]).tests(ddf="kenward-roger"), rtol=1e-4)
