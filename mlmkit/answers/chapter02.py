"""Chapter 2's questions: normal random effects, alcohol."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..check import Question, Wrong
from ..check.slips import A_SHARE, AN_SD
from ..datasets import load_data
from ..models import lmer
from ..planning import simulate

FORMULA = "alcohol ~ 1 + (1|country)"


@cache
def _fit():
    return lmer(FORMULA, load_data("alcohol"))


@cache
def _schools():
    return lmer("mathach ~ 1 + (1|school)", load_data("mathachieve"))


@cache
def _invented(seed: int = 1):
    """Consumption made from b = 6.66, τ = 1, σ = 3, and the fit of it."""
    alcohol = load_data("alcohol")
    made = simulate(FORMULA, alcohol, fixef=6.66, sd=1, sigma=3, seed=seed)["sim_1"]
    invented = alcohol.assign(alcohol=made)
    return invented, lmer(FORMULA, invented)


def _sd_of_plain_means(seed: int = 1) -> float:
    return _invented(seed)[0].groupby("country").alcohol.mean().std()


def _between(fit) -> float:
    """The share of the variance that lies between groups."""
    return fit.varcorr.vcov[0] / fit.varcorr.vcov.sum()


def _between_of_sds(fit) -> float:
    return fit.varcorr.sdcor[0] / fit.varcorr.sdcor.sum()


def _weight(n: float) -> float:
    tau2, sigma2 = _fit().varcorr.vcov
    return tau2 / (tau2 + sigma2 / n)


def _estimate(ybar: float, n: int, centre: float) -> float:
    return _weight(n) * ybar + (1 - _weight(n)) * centre


def _rows_for(weight: float) -> float:
    tau2, sigma2 = _fit().varcorr.vcov
    return weight / (1 - weight) * sigma2 / tau2


SD_SLIP = "You used standard deviations; the shares are of variances: square them first."

QUESTIONS = (
    Question(
        "02-1",
        "number",
        lambda: 1 - _between(_fit()),
        slips=A_SHARE,
        right="what the years of one country leave to explain.",
        wrong=(
            Wrong(lambda: _between(_fit()), "That is the share between countries, the ICC."),
            Wrong(lambda: 1 - _between_of_sds(_fit()), SD_SLIP),
        ),
    ),
    Question(
        "02-2",
        "number",
        lambda: _weight(1),
        slips=A_SHARE,
        right="with one row the weight is the ICC.",
        wrong=(
            Wrong(lambda: 1 - _weight(1), "That is the weight of the population, 1 − λ."),
            Wrong(lambda: _weight(2), "That is with two rows; there is one."),
            Wrong(lambda: _between_of_sds(_fit()), SD_SLIP),
        ),
    ),
    Question(
        "02-3",
        "count",
        lambda: float(np.ceil(_rows_for(0.99))),
        right="and already with one row a country is believed at 95%.",
        wrong=(
            Wrong(99.0, "That is λ/(1 − λ) alone; it is multiplied by σ²/τ²."),
            Wrong(lambda: _rows_for(0.99), "Rows come whole: round up."),
            Wrong(
                lambda: float(np.floor(_rows_for(0.99))),
                "With so many the weight is still below 0.99: round up.",
            ),
        ),
    ),
    Question(
        "02-4",
        "choices",
        {"b", "c"},
        right="the weight depends on n, τ and σ only.",
        wrong=(
            Wrong(
                {"a", "b", "c"},
                "(a) is the wrong way round: with a high ICC a group's own rows are believed.",
            ),
            Wrong(
                {"b", "c", "d"}, "(d): how extreme a country is does not occur in the formula of its weight."
            ),
        ),
    ),
    Question(
        "02-5",
        "number",
        lambda: _estimate(16, 2, _fit().fixef["Intercept"]),
        tolerance=1e-4,  # the wrong centre moves the answer by 0.06% only
        digits=4,
        slips=(),
        right="a little below 16.",
        wrong=(
            Wrong(16.0, "That is its own mean: nothing was shrunk."),
            Wrong(
                lambda: _estimate(16, 2, load_data("alcohol").alcohol.mean()),
                "You pulled towards the mean of all rows; the centre is b̂.",
            ),
            Wrong(
                lambda: _fit().fixef["Intercept"], "That is b̂: where an estimate without any rows would be."
            ),
            Wrong(
                lambda: _estimate(16, 1, _fit().fixef["Intercept"]), "That is with one row; there are two."
            ),
            Wrong(
                lambda: (1 - _weight(2)) * 16 + _weight(2) * _fit().fixef["Intercept"],
                "The weights are the wrong way round: λ goes with the country's own mean.",
            ),
        ),
    ),
    Question(
        "02-6",
        "number",
        lambda: _between(_schools()),
        slips=A_SHARE,
        right="most of the variance lies between pupils of one school.",
        wrong=(
            Wrong(lambda: 1 - _between(_schools()), "That is the share within schools."),
            Wrong(lambda: _between_of_sds(_schools()), SD_SLIP),
        ),
    ),
    Question(
        "02-7",
        "number",
        _sd_of_plain_means,
        slips=AN_SD,
        digits=3,
        right="twice the true SD and more: the noise of two years with an SD of 3 litres is in it.",
        wrong=(
            Wrong(1, "That is the truth, from which the data were made; what do the plain means show?"),
            Wrong(lambda: _invented()[1].varcorr.sdcor[0], "That is τ̂ of the fit, the next question."),
            Wrong(
                lambda: _invented()[1].coef["country"]["Intercept"].std(),
                "That is the SD of the multilevel means: the plain ones are asked for.",
            ),
            Wrong(lambda: _invented()[0].alcohol.std(), "That is the SD of all rows: take means by country."),
            Wrong(lambda: _sd_of_plain_means(2), "That is with seed=2; take seed=1."),
            Wrong(
                lambda: load_data("alcohol").groupby("country").alcohol.mean().std(),
                "That is in the real data: take the invented ones.",
            ),
        ),
    ),
    Question(
        "02-8",
        "choices",
        {"a", "c", "e"},
        right="a mean of countries, two SDs, and what the residuals say against one of them.",
        wrong=(
            Wrong(
                {"a", "b", "c", "e"}, "(b): a mean of countries counts each once, whatever its population."
            ),
            Wrong({"a", "c", "d", "e"}, "(d): the ICC is no measure of fit; look at the residuals."),
            Wrong({"a", "b", "c", "d", "e"}, "(b) is about people and (d) about fit; the model is not."),
            Wrong({"a", "c"}, "Both true. And what did the residuals show?"),
        ),
    ),
)
