"""Profile likelihood against lme4's."""

import numpy as np
import pandas as pd
import pytest
import scipy
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime
from scipy.special import ndtr

import mlmkit as mk
from mlmkit.engine.generalized.criterion import glmm_criterion
from mlmkit.engine.generalized.irls import iterate
from mlmkit.errors import DataError, FitWarning
from mlmkit.inference.focus import (
    HeldCorrelation,
    HeldLast,
    Problem,
    coefficient,
    correlation,
    standard_deviation,
)
from mlmkit.inference.parameters import as_ml
from mlmkit.inference.profile import _random_makers
from mlmkit.planning import assumed

from .conftest import data

ORDER = {  # lme4's rows in our order
    "dyestuff": [2, 0, 1],
    "penicillin": [3, 0, 1, 2],
    "pastes": [3, 0, 1, 2],
    "sleepstudy": [4, 5, 0, 2, 1, 3],
    "cbpp": [1, 2, 3, 4, 0],
}


@pytest.mark.parametrize("name", ORDER)
def test_intervals_are_lme4s(fit, reference, name):
    """lme4 interpolates its curve, ours is solved for the ends: they agree as the interpolation is good."""
    table = fit(name).confint(method="profile")
    expected = np.array(reference["profile"][name]["values"])[ORDER[name]]
    assert_allclose(table.to_numpy(), expected, rtol=2e-4, atol=1e-9)


def test_published_intervals(fit):
    """Bates's lme4 book, chapter 1 and 2, as printed."""
    dyestuff = fit("dyestuff", reml=False).confint(method="profile")
    assert_allclose(dyestuff.loc["sigma"], [38.2300, 67.6577], atol=2e-4)
    assert_allclose(dyestuff.loc["Intercept"], [1486.4515, 1568.5485], atol=2e-4)
    penicillin = fit("penicillin", reml=False).confint(method="profile")
    assert_allclose(penicillin.loc["sd_Intercept|plate"], [0.633566, 1.182104], atol=5e-6)
    assert_allclose(penicillin.loc["sd_Intercept|sample"], [1.095782, 3.556319], atol=1e-4)
    assert_allclose(penicillin.loc["Intercept"], [21.26663, 24.67782], atol=5e-5)
    sleep = fit("sleepstudy").confint(method="profile")
    assert_allclose(sleep.loc["Days"], [7.359, 13.576], atol=5e-4)
    assert_allclose(sleep.loc["sd_Days|Subject"], [3.801, 8.753], atol=5e-4)
    assert_allclose(sleep.loc["sigma"], [22.898, 28.858], atol=5e-4)


def test_the_curve_goes_through_lme4s_points(fit, reference):
    points = pd.DataFrame(reference["zeta"])
    curve = fit("sleepstudy").profile(["sd_Days|Subject"]).curve("sd_Days|Subject")
    points = points[points["parameter"].eq("sd_Days|Subject") & points["zeta"].abs().lt(2.5)]
    assert len(points) > 8
    assert_allclose(curve(points["value"]), points["zeta"], atol=5e-3)


def test_zeta_rises_from_minus_to_plus(fit):
    table = fit("sleepstudy").profile().table
    for _, points in table.groupby("parameter"):
        assert (points["value"].diff().dropna() > 0).all() and (points["zeta"].diff().dropna() > 0).all()
        assert points["zeta"].min() < -2.5 and points["zeta"].max() > 2.5


def test_an_sd_that_may_be_zero_has_its_limit_at_zero(fit):
    table = fit("pastes").confint(method="profile")
    assert table.loc["sd_Intercept|batch", "lower"] == 0.0
    assert any("end of the range" in note for note in table.notes)


def test_where_an_sd_is_zero_the_curve_is_the_smaller_models(fit):
    """ζ at 0 is the root of the likelihood-ratio statistic against the model without that variation."""
    whole, small = (
        mk.lmer(f"mathscore ~ ses + (1|classid) + ({x}|schoolid)", data("classroom"), reml=False)
        for x in ("ses", "1")
    )
    zero = standard_deviation(whole, 1, 1, "sd").deviance(0.0)
    assert_allclose(zero, small.criterion, atol=1e-6)


def test_any_correlation_is_as_good_as_no_variation_at_least(fit):
    """A singular fit whose profile has several valleys: the deviance is bounded by that of an SD of 0."""
    whole = fit("classroom_singular", reml=False)
    bound = mk.lmer("mathscore ~ ses + (ses|classid) + (1|schoolid)", data("classroom"), reml=False).criterion
    focus = correlation(whole, 1, 0, 1, "cor")
    assert all(focus.deviance(rho) <= bound + 1e-6 for rho in (0.2, -0.1, -0.5, -1.0))


def test_an_end_beside_a_flat_stretch_is_where_the_curve_first_gets_there():
    """Below −0.1 the schools' slopes have an SD of 0 and the deviance stays 4.0 above its least; lme4: −0.0823."""
    formula = "mathscore ~ ses + (1|classid) + (0 + ses|classid) + (ses|schoolid)"
    with pytest.warns(FitWarning):
        profile = mk.lmer(formula, data("classroom")).profile(["cor_Intercept.ses|schoolid"])
    for level, lower in ((0.9, 0.0095), (0.95, -0.0823)):
        found = profile.confint(level)
        assert_allclose(found.loc["cor_Intercept.ses|schoolid"], [lower, 1.0], atol=5e-4)
        assert any("end of the range" in note for note in found.notes)


def test_the_profiled_likelihoods_gradient_is_its_differences(fit):
    ml = as_ml(fit("sleepstudy"))
    likelihood = Problem(ml, 0, [1, 0], HeldLast(np.log)).likelihood
    x = np.array([5.0, 3.0, 20.0, 3.1])
    _, gradient = likelihood.value_and_gradient(x)
    assert_allclose(
        gradient, approx_fprime(x, lambda x: likelihood.value_and_gradient(x)[0], 1e-6), rtol=1e-4, atol=1e-4
    )


def test_reml_profiles_are_made_on_ml_and_say_so(fit):
    restricted, maximum = fit("dyestuff").profile(), fit("dyestuff", reml=False).profile()
    assert "made on the ML criterion" in restricted.notes[0] and not maximum.notes
    assert not maximum.confint().notes  # no limit stands at an end of its range
    assert_allclose(restricted.confint().to_numpy(), maximum.confint().to_numpy(), rtol=1e-6)


def test_a_flat_fit_has_profiles_of_its_coefficients():
    """Of an intercept alone, −2 log L is known: n log(1 + n(ȳ − v)²/RSS) above its minimum."""
    y = data("sleepstudy")["Reaction"]
    low, high = mk.lm("Reaction ~ 1", data("sleepstudy")).confint(method="profile").loc["Intercept"]
    rss = ((y - y.mean()) ** 2).sum()
    half = np.sqrt(rss / len(y) * np.expm1(1.959963984540054**2 / len(y)))
    assert_allclose([low, high], [y.mean() - half, y.mean() + half], rtol=1e-7)


def test_an_infinite_coefficient_has_one_limit_and_spoils_no_other():
    rats = (
        data("rats").query("batch in ['1', '15', '61']")
        if data("rats")["batch"].dtype == object
        else data("rats").iloc[[0, 14, 60]]
    )
    with pytest.warns(mk.FitWarning):
        flat = mk.glm("cbind(m, n - m) ~ 0 + batch", rats)
    table = flat.confint(method="profile")
    alone = mk.glm("cbind(m, n - m) ~ 1", rats.iloc[[2]]).confint(method="profile")
    # no tumour in 20 rats: the likelihood p^0 (1 − p)^20 falls by half of χ²'s 3.84 at log odds of −2.29
    none = scipy.special.logit(-np.expm1(-scipy.stats.chi2.ppf(0.95, 1) / (2 * rats.n.iloc[0])))
    assert_allclose(table.iloc[0], [-np.inf, none], rtol=1e-5)
    assert any("estimate is infinite" in note for note in table.notes)
    assert_allclose(table.iloc[2], alone.iloc[0], rtol=1e-6)


def test_an_unknown_parameter_is_named(fit):
    with pytest.raises(DataError, match="Did you mean 'Days'"):
        fit("sleepstudy").profile(["Day"])
    with pytest.raises(DataError, match="no profile of 'sigma'"):
        fit("dyestuff").profile(["Intercept"]).curve("sigma")


@pytest.mark.parametrize("random", ["(1|g)", "(x|g)", "(1|g) + (1|h)"])
def test_several_values_of_a_coefficient_at_once(random):
    rng = np.random.default_rng(4)
    d = pd.DataFrame(
        {"g": np.repeat(np.arange(9), 6), "h": np.tile(np.arange(6), 9), "x": rng.normal(size=54)}
    )
    d["y"] = d["x"] + rng.normal(size=9)[d["g"]] + rng.normal(size=54)
    fit = mk.lmer(f"y ~ x + {random}", d, reml=False)
    focus = coefficient(fit, 1)
    values = focus.estimate + focus.scale * np.array([-3.0, -0.5, 0.0, 2.0])
    np.testing.assert_allclose(focus.deviances(values), [focus.deviance(v) for v in values], atol=1e-7)
    assert focus.deviances(values)[2] == pytest.approx(fit.criterion, abs=1e-7)


@pytest.mark.parametrize(("sds", "profiled"), [((2.0, 3.0), True), ((0.0, 3.0), False), ((2.0, 0.0), False)])
def test_a_correlation_with_an_sd_of_zero_is_no_parameter(sds, profiled):
    fit = assumed("Reaction ~ Days + (Days|Subject)", data("sleepstudy"), [250, 10], sd=list(sds), sigma=20)
    names = list(_random_makers(fit))
    assert len(names) == 3 + profiled and any(name.startswith("cor") for name in names) is profiled


@pytest.mark.parametrize("start", [0, 3])
def test_what_is_free_beside_a_correlation_and_the_correlation_make_the_whole(start):
    x = np.array([1.5, -0.6, 0.8, 0.3, 0.4, 1.2, 0.7, 2.0])
    held = HeldCorrelation(start, 2 if start == 0 else 3)
    own, last = start + 1, start + held.size
    free = held.free(x)
    size = np.hypot(x[own], x[last])
    assert len(free) == 7 and free[start] == x[start] and free[own] == pytest.approx(size)
    assert_allclose(held.full(free, x[own] / size, np.ones(8))[0], x, rtol=1e-12)


def test_a_model_with_one_parameter_is_its_likelihood():
    """With the only SD held nothing is left to search for."""
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(10), 8)
    fit = mk.glmer(
        "y ~ 0 + (1|g)",
        pd.DataFrame({"y": rng.poisson(np.exp(0.8 * rng.normal(size=10))[g]), "g": g}),
        "poisson",
    )
    low, high = fit.profile().confint().loc["sd_Intercept|g"]
    criterion = fit.criterion
    engine = glmm_criterion(fit.design, iterate(fit.design))
    for limit in (low, high):
        assert 2 * ndtr(-np.sqrt(engine([limit], []) - criterion)) == pytest.approx(0.05, rel=1e-3)
