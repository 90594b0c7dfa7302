"""drop1 and the drop of random terms against R's drop1 and ranova."""

import numpy as np
import pytest

import mlmkit as mk
from mlmkit.errors import DataError

from .test_margins import GENERALIZED, R, frame, generalized, lmm, rows_of
from .test_own_data import OWN, agree, of

LRT = {"LRT": "statistic", "Pr(Chi)": "p.value", "Pr(>Chi)": "p.value", "npar": "df", "Df": "df", "AIC": "AIC",
       "F value": "statistic", "Pr(>F)": "p.value", "Pr(>Chisq)": "p.value", "logLik": "logLik"}  # fmt: skip


def compared(table, rows, tolerance, without=()):
    """R's rows after <none>, which has nothing to compare but its AIC."""
    renamed = {name: column for name, column in LRT.items() if column not in without}
    assert table.index[0] == "<none>"
    assert [str(row["term"]) for row in rows] == list(table.index)
    agree(table.iloc[1:], rows[1:], tolerance, renamed)


@pytest.mark.parametrize("key", [key for key in OWN if key.endswith("drop1.lrt")])
def test_own_data(key):
    table, rows = of(OWN[key]).drop1(), OWN[key]["value"]
    agree(table.iloc[1:], rows[1:], OWN[key]["tolerance"], LRT)
    assert table["AIC"].iloc[0] == pytest.approx(rows[0]["AIC"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "formula"), [("factorial", "y ~ a*b*c + x + (1|plot)"), ("covariate", "y ~ a*x + b + (1|plot)")]
)
def test_linear_mixed_models(name, formula):
    table = lmm(formula, "field").drop1()
    rows = sorted(rows_of(R[f"drop1.{name}"]["values"]), key=lambda row: list(table.index).index(row["term"]))
    compared(table, rows, 1e-5)
    assert "maximum likelihood" in repr(table)


@pytest.mark.parametrize(("kept", "formula"), [("table", "y ~ a*b*c + x"), ("covariate", "y ~ a*x + b")])
def test_linear_models_have_exact_f_tests(kept, formula):
    """R's AIC of a linear model leaves out a constant."""
    table, rows = mk.lm(formula, frame("field")).drop1(), rows_of(R["lm.drop1"]["values"][kept])
    rows = sorted(rows, key=lambda row: list(table.index).index(row["term"]))
    compared(table, rows, 1e-8, without=("AIC",))
    shift = [mine - row["AIC"] for mine, row in zip(table["AIC"], rows, strict=True)]
    assert np.ptp(shift) < 1e-7


@pytest.mark.parametrize("name", [name for name in GENERALIZED if name != "glm.gamma"])
def test_generalized_models(name):
    table, rows = generalized(name).drop1(), rows_of(R[name]["values"]["drop1"])
    rows = sorted(rows, key=lambda row: list(table.index).index(row["term"]))
    compared(table, rows, 1e-4)


@pytest.mark.parametrize(
    ("name", "formula", "data"),
    [
        ("ranova.growth", "weight ~ diet*time + (time|chick)", "chicks"),
        ("ranova.two", "y ~ a + (1|plot) + (1|c)", "field"),
    ],
)
def test_random_terms_are_ranovas(name, formula, data):
    table = lmm(formula, data).drop1("random")
    agree(table.iloc[1:], rows_of(R[name]["values"])[1:], 1e-5, LRT | {"npar": None})


def test_the_last_random_term_leaves_a_flat_model():
    """Its restricted likelihood, as lmerTest has it."""
    entry = OWN["btb1.ranova"]
    table = of(entry).drop1("random")
    agree(table.iloc[1:], entry["value"][1:], 1e-6, LRT | {"npar": None})
    assert list(table.index) == ["<none>", "(1 | subject)"]
    p = table.iloc[1]
    assert p["p.mixture"] == pytest.approx(p["p.value"] / 2)


def test_weights_and_generalized_models_too():
    weighted = lmm("y ~ a + (1|plot)", "field", "w").drop1("random")
    flat, mixed = mk.lm("y ~ a", frame("field"), weights="w"), lmm("y ~ a + (1|plot)", "field", "w").as_ml()
    assert weighted["statistic"].iloc[1] > 0 and mixed.loglik > flat.loglik
    logit = generalized("glmer.binomial").drop1("random")
    glm = mk.glm("cbind(cured, n - cured) ~ arm*week + size", frame("ward"))
    assert logit["logLik"].iloc[1] == pytest.approx(glm.loglik)


def test_a_term_of_several_columns_varies_as_one():
    fit = mk.lmer("y ~ a + x + (a + x|plot)", frame("field"))
    names = list(fit.drop1("random").index[1:])
    assert [name.partition(" in ")[0] for name in names] == ["a", "x"]


def test_what_cannot_be_dropped_is_said():
    with pytest.raises(DataError, match="only an intercept"):
        mk.lm("y ~ 1", frame("field")).drop1()
    with pytest.raises(DataError, match="no random terms"):
        mk.lm("y ~ a", frame("field")).drop1("random")
    with pytest.raises(DataError, match="'both'"):
        mk.lm("y ~ a", frame("field")).drop1("both")
