"""The sampler finds the posteriors that other methods find."""

import threading

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from mlmkit.bayes import brm
from mlmkit.bayes.sampling import _Guarded, _learnt, _progress, posterior_scales
from mlmkit.datasets import load_data
from mlmkit.engine.random import arrange
from mlmkit.errors import FitWarning, MlmkitError
from mlmkit.models import glmer, lmer
from tests.bayes.toy import density, toy

QUICK = {"chains": 2, "draws": 200, "tune": 200, "seed": 1, "cores": 1, "progress": False}

#: 100,000 draws of another sampler on the same posterior: mean, SD, and the 2.5% and 97.5% quantiles.
SLEEP = {
    "sd(Intercept)": (26.85, 6.84, 15.55, 42.32),
    "sd(Days)": (6.57, 1.52, 4.15, 10.15),
    "cor(Intercept,Days)": (0.09, 0.30, -0.48, 0.67),
    "Intercept": (251.22, 7.38, 236.48, 265.75),
    "Days": (10.43, 1.71, 7.04, 13.81),
    "sigma": (25.91, 1.56, 23.07, 29.19),
}


@pytest.fixture(scope="module")
def sleep():
    return brm("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=20, progress=False)


def test_sleepstudy_is_within_monte_carlo_error_of_the_long_run(sleep):
    table = sleep.table.set_index("term")
    assert set(table.index) == set(SLEEP)
    for term, (mean, sd, lower, upper) in SLEEP.items():
        row = table.loc[term]
        error = sd / np.sqrt(row.bulk_ess)
        assert_allclose(row.estimate, mean, atol=4 * error + 0.005, err_msg=term)
        assert_allclose(row.est_error, sd, rtol=0.12, err_msg=term)
        # A quantile at 2.5% of a normal has about 2.7 times the mean's error; these tails are longer.
        assert_allclose([row.lower, row.upper], [lower, upper], atol=0.25 * sd, err_msg=term)


def test_sleepstudy_mixes(sleep):
    assert (sleep.table.rhat <= 1.01).all()
    assert (sleep.table.bulk_ess >= 1000).all() and (sleep.table.tail_ess >= 1000).all()
    assert sleep.diverging.sum() == 0 and sleep.messages == ()


def rats_by_quadrature():
    """Posterior mean and SD of b and τ on a grid, each batch's log odds integrated out."""
    rats = load_data("rats")
    b, tau = np.linspace(-2.6, -1.3, 60), np.linspace(0.15, 1.5, 70)
    nodes, weights = hermegauss(80)
    weights = weights / weights.sum()
    p = 1 / (1 + np.exp(-(b[:, None, None] + tau[:, None] * nodes)))
    log_density = stats.t.logpdf(b, 3, 0, 2.5)[:, None] + stats.t.logpdf(tau, 3, 0, 2.5)
    for n, m in rats[["n", "m"]].value_counts().items():
        log_density = log_density + m * np.log(stats.binom.pmf(n[1], n[0], p) @ weights)
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    moments = []
    for x, mass in ((b, density.sum(axis=1)), (tau, density.sum(axis=0))):
        moments.append((mass @ x, np.sqrt(mass @ x**2 - (mass @ x) ** 2)))
    return moments


def test_rats_agrees_with_quadrature():
    posterior = brm(
        "cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats"), "binomial", chains=2, seed=4, progress=False
    )
    table = posterior.table.set_index("term")
    for term, (mean, sd) in zip(("Intercept", "sd(Intercept)"), rats_by_quadrature(), strict=True):
        row = table.loc[term]
        assert_allclose(row.estimate, mean, atol=4 * sd / np.sqrt(row.bulk_ess), err_msg=term)
        assert_allclose(row.est_error, sd, rtol=0.15, err_msg=term)


@pytest.mark.slow
def test_mathachieve_is_close_to_lmer():
    data = load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    formula = "mathach ~ ses * himinty + (ses|school)"
    posterior = brm(formula, data, seed=5, progress=False)
    assert_allclose(posterior.fixef, lmer(formula, data).fixef, atol=0.05)
    assert (posterior.table.rhat <= 1.02).all()


def test_a_strong_prior_is_obeyed():
    data = toy()
    priors = {"b": "normal(5, 0.05)", "sd": "normal(0, 0.05)", "Intercept": "normal(21, 0.05)"}
    posterior = brm("y ~ x + (1|class)", data, priors=priors, **{**QUICK, "draws": 400})
    assert_allclose(posterior.fixef["x"], 5, atol=0.1)
    assert_allclose(posterior.fixef["Intercept"] + posterior.fixef["x"] * data.x.mean(), 21, atol=0.1)
    assert posterior.table.estimate[0] < 0.1


@pytest.mark.parametrize(
    ("formula", "family"), [("y ~ x + (1|class)", "gaussian"), ("hit ~ x + (1|item)", "binomial")]
)
def test_same_seed_same_draws_over_processes_or_not(formula, family):
    settings = {**QUICK, "draws": 30, "tune": 30}
    with pytest.warns(FitWarning):  # sixty draws are too few, and are said to be
        one, other = (brm(formula, toy(), family, **{**settings, "cores": cores}) for cores in (1, 2))
        different = brm(formula, toy(), family, **{**settings, "seed": 2})
    assert_array_equal(one.draws, other.draws)
    assert not np.array_equal(one.draws, different.draws)
    assert not np.array_equal(one.beta[0], one.beta[1])  # the chains differ


def test_too_few_draws_are_said_plainly():
    with pytest.warns(FitWarning, match="independent ones"):
        brm("y ~ x + (1|class)", toy(), **{**QUICK, "draws": 20, "tune": 50})


@pytest.mark.parametrize("settings", [{"chains": 0}, {"draws": 0}, {"tune": 2.5}, {"draws": "many"}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(MlmkitError, match=next(iter(settings))):
        brm("y ~ x + (1|class)", toy(), **{**QUICK, **settings})


def test_a_student_gives_far_rows_less_weight():
    """Against exact maximum likelihood by quadrature and another sampler: ν about 3, σ about 15, where lmer has 25.6."""
    posterior = brm(
        "Reaction ~ Days + (Days|Subject)",
        load_data("sleepstudy"),
        "student",
        chains=2,
        draws=400,
        tune=400,
        seed=1,
        progress=False,
    )
    table = posterior.table.set_index("term")["estimate"]
    assert table["nu"] == pytest.approx(3.4, abs=0.4) and table["sigma"] == pytest.approx(15.1, abs=0.7)
    assert table["Days"] == pytest.approx(10.54, abs=0.35) and table["sd(Intercept)"] == pytest.approx(
        32.3, abs=2
    )
    assert (
        list(posterior.draws.columns[-2:]) == ["sigma", "nu"]
        and posterior.varcorr["group"].iloc[-1] == "Residual"
    )


@pytest.mark.parametrize(
    ("formula", "family", "response"),
    [
        ("y ~ x + (1|g)", "nbinom", "counts"),
        ("y ~ x + (1|g)", "gamma(log)", "times"),
        ("y ~ x + (1|g)", "inverse.gaussian(log)", "times"),
    ],
)
def test_other_families_agree_with_maximum_likelihood(formula, family, response):
    rng = np.random.default_rng(8)
    g, x = np.repeat(np.arange(30), 10), rng.normal(size=300)
    mu = np.exp(1 + 0.4 * x + 0.5 * rng.normal(size=30)[g])
    y = rng.poisson(mu * rng.gamma(3, 1 / 3, 300)) if response == "counts" else rng.gamma(4, mu / 4)
    data = pd.DataFrame({"g": g, "x": x, "y": y})
    fit = glmer(formula, data, family, n_agq=11)
    posterior = brm(formula, data, family, chains=2, draws=400, tune=400, seed=2, progress=False)
    assert_allclose(posterior.fixef, fit.fixef, atol=0.5 * fit.se.max())
    shape = posterior.draws["shape"]
    ours = fit.dispersion if family == "nbinom" else 1 / fit.dispersion
    assert shape.quantile(0.2) < ours < shape.quantile(0.8)
    assert posterior.predictive(seed=1).mean() == pytest.approx(data["y"].mean(), rel=0.05)
    assert posterior.loo().high_k < 5


def test_where_no_thread_can_start_nobody_watches(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    shown = brm("y ~ x + (1|class)", toy(), **(QUICK | {"progress": True}))
    hidden = brm("y ~ x + (1|class)", toy(), **QUICK)
    assert_array_equal(shown.draws, hidden.draws)


def test_workers_are_as_many_as_may_be_used(monkeypatch):
    asked = []
    monkeypatch.setattr(joblib, "cpu_count", lambda: 1)
    monkeypatch.setattr(
        joblib, "Parallel", lambda n_jobs: asked.append(n_jobs) or (lambda jobs: [f(*a) for f, a, _ in jobs])
    )
    brm("y ~ x + (1|class)", toy(), **{k: v for k, v in QUICK.items() if k != "cores"})
    assert asked == [1]


def test_crossed_groups_in_sparse_equations_give_the_same_draws(monkeypatch):
    """Many groups that meet few of each other are held in sparse matrices; the density is the same either way."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"g": rng.integers(0, 60, 240), "h": rng.integers(0, 60, 240), "x": rng.normal(size=240)}
    )
    data["y"] = (
        data["x"] + rng.normal(size=60)[data["g"]] + rng.normal(size=60)[data["h"]] + rng.normal(size=240)
    )
    one = density("y ~ x + (1|g) + (1|h)", data=data)
    monkeypatch.setattr(arrange, "is_sparse", lambda *_: True)
    other = density("y ~ x + (1|g) + (1|h)", data=data)
    q = one.start(np.random.default_rng(2))
    for a, b in zip(one.value_and_gradient(q), other.value_and_gradient(q), strict=True):
        assert_allclose(b, a, rtol=1e-9, atol=1e-9)


def test_what_is_learnt_of_the_sizes_counts_by_its_draws_against_five():
    q = np.array([[1.0, 0.0], [3.0, 0.0], [1.0, 0.0], [3.0, 0.0], [2.0, 0.0]])
    learnt = _learnt(np.array([2.0, 4.0]), q)
    assert_allclose(learnt, np.sqrt([0.5 * 0.8 + 0.5 * 4, 0.5 * 16]))
    assert_allclose(
        _learnt(np.array([2.0, 4.0]), np.repeat(q, 9, axis=0)), np.sqrt([0.9 * 0.8 + 0.1 * 4, 0.1 * 16])
    )


def test_the_bar_begins_at_none_though_the_starting_points_are_counted():
    """Each chain counts its start as a step; so it begins one below."""
    with _progress(3, 10) as path:
        assert np.fromfile(path, dtype=np.int64).tolist() == [-1, -1, -1]


def test_a_step_begins_with_the_sds_that_so_many_groups_and_rows_give():
    model = density("y ~ x + (x|class)")
    scales, (part,), own = posterior_scales(model), model.parameters.covariances, model.parameters.own
    assert_allclose(scales[part.log_sd], 1 / np.sqrt(2 * 12))
    assert_allclose(scales[part.cor], 1 / np.sqrt(12))
    assert_allclose(scales[own], 1 / np.sqrt(2 * 60))


@pytest.mark.parametrize(
    ("formula", "family"), [("y ~ x + (x|class)", "gaussian"), ("hit ~ x + (1|class)", "binomial")]
)
def test_what_is_sampled_is_minus_the_log_posterior_with_its_slope(formula, family):
    model = density(formula, family)
    q, guarded = model.start(np.random.default_rng(3)), _Guarded(model)
    value, gradient = model.value_and_gradient(q)
    slope, height = guarded.gradient(q)
    assert guarded.value(q) == height == -value
    assert_array_equal(slope, -gradient)
