"""Least squares against its definition, and the full log likelihood."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from mlmkit.engine.linear.lm import fit_lm
from mlmkit.errors import DataError
from tests.engine.toy import design


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    return X, X @ [1.0, 2.0, -1.0] + rng.normal(size=40), rng.uniform(0.5, 3.0, 40), rng.normal(size=40)


def test_weighted_least_squares(data):
    X, y, w, offset = data
    fit = fit_lm(design(y, X, weights=w, offset=offset))
    information = X.T @ (w[:, None] * X)
    beta = np.linalg.solve(information, X.T @ (w * (y - offset)))
    assert_allclose(fit.beta, beta)
    residual = y - offset - X @ beta
    assert_allclose(fit.sigma**2, np.sum(w * residual**2) / 37)
    assert_allclose(fit.vcov, fit.sigma**2 * np.linalg.inv(information))
    assert_allclose(fit.fitted, X @ beta + offset)


def test_log_likelihood_is_the_full_one_at_its_maximum(data):
    X, y, w, _ = data
    fit = fit_lm(design(y, X, weights=w))
    sd = np.sqrt(np.mean(w * (y - fit.fitted) ** 2) / w)
    assert_allclose(fit.loglik, norm.logpdf(y, fit.fitted, sd).sum())
    assert_allclose(fit.criterion, -2.0 * fit.loglik)


def test_rows_of_weight_zero_do_not_count(data):
    X, y, w, _ = data
    w = np.where(np.arange(40) < 10, 0.0, w)
    all_rows, kept = fit_lm(design(y, X, weights=w)), fit_lm(design(y[10:], X[10:], weights=w[10:]))
    for name in ("beta", "vcov", "sigma", "loglik"):
        assert_allclose(getattr(all_rows, name), getattr(kept, name))


def test_a_far_off_predictor_costs_no_digits():
    x = 1e8 + np.arange(50.0)
    y = 3.0 + 2.0 * (x - 1e8) + np.sin(x)
    far = fit_lm(design(y, np.column_stack([np.ones(50), x])))
    near = fit_lm(design(y, np.column_stack([np.ones(50), x - 1e8])))
    assert_allclose(
        [far.beta[1], far.sigma, far.criterion], [near.beta[1], near.sigma, near.criterion], rtol=1e-7
    )


def test_as_many_coefficients_as_rows_is_refused(data):
    X, y, _, _ = data
    with pytest.raises(DataError, match="3 coefficients but only 3 rows"):
        fit_lm(design(y[:3], X[:3]))
