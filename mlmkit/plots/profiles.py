"""The profile likelihood, one panel for each parameter: straight where a Wald interval tells the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from ..errors import DataError, did_you_mean
from ..inference.profile import Profile
from ..pictures import Panels
from ..style import RULE, colour, tint
from ..words import count, number
from .canvas import on_figure

POINTS = 121


@dataclass(frozen=True, eq=False)
class Profiles(Panels):
    """ζ curves of some parameters.

    Attributes
    ----------
    curves
        Columns parameter, value, zeta.
    intervals
        Parameters × estimate, lower, upper.
    level
        Of the intervals.
    """

    curves: pd.DataFrame
    intervals: pd.DataFrame
    level: float
    n_columns: int = 3

    @property
    def size(self) -> str:
        return "page" if len(self.intervals) <= 3 else "tall"

    @property
    def alt_text(self) -> str:
        parts = [
            f"{name}: estimate {number(row['estimate'])}, interval {number(row['lower'])} to {number(row['upper'])}"
            for name, row in self.intervals.iterrows()
        ]
        return (
            f"{count(len(parts), 'panel')}, each with the signed root of the rise in deviance against one parameter, "
            f"straight where the likelihood is normal, and the {self.level:.0%} interval where it lies within "
            f"{number(self._cutoff)} of 0. {'; '.join(parts)}."
        )

    @property
    def _cutoff(self) -> float:
        return float(norm.ppf((1 + self.level) / 2))

    def paint(self, figure: Figure) -> None:
        n_columns = min(self.n_columns, len(self.intervals))
        axes = figure.subplots(-(-len(self.intervals) // n_columns), n_columns, sharey=True, squeeze=False)
        for ax, name in zip(axes.flat, self.intervals.index, strict=False):
            self._panel(ax, name)
        for ax in axes.flat[len(self.intervals) :]:
            ax.set_visible(False)
        figure.supylabel("signed root of the rise in deviance", fontsize="medium")

    def _panel(self, ax: Axes, name: str) -> None:
        curve, row = self.curves[self.curves["parameter"] == name], self.intervals.loc[name]
        ax.axhspan(-self._cutoff, self._cutoff, color=tint(RULE, 0.5), lw=0)
        ax.axhline(0, color=RULE, lw=1)
        ax.plot(curve["value"], self._tangent(curve, row["estimate"]), color=colour("flat"), ls="--", lw=1)
        ax.plot(curve["value"], curve["zeta"], color=colour("population"))
        for end, at in (("lower", -self._cutoff), ("upper", self._cutoff)):
            if np.isfinite(row[end]):
                at = float(np.interp(row[end], curve["value"], curve["zeta"]))
                ax.plot([row[end]] * 2, [min(at, 0), max(at, 0)], color=colour("population"), lw=1, ls=":")
        ax.plot(row["estimate"], 0, marker="D", color=colour("population"), markersize=5)
        ax.set_title(name.replace("|", " | "), fontsize="small")
        ax.tick_params(labelsize="small")
        ax.locator_params(axis="x", nbins=4)
        ax.set_ylim(-1.4 * self._cutoff, 1.4 * self._cutoff)

    @staticmethod
    def _tangent(curve: pd.DataFrame, estimate: float) -> np.ndarray:
        """What ζ would be were the likelihood normal with its curvature at the estimate."""
        value, zeta = curve["value"].to_numpy(), curve["zeta"].to_numpy()
        nearest = np.argsort(np.abs(zeta))[:7]
        slope = np.sum((value[nearest] - estimate) * zeta[nearest]) / np.sum((value[nearest] - estimate) ** 2)
        return slope * (value - estimate)


@on_figure
def profiles(
    profile: Profile, parameters: Sequence[str] | None = None, level: float = 0.95, n_columns: int = 3
) -> Profiles:
    """A panel for each parameter: its ζ curve, the line it would be were the likelihood normal, the interval.

    Parameters
    ----------
    profile
        From `fit.profile()`.
    parameters
        Which, by their labels (`"sd_Days|Subject"`); by default all.
    level
        Of the intervals.
    n_columns
        Panels in a row.

    Raises
    ------
    DataError
        If a parameter was not profiled.
    """
    known = list(dict.fromkeys(profile.table["parameter"]))
    for name in parameters or ():
        if name not in known:
            raise DataError(f"There is no profile of {name!r}.{did_you_mean(name, known)}")
    chosen = list(parameters or known)
    intervals = profile.confint(level).loc[chosen, ["lower", "upper"]]
    intervals = pd.DataFrame(intervals).assign(estimate=profile.estimates.loc[chosen])
    parts = [_curve(profile, name) for name in chosen]
    return Profiles(pd.concat(parts, ignore_index=True), intervals, level, n_columns)


def _curve(profile: Profile, name: str) -> pd.DataFrame:
    values = profile.table.loc[profile.table["parameter"] == name, "value"]
    grid = np.linspace(values.min(), values.max(), POINTS)
    return pd.DataFrame({"parameter": name, "value": grid, "zeta": profile.curve(name)(grid)})
