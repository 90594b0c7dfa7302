"""Integrals over groups against adaptive quadrature."""

import numpy as np
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm

from mlmkit.families import Family
from mlmkit.inference.margins import mean_over_groups, variance_of_part, variances

LOGIT = Family("binomial")


def expectation(function, mean, sd):
    return quad(lambda z: function(mean + sd * z) * norm.pdf(z), -12, 12, epsabs=1e-13)[0]


def test_means_and_variances_are_the_integrals():
    first = expectation(LOGIT.mean, -1.9, 1.2)
    second = expectation(lambda eta: LOGIT.mean(eta) ** 2, -1.9, 1.2)
    assert_allclose(mean_over_groups(LOGIT, -1.9, 1.2), first, rtol=1e-9)
    between, within = variances(LOGIT, np.array(-1.9), np.array(1.2), 1.0)
    assert_allclose([between, within], [second - first**2, first - second], rtol=1e-8)


def test_a_lognormal_is_known():
    log = Family("poisson")
    assert_allclose(mean_over_groups(log, 0.3, 0.8), np.exp(0.3 + 0.32), rtol=1e-12)
    between, _ = variances(log, np.array(0.3), np.array(0.8), 1.0)
    assert_allclose(between, np.exp(0.6 + 0.64) * np.expm1(0.64), rtol=1e-8)


def test_a_parts_variance():
    """Log link: E[μ | part] is e^part times a constant. Nothing else in η: all of the variance."""
    log = Family("poisson")
    part = variance_of_part(log, np.array(0.3), np.array(0.5), np.array(0.6))
    assert_allclose(part, np.exp(0.6 + 0.36 + 0.25) * np.expm1(0.25), rtol=1e-8)
    alone = variance_of_part(LOGIT, np.array(-1.0), np.array(0.9), np.array(0.0))
    assert_allclose(alone, variances(LOGIT, np.array(-1.0), np.array(0.9), 1.0)[0], rtol=1e-8)
