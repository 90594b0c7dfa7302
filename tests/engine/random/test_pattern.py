"""The factorised cross-products against dense matrices, for every arrangement of the terms and every storage."""

from __future__ import annotations

import numpy as np
import pytest

from mlmkit.engine.random.arrange import arrange, arrange_blocks
from mlmkit.engine.random.pattern import Factorised
from tests.engine.routes import ROUTES, take
from tests.engine.toy import KINDS, toy

N = 300


@pytest.fixture(params=ROUTES)
def route(request, monkeypatch):
    take(request.param, monkeypatch)
    return request.param


@pytest.fixture(params=KINDS)
def part(request, route):
    return arrange_blocks(toy(request.param).blocks, np.random.default_rng(1).uniform(0.5, 2, N))


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def dense(part, Z):
    """Z with one column for each effect, term after term and coefficient after coefficient."""
    columns = []
    for term, z in zip(part.terms, Z, strict=True):
        member = term.codes[:, None] == np.arange(term.n_groups)
        columns += [member * row[:, None] for row in z]
    return np.hstack(columns)


def flat(effects):
    return np.concatenate([effect.ravel() for effect in effects])


def factors_of(part, rng):
    return [rng.normal(size=(size, size)) for size in part.sizes]


def places(part):
    """Each term's columns of the dense matrices, (s, J)."""
    stops = np.cumsum([term.size * term.n_groups for term in part.terms])
    starts = stops - [term.size * term.n_groups for term in part.terms]
    return [
        start + np.arange(term.size * term.n_groups).reshape(term.size, -1)
        for start, term in zip(starts, part.terms, strict=True)
    ]


def root(part, factors):
    """Λ over all effects."""
    m = sum(term.size * term.n_groups for term in part.terms)
    Lambda = np.zeros((m, m))
    for own, factor in zip(places(part), factors, strict=True):
        Lambda[own[:, None], own[None]] = factor[:, :, None]
    return Lambda


def covariance(part, factors, weights):
    """ΛH⁻¹Λᵀ and log|H|."""
    Lambda, M = root(part, factors), dense(part, [term.Z for term in part.terms])
    H = Lambda.T @ (M.T * weights) @ M @ Lambda + np.eye(len(Lambda))
    return Lambda @ np.linalg.solve(H, Lambda.T), np.linalg.slogdet(H)[1]


def test_log_determinant_solution_and_what_is_left(part, rng):
    weights, factors = rng.uniform(0.5, 2, N), factors_of(part, rng)
    C, log_determinant = covariance(part, factors, weights)
    factorised = part.sum([term.Z for term in part.terms], weights).at(factors)
    assert factorised.log_determinant == pytest.approx(log_determinant, rel=1e-10)
    right = [rng.normal(size=(term.size, 2, term.n_groups)) for term in part.terms]
    effects, left = factorised.explain(right)
    M = dense(part, [term.Z for term in part.terms])
    for k in range(2):
        b = flat([one[:, k] for one in right])
        np.testing.assert_allclose(flat([one[:, k] for one in effects]), C @ b, atol=1e-9)
        np.testing.assert_allclose(
            flat([one[:, k] for one in left]), b - (M.T * weights) @ M @ C @ b, atol=1e-8
        )
    alone = factorised.solve([one[:, 0] for one in right])
    np.testing.assert_allclose(flat(alone), flat([one[:, 0] for one in effects]), atol=1e-12)
    for one, other in zip(factorised.solve_each(right), effects, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("zero", [False, True], ids=["regular", "a variance of zero"])
def test_gradient_is_that_of_differences(part, rng, zero):
    products, factors = part.sum([term.Z for term in part.terms]), factors_of(part, rng)
    if zero:
        factors[-1][:] = 0.0
    for k, G in enumerate(products.at(factors).gradients()):
        for a, b in np.ndindex(G.shape):
            up, down = [f.copy() for f in factors], [f.copy() for f in factors]
            up[k][a, b] += 1e-5
            down[k][a, b] -= 1e-5
            difference = products.at(up).log_determinant - products.at(down).log_determinant
            assert G[a, b] == pytest.approx(difference / 2e-5, rel=1e-5, abs=1e-4)


def test_the_inverse_by_group_and_by_row(part, rng):
    weights, factors = rng.uniform(0.5, 2, N), factors_of(part, rng)
    C, _ = covariance(part, factors, weights)
    Z = [term.Z for term in part.terms]
    factorised, M = part.sum(Z, weights).at(factors), dense(part, Z)
    blocks, rows = factorised.inverse_by_group(), factorised.inverse_by_row(Z)
    for own, term, block, row in zip(places(part), part.terms, blocks, rows, strict=True):
        np.testing.assert_allclose(block, C[own[:, None], own[None]], atol=1e-9)
        by_row = np.einsum("ank,nk->an", C[own[:, term.codes]], M)
        np.testing.assert_allclose(row, by_row, atol=1e-9)


def test_draws_have_the_covariance(part, rng):
    """With the draw linear in its normal numbers, unit vectors in their place give a root of the covariance."""
    factors = factors_of(part, rng)
    factorised = part.sum([term.Z for term in part.terms]).at(factors)
    m = sum(term.size * term.n_groups for term in part.terms)
    root = np.array([flat(factorised.draw(Unit(k))) for k in range(m)]).T
    np.testing.assert_allclose(root @ root.T, covariance(part, factors, np.ones(N))[0], atol=1e-9)


class Unit:
    """A generator whose k-th number is one, all others zero."""

    def __init__(self, k):
        self.k, self.drawn = k, 0

    def normal(self, size):
        numbers = np.zeros(np.prod(size))
        if self.drawn <= self.k < self.drawn + len(numbers):
            numbers[self.k - self.drawn] = 1.0
        self.drawn += len(numbers)
        return numbers.reshape(size)


def test_scaled_regressors_give_what_factors_give(part, rng):
    """Z̃ = ZΛ factorised by itself has H with the same determinant."""
    weights, factors = rng.uniform(0.5, 2, N), factors_of(part, rng)
    scaled = part.factorise(part.scaled(factors), weights)
    assert isinstance(scaled, Factorised)
    assert scaled.log_determinant == pytest.approx(covariance(part, factors, weights)[1], rel=1e-10)


def test_what_is_not_positive_definite_is_refused(part):
    with pytest.raises(FloatingPointError, match="not positive definite"):
        part.factorise([term.Z for term in part.terms], np.full(N, np.nan))


def test_standardised_regressors_are_worth_one_observation():
    information = np.random.default_rng(2).uniform(0.5, 2, N)
    design = toy("crossed")
    part = arrange_blocks(design.blocks, information)
    for term, one in zip(part.terms, design.blocks, strict=True):
        gram = (term.Z * information) @ term.Z.T / N
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-10)
        np.testing.assert_allclose(term.R.T @ term.Z, one.Z.T, atol=1e-10)


def test_the_products_of_known_columns_may_be_given(part):
    Z = [term.Z for term in part.terms]
    summed = part.sum(Z)
    again = part.sum(Z, products=summed.products)
    np.testing.assert_array_equal(again.products, summed.products)
    groups = [block.group for block in toy("crossed").blocks]
    assert len(arrange(arrange_blocks(toy("crossed").blocks, np.ones(N)).terms, groups).terms) == len(groups)
