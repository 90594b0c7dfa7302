"""Models, networks and figures in words: for readers who cannot see the picture, a check for those who can."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..habits import answers
from ..inference.parameters import one_of
from ..spec import same_group
from ..words import listed, number
from .graph import Graph, Node
from .model import Block, Coefficient, Group, Model
from .read import read
from .reported import in_a_paper
from .symbols import plain


class Paragraph(str):
    """A text that a notebook wraps and shows as words, without quotation marks."""

    def _repr_markdown_(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer, cycle) -> None:
        printer.text(str(self))


@answers
def describe(
    fit_or_formula,
    data: pd.DataFrame | None = None,
    family="gaussian",
    units: dict[str, str] | None = None,
    style: str = "model",
    ddf: str = "satterthwaite",
    level: float = 0.95,
) -> Paragraph:
    """A paragraph on a model and, where a fit is given, on its estimates.

    Parameters
    ----------
    fit_or_formula
        A fit, a formula or a `Spec`.
    data
        As for `network`.
    family
        The response's distribution, where a formula is given.
    units
        Units of columns, `{"Reaction": "ms", "Days": "day"}`; they are put behind the estimates.
    style
        `"model"` explains the model; `"methods"` and `"results"` are what a paper could say of a fit: estimates with
        interval, degrees of freedom and p value.
    ddf, level
        Of a paper's intervals and tests: `"satterthwaite"` or `"kenward-roger"`.

    Raises
    ------
    DiagramError
        If the model cannot be described truthfully.

    Examples
    --------
    >>> describe("y ~ 1 + (1|g)").split(".")[0]
    'y is modelled as normally distributed around its mean'
    """
    one_of("style", style, ("model", "methods", "results"))
    if style != "model":
        return Paragraph(in_a_paper(fit_or_formula, style, ddf, level, units or {}))
    model = read(fit_or_formula, data, family)
    sentences = [
        _response(model),
        *_offset(model),
        *_groupings(model),
        *_group_predictors(model),
        *_residual(model),
        *model.notes,
    ]
    if model.fit is not None:
        sentences += _Estimates(model, units or {}).sentences()
    return Paragraph(" ".join(sentences))


# -- the model ------------------------------------------------------------


def _response(model: Model) -> str:
    y, scale = model.response, model.family.link_function.scale
    at = f", {scale}," if scale else ""
    on = (
        f" depends on {listed(variable.name for variable in model.variables)}"
        if model.variables
        else " is modelled"
    )
    rows = f" There are {model.n} rows." if model.n is not None and model.n > 1 else ""
    if model.family.counts_trials:
        count = "a binomial count out of a known number of trials"
        kind = count if model.has_trials else model.family.distribution.words
        return f"{y} is {kind}. Its probability{at}{on}.{rows}"
    kind = model.family.distribution.words
    if scale:
        return f"{y} is modelled as {kind}. Its mean{at}{on}.{rows}"
    return f"{y} is modelled as {kind} around its mean{', which' + on if model.variables else ''}.{rows}"


def _offset(model: Model) -> list[str]:
    if not model.has_offset:
        return []
    named = [offset.name for offset in model.spec.offsets]
    which = f"the offset{'s' if len(named) > 1 else ''} {listed(named)}" if named else "the offset"
    scale, mean = model.family.link_function.scale, "probability" if model.family.counts_trials else "mean"
    where = f"the {mean}, {scale}" if scale else f"the {mean}"
    return [
        f"A known number for each row, {which}, is added to {where}; it has no coefficient to be estimated."
    ]


def what(coefficient: Coefficient) -> str:
    """'intercept', 'slope of Days', 'difference of sex Male', 'interaction of ses and himinty'."""
    parts = coefficient.column.parts
    if not parts:
        return "intercept"
    names = [part.factor.name + (f" {part.level}" if part.level else "") for part in parts]
    if len(parts) > 1:
        return f"interaction of {listed(names)}"
    return f"{'difference' if parts[0].level else 'slope'} of {names[0]}"


def _groupings(model: Model) -> list[str]:
    sentences = []
    for group in model.groups:
        groups = f"the {group.size} groups" if group.size else "the groups"
        blocks = model.blocks_of(group)
        own = listed(what(model.coefficient(k)) for block in blocks for k in block.members)
        if not group.pooled:
            spread = " and residual SD" if model.sigma_by_group else ""
            sentences.append(
                f"Each of {groups} of {group.key} has its own {own}{spread}, free of all others:"
                " nothing is pooled."
            )
        else:
            sentences.append(f"Each of {groups} of {group.key} has its own {own}, {_drawn(model, blocks)}.")
    return sentences + _lie(model)


def _drawn(model: Model, blocks: list[Block]) -> str:
    if len(blocks) > 1:
        return "drawn independently of one another from normal distributions across the groups"
    if blocks[0].vector:
        return "drawn together, with correlation, from one normal distribution across the groups"
    return "drawn from a normal distribution across the groups"


def _lie(model: Model) -> list[str]:
    """How the groupings lie to one another."""
    sentences = [
        f"Each group of {group.key} lies within one group of {group.outer}."
        for group in model.groups
        if group.outer is not None
    ]
    if len(model.chains) > 1:
        sentences.append(
            f"The groupings {listed(chain[0].key for chain in model.chains)} cross: their effects are added."
        )
    return sentences


def _group_predictors(model: Model) -> list[str]:
    sentences: list[str] = []
    alike: dict[tuple, list[str]] = {}
    for variable in model.variables:
        if variable.group is None:
            continue
        moved = [
            what(model.coefficient(k))
            for c, (_, k) in model.absorbed.items()
            if variable.name in model.coefficient(c).column.names
        ]
        alike.setdefault((variable.group, tuple(dict.fromkeys(moved))), []).append(variable.name)
    for (group, moved), names in alike.items():
        verb, shifts = ("is", "shifts") if len(names) == 1 else ("are", "shift")
        effect = f" and {shifts} the mean of the groups' {listed(moved)}" if moved else ""
        sentences.append(f"{listed(names)} {verb} the same for all rows of a group of {group}{effect}.")
    for variable in (variable for variable in model.variables if variable.group is not None):
        if any(
            variable.name in model.coefficient(k).column.names
            for block in model.blocks
            for k in block.members
        ):
            sentences.append(
                f"Within a group {variable.name} does not change, so its varying coefficient is"
                " no slope within groups."
            )
    return sentences


def _residual(model: Model) -> list[str]:
    if model.has_weights and model.family.distribution.weights_repeat:
        return ["Rows have prior weights: each counts in the likelihood by its weight."]
    if model.has_weights:
        return [
            "Rows have prior weights: a row's residual variance is the squared residual SD over its weight."
        ]
    if not model.family.is_linear or model.sigma_by_group:
        return []
    return ["The residual SD is the same for all rows."]


# -- the estimates ------------------------------------------------------------


class _Estimates:
    """A fit's estimates as sentences, with the units of its columns."""

    def __init__(self, model: Model, units: dict[str, str]):
        self.model, self.fit, self.units = model, model.fit, units

    def sentences(self) -> list[str]:
        return [*self.population(), *self.across(), *self.spread(), *self.caveats()]

    def population(self) -> list[str]:
        fixed = [c for c in self.model.coefficients if c.fixed]
        if self.model.groups and not self.model.pooled:
            return []
        kind = "population estimates" if self.model.pooled else "estimates"
        said = [f"{what(c)} {self.amount(self.fit.fixef[c.column.name], c)}{self.error(c)}" for c in fixed]
        scale = self.model.family.link_function.scale
        sentences = [f"The {kind}{f', {scale},' if scale else ''} are: {listed(said)}."] if said else []
        return sentences + self.as_probability(fixed)

    def error(self, coefficient: Coefficient) -> str:
        """The standard error in brackets; a posterior has none."""
        se = getattr(self.fit, "se", None)
        return "" if se is None else f" (SE {_short(se[coefficient.column.name])})"

    def as_probability(self, fixed) -> list[str]:
        """A lone intercept of a binomial model on the scale that people read."""
        if not self.model.family.counts_trials or self.model.has_offset:
            return []
        if [c.column.name for c in fixed] != ["Intercept"]:
            return []
        value = float(np.ravel(self.model.family.mean(self.fit.fixef["Intercept"]))[0])
        whose = "The median probability across groups" if self.model.pooled else "The probability"
        return [f"{whose} is {value:.3f}."]

    def across(self) -> list[str]:
        sentences = []
        for group in self.model.groups if self.model.pooled else ():
            sds = [
                (k, self.look_up(group, k)) for block in self.model.blocks_of(group) for k in block.members
            ]
            said = [
                f"{what(self.model.coefficient(k))} {self.amount(sd, self.model.coefficient(k))}"
                for k, sd in sds
            ]
            sentences.append(f"The SD across {group.key} is: {listed(said)}{self.correlations(group)}.")
        return sentences

    def correlations(self, group: Group) -> str:
        pairs = [
            (a, b)
            for block in self.model.blocks_of(group)
            for a in block.members
            for b in block.members
            if a < b
        ]
        if not pairs or len(pairs) > 3:
            return ""
        if len(pairs) == 1:
            return f"; their correlation is {self.look_up(group, *pairs[0]):.2f}"
        names = {k: what(self.model.coefficient(k)) for pair in pairs for k in pair}
        return "; correlations: " + listed(
            f"{names[a]} with {names[b]} {self.look_up(group, a, b):.2f}" for a, b in pairs
        )

    def look_up(self, group: Group, *numbers: int) -> float:
        """An SD (one coefficient) or a correlation (two) from the fit's table."""
        names = sorted(self.model.coefficient(k).column.name for k in numbers)
        table = self.fit.varcorr
        for row in table.itertuples():
            terms = sorted(term for term in (row.term1, row.term2) if isinstance(term, str))
            if terms == names and same_group(row.group, group.key):
                return float(row.sdcor)
        return float("nan")

    def spread(self) -> list[str]:
        if not self.model.family.is_linear:
            sentence = self.model.family.distribution.spread_in_words(self.fit.dispersion)
            return [sentence] if sentence else []
        unit = self.units.get(self.model.response, "")
        return [f"The residual SD is {_short(self.fit.sigma)}{f' {unit}' if unit else ''}."]

    def caveats(self) -> list[str]:
        said = []
        if getattr(self.fit, "is_singular", False):
            said.append("The fit is singular: an SD is estimated as 0 or a correlation as ±1.")
        if not getattr(self.fit, "converged", True):
            said.append("The optimiser did not converge, so these numbers should not be used.")
        return said

    def amount(self, value: float, coefficient: Coefficient) -> str:
        """A number with its unit: the response's, per that of each predictor."""
        if self.model.family.link != "identity":
            return _short(value)
        unit = self.units.get(self.model.response, "")
        numbers = [part for part in coefficient.column.parts if part.level is None]
        per = "".join(
            f" per {self.units[name]}"
            for part in numbers
            for name in part.factor.columns
            if name in self.units
        )
        return f"{_short(value)}{f' {unit}' if unit else ''}{per}"


def _short(value: float) -> str:
    """Four significant digits, however small the number's unit makes it."""
    value = float(value)
    if not np.isfinite(value):
        return "not estimated"
    return number(value, 4, minus="-")


# -- pictures ------------------------------------------------------------


def network_in_words(network: Graph) -> str:
    """A network's alt text: what depends on what, what is observed, what is repeated."""
    sentences = [f"Bayesian network of the model {network.title}."]
    for node in network.nodes:
        parents = [network.node(name) for name in network.parents(node.name)]
        if parents:
            named = listed(_introduced(parent) if parent.observed else parent.name for parent in parents)
            sentences.append(f"{_introduced(node)} depends on {named}.")
    given = [node.name for node in network.nodes if node.kind == "given"]
    if given:
        sentences.append(f"Given and not modelled: {listed(given)}.")
    sentences += [_plate(network, plate) for plate in network.plates]
    if network.style == "unrolled":
        sentences.append("Dots stand for the groups and observations that are not shown.")
    return " ".join([*sentences, *network.notes])


def _introduced(node: Node) -> str:
    return f"{node.name} ({node.caption})" if node.caption else node.name


def _plate(network: Graph, plate) -> str:
    inside = [
        node.name
        for node in network.nodes
        if node.plates[-1:] == (plate.name,) or (plate.crosses and plate.name in node.plates)
    ]
    crossing = f" It overlaps the plate of {listed(plate.crosses)}." if plate.crosses else ""
    within = (
        f", within the plate of {plate.inside[-1]}," if plate.inside and not _any_crossed(network) else ""
    )
    what_is_in = listed(dict.fromkeys(inside))
    return f"A plate{within} repeats {what_is_in} for {plain(plate.symbol)} ({plate.caption}).{crossing}"


def _any_crossed(network: Graph) -> bool:
    return any(plate.crosses for plate in network.plates)


def alt_text(figure, message: str = "") -> str:
    """Alt text for a matplotlib figure (or Axes), from what is drawn in it.

    Parameters
    ----------
    figure
        A Figure or an Axes.
    message
        What the figure shows, in a sentence: it comes first, since only its maker knows it.

    Returns
    -------
    str
        The message, then for every panel its title, axes with units and ranges, and how many points, lines
        and bars there are.
    """
    axes = figure.axes if hasattr(figure, "axes") and isinstance(figure.axes, list) else [figure]
    axes = [ax for ax in axes if ax.get_visible() and ax.has_data()]
    sentences = [message] if message else []
    if len(axes) > 1:
        sentences.append(f"A figure of {len(axes)} panels.")
    shown = axes if len(axes) <= 4 else axes[:1]
    sentences += [_panel(ax) for ax in shown]
    if len(shown) < len(axes):
        titles = [ax.get_title(loc="left") or ax.get_title() for ax in axes[1:]]
        named = f": {listed(title for title in titles if title)}" if any(titles) else ""
        sentences.append(f"The other panels are of the same kind{named}.")
    return " ".join(sentences)


def _panel(ax) -> str:
    title = ax.get_title(loc="left") or ax.get_title()
    sizes = [
        (sum(len(c.get_offsets()) for c in ax.collections if hasattr(c, "get_sizes")), "point"),
        (len(ax.lines), "line"),
        (len(ax.patches), "filled shape"),
    ]
    drawn = listed(f"{n} {thing}{'s' if n > 1 else ''}" for n, thing in sizes if n)
    legend = ax.get_legend()
    keys = f" Key: {listed(text.get_text() for text in legend.get_texts())}." if legend else ""
    axes = f"{_axis(ax, 'y')} against {_axis(ax, 'x')}"
    text = f"{f'{title}: ' if title else ''}{axes}, {drawn or 'nothing drawn'}.{keys}"
    return text[0].upper() + text[1:]


def _axis(ax, which: str) -> str:
    label = getattr(ax, f"get_{which}label")() or f"the {which} axis"
    low, high = sorted(getattr(ax, f"get_{which}lim")())
    return f"{label} ({low:.3g} to {high:.3g})"
