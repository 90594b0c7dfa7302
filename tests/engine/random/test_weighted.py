"""The factorised weighted equations against dense matrices, for every arrangement of the terms."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mlmkit.engine.random import equations
from mlmkit.engine.random.random_part import random_part
from mlmkit.engine.random.weighted_sparse import sparse_part

N = 300


def block(group, codes, Z):
    levels, codes = np.unique(codes, return_inverse=True)
    return SimpleNamespace(group=group, levels=levels, codes=codes.astype(np.intp), Z=Z.reshape(N, -1))


def blocks(arrangement):
    rng = np.random.default_rng(0)
    group, item, other = rng.integers(0, 40, N), rng.integers(0, 12, N), rng.integers(0, 5, N)
    one, x = np.ones(N), rng.normal(size=N)
    school, district, slope = group % 9, group % 9 % 3, np.column_stack([one, x])
    return {
        "one term": [block("c", group, slope)],
        "nested": [block("c", group, slope), block("s", school, slope), block("d", district, one)],
        "uncorrelated": [block("c", group, one), block("c", group, x), block("s", school, slope)],
        "crossed": [block("c", group, slope), block("i", item, slope), block("j", other, one)],
        "nested and crossed": [
            block("c", group, slope),
            block("i", item, slope),
            block("s", school, slope),
            block("j", other, one),
            block("d", district, x),
        ],
    }[arrangement]


def dense(part, Z):
    columns = []
    for term, z in zip(part.terms, Z, strict=True):
        member = term.codes[:, None] == np.arange(term.n_groups)
        columns += [member * row[:, None] for row in z]
    return np.hstack(columns)


@pytest.mark.parametrize("storage", ["dense", "sparse border", "sparse system"])
@pytest.mark.parametrize(
    "arrangement", ["one term", "nested", "uncorrelated", "crossed", "nested and crossed"]
)
def test_factorised_solved_and_inverted(arrangement, storage, monkeypatch):
    if storage == "sparse border":
        monkeypatch.setattr(equations, "SMALL_BORDER", -1)
        monkeypatch.setattr(equations, "DENSE_SHARE", 2)
    rng = np.random.default_rng(1)
    design = SimpleNamespace(y=np.zeros(N), blocks=blocks(arrangement))
    part, weights = random_part(design, rng.uniform(0.5, 2, N)), rng.uniform(0.5, 2, N)
    if storage == "sparse system":
        part = sparse_part(part.terms)
    Z = part.scaled([np.tril(rng.normal(size=(len(term.Z),) * 2)) for term in part.terms])
    M = dense(part, Z)
    H = M.T @ (weights[:, None] * M) + np.eye(M.shape[1])
    inverse = np.linalg.inv(H)
    factorised = part.factorise(Z, weights)

    assert factorised.log_determinant == pytest.approx(np.linalg.slogdet(H)[1], rel=1e-10)
    right = [rng.normal(size=(len(term.Z), term.n_groups)) for term in part.terms]
    solution = np.concatenate([effect.ravel() for effect in factorised.solve(right)])
    np.testing.assert_allclose(solution, inverse @ np.concatenate([r.ravel() for r in right]), atol=1e-10)

    by_row, by_group = factorised.inverse_by_row(Z), factorised.inverse_by_group()
    start = 0
    for term, rows, group in zip(part.terms, by_row, by_group, strict=True):
        places = start + np.arange(len(rows))[:, None] * term.n_groups + np.arange(term.n_groups)
        own = places[:, term.codes]
        np.testing.assert_allclose(rows, np.einsum("ank,nk->an", inverse[own], M), atol=1e-10)
        np.testing.assert_allclose(group, inverse[places[:, None], places[None]], atol=1e-10)
        start = places[-1, -1] + 1


def test_standardised_regressors_are_worth_one_observation():
    information = np.random.default_rng(2).uniform(0.5, 2, N)
    part = random_part(SimpleNamespace(y=np.zeros(N), blocks=blocks("crossed")), information)
    for term, one in zip(part.terms, blocks("crossed"), strict=True):
        gram = (term.Z * information) @ term.Z.T / N
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-10)
        np.testing.assert_allclose(term.R.T @ term.Z, one.Z.T, atol=1e-10)
