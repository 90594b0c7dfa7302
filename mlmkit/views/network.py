"""`Spec` → Bayesian network: nodes, arrows and plates, derived from the model and never drawn by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..errors import did_you_mean
from ..habits import answers
from .boxes import check_clear, crowding
from .graph import Edge, Node, Plate
from .model import Block, DiagramError, Group, Model
from .picture import Network
from .read import read
from .symbols import indexed, listing, plain
from .unrolled import unroll

#: How many predictors of one plate stand alone where the picture would be too crowded or taller than this (in units
#: of the drawing) with four.
SIMPLER, TALL = (2, 1), 8.0


@answers
def network(
    fit_or_formula,
    data: pd.DataFrame | None = None,
    family="gaussian",
    style: str = "plate",
    sigma: str = "shared",
) -> Network:
    """The Bayesian network of a model, derived from its formula.

    Parameters
    ----------
    fit_or_formula
        A fit, a formula or a `Spec`.
    data
        With data, predictors of groups stand on their group's plate, nested groups are found, and plates
        say how many there are. A fit brings its own.
    family
        The response's distribution, where a formula is given.
    style
        "plate", or "unrolled": first, second, …, last, with dots, for one grouping or nested ones.
    sigma
        "separate" gives each group of a flat Gaussian model (`y ~ 0 + g + g:x`) its own residual SD.

    Returns
    -------
    Network

    Raises
    ------
    DiagramError
        If the model cannot be drawn truthfully; the message says what is not drawn.

    Examples
    --------
    >>> network("Reaction ~ Days + (Days|Subject)").edges[0]
    Edge(source='b', target='β_j')
    """
    if style not in ("plate", "unrolled"):
        raise DiagramError(f"There is no style {style!r}.{did_you_mean(style, ['plate', 'unrolled'])}")
    if sigma not in ("shared", "separate"):
        raise DiagramError(f"sigma is 'shared' or 'separate', not {sigma!r}.")
    model = read(fit_or_formula, data, family, sigma)
    if style == "unrolled":
        return unroll(model)
    return _clearest(model)


def _clearest(model: Model) -> Network:
    """The most detailed network that is neither crowded nor much taller than a simpler one."""
    drawn = from_model(model)
    if drawn.layout.bounds.height <= TALL and not crowding(drawn, drawn.layout.places):
        return drawn
    simpler = [from_model(replace(model, alone=alone)) for alone in SIMPLER]
    clear = [one for one in (drawn, *simpler) if not crowding(one, one.layout.places)]
    if not clear:
        check_clear(drawn, drawn.layout.places)
    lowest = min(one.layout.bounds.height for one in clear)
    return next(one for one in clear if one.layout.bounds.height <= 1.2 * lowest)


def from_model(model: Model) -> Network:
    """Nodes, edges and plates of a model that has been read into symbols."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    _add_groups(model, nodes, edges)
    _add_observations(model, nodes, edges)
    return Network(model.title, tuple(nodes), tuple(dict.fromkeys(edges)), _plates(model), model.notes)


# -- groups and what they depend on ------------------------------------------------------------


def _add_groups(model: Model, nodes: list[Node], edges: list[Edge]) -> None:
    """Outermost groups first: their coefficients, the parameters of these, and predictors of groups."""
    for group in (group for chain in model.chains for group in reversed(chain)):
        for block in model.blocks_of(group):
            _add_block(model, group, block, nodes, edges)


def _add_block(model: Model, group: Group, block: Block, nodes: list[Node], edges: list[Edge]) -> None:
    node = _block_node(model, group, block)
    for above in _outer_blocks(model, group, block):
        edges.append(Edge(plain(_symbol(model, above)), node.name))
    for parameter in _means(model, block, node) + _spread(model, group, block, node):
        nodes.append(parameter)
        edges.append(Edge(parameter.name, node.name))
    nodes.append(node)
    for number in block.members:
        for added in model.added_to(group, number):
            of_groups = [n for n in model.coefficient(added).column.names if model.variable(n).group]
            _add_predictors(model, of_groups, node.name, nodes, edges)


def _symbol(model: Model, block: Block) -> str:
    """β_j where groups nest (or are flat), the deviation ζ_j where they cross."""
    return model.coefficients_symbol(block) if model.nested else model.deviations_symbol(block)


def _block_node(model: Model, group: Group, block: Block) -> Node:
    letter = group.coefficient if model.nested else group.deviation
    members = tuple(indexed(letter, group.letter, model.numbered(k)) for k in block.members)
    symbol = _symbol(model, block)
    role = _role(group.order) if group.pooled else "flat"
    return Node(plain(symbol), symbol, "group", "", _plates_of(model, group), role, members)


def _role(order: int) -> str:
    return ("group", "group2", "group3", "flat")[order]


def _outer_blocks(model: Model, group: Group, block: Block) -> list[Block]:
    """The blocks further out that hold the means of this block's coefficients."""
    found = []
    for number in block.members if model.nested else ():
        parent = model.parent(group, number)
        if parent is not None:
            found += [b for b in model.blocks_of(parent) if number in b.members and b not in found]
    return found


def _means(model: Model, block: Block, node: Node) -> list[Node]:
    numbers = model.feeding(block)
    if not numbers:
        return []
    if block.vector:
        members = tuple(model.b(number) for number in numbers)
        return [_parameter(model.b_vector(block), members, node.name)]
    return _scalars(model, numbers, node.name)


def _scalars(model: Model, numbers: list[int], anchor: str) -> list[Node]:
    """One node where there is one coefficient; one node that lists them where there are more."""
    symbols = tuple(model.b(number) for number in numbers)
    return [_parameter(listing(symbols), symbols, anchor)]


def _spread(model: Model, group: Group, block: Block, node: Node) -> list[Node]:
    if not group.pooled:
        return []
    return [_parameter(model.covariance(block), (model.covariance(block),), node.name)]


def _parameter(symbol: str, members: tuple[str, ...], anchor: str) -> Node:
    return Node(plain(symbol), symbol, "parameter", "", (), "population", members, anchor)


# -- observations ------------------------------------------------------------


def _add_observations(model: Model, nodes: list[Node], edges: list[Edge]) -> None:
    caption = model.response
    outcome = Node(plain(model.y), model.y, "outcome", caption, _plates_of_rows(model), "data", (model.y,))
    for block in model.blocks:
        group = model.group(block.group)
        if not model.nested or any(model.innermost(number) is group for number in block.members):
            edges.append(Edge(plain(_symbol(model, block)), outcome.name))
    for parameter in _direct(model, outcome) + _sigma(model, outcome):
        nodes.append(parameter)
        edges.append(Edge(parameter.name, outcome.name))
    nodes.append(outcome)
    for coefficient in model.coefficients:
        if coefficient.number not in model.absorbed:
            _add_predictors(model, coefficient.column.names, outcome.name, nodes, edges)
        else:
            _add_cross_level(model, coefficient, nodes, edges)
    for symbol, meaning in model.known_numbers:
        given = Node(plain(symbol), symbol, "given", meaning, _plates_of_rows(model), "data", (symbol,))
        nodes.append(given)
        edges.append(Edge(given.name, outcome.name))


def _add_cross_level(model: Model, coefficient, nodes: list[Node], edges: list[Edge]) -> None:
    """The observations' part of ses:himinty is in the mean of y through the slope it is a part of."""
    names = [n for n in coefficient.column.names if model.variable(n).group is None]
    _add_predictors(model, names, plain(model.y), nodes, edges)


def _direct(model: Model, outcome: Node) -> list[Node]:
    numbers = [coefficient.number for coefficient in model.direct]
    if not numbers:
        return []
    every = len(numbers) == sum(coefficient.fixed for coefficient in model.coefficients)
    if len(numbers) > 1 and every and not (model.nested and model.groups):
        return [_parameter(model.b_vector(), tuple(model.b(number) for number in numbers), outcome.name)]
    return _scalars(model, numbers, outcome.name)


def _sigma(model: Model, outcome: Node) -> list[Node]:
    if model.sigma_by_group:
        node = _parameter(model.sigma, (model.sigma,), outcome.name)
        return [replace(node, plates=_plates_of(model, model.groups[0]), role="flat")]
    return [_parameter(symbol, (symbol,), outcome.name) for symbol in model.beside_mean]


def _add_predictors(model: Model, names, target: str, nodes: list[Node], edges: list[Edge]) -> None:
    """Predictors as nodes, each once, on the plate of what they describe, with an arrow to the target."""
    known = {node.name for node in nodes}
    for name in names:
        node = _predictor(model, name)
        if node.name not in known:
            nodes.append(node)
            known.add(node.name)
        edges.append(Edge(node.name, target))


def _predictor(model: Model, name: str) -> Node:
    variable = model.variable(name)
    peers = [v for v in model.variables if v.group == variable.group]
    group = model.by_key.get(variable.group)
    index = model.row if group is None else group.letter
    plates = _plates_of_rows(model) if group is None else _plates_of(model, group)
    symbols = tuple(peer.at(index) for peer in peers)
    if len(peers) > model.alone:
        symbol = indexed(variable.letter, index, vector=True)
        return Node(plain(symbol), symbol, "given", f"{len(peers)} predictors", plates, "data", symbols)
    symbol = variable.at(index)
    return Node(plain(symbol), symbol, "given", name, plates, "data", (symbol,))


# -- plates ------------------------------------------------------------


def _plates_of(model: Model, group: Group) -> tuple[str, ...]:
    """The group's plate and those around it, outermost first."""
    found, at = [group.letter], group
    while (at := model.outer(at)) is not None:
        found.insert(0, at.letter)
    return tuple(found)


def _plates_of_rows(model: Model) -> tuple[str, ...]:
    around = tuple(group.letter for chain in model.chains for group in reversed(chain))
    return around if model.collapsed or not model.row else (*around, model.row)


def _plates(model: Model) -> tuple[Plate, ...]:
    """Each plate says how often its contents are repeated within one copy of the plates around it."""
    plates = []
    for chain in model.chains:
        for group in reversed(chain):
            crosses = tuple(other.letter for other in model.groups if other not in chain)
            outer = model.outer(group)
            within = [] if outer is None else [outer]
            times = Repeats.of(group.count, within, group.codes, group.size)
            role, inside = _role(group.order) if group.pooled else "flat", _plates_of(model, group)[:-1]
            symbol, caption = _range(group.letter, times.symbol), times.caption(group.name)
            plates.append(Plate(group.letter, symbol, caption, role, times.size, inside, crosses))
    if model.row and not model.collapsed:
        within = [chain[0] for chain in model.chains]
        rows = None if model.n is None else np.arange(model.n)
        times = Repeats.of(model.total, within, rows, model.n)
        symbol, caption = _range(model.row, times.symbol), times.caption("rows")
        plates.append(Plate(model.row, symbol, caption, "data", times.size, _plates_of_rows(model)[:-1]))
    return tuple(plates)


@dataclass(frozen=True)
class Repeats:
    """How often a plate's contents stand in one copy of the plates around it: J groups, n_j rows in group j.

    Attributes
    ----------
    symbol
        The number's symbol in LaTeX: `J`, `n_j`, `n_{jk}`.
    least, most
        Its smallest and largest value over those copies; None without data.
    """

    symbol: str
    least: int | None
    most: int | None

    @classmethod
    def of(cls, count: str, within: list[Group], codes: np.ndarray | None, size: int | None) -> Repeats:
        """The different `codes` within each combination of the groups around them."""
        symbol = indexed(count, "".join(group.letter for group in within))
        around = [group.codes for group in within]
        if not within or codes is None or any(code is None for code in around):
            return cls(symbol, *((None, None) if within else (size, size)))
        pairs = pd.DataFrame(dict(enumerate([*around, codes]))).drop_duplicates()
        counts = pairs.groupby(list(range(len(around)))).size()
        every = np.prod([group.size for group in within])
        return cls(symbol, int(counts.min()) if len(counts) == every else 0, int(counts.max()))

    @property
    def size(self) -> int | None:
        return self.most if self.least == self.most else None

    def caption(self, what: str) -> str:
        if self.most is None:
            return what
        number = self.most if self.least == self.most else f"{self.least} to {self.most}"
        return f"{what}, {plain(self.symbol)} = {number}"


def _range(letter: str, count: str) -> str:
    return rf"{letter} = 1 \ldots {count}"
