"""The questions of the first notebook."""

from __future__ import annotations

from functools import cache

from ..check import Question, Wrong
from ..datasets import load_data
from ..models import lmer


@cache
def _fit():
    return lmer("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))


QUESTIONS = (
    Question(
        "00-1",
        "number",
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
        right="the residual SD σ, in ms.",
        wrong=(
            Wrong(lambda: _fit().sigma ** 2, "That is the variance; its square root is in ms."),
            Wrong(lambda: _fit().varcorr.sdcor[0], "That is how people differ at day 0, τ₀."),
            Wrong(lambda: _fit().varcorr.sdcor[1], "That is how people differ in slope, τ₁."),
            Wrong(lambda: _fit().se["Days"], "That is the standard error of the average slope."),
        ),
    ),
)
