"""A check of a fit as a picture: quantile residuals, and each statistic in the histogram of its simulations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..columns import look
from ..words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Which statistics have a histogram, the most telling first; four are drawn.
TOLD = (
    "zeros",
    "skewness",
    "dispersion",
    "pearson",
    "lag-1",
    "largest residual",
    "spread",
    "outliers",
    "uniformity",
)


def paint(
    figure: Figure, table: pd.DataFrame, simulated: Mapping, places: np.ndarray, along: pd.DataFrame
) -> None:
    """Six panels.

    Parameters
    ----------
    figure
    table, simulated, places
        As in `Check`.
    along
        What the residuals are drawn against: its one column's name is the label.
    """
    axes = figure.subplots(2, 3).ravel()
    _against_uniform(axes[0], places)
    _against(axes[1], places, along)
    own = [name for name in table.index if name not in TOLD]
    shown = [*own, *(name for name in TOLD if name in table.index)][:4]
    for ax, name in zip(axes[2:], shown, strict=False):
        _histogram(ax, name, table.loc[name], simulated[name])
    for ax in axes[2 + len(shown) :]:
        ax.set_visible(False)


def _against_uniform(ax: Axes, places: np.ndarray) -> None:
    from ..style import MARKERS, RULE, colour, tint

    ordered = np.sort(places, axis=0)
    expected = (np.arange(len(places)) + 0.5) / len(places)
    low, high = np.quantile(ordered[:, 1:], [0.025, 0.975], axis=1)
    ax.fill_between(expected, low, high, color=tint(colour("population"), 0.85), lw=0)
    ax.plot([0, 1], [0, 1], color=RULE, lw=1)
    ax.plot(expected, ordered[:, 0], ls="", marker=MARKERS["data"], markersize=2.5, color=colour("data"))
    ax.set(xlabel="uniform", ylabel="quantile residual", title="residuals, ordered")


def _against(ax: Axes, places: np.ndarray, along: pd.DataFrame) -> None:
    """Each residual, and its mean in parts of equal size inside the band of the simulations."""
    from ..style import MARKERS, RULE, colour, tint

    name, x = along.columns[0], along.iloc[:, 0]
    is_number = look(str(name), x).is_number
    labels = None if is_number else pd.Categorical(x)
    at = x.to_numpy(dtype=float) if labels is None else labels.codes
    ax.axhline(0.5, color=RULE, lw=1, zorder=0)
    ax.plot(at, places[:, 0], ls="", marker=MARKERS["data"], markersize=2, alpha=0.4, color=colour("data"))
    parts = pd.qcut(at, 8, duplicates="drop") if is_number and len(np.unique(at)) > 12 else pd.Categorical(at)
    centres, means, lows, highs = [], [], [], []
    for _, rows in pd.Series(at).groupby(parts, observed=True):
        own = places[rows.index].mean(axis=0)
        centres.append(rows.mean())
        means.append(own[0])
        low, high = np.quantile(own[1:], [0.025, 0.975])
        lows.append(low)
        highs.append(high)
    ax.fill_between(centres, lows, highs, color=tint(colour("population"), 0.8), alpha=0.8, lw=0, zorder=1)
    ax.plot(centres, means, color=colour("population"), marker="o", markersize=3.5, lw=1.4)
    if labels is not None:
        levels = list(map(str, labels.categories))
        ax.set_xticks(range(len(levels)), levels, rotation=30 if len(levels) > 3 else 0)
    title = f"residuals along {name if len(str(name)) <= 12 else 'x'}"  # a longer one would run into its neighbour
    ax.set(xlabel=name, ylabel="quantile residual", title=title, ylim=(0, 1))


def _histogram(ax: Axes, name: str, row: pd.Series, simulated: np.ndarray) -> None:
    from ..style import colour, tint

    known = simulated[np.isfinite(simulated)]
    ax.hist(known, bins=20, color=tint(colour("flat"), 0.55))
    outside = not row["conf.low"] <= row["statistic"] <= row["conf.high"]
    ax.axvline(row["statistic"], color=colour("population"), lw=2.4 if outside else 1.6)
    value = row["statistic"]
    seen = f"{value:.0f}" if value == round(value) else number(value)
    p = f", p {row['p.value']:.2g}" if outside else ""
    ax.set(title=name, xlabel=f"seen: {seen}{p}", yticks=[])
