"""Formulas are read as lme4 reads them, and nothing but what a formula may say is read."""

from typing import Any

import pytest

from mlmkit.errors import FormulaError
from mlmkit.formula import parse_formula
from mlmkit.spec import RandomTerm

ONE = ()


def spelled(terms):
    return [tuple(factor.expr for factor in term) for term in terms]


def random_part(formula):
    return [
        RandomTerm(tuple(spelled(term.terms)), term.factors, term.correlated)
        for term in parse_formula(formula).random
    ]


@pytest.mark.parametrize(
    ("formula", "fixed"),
    [
        ("y ~ 1", [ONE]),
        ("y ~ x", [ONE, ("x",)]),
        ("y ~ 0 + x", [("x",)]),
        ("y ~ -1 + x", [("x",)]),
        ("y ~ x - 1", [("x",)]),
        ("y ~ a*b", [ONE, ("a",), ("b",), ("a", "b")]),
        ("y ~ a:b + a", [ONE, ("a",), ("a", "b")]),
        ("y ~ a/b", [ONE, ("a",), ("a", "b")]),
        ("y ~ (a + b + c)^2 - a:b", [ONE, ("a",), ("b",), ("c",), ("a", "c"), ("b", "c")]),
        # the order of terms is that of R's terms(), on which type 1 tests depend
        ("y ~ a*b + c*b", [ONE, ("a",), ("b",), ("c",), ("a", "b"), ("c", "b")]),
        ("y ~ a + b + a", [ONE, ("a",), ("b",)]),
        (
            "y ~ (a + b + c + d)^2",
            [ONE, *((name,) for name in "abcd"), *map(tuple, ("ab", "ac", "ad", "bc", "bd", "cd"))],
        ),
        (
            "y ~ (a + b*c)^2",
            [ONE, ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")],
        ),
        ("y ~ (a + b)^1", [ONE, ("a",), ("b",)]),
        ("y ~ 0 + (a + b)^2", [("a",), ("b",), ("a", "b")]),
        ("y ~ I(x^2)", [ONE, ("I(x ** 2)",)]),
        ("y ~ I(x**2) + log(x)", [ONE, ("I(x ** 2)",), ("log(x)",)]),
        ("y ~ poly(x, 2, raw=TRUE)", [ONE, ("poly(x, 2, raw=True)",)]),
        ("y ~ factor(z)", [ONE, ("C(z)",)]),
        ("y ~ urban.rural + `my col`", [ONE, ("urban.rural",), ("`my col`",)]),
        ("y ~ (1|g)", [ONE]),
        ("y ~ 0 + (1|g)", []),
        ("y ~ (1|g) + x + (1|h) - 1", [("x",)]),
    ],
)
def test_fixed_part(formula, fixed):
    assert spelled(parse_formula(formula).fixed) == fixed


#: A random term with names where the kit has factors.
expected: Any = RandomTerm


@pytest.mark.parametrize(
    ("term", "random"),
    [
        ("(1|g)", [expected((ONE,), ("g",))]),
        ("(x|g)", [expected((ONE, ("x",)), ("g",))]),
        ("(1 + x|g)", [expected((ONE, ("x",)), ("g",))]),
        ("(0 + x|g)", [expected((("x",),), ("g",))]),
        ("(x - 1|g)", [expected((("x",),), ("g",))]),
        ("(x||g)", [expected((ONE, ("x",)), ("g",), correlated=False)]),
        ("(1|a:b)", [expected((ONE,), ("a", "b"))]),
        ("(1|a/b)", [expected((ONE,), ("b", "a")), expected((ONE,), ("a",))]),
        (
            "(x|a/b/c)",
            [expected((ONE, ("x",)), names) for names in [("c", "b", "a"), ("b", "a"), ("a",)]],
        ),
        ("(1|g) + (0 + x|g)", [expected((ONE,), ("g",)), expected((("x",),), ("g",))]),
        ("(a*b|g)", [expected((ONE, ("a",), ("b",), ("a", "b")), ("g",))]),
        ("(1|factor(g))", [expected((ONE,), ("g",))]),
        ("(I(x^2) + log(x)|g)", [expected((ONE, ("I(x ** 2)",), ("log(x)",)), ("g",))]),
    ],
)
def test_random_part(term, random):
    assert random_part(f"y ~ x + {term}") == random


@pytest.mark.parametrize(
    "formula", ["y ~ (x + (1|g))", "y ~ x + ((1|g))", "y ~ ((x) + ((1|g)) + (z - z))", "y ~ (((1|g)) + (x))"]
)
def test_parentheses_around_terms_change_nothing(formula):
    spec = parse_formula(formula)
    assert (spec.fixed, spec.random) == (parse_formula("y ~ x + (1|g)").fixed, (RandomTerm((ONE,), ("g",)),))


@pytest.mark.parametrize(
    ("formula", "expr", "failures", "columns"),
    [
        ("y ~ 1", "y", None, ("y",)),
        ("log(y) ~ 1", "log(y)", None, ("y",)),
        ("y/1000 ~ 1", "y / 1000", None, ("y",)),
        ("y > 2 ~ 1", "y > 2", None, ("y",)),
        ("cbind(m, n - m) ~ 1", "m", "n - m", ("m", "n")),
        ("cbind(incidence, size - incidence) ~ 1", "incidence", "size - incidence", ("incidence", "size")),
    ],
)
def test_response(formula, expr, failures, columns):
    response = parse_formula(formula).response
    assert (response.expr, response.failures, response.columns) == (expr, failures, columns)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ 1 + x + (1 + x | g)",
        "cbind(m, n - m) ~ 1 + (1 | batch)",
        "log(y) ~ 0 + x + I(x ** 2) + a:b + (1 + x || g) + (0 + x | a:b)",
    ],
)
def test_a_spec_prints_as_a_formula_that_reads_back(formula):
    spec = parse_formula(formula)
    assert str(spec) == formula
    assert parse_formula(str(spec)) == spec


def test_the_flat_model_of_a_multilevel_one():
    flat = parse_formula("y ~ x + (x|g)").with_random()
    assert flat.random == () and flat.formula == "y ~ 1 + x"


@pytest.mark.parametrize(
    ("formula", "words", "caret_under"),
    [
        ("y ~ x + (1|)", "group is missing", ")"),
        ("y ~ x + (|g)", "write (1|g)", "|"),
        ("y ~ x + 1|g", "parentheses", "|"),
        ("y ~ x + (1|g", "not closed", None),
        ("y ~ x z", "operator before 'z'", "z"),
        ("y ~ x ++ z", "not '+'", "+ z"),
        ("y ~ x + (1|2)", "A group is a column", "2"),
        ("y ~ x * (1|g)", "added to the others", "|"),
        ("y ~ x:((1|g))", "added to the others", "|"),
        ("y ~ (x + (1|g))^2", "added to the others", "^"),
        ("y ~ x - ((1|g))", "can be taken away", "("),
        ("y ~ (1 + (x|g)|h)", "inside another", "1"),
        ("y ~ (1|a + b)", "several terms, (1|a) + (1|b)", "+"),
        ("y ~ (1|a*b)", "a/b is b within a", "*"),
        ("y ~ (0|g)", "lets nothing vary", None),
        ("y x", "Expected '~'", "x"),
        ("y", "no '~'", None),
        ("x + (x|g)", "no '~': a formula reads", "x"),
        ("~ x", "response is missing", "~"),
        ("y ~ x ~ z", "one '~'", "~ z"),
        ("y = x", "'~'", "= x"),
        ("1 ~ x", "names no column", "1"),
        ("y ~ ", "stops where a term", None),
        ("", "stops where a term", None),
        ("y ~ 2 * x", "I(…)", "2"),
        ("cbind(m) ~ 1", "two columns", ")"),
    ],
)
def test_what_does_not_parse_is_pointed_at(formula, words, caret_under):
    with pytest.raises(FormulaError) as caught:
        parse_formula(formula)
    message = str(caught.value)
    assert words in message
    if caret_under is not None:
        _reason, shown, caret = message.split("\n")
        assert shown[caret.index("^") :].startswith(caret_under)


@pytest.mark.parametrize(
    ("formula", "culprit"),
    [
        ("y ~ __import__('os').system('true')", "__import__"),
        ("y ~ I(__builtins__)", "__builtins__"),
        ("y ~ x.__class__", "double underscore"),
        ("y ~ (x).real", ".real"),
        ("y ~ np.exp(x)", "np.exp"),
        ("y ~ eval(x)", "eval"),
        ("y ~ open('data.csv')", "open"),
        ("y ~ C(open('data.csv'))", "open"),
        ("y ~ x[0]", "["),
        ("y ~ {x}", "{"),
        ("y ~ I(lambda: x)", "lambda"),
        ("y ~ I(x if y else z)", "Expected"),
        ("y ~ I(x; y)", ";"),
        ("eval(y) ~ x", "eval"),
        ("y ~ x + (eval(x)|g)", "eval"),
        ("y ~ x + (1|eval(g))", "Expected ')'"),
        ("y ~ I(9**9**9*x)", "power"),
        ("y ~ I(x**1000000)", "power"),
        ("y ~ I((x**9)**9**9)", "Expected"),
        ("y ~ (a+b+c+d+e+f+g+h)**9", "expands"),
        ("y ~ a*b*c*d*e*f*g*h*i*j*k", "expands"),
        ("y ~ poly(x, 100000)", "degree"),
        ("y ~ poly(x, degree=100000)", "degree"),
        ("y ~ " + "+".join(["x"] * 2000), "characters long"),
        ("y ~ lgo(x)", "'log'"),
    ],
)
def test_a_formula_is_data_never_code(formula, culprit):
    with pytest.raises(FormulaError, match=None) as caught:
        parse_formula(formula)
    assert culprit in str(caught.value)


def test_only_text_is_a_formula():
    with pytest.raises(FormulaError, match="string"):
        parse_formula(3)


@pytest.mark.parametrize("terms", [500, 501])
def test_a_formula_has_at_most_500_terms_raised_to_a_power_or_not(terms):
    names = [
        f"{one}{other}" for one in "abcdefghijklmnopqrstuvwxyz" for other in "abcdefghijklmnopqrstuvwxyz"
    ]
    names = [name for name in names if name not in ("in", "ns", "bs", "if", "is", "as", "or")][:terms]
    for power in ("", "^1"):
        formula = f"Y ~ 0 + ({'+'.join(names)}){power}"
        if terms == 500:
            assert len(parse_formula(formula).fixed) == 500
        else:
            with pytest.raises(FormulaError, match="more than 500 terms"):
                parse_formula(formula)


@pytest.mark.parametrize("one", ["1", "1:1", "1*1", "1/1"])
def test_the_intercept_by_itself_is_one_term_however_often_it_is_written(one):
    assert parse_formula(f"y ~ {one}").fixed == parse_formula("y ~ 1").fixed
    with pytest.raises(FormulaError, match="all interactions of"):
        parse_formula(f"y ~ ({one})^2")
