"""What stands in a drawing of a network and how large it is: boxes, nodes with their captions, plates' labels.

Units: a node's radius is 0.42.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from .graph import Edge, Graph, Node, Plate
from .model import DiagramError
from .symbols import plain

RADIUS = 0.42
GAP = 1.12  # between the centres of neighbours
ROW = 1.65  # between layers
PAD = 0.3  # from a plate's border to what is in it
STRIP = 0.4  # the line at a plate's foot that holds its label
CAPTION = 0.26  # a caption's height under a node
LETTER = 0.112  # a caption letter's width
LINE = 0.24  # from one line of a caption to the next
LONGEST = 18  # letters in a line of a caption, if the name can be broken
SPACE = 0.23  # between the two parts of a plate's label


Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle: left, bottom, right, top."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom

    def grown(self, x: float, below: float, above: float) -> Box:
        return Box(self.left - x, self.bottom - below, self.right + x, self.top + above)

    def contains(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and self.bottom <= other.bottom
            and other.right <= self.right
            and other.top <= self.top
        )

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


def around(boxes) -> Box:
    """The smallest box around these."""
    boxes = list(boxes)
    return Box(
        min(b.left for b in boxes),
        min(b.bottom for b in boxes),
        max(b.right for b in boxes),
        max(b.top for b in boxes),
    )


@dataclass(frozen=True)
class Layout:
    """Centres of the nodes, boxes of the plates, by name, and the whole picture's box.

    `sides` says where a caption stands if not below its node (see `SIDES`). `corners` says where a plate's label
    is if not at both ends of its foot: stacked in the "left" or "right" lower corner, or in a line at the "foot
    left" or "foot right". `dots` are the places of an ellipsis.
    """

    places: dict[str, Point]
    plates: dict[str, Box]
    bounds: Box
    sides: dict[str, str]
    corners: dict[str, str]
    dots: tuple[Point, ...] = ()


def half_width(node: Node) -> float:
    """Half of a node's width: a circle, or a stadium where a parameter lists several symbols."""
    lists = node.kind == "parameter" and "," in node.symbol
    return max(RADIUS, 0.115 * len(plain(node.symbol).replace("_", "")) + 0.12 if lists else 0)


def node_box(node: Node, place: Point, side: str = "below") -> Box:
    """The room a node takes, its caption included."""
    x, y = place
    half = half_width(node)
    box = Box(x - half, y - RADIUS, x + half, y + RADIUS)
    return around([box, caption_box(node, place, side)]) if node.caption else box


# -- words ------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """A line of text: where it begins, ends or (across "center") has its middle, and the room it takes."""

    text: str
    x: float
    y: float
    across: str
    width: float
    height: float = 0.2

    @property
    def box(self) -> Box:
        left = self.x - self.width * {"left": 0.0, "center": 0.5, "right": 1.0}[self.across]
        return Box(left, self.y - self.height / 2, left + self.width, self.y + self.height / 2)


#: Where a caption may stand: its first line's place seen from the node's centre, and how it is aligned.
SIDES = {
    "below": (0.0, -RADIUS - 0.15, "center"),
    "above": (0.0, RADIUS + 0.15, "center"),
    "right": (0.28, -RADIUS - 0.08, "left"),
    "left": (-0.28, -RADIUS - 0.08, "right"),
    "east": (RADIUS + 0.12, 0.0, "left"),
    "west": (-RADIUS - 0.12, 0.0, "right"),
}


def caption_lines(text: str) -> list[str]:
    """A caption in lines: a long name is broken after an underscore, a point or a blank."""
    lines = [""]
    for piece in re.findall(r"[^_.\s]*[_.\s]*", text) if len(text) > LONGEST else [text]:
        if lines[-1] and len(lines[-1] + piece.rstrip()) > LONGEST:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines if line.strip()]


def caption_words(node: Node, place: Point, side: str = "below") -> list[Words]:
    """The lines of a node's caption, each with its place."""
    lines = caption_lines(node.caption)
    dx, dy, across = SIDES[side]
    rise = {"above": len(lines) - 1, "east": (len(lines) - 1) / 2, "west": (len(lines) - 1) / 2}.get(side, 0)
    x, y = place[0] + dx, place[1] + dy + rise * LINE
    return [Words(line, x, y - k * LINE, across, LETTER * len(line)) for k, line in enumerate(lines)]


def caption_box(node: Node, place: Point, side: str = "below") -> Box:
    """The room a caption takes."""
    return around(words.box for words in caption_words(node, place, side))


def caption_width(text: str) -> float:
    return LETTER * max(map(len, caption_lines(text)), default=0)


def caption_height(nodes: list[Node]) -> float:
    """What the longest of these nodes' captions adds below."""
    return max([CAPTION + LINE * (len(caption_lines(node.caption)) - 1) for node in nodes], default=0.0)


def plate_words(plate: Plate, box: Box, corner: str | None = None) -> list[Words]:
    """A plate's label, its range last: at both ends of its foot, at one, or stacked in a lower corner."""
    edges = {"left": box.left + 0.16, "right": box.right - 0.16}
    y, width, values = box.bottom + 0.21, LETTER * len(plate.caption), range_width(plate)
    if corner in edges:
        lines = plate.caption.split(", ")[::-1]
        stack = [
            Words(line, edges[corner], y + 0.27 * k, corner, LETTER * len(line))
            for k, line in enumerate(lines)
        ]
        return [*stack, Words(plate.symbol, edges[corner], y + 0.27 * len(lines), corner, values, 0.25)]
    start = {"foot right": edges["right"] - values - SPACE - width}.get(corner, edges["left"])
    end = {"foot left": edges["left"] + width + SPACE + values}.get(corner, edges["right"])
    return [Words(plate.caption, start, y, "left", width), Words(plate.symbol, end, y, "right", values, 0.25)]


def runs_through(start: Point, end: Point, box: Box) -> bool:
    """Whether a stretch of line passes through a box."""
    enter, leave = 0.0, 1.0
    for low, high, a, b in (
        (box.left, box.right, start[0], end[0]),
        (box.bottom, box.top, start[1], end[1]),
    ):
        if abs(b - a) < 1e-12:
            if not low < a < high:
                return False
            continue
        first, last = sorted(((low - a) / (b - a), (high - a) / (b - a)))
        enter, leave = max(enter, first), min(leave, last)
    return enter < leave


def label_width(plate: Plate) -> float:
    """What the strip at a plate's foot needs: what is repeated on the left, the range on the right."""
    return range_width(plate) + LETTER * len(plate.caption) + SPACE + 0.32


def range_width(plate: Plate) -> float:
    return 0.125 * len(plain(plate.symbol))


def stacked_width(plate: Plate) -> float:
    """The width of a plate's label in lines: its range, what is repeated, how many."""
    return max(range_width(plate), *(LETTER * len(line) for line in plate.caption.split(", "))) + 0.1


# -- what is in the way of what --


def distance(point: Point, start: Point, end: Point) -> float:
    """From a point to a stretch of line."""
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    along = ((point[0] - x) * dx + (point[1] - y) * dy) / max(dx * dx + dy * dy, 1e-12)
    along = min(1.0, max(0.0, along))
    return math.hypot(point[0] - x - along * dx, point[1] - y - along * dy)


def axis(node: Node, place: Point) -> list[Point]:
    """A node's centre; for a long one, points along its middle line: all within a radius of its border."""
    reach = half_width(node) - RADIUS
    return [(place[0] + reach * k / 4, place[1]) for k in range(-4, 5)] if reach > 0 else [place]


def separation(node: Node, other: Node, places: dict[str, Point]) -> float:
    """How far apart two nodes' centres (of long ones, middle lines) are."""
    ends = axis(node, places[node.name]), axis(other, places[other.name])
    return min(math.dist(p, q) for p in ends[0] for q in ends[1])


def runs_over(edge: Edge, node: Node, places: dict[str, Point], margin: float = 0.0) -> bool:
    """Whether an arrow runs over a node that is at neither of its ends."""
    if node.name in (edge.source, edge.target) or node.name not in places:
        return False
    start, end = places[edge.source], places[edge.target]
    return any(distance(point, start, end) < RADIUS + margin for point in axis(node, places[node.name]))


def crowding(network: Graph, places: dict[str, Point]) -> str:
    """Which arrow would run over which node, or which two nodes would touch; nothing if all is clear."""
    for edge in network.edges:
        for node in network.nodes:
            if runs_over(edge, node, places):
                return f"the arrow from {edge.source} to {edge.target} would run over {node.name}"
    for k, node in enumerate(network.nodes):
        for other in network.nodes[k + 1 :]:
            if separation(node, other, places) <= 2 * RADIUS:
                return f"{node.name} and {other.name} would touch"
    return ""


def check_clear(network: Graph, places: dict[str, Point]) -> None:
    """Refuse a picture in which an arrow runs over a node, or two nodes touch: it would mislead."""
    reason = crowding(network, places)
    if reason:
        raise DiagramError(
            f"This model is too crowded to draw: {reason}. Draw a smaller model, or read mk.equation."
        )
