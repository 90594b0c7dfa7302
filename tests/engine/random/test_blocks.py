"""The algebra over groups, against one matrix at a time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mlmkit.engine.random import blocks

J = 7


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture
def positive(rng):
    root = rng.normal(size=(3, 5, J))
    return np.einsum("abj,cbj->acj", root, root)


def each(stack):
    return np.moveaxis(stack, -1, 0)


def test_sums_by_group_count_every_row_once(rng):
    codes, values = rng.integers(0, J, 50), rng.normal(size=(2, 3, 50))
    sums = blocks.sum_by_group(values, codes, J)
    for j in range(J):
        assert_allclose(sums[..., j], values[..., codes == j].sum(axis=-1), atol=1e-14)


def test_products_by_group(rng):
    codes, left, right = rng.integers(0, J - 1, 50), rng.normal(size=(2, 50)), rng.normal(size=(4, 50))
    products, squares = blocks.group_products(left, right, codes, J), blocks.group_squares(left, codes, J)
    for j in range(J):
        rows = codes == j
        assert_allclose(products[..., j], left[:, rows] @ right[:, rows].T, atol=1e-13)
        assert_allclose(squares[..., j], left[:, rows] @ left[:, rows].T, atol=1e-13)


def test_multiplications(rng):
    A, B, C = rng.normal(size=(2, 3, J)), rng.normal(size=(3, 4, J)), rng.normal(size=(2, 4, J))
    assert_allclose(each(blocks.multiply(A, B)), each(A) @ each(B))
    assert_allclose(each(blocks.multiply_transposed(A, C)), each(A).swapaxes(1, 2) @ each(C))
    assert_allclose(each(blocks.transpose(A)), each(A).swapaxes(1, 2))


def test_cholesky_and_what_uses_it(positive, rng):
    L, B = blocks.cholesky(positive), rng.normal(size=(3, 2, J))
    assert_allclose(each(L), np.linalg.cholesky(each(positive)))
    assert_allclose(each(blocks.solve_lower(L, B)), np.linalg.solve(each(L), each(B)))


@pytest.mark.parametrize("zero", [False, True], ids=["regular", "singular"])
def test_posterior_spread(positive, rng, zero):
    Lambda = np.tril(rng.normal(size=(3, 3))) * ([1.0, 1.0, 0.0] if zero else 1.0)
    W, log_determinant = blocks.posterior_spread(positive, Lambda)
    H = Lambda.T @ each(positive) @ Lambda + np.eye(3)
    assert_allclose(each(W), Lambda @ np.linalg.inv(H) @ Lambda.T, atol=1e-13)
    assert_allclose(log_determinant, np.linalg.slogdet(H)[1].sum())
