"""Whose odds ratio? A patient's curve, the median patient's, and the mean of all patients, for yes or no over time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.collections import LineCollection
from scipy.special import log_ndtr, ndtri

from ..families import Family
from ..inference.over_groups import mean_over_groups
from ..style import INK, MUTED, RULE, colour, tint
from ..words import number
from .controls import choice, slider
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import every
from .paint import key_above

PATIENTS, LAST = 40, 12
#: Odds ratios are drawn and printed as far as this and its inverse.
FAR = 10_000.0
MONTHS = np.linspace(0, LAST, 49)


@dataclass(frozen=True, eq=False)
class Odds:
    """Chances of patients on one drug, and the odds ratio of another drug at one month.

    Attributes
    ----------
    curves
        (PATIENTS, months) the chances of single patients.
    median, mean
        (months,) the chance of the patient with ζ = 0, and the mean chance of all patients.
    conditional, marginal
        The other drug's odds ratio at the month: for one patient, and for the patients.
    chances
        (2000,) the chances of many patients at the month.
    """

    curves: np.ndarray
    median: np.ndarray
    mean: np.ndarray
    conditional: float
    marginal: float
    chances: np.ndarray
    tau: float
    month: float
    link: str = "logit"


def compute(
    tau: float = 4.0,
    b0: float = -1.6,
    slope: float = -0.39,
    effect: float = -1.8,
    month: float = 6.0,
    link: str = "logit",
) -> Odds:
    """Chances on the scale of a link, with random intercepts of SD tau; `effect` is the other drug's, at `month`."""
    family = Family("binomial", link)
    zeta = tau * _quantiles(PATIENTS)
    eta = b0 + slope * MONTHS
    here = b0 + slope * month
    return Odds(
        curves=family.mean(eta[None, :] + zeta[:, None]),
        median=family.mean(eta),
        mean=mean_over_groups(family, eta, np.full(len(eta), tau)),
        conditional=_ratio(link, here, effect, 0.0),
        marginal=_ratio(link, here, effect, tau),
        chances=family.mean(here + tau * _quantiles(2000)),
        tau=tau,
        month=month,
        link=link,
    )


def _ratio(link: str, here: float, effect: float, tau: float) -> float:
    """The odds ratio of the mean chances of patients who differ with SD tau."""
    return float(np.exp(_log_odds(link, here + effect, tau) - _log_odds(link, here, tau)))


def _log_odds(link: str, eta: float, tau: float) -> float:
    """Log odds of E[chance] for η ~ N(eta, τ²); 1 − E[chance] is that of −η, so nothing is lost near 1."""
    if link == "probit":  # E Φ(η) = Φ(eta/√(1 + τ²))
        ends = log_ndtr(np.array([eta, -eta]) / np.sqrt(1 + tau**2))
    else:
        ends = np.log(mean_over_groups(Family("binomial"), np.array([eta, -eta]), np.full(2, tau)))
    return float(ends[0] - ends[1])


@cache
def _quantiles(n: int) -> np.ndarray:
    """n values that stand for N(0, 1)."""
    return ndtri((np.arange(n) + 0.5) / n)


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """Curves over time, the chances at one month, and both odds ratios."""
    grid = figure.add_gridspec(
        1, 3, width_ratios=(1.5, 1, 0.8), left=0.085, right=0.98, bottom=0.15, top=0.86, wspace=0.36
    )
    return tuple(figure.add_subplot(cell) for cell in grid)


def draw(axes, it: Odds) -> None:
    """Paint the curves, the histogram and the two odds ratios."""
    curves, chances, ratios = axes
    patients = [np.column_stack([MONTHS, curve]) for curve in it.curves]
    curves.add_collection(LineCollection(patients, colors=tint(colour("group"), 0.3), linewidths=0.7))
    curves.plot(MONTHS, it.median, color=colour("population"), lw=3, label="median patient")
    curves.plot(MONTHS, it.mean, color=INK, lw=2.5, ls="--", label="mean of patients")
    curves.axvline(it.month, color=MUTED, lw=1)
    curves.set(xlim=(0, LAST), ylim=(0, 1), xlabel="month", ylabel="chance of yes")
    key_above(curves, 2)
    counts, edges = np.histogram(it.chances, 20, (0, 1))
    chances.stairs(counts / len(it.chances), edges, fill=True, color=tint(colour("group"), 0.4))
    chances.set(xlim=(0, 1), ylim=(0, 1), xlabel="chance at that month", ylabel="share")
    chances.set_title(f"month {it.month:g}", loc="right", fontsize="medium")
    _draw_ratios(ratios, it)


def _draw_ratios(ax, it: Odds) -> None:
    ax.axhline(1, color=RULE, lw=1)
    for k, (value, role) in enumerate(((it.conditional, "population"), (it.marginal, "data"))):
        place = np.clip(value, 1 / FAR, FAR)
        ax.plot([k, k], [1, place], color=colour(role), lw=2)
        ax.plot([k], [place], marker="o", ms=8, color=colour(role))
        above = value > 1
        ax.annotate(
            _factor(value, ">", "<"),
            (k, place),
            (0, 7 if above else -7),
            textcoords="offset points",
            va="bottom" if above else "top",
            ha="center",
        )
    ax.set_yscale("log")
    low, high = np.clip([0.7 * it.conditional, 1.5 * it.conditional], 0.5 / FAR, 2 * FAR)
    ax.set(
        xlim=(-0.6, 1.6), ylim=(10 ** np.floor(np.log10(min(0.02, low))), max(10, high)), ylabel="odds ratio"
    )
    ax.set_xticks([0, 1], ["one", "all"])


def _factor(value: float, above: str = "more than ", below: str = "less than ") -> str:
    """An odds ratio for reading: beyond FAR a number says nothing that its bound does not."""
    if value > FAR:
        return f"{above}{FAR:.0f}"
    return f"{below}{number(1 / FAR, 1)}" if value < 1 / FAR else number(value)


def describe(it: Odds) -> str:
    """Both odds ratios, and how many patients the median one stands for."""
    middle = np.mean((it.chances > 0.2) & (it.chances < 0.8))
    logit = it.link == "logit"
    differ = "Patients' log odds differ" if logit else "On the probit scale patients differ"
    whose = "a patient's" if logit else "the median patient's"
    both = (
        "are the same, for patients are alike"
        if it.tau == 0
        else "are right, they answer different questions"
    )
    return (
        f"{differ} with SD {number(it.tau)}. At month {it.month:g} the other drug multiplies {whose} odds by {_factor(it.conditional)}, and the odds of "
        f"the patients by {_factor(it.marginal)}: both {both}. {middle:.0%} of patients have a chance between .2 and .8 then."
    )


# ---- controls ----------------------------------------------------------------------------------------------


def _controls() -> dict:
    return {
        "tau": slider(
            "τ between patients", 4.0, 0, 6, 0.1, "SD of the patients' log odds (of their probits)"
        ),
        "b0": slider("b₀ at month 0", -1.6, -5, 3, 0.1, "Log odds (or probit) of the median patient"),
        "slope": slider(
            "slope per month", -0.39, -1, 0.5, 0.01, "Change of the log odds (or probit) per month"
        ),
        "effect": slider("effect of the other drug", -1.8, -3, 3, 0.1, "Difference of log odds (or probits)"),
        "month": slider("month", 6.0, 0, LAST, 0.5),
        "link": choice("link", ["logit", "probit"], "logit"),
    }


@cache
def presets() -> dict[str, Preset]:
    """The toenail trial, and what becomes of it when patients are alike."""
    start = {"tau": 4.0, "b0": -1.6, "slope": -0.39, "effect": -1.8, "month": 12.0, "link": "logit"}
    return {
        "toenails": Preset(start, "The trial of chapter 9, a year on: terbinafine against itraconazole."),
        "patients alike": Preset(
            {**start, "tau": 0.0}, "Without differences between patients the two ratios are one."
        ),
        "half as different": Preset({**start, "tau": 2.0}, "The SD halved."),
        "at the start": Preset(
            {**start, "month": 0.0}, "The same patients, were the effect as large on the first day."
        ),
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {"tau": every(0, 6, 0.5), "effect": [-3.0, -1.8, -1.0, 1.0], "month": every(0, 12, 2)}


EXPLORATION = Exploration(
    title="Whose odds ratio?",
    shows=(
        "Left: the chances of 40 patients over a year, the median patient's and the mean of all. Middle: how the chances "
        "are spread at one month. Right: a drug's odds ratio for one patient, and for the patients."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    to_try=(
        "Put τ on 0, then raise it. Which of the two odds ratios moves, and towards what?",
        "Where is the mean of the patients above the median patient, and where below?",
        "Go to month 0 at τ = 4: how many patients have a chance anywhere near the median patient's?",
    ),
)


def explore_odds(preset: str | None = None, **values) -> Explorer:
    """See why a patient's odds ratio is not the patients'.

    Parameters
    ----------
    preset
        `"toenails"`, `"patients alike"`, `"half as different"` or `"at the start"`.
    values
        Start values: `tau`, `b0`, `slope`, `effect`, `month`, `link`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_odds() -> Stills:
    """The exploration of odds ratios on paper: the trial, patients alike, half as different, and on the first day."""
    return stills(EXPLORATION, {name: presets()[name].values for name in presets()})
