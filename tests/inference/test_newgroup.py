"""The next group: the course's rats, and what uncertainty adds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid
from scipy.stats import norm

import mlmkit as mk
from mlmkit.errors import DataError


def test_a_new_batch_of_rats(fit, reference):
    """The median is g⁻¹(b); the mean is integrated and larger."""
    row, expected = fit("rats").new_group().at().iloc[0], reference["rats"]
    assert_allclose(row[["median", "mean"]], [expected["median"], expected["mean"]], rtol=1e-6)
    assert_allclose(row[["lower", "upper"]], expected["quantiles"], rtol=1e-6)
    assert_allclose(row[["median", "mean"]], [0.126, 0.1434], atol=5e-5)
    log_odds = fit("rats").new_group().coefficients().loc["Intercept"]
    assert_allclose(log_odds[["mean", "lower", "upper"]], [-1.937, -3.239, -0.634], atol=6e-4)


def test_a_new_subject_is_b_and_sigma(fit):
    sleep = fit("sleepstudy")
    table = sleep.new_group().coefficients()
    assert_allclose(table["mean"], sleep.fixef)
    assert_allclose(table["sd"], np.sqrt(np.diag(sleep.covariances[0])))
    day9 = sleep.new_group().at({"Days": [0, 9]}).iloc[1]
    group = sleep.predict({"Days": 9}, groups="none", interval="group").iloc[0]
    assert day9["mean"] == pytest.approx(group["prediction"])


def test_the_error_of_b_makes_it_predicts_interval(fit):
    wider = fit("sleepstudy").new_group(uncertainty="b").at({"Days": 9})
    interval = fit("sleepstudy").predict({"Days": 9}, groups="none", interval="group")
    assert_allclose(wider[["lower", "upper"]], interval[["lower", "upper"]], rtol=1e-9)


def test_each_source_of_uncertainty_widens_it(fit):
    none, b = (
        fit("dyestuff").new_group(uncertainty=kind).coefficients()["sd"].iloc[0] for kind in ("none", "b")
    )
    everything = fit("dyestuff").new_group(uncertainty="all", n=300, seed=1, progress=False)
    assert none < b
    assert len(everything.means) == 300 and np.ptp(everything.covariances) > 0
    assert everything.coefficients()["sd"].iloc[0] == pytest.approx(b, rel=0.15)
    again = fit("dyestuff").new_group(uncertainty="all", n=300, seed=1, progress=False, workers=2)
    assert_allclose(everything.coefficients(), again.coefficients())


def test_the_density_integrates_to_one_with_the_mean_given(fit):
    new, grid = fit("rats").new_group(), np.linspace(1e-4, 1 - 1e-4, 20001)
    density = new.density(grid)
    assert trapezoid(density, grid) == pytest.approx(1, abs=1e-4)
    assert trapezoid(grid * density, grid) == pytest.approx(new.at()["mean"].iloc[0], abs=1e-4)


def test_a_sample_has_its_moments(fit):
    new = fit("sleepstudy").new_group()
    draws = new.sample(40_000, seed=1)
    assert_allclose(draws.mean(), new.coefficients()["mean"], atol=0.6)
    assert_allclose(np.cov(draws.T), new.covariances[0], rtol=0.05, atol=2.0)


def test_it_prints_what_it_left_out(fit):
    assert "taken as known" in repr(fit("rats").new_group())
    assert "Mean response of a new batch" in fit("rats").new_group()._repr_html_()


def test_the_grouping_factor_is_asked_for_where_there_are_two(fit):
    with pytest.raises(DataError, match="'plate', 'sample'"):
        fit("penicillin").new_group()
    assert fit("penicillin").new_group("sample").coefficients()["sd"].iloc[0] == pytest.approx(
        1.931558, abs=1e-5
    )
    with pytest.raises(DataError, match="'dish' is not a grouping factor"):
        fit("penicillin").new_group("dish")


def test_predictors_are_asked_for_where_there_are_some(fit):
    with pytest.raises(DataError, match="give their values"):
        fit("sleepstudy").new_group().at()


def test_rows_of_predictors_do_not_mix(fit):
    """A table of rows is its rows one by one, means on the response scale and their limits in order."""
    cbpp = fit("cbpp")
    periods = sorted(cbpp.data["period"].unique())
    new = cbpp.new_group()
    together = new.at({"period": periods})
    alone = [new.at({"period": [period]}).iloc[0] for period in periods]
    columns = ["median", "mean", "sd", "lower", "upper"]
    assert_allclose(together[columns], [row[columns].to_list() for row in alone], rtol=1e-9)
    assert (together["lower"] < together["median"]).all() and (together["median"] < together["upper"]).all()


def test_limits_are_quantiles_of_the_mixture(fit):
    new = fit("sleepstudy").new_group(uncertainty="all", n=40, seed=1, progress=False)
    at, x = new.at({"Days": 3}, scale="link").iloc[0], np.array([1, 3])
    means, sds = new.means @ x, np.sqrt(x @ new.covariances @ x)
    shares = norm.cdf(at[["lower", "upper"]].to_numpy(float)[:, None], means, sds).mean(axis=1)
    assert_allclose(shares, [0.025, 0.975], atol=1e-6)


def test_a_slope_without_a_mean_adds_no_error_of_a_mean(sleep_without_mean):
    """Of a coefficient that only varies, b is known to be 0: its new group's SD is τ, with b's error or without."""
    plain, wider = (sleep_without_mean.new_group(uncertainty=kind) for kind in ("none", "b"))
    tau = np.sqrt(np.diag(sleep_without_mean.covariances[0]))
    assert_allclose(plain.coefficients()["sd"], tau)
    error = sleep_without_mean.vcov.to_numpy()[0, 0]
    assert_allclose(wider.coefficients()["sd"], np.sqrt(tau**2 + [error, 0.0]))


@pytest.fixture(scope="module")
def sleep_without_mean():
    return mk.lmer("Reaction ~ 1 + (Days|Subject)", mk.load_data("sleepstudy"))
