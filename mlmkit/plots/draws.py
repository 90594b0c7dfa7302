"""Draws of a posterior, parameter by parameter: where they lie, and whether the chains agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde

from ..errors import DataError, did_you_mean
from ..pictures import Panels
from ..results import Fit
from ..style import INK, RULE, colour, tint
from ..words import count, number
from .canvas import on_figure, term_label, term_unit, with_unit

if TYPE_CHECKING:
    from ..bayes import Posterior
    from ..bayes.record import Parameter

GRID = 200
#: One look for each chain, then again from the first.
CHAINS = (("group", "-"), ("group2", "--"), ("group3", ":"), ("flat", "-."))


@dataclass(frozen=True, eq=False)
class Draws(Panels):
    """Draws of some parameters.

    Attributes
    ----------
    draws
        Columns are parameters (brms's names); the index is (chain, draw).
    table
        Parameters × estimate, lower, upper, rhat.
    reference
        Values to mark, such as the estimates of `lmer`; may be empty.
    labels
        What the picture calls each parameter, with its unit where that is known.
    """

    draws: pd.DataFrame
    table: pd.DataFrame
    reference: pd.Series
    labels: dict[str, str]

    @property
    def size(self) -> str:
        return "page" if len(self.table) <= 2 else "tall" if len(self.table) <= 4 else "panels"

    @property
    def alt_text(self) -> str:
        chains = self.draws.index.get_level_values(0).nunique()
        parts = [
            f"{name}: mean {number(row['estimate'])}, 95% between {number(row['lower'])} and {number(row['upper'])}, "
            f"Rhat {row['rhat']:.2f}"
            for name, row in self.table.iterrows()
        ]
        return (
            f"For each of {count(len(parts), 'parameter')} the density of its draws in {count(chains, 'chain')} and, beside "
            f"it, the draws in order. {'; '.join(parts)}."
        )

    def paint(self, figure: Figure) -> None:
        axes = figure.subplots(len(self.table), 2, squeeze=False, width_ratios=(2, 3))
        for (left, right), name in zip(axes, self.table.index, strict=True):
            self._density(left, name)
            self._trace(right, name)
            right.label_outer()
        axes[-1, 1].set_xlabel("draw")

    def _density(self, ax: Axes, name: str) -> None:
        row, values = self.table.loc[name], self.draws[name]
        grid = np.linspace(values.min(), values.max(), GRID)
        ax.axvspan(row["lower"], row["upper"], color=tint(RULE, 0.5), lw=0)
        for k, (_, chain) in enumerate(values.groupby(level=0)):
            role, ls = CHAINS[k % len(CHAINS)]
            ax.plot(grid, gaussian_kde(chain)(grid), color=colour(role), ls=ls, lw=1.4)
        if name in self.reference:
            ax.axvline(self.reference[name], color=colour("population"), lw=1.4)
        ax.set(yticks=[], ylim=(0, None))
        ax.set_title(self.labels[name], fontsize="small")
        ax.tick_params(labelsize="small")

    def _trace(self, ax: Axes, name: str) -> None:
        for k, (_, chain) in enumerate(self.draws[name].groupby(level=0)):
            ax.plot(chain.to_numpy(), color=colour(CHAINS[k % len(CHAINS)][0]), lw=0.5, alpha=0.8)
        ax.set_title(f"Rhat {self.table.loc[name, 'rhat']:.2f}", fontsize="small", color=INK, loc="right")
        ax.tick_params(labelsize="small")
        ax.margins(x=0.01)


@on_figure
def draws(
    posterior: Posterior, parameters: Sequence[str] | None = None, reference: Fit | None = None
) -> Draws:
    """For each parameter the density of its draws, one line for each chain, and the draws in order.

    Parameters
    ----------
    posterior
        From `brm`.
    parameters
        Columns of `posterior.draws`, such as `"sd_Subject__Days"`; by default all.
    reference
        A fit by `lmer` or `glmer` of the same model, whose estimates are marked in red.

    Raises
    ------
    DataError
        If the posterior has no such parameter.
    """
    known = list(posterior.draws.columns)
    for name in parameters or ():
        if name not in known:
            raise DataError(f"The posterior has no parameter {name!r}.{did_you_mean(name, known)}")
    chosen = list(parameters or known)
    table = posterior.table.set_axis(known).loc[chosen, ["estimate", "lower", "upper", "rhat"]]
    marked = pd.Series(dtype=float) if reference is None else _estimates(reference)
    named = zip(known, posterior.parameters, strict=True)
    labels = {name: _label(posterior, parameter) for name, parameter in named}
    return Draws(posterior.draws[chosen], table, marked, labels)


def _label(posterior: Posterior, parameter: Parameter) -> str:
    """What a parameter is, in words: "SD of the slope of Days (ms per day)"; of several groups, across which."""
    group, term = parameter.group, parameter.term
    if not group:
        is_coefficient = term in posterior.fixef
        return term_label(term, unit=term_unit(posterior, term)) if is_coefficient else term
    kind, _, inner = term.removesuffix(")").partition("(")
    across = f" across {group}" if len(posterior.ngroups) > 1 else ""
    if kind == "sd":
        return with_unit(f"SD of the {term_label(inner)}{across}", term_unit(posterior, inner))
    return f"correlation of {inner.replace(',', ', ')}{across}"


def _estimates(fit: Fit) -> pd.Series:
    """A fit's estimates under brms's names."""
    found = {f"b_{name}": value for name, value in fit.fixef.items()}
    for row in getattr(fit, "varcorr", pd.DataFrame()).itertuples():
        if row.group == "Residual":
            found["sigma"] = row.sdcor
        elif row.term2 is None:
            found[f"sd_{row.group}__{row.term1}"] = row.sdcor
        else:
            found[f"cor_{row.group}__{row.term1}__{row.term2}"] = row.sdcor
    return pd.Series(found)
