"""Simulating from given numbers, and planning with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmkit as mk
from mlmkit import DataError
from mlmkit.planning import assumed


def study(J: int = 12, n: int = 10) -> pd.DataFrame:
    return pd.DataFrame({"person": np.repeat(np.arange(J), n), "day": np.tile(np.arange(float(n)), J)})


FORMULA = "ms ~ day + (day|person)"
NUMBERS = {"fixef": [250, 4], "sd": [25, 6], "cor": 0.3, "sigma": 20}


def test_given_numbers_are_the_models_own():
    fit = assumed(FORMULA, study(), **NUMBERS)
    assert fit.fixef.to_dict() == {"Intercept": 250, "day": 4} and fit.sigma == 20
    np.testing.assert_allclose(fit.varcorr["sdcor"], [25, 6, 0.3, 20])


def test_simulated_responses_have_the_moments_that_the_numbers_say():
    data = study(J=3000, n=3)
    y = mk.simulate(FORMULA, data, **NUMBERS, seed=1)["sim_1"].to_numpy().reshape(3000, 3)
    Sigma = np.array([[625, 45], [45, 36]])
    Z = np.column_stack([np.ones(3), np.arange(3)])
    np.testing.assert_allclose(y.mean(axis=0), [250, 254, 258], atol=2)
    np.testing.assert_allclose(np.cov(y.T), Z @ Sigma @ Z.T + 400 * np.eye(3), rtol=0.08)


def test_numbers_may_come_by_name_or_in_order_and_for_several_factors():
    data = pd.DataFrame(
        {"a": np.repeat(np.arange(6), 8), "b": np.tile(np.arange(8), 6), "x": np.arange(48.0)}
    )
    formula = "y ~ x + (x|a) + (1|b)"
    one = assumed(formula, data, [1, 2], sd={"a": [3, 4], "b": 5}, cor={"a": 0.5}, sigma=6)
    other = assumed(
        formula,
        data,
        {"x": 2, "(Intercept)": 1},
        sd={"b": [5], "a": {"x": 4, "Intercept": 3}},
        cor={"a": [[1, 0.5], [0.5, 1]]},
        sigma=6,
    )
    assert one.varcorr.equals(other.varcorr) and one.fixef.equals(other.fixef)
    apart = assumed("y ~ x + (x||a)", data, [1, 2], sd={"a": [3, 4]}, sigma=6)
    np.testing.assert_allclose(apart.varcorr["sdcor"], [3, 4, 6])


def test_perfect_correlations_and_zero_sds_can_be_given():
    fit = assumed(FORMULA, study(), [0, 0], sd=[2, 3], cor=-1, sigma=1)
    np.testing.assert_allclose(fit.covariances[0], [[4, -6], [-6, 9]], atol=1e-12)
    none = assumed(FORMULA, study(), [0, 0], sd=[0, 3], sigma=1)
    np.testing.assert_allclose(none.covariances[0], [[0, 0], [0, 9]], atol=1e-12)


@pytest.mark.parametrize(
    ("family", "options"),
    [("binomial", {}), ("poisson", {}), ("nbinom", {"dispersion": 2.0}), ("gamma", {"dispersion": 0.25})],
)
def test_every_family_is_simulated(family, options):
    link = {"gamma": "gamma(log)"}.get(family, family)
    y = mk.simulate("y ~ 1 + (1|person)", study(400, 20), 0.5, sd=0.4, family=link, seed=2, **options)[
        "sim_1"
    ]
    fit = mk.glmer("y ~ 1 + (1|person)", study(400, 20).assign(y=y), family=link)
    assert fit.fixef["Intercept"] == pytest.approx(0.5, abs=0.1)
    assert fit.varcorr["sdcor"].iloc[0] == pytest.approx(0.4, abs=0.1)


def test_flat_models_and_trials():
    flat = mk.simulate("y ~ x", pd.DataFrame({"x": np.arange(200.0)}), [1, 2], sigma=3, n=2, seed=1)
    assert flat.shape == (200, 2)
    assert stats.linregress(np.arange(200.0), flat["sim_1"]).slope == pytest.approx(2, abs=0.05)
    trials = mk.simulate(
        "cbind(m, n - m) ~ 1", pd.DataFrame({"n": [20] * 300}), [0.0], family="binomial", seed=1
    )
    assert trials["sim_1"].between(0, 1).all() and trials["sim_1"].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"fixef": [1]}, "fixef has 1 numbers; there are 2: Intercept and day"),
        ({"fixef": {"Intercept": 1, "days": 2}}, "'days' is none of .* Did you mean 'day'"),
        ({"fixef": {"Intercept": 1}}, "fixef lacks day"),
        ({"fixef": ["a", 1]}, "takes numbers"),
        ({"sd": None}, "sd lacks 'person'"),
        ({"sd": [1, -1]}, "not negative"),
        ({"sd": {"persn": [1, 2]}}, "'persn' is none of|no grouping factor"),
        ({"cor": 2}, "no correlation matrix"),
        ({"cor": [0.1, 0.2]}, "there are 1 correlations"),
        ({"sigma": None}, "needs its residual SD"),
        ({"sigma": -1}, "needs its residual SD"),
    ],
)
def test_what_is_missing_or_impossible_is_named(wrong, said):
    with pytest.raises(DataError, match=said):
        mk.simulate(FORMULA, study(), **{**NUMBERS, **wrong})
    with pytest.raises(DataError, match="dispersion=None"):
        mk.simulate("y ~ 1 + (1|person)", study(), 0, sd=1, family="nbinom")


def exact_power(J: int, n: int, effect: float, tau: float, sigma: float) -> float:
    """A complete balanced design's test of a slope is the t test of the J slopes."""
    se = np.sqrt((tau**2 + sigma**2 / (n * (n**2 - 1) / 12)) / J)
    edge = stats.t.isf(0.025, J - 1)
    away = effect / se
    return stats.nct.sf(edge, J - 1, away) + stats.nct.cdf(-edge, J - 1, away)


def test_planned_power_is_the_noncentral_ts_where_that_is_exact():
    made = mk.plan(
        FORMULA,
        study(),
        [250, 4],
        [24.74, 5.92],
        sigma=25.59,
        term="day",
        groups={"person": [10, 24]},
        n=300,
        seed=1,
        progress=False,
    )
    assert list(made.table["person"]) == [10, 24] and list(made.table["rows"]) == [100, 240]
    for _, row in made.table.iterrows():
        exact = exact_power(int(row["person"]), 10, 4, 5.92, 25.59)
        assert abs(row["power"] - exact) < 4 * np.sqrt(exact * (1 - exact) / 300)
        assert row["conf.low"] < row["power"] < row["conf.high"]
    assert made.term == "day" and made.effect == 4


def test_a_flat_study_can_be_planned():
    data = pd.DataFrame({"x": np.tile([0.0, 1.0], 20)})
    made = mk.plan("y ~ x", data, [0, 0.9], sigma=1, term="x", n=400, seed=3, progress=False)
    exact = stats.nct.sf(stats.t.isf(0.025, 38), 38, 0.9 / np.sqrt(2 / 20))
    assert made.table["power"].iloc[0] == pytest.approx(exact, abs=0.08)


def test_sds_may_be_named_by_coefficient_where_there_is_one_factor():
    named = assumed(FORMULA, study(), [250, 4], sd={"day": 6, "Intercept": 25}, cor=0.3, sigma=20)
    np.testing.assert_allclose(named.varcorr["sdcor"], [25, 6, 0.3, 20])
    two = pd.DataFrame({"a": np.repeat(np.arange(6), 8), "b": np.tile(np.arange(8), 6), "x": np.arange(48.0)})
    with pytest.raises(DataError, match="'Intercept' is no grouping factor"):
        assumed("y ~ x + (1|a) + (1|b)", two, [1, 2], sd={"Intercept": 3}, sigma=6)


@pytest.mark.parametrize("sigma", [0, -1, None, float("nan")])
def test_a_normal_response_needs_a_residual_sd_above_zero(sigma):
    with pytest.raises(DataError, match="a number above 0"):
        assumed(FORMULA, study(), [250, 4], sd=[25, 6], sigma=sigma)


def test_a_dispersion_is_the_square_of_the_sigma_that_stands_for_it():
    data = study().assign(y=1.0)
    given = {"fixef": 0.5, "sd": 0.4, "family": "gamma(log)"}
    by_sigma, by_dispersion = (
        assumed("y ~ 1 + (1|person)", data, **given, **scale)
        for scale in ({"sigma": 0.5}, {"dispersion": 0.25})
    )
    assert by_sigma.sigma == by_dispersion.sigma == 0.5
    assert by_sigma.estimates.dispersion == by_dispersion.estimates.dispersion == 0.25


@pytest.mark.parametrize("cor", [None, 0.3, [0.1, 0.2]])
def test_one_coefficient_correlates_with_nothing(cor):
    fit = assumed("y ~ day + (1|person)", study(), [1, 2], sd=3, cor=cor, sigma=4)
    np.testing.assert_allclose(fit.covariances[0], [[9]])
