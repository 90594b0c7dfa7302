"""Looking for what the model missed: residuals against fitted values, and quantiles against the normal's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import beta, norm

from ..errors import DataError
from ..pictures import Picture
from ..results import Fit, MixedFit
from ..style import MARKERS, RULE, colour, tint
from ..words import count, listed, number
from .canvas import on_axes, response_name, term_label
from .labels import place_labels
from .pooling import only_group

#: Scaled residuals beyond this are named.
FAR = 3.0


@dataclass(frozen=True, eq=False)
class Residuals(Picture):
    """Scaled residuals against fitted values.

    Attributes
    ----------
    table
        One row for each row used: fitted, residual (in units of the residual SD), name (of its group).
    """

    table: pd.DataFrame
    y: str
    size = "page"

    @property
    def far(self) -> pd.DataFrame:
        """The residuals beyond 3 SDs."""
        return self.table[self.table["residual"].abs() > FAR]

    @property
    def alt_text(self) -> str:
        residual, fitted = self.table["residual"], self.table["fitted"]
        names = f" ({listed(self.far['name'], 12)})" if len(self.far) and self.far["name"].any() else ""
        return (
            f"{count(len(residual), 'residual')} in units of their SD, from {number(residual.min())} to "
            f"{number(residual.max())}, against fitted {self.y} from {number(fitted.min())} to {number(fitted.max())}. "
            f"{len(self.far)} lie beyond 3{names}."
        )

    def paint(self, ax: Axes) -> None:
        ax.axhspan(-2, 2, color=tint(RULE, 0.6), lw=0)
        ax.axhline(0, color=colour("population"), lw=1.4)
        many = len(self.table) > 1000
        ax.plot(
            self.table["fitted"],
            self.table["residual"],
            ls="",
            marker=MARKERS["data"],
            color=colour("data"),
            markersize=2 if many else 4,
            alpha=0.35 if many else 0.7,
            markeredgewidth=0,
        )
        ax.set(xlabel=f"fitted {self.y}", ylabel="residual, in SDs")
        far = self.far[self.far["name"] != ""]
        if 0 < len(far) <= 12:
            ax.margins(0.08)
            place_labels(ax, list(far["name"]), far[["fitted", "residual"]].to_numpy(), fontsize="small")


@on_axes
def residuals(fit: Fit) -> Residuals:
    """Residuals in units of their SD against fitted values; the shade holds 95% of normal ones.

    Parameters
    ----------
    fit
        Any fit. Those beyond 3 SDs are named by their group.
    """
    names = np.full(fit.nobs, "", dtype=object)
    if isinstance(fit, MixedFit):
        block = fit.design.blocks[0]
        names = np.array([str(level) for level in block.levels], dtype=object)[block.codes]
    table = pd.DataFrame({"fitted": fit.fitted, "residual": fit.resid("scaled"), "name": names})
    return Residuals(table, response_name(fit))


@dataclass(frozen=True, eq=False)
class Quantiles(Picture):
    """Values in order against what the normal distribution would have in their places.

    Attributes
    ----------
    table
        Columns normal, value, lower, upper: where 95% of normal samples would have the value of that rank.
    """

    table: pd.DataFrame
    what: str
    size = "square"

    @property
    def outside(self) -> int:
        """How many values lie outside the band for their rank."""
        table = self.table
        return int(((table["value"] < table["lower"]) | (table["value"] > table["upper"])).sum())

    @property
    def alt_text(self) -> str:
        value = self.table["value"]
        return (
            f"{count(len(value), 'value')} of {self.what}, in units of their SD, in order against normal quantiles: the "
            f"lowest is {number(value.iloc[0])} where a normal sample would have about "
            f"{number(self.table['normal'].iloc[0])}, the highest {number(value.iloc[-1])} against "
            f"{number(self.table['normal'].iloc[-1])}; {self.outside} lie outside the 95% band of their rank."
        )

    def paint(self, ax: Axes) -> None:
        table = self.table
        ax.fill_between(table["normal"], table["lower"], table["upper"], color=tint(RULE, 0.4), lw=0)
        ends = table["normal"].iloc[[0, -1]]
        ax.plot(ends, ends, color=colour("population"), lw=1.4)
        ax.plot(
            table["normal"],
            table["value"],
            ls="",
            marker=MARKERS["data"],
            color=colour("data"),
            markersize=4,
            markeredgewidth=0,
            alpha=0.8,
        )
        ax.set(xlabel="normal quantile", ylabel=f"{self.what}, in SDs")


@on_axes
def qq(fit: Fit, group: str | None = None, term: str | None = None) -> Quantiles:
    """Residuals, or group effects, against the quantiles of the normal distribution that the model gives them.

    Parameters
    ----------
    fit
        Any fit.
    group, term
        A grouping factor and a varying coefficient, for its group effects; by default the residuals.
    """
    if group is None and term is None:
        return Quantiles(_against_normal(fit.resid("scaled").to_numpy()), "residuals")
    group = only_group(fit, group)
    effects = fit.ranef[group]
    term = effects.columns[0] if term is None else term
    if term not in effects:
        raise DataError(f"{term!r} does not vary across {group}; these do: {', '.join(effects.columns)}.")
    values = effects[term].to_numpy()
    return Quantiles(
        _against_normal(values / values.std(ddof=1)), f"offsets of the {term_label(term)} by {group}"
    )


def _against_normal(values: np.ndarray) -> pd.DataFrame:
    """Ordered values in units of their SD, with the median and the middle 95% of each normal order statistic (Beta ranks)."""
    n = len(values)
    ranks = np.arange(1, n + 1)
    limits = {
        name: norm.ppf(beta.ppf(p, ranks, n + 1 - ranks))
        for name, p in (("normal", 0.5), ("lower", 0.025), ("upper", 0.975))
    }
    return pd.DataFrame({"value": np.sort(values) / values.std(ddof=1)} | limits)
