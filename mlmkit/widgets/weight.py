"""How far is a group's mean pulled to the population's? The shrinkage weight, with its numbers filled in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..datasets import load_data
from ..models import lmer
from ..style import LINES, MUTED, PAPER, RULE, colour
from ..words import count, number
from .controls import Kept, choice, slider, whole
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import across
from .paint import key_above, points

SHOWN = 12
START = "mathachieve"
MODELS = {
    "alcohol": ("alcohol ~ 1 + (1|country)", "country", "mean consumption, litres a year"),
    "sleepstudy": ("Reaction ~ 1 + (1|Subject)", "Subject", "mean reaction time, ms"),
    "mathachieve": ("mathach ~ 1 + (1|school)", "school", "mean score in mathematics"),
}


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of one data set: what the weights are made of.

    Attributes
    ----------
    names, n, means
        All J groups: their names, sizes and means.
    tau, sigma
        Their SDs as fitted (REML).
    shown
        Positions of the groups that the picture shows, by their means.
    """

    unit: str
    names: tuple[str, ...]
    n: np.ndarray
    means: np.ndarray
    tau: float
    sigma: float
    shown: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """Flat and multilevel means of the shown groups at given SDs, one group's data perhaps changed.

    Attributes
    ----------
    names, n, flat, multilevel, as_observed
        The shown groups; `as_observed` are the multilevel means before the chosen group was changed.
    chosen
        Position of the chosen group among them.
    b
        The population mean: all groups' means weighted by 1/(τ² + σ²/n_j).
    """

    names: tuple[str, ...]
    n: np.ndarray
    flat: np.ndarray
    multilevel: np.ndarray
    as_observed: np.ndarray
    chosen: int
    b: float
    tau: float
    sigma: float
    unit: str
    window: tuple[float, float]

    @property
    def weights(self) -> np.ndarray:
        """λ_j of the shown groups."""
        return weight(self.tau, self.sigma, self.n)

    @property
    def others_move(self) -> float:
        """The furthest that a group other than the chosen one was moved by the change."""
        return float(np.max(np.abs(np.delete(self.multilevel - self.as_observed, self.chosen))))


def weight(tau: float, sigma: float, n):
    """λ = τ²/(τ² + σ²/n): the weight of a group's own mean; 0 where both SDs are 0."""
    between, noise = tau**2, sigma**2 / np.asarray(n, dtype=float)
    return np.divide(between, between + noise, out=np.zeros_like(noise), where=between + noise > 0)


def population_mean(tau: float, sigma: float, n: np.ndarray, means: np.ndarray) -> float:
    """b̂ for given SDs: generalised least squares on the group means."""
    precision = 1.0 / np.maximum(tau**2 + sigma**2 / n, 1e-12)
    return float(precision @ means / precision.sum())


@cache
def groups(data: str) -> Groups:
    """The groups of a data set, and τ and σ from a fit to all of it."""
    formula, group, unit = MODELS[data]
    frame = load_data(data)
    fit = lmer(formula, frame)
    by = frame.groupby(group, observed=True)[fit.spec.response.expr]
    n, means = by.size().to_numpy(), by.mean().to_numpy()
    shown = np.argsort(means)[np.linspace(0, len(means) - 1, SHOWN).round().astype(int)]
    names = tuple(map(str, by.size().index))
    return Groups(unit, names, n, means, float(fit.varcorr.sdcor[0]), fit.sigma, tuple(int(k) for k in shown))


def compute(data: str, group: str, n: int, mean: float, tau: float, sigma: float) -> Shrinkage:
    """All group means at these SDs; the chosen group has `n` observations with this mean."""
    it = groups(data)
    shown, k = list(it.shown), it.names.index(group)
    sizes, means = it.n.copy(), it.means.copy()
    before = _multilevel(tau, sigma, sizes, means)[0][shown]
    sizes[k], means[k] = n, mean
    after, b = _multilevel(tau, sigma, sizes, means)
    low, high = it.means[shown].min(), it.means[shown].max()
    margin = 0.12 * (high - low)
    return Shrinkage(
        tuple(it.names[j] for j in shown),
        sizes[shown],
        means[shown],
        after[shown],
        before,
        shown.index(k),
        b,
        tau,
        sigma,
        it.unit,
        (low - margin, high + margin),
    )


def _multilevel(tau: float, sigma: float, n: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, float]:
    b = population_mean(tau, sigma, n, means)
    return b + weight(tau, sigma, n) * (means - b), b


def panels(figure):
    """The groups' means on the left, λ against n on the right."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1.75, 1), left=0.16, right=0.975, bottom=0.15, top=0.86, wspace=0.32
    )
    means, curve = (figure.add_subplot(cell) for cell in grid)
    means.tick_params(axis="y", length=0)
    means.spines["left"].set_visible(False)
    curve.locator_params(nbins=5)
    return means, curve


def draw(axes, it: Shrinkage) -> None:
    """Paint flat and multilevel means, and the chosen group's weight on the curve λ(n)."""
    _draw_means(axes[0], it)
    _draw_weight(axes[1], it)


def _draw_means(ax, it: Shrinkage) -> None:
    y = np.arange(len(it.names))
    ax.axhspan(it.chosen - 0.45, it.chosen + 0.45, color=RULE, alpha=0.55, lw=0)
    ax.axvline(it.b, color=colour("pooled"), ls=LINES["pooled"], label="population $b$")
    ax.hlines(y, it.flat, it.multilevel, color=colour("multilevel"), lw=1.4)
    ax.plot(it.flat, y, **points("flat", 7), label="flat")
    ax.plot(it.multilevel, y, **points("multilevel", 6.5), label="multilevel")
    ax.set(xlim=it.window, ylim=(-0.7, len(y) - 0.3), xlabel=it.unit)
    labels = [f"{name[:18]}  ({n})" for name, n in zip(it.names, it.n, strict=True)]
    ax.set_yticks(y, labels, fontsize="small")
    key_above(ax, 3)


def _draw_weight(ax, it: Shrinkage) -> None:
    n, own = np.arange(1, 71), it.n[it.chosen]
    lam = float(it.weights[it.chosen])
    ax.plot(n, weight(it.tau, it.sigma, n), color=MUTED, lw=1.5)
    ax.plot([own, own, 0], [0, lam, lam], color=RULE, lw=1.2, zorder=0)
    ax.plot([own], [lam], **points("multilevel", 10, mec=PAPER, clip_on=False))
    ax.set(xlim=(0, 70), ylim=(0, 1.04))
    ax.set(xlabel="observations, $n$", ylabel="weight λ = τ²/(τ² + σ²/n)")
    value = f"= {lam:.2f}" if it.tau or it.sigma else "is not defined"
    ax.set_title(f"λ = {_formula(it)}\n{value}", loc="right", fontsize="medium")


def _formula(it: Shrinkage) -> str:
    """The right-hand side of λ with the chosen group's numbers in it."""
    tau2 = number(it.tau**2)
    return f"{tau2} / ({tau2} + {number(it.sigma**2)}/{it.n[it.chosen]})"


def describe(it: Shrinkage) -> str:
    """The chosen group's shrinkage in words."""
    k, lam = it.chosen, float(it.weights[it.chosen])
    changed = it.others_move > 1e-4 * (it.window[1] - it.window[0])
    others = f" The other groups shown move by {number(it.others_move, 2)} at most." if changed else ""
    has = f"{it.names[k]} has {count(it.n[k], 'observation')} with mean {number(it.flat[k])}."
    if it.tau == it.sigma == 0:
        return f"{has} Without any variance its weight λ is 0/0: raise τ or σ."
    return (
        f"{has} Its own mean weighs λ = {lam:.2f}, the population mean {number(it.b)} weighs {1 - lam:.2f}: "
        f"the multilevel estimate is {number(it.multilevel[k])}.{others}"
    )


def _controls() -> dict:
    it = groups(START)
    shown = [it.names[k] for k in reversed(it.shown)]
    own = _of_group(START, shown[1])
    return {
        "data": Kept(START, MODELS),
        "group": choice("group", shown, shown[1]),
        "n": whole("observations n", own["n"], 1, 70),
        "mean": slider("mean", **_mean_traits(it, own["mean"])),
        "tau": slider("τ", **_sd_traits(it.tau)),
        "sigma": slider("σ", **_sd_traits(it.sigma)),
    }


def _of_group(data: str, group: str) -> dict:
    it = groups(data)
    k = it.names.index(group)
    return {"n": int(it.n[k]), "mean": float(round(it.means[k], 2))}


def _mean_traits(it: Groups, value: float) -> dict:
    low, high = it.means.min(), it.means.max()
    return {"value": value, "low": float(np.floor(low)), "high": float(np.ceil(high)), "step": 0.01}


def _sd_traits(value: float) -> dict:
    return {"value": round(value, 2), "low": 0.0, "high": float(np.ceil(3 * value)), "step": 0.01}


def _traits(given: dict) -> dict:
    """A slider's own names for what `slider` calls low and high; the range first, then the value."""
    return {"max": given["high"], "min": given["low"], "value": given["value"]}


def _when_data(values: dict) -> dict:
    it = groups(values["data"])
    shown = [it.names[k] for k in reversed(it.shown)]
    own = _of_group(values["data"], shown[1])
    return {
        "group": {"options": shown, "value": shown[1]},
        "tau": _traits(_sd_traits(it.tau)),
        "sigma": _traits(_sd_traits(it.sigma)),
        "n": {"value": own["n"]},
        "mean": _traits(_mean_traits(it, own["mean"])),
    }


def _when_group(values: dict) -> dict:
    if values["group"] not in groups(values["data"]).names:
        return {}
    return {name: {"value": value} for name, value in _of_group(values["data"], values["group"]).items()}


@cache
def presets() -> dict[str, Preset]:
    """Telling cases, with each data set's own τ and σ."""
    return {
        "alcohol": Preset(
            {"data": "alcohol"}, "189 countries, one to a few years each; 12 of them are shown."
        ),
        "sleepstudy": Preset({"data": "sleepstudy"}, "18 people, 10 days each; 12 of them are shown."),
        "mathachieve": Preset(
            {"data": "mathachieve"}, "160 schools of 14 to 67 pupils; 12 of them are shown."
        ),
        "one noisy observation": Preset(
            {"data": "mathachieve", "n": 1}, "The same, had only one pupil been tested."
        ),
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {"data": list(MODELS), "n": [1, 2, 3, 5, 8, 12, 20, 30, 47, 70], "tau": across(13)}


EXPLORATION = Exploration(
    title="How much is a group's own mean worth?",
    shows=(
        "Left: flat and multilevel means of twelve groups, with their numbers of observations, the chosen "
        "one shaded. Right: the weight λ of a group's own mean as a curve over its number of observations."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    follow={"data": _when_data, "group": _when_group},
    film=_film,
    film_to_try=(
        "Lower the chosen group's n to 1, then raise it: where does its estimate go? What do the others do?",
        "Raise τ from 0: which numbers in the formula change, and how far is the group pulled back?",
        "For which n is λ one half? Read it off the curve, then from τ and σ by the formula.",
    ),
    to_try=(
        "Lower the chosen group's n to 1, then raise it: where does its estimate go? What do the others do?",
        "Drag its mean far from the population's: does the share of the way that it is pulled back change?",
        "Change τ and σ by the same factor. Which number in the formula decides, then?",
    ),
)


def explore_weight(preset: str | None = None, **values) -> Explorer:
    """Change one group's size and mean, and see what the shrinkage weight makes of it.

    Parameters
    ----------
    preset
        `"alcohol"`, `"sleepstudy"`, `"mathachieve"` or `"one noisy observation"`.
    values
        Start values: `data`, `group`, `n`, `mean`, `tau`, `sigma`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_weight() -> Stills:
    """The exploration of the weight on paper: one school with fewer and more pupils."""
    it = groups("mathachieve")
    name = it.names[it.shown[-2]]
    common = {
        "data": "mathachieve",
        "group": name,
        "mean": _of_group("mathachieve", name)["mean"],
        "tau": round(it.tau, 2),
        "sigma": round(it.sigma, 2),
    }
    return stills(EXPLORATION, {count(n, "pupil"): {**common, "n": n} for n in (1, 5, 20, 60)})
