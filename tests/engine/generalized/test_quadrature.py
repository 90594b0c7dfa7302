"""Adaptive Gauss–Hermite quadrature against integrals done by brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlmkit.datasets import load_data
from mlmkit.design import build_design
from mlmkit.engine.generalized import quadrature
from mlmkit.engine.generalized.criterion import Walk, glmm_criterion
from mlmkit.engine.generalized.glmm import fit_glmm
from mlmkit.engine.generalized.irls import iterate
from mlmkit.engine.generalized.quadrature import REACH, gauss_hermite, lattice
from mlmkit.families import get_family
from mlmkit.formula import parse_formula


def design(formula, data, family):
    return build_design(parse_formula(formula, get_family(family)), data)


def standard(criterion, x):
    """Value and gradient in standard coordinates, the modes looked for from none."""
    return Walk(criterion, criterion.part.nothing())(x)


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(9), 6)
    x = rng.normal(size=g.size)
    y = rng.poisson(np.exp(0.2 + 0.3 * x + 0.8 * rng.normal(size=9)[g] * x))
    t = rng.gamma(2.5, np.exp(0.2 + 0.3 * x) / 2.5)
    return pd.DataFrame({"g": g, "x": x, "y": y, "z": (y > 1).astype(int), "t": t})


@pytest.mark.parametrize("n", [2, 5, 25, 100])
def test_rule_integrates_moments_of_the_normal(n):
    rule = gauss_hermite(n)
    (nodes,), weights = rule.nodes, np.exp(rule.log_weights - 0.5 * rule.nodes[0] ** 2)
    for power, moment in [(0, 1), (1, 0), (2, 1), (3, 0)]:
        assert weights @ nodes**power == pytest.approx(moment, abs=1e-10)


@pytest.mark.parametrize("size", [2, 3])
def test_rule_in_several_directions(size):
    rule = gauss_hermite(5, size)
    weights = np.exp(rule.log_weights - 0.5 * np.sum(rule.nodes**2, axis=0))
    assert rule.nodes.shape == (size, 5**size) and weights.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose((rule.nodes * weights) @ rule.nodes.T, np.eye(size), atol=1e-12)
    np.testing.assert_allclose(weights @ np.prod(rule.nodes**4, axis=0), 3.0**size, rtol=1e-12)


def group_loglik(model, theta, beta, dispersion, steps):
    """log L by the trapezoidal rule over each group's spherical effects, one or two of them."""
    family = model.spec.family if dispersion is None else model.spec.family.at(dispersion)
    Z = np.concatenate([block.Z for block in model.blocks], axis=1)
    block, size = model.blocks[0], Z.shape[1]
    u = np.stack([axis.ravel() for axis in np.meshgrid(*[np.linspace(-8, 8, steps)] * size)])
    Lambda = np.zeros((size, size))
    Lambda[np.tril_indices(size) if len(theta) == size * (size + 1) // 2 else np.diag_indices(size)] = theta
    loglik = 0.0
    for j in range(len(block.levels)):
        rows = block.codes == j
        eta = (model.X[rows] @ beta)[:, None] + Z[rows] @ Lambda @ u
        y, weights = model.y[rows, None], model.weights[rows, None]
        density = np.sum(weights * family.kernels(y, family.mean(eta)), axis=0)
        density += family.constant(model.y[rows], model.weights[rows], model.trials[rows])
        log_terms = density + stats.norm.logpdf(u).sum(axis=0) + size * np.log(16 / (steps - 1))
        loglik += np.logaddexp.reduce(log_terms)
    return loglik


ONE = [
    ("y ~ x + (0 + x|g)", "poisson", None),
    ("z ~ x + (1|g)", "binomial(cloglog)", None),
    ("z ~ x + (1|g)", "binomial", None),
    ("y ~ x + (1|g)", "nbinom", 1.5),
    ("t ~ x + (1|g)", "gamma(log)", 0.4),
    ("t ~ x + (1|g)", "inverse.gaussian(log)", 0.4),
    ("t ~ x + (1|g)", "gaussian(log)", 0.4),
]
SEVERAL = [
    ("y ~ x + (x|g)", "poisson", None),
    ("z ~ x + (x|g)", "binomial(probit)", None),
    ("z ~ x + (x||g)", "binomial", None),
    ("y ~ x + (x|g)", "nbinom", 1.5),
    ("y ~ x + (1|g) + (0 + x|g)", "nbinom", 1.5),
    ("t ~ x + (x|g)", "gamma(log)", 0.4),
]


@pytest.mark.parametrize(("formula", "family", "dispersion"), ONE)
def test_many_nodes_give_the_integral(counts, formula, family, dispersion):
    model, theta, beta = design(formula, counts, family), np.array([0.7]), np.array([0.1, 0.4])
    criterion = glmm_criterion(model, iterate(model), n_agq=30)
    expected = -2 * group_loglik(model, theta, beta, dispersion, 4001)
    tolerance = 2e-5 if "t ~" in formula else 2e-6
    assert criterion(theta, beta, dispersion) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("formula", "family", "dispersion"), SEVERAL)
@pytest.mark.parametrize(("n_agq", "tolerance"), [(11, 3e-3), (15, 1e-2), (31, 5e-4)])
def test_many_nodes_in_two_directions(counts, formula, family, dispersion, n_agq, tolerance):
    model, beta = design(formula, counts, family), np.array([0.1, 0.4])
    theta = np.array([0.7, 0.5] if len(model.blocks) == 2 else [0.7, 0.2, 0.5])
    criterion = glmm_criterion(model, iterate(model), n_agq)
    expected = -2 * group_loglik(model, theta, beta, dispersion, 401)
    assert criterion(theta, beta, dispersion) == pytest.approx(expected, abs=tolerance)


def test_a_lattice_integrates_a_normal_density_and_its_moments():
    rule = lattice(15, 2)
    assert np.abs(lattice(17, 2).nodes).max() == pytest.approx(2 * REACH), (
        "its reach grows with the root of the root"
    )
    weights = np.exp(rule.log_weights - 0.5 * np.sum(rule.nodes**2, axis=0))
    assert rule.nodes.shape == (2, 225) and weights.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose((rule.nodes * weights) @ rule.nodes.T, np.eye(2), atol=2e-3)


@pytest.mark.parametrize(("formula", "family", "dispersion"), SEVERAL)
def test_gradient_on_a_lattice_that_stays(counts, formula, family, dispersion):
    model = design(formula, counts, family)
    criterion = glmm_criterion(model, iterate(model), 15)
    x = np.concatenate(
        [0.4 + 0.1 * np.arange(criterion.n_theta), np.zeros(criterion.n_parameters - criterion.n_theta)]
    )
    held = criterion.holding(x)
    value, gradient = standard(held, x)
    assert value == pytest.approx(standard(criterion, x)[0], abs=1e-3)
    for k, step in enumerate(np.eye(len(x)) * 1e-4):
        up, down = (standard(held, point)[0] for point in (x + step, x - step))
        assert gradient[k] == pytest.approx((up - down) / 2e-4, rel=1e-5, abs=1e-5)


def test_where_one_node_has_all_the_weight_a_lattice_moves_and_stays_as_wide():
    node, total = np.array([[0.7, 0.3], [-1.2, 0.1]]), np.array([3.0, 2.0])
    pair = node[:, None] * node + np.array([[0, 0.5], [0, 0.2]])[:, None] * np.eye(2)[:, :, None] * np.array(
        [0, 1]
    )
    pair[0, 0, 0] -= 1e-16  # as rounding may leave it
    totals = quadrature._Totals(total, total, node * total, pair * total, total, total, node * total)
    root = np.array([[[2.0, 1.0], [0.3, 0.0]], [[0.0, 0.0], [0.5, 2.0]]])
    here = quadrature.Placement(np.array([[1.0, 0.0], [2.0, 0.0]]), root)
    there = totals.placement(here)
    np.testing.assert_allclose(there.center[:, 0], here.center[:, 0] + root[:, :, 0] @ node[:, 0])
    np.testing.assert_array_equal(there.root[:, :, 0], root[:, :, 0])
    np.testing.assert_allclose(there.root[:, :, 1], root[:, :, 1] * np.sqrt([0.5, 0.2]))


def test_a_lattice_and_moving_nodes_end_at_the_same_place(counts):
    for formula, family in (
        ("y ~ x + (x|g)", "poisson"),
        ("y ~ x + (x||g)", "nbinom"),
        ("t ~ x + (x|g)", "gamma(log)"),
    ):
        model = design(formula, counts, family)
        moving, staying = fit_glmm(model, 13), fit_glmm(model, 21)
        assert moving.converged and staying.converged and staying.n_agq == 21
        assert staying.loglik == pytest.approx(moving.loglik, abs=2e-3)
        np.testing.assert_allclose(staying.beta, moving.beta, atol=2e-3)
        np.testing.assert_allclose(staying.vcov, moving.vcov, rtol=0.02, atol=1e-4)
        np.testing.assert_allclose(np.abs(staying.theta), np.abs(moving.theta), atol=5e-3)


@pytest.mark.parametrize("n_agq", [2, 5, 12])
def test_gradient_is_that_of_the_criterion(counts, n_agq):
    check_gradient(design("y ~ x + (0 + x|g)", counts, "poisson"), n_agq)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "cauchit"])
def test_gradient_of_binomial_links(counts, link):
    check_gradient(design("z ~ x + (1|g)", counts, f"binomial({link})"), 7)


@pytest.mark.parametrize(("formula", "family", "dispersion"), ONE + SEVERAL)
def test_gradient_of_moving_nodes(counts, formula, family, dispersion):
    check_gradient(design(formula, counts, family), 4, dispersion)


def test_gradient_with_three_coefficients(counts):
    data = counts.assign(v=np.tile(np.arange(6.0), 9))
    check_gradient(design("z ~ x + (x + v|g)", data, "binomial"), 3)


def check_gradient(model, n_agq, dispersion=None):
    flat, distribution = iterate(model), model.spec.family.distribution
    criterion = glmm_criterion(model, flat, n_agq)
    m, p = criterion.n_theta, len(flat.beta)
    place = [] if dispersion is None else [distribution.coordinate(dispersion)]
    point, h = np.concatenate([0.4 + 0.1 * np.arange(m), flat.beta + 0.05, place]), 1e-3

    def parts(point):
        known = distribution.from_coordinate(point[-1]) if place else None
        return point[:m], point[m : m + p], known

    _, gradient = criterion.value_and_gradient(*parts(point))
    for k, step in enumerate(np.eye(len(point)) * h):
        up, down = (criterion(*parts(point + s)) for s in (step, -step))
        assert gradient[k] == pytest.approx((up - down) / (2 * h), rel=2e-5, abs=2e-5)


def test_rats_with_25_nodes():
    model = design("cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats").astype({"batch": str}), "binomial")
    estimates = fit_glmm(model, n_agq=25)
    assert estimates.beta[0] == pytest.approx(-1.9390, abs=5e-5)
    assert estimates.theta[0] == pytest.approx(0.6741, abs=5e-5)
    assert estimates.loglik == pytest.approx(-157.8110, abs=5e-5)
    assert estimates.converged and estimates.n_agq == 25


def test_more_nodes_converge():
    model = design("cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats").astype({"batch": str}), "binomial")
    logliks = [fit_glmm(model, n_agq=n).loglik for n in (1, 5, 15, 40)]
    errors = np.abs(np.array(logliks[:3]) - logliks[3])
    assert errors[0] > 0.1 and errors[1] < 1e-2 and errors[2] < 1e-5


@pytest.mark.parametrize("formula", ["y ~ x + (1|g)", "y ~ x + (x|g)"])
def test_it_does_not_matter_how_many_nodes_are_added_at_a_time(counts, formula, monkeypatch):
    """Sums are kept relative to the highest term so far, which a later node may raise."""
    model = design(formula, counts, "poisson")
    it = glmm_criterion(model, iterate(model), 9)
    x = np.r_[np.full(it.n_theta, 0.8), np.zeros(len(it.b0))]
    value, gradient = standard(it, x)
    monkeypatch.setattr(quadrature, "AT_ONCE", 1)
    few, slope = standard(it, x)
    assert few == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-9, atol=1e-10)
