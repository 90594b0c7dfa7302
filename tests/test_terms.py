"""Terms become the columns that R makes of them; the same columns for new rows; names say how each was made."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mlmkit as mk
from mlmkit.design import build_design
from mlmkit.errors import DataError
from mlmkit.formula import parse_formula

R = json.loads((Path(__file__).parent / "reference" / "formulas.json").read_text(encoding="utf-8"))


def fitted(kind, formula, data):
    what, *family = kind.split()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        if what in ("binomial", "poisson"):
            return mk.glmer(formula, data, what)
        return {"lmer": mk.lmer, "lm": mk.lm, "glm": mk.glm}[what](formula, data, *family)


@pytest.mark.parametrize("case", R["fits"], ids=lambda case: f"{case['kind']}: {case['formula']}")
def test_coefficients_are_rs(small, case):
    fit = fitted(case["kind"], case["formula"], small)
    assert_allclose(fit.fixef, np.atleast_1d(case["fixef"]), rtol=2e-4, atol=2e-5)
    assert_allclose(fit.loglik, case["loglik"], atol=2e-5)


@pytest.mark.parametrize("case", R["predictions"], ids=lambda case: case["formula"])
def test_new_rows_become_the_same_columns(small, case):
    new = pd.DataFrame({"age": [10, 18, 30, 66, 80]})
    told = fitted(case["kind"], case["formula"], small).predict(new, groups="none")
    assert_allclose(told, case["predicted"], rtol=1e-5, atol=1e-6)
    one_by_one = [
        fitted(case["kind"], case["formula"], small).predict(new.iloc[[k]], groups="none") for k in (0, 3)
    ]
    assert_allclose(np.concatenate(one_by_one), told.iloc[[0, 3]])


def names(formula, data):
    return build_design(parse_formula(formula), data).columns.names


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("t", ["Intercept", "t[T.True]"]),
        ("0 + t", ["t[False]", "t[True]"]),
        ("age:t", ["Intercept", "age:t[False]", "age:t[True]"]),
        ("k5", ["Intercept", "k5.L", "k5.Q", "k5.C", "k5^4"]),
        ("C(f, Sum)", ["Intercept", "C(f, Sum)[S.a]", "C(f, Sum)[S.b]"]),
        ("C(f, contr.sum)", ["Intercept", "C(f, Sum)[S.a]", "C(f, Sum)[S.b]"]),
        ('C(f, Treatment("b"))', ["Intercept", 'C(f, Treatment("b"))[T.a]', 'C(f, Treatment("b"))[T.c]']),
        ("C(o, Treatment)", ["Intercept", "C(o, Treatment)[T.b]", "C(o, Treatment)[T.c]"]),
        ('relevel(f, "c")', ["Intercept", 'relevel(f, "c")[T.a]', 'relevel(f, "c")[T.b]']),
        ("ns(age, df=2)", ["Intercept", "ns(age, df=2)[1]", "ns(age, df=2)[2]"]),
        ("(age > 40)", ["Intercept", "(age > 40)[T.True]"]),
        ("factor(k)", ["Intercept", "C(k)[T.1]", "C(k)[T.2]", "C(k)[T.3]"]),
        ("f:h", ["Intercept", *(f"f[{a}]:h[{b}]" for b in "uv" for a in "abc")]),
    ],
)
def test_names_say_how_a_column_was_made(small, right, expected):
    assert list(names(f"y ~ {right}", small)) == expected


def test_a_columns_term_levels_and_contrast_can_be_asked_for(small):
    columns = build_design(parse_formula("y ~ age*C(f, Sum) + t"), small).columns
    assert [columns.terms[k] for k in columns.assign] == [
        parse_formula("y ~ age*C(f, Sum) + t").fixed[k] for k in columns.assign
    ]
    assert columns.assign == (0, 1, 2, 2, 3, 4, 4)
    (f, f_coding), (t, t_coding) = columns.codings.items()
    assert (f.columns, f_coding.texts, f_coding.contrast.kind) == (("f",), ("a", "b", "c"), "Sum")
    assert_array_equal(f_coding.matrix, [[1, 0], [0, 1], [-1, -1]])
    assert (t.name, list(t_coding.levels), t_coding.reference) == ("t", [False, True], 0)
    assert [(part.factor.name, part.level, part.kind) for part in columns.parts[5]] == [
        ("age", None, "number"),
        ("C(f, Sum)", "a", "sum"),
    ]


def test_polynomial_contrasts_are_orthonormal(small):
    matrix = build_design(parse_formula("y ~ k5"), small).columns.codings
    contrasts = next(iter(matrix.values())).matrix
    assert_allclose(contrasts.T @ contrasts, np.eye(4), atol=1e-12)
    assert_allclose(contrasts.sum(axis=0), 0, atol=1e-12)
    assert_allclose(contrasts[:, 0], np.arange(-2, 3) / np.sqrt(10), atol=1e-15)


def test_names_that_would_be_the_same_keep_their_backticks():
    d = pd.DataFrame(
        {
            "y": [1.0, 2, 4, 3],
            "Intercept": [0.0, 1, 0, 2],
            "a:b": [1.0, 0, 0, 5],
            "a": [1, 2, 3, 5],
            "b": [1, 0, 1, 1],
        }
    )
    assert names("y ~ Intercept", d) == ("Intercept", "`Intercept`")
    assert names("y ~ 0 + Intercept", d) == ("`Intercept`",)
    assert names("y ~ sigma:a", d.rename(columns={"b": "sigma"})) == ("Intercept", "sigma:a")
    assert names("y ~ 0 + `a:b` + a:b", d) == ("`a:b`", "`a`:`b`")


def test_a_column_called_sigma_is_not_the_residual_sd():
    i = np.arange(60)
    d = pd.DataFrame({"y": np.sin(i * 7) + i // 6 % 3, "sigma": np.cos(i * 3), "Residual": i // 6})
    fit = mk.lmer("y ~ sigma + (1|Residual)", d)
    plain = mk.lmer("y ~ x + (1|g)", d.rename(columns={"sigma": "x", "Residual": "g"}))
    assert list(fit.confint().index) == ["Intercept", "`sigma`", "sd_Intercept|Residual", "sigma"]
    for method in ("wald", "profile"):
        assert_allclose(fit.confint(method=method), plain.confint(method=method), rtol=1e-6, atol=1e-8)
    assert_allclose(fit.tidy(conf_int=True)["conf.low"], plain.tidy(conf_int=True)["conf.low"])


def test_a_column_is_not_taken_for_what_its_family_calls_so():
    """A negative binomial has a size, and `brm` calls it shape: neither is a predictor's coefficient."""
    rng, g = np.random.default_rng(1), np.repeat(np.arange(20), 8)
    d = pd.DataFrame({"size": rng.normal(size=160), "g": g})
    mean = np.exp(1 + 0.3 * d["size"] + rng.normal(0, 0.5, 20)[g])
    d["y"] = rng.poisson(mean * rng.gamma(2, 0.5, 160))
    fit = mk.glmer("y ~ size + (1|g)", d, "nbinom")
    plain = mk.glmer("y ~ x + (1|g)", d.rename(columns={"size": "x"}), "nbinom")
    assert list(fit.confint().index) == ["Intercept", "`size`", "sd_Intercept|g", "size"]
    assert_allclose(fit.confint(method="profile"), plain.confint(method="profile"), rtol=1e-6, atol=1e-8)
    assert mk.glmer("y ~ size + (1|g)", d, "poisson").fixef.index[1] == "size"
    shaped = build_design(parse_formula("y ~ shape + (1|g)", "nbinom"), d.rename(columns={"size": "shape"}))
    assert shaped.fixed_names == ("Intercept", "`shape`")


def test_a_new_level_is_named(small):
    fit = mk.lm("y ~ f + t + factor(b)", small)
    new = {"f": "z", "t": True, "b": 1}
    with pytest.raises(
        DataError, match="'f' has the value 'z', which the fit never saw; it saw 'a', 'b', 'c'"
    ):
        fit.predict(new)
    with pytest.raises(DataError, match=r"'C\(b\)' has the value 7"):
        fit.predict({**new, "f": "a", "b": 7})
    with pytest.raises(DataError, match="'t' has the value 1, which the fit never saw; it saw False, True"):
        fit.predict({**new, "f": "a", "t": 1})


def test_a_truth_value_read_back_as_text_is_the_same(small):
    fit = mk.lm("y ~ t*age", small)
    as_text = small.assign(t=small.t.map({True: "True", False: "False"}))
    assert_allclose(fit.predict(as_text), fit.predict(small))


def test_new_rows_need_not_have_all_levels(small):
    for right in ('relevel(f, "b")', '(f == "b")', "C(f, Sum)", "o", "o > 'a'"):
        fit = mk.lm(f"y ~ ({right}) + t", small) if ">" in right else mk.lm(f"y ~ {right} + t", small)
        one = small.iloc[[0]]
        assert_allclose(fit.predict(one), fit.predict().iloc[[0]])
        assert_allclose(fit.predict(small.iloc[[2]].assign(o="c")), fit.predict().iloc[[2]])


def test_more_columns_than_can_be_made_are_counted_before(small):
    many = pd.DataFrame(
        {"y": np.arange(400.0), "a": np.arange(400) % 200, "b": np.arange(400) // 2, "c": np.arange(400)}
    )
    with pytest.raises(DataError, match=r"columns for 400 rows, \d+ of them from 'C\(a\):C\(b\):C\(c\)'"):
        mk.lm("y ~ C(a):C(b):C(c)", many)


def test_empty_cells_of_an_interaction_are_left_out_as_in_r():
    """8 of 16 cells have rows: R's lm gives NA to the others' coefficients and fits the rest."""
    d = pd.DataFrame({"a": list("abcd") * 6, "b": list("uvuvvuvu") * 3})
    d["y"] = np.sin(np.arange(24))
    fit = mk.lm("y ~ a*b", d)
    cells = d.groupby(["a", "b"]).y.transform("mean")
    assert_allclose(fit.fitted, cells)
