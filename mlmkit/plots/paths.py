"""What happens when τ is not where the data put it: the criterion, and the group estimates, along τ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..engine import lmm_criterion
from ..errors import DataError
from ..pictures import Picture
from ..results import MixedFit
from ..style import MARKERS, colour
from ..words import count, number
from .canvas import on_axes, term_label, term_unit
from .pooling import only_group


@dataclass(frozen=True, eq=False)
class PoolingPath(Picture):
    """Each group's coefficient as the SDs across groups go from nothing to very large.

    Attributes
    ----------
    paths
        Rows: the SDs as a multiple of their estimates; columns: groups.
    population
        b at each multiple.
    """

    paths: pd.DataFrame
    population: pd.Series
    group: str
    term: str
    unit: str = ""
    size = "page"

    @property
    def alt_text(self) -> str:
        first, last, here = (self.paths.iloc[k] for k in (0, -1, np.abs(np.log(self.paths.index)).argmin()))
        return (
            f"The {term_label(self.term)} of {count(self.paths.shape[1], 'group')} of {self.group} against the SDs "
            f"across groups, as a multiple of their estimates: with SDs near 0 all lie between {number(first.min())} and "
            f"{number(first.max())} (complete pooling), at the estimate between {number(here.min())} and "
            f"{number(here.max())}, with very large SDs between {number(last.min())} and {number(last.max())} (no pooling)."
        )

    def paint(self, ax: Axes) -> None:
        n = self.paths.shape[1]
        ax.plot(self.paths.index, self.paths, color=colour("group"), lw=1.2 if n < 40 else 0.6, alpha=0.8)
        ax.plot(self.population.index, self.population, color=colour("population"), ls="--", lw=2)
        ax.axvline(1, color=colour("population"), ls=":", lw=1.4)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ends = ax.secondary_xaxis("top")
        ends.set_xticks([self.paths.index[0], 1, self.paths.index[-1]])
        ends.set_xticklabels(["complete pooling", "estimate", "no pooling"])
        ends.tick_params(length=0)
        ends.minorticks_off()
        ends.spines["top"].set_visible(False)
        ends.get_xticklabels()[0].set_horizontalalignment("left")
        ends.get_xticklabels()[2].set_horizontalalignment("right")
        ylabel = term_label(self.term, unit=self.unit)
        ax.set(xlabel="SD across groups, as a multiple of its estimate", ylabel=ylabel)


@on_axes
def pooling_path(fit: MixedFit, group: str | None = None, term: str | None = None) -> PoolingPath:
    """From complete pooling to none: each group's coefficient as the SDs across groups are scaled up.

    Parameters
    ----------
    fit
        A linear mixed model; all its SDs across groups are multiplied by the same number, their correlations
        and everything else as estimated or solved anew.
    group, term
        The grouping factor and the coefficient; by default the first that varies.

    Raises
    ------
    DataError
        If the model is not a linear mixed model, or the term does not vary.
    """
    group = only_group(_linear(fit), group)
    term = fit.ranef[group].columns[0] if term is None else term
    criterion = lmm_criterion(fit.design, fit.reml)
    k, column, block = _where(fit, group, term)
    position = fit.design.fixed_names.index(term) if term in fit.design.fixed_names else None
    multiples, paths, population = np.geomspace(0.01, 100, 81), [], []
    for multiple in multiples:
        at = criterion.solve(multiple * fit.theta)
        population.append(0.0 if position is None else at.beta[position])
        paths.append(population[-1] + at.modes[k][:, column])
    return PoolingPath(
        pd.DataFrame(np.array(paths), multiples, block.levels),
        pd.Series(population, multiples),
        group,
        term,
        term_unit(fit, term),
    )


@dataclass(frozen=True, eq=False)
class CriterionCurve(Picture):
    """The criterion against one relative SD, τ/σ.

    Attributes
    ----------
    curves
        Rows: τ/σ; columns: "REML" and "ML", each measured from its own minimum.
    """

    curves: pd.DataFrame
    group: str
    term: str
    others: bool
    size = "page"

    @cached_property
    def minima(self) -> pd.Series:
        """Where each curve is lowest on the grid."""
        return self.curves.idxmin()

    @property
    def alt_text(self) -> str:
        lowest = " and ".join(f"{name} at {number(at)}" for name, at in self.minima.items())
        end = 0 if (self.minima > 0).all() else -1
        where = "0" if end == 0 else number(self.curves.index[-1])
        rises = " and ".join(f"{number(self.curves[name].iloc[end])} ({name})" for name in self.curves)
        return (
            f"Two curves of the criterion, above its minimum, against the SD of the {term_label(self.term)} across "
            f"{self.group} in units of σ: lowest for {lowest}; at an SD of {where} they stand {rises} higher."
        )

    def paint(self, ax: Axes) -> None:
        styles = {"REML": (colour("population"), "-", 9), "ML": (colour("flat"), "--", 6)}
        for name, curve in self.curves.items():
            shade, ls, size = styles[name]
            boundary = "" if self.minima[name] > 0 else ", the boundary"
            label = f"{name}: lowest at {number(self.minima[name])}{boundary}"
            ax.plot(curve.index, curve, color=shade, ls=ls, label=label)
            ax.plot(
                self.minima[name],
                0,
                marker=MARKERS["population"],
                color=shade,
                markersize=size,
                markeredgewidth=0,
                clip_on=False,
                zorder=4,
            )
        others = ", the rest of θ as estimated" if self.others else ""
        ax.set(
            xlabel=rf"$\tau/\sigma$ of the {term_label(self.term)}{others}", ylabel="criterion − its minimum"
        )
        ax.set_ylim(0, min(float(self.curves.max().max()), 30.0))
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        ax.grid(True)


@on_axes
def criterion_curve(fit: MixedFit, group: str | None = None, term: str | None = None) -> CriterionCurve:
    """The REML criterion and −2 log likelihood against one SD across groups, relative to σ.

    b and σ are at their best for each value. Where θ has more than one number, the others stay as estimated, and
    so do the coefficient's correlations: a slice of the criterion, not a profile.

    Parameters
    ----------
    fit
        A linear mixed model.
    group, term
        The grouping factor and the coefficient; by default the first that varies.
    """
    group = only_group(_linear(fit), group)
    term = fit.ranef[group].columns[0] if term is None else term
    k, column, _ = _where(fit, group, term)
    estimate = float(np.linalg.norm(fit.relative_factors[k][column]))
    rows = _theta_rows(fit, k, column)
    direction = fit.theta[rows] / estimate if estimate > 1e-8 else np.eye(len(rows))[-1]
    along = {
        name: _along(lmm_criterion(fit.design, reml), fit.theta, rows, direction)
        for name, reml in (("REML", True), ("ML", False))
    }
    grid = np.linspace(0, _far_enough(along["REML"], estimate), 251)
    values = {name: np.array([criterion(one) for one in grid]) for name, criterion in along.items()}
    curves = {name: one - one.min() for name, one in values.items()}
    return CriterionCurve(pd.DataFrame(curves, grid), group, term, len(fit.theta) > 1)


def _along(criterion, theta: np.ndarray, rows: np.ndarray, direction: np.ndarray):
    """The criterion as a function of one relative SD."""
    return lambda one: criterion(_replaced(theta, rows, one * direction))


def _far_enough(criterion, estimate: float) -> float:
    """How far to draw: two and a half estimates, or to where the criterion has risen by 5 to 15 beyond it."""
    end, lowest = max(2.5 * estimate, 0.1), criterion(estimate)
    if 2.5 * estimate > 0.5:
        return end
    for _ in range(40):
        rise = criterion(end) - lowest
        if rise < 5:
            end *= 1.25
        elif rise > 15 and end > 2 * estimate:
            end /= 1.2
        else:
            break
    return end


def _linear(fit: MixedFit) -> MixedFit:
    if not fit.family.is_linear:
        raise DataError(
            f"{fit.formula!r} has a {fit.family} response: this plot is of linear mixed models, lmer()."
        )
    return fit


def _where(fit: MixedFit, group: str, term: str):
    """Which block of the design holds a varying coefficient, its column there, and the block."""
    for k, block in enumerate(fit.design.blocks):
        if block.group == group and term in block.names:
            return k, block.names.index(term), block
    raise DataError(
        f"{term!r} does not vary across {group}; these do: {', '.join(fit.ranef[group].columns)}."
    )


def _theta_rows(fit: MixedFit, k: int, column: int) -> np.ndarray:
    """Where in θ the row of Λ lies that makes up a coefficient's SD (θ runs down the columns of each Λ)."""
    sizes = [len(block.names) for block in fit.design.blocks]
    start = sum(s * (s + 1) // 2 for s in sizes[:k])
    place = {
        (int(row), int(col)): start + n
        for n, (col, row) in enumerate(zip(*np.triu_indices(sizes[k]), strict=True))
    }
    return np.array([place[column, col] for col in range(column + 1)])


def _replaced(theta: np.ndarray, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    theta = theta.copy()
    theta[rows] = values
    return theta
