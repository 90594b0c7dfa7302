"""MINQUE(0): for balanced data the answer, for others the definition."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mlmkit.engine.linear.criterion import lmm_criterion
from mlmkit.engine.linear.lmm import optimise
from mlmkit.engine.random import equations
from mlmkit.engine.random.sparse import sparse_system
from mlmkit.engine.search.start import LARGEST, SMALLEST, quadratic_forms, starting_theta
from tests.engine.toy import KINDS, block, design, toy


@pytest.mark.parametrize("sparse", [False, True], ids=["dense border", "sparse border"])
@pytest.mark.parametrize("kind", KINDS)
def test_forms_and_expectations_are_those_of_the_definition(kind, sparse, monkeypatch):
    if sparse:
        monkeypatch.setattr(equations, "SMALL_BORDER", -1)
        monkeypatch.setattr(equations, "DENSE_SHARE", 2.0)
    c = lmm_criterion(toy(kind))
    expectations, values = quadratic_forms(c.system.equations)
    n = len(c.data.y)
    M = np.eye(n) - c.data.Q.T @ c.data.Q
    whole = [M]
    for term in c.data.terms:
        for column in term.Z:
            Z = np.zeros((n, term.n_groups))
            Z[np.arange(n), term.codes] = column
            whole.insert(-1, M @ Z @ Z.T @ M)
    assert_allclose(values, [c.data.y @ A @ c.data.y for A in whole], rtol=1e-9)
    assert_allclose(expectations, [[np.vdot(A, B) for B in whole] for A in whole], rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_sparse_equations_start_where_blocked_ones_do(kind):
    c = lmm_criterion(toy(kind))
    assert_allclose(sparse_system(c.data).start(), c.system.start(), rtol=1e-6, atol=1e-9)


def test_a_balanced_design_starts_at_its_optimum():
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(20), 6)
    y = rng.normal(size=20)[codes] + rng.normal(size=120)
    c = lmm_criterion(design(y, np.ones((120, 1)), [block("g", codes, np.ones(120))]))
    assert_allclose(c.from_standard(starting_theta(c.system.equations)), optimise(c).theta, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_start_keeps_away_from_zero_and_infinity(seed):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(4), 3)
    c = lmm_criterion(design(rng.normal(size=12), np.ones((12, 1)), [block("g", codes, np.ones(12))]))
    assert SMALLEST <= starting_theta(c.system.equations)[0] <= LARGEST
