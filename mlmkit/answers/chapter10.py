"""Chapter 10's questions: planning a study."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ..check import Question, Wrong

TAU, SIGMA = 5.92, 25.59


def _se(J: int, tau: float = TAU, sigma: float = SIGMA) -> float:
    """The standard error of the mean slope of J people on days 0 to 9."""
    return float(np.sqrt((tau**2 + sigma**2 / 82.5) / J))


def _power(J: int, z: bool = False) -> float:
    """The power of J people to find 4 ms per day; with the normal distribution in the t's place."""
    away = 4 / _se(J)
    if z:
        return float(stats.norm.sf(1.959964 - away) + stats.norm.cdf(-1.959964 - away))
    edge = stats.t.isf(0.025, J - 1)
    return float(stats.nct.sf(edge, J - 1, away) + stats.nct.cdf(-edge, J - 1, away))


QUESTIONS = (
    Question(
        "10-1",
        "number",
        20 * 25 / (1 + 24 * 0.05),
        right="500 rows divided by the design effect of 2.2.",
        digits=3,
        slips=(),
        wrong=(
            Wrong(500, "Those are the rows; rows of one group are alike."),
            Wrong(
                20 * 25 / (1 + 25 * 0.05), "The design effect has n − 1, not n: a row is not alike to itself."
            ),
            Wrong(20, "That would be so with an ICC of 1, where one row per group says everything."),
        ),
    ),
    Question(
        "10-2",
        "number",
        lambda: _se(36, 5.922, 25.592),
        right="smaller by the root of 2.",
        digits=3,
        slips=(),
        wrong=(
            Wrong(
                lambda: _se(18, 5.922, 25.592) / 2, "J stands under a root: twice the people divide by √2."
            ),
            Wrong(lambda: _se(18, 5.922, 25.592), "That is the one with 18 people."),
            Wrong(
                lambda: _se(9, 5.922, 25.592), "That is the one with 9 people: more people make it smaller."
            ),
        ),
    ),
    Question(
        "10-3",
        "number",
        TAU / np.sqrt(18),
        right="τ₁/√J: people differ, however well each is known.",
        digits=3,
        slips=(),
        wrong=(
            Wrong(0.0, "That would be so if everybody had the same slope."),
            Wrong(lambda: _se(18), "That is with ten days."),
            Wrong(TAU, "That is the SD of people's slopes; the mean of 18 of them is better known."),
        ),
    ),
    Question(
        "10-4",
        "number",
        float(np.sqrt(100 / 10 * 6.257**2 / 2.935**2)),
        right="the root of the ratio of costs times that of variances; 7 pupils.",
        tolerance=0.06,
        slips=(),
        wrong=(
            Wrong(10, "That is the ratio of the costs alone."),
            Wrong(float(100 / 10 * 6.257**2 / 2.935**2), "The root is missing."),
            Wrong(
                float(np.sqrt(10 * 2.935**2 / 6.257**2)),
                "The ratio of variances is upside down: σ² above τ².",
            ),
        ),
    ),
    Question(
        "10-5",
        "count",
        1600,
        right="0.16 divided by a ten-thousandth.",
        wrong=(
            Wrong(400, "With 400 it is .02."),
            Wrong(160, "That is 0.16 divided by a thousandth; the error enters squared."),
        ),
    ),
    Question(
        "10-6",
        "number",
        lambda: _power(12),
        right="about .49, from a noncentral t with 11 degrees of freedom.",
        tolerance=0.1,
        slips=(),
        wrong=(
            Wrong(
                lambda: _power(12, z=True), "That is a z test's: with 12 people the degrees of freedom count."
            ),
        ),
    ),
    Question(
        "10-7",
        "choices",
        {"a", "c", "d"},
        right="a predictor that varies within a group may have a slope that varies between groups.",
        wrong=(
            Wrong(
                {"a", "b", "c", "d", "e"},
                "A word has one frequency and a person one age: no slope within them.",
            ),
            Wrong({"a", "d"}, "And age varies within a word: people of all ages read it."),
            Wrong({"a", "b", "c", "d"}, "(b): a word has one frequency, so no slope of it within words."),
            Wrong({"a", "c", "d", "e"}, "(e): a person has one age, so no slope of it within people."),
            Wrong(
                {"b", "e"}, "Those two are the ones that the design does not allow: you picked the opposite."
            ),
        ),
    ),
    Question(
        "10-8",
        "choice",
        "b",
        right="an SD cannot be estimated below 0, so its estimate errs upwards; the correlation is on its boundary.",
        wrong=(
            Wrong("a", "An estimate is not the truth: fit it and look."),
            Wrong(
                "c",
                "In these data nobody differs in slope: an estimated SD above 0 does not show that people do.",
            ),
        ),
    ),
    Question(
        "10-9",
        "choices",
        {"a", "c", "e"},
        right="an effect that matters, the power with its error, and what another τ does to it.",
        wrong=(
            Wrong(
                {"a", "b", "c", "e"},
                "(b): the effect of a pilot is a wish; what is significant in a small study is too large.",
            ),
            Wrong(
                {"a", "c", "d", "e"},
                "(d): power for the effect that was found is the p value over again.",
            ),
            Wrong({"a", "c"}, "Both may stand. And if the words differ more than was assumed?"),
        ),
    ),
)
