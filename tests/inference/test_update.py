"""update's formulas as R's update.formula, with random terms; the matrix of the fixed part."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError, FormulaError
from mlmkit.formula import parse_formula
from mlmkit.inference.update import signed_pieces, updated_formula

from .conftest import data
from .test_margins import frame

CASES = [
    ("y ~ a*b + (1|g)", "~ . - a:b", "y ~ a + b + (1 | g)"),
    ("y ~ a*b + (1|g)", ". ~ . + x", "y ~ a + b + x + a:b + (1 | g)"),
    ("y ~ a + b + (1|g)", "~ .^2", "y ~ a + b + a:b + (1 | g)"),
    ("y ~ a + b + (1|g)", "~ . + a:x - b", "y ~ a + a:x + (1 | g)"),
    ("y ~ a + (1|g)", "log(.) ~ .", "log(y) ~ a + (1 | g)"),
    ("y ~ a + (1|g)", "z ~ .", "z ~ a + (1 | g)"),
    ("y ~ a + (1|g)", "~ . - 1", "y ~ 0 + a + (1 | g)"),
    ("y ~ 0 + a + (1|g)", "~ . + 1", "y ~ a + (1 | g)"),
    ("y ~ a + (1|g)", "~ 1 + (1|g)", "y ~ 1 + (1 | g)"),
    ("y ~ a + (1|g)", "~ . - a", "y ~ 1 + (1 | g)"),
    ("y ~ a + (1|g) + (1|h)", "~ . - (1|h)", "y ~ a + (1 | g)"),
    ("y ~ a + (1|g)", "~ . - (1|g) + (a|g)", "y ~ a + (1 + a | g)"),
    ("y ~ a + (a|g)", "~ . - (1 + a|g) + (a||g)", "y ~ a + (1 + a || g)"),
    ("y ~ a + (1|g/h)", "~ . - (1|h:g)", "y ~ a + (1 | g)"),
    ("y ~ a + (1|g)", "~ . + (1|g)", "y ~ a + (1 | g)"),
    ("y ~ a + offset(log(n)) + (1|g)", "~ . + b", "y ~ a + b + offset(log(n)) + (1 | g)"),
    ("y ~ a + offset(log(n)) + (1|g)", "~ . - offset(log(n))", "y ~ a + (1 | g)"),
    ("y ~ log(x) + I(x^2)", "~ . - log(x)", "y ~ I(x ** 2)"),
    ("cbind(m, n - m) ~ a + (1|g)", "~ . - a", "cbind(m, n - m) ~ 1 + (1 | g)"),
    ("y ~ `my x` + b", "~ . - `my x`", "y ~ b"),
    ("y ~ x.1 + b", "~ . - x.1", "y ~ b"),
]


@pytest.mark.parametrize(("old", "change", "new"), CASES)
def test_formulas_are_changed_as_in_r(old, change, new):
    spec = parse_formula(old)
    found = updated_formula(spec, change)
    assert found == new
    again = parse_formula(found)
    assert str(parse_formula(str(again))) == str(again)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", "a:b"]), min_size=1, unique=True))
def test_what_is_added_can_be_taken_away(terms):
    base = parse_formula("y ~ z + (1|g)")
    more = updated_formula(base, f"~ . + {' + '.join(terms)}")
    assert updated_formula(parse_formula(more), f"~ . - {' - '.join(terms)}") == "y ~ z + (1 | g)"


def test_pieces_are_cut_outside_of_parentheses_and_quotes():
    assert signed_pieces("a + (x - 1|g) - log(b + 1) + `c-d`") == [
        ("+", "a"),
        ("+", "(x - 1|g)"),
        ("-", "log(b + 1)"),
        ("+", "`c-d`"),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("~ . - zz", "'zz' in '~ . - zz' is not a term.*There are: a, b"),
        ("~ . - (1|h)", r"\(1 \| h\) in .* is not in the model"),
        ("~ . - a:b", "'a:b'"),
        (". - a", "A change of formula"),
        (3, "A change of formula"),
        ("~ . + (1|", "group is missing"),
        ("~ . +* a", "Expected"),
    ],
)
def test_a_change_that_cannot_be_made_is_named(change, words):
    with pytest.raises(FormulaError, match=words):
        updated_formula(parse_formula("y ~ a + b + (1|g)"), change)


def test_a_fit_is_made_again_with_all_its_options():
    field = frame("field")
    fit = mk.lmer("y ~ a*b + x + (1|plot)", field, reml=False, weights="w")
    smaller, direct = (
        fit.update("~ . - a:b"),
        mk.lmer("y ~ a + b + x + (1|plot)", field, reml=False, weights="w"),
    )
    assert smaller.loglik == pytest.approx(direct.loglik) and not smaller.reml
    assert fit.update(reml=True).reml and fit.update(reml=True).formula == fit.formula
    assert fit.as_ml().update("~ . - x").reml is False
    assert fit.update("~ . - x", data=field.head(100)).nobs == 100
    probit = mk.glm("b ~ x", field.assign(b=(field["y"] > 8).astype(int)), "binomial(probit)")
    assert probit.update("~ .").family.link == "probit"
    assert probit.update(family="binomial").family.link == "logit"
    nodes = mk.glmer("cbind(m, n - m) ~ 1 + (1|batch)", data("rats"), n_agq=9)
    assert nodes.update().loglik == nodes.loglik


def test_rows_are_dropped_anew():
    field = frame("field").copy()
    field.loc[:9, "x"] = np.nan
    fit = mk.lm("y ~ a + x", field)
    assert fit.nobs == len(field) - 10 and fit.update("~ . - x").nobs == len(field)


def test_a_mixed_model_without_random_terms_is_another_function():
    fit = mk.lmer("y ~ a + (1|plot)", frame("field"))
    with pytest.raises(FormulaError, match=r"lm\(\)"):
        fit.update("~ . - (1|plot)")
    with pytest.raises(DataError, match="does not know how it was made"):
        type(fit)(fit.design, fit.estimates, fit.data, fit.estimator).update("~ .")


def test_the_model_matrix_gives_the_linear_predictor():
    field = frame("field")
    fit = mk.lmer("y ~ a*poly(x, 2) + b + (1|plot)", field)
    X = fit.model_matrix()
    assert list(X.columns) == list(fit.fixef.index) and X.index.equals(fit.design.rows)
    assert_allclose(X @ fit.fixef, fit.predict(groups="none"))
    new = fit.model_matrix(field.iloc[[3, 50]])
    assert_allclose(new, X.iloc[[3, 50]])
    with pytest.raises(DataError, match="no column 'b'"):
        fit.model_matrix({"a": "a1", "x": 3.0})
    offset = mk.glm("falls ~ arm", frame("ward"), "poisson", offset="logdays")
    assert_allclose(offset.model_matrix({"arm": ["control", "treated"]}), [[1, 0], [1, 1]])
