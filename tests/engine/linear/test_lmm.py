"""Fits: the laws every fit obeys, lme4's numbers, and hard data near the boundary."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from benchmarks import scan
from mlmkit.datasets import load_data
from mlmkit.design import build_design
from mlmkit.engine.linear import lmm
from mlmkit.engine.linear.criterion import lmm_criterion
from mlmkit.engine.linear.lmm import fit_lmm, optimise
from mlmkit.engine.linear.start import starting_theta
from mlmkit.formula import parse_formula
from tests.engine.toy import KINDS, block, design, toy

REFERENCE = Path(__file__).parents[2] / "reference"
CASES = {c["id"]: c for c in json.loads((REFERENCE / "lme4.json").read_text()) if c["kind"] == "lmer"}
SEEDS = st.integers(0, 10_000)


def reference_design(case):
    if case["data"] == "math":
        data = load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    else:
        path = REFERENCE / "data" / f"{case['data']}.csv"
        data = pd.read_csv(path) if path.exists() else load_data(case["data"])
    return build_design(parse_formula(case["formula"]), data)


@pytest.mark.parametrize("name", CASES)
def test_lme4s_case(name):
    case = CASES[name]
    fit = fit_lmm(reference_design(case), case["REML"])
    assert fit.converged
    assert fit.criterion <= case["criterion"] * (1.0 + 1e-9)
    assert_allclose(fit.beta, list(case["fixef"].values()), rtol=1e-6)
    assert_allclose(np.sqrt(np.diag(fit.vcov)), list(case["se"].values()), rtol=1e-5)
    assert_allclose(fit.sigma, case["sigma"], rtol=1e-6)
    assert_allclose(fit.theta, np.atleast_1d(case["theta"]), atol=1e-6)
    assert bool(fit.messages) == case["singular"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
def test_the_optimum_is_no_worse_than_many_starts_find(kind, reml):
    c = lmm_criterion(toy(kind), reml)
    found = optimise(c)
    rng = np.random.default_rng(0)
    starts = rng.normal(size=(8, len(found.theta)))
    best = min(minimize(c.standard, x, jac=True, method="BFGS").fun for x in starts)
    assert found.converged
    assert found.value <= best + 1e-6


@pytest.mark.parametrize("seed", range(25))
def test_few_groups_and_variances_near_zero(seed):
    """Where a search with bounds, or one that trusts a zero gradient, stops at false boundaries."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(rng.integers(3, 7)), rng.integers(3, 7))
    n, x = len(codes), rng.normal(size=len(codes))
    Z = np.column_stack([np.ones(n), x])
    effects = rng.normal(size=(codes.max() + 1, 2)) * rng.choice([0.0, 0.1, 0.5], 2)
    y = 1.0 + x + (Z * effects[codes]).sum(axis=1) + rng.normal(size=n)
    c = lmm_criterion(design(y, Z, [block("g", codes, Z), block("h", codes // 2, Z)]))
    found = optimise(c)
    starts = rng.normal(size=(6, 6))
    best = min(minimize(c.standard, s, jac=True, method="BFGS").fun for s in starts)
    assert found.converged
    assert found.value <= best + 1e-5


def test_of_two_minima_the_lower_one_is_found():
    """Three groups of four rows and seven variances: one minimum is 1.7 above the other."""
    rng = np.random.default_rng(112)
    groups, rows = rng.integers(3, 9, 2)
    g, x = np.repeat(np.arange(groups), rows), rng.normal(size=groups * rows)
    h, tau = rng.integers(0, 4, len(g)), rng.choice([0.0, 0.05, 0.2, 0.6], 3)
    b, c = rng.normal(size=(groups, 2)) * tau[:2], rng.normal(size=groups) * tau[2]
    y = 1.0 + 0.5 * x + b[g, 0] + b[g, 1] * x + c[h % groups] + rng.normal(size=len(g))
    Z = np.column_stack([np.ones(len(g)), x])
    d = design(y, Z, [block("h", h, np.ones(len(g))), block("g", g, Z)])
    criterion = lmm_criterion(d)
    start = criterion.from_standard(starting_theta(criterion.equations, criterion.data.n))
    best, other = optimise(criterion), optimise(criterion, start)
    assert best.value < other.value - 1.0
    (sentence,) = (one for one in lmm._messages(criterion, replace(best, rival=other)) if "two maxima" in one)
    assert f"differs by {other.value - best.value:.2g} only" in sentence


@pytest.fixture(scope="module")
def small_sets():
    return list(scan.sets())


@pytest.mark.parametrize(("k", "reml", "lowest"), [(143, True, 105.3287), (390, False, 153.6262)])
def test_few_uneven_groups_hide_no_lower_minimum(small_sets, k, reml, lowest):
    """The lowest of lme4's optimisers; its default ends at 106.0558 and 154.6114."""
    formula, data = small_sets[k]
    found = optimise(lmm_criterion(build_design(parse_formula(formula), data), reml))
    assert found.converged
    assert found.value == pytest.approx(lowest, abs=1e-4)


@pytest.mark.parametrize("k", range(9, 24))
@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
def test_few_data_are_fitted_no_worse_than_from_many_starts(small_sets, k, reml):
    formula, data = small_sets[k]
    criterion = lmm_criterion(build_design(parse_formula(formula), data), reml)
    rng = np.random.default_rng(k)
    starts = rng.normal(size=(6, len(optimise(criterion).theta))) * [[0.3], [0.3], [1], [1], [3], [10]]
    ends = (minimize(criterion.standard, x, jac=True, method="BFGS") for x in starts)
    assert optimise(criterion).value <= min(end.fun for end in ends if np.max(np.abs(end.x)) < 1000) + 1e-6


def test_a_start_of_ones_own_leads_to_the_same_optimum():
    c = lmm_criterion(toy("crossed"))
    assert_allclose(optimise(c, np.full(7, 0.3)).value, optimise(c).value, rtol=1e-10)


def same_model(one, other, shift=0.0, scale=1.0):
    """Two fits of one model: what cannot depend on how it is written down."""
    assert_allclose(other.sigma, scale * one.sigma, rtol=1e-5)
    assert_allclose(other.fitted, scale * one.fitted + shift, rtol=1e-5, atol=1e-5 * scale)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_rows_may_come_in_any_order(seed):
    d = toy("nested and crossed", seed, n=120)
    order = np.random.default_rng(seed).permutation(120)
    shuffled = replace(
        d,
        y=d.y[order],
        X=d.X[order],
        weights=d.weights[order],
        offset=d.offset[order],
        blocks=tuple(replace(b, codes=b.codes[order], Z=b.Z[order]) for b in d.blocks),
    )
    assert_allclose(fit_lmm(shuffled).criterion, fit_lmm(d).criterion, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_groups_may_have_any_names(seed):
    d = toy("crossed", seed, n=120)
    rng = np.random.default_rng(seed)
    renamed = []
    for b in d.blocks:
        names = rng.permutation(len(b.levels))
        renamed.append(replace(b, codes=names[b.codes]))
    one, other = fit_lmm(d), fit_lmm(replace(d, blocks=tuple(renamed)))
    assert_allclose(other.criterion, one.criterion, atol=1e-6)
    for k, (b, new) in enumerate(zip(d.blocks, renamed, strict=True)):
        assert_allclose(other.modes[k][new.codes], one.modes[k][b.codes], atol=1e-3)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_y_may_be_shifted_and_scaled(seed, shift, scale):
    d = toy("three nested", seed, n=150, weighted=False)
    one, other = fit_lmm(d), fit_lmm(d.with_response(scale * d.y + shift))
    assert_allclose(other.criterion, one.criterion + 2 * (150 - 2) * np.log(scale), atol=1e-5)
    same_model(one, other, shift, scale)
    assert_allclose(
        other.beta, scale * one.beta + [shift, 0.0], rtol=1e-4, atol=1e-5 * max(1.0, abs(shift) * 1e-5)
    )


def with_predictor(d, x):
    """The toy with another predictor in the same places, in X and in every block that has it."""
    Z = np.column_stack([np.ones(len(x)), x])
    blocks = tuple(replace(b, Z=Z) if b.Z.shape[1] == 2 else b for b in d.blocks)
    return replace(d, X=Z, blocks=blocks)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.floats(-1e3, 1e3), st.sampled_from([1e-6, 1e-2, 1.0, 1e3, 1e6]))
def test_a_predictor_under_a_full_bar_may_be_shifted_and_scaled(seed, shift, scale):
    d = toy("one term", seed, n=150)
    one, other = fit_lmm(d), fit_lmm(with_predictor(d, scale * (d.X[:, 1] + shift)))
    assert_allclose(other.criterion, one.criterion - 2 * np.log(1.0 / scale), atol=1e-5)
    same_model(one, other)
    assert_allclose(other.beta[1] * scale, one.beta[1], rtol=1e-4)


def test_years_are_no_worse_a_predictor_than_days():
    d = reference_design(CASES["sleep_full"])
    years = with_predictor(d, d.X[:, 1] + 2020.0)
    assert_allclose(fit_lmm(years).criterion, CASES["sleep_full"]["criterion"], rtol=1e-10)


def test_without_correlation_the_origin_of_a_predictor_matters():
    d = toy("uncorrelated and nested")
    moved = replace(d, blocks=(d.blocks[0], replace(d.blocks[1], Z=d.blocks[1].Z - 3.0), d.blocks[2]))
    assert abs(fit_lmm(d).criterion - fit_lmm(moved).criterion) > 1e-3


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
def test_equal_weights_change_sigma_only(reml):
    d = toy("crossed", weighted=False)
    one, other = fit_lmm(d, reml), fit_lmm(replace(d, weights=np.full(300, 4.0)), reml)
    assert_allclose(other.criterion, one.criterion, rtol=1e-9)
    assert_allclose(other.sigma, 2.0 * one.sigma, rtol=1e-6)
    assert_allclose(other.theta, one.theta / 2.0, atol=1e-5)
    assert_allclose(other.vcov, one.vcov, rtol=1e-5)


def test_a_row_of_weight_two_is_no_pair_of_rows_but_has_its_estimates_at_a_theta():
    """Doubling a row's weight doubles its say in b, yet the row counts once in the degrees of freedom."""
    d = toy("one term", weighted=False)
    double = replace(d, weights=np.full(300, 2.0))
    rows = np.tile(np.arange(300), 2)
    twice = replace(
        d,
        y=d.y[rows],
        X=d.X[rows],
        weights=np.ones(600),
        offset=d.offset[rows],
        blocks=tuple(replace(b, codes=b.codes[rows], Z=b.Z[rows]) for b in d.blocks),
    )
    theta = np.array([0.5, 0.1, 0.3])
    one, other = lmm_criterion(double).solve(theta), lmm_criterion(twice).solve(theta)
    assert_allclose(other.beta, one.beta)
    assert_allclose(other.modes[0], one.modes[0], atol=1e-10)
    assert other.sigma < one.sigma


def test_rows_of_weight_zero_are_as_good_as_absent():
    d = toy("one term", n=200)
    d.weights[150:] = 0.0
    kept = slice(0, 150)
    absent = replace(
        d,
        y=d.y[kept],
        X=d.X[kept],
        weights=d.weights[kept],
        offset=d.offset[kept],
        blocks=tuple(replace(b, codes=b.codes[kept], Z=b.Z[kept]) for b in d.blocks),
    )
    assert_allclose(fit_lmm(d).criterion, fit_lmm(absent).criterion, rtol=1e-9)


def test_a_minimum_is_doubted_if_the_search_found_no_end_or_the_groups_are_uneven(monkeypatch):
    design = build_design(parse_formula("Reaction ~ Days + (Days|Subject)"), load_data("sleepstudy"))
    criterion = lmm_criterion(design)
    asked = []
    monkeypatch.setattr(lmm, "may_have_hills", lambda design, sums: asked.append(list(sums)) or False)
    for converged, evaluations, doubted in (
        (True, 20, False),
        (False, 20, True),
        (False, lmm.MOST_EVALUATIONS + 1, False),
    ):
        end = SimpleNamespace(converged=converged, evaluations=evaluations)
        assert lmm._may_be_lower_elsewhere(criterion, end) is doubted
    (sums,) = asked  # where the search has ended, how unevenly the groups inform is looked at
    (term,) = criterion.data.terms
    expected = [np.bincount(term.codes, row**2) for row in term.Z]
    np.testing.assert_allclose(sums[0], np.array(expected).reshape(np.shape(sums[0])))
