"""θ ↔ Λ: lme4's order, and the one form among the equivalent ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from mlmkit.engine.covariance import (
    factors_from_theta,
    is_clear_of,
    join_factors,
    lower_triangular,
    shift_left,
    theta_from_factors,
    theta_length,
    with_positive_diagonal,
)

seeds = st.integers(0, 10_000)


def test_theta_runs_down_the_columns():
    (Lambda,) = factors_from_theta(np.arange(1.0, 7.0), [3])
    assert_array_equal(Lambda, [[1, 0, 0], [2, 4, 0], [3, 5, 6]])


def test_theta_goes_term_by_term_and_back():
    theta = np.arange(1.0, 6.0)
    factors = factors_from_theta(theta, [1, 2, 1])
    assert [len(Lambda) for Lambda in factors] == [1, 2, 1]
    assert_array_equal(theta_from_factors(factors), theta)


@pytest.mark.parametrize(("size", "length"), [(1, 1), (2, 3), (5, 15)])
def test_theta_length(size, length):
    assert theta_length(size) == length


def test_joined_terms_are_uncorrelated():
    joined = join_factors([np.array([[2.0]]), np.array([[1.0, 0.0], [3.0, 4.0]])])
    assert_array_equal(joined, [[2, 0, 0], [0, 1, 0], [0, 3, 4]])


@settings(deadline=None)
@given(seeds, st.integers(1, 5))
def test_lower_triangular_keeps_the_covariance(seed, size):
    factor = np.random.default_rng(seed).normal(size=(size, size))
    Lambda = lower_triangular(factor)
    assert_allclose(Lambda @ Lambda.T, factor @ factor.T, atol=1e-12)
    assert_array_equal(np.triu(Lambda, 1), 0.0)
    assert np.all(np.diag(Lambda) >= 0.0)


def test_lower_triangular_keeps_a_singular_covariance_singular():
    assert_allclose(
        lower_triangular(np.array([[1.0, 2.0], [2.0, 4.0]])), np.sqrt(5) * np.array([[1, 0], [2, 0]])
    )
    assert lower_triangular(np.outer([1.0, 3.0, -2.0], [1.0, 2.0, 3.0]))[1:, 1:].any() == np.False_


def test_signs_of_columns_are_free_and_chosen_positive():
    Lambda = np.array([[-1.0, 0.0], [2.0, -3.0]])
    flipped = with_positive_diagonal(Lambda)
    assert_array_equal(flipped, [[1, 0], [-2, 3]])
    assert_allclose(flipped @ flipped.T, Lambda @ Lambda.T)


def test_a_column_with_a_zero_diagonal_takes_its_sign_from_its_first_entry():
    assert_array_equal(
        with_positive_diagonal(np.array([[1.0, 0.0, 0.0], [0, 0, 0], [0, -2.0, 0]]))[2, 1], 2.0
    )


def test_columns_move_into_empty_places():
    Lambda = np.array([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    shifted = shift_left(Lambda)
    assert_array_equal(shifted, [[0, 0, 0], [2, 0, 0], [1, 3, 0]])
    assert_allclose(shifted @ shifted.T, Lambda @ Lambda.T)


@given(seeds, st.integers(1, 4))
def test_the_cheap_look_at_traces_is_never_wrong(seed, size):
    rng = np.random.default_rng(seed)
    Lambda = np.tril(rng.normal(size=(size, size)) * 10.0 ** rng.integers(-4, 2, size))
    trace = 10.0 ** rng.integers(-5, 1)
    if is_clear_of(Lambda, trace):
        assert np.linalg.svd(Lambda, compute_uv=False)[-1] > trace * (1.0 - 1e-9)
    assert is_clear_of(np.eye(size), 0.4)
    assert not is_clear_of(np.zeros((size, size)), trace)
