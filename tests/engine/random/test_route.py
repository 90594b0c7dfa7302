"""What a sparse factorisation costs, counted before it is made, and what is said where every way costs too much."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csc_matrix

from mlmkit.engine.random import arrange as arranging
from mlmkit.engine.random import route as routes
from mlmkit.engine.random import selected
from mlmkit.engine.random.arrange import arrange
from mlmkit.engine.random.route import operations
from mlmkit.engine.random.sparse_tail import SparseTail
from mlmkit.engine.random.tail import DenseTail
from mlmkit.engine.standardise import Term
from mlmkit.errors import DataError, FitWarning


def links_of(pairs, size):
    """A symmetric pattern with its diagonal."""
    met = np.eye(size)
    for j, k in pairs:
        met[j, k] = met[k, j] = 1.0
    return csc_matrix(met)


def by_elimination(links):
    """The counts of a factor, from a matrix that is filled in as it is eliminated, fewest links first."""
    met, total = links.toarray() > 0, 0
    np.fill_diagonal(met, False)
    left = np.ones(len(met), dtype=bool)
    while left.any():
        degrees = np.where(left, met.sum(axis=1), len(met) + 1)
        j = int(np.argmin(degrees))
        linked = np.flatnonzero(met[j])
        total += len(linked) ** 2
        met[np.ix_(linked, linked)] = True
        met[j] = met[:, j] = False
        np.fill_diagonal(met, False)
        left[j] = False
    return total


PATTERNS = st.integers(1, 14).flatmap(
    lambda size: st.tuples(
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=40), st.just(size)
    )
)


@given(PATTERNS)
def test_operations_are_those_of_an_elimination(pattern):
    links = links_of(*pattern)
    assert operations(links) == by_elimination(links)


@given(PATTERNS, st.integers(0, 900))
def test_counting_ends_early_only_where_it_is_too_much(pattern, most):
    links = links_of(*pattern)
    exact = operations(links)
    assert operations(links, most) == (exact if exact <= most else np.inf)


def test_a_tree_fills_nothing_and_a_clique_everything():
    tree = links_of([(k, (k - 1) // 2) for k in range(1, 200)], 200)
    assert operations(tree) == 199
    clique = links_of([(j, k) for j in range(30) for k in range(j)], 30)
    assert operations(clique) == sum(k**2 for k in range(30))


def crossed(local, groups=1200, others=900, rows=4200):
    """Rows of two crossed terms, at random or each with groups nearby: few links per group in both."""
    rng = np.random.default_rng(3)
    g = np.concatenate([np.arange(groups), rng.integers(0, groups, rows - groups)])
    h = (g * others // groups + rng.integers(0, 3, rows)) % others if local else rng.integers(0, others, rows)
    h = np.unique(h, return_inverse=True)[1]
    return [Term(c, c.max() + 1, np.ones((1, rows)), np.eye(1)) for c in (g, h)]


@pytest.mark.parametrize(("local", "kind"), [(True, SparseTail), (False, DenseTail)])
def test_few_links_are_sparse_only_where_they_fill_little(local, kind):
    terms = crossed(local)
    links = routes._links(terms, 0, [1])
    assert links.nnz <= routes.FEW_LINKS * links.shape[0]
    assert isinstance(arrange(terms, ["g", "h"]).tail, kind)


def test_a_tail_that_fits_neither_way_is_refused_before_any_factorisation(monkeypatch):
    def never(*_):
        raise AssertionError("a factorisation was begun")

    monkeypatch.setattr(arranging, "sparse_tail", never)
    monkeypatch.setattr(arranging, "NEVER_DENSE", 500)
    monkeypatch.setattr(routes, "NEVER_DENSE", 500)
    monkeypatch.setattr(selected, "MOST_GATHERED", 10_000)
    with pytest.raises(
        DataError, match=r"pupil \(1,200 groups\) and teacher \(\d+ groups\) are crossed.*Leave one"
    ):
        arrange(crossed(False), ["pupil", "teacher"])


def test_a_long_fit_is_told_before_it_begins(monkeypatch):
    monkeypatch.setattr(arranging, "SLOW", 500)
    with pytest.warns(
        FitWarning, match=r"pupil \(1,200 groups\) and teacher \(\d+ groups\).*expect some \d+ seconds"
    ):
        arrange(crossed(False), ["pupil", "teacher"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(arrange(crossed(True), ["pupil", "teacher"]).tail, SparseTail)


def test_what_a_long_fit_takes_grows_with_the_cube_of_its_columns_and_memory_with_their_square():
    with pytest.warns(FitWarning) as told:
        for width in (5_000, 15_000):
            arranging._tell_the_cost(crossed(False), width, ["pupil", "teacher"])
    small, large = (str(one.message) for one in told)
    assert "some 19 seconds for a linear model, some 2 minutes for a generalized one, and 2 GB" in small
    assert "some 8 minutes for a linear model, some 42 minutes for a generalized one, and 16 GB" in large


@pytest.mark.parametrize("others", [1, 2, 3])
def test_pairs_of_cells_are_no_more_than_bounded(others):
    rng = np.random.default_rng(1)
    g = rng.integers(0, 9, 60)
    cells = {(j, k, h) for k in range(others) for j, h in zip(g, rng.integers(0, 40, 60), strict=True)}
    counted = sum(sum(cell[0] == j for cell in cells) ** 2 for j in range(9))
    assert counted <= routes._pairs(Term(g, 9, np.ones((1, 60)), np.eye(1)), others) <= 3 * counted
