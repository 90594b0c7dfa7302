"""Laplace's approximation: its value from the definition, its gradient from differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from mlmkit.design import build_design
from mlmkit.engine.generalized.criterion import Walk, glmm_criterion
from mlmkit.engine.generalized.irls import iterate
from mlmkit.families import get_family
from mlmkit.formula import parse_formula


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    n = 240
    frame = pd.DataFrame({"g": rng.integers(0, 24, n), "h": rng.integers(0, 9, n), "x": rng.normal(size=n)})
    frame["s"] = frame["g"] % 6
    eta = (
        0.3 + 0.4 * frame["x"] + 0.5 * rng.normal(size=24)[frame["g"]] + 0.3 * rng.normal(size=9)[frame["h"]]
    )
    frame["y"] = rng.poisson(np.exp(eta)).astype(float)
    frame["z"] = (frame["y"] > 1).astype(float)
    frame["t"] = rng.gamma(3, np.exp(eta) / 3)
    frame["w"] = rng.integers(1, 4, n).astype(float)
    return frame


def prepared(formula, data, family):
    design = build_design(parse_formula(formula, get_family(family)), data, weights="w")
    flat = iterate(design)
    return design, glmm_criterion(design, flat), flat.beta


def dense_Z(design, factors):
    """ZΛ in full, a column for each group and coefficient."""
    columns = []
    for block, Lambda in zip(design.blocks, factors, strict=True):
        scaled = block.Z @ Lambda
        member = block.codes[:, None] == np.arange(len(block.levels))
        columns += [member * scaled[:, [k]] for k in range(scaled.shape[1])]
    return np.hstack(columns)


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x + (x|g) + (1|h)", "poisson"),
        ("z ~ x + (1|g) + (1|s)", "binomial"),
        ("z ~ x + (1|g) + (1|h)", "binomial(probit)"),
        ("y ~ x + (1|g) + (1|h)", "nbinom"),
        ("t ~ x + (x|g)", "inverse.gaussian(log)"),
    ],
)
def test_value_from_the_definition(data, formula, family):
    design, criterion, beta = prepared(formula, data, family)
    factors = [np.tril(0.2 + 0.3 * np.eye(block.Z.shape[1])) for block in design.blocks]
    theta = np.concatenate([L.T[np.triu_indices(len(L))] for L in factors])
    Z, population = dense_Z(design, factors), design.X @ beta
    family, y, w = design.spec.family, design.y, design.weights
    dispersion = 1.3 if family.has_dispersion else None
    family = family.at(dispersion)

    def penalised(u):
        eta = population + Z @ u
        working = family.working(y, eta, w)
        return u @ u - 2 * family.kernel(y, working.mu, w), 2 * u - 2 * Z.T @ working.score

    u = minimize(penalised, np.zeros(Z.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    working = family.working(y, population + Z @ u, w)
    information = family.information(y, population + Z @ u, working.mu, w)
    H = Z.T @ (information[:, None] * Z) + np.eye(Z.shape[1])
    expected = -2 * family.loglik(y, working.mu, w) + u @ u + np.linalg.slogdet(H)[1]
    assert criterion(theta, beta, dispersion) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x + (1|g)", "poisson"),
        ("y ~ x + (x|g) + (1|h)", "poisson"),
        ("y ~ x + (x||g) + (x|h) + (1|s)", "poisson"),
        ("z ~ x + (x|g)", "binomial"),
        ("z ~ x + (x|g) + (1|s)", "binomial(probit)"),
        ("z ~ x + (1|g) + (1|h)", "binomial(cloglog)"),
        ("t ~ x + (x|g) + (1|h)", "gamma(log)"),
        ("t ~ 1 + (1|g)", "gamma(inverse)"),
        ("t ~ x + (1|g) + (1|h)", "gaussian(log)"),
        ("y ~ x + (x|g) + (1|h)", "nbinom"),
        ("y ~ x + (x||g) + (1|s)", "nbinom(sqrt)"),
        ("t ~ x + (1|g) + (1|h)", "inverse.gaussian(log)"),
        ("z ~ x + (x|g)", "binomial(cauchit)"),
    ],
)
def test_gradient_is_that_of_the_criterion(data, formula, family):
    _, criterion, beta = prepared(formula, data, family)
    h, m = 1e-4, criterion.n_theta
    theta = (0.08 if family in ("gamma(inverse)", "nbinom(sqrt)") else 0.25) + 0.05 * np.arange(m)
    distribution = criterion.design.spec.family.distribution
    place = [] if criterion.place is None else [criterion.place + 0.1]
    point = np.concatenate([theta, beta * 1.05, place])

    def parts(point):
        dispersion = distribution.from_coordinate(point[-1]) if place else None
        return point[:m], point[m : m + len(beta)], dispersion

    value, gradient = criterion.value_and_gradient(*parts(point))
    assert value == pytest.approx(criterion(*parts(point)), rel=1e-12)
    for k, step in enumerate(np.eye(len(point)) * h):
        up, down = (criterion(*parts(p)) for p in (point + step, point - step))
        assert gradient[k] == pytest.approx((up - down) / (2 * h), rel=2e-5, abs=2e-4)


def test_gradient_at_the_boundary_and_with_any_signs(data):
    _, criterion, beta = prepared("y ~ x + (x|g) + (1|h)", data, "poisson")
    h, m = 1e-4, criterion.n_theta
    for theta in ([0.5, 0.2, 0.0, 0.0], [0.0, 0.3, 0.0, 0.4], [-0.5, 0.2, -0.3, 0.4]):
        point = np.concatenate([theta, beta])
        gradient = criterion.value_and_gradient(point[:m], point[m:])[1]
        for k, step in enumerate(np.eye(len(point)) * h):
            up, down = (criterion(p[:m], p[m:]) for p in (point + step, point - step))
            assert gradient[k] == pytest.approx((up - down) / (2 * h), rel=2e-5, abs=2e-4)


def test_signs_of_columns_do_not_matter(data):
    _, criterion, beta = prepared("y ~ x + (x|g)", data, "poisson")
    assert criterion([0.5, 0.2, 0.3], beta) == pytest.approx(criterion([-0.5, -0.2, 0.3], beta), rel=1e-11)


def test_a_value_does_not_depend_on_what_was_asked_before(data):
    _, criterion, b = prepared("y ~ x + (x|g) + (1|h)", data, "poisson")
    n_theta = criterion.n_theta
    here, there = np.full(n_theta, 0.5), np.full(n_theta, 3.0)
    value = criterion(here, b)
    criterion(there, b + 1.0)
    assert criterion(here, b) == value


def test_a_walk_begins_where_it_stood(data):
    _, criterion, _ = prepared("y ~ x + (x|g) + (1|h)", data, "poisson")
    walk, x = Walk(criterion, criterion.part.nothing()), np.full(criterion.n_parameters, 0.3)
    value, gradient = walk(x)
    near = [effect.copy() for effect in walk.modes]
    again, _ = walk(x)
    assert any(effect.any() for effect in near)
    assert again == pytest.approx(value, rel=1e-12)
    fresh = Walk(criterion, criterion.part.nothing())(x)[1]
    np.testing.assert_allclose(gradient, fresh, rtol=1e-6, atol=1e-6)
