"""Chapter 4's questions: inference, sleepstudy and alcohol."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np

from ..check import Question, Wrong
from ..check.slips import A_VARIANCE, AN_SD
from ..datasets import load_data
from ..engine import lmm_criterion
from ..errors import FitWarning
from ..inference.compare import anova
from ..models import lm, lmer
from ..planning import simulate

FORMULA = "Reaction ~ Days + (Days|Subject)"
INTERCEPTS = "Reaction ~ Days + (1|Subject)"
TAU1 = "sd_Days|Subject"
SLOPE = 10.47


@cache
def _fit(formula: str = FORMULA, reml: bool = True, last_day: int = 9):
    sleep = load_data("sleepstudy")
    return lmer(formula, sleep[sleep.Days <= last_day], reml=reml)


@cache
def _countries():
    return lmer("alcohol ~ 1 + (1|country)", load_data("alcohol"))


def _filled(block: int | None = None) -> int:
    """How many entries of Z are not zero: in Z⁰, in Z¹, or in both."""
    Z = _fit().design.blocks[0].Z
    return int(np.count_nonzero(Z if block is None else Z[:, block]))


def _covariance(one: float = 2, other: float = 7, reml: bool = False) -> float:
    """Of one person's reaction times on two days."""
    (Sigma,) = _fit(reml=reml).covariances
    return np.array([1, one]) @ Sigma @ np.array([1, other])


def _correlation() -> float:
    total = [_covariance(day, day) + _fit(reml=False).sigma ** 2 for day in (2, 7)]
    return _covariance() / np.sqrt(np.prod(total))


def _criterion(theta, reml: bool = False) -> float:
    return lmm_criterion(_fit().design, reml)(np.array(theta))


@cache
def _profile():
    return _fit().profile([TAU1])


def _limit(end: str, level: float = 0.9) -> float:
    return _profile().confint(level).loc[TAU1, end]


def _p_value(column: str = "Pr(mixture)", last_day: int = 3) -> float:
    return anova(_fit(INTERCEPTS, last_day=last_day), _fit(last_day=last_day))[column].iloc[1]


def _upper(interval: str, day: int = 7) -> float:
    return _fit().predict({"Days": [day]}, groups="none", interval=interval)["upper"].iloc[0]


def _naive_error() -> float:
    y = load_data("alcohol")["alcohol"]
    return y.std() / np.sqrt(len(y))


@cache
def _studies(n: int):
    """The sleep study made n times, its numbers known."""
    sleep = load_data("sleepstudy")
    b, tau = [251.4, SLOPE], [24.74, 5.92]
    made = simulate(FORMULA, sleep, fixef=b, sd=tau, cor=0.07, sigma=25.6, n=n, seed=1)
    return [sleep.assign(Reaction=made[name]) for name in made]


@cache
def _recovered(reml: bool = False):
    """τ̂₁ of each of 40 such studies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fits = [lmer(FORMULA, study, reml=reml) for study in _studies(40)]
    return np.array([fit.varcorr.sdcor[1] for fit in fits])


@cache
def _that_hold() -> int:
    """Of 100 such studies, those whose interval by complete pooling holds the true slope."""
    fits = [lm("Reaction ~ Days", study) for study in _studies(100)]
    return sum(abs(fit.fixef["Days"] - SLOPE) < 1.96 * fit.se["Days"] for fit in fits)


QUESTIONS = (
    Question(
        "04-1",
        "count",
        _filled,
        right="180 ones in Z⁰, and in Z¹ the days that are not 0.",
        wrong=(
            Wrong(
                lambda: 2 * _filled(0),
                "On day 0 the entry of Z¹ is the number 0: those rows have one entry only.",
            ),
            Wrong(lambda: 2 * _filled(1), "Day 0 empties a row of Z¹ only; its 1 in Z⁰ is still there."),
            Wrong(lambda: _filled(0), "That is Z⁰ alone: the slopes have columns, too."),
            Wrong(lambda: _filled(1), "That is Z¹ alone: the intercepts have columns, too."),
        ),
    ),
    Question(
        "04-2",
        "number",
        _covariance,
        slips=A_VARIANCE,
        right="what two rows of one person share: the effects, not the residuals.",
        wrong=(
            Wrong(
                lambda: _covariance() + _fit(reml=False).sigma ** 2,
                "σ² belongs to the diagonal of V only: these are two different rows.",
            ),
            Wrong(_correlation, "That is the correlation of the two; the covariance is asked for."),
            Wrong(lambda: _covariance(reml=True), "That is by the REML fit; take the one by ML."),
            Wrong(
                lambda: _covariance(3, 8),
                "Those are days 3 and 8: Python counts from 0, and so do the days.",
            ),
            Wrong(0, "Rows of two different persons have covariance 0; these are of one."),
        ),
    ),
    Question(
        "04-3",
        "choice",
        "b",
        right="with another X the REML criterion is the likelihood of something else; compare ML fits.",
        wrong=(
            Wrong(
                "a",
                "Only among models with the same X: take Days² in another unit and its criterion changes.",
            ),
            Wrong("c", "The difference of two REML criteria has no χ² distribution when X differs."),
        ),
    ),
    Question(
        "04-4",
        "number",
        lambda: _criterion([1, 0, 0.3]),
        digits=5,
        slips=(),
        right="−2 log L there, with b and σ at their best.",
        tolerance=1e-4,
        wrong=(
            Wrong(
                lambda: _criterion([1, 0, 0.3], reml=True),
                "That is the REML criterion: reml=False is wanted.",
            ),
            Wrong(
                lambda: -0.5 * _criterion([1, 0, 0.3]),
                "That is the log likelihood; the criterion is −2 times it.",
            ),
            Wrong(
                lambda: _fit(reml=False).criterion, "That is the minimum, the criterion at the estimate of θ."
            ),
            Wrong(lambda: _criterion([1, 0.3, 0]), "You exchanged θ₂ and θ₃."),
        ),
    ),
    Question(
        "04-5",
        "number",
        lambda: _limit("upper"),
        slips=AN_SD,
        right="the largest τ₁ that a test at 10% would not reject.",
        wrong=(
            Wrong(lambda: _limit("upper", 0.95), "That is the end of the 95% interval."),
            Wrong(
                lambda: _limit("upper", 0.8),
                "That is the end of the 80% interval: 90% leaves 5% on each side.",
            ),
            Wrong(lambda: _limit("lower"), "That is the lower end."),
        ),
    ),
    Question(
        "04-6",
        "number",
        _p_value,
        slips=("per cent",),
        right="half the tail of χ² on 1 and half that on 2 degrees of freedom.",
        wrong=(
            Wrong(
                lambda: _p_value("Pr(>Chisq)"),
                "That is the naive p value: an SD of 0 lies on the edge of its range.",
            ),
            Wrong(
                lambda: 0.5 * _p_value("Pr(>Chisq)"),
                "Halving is right for one SD alone; here a correlation goes with it: ½χ²₁ + ½χ²₂.",
            ),
            Wrong(lambda: _p_value(last_day=2), "That is for days 0 to 2."),
            Wrong(lambda: _p_value(last_day=4), "That is for days 0 to 4, five days."),
        ),
    ),
    Question(
        "04-7",
        "number",
        lambda: _upper("group"),
        slips=(),
        tolerance=0.002,
        digits=3,
        right="where a new person's own line will be.",
        wrong=(
            Wrong(
                lambda: _upper("mean"), "That is where the average of all people lies; this is one person."
            ),
            Wrong(
                lambda: _upper("observation"),
                "That is where a single measurement will lie; the person's average line is asked for.",
            ),
            Wrong(lambda: _upper("group", day=6), "That is day 6."),
        ),
    ),
    Question(
        "04-8",
        "number",
        lambda: _countries().se["Intercept"],
        slips=AN_SD,
        right="what 189 countries say about their mean.",
        wrong=(
            Wrong(_naive_error, "That takes all 411 rows for independent: V is not diagonal."),
            Wrong(
                lambda: _countries().sigma / np.sqrt(_countries().nobs),
                "That is σ/√n: it leaves out that countries differ.",
            ),
            Wrong(
                lambda: _countries().varcorr.sdcor[0],
                "That is τ, how much countries differ, not how well their mean is known.",
            ),
        ),
    ),
    Question(
        "04-9",
        "number",
        lambda: _recovered().mean(),
        slips=AN_SD,
        digits=3,
        right="a mean of 40 estimates, each of which strays by more than 1.",
        wrong=(
            Wrong(5.92, "That is the truth, from which the data were made; what do the 40 fits say?"),
            Wrong(lambda: _recovered(reml=True).mean(), "That is by REML; take reml=False."),
            Wrong(lambda: _recovered()[0], "That is the first study alone: take the mean of all 40."),
            Wrong(
                lambda: _recovered().std(ddof=1),
                "That is how much the 40 estimates differ; their mean is asked for.",
            ),
        ),
    ),
    Question(
        "04-10",
        "choices",
        {"a", "c", "e"},
        right="how it was fitted, how models were compared, and what is predicted rather than estimated.",
        wrong=(
            Wrong({"a", "b", "c", "e"}, "(b): the 36 effects are integrated out; six numbers are estimated."),
            Wrong({"a", "c", "d", "e"}, "(d): less biased for variances; SDs are too small on average."),
            Wrong({"a", "b", "c", "d", "e"}, "(b) and (d) are two of the misreadings of this chapter."),
            Wrong({"a", "c"}, "Both true. Is (e) not, too?"),
        ),
    ),
    Question(
        "04-11",
        "count",
        _that_hold,
        right="fewer than the 95 that were promised: rows are not independent.",
        wrong=(
            Wrong(95, "That is what was promised, and what the multilevel model keeps."),
            Wrong(lambda: 100 - _that_hold(), "Those are the studies whose interval misses the truth."),
            Wrong(100, "An interval of 95% that never missed would be too wide."),
        ),
    ),
    Question(
        "04-12",
        "choices",
        {"a", "c", "e", "f"},
        right="an average, a spread, what they hang on, and a person to come, each with its own interval.",
        wrong=(
            Wrong({"a", "b", "c", "e", "f"}, "(b): 7.2 to 13.7 is about the average, not about people."),
            Wrong({"a", "c", "d", "e", "f"}, "(d): a p value of 0.1 does not show that slopes are alike."),
            Wrong({"a", "c", "f"}, "All true. And what did leaving people out show?"),
            Wrong({"a", "c", "e"}, "All true. Look at 4.10 for (f)."),
        ),
    ),
)
