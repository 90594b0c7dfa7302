"""Fits and reference values that the tests of inference share."""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk

REFERENCE = Path(__file__).parent.parent / "reference"

MODELS = {
    "sleepstudy": ("sleepstudy", "Reaction ~ Days + (Days|Subject)"),
    "sleep_intercepts": ("sleepstudy", "Reaction ~ Days + (1|Subject)"),
    "sleep_independent": ("sleepstudy", "Reaction ~ Days + (Days||Subject)"),
    "dyestuff": ("Dyestuff", "Yield ~ 1 + (1|Batch)"),
    "penicillin": ("Penicillin", "diameter ~ 1 + (1|plate) + (1|sample)"),
    "pastes": ("Pastes", "strength ~ 1 + (1|sample) + (1|batch)"),
    "alcohol": ("alcohol", "alcohol ~ 1 + (1|country)"),
    "classroom": ("classroom", "mathscore ~ ses + (1|schoolid) + (1|classid)"),
    "classroom_singular": ("classroom", "mathscore ~ ses + (ses|classid) + (ses|schoolid)"),
    "blp": ("blp", "rt ~ 1 + (1|participant) + (1|spelling)"),
    "mathachieve": ("math", "mathach ~ ses * himinty + (ses|school)"),
    "cbpp": ("cbpp", "cbind(incidence, size - incidence) ~ period + (1|herd)"),
    "rats": ("rats", "cbind(m, n - m) ~ 1 + (1|batch)"),
}


@cache
def data(name: str) -> pd.DataFrame:
    if name == "math":
        return mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"), on="school")
    path = REFERENCE / "data" / f"{name}.csv"
    return pd.read_csv(path) if path.exists() else mk.load_data(name)


@cache
def model(name: str, reml: bool = True):
    source, formula = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        if formula.startswith("cbind"):
            return mk.glmer(formula, data(source))
        return mk.lmer(formula, data(source), reml=reml)


@pytest.fixture(scope="session")
def reference():
    return json.loads((REFERENCE / "inference.json").read_text())


@pytest.fixture(scope="session")
def fit():
    """A fit by the name of its model."""
    return model


def numbers(values) -> np.ndarray:
    """Reference values as an array, R's NA as nan."""
    return np.array(
        [[np.nan if cell == "NA" else cell for cell in np.atleast_1d(row)] for row in values], dtype=float
    )
