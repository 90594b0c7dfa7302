"""Many responses at once: what the batch finds is what one fit at a time finds, on the boundary too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmkit.engine.linear.batch import LinearBatch, linear_batch
from mlmkit.engine.linear.batch_degrees import BatchDegrees
from mlmkit.engine.linear.criterion import lmm_criterion
from mlmkit.engine.linear.lmm import fit_lmm, refit_lmm
from mlmkit.engine.search.singular import is_singular
from mlmkit.engine.standardise import standard_responses
from tests.engine.toy import block, design

RNG = np.random.default_rng(0)


def made(sizes, columns=2, split=False, weighted=False, mean=0.0, fixed=True, seed=0):
    """Groups of these sizes with so many varying coefficients, in terms of their own if `split`."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    n = len(codes)
    Z = np.column_stack([np.ones(n), rng.normal(mean, 1.0, n), rng.normal(size=n)])[:, :columns]
    X = np.column_stack([Z if fixed else np.ones((n, 1)), rng.normal(size=len(sizes))[codes]])
    names = tuple(f"x{a}" for a in range(columns))
    parts = [[a] for a in range(columns)] if split else [list(range(columns))]
    blocks = [block("g", codes, Z[:, part], tuple(names[a] for a in part)) for part in parts]
    extras = (rng.gamma(2.0, 0.5, n), rng.normal(size=n)) if weighted else (None, None)
    return design(rng.normal(size=n), X, blocks, *extras)


def responses(d, sd, count, seed=1):
    """Responses with group effects of this SD on every column."""
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(len(d.y), count)) / np.sqrt(d.weights)[:, None]
    for b in d.blocks:
        effects = sd * rng.normal(size=(len(b.levels), b.Z.shape[1], count))
        Y += np.einsum("ia,iab->ib", b.Z, effects[b.codes])
    return Y + d.offset[:, None]


UNEQUAL = [1, 2, 3, 9, 4, 12, 5, 2, 7, 3, 6, 4, 8, 2, 5]
DESIGNS = {
    "balanced slope": (made([8] * 12), 0.4),
    "no variance": (made([8] * 12), 0.0),
    "unequal": (made(UNEQUAL), 0.3),
    "uncorrelated": (made(UNEQUAL, split=True), 0.2),
    "intercepts, weights and offset": (made(UNEQUAL, 1, weighted=True), 0.2),
    "three coefficients": (made([7] * 15, 3), 0.3),
    "four groups": (made([6] * 4), 0.4),
    "one large group": (made([200, *[1] * 12], 1), 0.8),
    "around zero": (made([5] * 10, 1, mean=5.0, fixed=False), 0.3),
    "uncentred": (made(UNEQUAL, mean=30.0), 0.1),
}


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("reml", [True, False])
def test_agrees_with_single_fits(name, reml):
    d, sd = DESIGNS[name]
    Y = responses(d, sd, 12)
    many = linear_batch(d, reml).fit(Y)
    assert many.converged.all()
    for k, y in enumerate(Y.T):
        one = fit_lmm(d.with_response(y), reml)
        assert many.criterion[k] == pytest.approx(one.criterion, abs=1e-8)
        np.testing.assert_allclose(many.beta[k], one.beta, atol=2e-5 * np.sqrt(np.diag(one.vcov)).max())
        np.testing.assert_allclose(many.vcov[k], one.vcov, rtol=1e-3, atol=1e-7)
        np.testing.assert_allclose(many.theta[k], one.theta, atol=2e-4)
        assert many.sigma[k] == pytest.approx(one.sigma, rel=1e-4)
        assert many.singular[k] == is_singular(d, one.theta)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_any_design_with_weights_and_offset(seed):
    """The batch is never above a single fit; where it says that it is done it is at the same place."""
    rng = np.random.default_rng(seed)
    sizes, columns = rng.integers(1, 9, rng.integers(4, 12)), int(rng.integers(1, 3))
    split, weighted, reml = rng.integers(2, size=3).astype(bool)
    d = made(sizes, columns, bool(split), bool(weighted), seed=seed)
    if len(d.y) <= sum(b.Z.shape[1] * len(b.levels) for b in d.blocks) + d.X.shape[1]:
        return
    Y = responses(d, rng.choice([0.0, 0.3, 1.0]), 4, seed)
    many = linear_batch(d, bool(reml)).fit(Y)
    for k in np.flatnonzero(many.converged):
        one = fit_lmm(d.with_response(Y[:, k]), bool(reml))
        assert many.criterion[k] <= one.criterion + 1e-7
        if many.criterion[k] >= one.criterion - 1e-7:
            assert many.sigma[k] == pytest.approx(one.sigma, rel=1e-3)
            assert many.singular[k] == is_singular(d, one.theta)


def test_gradient_is_that_of_the_criterion():
    d, sd = DESIGNS["unequal"]
    batch, Y = linear_batch(d, True), responses(d, sd, 3)
    r = batch.responses(Y)
    x = np.array([[0.5, 0.3, 0.2], [0.1, -0.2, 0.3], [0.4, 0.0, 0.7]])
    got = batch.gradient(batch.at(x, r), r)
    for k, y in enumerate(Y.T):
        criterion = lmm_criterion(d.with_response(y))
        value, gradient, _ = criterion.standard(x[:, k])
        np.testing.assert_allclose(got[:, k], gradient, rtol=1e-8, atol=1e-8)
        own = batch.estimates(x, r, np.ones(3, bool)).criterion[k]
        assert own == pytest.approx(value, abs=1e-9)


def test_groups_that_are_alike_are_put_together():
    assert linear_batch(DESIGNS["balanced slope"][0], True).G.shape[2] == 12  # x differs from group to group
    codes = np.repeat(np.arange(9), 4)
    Z = np.column_stack([np.ones(36), np.tile(np.arange(4.0), 9)])
    alike = linear_batch(design(RNG.normal(size=36), Z, [block("g", codes, Z)]), True)
    assert alike.G.shape[2] == 1 and alike.counts.tolist() == [9.0]


def test_parts_give_the_same_numbers():
    d, sd = DESIGNS["unequal"]
    batch, Y = linear_batch(d, True), responses(d, sd, 9)
    whole, first, last = batch.fit(Y), batch.fit(Y[:, :4]), batch.fit(Y[:, 4:])
    for name in ("beta", "theta", "criterion", "vcov"):
        joined = np.concatenate([getattr(first, name), getattr(last, name)])
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-7, atol=1e-9)


def test_other_models_are_not_batched():
    n, codes = 60, np.repeat(np.arange(10), 6)
    crossed = [block("g", codes, np.ones(n)), block("h", np.tile(np.arange(6), 10), np.ones(n))]
    assert linear_batch(design(RNG.normal(size=n), np.ones((n, 1)), crossed), True) is None
    many = [block("g", codes, RNG.normal(size=(n, 4)))]
    assert linear_batch(design(RNG.normal(size=n), np.ones((n, 1)), many), True) is None


def test_a_response_that_its_predictors_reproduce_is_not_converged():
    d, sd = DESIGNS["balanced slope"]
    Y = responses(d, sd, 3)
    Y[:, 1] = d.X @ np.arange(1.0, 4.0)
    many = linear_batch(d, True).fit(Y)
    assert many.converged.tolist() == [True, False, True]


@pytest.mark.parametrize(
    "name", ["balanced slope", "unequal", "intercepts, weights and offset", "no variance"]
)
def test_satterthwaite_degrees(name):
    """As from numerical derivatives of the whole deviance by θ and log σ."""
    d, sd = DESIGNS[name]
    batch, Y = linear_batch(d, True), responses(d, sd, 5)
    many = batch.fit(Y)
    how = BatchDegrees(batch, batch.responses(Y), batch.standard(many.theta))
    weights = np.eye(d.X.shape[1])[1]
    got = how.of(weights)
    for k in np.flatnonzero(~many.singular):
        expected = _degrees(batch, d.with_response(Y[:, k]), many.theta[k], many.sigma[k], weights)
        assert got[k] == pytest.approx(expected, rel=1e-3)


def _degrees(batch: LinearBatch, d, theta, sigma, weights):
    criterion, df = lmm_criterion(d), batch.df

    def deviance(phi):
        at = criterion.solve(phi[:-1])
        log_sigma = phi[-1]
        ratio = (at.sigma / np.exp(log_sigma)) ** 2
        return at.criterion + df * (2 * log_sigma - 2 * np.log(at.sigma) + ratio - 1)

    def variance(phi):
        at = criterion.solve(phi[:-1])
        return weights @ at.vcov @ weights / at.sigma**2 * np.exp(2 * phi[-1])

    phi, h = np.append(theta, np.log(sigma)), 2e-4
    e = np.eye(len(phi)) * h
    g = np.array([(variance(phi + a) - variance(phi - a)) / (2 * h) for a in e])
    H = np.array(
        [
            [
                (
                    deviance(phi + a + b)
                    - deviance(phi + a - b)
                    - deviance(phi - a + b)
                    + deviance(phi - a - b)
                )
                for b in e
            ]
            for a in e
        ]
    ) / (4 * h**2)
    return 2 * variance(phi) ** 2 / (g @ (2 * np.linalg.inv(H)) @ g)


# -- one after the other, with what is known


@pytest.mark.parametrize("reml", [True, False])
def test_a_refit_is_a_fit(reml):
    n, rng = 240, np.random.default_rng(3)
    codes = np.repeat(np.arange(40), 6)
    blocks = [block("g", codes, np.ones(n)), block("h", codes // 4, np.ones(n))]
    d = design(rng.normal(size=n), np.column_stack([np.ones(n), rng.normal(size=n)]), blocks)
    criterion, theta = lmm_criterion(d, reml), np.array([0.5, 0.0])
    for y in responses(d, 0.5, 4).T:
        one, again = fit_lmm(d.with_response(y), reml), refit_lmm(criterion, y, theta)
        assert again.criterion == pytest.approx(one.criterion, abs=1e-9) and again.converged
        np.testing.assert_allclose(again.theta, one.theta, atol=1e-5)
        np.testing.assert_allclose(again.fitted, one.fitted, atol=1e-5)


@pytest.mark.parametrize("response", [265, 311])
def test_the_lowest_of_several_minima_may_have_a_strong_correlation(response):
    """Six small groups: from uncorrelated starts alone these two would end 0.1 and 2.2 too high."""
    d = made([2, 3, 2, 4, 3, 2], mean=1.0)
    y = responses(d, 0.3, 400)[:, response]
    many, one = linear_batch(d, True).fit(y[:, None]), fit_lmm(d.with_response(y), True)
    assert many.criterion[0] <= one.criterion + 1e-7
    Lambda = np.array([[many.theta[0, 0], 0.0], [many.theta[0, 1], many.theta[0, 2]]])
    Sigma = Lambda @ Lambda.T
    assert abs(Sigma[0, 1]) > 0.9 * np.sqrt(Sigma[0, 0] * Sigma[1, 1])


@pytest.mark.parametrize("level", [0.0, 1e3, 1e9])
def test_what_is_left_of_a_response_far_from_zero_is_at_right_angles_to_x(level):
    """Projected once, a mean of 10⁹ would leave a millionth of itself in residuals of size one."""
    d = made([8] * 12)
    batch = linear_batch(d, True)
    Y = level + responses(d, 0.4, 3)
    left, coefficients, scale = standard_responses(batch.data, d, Y)
    Q = batch.data.Q
    assert np.abs(Q @ left).max() < 1e-12 * np.sqrt(len(Y)) and scale.min() > 0.5
    np.testing.assert_allclose(np.mean(left**2, axis=0), 1.0)
    np.testing.assert_allclose(Q.T @ coefficients + scale * left, Y, atol=1e-6 * max(1.0, level * 1e-6))
