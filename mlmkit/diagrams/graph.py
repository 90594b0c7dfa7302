"""What a Bayesian network is made of: nodes, arrows and plates; and the network, which draws itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ..errors import did_you_mean
from .describe import network_in_words
from .draw import draw, to_png, to_svg
from .layout import Layout, arrange


@dataclass(frozen=True)
class Node:
    """A variable or parameter of the model.

    Attributes
    ----------
    name
        Its symbol in plain letters, unique in the network: "β_j", "b_0", "Σ", "y_i".
    symbol
        The same in LaTeX, as the equations write it.
    kind
        "outcome"; "given" (known and not modelled: predictors, trials, a constant); "group" (drawn from a
        population); "parameter" (one unknown value).
    caption
        The column behind it, or nothing.
    plates
        Names of the plates it is in, outermost first.
    role
        Its colour's role in `mlmkit.style`.
    members
        The symbols that a vector or a list stands for.
    anchor
        For a parameter: the name of the node it is a parameter of, which it is placed next to.
    """

    name: str
    symbol: str
    kind: str
    caption: str = ""
    plates: tuple[str, ...] = ()
    role: str = "data"
    members: tuple[str, ...] = ()
    anchor: str = ""

    @property
    def observed(self) -> bool:
        return self.kind in ("outcome", "given")


@dataclass(frozen=True)
class Edge:
    """An arrow: the distribution of `target` depends on `source`."""

    source: str
    target: str


@dataclass(frozen=True)
class Plate:
    """A box whose contents are repeated once for each value of an index.

    Attributes
    ----------
    name
        The index, "i" or "j".
    symbol
        Its range in LaTeX, `j = 1 \\ldots J`.
    caption
        What is repeated: the grouping factor and, where data are given, how many.
    inside
        Names of all the plates that contain this one.
    crosses
        Names of the plates that overlap it, neither within the other.
    """

    name: str
    symbol: str
    caption: str
    role: str = "data"
    size: int | None = None
    inside: tuple[str, ...] = ()
    crosses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """A model as a Bayesian network: `.nodes`, `.edges`, `.plates`, `.draw(ax)`, `.alt_text`.

    In a notebook it shows itself as an SVG with text, title and description.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    plates: tuple[Plate, ...]
    notes: tuple[str, ...] = ()
    style: str = "plate"
    placed: Layout | None = field(default=None, repr=False, compare=False)

    def node(self, name: str) -> Node:
        """The node of this name, as in `network.node("β_j")`."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(f"There is no node {name!r}.{did_you_mean(name, [node.name for node in self.nodes])}")

    def parents(self, name: str) -> tuple[str, ...]:
        return tuple(edge.source for edge in self.edges if edge.target == self.node(name).name)

    def children(self, name: str) -> tuple[str, ...]:
        return tuple(edge.target for edge in self.edges if edge.source == self.node(name).name)

    @cached_property
    def layout(self) -> Layout:
        """Where everything stands, in units of the drawing: see `mlmkit.diagrams.layout`."""
        return self.placed or arrange(self)

    def draw(self, ax=None, key: bool = False):
        """Draw the network.

        Parameters
        ----------
        ax
            Where to draw; None makes a figure of the network's own size.
        key
            True adds a line that says what the shapes mean.

        Returns
        -------
        matplotlib Axes
        """
        return draw(self, ax, key)

    @property
    def alt_text(self) -> str:
        """The picture in words."""
        return network_in_words(self)

    def to_svg(self, path=None, key: bool = False) -> str:
        """The picture as SVG text with title and description; written to `path` if one is given."""
        return to_svg(self, path, key)

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def _repr_png_(self) -> bytes:
        return to_png(self)

    def __repr__(self):
        arrows = ", ".join(f"{edge.source} → {edge.target}" for edge in self.edges)
        boxes = "; ".join(f"{plate.name} ({plate.caption})" for plate in self.plates)
        return f"Network of {self.title}\n  arrows: {arrows}\n  plates: {boxes or 'none'}"
