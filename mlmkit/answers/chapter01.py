"""Chapter 1's questions: random effects, rats."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from ..check import Question, Wrong
from ..check.slips import A_PROBABILITY, A_SHARE, AN_SD
from ..datasets import load_data
from ..errors import FitWarning
from ..models import glm, glmer
from ..planning import simulate

FORMULA = "cbind(m, n - m) ~ 1 + (1|batch)"


@cache
def _fit(times: int = 1):
    rats = load_data("rats")
    return glmer(FORMULA, rats.assign(m=times * rats.m, n=times * rats.n))


def _tau(times: int = 1) -> float:
    return _fit(times).varcorr.sdcor[0]


@cache
def _made_alike():
    """τ̂ of 20 studies that were made with τ = 0."""
    rats = load_data("rats")
    shares = simulate(FORMULA, rats, fixef=np.log(0.153 / 0.847), sd=0, family="binomial", n=20, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fits = [glmer(FORMULA, rats.assign(m=(shares[name] * rats.n).round())) for name in shares]
    return np.array([fit.varcorr.sdcor[0] for fit in fits])


def _b() -> float:
    return _fit().fixef["Intercept"]


def _log_odds(batch: int) -> float:
    return _fit().coef["batch"].loc[batch, "Intercept"]


def _share(batch: int) -> float:
    row = load_data("rats").query(f"batch == {batch}").iloc[0]
    return row.m / row.n


def _moved():
    """How far each batch's log odds moved; batches without a finite flat estimate left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        flat = glm("cbind(m, n - m) ~ 0 + batch", load_data("rats"))
    moved = (_fit().coef["batch"]["Intercept"] - flat.fixef.to_numpy()).abs()
    return moved[np.isfinite(moved)]


def _moved_in_probability() -> float:
    """How far the share of a batch with a finite flat estimate moved at most."""
    rats = load_data("rats").set_index("batch")
    share = rats.m / rats.n
    return (share - expit(_fit().coef["batch"]["Intercept"]))[share > 0].abs().max()


QUESTIONS = (
    Question(
        "01-1",
        "number",
        lambda: _share(60),
        slips=A_PROBABILITY,
        right="alone, a batch's own share is its best estimate.",
        wrong=(
            Wrong(
                lambda: expit(_log_odds(60)), "That is the multilevel estimate; the flat one is asked for."
            ),
            Wrong(5.0, "That is how many rats had a tumour; divide by how many there were."),
            Wrong(lambda: logit(_share(60)), "That is on the log odds scale; a probability is asked for."),
        ),
    ),
    Question(
        "01-2",
        "number",
        lambda: expit(_log_odds(60)),
        slips=A_PROBABILITY,
        right="pulled from its own share towards the population.",
        wrong=(
            Wrong(lambda: _log_odds(60), "That is β on the log odds scale: transform it to a probability."),
            Wrong(lambda: _share(60), "That is the flat estimate, the batch's own share."),
            Wrong(
                lambda: expit(_fit().ranef["batch"].loc[60, "Intercept"]),
                "You transformed ζ alone; the batch's log odds are b + ζ (coef, not ranef).",
            ),
        ),
    ),
    Question(
        "01-3",
        "choice",
        "b",
        right="a property of the population of batches, in log odds.",
        wrong=(
            Wrong(
                "a", "The standard error of b is 0.121: how well the middle is known, not how batches differ."
            ),
            Wrong("c", "β ~ N(b, τ²) is written in log odds, so τ is in log odds, too."),
            Wrong("d", "The estimates are pulled in: their SD is 0.478, smaller than τ."),
        ),
    ),
    Question(
        "01-4",
        "number",
        lambda: _moved().max(),
        slips=("sign",),
        right="in log odds: one tumour among twenty rats is mostly chance.",
        wrong=(
            Wrong(np.inf, "Leave out the batches with no tumour: their flat estimates are infinite."),
            Wrong(lambda: _moved().min(), "That is the batch that moved least."),
            Wrong(
                lambda: _moved().mean(), "That is how far they moved on average; the furthest is asked for."
            ),
            Wrong(_moved_in_probability, "That is in probabilities; log odds are asked for."),
            Wrong(
                lambda: float(_moved().idxmax()),
                "That is the number of a batch that moved so far; how far is asked for.",
            ),
        ),
    ),
    Question(
        "01-5",
        "number",
        lambda: norm.sf(logit(0.25), loc=_b(), scale=_tau()),
        slips=A_SHARE,
        right="an area may be carried from one scale to the other as it is.",
        wrong=(
            Wrong(lambda: norm.cdf(logit(0.25), loc=_b(), scale=_tau()), "That is the share below 0.25."),
            Wrong(
                lambda: norm.sf(logit(0.25), loc=_b(), scale=_fit().se["Intercept"]),
                "You used the standard error of b; batches vary with SD τ.",
            ),
            Wrong(
                lambda: norm.sf(0.25, loc=_b(), scale=_tau()),
                "0.25 is a probability: take its log odds first.",
            ),
            Wrong(lambda: norm.sf(logit(0.25), loc=_b(), scale=_tau() ** 2), "scale takes the SD τ, not τ²."),
        ),
    ),
    Question(
        "01-6",
        "number",
        lambda: _tau(10),
        slips=AN_SD,
        right="larger: chance can no longer explain the differences.",
        wrong=(
            Wrong(lambda: _tau(), "That is τ of the data as they are; fit again with ten times the rats."),
            Wrong(lambda: _tau() / np.sqrt(10), "τ is not a standard error: it does not shrink as 1/√10."),
        ),
    ),
    Question(
        "01-7",
        "formula",
        "cbind(incidence, size - incidence) ~ period + (1|herd)",
        columns=("herd", "incidence", "size", "period"),
        right="a level for each period, and a deviation of it for each herd.",
        wrong=(
            Wrong(
                "cbind(incidence, size) ~ period + (1|herd)",
                "The second column of cbind is the failures, size - incidence, not the total.",
            ),
            Wrong(
                "cbind(incidence, size - incidence) ~ period + herd",
                "That gives each herd a coefficient of its own, with no distribution over herds.",
            ),
            Wrong(
                "cbind(incidence, size - incidence) ~ 1 + (1|herd)",
                "The average herd's level is to differ by period: period is missing from the fixed part.",
            ),
        ),
    ),
    Question(
        "01-8",
        "number",
        lambda: _made_alike().max(),
        slips=AN_SD,
        digits=3,
        right="the most that luck alone makes in 20 studies; 0.665 is far beyond it.",
        wrong=(
            Wrong(0, "Several of the estimates are 0, the truth; which is the largest?"),
            Wrong(lambda: _made_alike().mean(), "That is the mean of the 20; the largest is asked for."),
            Wrong(lambda: _made_alike()[0], "That is the estimate from the first of the 20 studies."),
            Wrong(lambda: _tau(), "That is the estimate from the real data; fit the ones that were made."),
        ),
    ),
    Question(
        "01-9",
        "choices",
        {"a", "c", "e"},
        right="the median batch, how batches differ, and a batch to come.",
        wrong=(
            Wrong({"a", "b", "c", "e"}, "(b): 0.126 is the median over batches; their mean is 0.143."),
            Wrong({"a", "c", "d", "e"}, "(d): those are the ends of an interval of b, not of the batches."),
            Wrong({"a", "c"}, "Both may stand. And what does the model say of a batch to come?"),
            Wrong({"b", "c", "e"}, "(b) takes the median for the mean; (a) says what 0.126 is."),
        ),
    ),
)
