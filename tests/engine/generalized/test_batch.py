"""Many generalized responses at once: what the batch finds is what one fit at a time finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlmkit.design import build_design
from mlmkit.engine.generalized.again import before, fit_again
from mlmkit.engine.generalized.batch import scalar_batch
from mlmkit.engine.generalized.glmm import fit_glmm
from mlmkit.engine.search.singular import is_singular
from mlmkit.families import get_family
from mlmkit.formula import parse_formula


def frame(J=25, m=8, seed=0):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(J), m)
    n, x = J * m, rng.normal(size=J * m)
    eta = 0.3 + 0.5 * x + rng.normal(0, 0.7, J)[g]
    trials = rng.integers(3, 9, n)
    hits = rng.binomial(trials, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame(
        {
            "g": g.astype(str),
            "h": (np.arange(n) % 6).astype(str),
            "x": x,
            "count": rng.poisson(np.exp(eta)),
            "binary": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
            "hits": hits,
            "misses": trials - hits,
            "e": rng.gamma(2.0, 0.5, n),
        }
    )


def made(formula, family, **extras):
    return build_design(parse_formula(formula, get_family(family)), frame(), **extras)


MODELS = {
    "0/1": ("binary ~ x + (1|g)", "binomial", 1),
    "0/1, nodes": ("binary ~ x + (1|g)", "binomial", 9),
    "trials": ("cbind(hits, misses) ~ x + (1|g)", "binomial", 1),
    "probit": ("binary ~ x + (1|g)", "binomial(probit)", 1),
    "counts": ("count ~ x + (1|g)", "poisson", 1),
    "counts, nodes": ("count ~ x + (1|g)", "poisson", 5),
    "slope": ("count ~ x + (0 + x|g)", "poisson", 1),
    "cloglog": ("binary ~ x + (1|g)", "binomial(cloglog)", 1),
}


def drawn(d, estimates, count, sd=None, seed=1):
    """Responses with new group effects."""
    rng, family, b = np.random.default_rng(seed), d.spec.family, d.blocks[0]
    sd = estimates.theta[0] if sd is None else sd
    effects = sd * rng.normal(size=(count, len(b.levels)))
    means = family.mean(d.offset + d.X @ estimates.beta + b.Z[:, 0] * effects[:, b.codes])
    return np.array([family.draw(rng, mu, d.weights) for mu in means]).T


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("sd", [None, 0.1])
def test_agrees_with_single_fits(name, sd):
    formula, family, n_agq = MODELS[name]
    d = made(formula, family)
    fit = fit_glmm(d, n_agq)
    Y = drawn(d, fit, 10, sd)
    many = scalar_batch(d, fit).fit(Y)
    assert many.converged.mean() > 0.8
    for k in np.flatnonzero(many.converged):
        one = fit_glmm(d.with_response(Y[:, k]), n_agq)
        assert many.criterion[k] == pytest.approx(one.criterion, abs=1e-8)
        np.testing.assert_allclose(many.beta[k], one.beta, atol=1e-5)
        np.testing.assert_allclose(many.theta[k], one.theta, atol=1e-4)
        np.testing.assert_allclose(many.vcov[k], one.vcov, rtol=1e-2, atol=1e-6)
        assert many.singular[k] == is_singular(d, one.theta)


def test_an_offset_is_kept():
    d = made("count ~ x + (1|g)", "poisson", offset=np.log(frame()["e"].to_numpy()))
    fit = fit_glmm(d)
    Y = drawn(d, fit, 3)
    many = scalar_batch(d, fit).fit(Y)
    for k in range(3):
        assert many.criterion[k] == pytest.approx(fit_glmm(d.with_response(Y[:, k])).criterion, abs=1e-8)


@pytest.mark.parametrize("name", ["0/1", "counts", "probit", "0/1, nodes"])
def test_gradient(name):
    formula, family, n_agq = MODELS[name]
    d = made(formula, family)
    batch = scalar_batch(d, fit_glmm(d, n_agq))
    observed = batch.observed(drawn(d, fit_glmm(d, n_agq), 4))
    latest = np.repeat(batch.modes[:, None], 4, axis=1)
    objective, rows = batch._objective(observed, latest), np.arange(4)
    x = batch.before.x[:, None] + np.random.default_rng(0).normal(0, 0.2, (3, 4))
    _, gradient = objective(x, rows)
    for a in range(3):
        e = np.zeros((3, 1))
        e[a] = 1e-5
        slope = (objective(x + e, rows)[0] - objective(x - e, rows)[0]) / 2e-5
        np.testing.assert_allclose(gradient[a], slope, rtol=1e-4, atol=1e-4)


def test_rows_without_weight_are_rows_left_out():
    d = made("cbind(hits, misses) ~ x + (1|g)", "binomial")
    fit = fit_glmm(d)
    batch, codes = scalar_batch(d, fit), d.blocks[0].codes
    weights = d.weights[:, None] * (codes[:, None] != np.array([3, 7]))
    many = batch.fit_observed(batch.observed(d.y[:, None], weights))
    data = frame()
    for k, left_out in enumerate((3, 7)):
        kept = build_design(d.spec, data[codes != left_out])
        one = fit_glmm(kept)
        assert many.criterion[k] == pytest.approx(one.criterion, abs=1e-7)
        np.testing.assert_allclose(many.beta[k], one.beta, atol=1e-5)


def test_responses_that_need_a_search_of_their_own_are_marked():
    d = made("binary ~ x + (1|g)", "binomial")
    fit = fit_glmm(d)
    Y = drawn(d, fit, 3)
    Y[:, 1] = d.X[:, 1] > 0  # separated
    assert not scalar_batch(d, fit).fit(Y).converged[1]


def test_models_that_are_not_batched():
    d = made("count ~ x + (x|g)", "poisson")
    assert scalar_batch(d, fit_glmm(d)) is None
    d = made("count ~ x + (1|g)", "nbinom")
    assert scalar_batch(d, fit_glmm(d)) is None
    d = made("count ~ 1 + (0 + x|g)", "poisson")  # varies around 0
    assert scalar_batch(d, fit_glmm(d)) is None


@pytest.mark.parametrize(
    ("formula", "family", "n_agq"),
    [
        ("count ~ x + (1|g) + (1|h)", "poisson", 1),
        ("count ~ x + (x|g)", "poisson", 1),
        ("binary ~ x + (x||g)", "binomial", 3),
        ("count ~ x + (1|g)", "nbinom", 1),
    ],
)
def test_a_refit_from_before_is_a_fit(formula, family, n_agq):
    d = made(formula, family)
    fit = fit_glmm(d, n_agq)
    known = before(d, fit)
    rng = np.random.default_rng(2)
    for _ in range(2):
        y = d.spec.family.at(fit.dispersion or 1.0).draw(rng, fit.fitted, d.weights)
        one, again = fit_glmm(d.with_response(y), n_agq), fit_again(known, y)
        if again is None:
            continue
        assert again.criterion == pytest.approx(one.criterion, abs=1e-7)
        np.testing.assert_allclose(again.beta, one.beta, atol=1e-4)
        np.testing.assert_allclose(again.vcov, one.vcov, rtol=2e-2, atol=1e-6)


def test_nothing_is_known_from_a_fit_that_is_not_finite():
    d = made("binary ~ x + (1|g)", "binomial")
    fit = fit_glmm(d)
    infinite = replace(fit, linear_predictor=np.full(len(d.y), np.inf))
    assert before(d, infinite) is None and before(d, replace(fit, converged=False)) is None
