"""Chapter 5's questions: varying intercepts only, varying slopes only, no correlation."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..check import Question, Wrong
from ..check.slips import A_COEFFICIENT, AN_SD
from ..datasets import load_data
from ..models import lmer


@cache
def _fit(origin: int = 0):
    sleep = load_data("sleepstudy")
    return lmer("Reaction ~ x + (x|Subject)", sleep.assign(x=sleep.Days - origin))


def _sd_at(day: int) -> float:
    """SD across subjects of the level on a day."""
    a = np.array([1, day])
    return np.sqrt(a @ _fit().covariances[0] @ a)


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
            Wrong(3.0, "Two SDs and a correlation would be (sex|school); two bars take the correlation out."),
            Wrong(1.0, "The intercept varies, too: it is understood."),
            Wrong(4.0, "Count columns, not schools or sexes: an intercept, and one difference."),
        ),
    ),
)
