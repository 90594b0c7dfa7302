"""When does shrinkage lose? The error of flat, partial and complete pooling where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from scipy.stats import chi2

from ..style import INK, PAPER, RULE, colour
from ..words import number
from .controls import press, slider, whole
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import every
from .paint import cloud, key_above, points, stepped

STUDIES, MOST_GROUPS = 400, 40
WAYS = ("flat", "multilevel", "pooled")
NAMES = ("flat", "multilevel", "complete")


@dataclass(frozen=True, eq=False)
class Losses:
    """Simulated studies: the truth, three estimates of it, and their errors.

    Attributes
    ----------
    truth
        (STUDIES, J) the groups' means.
    estimates
        (3, STUDIES, J) flat, multilevel (REML) and completely pooled.
    apart
        How far one group, the last, was set from the population mean 0; 0 for not at all.
    """

    truth: np.ndarray
    estimates: np.ndarray
    apart: float
    tau: float
    sigma: float
    n: int

    @property
    def errors(self) -> np.ndarray:
        """(3, STUDIES) each study's root mean squared error over its groups."""
        return np.sqrt(np.mean((self.estimates - self.truth) ** 2, axis=2))

    @property
    def errors_apart(self) -> np.ndarray:
        """(3, STUDIES) the absolute error for the group set apart."""
        return np.abs(self.estimates - self.truth)[:, :, -1]


def compute(
    J: int = 12, n: int = 5, tau: float = 1.0, sigma: float = 2.0, apart: float = 0.0, sample: int = 0
) -> Losses:
    """STUDIES studies of J groups of n; with `apart`, the last group's mean is set to that value."""
    z, e, u = _draws(sample)
    truth = tau * z[:, :J]
    if apart > 0:
        truth[:, -1] = apart
    flat = truth + sigma / np.sqrt(n) * e[:, :J]
    within = sigma**2 * chi2.ppf(u, J * (n - 1)) / (J * (n - 1))
    pooled = np.broadcast_to(flat.mean(axis=1, keepdims=True), flat.shape)
    multilevel = pooled + reml_weight(flat, within, n)[:, None] * (flat - pooled)
    return Losses(truth, np.stack([flat, multilevel, pooled]), apart, tau, sigma, n)


def reml_weight(means: np.ndarray, within: np.ndarray, n: int) -> np.ndarray:
    """λ̂ = τ̂²/(τ̂² + σ̂²/n) by REML, for each study; in closed form, since all groups have n observations.

    Parameters
    ----------
    means
        (studies, J) the groups' means.
    within
        (studies,) the mean square within groups.

    References
    ----------
    Searle, Casella & McCulloch (1992). Variance Components, section 3.8: τ̂² = max(0, (MSB − MSW)/n).
    """
    between = n * means.var(axis=1, ddof=1)
    return np.maximum(0.0, 1.0 - within / between)


@lru_cache(maxsize=8)
def _draws(sample: int):
    rng = np.random.default_rng(7 + sample)
    size = (STUDIES, MOST_GROUPS)
    return rng.standard_normal(size), rng.standard_normal(size), rng.uniform(size=STUDIES)


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """One study on the left, the errors in all studies on the right."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1.15, 1), left=0.08, right=0.985, bottom=0.2, top=0.86, wspace=0.2
    )
    study, errors = (figure.add_subplot(cell) for cell in grid)
    study.locator_params(axis="x", nbins=8, integer=True)
    for ax in (study, errors):
        ax.locator_params(axis="y", nbins=6)
    return study, errors


def draw(axes, it: Losses) -> None:
    """Paint the first study, and the errors in all of them."""
    _draw_study(axes[0], it)
    _draw_errors(axes[1], it)


def _draw_study(ax, it: Losses) -> None:
    x = np.arange(1, it.truth.shape[1] + 1)
    flat, multilevel, pooled = it.estimates[:, 0]
    ax.axhline(pooled[0], color=colour("pooled"), ls="-.", lw=1.5)
    ax.hlines(it.truth[0], x - 0.38, x + 0.38, color=INK, lw=2.5, label="truth")
    ax.vlines(x, flat, multilevel, color=colour("multilevel"), lw=1)
    ax.plot(x, flat, **points("flat", 6), label="flat")
    ax.plot(x, multilevel, **points("multilevel", 6), label="multilevel")
    reach = stepped(max(3 * np.hypot(it.tau, it.sigma / np.sqrt(it.n)), 1.1 * it.apart))
    ax.set(xlim=(0.2, stepped(len(x)) + 0.8), ylim=(-reach, reach))
    ax.set(xlabel="group $j$ of the first study", ylabel="mean of the group")
    key_above(ax, 3)


def _draw_errors(ax, it: Losses) -> None:
    """A dot a study, its place within the column by its number; a bar at the mean."""
    spread = np.linspace(-0.3, 0.3, STUDIES)
    parts = [(it.errors, 0, "all groups")]
    parts += [(it.errors_apart, 4, "the group apart")] if it.apart > 0 else []
    top = stepped(max(1.1 * float(np.quantile(part, 0.995)) for part, _, _ in parts))
    for errors, start, name in parts:
        for k, way in enumerate(WAYS):
            ax.plot(start + k + spread, errors[k], **cloud(2, 0.35, way))
            rms = np.sqrt(np.mean(errors[k] ** 2))
            ax.hlines([rms], start + k - 0.4, start + k + 0.4, color=colour(way), lw=3)
            box = {"facecolor": PAPER, "alpha": 0.75, "pad": 0.8, "lw": 0}
            above = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center", "va": "bottom"}
            ax.annotate(number(rms, 2), (start + k, rms), **above, color=INK, bbox=box)
        ax.text(start + 1, top, name, ha="center", va="top")
    ax.axvline(3, color=RULE, lw=1)
    ax.set_xticks(range(7), [*NAMES, "", *NAMES], rotation=30, ha="right", rotation_mode="anchor")
    ax.set(xlim=(-0.6, 6.6 if it.apart > 0 else 2.6), ylim=(0, top), ylabel="RMS error of a study")
    ax.set_title(f"errors of {STUDIES} studies")


def describe(it: Losses) -> str:
    """Who wins, and how often."""
    rms = np.sqrt(np.mean(it.errors**2, axis=1))
    wins = np.mean(it.errors[1] < it.errors[0])
    text = (
        f"In {STUDIES} simulated studies of {it.truth.shape[1]} groups of {it.n}, the root mean squared "
        f"error is {number(rms[0])} flat, {number(rms[1])} multilevel and {number(rms[2])} completely "
        f"pooled. Multilevel beats flat in {wins:.0%} of them."
    )
    if it.apart == 0:
        return text
    apart = np.sqrt(np.mean(it.errors_apart**2, axis=1))
    lost = np.mean(it.errors_apart[1] > it.errors_apart[0])
    return (
        f"{text} For the group set apart the errors are {number(apart[0])} flat and {number(apart[1])} "
        f"multilevel: there shrinkage loses in {lost:.0%}."
    )


# ---- controls ----------------------------------------------------------------------------------------------


def _controls() -> dict:
    return {
        "tau": slider("τ between groups", 1.0, 0, 4, 0.05),
        "sigma": slider("σ within groups", 2.0, 0.1, 6, 0.1),
        "J": whole("groups J", 12, 3, MOST_GROUPS),
        "n": whole("members n", 5, 2, 40),
        "apart": slider(
            "one group set apart", 0.0, 0, 10, 0.1, "The last group's true mean; 0 draws it like the others"
        ),
        "sample": press("new studies", "Draw other standardised numbers"),
    }


@cache
def presets() -> dict[str, Preset]:
    """Where shrinkage wins, and where it does not."""
    start = {"J": 12, "n": 5, "tau": 1.0, "sigma": 2.0, "apart": 0.0}
    return {
        "typical": Preset(start, "Groups that differ about as much as their means are uncertain."),
        "an outlier": Preset(
            {**start, "apart": 6.0}, "One group is not a draw from the population of the others."
        ),
        "three groups": Preset({**start, "J": 3}, "With three groups, τ is hardly known."),
        "large groups": Preset({**start, "n": 40, "tau": 2.0}, "Each group says enough by itself."),
        "no difference": Preset({**start, "tau": 0.0}, "All groups have the same mean."),
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {"tau": every(0, 4, 0.5), "sigma": every(0.5, 5, 0.5), "apart": [0.0, 3.0, 6.0]}


EXPLORATION = Exploration(
    title="When does shrinkage lose?",
    shows=(
        "Left: one simulated study, each group's true mean with its flat and its multilevel estimate. Right: "
        "the error of flat, multilevel and complete pooling, a dot a study and a bar at the root mean square."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    film_to_try=(
        "Set one group apart, further and further. Who pays for it: that group, or the others, too?",
        "Put τ on 0, then on 4: which of the three ways is best at either end, and by how much?",
        "Where are flat and multilevel equally good? What has λ to be there?",
    ),
    to_try=(
        "Set one group apart, further and further. Who pays for it: that group, or the others, too?",
        "Go down to J = 3 groups. Does multilevel still beat flat, and how often?",
        "Find τ and n where flat and multilevel are equally good. What is λ there?",
    ),
)


def explore_loss(preset: str | None = None, **values) -> Explorer:
    """Simulate studies whose truth is known, and see where partial pooling wins and where it loses.

    Parameters
    ----------
    preset
        `"typical"`, `"an outlier"`, `"three groups"`, `"large groups"` or `"no difference"`.
    values
        Start values: `J`, `n`, `tau`, `sigma`, `apart`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_loss() -> Stills:
    """The exploration of losses on paper: four kinds of study."""
    names = {
        "typical": "typical: τ = 1, σ = 2, n = 5",
        "an outlier": "an outlier, set apart by 6",
        "three groups": "three groups",
        "large groups": "large groups: τ = 2, n = 40",
    }
    return stills(EXPLORATION, {text: presets()[name].values for name, text in names.items()})
