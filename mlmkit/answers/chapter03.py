"""Chapter 3's questions: linear mixed effects, sleepstudy."""

from __future__ import annotations

import warnings
from functools import cache

from scipy.stats import norm

from ..check import Question, Wrong
from ..check.slips import A_COEFFICIENT, A_SHARE, AN_SD
from ..datasets import load_data
from ..errors import FitWarning
from ..models import lmer
from ..planning import simulate

FORMULA = "Reaction ~ Days + (Days|Subject)"


@cache
def _fit(last_day: int = 9, dropout: int | None = None):
    sleep = load_data("sleepstudy")
    keep = (sleep.Days <= last_day) & ~((sleep.Subject == dropout) & (sleep.Days > 4))
    return lmer(FORMULA, sleep[keep])


@cache
def _schools():
    return lmer("mathach ~ ses + (ses|school)", load_data("mathachieve")).varcorr


@cache
def _alike(seed: int = 1):
    """The fit of reaction times made with slopes that do not differ."""
    sleep = load_data("sleepstudy")
    formula, sd = "Reaction ~ Days + (1|Subject)", 24.7
    made = simulate(formula, sleep, fixef=[251.4, 10.47], sd=sd, sigma=25.6, seed=seed)["sim_1"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return lmer(FORMULA, sleep.assign(Reaction=made)).varcorr


def _sd(name: str, last_day: int = 9) -> float:
    table = _fit(last_day).varcorr
    return table.sdcor[(table.term1 == name) & table.term2.isna()].item()


def _rho() -> float:
    return _fit().varcorr.sdcor[2]


def _slope_of(subject: int, dropout: int | None = None) -> float:
    return _fit(dropout=dropout).coef["Subject"].loc[subject, "Days"]


def _share_below_zero(scale: float) -> float:
    return norm.cdf(0, loc=_fit().fixef["Days"], scale=scale)


QUESTIONS = (
    Question(
        "03-1",
        "choice",
        "b",
        right="what stands before the bar varies, the intercept is understood, one bar keeps the correlation.",
        wrong=(
            Wrong("a", "(1|Subject) lets the intercept vary only: all subjects keep one slope."),
            Wrong("c", "Two bars take the correlation out: that is (1|Subject) + (0 + Days|Subject)."),
            Wrong("d", "That is the flat model: a line for each subject and no distribution of lines."),
        ),
    ),
    Question(
        "03-2",
        "number",
        lambda: _fit().se["Days"],
        slips=AN_SD,
        right="how well the average slope is known, in ms per day.",
        wrong=(
            Wrong(
                lambda: _sd("Days"),
                "That is τ₁, how much people differ, not how well their average is known.",
            ),
            Wrong(lambda: _fit().se["Intercept"], "That is the standard error of the intercept b₀."),
            Wrong(lambda: _fit().fixef["Days"], "That is the slope b₁ itself."),
        ),
    ),
    Question(
        "03-3",
        "number",
        lambda: _rho() * _sd("Intercept") * _sd("Days"),
        slips=A_COEFFICIENT,
        tolerance=0.01,  # the product of three rounded numbers
        right="Σ₁₂ = ρτ₀τ₁, a covariance, in ms²/day.",
        wrong=(
            Wrong(_rho, "That is the correlation ρ; Σ₁₂ is the covariance ρτ₀τ₁."),
            Wrong(lambda: _sd("Intercept") * _sd("Days"), "That is τ₀τ₁: the correlation is still missing."),
            Wrong(
                lambda: _rho() * _sd("Intercept") ** 2 * _sd("Days") ** 2,
                "You multiplied ρ by the variances; it takes the standard deviations.",
            ),
        ),
    ),
    Question(
        "03-4",
        "label",
        lambda: float(_fit().coef["Subject"]["Days"].idxmax()),
        right="the steepest of the multilevel lines.",
        wrong=(
            Wrong(
                lambda: float(_fit().coef["Subject"]["Days"].idxmin()),
                "That subject has the smallest slope: idxmin where idxmax was wanted.",
            ),
            Wrong(
                lambda: float(_fit().coef["Subject"]["Intercept"].idxmax()),
                "That subject has the highest intercept: slowest at the start, not fastest to tire.",
            ),
            Wrong(
                lambda: _fit().coef["Subject"]["Days"].max(),
                "That is the largest slope; whose it is, the subject's number, is asked for.",
            ),
        ),
    ),
    Question(
        "03-5",
        "number",
        lambda: _share_below_zero(_sd("Days")),
        slips=A_SHARE,
        right="about 4 people in 100, from the distribution of slopes across people.",
        wrong=(
            Wrong(
                lambda: _share_below_zero(_fit().se["Days"]),
                "You used the standard error: that is the chance that the average is below zero; people need τ₁.",
            ),
            Wrong(
                lambda: _share_below_zero(_sd("Days") ** 2),
                "scale takes a standard deviation; you gave the variance τ₁².",
            ),
            Wrong(4.0, "That is in per cent, and rounded: give a proportion, with two digits or more."),
        ),
    ),
    Question(
        "03-6",
        "number",
        lambda: _sd("Days", last_day=4),
        slips=AN_SD,
        right="τ₁ from the first five days alone.",
        wrong=(
            Wrong(lambda: _sd("Days"), "That is τ₁ of all ten days: fit again on sleep[sleep.Days <= 4]."),
            Wrong(lambda: _sd("Intercept", last_day=4), "That is τ₀, the SD of the intercepts."),
        ),
    ),
    Question(
        "03-7",
        "number",
        lambda: _slope_of(335, dropout=335) - _slope_of(335),
        slips=A_COEFFICIENT,
        right="with half the days, the population's line counts for much more.",
        wrong=(
            Wrong(
                lambda: _slope_of(335, dropout=335), "That is the new slope itself; the change is asked for."
            ),
            Wrong(lambda: _slope_of(335) - _slope_of(335, dropout=335), "New minus old, not old minus new."),
        ),
    ),
    Question(
        "03-8",
        "number",
        lambda: _schools().sdcor[2],
        slips=A_COEFFICIENT,
        right="ρ, the correlation of intercept and slope across schools.",
        wrong=(
            Wrong(lambda: _schools().vcov[2], "That is the covariance ρτ₀τ₁; divide by both SDs."),
            Wrong(lambda: _schools().sdcor[1], "That is τ₁, the SD of the slopes."),
            Wrong(lambda: _schools().sdcor[0], "That is τ₀, the SD of the intercepts."),
        ),
    ),
    Question(
        "03-9",
        "number",
        lambda: _alike().sdcor[1],
        slips=AN_SD,
        digits=3,
        right="noise makes slopes look a little different, and far less different than the 5.9 of the real people.",
        wrong=(
            Wrong(0, "That is the truth, from which the data were made; what does the fit report?"),
            Wrong(lambda: _alike().sdcor[0], "That is τ̂₀, the SD of the intercepts."),
            Wrong(lambda: _alike().sdcor[2], "That is ρ̂; the SD of the slopes stands in the row above."),
            Wrong(lambda: _sd("Days"), "That is τ̂₁ of the real people: fit the invented data."),
            Wrong(lambda: _alike(2).sdcor[1], "That is with seed=2; take seed=1."),
        ),
    ),
    Question(
        "03-10",
        "choices",
        {"a", "c", "e", "f"},
        right="the average, how people differ, why the slope varies, and what does not fit.",
        wrong=(
            Wrong(
                {"a", "b", "c", "e", "f"},
                "(b) takes the standard error, 1.55, for the SD of people, 5.92: it is an interval of the average.",
            ),
            Wrong({"a", "c", "d", "e", "f"}, "(d): look at 335, and at exercise 3.5."),
            Wrong({"a", "c", "e"}, "All true. And what did the residuals show?"),
            Wrong({"a", "c", "f"}, "All true. And why may the slope vary? The design says it."),
        ),
    ),
)
