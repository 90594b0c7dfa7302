"""A future batch: from a normal distribution of log odds to a skewed one of probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from ..datasets import load_data
from ..models import glmer
from ..style import LINES, RULE, colour, tint
from ..words import number
from .controls import slider
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import every
from .paint import cloud, stepped

RANGE = (-7.0, 5.0)  # of the log odds in the picture
NODES = 60
DRAWS = 25


@dataclass(frozen=True, eq=False)
class Future:
    """The distribution of a new batch's probability, logit⁻¹(β) with β ~ N(b, τ²).

    Attributes
    ----------
    b, tau
        Of the log odds.
    mean
        Of the probability, by Gauss–Hermite quadrature.
    """

    b: float
    tau: float
    mean: float

    @property
    def median(self) -> float:
        """The probability at β = b: a monotone function keeps the median."""
        return float(expit(self.b))

    @property
    def interval(self) -> tuple[float, float]:
        """The central 95% of the probabilities."""
        low, high = (float(expit(self.b + k * norm.ppf(0.975) * self.tau)) for k in (-1, 1))
        return low, high

    def density(self, p: np.ndarray) -> np.ndarray:
        """The density of the probability: the normal one of its log odds, over p(1 − p)."""
        return norm.pdf(np.log(p / (1 - p)), self.b, self.tau) / (p * (1 - p))


def compute(b: float = -1.94, tau: float = 0.66) -> Future:
    """The future batch for a population mean b and SD τ of the log odds."""
    x, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return Future(b, tau, float(weights @ expit(b + tau * x) / weights.sum()))


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """The logistic curve, the log odds below it, the probabilities beside it, and room for numbers."""
    ratios = {"width_ratios": (1.5, 1), "height_ratios": (2.1, 1)}
    edges = {"left": 0.08, "right": 0.98, "bottom": 0.125, "top": 0.9}
    grid = figure.add_gridspec(2, 2, **ratios, **edges, wspace=0.06, hspace=0.08)
    curve, beside = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    below, words = figure.add_subplot(grid[1, 0]), figure.add_subplot(grid[1, 1])
    words.set_axis_off()
    for ax, sides in ((curve, ["bottom"]), (beside, ["bottom"]), (below, ["left"])):
        ax.spines[sides].set_visible(False)
    curve.tick_params(axis="x", labelbottom=False, length=0)
    beside.tick_params(labelleft=False, labelbottom=False, length=0)
    below.set_yticks([])
    return curve, beside, below, words


def draw(axes, it: Future) -> None:
    """Paint the two distributions and how the curve carries one into the other."""
    curve, beside, below, words = axes
    near = it.b + it.tau * np.linspace(-4, 4, 161)  # a narrow distribution lies between the points of a grid
    eta, p = np.linspace(*RANGE, 241), np.linspace(0.001, 0.999, 400)
    eta, p = np.union1d(eta, near), np.union1d(p, np.clip(expit(near), 0.001, 0.999))
    low, high = it.interval
    inside = norm.ppf([0.025, 0.975], it.b, it.tau)
    _draw_curve(curve, it, eta)
    _draw_density(below, eta, norm.pdf(eta, it.b, it.tau), inside)
    below.set(xlim=RANGE, xlabel="log odds β of a batch, normal")
    _draw_density(beside, p, it.density(p), (low, high), turned=True)
    _draw_marks(beside, words, it)


def _draw_curve(ax, it: Future, eta: np.ndarray) -> None:
    ax.plot(eta, expit(eta), color=colour("data"), lw=1.8)
    x = it.b + it.tau * norm.ppf((np.arange(DRAWS) + 0.5) / DRAWS)  # evenly spread over the distribution
    ax.vlines(x, 0, expit(x), color=colour("group"), lw=0.7, alpha=0.35)
    ax.hlines(expit(x), x, RANGE[1], color=colour("group"), lw=0.7, alpha=0.35)
    ax.plot(x, expit(x), **cloud(4, 1.0, "group"))
    ax.hlines([it.median], it.b, RANGE[1], color=colour("population"), lw=1.8)
    ax.vlines([it.b], 0, it.median, color=colour("population"), lw=1.8)
    ax.hlines([it.mean], RANGE[0], RANGE[1], color=colour("group2"), lw=1.8, ls=LINES["group2"])
    ax.set(xlim=RANGE, ylim=(0, 1), ylabel="probability")
    ax.set_title("each batch through the curve")


def _draw_density(ax, at, density, inside, turned: bool = False) -> None:
    """A curve whose central 95% is shaded; `turned` draws it sideways."""
    within = (at >= inside[0]) & (at <= inside[1])
    fill, red = (ax.fill_betweenx if turned else ax.fill_between), colour("population")
    fill(at, 0, density, color=tint(red, 0.88), lw=0)
    fill(at, 0, density, where=within, color=tint(red, 0.6), lw=0)
    ax.plot(*((density, at) if turned else (at, density)), color=red, lw=1.5)
    highest = stepped(1.05 * density.max())
    ax.set(**({"xlim": (0, highest), "ylim": (0, 1)} if turned else {"ylim": (0, highest)}))


def _draw_marks(ax, words, it: Future) -> None:
    """Median and mean on the probabilities' density, and their values below it."""
    low, high = it.interval
    ax.axhline(it.median, color=colour("population"), lw=1.8)
    ax.axhline(it.mean, color=colour("group2"), lw=1.8, ls=LINES["group2"])
    ax.set_title("probability of a new batch")
    ax.plot([0, ax.get_xlim()[1]], [0, 0], color=RULE, lw=0.8)
    rows = {
        "group2": f"mean {it.mean:.3f}",
        "population": f"median {it.median:.3f}",
        "data": f"95%: {low:.3f} to {high:.3f}",
    }
    for k, (role, text) in enumerate(rows.items()):
        words.text(0.04, 0.8 - 0.26 * k, text, color=colour(role), va="top", fontsize="large")


def describe(it: Future) -> str:
    """The two distributions in words."""
    low, high = it.interval
    b = (it.b - norm.ppf(0.975) * it.tau, it.b + norm.ppf(0.975) * it.tau)
    gap = it.mean - it.median
    if abs(gap) < 5e-4:
        why = (
            "the curve is bent alike on both sides of 0"
            if abs(it.b) < 0.05
            else "here the curve is as good as straight"
        )
        jensen = f"Median and mean agree, for {why}."
    else:
        side = "above" if gap > 0 else "below"
        jensen = f"The mean, {it.mean:.3f}, is {side} the median as the curve is bent (Jensen's inequality)."
    return (
        f"Log odds {number(it.b)}, 95% from {number(b[0])} to {number(b[1])}. As a probability: median "
        f"{it.median:.3f}, 95% from {low:.3f} to {high:.3f}. {jensen} This takes b and τ as known."
    )


# ---- controls ----------------------------------------------------------------------------------------------


def _controls() -> dict:
    rats = presets()["rats"].values
    return {
        "b": slider("b, population mean", rats["b"], -5, 3, 0.01, "Mean of the log odds"),
        "tau": slider("τ, SD of batches", rats["tau"], 0.02, 3, 0.01, "SD of the log odds"),
    }


@cache
def presets() -> dict[str, Preset]:
    """The rats' own b and τ, and settings that show what the curve does."""
    fit = glmer("cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats"))
    b, tau = round(float(fit.fixef.iloc[0]), 2), round(float(fit.varcorr.sdcor[0]), 2)
    return {
        "rats": Preset({"b": b, "tau": tau}, "b and τ as estimated from the 71 batches."),
        "symmetric": Preset({"b": 0.0, "tau": tau}, "In the middle of the curve."),
        "wide": Preset({"b": b, "tau": 2.0}, "Batches that differ much more."),
        "rare": Preset({"b": -4.0, "tau": 1.0}, "A rare event."),
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {"b": every(-5, 3, 0.25), "tau": every(0.05, 3, 0.1475)}


EXPLORATION = Exploration(
    title="What will a new batch be like?",
    shows=(
        "Bottom: the normal distribution of the batches' log odds. Above it the logistic curve that turns "
        "log odds into probabilities. Right: the distribution of probabilities that comes out, with median, "
        "mean and central 95%."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    to_try=(
        "Raise τ and keep b: which of median, mean and interval move, and in which direction?",
        "Move b to 0, then above it. On which side of the median is the mean, and why?",
        "Shrink τ to almost nothing: what do median and mean do?",
    ),
    height=5.0,
)


def explore_future_batch(preset: str | None = None, **values) -> Explorer:
    """Move b and τ of the log odds, and see the probability of a future batch, its median, mean and interval.

    Parameters
    ----------
    preset
        `"rats"`, `"symmetric"`, `"wide"` or `"rare"`.
    values
        Start values: `b`, `tau`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_future_batch() -> Stills:
    """The exploration of a future batch on paper: four settings."""
    settings = {name: preset.values for name, preset in presets().items()}
    return stills(
        EXPLORATION,
        {
            f"{name}: b = {number(values['b'])}, τ = {number(values['tau'])}": values
            for name, values in settings.items()
        },
    )
