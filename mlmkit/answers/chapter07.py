"""Chapter 7's questions: group-level predictors, MathAchieve."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..check import Question, Wrong
from ..check.slips import A_COEFFICIENT, A_SHARE
from ..datasets import load_data
from ..models import lmer
from ..planning import simulate

SPLIT = "mathach ~ within + between + (within|school)"


@cache
def _data():
    data = load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    data["between"] = data.groupby("school").ses.transform("mean")
    data["within"] = data.ses - data.between
    return data


@cache
def _fit(formula: str):
    return lmer(formula, _data())


def _pracad():
    return _fit("mathach ~ pracad + (1|school)")


def _interaction(name: str) -> float:
    return _fit("mathach ~ ses * himinty + (ses|school)").fixef[name]


def _explained(column: str, predictor: str = "meanses", compared: str = "1") -> float:
    """By what part a property of schools reduces the spread of intercepts, in SDs or in variances."""
    left, whole = (_fit(f"mathach ~ {x} + (1|school)").varcorr[column][0] for x in (predictor, compared))
    return 1 - left / whole


def _explained_of_all() -> float:
    """By what part schools' mean ses reduces the variance of intercepts and residuals together."""
    left, whole = (_fit(f"mathach ~ {x} + (1|school)").varcorr.vcov.sum() for x in ("meanses", "1"))
    return 1 - left / whole


@cache
def _rooms():
    data = load_data("classroom")
    data["between"] = data.groupby("schoolid").ses.transform("mean")
    data["within"] = data.ses - data.between
    return lmer("mathscore ~ within + between + (1|schoolid/classid2)", data)


def _context(sector: str = " + sector") -> float:
    b = _fit(f"mathach ~ within + between{sector} + (within|school)").fixef
    return b["between"] - b["within"]


@cache
def _differences(between: float) -> np.ndarray:
    """Between − within of 20 sets of data that were made with a slope of 2.19 within, and this one between."""
    made = simulate(
        SPLIT, _data(), [12.68, 2.19, between], sd=[1.64, 0.83], cor=-0.19, sigma=6.06, n=20, seed=1
    )
    fits = [lmer(SPLIT, _data().assign(mathach=made[name])) for name in made]
    return np.array([fit.fixef["between"] - fit.fixef["within"] for fit in fits])


QUESTIONS = (
    Question(
        "07-1",
        "choices",
        {"b", "c", "e"},
        right="one value for each school.",
        wrong=(
            Wrong({"b", "c"}, "meanses is a property of schools, too: the mean of its pupils' ses."),
            Wrong({"a", "b", "c", "e"}, "ses differs between pupils of one school."),
        ),
    ),
    Question(
        "07-2",
        "number",
        lambda: 0.2 * _pracad().fixef["pracad"],
        slips=A_COEFFICIENT,
        right="a difference of 0.2 times the slope.",
        wrong=(
            Wrong(lambda: _pracad().fixef["pracad"], "That is for a whole unit, from nobody to everybody."),
            Wrong(
                lambda: 0.1 * _pracad().fixef["pracad"],
                "That is for a step of 0.1; 0.6 and 0.4 are 0.2 apart.",
            ),
            Wrong(
                lambda: _pracad().fixef["Intercept"] + 0.2 * _pracad().fixef["pracad"],
                "That is the level of a school with pracad 0.2; in a difference the intercept drops out.",
            ),
        ),
    ),
    Question(
        "07-3",
        "number",
        lambda: _interaction("ses") + _interaction("ses:himinty"),
        slips=A_COEFFICIENT,
        right="b₁ + b₃.",
        wrong=(
            Wrong(lambda: _interaction("ses"), "That is the slope where himinty is 0."),
            Wrong(lambda: _interaction("ses:himinty"), "That is how much the slopes differ; add it to b₁."),
            Wrong(
                lambda: _interaction("ses") + _interaction("himinty"),
                "himinty moves the intercept; the slope is moved by the interaction.",
            ),
        ),
    ),
    Question(
        "07-4",
        "number",
        lambda: _explained("vcov"),
        slips=A_SHARE,
        right="the share of the variance between schools that goes with their mean ses.",
        wrong=(
            Wrong(lambda: _explained("vcov", "pracad"), "That is pracad's share."),
            Wrong(lambda: _explained("sdcor"), "You compared SDs; the question is about variances."),
            Wrong(lambda: 1 - _explained("vcov"), "That is the share that is left."),
            Wrong(
                lambda: _explained("vcov", "ses"),
                "That is with the pupils' own ses; meanses, the school's mean, is asked for.",
            ),
            Wrong(
                _explained_of_all,
                "That is a share of the whole variance, σ² included; only τ₀² is asked for.",
            ),
            Wrong(
                lambda: _explained("vcov", compared="pracad"),
                "You compared with pracad's model; compare with the model without predictors.",
            ),
        ),
    ),
    Question(
        "07-5",
        "formula",
        "mathach ~ ses * sector + (ses|school)",
        columns=lambda: tuple(load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")),
        right="main effects, a cross-level interaction, and a line for each school.",
        wrong=(
            Wrong("mathach ~ ses + sector + (ses|school)", "There sector moves the intercept only."),
            Wrong(
                "mathach ~ ses * sector + (ses * sector|school)",
                "Nearly; but sector is a property of schools: nothing of it can vary across them.",
            ),
            Wrong(
                "mathach ~ ses:sector + (ses|school)",
                "There sector moves the slope, but not the intercept: that takes its main effect.",
            ),
            Wrong(
                "mathach ~ ses * himinty + (ses|school)", "That is the model of himinty; sector is asked for."
            ),
            Wrong(
                "mathach ~ ses * sector + (ses||school)",
                "Nearly; two bars claim that intercepts and slopes are uncorrelated, which nobody has asked for.",
            ),
            Wrong("mathach ~ ses * sector + (1|school)", "There the slope does not vary across schools."),
            Wrong(
                "mathach ~ ses + (ses * sector|school)",
                "sector is a property of schools: it has no slope that varies across them.",
            ),
        ),
    ),
    Question(
        "07-6",
        "number",
        lambda: _context(),
        slips=A_COEFFICIENT,
        right="smaller than without sector.",
        wrong=(
            Wrong(lambda: _context(""), "That is without sector in the model."),
            Wrong(lambda: -_context(), "Between minus within, not the other way round."),
            Wrong(
                lambda: _fit("mathach ~ within + between + sector + (within|school)").fixef["within"],
                "That is the within-school slope; subtract it from the between-school slope.",
            ),
            Wrong(
                lambda: _fit("mathach ~ within + between + sector + (within|school)").fixef["between"],
                "That is the between-school slope; subtract the within-school slope.",
            ),
        ),
    ),
    Question(
        "07-7",
        "number",
        lambda: _rooms().fixef["between"],
        slips=A_COEFFICIENT,
        right="the slope between schools.",
        wrong=(
            Wrong(lambda: _rooms().fixef["within"], "That is the slope within a school."),
            Wrong(
                lambda: _rooms().fixef["between"] - _rooms().fixef["within"],
                "That is the contextual effect, for two children of equal ses; whole schools are asked for.",
            ),
            Wrong(
                lambda: lmer("mathscore ~ ses + (1|schoolid/classid2)", load_data("classroom")).fixef["ses"],
                "That is the single slope, which mixes both; split ses first.",
            ),
        ),
    ),
    Question(
        "07-8",
        "number",
        lambda: np.abs(_differences(2.19)).max(),
        slips=(),
        right="luck makes differences up to 0.7, nowhere near 3.71.",
        wrong=(
            Wrong(
                lambda: _differences(2.19).max(),
                "That is the largest upwards; there is a larger one downwards.",
            ),
            Wrong(lambda: _differences(2.19).min(), "How large is it? Give its size, without the sign."),
            Wrong(lambda: _differences(2.19).mean(), "That is the mean of the 20; the largest is asked for."),
            Wrong(lambda: _differences(2.19).std(), "That is their SD; the largest of the 20 is asked for."),
            Wrong(
                lambda: np.abs(_differences(5.90)).max(),
                "That is with a slope of 5.90 between schools; make the data with 2.19 for both.",
            ),
            Wrong(
                lambda: _context(""), "That is the estimate from the real data; luck's largest is asked for."
            ),
        ),
    ),
    Question(
        "07-9",
        "choices",
        {"b", "d"},
        right="comparisons with their intervals, and nothing about what would happen if.",
        wrong=(
            Wrong({"a", "b", "d"}, "“Lowers” is what an experiment could show; (b) says it as it is."),
            Wrong({"b", "c", "d"}, "An interval from −1.3 to 0.1 does not say that there is no difference."),
            Wrong({"b", "d", "e"}, "5.62 compares schools; nobody moved a pupil."),
        ),
    ),
)
