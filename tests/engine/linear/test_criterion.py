"""The criterion, its gradient and what follows from a θ, for every way terms can stand to each other and by
every route through the engine: against V formed and inverted, and against differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mlmkit.engine.linear.criterion import lmm_criterion
from mlmkit.engine.random import border, equations, selected
from mlmkit.engine.random import route as routes
from mlmkit.engine.random.blocked import BlockedSystem
from mlmkit.engine.random.border import DenseBorder, SparseBorder
from mlmkit.engine.random.sparse import SparseSystem
from tests.engine.toy import KINDS, BruteForce, block, design, differences, n_theta, toy

ROUTES = (
    "dense border",
    "sparse border",
    "sparse border, pairs kept",
    "sparse system",
    "sparse system, differences",
)


@pytest.fixture(params=ROUTES)
def route(request, monkeypatch):
    """Send small designs through the engine's routes for large ones."""
    if request.param.startswith("sparse system"):
        monkeypatch.setattr(routes, "ALWAYS_DENSE", -1)
        monkeypatch.setattr(routes, "NEVER_DENSE", -1)
    if request.param.endswith("differences"):
        monkeypatch.setattr(selected, "MOST_GATHERED", -1)
    if request.param.startswith("sparse border"):
        monkeypatch.setattr(equations, "SMALL_BORDER", -1)
        monkeypatch.setattr(equations, "DENSE_SHARE", 2.0)
        monkeypatch.setattr(border, "PAIRS_KEPT", 10**7 if "pairs" in request.param else -1)
    return request.param


@pytest.fixture(params=KINDS)
def case(request):
    d = toy(request.param)
    return request.param, d, np.random.default_rng(5).normal(size=n_theta(d))


reml = pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])


@reml
def test_value_is_that_of_the_definition(route, case, reml):
    _, d, theta = case
    assert_allclose(lmm_criterion(d, reml)(theta), BruteForce(d, theta, reml).criterion, rtol=1e-11)


@reml
def test_gradient_is_that_of_differences(route, case, reml):
    _, d, theta = case
    c = lmm_criterion(d, reml)
    value, gradient = c.value_and_gradient(theta)
    assert_allclose(value, c(theta), rtol=1e-13)
    assert_allclose(gradient, differences(c, theta), rtol=1e-4, atol=1e-4)


def test_gradient_at_a_variance_of_zero(case):
    _, d, theta = case
    theta = np.where(np.arange(len(theta)) % 2 == 0, 0.0, theta)
    c = lmm_criterion(d)
    assert_allclose(c.value_and_gradient(theta)[1], differences(c, theta), rtol=1e-5, atol=1e-5)


@reml
def test_estimates_at_a_theta(route, case, reml):
    _, d, theta = case
    estimates, truth = lmm_criterion(d, reml).solve(theta), BruteForce(d, theta, reml)
    assert_allclose(estimates.beta, truth.beta, rtol=1e-9)
    assert_allclose(estimates.vcov, truth.vcov, rtol=1e-8)
    assert_allclose(estimates.sigma, truth.sigma, rtol=1e-9)
    assert_allclose(estimates.loglik, -0.5 * truth.criterion, rtol=1e-11)
    for mode, expected in zip(estimates.modes, truth.modes, strict=True):
        assert_allclose(mode, expected, atol=1e-9)
    residual = d.y - estimates.fitted
    effects = sum((b.Z * m[b.codes]).sum(axis=1) for b, m in zip(d.blocks, estimates.modes, strict=True))
    assert_allclose(residual, truth.residual - effects, atol=1e-9)


def test_conditional_covariance(route, case):
    _, d, theta = case
    covariances = lmm_criterion(d).conditional_covariance(theta)
    for covariance, expected in zip(covariances, BruteForce(d, theta, True).covariances, strict=True):
        assert_allclose(covariance, expected, atol=1e-9)


def test_standard_theta_is_another_name_for_the_same_model(case):
    _, d, theta = case
    c = lmm_criterion(d)
    standard = c.to_standard(theta)
    assert_allclose(c.standard(standard)[0], c(theta), rtol=1e-12)
    assert_allclose(c(c.from_standard(standard)), c(theta), rtol=1e-12)


def test_signs_of_columns_do_not_matter():
    c = lmm_criterion(toy("one term"))
    assert_allclose(c([0.5, 0.3, 0.2]), c([-0.5, -0.3, 0.2]), rtol=1e-14)


def test_routes_are_what_they_claim(route):
    system = lmm_criterion(toy("crossed")).system
    if route.startswith("sparse system"):
        assert isinstance(system, SparseSystem)
        assert (system.inverse is None) == ("differences" in route)
        return
    rows = system.equations.finest_rows
    assert isinstance(rows, DenseBorder if route == "dense border" else SparseBorder)
    if route != "dense border":
        assert (rows.pairs is not None) == ("pairs" in route)


def test_a_model_without_fixed_part():
    d = toy("crossed")
    d = type(d)(**{**vars(d), "X": np.empty((len(d.y), 0))})
    theta = np.full(n_theta(d), 0.5)
    for reml in (True, False):
        assert_allclose(lmm_criterion(d, reml)(theta), BruteForce(d, theta, reml).criterion, rtol=1e-11)
    assert lmm_criterion(d).solve(theta).beta.shape == (0,)


@pytest.mark.parametrize(("local", "kind"), [(True, SparseSystem), (False, BlockedSystem)])
def test_many_crossed_groups_go_sparse_only_where_that_is_less_work(local, kind, monkeypatch):
    monkeypatch.setattr(routes, "ALWAYS_DENSE", 100)
    rng = np.random.default_rng(0)
    pupil = np.repeat(np.arange(500), 8)
    teacher = (pupil * 4 // 5 + rng.integers(0, 3, 4000)) % 400 if local else rng.integers(0, 400, 4000)
    one = np.ones(4000)
    d = design(
        rng.normal(size=4000), one[:, None], [block("pupil", pupil, one), block("teacher", teacher, one)]
    )
    assert isinstance(lmm_criterion(d).system, kind)
