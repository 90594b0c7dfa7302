"""Flat generalized linear models: R's numbers, laws, and likelihoods without a finite maximum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmkit.datasets import load_data
from mlmkit.design import build_design
from mlmkit.engine.generalized.irls import fit_glm
from mlmkit.errors import DataError
from mlmkit.families import get_family
from mlmkit.formula import parse_formula

CBPP = Path(__file__).parents[2] / "reference" / "data" / "cbpp.csv"


def design(formula, data, family="binomial", **extras):
    return build_design(parse_formula(formula, get_family(family)), data, **extras)


def fit(formula, data, family="binomial", **extras):
    return fit_glm(design(formula, data, family, **extras))


@pytest.fixture(scope="module")
def cbpp():
    return pd.read_csv(CBPP, dtype={"herd": str, "period": str})


@pytest.fixture(scope="module")
def rats():
    return load_data("rats").astype({"batch": str})


# R 4.2.2, glm(); R stops at a relative change of 1e-8, hence the tolerance of the standard errors.
BINOMIAL = {
    "logit": ([-1.26902348937, -1.17076272514, -1.30140533386, -1.78227863534], 0.144919762429),
    "probit": ([-0.774138451539, -0.629665092014, -0.693759371054, -0.919560095621], 0.0839559752851),
    "cloglog": ([-1.39544102399, -1.08642964575, -1.21207300461, -1.67905650516], 0.128364511576),
}


@pytest.mark.parametrize("link", BINOMIAL)
def test_binomial_links_against_r(cbpp, link):
    estimates = fit("cbind(incidence, size - incidence) ~ period", cbpp, f"binomial({link})")
    beta, se = BINOMIAL[link]
    np.testing.assert_allclose(estimates.beta, beta, rtol=1e-7)
    assert np.sqrt(estimates.vcov[0, 0]) == pytest.approx(se, rel=1e-5)
    assert estimates.loglik == pytest.approx(-99.0291994894, rel=1e-10)
    assert estimates.converged and estimates.sigma == 1.0


@pytest.mark.parametrize(
    ("family", "beta", "se", "dispersion", "loglik"),
    [
        (
            "Gamma(log)",
            [5.5361326109488, 0.0350206377427],
            0.02137605053921,
            0.0238087463836,
            -943.9346627209619,
        ),
        (
            "Gamma",
            [0.003913872822444, -0.000117737228453],
            7.83390612e-05,
            0.0237988544625,
            -943.8832618967201,
        ),
    ],
)
def test_gamma_dispersion_is_as_r_has_it(family, beta, se, dispersion, loglik):
    estimates = fit("Reaction ~ Days", load_data("sleepstudy"), family)
    np.testing.assert_allclose(estimates.beta, beta, rtol=1e-7)
    assert np.sqrt(estimates.vcov[0, 0]) == pytest.approx(se, rel=1e-5)
    assert estimates.sigma**2 == pytest.approx(dispersion, rel=1e-5)
    assert estimates.loglik == pytest.approx(loglik, rel=1e-10)


def test_poisson_with_an_offset_against_r(cbpp):
    estimates = fit("incidence ~ period", cbpp, "poisson", offset=np.log(cbpp["size"]))
    expected = [-1.51674724952, -1.00662568110, -1.12739914961, -1.58076771835]
    np.testing.assert_allclose(estimates.beta, expected, rtol=1e-8)
    assert estimates.loglik == pytest.approx(-94.6127049607, rel=1e-10)


def test_gaussian_log_with_weights_against_r(cbpp):
    estimates = fit("incidence ~ period", cbpp, "gaussian(log)", weights="size")
    np.testing.assert_allclose(
        estimates.beta, [1.52386435021, -1.09970710909, -1.5975819261, -1.69975501661], rtol=1e-6
    )
    assert estimates.loglik == pytest.approx(-138.114351367, rel=1e-9)


def test_predictors_far_from_zero_do_not_hurt(cbpp):
    near = fit("incidence ~ x", cbpp.assign(x=np.arange(56.0)), "poisson")
    far = fit("incidence ~ x", cbpp.assign(x=np.arange(56.0) * 10 + 1e5), "poisson")
    assert far.beta[1] * 10 == pytest.approx(near.beta[1], rel=1e-8)
    assert far.loglik == pytest.approx(near.loglik, rel=1e-10)


class TestSeparation:
    def test_batches_without_a_tumour_have_log_odds_of_minus_infinity(self, rats):
        estimates = fit("cbind(m, n - m) ~ 0 + batch", rats)
        none = (rats.groupby("batch")["m"].sum() == 0).to_numpy()
        assert none.sum() == 14
        np.testing.assert_array_equal(np.isneginf(estimates.beta), none)
        with np.errstate(divide="ignore"):
            odds = rats.set_index("batch").sort_index().eval("log(m / (n - m))")
        np.testing.assert_allclose(estimates.beta[~none], odds[~none], rtol=1e-9)
        assert np.all(np.isnan(np.diag(estimates.vcov)[none]))
        assert np.all(np.diag(estimates.vcov)[~none] > 0)
        assert estimates.loglik == pytest.approx(-84.400226916, rel=1e-9)
        assert (
            len(estimates.messages) == 1 and "14 coefficients have no finite maximum" in estimates.messages[0]
        )
        np.testing.assert_array_equal(estimates.fitted == 0, rats["m"] == 0)

    def test_a_reference_level_without_successes(self):
        data = pd.DataFrame({"x": list("aaabbb"), "y": [0, 0, 0, 4, 5, 1]})
        estimates = fit("y ~ x", data, "poisson")
        np.testing.assert_array_equal(estimates.beta, [-np.inf, np.inf])
        assert estimates.fitted[3:] == pytest.approx(np.full(3, 10 / 3))

    def test_two_such_levels_leave_their_difference_without_a_limit(self):
        data = pd.DataFrame({"x": list("aaabbbccc"), "y": [0, 0, 0, 0, 0, 0, 1, 0, 1]})
        beta = fit("y ~ x", data).beta
        assert np.isneginf(beta[0]) and np.isnan(beta[1]) and np.isposinf(beta[2])

    @pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
    def test_quasi_separation_keeps_what_is_finite(self, link):
        data = pd.DataFrame({"x": [-2, -1, 0, 0, 0, 1, 2], "y": [0, 0, 0, 1, 0, 1, 1]})
        estimates = fit("y ~ x", data, f"binomial({link})")
        assert np.isposinf(estimates.beta[1])
        assert estimates.beta[0] == pytest.approx(get_family(f"binomial({link})").eta(1 / 3), rel=1e-8)
        assert estimates.loglik == pytest.approx(np.log(1 / 3) + 2 * np.log(2 / 3), rel=1e-9)

    def test_complete_separation(self):
        data = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [0, 0, 1, 1]})
        estimates = fit("y ~ x", data)
        assert np.isneginf(estimates.beta[0]) and np.isposinf(estimates.beta[1])
        assert estimates.loglik == 0

    def test_steep_but_overlapping_data_are_left_alone(self):
        x = np.linspace(-8, 8, 400)
        y = (x + 0.2 * np.sin(37 * x) > 0).astype(int)
        estimates = fit("y ~ x", pd.DataFrame({"x": x, "y": y}))
        assert np.all(np.isfinite(estimates.beta)) and estimates.messages == ()


class TestNoInformation:
    """Where the likelihood is flat in some direction there is no standard error, and the fit says so."""

    @pytest.fixture
    def groups(self):
        rng = np.random.default_rng(1)
        g, z = np.repeat(np.arange(3), 20), rng.normal(size=60)
        means = np.array([3.0, 1.5, -1.0])
        return pd.DataFrame(
            {"g": np.array(list("abc"))[g], "z": z, "y": means[g] + 0.3 * rng.normal(size=60)}
        )

    @pytest.mark.parametrize("formula", ["y ~ g", "y ~ 0 + g", "y ~ 0 + g + z"])
    def test_a_mean_below_zero_behind_a_log_link(self, groups, formula):
        fitted, model = fit(formula, groups, "gaussian(log)"), design(formula, groups, "gaussian(log)")
        at = [name.endswith("c]") for name in model.fixed_names]
        se = np.sqrt(np.diag(fitted.vcov))
        np.testing.assert_array_equal(np.isnan(se), at)
        assert np.isnan(fitted.vcov[at]).all() and len(fitted.messages) == 1
        assert (
            model.fixed_names[at.index(True)] in fitted.messages[0]
            and "without a standard" in fitted.messages[0]
        )
        # The other coefficients are those of the rows that tell something, but for the residual variance.
        told = groups[groups.g != "c"]
        alone = fit(formula, told, "gaussian(log)")
        kept = np.flatnonzero(~np.array(at))
        np.testing.assert_allclose(fitted.beta[kept], alone.beta, rtol=1e-6)
        ratio = se[kept] / np.sqrt(np.diag(alone.vcov))
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)

    def test_rows_with_hardly_any_weight(self, groups):
        weights = np.where(groups.g == "c", 1e-25, 1.0)
        y = (groups.y + groups.z > 1.5).astype(int)
        fitted = fit("y ~ g", groups.assign(y=y), weights=weights)
        se = np.sqrt(np.diag(fitted.vcov))
        assert np.isnan(se[2]) or se[2] > 1e6
        assert fitted.messages or se[2] > 1e6

    def test_little_information_is_some(self, groups):
        """A coefficient that rows of weight 1e-8 decide alone has the standard error that they give."""
        weights = np.where(groups.g == "c", 1e-8, 1.0)
        fitted = fit("y ~ g", groups.assign(y=np.exp(groups.y)), "gamma(log)", weights=weights)
        phi = fitted.sigma**2
        assert fitted.messages == ()
        assert np.sqrt(fitted.vcov[2, 2]) == pytest.approx(np.sqrt(phi * (1 / 20 + 1 / 20e-8)), rel=1e-6)


def test_a_constant_that_no_mean_can_be_is_no_start(recwarn):
    """Centred responses have the mean 0, whose log is −∞."""
    data = pd.DataFrame({"f": list("abdab"), "y": [1.0, -1.0, -0.5, 2.0, -1.5]})
    fitted = fit("y ~ 0 + f", data, "gaussian(log)")
    assert not recwarn.list and np.isfinite(fitted.loglik)


def test_no_valid_start_says_so():
    data = pd.DataFrame({"y": [0.5, 1.0, 2.0]})
    with pytest.raises(DataError, match="another link"):
        fit("y ~ 1", data, "gamma(inverse)", offset=np.array([-1e9, 1e9, -1e9]))


@st.composite
def counts(draw):
    n = draw(st.integers(12, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    x = rng.normal(size=n)
    return pd.DataFrame({"x": x, "y": rng.poisson(np.exp(0.5 + 0.4 * x)) + (np.arange(n) == 0)})


@settings(max_examples=20, deadline=None)
@given(counts(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(data, random):
    order = list(range(len(data)))
    random.shuffle(order)
    one, other = fit("y ~ x", data, "poisson"), fit("y ~ x", data.iloc[order], "poisson")
    np.testing.assert_allclose(one.beta, other.beta, rtol=1e-8, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(counts(), st.floats(-3, 3))
def test_a_constant_offset_moves_the_intercept_alone(data, shift):
    one = fit("y ~ x", data, "poisson")
    other = fit("y ~ x", data, "poisson", offset=np.full(len(data), shift))
    np.testing.assert_allclose(other.beta, one.beta - [shift, 0], rtol=1e-7, atol=1e-8)
    assert other.loglik == pytest.approx(one.loglik, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(counts())
def test_data_twice_is_weight_two(data):
    twice = fit("y ~ x", pd.concat([data, data], ignore_index=True), "poisson")
    weighted = fit("y ~ x", data, "poisson", weights=np.full(len(data), 2.0))
    np.testing.assert_allclose(twice.beta, weighted.beta, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(twice.vcov, weighted.vcov, rtol=1e-6)
    assert twice.loglik == pytest.approx(weighted.loglik, rel=1e-10)


@pytest.mark.parametrize("seed", [0, 4, 15, 20])
def test_a_mean_at_the_edge_of_its_range_is_not_at_a_maximum(seed):
    """Steps there are as small as rounding; a linear predictor summed up from them would look as if it had settled."""
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=160), rng.integers(0, 2, 160)
    data = pd.DataFrame({"x": x, "t": t, "y": rng.poisson(np.exp(0.3 + 0.5 * x - 0.4 * t))})
    found = fit("y ~ x + t", data, "poisson(identity)")
    assert found.fitted.min() < 1e-9 and not found.converged
    assert any(
        "where a mean leaves the range of the poisson (identity) family" in one for one in found.messages
    )
