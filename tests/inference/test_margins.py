"""Means, contrasts, slopes and tests of terms on further data: R's values in tests/reference/margins.json.

Factorial designs with unbalanced and empty cells, covariates, weights, polynomials and logarithms, ordered factors,
offsets, and generalized models with four links (margins.R says which).
"""

from __future__ import annotations

import json
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk

from .conftest import REFERENCE
from .test_own_data import COLUMNS, agree

R = json.loads((REFERENCE / "margins.json").read_text())["values"]


@cache
def frame(name: str) -> pd.DataFrame:
    data = pd.read_csv(REFERENCE / "margins" / f"{name}.csv")
    if name == "field":
        data["late"] = (data["c"] == "c3").astype(int)
    if name == "chicks":
        data["dose"] = pd.Categorical(data["dose"], ["low", "mid", "high"])
        data["odose"] = pd.Categorical(data["dose"], ["low", "mid", "high"], ordered=True)
    if name == "ward":
        data["size"] = pd.Categorical(data["size"], ["small", "large"])
    return data


@cache
def lmm(formula: str, data: str, weights: str | None = None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        return mk.lmer(formula, frame(data), weights=weights)


def rows_of(table: dict) -> list[dict]:
    """A kept table of R's as rows; of `grid_table` and of `term_table`."""
    if "rows" in table:
        return table["rows"]
    return [
        {"term": term, **dict(zip(table["columns"], values, strict=True))}
        for term, values in zip(table["term"], table["values"], strict=True)
    ]


TYPES = {
    "field.factorial": ("y ~ a*b*c + x + (1|plot)", "field"),
    "field.weights": ("y ~ a*b + x + (1|plot)", "field", "w"),
    "field.covariate": ("y ~ a*x + b + (1|plot)", "field"),
    "field.two.covariates": ("y ~ a*x*b + (1|plot)", "field"),
    "field.nested": ("y ~ a/b + c + (1|plot)", "field"),
    "field.no.intercept": ("y ~ 0 + a + b + a:b + (1|plot)", "field"),
    "field.poly": ("y ~ a*poly(x, 2) + b + (1|plot)", "field"),
    "field.log": ("log(y + 5) ~ a*log(x + 5) + (1|plot)", "field"),
    "field.one": ("y ~ a + (1|plot)", "field"),
    "field.numbers": ("y ~ x + I(x^2) + (1|plot)", "field"),
    "field.scaled": ("y ~ a*scale(x) + (1|plot)", "field"),
    "field.slope": ("y ~ a*b + x + (x|plot)", "field"),
    "chicks.growth": ("weight ~ diet*time + (time|chick)", "chicks"),
    "chicks.poly": ("weight ~ diet*poly(time, 2) + dose + (time|chick)", "chicks"),
    "chicks.ordered": ("weight ~ odose*time + (time|chick)", "chicks"),
    "chicks.ordered.factors": ("weight ~ odose*diet + time + (1|chick)", "chicks"),
    "empty.cell": ("y ~ a*b + x + (1|plot)", "empty"),
    "empty.three": ("y ~ a*b*c + (1|plot)", "empty"),
}


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("name", TYPES)
def test_tests_of_terms_are_lmertests(name, kind, ddf):
    table = mk.anova(lmm(*TYPES[name]), type=kind, ddf=ddf)
    rows = rows_of(R[name]["values"][f"{ddf}{kind}"])
    if name == "field.weights" and ddf == "kenward-roger":
        pytest.skip("pbkrtest leaves prior weights out (1104 df from 190 rows); see test_degrees")
    if name == "field.nested" and kind > 1:  # lmerTest's `a` is then a at the first level of b
        table, rows = table.drop(index="a"), [row for row in rows if row["term"] != "a"]
    agree(table, rows, 2e-4 if ddf == "satterthwaite" else 5e-5)


MEANS = {  # formula, data, what is asked
    "means.a": ("y ~ a*b*c + x + (1|plot)", "field", {"over": "a"}),
    "means.a.proportional": ("y ~ a*b*c + x + (1|plot)", "field", {"over": "a", "weights": "data"}),
    "means.ab": ("y ~ a*b*c + x + (1|plot)", "field", {"over": ["a", "b"]}),
    "means.c.by.ab": ("y ~ a*b*c + x + (1|plot)", "field", {"over": "c", "by": ["a", "b"]}),
    "means.a.x1": ("y ~ a*b*c + x + (1|plot)", "field", {"over": "a", "at": {"x": 1}}),
    "means.a.xs": ("y ~ a*b*c + x + (1|plot)", "field", {"over": "a", "by": "x", "at": {"x": [1, 4.5]}}),
    "means.weights": ("y ~ a*b + x + (1|plot)", "field", {"over": "a"}, "w"),
    "means.weights.proportional": ("y ~ a*b + x + (1|plot)", "field", {"over": "b", "weights": "data"}, "w"),
    "means.poly": ("y ~ a*poly(x, 2) + b + (1|plot)", "field", {"over": "a"}),
    "means.poly.at": (
        "y ~ a*poly(x, 2) + b + (1|plot)",
        "field",
        {"over": "a", "by": "x", "at": {"x": [2, 4]}},
    ),
    "means.log": ("y ~ a + log(x + 5)*b + (1|plot)", "field", {"over": "b"}),
    "means.ordered": ("weight ~ odose*time + diet + (time|chick)", "chicks", {"over": "odose"}),
    "means.zero.one": ("y ~ a*late + x + (1|plot)", "field", {"over": "a"}),
    "means.zero.one.proportional": ("y ~ a*late + x + (1|plot)", "field", {"over": "a", "weights": "data"}),
    "means.empty": ("y ~ a*b + x + (1|plot)", "empty", {"over": ["a", "b"]}),
    "means.empty.a": ("y ~ a*b + x + (1|plot)", "empty", {"over": "a"}),
    "means.additive": ("y ~ a + b + c + x + (1|plot)", "empty", {"over": "b"}),
}
HOW = {"pairwise": "pairwise", "trt.vs.ctrl": "reference", "consec": "consecutive"}


def means_agree(means, kept: dict, tolerance: float) -> None:
    agree_where_known(means.table, rows_of(kept["means"]), tolerance)
    for name in set(kept) - {"means"}:
        how, adjust = name.split()
        agree_where_known(means.contrasts(HOW[how], adjust=adjust).table, rows_of(kept[name]), tolerance)


def agree_where_known(table: pd.DataFrame, rows: list[dict], tolerance: float) -> None:
    """R's NA (not estimable) is NaN here, and only there."""
    unknown = [row.get("SE") is None for row in rows]
    assert list(table["estimate"].isna()) == unknown
    agree(table[~table["estimate"].isna()], [row for row in rows if row.get("SE") is not None], tolerance)


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize("name", MEANS)
def test_means_and_contrasts_are_emmeans(name, ddf):
    formula, data, asked, *weights = MEANS[name]
    asked = dict(asked)
    if weights and ddf == "kenward-roger":
        pytest.skip("pbkrtest leaves prior weights out")
    means = lmm(formula, data, *weights).means(asked.pop("over"), ddf=ddf, **asked)
    means_agree(means, R[f"{name}.{ddf}"]["values"], 1e-4)


SLOPES = {
    "slopes.growth": ("weight ~ diet*time + (time|chick)", "chicks", "time", {"by": "diet"}),
    "slopes.poly": ("y ~ a*poly(x, 2) + b + (1|plot)", "field", "x", {"by": "a"}),
    "slopes.poly.at": ("y ~ a*poly(x, 2) + b + (1|plot)", "field", "x", {"by": "a", "at": {"x": 1}}),
    "slopes.log": ("y ~ a + log(x + 5)*b + (1|plot)", "field", "x", {"by": "b"}),
    "slopes.three": ("y ~ a*x*b + (1|plot)", "field", "x", {"by": ["a", "b"]}),
}


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize("name", SLOPES)
def test_slopes_are_emtrends(name, ddf):
    formula, data, x, asked = SLOPES[name]
    slopes, kept = lmm(formula, data).slopes(x, ddf=ddf, **asked), R[f"{name}.{ddf}"]["values"]
    agree(slopes.table, rows_of(kept["slopes"]), 1e-4, COLUMNS | {f"{x}.trend": "estimate"})
    within = "b" if name == "slopes.three" else None
    agree(slopes.contrasts(by=within).table, rows_of(kept["pairs"]), 1e-4)


# -- flat linear models ------------------------------------------------------------------------------------------

LM = {"Sum Sq": "sumsq", "F value": "statistic", "Pr(>F)": "p.value", "Df": "num_df"}
RSS = {"Res.Df": "Res.Df", "RSS": "RSS", "Sum of Sq": "Sum of Sq", "F": "F", "Pr(>F)": "Pr(>F)"}


@pytest.mark.parametrize(
    ("name", "formula", "weights"),
    [
        ("lm.types", "y ~ a*b*c + x", None),
        ("lm.weights", "y ~ a*b + x", "w"),
        ("lm.covariate", "y ~ a*x + b", None),
    ],
)
def test_tests_of_a_linear_models_terms(name, formula, weights):
    fit = mk.lm(formula, frame("field"), weights=weights)
    for kind, kept in R[name]["values"].items():
        rows = [row for row in rows_of(kept) if row["term"] not in ("Residuals", "(Intercept)")]
        agree(mk.anova(fit, type=int(kind[-1])), rows, 1e-8, LM)


def test_linear_models_are_compared_by_exact_f_tests():
    table = mk.anova(*(mk.lm(f"y ~ {right}", frame("field")) for right in ("a + x", "a*x + b", "a*x*b")))
    agree(table.iloc[1:], rows_of(R["lm.nested"]["values"]["table"])[1:], 1e-8, RSS)


@pytest.mark.parametrize(
    ("name", "formula", "over", "weights"),
    [
        ("lm.means", "y ~ a*b*c + x", "a", None),
        ("lm.weighted", "y ~ a*b + x", "b", "w"),
        ("lm.empty", "y ~ a*b + x", ["a", "b"], None),
    ],
)
def test_a_linear_models_means(name, formula, over, weights):
    data = frame("empty" if name == "lm.empty" else "field")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        means = mk.lm(formula, data, weights=weights).means(over)
    means_agree(means, R[f"{name}.satterthwaite"]["values"], 1e-6)


# -- generalized models ----------------------------------------------------------------------------------------------

GENERALIZED: dict[str, tuple] = {
    "glm.poisson": ("falls ~ arm*week + log(beds) + size", "poisson", "arm", {"offset": "logdays"}),
    "glm.binomial": ("cbind(cured, n - cured) ~ arm*week + size", "binomial", "arm", {}),
    "glm.probit": ("fever ~ size*arm + week", "binomial(probit)", "size", {}),
    "glm.cloglog": ("fever ~ size + week", "binomial(cloglog)", "size", {}),
    "glm.gamma": ("beds ~ size*arm + days", "gamma(log)", "size", {}),
    "glmer.poisson": ("falls ~ arm*week + log(beds) + (1|ward)", "poisson", "arm", {"offset": "logdays"}),
    "glmer.binomial": ("cbind(cured, n - cured) ~ arm*week + size + (1|ward)", "binomial", "arm", {}),
    "glmer.probit": ("fever ~ size*arm + week + (1|ward)", "binomial(probit)", "size", {}),
    "glmer.slope": ("cbind(cured, n - cured) ~ arm*week + (week|ward)", "binomial", "arm", {}),
    "glmer.nodes": ("fever ~ size*week + arm + (1|ward)", "binomial", "size", {"n_agq": 25}),
}
SHOWN = COLUMNS | dict.fromkeys(("response", "rate", "ratio", "odds.ratio", "prob", "week.trend"), "estimate")


@cache
def generalized(name: str):
    formula, family, _, options = GENERALIZED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        return (mk.glm if name.startswith("glm.") else mk.glmer)(formula, frame("ward"), family, **options)


@pytest.mark.parametrize("name", GENERALIZED)
def test_a_generalized_models_means(name):
    fit, kept, over = generalized(name), R[name]["values"], GENERALIZED[name][2]
    number = "days" if name == "glm.gamma" else "week"
    split = {"by": number, "at": {number: [30, 60] if name == "glm.gamma" else [0, 4]}}
    close = 2e-4 if name.startswith("glmer") else 1e-5
    link, means = (fit.means(over, scale=scale, **split) for scale in ("link", "response"))
    agree(link.table, rows_of(kept["link"]), close, SHOWN)
    agree(means.table, rows_of(kept["response"]), close, SHOWN)
    agree(means.contrasts(ratios=False, adjust="none").table, rows_of(kept["differences"]), close, SHOWN)
    ratios = fit.family.link in ("logit", "log")  # R shows the others on the link's scale
    for adjust in ("none", "tukey", "holm"):
        contrasts = (means if ratios else link).contrasts(adjust=adjust)
        agree(contrasts.table, rows_of(kept[f"pairwise {adjust}"]), close, SHOWN)
    agree(fit.means(over).table, rows_of(kept["flat"]), close, SHOWN)
    agree(fit.means(over, weights="data").table, rows_of(kept["proportional"]), close, SHOWN)


@pytest.mark.parametrize("name", [name for name in GENERALIZED if "slopes" in R[name]["values"]])
def test_a_generalized_models_slopes(name):
    fit, kept, over = generalized(name), R[name]["values"], GENERALIZED[name][2]
    close = 2e-4 if name.startswith("glmer") else 1e-5
    slopes = fit.slopes("week", by=over)
    agree(slopes.table, rows_of(kept["slopes"]), close, SHOWN)
    agree(slopes.contrasts(adjust="none").table, rows_of(kept["slope_pairs"]), close, SHOWN)
    means = fit.slopes("week", by=over, scale="response", at={"week": 2})
    agree(means.table, rows_of(kept["slopes_response"]), 5e-4, SHOWN)  # R's is a one-sided difference


DEVIANCE = {"Deviance": "statistic", "LR Chisq": "statistic", "Chisq": "statistic", "F": "statistic",
            "F value": "statistic", "F values": "statistic", "Pr(>Chi)": "p.value", "Pr(>Chisq)": "p.value",
            "Pr(>F)": "p.value"}  # fmt: skip


@pytest.mark.parametrize("name", GENERALIZED)
def test_tests_of_a_generalized_models_terms(name):
    fit, kept = generalized(name), R[name]["values"]
    renamed = dict(DEVIANCE)
    for kind in (1, 2):
        if f"type{kind}" not in kept:
            continue
        rows = [row for row in rows_of(kept[f"type{kind}"]) if row["term"] not in ("NULL", "Residuals")]
        if name == "glm.gamma":
            renamed.pop("Deviance", None)
        agree(mk.anova(fit, type=kind), rows, 5e-4 if name.startswith("glmer") else 1e-5, renamed)


@pytest.mark.parametrize("name", ["glmer.binomial", "glmer.probit"])
def test_type_3_is_cars_under_sum_contrasts(name):
    rows = [row for row in rows_of(R[f"{name}.type3"]["values"]) if row["term"] != "(Intercept)"]
    agree(mk.anova(generalized(name), type=3), rows, 5e-4)


@pytest.mark.parametrize(
    ("name", "over", "at"),
    [
        ("probit", "size", {"arm": "treated", "week": 2}),
        ("slope", "arm", {"week": 3}),
        ("nodes", "size", {"arm": "treated", "week": 2}),
    ],
)
def test_means_over_the_groups(name, over, at):
    kept = R[f"average.{name}"]["values"]
    means = generalized(f"glmer.{name}").means(over, at=at, groups="average")
    np.testing.assert_allclose(means.table["estimate"], kept["mean"], rtol=2e-4)
    np.testing.assert_allclose(means.table["std.error"], kept["se"], rtol=5e-4)
    difference = means.contrasts().table.iloc[0]
    assert difference["estimate"] == pytest.approx(kept["difference"], rel=1e-3)
    assert difference["std.error"] == pytest.approx(kept["difference_se"], rel=1e-3)


@pytest.mark.parametrize("kind", ["dates", "naive", "Europe/Berlin"])
def test_a_date_is_asked_for_and_shown_as_one(kind):
    """In the column's own time zone, whatever its type; y is 2 more on each day, so that its mean is known."""
    days = pd.date_range("2020-03-20", periods=30)  # summer time begins on the 29th
    column = {"dates": list(days.date), "naive": days, "Europe/Berlin": days.tz_localize("Europe/Berlin")}[
        kind
    ]
    hours = days.tz_localize("Europe/Berlin" if kind == "Europe/Berlin" else "UTC")
    y = 2.0 * (hours - hours[0]).total_seconds() / 86400
    noise = np.tile([0.01, -0.01, -0.01, 0.01], 8)[:30]
    fit = mk.lm("y ~ day", pd.DataFrame({"day": column, "y": y + noise}))
    table = fit.means("day", at={"day": ["2020-03-22", "2020-04-10"]}).table
    assert list(table["day"]) == ["2020-03-22", "2020-04-10"]
    assert_allclose(table["estimate"], [4.0, 2.0 * (21 - (kind == "Europe/Berlin") / 24)], atol=0.01)


def test_a_link_without_a_mean_at_zero_has_no_null_to_name():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.uniform(1, 2, 60), "f": list("ab") * 30})
    data["y"] = rng.gamma(4, 1 / (0.5 + data.x) / 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        means = mk.glm("y ~ x + f", data, "gamma(inverse)").means("f")
    assert "inf" not in repr(means) and "made on the inverse scale." in repr(means)


def test_a_negative_binomials_terms_are_tested_by_likelihood_ratios():
    """With the size estimated anew, as comparing two fits does; not by deviances measured at no size."""
    fit = mk.glm("falls ~ arm + week + log(beds)", frame("ward"), "nbinom")
    smaller = fit.update("~ . - week")
    expected = 2 * (fit.loglik - smaller.loglik)
    for kind in (2, 3):
        assert_allclose(mk.anova(fit, type=kind).loc["week", "statistic"], expected, rtol=1e-6)
    assert_allclose(fit.drop1().loc["week", "statistic"], expected, rtol=1e-6)


def test_the_only_term_of_a_separated_model_is_tested_by_its_likelihood_ratio():
    """Its coefficient is infinite and Wald's matrix says nothing; types 2 and 3 are the comparison with the mean."""
    data = pd.DataFrame({"arm": np.repeat(["a", "b"], 8), "hits": [0] * 8 + [1, 0, 1, 1, 0, 1, 0, 1]})
    with pytest.warns(mk.FitWarning):
        fit = mk.glm("hits ~ arm", data, "binomial")
    expected = 2 * (fit.loglik - fit.update("~ 1").loglik)
    for kind in (1, 2, 3):
        table = mk.anova(fit, type=kind)
        assert_allclose(table.loc["arm", "statistic"], expected, rtol=1e-6)
        assert table.loc["arm", "df"] == 1


def test_over_are_the_factors_without_those_by_which_they_are_told():
    rng = np.random.default_rng(3)
    data = pd.DataFrame(
        {"g": np.repeat(np.arange(10), 6), "a": np.tile(list("uv"), 30), "b": np.tile(list("ppqqrr"), 10)}
    )
    data["y"] = rng.normal(size=60)
    fit = mk.lmer("y ~ a * b + (1|g)", data)
    told = fit.means("a", by="b")
    assert (told.over, told.by) == (("a",), ("b",)) and list(told.labels.columns) == ["a", "b"]
    assert fit.means(("a", "b")).over == ("a", "b")


def test_the_mean_over_the_rows_themselves_may_hold_a_predictor_at_one_value():
    """The average of what the fit says of every row, with x put to that value; of several none is meant."""
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"a": np.tile(list("uuvvv"), 12), "x": rng.normal(size=60)})
    data["y"] = rng.normal(size=60) + data["x"] * (data["a"] == "u")
    fit = mk.lm("y ~ a * x", data)
    means = fit.means("a", weights="rows", at={"x": 0.7}).table.set_index("a")["estimate"]
    b = fit.fixef
    assert means["u"] == pytest.approx(b["Intercept"] + 0.7 * b["x"])
    assert means["v"] == pytest.approx(b["Intercept"] + b["a[T.v]"] + 0.7 * (b["x"] + b["a[T.v]:x"]))
    with pytest.raises(mk.DataError, match="'x' in every row to one value"):
        fit.means("a", weights="rows", at={"x": [0.0, 1.0]})
