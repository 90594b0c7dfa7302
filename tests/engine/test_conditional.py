"""How well the groups' effects are known: by the textbook, and as lme4 prints it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.engine import conditional_covariance, lmm_criterion, textbook
from tests.engine.routes import ROUTES, take
from tests.engine.toy import KINDS, n_theta, toy


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_that_of_the_textbook(kind, route, monkeypatch):
    take(route, monkeypatch)
    d = toy(kind)
    theta = np.random.default_rng(5).normal(size=n_theta(d))
    estimates = lmm_criterion(d).solve(theta)
    whole, start = textbook.mode_covariance(d, estimates.theta, estimates.sigma), 0
    for covariance in conditional_covariance(d, estimates):
        J, s, _ = covariance.shape
        own = whole[start : start + J * s, start : start + J * s].reshape(J, s, J, s)
        assert_allclose(covariance, np.einsum("jajb->jab", own), atol=1e-9)
        start += J * s


def test_of_the_first_subject():
    """lme4's ranef(fit, condVar = TRUE) for subject 308, after a tight fit."""
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"))
    (covariances,) = conditional_covariance(fit.design, fit.estimates)
    assert_allclose(covariances[0], [[145.705094, -21.4444251], [-21.4444251, 5.3122735]], rtol=1e-6)


def test_a_variance_of_zero_leaves_nothing_unknown():
    d = toy("crossed")
    estimates = lmm_criterion(d).solve(np.array([0.5, 0.1, 0.2, 0.0, 0.0, 0.0, 0.3]))
    assert np.all(conditional_covariance(d, estimates)[1] == 0.0)
