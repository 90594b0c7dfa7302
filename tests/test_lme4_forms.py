"""Forms beyond the course's own models, against lme4 run to a tight optimum: tests/reference/lme4_forms.json."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import FitWarning

REFERENCE = Path(__file__).parent / "reference"
#: lme4's criterion of a Gamma model is not its likelihood, which we maximise (glmmTMB's values: tests/families).
CASES = {
    case["id"]: case
    for case in json.loads((REFERENCE / "lme4_forms.json").read_text())
    if case["family"] != "Gamma" and case["family"] != "gamma"
}


def frame(name: str) -> pd.DataFrame:
    """The data as lme4_forms.R prepares them."""
    if name == "math":
        math = mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"), on="school")
        odd = math.pupil.str[1:].astype(int) % 2 == 1
        return math.assign(
            half=np.where(odd, "odd", "even"),
            high=(math.mathach > 15).astype(int),
            count=np.round(np.maximum(math.mathach, 0)),
        )
    if name == "sleepstudy":
        return mk.load_data(name).assign(w=lambda d: 1 + d.Days % 3, known=lambda d: 5 * d.Days)
    if name == "blp":
        blp = mk.load_data(name)
        return blp.assign(slow=(blp.rt > 600).astype(float).where(blp.rt.notna()))
    path = REFERENCE / "data" / f"{name}.csv"
    return pd.read_csv(path) if path.exists() else mk.load_data(name)


def fit_case(case: dict):
    data, extras = frame(case["data"]), {"weights": case["weights"], "offset": case["offset"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        if case["family"] is None:
            return mk.lmer(case["formula"], data, reml=case["reml"], **extras)
        family: Any = (case["family"], case["link"]) if case["link"] else case["family"]
        return mk.glmer(case["formula"], data, family, n_agq=case["n_agq"] or 1, **extras)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_agrees_with_lme4(case):
    fit = fit_case(case)
    assert fit.converged
    assert fit.nobs == case["nobs"]
    if not case["n_agq"]:  # lme4's log likelihood lacks its constants under quadrature
        assert fit.criterion <= case["criterion"] + 1e-6 * abs(case["criterion"])
        assert fit.criterion >= case["criterion"] - 1e-3
    wanted = np.array(list(case["fixef"].values()))
    errors = np.array(list(case["se"].values()))
    assert_allclose(fit.fixef / errors, wanted / errors, atol=2e-3)
    if not case["singular"]:
        assert_allclose(fit.se, errors, rtol=2e-3)
    assert_allclose(np.sort(fit.varcorr.sdcor), np.sort(np.atleast_1d(case["sdcor"])), rtol=2e-3, atol=2e-3)
    assert fit.is_singular == case["singular"]
