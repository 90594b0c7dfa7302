"""From complete pooling through partial pooling to none: one slider on τ, and the criterion for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.collections import LineCollection
from scipy.optimize import brentq
from scipy.special import expit

from ..datasets import load_data
from ..engine.generalized.criterion import glmm_criterion
from ..engine.generalized.irls import iterate
from ..engine.linear.criterion import lmm_criterion
from ..models import glmer, lmer
from ..style import LINES, MUTED, PAPER, RULE, colour
from ..words import number
from .controls import buttons, steps
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .paint import key_above, points

#: τ as a multiple of the fitted one: 0, a grid around 1, ∞.
MULTIPLES = (0.0, *np.geomspace(1 / 20, 20, 33).round(6), np.inf)
FITTED = MULTIPLES[17]
START = "rats"


@dataclass(frozen=True, eq=False)
class Case:
    """One data set and its fitted model, ready to be solved at any multiple of the fitted τ.

    Attributes
    ----------
    solve
        A multiple of the fitted τ → (criterion, τ, b, estimates); see `Pooling` for their shapes.
    flat
        (J, s) each group's own estimate.
    axes
        Labels of the estimates' axes.
    unit
        Of τ, or of τ₀.
    """

    what: str
    groups: str
    solve: Callable[[float], tuple]
    flat: np.ndarray
    axes: tuple[str, ...]
    unit: str


@dataclass(frozen=True, eq=False)
class Pooling:
    """Estimates at one τ, and the criterion at all of them.

    Attributes
    ----------
    multiple
        Of the fitted τ: 0 is complete pooling, 1 the fit, ∞ no pooling.
    tau
        (s,) the SDs between groups.
    centre
        (s,) the population's coefficients at that τ; NaN at ∞, where there is no population.
    flat, estimates
        (J, s) each group's own estimate, and its estimate at that τ.
    rise
        The criterion above its minimum at each of MULTIPLES (inf at ∞).
    taus
        The first SD at each of MULTIPLES.
    """

    case: Case
    multiple: float
    tau: np.ndarray
    centre: np.ndarray
    flat: np.ndarray
    estimates: np.ndarray
    rise: np.ndarray
    taus: np.ndarray

    @property
    def place(self) -> int:
        """Position of this τ among MULTIPLES."""
        return int(np.argmin([abs(np.arctan(m) - np.arctan(self.multiple)) for m in MULTIPLES]))

    @property
    def pooled_away(self) -> float:
        """How much of the flat estimates' spread around the centre is gone: 0 if flat, 1 if all are alike."""
        if np.isinf(self.multiple):
            return 0.0
        own = np.linalg.norm((self.flat - self.centre) / self.flat.std(axis=0))
        left = np.linalg.norm((self.estimates - self.centre) / self.flat.std(axis=0))
        return float(1 - left / own)


def compute(data: str = "rats", multiple: float = FITTED) -> Pooling:
    """The model of a data set solved at `multiple` times its fitted τ."""
    it = case(data)
    criterion, taus = _curve(data)
    _, tau, centre, estimates = it.solve(multiple)
    return Pooling(it, multiple, tau, centre, it.flat, estimates, criterion - criterion.min(), taus)


@cache
def case(data: str) -> Case:
    """The three data sets of the first chapters."""
    return {"rats": _rats, "alcohol": _alcohol, "sleepstudy": _sleepstudy}[data]()


@cache
def _curve(data: str) -> tuple[np.ndarray, np.ndarray]:
    """The criterion and the first SD at each of MULTIPLES."""
    solved = [case(data).solve(multiple)[:2] for multiple in MULTIPLES]
    return np.array([value for value, _ in solved]), np.array([tau[0] for _, tau in solved])


# ---- linear models -----------------------------------------------------------------------------------------


def _alcohol() -> Case:
    return _linear("alcohol ~ 1 + (1|country)", "alcohol", "countries", ("litres a year",), "litres")


def _sleepstudy() -> Case:
    axes = ("intercept β₀: ms on day 0", "slope β₁: ms per day")
    return _linear("Reaction ~ Days + (Days|Subject)", "sleepstudy", "people", axes, "ms")


def _linear(formula: str, data: str, groups: str, axes: tuple[str, ...], unit: str) -> Case:
    fit = lmer(formula, load_data(data))
    block, criterion = fit.design.blocks[0], lmm_criterion(fit.design)
    rows = [block.codes == j for j in range(len(block.levels))]
    flat = np.array([np.linalg.lstsq(block.Z[one], fit.design.y[one], rcond=None)[0] for one in rows])

    def solve(multiple: float):
        if np.isinf(multiple):
            return np.inf, np.full(flat.shape[1], np.inf), np.full(flat.shape[1], np.nan), flat
        at = criterion.solve(multiple * fit.theta)
        tau = at.sigma * multiple * np.linalg.norm(fit.relative_factors[0], axis=1)
        return at.criterion, tau, at.beta, at.beta + at.modes[0]

    return Case(f"{data}: {formula}", groups, solve, flat, axes, unit)


# ---- rats: a binomial model, shown as probabilities --------------------------------------------------------


def _rats() -> Case:
    frame = load_data("rats")
    fit = glmer("cbind(m, n - m) ~ 1 + (1|batch)", frame)
    criterion = glmm_criterion(fit.design, iterate(fit.design))
    order = np.asarray(fit.design.blocks[0].codes)
    flat = np.empty((len(frame), 1))
    flat[order, 0] = frame.m / frame.n
    flat_log_odds = float(np.log(frame.m.sum() / (frame.n - frame.m).sum()))

    @cache
    def solve(multiple: float):
        if np.isinf(multiple):
            return np.inf, np.array([np.inf]), np.array([np.nan]), flat
        theta = multiple * fit.theta
        b = _best_b(criterion, theta, flat_log_odds)
        state = criterion.solve(theta, np.array([b]))
        return state.value, theta, expit(np.array([b])), expit(b + theta * state.modes.u[0][0])[:, None]

    name, axes = "rats: cbind(m, n - m) ~ 1 + (1|batch)", ("probability of a tumour",)
    return Case(name, "batches", solve, flat, axes, "in log odds")


def _best_b(criterion, theta: np.ndarray, start: float) -> float:
    """The b that belongs to a θ: where the criterion's derivative by b is zero."""

    def slope(b: float) -> float:
        return criterion.value_and_gradient(theta, [b])[1][-1]

    if theta[0] == 0:
        return start
    return brentq(slope, start - 6.0, start + 1.0, xtol=1e-6)


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """Estimates on the left, the criterion on the right."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1.7, 1), left=0.09, right=0.975, bottom=0.15, top=0.86, wspace=0.27
    )
    estimates, curve = (figure.add_subplot(cell) for cell in grid)
    estimates.locator_params(nbins=6)
    curve.locator_params(axis="y", nbins=5)
    return estimates, curve


def draw(axes, it: Pooling) -> None:
    """Paint the estimates at τ, and where τ is on the criterion's curve."""
    (_draw_plane if it.flat.shape[1] == 2 else _draw_line)(axes[0], it)
    key_above(axes[0], 3)
    _draw_criterion(axes[1], it)


def _draw_line(ax, it: Pooling) -> None:
    """Groups in a row by their flat estimates, each with its way to the estimate at τ."""
    order = np.argsort(it.flat[:, 0], kind="stable")
    x, flat, now = np.arange(1, len(order) + 1), it.flat[order, 0], it.estimates[order, 0]
    many = len(order) > 100
    if np.isfinite(it.multiple):
        ax.axhline(it.centre[0], color=colour("pooled"), ls=LINES["pooled"], label="population", zorder=1)
    ax.vlines(x, flat, now, color=colour("multilevel"), lw=0.8, alpha=0.7)
    ax.plot(x, flat, **points("flat", 3 if many else 5, mew=0.8), label="flat")
    ax.plot(x, now, **points("multilevel", 2.6 if many else 4.5), label="at this τ")
    margin = 0.05 * np.ptp(flat)
    ax.set(xlim=(-1, len(x) + 2), ylim=(flat.min() - margin, flat.max() + margin))
    ax.set(xlabel=f"{it.case.groups}, by flat estimate", ylabel=it.case.axes[0])


def _draw_plane(ax, it: Pooling) -> None:
    """Intercepts and slopes, with the way from the flat estimate to the one at τ."""
    ways = np.stack([it.flat, it.estimates], axis=1)
    ax.add_collection(LineCollection(ways, color=colour("multilevel"), lw=1.1, alpha=0.8))
    ax.plot(*it.flat.T, **points("flat", 6), label="flat")
    ax.plot(*it.estimates.T, **points("multilevel", 6), label="at this τ")
    if np.isfinite(it.multiple):
        ax.plot(
            *it.centre, ls="", marker="P", ms=11, color=colour("population"), mec=PAPER, label="population"
        )
    low, high = it.flat.min(axis=0), it.flat.max(axis=0)
    margin = 0.08 * (high - low)
    ax.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
    ax.set(xlabel=it.case.axes[0], ylabel=it.case.axes[1])


def _draw_criterion(ax, it: Pooling) -> None:
    places, fitted = np.arange(len(MULTIPLES)), MULTIPLES.index(FITTED)
    ax.plot(places, it.rise, color=MUTED, lw=1.6)
    ax.axvline(fitted, color=RULE, lw=1.2, zorder=0)
    highest = 1.15 * it.rise[0]
    off = it.rise[it.place] > highest
    height = min(it.rise[it.place], highest)
    here = points("multilevel", 10, mec=PAPER, clip_on=False) | ({"marker": "^"} if off else {})
    ax.plot([it.place], [height], **here)
    marks = [0, fitted - 10, fitted, fitted + 10, len(MULTIPLES) - 1]
    ax.set_xticks(marks, ["0", *(number(it.taus[k], 2) for k in marks[1:-1]), "∞"])
    ax.set(xlim=(-1, len(places)), ylim=(-0.04 * highest, highest), xlabel=_tau_label(it))
    ax.set_ylabel("criterion above its minimum")
    ax.set_title("the criterion over τ")


def _tau_of(data: str, multiple: float) -> str:
    """τ, or τ₀, with its unit."""
    return f"{number(case(data).solve(multiple)[1][0])} {case(data).unit}"


def _tau_label(it: Pooling) -> str:
    unit = it.case.unit.removeprefix("in ")
    return f"τ, the SD between groups, {unit}" if len(it.tau) == 1 else f"τ₀, {unit} (and τ₁ in proportion)"


def describe(it: Pooling) -> str:
    """Where between the extremes this is, in words."""
    groups, place = it.case.groups, it.place
    if it.multiple == 0:
        return (
            f"τ = 0, complete pooling: all {len(it.flat)} {groups} have one and the same estimate, "
            f"{_listed(it.centre)}. The criterion is {number(it.rise[0])} above its minimum."
        )
    if np.isinf(it.multiple):
        return (
            f"τ = ∞, no pooling: each of the {len(it.flat)} {groups} keeps its flat estimate, and there is no "
            "population that they come from."
        )
    share = f"{it.pooled_away:.0%} of the flat estimates' spread around the population is pooled away"
    if place == MULTIPLES.index(FITTED):
        return f"τ = {_listed(it.tau)}, the fitted value, where the criterion is lowest: {share}."
    side = "fewer" if it.multiple > 1 else "more"
    return (
        f"τ = {_listed(it.tau)}, {number(it.multiple, 2)} times the fitted value: {share}, {side} than the "
        f"data support. The criterion is {number(it.rise[place])} above its minimum."
    ).replace("fewer than", "less than")


def _listed(values: np.ndarray) -> str:
    return " and ".join(number(value) for value in values)


# ---- controls ----------------------------------------------------------------------------------------------


def _options(data: str) -> list[tuple[str, float]]:
    taus = _curve(data)[1]
    names = ["0", *(number(tau) for tau in taus[1:-1]), "∞"]
    names[MULTIPLES.index(FITTED)] += " (fitted)"
    return list(zip(names, MULTIPLES, strict=True))


def _controls() -> dict:
    return {
        "data": buttons("data", ["rats", "alcohol", "sleepstudy"], START),
        "multiple": steps("τ", _options(START), FITTED, tip="SD between groups, from 0 to infinity"),
    }


def _when_data(values: dict) -> dict:
    return {"multiple": {"options": _options(values["data"]), "value": FITTED}}


@cache
def presets() -> dict[str, Preset]:
    """The three ways to treat groups."""
    return {
        "complete pooling": Preset({"multiple": 0.0}),
        "partial pooling": Preset({"multiple": FITTED}),
        "no pooling": Preset({"multiple": np.inf}),
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {"data": ["rats", "alcohol", "sleepstudy"], "multiple": list(MULTIPLES)}


EXPLORATION = Exploration(
    title="None, partial or complete pooling?",
    shows=(
        "Left: each group's flat estimate, its estimate at the chosen τ, and the population's. "
        "Right: the criterion over τ, lowest at the fitted τ, with the chosen one marked."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    follow={"data": _when_data},
    film=_film,
    to_try=(
        "Move τ from 0 to ∞ slowly. Which groups set out first, and which hardly move at the fitted τ?",
        "Compare rats and alcohol at their fitted τ: why are batches pooled so much and countries so little?",
        "With sleepstudy, watch single people: do intercept and slope always move towards the population's?",
    ),
)


def explore_pooling(preset: str | None = None, **values) -> Explorer:
    """One slider from complete pooling (τ = 0) to none (τ = ∞), with the criterion that chooses between them.

    Parameters
    ----------
    preset
        `"complete pooling"`, `"partial pooling"` or `"no pooling"`.
    values
        Start values: `data`, one of `"rats"`, `"alcohol"`, `"sleepstudy"`, and `multiple`, of the fitted τ.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_pooling(data: str = "rats") -> Stills:
    """The exploration of pooling on paper: τ from 0 to ∞ in four steps."""
    less = MULTIPLES[11]
    return stills(
        EXPLORATION,
        {
            "complete pooling: τ = 0": {"data": data, "multiple": 0.0},
            f"less than fitted: τ = {_tau_of(data, less)}": {"data": data, "multiple": less},
            f"as fitted: τ = {_tau_of(data, FITTED)}": {"data": data, "multiple": FITTED},
            "no pooling: τ = ∞": {"data": data, "multiple": np.inf},
        },
    )
