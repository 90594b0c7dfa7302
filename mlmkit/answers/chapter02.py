"""Chapter 2's questions: normal random effects, alcohol."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..check import Question, Wrong
from ..check.slips import A_SHARE
from ..datasets import load_data
from ..models import lmer


@cache
def _fit():
    return lmer("alcohol ~ 1 + (1|country)", load_data("alcohol"))


@cache
def _schools():
    return lmer("mathach ~ 1 + (1|school)", load_data("mathachieve"))


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
                "You pulled towards the mean of all rows; the centre is φ̂.",
            ),
            Wrong(
                lambda: _fit().fixef["Intercept"], "That is φ̂: where an estimate without any rows would be."
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
)
