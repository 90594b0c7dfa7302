"""MINQUE(0): the overlaps are those of the definition, and balanced data start near the answer."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mlmkit.engine.linear.criterion import lmm_criterion
from mlmkit.engine.linear.lmm import optimise
from mlmkit.engine.linear.start import LARGEST, SMALLEST, overlaps, starting_theta
from tests.engine.routes import ROUTES, take
from tests.engine.toy import KINDS, block, design, toy


def start(c):
    return starting_theta(c.equations, c.data.n)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", KINDS)
def test_overlaps_are_those_of_the_definition(kind, route, monkeypatch):
    take(route, monkeypatch)
    c = lmm_criterion(toy(kind))
    columns = []
    for term in c.data.terms:
        member = (term.codes[:, None] == np.arange(term.n_groups)).astype(float)
        columns += [member * row[:, None] for row in term.Z]
    expected = [[np.sum((one.T @ other) ** 2) for other in columns] for one in columns]
    assert_allclose(overlaps(c.equations.products), expected, rtol=1e-8)


def test_a_balanced_design_starts_near_its_optimum():
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(200), 6)
    y = rng.normal(size=200)[codes] + rng.normal(size=1200)
    c = lmm_criterion(design(y, np.ones((1200, 1)), [block("g", codes, np.ones(1200))]))
    assert_allclose(c.from_standard(start(c)), optimise(c).theta, rtol=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_the_start_keeps_away_from_zero_and_infinity(seed):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(4), 3)
    c = lmm_criterion(design(rng.normal(size=12), np.ones((12, 1)), [block("g", codes, np.ones(12))]))
    assert SMALLEST <= start(c)[0] <= LARGEST
