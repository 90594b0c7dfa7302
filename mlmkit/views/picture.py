"""A Bayesian network that draws itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from .boxes import Layout
from .describe import network_in_words
from .draw import draw, to_png, to_svg
from .graph import Graph
from .layout import arrange


@dataclass(frozen=True, repr=False)
class Network(Graph):
    """A model as a Bayesian network: `.nodes`, `.edges`, `.plates`, `.draw(ax)`, `.alt_text`.

    In a notebook it shows itself as an SVG with text, title and description.
    """

    placed: Layout | None = field(default=None, repr=False, compare=False)

    @cached_property
    def layout(self) -> Layout:
        """Where everything stands, in units of the drawing: see `mlmkit.views.layout`."""
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
        return draw(self, self.layout, ax, key)

    @property
    def alt_text(self) -> str:
        """The picture in words."""
        return network_in_words(self)

    def to_svg(self, path=None, key: bool = False) -> str:
        """The picture as SVG text with title and description; written to `path` if one is given."""
        return to_svg(self, self.layout, path, key)

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def _repr_png_(self) -> bytes:
        return to_png(self, self.layout)
