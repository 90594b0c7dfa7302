"""Reading a `Spec`, with data if there are any, into the symbols of a `Model`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..columns import Column as DataColumn
from ..columns import look
from ..design import Block as DesignBlock
from ..design import Design, build_design
from ..expression import Call
from ..formula import parse_formula
from ..frames import as_frame
from ..spec import Factor, Spec, Term, group_key, term_name
from ..terms import Columns, Part
from .model import Block, Coefficient, Column, DiagramError, Group, Model, Variable
from .symbols import COEFFICIENTS, COUNTS, DEVIATIONS, INDICES, PREDICTORS


def read(fit_or_formula, data: pd.DataFrame | None = None, family="gaussian", sigma: str = "shared") -> Model:
    """Read a fit, a formula or a `Spec` into symbols.

    Parameters
    ----------
    fit_or_formula
        A fit (its own data are used), a formula, or a `Spec`.
    data
        Where predictors of groups, nesting and sizes are found; without data these stay unknown.
    family
        Of a formula given as text.
    sigma
        `"separate"` gives every group of a flat Gaussian model its own residual SD.

    Raises
    ------
    DiagramError
        If the model cannot be drawn truthfully; the message says what is not drawn.
    """
    if isinstance(fit_or_formula, Model):
        return fit_or_formula
    spec, design, data, fit = _source(fit_or_formula, data, family)
    fixed, random = _columns(spec, design)
    frame = None if design is None else design.rows_of(as_frame(data, spec.columns))
    flat = None if random else _flat_group(spec, fixed, frame)
    groups, chains, notes = (
        _groups(spec, design) if random else ((flat[0],), ((flat[0],),), flat[2]) if flat else ((), (), ())
    )
    coefficients, blocks = (
        _flat_coefficients(flat[0], fixed, flat[1]) if flat else _coefficients(groups, fixed, random)
    )
    n = None if design is None else len(design.y)
    variables = _variables(coefficients, groups, frame)
    model = Model(
        spec,
        groups,
        chains,
        variables,
        coefficients,
        blocks,
        {},
        row=_row_index(groups, n),
        n=n,
        has_trials=_has_trials(spec, design),
        has_offset=bool(spec.offsets) or (design is not None and bool(np.any(design.offset))),
        has_weights=_has_weights(spec, design),
        notes=(*notes, *_notes(design, coefficients)),
        fit=fit,
    )
    model = replace(model, absorbed=_absorb(model))
    return _with_own_sigma(model) if sigma == "separate" else model


def _source(it, data, family):
    if isinstance(it, str | Spec):
        spec = parse_formula(it, family)
        return spec, None if data is None else build_design(spec, data), data, None
    if not hasattr(it, "spec"):
        raise DiagramError(f"Give a formula such as 'y ~ x + (x|g)' or a fit, not {type(it).__name__}.")
    data = it.data if data is None else data
    design = getattr(it, "design", None)
    return it.spec, build_design(it.spec, data) if design is None and data is not None else design, data, it


def _columns(spec: Spec, design: Design | None):
    """Columns of the fixed part, and for each random term (its group, columns, codes, size), `||` split up."""
    if design is not None:
        fixed = list(itertools.compress(_of_design(design.columns), design.keep))
        blocks = [(group_key(b.group), _of_block(b), b.codes, len(b.levels)) for b in design.blocks]
        typed = [term.key for term in spec.random]
        return fixed, sorted(blocks, key=lambda block: typed.index(block[0]))
    random = []
    for term in spec.random:
        columns = [_of_term(t) for t in term.terms]
        parts = [columns] if term.correlated else [[column] for column in columns]
        random += [(term.key, part, None, None) for part in parts]
    return [_of_term(term) for term in spec.fixed], random


def _of_design(columns: Columns) -> list[Column]:
    return [Column(name, parts) for name, parts in zip(columns.names, columns.parts, strict=True)]


def _of_block(block: DesignBlock) -> list[Column]:
    return [column for column in _of_design(block.columns) if column.name in block.names]


def _of_term(term: Term) -> Column:
    return Column(term_name(term), tuple(Part(factor) for factor in term))


# -- groups ------------------------------------------------------------


def _groups(spec: Spec, design: Design | None):
    """The grouping factors with their letters, sorted into chains, and what should be said about them."""
    blocks = {} if design is None else {group_key(block.group): block for block in design.blocks}
    found: dict[frozenset, Group] = {}
    for term in spec.random:
        block = blocks.get(term.key)
        size, codes = (None, None) if block is None else (len(block.levels), block.codes)
        found.setdefault(term.key, Group(term.group, term.factors, size=size, codes=codes))
    groups = list(found.values())
    inside = {(a.key, b.key) for a in groups for b in groups if a is not b and _inside(a, b)}
    for a, b in inside:
        if (b, a) in inside:
            raise DiagramError(
                f"{a} and {b} group the rows in the same way; their variation cannot be told apart or drawn."
            )
    chains = _chains(groups, inside)
    lettered = _lettered([group for chain in chains for group in chain], chains, groups)
    named = tuple(tuple(lettered[group.key] for group in chain) for chain in chains)
    unknown = design is None and len(named) > 1
    note = (
        "Without data the groups are drawn as crossed; with data, nested ones are found." if unknown else ""
    )
    return tuple(group for chain in named for group in chain), named, (note,) if note else ()


def _inside(inner: Group, outer: Group) -> bool:
    """Whether every group of `inner` lies within one group of `outer`: by the formula, or in the data."""
    if set(outer.factors) < set(inner.factors):
        return True
    if inner.codes is None or outer.codes is None:
        return False
    pairs = inner.codes.astype(np.int64) * outer.size + outer.codes
    return len(np.unique(pairs)) == inner.size


def _chains(groups: list[Group], inside: set[tuple[str, str]]) -> list[list[Group]]:
    """Groups nested in one another together, finest first, in the order typed."""
    chains: list[list[Group]] = []
    for group in groups:
        related = [c for c in chains if any({(g.key, group.key), (group.key, g.key)} & inside for g in c)]
        merged = [g for c in related for g in c] + [group]
        place = chains.index(related[0]) if related else len(chains)
        chains = [c for c in chains if c not in related]
        chains.insert(
            place, sorted(merged, key=lambda g: -sum((g.key, other.key) in inside for other in merged))
        )
    for chain in chains:
        for inner, outer in itertools.pairwise(chain):
            if (inner.key, outer.key) not in inside:
                raise DiagramError(
                    f"{inner.key} and {outer.key} cross within another grouping, and such plates are not "
                    "drawn. mk.structure shows how the groups lie."
                )
    if len(chains) > 3:
        raise DiagramError(f"Up to three crossed groupings are drawn; here are {len(chains)}.")
    if max(len(chain) for chain in chains) > len(INDICES):
        raise DiagramError(f"Up to {len(INDICES)} groupings nested in one another are drawn.")
    return chains


def _lettered(ordered: list[Group], chains, typed: list[Group]) -> dict[str, Group]:
    if len(ordered) > len(INDICES):
        raise DiagramError(f"Up to {len(INDICES)} groupings are drawn; here are {len(ordered)}.")
    taken: set[str] = set("bijklhnxyzwvuNmeot")
    lettered: dict[str, Group] = {}
    for order, group in enumerate(ordered):
        chain = next(chain for chain in chains if group in chain)
        place = chain.index(group)
        # Letters run from the outermost group inwards, so that β is the level nearest the population.
        depth = len(ordered) - 1 - order if len(chains) == 1 else order
        outer = chain[place + 1] if place + 1 < len(chain) else None
        name = ":".join(f for f in group.factors if outer is None or f not in outer.factors)
        indicator = "s" if len(ordered) == 1 else _free_letter(name, taken)
        taken.add(indicator)
        lettered[group.key] = replace(
            group,
            letter=INDICES[order],
            count=COUNTS[order],
            indicator=indicator,
            order=order,
            outer=outer.key if outer else None,
            name=name,
            coefficient=COEFFICIENTS[depth],
            deviation=DEVIATIONS[depth],
        )
    return lettered


def _free_letter(name: str, taken: set[str]) -> str:
    return next(
        letter
        for letter in name.lower() + "srqgcpadf"
        if letter.isascii() and letter.isalpha() and letter not in taken
    )


def _row_index(groups: tuple[Group, ...], n: int | None) -> str:
    if n == 1:
        return ""
    return groups[0].letter if len(groups) == 1 and n is not None and groups[0].size == n else "i"


# -- coefficients ------------------------------------------------------------


def _coefficients(groups, fixed: list[Column], random):
    """All coefficients with their numbers, and the blocks that vary."""
    columns = {column.name: column for column in fixed}
    for _, varying, _, _ in random:
        columns.update({column.name: column for column in varying if column.name not in columns})
    first = 0 if "Intercept" in columns else 1
    names = sorted(columns, key=lambda name: name != "Intercept")
    numbers = {name: k for k, name in enumerate(names, start=first)}
    in_fixed = {column.name for column in fixed}
    coefficients = tuple(Coefficient(numbers[name], columns[name], name in in_fixed) for name in names)
    return coefficients, _blocks(groups, random, numbers)


def _blocks(groups, random, numbers: dict[str, int]) -> tuple[Block, ...]:
    blocks = []
    for group in groups:
        own = [columns for key, columns, _, _ in random if key == group_key(group.key)]
        names = [column.name for columns in own for column in columns]
        for name in names:
            if names.count(name) > 1:
                raise DiagramError(
                    f"{name!r} varies across {group.key} in two terms of the formula. Their variances "
                    "cannot be told apart, so the model is not drawn: let it vary in one term."
                )
        vectors = 0
        for columns in sorted(own, key=lambda columns: numbers[columns[0].name]):
            blocks.append(
                Block(
                    group.key,
                    tuple(sorted(numbers[c.name] for c in columns)),
                    vectors if len(columns) > 1 else 0,
                )
            )
            vectors += len(columns) > 1
    return tuple(blocks)


def _absorb(model: Model) -> dict[int, tuple[str, int]]:
    """Which coefficients of group-level predictors belong to the mean of which group coefficient.

    The coefficient of ses:himinty, himinty being the school's, is part of the mean of the schools' slopes of
    ses, if these vary; that of himinty alone part of the mean of their intercepts.
    """
    absorbed: dict[int, tuple[str, int]] = {}
    if not (model.nested and model.pooled):
        return absorbed
    by_name = {c.column.name: c.number for c in model.coefficients}
    for coefficient in model.coefficients:
        if not coefficient.fixed or model.innermost(coefficient.number):
            continue
        levels = [_level(model, part) for part in coefficient.column.parts]
        of_groups = [group for group in levels if group is not None]
        if not of_groups:
            continue
        group = min(of_groups, key=model.groups.index)
        rest = [part for part, level in zip(coefficient.column.parts, levels, strict=True) if level is None]
        target = by_name.get(_name(rest))
        if target is not None and model.varies(group, target):
            absorbed[coefficient.number] = (group.key, target)
    return absorbed


def _level(model: Model, part: Part) -> Group | None:
    """The group a part of a column is constant within; None if it changes between observations."""
    keys = [model.variable(name).group for name in part.factor.columns]
    return None if None in keys else min((model.group(key) for key in keys), key=model.groups.index)


def _name(parts: Sequence[Part]) -> str:
    return ":".join(part.name for part in parts) or "Intercept"


# -- flat models with a coefficient for every group -----------------------------------------------


def _flat_group(
    spec: Spec, fixed: list[Column], frame: pd.DataFrame | None
) -> tuple[Group, Factor, tuple[str, ...]] | None:
    """The grouping of `0 + g` or `0 + g + g:x`: (group, its columns' factor, notes), or nothing."""
    singles = [term[0] for term in spec.fixed if len(term) == 1]
    if () in spec.fixed or not singles:
        return None
    factor = singles[0]
    if frame is not None:
        own = [c for c in fixed if [(p.factor, p.kind) for p in c.parts] == [(factor, "level")]]
        if not own:
            return None
        size: int | None = len(own)
        notes: tuple[str, ...] = ()
    else:
        coded = isinstance(factor.tree, Call) and factor.tree.function == "C"
        if not (coded or all(factor in term for term in spec.fixed)):
            return None
        size = None
        said = f"Without data, {factor.name} is taken for a grouping factor; with data it is looked up."
        notes = () if coded else (said,)
    name = factor.columns[0]
    codes = None if frame is None else look(name, frame[name]).labels.codes
    return Group(name, (name,), size=size, pooled=False, name=name, codes=codes), factor, notes


def _flat_coefficients(group: Group, fixed: list[Column], factor: Factor):
    """One coefficient for each thing that differs between the groups, and the common ones."""
    columns: dict[str, tuple[Column, bool]] = {}
    for column in fixed:
        rest = tuple(part for part in column.parts if part.factor != factor)
        own = len(rest) < len(column.parts)
        name = _name(rest)
        if columns.get(name, (None, own))[1] != own:
            raise DiagramError(
                f"{name!r} is both common and separate for each {group.key}; such a model is not drawn."
            )
        columns.setdefault(name, (Column(name, rest), own))
    numbers = {name: k for k, name in enumerate(columns, start=0)}
    coefficients = tuple(
        Coefficient(numbers[name], column, not own) for name, (column, own) in columns.items()
    )
    return coefficients, (
        Block(group.key, tuple(numbers[name] for name, (_, own) in columns.items() if own)),
    )


def _with_own_sigma(model: Model) -> Model:
    if model.groups and not model.pooled and model.spec.family.is_linear:
        if any(c.fixed for c in model.coefficients):
            raise DiagramError("A common coefficient with a residual SD for each group is not drawn.")
        return replace(model, sigma_by_group=True)
    raise DiagramError(
        "sigma='separate' is for a flat Gaussian model with a coefficient for every group: y ~ 0 + g + g:x."
    )


# -- variables and the rest ------------------------------------------------------------


def _variables(coefficients, groups: tuple[Group, ...], frame: pd.DataFrame | None) -> tuple[Variable, ...]:
    """The predictors with their letters, and the group within which each is constant."""
    names = list(dict.fromkeys(name for c in coefficients for name in c.column.names))
    pooled = [group for group in groups if group.pooled]
    columns = {} if frame is None else {name: look(name, frame[name]) for name in names}
    levels = {name: _constant_within(columns[name], pooled) if columns else None for name in names}
    variables = []
    for name in names:
        group = levels[name]
        letter = (
            "x"
            if group is None
            else PREDICTORS[[g.key for g in groups].index(group)]
            if len(groups) > 1
            else "z"
        )
        peers = [other for other in names if levels[other] == group]
        number = None if len(peers) == 1 else peers.index(name) + 1
        variables.append(Variable(name, letter, number, group, bool(columns) and not columns[name].is_number))
    return tuple(variables)


def _constant_within(column: DataColumn, groups: list[Group]) -> str | None:
    """The coarsest group within which a column does not change, if any; a group of one row proves nothing."""
    values = column.labels.codes
    for group in sorted(groups, key=lambda g: g.size):
        pairs = group.codes.astype(np.int64) * (values.max() + 1) + values
        if group.size < len(values) and len(np.unique(pairs)) == group.size:
            return group.key
    return None


def _has_trials(spec: Spec, design: Design | None) -> bool:
    if not spec.family.counts_trials:
        return False
    return spec.response.failures is not None or (design is not None and bool(np.any(design.weights != 1)))


def _has_weights(spec: Spec, design: Design | None) -> bool:
    return design is not None and not spec.family.counts_trials and bool(np.any(design.weights != 1))


def _notes(design: Design | None, coefficients) -> tuple[str, ...]:
    if design is None:
        if any(c.column.names for c in coefficients):
            return (
                "Without data every predictor is drawn at the level of observations and taken for a number.",
            )
        return ()
    dropped = f"{design.n_dropped} rows with a missing value are left out." if design.n_dropped else ""
    aliased = (
        f"Left out as collinear with earlier columns: {', '.join(design.aliased)}." if design.aliased else ""
    )
    return tuple(note for note in (dropped, aliased) if note)
