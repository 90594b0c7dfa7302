"""Correlation matrices from unbounded numbers: they are correlation matrices, and LKJ's density is right."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mlmkit.bayes.correlation import (
    correlation_factor,
    correlation_length,
    correlation_numbers,
    draw_correlation_factor,
    factor_gradient,
    lkj_exponents,
    lkj_log_density,
)

SIZES = (2, 3, 4)


def numbers(size, seed=0):
    return np.random.default_rng(seed).normal(size=correlation_length(size)) * 0.8


def entries(q, size):
    """R's entries below the diagonal."""
    C = correlation_factor(q, size)
    return (C @ C.T)[np.tril_indices(size, -1)]


def jacobian(function, q, h=1e-6):
    return np.column_stack(
        [(function(q + step) - function(q - step)) / (2 * h) for step in h * np.eye(len(q))]
    )


@pytest.mark.parametrize("size", SIZES)
def test_rows_of_the_factor_have_length_one(size):
    C = correlation_factor(numbers(size), size)
    assert_allclose((C**2).sum(axis=1), 1, rtol=1e-12)
    assert np.all(np.triu(C, 1) == 0) and np.all(np.diag(C) > 0)


@pytest.mark.parametrize("size", SIZES)
def test_numbers_come_back_from_the_factor(size):
    q = numbers(size)
    assert_allclose(correlation_numbers(correlation_factor(q, size)), q, rtol=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_gradient_is_the_derivative(size):
    q, G = numbers(size), np.random.default_rng(1).normal(size=(size, size))
    numeric = jacobian(lambda q: np.array([(G * correlation_factor(q, size)).sum()]), q)[0]
    assert_allclose(factor_gradient(q, G), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("eta", (1.0, 2.5))
@pytest.mark.parametrize("size", SIZES)
def test_lkj_density_is_the_determinant_power_times_the_jacobian(size, eta):
    def direct(q):
        C = correlation_factor(q, size)
        log_jacobian = np.linalg.slogdet(jacobian(lambda q: entries(q, size), q))[1]
        return (eta - 1) * np.linalg.slogdet(C @ C.T)[1] + log_jacobian

    one, other, alpha = numbers(size), numbers(size, seed=2), lkj_exponents(size, eta)
    difference = lkj_log_density(one, alpha)[0] - lkj_log_density(other, alpha)[0]
    assert_allclose(difference, direct(one) - direct(other), rtol=1e-6)


def test_lkj_density_has_its_derivative():
    q, alpha = numbers(3), lkj_exponents(3, 1.7)
    numeric = jacobian(lambda q: np.array([lkj_log_density(q, alpha)[0]]), q)[0]
    assert_allclose(lkj_log_density(q, alpha)[1], numeric, rtol=1e-7)


def test_one_correlation_under_lkj_1_is_uniform():
    rng = np.random.default_rng(3)
    draws = np.array([draw_correlation_factor(rng, 2, 1.0)[1, 0] for _ in range(4000)])
    deciles = np.quantile(draws, np.arange(0.1, 1, 0.1))
    assert_allclose(deciles, np.arange(-0.8, 0.9, 0.2), atol=0.06)


def test_lkj_draws_have_the_variance_of_the_marginal_beta():
    # Each correlation of s = 3 under LKJ(2) is 2 Beta(η + 1/2, η + 1/2) − 1, of variance 1/(2η + 2).
    rng = np.random.default_rng(4)
    factors = [draw_correlation_factor(rng, 3, 2.0) for _ in range(4000)]
    last = np.array([(C @ C.T)[2, 1] for C in factors])
    assert_allclose(last.var(), 1 / 6, rtol=0.1)
