"""How alike are the members of a group? The variance split in two, and the ICC that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from scipy.special import expit

from ..datasets import load_data
from ..models import glmer, lmer
from ..style import INK, PAPER, RULE, colour, tint
from ..words import number
from .controls import press, slider, whole
from .explorer import Explorer
from .frame import Exploration, Preset, Stills, stills
from .grids import every
from .paint import cloud, stepped

MOST_GROUPS, MOST_MEMBERS, PAIRS = 30, 40, 300


@dataclass(frozen=True, eq=False)
class Clustering:
    """One sample of J groups of n, made from standardised draws by the two SDs.

    Attributes
    ----------
    tau, sigma
        The SDs between groups and within them.
    means
        (J,) the groups' true means, around 0.
    y
        (J, n) the observations.
    pairs
        (PAIRS, 2) two members of one group, for many groups.
    """

    tau: float
    sigma: float
    means: np.ndarray
    y: np.ndarray
    pairs: np.ndarray

    @property
    def icc(self) -> float:
        """The share of the variance that lies between groups."""
        total = self.tau**2 + self.sigma**2
        return self.tau**2 / total if total > 0 else np.nan

    @property
    def sample_icc(self) -> float:
        """The same estimated from this sample: mean squares between and within (Fisher 1925)."""
        J, n = self.y.shape
        own = self.y.mean(axis=1, keepdims=True)
        between = n * np.sum((own - self.y.mean()) ** 2) / (J - 1)
        within = np.sum((self.y - own) ** 2) / (J * (n - 1))
        return (between - within) / (between + (n - 1) * within) if between + within > 0 else np.nan


def compute(tau: float = 2.0, sigma: float = 2.0, J: int = 12, n: int = 10, sample: int = 0) -> Clustering:
    """The same draws whatever τ, σ, J and n, so that only what a slider changes is seen to change."""
    z, e, pair_z, pair_e = _draws(sample)
    means = tau * z[:J]
    y = means[:, None] + sigma * e[:J, :n]
    pairs = tau * pair_z[:, None] + sigma * pair_e
    return Clustering(tau, sigma, means, y, pairs)


@lru_cache(maxsize=8)
def _draws(sample: int):
    rng = np.random.default_rng(1177 + sample)
    shapes = ((MOST_GROUPS,), (MOST_GROUPS, MOST_MEMBERS), (PAIRS,), (PAIRS, 2))
    return tuple(rng.standard_normal(shape) for shape in shapes)


def panels(figure):
    """Groups on the left; on the right the split above, the pairs below."""
    grid = figure.add_gridspec(
        2,
        2,
        width_ratios=(1.9, 1),
        height_ratios=(1, 4.2),
        left=0.1,
        right=0.985,
        bottom=0.15,
        top=0.88,
        wspace=0.17,
        hspace=0.7,
    )
    cells = grid[:, 0], grid[0, 1], grid[1, 1]
    groups, split, pairs = (figure.add_subplot(cell) for cell in cells)
    split.set_axis_off()
    pairs.set_aspect("equal")
    for ax in (groups, pairs):
        ax.locator_params(nbins=5)
    return groups, split, pairs


def draw(axes, it: Clustering) -> None:
    """Paint a clustering on the three axes of `panels`."""
    groups, split, pairs = axes
    reach = stepped(3.1 * np.hypot(it.tau, it.sigma))
    _draw_groups(groups, it, reach)
    _draw_split(split, it)
    pairs.plot(*it.pairs.T, **cloud(2.5, 0.45))
    pairs.plot([-reach, reach], [-reach, reach], color=RULE, lw=1, zorder=0)
    pairs.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="one member", ylabel="another")
    pairs.set_title(f"correlation {_share(it.icc)}")


def _draw_groups(ax, it: Clustering, reach: float) -> None:
    J, n = it.y.shape
    x = np.arange(1, J + 1)
    spread = np.linspace(-0.27, 0.27, n) if n > 1 else np.zeros(1)
    ax.axhline(0, color=colour("population"), lw=1.5)
    ax.plot((x[:, None] + spread).ravel(), it.y.ravel(), **cloud(3, 0.5))
    ax.hlines(it.means, x - 0.4, x + 0.4, color=colour("group"), lw=3)
    ax.set(
        xlim=(0.2, stepped(J) + 0.8),
        ylim=(-reach, reach),
        xlabel="group $j$",
        ylabel="$y$, as deviation from $b$",
    )
    ax.set_title("observations, and the groups' true means")


def _draw_split(ax, it: Clustering) -> None:
    shades = [colour("group"), tint(colour("data"), 0.72)]
    ax.barh([0, 0], [it.icc, 1 - it.icc], left=[0, it.icc], height=0.8, color=shades)
    if it.icc > 0.25:
        ax.text(0.02, 0, "between", color=PAPER, va="center")
    if it.icc < 0.8:
        ax.text(0.98, 0, "within", color=INK, va="center", ha="right")
    ax.set(xlim=(0, 1), ylim=(-0.5, 0.5))
    ax.set_title(f"ICC = {_share(it.icc)}")


def _share(icc: float) -> str:
    """An ICC for reading; one estimated from a sample may be negative."""
    return "not defined" if np.isnan(icc) else f"{icc:.2f}".replace("-", "−").replace("−0.00", "0.00")


def describe(it: Clustering) -> str:
    """The clustering in words."""
    J, n = it.y.shape
    if np.isnan(it.icc):
        return "Without any variance there is nothing to split: raise τ or σ."
    return (
        f"Between groups τ² = {number(it.tau**2)}, within them σ² = {number(it.sigma**2)}: {it.icc:.0%} of "
        f"the variance lies between groups. So ICC = {it.icc:.2f}, also the correlation of two members of "
        f"one group. This sample of {J} groups of {n} alone would estimate it as {_share(it.sample_icc)}."
    )


def _controls() -> dict:
    return {
        "tau": slider("τ between groups", 2.0, 0, 10, tip="SD of the groups' means"),
        "sigma": slider("σ within groups", 2.0, 0, 10, tip="SD of observations around their group's mean"),
        "J": whole("groups J", 12, 2, MOST_GROUPS),
        "n": whole("members n", 10, 2, MOST_MEMBERS),
        "sample": press("new sample", "Draw other standardised numbers"),
    }


@cache
def presets() -> dict[str, Preset]:
    """τ and σ of the course's data, each from its fit."""
    return {
        "alcohol": _preset(
            _sds("alcohol ~ 1 + (1|country)", "alcohol"),
            2,
            1,
            "Countries' alcohol consumption, litres a year: years of one country are nearly alike.",
        ),
        "sleepstudy": _preset(
            _sds("Reaction ~ Days + (1|Subject)", "sleepstudy"),
            10,
            10,
            "Reaction times around a common slope, in units of 10 ms.",
        ),
        "mathachieve": _preset(
            _sds("mathach ~ 1 + (1|school)", "mathachieve"),
            40,
            1,
            "Pupils' mathematics scores: most of the variance lies within schools.",
        ),
        "rats, latent": _preset(
            _rats_latent(),
            20,
            1,
            "Rat tumours on the log odds scale, where one rat varies like a standard logistic.",
        ),
        "rats, response": _preset(
            _rats_response(),
            20,
            0.1,
            "Rat tumours as 0 or 1, in tenths; the picture's normal draws only share the two SDs.",
        ),
    }


def _preset(sds: tuple[float, float], n: int, unit: float, note: str) -> Preset:
    tau, sigma = (round(sd / unit, 2) for sd in sds)
    return Preset({"tau": tau, "sigma": sigma, "J": 20, "n": n, "sample": 0}, note)


def _sds(formula: str, data: str) -> tuple[float, float]:
    fit = lmer(formula, load_data(data))
    return float(fit.varcorr.sdcor.iloc[0]), fit.sigma


@cache
def _rats():
    return glmer("cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats"))


def _rats_latent() -> tuple[float, float]:
    """A logit's residual has the standard logistic distribution, of variance π²/3."""
    return float(_rats().varcorr.sdcor[0]), np.pi / np.sqrt(3)


def _rats_response(nodes: int = 40) -> tuple[float, float]:
    """The SD of the batches' probabilities, and that of 0/1 responses around them, by quadrature."""
    x, weights = np.polynomial.hermite_e.hermegauss(nodes)
    p, weights = expit(_rats().fixef.iloc[0] + _rats().varcorr.sdcor[0] * x), weights / weights.sum()
    mean = weights @ p
    return float(np.sqrt(weights @ (p - mean) ** 2)), float(np.sqrt(weights @ (p * (1 - p))))


def _film() -> dict:
    """The settings that the film shows."""
    return {"tau": every(0, 5, 0.5), "sigma": every(0, 5, 0.5), "n": [2, 10], "sample": range(4)}


EXPLORATION = Exploration(
    title="How alike are the members of a group?",
    shows=(
        "Left: each group's observations in a column, with its true mean as a bar. Top right: the variance split "
        "into a part between and a part within groups. Bottom right: two members of one group against each "
        "other."
    ),
    compute=compute,
    draw=draw,
    describe=describe,
    panels=panels,
    controls=_controls,
    presets=presets,
    film=_film,
    to_try=(
        "Set τ to 0: what do the groups' bars do, and what does the cloud of pairs look like?",
        "Make τ and σ both twice as large. What happens to the ICC, and why?",
        "Put n on 2 and press “new sample” several times: how well do a few groups tell the ICC?",
    ),
)


def explore_icc(preset: str | None = None, **values) -> Explorer:
    """Move τ and σ and see the groups separate or merge, and the intraclass correlation with them.

    Parameters
    ----------
    preset
        A start from real data: `"alcohol"`, `"sleepstudy"`, `"mathachieve"`, `"rats, latent"`, `"rats,
        response"`.
    values
        Start values: `tau`, `sigma`, `J`, `n`.
    """
    return Explorer(EXPLORATION, preset, **values)


def show_icc() -> Stills:
    """The exploration of the ICC on paper: four settings side by side."""
    return stills(
        EXPLORATION,
        {
            "no clustering: τ = 0, σ = 2.8": {"tau": 0.0, "sigma": 2.8},
            "some: τ = 1, σ = 2.6": {"tau": 1.0, "sigma": 2.6},
            "half and half: τ = 2, σ = 2": {"tau": 2.0, "sigma": 2.0},
            "strong: τ = 2.7, σ = 0.6": {"tau": 2.7, "sigma": 0.6},
        },
    )
