"""brms's default priors, and the user's in their place."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from mlmkit.bayes import prior_table
from mlmkit.bayes.priors import DISTRIBUTIONS, Prior, default_priors
from mlmkit.datasets import load_data
from mlmkit.design import build_design
from mlmkit.errors import MlmkitError
from mlmkit.formula import parse_formula

SLEEP = "Reaction ~ Days + (Days|Subject)"


@pytest.fixture(scope="module")
def sleep():
    return load_data("sleepstudy")


def defaults(formula, data, family="gaussian", **extras):
    return {
        k: str(v)
        for k, v in default_priors(build_design(parse_formula(formula, family), data, **extras)).items()
    }


def test_defaults_of_a_gaussian_model_are_median_and_mad(sleep):
    found = defaults(SLEEP, sleep)
    assert found == {
        "b": "(flat)",
        "Intercept": "student_t(3, 288.7, 59.3)",
        "sd": "student_t(3, 0, 59.3)",
        "sigma": "student_t(3, 0, 59.3)",
        "cor": "lkj(1)",
    }


def test_scale_is_never_below_2_5(sleep):
    small = sleep.assign(Reaction=sleep.Reaction / 1000)
    assert defaults(SLEEP, small)["sd"] == "student_t(3, 0, 2.5)"
    assert defaults(SLEEP, small)["Intercept"] == "student_t(3, 0.3, 2.5)"


def test_binomial_default_is_on_the_link_scale():
    assert (
        defaults("cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats"), "binomial")["Intercept"]
        == "student_t(3, 0, 2.5)"
    )


def test_poisson_default_takes_y_through_the_link(sleep):
    counts = sleep.assign(count=np.where(np.arange(len(sleep)) % 3 == 0, 0, 50))
    assert defaults("count ~ 1 + (1|Subject)", counts, "poisson")["Intercept"] == "student_t(3, 3.9, 2.5)"
    all_zero_median = sleep.assign(count=np.where(np.arange(len(sleep)) % 3 == 0, 50, 0))
    assert (
        defaults("count ~ 1 + (1|Subject)", all_zero_median, "poisson")["Intercept"]
        == "student_t(3, -2.3, 2.5)"
    )


def test_offset_moves_the_intercepts_default(sleep):
    assert defaults(SLEEP, sleep, offset=np.full(180, 100.0))["Intercept"] == "student_t(3, 188.7, 59.3)"


def test_table_names_every_parameter_and_its_source(sleep):
    table = prior_table(SLEEP, sleep, priors={("sd", "Subject", "Days"): "exponential(0.1)", "cor": "lkj(2)"})
    found = {(r["class"], r.group, r.coef): (r.prior, r.source) for _, r in table.iterrows()}
    assert found["b", "", ""] == ("(flat)", "default")
    assert found["b", "", "Days"] == ("(flat)", "(vectorized)")
    assert found["sd", "Subject", "Days"] == ("exponential(0.1)", "user")
    assert found["sd", "Subject", "Intercept"] == ("student_t(3, 0, 59.3)", "(vectorized)")
    assert found["cor", "", ""] == ("lkj(2)", "user")
    assert found["cor", "Subject", ""] == ("lkj(2)", "(vectorized)")
    assert set(table.loc[table["class"].isin(["sd", "sigma"]), "lb"]) == {"0"}


def test_class_group_and_coefficient_each_take_precedence_over_the_wider(sleep):
    table = prior_table(
        SLEEP,
        sleep,
        priors={
            "sd": "normal(0, 1)",
            ("sd", "Subject"): "normal(0, 2)",
            ("sd", "Subject", "Days"): "normal(0, 3)",
        },
    ).set_index(["class", "group", "coef"])
    assert table.prior["sd", "", ""] == "normal(0, 1)"
    assert table.prior["sd", "Subject", "Intercept"] == "normal(0, 2)"
    assert table.prior["sd", "Subject", "Days"] == "normal(0, 3)"


def test_no_intercept_no_correlation_no_rows_for_them(sleep):
    table = prior_table("Reaction ~ 0 + Days + (Days||Subject)", sleep)
    assert set(table["class"]) == {"b", "sd", "sigma"}


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"beta": "normal(0, 1)"}, "no parameters 'beta'"),
        ({("sd", "Subjects"): "normal(0, 1)"}, r"Did you mean .\('sd', 'Subject'\)"),
        ({"b": "norml(0, 1)"}, "Did you mean 'normal'"),
        ({"b": "normal(0)"}, r"written normal\(location, scale\)"),
        ({"b": "normal(0, -1)"}, "scale -1"),
        ({"b": "normal(0, many)"}, "not numbers"),
        ({"b": "lkj(1)"}, "no prior for the class 'b'"),
        ({"cor": "normal(0, 1)"}, "takes lkj"),
        ({"b": 3}, "Cannot read the prior 3"),
    ],
)
def test_bad_priors_are_refused_by_name(sleep, priors, message):
    with pytest.raises(MlmkitError, match=message):
        prior_table(SLEEP, sleep, priors=priors)


@pytest.mark.parametrize(
    "text",
    [
        "normal(1, 2)",
        "student_t(4, 1, 2)",
        "cauchy(1, 2)",
        "exponential(0.5)",
        "gamma(2, 0.5)",
        "inv_gamma(0.4, 0.3)",
    ],
)
def test_log_density_is_scipys_up_to_a_constant_with_its_slope(text):
    prior = Prior.parse(text)
    frozen = {
        "normal": stats.norm(1, 2),
        "student_t": stats.t(4, 1, 2),
        "cauchy": stats.cauchy(1, 2),
        "exponential": stats.expon(scale=2),
        "gamma": stats.gamma(2, scale=2),
        "inv_gamma": stats.invgamma(0.4, scale=0.3),
    }[prior.name]
    value = prior.log_density_and_slope
    assert_allclose(value(3.1)[0] - value(0.4)[0], frozen.logpdf(3.1) - frozen.logpdf(0.4), rtol=1e-12)
    assert_allclose(value(0.7)[1], (value(0.7 + 1e-6)[0] - value(0.7 - 1e-6)[0]) / 2e-6, rtol=1e-7)


def test_half_density_integrates_to_one():
    assert_allclose(
        quad(lambda x: float(Prior.parse("student_t(3, 1, 2)").density(x, positive=True)), 0, np.inf)[0],
        1,
        rtol=1e-6,
    )


def test_draws_from_half_a_prior_are_positive_and_have_its_median():
    draws = Prior.parse("normal(0, 2)").draw(np.random.default_rng(0), 4000, lower=0.0)
    assert (draws > 0).all()
    assert_allclose(np.median(draws), 2 * stats.norm.ppf(0.75), rtol=0.06)


def test_nothing_is_drawn_from_a_flat_prior():
    with pytest.raises(MlmkitError, match="proper prior"):
        Prior.parse("flat").draw(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("normal", (1.0, 2.0)), ("student_t", (3.0, 1.0, 2.0)), ("cauchy", (0.5, 1.5)), ("exponential", (0.7,)),
        ("gamma", (2.5, 0.8)), ("inv_gamma", (2.5, 1.3)),
    ],
)  # fmt: skip
def test_a_priors_slope_is_that_of_its_log_density_and_its_shape_scipys(name, numbers):
    own = DISTRIBUTIONS[name]
    density, x, h = own.log_density(*numbers), np.array([0.4, 1.0, 2.7, 6.0]), 1e-6
    slope = (density(x + h)[0] - density(x - h)[0]) / (2 * h)
    assert_allclose(np.broadcast_to(density(x)[1], x.shape), slope, rtol=1e-6, atol=1e-9)
    theirs = own.frozen(*numbers).logpdf(x)
    assert_allclose(np.diff(density(x)[0]), np.diff(theirs), rtol=1e-10)  # but for a constant
