"""Who leaves, and what it does to the answer: values deleted on purpose, and five estimates of a mean that is known."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from ..errors import FitWarning
from ..models import lmer
from ..style import INK, MUTED, colour, tint
from ..words import number
from .controls import choice, press, slider, whole
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .paint import key_above

MONTHS = np.array([0.0, 2.0, 3.0, 5.0, 8.0])
B0, SLOPE, TAU0, TAU1, SIGMA = 23.0, -1.2, 9.0, 0.9, 5.0
SHOWN, STUDIES = 40, 12
MECHANISMS = {
    "by chance (MCAR)": "chance",
    "by the last score (MAR)": "last",
    "by this score (MNAR)": "this",
    "by one's own slope (MNAR)": "slope",
}
WAYS = ("available", "completers", "last carried on", "multilevel", "within persons")


@dataclass(frozen=True, eq=False)
class Dropout:
    """Simulated people, some of whom leave.

    Attributes
    ----------
    y
        (J, months) all scores, those that were lost too.
    seen
        (J, months) which of them were seen; who leaves does not come back.
    estimates
        (STUDIES, ways) the estimates of the mean at the last month, in this study (the first) and in others like it.
    """

    y: np.ndarray
    seen: np.ndarray
    estimates: np.ndarray
    mechanism: str
    strength: float = 1.5

    @property
    def truth(self) -> float:
        """The mean at the last month that everybody would have had."""
        return B0 + SLOPE * MONTHS[-1]

    @property
    def kept(self) -> float:
        return float(self.seen.mean())


def compute(mechanism: str = "last", strength: float = 1.5, J: int = 60, sample: int = 0) -> Dropout:
    """People whose scores fall by 1.2 a month on average; who leaves depends on the mechanism."""
    studies = [_study(mechanism, strength, J, sample * STUDIES + k) for k in range(STUDIES)]
    estimates = np.array([_estimates(y, seen) for y, seen in studies])
    return Dropout(*studies[0], estimates, mechanism, strength)


def _study(mechanism: str, strength: float, J: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    z, slopes, e, u = (part[:J] for part in _draws(seed))
    own = SLOPE + TAU1 * slopes
    y = B0 + TAU0 * z[:, None] + own[:, None] * MONTHS + SIGMA * e
    seen = np.ones(y.shape, dtype=bool)
    for k in range(1, len(MONTHS)):
        drive = {
            "chance": np.zeros(J),
            "last": (y[:, k - 1] - (B0 + SLOPE * MONTHS[k - 1])) / 10,
            "this": (y[:, k] - (B0 + SLOPE * MONTHS[k])) / 10,
            "slope": (own - SLOPE) / TAU1,
        }[mechanism]
        leaves = u[:, k] < 1 / (1 + np.exp(1.4 - strength * drive))
        seen[:, k] = seen[:, k - 1] & ~leaves
    return y, seen


@cache
def _draws(seed: int):
    # From 377 on, the means of the first studies lie near the truth when nobody leaves.
    rng = np.random.default_rng(377 + seed)
    size = 200
    shape = (size, len(MONTHS))
    return (
        rng.standard_normal(size),
        rng.standard_normal(size),
        rng.standard_normal(shape),
        rng.uniform(size=shape),
    )


def _estimates(y: np.ndarray, seen: np.ndarray) -> list[float]:
    """The mean at the last month, five ways."""
    whole = seen.all(axis=1)
    last = y[np.arange(len(y)), seen.sum(axis=1) - 1]
    rows, columns = np.nonzero(seen)
    values, months = y[seen], MONTHS[columns]
    line = np.polyfit(months, values, 1)
    return [
        float(np.polyval(line, MONTHS[-1])),
        float(y[whole, -1].mean()) if whole.any() else np.nan,
        float(last.mean()),
        _multilevel(rows, months, values),
        _within(rows, months, values),
    ]


def _multilevel(person: np.ndarray, month: np.ndarray, y: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fit = lmer(
            "y ~ month + (month|person)", pd.DataFrame({"person": person, "month": month, "y": y}), reml=False
        )
    return float(fit.fixef["Intercept"] + fit.fixef["month"] * MONTHS[-1])


def _within(person: np.ndarray, month: np.ndarray, y: np.ndarray) -> float:
    """The slope within persons, from everybody's mean at the start (nobody has left then)."""
    counts = np.bincount(person)
    centred = month - (np.bincount(person, month) / counts)[person]
    slope = centred @ y / (centred @ centred)
    return float(y[month == 0].mean() + slope * MONTHS[-1])


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """People's scores, and the estimates of the mean at the end."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1.15, 1), left=0.1, right=0.98, bottom=0.15, top=0.86, wspace=0.48
    )
    return tuple(figure.add_subplot(cell) for cell in grid)


def draw(axes, it: Dropout) -> None:
    """Paint the lines, lost parts in grey, and a row of estimates for each way."""
    people, ways = axes
    for y, seen in zip(it.y[:SHOWN], it.seen[:SHOWN], strict=True):
        n = seen.sum()
        people.plot(MONTHS[n - 1 :], y[n - 1 :], color=tint(MUTED, 0.35), lw=0.9, ls=":")
        people.plot(MONTHS[:n], y[:n], color=tint(colour("group"), 0.25), lw=0.9)
        people.plot(MONTHS[n - 1 : n], y[n - 1 : n], marker="o", ms=3, color=colour("group"))
    people.plot(MONTHS, B0 + SLOPE * MONTHS, color=colour("population"), lw=3, label="truth")
    mean = [it.y[it.seen[:, k], k].mean() for k in range(len(MONTHS))]
    people.plot(MONTHS, mean, color=INK, lw=2, ls="--", marker="s", ms=4, label="mean seen")
    people.set(xlim=(-0.3, 8.3), ylim=(-20, 60), xlabel="month", ylabel="score")
    key_above(people, 2)
    _draw_ways(ways, it)


def _draw_ways(ax, it: Dropout) -> None:
    rows = np.arange(len(WAYS))[::-1]
    ax.axvline(it.truth, color=colour("population"), lw=2)
    for k, row in enumerate(rows):
        own = it.estimates[:, k]
        ax.plot(
            own[1:],
            row + np.linspace(-0.22, 0.22, STUDIES - 1),
            ls="",
            marker="o",
            ms=3,
            color=tint(colour("group"), 0.45),
        )
        ax.plot([own[0]], [row], marker="o", ms=9, color=colour("group"))
        ax.plot([np.nanmean(own)] * 2, [row - 0.35, row + 0.35], color=INK, lw=2)
    ax.set_yticks(rows, WAYS)
    ax.set(xlim=(-7, 28), ylim=(-0.6, len(WAYS) - 0.4), xlabel="mean at month 8")
    ax.set_title(f"{it.kept:.0%} of scores seen", fontsize="medium")


def describe(it: Dropout) -> str:
    """What was lost, and how far each estimate is off on average."""
    off = np.nanmean(it.estimates, axis=0) - it.truth
    words = ", ".join(f"{way} {number(value, 2)}" for way, value in zip(WAYS, off, strict=True))
    name = next(name for name, key in MECHANISMS.items() if key == it.mechanism)
    if it.mechanism == "chance":
        name += ", at any strength"
    elif it.strength == 0:
        name += ", which does not matter at strength 0: by chance"
    return (
        f"People leave {name}; {it.kept:.0%} of the scores are seen. The true mean at month 8 is {it.truth:.1f}. Over {STUDIES} "
        f"studies the estimates are off by: {words}."
    )


# ---- controls ----------------------------------------------------------------------------------------------


def _controls() -> dict:
    return {
        "mechanism": choice("who leaves", list(MECHANISMS.items()), "last"),
        "strength": slider("how strongly it matters", 1.5, 0, 3, 0.1),
        "J": whole("people J", 60, 20, 200),
        "sample": press("new people", "Draw other studies"),
    }


def _when_mechanism(values: dict) -> dict:
    """By chance people leave as often at any strength."""
    return {"strength": {"disabled": values["mechanism"] == "chance"}}


@cache
def presets() -> dict[str, Preset]:
    """Each of the four mechanisms."""
    notes = {
        "chance": "Nobody's leaving says anything: yet one of the five is off.",
        "last": "Who was ill at the last visit stays away from the next.",
        "this": "Who is ill today stays away today: the score that would tell is the one that is missing.",
        "slope": "Who gets no better leaves.",
    }
    names = ("MCAR", "MAR", "MNAR, this score", "MNAR, own slope")
    return {
        name: Preset({"mechanism": key, "strength": 1.5}, notes[key])
        for name, key in zip(names, notes, strict=True)
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {
        "mechanism": list(MECHANISMS.values()),
        "strength": [0.0, 0.5, 1.0, 1.5, 2.0, 3.0],
        "J": [40, 100],
    }


EXPLORATION = Exploration(
    title="Who leaves?",
    shows=(
        "Left: the scores of 40 people, what was lost in dotted grey, the true mean and the mean of those still seen. "
        "Right: five estimates of the mean at the last month, for this study (large dot) and eleven like it, and the truth."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    follow={"mechanism": _when_mechanism},
    to_try=(
        "Let people leave by chance. Which of the five estimates is off even then, and why?",
        "By the last score: which one is right, although it has seen no more than the others?",
        "By this score: is any of them right? What would one have to know?",
    ),
)


def explore_dropout(preset: str | None = None, **values) -> Explorer:
    """Delete values on purpose, and see which estimates survive it.

    Parameters
    ----------
    preset
        `"MCAR"`, `"MAR"`, `"MNAR, this score"` or `"MNAR, own slope"`.
    values
        Start values: `mechanism`, `strength`, `J`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_dropout() -> Stills:
    """The exploration of dropout on paper: the four mechanisms."""
    return stills(EXPLORATION, {name: presets()[name].values for name in presets()})
