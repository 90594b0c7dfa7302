"""Chapter 11's questions: from data to a report, Beat the Blues."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd

from ..check import Question, Wrong
from ..check.slips import A_COEFFICIENT
from ..datasets import load_data
from ..errors import FitWarning
from ..models import lmer

ARM, CHANGE = "treatment[T.BtheB]", "m:treatment[T.BtheB]"


@cache
def _rows() -> pd.DataFrame:
    """One row per visit, as in 11.1 and 11.3."""
    wide = load_data("beattheblues")
    patients = ["subject", "treatment", "drug", "length", "bdi_pre"]
    rows = wide.melt(id_vars=patients, var_name="month", value_name="bdi")
    rows["month"] = rows["month"].str.removeprefix("bdi_").astype(int)
    rows["treatment"] = pd.Categorical(rows["treatment"], ["TAU", "BtheB"])
    return rows.assign(pre=rows["bdi_pre"] - wide["bdi_pre"].mean(), m=rows["month"] - 2)


@cache
def _fit(completers: bool = False):
    rows = _rows()
    visits = rows.groupby("subject", observed=True)["bdi"].transform("count")
    chosen = rows[visits == 4] if completers else rows
    return lmer("bdi ~ pre + m*treatment + drug + length + (m|subject)", chosen)


def _difference(m: float) -> float:
    b = _fit().fixef
    return b[ARM] + m * b[CHANGE]


def _carried_forward() -> float:
    """The mean of last values where 22% of those still there leave before each visit, by chance."""
    stays = 0.78 ** np.arange(5)
    stops = np.append(0.22 * stays[:-1], stays[-1])
    return 23 - 1.2 * float(stops @ np.array([0, 2, 3, 5, 8]))


@cache
def _schools():
    pupils = load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    pupils["sector"] = pd.Categorical(pupils["sector"], ["Public", "Catholic"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return lmer("mathach ~ ses*sector + (ses|school)", pupils)


def _raw_difference() -> float:
    pupils = load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    means = pupils.groupby("sector", observed=True)["mathach"].mean()
    return means["Catholic"] - means["Public"]


QUESTIONS = (
    Question(
        "11-1",
        "count",
        lambda: _fit().nobs,
        right="every score that was seen, of 97 patients.",
        wrong=(
            Wrong(400, "these are all rows, those without a score too."),
            Wrong(
                208, "these are the rows of the 52 complete patients; the others' scores are used as well."
            ),
            Wrong(97, "these are the patients."),
        ),
    ),
    Question(
        "11-2",
        "formula",
        "bdi ~ month*treatment + (month|subject)",
        right="month varies within patients, so its slope may vary over them; treatment does not.",
        wrong=(
            Wrong(
                "bdi ~ month*treatment + (1|subject)", "in this model all patients of an arm share one trend."
            ),
            Wrong(
                "bdi ~ month*treatment + (treatment|subject)",
                "nobody is in both arms: treatment does not vary within patients, so it has no slope there.",
            ),
            Wrong(
                "bdi ~ month*treatment + (month||subject)",
                "nearly; two bars claim that level and trend are uncorrelated at month 0, which nobody has asked for.",
            ),
            Wrong(
                "bdi ~ m*treatment + (m|subject)",
                "m counts from month 2; month, from the start, is asked for.",
            ),
            Wrong(
                "bdi ~ month*treatment", "each patient has a level and a trend: the random part is missing."
            ),
            Wrong(
                "bdi ~ month + treatment + (month|subject)",
                "here both arms have the same average trend; the interaction is missing.",
            ),
            Wrong(
                "bdi ~ month*treatment + (month*treatment|subject)",
                "nobody is in both arms: treatment does not vary within patients, so it has no slope there.",
            ),
        ),
        columns=lambda: tuple(_rows().columns),
    ),
    Question(
        "11-3",
        "number",
        lambda: _difference(6),
        right="at month 8 nothing is left of it, within an interval of 4.5 points either way.",
        tolerance=0.03,  # two decimals, of a number near 0
        wrong=(
            Wrong(lambda: _difference(0), "that is the difference at m = 0, which is month 2."),
            Wrong(lambda: _fit().fixef[CHANGE], "that is how the difference changes per month."),
            Wrong(lambda: 6 * _fit().fixef[CHANGE], "that is the change from month 2 to month 8 alone."),
            Wrong(lambda: _difference(8), "m counts from month 2, so month 8 is m = 6."),
        ),
        slips=A_COEFFICIENT,
    ),
    Question(
        "11-4",
        "number",
        lambda: _fit(completers=True).fixef[ARM],
        right="twice as large as with all patients, and the finding of a wrong analysis.",
        wrong=(
            Wrong(lambda: _fit().fixef[ARM], "that is the difference with all patients."),
            Wrong(lambda: _fit(completers=True).fixef[CHANGE], "that is the interaction."),
        ),
        slips=A_COEFFICIENT,
    ),
    Question(
        "11-5",
        "number",
        lambda: _difference(-2),
        right="the same model, asked about month 0: −3.077 − 2 · 0.506.",
        wrong=(
            Wrong(
                lambda: _difference(0), "that is the difference at the end of the treatment; the zero moved."
            ),
            Wrong(lambda: _difference(2), "that goes two months forward; the start is two months back."),
        ),
        slips=A_COEFFICIENT,
    ),
    Question(
        "11-6",
        "choices",
        "ace",
        right="what was found with its interval, and what was assumed, called an assumption.",
        wrong=(
            Wrong("abce", "(b) takes an interval of ±4.5 points for “no effect”."),
            Wrong(
                "acde", "(d): equal numbers in both arms do not show why people left; MAR cannot be tested."
            ),
            Wrong(
                "abcde",
                "(b) takes an interval of ±4.5 points for “no effect”, and (d) tests what cannot be tested.",
            ),
            Wrong("ae", "(c) only reads the interval, and may stand."),
        ),
    ),
    Question(
        "11-7",
        "number",
        _carried_forward,
        right="last scores were taken at month 4.2 on average, and 23 − 1.2 · 4.2 is what they say.",
        wrong=(
            Wrong(
                23 - 1.2 * 8, "that is the truth at month 8, for which everybody would have to be seen then."
            ),
            Wrong(
                lambda: (23 - _carried_forward()) / 1.2,
                "that is the month in which last scores were taken, on average.",
            ),
            Wrong(23.0, "that is the mean at the start; most people have a later score."),
        ),
    ),
    Question(
        "11-8",
        "number",
        lambda: _schools().fixef["sector[T.Catholic]"],
        right="in points of the test, for a pupil with ses = 0.",
        wrong=(
            Wrong(_raw_difference, "that is the difference of all pupils' means; it compares unlike pupils."),
            Wrong(
                lambda: _schools().fixef["ses:sector[T.Catholic]"], "that is how the slopes of ses differ."
            ),
            Wrong(
                lambda: _schools().fixef["Intercept"] + _schools().fixef["sector[T.Catholic]"],
                "that is the mean of Catholic schools, not how far they are from public ones.",
            ),
        ),
        slips=A_COEFFICIENT,
    ),
)
