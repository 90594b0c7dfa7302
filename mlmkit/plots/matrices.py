"""A matrix as a picture: white where it is 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, SymLogNorm

from ..pictures import Picture
from ..style import INK, MUTED, PAPER, colour
from ..views.matrices import matrix_in_words
from ..views.symbols import plain
from ..words import number
from .canvas import on_axes

#: Matrices with at most this many rows and columns have their numbers written in.
WRITTEN = 10


@dataclass(frozen=True, eq=False)
class Matrix(Picture):
    """A matrix and its name.

    Attributes
    ----------
    values
        (rows, columns), dense.
    """

    values: np.ndarray
    name: str
    size = "square"

    @property
    def share(self) -> float:
        """The share of the entries that are not 0."""
        return float(np.mean(self.values != 0))

    @property
    def alt_text(self) -> str:
        words = matrix_in_words(plain(self.name.replace("$", "")), self.values)
        return f"{words}, values from {number(self.values.min())} to {number(self.values.max())}."

    def paint(self, ax: Axes) -> None:
        size = np.abs(self.values).max() or 1.0
        shades = LinearSegmentedColormap.from_list("house", [colour("population"), PAPER, colour("group")])
        norm = SymLogNorm(linthresh=size / 10, vmin=-size, vmax=size)
        rows, columns = self.values.shape
        wide = 0.2 < columns / rows < 5
        ax.imshow(
            self.values, cmap=shades, norm=norm, interpolation="nearest", aspect="equal" if wide else "auto"
        )
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
        ax.set_title(self.name, fontsize="large", loc="center")
        ax.set_xlabel(f"{rows} × {columns}", color=MUTED)
        if max(rows, columns) <= WRITTEN:
            for (row, column), value in np.ndenumerate(self.values):
                strong = abs(value) > size / 3
                ax.text(
                    column,
                    row,
                    f"{value:.3g}",
                    ha="center",
                    va="center",
                    fontsize="small",
                    color=PAPER if strong else INK,
                )


@on_axes
def matrix(values, name: str = "") -> Matrix:
    """A matrix as a picture: blue above 0, red below, white at 0; small ones with their numbers.

    Parameters
    ----------
    values
        (rows, columns): an array, a DataFrame or a scipy sparse matrix.
    name
        Its title, LaTeX between dollars if you like: `"$Z$"`.
    """
    dense = values.toarray() if hasattr(values, "toarray") else np.asarray(values, dtype=float)
    return Matrix(np.atleast_2d(dense), name)
