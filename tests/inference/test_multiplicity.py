"""Adjusted p values and intervals against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from mlmkit.inference.multiplicity import Family, holm, sidak


def test_holm_by_hand():
    assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    assert_allclose(holm(np.array([0.02, np.nan, 0.03])), [0.06, np.nan, 0.06])


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(values):
    p = np.array(values)
    adjusted = holm(p)
    assert np.all(adjusted >= p) and np.all(adjusted <= np.minimum(p * len(p), 1) + 1e-15)
    order = np.argsort(p)
    assert np.all(np.diff(adjusted[order]) >= 0)


def test_families_are_adjusted_apart():
    sets = (np.array([0, 1]), np.array([2, 3]))
    t, df = np.array([2.5, 1.0, 3.0, 0.2]), np.full(4, 20.0)
    p = Family("holm", sets).p_values(t, df)
    plain = 2 * stats.t.sf(t, 20)
    assert_allclose(p, np.concatenate([holm(plain[:2]), holm(plain[2:])]))
    assert_allclose(Family("holm", sets).quantiles(0.95, df), stats.t.isf(0.0125, 20))


def test_tukeys_limits_and_p_values_agree():
    """At the quantile itself the p value is what the interval leaves out; a z test has infinitely many df."""
    df = np.array([8.3, 30.0, np.inf])
    family = Family("tukey", (np.arange(3),))
    q = family.quantiles(0.9, df)
    assert_allclose(family.p_values(q, df), 0.1, rtol=1e-7)
    assert np.all(q > stats.t.isf(0.05, df))


@pytest.mark.parametrize("name", ["tukey", "holm", "bonferroni", "sidak", "none"])
def test_a_single_test_is_not_adjusted(name):
    family, t, df = (
        Family(name, (np.array([0]), np.array([1]))),
        np.array([2.0, -1.0]),
        np.array([9.0, 12.0]),
    )
    assert_allclose(family.p_values(t, df), 2 * stats.t.sf(np.abs(t), df))
    assert_allclose(family.quantiles(0.95, df), stats.t.isf(0.025, df))
    assert family.note == ""


@pytest.mark.parametrize("name", ["bonferroni", "sidak", "tukey"])
@pytest.mark.parametrize("m", [1, 3, 6])
def test_p_values_and_intervals_are_of_one_mind(name, m):
    """A statistic at the interval's end has the p value that the interval leaves out; families may differ in size."""
    family, df = Family(name, (np.arange(m), m + np.arange(3))), np.full(m + 3, 11.0)
    assert_allclose(family.p_values(family.quantiles(0.9, df), df), 0.1, rtol=1e-7)


def test_sidak_lies_between_none_and_bonferroni_also_at_the_ends():
    p = np.array([0.0, 1e-300, 1e-9, 0.3, 1.0])
    assert_allclose(sidak(p), [0.0, 5e-300, 5e-9, 1 - 0.7**5, 1.0], rtol=1e-8)
