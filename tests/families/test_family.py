"""Families against finite differences and scipy's densities."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import mlmkit
from mlmkit.errors import FormulaError
from mlmkit.families import DISTRIBUTIONS, Family, get_family

EVERY = [
    Family(name, link, (2.5 if name == "nbinom" else 0.4) if one.has_dispersion else None)
    for name, one in DISTRIBUTIONS.items()
    if not one.is_sampled_only
    for link in one.links
]


def etas(family):
    """Linear predictors whose means lie inside the family's range."""
    if family.counts_trials:
        return family.eta(np.linspace(0.05, 0.95, 7))
    return family.eta(np.linspace(0.3, 4.0, 7))


def responses(family):
    y = np.array([0.3, 1.2, 2.0, 0.7, 4.0, 3.0, 1.0])
    return (y > 1).astype(float) if family.counts_trials else y


@pytest.mark.parametrize("family", EVERY, ids=str)
class TestEveryFamily:
    def test_score_and_information_are_derivatives_of_the_kernel(self, family):
        eta, y, weights, h = etas(family), responses(family), np.arange(1.0, 8.0), 1e-5

        def kernel(eta):
            return weights * family.kernels(y, family.mean(eta))

        def score(eta):
            return family.working(y, eta, weights).score

        mu = family.mean(eta)
        np.testing.assert_allclose(
            score(eta), (kernel(eta + h) - kernel(eta - h)) / (2 * h), rtol=1e-5, atol=1e-7
        )
        observed = -(score(eta + h) - score(eta - h)) / (2 * h)
        np.testing.assert_allclose(
            family.observed_information(y, eta, mu, weights), observed, rtol=1e-5, atol=1e-6
        )

    def test_expected_information(self, family):
        eta, y, weights = etas(family), responses(family), np.arange(1.0, 8.0)
        fisher = family.working(y, eta, weights).fisher
        expected = weights * family.mean_slope(eta) ** 2 / family.variance(family.mean(eta))
        np.testing.assert_allclose(fisher, expected, rtol=1e-10)

    def test_the_slope_of_laplaces_information(self, family):
        eta, y, weights, h = etas(family), responses(family), np.arange(1.0, 8.0), 1e-5

        def information(eta):
            return family.information(y, eta, family.mean(eta), weights)

        slope = (information(eta + h) - information(eta - h)) / (2 * h)
        np.testing.assert_allclose(
            family.information_slope(y, eta, family.mean(eta), weights), slope, rtol=1e-5, atol=1e-6
        )

    def test_derivatives_by_the_dispersion(self, family):
        if not family.has_dispersion:
            assert family.dispersion is None
            return
        eta, y, weights, h = etas(family), responses(family), np.arange(1.0, 8.0), 1e-6
        mu, distribution = family.mean(eta), family.distribution
        place = distribution.coordinate(family.dispersion)
        up, down = (family.at(distribution.from_coordinate(place + d)) for d in (h, -h))
        slope = distribution.coordinate_slope(place)

        def differences(of):
            return (of(up) - of(down)) / (2 * h)

        score, information = family.working_by_dispersion(y, eta, mu, weights)
        np.testing.assert_allclose(
            slope * score, differences(lambda f: f.working(y, eta, weights).score), rtol=1e-6, atol=1e-8
        )
        np.testing.assert_allclose(
            slope * information,
            differences(lambda f: f.observed_information(y, eta, mu, weights)),
            rtol=1e-6,
            atol=1e-8,
        )

    def test_observed_is_expected_information_when_canonical(self, family):
        eta, y, weights = etas(family), responses(family), np.ones(7)
        mu = family.mean(eta)
        observed = family.observed_information(y, eta, mu, weights)
        equal = np.allclose(observed, family.working(y, eta, weights).fisher, rtol=1e-9)
        assert equal == family.canonical

    def test_deviance_is_zero_at_the_data_and_positive_elsewhere(self, family):
        y = np.array([0.25, 0.5]) if family.counts_trials else np.array([0.5, 2.0])
        np.testing.assert_allclose(family.deviance(y, y), 0, atol=1e-14)
        assert np.all(family.deviance(y, y * 0.9) > 0)
        assert np.all(family.deviance_residuals(y, y * 1.1) < 0)

    def test_start_is_a_valid_mean(self, family):
        y = np.array([0.0, 1.0, 1.0]) if family.distribution.discrete else np.array([0.5, 1.0, 3.0])
        assert family.valid(family.mean(family.start(y, np.ones(3))))


def test_loglik_is_the_full_one():
    y, weights = np.array([0.25, 0.5, 1.0]), np.array([4.0, 2.0, 3.0])
    mu = np.array([0.3, 0.6, 0.7])
    expected = stats.binom.logpmf(weights * y, weights, mu).sum()
    assert Family("binomial").loglik(y, mu, weights) == pytest.approx(expected, rel=1e-12)

    counts, rate = np.array([0.0, 3.0, 11.0]), np.array([0.5, 2.0, 9.0])
    assert Family("poisson").loglik(counts, rate, np.ones(3)) == pytest.approx(
        stats.poisson.logpmf(counts, rate).sum(), rel=1e-12
    )
    times, mean = np.array([0.2, 1.0, 5.0]), np.array([0.5, 1.5, 4.0])
    assert Family("gamma").loglik(times, mean, np.ones(3), 0.4) == pytest.approx(
        stats.gamma.logpdf(times, 1 / 0.4, scale=mean * 0.4).sum(), rel=1e-12
    )
    assert Family("gaussian").loglik(times, mean, weights, 0.4) == pytest.approx(
        stats.norm.logpdf(times, mean, np.sqrt(0.4 / weights)).sum(), rel=1e-12
    )


def test_weight_two_counts_as_two_observations():
    y, mu, trials = np.array([0.25, 0.5]), np.array([0.3, 0.6]), np.array([4.0, 2.0])
    family = Family("binomial")
    once = family.loglik(y, mu, trials)
    assert family.loglik(y, mu, 2 * trials, trials=trials) == pytest.approx(2 * once, rel=1e-12)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_bounded_links_stay_finite_far_out(link):
    family = Family("binomial", link)
    eta, weights = np.array([-800.0, 800.0]), np.ones(2)
    working = family.working(np.array([1.0, 0.0]), eta, weights)
    assert family.valid(working.mu)
    assert np.all(np.isfinite(working.score)) and np.all(np.isfinite(working.fisher))
    assert np.isfinite(family.kernel(np.array([1.0, 0.0]), working.mu, weights))


def test_a_perfect_description_has_no_residual():
    for name, y in (("binomial", np.array([0.0, 1.0])), ("poisson", np.array([0.0]))):
        family, weights = Family(name), np.full(len(y), 3.0)
        assert np.all(family.deviance_residuals(y, y, weights) == 0)
        assert np.all(family.pearson_residuals(y, y, weights) == 0)


@pytest.mark.parametrize(
    ("written", "family"),
    [
        ("binomial", Family("binomial", "logit")),
        ("binomial(probit)", Family("binomial", "probit")),
        ('binomial(link="cloglog")', Family("binomial", "cloglog")),
        ("Gamma", Family("gamma", "inverse")),
        ("gamma(log)", Family("gamma", "log")),
        (("poisson", "log"), Family("poisson", "log")),
        (Family("gaussian", "log"), Family("gaussian", "log")),
        ("gaussian", Family("gaussian", "identity")),
        ("probit", Family("binomial", "probit")),
        ("Logit", Family("binomial", "logit")),
        ("cloglog", Family("binomial", "cloglog")),
        ("cauchit", Family("binomial", "cauchit")),
        ("bernoulli", Family("binomial")),
        ("bernoulli(probit)", Family("binomial", "probit")),
        ("negative binomial", Family("nbinom", "log")),
        ("negative.binomial", Family("nbinom")),
        ("Negative Binomial (link = log)", Family("nbinom")),
        ("nb", Family("nbinom")),
        ("nbinom2", Family("nbinom")),
        ("negbinomial", Family("nbinom")),
        (("nbinom2", "sqrt"), Family("nbinom", "sqrt")),
        ("inverse.gaussian", Family("inverse.gaussian", "1/mu^2")),
        ("inverse gaussian(log)", Family("inverse.gaussian", "log")),
        ("inverse_gaussian(1/mu**2)", Family("inverse.gaussian")),
        (Family("probit"), Family("binomial", "probit")),
        (Family("Inverse Gaussian", "inverse"), Family("inverse.gaussian", "inverse")),
    ],
)
def test_get_family(written, family):
    assert get_family(written) == family
    assert hash(get_family(written)) == hash(family)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("binomail", "binomial"),
        ("probitt", "probit"),
        ("nbinom1", "nbinom"),
        ("probit(logit)", "probit"),
        ("binomial(logitt)", "logit, probit, cloglog"),
        ("poisson(logit)", "log, sqrt, identity"),
        (3, "gaussian, binomial, poisson, nbinom, gamma, inverse.gaussian, student"),
        ("binomial(", "gaussian, binomial, poisson, nbinom, gamma, inverse.gaussian, student"),
    ],
)
def test_unknown_families_list_those_there_are(written, told):
    with pytest.raises(FormulaError, match=told):
        get_family(written)


def test_no_other_room_asks_which_distribution_it_is():
    """The facts of a family are said in `mlmkit/families`: nothing else compares its name with another."""
    names = "|".join(re.escape(name) for name in DISTRIBUTIONS)
    asked = re.compile(rf"""(?:[=!]=|\bin)\s*[(\[{{]?\s*["'](?:{names})["']|family\.name\s*(?:[=!]=|in\b)""")
    for path in (Path(mlmkit.__file__).parent).rglob("*.py"):
        if path.parent.name != "families":
            found = asked.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{path}: {found[0]}"
