"""Five people's own data, from the fit to the table: R's values (lmerTest, emmeans, car) in tests/reference/own.json."""

from __future__ import annotations

import json
import re
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.inference.hypotheses import hypotheses
from mlmkit.spec import term_name

from .conftest import REFERENCE

OWN = {entry["id"]: entry for entry in json.loads((REFERENCE / "own.json").read_text())["values"]}

LEVELS: dict[str, dict] = {
    "ratpup": {"treatment": ["Control", "Low", "High"], "sex": ["Female", "Male"]},
    "lexnaming": {
        "task": ["naming", "lexdec"],
        "stimulus": ["word", "nonword"],
        "frequency": ["low", "high"],
        "density": ["low", "high"],
        "length": [4, 5, 6],
    },
    "btheb": {"treatment": ["TAU", "BtheB"], "drug": ["No", "Yes"], "length": ["short", "long"]},
    "toenail": {"treatment": ["itraconazole", "terbinafine"]},
    "epilepsy": {"treatment": ["placebo", "Progabide"]},
}
DDF = {"satt": "satterthwaite", "kenw": "kenward-roger", "kr": "kenward-roger", "asym": "asymptotic"}
HOW = {"trt.vs.ctrl": "reference", "consec": "consecutive"}
COLUMNS = {
    "emmean": "estimate", "prob": "estimate", "odds.ratio": "estimate", "SE": "std.error", "df": "df",
    "lower.CL": "conf.low", "asymp.LCL": "conf.low", "upper.CL": "conf.high", "asymp.UCL": "conf.high",
    "t.ratio": "statistic", "z.ratio": "statistic", "p.value": "p.value", "estimate": "estimate",
    "DenDF": "den_df", "NumDF": "num_df", "F value": "statistic", "Pr(>F)": "p.value", "Sum Sq": "sumsq",
    "Mean Sq": "meansq", "Chisq": "statistic", "Df": "df", "Pr(>Chisq)": "p.value",
    "Estimate": "estimate", "Std. Error": "std.error", "t value": "statistic", "Pr(>|t|)": "p.value",
    "population": "estimate", "population_se": "std.error", "se": "std.error",
}  # fmt: skip


@cache
def own_data(name: str) -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "own" / f"{name}.csv")
    return frame.assign(**{k: pd.Categorical(frame[k], levels) for k, levels in LEVELS[name].items()})


@cache
def own_fit(formula: str, data: str, n_agq: int = 0):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        if n_agq:
            family = "poisson" if data == "epilepsy" else "binomial"
            return mk.glmer(formula, own_data(data), family, n_agq=n_agq)
        return mk.lmer(formula, own_data(data))


def by_sums(formula: str, data: str) -> str:
    """The formula with every factor coded by sums."""
    for name in LEVELS[data]:
        formula = re.sub(rf"\b{name}\b", f"C({name}, Sum)", formula)
    return formula


def of(entry: dict):
    """The fit that an entry is about."""
    data, key = entry["data"].split(".csv")[0], entry["id"]
    n_agq = 25 if ".agq25." in key else 1 if data in ("toenail", "epilepsy") else 0
    formula = by_sums(entry["formula"], data) if ".sum." in key else entry["formula"]
    return own_fit(formula, data, n_agq)


def agree(table: pd.DataFrame, rows: list[dict], tolerance: float, renamed=COLUMNS) -> None:
    """Every number of R's rows, in their order.

    Estimates and limits are compared in standard errors, since they may lie near 0; p values by their logarithm, those
    below 1e-12 being all the same to R's studentised range. What R gives as missing is infinite (df) or NaN.
    """
    assert len(table) == len(rows)
    names = [name for name in rows[0] if renamed.get(name) in table]
    assert names
    se = np.array([row.get("SE") or np.nan for row in rows], dtype=float)
    for name in names:
        column = renamed[name]
        mine = table[column].to_numpy(dtype=float)
        theirs = np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)
        told = ~np.isnan(theirs)
        assert (np.isinf if column == "df" else np.isnan)(mine[~told]).all(), name
        far, near = tolerance * (3 if column.startswith("conf") else 1), 2e-3 * tolerance
        if column == "p.value":
            told &= theirs > 1e-12
            mine, theirs = (np.log(np.where(told, values, 1.0)) for values in (mine, theirs))
            near = tolerance
        elif column in ("estimate", "conf.low", "conf.high") and not np.isnan(se).any():
            mine, theirs, near = mine / se, theirs / se, 2 * tolerance
        assert_allclose(mine[told], theirs[told], rtol=far, atol=near, err_msg=name)


def entries(*kinds: str):
    return [pytest.param(entry, id=entry["id"]) for entry in OWN.values() if entry["kind"] in kinds]


def asked(key: str) -> tuple[list[str], list[str]]:
    """`task*stimulus|sex` of an id: the variables whose means are wanted, and those that split the table."""
    over, _, by = key.split(".")[2].partition("|")
    return over.split("*"), by.split("*") if by else []


def at_of(entry: dict) -> dict | None:
    if entry["id"].endswith(".lsize10"):
        return {"lsize": 10}
    return {"month": [2, 8]} if "month=" in entry["r"].replace(" ", "") else None


def in_order(table: pd.DataFrame, rows: list[dict]) -> pd.DataFrame:
    """The labels are R's, too."""
    for name in set(rows[0]) - set(COLUMNS) - {"_row", "null"}:
        theirs = [re.sub(r"\blength(?=\d)", "", str(row[name])) for row in rows]
        assert [str(v) for v in table[name]] == theirs
    return table


@pytest.mark.parametrize("entry", entries("anova table"))
def test_tests_of_terms_are_lmertests(entry):
    kind, how = entry["id"].split(".")[-2:]
    table = mk.anova(of(entry), type=int(kind[-1]), ddf=DDF[how])
    assert [plain(name) for name in table.index] == [row["term"] for row in entry["value"]]
    agree(table, entry["value"], max(entry["tolerance"], 1e-4 if how == "satt" else 0))


def plain(name: str) -> str:
    """A term's name without the contrasts asked for."""
    return re.sub(r"C\((\w+), Sum\)", r"\1", name)


@pytest.mark.parametrize("entry", entries("lmer fit, sum contrasts"))
def test_sum_contrasts_are_rs(entry):
    fit, value = of(entry), entry["value"]
    agree(fit.tests(), value["tests"], 1e-4)
    assert fit.criterion == pytest.approx(value["criterion"], rel=1e-8)


@pytest.mark.parametrize("entry", entries("car::Anova Wald chi-square"))
def test_wald_tests_of_terms_are_cars(entry):
    """Type 3 as car has it under sum contrasts; under treatment contrasts car tests each term's coefficients."""
    fit, kind = of(entry), int(entry["id"].split("type")[1][0])
    rows = [row for row in entry["value"] if row["term"] != "(Intercept)"]
    if kind == 3 and ".sum." not in entry["id"]:
        names = {row["term"]: _coefficients(fit, row["term"]) for row in rows}
        table = pd.DataFrame([fit.f_test(own, ddf="asymptotic") for own in names.values()])
    else:
        table = mk.anova(fit, type=kind, ddf="asymptotic")
        assert [plain(name) for name in table.index] == [row["term"] for row in rows]
    agree(table, rows, max(entry["tolerance"], 1e-5))


def _coefficients(fit, term: str) -> list[str]:
    """The names of a term's coefficients: `a[T.x]:b` belongs to a:b."""
    plain = {name: ":".join(part.partition("[")[0] for part in name.split(":")) for name in fit.fixef.index}
    return [name for name, parts in plain.items() if parts == term]


@pytest.mark.parametrize("entry", entries("hypothesis matrices of lmerTest"))
def test_hypotheses_are_lmertests(entry):
    matrices = hypotheses(of(entry), int(entry["id"][-1]), sas=True)
    found = {term_name(term): L for term, L in matrices.items()}
    assert list(found) == list(entry["value"])
    for term, theirs in entry["value"].items():
        assert_allclose(found[term], np.array(theirs["rows"], float), rtol=0, atol=1e-7)


@pytest.mark.parametrize("entry", entries("estimated marginal means"))
def test_means_are_emmeans(entry):
    over, by = asked(entry["id"])
    table = of(entry).means(over, by=by, at=at_of(entry), ddf=DDF[entry["id"].split(".")[3]]).table
    agree(in_order(table, entry["value"]), entry["value"], entry["tolerance"])


@pytest.mark.parametrize("entry", entries("pairwise contrasts"))
def test_contrasts_are_emmeans(entry):
    over, by = asked(entry["id"])
    how, adjust = entry["id"].split(".")[3:5]
    means = of(entry).means(over, by=by, at=at_of(entry), ddf=DDF[how])
    agree(in_order(means.contrasts(adjust=adjust).table, entry["value"]), entry["value"], entry["tolerance"])


def test_weights_and_other_contrasts():
    entry = OWN["lex2.emmeans.length.weights"]
    table = of(entry).means("length", weights="data").table
    agree(table, entry["value"], entry["tolerance"])
    entry = OWN["lex2.contrast.types"]
    means = of(entry).means("length")
    for name, how in HOW.items():
        agree(means.contrasts(how, adjust="none").table, entry["value"][name], entry["tolerance"])
    own = {"linear": [-1, 0, 1], "quadratic": {"4": 1, "5": -2, "6": 1}}
    agree(means.contrasts(own, adjust="none").table, entry["value"]["poly"], entry["tolerance"])
    effects = {str(k): np.eye(3)[k] - 1 / 3 for k in range(3)}
    agree(means.contrasts(effects, adjust="none").table, entry["value"]["eff"], entry["tolerance"])


def test_means_at_values():
    entry = OWN["rat.at"]
    means = of(entry).means("treatment", by="lsize", at={"lsize": [8, 12]}, ddf="kenward-roger")
    agree(in_order(means.table, entry["value"]["means"]), entry["value"]["means"], entry["tolerance"])
    agree(means.contrasts(adjust="none").table, entry["value"]["pairs"], entry["tolerance"])


@pytest.mark.parametrize("entry", entries("slopes by factor"))
def test_slopes_are_emtrends(entry):
    x = {"rat": "lsize", "btb": "month", "toe": "month"}[entry["id"].split(".")[0]]
    ddf = DDF.get(entry["id"].split(".")[-1])
    slopes = of(entry).slopes(x, by="treatment", ddf=ddf)
    tolerance = entry["tolerance"] * (2 if ".agq1." in entry["id"] else 1)
    renamed = COLUMNS | {f"{x}.trend": "estimate"}
    agree(slopes.table, entry["value"]["trends"], tolerance, renamed)
    agree(slopes.contrasts().table, entry["value"]["pairs"], tolerance)


TOENAIL = {"by": "month", "at": {"month": [0, 6, 12]}}


@pytest.mark.parametrize("nodes", [1, 25])
def test_a_generalized_mixed_models_means(nodes):
    def entry(name):
        return OWN[f"toe.agq{nodes}.{name}"]

    fit = of(entry("fit"))
    close = 2e-4 if nodes == 1 else 1e-4  # lme4's Laplace standard errors are from a differenced Hessian
    link, shown = (fit.means("treatment", scale=scale, **TOENAIL) for scale in ("link", "response"))
    agree(link.table, entry("emmeans.link")["value"], close)
    agree(shown.table, entry("emmeans.response")["value"], close)
    agree(shown.contrasts().table, entry("pairs.or")["value"], close)
    agree(shown.contrasts(ratios=False).table, entry("pairs.prob")["value"], close)
    assert "ζ = 0" in repr(shown) and "odds ratios" in repr(shown.contrasts())


@pytest.mark.parametrize("nodes", [1, 25])
def test_means_over_the_groups(nodes):
    entry = OWN[f"toe.agq{nodes}.population"]
    fit, value = of(entry), entry["value"]
    means = fit.means("treatment", groups="average", **TOENAIL)
    close = 2e-4 if nodes == 1 else 1e-4
    agree(means.table, value["means"], close)
    agree(means.contrasts("reference").table, value["difference"], close)
    assert "integrated out" in repr(means)
    entry = OWN[f"toe.agq{nodes}.avg_comparison"]["value"]
    for groups, name in (("average", "population"), ("none", "conditional")):
        difference = (
            fit.means("treatment", weights="rows", groups=groups).contrasts("reference").table.iloc[0]
        )
        assert difference["estimate"] == pytest.approx(entry[name], rel=close)
        assert difference["std.error"] == pytest.approx(entry[f"{name}_se"], rel=close)


@pytest.mark.parametrize("nodes", [1, 25])
def test_a_generalized_mixed_models_terms(nodes):
    entry = OWN[f"toe.agq{nodes}.car"]
    fit, value = of(entry), entry["value"]
    agree(mk.anova(fit, type=2), value["type2"], 2e-4)
    table = mk.anova(fit, type=3)
    agree(table.loc[["treatment", "treatment:month"]], [value["type3"][1], value["type3"][3]], 2e-4)
    agree(pd.DataFrame([fit.f_test(["month"])]), [value["type3"][2]], 2e-4)


def test_means_of_a_negative_binomial():
    """glmmTMB takes residual degrees of freedom; estimates and standard errors are the same."""
    entry = OWN["epi.nb2.emmeans"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        fit = mk.glmer(entry["formula"], own_data("epilepsy"), "nbinom")
    same = {"emmean": "estimate", "response": "estimate", "ratio": "estimate", "SE": "std.error"}
    means = fit.means("treatment")
    agree(fit.means("treatment", scale="link").table, entry["value"]["link"], 2e-4, same)
    agree(means.table, entry["value"]["response"], 2e-4, same)
    agree(means.contrasts().table, entry["value"]["ratio"], 2e-4, same)
    assert "rate ratios" in repr(means.contrasts())
