"""Several pictures in one figure, in a row or in rows, lettered a), b), …"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlmkit.pictures import Panels
from mlmkit.style import house


@dataclass(frozen=True)
class Several:
    """Pictures side by side.

    Attributes
    ----------
    pictures
        Anything with `draw(ax)` and `alt_text`: plots, networks, trees.
    size
        The figure's width and height in inches.
    titles
        One for each picture; without, they are only lettered.
    columns
        Pictures in a row.
    widths
        Relative widths of the columns.
    one_scale
        Whether all get the vertical limits that hold every one of them.
    """

    pictures: tuple[Any, ...]
    size: tuple[float, float]
    titles: tuple[str, ...] = ()
    columns: int = 2
    widths: tuple[float, ...] | None = None
    one_scale: bool = False

    @property
    def alt_text(self) -> str:
        parts = zip(self._titles, self.pictures, strict=True)
        return " ".join(
            f"{title + ':' if title[-1] != ')' else title} {picture.alt_text}" for title, picture in parts
        )

    @property
    def _titles(self) -> list[str]:
        words = self.titles or [""] * len(self.pictures)
        return [f"{letter}) {word}".strip() for letter, word in zip(ascii_lowercase, words, strict=False)]

    def draw(self) -> Figure:
        rows = -(-len(self.pictures) // self.columns)
        with house():
            figure = plt.figure(figsize=self.size, layout="constrained")
            cells = figure.subfigures(
                rows, self.columns, squeeze=False, width_ratios=self.widths, wspace=0.04
            )
            for cell, title, picture in zip(cells.flat, self._titles, self.pictures, strict=False):
                cell.suptitle(title, x=0.02, ha="left", fontsize="large")
                picture.draw(cell if isinstance(picture, Panels) else cell.subplots())
            if self.one_scale:
                low, high = zip(*(ax.get_ylim() for ax in figure.axes), strict=True)
                plt.setp(figure.axes, ylim=(min(low), max(high)))
        return figure


def figure_of(drawn: Axes | Figure) -> Figure:
    """The figure that was drawn on, whether Axes or a figure were handed back."""
    return drawn if isinstance(drawn, Figure) else drawn.get_figure(root=True)
