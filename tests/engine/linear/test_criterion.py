"""The criterion, its gradient and what follows from a θ, for every way terms can stand to each other and by
every route through the engine: against V formed and inverted, and against differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mlmkit.engine import textbook
from mlmkit.engine.linear.criterion import lmm_criterion
from mlmkit.engine.random import route as routes
from mlmkit.engine.random import selected
from mlmkit.engine.random.sparse_tail import SparseTail
from mlmkit.engine.random.tail import DenseTail
from tests.engine.routes import ROUTES, take
from tests.engine.toy import KINDS, block, design, differences, n_theta, toy


@pytest.fixture(params=ROUTES)
def route(request, monkeypatch):
    """Send small designs through the engine's routes for large ones."""
    take(request.param, monkeypatch)
    return request.param


@pytest.fixture(params=KINDS)
def case(request):
    d = toy(request.param)
    return request.param, d, np.random.default_rng(5).normal(size=n_theta(d))


def criterion_by_the_book(d, theta, reml):
    return (textbook.reml_criterion if reml else textbook.deviance)(d, theta)


reml = pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])


@reml
def test_value_is_that_of_the_definition(route, case, reml):
    _, d, theta = case
    assert_allclose(lmm_criterion(d, reml)(theta), criterion_by_the_book(d, theta, reml), rtol=1e-11)


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
    estimates = lmm_criterion(d, reml).solve(theta)
    b, sigma = textbook.best_b_and_sigma(d, theta, reml)
    assert_allclose(estimates.beta, b, rtol=1e-9)
    assert_allclose(estimates.vcov, textbook.gls(d.y, d.X, textbook.make_V(d, theta, sigma))[1], rtol=1e-8)
    assert_allclose(estimates.sigma, sigma, rtol=1e-9)
    assert_allclose(estimates.loglik, -0.5 * criterion_by_the_book(d, theta, reml), rtol=1e-11)
    modes = textbook.modes(d, theta)
    for mode, expected in zip(estimates.modes, modes, strict=True):
        assert_allclose(mode, expected, atol=1e-9)
    effects = textbook.make_Z(d) @ np.concatenate([mode.ravel() for mode in modes])
    assert_allclose(estimates.fitted, d.X @ b + effects + d.offset, atol=1e-9)


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
    arranged = lmm_criterion(toy("crossed")).equations.products.pattern
    assert isinstance(arranged.tail, SparseTail if route == "sparse tail" else DenseTail)
    assert (len(arranged.cells.group) == 0) == (route == "whole")
    assert (arranged.cells.pairs is not None) == (route in {"cells, pairs kept", "sparse tail"})


def test_a_sparse_tail_whose_inverse_takes_too_much_memory_becomes_dense(monkeypatch):
    take("sparse tail", monkeypatch)
    monkeypatch.setattr(selected, "MOST_GATHERED", -1)
    assert isinstance(lmm_criterion(toy("crossed")).equations.products.pattern.tail, DenseTail)


def test_a_model_without_fixed_part():
    d = toy("crossed")
    d = type(d)(**{**vars(d), "X": np.empty((len(d.y), 0))})
    theta = np.full(n_theta(d), 0.5)
    for reml in (True, False):
        assert_allclose(lmm_criterion(d, reml)(theta), criterion_by_the_book(d, theta, reml), rtol=1e-11)
    assert lmm_criterion(d).solve(theta).beta.shape == (0,)


@pytest.mark.parametrize(("local", "kind"), [(True, SparseTail), (False, DenseTail)])
def test_many_crossed_groups_go_sparse_only_where_that_is_less_work(local, kind, monkeypatch):
    monkeypatch.setattr(routes, "ALWAYS_DENSE", 100)
    rng = np.random.default_rng(0)
    pupil = np.repeat(np.arange(500), 8)
    teacher = (pupil * 4 // 5 + rng.integers(0, 3, 4000)) % 400 if local else rng.integers(0, 400, 4000)
    one = np.ones(4000)
    d = design(
        rng.normal(size=4000), one[:, None], [block("pupil", pupil, one), block("teacher", teacher, one)]
    )
    assert isinstance(lmm_criterion(d).equations.products.pattern.tail, kind)


@pytest.mark.parametrize("share", [0.5, 1.0, 2.0])
def test_with_a_residual_sd_that_is_given(case, share):
    """−2 log L = log|V| + n log 2πσ² + r²/σ²: lowest at σ² = r²/n, where it is the criterion."""
    _, d, theta = case
    c, n = lmm_criterion(d, reml=False), len(d.y)
    best = c.with_sigma(theta, 1.0)[2]
    sigma = share * np.sqrt(best)
    assert best == pytest.approx(c.solve(theta).sigma ** 2, rel=1e-10)
    value, gradient, again = c.with_sigma(theta, sigma)
    assert again == pytest.approx(best) and value == pytest.approx(
        c(theta) + n * (np.log(share**2) + 1 / share**2 - 1), abs=1e-8
    )
    assert_allclose(gradient, differences(lambda t: c.with_sigma(t, sigma)[0], theta), rtol=1e-4, atol=1e-4)
