"""A fit held against responses that it would give: checks by simulation, and a rootogram of counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..errors import DataError
from ..inference.checks import Check
from ..inference.checks import check as checked
from ..inference.simulate import simulate
from ..pictures import Picture
from ..results import Fit
from ..style import INK, RULE, colour, tint
from ..words import listed, number
from .canvas import on_axes, on_figure, response_name

#: The upper ends of the bins of counts that are drawn where every count would be too many.
EDGES = (0, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@on_figure
def check(
    fit: Fit, x: str | None = None, n: int = 250, seed: int | None = None, groups: str = "new"
) -> Check:
    """Quantile residuals, and statistics of the data in the histograms of their simulations.

    Parameters
    ----------
    fit
        Any fit.
    x
        The column that the residuals are drawn against; by default the fitted mean.
    n, seed, groups
        As for `fit.check`.
    """
    return replace(checked(fit, n, seed, groups, progress=False), x=x)


@dataclass(frozen=True, eq=False)
class Rootogram(Picture):
    """Counts seen beside counts that the model makes, on a scale of square roots.

    Attributes
    ----------
    table
        A row for each count or bin of counts: seen, expected, conf.low and conf.high (the middle 95% of
        simulations).
    """

    table: pd.DataFrame
    y: str
    size = "wide"

    @property
    def alt_text(self) -> str:
        bins = listed(
            f"{label}: {row['seen']:.0f} seen, {number(row['expected'])} expected"
            for label, row in self.table.iterrows()
        )
        return f"Hanging rootogram of {self.y}. {bins}."

    def paint(self, ax: Axes) -> None:
        root = np.sqrt(self.table)
        x = np.arange(len(root))
        ax.bar(x, root["seen"], 0.8, bottom=root["expected"] - root["seen"], color=tint(colour("data"), 0.6))
        ends = root["expected"] - root["conf.high"], root["expected"] - root["conf.low"]
        ax.vlines(
            x, *ends, color=tint(colour("population"), 0.3), alpha=0.6, lw=9, label="95% of simulations"
        )
        ax.plot(x, root["expected"], color=colour("population"), marker="o", markersize=4, label="the model")
        ax.axhline(0, color=INK, lw=1)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        ax.set_xticks(x, self.table.index)
        ax.set(xlabel=self.y, ylabel="√ rows: what was seen hangs from the model")
        ax.grid(axis="y", color=RULE)


@on_axes
def rootogram(fit: Fit, n: int = 500, seed: int | None = None, groups: str = "new") -> Rootogram:
    """Do counts occur as often as the model says? What was seen hangs from what is expected.

    A bar that ends above the line says that the model expects more such rows than there are; below it, fewer. The band
    holds 95% of simulated data.

    Parameters
    ----------
    fit
        A fit of counts.
    n, seed, groups
        As for `fit.check`.

    Raises
    ------
    DataError
        If the response is not a count.

    References
    ----------
    Kleiber & Zeileis (2016), The American Statistician 70(3), 296.
    """
    y = fit.design.y
    if not fit.family.is_count:
        raise DataError(
            f"A rootogram is drawn of counts; the response of {fit.formula!r} is {fit.family.name}."
        )
    edges, labels = _bins(int(y.max()))
    draws = simulate(fit, n, seed, groups).to_numpy()
    simulated = np.stack([_tally(draw, edges) for draw in draws.T])
    low, high = np.quantile(simulated, [0.025, 0.975], axis=0)
    table = pd.DataFrame(
        {"seen": _tally(y, edges), "expected": simulated.mean(axis=0), "conf.low": low, "conf.high": high},
        labels,
    )
    return Rootogram(table, response_name(fit))


def _bins(highest: int) -> tuple[np.ndarray, list[str]]:
    """Upper ends of the bins and what they are called; the last has no end."""
    ends = list(range(highest + 1)) if highest <= 20 else [edge for edge in EDGES if edge < highest]
    starts = [0, *(end + 1 for end in ends[:-1])]
    names = [str(end) if start == end else f"{start}–{end}" for start, end in zip(starts, ends, strict=True)]
    return np.array(ends), [*names, f"> {ends[-1]}"]


def _tally(y: np.ndarray, ends: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(ends, y), minlength=len(ends) + 1).astype(float)
