"""Symbols as text: one spelling for LaTeX and matplotlib, and one in plain letters for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isinf, isnan

from .. import words
from ..expression import Call, Expression, Name, Negative, Number, Operation, Text

#: Letters of group coefficients and of groups' deviations, outermost group first (β_k holds schools, γ_j classes).
COEFFICIENTS = (r"\beta", r"\gamma", r"\delta", r"\alpha")
DEVIATIONS = (r"\zeta", r"\xi", r"\psi", r"\omega")
INDICES, COUNTS = "jklh", "JKLH"
PREDICTORS = "zwvu"  # group-level predictors, by group
#: An estimate this small is a rounding error.
NOUGHT = 1e-12

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "zeta": "ζ", "xi": "ξ", "psi": "ψ", "omega": "ω",
    "mu": "μ", "theta": "θ", "lambda": "λ", "tau": "τ", "sigma": "σ", "rho": "ρ", "epsilon": "ε", "varepsilon": "ε",
    "phi": "φ", "nu": "ν", "Sigma": "Σ", "Omega": "Ω", "Lambda": "Λ",
}  # fmt: skip


def indexed(letter: str, *indices, vector: bool = False, mark: str = "") -> str:
    r"""LaTeX of a letter with its subscripts in order: `indexed(r"\beta", "j", 0)` is `\beta_{j0}`."""
    parts = [str(index) for index in indices if index not in ("", None)]
    unclear = any(len(part) > 1 and part.isdigit() for part in parts) or all(part.isdigit() for part in parts)
    joined = ("," if unclear else "").join(parts)
    head = rf"\vec{{{letter}}}" if vector else letter
    return head + mark + (f"_{{{joined}}}" if len(joined) > 1 else f"_{joined}" if joined else "")


def plain(latex: str) -> str:
    r"""LaTeX symbols in plain letters: `\vec{\beta}_{j0}` is "β_j0"."""
    text = re.sub(r"\\vec\{([^{}]*)\}", r"\1", latex)
    text = re.sub(
        r"\\([A-Za-z]+)", lambda m: _GREEK.get(m[1], {"ldots": "…", "prime": "′"}.get(m[1], "")), text
    )
    return re.sub(r"[{}\\]", "", text).strip()


def roman(name: str) -> str:
    """A column's name or a level's as upright LaTeX, with what TeX would read as commands escaped."""
    harmless = str(name).translate(str.maketrans("{}^~", "()ˆ∼", "`\\"))
    escaped = re.sub(r"([_%&#$])", r"\\\1", harmless).replace(":", "{:}")
    return rf"\mathrm{{{escaped.replace(' ', '~')}}}"


def listing(symbols) -> str:
    r"""Numbered symbols in a row, four or more that follow one another as `b_1, \ldots, b_5`."""
    runs: list[list[str]] = []
    for symbol in symbols:
        if runs and _place(symbol) == _place(runs[-1][-1]) + 1:
            runs[-1].append(symbol)
        else:
            runs.append([symbol])
    return ", ".join(rf"{r[0]}, \ldots, {r[-1]}" if len(r) > 3 else ", ".join(r) for r in runs)


def _place(symbol: str) -> int:
    """The number in a symbol's index; far from all others where there is none."""
    found = re.search(r"(\d+)\}?$", symbol)
    return int(found[1]) if found else -9


def number(value: float, digits: int = 4) -> str:
    r"""A number in LaTeX: about `digits` significant ones, and no more decimals than a reader wants.

    What these decimals would leave less than two digits of is written with a power of ten, 1.047 \cdot 10^{-5}.
    """
    if isnan(value):
        return r"\text{none}"
    if isinf(value):
        return r"-\infty" if value < 0 else r"\infty"
    if NOUGHT < abs(value) < 10.0 ** -(digits + 1):
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    small = abs(value) < 10 ** -(digits - 1)
    return words.number(value, digits, digits + 2 if small else digits - 1, "-")


def expression(tree: Expression, symbols: Mapping[str, str]) -> str:
    r"""A formula's expression in LaTeX, columns replaced by their symbols: `I(x**2)` becomes `x_i^{2}`."""

    def latex(inner: Expression, tight: bool = False) -> str:
        text = expression(inner, symbols)
        return f"({text})" if tight and _is_loose(inner) else text

    match tree:
        case Name(column):
            return symbols.get(column, roman(column))
        case Number(text):
            return text
        case Text(value):
            return roman(value)
        case Negative(operand):
            return f"-{latex(operand, tight=True)}"
        case Operation("**", left, right):
            return f"{latex(left) if isinstance(left, Name) else f'({latex(left)})'}^{{{latex(right)}}}"
        case Operation("/", left, right):
            return rf"\frac{{{latex(left)}}}{{{latex(right)}}}"
        case Operation("*", left, right):
            return rf"{latex(left, tight=True)} \, {latex(right, tight=True)}"
        case Operation(operator, left, right):
            tight = operator == "-"
            return f"{latex(left)} {_SIGNS.get(operator, operator)} {latex(right, tight)}"
        case Call("I" | "C" | "relevel", inner):
            return latex(inner)
        case Call("center", inner):
            return rf"({latex(inner)} - \bar{{{latex(inner).split('_')[0]}}})"
        case Call("sqrt", inner):
            return rf"\sqrt{{{latex(inner)}}}"
        case Call(function, inner):
            return rf"{_FUNCTIONS.get(function, roman(function))}({latex(inner)})"


def innermost(tree: Expression) -> Expression:
    """What a transform is of: the x of `poly(x, 2)`."""
    return tree.argument if isinstance(tree, Call) else tree


def function_of(tree: Expression) -> str:
    """The transform's name: the poly of `poly(x, 2)`."""
    return tree.function if isinstance(tree, Call) else ""


def _is_loose(tree: Expression) -> bool:
    return isinstance(tree, Operation) and tree.operator in ("+", "-")


_SIGNS = {"==": "=", "!=": r"\neq", ">=": r"\geq", "<=": r"\leq"}
_FUNCTIONS = {"log": r"\log", "exp": r"\exp", "log2": r"\log_2", "log10": r"\log_{10}"}
