"""Singular fits: found whatever the units, and named."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.engine.linear.lmm import fit_lmm
from mlmkit.engine.search.singular import is_singular, singular_blocks, singular_messages
from tests.engine.toy import block, design

N = 120
CODES = np.repeat(np.arange(12), 10)
X = np.tile(np.arange(10.0), 12)


def slopes(scale=1.0, shift=0.0):
    x = scale * X + shift
    Z = np.column_stack([np.ones(N), x])
    y = np.sin(CODES) + 0.1 * np.cos(7.0 * np.arange(N))
    return design(y, Z, [block("g", CODES, Z, ("Intercept", "x"))])


@pytest.mark.parametrize(
    ("theta", "singular"),
    [([1, 0, 0.3], False), ([1, 0.5, 0], True), ([0, 0.5, 0], True), ([1, 0, 0], True), ([0, 0, 0], True)],
)
def test_zero_variances_and_perfect_correlations_are_singular(theta, singular):
    assert is_singular(slopes(), np.array(theta, dtype=float)) == singular
    assert bool(singular_messages(slopes(), np.array(theta, dtype=float))) == singular


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_do_not_matter(scale):
    d = slopes(scale)
    assert not is_singular(d, np.array([1.0, 0.0, 0.3 / scale]))
    assert is_singular(d, np.array([1.0, 0.0, 1e-6 / scale]))


def test_messages_name_term_estimate_meaning_and_remedy():
    (zero,) = singular_messages(slopes(), np.array([1.0, 0.0, 0.0]))
    assert "SD of x across g is estimated as 0" in zero and "without x" in zero
    (minus,) = singular_messages(slopes(), np.array([1.0, -0.5, 0.0]))
    assert "correlation of Intercept and x across g is estimated as −1" in minus and "||" in minus


def test_of_counts_there_is_no_residual_noise():
    counts = pd.DataFrame(
        {"g": np.repeat(list("abcdefgh"), 5), "x": np.tile(range(5), 8), "y": [3, 4, 5, 4, 3] * 8}
    )
    with pytest.warns(mk.FitWarning) as caught:
        mk.glmer("y ~ x + (x|g)", counts, "poisson")
    (sentence,) = (str(w.message) for w in caught if "Singular" in str(w.message))
    assert "the SDs of Intercept and x across g are estimated as 0" in sentence
    assert "beyond what chance gives" in sentence and "residual" not in sentence


def test_more_than_two_coefficients_are_counted():
    Z = np.column_stack([np.ones(N), X, X**2])
    d = design(np.sin(np.arange(N)), Z, [block("g", CODES, Z)])
    (message,) = singular_messages(d, np.array([1.0, 0.5, 0.2, 0.3, 0.1, 0.0]))
    assert "3 coefficients" in message and "2 directions" in message


def test_only_singular_blocks_are_listed():
    one = np.ones(N)
    d = design(
        np.sin(np.arange(N)), one[:, None], [block("g", CODES, one), block("h", np.arange(N) % 7, one)]
    )
    assert singular_blocks(d, np.array([0.4, 0.0])) == (1,)


def test_a_fit_at_the_boundary_says_so_and_says_zero():
    rng = np.random.default_rng(2)
    y = rng.normal(size=N)
    y -= np.array([y[j == CODES].mean() for j in range(12)])[CODES]
    one = np.ones(N)
    fit = fit_lmm(design(y, one[:, None], [block("g", CODES, one, ("Intercept",))]))
    assert fit.converged
    assert fit.theta[0] == 0.0
    assert "SD of Intercept across g is estimated as 0" in fit.messages[0]


@pytest.mark.parametrize("factor", [1e-10, 1.0, 1e10])
def test_weights_in_other_units_leave_a_regular_fit_regular(factor):
    data = mk.load_data("sleepstudy").assign(w=factor)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = mk.lmer("Reaction ~ Days + (Days|Subject)", data, weights="w")
    assert not fit.is_singular
    np.testing.assert_allclose(fit.varcorr.sdcor[:2], [24.7407, 5.9221], rtol=1e-4)
