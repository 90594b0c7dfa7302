"""Where nodes and plates stand: layered, by rule and without chance, so that one model has one picture.

Everything flows down: population parameters, then groups, outermost first, then the data. Predictors stand on
the left of what they predict, parameters of single layers on the right, outside the plates. Crossed groups
stand left and right of the observations, and their plates overlap there. Units: a node's radius is 0.42.
"""

from __future__ import annotations

import math

from ..families import DISTRIBUTIONS
from .boxes import (
    GAP,
    LETTER,
    PAD,
    RADIUS,
    ROW,
    STRIP,
    Box,
    Layout,
    Point,
    around,
    caption_box,
    caption_height,
    caption_width,
    half_width,
    label_width,
    node_box,
    range_width,
    runs_over,
    runs_through,
    stacked_width,
)
from .graph import Edge, Graph, Node, Plate

#: The symbols of what a distribution has beside its mean.
SPREADS = {symbol for one in DISTRIBUTIONS.values() for symbol in one.symbols}


def arrange(network: Graph) -> Layout:
    """Places for everything in a network drawn with plates."""
    crossed = any(plate.crosses for plate in network.plates)
    sketch = _Crossed(network) if crossed else _Nested(network)
    sketch.arrange()
    boxes = [sketch.box(node) for node in network.nodes]
    bounds = around([*boxes, *sketch.plate_boxes().values()]).grown(0.12, 0.12, 0.12)
    return Layout(sketch.places, sketch.plate_boxes(), bounds, sketch.sides, sketch.corners)


def _clear(left: Node, right: Node) -> float:
    """How far apart two neighbours' centres are, so that their captions do not touch."""
    return max(GAP + 0.08, (caption_width(left.caption) + caption_width(right.caption)) / 2 + 0.18)


class _Sketch:
    """Places found so far; the plates follow from them."""

    def __init__(self, network: Graph):
        self.network = network
        self.outcome = next(node for node in network.nodes if node.kind == "outcome")
        self.places: dict[str, Point] = {}
        self.sides: dict[str, str] = {}
        self.corners: dict[str, str] = {}

    def box(self, node: Node) -> Box:
        return node_box(node, self.places[node.name], self.sides.get(node.name, "below"))

    def blocks(self, plates: tuple[str, ...]) -> list[Node]:
        return [node for node in self.network.nodes if node.kind == "group" and node.plates == plates]

    def given(self, plates: tuple[str, ...]) -> list[Node]:
        return [node for node in self.network.nodes if node.kind == "given" and node.plates == plates]

    def parameters(self, of: Node) -> list[Node]:
        return [node for node in self.network.nodes if node.kind == "parameter" and node.anchor == of.name]

    # -- plates ------------------------------------------------------------
    def plate_boxes(self) -> dict[str, Box]:
        """The boxes of the plates that have something in them, from the inside out."""
        boxes: dict[str, Box] = {}
        for plate in sorted(self.network.plates, key=lambda plate: -len(plate.inside)):
            inside = [
                self.box(n) for n in self.network.nodes if plate.name in n.plates and n.name in self.places
            ]
            inside += [boxes[other.name] for other in self.network.plates if plate.name in other.inside]
            if inside:
                boxes[plate.name] = self.plate_box(plate, around(inside))
        return boxes

    def plate_box(self, plate: Plate, content: Box) -> Box:
        box = content.grown(PAD, STRIP, PAD)
        missing = max(0.0, label_width(plate) - box.width) / 2
        return Box(box.left - missing, box.bottom, box.right + missing, box.top)

    def filled(self) -> Box:
        """The box of all that is placed, plates included."""
        placed = [self.box(node) for node in self.network.nodes if node.name in self.places]
        return around([*placed, *self.plate_boxes().values()])

    # -- parameters ------------------------------------------------------------
    def row_width(self, nodes: list[Node]) -> float:
        return sum(2 * half_width(node) + 0.28 for node in nodes)

    def row_above(self, nodes: list[Node], x: float, height: float) -> None:
        """Nodes side by side, centred above x."""
        at = x - self.row_width(nodes) / 2
        for node in nodes:
            half = half_width(node) + 0.14
            self.places[node.name] = (at + half, height)
            at += 2 * half

    def stack(self, nodes: list[Node], x: float, height: float = 0.0) -> None:
        """Nodes one above the other, centred beside a height."""
        step = 0.96 + caption_height(nodes) if any(node.caption for node in nodes) else 1.05
        for k, node in enumerate(nodes):
            self.places[node.name] = (x, height + ((len(nodes) - 1) / 2 - k) * step)

    def arrows(self, node: Node) -> list[Edge]:
        """The arrows of a node whose other end has its place already."""
        ends = [edge for edge in self.network.edges if node.name in (edge.source, edge.target)]
        return [edge for edge in ends if {edge.source, edge.target} - {node.name} <= set(self.places)]

    def is_free(self, node: Node, place: Point) -> bool:
        """Whether a node may stand here: on nothing, under no arrow, and none of its own runs over a node."""
        before = self.places.get(node.name)
        self.places[node.name] = place
        free = not self._stands_on(node) and not self._in_the_way(node)
        if before is None:
            del self.places[node.name]
        else:
            self.places[node.name] = before
        return free

    def _stands_on(self, node: Node) -> bool:
        own = self.box(node).grown(0.1, 0.1, 0.1)
        others = [n for n in self.network.nodes if n.name in self.places and n.name != node.name]
        return any(self.box(other).overlaps(own) for other in others)

    def _in_the_way(self, node: Node) -> bool:
        placed = [edge for edge in self.network.edges if {edge.source, edge.target} <= set(self.places)]
        for edge in self.arrows(node):
            if any(runs_over(edge, other, self.places, 0.1) for other in self.network.nodes):
                return True
            if any(self.strikes_out(edge, other) for other in self.network.nodes):
                return True
        return any(runs_over(edge, node, self.places, 0.1) or self.strikes_out(edge, node) for edge in placed)

    def strikes_out(self, edge: Edge, node: Node) -> bool:
        """Whether an arrow runs through a node's caption, its own included."""
        if not node.caption or node.name not in self.places:
            return False
        box = caption_box(node, self.places[node.name], self.sides.get(node.name, "below"))
        return runs_through(self.places[edge.source], self.places[edge.target], box)


class _Nested(_Sketch):
    """Layers: the outcome, above it each level of groups, innermost first, above all the population."""

    def arrange(self) -> None:
        self._observations()
        layers = self._layers()
        for depth, layer in enumerate(layers):
            self._layer(depth, layer, layers)
        self._population(layers)

    def _layers(self) -> list[list[Node]]:
        plates = dict.fromkeys(node.plates for node in self.network.nodes if node.kind == "group")
        return [self.blocks(p) for p in sorted(plates, key=len, reverse=True)]

    def _observations(self) -> None:
        """The outcome, predictors on its left, trials on its right."""
        self.places[self.outcome.name] = (0.0, 0.0)
        given = [node for node in self.given(self.outcome.plates) if self._feeds_outcome(node)]
        trials = [node for node in given if node.caption == "trials"]
        predictors = [node for node in given if node not in trials]
        self.stack(predictors, -max([0.0, *[_clear(self.outcome, node) for node in predictors]]))
        self.stack(trials, max([0.0, *[_clear(self.outcome, node) for node in trials]]))
        own_sigma = [node for node in self.parameters(self.outcome) if node.plates]
        self.stack(own_sigma, self.filled().right + RADIUS + 0.35)

    def _feeds_outcome(self, node: Node) -> bool:
        return self.outcome.name in self.network.children(node.name)

    # -- groups ------------------------------------------------------------
    def _layer(self, depth: int, layer: list[Node], layers: list[list[Node]]) -> None:
        """One level of groups and its predictors, clear of the plate below."""
        outermost = depth == len(layers) - 1
        between, beside = self._group_predictors(layer)
        # An arrow that leaves downwards would run through a caption below.
        self.sides |= {node.name: "above" for node in beside if self._feeds_outcome(node)}
        given = beside or between
        lower = (len(given) - 1) / 2 * 1.22 + caption_height(given) if given else 0.0
        centre = max(
            y
            for name, (_, y) in self.places.items()
            if name in {self.outcome.name, *self._below(depth, layers)}
        )
        height = max(centre + ROW, self._top_below(layer) + 0.34 + RADIUS + lower)
        width = [max(2 * GAP, self.row_width(self.parameters(n)) if outermost else 0) for n in layer]
        if between:
            width = [max(w, 2.6) for w in width]
        aside = self._step_aside(layers[depth + 1 :])
        for lift, shift, left in self._tries(layer):
            self._place_layer(layer, width, height + lift, aside - shift, beside, between, left)
            if all(self.is_free(node, self.places[node.name]) for node in [*layer, *beside, *between]):
                return

    def _tries(self, layer: list[Node]) -> list[tuple[float, float, bool]]:
        """How far up and to the right to move a layer, and the side of its predictors; the least moves first."""
        steps = [(lift, shift) for lift in range(20) for shift in range(len(layer))]
        steps.sort(key=lambda step: (3 * step[0] + 4 * step[1], step))
        return [(0.3 * lift, 0.8 * shift, left) for lift, shift in steps for left in (True, False)]

    def _place_layer(self, layer, width, height, aside, beside, between, left: bool) -> None:
        """Blocks in a row, their predictors on one side of it or in its middle."""
        x = -aside - sum(width) / 2
        for node, room in zip(layer, width, strict=True):
            self.places[node.name] = (x + room / 2, height)
            x += room
        edge = layer[0] if left else layer[-1]
        reach = max([0.0, *[_clear(edge, node) for node in beside]])
        self.stack(beside, self.places[edge.name][0] + (-reach if left else reach), height)
        self.stack(between, sum(self.places[node.name][0] for node in layer) / len(layer), height)

    def _below(self, depth: int, layers: list[list[Node]]) -> set[str]:
        return {node.name for layer in layers[:depth] for node in layer}

    def _top_below(self, layer: list[Node]) -> float:
        """The top of the plate that this layer stands above, or of the outcome in its own plate."""
        inner = [box for name, box in self.plate_boxes().items() if name not in layer[0].plates]
        return max([box.top for box in inner], default=self.box(self.outcome).top)

    def _group_predictors(self, layer: list[Node]) -> tuple[list[Node], list[Node]]:
        """Predictors of this level: those of two of its nodes, to stand between them, and the rest."""
        names = {node.name for node in layer}
        given = [node for node in self.given(layer[0].plates) if node.name not in self.places]
        between = [
            node for node in given if len(names & set(self.network.children(node.name))) == 2 == len(layer)
        ]
        return between, [node for node in given if node not in between]

    def _step_aside(self, above: list[list[Node]]) -> float:
        """Make way for an arrow that runs from further out past this layer to one below."""
        further = [node for layer in above for node in layer]
        return (
            GAP if any(set(self.network.children(node.name)) & set(self.places) for node in further) else 0.0
        )

    # -- parameters ------------------------------------------------------------
    def _population(self, layers: list[list[Node]]) -> None:
        """Parameters of the outermost level above all; the others outside the plates, beside theirs."""
        top, plates = self.filled().top, bool(self.plate_boxes())
        tops = layers[-1] if layers else [self.outcome]
        above = {node.name: self._from_above(node, bool(layers)) for node in tops}
        beside = [(n, p) for layer in [[self.outcome], *layers] for n in layer for p in self.parameters(n)]
        beside = [(n, p) for n, p in beside if p.name not in self.places and p not in above.get(n.name, [])]
        height = top + (0.36 if plates else 0.5) + RADIUS
        for node in tops:
            clear = max(height, self.places[node.name][1] + ROW - 0.15)
            self.row_above(above[node.name], self.places[node.name][0], clear)
        self._beside(beside, layers)

    def _from_above(self, node: Node, has_groups: bool) -> list[Node]:
        """Without groups, coefficients come from above and σ or a size from the side."""
        return [p for p in self.parameters(node) if not p.plates and (has_groups or p.symbol not in SPREADS)]

    def _beside(self, pairs: list[tuple[Node, Node]], layers: list[list[Node]]) -> None:
        plated = around(
            [*self.plate_boxes().values(), *[self.box(n) for n in self.network.nodes if n.plates]]
            or [self.filled()]
        )
        half = max([half_width(parameter) for _, parameter in pairs], default=0.0)
        columns = {"right": plated.right + 0.4 + half, "left": plated.left - 0.4 - half}
        for node in dict.fromkeys(node for node, _ in pairs):
            own = [parameter for other, parameter in pairs if other is node]
            layer = next((layer for layer in layers if node in layer), [node])
            leftish = self.places[node.name][0] < -0.1 and node is layer[0]
            for k, parameter in enumerate(own):
                rise = ((len(own) - 1) / 2 - k) * 1.05
                self.places[parameter.name] = self._free_place(parameter, node, rise, columns, leftish)

    def _free_place(
        self, parameter: Node, node: Node, rise: float, columns: dict[str, float], leftish: bool
    ) -> Point:
        """The nearest place outside the plates from which an arrow reaches its node over nothing else."""
        height = self.places[node.name][1] + rise
        for side in ("left", "right") if leftish else ("right", "left"):
            for shift in (0.0, 0.4, -0.4, 0.8, -0.8, 1.2, -1.2, 1.6, 2.2, 3.0):
                place = (columns[side], height + shift)
                if self.is_free(parameter, place):
                    return place
        return columns["right"], self.filled().top + 1.0


class _Crossed(_Sketch):
    """The observations in the middle, where the plates overlap; groups left, right and below."""

    def arrange(self) -> None:
        self.chains, self.reach = self._chains(), RADIUS
        self.places[self.outcome.name] = (0.0, 0.0)
        self._predictors()
        self.corners = {
            plate.name: f"foot {side}" if self._holds(plate) else side
            for chain, side in zip(self.chains, ("left", "right"), strict=False)
            for plate in chain
        }
        self._sides()
        if len(self.chains) > 2:
            self._below(self.chains[2])
        self._population()

    def _chains(self) -> list[list[Plate]]:
        """Plates nested in one another together, innermost first."""
        crossing = [plate for plate in self.network.plates if plate.crosses]
        tops = [plate for plate in crossing if not plate.inside]
        return [[p for p in reversed(crossing) if p is top or top.name in p.inside] for top in tops]

    def _predictors(self) -> None:
        """Predictors of observations below the outcome; on its left where a third group comes from below."""
        given = self.given(self.outcome.plates)
        if len(self.chains) > 2:
            self.stack(given, -max([0.0, *[_clear(self.outcome, node) for node in given]]))
            self.sides = {self.outcome.name: "right"}
            return
        width = max([1.05, *[caption_width(node.caption) + 0.2 for node in given]])
        for k, node in enumerate(given):
            self.places[node.name] = ((k - (len(given) - 1) / 2) * width, -1.35)
        self._caption_of_outcome()

    def _caption_of_outcome(self) -> None:
        """The first side on which the outcome's name meets no predictor below, nor its arrow."""
        below = [self.box(node) for node in self.given(self.outcome.plates)]
        for side in ("below", "right", "left", "east"):
            self.sides = {self.outcome.name: side}
            words = caption_box(self.outcome, self.places[self.outcome.name], side)
            struck = any(self.strikes_out(edge, self.outcome) for edge in self.arrows(self.outcome))
            if not struck and not any(words.overlaps(box) for box in below):
                return

    def _sides(self) -> None:
        """Chains left and right of the observations: inner groups outside and low, outer ones inside and high.

        So an arrow from an outer group to the observations passes above the inner ones, and below nothing.
        """
        inner = self.plate_boxes().get(self.outcome.plates[-1], self.filled())
        self.reach = max(abs(inner.left), inner.right)
        around_it = 2 * PAD if all(len(chain) == 1 for chain in self.chains[:2]) else 3 * PAD
        for depth in range(max(map(len, self.chains[:2]))):
            floor = 1.95 if depth == 0 else self.filled().top + 0.34 + RADIUS
            for sign, chain in zip((-1, 1), self.chains, strict=False):
                if depth < len(chain):
                    x = max(self.reach + around_it, self.row_width(self.parameters(self.outcome)) / 2)
                    x += sum(self._room(plate) for plate in chain[depth + 1 :])
                    self._side(sign, chain[depth], x, floor)

    def _room(self, plate: Plate) -> float:
        """The width of a plate's group coefficients side by side."""
        return sum(self._block_room(node) for node in self.blocks((*plate.inside, plate.name)))

    def _block_room(self, node: Node) -> float:
        return max(2 * RADIUS + 0.3, self.row_width(self.parameters(node)) + 0.1)

    def _side(self, sign: int, plate: Plate, x: float, height: float) -> None:
        """A plate's group coefficients outwards from x, and its predictors."""
        blocks = self.blocks((*plate.inside, plate.name))
        label = stacked_width(plate) / 2 + 0.16
        for k, node in enumerate(blocks):
            half = self._block_room(node) / 2
            x += max(half, *((0.9, label) if k == 0 and not self._holds(plate) else (0.0,)))
            while not self.is_free(node, (sign * x, height)) and height < 12:
                height += 0.2
            self.places[node.name] = (sign * x, height)
            last, x = (x, height), x + half
        self._group_predictors(sign, plate, *last)

    def _holds(self, plate: Plate) -> list[Plate]:
        """The grouping plates within this one."""
        return [other for other in self.network.plates if other.crosses and plate.name in other.inside]

    def _group_predictors(self, sign: int, plate: Plate, x: float, height: float) -> None:
        """Predictors of a group near its coefficients, where their arrow is free: below, or beside outer ones."""
        for node in self.given((*plate.inside, plate.name)):
            across = x + caption_width(node.caption) / 4
            if self._holds(plate):
                spots = [
                    (x + 1.0 + 0.3 * out, height + 0.2 + 0.3 * up) for out in range(8) for up in range(4)
                ]
            else:
                spots = [(across, h) for h in sorted((0.55 - 0.3 * k for k in range(-3, 12)), key=_middle)]
            free = [(sign * out, h) for out, h in spots if self.is_free(node, (sign * out, h))]
            self.places[node.name] = free[0] if free else (sign * across, -3.0)

    def _below(self, chain: list[Plate]) -> None:
        lowest = self.filled().bottom
        for plate in chain:
            blocks = self.blocks((*plate.inside, plate.name))
            lowest -= 0.75 + RADIUS
            for k, node in enumerate(blocks):
                self.places[node.name] = ((k - (len(blocks) - 1) / 2) * 2 * GAP, lowest)
            lowest -= 0.75

    def _population(self) -> None:
        height = self.filled().top + 0.4 + RADIUS
        from_below = self.chains[2] if len(self.chains) > 2 else []
        for node in [n for n in self.network.nodes if n.kind == "group"]:
            if any(node.plates[-1] == plate.name for plate in from_below):
                right = self.plate_boxes()[node.plates[-1]].right
                self.stack(self.parameters(node), right + 0.5 + RADIUS, self.places[node.name][1])
            else:
                self._free_row(self.parameters(node), self.places[node.name][0], height)
        self._free_row(self.parameters(self.outcome), 0.0, height)

    def _free_row(self, nodes: list[Node], x: float, height: float) -> None:
        """Nodes side by side above x, or as near to it as their arrows run over nothing."""
        for shift in (0.0, -0.5, 0.5, -1.0, 1.0, -1.5, 1.5, -2.0, 2.0, 0.0):
            self.row_above(nodes, x + shift, height)
            if all(self.is_free(node, self.places[node.name]) for node in nodes):
                return

    def plate_box(self, plate: Plate, content: Box) -> Box:
        """Overlapping plates get feet and heads of different heights, so that no two borders run together."""
        if not plate.crosses:
            return self._rows_box(plate, super().plate_box(plate, content))
        corner = self.corners.get(plate.name)
        order = list(self.corners).index(plate.name) if corner else 0
        side = corner.removeprefix("foot ") if corner else None
        step = 0.22 * (side == "right") + 0.1 * (side is None)
        stacked = corner in ("left", "right")
        below = max(PAD + step, content.bottom - self._lowest_of(plate) + 1.0) if stacked else STRIP
        box = content.grown(PAD + 0.06 * order, below, PAD - step / 2)
        outward = self._for_label(plate, box) if corner else 0.0
        left, right = (outward, 0.0) if side == "left" else (0.0, outward)
        return Box(box.left - left, box.bottom, box.right + right, box.top)

    def _rows_box(self, plate: Plate, box: Box) -> Box:
        """An arrow from below passes between the two parts of the label."""
        if len(self.chains) < 3:
            return box
        caption, values = LETTER * len(plate.caption), range_width(plate)
        return Box(min(box.left, -caption - 0.3), box.bottom, max(box.right, values + 0.3), box.top)

    def _for_label(self, plate: Plate, box: Box) -> float:
        """What a plate needs at its outer side, so that its label is where no other plate covers it."""
        if self._holds(plate):
            outer = -box.left if self.corners[plate.name] == "foot left" else box.right
            return max(0.0, label_width(plate) - (outer - self.reach - 3 * PAD))
        return max(0.0, stacked_width(plate) / 2 + 0.16 - RADIUS - PAD)

    def _lowest_of(self, plate: Plate) -> float:
        """The foot of what stands in a plate alone: its label goes below."""
        own = [n for n in self.network.nodes if n.plates[-1:] == (plate.name,) and n.name in self.places]
        return min([self.box(node).bottom for node in own], default=math.inf)


def _middle(height: float) -> float:
    return abs(height - 0.4)
