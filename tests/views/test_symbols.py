"""Symbols as text."""

from __future__ import annotations

import pytest

from mlmkit.grammar import Reader
from mlmkit.views.symbols import expression, indexed, number, plain, roman


@pytest.mark.parametrize(
    ("arguments", "latex"),
    [
        ((r"\beta",), r"\beta"),
        ((r"\beta", "j"), r"\beta_j"),
        ((r"\beta", "j", 0), r"\beta_{j0}"),
        ((r"\beta", "[s_i]", 0), r"\beta_{[s_i]0}"),
        ((r"\beta", "j", 12), r"\beta_{j,12}"),
        ((r"\beta", "1", 0), r"\beta_{1,0}"),
        (("y", ""), "y"),
    ],
)
def test_subscripts(arguments, latex):
    assert indexed(*arguments) == latex


def test_vectors():
    assert indexed(r"\beta", "j", vector=True) == r"\vec{\beta}_j"


def test_plain_letters():
    assert plain(r"\vec{\beta}_{j0}") == "β_j0"
    assert plain(r"b_2, \ldots, b_5") == "b_2, …, b_5"
    assert plain(r"\Sigma_c") == "Σ_c"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (251.40510, "251.4"),
        (10.46729, "10.47"),
        (0.0655, "0.066"),
        (-0.354, "-0.354"),
        (0.0, "0"),
        (-1e-12, "0"),
        (1743.6, "1744"),
        (0.000012, "0.000012"),
        (1.0467e-6, r"1.047 \cdot 10^{-6}"),
        (-2.5e-11, r"-2.500 \cdot 10^{-11}"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("code", "latex"),
    [
        ("x", "x_i"),
        ("I(x**2)", "x_i^{2}"),
        ("log(x)", r"\log(x_i)"),
        ("I((x + w) * 2)", r"(x_i + w_i) \, 2"),
        ("I(x / w)", r"\frac{x_i}{w_i}"),
        ("I((x - 5) ** 2)", "(x_i - 5)^{2}"),
        ("scale(x)", r"\mathrm{scale}(x_i)"),
        ("I(-x)", "-x_i"),
    ],
)
def test_expressions(code, latex):
    assert expression(Reader(code).comparison(), {"x": "x_i", "w": "w_i"}) == latex


def test_a_columns_name_is_replaced_whole():
    assert expression(Reader("log(xx)").sum(), {"x": "x_i", "xx": "z_j"}) == r"\log(z_j)"
    assert expression(Reader("`the x`").sum(), {"the x": "x_i"}) == "x_i"


def test_upright_names_are_escaped():
    assert roman("a_b %") == r"\mathrm{a\_b~\%}" and roman("`x y`") == r"\mathrm{x~y}"
