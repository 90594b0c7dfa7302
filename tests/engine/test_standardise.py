"""Common scale: what is taken out comes back."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mlmkit.engine.standardise import orthonormal, standardise
from mlmkit.errors import DataError
from tests.engine.toy import block, design, toy


@pytest.mark.parametrize("weighted", [False, True])
def test_the_parts_make_up_the_data_again(weighted):
    d = toy("crossed", weighted=weighted)
    data, root = standardise(d), np.sqrt(d.weights)
    assert_allclose(data.Q @ data.Q.T, np.eye(2), atol=1e-13)
    assert_allclose(data.Q.T @ data.R, d.X * root[:, None])
    assert_allclose(data.scale * data.y + data.coefficients @ data.Q, root * (d.y - d.offset))
    assert_allclose(data.y @ data.Q.T, 0.0, atol=1e-12)
    assert_allclose(data.y @ data.y, data.n)
    assert_allclose(data.log_weights, np.log(d.weights).sum())
    for term, b in zip(data.terms, d.blocks, strict=True):
        assert_allclose(term.Z @ term.Z.T / data.n, np.eye(term.size), atol=1e-12)
        assert_allclose(term.Z.T @ term.R, b.Z * root[:, None])


def test_a_far_off_predictor_is_as_orthonormal_as_any():
    x = 1e9 + np.arange(200.0)
    data = standardise(design(np.sin(x), np.column_stack([np.ones(200), x])))
    assert_allclose(data.Q @ data.Q.T, np.eye(2), atol=1e-13)


def test_collinear_regressors_of_a_term_are_only_scaled():
    one, codes = np.ones(60), np.arange(60) % 6
    d = design(
        np.sin(codes + 1.0) + np.cos(np.arange(60.0)),
        one[:, None],
        [block("g", codes, np.column_stack([one, 2 * one]))],
    )
    (term,) = standardise(d).terms
    assert_allclose(term.R, np.diag([1.0, 2.0]))
    assert_allclose(term.Z, 1.0)


def test_rows_of_weight_zero_do_not_count():
    d = toy("one term")
    d.weights[:10] = 0.0
    data = standardise(d)
    assert data.n == len(d.y) - 10
    assert np.isfinite(data.log_weights)


def test_an_exact_fixed_part_leaves_no_variance():
    x = np.arange(20.0)
    with pytest.raises(DataError, match="no variance"):
        standardise(design(2.0 + 3.0 * x, np.column_stack([np.ones(20), x])))


@pytest.mark.parametrize("mean", [0.0, 100.0, 1e8], ids=["Cholesky once", "Cholesky twice", "Householder"])
def test_orthonormal_columns(mean):
    columns = np.random.default_rng(0).normal(size=(3, 50)) + [[0.0], [mean], [0.0]]
    columns[0] = 1.0
    Q, R = orthonormal(columns)
    np.testing.assert_allclose(R.T @ Q, columns, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(Q @ Q.T, np.eye(3), atol=1e-11)
    assert np.all(np.tril(R, -1) == 0.0)
