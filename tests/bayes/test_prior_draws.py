"""Draws from the priors alone: their own distributions, the predictions they make, and the flat ones named."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import mlmkit as mk
from mlmkit.errors import MlmkitError
from tests.bayes.toy import toy

ONLY = {"sample_prior": "only", "chains": 4, "draws": 5000, "seed": 1, "progress": False}


def sleep(priors):
    return mk.brm("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"), priors=priors, **ONLY)


def test_every_parameter_has_its_prior():
    posterior = sleep({"b": "normal(0, 10)", "cor": "lkj(2)", ("sd", "Subject", "Days"): "exponential(0.1)"})
    draws = posterior.draws
    expected = {
        "b_Days": stats.norm(0, 10),
        "sd_Subject__Days": stats.expon(scale=10),
        "sd_Subject__Intercept": stats.t(3, 0, 59.3),
        "sigma": stats.t(3, 0, 59.3),
    }
    for name, prior in expected.items():
        x = draws[name].to_numpy()
        folded = prior.cdf(x) if prior.support()[0] == 0 or name == "b_Days" else 2 * prior.cdf(x) - 1
        assert stats.kstest(folded, "uniform").pvalue > 1e-3, name
    rho = draws["cor_Subject__Intercept__Days"].to_numpy()
    assert stats.kstest((rho + 1) / 2, stats.beta(2, 2).cdf).pvalue > 1e-3
    at_means = draws["b_Intercept"] + 4.5 * draws["b_Days"]
    assert stats.kstest((at_means - 288.7) / 59.3, stats.t(3).cdf).pvalue > 1e-3


def test_what_the_priors_expect_of_18_people():
    """Shares of people with a mean below 0 and above 1000 ms on day 9, and with both ends between 100 and 600."""
    settings = [
        ({"b": "normal(0, 100)"}, 0.33, 0.16, 0.16),
        ({"b": "normal(0, 10)"}, 0.23, 0.10, 0.45),
        ({"b": "normal(0, 10)", "sd": "normal(0, 50)", ("sd", "Subject", "Days"): "normal(0, 10)",
          "sigma": "normal(0, 50)"}, 0.03, 0.00, 0.88),
    ]  # fmt: skip
    for priors, below, above, inside in settings:
        posterior = sleep(priors)
        people = pd.DataFrame({"Subject": "new", "Days": [0, 9]})
        means = posterior.predictive(people, kind="mean", groups="new", seed=1)
        shares = [
            np.mean(means[:, 1] < 0),
            np.mean(means[:, 1] > 1000),
            np.mean(((means > 100) & (means < 600)).all(axis=1)),
        ]
        assert_allclose(shares, [below, above, inside], atol=0.02)


def test_flat_priors_are_named():
    with pytest.raises(
        MlmkitError,
        match=r"The prior of b Days is flat.*: give a proper prior, such as priors=.'b': 'normal\(0, 10\)'",
    ):
        sleep({})
    flat = {"Intercept": "flat", "b": "normal(0, 1)", ("sd", "class"): "flat"}
    with pytest.raises(MlmkitError, match="priors of Intercept and sd class Intercept are flat"):
        mk.brm("y ~ x + (1|class)", toy(), priors=flat, **ONLY)


@pytest.mark.parametrize(
    ("formula", "family", "own"),
    [
        ("y ~ x + (x|school/class)", "student", {"nu": (stats.gamma(2, scale=10), 1.0)}),
        ("count ~ x + (1|class) + (1|item)", "nbinom", {"shape": (stats.invgamma(0.4, scale=0.3), 0.0)}),
        ("y ~ x + (1|class)", "gamma(log)", {"shape": (stats.gamma(0.01, scale=100), 0.0)}),
        ("hit ~ x", "binomial", {}),
    ],
)
def test_every_family_and_no_group_effect_left_out(formula, family, own):
    settings = ONLY | {"draws": 500}
    posterior = mk.brm(formula, toy(), family, priors={"b": "normal(0, 1)"}, **settings)
    for name, (prior, lower) in own.items():
        x = posterior.draws[name].to_numpy()
        assert x.min() >= lower
        assert (
            stats.kstest(x, lambda v, d=prior, low=lower: (d.cdf(v) - d.cdf(low)) / d.sf(low)).pvalue > 1e-3
        )
    for block, effects, L in zip(posterior.design.blocks, posterior.effects, posterior.factors, strict=True):
        assert effects.shape == (4, 500, len(block.levels), len(block.names))
        scores = np.linalg.solve(L.reshape(-1, *L.shape[2:]), effects[..., 0, :].reshape(-1, L.shape[-1], 1))
        assert stats.kstest(scores.ravel(), "norm").pvalue > 1e-3
    assert posterior.messages == () and "the priors alone" in str(posterior.summary())
    assert posterior.pp_check(20, seed=1).replicated.shape == (20, 60)


def test_the_seed_makes_them_again_and_settings_are_checked():
    priors, settings = {"b": "normal(0, 1)"}, ONLY | {"draws": 50}
    one, other = (mk.brm("y ~ x + (1|class)", toy(), priors=priors, **settings) for _ in range(2))
    assert one.draws.equals(other.draws)
    with pytest.raises(MlmkitError, match="draws is 2"):
        mk.brm("y ~ x + (1|class)", toy(), priors=priors, **(settings | {"draws": 2}))
    with pytest.raises(MlmkitError, match="sample_prior='yes'"):
        mk.brm("y ~ x + (1|class)", toy(), priors=priors, **(settings | {"sample_prior": "yes"}))
