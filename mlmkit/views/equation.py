r"""`Spec` → the model in LaTeX: by levels, as fixed and random effects, or in matrices.

Only macros that MathJax knows without extensions are used: the same text renders in JupyterLab and on GitHub.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..errors import did_you_mean
from ..habits import answers
from .latex import (
    Symbols,
    Values,
    column_of,
    normal,
    rows_scope,
    scope,
    sum_of,
    times,
    transposed,
)
from .model import Block, Coefficient, DiagramError, Group, Model
from .read import read
from .symbols import indexed, roman

STYLES = ("levels", "mixed", "matrix")

ZERO, NOISE, OMEGA = r"\vec{0}", r"\vec{\varepsilon}", r"\Omega"


@dataclass(frozen=True)
class Equation:
    """A model in LaTeX: `str()` gives the text, a notebook shows it typeset.

    Attributes
    ----------
    lines
        One equation each, left and right of its relation, with where it holds.
    where
        Definitions of vectors and matrices, and which columns the symbols stand for.
    """

    lines: tuple[tuple[str, str, str], ...]
    where: tuple[str, ...]

    @property
    def latex(self) -> str:
        """The LaTeX without dollar signs."""
        rows = [
            f"{left} &{right}" + (rf", \quad \text{{for }} {scope}" if scope else "")
            for left, right, scope in self.lines
        ]
        body = " \\\\\n".join([*rows, *(f"&{definition}" for definition in self.where)])
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def __str__(self):
        return self.latex

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"

    def __repr__(self):
        return self.latex


@answers
def equation(
    fit_or_formula,
    data: pd.DataFrame | None = None,
    family="gaussian",
    style: str = "levels",
    sigma: str = "shared",
    estimates: bool | None = None,
    where: bool = True,
) -> Equation:
    r"""A model's equations, with the same symbols as its network.

    Parameters
    ----------
    fit_or_formula
        A fit, a formula or a `Spec`.
    data
        As for `network`: with data, predictors of groups, nesting and levels of factors are known.
    family
        The response's distribution, where a formula is given.
    style
        "levels": a line for observations and a line for each level of groups, β_j ~ N(b, Σ).
        "mixed": fixed effects and deviations ζ with mean zero, under braces. "matrix": y = Xb + Zγ + ε.
    sigma
        "separate" gives each group of a flat Gaussian model its own residual SD.
    estimates
        Whether estimates stand in the place of b, τ, Σ and σ; by default where a fit is given.
    where
        Whether to say below which columns the symbols stand for.

    Returns
    -------
    Equation

    Raises
    ------
    DiagramError
        If the model cannot be written truthfully, or there is no such style.
    """
    if style not in STYLES:
        raise DiagramError(f"There is no style {style!r}.{did_you_mean(style, STYLES)}")
    model = read(fit_or_formula, data, family, sigma)
    if estimates and model.fit is None:
        raise DiagramError("Estimates can be filled in where a fit is given; this is a formula.")
    values = Values(model) if (model.fit is not None if estimates is None else estimates) else Symbols(model)
    return {"levels": _levels, "mixed": _mixed, "matrix": _matrix}[style](model, values, where)


# -- the observations ------------------------------------------------------------


def _outcome(model: Model, values: Symbols) -> tuple[str, str, str]:
    """The distribution of an observation given its mean."""
    y, mean, scope = model.y, model.mean, rows_scope(model)
    weight = rf" / {indexed('w', model.row)}" if model.has_weights else ""
    if model.has_trials:
        counted = y if model.spec.response.failures else rf"{model.trials} {y}"
        return counted, rf"\sim \mathrm{{Binomial}}\left({model.trials}, {mean}\right)", scope
    return y, rf"\sim {model.family.distribution.latex(mean, values.beside_mean(), weight)}", scope


def _predictor(model: Model, right: str) -> tuple[str, str, str]:
    """The line of the mean, on the scale of the link."""
    offset = rf" + {indexed('o', model.row)}" if model.has_offset else ""
    return model.family.link_function.latex(model.mean), f"= {right}{offset}", ""


def _row_column(model: Model, coefficient: Coefficient) -> str:
    return model.column(coefficient.column, model.row)


# -- by levels ------------------------------------------------------------


def _levels(model: Model, values: Symbols, where: bool) -> Equation:
    lines = [_outcome(model, values), _predictor(model, sum_of(_level_terms(model, values)))]
    for group in model.groups:
        if group.pooled:
            lines += [_group_line(model, values, group, block) for block in model.blocks_of(group)]
    return Equation(tuple(lines), _definitions(model, values, where, deviations=not model.nested, means=True))


def _level_terms(model: Model, values: Symbols) -> list[tuple[str, str]]:
    """The sum in an observation's mean: group coefficients where coefficients vary, else b."""
    if not model.nested:
        return [
            *_fixed_terms(model, values),
            *(t for group in model.groups for t in _deviation_terms(model, group)),
        ]
    terms = []
    for coefficient in model.coefficients:
        group = model.innermost(coefficient.number)
        column = _row_column(model, coefficient)
        if group is not None:
            terms.append(("+", times(model.at_row(group, coefficient.number), column)))
        elif coefficient.number not in model.absorbed:
            terms.append(values.term(coefficient.number, column))
    return terms


def _fixed_terms(model: Model, values: Symbols) -> list[tuple[str, str]]:
    return [values.term(c.number, _row_column(model, c)) for c in model.coefficients if c.fixed]


def _deviation_terms(model: Model, group: Group) -> list[tuple[str, str]]:
    numbers = [k for block in model.blocks_of(group) for k in block.members]
    return [
        ("+", times(model.deviation_at_row(group, k), _row_column(model, model.coefficient(k))))
        for k in numbers
    ]


def _group_line(model: Model, values: Symbols, group: Group, block: Block) -> tuple[str, str, str]:
    """What a level's coefficients, or deviations, are drawn from."""
    spread = (
        values.covariance(block) if isinstance(values, Values) and block.vector else model.covariance(block)
    )
    spread = spread if block.vector else values.sd_squared(group, block.members[0])
    if not model.nested:
        mean = ZERO if block.vector else "0"
        return model.deviations_symbol(block), rf"\sim {normal(mean, spread)}", scope(group)
    return (
        model.coefficients_symbol(block),
        rf"\sim {normal(_group_mean(model, values, group, block), spread)}",
        scope(group),
    )


def _group_mean(model: Model, values: Symbols, group: Group, block: Block) -> str:
    """b itself where it is the whole mean; else the mean of each coefficient."""
    cells = [_cell(model, values, group, k) for k in block.members]
    if not block.vector:
        return cells[0]
    plain_b = model.feeding(block) == sorted(block.members)
    above = _outer_vector(model, group, block)
    if plain_b and not isinstance(values, Values):
        return model.b_vector(block)
    return above or column_of(cells)


def _outer_vector(model: Model, group: Group, block: Block) -> str:
    """The outer level's whole vector, where this block's means are just that."""
    parents = {model.parent(group, k) for k in block.members}
    if len(parents) != 1 or None in parents or model.feeding(block):
        return ""
    outer = parents.pop()
    same = next((b for b in model.blocks_of(outer) if b.members == block.members), None)
    return (
        indexed(outer.coefficient, model.seen_from(outer, group.letter), vector=True, mark=same.mark)
        if same
        else ""
    )


def _cell(model: Model, values: Symbols, group: Group, k: int) -> str:
    """The mean of one group coefficient: the outer group's, or b, plus what predictors of groups add."""
    parent = model.parent(group, k)
    terms = []
    if parent is not None:
        terms.append(("+", model.at_group(parent, group, k)))
    elif model.coefficient(k).fixed:
        terms.append(values.term(k, ""))
    for added in model.added_to(group, k):
        of_groups = [
            p
            for p in model.coefficient(added).column.parts
            if all(model.variable(n).group for n in p.factor.columns)
        ]
        terms.append(values.term(added, r" \, ".join(model.part(part, group.letter) for part in of_groups)))
    return sum_of(terms)


# -- fixed and random effects ------------------------------------------------------------


def _mixed(model: Model, values: Symbols, where: bool) -> Equation:
    if not model.pooled:
        raise DiagramError(
            "This model has no random effects: write it with style='levels' or style='matrix'."
        )
    fixed = _fixed_terms(model, values)
    right = rf"\underbrace{{{_one_line(fixed)}}}_{{\text{{fixed effects}}}}" if fixed else ""
    for group in model.groups:
        of = f" of {_plain_text(group.key)}" if len(model.groups) > 1 else ""
        brace = rf"\underbrace{{{_one_line(_deviation_terms(model, group))}}}_{{\text{{random effects{of}}}}}"
        right += f" + {brace}" if right else brace
    lines = [_outcome(model, values), _predictor(model, right)]
    for group in model.groups:
        lines += [_deviation_line(model, values, group, block) for block in model.blocks_of(group)]
    return Equation(tuple(lines), _definitions(model, values, where, deviations=True, means=False))


def _one_line(terms: list[tuple[str, str]]) -> str:
    return sum_of(terms).replace(" \\\\\n&\\quad ", " ")


def _plain_text(name: str) -> str:
    r"""A name inside `\text`, where an underscore would be an error outside MathJax."""
    return (
        name.replace("_", " ")
        .replace("&", "and")
        .replace("%", "percent")
        .replace("#", "no. ")
        .replace("$", "")
    )


def _deviation_line(model: Model, values: Symbols, group: Group, block: Block) -> tuple[str, str, str]:
    if not block.vector:
        return (
            model.deviations_symbol(block),
            rf"\sim {normal('0', values.sd_squared(group, block.members[0]))}",
            scope(group),
        )
    spread = values.covariance(block) if isinstance(values, Values) else model.covariance(block)
    return model.deviations_symbol(block), rf"\sim {normal(ZERO, spread)}", scope(group)


# -- matrices ------------------------------------------------------------


def _matrix(model: Model, values: Symbols, where: bool) -> Equation:
    """The whole model in vectors. Estimates are not filled in: `matrices` shows Ω and V."""
    if model.sigma_by_group:
        raise DiagramError("A residual SD for each group is not written in matrices.")
    b = indexed("b" if model.pooled else r"\beta", vector=True)
    fixed = rf"X {b}" + (r" + \vec{o}" if model.has_offset else "")
    linear = rf"{fixed} + Z \vec{{\gamma}}" if model.pooled else fixed
    if model.family.is_linear:
        lines = [(r"\vec{y}", f"= {linear} + {NOISE}", "")]
        noise = r"\sigma^{2} " + ("W^{-1}" if model.has_weights else "I_n")
        tail = [(NOISE, rf"\sim {normal(ZERO, noise)}", "")]
    else:
        mean, link = rf"\vec{{{model.family.distribution.mean_symbol}}}", model.family.link
        left = rf"\mathrm{{{link}}}({mean})" if link.isalpha() else model.family.link_function.latex(mean)
        left = mean if link == "identity" else left
        lines, noise, tail = [(left, rf"= {linear}", "")], "", []
    if model.pooled:
        lines.append((r"\vec{\gamma}", rf"\sim {normal(ZERO, OMEGA)}", ""))
    lines += tail
    if noise:
        V = rf"V = Z \Omega Z^\top + {noise}" if model.pooled else f"V = {noise}"
        lines.append((r"\vec{y}", rf"\sim {normal(fixed, 'V')}", ""))
        lines.append(("", rf"\quad {V}", ""))
    return Equation(tuple(lines), _dimensions(model) if where else ())


def _dimensions(model: Model) -> tuple[str, ...]:
    """The sizes of X and Z, in letters and, with data, in numbers."""
    p = sum(c.fixed for c in model.coefficients) if model.pooled else None
    parts = []
    if model.n is not None and p is not None:
        columns = sum(len(block.members) * (model.group(block.group).size or 0) for block in model.blocks)
        parts.append(
            rf"X \text{{ is }} {model.n} \times {p}, \quad Z \text{{ is }} {model.n} \times {columns}"
        )
    elif p is not None:
        counts = " + ".join(
            (f"{len(block.members)} " if len(block.members) > 1 else "") + model.group(block.group).count
            for block in model.blocks
        )
        counts = f"({counts})" if "+" in counts else counts
        parts.append(
            rf"X \text{{ is }} {model.total} \times {p}, \quad Z \text{{ is }} {model.total} \times {counts}"
        )
    return tuple(parts)


# -- definitions ------------------------------------------------------------


def _definitions(
    model: Model, values: Symbols, where: bool, deviations: bool, means: bool
) -> tuple[str, ...]:
    """What the vectors hold, Σ's elements, and which columns the symbols stand for."""
    vectors = _group_vectors(model, deviations) + (
        _mean_vectors(model) if means and not isinstance(values, Values) else []
    )
    found = [_free(model), vectors, _sigmas(model, values), _long_vectors(model)]
    if where:
        found.append(_legend(model))
    return tuple(r", \quad ".join(line) for line in found if line)


def _free(model: Model) -> list[str]:
    """That the coefficients of a flat model's groups are drawn from nothing."""
    flat = [block for block in model.blocks if not model.group(block.group).pooled]
    symbols = [model.coefficients_symbol(block) for block in flat]
    symbols += [model.sigma] if model.sigma_by_group else []
    if not symbols:
        return []
    return [rf"{', '.join(symbols)} \text{{ free for }} {scope(model.groups[0])}"]


def _group_vectors(model: Model, deviations: bool) -> list[str]:
    lines = []
    for block in model.blocks:
        if block.vector:
            group = model.group(block.group)
            letter = group.deviation if deviations else group.coefficient
            symbol = model.deviations_symbol(block) if deviations else model.coefficients_symbol(block)
            lines.append(f"{symbol} = {transposed(indexed(letter, group.letter, k) for k in block.members)}")
    return lines


def _mean_vectors(model: Model) -> list[str]:
    """b, where the network shows one node for all of its elements."""
    fed = [block for block in model.blocks if block.vector and model.feeding(block)]
    lines = [
        f"{model.b_vector(block)} = {transposed(model.b(k) for k in model.feeding(block))}" for block in fed
    ]
    numbers = [coefficient.number for coefficient in model.direct]
    if len(numbers) > 1 and not (model.nested and model.groups):
        lines.append(f"{model.b_vector()} = {transposed(model.b(k) for k in numbers)}")
    return lines


def _sigmas(model: Model, values: Symbols) -> list[str]:
    if isinstance(values, Values):
        return []
    blocks = [block for block in model.blocks if block.vector and model.group(block.group).pooled]
    return [f"{model.covariance(b)} = {values.covariance(b)}" for b in blocks if values.covariance(b)]


def _long_vectors(model: Model) -> list[str]:
    """With many predictors the network has one node for them: its vector is spelt out."""
    lines = []
    for group in dict.fromkeys(variable.group for variable in model.variables):
        peers = [v for v in model.variables if v.group == group]
        index = model.row if group is None else model.group(group).letter
        if len(peers) > 4:
            vector = indexed(peers[0].letter, index, vector=True)
            lines.append(f"{vector} = {transposed(peer.at(index) for peer in peers)}")
    return lines


def _legend(model: Model) -> list[str]:
    """Symbol: column, for the response, the predictors, known numbers such as an offset, and the groups."""
    entries = [f"{model.y} : {roman(model.response)}"]
    for variable in model.variables:
        index = model.row if variable.group is None else model.group(variable.group).letter
        entries.append(f"{variable.at(index)} : {roman(variable.name)}")
    for symbol, word in model.known_numbers:
        if word != "weight" or not model.family.distribution.weights_repeat:  # else no equation shows it
            entries.append(f"{symbol} : {roman(word)}")
    for group in model.groups:
        entries.append(
            f"{group.letter if model.collapsed else f'{group.indicator}_{model.row}'} : {roman(group.key)}"
        )
    return entries
