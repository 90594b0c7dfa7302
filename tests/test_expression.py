"""Expressions are written as they are read."""

import pytest

from mlmkit.expression import columns_of, quote, spell
from mlmkit.grammar import Reader


@pytest.mark.parametrize(
    ("typed", "spelled", "columns"),
    [
        ("x", "x", ["x"]),
        ("((x))", "x", ["x"]),
        ("I( (x+1) ^2 )", "I((x + 1) ** 2)", ["x"]),
        ("2*(x - z)/4 - -w", "2 * (x - z) / 4 - -w", ["x", "z", "w"]),
        ("a - (b - c)", "a - (b - c)", ["a", "b", "c"]),
        ("a/(b*c)", "a / (b * c)", ["a", "b", "c"]),
        ("(-x)^2", "(-x) ** 2", ["x"]),
        ("-(a + b)", "-(a + b)", ["a", "b"]),
        ("poly(x, 2, raw=TRUE)", "poly(x, 2, raw=True)", ["x"]),
        ("ns(x, knots = c(1, 2.5, -3))", "ns(x, knots=c(1, 2.5, -3))", ["x"]),
        ("C(f, contr.treatment('b'))", 'C(f, Treatment("b"))', ["f"]),
        ("log(`my col` + `µg`)", "log(`my col` + µg)", ["my col", "µg"]),
        ("f == 'b'", 'f == "b"', ["f"]),
        ("log(yield) > lambda", "log(yield) > lambda", ["yield", "lambda"]),
    ],
)
def test_an_expression_prints_as_it_reads(typed, spelled, columns):
    tree = Reader(typed).comparison()
    assert spell(tree) == spelled and list(columns_of(tree)) == columns
    assert Reader(spelled).comparison() == tree


@pytest.mark.parametrize(
    "name", ["x", "urban.rural", "my col", "a`b", "a\\b", "1st", "__x", "%", "class", "e\u0301"]
)
def test_any_name_can_be_quoted(name):
    reader = Reader(quote(name))
    assert reader.sum().column == name and reader.next.kind == "end"


def test_names_for_people_have_no_backticks():
    assert spell(Reader("log(`my col`)").sum(), quoted=False) == "log(my col)"
