"""Exact where Laplace is not: the toenail, coral and epilepsy studies, by Laplace and with nodes.

"exact" values are brute-force integrals on grids of two widths that agree in all the digits given.
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.errors import FitWarning

REFERENCE = Path(__file__).parents[2] / "reference"
LME4 = {case["id"]: case for case in json.loads((REFERENCE / "lme4.json").read_text(encoding="utf-8"))}


@cache
def toenail() -> pd.DataFrame:
    return mk.load_data("toenail")


@cache
def culcita() -> pd.DataFrame:
    data = mk.load_data("culcita")
    return data.assign(symbiont=pd.Categorical(data["symbiont"], ["none", "crabs", "shrimp", "both"]))


@cache
def epilepsy() -> pd.DataFrame:
    data = mk.load_data("epilepsy")
    people = data.groupby("subject").first()
    return data.assign(
        lbase=np.log(data["base"]) - np.log(people["base"]).mean(),
        lage=np.log(data["age"]) - np.log(people["age"]).mean(),
        v4=(data["period"] == 4).astype(int),
        obs=np.arange(len(data)),
        treatment=pd.Categorical(data["treatment"], ["placebo", "progabide"]),
    )


def fitted(formula, data, family, n_agq):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return mk.glmer(formula, data, family, n_agq=n_agq)


def sds(fit):
    return fit.varcorr[fit.varcorr["term2"].isna()]["sdcor"].to_numpy()


TOENAIL = {  # nodes: b, SD, log likelihood
    1: ([-2.52335, -0.30702, -0.40009, -0.13726], 4.57091, -627.80896),
    5: ([-1.45736, -0.12971, -0.38209, -0.13364], 3.69128, -630.01866),
    10: ([-1.63912, -0.16364, -0.39321, -0.13754], 4.06367, -625.57824),
    25: ([-1.61459, -0.16002, -0.39083, -0.13675], 4.00038, -625.41592),
    50: ([-1.61833, -0.16078, -0.39100, -0.13679], 4.00665, -625.39737),
    100: ([-1.61829, -0.16077, -0.39100, -0.13679], 4.00658, -625.39754),
}


@pytest.mark.parametrize("n_agq", TOENAIL)
def test_toenails(n_agq):
    beta, sd, loglik = TOENAIL[n_agq]
    fit = fitted("severe ~ treatment*month + (1|patient)", toenail(), "binomial", n_agq)
    np.testing.assert_allclose(fit.fixef, beta, atol=3e-5)
    assert sds(fit)[0] == pytest.approx(sd, abs=3e-5) and fit.loglik == pytest.approx(loglik, abs=2e-5)
    if n_agq == 100:
        np.testing.assert_allclose(fit.se, [0.4343, 0.5839, 0.0444, 0.0680], atol=1e-4)


def test_toenails_by_probit():
    fit = fitted("severe ~ treatment*month + (1|patient)", toenail(), "probit", 100)
    np.testing.assert_allclose(fit.fixef, [-0.91025, -0.10720, -0.19128, -0.06331], atol=3e-5)
    assert sds(fit)[0] == pytest.approx(2.11757, abs=3e-5) and fit.loglik == pytest.approx(
        -637.28289, abs=2e-5
    )


@pytest.mark.parametrize(("n_agq", "close"), [(21, 0.05), (31, 0.01)])
def test_toenails_with_slopes_where_laplace_is_60_units_off(n_agq, close):
    fit = fitted("severe ~ treatment*month + (month|patient)", toenail(), "binomial", n_agq)
    assert fit.converged and fit.loglik == pytest.approx(-549.162, abs=close)
    np.testing.assert_allclose(sds(fit), [8.59, 1.015], rtol=0.005)
    assert fit.varcorr["sdcor"].iloc[2] == pytest.approx(-0.597, abs=0.002)
    np.testing.assert_allclose(fit.fixef, [-2.655, -0.084, -0.827, -0.338], atol=0.04)


def test_laplace_of_toenails_with_slopes():
    fit = fitted("severe ~ treatment*month + (month|patient)", toenail(), "binomial", 1)
    assert fit.loglik == pytest.approx(-491.315, abs=2e-3)
    np.testing.assert_allclose(sds(fit), [23.431, 3.836], atol=0.02)


@pytest.mark.parametrize(
    ("n_agq", "beta", "sd", "loglik"),
    [
        (1, [5.0961, -3.8424, -4.4312, -5.5993], 3.4368, -30.35292),
        (50, [5.0147, -3.7519, -4.3637, -5.5486], 3.5085, -30.1522),
        (100, [5.0147, -3.7519, -4.3637, -5.5486], 3.5085, -30.1522),
    ],
)
def test_corals(n_agq, beta, sd, loglik):
    fit = fitted("predation ~ symbiont + (1|block)", culcita(), "binomial", n_agq)
    np.testing.assert_allclose(fit.fixef, beta, atol=1e-4)
    assert sds(fit)[0] == pytest.approx(sd, abs=1e-4) and fit.loglik == pytest.approx(loglik, abs=5e-5)
    if n_agq == 50:
        np.testing.assert_allclose(fit.se, [1.803, 1.456, 1.548, 1.718], atol=1e-3)


SEIZURES = "seizures ~ lbase*treatment + lage + v4 + "


@pytest.mark.parametrize(
    ("random", "family", "n_agq", "beta", "se", "sd", "loglik"),
    [
        ("(1|subject)", "poisson", 1, [1.83283, 0.88348, -0.33421, 0.48092, -0.15977, 0.33891], [0.1477, 0.0546],
         [0.50114], -665.4744),
        ("(1|subject)", "poisson", 25, [1.83276, 0.88341, -0.33426, 0.48057, -0.15977, 0.33878], [0.1479, 0.0547],
         [0.50239], -665.40657),
        ("(1|subject) + (1|obs)", "poisson", 1, [1.77056, 0.87924, -0.33036, 0.48621, -0.10217, 0.34979],
         [0.1459, 0.0862], [0.35741, 0.45875], -624.76155),
        ("(1|subject)", "nbinom", 1, [1.84069, 0.88368, -0.33462, 0.47980, -0.11731, 0.33805], [0.1472, 0.0871],
         [0.46401], -624.9571),
        ("(1|subject)", "nbinom", 25, None, None, [0.46554], -624.825),
    ],
)  # fmt: skip
def test_seizures(random, family, n_agq, beta, se, sd, loglik):
    fit = fitted(SEIZURES + random, epilepsy(), family, n_agq)
    assert fit.loglik == pytest.approx(loglik, abs=3e-4)
    np.testing.assert_allclose(sds(fit), sd, atol=2e-5)
    if beta is not None:
        np.testing.assert_allclose(fit.fixef, beta, atol=2e-5)
        np.testing.assert_allclose(fit.se.iloc[[2, 4]], se, atol=2e-4)
    if family == "nbinom":
        assert fit.dispersion == pytest.approx(7.418 if n_agq == 1 else 7.404, abs=1e-3)


@pytest.mark.parametrize("family", ["nbinom", "poisson"])
@pytest.mark.parametrize("n_agq", [7, 15])
def test_a_singular_fit_with_nodes(family, n_agq):
    """Intercept and v4 vary in lockstep: the two rules agree with each other at the end of the range, too."""
    formula = SEIZURES + ("(v4|subject)" if family == "nbinom" else "(lage||subject)")
    fit, few = (fitted(formula, epilepsy(), family, n) for n in (n_agq, 5))
    assert fit.converged and fit.is_singular and fit.loglik == pytest.approx(few.loglik, abs=5e-3)


def test_standard_errors_are_glmmtmbs_where_lme4s_are_off():
    """From the exact Hessian: lme4's finite differences are 1 to 10 per cent off here."""
    cbpp = pd.read_csv(REFERENCE / "data" / "cbpp.csv", dtype={"herd": str, "period": str})
    for data, case in ((cbpp, LME4["cbpp"]), (mk.load_data("rats"), LME4["rats"])):
        assert case["se_source"].startswith("glmmTMB")
        fit = mk.glmer(case["formula"], data, case["family"])
        np.testing.assert_allclose(fit.se, list(case["se"].values()), rtol=3e-5)
