"""The network without plates: first, second, …, last, with dots for what is left out.

One grouping is drawn with three of its groups and the first and last observation of each. With data the
numbers are those of the rows; without, each group is drawn as though it had two observations, and the picture
says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .boxes import RADIUS, ROW, Box, Layout, around, check_clear, crowding, half_width, node_box
from .graph import Edge, Node
from .model import DiagramError, Group, Model
from .picture import Network
from .symbols import indexed, listing, plain

SIDE = 1.02  # from an observation to its predictor
LEAN, RISE = 0.4, 1.16  # the same where an observation has a neighbour: to the side, and up
CLEAR = 0.98  # between neighbouring predictors
APART = 0.56  # half the way between the two observations of a group
BETWEEN = 1.1  # between neighbours of different groups
DOTS = 0.82  # what an ellipsis takes
DEPTH = 2.8  # from the observations down to σ


@dataclass
class _Picture:
    """What has been drawn so far."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    dots: list[tuple[float, float]] = field(default_factory=list)

    def add(self, symbol: str, kind: str, place, role="data", members=()) -> str:
        node = Node(plain(symbol), symbol, kind, "", (), role, members or (symbol,))
        self.nodes.append(node)
        self.places[node.name] = place
        return node.name

    def link(self, source: str, targets) -> None:
        self.edges += [Edge(source, target) for target in targets]


@dataclass(frozen=True)
class _Leaf:
    """An observation that is shown: its number, its group's, its place, and where its predictor stands.

    One of two observations of a group has it above, on the side away from the other.
    """

    row: str
    group: str
    x: float = 0.0
    outward: int = -1
    paired: bool = False

    @property
    def is_second(self) -> bool:
        return self.outward > 0

    @property
    def aside(self) -> float:
        return LEAN if self.paired else SIDE

    def beside(self, direction: int) -> float:
        """What the predictor takes in the row of observations, on this side."""
        return SIDE if self.outward == direction and not self.paired else 0.0


def unroll(model: Model) -> Network:
    """The unrolled network of a model with one grouping, or none."""
    _refuse(model)
    for further in (0.0, 0.7, 1.4, 2.1, 2.8):
        drawn = _drawn(model, further)
        if not crowding(drawn, drawn.layout.places):
            break
    check_clear(drawn, drawn.layout.places)
    return drawn


def _drawn(model: Model, further: float) -> Network:
    """The network, its parameters so much further from the rest than they need be for short symbols."""
    picture = _Picture()
    leaves = _spread(model, _shown(model), picture)
    heads = _observations(model, leaves, picture)
    groups = _groups(model, leaves, heads, picture) if model.groups else {}
    _population(model, heads, groups, picture, further)
    imagined = model.n is None and model.groups and not model.collapsed
    notes = (*model.notes, *(("Drawn as though each group had two observations.",) if imagined else ()))
    nodes, edges = tuple(picture.nodes), tuple(dict.fromkeys(picture.edges))
    return Network(model.title, nodes, edges, (), notes, "unrolled", _layout(picture))


def _refuse(model: Model) -> None:
    reasons = {
        "One observation has nothing to unroll": not model.row,
        "Crossed groups are not drawn unrolled (mk.structure shows how the rows cross)": len(model.chains)
        > 1,
        "Nested groups are not drawn unrolled (mk.structure draws their tree)": len(model.groups) > 1,
        "Coefficients that vary independently are not drawn unrolled": len(model.blocks) > 1,
        "Trials together with coefficients that do not vary are not drawn unrolled": bool(
            model.has_trials and model.direct and model.groups
        ),
        "An offset is not drawn unrolled": model.has_offset,
        "Weights are not drawn unrolled": model.has_weights,
    }
    for reason, holds in reasons.items():
        if holds:
            raise DiagramError(f"{reason}; use style='plate'.")


# -- which observations are shown, and where ------------------------------------------------------------


def _shown(model: Model) -> list[tuple[_Leaf, bool]]:
    """Observations from left to right, each with whether something is left out before it."""
    n = model.total
    if not model.groups:
        return [
            (_Leaf("1", ""), False),
            (_Leaf("2", ""), False),
            (_Leaf(n, ""), model.n is None or model.n > 3),
        ]
    if model.collapsed:
        J, skipped = model.groups[0].count, model.groups[0].size > 3
        return [(_Leaf("1", "1"), False), (_Leaf("2", "2"), False), (_Leaf(J, J), skipped)]
    if model.n is None:
        pairs = [("1", "2", "1"), ("3", "4", "2"), (f"{n}-1", n, model.groups[0].count)]
        return [
            (_Leaf(row, j, outward=2 * m - 1, paired=True), j == pairs[2][2] and m == 0)
            for *rows, j in pairs
            for m, row in enumerate(rows)
        ]
    return [leaf for j in dict.fromkeys([0, 1, model.groups[0].size - 1]) for leaf in _ends(model, j)]


def _ends(model: Model, j: int) -> list[tuple[_Leaf, bool]]:
    """The first and the last row of a group, by their numbers in the data."""
    group = model.groups[0]
    inside = np.flatnonzero(group.codes == j)
    name = _numbered(j, group.size, group.count)
    first = (_Leaf(_numbered(inside[0], model.n, model.total), name), j > 2)
    last = (_Leaf(_numbered(inside[-1], model.n, model.total), name, outward=1), len(inside) > 2)
    if len(inside) == 1:
        return [first]
    return [(replace(leaf, paired=True), skipped) for leaf, skipped in (first, last)]


def _numbered(code: int, size: int, last: str) -> str:
    return last if code == size - 1 else str(code + 1)


def _spread(model: Model, shown: list[tuple[_Leaf, bool]], picture: _Picture) -> list[_Leaf]:
    """Places along a line, with dots where something is left out."""
    predicted = model.has_row_predictors
    leaves: list[_Leaf] = []
    gaps: list[float] = []
    x = 0.0
    for leaf, skipped in shown:
        if leaves:
            left, right = (leaves[-1].beside(1), leaf.beside(-1)) if predicted else (0.0, 0.0)
            gap = (2 * APART if leaf.is_second else BETWEEN + left + right) + DOTS * skipped
            if predicted and leaves[-1].outward > 0 > leaf.outward:
                gap = max(gap, leaves[-1].aside + leaf.aside + CLEAR)
            if skipped:
                gaps.append((leaves[-1].x + left + x + gap - right) / 2)
            x += gap
        leaves.append(replace(leaf, x=x))
    middle = x / 2
    picture.dots += [(at - middle, 0.0) for at in gaps]
    return [replace(leaf, x=leaf.x - middle) for leaf in leaves]


# -- what is drawn ------------------------------------------------------------


def _observations(model: Model, leaves: list[_Leaf], picture: _Picture) -> list[str]:
    """Outcomes in a row, each with its predictor beside it and its trials below."""
    letter = "m" if model.spec.response.failures else "y"
    heads = []
    for leaf in leaves:
        head = picture.add(indexed(letter, leaf.row), "outcome", (leaf.x, 0.0))
        predictor = _predictor(model, None, leaf.row)
        if predictor:
            place = (leaf.x + leaf.outward * leaf.aside, RISE if leaf.paired else 0.0)
            picture.link(picture.add(predictor, "given", place), [head])
        if model.has_trials:
            picture.link(picture.add(indexed("n", leaf.row), "given", (leaf.x, -1.4)), [head])
        heads.append(head)
    return heads


def _predictor(model: Model, group: str | None, index: str) -> str:
    """The predictor of one level at an index; a vector where there are more."""
    peers = [variable for variable in model.variables if variable.group == group]
    if not peers:
        return ""
    return peers[0].at(index) if len(peers) == 1 else indexed(peers[0].letter, index, vector=True)


def _groups(model: Model, leaves: list[_Leaf], heads: list[str], picture: _Picture) -> dict[str, list[str]]:
    """Group coefficients above the middle of their observations; the observations of each."""
    group, block = model.groups[0], model.blocks[0]
    number = "" if block.vector else model.numbered(block.members[0])
    found = {}
    for name in dict.fromkeys(leaf.group for leaf in leaves):
        mine = [leaf for leaf in leaves if leaf.group == name]
        place = ((mine[0].x + mine[-1].x) / 2, _height(model, leaves))
        symbol = indexed(group.coefficient, name, number, vector=block.vector)
        node = picture.add(symbol, "group", place, "group" if group.pooled else "flat")
        found[node] = [head for head, leaf in zip(heads, leaves, strict=True) if leaf.group == name]
        picture.link(node, found[node])
        _group_predictor(model, group, name, node, picture)
        if model.sigma_by_group:
            sigma = picture.add(indexed(r"\sigma", name), "parameter", (place[0], -ROW - 0.2), "flat")
            picture.link(sigma, found[node])
    _dots_between(model, list(found), picture)
    return found


def _height(model: Model, leaves: list[_Leaf]) -> float:
    """That of the groups: higher where predictors stand between them and the observations."""
    above = model.has_row_predictors and any(leaf.paired for leaf in leaves)
    return ROW + (0.6 if above else 0.2)


def _group_predictor(model: Model, group: Group, name: str, node: str, picture: _Picture) -> None:
    """A predictor of groups, with an arrow to what depends on it: the coefficients, or the observations."""
    symbol = _predictor(model, group.key, name)
    if symbol:
        x, y = picture.places[node]
        absorbed = [target for target, _ in model.absorbed.values()] == [group.key] * len(
            model.absorbed
        ) and model.absorbed
        if not absorbed:
            raise DiagramError(
                "A predictor of groups that is not part of their mean is not drawn unrolled; "
                "use style='plate'."
            )
        outward = 1 if x > 0.5 else -1
        picture.link(picture.add(symbol, "given", (x + outward * (SIDE + 0.1), y)), [node])


def _dots_between(model: Model, groups: list[str], picture: _Picture) -> None:
    if len(groups) == 3 and (model.n is None or model.groups[0].size > 3):
        (a, height), (b, _) = picture.places[groups[1]], picture.places[groups[2]]
        picture.dots.append(((a + b) / 2, height))


def _population(
    model: Model, heads: list[str], groups: dict[str, list[str]], picture: _Picture, further: float
) -> None:
    """Parameters of the groups, or of a single model, above; those of the observations below."""
    direct = tuple(model.b(coefficient.number) for coefficient in model.direct)
    sigma = [] if model.sigma_by_group else [(symbol, ()) for symbol in model.beside_mean]
    if not groups:
        symbol = model.b_vector() if len(direct) > 1 else "".join(direct)
        _across(picture, [(symbol, direct)] if direct else [], ROW + 0.5 + further, heads)
        _across(picture, sigma, -DEPTH - further, heads)
        return
    if model.pooled:
        block = model.blocks[0]
        members = tuple(model.b(k) for k in model.feeding(block))
        mean = [(model.b_vector(block) if block.vector else listing(members), members)] if members else []
        height = max(picture.places[name][1] for name in groups) + ROW + 0.3 + further
        _across(picture, [*mean, (model.covariance(block), ())], height, list(groups))
    _across(picture, ([(listing(direct), direct)] if direct else []) + sigma, -DEPTH - further, heads)


def _across(picture: _Picture, symbols, height: float, targets: list[str]) -> None:
    """Parameters side by side, far enough apart for their arrows to fan out."""
    widths = [2 * half_width(Node(plain(symbol), symbol, "parameter")) + 0.75 for symbol, _ in symbols]
    at = -sum(widths) / 2
    for (symbol, members), width in zip(symbols, widths, strict=True):
        picture.link(
            picture.add(symbol, "parameter", (at + width / 2, height), "population", members), targets
        )
        at += width


def _layout(picture: _Picture) -> Layout:
    boxes = [node_box(node, picture.places[node.name]) for node in picture.nodes]
    boxes += [Box(x - 0.3, y - RADIUS / 2, x + 0.3, y + RADIUS / 2) for x, y in picture.dots]
    return Layout(picture.places, {}, around(boxes).grown(0.14, 0.14, 0.14), {}, {}, tuple(picture.dots))
