"""What does the prior do? A posterior drawn once, and reweighted at once as its priors move."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from joblib import Memory

from ..bayes import Posterior, Prior, brm, prior_table
from ..bayes.priors import default_priors
from ..datasets import load_data
from ..design import build_design
from ..errors import DataError, FitWarning
from ..formula import parse_formula
from ..models import lmer
from ..style import INK, MUTED, RULE, colour, tint
from .controls import Kept, buttons, press, slider, steps
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .paint import key_above, stepped
from .reweighting import POINTS, SCALES, Marginal, Scale, marginals, prior_density
from .reweighting import smooth as smooth
from .room import DRAWS

FORMULA = "Reaction ~ Days + (Days|Subject)"
ALL, FEW = 18, 5  # people
#: A run short enough to wait for; its draws are nearly independent.
SAMPLING: dict[str, Any] = {"chains": 2, "draws": 1000, "tune": 300, "progress": False}
#: Below so many equally weighted draws a curve is not to be read.
ENOUGH = 200


@dataclass(frozen=True)
class Chosen:
    """The priors that the sliders set; all others are the defaults.

    Attributes
    ----------
    tau, b, rho
        Of the slopes' SD τ₁, of the population slope b₁, of the correlation ρ.
    """

    tau: Prior
    b: Prior
    rho: Prior

    @property
    def priors(self) -> dict[tuple[str, ...], Prior]:
        """As `brm` takes them."""
        return {("sd", "Subject", "Days"): self.tau, ("b", "Days"): self.b, ("cor", "Subject"): self.rho}


@dataclass(frozen=True, eq=False)
class Quantity:
    """One parameter with all that is known of it.

    Attributes
    ----------
    prior
        (POINTS,) the chosen prior's density; NaN where it is flat.
    was, now
        The posterior under the default priors, and under the chosen ones.
    estimate
        `lmer`'s.
    """

    scale: Scale
    prior: np.ndarray
    was: Marginal
    now: Marginal
    estimate: float


@dataclass(frozen=True, eq=False)
class Influence:
    """The posterior under the chosen priors beside the one under the default ones.

    Attributes
    ----------
    people
        How many.
    quantities
        τ₁, b₁ and ρ.
    draws, ess
        How many draws there are, and how many equally weighted ones they are worth under the chosen priors.
    warning
        What the sampler had to say; empty where all is well.
    """

    people: int
    chosen: Chosen
    quantities: tuple[Quantity, ...]
    draws: int
    ess: float
    warning: str = ""

    @property
    def reliable(self) -> bool:
        """Whether enough draws are left to read the curves."""
        return self.ess >= ENOUGH


# ---- sampling ----------------------------------------------------------------------------------------------

#: The posteriors drawn so far, by (people, priors, seed): sampling takes seconds, everything else is quick.
_drawn: dict[tuple[int, Chosen, int], Posterior] = {}
#: The latest that are kept besides those under the default priors.
KEPT = 8


def drawn(people: int, chosen: Chosen, seed: int) -> Posterior:
    """The posterior under these priors, sampled when it is first asked for."""
    key = (people, chosen, seed)
    if key not in _drawn:
        first = (chosen, seed) == (default(), 0)
        _drawn[key] = _shelf().cache(_sample)(people) if first else _sample(people, chosen, seed)
        for old in [old for old in _drawn if old[1:] != (default(), 0)][:-KEPT]:
            del _drawn[old]
    return _drawn[key]


def prepare() -> None:
    """Draw what every visitor of a server begins with, before anyone asks for it."""
    for people in (ALL, FEW):
        drawn(people, default(), 0)


def _shelf() -> Memory:
    """Where a server keeps the draws that all its visitors begin with; nowhere by default."""
    return Memory(os.environ.get(DRAWS), verbose=0)


def _sample(people: int, chosen: Chosen | None = None, seed: int = 0) -> Posterior:
    priors = (chosen or default()).priors
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # said in words beside the picture
        return brm(FORMULA, _sleepers(people), priors=priors, seed=1 + seed, **SAMPLING)


@cache
def _sleepers(people: int):
    """The sleep study's first so many people."""
    data = load_data("sleepstudy")
    return data[data["Subject"].isin(sorted(data["Subject"].unique())[:people])]


@cache
def _estimates(people: int) -> tuple[float, float, float]:
    """What `lmer` estimates for τ₁, b₁ and ρ."""
    fit = lmer(FORMULA, _sleepers(people))
    _, tau, rho, _ = fit.varcorr.sdcor
    return float(tau), float(fit.fixef["Days"]), float(rho)


@cache
def _default_scale() -> float:
    """The scale of brms's half t prior for SDs: 59.3 ms for all 18 people."""
    design = build_design(parse_formula(FORMULA), _sleepers(ALL))
    return default_priors(design)["sd"].args[-1]


# ---- reweighting -------------------------------------------------------------------------------------------


def choose(shape: str, scale: float, centre: float, width: float, eta: float) -> Chosen:
    """The priors that the controls stand for; an infinite width is a flat prior of b₁."""
    tau = {
        "half t": Prior("student_t", (3.0, 0.0, scale)),
        "half normal": Prior("normal", (0.0, scale)),
        "exponential": Prior("exponential", (1 / scale,)),
    }
    b = Prior("normal", (centre, width)) if np.isfinite(width) else Prior("flat")
    return Chosen(tau[shape], b, Prior("lkj", (eta,)))


def compute(
    people: int = ALL,
    shape: str = "half t",
    scale: float | None = None,
    centre: float = 0.0,
    width: float = np.inf,
    eta: float = 1.0,
    again: int = 0,
    sampled: tuple[Chosen, int] | None = None,
) -> Influence:
    """The posterior under the chosen priors, from draws that were made under others.

    Parameters
    ----------
    people
        18 or 5.
    shape, scale
        The prior of τ₁: "half t" (3 degrees of freedom), "half normal" or "exponential" (`scale` its mean).
    centre, width
        Mean and SD of b₁'s normal prior; an infinite SD makes it flat.
    eta
        Of ρ's LKJ prior.
    sampled
        The priors and the seed of the draws to reweight; None for the default priors.
    """
    chosen = choose(shape, scale or _default_scale(), centre, width, eta)
    first, base = drawn(people, default(), 0), drawn(people, *(sampled or (default(), 0)))
    was, now = _as_sampled(first), marginals(base, chosen.priors)
    quantities = tuple(
        Quantity(scale, prior_density(prior, scale), was[k], now[k], _estimates(people)[k])
        for k, (scale, prior) in enumerate(zip(SCALES, chosen.priors.values(), strict=True))
    )
    return Influence(people, chosen, quantities, base.n_draws, now[0].ess, " ".join(base.messages))


def default() -> Chosen:
    """brms's default priors."""
    return choose("half t", _default_scale(), 0.0, np.inf, 1.0)


@cache
def _as_sampled(posterior: Posterior) -> tuple[Marginal, ...]:
    return marginals(posterior, posterior.priors.chosen)


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """τ₁, b₁ and ρ side by side."""
    grid = figure.add_gridspec(
        1, 3, width_ratios=(1.25, 1.25, 1), left=0.03, right=0.985, bottom=0.155, top=0.81, wspace=0.1
    )
    axes = tuple(figure.add_subplot(cell) for cell in grid)
    for ax in axes:
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.locator_params(axis="x", nbins=6)
    return axes


def draw(axes, it: Influence) -> None:
    """Paint prior, first posterior and the one under the chosen prior for each quantity."""
    for ax, quantity in zip(axes, it.quantities, strict=True):
        _draw_quantity(ax, quantity, it.reliable)
    key_above(axes[0], 4)
    axes[0].get_legend().set_bbox_to_anchor((-0.02, 1.085))


def _draw_quantity(ax, it: Quantity, reliable: bool) -> None:
    x, highest = it.scale.x, stepped(1.08 * max(it.was.density.max(), it.now.density.max()))
    flat, red = np.isnan(it.prior).all(), colour("population")
    blue = colour("group") if reliable else tint(colour("group"), 0.5)
    prior = np.full(POINTS, 0.06 * highest) if flat else it.prior
    ax.fill_between(x, 0, it.was.density, color=RULE, lw=0, label="posterior, default priors")
    ax.plot(x, prior, color=INK, ls=(0, (4, 2.5)), lw=1.6, label="chosen prior")
    ax.plot(x, it.now.density, color=blue, lw=2.6 if reliable else 1.4, label="its posterior")
    ax.plot([it.estimate] * 2, [0, highest], color=red, lw=1.5, label="lmer's estimate")
    ax.plot([it.estimate], [0], marker="D", ms=8, color=red, clip_on=False, zorder=5)
    if flat:
        ax.text(x[3], 0.08 * highest, "flat", color=MUTED, va="bottom")
    ax.set(xlim=it.scale.ends, ylim=(0, highest), xlabel=it.scale.label)
    title = f"mean {it.was.told[0]}, now {it.now.told[0]}" if reliable else "too few draws"
    ax.set_title(f"{it.scale.symbol}: {title}", loc="right", color=blue if reliable else red)


def describe(it: Influence) -> str:
    """The priors, what they do to τ₁ and b₁, and whether the draws suffice to say so."""
    chosen = it.chosen
    slope = "flat" if chosen.b.is_flat else "normal, mean {:g}, SD {:g}".format(*chosen.b.args)
    rho = f"LKJ, η {chosen.rho.args[0]:g}"
    start = f"{it.people} people. Priors: τ₁ {_of_sd(chosen.tau)}; b₁ {slope}; ρ {rho}."
    return " ".join(filter(None, [start, _moved(it) if it.reliable else "", _worth(it), it.warning]))


def _of_sd(prior: Prior) -> str:
    """A prior of an SD as the controls name it: half of a normal or t distribution, or an exponential by its mean."""
    if prior.name == "exponential":
        return f"exponential, mean {1 / prior.args[0]:.3g}"
    return f"half {'t' if prior.name == 'student_t' else prior.name}, scale {prior.args[-1]:.3g}"


def _moved(it: Influence) -> str:
    parts = []
    for quantity in it.quantities[:2]:
        (mean, *ends), (was, *were) = quantity.now.told, quantity.was.told
        compared = "" if it.chosen == default() else f" (default priors: {was}, {' to '.join(were)})"
        parts.append(f"{quantity.scale.symbol}: mean {mean}, 95% {' to '.join(ends)}{compared}")
    return f"{'; '.join(parts)}."


def _worth(it: Influence) -> str:
    if it.ess > 0.995 * it.draws:
        return f"All {it.draws} draws count alike."
    worth = f"{float(f'{it.ess:.2g}'):.0f}"
    if it.reliable:
        return f"The {it.draws} draws, reweighted, are worth about {worth}."
    return (
        f"The {it.draws} draws are worth only about {worth}: hardly one lies where this prior wants them. It "
        "is too far from the one they were drawn under: do not read the pale curves, press “sample again”."
    )


# ---- controls ----------------------------------------------------------------------------------------------

SHAPES = ("half t", "half normal", "exponential")
SIZES = (0.5, 0.7, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 80, 100, 150, 200)
WIDTHS = (1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, np.inf)


def _controls() -> dict:
    scales = [(f"{scale:g}", float(scale)) for scale in sorted((*SIZES, _default_scale()))]
    widths = [(f"{width:g}" if np.isfinite(width) else "∞: flat", width) for width in WIDTHS]
    return {
        "people": buttons("people", (ALL, FEW), ALL, "All, or the first five"),
        "shape": buttons("τ₁: prior", SHAPES, SHAPES[0]),
        "scale": steps("τ₁: its scale", scales, _default_scale(), "Scale of the prior of τ₁, ms per day"),
        "width": steps("b₁: SD of its prior", widths, np.inf, "SD of the normal prior of b₁; infinite: flat"),
        "centre": slider(
            "b₁: its mean", 0.0, -20, 30, 0.5, "Mean of the normal prior of b₁, ms per day", disabled=True
        ),
        "eta": slider("ρ: η of its prior", 1.0, 0.5, 12, 0.1, "η of the LKJ prior of ρ; 1: uniform"),
        "again": press("sample again", "Draw anew under the priors as they are: takes some seconds"),
        "sampled": Kept(None),
    }


def _now(values: dict) -> Chosen:
    return choose(*(values[name] for name in ("shape", "scale", "centre", "width", "eta")))


def _when_again(values: dict) -> dict:
    return {"sampled": {"value": (_now(values), values["again"])}}


def _when_width(values: dict) -> dict:
    """A flat prior has no mean to move."""
    return {"centre": {"disabled": not np.isfinite(values["width"])}}


def _when_people(values: dict) -> dict:
    return {"sampled": {"value": None}}


@cache
def presets() -> dict[str, Preset]:
    """Many and few people, under priors that say little, insist, or contradict the data."""
    start = {
        "people": ALL,
        "shape": "half t",
        "scale": _default_scale(),
        "centre": 0.0,
        "width": np.inf,
        "eta": 1.0,
        "sampled": None,
    }
    return {
        "default priors": Preset(start),
        "insisting": Preset(
            {**start, "shape": "half normal", "scale": 2.0}, "A prior that insists on small τ₁."
        ),
        "five people": Preset({**start, "people": FEW}, "The first five people, default priors."),
        "five, insisting": Preset(
            {**start, "people": FEW, "shape": "half normal", "scale": 5.0}, "Five people, a narrower prior."
        ),
        "too far": Preset({**start, "width": 2.0}, "A prior that puts the population slope near 0."),
    }


def at_work(values: dict) -> str:
    """What to say while these values' posterior is sampled; nothing where its draws are there."""
    people, sampled = values["people"], values["sampled"]
    if (people, *(sampled or (default(), 0))) in _drawn:
        return ""
    return f"Sampling the posterior of {people} people. This takes some seconds …"


def _film() -> dict:
    """The settings that the film shows."""
    scales = sorted([1.0, 2.0, 4.0, 8.0, 15.0, 30.0, _default_scale(), 150.0])
    return {"people": [ALL, FEW], "shape": list(SHAPES), "scale": scales, "width": [np.inf, 5, 2]}


EXPLORATION = Exploration(
    title="What does the prior do?",
    shows=(
        "Three panels: the SD of slopes τ₁, the population slope b₁ and the correlation ρ. In each the "
        "chosen prior (dashed), the posterior under the default priors (grey area), the one under the chosen "
        "priors (blue line) and lmer's estimate (red line with a diamond)."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    follow={"people": _when_people, "again": _when_again, "width": _when_width},
    at_work=at_work,
    film=_film,
    film_to_try=(
        "Half normal prior, 18 people: how small must its scale be before τ₁ gives way? Now the same with 5.",
        "Give b₁ an SD of 5 around 0, then of 2: where does b₁ go, and what does τ₁ do? Why that?",
        "For which priors are the draws worth too little, and what would have to be done then?",
    ),
    to_try=(
        "Half normal prior, 18 people: how small must its scale be before τ₁ gives way? Now the same with 5.",
        "Give b₁ an SD of 5 around 0, then of 2: where does b₁ go, and what does τ₁ do? Why that?",
        "Go on until the draws are worth too little, and sample again: is what you saw before still true?",
    ),
)


def explore_prior(preset: str | None = None, posterior: Posterior | None = None, **values) -> Explorer:
    """Move the priors of the sleep study's model, and see what becomes of its posterior.

    The first picture takes a few seconds, for its posterior is sampled; after that the draws are reweighted.

    Parameters
    ----------
    preset
        `"default priors"`, `"insisting"`, `"five people"`, `"five, insisting"` or `"too far"`.
    posterior
        Draws of your own to begin with, from `brm("Reaction ~ Days + (Days|Subject)", sleep)` under the
        default priors: nothing is sampled for the first picture then.
    values
        Start values: `people` (18 or 5), `shape`, `scale` (of τ₁'s prior), `width`, `centre` (SD and mean of
        b₁'s prior), `eta` (of ρ's).

    Raises
    ------
    DataError
        If the posterior is of another model, of other data, or under other priors.
    """
    if posterior is not None:
        _take(posterior)
    return Explorer(EXPLORATION, preset, **values)


def show_prior(posterior: Posterior | None = None) -> Stills:
    """The exploration of priors on paper: 18 people and 5, a broad prior of τ₁ and a narrower one."""
    weak = ("τ₁ exponential, mean 10 ms per day", {"shape": "exponential", "scale": 10.0})
    strong = ("τ₁ half normal, scale 5 ms per day", {"shape": "half normal", "scale": 5.0})
    settings = {
        f"{people} people, {name}": {"people": people, **values}
        for people in (ALL, FEW)
        for name, values in (weak, strong)
    }
    if posterior is not None:
        _take(posterior)
    return stills(EXPLORATION, settings)


def _take(posterior: Posterior) -> None:
    """Let someone's own draws stand for those of all people under the default priors, if they are that."""
    people = _sleepers(ALL)
    same_model = list(posterior.prior["prior"]) == list(prior_table(FORMULA, people)["prior"])
    if not (same_model and np.array_equal(posterior.design.y, people["Reaction"])):
        raise DataError(
            f"This exploration begins with draws from brm({FORMULA!r}, sleep) under the default priors, "
            "sleep being all 180 rows of sleepstudy; this posterior is another."
        )
    _drawn[ALL, default(), 0] = posterior
