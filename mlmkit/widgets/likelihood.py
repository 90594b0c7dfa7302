"""The likelihood of τ: where ML and REML have their optimum, and when it moves to the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..datasets import load_data
from ..design import Design, build_design
from ..engine import fit_lmm
from ..engine.linear.criterion import lmm_criterion
from ..formula import parse_formula
from ..style import PAPER, RULE, colour, tint
from ..words import number
from .controls import Kept, slider, whole
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import every
from .paint import cloud, key_above, points

MODELS = {
    "sleepstudy": ("Reaction ~ Days + (1|Subject)", "Subject", "residual, ms"),
    "mathachieve": ("mathach ~ 1 + (1|school)", "school", "residual, score"),
}
MOST_GROUPS = 18
POINTS, HIGHEST = 41, 12.0


@dataclass(frozen=True, eq=False)
class Profile:
    """One criterion as a function of τ, everything else at its best.

    Attributes
    ----------
    tau, rise
        (POINTS,) the SD, and the criterion above its minimum there.
    best
        τ̂, where it is lowest.
    singular
        Whether τ̂ is 0.
    """

    tau: np.ndarray
    rise: np.ndarray
    best: float
    singular: bool


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """The data kept, and both criteria.

    Attributes
    ----------
    means, spread
        (J,) the groups' mean residuals, and each group's residuals around them, (J, …).
    ml, reml
        The two profiles.
    reach, window
        How far τ and the residuals are shown.
    """

    unit: str
    residuals: tuple[np.ndarray, ...]
    ml: Profile
    reml: Profile
    reach: float
    window: float

    @property
    def J(self) -> int:
        return len(self.residuals)


def compute(data: str = "sleepstudy", J: int = MOST_GROUPS, alike: float = 0.0) -> Likelihoods:
    """Both criteria for the first J groups, their means drawn together by the share `alike`."""
    design = _design(data, J)
    y = _drawn_together(design, alike)
    design = design.with_response(y)
    top = 2.2 * _fitted_tau(data)
    ml, reml = (_profile(design, restricted, top) for restricted in (False, True))
    residual = y - design.X @ np.linalg.lstsq(design.X, y, rcond=None)[0]
    codes = design.blocks[0].codes
    by_group = tuple(residual[codes == j] for j in range(J))
    return Likelihoods(MODELS[data][2], by_group, ml, reml, top, _window(data))


def _drawn_together(design: Design, alike: float) -> np.ndarray:
    """y with the share `alike` of each group's mean deviation from the fixed part taken away."""
    codes = design.blocks[0].codes
    residual = design.y - design.X @ np.linalg.lstsq(design.X, design.y, rcond=None)[0]
    means = np.bincount(codes, residual) / np.bincount(codes)
    return design.y - alike * means[codes]


def _profile(design: Design, reml: bool, top: float) -> Profile:
    """The criterion along τ = θσ̂(θ), on steps of θ that reach `top` at least."""
    criterion, fitted = lmm_criterion(design, reml), fit_lmm(design, reml)
    solved = [
        criterion.solve(np.array([theta])) for theta in np.linspace(0, 1.15 * top / fitted.sigma, POINTS)
    ]
    tau = np.array([one.theta[0] * one.sigma for one in solved])
    rise = np.array([one.criterion for one in solved]) - fitted.criterion
    best = float(fitted.theta[0] * fitted.sigma)
    return Profile(tau, rise, best, best < 1e-4 * fitted.sigma)


@cache
def _design(data: str, J: int) -> Design:
    """The design of the first J groups (of mathachieve: evenly spaced ones)."""
    formula, group, _ = MODELS[data]
    frame = load_data(data)
    names = np.sort(frame[group].unique())
    kept = names[np.linspace(0, len(names) - 1, MOST_GROUPS).round().astype(int)][:J]
    return build_design(parse_formula(formula), frame[frame[group].isin(kept)])


@cache
def _fitted_tau(data: str) -> float:
    fitted = fit_lmm(_design(data, MOST_GROUPS))
    return float(fitted.theta[0] * fitted.sigma)


@cache
def _window(data: str) -> float:
    design = _design(data, MOST_GROUPS)
    return 1.05 * float(
        np.abs(design.y - design.X @ np.linalg.lstsq(design.X, design.y, rcond=None)[0]).max()
    )


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """The groups on the left, the two criteria on the right."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1, 1.15), left=0.115, right=0.975, bottom=0.15, top=0.87, wspace=0.3
    )
    groups, curves = (figure.add_subplot(cell) for cell in grid)
    for ax in (groups, curves):
        ax.locator_params(nbins=6)
    return groups, curves


def draw(axes, it: Likelihoods) -> None:
    """Paint the groups, and both criteria over τ with their minima."""
    _draw_groups(axes[0], it)
    _draw_curves(axes[1], it)


def _draw_groups(ax, it: Likelihoods) -> None:
    x = np.arange(1, it.J + 1)
    ax.axhline(0, color=colour("population"), lw=1.5)
    ax.plot(np.repeat(x, [len(r) for r in it.residuals]), np.concatenate(it.residuals), **cloud(3, 0.35))
    ax.hlines([r.mean() for r in it.residuals], x - 0.4, x + 0.4, color=colour("group"), lw=3)
    ax.set(xlim=(0, MOST_GROUPS + 1), ylim=(-it.window, it.window), xlabel="group $j$", ylabel=it.unit)
    ax.set_title(f"J = {it.J} groups and their means")


def _draw_curves(ax, it: Likelihoods) -> None:
    right = it.reach
    for profile, name, role, line in ((it.ml, "ML", "flat", "--"), (it.reml, "REML", "population", "-")):
        ax.plot(profile.tau, profile.rise, color=colour(role), ls=line, lw=2.2, label=name)
        at_minimum = points("population", 9, mec=PAPER, clip_on=False, zorder=5) | {"color": colour(role)}
        ax.plot([profile.best], [0], **at_minimum)
    if it.reml.singular or it.ml.singular:
        ax.axvspan(0, 0.012 * right, color=tint(colour("population"), 0.5), lw=0)
        label = {"color": colour("population"), "rotation": 90, "va": "center"}
        ax.text(0.03 * right, 0.55 * HIGHEST, "on the boundary", **label)
    ax.axhline(3.84, color=RULE, lw=1, zorder=0)
    label = {"ha": "right", "va": "bottom", "color": colour("flat"), "fontsize": "small"}
    ax.text(0.99 * right, 3.95, "95% interval", **label)
    ax.set(xlim=(0, right), ylim=(-0.35, HIGHEST), xlabel="τ, the SD between groups")
    ax.set_ylabel("criterion above its minimum")
    estimates = f"τ = {number(it.ml.best)}, {number(it.reml.best)}"  # in the key's order
    ax.set_title(estimates, loc="right", fontsize="medium")
    key_above(ax, 2)


def describe(it: Likelihoods) -> str:
    """Where the two criteria have their minima, and whether that is on the boundary."""
    ml, reml = it.ml.best, it.reml.best
    start = f"{it.J} groups. ML estimates τ = {number(ml)}, REML {number(reml)}."
    if it.reml.singular:
        end = "Both are on the boundary: the means differ no more than noise makes them. The fit is singular."
        return f"{start} {end} A small τ fits as well; that it is exactly 0 is not shown."
    if it.ml.singular:
        return f"{start} ML is on the boundary already, REML is not yet."
    zero = it.reml.rise[0]
    verdict = "the data speak against it" if zero > 3.84 else "the data do not rule it out"
    return (
        f"{start} ML is the smaller by {1 - ml / reml:.0%}. At τ = 0 the REML criterion is {number(zero)} "
        f"above its minimum: {verdict}."
    )


# ---- controls ----------------------------------------------------------------------------------------------


def _controls() -> dict:
    return {
        "data": Kept("sleepstudy", MODELS),
        "J": whole("groups J", MOST_GROUPS, 3, MOST_GROUPS, "How many of the groups are kept"),
        "alike": slider(
            "drawn together", 0.0, 0, 1, 0.01, "How far the groups' means are moved to the common one"
        ),
    }


@cache
def presets() -> dict[str, Preset]:
    """Data with much, little and no variance between groups."""
    return {
        "sleepstudy": Preset(
            {"data": "sleepstudy", "J": 18, "alike": 0.0}, "All 18 people of the sleep study."
        ),
        "five people": Preset({"data": "sleepstudy", "J": 5, "alike": 0.0}, "The first five people alone."),
        "schools": Preset({"data": "mathachieve", "J": 18, "alike": 0.0}, "18 of the 160 schools."),
        "alike": Preset({"data": "sleepstudy", "J": 18, "alike": 0.75}, "The people's means drawn together."),
        "on the boundary": Preset(
            {"data": "sleepstudy", "J": 6, "alike": 0.85}, "Six people, drawn together."
        ),
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {"J": range(3, 19), "alike": every(0, 1, 0.1)}


EXPLORATION = Exploration(
    title="What do the data say about τ?",
    shows=(
        "Left: each group's residuals from the fixed part, with its mean as a bar. Right: the ML and the "
        "REML criterion over τ, each above its own minimum, with the minima marked."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    to_try=(
        "Take groups away one by one: what happens to the width of the curves, and to ML against REML?",
        "Draw the means together until τ̂ reaches 0. Do the bars still differ then? What does 0 mean?",
        "At which J and share is ML on the boundary while REML is not?",
    ),
)


def explore_likelihood(preset: str | None = None, **values) -> Explorer:
    """Fewer groups, or groups more alike: see the ML and the REML criterion flatten and reach τ = 0.

    Parameters
    ----------
    preset
        `"sleepstudy"`, `"five people"`, `"schools"`, `"alike"` or `"on the boundary"`.
    values
        Start values: `data` (`"sleepstudy"` or `"mathachieve"`), `J`, `alike` (0 to 1).
    """
    return Explorer(EXPLORATION, preset, **values)


def show_likelihood() -> Stills:
    """The exploration of the likelihood on paper: from a clear τ to one on the boundary."""
    names = {
        "sleepstudy": "18 people",
        "five people": "the first five people",
        "alike": "18 people, means drawn together by 75%",
        "on the boundary": "six people, drawn together by 85%",
    }
    return stills(EXPLORATION, {text: presets()[name].values for name, text in names.items()})
