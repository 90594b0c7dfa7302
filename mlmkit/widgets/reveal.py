"""Predict, then reveal: place a group's multilevel estimate before it is shown, and be scored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.ticker import MaxNLocator
from scipy.special import expit

from ..datasets import load_data
from ..models import glmer, lmer
from ..style import INK, LINES, PAPER, colour
from ..words import count, number
from .controls import Kept, press, slider, tick
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import across
from .paint import cloud, points

MODELS = {
    "mathachieve": ("mathach ~ 1 + (1|school)", "school", "school", "mean score in mathematics"),
    "alcohol": ("alcohol ~ 1 + (1|country)", "country", "country", "mean consumption, litres a year"),
    "sleepstudy": ("Reaction ~ 1 + (1|Subject)", "Subject", "subject", "mean reaction time, ms"),
    "rats": ("cbind(m, n - m) ~ 1 + (1|batch)", "batch", "batch", "probability of a tumour"),
}


@dataclass(frozen=True, eq=False)
class Answers:
    """Every group of a data set, with the estimates that are to be guessed.

    Attributes
    ----------
    names, n, flat, multilevel
        (J,) the groups, their numbers of observations and both estimates.
    error
        (J,) the flat estimates' standard errors.
    b, tau
        The fit's; for rats b is a probability.
    spread_of
        What τ is the SD of, where it is not the unit's: `" of the log odds"`.
    order
        The groups in the order of the questions.
    """

    noun: str
    unit: str
    names: tuple[str, ...]
    n: np.ndarray
    flat: np.ndarray
    multilevel: np.ndarray
    error: np.ndarray
    b: float
    tau: float
    spread_of: str
    order: np.ndarray


@dataclass(frozen=True, eq=False)
class Question:
    """One group: what is shown of it, the learner's guess, and the answer if it is revealed.

    Attributes
    ----------
    group
        Position of the group among the answers'.
    revealed
        Whether the picture shows the answer.
    misses
        The miss at each turn that was revealed, this one included, as a share of the way from flat to b.
    """

    answers: Answers
    group: int
    guess: float
    revealed: bool
    misses: dict[int, float]

    @property
    def truth(self) -> float:
        """The group's multilevel estimate."""
        return float(self.answers.multilevel[self.group])

    @property
    def miss(self) -> float:
        """How far the guess is off, as a share of the way from the flat estimate to b."""
        way = abs(self.answers.flat[self.group] - self.answers.b)
        return abs(self.guess - self.truth) / way


def compute(data: str, turn: int, guess: float, revealed: bool, misses: tuple = ()) -> Question:
    """The question at a turn, and how good the guess is; `misses` holds (turn, miss) of the turns before."""
    it = answers(data)
    return Question(it, int(it.order[turn % len(it.order)]), guess, revealed, dict(misses))


@cache
def answers(data: str) -> Answers:
    """The groups of one data set as questions."""
    formula, group, noun, unit = MODELS[data]
    frame = load_data(data)
    (n, flat, error), multilevel, b, tau = (_binomial if data == "rats" else _gaussian)(formula, group, frame)
    names = tuple(map(str, multilevel.index))
    multilevel = multilevel.to_numpy()
    # A group near b has no way to go: leave it out, and ask the others in an order that mixes large with
    # small.
    far = np.flatnonzero(np.abs(flat - b) > 0.3 * np.std(flat))
    order = np.random.default_rng(3).permutation(far)
    spread_of = " of the log odds" if data == "rats" else ""
    return Answers(noun, unit, names, n, flat, multilevel, error, b, tau, spread_of, order)


def _gaussian(formula: str, group: str, frame):
    fit = lmer(formula, frame)
    by = frame.groupby(group, observed=True)[fit.spec.response.expr]
    n, b = by.size().to_numpy(), float(fit.fixef.iloc[0])
    flat = (n, by.mean().to_numpy(), fit.sigma / np.sqrt(n))
    return flat, fit.coef[group]["Intercept"], b, float(fit.varcorr.sdcor[0])


def _binomial(formula: str, group: str, frame):
    fit = glmer(formula, frame)
    frame = frame.set_index(group).loc[fit.coef[group].index]
    p, b = (frame.m / frame.n).to_numpy(), float(expit(fit.fixef.iloc[0]))
    flat = (frame.n.to_numpy(), p, np.sqrt(b * (1 - b) / frame.n.to_numpy()))
    return flat, expit(fit.coef[group]["Intercept"]), b, float(fit.varcorr.sdcor[0])


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """One wide axis for the question, one for the misses so far."""
    grid = figure.add_gridspec(
        1, 2, width_ratios=(2.6, 1), left=0.04, right=0.98, bottom=0.17, top=0.85, wspace=0.22
    )
    place, score = (figure.add_subplot(cell) for cell in grid)
    place.spines["left"].set_visible(False)
    place.set_yticks([])
    place.locator_params(axis="x", nbins=8)
    score.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return place, score


def draw(axes, it: Question) -> None:
    """Paint the question, and the score."""
    _draw_question(axes[0], it)
    _draw_score(axes[1], it)


def _draw_question(ax, it: Question) -> None:
    all_groups, j = it.answers, it.group
    flat, error = all_groups.flat[j], all_groups.error[j]
    low, high = all_groups.flat.min(), all_groups.flat.max()
    margin = 0.06 * (high - low)
    ax.set(xlim=(low - margin, high + margin), ylim=(0.05, 2.5))
    ax.axvline(all_groups.b, color=colour("pooled"), ls=LINES["pooled"])
    _label(ax, all_groups.b, 2.28, "population $b$", "pooled")
    rug = np.linspace(-0.1, 0.1, len(all_groups.flat))[np.argsort(np.argsort(all_groups.n))]
    ax.plot(all_groups.flat, 0.25 + rug, **cloud(3.5, 0.5, "flat"))
    ax.plot([flat - error, flat + error], [1.6, 1.6], color=colour("flat"), lw=2)
    ax.plot([flat], [1.6], **points("flat", 10))
    _label(ax, flat, 1.72, f"flat, n = {all_groups.n[j]}", "flat")
    ax.plot([it.guess], [1.0], marker="v", ms=13, color=INK)
    _label(ax, it.guess, 1.14, "your guess", "data")
    if it.revealed:
        arrow = {"arrowstyle": "-|>", "color": colour("multilevel"), "lw": 2}
        ax.annotate("", (it.truth, 1.6), (flat, 1.6), arrowprops=arrow)
        ax.plot([it.truth], [0.8], **points("multilevel", 12, mec=PAPER))
        ax.vlines([it.truth], 0.8, 1.6, color=colour("multilevel"), lw=1)
        ax.text(it.truth, 0.68, "multilevel", color=colour("multilevel"), ha="center", va="top")
    ax.set_xlabel(f"{all_groups.unit}  (small dots: all flat estimates)")
    ax.set_title(f"{all_groups.noun} {all_groups.names[j]}", pad=10)


def _label(ax, x: float, y: float, text: str, role: str) -> None:
    box = {"facecolor": PAPER, "lw": 0, "pad": 1, "alpha": 0.8}
    low, high = ax.get_xlim()
    along = (x - low) / (high - low)
    side = "left" if along < 0.08 else "right" if along > 0.92 else "center"  # so that nothing is cut
    ax.text(x, y, text, color=colour(role), ha=side, va="bottom", bbox=box, clip_on=True)


def _draw_score(ax, it: Question) -> None:
    misses = np.array(list(it.misses.values()))
    ax.bar(np.arange(1, len(misses) + 1), np.minimum(misses, 1.0), color=colour("multilevel"), width=0.7)
    if len(misses):
        ax.axhline(min(1.0, misses.mean()), color=INK, lw=1.2)
    ax.set(
        xlim=(0.4, max(8, len(misses)) + 0.6),
        ylim=(0, 1),
        xlabel="group",
        ylabel="miss, share of the way to $b$",
    )
    ax.set_title("score" if not len(misses) else f"mean miss {misses.mean():.0%}")


def describe(it: Question) -> str:
    """The question, and the answer if it is revealed."""
    all_groups, j = it.answers, it.group
    ask = (
        f"{all_groups.noun.capitalize()} {all_groups.names[j]} has "
        f"{count(int(all_groups.n[j]), 'observation')}; its flat estimate is {number(all_groups.flat[j])} "
        f"with standard error {number(all_groups.error[j], 2)}. The population's b is "
        f"{number(all_groups.b)}, τ{all_groups.spread_of} is {number(all_groups.tau)}."
    )
    if not it.revealed:
        return f"{ask} Where does the multilevel model put it? You guess {number(it.guess)}: press “reveal”."
    pulled = (all_groups.flat[j] - it.truth) / (all_groups.flat[j] - all_groups.b)
    return (
        f"{ask} The multilevel estimate is {number(it.truth)}: {pulled:.0%} of the way from flat to b. "
        f"Your guess, {number(it.guess)}, misses it by {it.miss:.0%} of that way."
    )


# ---- controls and turns ------------------------------------------------------------------------------------


def _controls() -> dict:
    first = next(iter(MODELS))
    return {
        "data": Kept(first, MODELS),
        "guess": slider("your guess", **_guess_traits(first, 0)),
        "revealed": tick("reveal", tip="Show the multilevel estimate and score the guess"),
        "turn": press("next group"),
        "misses": Kept(()),
    }


def _guess_traits(data: str, turn: int) -> dict:
    """The slider for a guess: over all flat estimates, beginning at the group's own."""
    it = answers(data)
    low, high = float(it.flat.min()), float(it.flat.max())
    step = float(f"{(high - low) / 400:.0e}")
    own = float(it.flat[it.order[turn % len(it.order)]])
    return {"value": own, "low": low - step, "high": high + step, "step": step}


def _again(values: dict, turn: int) -> dict:
    guess = _guess_traits(values["data"], turn)
    traits = {"min": guess["low"], "max": guess["high"], "step": guess["step"], "value": guess["value"]}
    return {"revealed": {"value": False}, "guess": traits}


def _when_data(values: dict) -> dict:
    return {**_again(values, 0), "turn": {"value": 0}, "misses": {"value": ()}}


def _when_turn(values: dict) -> dict:
    return _again(values, values["turn"])


def _when_revealed(values: dict) -> dict:
    """Once a guess is scored it stands: hiding the answer again takes no score back, and none is added."""
    if not values["revealed"] or values["turn"] in dict(values["misses"]):
        return {}
    miss = float(compute(**values).miss)
    return {"misses": {"value": (*values["misses"], (values["turn"], miss))}}


@cache
def presets() -> dict[str, Preset]:
    """The data sets' own words."""
    notes = {
        "mathachieve": "Many pupils per school.",
        "alcohol": "Few years, but countries differ far more than years.",
        "sleepstudy": "Ten days for everyone.",
        "rats": "Some twenty rats a batch.",
    }
    return {data: Preset({"data": data}, note) for data, note in notes.items()}


def _film() -> dict:
    """The settings that the film shows."""
    return {"data": list(MODELS), "turn": range(6), "guess": across(11), "revealed": [False, True]}


#: What to try, by the data that are on.
TO_TRY = {
    "mathachieve": (
        "Guess five schools in a row. Which two numbers in the text do you need, besides the flat estimate?",
        "Of two schools as far from b, which is drawn further: the larger or the smaller one?",
        "Go on with alcohol: why is a good guess there hardly away from the flat estimate?",
    ),
    "alcohol": (
        "Guess five countries in a row: why is a good guess here hardly away from the flat estimate?",
        "Which two numbers in the text do you need, besides the flat estimate and its error?",
        "Go on with rats: what is so different there that guesses must be bold?",
    ),
    "sleepstudy": (
        "Guess five people in a row. All have ten days: is everyone drawn by the same share of the way?",
        "From one answer, compute that share. Does it give the next answer to the last digit?",
        "Go on with mathachieve, where schools differ in size: what changes?",
    ),
    "rats": (
        "Guess five batches in a row. Which two numbers in the text do you need, besides the flat estimate?",
        "Watch batches without a tumour: where do they go, and why not all to the same place?",
        "The model's population is normal on the scale of log odds. Where on this axis does that show?",
    ),
}

EXPLORATION = Exploration(
    title="Predict the shrinkage, then reveal it",
    shows=(
        "Left: one group's flat estimate with its standard error, the population's b, and your guess; once "
        "revealed, the multilevel estimate. Right: your misses so far."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    to_try_with=lambda values: TO_TRY[values["data"]],
    follow={"data": _when_data, "turn": _when_turn, "revealed": _when_revealed},
    film=_film,
    to_try=TO_TRY["mathachieve"],
    height=3.9,
)


def explore_reveal(preset: str | None = None, **values) -> Explorer:
    """Place a group's multilevel estimate, reveal the truth, and go on to the next group.

    Parameters
    ----------
    preset
        The data set: `"mathachieve"`, `"alcohol"`, `"sleepstudy"` or `"rats"`.
    values
        Start values: `data`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_reveal(data: str | None = None) -> Stills:
    """The game on paper, answers revealed for guesses half-way to b: four groups of a data set, or one of each."""
    if data is None:
        return stills(EXPLORATION, {name: _half_way(name, 0) for name in MODELS})
    return stills(EXPLORATION, {_named(data, turn): _half_way(data, turn) for turn in range(4)})


def _named(data: str, turn: int) -> str:
    it = answers(data)
    j = it.order[turn]
    return f"{it.noun} {it.names[j]}, n = {it.n[j]}"


def _half_way(data: str, turn: int) -> dict:
    """The setting in which each guess so far was half-way from the flat estimate to b, and is revealed."""
    it = answers(data)
    guesses = [float(it.flat[j] + it.b) / 2 for j in it.order[: turn + 1]]
    misses = tuple((k, compute(data, k, guess, True).miss) for k, guess in enumerate(guesses))
    return {"data": data, "turn": turn, "guess": guesses[-1], "revealed": True, "misses": misses}
