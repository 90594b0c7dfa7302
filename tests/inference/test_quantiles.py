"""Quantiles of observations whose linear predictor is uncertain."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from mlmkit.families import Family
from mlmkit.inference.quantiles import mixture_quantile

EDGES = (0.025, 0.5, 0.975)


def test_without_uncertainty_they_are_the_distributions_own():
    eta, none, trials = np.array([-1.0, 0.5]), np.zeros(2), np.array([20.0, 7.0])
    p = 1 / (1 + np.exp(-eta))
    binomial = mixture_quantile(Family("binomial"), eta, none, trials, 1.0, EDGES)
    assert_allclose(binomial * trials, [stats.binom.ppf(q, trials, p) for q in EDGES])
    poisson = mixture_quantile(Family("poisson"), eta, none, trials, 1.0, EDGES)
    assert_allclose(poisson, [stats.poisson.ppf(q, np.exp(eta)) for q in EDGES])


@pytest.mark.parametrize(("family", "tolerance"), [("poisson", 1.0), ("gamma(log)", 0.15)])
def test_with_it_they_are_those_of_draws(family, tolerance):
    rng, (name, _, link) = np.random.default_rng(3), family.replace(")", "").partition("(")
    chosen = Family(name, link)
    mu = chosen.mean(1.5 + 0.7 * rng.standard_normal(200_000))
    draws = chosen.draw(rng, mu, np.ones_like(mu), 0.5)
    ours = mixture_quantile(chosen, np.array([1.5]), np.array([0.7]), np.ones(1), 0.5, EDGES)[:, 0]
    assert_allclose(ours, np.quantile(draws, EDGES), atol=tolerance * (name == "poisson"), rtol=0.03)


def test_a_normal_mixture_is_normal():
    ours = mixture_quantile(
        Family("gaussian", "identity"), np.array([2.0]), np.array([3.0]), np.array([4.0]), 16.0, EDGES
    )
    assert_allclose(ours[:, 0], stats.norm.ppf(EDGES, 2.0, np.sqrt(9 + 4)), rtol=2e-3)
