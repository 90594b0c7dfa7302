"""Shrinkage in two dimensions: intercepts and slopes drawn into N(b, Σ), each in Σ's own units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Polygon

from ..datasets import load_data
from ..engine.linear.criterion import LmmCriterion, lmm_criterion
from ..fits import MixedFit
from ..models import lmer
from ..style import LINES, MARKERS, PAPER, colour, tint
from ..words import listed, number
from .controls import choice, slider
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import every
from .paint import cloud, key, key_above, points

FORMULA = "Reaction ~ Days + (Days|Subject)"
#: Shares of the subjects that the two contours hold.
SHARES = (0.95, 0.5)


@dataclass(frozen=True, eq=False)
class Sleep:
    """The sleep study, its fit, and each subject's own least squares line."""

    fit: MixedFit
    criterion: LmmCriterion
    subjects: tuple[str, ...]
    flat: np.ndarray
    days: np.ndarray
    reaction: np.ndarray


@dataclass(frozen=True, eq=False)
class Plane:
    """Flat and multilevel estimates at a given Σ and σ.

    Attributes
    ----------
    covariance
        Σ (2, 2) of intercept and slope.
    sigma
        The residual SD.
    b
        (2,) the population coefficients that belong to Σ and σ (generalised least squares).
    flat, multilevel
        (18, 2) intercept and slope of each subject.
    chosen
        Position of the subject whose lines are shown.
    """

    covariance: np.ndarray
    sigma: float
    b: np.ndarray
    flat: np.ndarray
    multilevel: np.ndarray
    subjects: tuple[str, ...]
    chosen: int
    days: np.ndarray
    reaction: np.ndarray

    @property
    def away(self) -> np.ndarray:
        """(18, 2) whether a coefficient by itself moves away from b."""
        return np.abs(self.multilevel - self.b) > np.abs(self.flat - self.b) + 1e-9

    def distance(self, points: np.ndarray) -> np.ndarray:
        """√((β − b)ᵀ Σ⁻¹ (β − b)), Mahalanobis' distance from b; 0 where Σ has no variance."""
        off = points - self.b
        return np.sqrt(np.einsum("ja,ab,jb->j", off, np.linalg.pinv(self.covariance, rcond=1e-9), off))

    @property
    def nearer(self) -> int:
        """How many subjects come nearer to b in that distance."""
        return int(np.sum(self.distance(self.multilevel) <= self.distance(self.flat) + 1e-9))


def compute(tau0: float, tau1: float, rho: float, sigma: float, subject: str) -> Plane:
    """All subjects' estimates at this Σ and σ; b follows from them."""
    it = sleep()
    factor = np.array([[tau0, 0.0], [rho * tau1, tau1 * np.sqrt(1 - rho**2)]])
    at = it.criterion.solve(np.array([factor[0, 0], factor[1, 0], factor[1, 1]]) / sigma)
    return Plane(
        factor @ factor.T,
        sigma,
        at.beta,
        it.flat,
        at.beta + at.modes[0],
        it.subjects,
        it.subjects.index(subject),
        it.days,
        it.reaction,
    )


@cache
def sleep() -> Sleep:
    """The sleep study with everything that no slider changes."""
    frame = load_data("sleepstudy")
    fit = lmer(FORMULA, frame)
    block = fit.design.blocks[0]
    rows = [block.codes == j for j in range(len(block.levels))]
    flat = np.array([np.linalg.lstsq(block.Z[one], fit.design.y[one], rcond=None)[0] for one in rows])
    days, reaction = (np.array([values[one] for one in rows]) for values in (block.Z[:, 1], fit.design.y))
    return Sleep(fit, lmm_criterion(fit.design), tuple(map(str, block.levels)), flat, days, reaction)


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """The plane on the left, one subject's lines on the right."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1.45, 1), left=0.085, right=0.98, bottom=0.15, top=0.86, wspace=0.24
    )
    plane, lines = (figure.add_subplot(cell) for cell in grid)
    plane.locator_params(nbins=6)
    lines.locator_params(nbins=6)
    return plane, lines


def draw(axes, it: Plane) -> None:
    """Paint the plane with its arrows, and the chosen subject's lines."""
    _draw_plane(axes[0], it)
    _draw_lines(axes[1], it)


def _draw_plane(ax, it: Plane) -> None:
    red, blue = colour("population"), colour("multilevel")
    for share in SHARES:
        shade = {"fc": tint(red, 0.93), "ec": tint(red, 0.35), "lw": 1, "alpha": 0.7, "zorder": 0}
        ax.add_artist(Polygon(contour(it, share).T, **shade))
    away = it.away[:, 1]
    kinds = ((~away, "-", MARKERS["multilevel"], "at this Σ"), (away, (0, (3, 1.6)), "s", "slope away"))
    for rows, line, marker, name in kinds:
        ways = np.stack([it.flat[rows], it.multilevel[rows]], axis=1)
        ax.add_collection(LineCollection(ways, color=blue, lw=1.3, ls=line))
        ax.plot(
            *it.multilevel[rows].T,
            **points("multilevel", 6, mec=PAPER, mew=0.6) | {"marker": marker},
            label=name,
        )
    ax.plot(*it.flat.T, **points("flat", 5.5, zorder=3), label="flat")
    ax.plot(*it.b, ls="", marker="P", ms=11, color=red, mec=PAPER, label="$b$")
    ax.plot(*it.flat[it.chosen], ls="", marker="o", ms=13, mfc="none", color=blue, mew=1.4)
    below = it.multilevel[it.chosen, 1] > it.flat[it.chosen, 1]  # the name keeps clear of the line
    beside = {
        "xytext": (0, -9 if below else 9),
        "textcoords": "offset points",
        "va": "top" if below else "bottom",
    }
    ax.annotate(it.subjects[it.chosen], it.flat[it.chosen], **beside, ha="center", color=blue)
    ax.set(xlim=(176, 327), ylim=(-9, 30), xlabel="intercept β₀: ms on day 0", ylabel="slope β₁: ms per day")
    key_above(ax, 4)


def contour(it: Plane, share: float, points: int = 121) -> np.ndarray:
    """The ellipse (2, points) around b that holds this share of N(b, Σ)."""
    values, vectors = np.linalg.eigh(it.covariance)
    angles = np.linspace(0, 2 * np.pi, points)
    circle = np.sqrt(-2 * np.log(1 - share)) * np.stack([np.cos(angles), np.sin(angles)])
    return it.b[:, None] + vectors @ (np.sqrt(np.clip(values, 0, None))[:, None] * circle)


def _draw_lines(ax, it: Plane) -> None:
    k, ends = it.chosen, np.array([0.0, 9.0])
    ax.plot(it.days[k], it.reaction[k], **cloud(5, 1.0))
    lines = {"pooled": it.b, "flat": it.flat[k], "multilevel": it.multilevel[k]}
    for role, (intercept, slope) in lines.items():
        name = "population" if role == "pooled" else role
        ax.plot(ends, intercept + slope * ends, color=colour(role), ls=LINES[role], lw=2.2, label=name)
    ax.set(xlim=(-0.4, 9.4), ylim=(180, 480), xlabel="days", ylabel="reaction time, ms")
    ax.set_title(f"subject {it.subjects[k]}", pad=10)
    key(ax, loc="upper left", borderaxespad=0.2)


def describe(it: Plane) -> str:
    """Who moves where, in words."""
    k, total = it.chosen, len(it.subjects)
    away = [it.subjects[j] for j in np.flatnonzero(it.away[:, 1])]
    one_by_one = (
        f"the slope moves away from b₁ for {len(away)} ({listed(away, 12)})"
        if away
        else "so does every slope"
    )
    return (
        f"b = {_pair(it.b)}. In Σ's own distance {it.nearer} of {total} subjects move towards b; taken by "
        f"itself {one_by_one}. Subject {it.subjects[k]}: flat {_pair(it.flat[k])}, multilevel "
        f"{_pair(it.multilevel[k])}."
    )


def _pair(point: np.ndarray) -> str:
    return f"({number(point[0])}, {number(point[1])})"


# ---- controls ----------------------------------------------------------------------------------------------


def _controls() -> dict:
    start = _fitted()
    return {
        "tau0": slider(
            "τ₀ intercepts", start["tau0"], 0.1, 80, 0.1, tip="SD of the intercepts across subjects, ms"
        ),
        "tau1": slider(
            "τ₁ slopes", start["tau1"], 0.1, 20, 0.1, tip="SD of the slopes across subjects, ms per day"
        ),
        "rho": slider("ρ", start["rho"], -0.99, 0.99, 0.01, tip="their correlation"),
        "sigma": slider("σ", start["sigma"], 1, 80, 0.1, tip="residual SD, ms"),
        "subject": choice("subject", list(sleep().subjects), "335", width="200px"),
    }


def _fitted() -> dict:
    """Σ and σ by REML, to the sliders' steps."""
    fit = sleep().fit
    tau0, tau1, rho = fit.varcorr.sdcor[:3]
    return {
        "tau0": round(tau0, 1),
        "tau1": round(tau1, 1),
        "rho": round(rho, 2),
        "sigma": round(fit.sigma, 1),
    }


@cache
def presets() -> dict[str, Preset]:
    """The fit, and Σ pulled about."""
    fitted = _fitted()
    return {
        "fitted": Preset(fitted, "Σ and σ as REML estimates them."),
        "strong correlation": Preset(
            {**fitted, "rho": 0.9}, "Who starts slow is now expected to slow down more."
        ),
        "slopes alike": Preset({**fitted, "tau1": 1.0}, "Almost one slope for all; intercepts as before."),
        "nearly flat": Preset({**fitted, "tau0": 80.0, "tau1": 20.0}, "Wide Σ: almost no pooling."),
        "nearly pooled": Preset({**fitted, "tau0": 4.0, "tau1": 1.0}, "Narrow Σ: almost complete pooling."),
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {"tau0": every(1, 61, 10), "tau1": every(0.5, 14.5, 2), "rho": every(-0.9, 0.9, 0.3)}


EXPLORATION = Exploration(
    title="Intercepts and slopes in their plane",
    shows=(
        "Left: contours that hold 50% and 95% of N(b, Σ), each subject's flat estimate, and a line to its "
        "multilevel one. Right: the chosen subject's data with the flat, the multilevel and the population's "
        "line."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    to_try=(
        "At the fitted Σ, find a subject whose slope moves away from b₁. Why is it shrinkage all the same?",
        "Move ρ from −0.99 to 0.99: how does the direction of the lines turn, and towards what?",
        "Shrink τ₁ alone towards 0. Which part of each estimate is pooled, and which is left free?",
    ),
    height=4.6,
)


def explore_plane(preset: str | None = None, **values) -> Explorer:
    """Change Σ and σ and watch each subject's intercept and slope shrink in Σ's own distance.

    Parameters
    ----------
    preset
        `"fitted"`, `"strong correlation"`, `"slopes alike"`, `"nearly flat"` or `"nearly pooled"`.
    values
        Start values: `tau0`, `tau1`, `rho`, `sigma`, `subject`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_plane() -> Stills:
    """The exploration of the plane on paper: the fitted Σ and three others."""
    names = {
        "fitted": "as fitted: ρ = {rho}",
        "strong correlation": "strong correlation: ρ = {rho}",
        "slopes alike": "slopes alike: τ₁ = {tau1:g} ms per day",
        "nearly pooled": "nearly pooled: τ₀ = {tau0:g}, τ₁ = {tau1:g}",
    }
    values = {name: presets()[name].values for name in names}
    return stills(EXPLORATION, {names[name].format(**values[name]): values[name] for name in names})
