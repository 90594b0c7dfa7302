"""Adaptive Gauss–Hermite quadrature against integrals done by brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlmkit.datasets import load_data
from mlmkit.design import build_design
from mlmkit.engine.generalized.criterion import glmm_criterion
from mlmkit.engine.generalized.glmm import fit_glmm
from mlmkit.engine.generalized.irls import iterate
from mlmkit.engine.generalized.quadrature import gauss_hermite
from mlmkit.families import get_family
from mlmkit.formula import parse_formula


def design(formula, data, family):
    return build_design(parse_formula(formula, get_family(family)), data)


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(9), 6)
    x = rng.normal(size=g.size)
    y = rng.poisson(np.exp(0.2 + 0.3 * x + 0.8 * rng.normal(size=9)[g] * x))
    return pd.DataFrame({"g": g, "x": x, "y": y, "z": (y > 1).astype(int)})


@pytest.mark.parametrize("n", [2, 5, 25, 100])
def test_rule_integrates_moments_of_the_normal(n):
    rule = gauss_hermite(n)
    weights = np.exp(rule.log_weights - 0.5 * rule.nodes**2)
    for power, moment in [(0, 1), (1, 0), (2, 1), (3, 0)]:
        assert weights @ rule.nodes**power == pytest.approx(moment, abs=1e-10)


@pytest.mark.parametrize(
    ("formula", "family"),
    [("y ~ x + (0 + x|g)", "poisson"), ("z ~ x + (1|g)", "binomial(cloglog)"), ("z ~ x + (1|g)", "binomial")],
)
def test_many_nodes_give_the_integral(counts, formula, family):
    model = design(formula, counts, family)
    theta, beta = np.array([0.7]), np.array([0.1, 0.4])
    block, family = model.blocks[0], model.spec.family
    u = np.linspace(-9, 9, 4001)
    loglik = 0.0
    for j in range(len(block.levels)):
        rows = block.codes == j
        eta = (model.X[rows] @ beta)[:, None] + theta[0] * block.Z[rows] * u
        density = np.array(
            [family.loglik(model.y[rows], mu, model.weights[rows]) for mu in family.mean(eta).T]
        )
        loglik += np.log(np.trapezoid(np.exp(density) * stats.norm.pdf(u), u))
    criterion = glmm_criterion(model, iterate(model), n_agq=30)
    assert criterion(theta, beta) == pytest.approx(-2 * loglik, abs=1e-6)


@pytest.mark.parametrize("n_agq", [2, 5, 12])
def test_gradient_is_that_of_the_criterion(counts, n_agq):
    check_gradient(design("y ~ x + (0 + x|g)", counts, "poisson"), n_agq)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_gradient_of_binomial_links(counts, link):
    check_gradient(design("z ~ x + (1|g)", counts, f"binomial({link})"), 7)


def check_gradient(model, n_agq):
    flat = iterate(model)
    criterion = glmm_criterion(model, flat, n_agq)
    point, h = np.concatenate([[0.4], flat.beta + 0.05]), 1e-4
    _, gradient = criterion.value_and_gradient(point[:1], point[1:])
    for k, step in enumerate(np.eye(len(point)) * h):
        up, down = (criterion(p[:1], p[1:]) for p in (point + step, point - step))
        assert gradient[k] == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-5)


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
