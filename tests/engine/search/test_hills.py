"""The highest summit: where one group holds most of the rows, and where a slope varies around 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import hills
from mlmkit.design import build_design
from mlmkit.engine.generalized import glmm
from mlmkit.engine.generalized.criterion import glmm_criterion
from mlmkit.engine.generalized.glmm import fit_glmm
from mlmkit.engine.generalized.irls import iterate
from mlmkit.engine.generalized.summits import height
from mlmkit.engine.linear.criterion import lmm_criterion
from mlmkit.engine.linear.lmm import fit_lmm
from mlmkit.engine.search.hills import (
    Summit,
    further_starts,
    highest,
    may_have_hills,
    sds_of,
    two_summits,
    uneven,
)
from mlmkit.families import get_family
from mlmkit.formula import parse_formula
from tests.engine.toy import block, design

DATA = Path(__file__).parents[2] / "reference" / "data"


def generalized(formula, data, family, n_agq=1, **extras):
    return fit_glmm(build_design(parse_formula(formula, get_family(family)), data, **extras), n_agq)


def one_large_group(seed, family, large, small, rows=1):
    """`large` rows in one group, and `small` groups of a few."""
    rng = np.random.default_rng(seed)
    codes = np.r_[np.zeros(large, int), np.repeat(np.arange(1, small + 1), rows)]
    u, x = rng.normal(0, 1.5, small + 1), rng.normal(size=len(codes))
    eta = x + u[codes]
    if family == "binomial":
        y = (rng.random(len(codes)) < 1 / (1 + np.exp(-eta))).astype(int)
    else:
        y = rng.poisson(np.exp(eta - 1))
    return pd.DataFrame({"g": [f"u{j}" for j in codes], "x": x.round(2), "y": y})


# -- numbers of lme4 (tolPwrss 1e-12) and glmmTMB, which agree on the higher summit


@pytest.mark.parametrize(
    ("data", "family", "loglik", "theta", "intercept"),
    [
        ((11, "binomial", 300, 20, 3), "binomial", -218.857043, 1.94518, 0.3822),
        ((6, "poisson", 300, 20), "poisson", -530.276087, 1.0293, -0.309698),
    ],
)
def test_no_false_zero(data, family, loglik, theta, intercept):
    fit = generalized("y ~ x + (1|g)", one_large_group(*data), family)
    assert fit.loglik == pytest.approx(loglik, abs=1e-5)
    assert fit.theta[0] == pytest.approx(theta, abs=1e-4)
    assert fit.beta[0] == pytest.approx(intercept, abs=1e-4)
    assert fit.converged and fit.messages == ()


def test_quadrature_does_not_stop_at_the_false_zero_either():
    fit = generalized("y ~ x + (1|g)", one_large_group(6, "poisson", 300, 20), "poisson", n_agq=9)
    assert fit.theta[0] == pytest.approx(0.99275, abs=1e-4)
    np.testing.assert_allclose(fit.beta, [-0.282923, 0.968408], atol=1e-4)


def test_a_slope_around_zero_takes_the_others_far():
    fit = generalized("y ~ z + (x||g)", pd.read_csv(DATA / "two_hills.csv"), "poisson")
    assert -2 * fit.loglik == pytest.approx(359.8224, abs=1e-3)
    np.testing.assert_allclose(fit.theta, [11.83, 22.24], rtol=1e-3)
    np.testing.assert_allclose(fit.beta, [104.50, 0.300], rtol=1e-2)


def test_a_summit_that_only_laplace_sees_is_not_taken():
    """At an SD of 20 Laplace is 0.76 lower; by quadrature with 25 nodes that place is 5 higher, 356.98."""
    fit = generalized("y ~ x + (1|g)", one_large_group(9, "binomial", 300, 20), "binomial")
    assert fit.theta[0] == pytest.approx(1.4385, abs=1e-3)
    assert fit.criterion == pytest.approx(352.0124, abs=1e-3)


@pytest.fixture(scope="module")
def small_sets():
    return list(hills.small_sets())


def test_few_groups_hide_no_summit_that_is_higher_by_the_exact_integral(small_sets):
    """Laplace's criteria differ by 0.013 only, and prefer a slope of half the size; nodes find what is found here."""
    one = small_sets[189]
    fit, exact = (generalized(one.formula, one.data, one.family, n) for n in (1, 25))
    assert fit.converged and exact.converged
    assert fit.beta[1] == pytest.approx(exact.beta[1], rel=0.05)
    assert any("two maxima" in message for message in fit.messages)


@pytest.mark.parametrize("k", [19, 191, 247])
def test_a_summits_height_keeps_the_order_of_many_nodes(small_sets, k):
    """Two effects that share what they explain, and SDs so large that fifteen nodes miss the integral."""
    it = benchmarked(small_sets[k])
    ends = [glmm.climb(glmm.begin_at(it, x, it.part.nothing())) for x in hills._grid(it)]
    heights = [height(it, end.x, end.modes) for end in ends]
    many = [it.with_nodes(60).state_at(end.x, end.modes).value for end in ends]
    assert many[int(np.argmin(heights))] < min(many) + 0.02


def benchmarked(one):
    d = build_design(parse_formula(one.formula, get_family(one.family)), one.data)
    return glmm_criterion(d, iterate(d))


@pytest.mark.parametrize(("n_agq", "told"), [(1, True), (25, False)])
def test_two_maxima_by_laplace_are_to_be_seen_with_nodes(small_sets, n_agq, told):
    one = small_sets[106]
    fit = generalized(one.formula, one.data, one.family, n_agq)
    (sentence,) = (message for message in fit.messages if "two maxima" in message)
    assert ("n_agq=25" in sentence) == told
    assert "fit.profile()" in sentence and "mk.brm()" in sentence


def test_two_summits_of_nearly_the_same_height_are_said():
    fit = generalized("y ~ x + (1|g)", one_large_group(1, "binomial", 1000, 20, 5), "binomial")
    (message,) = fit.messages
    assert "two maxima of nearly the same height" in message and "Intercept across g" in message


# -- linear models: nothing on a fine grid of SDs is lower


def unequal(seed, kind):
    rng = np.random.default_rng(seed)
    large, small = [(3000, 25), (300, 12), (40, 10)][seed % 3]
    codes = np.r_[np.zeros(large, int), np.arange(1, small + 1)]
    n, x = len(codes), rng.normal(size=len(codes))
    u, v = rng.normal(0, 1.5, small + 1), rng.normal(0, 1, small + 1)
    if kind == "around zero":
        x = rng.normal(5, 0.1, n)
        y = 3 * x + u[codes] * x + rng.normal(size=n)
        return design(y, np.ones((n, 1)), [block("g", codes, x)])
    X, one = np.column_stack([np.ones(n), x]), np.ones(n)
    y = x + u[codes] + rng.normal(size=n)
    if kind == "intercept":
        return design(y, X, [block("g", codes, one)])
    outer = np.where(codes == 0, 0, 1 + codes % 6)
    if kind == "nested":
        y = y + rng.normal(0, 1, 7)[outer]
        return design(y, X, [block("g", codes, one), block("h", outer, one)])
    return design(y + v[codes] * x, X, [block("g", codes, one), block("g", codes, x)])


@pytest.mark.parametrize("kind", ["intercept", "slope", "nested", "around zero"])
@pytest.mark.parametrize("reml", [True, False])
def test_no_grid_finds_a_lower_criterion(kind, reml):
    for seed in range(9):
        d = unequal(seed, kind)
        criterion, fit = lmm_criterion(d, reml), fit_lmm(d, reml)
        ladder = [0.0, *np.geomspace(0.02, 100, 20)]
        K = len(criterion.sizes)
        grid = np.array(np.meshgrid(*[ladder] * K)).reshape(K, -1).T
        lowest = min(criterion.standard(theta)[0] for theta in grid)
        assert fit.criterion <= lowest + 1e-8 and fit.converged


# -- when to look, and where


def test_even_groups_with_their_fixed_effects_are_not_searched_again():
    codes = np.repeat(np.arange(12), 10)
    X = np.column_stack([np.ones(120), np.tile(np.arange(10.0), 12)])
    even = design(np.sin(codes), X, [block("g", codes, X, ("x0", "x1"))])
    assert not may_have_hills(even, [np.full((2, 12), 10.0)])
    around_zero = design(np.sin(codes), X[:, :1], [block("g", codes, X, ("x0", "x1"))])
    assert may_have_hills(around_zero, [np.full((2, 12), 10.0)])


def test_other_names_for_the_same_columns_do_not_vary_around_zero():
    codes, half = np.repeat(np.arange(12), 10), np.tile([0.0, 1.0], 60)
    d = design(np.sin(codes), np.column_stack([1 - half, half]), [block("g", codes, np.ones(120), ("one",))])
    assert not may_have_hills(d, [np.full((1, 12), 10.0)])


def test_uneven_is_counted_by_information():
    assert uneven(np.array([[300.0, *[1.0] * 20]]))
    assert not uneven(np.array([[10.0, 12.0, 8.0, 15.0]]))
    assert uneven(np.array([[1.0] * 21, [300.0, *[1.0] * 20]]))


def test_searches_start_at_low_places_that_are_not_the_end():
    """A criterion with two wells in the log SD of one coefficient, one of them where the search ended."""

    def look(factors):
        sd = np.log(sds_of(factors)[0] + 1e-3)
        return min((sd - np.log(0.1)) ** 2, (sd - np.log(10.0)) ** 2), 7.0

    ((factors, rest),) = further_starts([np.array([[0.1]])], look, np.ones(1), 100.0)
    np.testing.assert_allclose(factors, [[[10.0]]], rtol=1e-6)
    assert rest == 7.0


def test_correlated_coefficients_are_tried_in_step_and_out_of_step():
    starts = further_starts([np.zeros((2, 2))], lambda factors: (0.0, None), np.ones(2), 10.0)
    correlations = [L[1, 0] / np.hypot(L[1, 0], L[1, 1]) for (L,), _ in starts[-2:]]
    np.testing.assert_allclose(correlations, [0.9, -0.9])


def test_the_lowest_height_wins_and_a_close_one_elsewhere_is_told():
    far = [np.array([[2.0]])]
    here = Summit(10.0, [np.array([[1.0]])], True, "here")
    close, same, higher = (
        Summit(11.0, far, True, "close"),
        Summit(10.0, [np.array([[1.0001]])], True, "same"),
        Summit(14.0, far, True, "higher"),
    )
    assert highest([higher, close, here]) == (here, close)
    assert highest([here, same, higher]) == (here, None)
    assert highest([here, Summit(10.5, far, False, "stuck")]) == (here, None)


def test_the_sentence_names_the_sd_that_differs_most():
    codes = np.repeat(np.arange(4), 3)
    d = design(np.sin(codes), np.ones((12, 1)), [block("g", codes, np.ones((12, 2)), ("Intercept", "x"))])
    sentence = two_summits(d, np.array([1.0, 0.5]), np.array([1.1, 3.0]), 0.4)
    assert "SD of x across g is 0.5, at the other it is 3" in sentence and "0.4" in sentence


def test_an_sd_is_the_length_of_a_row():
    factors = [np.array([[3.0, 0.0], [4.0, 5.0]]), np.array([[2.0]])]
    np.testing.assert_allclose(sds_of(factors), [3, np.sqrt(41), 2])


def test_other_summits_are_looked_for_up_to_the_largest_sd():
    """On a ladder that begins at 0 and goes beyond it, in the units of each SD."""
    seen = []

    def look(factors):
        seen.append(sds_of(factors))
        return float(np.sum(sds_of(factors))), None

    units = np.array([2.0, 0.5])
    further_starts([np.diag([0.1, 0.2])], look, units, 40.0)
    sds = np.array(seen) / units
    assert np.all(sds.min(axis=0) == 0) and np.all(sds.max(axis=0) >= 40.0)
