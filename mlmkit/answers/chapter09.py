"""Chapter 9's questions: multilevel generalized linear models, toenails, corals, seizures and ticks."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np

from ..check import Question, Wrong
from ..check.slips import A_PROBABILITY, A_SHARE, AN_SD
from ..datasets import load_data
from ..errors import FitWarning
from ..models import glmer

FORMULA = "severe ~ treatment*month + (1|patient)"


@cache
def _toenail():
    return glmer(FORMULA, load_data("toenail"), n_agq=100)


def _b() -> np.ndarray:
    return _toenail().fixef.to_numpy()


def _tau() -> float:
    return float(_toenail().varcorr.sdcor[0])


def _icc(variance: float, rest: float = np.pi**2 / 3) -> float:
    return variance / (variance + rest)


def _chance(month: float, groups: str = "average", arm: str = "itraconazole") -> float:
    new = {"treatment": [arm], "month": [month]}
    return float(_toenail().predict(new, groups=groups).iloc[0])


def _patients(severe_at_all: bool, well_at_all: bool) -> int:
    """How many patients were severe at some visit or never, and well at some visit or never."""
    each = load_data("toenail").groupby("patient", observed=True).severe.agg(["min", "max"])
    return int(((each["max"] == severe_at_all) & ((each["min"] == 0) == well_at_all)).sum())


@cache
def _seizures(row_effects: bool = True):
    data = load_data("epilepsy")
    people = data.drop_duplicates("subject")
    data["lbase"] = np.log(data.base / 4) - np.log(people.base / 4).mean()
    data["lage"] = np.log(data.age) - np.log(people.age).mean()
    data["v4"] = (data.period == 4).astype(int)
    data["obs"] = np.arange(len(data)).astype(str)
    formula = "seizures ~ lbase*treatment + lage + v4 + (1|subject)" + " + (1|obs)" * row_effects
    return glmer(formula, data, family="poisson")


def _z(term: str, row_effects: bool = True) -> float:
    fit = _seizures(row_effects)
    return fit.fixef[term] / fit.se[term]


@cache
def _tanks(n_agq: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fit = glmer("predation ~ symbiont + (1|block)", load_data("culcita"), n_agq=n_agq)
    return float(fit.varcorr.sdcor[0])


@cache
def _higher() -> float:
    """The change of log ticks for 1 m."""
    data = load_data("grouseticks")
    data["h"] = data.height - data.height.mean()
    formula = "ticks ~ year + h + (1|index) + (1|brood) + (1|location)"
    return float(glmer(formula, data, family="poisson").fixef["h"])


QUESTIONS = (
    Question(
        "09-1",
        "number",
        lambda: np.exp(_b()[2]),
        slips=(),
        right="a patient's odds; the patients' odds fall more slowly.",
        wrong=(
            Wrong(lambda: _b()[2], "That is the change of the log odds: take its exponential."),
            Wrong(lambda: 1 - np.exp(_b()[2]), "That is by how much the odds fall; the factor is asked for."),
            Wrong(lambda: np.exp(-_b()[2]), "The sign is lost: odds fall, so the factor is below 1."),
        ),
    ),
    Question(
        "09-2",
        "number",
        lambda: np.exp(_b()[2] + _b()[3]),
        slips=(),
        right="exp of the sum of month and its interaction.",
        wrong=(
            Wrong(lambda: np.exp(_b()[3]), "That is the interaction alone: how much steeper it is there."),
            Wrong(lambda: np.exp(_b()[2]), "That is the month on itraconazole, the reference."),
            Wrong(lambda: _b()[2] + _b()[3], "That is the change of the log odds: take its exponential."),
        ),
    ),
    Question(
        "09-3",
        "number",
        lambda: _icc(_tau() ** 2),
        slips=A_SHARE,
        right="on the hidden scale; of the 0/1 answers it is .61.",
        wrong=(
            Wrong(lambda: _icc(_tau(), np.pi / np.sqrt(3)), "Shares are of variances, not of SDs."),
            Wrong(
                lambda: _icc(_tau(), np.pi**2 / 3), "τ is an SD: square it before you compare it with π²/3."
            ),
            Wrong(
                lambda: _icc(_tau() ** 2, 1.0),
                "1 is the error's variance of a probit model; here it is π²/3.",
            ),
            Wrong(
                lambda: float(_toenail().icc(scale="response").icc.iloc[0]),
                "That is the ICC of the 0/1 answers, the scale of the response.",
            ),
        ),
    ),
    Question(
        "09-4",
        "number",
        lambda: _chance(3),
        slips=A_PROBABILITY,
        right='the patients\' effects integrated out, groups="average".',
        wrong=(
            Wrong(lambda: _chance(3, "none"), "That is the median patient's chance, with ζ = 0."),
            Wrong(lambda: _chance(3, arm="terbinafine"), "That is terbinafine."),
            Wrong(lambda: _chance(0), "That is at the start; month 3 is asked for."),
        ),
    ),
    Question(
        "09-5",
        "count",
        lambda: _patients(True, True),
        right="those who were severe at some visits and not at others.",
        wrong=(
            Wrong(294, "Those are all; who never changes says nothing of when it changes."),
            Wrong(
                lambda: _patients(True, True) + _patients(True, False),
                "Those who are always severe do not change, either.",
            ),
            Wrong(lambda: 294 - _patients(True, True), "Those are the others, who never change."),
            Wrong(224, "Those came to all seven visits; but many of them never change."),
        ),
    ),
    Question(
        "09-6",
        "number",
        lambda: _z("v4"),
        slips=("sign",),
        right="no longer far from 0, once rows may scatter more than Poisson counts.",
        wrong=(
            Wrong(lambda: _z("v4", False), "That is without the effect of each row: fit it with (1|obs)."),
            Wrong(lambda: _z("treatment[T.progabide]"), "That is progabide."),
            Wrong(lambda: _seizures().fixef["v4"], "That is the estimate; divide it by its standard error."),
        ),
    ),
    Question(
        "09-7",
        "number",
        lambda: _tanks(50),
        slips=AN_SD,
        digits=3,
        right="a little above Laplace's 3.437; more nodes change nothing.",
        wrong=(Wrong(lambda: _tanks(1), "That is Laplace's approximation: ask for n_agq=50."),),
    ),
    Question(
        "09-8",
        "number",
        lambda: np.exp(10 * _higher()),
        slips=(),
        right="a fifth fewer ticks for each 10 m.",
        wrong=(
            Wrong(lambda: 10 * _higher(), "That is the change of the log: take its exponential."),
            Wrong(lambda: np.exp(_higher()), "That is for 1 m; 10 m are asked for."),
            Wrong(_higher, "That is the change of the log for 1 m: take 10 of it, and the exponential."),
            Wrong(lambda: np.exp(-10 * _higher()), "That is for 10 m down."),
            Wrong(
                lambda: 1 - np.exp(10 * _higher()), "That is by how much it falls; the factor is asked for."
            ),
        ),
    ),
    Question(
        "09-9",
        "choices",
        {"a", "c", "e"},
        right="each says whose odds they are, or what the model makes.",
        wrong=(
            Wrong(
                {"a", "b", "c", "e"},
                "(b): six is for one patient; the patients' odds are 0.41 times as large.",
            ),
            Wrong(
                {"a", "c", "d", "e"},
                "(d): .165 is the median patient's chance, expit of b₀; the mean is .356.",
            ),
            Wrong({"a", "c"}, "Both may stand. And what did the check of relapses show?"),
            Wrong({"c", "e"}, "A patient's odds ratio may stand, too, if it says which model it is of."),
        ),
    ),
)
