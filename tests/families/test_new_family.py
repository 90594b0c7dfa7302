"""A new distribution is its own class and one entry in the list: every verb takes it, asking nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import mlmkit as mk
from mlmkit.families import DISTRIBUTIONS
from mlmkit.families.distribution import Distribution
from tests.bayes.toy import density


class Geometric(Distribution):
    """Failures before the first success, with their mean as the parameter: V(μ) = μ + μ²."""

    name = "geometric"
    links = ("log",)
    mean_range = (0.0, np.inf)
    separable = ("log",)
    discrete = True
    words = "a geometric count"
    response_is = "a geometric response is a count"
    ratio = "ratio of waits"
    pymc = ("NegativeBinomial", "mu=mu, alpha=1")

    def refused(self, y):
        return (y < 0) | (y != np.round(y))

    def start(self, y, weights):
        return y + 0.1

    def unit_variance(self, mu):
        return mu + mu**2

    def unit_variance_slope(self, mu):
        return 1 + 2 * mu

    def unit_variance_curvature(self, mu):
        return np.full(np.shape(mu), 2.0)

    def unit_kernel(self, y, mu):
        return y * np.log(mu) - (y + 1) * np.log1p(mu)

    def unit_saturated(self, y):
        return self.unit_kernel(np.where(y == 0, 1e-300, y), np.where(y == 0, 1e-300, y))

    def constants(self, y, weights, trials, dispersion):
        return np.zeros(np.shape(y))

    def draw(self, rng, mu, weights, dispersion):
        return rng.geometric(1 / (1 + mu)) - 1.0

    def frozen(self, mu, weights, dispersion):
        return stats.nbinom(1, 1 / (1 + mu))

    def latex(self, mean, beside, weight):
        return rf"\mathrm{{Geometric}}\left({mean}\right)"


@pytest.fixture(autouse=True)
def entered(monkeypatch):
    monkeypatch.setitem(DISTRIBUTIONS, "geometric", Geometric())


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(2)
    g, x = np.repeat(np.arange(30), 10), rng.normal(size=300)
    mu = np.exp(1 + 0.5 * x + 0.5 * rng.normal(size=30)[g])
    return pd.DataFrame(
        {"g": g, "x": x, "arm": np.where(g % 2, "a", "b"), "y": rng.geometric(1 / (1 + mu)) - 1}
    )


def test_it_is_fitted(data):
    fit = mk.glmer("y ~ x + arm + (1|g)", data, "geometric", n_agq=9)
    at_one = fit.loglik - mk.glmer("y ~ x + arm + (1|g)", data, "nbinom", n_agq=9).loglik
    assert (
        -3 < at_one < 1e-6
    )  # a negative binomial of size 1, which is the truth here, and no better than the best size
    assert fit.refit(fit.simulate(1, seed=1)["sim_1"]).converged
    assert "ratio of waits" in str(fit.means("arm").contrasts())
    assert "Geometric" in str(mk.equation(fit)) and "geometric count" in str(mk.describe(fit))
    assert mk.network(fit).nodes and np.isfinite(fit.resid("quantile", seed=1)).all()
    assert np.isfinite(fit.predict(interval="observation")).all(axis=None)
    table = mk.anova(
        mk.glmer("y ~ 1 + (1|g)", data, "geometric"), mk.glmer("y ~ x + (1|g)", data, "geometric")
    )
    assert table["Pr(>Chisq)"].iloc[1] < 1e-6
    assert fit.check(20, seed=1) is not None


def test_it_is_sampled(data):
    model = density("y ~ x + (1|g)", "geometric", data=data)
    q = model.start(np.random.default_rng(1))
    steps = 1e-5 * np.eye(len(q))
    numeric = [
        (model.value_and_gradient(q + h)[0] - model.value_and_gradient(q - h)[0]) / 2e-5 for h in steps
    ]
    assert_allclose(model.value_and_gradient(q)[1], numeric, rtol=1e-5, atol=1e-4)
    settings = {"chains": 2, "draws": 200, "tune": 200, "seed": 1, "cores": 1, "progress": False}
    posterior = mk.brm("y ~ x + (1|g)", data, "geometric", **settings)
    fit = mk.glmer("y ~ x + (1|g)", data, "geometric")
    assert_allclose(posterior.fixef, fit.fixef, atol=0.5 * fit.se.max())
    assert posterior.pp_check(10, seed=1) is not None and np.isfinite(posterior.loo()["elpd_loo"])


def test_it_is_written_for_pymc(data):
    assert "pm.NegativeBinomial('y', mu=mu, alpha=1, observed=y)" in str(
        mk.pymc_model("y ~ x + (1|g)", data, "geometric")
    )
