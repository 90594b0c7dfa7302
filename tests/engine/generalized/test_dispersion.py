"""Negative binomial, Gamma and normal models with a link: glmmTMB's, MASS's and R's numbers, and limits."""

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
CASES = json.loads((REFERENCE / "families.json").read_text(encoding="utf-8"))
#: Here an SD or a correlation lies at the end of its range, where glmmTMB stops a little before.
AT_THE_END = {"nbinom_slope", "nbinom_uncorrelated", "nbinom_crossed", "nbinom_schools"}


@cache
def frame(name: str) -> pd.DataFrame:
    if name in ("sleepstudy", "blp"):
        return mk.load_data(name)
    if name == "math":
        math = mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"))
        return math.assign(count=math["mathach"].clip(lower=0).round())
    if name == "alcohol":
        return mk.load_data("alcohol").assign(
            drinks=lambda d: d["alcohol"].round(), year=lambda d: d["year"].astype(str)
        )
    if name == "grouseticks":
        return mk.load_data(name).assign(
            h=lambda d: d["height"] - d["height"].mean(), year=lambda d: d["year"].astype(str)
        )
    data = pd.read_csv(REFERENCE / ("data" if name == "cbpp" else "own") / f"{name}.csv")
    made = {
        "cbpp": lambda d: d.assign(
            herd=d["herd"].astype(str),
            period=d["period"].astype(str),
            w=1 + d["size"] % 3,
            logsize=np.log(d["size"]),
        ),
        "epilepsy": lambda d: d.assign(treatment=pd.Categorical(d["treatment"], ["placebo", "Progabide"])),
        "lexnaming": lambda d: d.assign(task=pd.Categorical(d["task"], ["naming", "lexdec"])),
    }
    return made[name](data)


def fitted(case, **options):
    extras = {name: case[name] for name in ("offset", "weights") if case.get(name)}
    verb = mk.glmer if "sd" in case else mk.glm
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return verb(case["formula"], frame(case["data"]), case["family"], **extras, **options)


@pytest.mark.parametrize("case", CASES["mixed"], ids=lambda case: case["id"])
def test_as_glmmtmb(case):
    fit = fitted(case)
    end = case["id"] in AT_THE_END
    assert fit.converged
    assert fit.loglik >= case["loglik"] - 1e-7
    assert fit.loglik == pytest.approx(case["loglik"], abs=1e-4 if end else 1e-6)
    np.testing.assert_allclose(fit.fixef, list(case["fixef"].values()), rtol=2e-5)
    np.testing.assert_allclose(fit.se, np.array(list(case["se"].values())), rtol=2e-4)
    sds = fit.varcorr[fit.varcorr["term2"].isna() & (fit.varcorr["group"] != "Residual")]["sdcor"]
    np.testing.assert_allclose(sorted(sds), sorted(case["sd"].values()), rtol=1e-4, atol=1e-4)
    told = fit.sigma if fit.family.has_sigma else min(fit.dispersion, 1e7)
    assert told == pytest.approx(min(case["sigma"], 1e7), rel=1e-5)
    assert fit.n_parameters == case["df"]


@pytest.mark.parametrize("case", CASES["flat"], ids=lambda case: case["id"])
def test_flat_models_as_r(case):
    fit = fitted(case)
    assert fit.loglik == pytest.approx(case["loglik"], abs=1e-8) and fit.aic == pytest.approx(
        case["aic"], abs=1e-7
    )
    assert fit.dispersion == pytest.approx(case.get("size") or case["dispersion"], rel=1e-8)
    np.testing.assert_allclose(fit.fixef, list(case["fixef"].values()), rtol=1e-7)
    np.testing.assert_allclose(fit.se, list(case["se"].values()), rtol=1e-7)


def simulated(seed: int, size: float, groups: int = 40, rows: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(groups), rows), rng.normal(size=groups * rows)
    mu = np.exp(0.5 + 0.3 * x + 0.6 * rng.normal(size=groups)[g])
    mixed = mu if np.isinf(size) else mu * rng.gamma(size, 1 / size, len(mu))
    return pd.DataFrame({"g": g, "x": x, "y": rng.poisson(mixed)})


@pytest.mark.parametrize("n_agq", [1, 9])
def test_without_overdispersion_it_is_the_poisson_model_and_says_so(n_agq):
    data = simulated(6, np.inf)
    with pytest.warns(FitWarning, match='scatter no more than a Poisson.*family="poisson"'):
        fit = mk.glmer("y ~ x + (1|g)", data, "nbinom", n_agq=n_agq)
    poisson = mk.glmer("y ~ x + (1|g)", data, "poisson", n_agq=n_agq)
    assert fit.dispersion == np.inf and fit.converged
    assert fit.loglik == pytest.approx(poisson.loglik, abs=1e-6)
    np.testing.assert_allclose(fit.fixef, poisson.fixef, atol=1e-6)
    np.testing.assert_allclose(fit.se, poisson.se, rtol=1e-3)


def test_without_overdispersion_a_flat_model_is_the_poisson_too():
    data = simulated(5, np.inf).assign(y=lambda d: d["y"].clip(upper=3))
    flat, poisson = mk.glm("y ~ x", data, "nbinom"), mk.glm("y ~ x", data, "poisson")
    assert flat.dispersion == np.inf and flat.loglik == pytest.approx(poisson.loglik, abs=1e-9)


@pytest.mark.parametrize("size", [0.3, 2.0, 50.0])
def test_the_size_comes_back(size):
    data = simulated(8, size, groups=300)
    fit = mk.glmer("y ~ x + (1|g)", data, "nbinom")
    lower, upper = fit.profile(["size"], level=0.999).confint(0.999).loc["size"]
    assert lower < size < upper


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_units_of_a_gamma_response_move_the_intercept_alone(factor):
    data = frame("lexnaming")
    one = mk.glmer("rt ~ task + (1|id)", data, "gamma(log)")
    other = mk.glmer("rt ~ task + (1|id)", data.assign(rt=data["rt"] * factor), "gamma(log)")
    assert other.loglik == pytest.approx(one.loglik - len(data) * np.log(factor), abs=1e-5)
    assert other.dispersion == pytest.approx(one.dispersion, rel=1e-5)
    np.testing.assert_allclose(other.fixef - one.fixef, [np.log(factor), 0], atol=1e-5)


def test_weights_are_repeated_rows():
    data = simulated(2, 1.5, groups=12)
    twice = mk.glmer("y ~ x + (1|g)", pd.concat([data, data], ignore_index=True), "nbinom")
    weighted = mk.glmer("y ~ x + (1|g)", data.assign(w=2.0), "nbinom", weights="w")
    assert weighted.loglik == pytest.approx(twice.loglik, abs=1e-6)
    assert weighted.dispersion == pytest.approx(twice.dispersion, rel=1e-5)
