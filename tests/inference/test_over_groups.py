"""Integrals over groups against adaptive quadrature."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm

from mlmkit.errors import DataError
from mlmkit.families import Family
from mlmkit.inference import over_groups
from mlmkit.inference.over_groups import (
    mean_over_groups,
    means_in_range,
    slope_over_groups,
    variance_of_part,
    variances,
)

LOGIT = Family("binomial")


def expectation(function, mean, sd):
    return quad(lambda z: function(mean + sd * z) * norm.pdf(z), -12, 12, epsabs=1e-13)[0]


def test_means_and_variances_are_the_integrals():
    first = expectation(LOGIT.mean, -1.9, 1.2)
    second = expectation(lambda eta: LOGIT.mean(eta) ** 2, -1.9, 1.2)
    assert_allclose(mean_over_groups(LOGIT, -1.9, 1.2), first, rtol=1e-9)
    between, within = variances(LOGIT, np.array(-1.9), np.array(1.2), 1.0)
    assert_allclose([between, within], [second - first**2, first - second], rtol=1e-8)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
@pytest.mark.parametrize("sd", [0.0, 0.3, 4.6, 15.0, 60.0])
def test_wide_groups_too(link, sd):
    family = Family("binomial", link)
    cuts = sorted({-12.0, 12.0, *(np.clip((1.3 + d) / max(sd, 0.1), -11, 11) for d in (-40, -4, 0, 4, 40))})
    exact = sum(
        quad(lambda z: family.mean(np.array(-1.3 + sd * z)) * norm.pdf(z), low, high, epsabs=1e-14)[0]
        for low, high in pairwise(cuts)
    )
    assert_allclose(mean_over_groups(family, -1.3, sd), exact, rtol=1e-7)
    slope = (mean_over_groups(family, -1.3 + 1e-4, sd) - mean_over_groups(family, -1.3 - 1e-4, sd)) / 2e-4
    assert_allclose(slope_over_groups(family, -1.3, sd), slope, rtol=1e-6)


def test_many_rows_are_done_in_pieces(monkeypatch):
    eta, sd = np.linspace(-3, 2, 50), np.linspace(0, 2, 50)
    whole = mean_over_groups(LOGIT, eta, sd)
    monkeypatch.setattr(over_groups, "AT_A_TIME", 700)
    assert_allclose(mean_over_groups(LOGIT, eta, sd), whole, rtol=1e-12)


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


def test_a_mean_out_of_range_is_refused_unless_it_next_to_never_occurs():
    identity = Family("poisson", "identity")
    assert_allclose(means_in_range(identity, np.array([1.0, 2.0, 3.0])), [1, 2, 3])
    for eta in ([1.0, 2.0, -3.0], [-1.0, 2.0, 3.0], [1.0, -2.0, 3.0]):
        with pytest.raises(DataError, match="no mean for some of the linear predictors"):
            means_in_range(identity, np.array(eta))
    rare = means_in_range(identity, np.array([1.0, 2.0, -3.0]), np.array([0.5, 0.5, 1e-9]))
    assert_allclose(rare, [1, 2, 2])  # the middle one's
    with pytest.raises(DataError):
        means_in_range(identity, np.array([1.0, -2.0, 3.0]), np.array([0.5, 1e-9, 0.5]))
