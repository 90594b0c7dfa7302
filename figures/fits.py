"""The course's fits, each made once."""

from __future__ import annotations

import warnings
from functools import cache

import pandas as pd

import mlmkit as mk


@cache
def data(name: str) -> pd.DataFrame:
    """A data set; `"pupils"` is mathachieve with each school's own columns."""
    if name == "pupils":
        return mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"), on="school")
    return mk.load_data(name)


@cache
def lmer(formula: str, name: str):
    return mk.lmer(formula, data(name))


@cache
def lm(formula: str, name: str):
    return mk.lm(formula, data(name))


@cache
def rats():
    return mk.glmer("cbind(m, n - m) ~ 1 + (1|batch)", data("rats"), "binomial")


@cache
def rats_flat():
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", mk.FitWarning
        )  # the batches without a tumour, which the chapter discusses
        return mk.glm("cbind(m, n - m) ~ 0 + batch", data("rats"), "binomial")


def sleep():
    return lmer("Reaction ~ Days + (Days|Subject)", "sleepstudy")


def sleep_flat():
    return lm("Reaction ~ 0 + Subject + Subject:Days", "sleepstudy")


def countries():
    return lmer("alcohol ~ 1 + (1|country)", "alcohol")
