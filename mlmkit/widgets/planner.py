"""Planning live: power, precision and what a budget buys, over the number of groups and of rows in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy
from scipy.special import ncfdtr, stdtrit

from ..pictures import filled_or_hollow
from ..style import INK, MUTED, RULE, colour, tint
from ..words import number
from .controls import choice, press, slider, whole
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .paint import key_above, stepped

STUDIES, SHOWN = 500, 40
#: So many standard errors from 0, an effect is found in all studies; further out scipy finds no number.
FAR = 30.0
GROUPS = np.array([4, 6, 8, 10, 12, 16, 20, 26, 34, 44, 58, 76, 100])
DESIGNS = {"a slope over days": "days", "groups in two arms": "arms"}


@dataclass(frozen=True)
class Design:
    """A balanced design in which the test of the effect is the t test of one number from each group.

    A slope over n days: each person's own slope, variance τ² + σ²/Sxx with Sxx = n(n² − 1)/12, J − 1 degrees of
    freedom. Groups in two arms: each group's mean, variance τ² + σ²/n, four times as much for the difference, J − 2.
    """

    kind: str
    n: int
    tau: float
    sigma: float

    @property
    def of_group(self) -> float:
        """The variance of the number that a group contributes."""
        amount = self.n * (self.n**2 - 1) / 12 if self.kind == "days" else self.n
        return self.tau**2 + self.sigma**2 / amount

    def se(self, J):
        """The standard error of the effect with J groups; of an odd number one arm has one more."""
        J = np.asarray(J)
        per_group = 1 / J if self.kind == "days" else 1 / (J // 2) + 1 / (J - J // 2)
        return np.sqrt(self.of_group * per_group)

    def df(self, J):
        """Its degrees of freedom."""
        return np.asarray(J) - (1 if self.kind == "days" else 2)

    def power(self, J, effect: float):
        """The exact power of its two-sided test at 5%: t² is a noncentral F, both tails in one."""
        df, away = self.df(J), np.minimum(np.abs(effect) / self.se(J), FAR)
        return 1 - ncfdtr(1, df, away**2, stdtrit(df, 0.975) ** 2)


@dataclass(frozen=True, eq=False)
class Plan:
    """A study of J groups of n, simulated, and what other sizes would give.

    Attributes
    ----------
    simulated
        (sizes,) the power from STUDIES simulated studies at each of GROUPS.
    estimates, half_widths
        (STUDIES,) the estimates of studies of this size, and half of each one's 95% interval.
    half_width
        Half of the 95% interval where the standard error is known.
    budget
        n, J and power of other divisions of what this study costs.
    """

    design: Design
    J: int
    effect: float
    simulated: np.ndarray
    estimates: np.ndarray
    half_widths: np.ndarray
    half_width: float
    budget: tuple[np.ndarray, np.ndarray, np.ndarray]
    cost: float

    @property
    def power(self) -> float:
        return float(self.design.power(self.J, self.effect))

    @property
    def significant(self) -> np.ndarray:
        """(STUDIES,) whether the interval leaves 0 out: p < 0.05."""
        return np.abs(self.estimates) > self.half_widths

    @property
    def exaggeration(self) -> float:
        """By how much significant estimates overstate the effect on average (type M)."""
        if not self.significant.any() or self.effect == 0:
            return float("nan")
        return float(np.mean(np.abs(self.estimates[self.significant])) / abs(self.effect))


def compute(
    design: str = "days",
    J: int = 18,
    n: int = 10,
    effect: float = 4.0,
    tau: float = 5.9,
    sigma: float = 25.6,
    group_cost: float = 10.0,
    sample: int = 0,
) -> Plan:
    """Power over the number of groups, a study's estimates, and what the same money would buy otherwise."""
    it = Design(design, n, tau, sigma)
    z, u = _draws(sample)
    simulated = np.array([_tests(it, m, effect, z[:, k], u[:, k])[1].mean() for k, m in enumerate(GROUPS)])
    estimates, half_widths = _intervals(it, J, effect, z[:, -1], u[:, -1])
    half = float(stdtrit(it.df(J), 0.975) * it.se(J))
    cost = J * (group_cost + n)
    return Plan(
        it, J, effect, simulated, estimates, half_widths, half, _divisions(it, cost, group_cost, effect), cost
    )


def _tests(it: Design, J: int, effect: float, z: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimates of simulated studies, and whether each is significant."""
    estimates, half_widths = _intervals(it, J, effect, z, u)
    return estimates, np.abs(estimates) > half_widths


def _intervals(
    it: Design, J: int, effect: float, z: np.ndarray, u: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates, and half of each one's 95% interval: a mean and a χ² are all that a t interval needs."""
    df = it.df(J)
    chi2 = df * np.maximum(1 - 2 / (9 * df) + u * np.sqrt(2 / (9 * df)), 1e-3) ** 3
    return effect + it.se(J) * z, stdtrit(df, 0.975) * it.se(J) * np.sqrt(chi2 / df)


def _divisions(it: Design, cost: float, group_cost: float, effect: float):
    """Other numbers of rows per group, the groups that the money is enough for, and their power."""
    n = np.unique([it.n, *np.round(np.geomspace(2, 100, 40)).astype(int)])
    J = np.floor(cost / (group_cost + n)).astype(int)
    enough = J >= 4
    n, J = n[enough], J[enough]
    power = [
        float(Design(it.kind, int(m), it.tau, it.sigma).power(k, effect)) for m, k in zip(n, J, strict=True)
    ]
    return n, J, np.array(power)


@cache
def _draws(sample: int):
    rng = np.random.default_rng(13 + sample)
    size = (STUDIES, len(GROUPS) + 1)
    return rng.standard_normal(size), rng.standard_normal(size)


# ---- the picture -------------------------------------------------------------------------------------------


def panels(figure):
    """Power over the groups, the same money divided otherwise, and forty studies."""
    grid = figure.add_gridspec(1, 3, left=0.085, right=0.98, bottom=0.15, top=0.84, wspace=0.3)
    return tuple(figure.add_subplot(cell) for cell in grid)


def draw(axes, it: Plan) -> None:
    """Paint the power curve, the budget curve and the estimates."""
    _draw_power(axes[0], it)
    _draw_budget(axes[1], it)
    _draw_studies(axes[2], it)


def _draw_power(ax, it: Plan) -> None:
    J = np.arange(4, 101)
    blue = colour("group")
    ax.axhline(0.8, color=RULE, lw=1)
    ax.plot(J, it.design.power(J, it.effect), color=blue, lw=2, label="exact")
    ax.vlines(GROUPS, *_wilson(np.rint(it.simulated * STUDIES).astype(int)), color=tint(blue, 0.4), lw=2)
    ax.plot(GROUPS, it.simulated, ls="", marker="o", ms=4, color=tint(blue, 0.2), label="simulated")
    ax.plot([it.J], [it.power], marker="D", ms=9, color=colour("population"))
    ax.set(xlim=(0, 104), ylim=(0, 1.02), xlabel="groups $J$", ylabel="power")
    key_above(ax, 2)


def _wilson(found: np.ndarray) -> np.ndarray:
    """Wilson's 95% limits (2, sizes) of the power, by how many of the studies found the effect."""
    return np.transpose(
        [scipy.stats.binomtest(count, STUDIES).proportion_ci(0.95, "wilson") for count in found]
    )


def _draw_budget(ax, it: Plan) -> None:
    n, J, power = it.budget
    ax.plot(n, power, color=colour("group"), lw=2, label="the same money")
    ax.plot([it.design.n], [it.power], marker="D", ms=9, color=colour("population"))
    best = int(np.argmax(power)) if len(power) else 0
    if len(power):
        high, far = power[best] > 0.85, n[best] > 55  # there is no room above, or to the right
        ax.annotate(
            f"{J[best]} groups of {n[best]}",
            (n[best], power[best]),
            xytext=(-4 if far else 4, -22 if high else 8),
            textcoords="offset points",
            ha="right" if far else "left",
            color=INK,
        )
    ax.set(xlim=(0, 104), ylim=(0, 1.02), xlabel="rows per group $n$", ylabel="power")
    key_above(ax, 1)


def _draw_studies(ax, it: Plan) -> None:
    y = np.arange(SHOWN)
    estimates, half, found = it.estimates[:SHOWN], it.half_widths[:SHOWN], it.significant[:SHOWN]
    ax.axvline(0, color=MUTED, lw=1)
    ax.axvline(it.effect, color=colour("population"), lw=1.5, ls="--")
    ax.hlines(y, estimates - half, estimates + half, color=tint(colour("group"), 0.6), lw=1)
    filled_or_hollow(ax, estimates, y, found, 4.5)
    reach = stepped(
        1.1 * max(abs(it.effect) + it.half_width, float(np.quantile(np.abs(estimates) + half, 0.9)))
    )
    ax.set(xlim=(-reach, reach), ylim=(-1, SHOWN), yticks=[], xlabel="estimate with its interval")
    ax.set_title(f"{SHOWN} studies", fontsize="medium")


def describe(it: Plan) -> str:
    """Power, precision, exaggeration, and the best use of the money."""
    found = (
        f"the effect of {number(it.effect)} is found in {it.power:.0%} of studies"
        if it.effect
        else f"{it.power:.0%} of studies find an effect that is not there"
    )
    reach = f"95% intervals reach about {number(it.half_width)} to either side of the estimate."
    text = f"With {it.J} groups of {it.design.n}, {found}; {reach}"
    return " ".join(filter(None, [text, _exaggerated(it), _better(it)]))


def _exaggerated(it: Plan) -> str:
    if not np.isfinite(it.exaggeration):
        return ""
    if it.exaggeration < 1.05:
        return "Estimates that are significant are right on average."
    return f"Estimates that are significant are {number(it.exaggeration, 2)} times too large on average."


def _better(it: Plan) -> str:
    """What the money is best spent on."""
    n, J, power = it.budget
    if not it.effect or not len(power):
        return ""
    best = int(np.argmax(power))
    if power[best] < it.power + 0.005:
        return "The same money, divided otherwise between groups and rows, buys no more power."
    return f"The same money buys {J[best]} groups of {n[best]}: power {power[best]:.0%}."


# ---- controls ----------------------------------------------------------------------------------------------


def _controls() -> dict:
    return {
        "design": choice("design", list(DESIGNS.items()), "days"),
        "J": whole("groups J", 18, 4, 100),
        "n": whole("rows per group n", 10, 2, 100),
        "effect": slider("effect worth finding", 4.0, 0, 12, 0.1),
        "tau": slider("τ of the effect or the groups", 5.9, 0, 15, 0.1),
        "sigma": slider("σ within groups", 25.6, 1, 60, 0.1),
        "group_cost": slider("a group costs as much as … rows", 10.0, 0, 100, 1),
        "sample": press("new studies", "Draw other studies"),
    }


@cache
def presets() -> dict[str, Preset]:
    """A sleep study, schools, and a study that is too small."""
    sleep = {"design": "days", "J": 18, "n": 10, "effect": 4.0, "tau": 5.9, "sigma": 25.6, "group_cost": 10.0}
    schools = {
        "design": "arms",
        "J": 36,
        "n": 10,
        "effect": 2.0,
        "tau": 2.9,
        "sigma": 6.3,
        "group_cost": 30.0,
    }
    return {
        "sleep": Preset(sleep, "The sleep study again, for an effect of 4 ms per day: n are days."),
        "schools": Preset(schools, "Half of the schools are treated; a school costs as much as 30 pupils."),
        "few schools": Preset(
            {**schools, "J": 12, "n": 30}, "The same number of pupils in a third of the schools."
        ),
        "too small": Preset(
            {**sleep, "J": 6, "effect": 2.0}, "Six people and a small effect: look at the filled dots."
        ),
    }


def _film() -> dict:
    """The settings that the film shows."""
    return {
        "J": [6, 10, 18, 30, 60, 100],
        "n": [4, 10, 20, 50],
        "effect": [2.0, 4.0, 8.0],
        "tau": [0.0, 3.0, 5.9, 9.0],
    }


EXPLORATION = Exploration(
    title="Planning a study",
    shows=(
        "Left: power over the number of groups, exact and from simulated studies. Middle: power if the same money were "
        "divided otherwise between groups and rows. Right: forty studies of this size, the significant ones filled."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    to_try=(
        "Double the rows per group, then put them back and double the groups. Which buys more power?",
        "Guess τ too small by half: how many groups did the plan leave out?",
        "In the smallest study, where are the filled dots, and where is the truth?",
    ),
)


def explore_plan(preset: str | None = None, **values) -> Explorer:
    """Plan a study: power, precision, and what the money is best spent on.

    Parameters
    ----------
    preset
        `"sleep"`, `"schools"`, `"few schools"` or `"too small"`.
    values
        Start values: `design`, `J`, `n`, `effect`, `tau`, `sigma`, `group_cost`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_plan() -> Stills:
    """The exploration of plans on paper: people on days, schools, fewer schools, and a study too small."""
    return stills(EXPLORATION, {name: presets()[name].values for name in presets()})
