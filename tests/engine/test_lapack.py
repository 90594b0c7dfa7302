"""Small matrices straight from LAPACK, against numpy."""

import numpy as np
import pytest

from mlmkit.engine.lapack import cholesky, eigh, inverse_of_lower, solve, solve_triangular


@pytest.fixture(params=[1, 2, 5])
def A(request):
    """A positive definite matrix."""
    root = np.random.default_rng(request.param).normal(size=(request.param, request.param + 2))
    return root @ root.T


def test_cholesky(A):
    np.testing.assert_allclose(cholesky(A), np.linalg.cholesky(A), rtol=1e-12)


def test_inverse_of_lower(A):
    L = np.linalg.cholesky(A)
    np.testing.assert_allclose(inverse_of_lower(L), np.linalg.inv(L), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("columns", [(), (3,), (0,)])
def test_solutions(A, columns):
    right, L = np.random.default_rng(9).normal(size=(len(A), *columns)), np.linalg.cholesky(A)
    np.testing.assert_allclose(solve(A, right), np.linalg.solve(A, right), rtol=1e-9)
    for T, lower in ((L, True), (L.T, False)):
        for transposed in (False, True):
            found = solve_triangular(T, right, lower, transposed)
            assert found.shape == right.shape
            np.testing.assert_allclose((T.T if transposed else T) @ found, right, rtol=1e-9)


def test_nothing_to_solve():
    assert solve_triangular(np.zeros((0, 0)), np.zeros((0, 2))).shape == (0, 2)


def test_eigh(A):
    values, vectors = eigh(A)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(A), rtol=1e-9)
    np.testing.assert_allclose(vectors * values @ vectors.T, A, rtol=1e-9)


def test_arguments_are_left_alone(A):
    before, right = A.copy(), np.ones(len(A))
    cholesky(A), eigh(A), solve(A, right), inverse_of_lower(A), solve_triangular(A, right)
    np.testing.assert_array_equal(A, before)
    np.testing.assert_array_equal(right, 1.0)


@pytest.mark.parametrize(
    "impossible",
    [
        lambda: cholesky(-np.eye(2)),
        lambda: inverse_of_lower(np.zeros((2, 2))),
        lambda: solve(np.zeros((2, 2)), np.ones(2)),
        lambda: solve_triangular(np.zeros((2, 2)), np.ones(2)),
    ],
)
def test_no_solution_is_an_error(impossible):
    with pytest.raises(np.linalg.LinAlgError):
        impossible()
