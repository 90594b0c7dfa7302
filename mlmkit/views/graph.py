"""What a Bayesian network is made of: nodes, arrows and plates."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import did_you_mean


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
class Graph:
    """A model as a Bayesian network, without a picture: its nodes, arrows and plates.

    Attributes
    ----------
    title
        The model's formula.
    nodes, edges, plates
    notes
        What the picture should say besides.
    style
        "plate" or "unrolled".
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    plates: tuple[Plate, ...]
    notes: tuple[str, ...] = ()
    style: str = "plate"

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

    def __repr__(self):
        arrows = ", ".join(f"{edge.source} → {edge.target}" for edge in self.edges)
        boxes = "; ".join(f"{plate.name} ({plate.caption})" for plate in self.plates)
        return f"Network of {self.title}\n  arrows: {arrows}\n  plates: {boxes or 'none'}"
