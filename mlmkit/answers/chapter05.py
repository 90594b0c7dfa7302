"""Chapter 5's questions: varying intercepts only, varying slopes only, no correlation."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..check import Question, Wrong
from ..check.slips import A_COEFFICIENT, AN_SD
from ..datasets import load_data
from ..models import lmer
from ..planning import simulate


@cache
def _fit(origin: int = 0):
    sleep = load_data("sleepstudy")
    return lmer("Reaction ~ x + (x|Subject)", sleep.assign(x=sleep.Days - origin))


def _sd_at(day: int) -> float:
    """SD across subjects of the level on a day."""
    a = np.array([1, day])
    return np.sqrt(a @ _fit().covariances[0] @ a)


@cache
def _made(origin: int = 5) -> float:
    """The correlation that the fit reports where people were made with none on day 0."""
    sleep = load_data("sleepstudy")
    formula = "Reaction ~ Days + (Days||Subject)"
    made = simulate(formula, sleep, fixef=[250, 10], sd=[25, 6], sigma=25, seed=1)["sim_1"]
    invented = sleep.assign(Reaction=made, x=sleep.Days - origin)
    return lmer("Reaction ~ x + (x|Subject)", invented).varcorr.sdcor[2]


QUESTIONS = (
    Question(
        "05-1",
        "choice",
        "c",
        right="two terms on one group, with no correlation between them.",
        wrong=(
            Wrong("a", "One bar keeps the correlation: that is (x|g)."),
            Wrong("b", "(x|g) brings an intercept of its own, so the intercept would vary twice."),
            Wrong("d", "There the intercept does not vary at all."),
        ),
    ),
    Question(
        "05-2",
        "count",
        5.0,
        right="where the predictor is zero, and only there.",
        wrong=(
            Wrong(0.0, "That is where Days is zero; the predictor is Late, which is zero at another day."),
            Wrong(4.5, "That is the mean of Days; the lines meet where the predictor is zero."),
            Wrong(-5.0, "Late = Days − 5 is zero at Days = +5."),
        ),
    ),
    Question(
        "05-3",
        "count",
        lambda: float(_fit().n_parameters),
        right="b₀, b₁, τ₀, τ₁, ρ and σ.",
        wrong=(
            Wrong(5.0, "One is missing: did you count the correlation ρ, and the residual SD σ?"),
            Wrong(4.0, "The correlation ρ and the residual SD σ are estimated, too."),
            Wrong(42.0, "Group effects are predicted from the fit; they are not counted as parameters."),
        ),
    ),
    Question(
        "05-4",
        "number",
        lambda: _fit(9).varcorr.sdcor[2],
        slips=A_COEFFICIENT,
        right="by day 9 the steep are high.",
        wrong=(
            Wrong(lambda: _fit().varcorr.sdcor[2], "That is the correlation at day 0."),
            Wrong(lambda: _fit(9).varcorr.vcov[2], "That is the covariance; divide by both SDs."),
            Wrong(
                lambda: _fit(9).coef["Subject"].corr().iloc[0, 1],
                "That is the correlation of estimates, not ρ.",
            ),
            Wrong(lambda: -_fit(9).varcorr.sdcor[2], "That is for days counted backwards, 9 − x."),
            Wrong(lambda: _fit(5).varcorr.sdcor[2], "That is the correlation at day 5."),
        ),
    ),
    Question(
        "05-5",
        "number",
        lambda: _sd_at(9),
        slips=AN_SD,
        right="people differ far more on the last day than on the first.",
        wrong=(
            Wrong(lambda: _sd_at(9) ** 2, "That is the variance: take its root."),
            Wrong(lambda: _sd_at(0), "That is the SD at day 0, τ₀."),
            Wrong(
                lambda: np.hypot(_sd_at(0), 9 * _fit().varcorr.sdcor[1]),
                "That leaves out the covariance, 18ρτ₀τ₁.",
            ),
            Wrong(
                lambda: np.hypot(_sd_at(9), _fit().sigma),
                "That is the SD of a single measurement on day 9; the level is asked for, without σ.",
            ),
            Wrong(
                lambda: _fit().varcorr.sdcor[0] + 9 * _fit().varcorr.sdcor[1],
                "SDs do not add up; variances and covariances do.",
            ),
        ),
    ),
    Question(
        "05-6",
        "count",
        2.0,
        right="one for the intercept, one for the difference, uncorrelated.",
        wrong=(
            Wrong(160.0, "Every school has an intercept and a gap; asked is how many SDs describe them."),
            Wrong(3.0, "Two SDs and a correlation would be (sex|school); two bars take the correlation out."),
            Wrong(1.0, "The intercept varies, too: it is understood."),
            Wrong(4.0, "Count columns, not schools or sexes: an intercept, and one difference."),
        ),
    ),
    Question(
        "05-7",
        "number",
        lambda: _made(),
        slips=A_COEFFICIENT,
        right="no correlation on day 0 makes a strong one on day 5; the truth is 0.77.",
        wrong=(
            Wrong(0.0, "That is the truth on day 0; the fit counts from day 5."),
            Wrong(lambda: _made(0), "That is the estimate on day 0: fit on Late."),
            Wrong(180 / 1525**0.5 / 6, "That is the truth on day 5; what does the fit report?"),
            Wrong(lambda: _fit(5).varcorr.sdcor[2], "That is from the real people: fit the invented ones."),
        ),
    ),
    Question(
        "05-8",
        "choices",
        {"a", "c", "e"},
        right="why it varies, what it is worth, and which day the correlation belongs to.",
        wrong=(
            Wrong({"a", "b", "c", "e"}, "(b): that standard error is small because slopes may not differ."),
            Wrong({"a", "c", "d", "e"}, "(d): not significant is not 0, and on day 5 it is far from 0."),
            Wrong({"a", "c"}, "Both may stand. And which day does the correlation belong to?"),
            Wrong({"a", "e"}, "Both may stand. Is (c) not a plain fact, too?"),
        ),
    ),
)
