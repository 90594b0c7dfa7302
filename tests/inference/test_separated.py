"""What follows a separated, weighted or singular fit: finite or named, and the same rows the same numbers.

The likelihood-ratio limits are R's: uniroot on the deviance of glm with the coefficient held in the offset.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mlmkit as mk

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning", "ignore::mlmkit.FitWarning")


@pytest.fixture(scope="module")
def counts():
    """Four cells of six counts; those of a = 0, h = 1 are all zero."""
    return pd.DataFrame(
        {
            "a": np.repeat([0, 0, 1, 1], 6),
            "h": np.tile(np.repeat([0, 1], 6), 2),
            "p": np.tile(np.arange(6), 4),
            "n": [4, 5, 3, 6, 4, 4, *[0] * 6, 5, 6, 4, 7, 4, 5, 3, 2, 4, 3, 2, 3],
        }
    )


@pytest.fixture(scope="module", params=["glm", "glmer"])
def fit(request, counts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if request.param == "glm":
            return mk.glm("n ~ a*h", counts, "poisson")
        return mk.glmer("n ~ a*h + (1|p)", counts, "poisson")


def test_the_estimates(fit):
    assert_allclose(fit.fixef, [np.log(26 / 6), np.log(31 / 26), -np.inf, np.inf], rtol=1e-6)


def test_predictions_are_fitted_values_where_infinities_cancel(fit, counts):
    assert_allclose(fit.predict(), fit.fitted, atol=1e-9)
    assert_allclose(fit.predict(counts), fit.fitted, atol=1e-9)
    cells = pd.DataFrame({"a": [0, 0, 1, 1], "h": [0, 1, 0, 1], "p": 0})
    assert_allclose(fit.predict(cells), [26 / 6, 0, 31 / 6, 17 / 6], atol=1e-6)


def test_beyond_the_data_the_prediction_is_infinite_where_infinities_do_not_cancel(fit):
    new = pd.DataFrame({"a": [0.0, 2.0, 1.0], "h": [2.0, 1.0, 2.0], "p": 0})
    # b_h + b_ah is finite: log(17/31)
    assert_allclose(
        fit.predict(new, scale="link"), [-np.inf, np.inf, np.log(31 / 6) + 2 * np.log(17 / 31)], rtol=1e-6
    )


def test_likelihood_ratio_limits_are_rs(fit):
    limits = fit.confint(method="profile")
    assert_allclose(limits.loc["h"], [-np.inf, -2.568227], rtol=1e-5)
    assert_allclose(limits.loc["a:h"], [1.884835, np.inf], rtol=1e-5)
    assert any("infinite" in note for note in limits.notes)


def test_limits_of_a_slope_between_zeros_and_ones():
    d = pd.DataFrame({"x": np.arange(12.0), "y": np.repeat([0, 1], 6)})
    limits = mk.glm("y ~ x", d).confint(method="profile")
    assert_allclose(limits.to_numpy(), [[-np.inf, -4.413547], [0.8345459, np.inf]], rtol=1e-5)


def test_simulated_responses_can_be_refitted(fit):
    y = fit.simulate(200, seed=1)
    assert (y.to_numpy()[6:12] == 0).all()
    assert abs(y.to_numpy()[18:].mean() - 17 / 6) < 0.2
    assert_allclose(fit.refit(y["sim_1"]).fixef["h"], -np.inf)


def test_bootstrap_limits_are_numbers(fit):
    limits = fit.confint(method="bootstrap", n=20, seed=1, progress=False)
    assert not limits.isna().any().any()
    assert_array_equal(limits.loc["h"], [-np.inf, -np.inf])
    assert any("no finite estimate of h, a:h" in note for note in limits.notes)


def test_r2_icc_and_equation_are_finite(fit):
    assert np.isfinite(fit.r2()).all()
    assert r"\infty" in str(mk.equation(fit))
    if isinstance(fit, mk.fits.MixedFit):
        assert np.isfinite(fit.icc().icc).all()
        new = fit.new_group().at(pd.DataFrame({"a": [0, 1], "h": [0, 1]}))
        assert_allclose(new["median"], [26 / 6, 17 / 6], rtol=1e-6)


def test_what_no_row_tells_is_named():
    d = pd.DataFrame({"x": np.arange(12.0), "y": np.repeat([0, 1], 6)})
    with pytest.raises(mk.DataError, match="described perfectly"):
        mk.glm("y ~ x", d).r2()


def test_what_a_separated_fit_says_nothing_of_is_not_simulated():
    """u = 1 never succeeds and v = 1 always; of u = v = 1 the data say nothing."""
    u, v = np.repeat([[0, 1, 0], [0, 0, 1]], 4, axis=1)
    d = pd.DataFrame({"u": u, "v": v, "y": [0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1]})
    fit = mk.glm("y ~ u + v", d)
    assert_allclose(fit.fixef, [0, -np.inf, np.inf], atol=1e-9)
    new = pd.DataFrame({"u": [1, 0, 1], "v": [0, 1, 1]})
    assert_allclose(fit.predict(new), [0, 1, np.nan], atol=1e-9)
    with pytest.raises(mk.DataError, match="no finite estimates for row 2"):
        fit.simulate(newdata=new)


def test_nothing_is_drawn_from_fractions_of_trials():
    """lme4: "cannot simulate from non-integer prior.weights"."""
    w = pd.DataFrame({"y": [0, 1] * 40, "g": np.repeat(np.arange(10), 8), "w": np.tile([0.5, 1.5], 40)})
    fit = mk.glmer("y ~ 1 + (1|g)", w, weights="w")
    for draw in (
        lambda: fit.simulate(5, seed=1),
        lambda: fit.bootstrap(3, seed=1, progress=False),
        lambda: fit.predict(interval="observation"),
    ):
        with pytest.raises(mk.DataError, match=r"weight of row 0 is 0.5, not a whole number of trials"):
            draw()


def test_proportions_and_their_limits_lie_between_0_and_1():
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"n": rng.integers(1, 6, 60), "g": np.repeat(np.arange(12), 5)})
    d["m"] = rng.binomial(d.n, 0.8)
    fit = mk.glmer("cbind(m, n - m) ~ 1 + (1|g)", d)
    limits = fit.predict(interval="observation")[["lower", "upper"]].to_numpy()
    assert limits.min() >= 0 and limits.max() <= 1
