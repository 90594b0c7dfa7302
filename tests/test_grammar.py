"""What transforms take, and what is said of what they do not."""

import pytest

from mlmkit.errors import FormulaError
from mlmkit.expression import Contrast
from mlmkit.formula import parse_formula
from mlmkit.grammar import TRANSFORMS, Reader, refusal


@pytest.mark.parametrize(
    ("call", "option", "value"),
    [
        ("poly(x, 3)", "degree", 3),
        ("poly(x, degree=3, raw=TRUE)", "raw", True),
        ("scale(x, FALSE)", "center", False),
        ("bs(x, df=5)", "df", 5),
        ("bs(x, knots=c(1,2), include_intercept=TRUE)", "intercept", True),
        ("ns(x, knots=2)", "knots", (2.0,)),
        ("C(f, Sum)", "contrast", Contrast("Sum")),
        ('C(f, "contr.sum")', "contrast", Contrast("Sum")),
        ("C(f, contr=contr.poly)", "contrast", Contrast("Poly")),
        ('C(f, Treatment(reference="b"))', "contrast", Contrast("Treatment", "b")),
        ("C(g, Treatment(2))", "contrast", Contrast("Treatment", "2")),
        ('relevel(f, "b")', "ref", "b"),
        ("relevel(t, ref=TRUE)", "ref", "True"),
    ],
)
def test_arguments_by_place_and_by_name(call, option, value):
    assert Reader(call).sum().option(option) == value


@pytest.mark.parametrize(
    ("right", "words"),
    [
        ("log(x, 2)", "log2(x), log10(x)"),
        ("log(x, base=2)", "log2(x), log10(x)"),
        ("log(x, z)", "takes no base"),
        ("exp(x, dtype='object')", "nothing else"),
        ("sqrt(x, out=z)", "nothing else"),
        ("poly(x, 2, data=3)", "degree, raw"),
        ("poly(x, 2, TRUE, 4)", "degree, raw"),
        ("poly(x, degree=2, degree=3)", "degree, raw"),
        ("poly(x, 2.5)", "whole number"),
        ("poly(x, 0)", "at least 1"),
        ("poly(x, raw=1)", "TRUE or FALSE"),
        ("poly(x, z)", "whole number"),
        ("scale(x, center=mean)", "TRUE or FALSE"),
        ("C(f, Helmert)", 'Treatment, Treatment("b"), Sum and Poly'),
        ("C(f, contr.treatment(base=2))", "by its label"),
        ("C(f, base=2)", 'relevel(f, "b")'),
        ("C(f, levels='a')", "pd.Categorical"),
        ("factor(f, levels=c(1, 2))", "pd.Categorical"),
        ("factor(f, Sum)", "nothing else"),
        ("C(x + 1)", "takes a column"),
        ("relevel(f)", 'relevel(f, "b")'),
        ("relevel(f, b)", "in quotation marks"),
        ("ns(x, df=3, knots=2)", "takes df or knots"),
        ("ns(x, df=100)", "at most 20"),
        ("as.factor(x)", "write factor(x)"),
        ("cut(x, 3)", "pd.cut"),
        ("ifelse(x > 2, 1, 0)", "(x > 2)"),
        ("cr(x, df=4)", "ns(x, df=4)"),
        ("s(x)", "ns(x, df=4)"),
        ("lag(x)", "shift()"),
        ("cbind(x, z)", "is a response"),
        ("x %in% c('a', 'b')", "c() is not a transform"),
        (".", "name the predictors"),
        (". - z", "name the predictors"),
        ("x > 2", "parentheses of its own"),
        ("(x > 2) & z", "make the column first"),
        ("!x", "not '!'"),
        ("1|g", "parentheses"),
        ("(x > 1 > 2)", "One comparison at a time"),
        ("x^2", "I(x^2)"),
        ("(a + b)^0", "power"),
        ("0:x", "0 stands alone"),
        ("x*0", "0 stands alone"),
        ("x - offset(z)", "taken away"),
        ("x:offset(z)", "added to the other terms"),
        ("offset(2)", "names no column"),
        ("(1 + offset(z)|g)", "among the fixed terms"),
        ("(1|g) - (1|h)", "taken away"),
        ("x + __x", "double underscore"),
        ("x + 'z'", "without quotation marks"),
        ("٣*x", "'٣' has no meaning"),
        ("(" * 60 + "x" + ")" * 60, "more than 50 deep"),
        ("log(" * 60 + "x" + ")" * 60, "more than 50 deep"),
        ("(" * 60 + "x|g" + ")" * 60, "more than 50 deep"),
        ("(1|" + "factor(" * 60 + "g" + ")" * 60 + ")", "more than 50 deep"),
    ],
)
def test_what_is_not_read_is_answered(right, words):
    with pytest.raises(FormulaError) as caught:
        parse_formula(f"y ~ {right}")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 600


def test_50_parentheses_are_read():
    assert parse_formula("y ~ " + "(" * 50 + "x" + ")" * 50).fixed == parse_formula("y ~ x").fixed


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
def test_a_column_may_be_called_like_a_transform(name):
    spec = parse_formula(f"{name} ~ {name} + log({name}) + (1|{name})")
    assert spec.columns == (name,)


def test_near_words_are_offered():
    with pytest.raises(FormulaError, match="Did you mean 'log'"):
        parse_formula("y ~ lgo(x)")


@pytest.mark.parametrize("length", [1, 60, 99, 100, 101, 160, 250])
def test_a_caret_stands_under_the_place_whatever_the_length(length):
    text = "".join(chr(0x4E00 + k) for k in range(length))  # every letter once
    for at in range(length):
        first, shown, caret = str(refusal(text, at, "No")).splitlines()
        assert first == "No." and shown[caret.index("^")] == text[at]
        inner = shown.strip().strip("…")
        assert inner in text and len(inner) == min(length, 100)
        assert shown.strip().startswith("…") == (not text.startswith(inner))
        assert shown.strip().endswith("…") == (not text.endswith(inner))


@pytest.mark.parametrize("power", ["x**x", "x**(1 + 1)", "2**3", "x**21", "x**-21"])
def test_a_power_is_of_a_column_to_a_plain_number(power):
    assert Reader("x**-20").sum()
    with pytest.raises(FormulaError, match="plain number of at most 20"):
        Reader(power).sum()
