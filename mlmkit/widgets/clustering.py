"""What goes wrong when rows are taken for independent: false alarms by rows and by groups, where nothing works."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, stdtr

from ..style import INK, RULE, colour, tint
from ..words import number
from .controls import press, slider, whole
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import every
from .paint import key_above

STUDIES, MOST_GROUPS = 2000, 60
BINS = 20


@dataclass(frozen=True, eq=False)
class Clustering:
    """Studies of a treatment that does nothing, given to half of the groups.

    Attributes
    ----------
    p_rows, p_groups
        (STUDIES,) the p values of a t test of all rows, and of the groups' means.
    icc, J, n
        The share of the variance that lies between groups; how many groups; rows in each.
    """

    p_rows: np.ndarray
    p_groups: np.ndarray
    icc: float
    J: int
    n: int

    @property
    def design_effect(self) -> float:
        """1 + (n − 1) ICC: by how much the variance of an arm's mean exceeds that of independent rows."""
        return 1 + (self.n - 1) * self.icc

    @property
    def alarms(self) -> tuple[float, float]:
        """The share of studies with p < 0.05, by rows and by groups."""
        return float(np.mean(self.p_rows < 0.05)), float(np.mean(self.p_groups < 0.05))

    @property
    def expected(self) -> float:
        """What theory says of the rows: 2Φ(−1.96/√DE)."""
        return float(false_alarms(self.icc, self.n))


def false_alarms(icc, n):
    """How often a test of rows at 5% cries wolf, where there are many groups: 2Φ(−1.96/√(1 + (n − 1) ICC))."""
    return 2 * ndtr(-1.959964 / np.sqrt(1 + (np.asarray(n) - 1) * np.asarray(icc)))


def compute(icc: float = 0.1, n: int = 20, J: int = 20, sample: int = 0) -> Clustering:
    """STUDIES studies of J groups of n rows, two arms of J/2 groups each, no effect.

    Only the groups' means and the sum of squares within groups matter to both tests, and these have known
    distributions: N(0, ICC + (1 − ICC)/n) and (1 − ICC) χ² with J(n − 1) degrees of freedom.
    """
    J -= J % 2
    z, u = _draws(sample)
    means = np.sqrt(icc + (1 - icc) / n) * z[:, :J]
    arms = means.reshape(STUDIES, 2, J // 2)
    difference = arms[:, 0].mean(axis=1) - arms[:, 1].mean(axis=1)
    between = arms.var(axis=2, ddof=1).mean(axis=1)  # the arms' pooled variance of group means, J − 2 df
    t_groups = difference / np.sqrt(between * 4 / J)
    within = (1 - icc) * _chi2(u, J * (n - 1))
    df = J * n - 2
    t_rows = difference / np.sqrt((n * (J - 2) * between + within) / df * 4 / (J * n))
    return Clustering(2 * stdtr(df, -np.abs(t_rows)), 2 * stdtr(J - 2, -np.abs(t_groups)), icc, J, n)


def _chi2(z: np.ndarray, df: int) -> np.ndarray:
    """χ² values of standard normal ones (Wilson and Hilferty's cube root, good to a per mille from 20 df on)."""
    return df * np.maximum(1 - 2 / (9 * df) + z * np.sqrt(2 / (9 * df)), 0) ** 3


@cache
def _draws(sample: int):
    rng = np.random.default_rng(11 + sample)
    return rng.standard_normal((STUDIES, MOST_GROUPS)), rng.standard_normal(STUDIES)


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """The p values of rows, those of groups, and the false alarms over n."""
    grid = figure.add_gridspec(1, 3, left=0.09, right=0.97, bottom=0.16, top=0.86, wspace=0.48)
    rows, groups, curve = (figure.add_subplot(cell) for cell in grid)
    return rows, groups, curve


def draw(axes, it: Clustering) -> None:
    """Paint both histograms of p values and the curve of false alarms."""
    top = 0.0
    for ax, p, role in ((axes[0], it.p_rows, "flat"), (axes[1], it.p_groups, "multilevel")):
        counts, edges = np.histogram(p, BINS, (0, 1))
        top = max(top, counts.max())
        bars = ax.bar(edges[:-1], counts, 1 / BINS, align="edge", color=tint(colour(role), 0.5))
        bars[0].set_color(colour("population"))
        ax.axhline(STUDIES / BINS, color=INK, lw=1, ls="--")
    for ax, share, what in zip(axes, it.alarms, ("rows", "means"), strict=False):
        ax.set(xlim=(0, 1), ylim=(0, 200 * np.ceil(1.05 * top / 200)), xlabel="p value")
        ax.set_title(f"{what}: {share:.1%} < .05", fontsize="medium")
    axes[0].set_ylabel(f"of {STUDIES} studies")
    _draw_curve(axes[2], it)


def _draw_curve(ax, it: Clustering) -> None:
    n = np.arange(2, 101)
    ax.axhline(0.05, color=RULE, lw=1)
    for icc, ls in ((0.01, ":"), (0.05, "-."), (0.2, "--")):
        ax.plot(n, false_alarms(icc, n), color=colour("flat"), ls=ls, lw=1.2, label=f"ICC {icc:g}")
    ax.plot(n, false_alarms(it.icc, n), color=colour("population"), lw=2.2, label="this ICC")
    ax.plot([it.n], [it.alarms[0]], marker="o", ms=7, color=colour("population"), clip_on=False)
    ax.set(xlim=(0, 100), ylim=(0, 1), xlabel="rows per group $n$", ylabel="false alarms, rows")
    key_above(ax, 2, to_the="right")


def describe(it: Clustering) -> str:
    """How often each test cries wolf, and why."""
    rows, groups = it.alarms
    return (
        f"The treatment does nothing. Of {STUDIES} studies with {it.J} groups of {it.n}, a t test of the rows calls it "
        f"significant in {rows:.1%}, one of the groups' means in {groups:.1%}. Rows of one group are alike (ICC "
        f"{number(it.icc, 2)}), so {it.J * it.n} rows say as much as {it.J * it.n / it.design_effect:.0f} independent ones: "
        f"the design effect is {number(it.design_effect)}."
    )


# ---- controls ----------------------------------------------------------------------------------------------


def _controls() -> dict:
    return {
        "icc": slider("ICC", 0.1, 0, 0.8, 0.01, "The share of the variance that lies between groups"),
        "n": whole("rows per group n", 20, 2, 100),
        "J": whole("groups J", 20, 4, MOST_GROUPS, "An even number: half of them are treated", step=2),
        "sample": press("new studies", "Draw other studies"),
    }


@cache
def presets() -> dict[str, Preset]:
    """The course's data sets as designs, and a small ICC that does harm."""
    return {
        "rats": Preset({"icc": 0.05, "n": 24, "J": 60}, "Batches of rats: their chances differ a little."),
        "sleep": Preset({"icc": 0.58, "n": 10, "J": 18}, "Nine people against nine, ten days each."),
        "small ICC": Preset({"icc": 0.01, "n": 100, "J": 20}, "An ICC of .01, which books call negligible."),
        "independent": Preset({"icc": 0.0, "n": 20, "J": 20}, "Nothing is shared within a group."),
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {"icc": [0.0, 0.01, 0.05, *every(0.1, 0.6, 0.1)], "n": [2, 5, 10, 20, 50, 100], "J": [8, 20, 60]}


EXPLORATION = Exploration(
    title="When rows are not independent",
    shows=(
        "Left and middle: the p values of 2000 studies of a treatment that does nothing, by a t test of all rows and by "
        "one of the groups' means. Right: how often the test of rows is significant, over the rows per group."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    to_try=(
        "Put the ICC on .01 and raise n. How many rows per group make one study in six a false alarm?",
        "Which helps the test of rows: more groups, or fewer rows in each?",
        "Find a setting where both tests are right. What is the design effect there?",
    ),
)


def explore_clustering(preset: str | None = None, **values) -> Explorer:
    """See how often a treatment that does nothing is called significant, by rows and by groups.

    Parameters
    ----------
    preset
        `"rats"`, `"sleep"`, `"small ICC"` or `"independent"`.
    values
        Start values: `icc`, `n`, `J`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_clustering() -> Stills:
    """The exploration of false alarms on paper: four designs."""
    return stills(EXPLORATION, {name: presets()[name].values for name in presets()})
