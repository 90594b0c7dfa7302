"""What chapter 8 says of draws, whose digits its notebook does not compare: held here, with room for Monte Carlo error."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmkit as mk
from mlmkit.bayes import compare

FORMULA = "Reaction ~ Days + (Days|Subject)"
TAU0, TAU1 = "sd_Subject__Intercept", "sd_Subject__Days"


def sampled(family="gaussian", draws=500, tune=400, **settings):
    """A run short enough for a test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        return mk.brm(
            FORMULA,
            mk.load_data("sleepstudy"),
            family,
            chains=2,
            draws=draws,
            tune=tune,
            seed=3,
            progress=False,
            **settings,
        )


@pytest.fixture(scope="module")
def post():
    return sampled(draws=1500)


@pytest.fixture(scope="module")
def fit():
    return mk.lmer(FORMULA, mk.load_data("sleepstudy"))


def largest_jump(y):
    return np.abs(np.diff(y.reshape(18, 10), axis=1)).max()


def test_skewed_posteriors_lie_above_reml_and_their_densest_interval_further_left(post, fit):
    sds = post.draws[[TAU0, TAU1]]
    assert (sds.median() < sds.mean()).all()
    assert (sds.mean().to_numpy() > fit.varcorr.sdcor[:2].to_numpy()).all()
    x = np.sort(sds[TAU0])
    k = int(0.95 * len(x))
    start = (x[k:] - x[:-k]).argmin()
    lower, upper = np.quantile(x, [0.025, 0.975])
    assert x[start] < lower and x[start + k] < upper


def test_a_posterior_is_wider_than_what_takes_estimates_for_the_truth(post, fit):
    ratio = post.ranef_sd["Subject"] / fit.ranef_sd["Subject"]
    assert ((ratio > 1.03) & (ratio < 1.4)).all(axis=None)
    gap = (post.coef["Subject"] - fit.coef["Subject"]).abs().max()
    assert gap["Intercept"] < 2.5 and gap["Days"] < 0.6
    days = {"Days": [0, 9]}
    full, plug_in = post.new_group(n=None).at(days), fit.new_group().at(days)
    longer = (full.upper - full.lower) / (plug_in.upper - plug_in.lower)
    assert longer.between(1.1, 1.3).all()


def test_normal_residuals_hardly_make_the_jumps_and_students_do(post):
    robust = sampled("student", draws=300, tune=250)
    shares = {}
    for name, one in (("normal", post), ("student", robust)):
        check = one.pp_check(n=400, seed=1)
        observed, replicated = check.statistic(largest_jump)
        shares[name] = (replicated >= observed).mean()
        if name == "normal":
            skew, replicated = check.statistic(stats.skew)
            assert skew == pytest.approx(0.59, abs=0.005) and (replicated >= skew).mean() < 0.15
            longest, replicated = check.statistic(np.max)
            assert 0.4 < (replicated >= longest).mean() < 0.75
    assert observed == pytest.approx(144, abs=0.5)
    assert shares["normal"] < 0.08 and 0.25 < shares["student"] < 0.65
    estimate = robust.table.set_index("term").estimate
    assert estimate["nu"] == pytest.approx(3.4, abs=0.5) and estimate["sigma"] == pytest.approx(15, abs=1)
    assert estimate["Days"] == pytest.approx(10.5, abs=0.6)
    gap = compare(post, robust)["elpd_diff"].iloc[-1]
    assert gap == pytest.approx(-32, abs=5)


def test_which_priors_move_the_sd_of_slopes(post):
    def reweighted(priors):
        again = post.reweight(priors)
        return again.table.set_index("term").estimate, again.ess

    both, _ = reweighted({"sd": "exponential(0.1)"})
    assert both["sd(Days)"] == pytest.approx(6.35, abs=0.3)
    assert both["sd(Intercept)"] == pytest.approx(23.3, abs=1.0)
    steady, _ = reweighted({"cor": "lkj(4)"})
    assert steady["sd(Days)"] == pytest.approx(6.57, abs=0.3)
    strict, _ = reweighted({("sd", "Subject", "Days"): "normal(0, 2)"})
    assert strict["sd(Days)"] == pytest.approx(4.83, abs=0.3)
    quarrel = {("b", "Days"): "normal(0, 2)"}
    assert reweighted(quarrel)[1] < 200
    assert sampled(priors=quarrel).draws[TAU1].mean() == pytest.approx(8.9, abs=0.5)


@pytest.mark.parametrize(
    ("priors", "below", "above", "sensible"),
    [
        ({"b": "normal(0, 100)"}, 0.33, 0.16, 0.16),
        ({"b": "normal(0, 10)"}, 0.23, 0.10, 0.45),
        (
            {"b": "normal(0, 10)", ("sd", "Subject", "Intercept"): "normal(0, 50)",
             ("sd", "Subject", "Days"): "normal(0, 10)", "sigma": "normal(0, 50)"},
            0.03, 0.00, 0.88,
        ),
    ],
)  # fmt: skip
def test_what_people_the_priors_imagine(priors, below, above, sensible):
    before = sampled(priors=priors, draws=4000, sample_prior="only")
    person = pd.DataFrame({"Subject": ["new", "new"], "Days": [0, 9]})
    times = before.predictive(person, kind="mean", groups="new", seed=1)
    assert (times[:, 1] < 0).mean() == pytest.approx(below, abs=0.025)
    assert (times[:, 1] > 1000).mean() == pytest.approx(above, abs=0.025)
    assert ((times > 100) & (times < 600)).all(axis=1).mean() == pytest.approx(sensible, abs=0.03)


def test_the_schools_slopes_may_hardly_differ():
    data = mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"), on="school")
    post = mk.brm(
        "mathach ~ ses*himinty + (ses|school)", data, chains=2, draws=500, tune=400, seed=3, progress=False
    )
    spread = post.draws["sd_school__ses"]
    assert spread.mean() == pytest.approx(0.50, abs=0.05) and spread.mean() < spread.median()
    assert spread.quantile(0.025) < 0.2 and spread.quantile(0.975) > 0.8
    assert (post.draws["b_ses:himinty"] < 0).mean() == pytest.approx(0.99, abs=0.01)
