"""Symbols as text: one spelling for LaTeX and matplotlib, and one in plain letters for people."""

from __future__ import annotations

import ast
import re
from math import isnan

from .. import words

#: Letters of group coefficients and of group offsets, outermost group first (β_k holds schools, γ_j classes).
COEFFICIENTS = (r"\beta", r"\gamma", r"\delta", r"\alpha")
OFFSETS = (r"\zeta", r"\xi", r"\psi", r"\omega")
INDICES, COUNTS = "jklh", "JKLH"
PREDICTORS = "zwvu"  # group-level predictors, by group

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "zeta": "ζ", "xi": "ξ", "psi": "ψ", "omega": "ω",
    "mu": "μ", "theta": "θ", "lambda": "λ", "tau": "τ", "sigma": "σ", "rho": "ρ", "epsilon": "ε",
    "Sigma": "Σ", "Omega": "Ω", "Lambda": "Λ",
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
    harmless = str(name).translate(str.maketrans({"`": "", "\\": "", "{": "(", "}": ")", "^": "ˆ", "~": "∼"}))
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
    """A number in LaTeX: about `digits` significant ones, and no more decimals than a reader wants."""
    if isnan(value):
        return r"\text{none}"
    small = abs(value) < 10 ** -(digits - 1)
    return words.number(value, digits, digits + 2 if small else digits - 1, "-")


def expression(code: str, symbols: dict[str, str]) -> str:
    r"""A formula's expression in LaTeX, columns replaced by their symbols: `I(x**2)` becomes `x_i^{2}`.

    `code` is the grammar's own spelling (Python's), so Python's parser reads it; nothing is evaluated.
    """
    names = {f"_column{k}_": latex for k, latex in enumerate(symbols.values())}
    for k, name in enumerate(symbols):
        code = code.replace(f"`{name}`", f"_column{k}_")
        code = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.(])", f"_column{k}_", code)
    return _latex(ast.parse(code, mode="eval").body, names)


_OPERATORS = {ast.Add: " + ", ast.Sub: " - ", ast.Mult: r" \, "}
_FUNCTIONS = {"log": r"\log", "exp": r"\exp", "log2": r"\log_2", "log10": r"\log_{10}"}


def _latex(node: ast.AST, names: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return names.get(name, roman(name))
        case ast.Constant(value=value):
            return str(value)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return "-" + _latex(inner, names)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base = _latex(left, names)
            return f"{base if isinstance(left, ast.Name) else f'({base})'}^{{{_latex(right, names)}}}"
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return rf"\frac{{{_latex(left, names)}}}{{{_latex(right, names)}}}"
        case ast.BinOp(left=left, op=op, right=right):
            return f"{_bracketed(left, op, names)}{_OPERATORS[type(op)]}{_bracketed(right, op, names)}"
        case ast.Call(func=ast.Name(id="I" | "C"), args=[inner, *_]):
            return _latex(inner, names)
        case ast.Call(func=ast.Name(id="center"), args=[inner, *_]):
            inside = _latex(inner, names)
            return rf"({inside} - \bar{{{inside.split('_')[0]}}})"
        case ast.Call(func=ast.Name(id="sqrt"), args=[inner, *_]):
            return rf"\sqrt{{{_latex(inner, names)}}}"
        case ast.Call(func=ast.Name(id=name), args=[inner, *_]):
            return rf"{_FUNCTIONS.get(name, roman(name))}({_latex(inner, names)})"
    return roman(ast.unparse(node))


def _bracketed(node: ast.AST, op: ast.AST, names: dict[str, str]) -> str:
    text = _latex(node, names)
    loose = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
    return f"({text})" if loose and isinstance(op, ast.Mult) else text
