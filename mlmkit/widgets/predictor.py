"""What does a group-level predictor buy? The spread of groups around their mean, and around a line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from matplotlib.collections import LineCollection
from scipy.stats import chi2

from ..datasets import load_data
from ..models import lmer
from ..style import INK, MUTED, colour, tint
from ..words import number
from .controls import press, slider, tick, whole
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import every
from .paint import key_above, points, stepped

MOST_GROUPS = 200
#: How far out a group is put, in SDs of all; and how far members' own values reach around z.
FAR, SPREAD_WITHIN = 3.0, 0.5


@dataclass(frozen=True, eq=False)
class Bought:
    """One sample of J groups of n, fitted by REML without a group-level predictor and with it.

    Attributes
    ----------
    z
        (J,) the predictor, one value for each group, of mean 0 and SD 1.
    means
        (J,) the groups' observed means, around 0.
    n
        Members of each group.
    within
        The mean square within groups: the estimate of σ², with the predictor and without it.
    far_out
        Position of the group that was put far off the line; None where there is none.
    reversed_by
        The slope within groups over the members' own values, where it runs against the one between them; 0
        where members have no values of their own.
    """

    z: np.ndarray
    means: np.ndarray
    n: int
    within: float
    far_out: int | None = None
    reversed_by: float = 0.0

    @property
    def slope(self) -> float:
        """b̂₁; z is of mean 0, and groups of one size weigh the same."""
        return float(self.z @ self.means / (self.z @ self.z))

    @property
    def residuals(self) -> np.ndarray:
        """(J,) the groups' means as deviations from the line."""
        return self.means - self.means.mean() - self.slope * self.z

    @property
    def tau_before(self) -> float:
        """τ̂ of the model without the predictor."""
        return self._tau(self.means.var(ddof=1))

    @property
    def tau_after(self) -> float:
        """τ̂ of the model with it: what is left around the line."""
        return self._tau(self._around_line)

    @property
    def r_squared(self) -> float:
        """The share of τ̂² that went to the predictor; it may be negative: each τ̂² allows for its b̂."""
        return 1 - self.tau_after**2 / self.tau_before**2 if self.tau_before > 0 else np.nan

    @property
    def se(self) -> float:
        """Standard error of b̂₁."""
        return float(np.sqrt(max(self._around_line, self.within / self.n) / (self.z @ self.z)))

    @property
    def se_floor(self) -> float:
        """What would be left of it with infinitely many members in each of these groups."""
        return self.tau_after / float(np.sqrt(self.z @ self.z))

    @property
    def over_rows(self) -> float:
        """The slope of a regression over all rows that does not know of groups: between and within, mixed."""
        between = self.z @ self.z * self.n
        within = SPREAD_WITHIN**2 * len(self.z) * (self.n - 1)
        return (self.slope * between + self.reversed_by * within) / (between + within)

    def without(self, group: int) -> Bought:
        """The same sample with a group left out."""
        z, means = np.delete(self.z, group), np.delete(self.means, group)
        return replace(self, z=z - z.mean(), means=means - means.mean(), far_out=None)

    @property
    def _around_line(self) -> float:
        return float(self.residuals @ self.residuals / (len(self.z) - 2))

    def _tau(self, of_means: float) -> float:
        """REML in groups of one size: what the means vary beyond their noise.

        References
        ----------
        Searle, Casella & McCulloch (1992). Variance Components, section 3.8.
        """
        return float(np.sqrt(max(0.0, of_means - self.within / self.n)))


def compute(
    b1: float = 2.0,
    tau: float = 1.5,
    sigma: float = 6.0,
    J: int = 60,
    n: int = 20,
    sample: int = 0,
    far_out: bool = False,
    reversal: bool = False,
) -> Bought:
    """The same draws whatever the sliders say, so that only what a slider changes is seen to change.

    Parameters
    ----------
    far_out
        Put the group with the largest z as far below the others as the line would put it above them.
    reversal
        Let members have values of their own around their group's z, and the line within groups fall as much
        as the one between groups rises.
    """
    z, u, e, level = _draws(sample)
    z = (z[:J] - z[:J].mean()) / z[:J].std()
    means = b1 * z + tau * u[:J] + sigma / np.sqrt(n) * e[:J]
    within = sigma**2 * chi2.ppf(level, J * (n - 1)) / (J * (n - 1))
    out = int(np.argmax(z)) if far_out else None
    if out is not None:
        means[out] = means.mean() - FAR * np.hypot(b1, tau) - 1
    return Bought(z, means - means.mean(), n, float(within), out, -b1 if reversal else 0.0)


@lru_cache(maxsize=8)
def _draws(sample: int):
    rng = np.random.default_rng(160 + sample)
    return *rng.standard_normal((3, MOST_GROUPS)), rng.uniform()


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """Groups against their predictor on the left, the variance between groups on the right."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1.5, 1), left=0.095, right=0.985, bottom=0.15, top=0.86, wspace=0.25
    )
    groups, bars = (figure.add_subplot(cell) for cell in grid)
    groups.locator_params(nbins=7, integer=True)
    bars.locator_params(axis="x", nbins=6)
    return groups, bars


def draw(axes, it: Bought) -> None:
    """Paint the groups around their line, and what is left of their variance."""
    _draw_groups(axes[0], it)
    _draw_bars(axes[1], it)


def _draw_groups(ax, it: Bought) -> None:
    ends = np.array([-3.2, 3.2])
    line = it.slope * ends
    band = {"color": colour("population"), "alpha": 0.16, "lw": 0}
    ax.fill_between(ends, line - it.tau_after, line + it.tau_after, **band)
    ax.plot(ends, line, color=colour("population"), label="line ± τ")
    ax.plot(it.z, it.means, **points("group", 4.5), label="group means")
    if it.far_out is not None:
        ax.plot(it.z[it.far_out], it.means[it.far_out], marker="o", ms=13, mfc="none", color=INK, mew=1.4)
    if it.reversed_by:
        _draw_reversal(ax, it, ends)
    bar = {"marker": "_", "ms": 12, "mew": 2, "lw": 2, "color": colour("flat")}
    ax.plot([3.45, 3.45], [-it.tau_before, it.tau_before], **bar, label="± τ without $z$")
    reach = stepped(max(1.05 * np.max(np.abs(it.means)), 2.2 * abs(it.slope)))
    ax.set(xlim=(-3.2, 3.7), ylim=(-reach, reach))
    ax.set(xlabel="group-level predictor $z_j$, in SDs", ylabel="group mean, as deviation")
    key_above(ax, 3)


def _draw_reversal(ax, it: Bought, ends: np.ndarray) -> None:
    """Each group's own line, and the one that rows show to who does not know of groups."""
    reach = np.array([-SPREAD_WITHIN, SPREAD_WITHIN])
    ways = [np.c_[z + reach, mean + it.reversed_by * reach] for z, mean in zip(it.z, it.means, strict=True)]
    ax.add_collection(LineCollection(ways, color=colour("group"), lw=1, alpha=0.6, zorder=1))
    ax.plot(ends, it.over_rows * ends, color=INK, ls=":", lw=2, label="all rows")


def _draw_bars(ax, it: Bought) -> None:
    before, after = it.tau_before**2, it.tau_after**2
    ax.barh([1], [before], height=0.5, color=tint(colour("flat"), 0.35))
    ax.barh([0], [after], height=0.5, color=colour("population"))
    brick = colour("population")
    taken = {"facecolor": tint(brick, 0.8), "edgecolor": brick, "hatch": "//", "lw": 0}
    ax.barh([0], [max(before - after, 0)], left=[after], height=0.5, **taken)
    beside = {"xytext": (4, 0), "textcoords": "offset points"}
    for y, tau in ((1, it.tau_before), (0, it.tau_after)):
        ax.annotate(rf"$\hat\tau$ = {number(tau)}", (0, y + 0.28), **beside, va="bottom", color=INK)
    ax.annotate("hatched: taken by $z$", (0, -0.3), **beside, va="top", color=MUTED)
    ax.set(xlim=(0, stepped(max(before, after))), ylim=(-0.7, 1.75), xlabel=r"$\hat\tau^2$ between groups")
    ax.set_yticks([0, 1], ["with $z$", "without"])
    ax.set_title(f"level-2 $R^2$: {_share(it.r_squared)}")


def _share(share: float) -> str:
    if np.isnan(share):
        return "none"
    small = -0.005 < share < 0  # no "−0.00"
    return number(share, 1) if small else f"{share:.2f}".replace("-", "−")


def describe(it: Bought) -> str:
    """What the predictor bought, in words."""
    return " ".join(filter(None, [_bought(it), _far_out(it), _reversal(it)]))


def _bought(it: Bought) -> str:
    if it.tau_before == 0:
        return (
            f"These {len(it.z)} groups differ no more than their members' scatter explains: τ is estimated "
            "as 0, and there is nothing for a predictor to take."
        )
    text = (
        f"Without the predictor the groups' SD is estimated as τ = {number(it.tau_before)}, around the line "
        f"as {number(it.tau_after)}: {_taken(it.r_squared)} Within groups nothing changes, "
        f"σ = {number(np.sqrt(it.within))}. The slope is {number(it.slope)} (SE {number(it.se, 2)})"
    )
    floor = (
        f"; with ever more members in the same {len(it.z)} groups its SE would only fall to "
        f"{number(it.se_floor, 2)}"
        if it.tau_after > 0
        else ""
    )
    return f"{text}{floor}."


def _far_out(it: Bought) -> str:
    if it.far_out is None:
        return ""
    others = it.without(it.far_out)
    return (
        f"Without the ringed group the slope would be {number(others.slope)} and τ around the line "
        f"{number(others.tau_after)}."
    )


def _reversal(it: Bought) -> str:
    if not it.reversed_by:
        return ""
    return (
        f"Within each group the line runs the other way, {number(it.reversed_by)}; all rows in one regression "
        f"would give {number(it.over_rows)}, which is true of neither (Simpson's paradox)."
    )


def _taken(share: float) -> str:
    if share < 0:
        return "the predictor took nothing, and the level-2 R² is below 0, which a share cannot be."
    return f"the predictor took {share:.0%} of the variance between groups (the level-2 R²)."


# ---- controls ----------------------------------------------------------------------------------------------


def _controls() -> dict:
    return {
        "b1": slider("slope b₁", 2.0, 0, 5, tip="How far group means move for one SD of the predictor"),
        "tau": slider("τ left over", 1.5, 0, 5, tip="SD of the groups around the line"),
        "sigma": slider("σ within groups", 6.0, 0.1, 10, 0.1),
        "J": whole("groups J", 60, 4, MOST_GROUPS),
        "n": whole("members n", 20, 2, 200),
        "sample": press("new sample", "Draw other standardised numbers"),
        "far_out": tick("one group far out", tip="Put the group with the largest z far below the line"),
        "reversal": tick("reversed within groups", tip="Let the line within groups fall as the other rises"),
    }


@cache
def presets() -> dict[str, Preset]:
    """Properties of schools and their pupils' mathematics, each from its fit."""
    notes = {
        "pracad": "Schools by their share of pupils on the academic track.",
        "meanses": "Schools by the mean socio-economic status of their pupils.",
        "himinty": "Schools by whether many of their pupils belong to a minority, drawn as if normal.",
        "size": "Schools by their number of pupils.",
    }
    return {name: Preset(_of_schools(name), note) for name, note in notes.items()}


def _of_schools(name: str) -> dict:
    schools = load_data("mathachieve_school")
    data = load_data("mathachieve").merge(schools, on="school")
    fit = lmer(f"mathach ~ {name} + (1|school)", data)
    moves = abs(fit.fixef[name]) * schools[name].std()
    tau, sigma = fit.varcorr.sdcor
    return {
        "b1": round(float(moves), 2),
        "tau": round(float(tau), 2),
        "sigma": round(float(sigma), 1),
        "J": len(schools),
        "n": round(len(data) / len(schools)),
        "sample": 0,
        "far_out": False,
        "reversal": False,
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {
        "b1": every(0, 4, 1),
        "tau": every(0, 4, 0.5),
        "sample": range(3),
        "far_out": [False, True],
        "reversal": [False, True],
    }


EXPLORATION = Exploration(
    title="What does a group-level predictor buy?",
    shows=(
        "Left: each group's mean against the groups' predictor, with the fitted line and a band of one τ "
        "around it; at the right edge the τ of the model without the predictor. Right: the variance between "
        "groups without the predictor and with it."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    film_to_try=(
        "Raise b₁ from 0: which τ grows, which one stays? At 0, press “new sample”: can R² be negative?",
        "Raise the τ that is left over. What becomes of the slope's SE, and of the level-2 R²?",
        "Put one group far out, then turn the lines round within groups: which numbers move, and which do not?",
    ),
    to_try=(
        "Raise b₁ from 0: which τ grows, which one stays? At 0, press “new sample”: can R² be negative?",
        "Take ten times the members, then instead three times the groups. Which makes the slope's SE smaller?",
        "Put one group far out, then turn the lines round within groups: which numbers move, and which do not?",
    ),
)


def explore_predictor(preset: str | None = None, **values) -> Explorer:
    """Give groups a property that moves their means, and see what it leaves of the variance between them.

    Parameters
    ----------
    preset
        A property of the schools in `mathachieve`: `"pracad"`, `"meanses"`, `"himinty"` or `"size"`.
    values
        Start values: `b1`, `tau`, `sigma`, `J`, `n`, `far_out`, `reversal`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_predictor() -> Stills:
    """The exploration of group-level predictors on paper: four settings side by side."""
    return stills(
        EXPLORATION,
        {
            "tells much: b₁ = 2.5, τ = 1": {"b1": 2.5, "tau": 1.0},
            "tells half: b₁ = 2, τ = 2": {"b1": 2.0, "tau": 2.0},
            "tells nothing: b₁ = 0, τ = 2": {"b1": 0.0, "tau": 2.0},
            "tells half, in ten groups": {"b1": 2.0, "tau": 2.0, "J": 10},
        },
    )
