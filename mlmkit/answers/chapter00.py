"""The questions of the first notebook."""

from __future__ import annotations

from functools import cache

from ..check import Question, Wrong
from ..check.slips import AN_SD
from ..datasets import load_data
from ..models import lmer
from ..planning import simulate

LEVELS = "mathscore ~ 1 + (1|schoolid)"


@cache
def _fit():
    return lmer(LEVELS, load_data("classroom"))


@cache
def _schools():
    return lmer("mathach ~ ses + (1|school)", load_data("mathachieve"))


@cache
def _invented(seed: int = 1):
    """A fit to scores that were made with an SD of 10 across schools."""
    children = load_data("classroom")
    made = simulate(LEVELS, children, fixef=520, sd=10, sigma=35, seed=seed)
    return lmer(LEVELS, children.assign(mathscore=made["sim_1"]))


QUESTIONS = (
    Question(
        "00-1",
        "count",
        lambda: float(_fit().ngroups["schoolid"]),
        right="107 schools, with 2 to 31 of the children in each.",
        wrong=(
            Wrong(lambda: float(_fit().nobs), "That is the number of rows: one for each child."),
            Wrong(
                lambda: float(load_data("classroom").classid.nunique()),
                "That is the number of classes; a school has several.",
            ),
        ),
    ),
    Question(
        "00-2",
        "number",
        lambda: _fit().sigma,
        slips=AN_SD,
        right="the residual SD σ: how children of one school differ, in points.",
        wrong=(
            Wrong(lambda: _fit().sigma ** 2, "That is the variance; its square root is in points."),
            Wrong(lambda: _fit().varcorr.sdcor[0], "That is how schools differ, τ."),
            Wrong(lambda: _fit().se["Intercept"], "That is the standard error of the average school's mean."),
            Wrong(
                lambda: load_data("classroom").mathscore.std(),
                "That is the SD of all scores: it holds what schools differ by, too.",
            ),
        ),
    ),
    Question(
        "00-3",
        "choice",
        "b",
        right="the standard error says what is known, and more schools tell more.",
        wrong=(
            Wrong(
                "a",
                "How much schools differ is a fact about schools; more of them make it better known, not smaller.",
            ),
            Wrong(
                "c", "How much children of one school differ does not depend on how many schools there are."
            ),
            Wrong("d", "One of them is a standard error: it goes down by the root of the number of schools."),
        ),
    ),
    Question(
        "00-4",
        "choices",
        {"a", "c", "d"},
        right="a level for each school, a distribution of the levels, and noise about each level.",
        wrong=(
            Wrong({"a", "d"}, "That is the flat model: what makes it multilevel is missing."),
            Wrong({"b"}, "That is complete pooling: one level, the schools ignored."),
            Wrong({"c"}, "True, but if there is a distribution of levels, every school has a level."),
            Wrong({"a", "c"}, "Both true. And what does the residual SD of 34.7 points describe?"),
        ),
    ),
    Question(
        "00-5",
        "formula",
        "mathscore ~ ses + (1|schoolid)",
        columns=lambda: tuple(load_data("classroom")),
        right="one slope for all, a level for each school.",
        wrong=(
            Wrong(
                "mathscore ~ ses + (ses|schoolid)", "That lets the slope vary too; the level only is asked."
            ),
            Wrong(
                "mathscore ~ 1 + (1|schoolid)", "The average school's line needs ses outside the brackets."
            ),
            Wrong(
                "mathscore ~ 1 + (ses|schoolid)",
                "That lets the slope vary between schools, and has no slope for the average school.",
            ),
            Wrong("mathscore ~ ses", "Nothing varies between schools yet: add a term with a bar."),
            Wrong(
                "mathscore ~ ses + schoolid",
                "That gives each school a level, but says of no distribution that the levels come from.",
            ),
        ),
    ),
    Question(
        "00-6",
        "number",
        lambda: _schools().varcorr.sdcor[0],
        slips=AN_SD,
        right="τ, the SD of the schools' levels, in points.",
        wrong=(
            Wrong(lambda: _schools().sigma, "That is the residual SD: how pupils of one school differ."),
            Wrong(lambda: _schools().varcorr.vcov[0], "That is the variance; the SD is its square root."),
            Wrong(
                lambda: _schools().se["Intercept"], "That is a standard error: how well the mean is known."
            ),
            Wrong(lambda: _schools().fixef["ses"], "That is the slope of ses, not how schools differ."),
        ),
    ),
    Question(
        "00-7",
        "number",
        lambda: _invented().varcorr.sdcor[0],
        slips=AN_SD,
        digits=3,
        right="an estimate of the 10 that you know to be true; another sample gives another one.",
        wrong=(
            Wrong(10, "That is the truth, from which the scores were made; what does the fit report?"),
            Wrong(lambda: _invented().sigma, "That is the residual SD, made with 35."),
            Wrong(lambda: _fit().varcorr.sdcor[0], "That is the SD in the real data: fit the invented ones."),
            Wrong(lambda: _invented(2).varcorr.sdcor[0], "That is with seed=2; take seed=1."),
        ),
    ),
    Question(
        "00-8",
        "choices",
        {"a", "c", "e"},
        right="one sentence on what is known, one on how schools differ, one on how children do.",
        wrong=(
            Wrong(
                {"a", "b", "c", "e"},
                "(b) is about where schools lie, not about the mean of all: look at its width.",
            ),
            Wrong(
                {"a", "c", "d", "e"},
                "(d) takes an interval of the mean for one of children: their SD is 34.7.",
            ),
            Wrong({"a", "b", "c", "d", "e"}, "(b) and (d) each take one of the three numbers for another."),
            Wrong({"a"}, "True. And how do schools differ, and children?"),
        ),
    ),
)
