"""What a posterior offers: tables, predictions, new groups, checks, other priors."""

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mlmkit.bayes import brm
from mlmkit.bayes.posterior import Posterior
from mlmkit.datasets import load_data
from mlmkit.errors import DataError, MlmkitError
from mlmkit.models import lmer
from tests.bayes.toy import toy

SETTINGS: dict[str, Any] = {"chains": 2, "draws": 400, "tune": 300, "seed": 1, "cores": 1, "progress": False}


@pytest.fixture(scope="module")
def sleep() -> Posterior:
    return brm("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), **SETTINGS)


@pytest.fixture(scope="module")
def hits() -> Posterior:
    return brm("cbind(hits, trials - hits) ~ x + (1|class)", toy(), "binomial", **SETTINGS)


# -- tables ----------------------------------------------------------------------------------------


def test_draws_are_named_as_brms_names_them(sleep):
    assert list(sleep.draws) == [
        "sd_Subject__Intercept",
        "sd_Subject__Days",
        "cor_Subject__Intercept__Days",
        "b_Intercept",
        "b_Days",
        "sigma",
    ]
    assert sleep.draws.shape == (800, 6) and sleep.draws.index.names == ["chain", "draw"]


def test_table_summarises_the_draws(sleep):
    row = sleep.table.set_index("term").loc["sd(Days)"]
    x = sleep.draws["sd_Subject__Days"]
    assert row.group == "Subject"
    assert_allclose(
        [row.estimate, row.est_error, row.lower, row.upper], [x.mean(), x.std(), *x.quantile([0.025, 0.975])]
    )
    narrow = sleep.summarise(0.5).set_index("term").loc["sd(Days)"]
    assert_allclose([narrow.lower, narrow.upper], x.quantile([0.25, 0.75]))


def test_posterior_means_have_a_fits_shape(sleep):
    fit = lmer("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))
    pd.testing.assert_index_equal(sleep.coef["Subject"].index, fit.coef["Subject"].index)
    assert list(sleep.coef["Subject"]) == list(fit.coef["Subject"])
    assert_allclose(sleep.coef["Subject"], fit.coef["Subject"], rtol=0.25, atol=4)
    assert_allclose(sleep.ranef["Subject"] + sleep.fixef, sleep.coef["Subject"], rtol=1e-10)
    assert list(sleep.varcorr.columns) == list(fit.varcorr.columns)
    assert list(sleep.varcorr.group) == list(fit.varcorr.group)
    assert_allclose(sleep.varcorr.sdcor[3], sleep.draws.sigma.mean())


def test_a_family_without_a_residual_sd_has_a_sigma_of_one(sleep, hits):
    assert sleep.sigma == sleep.draws.sigma.mean() and hits.sigma == 1


def test_varcorr_agrees_with_the_draws(sleep):
    draws = sleep.draws
    assert_allclose(sleep.varcorr.sdcor[:3], draws.iloc[:, :3].mean())
    covariance = draws.iloc[:, :3].prod(axis=1).mean()
    assert_allclose(sleep.varcorr.vcov[2], covariance)


def test_coef_table_has_each_groups_interval(sleep):
    table = sleep.coef_table("Subject", level=0.9)
    assert len(table) == 36 and (table.lower < table.estimate).all() and (table.estimate < table.upper).all()
    one = table[(table.term == "Days") & (table.level == 308)].iloc[0]
    x = sleep.coef_draws("Subject")["Days"][..., 0]
    assert_allclose([one.estimate, one.lower, one.upper], [x.mean(), *np.quantile(x, [0.05, 0.95])])


def test_summary_is_in_brms_layout(sleep):
    text = str(sleep.summary())
    order = [
        "Group-Level Effects",
        "sd(Intercept)",
        "cor(Intercept,Days)",
        "Population-Level Effects",
        "Family Specific",
        "sigma",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert re.search(r"Estimate +Est\.Error +l-95% CI +u-95% CI +Rhat +Bulk_ESS +Tail_ESS", text)
    assert "<table>" in sleep._repr_html_()


def test_uncorrelated_terms_of_one_group_share_a_table():
    posterior = brm("y ~ x + (x||class)", toy(), **SETTINGS)
    assert list(posterior.ranef["class"]) == ["Intercept", "x"]
    assert list(posterior.table.term[:2]) == ["sd(Intercept)", "sd(x)"]


def test_group_coefficients_of_two_factors_keep_apart():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"a": np.repeat(np.arange(4), 15), "b": np.tile(np.arange(6), 10)})
    data["x"] = rng.normal(size=60)
    data["y"] = 2.0 * data["a"] + rng.normal(size=6)[data["b"]] * data["x"] + rng.normal(size=60)
    settings = SETTINGS | {"chains": 1, "draws": 30, "tune": 60}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        posterior = brm("y ~ x + (1|a) + (x|b)", data, **settings)
    a, b = posterior.coef_draws("a"), posterior.coef_draws("b")
    assert [draws["x"].shape for draws in (a, b)] == [(1, 30, 4), (1, 30, 6)]
    assert_array_equal(a["x"], np.broadcast_to(posterior.beta[..., 1, None], (1, 30, 4)))
    effects = {
        block.group: zeta for block, zeta in zip(posterior.design.blocks, posterior.effects, strict=True)
    }
    for group, draws in (("a", a), ("b", b)):
        expected = posterior.beta[..., 0, None] + effects[group][..., 0]
        assert_allclose(draws["Intercept"], expected, rtol=1e-12)
    assert_allclose(b["x"], posterior.beta[..., 1, None] + effects["b"][..., 1], rtol=1e-12)


# -- predictions -----------------------------------------------------------------------------------


def test_mean_of_the_rows_seen_is_their_groups_line(sleep):
    data = load_data("sleepstudy")
    beta = sleep.coef_draws("Subject")
    first = beta["Intercept"][..., 0].ravel() + beta["Days"][..., 0].ravel() * data.Days[3]
    assert_allclose(sleep.predictive(kind="mean")[:, 3], first)
    assert_allclose(sleep.predictive(data.iloc[[3]], kind="mean")[:, 0], first)


def test_without_groups_only_b_counts(sleep):
    draws = sleep.predictive({"Days": [5]}, kind="mean", groups="none")[:, 0]
    assert_allclose(draws, sleep.draws.b_Intercept + 5 * sleep.draws.b_Days)


def test_new_observations_vary_by_sigma_more_than_means(sleep):
    mean, response = (sleep.predictive(kind=kind, seed=1) for kind in ("mean", "response"))
    extra = (response - mean).std()
    assert_allclose(extra, np.sqrt((sleep.draws.sigma**2).mean()), rtol=0.02)


def test_an_unseen_group_is_an_error_a_draw_or_an_average(sleep):
    new = pd.DataFrame({"Days": [0, 0, 0], "Subject": ["new", "new", "other"]})
    with pytest.raises(DataError, match="never saw Subject new"):
        sleep.predictive(new)
    drawn = sleep.predictive(new, kind="mean", new_levels="sample", seed=1)
    assert_array_equal(drawn[:, 0], drawn[:, 1])  # one group, one effect
    assert not np.array_equal(drawn[:, 0], drawn[:, 2])
    spread = np.sqrt(sleep.draws.b_Intercept.var() + (sleep.draws.sd_Subject__Intercept**2).mean())
    assert_allclose(drawn[:, 0].std(), spread, rtol=0.12)
    average = sleep.predictive(new, kind="mean", new_levels="population")
    assert_allclose(average[:, 0], sleep.draws.b_Intercept)


def test_new_groups_for_the_rows_seen_keep_rows_of_a_group_together(sleep):
    drawn = sleep.predictive(kind="mean", groups="new", seed=1)
    lines = drawn[:, :10]  # the first subject's ten days lie on one line in each draw
    assert_allclose(np.diff(lines, 2), 0, atol=1e-9)
    known = sleep.predictive(kind="mean")
    assert drawn[:, 0].std() > 1.5 * known[:, 0].std()


def test_binomial_predictions_are_proportions_of_the_trials(hits):
    draws = hits.predictive(seed=1) * toy().trials.to_numpy()
    assert_allclose(draws, np.round(draws))
    assert_allclose(draws.mean(), toy().hits.mean(), rtol=0.05)
    table = hits.predict()
    assert ((table.lower > 0) & (table.upper < 1) & (table.lower < table.estimate)).all()


def test_unknown_words_are_refused(sleep):
    for how in ({"kind": "means"}, {"groups": "some"}, {"new_levels": "draw"}):
        with pytest.raises(DataError, match=f"There is no {next(iter(how))}"):
            sleep.predictive(**how)


def test_new_group_has_the_uncertainty_of_everything(sleep):
    new = sleep.new_group(n=None)
    variance = sleep.draws.b_Days.var() + (sleep.draws.sd_Subject__Days**2).mean()
    assert_allclose(new.coefficients().loc["Days", "sd"], np.sqrt(variance), rtol=0.01)
    at = new.at({"Days": [0, 9]})
    assert list(at.columns) == ["Days", "median", "mean", "sd", "lower", "upper"]
    assert at.sd[1] > at.sd[0]
    assert "posterior uncertainty" in repr(new)


def test_new_groups_proportion_is_in_range(hits):
    at = hits.new_group().at({"x": 0})
    assert 0 < at.lower[0] < at["median"][0] < at.upper[0] < 1


# -- checks ----------------------------------------------------------------------------------------


def test_replicates_resemble_the_data(sleep):
    check = sleep.pp_check(100, seed=1)
    assert check.replicated.shape == (100, 180)
    observed, replicated = check.statistic(np.std)
    assert replicated.min() < observed < replicated.max()


@pytest.mark.parametrize("which", ["sleep", "hits"])
def test_log_likelihood_is_the_sum_the_family_gives(which, request):
    posterior = request.getfixturevalue(which)
    design, mu = posterior.design, posterior.predictive(kind="mean")
    dispersion = posterior.family.distribution.from_own(*posterior.own[1, 7])
    expected = posterior.family.loglik(design.y, mu[407], design.weights, dispersion, design.trials)
    assert_allclose(posterior.log_likelihood()[1, 7].sum(), expected, rtol=1e-10)


def test_loo_prefers_the_model_with_slopes(sleep):
    flat = brm("Reaction ~ 1 + (1|Subject)", load_data("sleepstudy"), **SETTINGS)
    assert sleep.loo().elpd_loo > flat.loo().elpd_loo + 20
    assert 20 < sleep.loo().p_loo < 45


def test_inference_data_has_the_draws_where_arviz_is(sleep):
    pytest.importorskip("arviz")
    found = sleep.to_inference_data()
    assert_allclose(found["posterior"]["sigma"], sleep.residual_sd)


def test_inference_data_says_what_is_missing(sleep, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "arviz", None)
    with pytest.raises(MlmkitError, match="ArviZ is not installed"):
        sleep.to_inference_data()


# -- other priors ----------------------------------------------------------------------------------


def test_the_same_priors_change_nothing(sleep):
    same = sleep.reweight({})
    assert_allclose(same.ess, sleep.n_draws)
    assert_allclose(same.table.estimate, sleep.table.estimate)


def test_reweighting_agrees_with_sampling_again(sleep):
    priors = {
        ("sd", "Subject", "Days"): "normal(0, 5)",
        "cor": "lkj(2)",
        "sigma": "normal(20, 5)",
        "Intercept": "normal(280, 20)",
    }
    weighted = sleep.reweight(priors)
    assert weighted.ess > 200
    again = brm("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), priors=priors, **SETTINGS).table
    error = again.est_error * np.sqrt(1 / weighted.ess + 1 / again.bulk_ess)
    assert (np.abs(weighted.table.estimate - again.estimate) < 4.5 * error).all()
