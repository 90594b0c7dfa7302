"""The questions of the first notebook."""

from __future__ import annotations

from functools import cache

from ..check import Question, Wrong
from ..check.slips import AN_SD
from ..datasets import load_data
from ..models import lmer


@cache
def _fit():
    return lmer("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))


@cache
def _schools():
    return lmer("mathscore ~ ses + (1|schoolid)", load_data("classroom"))


QUESTIONS = (
    Question(
        "00-1",
        "count",
        lambda: float(_fit().ngroups["Subject"]),
        right="eighteen people, ten rows each.",
        wrong=(
            Wrong(lambda: float(_fit().nobs), "That is the number of rows; each person has ten."),
            Wrong(10.0, "That is the number of days."),
        ),
    ),
    Question(
        "00-2",
        "number",
        lambda: _fit().sigma,
        slips=AN_SD,
        right="the residual SD σ, in ms.",
        wrong=(
            Wrong(lambda: _fit().sigma ** 2, "That is the variance; its square root is in ms."),
            Wrong(lambda: _fit().varcorr.sdcor[0], "That is how people differ at day 0, τ₀."),
            Wrong(lambda: _fit().varcorr.sdcor[1], "That is how people differ in slope, τ₁."),
            Wrong(lambda: _fit().se["Days"], "That is the standard error of the average slope."),
        ),
    ),
    Question(
        "00-3",
        "choice",
        "b",
        right="the standard error of b₁: how well the average slope is known.",
        wrong=(
            Wrong("a", "That is how much people differ in slope, τ₁; with more people it would not shrink."),
            Wrong("c", "That is the residual SD σ: how one measurement strays from its subject's line."),
            Wrong("d", "That is how much people differ on day 0, τ₀."),
        ),
    ),
    Question(
        "00-4",
        "choices",
        {"a", "c", "d"},
        right="a line each, a distribution of the lines, and noise about each line.",
        wrong=(
            Wrong({"a", "d"}, "That is the flat model: what makes it multilevel is missing."),
            Wrong({"b"}, "That is complete pooling: one line, the subjects ignored."),
            Wrong({"c"}, "True, but if there is a distribution of lines, every subject has a line."),
            Wrong({"a", "c"}, "Both true. And what does σ = 25.6 ms describe?"),
        ),
    ),
    Question(
        "00-5",
        "formula",
        "Reaction ~ Days + (1|Subject)",
        columns=lambda: tuple(load_data("sleepstudy")),
        right="one slope for all, a level for each subject.",
        wrong=(
            Wrong(
                "Reaction ~ Days + (Days|Subject)", "That lets the slope vary too; the level only is asked."
            ),
            Wrong(
                "Reaction ~ Days + (0 + Days|Subject)",
                "That lets the slope vary and not the level: 0 takes 1 out.",
            ),
            Wrong("Reaction ~ 1 + (1|Subject)", "The average person's line needs Days in the fixed part."),
            Wrong("Reaction ~ Days", "Nothing varies across subjects yet: add a term with a bar."),
        ),
    ),
    Question(
        "00-6",
        "number",
        lambda: _schools().varcorr.sdcor[0],
        slips=AN_SD,
        right="τ, the SD of the schools' levels, in points.",
        wrong=(
            Wrong(lambda: _schools().sigma, "That is the residual SD: how children of one school differ."),
            Wrong(lambda: _schools().varcorr.vcov[0], "That is the variance; the SD is its square root."),
            Wrong(
                lambda: _schools().se["Intercept"], "That is a standard error: how well the mean is known."
            ),
            Wrong(lambda: _schools().fixef["ses"], "That is the slope of ses, not how schools differ."),
        ),
    ),
)
