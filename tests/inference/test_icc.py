"""Intraclass correlations, design effects, shrinkage."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError


def test_the_courses_numbers(fit, reference):
    assert fit("alcohol").icc()["icc"].iloc[0] == pytest.approx(0.95, abs=0.005)
    rats = fit("rats").icc().set_index("scale")["icc"]
    assert_allclose([rats["latent"], rats["response"]], [0.118, 0.053], atol=5e-4)
    assert_allclose(
        [rats["latent"], rats["response"]],
        [reference["rats"]["icc_latent"], reference["rats"]["icc_response"]],
        rtol=1e-6,
    )


def test_with_a_varying_slope_it_depends_on_the_predictor(fit):
    sleep = fit("sleepstudy")
    table = sleep.icc(at={"Days": [0, 9]})
    variances = [np.array([1, d]) @ sleep.covariances[0] @ np.array([1, d]) for d in (0, 9)]
    assert_allclose(table["icc"], [v / (v + sleep.sigma**2) for v in variances])
    assert "averaged over the rows" in sleep.icc().notes[0] and not table.notes


def test_where_a_slope_varies_a_linear_models_depends_on_nothing_else():
    """Of a yes or no it depends on the whole mean, so that all predictors are asked for."""
    rng = np.random.default_rng(4)
    d = pd.DataFrame({"g": np.repeat(np.arange(25), 8), "x": rng.normal(size=200), "z": rng.normal(size=200)})
    eta = d["x"] * (1 + rng.normal(size=25)[d["g"]]) + d["z"] + rng.normal(size=25)[d["g"]]
    d["y"], d["yes"] = eta + rng.normal(size=200), (eta + rng.logistic(size=200) > 0).astype(int)
    linear = mk.lmer("y ~ x + z + (x|g)", d)
    at, Sigma = np.array([1, 2.0]), linear.covariances[0]
    variance = at @ Sigma @ at
    assert_allclose(linear.icc(at={"x": [2.0]})["icc"], variance / (variance + linear.sigma**2))
    logistic = mk.glmer("yes ~ x + z + (1|g)", d)
    with pytest.raises(DataError, match="z"):
        logistic.icc(at={"x": [2.0]})
    low, high = (logistic.icc(scale="response", at={"x": [0.0], "z": [z]})["icc"].iloc[0] for z in (0.0, 4.0))
    assert high < low


def test_it_is_the_correlation_of_two_simulated_observations(fit):
    """Two rats of one batch, drawn from the model: the response's ICC."""
    rats = mk.load_data("rats")
    pairs = pd.DataFrame({"batch": np.repeat(np.arange(40_000), 2), "m": 0, "n": 1})
    draws = fit("rats").simulate(1, seed=1, newdata=pairs)["sim_1"].to_numpy().reshape(-1, 2)
    icc = fit("rats").icc(scale="response")["icc"].iloc[0]
    assert len(rats) == 71 and np.corrcoef(draws.T)[0, 1] == pytest.approx(icc, abs=0.015)


def test_crossed_factors_share_the_variance(fit):
    table = fit("penicillin").icc().set_index("group")["icc"]
    sds = fit("penicillin").varcorr.set_index("group")["vcov"]
    assert_allclose(table["plate"], sds["plate"] / sds.sum())
    assert_allclose(1 - table.sum(), sds["Residual"] / sds.sum())


def test_several_factors_on_the_responses_scale():
    rng = np.random.default_rng(2)
    d = pd.DataFrame({"a": np.tile(np.arange(20), 20), "b": np.repeat(np.arange(20), 20)})
    d["y"] = (
        rng.normal(size=20)[d["a"]] + 0.5 * rng.normal(size=20)[d["b"]] + rng.logistic(size=400) > 0
    ).astype(int)
    table = mk.glmer("y ~ 1 + (1|a) + (1|b)", d).icc().set_index(["scale", "group"])["icc"]
    assert table["response"].sum() < table["latent"].sum() < 1
    assert (table["response", "a"] > table["response", "b"]) == (table["latent", "a"] > table["latent", "b"])


def test_an_unknown_scale_is_named(fit):
    with pytest.raises(DataError, match="'latent', 'response'"):
        fit("rats").icc(scale="link")


def test_design_effect_of_equal_groups(fit):
    row = fit("dyestuff").design_effect().loc["Batch"]
    assert_allclose(row[["groups", "size"]], [6, 5])
    assert row["design_effect"] == pytest.approx(1 + 4 * row["icc"])
    assert row["effective_n"] == pytest.approx(30 / row["design_effect"])


def test_shrinkage_is_the_weight_of_the_groups_mean(fit):
    """With one varying intercept: n_j τ²/(n_j τ² + σ²), and the estimate moves by as much towards φ̂."""
    alcohol = fit("alcohol")
    weight = alcohol.shrinkage()["country"]["Intercept"]
    d = mk.load_data("alcohol").groupby("country")["alcohol"].agg(["size", "mean"]).loc[weight.index]
    tau2 = alcohol.covariances[0][0, 0]
    assert_allclose(weight, d["size"] * tau2 / (d["size"] * tau2 + alcohol.sigma**2), rtol=1e-8)
    b = alcohol.fixef["Intercept"]
    assert_allclose(alcohol.coef["country"]["Intercept"], b + weight * (d["mean"] - b), rtol=1e-8)


def test_the_conditional_covariance_behind_it(fit, reference):
    """The published numbers are of a fit that stopped a little early."""
    covariance = fit("sleepstudy").conditional_covariance[0][0]
    assert_allclose(covariance, reference["conditional_covariance_308"], rtol=1e-5)
    assert_allclose(
        [covariance[0, 0], covariance[0, 1], covariance[1, 1]], [145.713, -21.4404, 5.31093], rtol=3e-4
    )


def test_no_variation_has_no_shrinkage_weight(fit):
    table = fit("classroom_singular").shrinkage()["schoolid"]
    assert ((table > 0) & (table < 1)).all(axis=None)
    with pytest.warns(mk.FitWarning):
        diagonal = mk.lmer("mathscore ~ ses + (ses||classid) + (ses|schoolid)", mk.load_data("classroom"))
    assert diagonal.shrinkage()["classid"]["ses"].isna().all()
