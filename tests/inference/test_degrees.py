"""Small-sample tests against lmerTest (Satterthwaite) and pbkrtest (Kenward–Roger)."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.inference.degrees import joint_degrees
from mlmkit.inference.kenward_roger import KenwardRoger

from .conftest import data

NAMES = [
    "sleepstudy", "sleep_intercepts", "sleep_independent", "dyestuff", "penicillin", "pastes",
    "mathachieve", "classroom",
]  # fmt: skip


def agrees(table, expected, rtol):
    """Tiny p values compare by their logarithm."""
    assert_allclose(table[:, :4], expected[:, :4], rtol=rtol)
    assert_allclose(np.log(table[:, 4]), np.log(expected[:, 4]), rtol=rtol)


@pytest.mark.parametrize("name", NAMES)
def test_satterthwaite_is_lmertests(fit, reference, name):
    table = fit(name).tests()
    expected = np.array(reference["tests"][name]["satterthwaite"]["values"])
    agrees(table.to_numpy(), expected, 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_kenward_roger_is_pbkrtests(fit, reference, name):
    table = fit(name).tests(ddf="kenward-roger")
    expected = reference["tests"][name]
    agrees(table.to_numpy(), np.array(expected["kenward_roger"]["values"]), 2e-6)
    assert_allclose(KenwardRoger(fit(name)).vcov, np.array(expected["kr_vcov"]), rtol=1e-5)


def textbook_kenward_roger(fit):
    """Covariance and degrees of freedom of each coefficient with the n × n matrices of Kenward and Roger's paper."""
    X, G, phi = fit.design.X, [], []
    for block, Sigma in zip(fit.design.blocks, fit.covariances, strict=True):
        same = block.codes[:, None] == block.codes
        for i in range(len(Sigma)):
            for m in range(i + 1):
                outer = np.outer(block.Z[:, i], block.Z[:, m])
                G.append(same * (outer if i == m else outer + outer.T))
                phi.append(Sigma[i, m])
    G, phi = [*G, np.diag(1 / fit.design.weights)], [*phi, fit.sigma**2]
    V = np.linalg.inv(sum(value * one for value, one in zip(phi, G, strict=True)))
    Phi = np.linalg.inv(X.T @ V @ X)
    P = [-X.T @ V @ one @ V @ X for one in G]
    Q = [[X.T @ V @ one @ V @ other @ V @ X for other in G] for one in G]
    VG, R = [V @ one for one in G], range(len(G))
    information = [
        [np.trace(VG[r] @ VG[s]) - np.trace(2 * Phi @ Q[r][s] - Phi @ P[r] @ Phi @ P[s]) for s in R]
        for r in R
    ]
    W = 2 * np.linalg.inv(information)
    correction = sum(W[r, s] * (Q[r][s] - P[r] @ Phi @ P[s]) for r in R for s in R)
    slopes = np.array([np.diag(Phi @ p @ Phi) / np.diag(Phi) for p in P])
    return Phi + 2 * Phi @ correction @ Phi, 2 / np.einsum("rk,rs,sk->k", slopes, W, slopes)


def test_kenward_roger_needs_no_matrix_of_the_rows_size():
    """Crossed and nested factors, correlated slopes, weights: the paper's matrices give the same."""
    rng = np.random.default_rng(5)
    n = 90
    d = {
        "a": rng.integers(0, 8, n),
        "b": rng.integers(0, 5, n),
        "x": rng.normal(size=n),
        "w": rng.uniform(0.5, 3, n),
    }
    u, v = rng.normal(size=(8, 2)), rng.normal(size=5)
    d["y"] = (
        1 + d["x"] + u[d["a"], 0] + u[d["a"], 1] * d["x"] + v[d["b"]] + rng.normal(size=n) / np.sqrt(d["w"])
    )
    fit = mk.lmer("y ~ x + (x|a) + (1|b)", pd.DataFrame(d), weights="w")
    ours = KenwardRoger(fit)
    vcov, df = textbook_kenward_roger(fit)
    assert_allclose(ours.vcov, vcov, rtol=1e-9)
    assert_allclose([ours.degrees(row) for row in np.eye(2)], df, rtol=1e-9)


@pytest.mark.parametrize(
    ("ddf", "key"), [("satterthwaite", "satterthwaite"), ("kenward-roger", "kenward_roger")]
)
def test_several_coefficients_at_once(reference, ddf, key):
    square = mk.lmer("Reaction ~ Days + I(Days**2) + (Days|Subject)", data("sleepstudy"))
    assert_allclose(square.f_test(np.eye(3)[1:], ddf=ddf), reference["joint2"][key], rtol=1e-5)
    steps = mk.lmer("Reaction ~ C(Days) + (1|Subject)", data("sleepstudy"))
    assert_allclose(steps.f_test(list(steps.fixef.index[1:]), ddf=ddf), reference["joint"][key], rtol=1e-6)


def test_a_single_coefficients_f_is_its_t_squared(fit):
    one = fit("mathachieve")
    t, f = one.tests().loc["himinty"], one.f_test(["himinty"])
    assert_allclose(
        [f["statistic"], f["den_df"], f["p.value"]], [t["statistic"] ** 2, t["df"], t["p.value"]], rtol=1e-9
    )


def test_combinations_of_coefficients(fit):
    """The slope where himinty is 1 is the sum of two coefficients."""
    table = fit("mathachieve").tests({"ses": 1, "ses:himinty": 1})
    assert list(table.index) == ["1 ses + 1 ses:himinty"]
    assert table["estimate"].iloc[0] == pytest.approx(fit("mathachieve").fixef[["ses", "ses:himinty"]].sum())
    assert 100 < table["df"].iloc[0] < 200


def test_summary_and_tidy_print_them(fit):
    text = str(fit("sleepstudy").summary(ddf="satterthwaite"))
    assert "17.000   6.771 3.26e-06" in text and "Satterthwaite" in text
    tidy = fit("sleepstudy").tidy(ddf="kenward-roger", conf_int=True)
    assert {"df", "p.value", "conf.low", "conf.high"} <= set(tidy.columns)
    assert tidy.loc[1, "df"] == pytest.approx(17.0)


def test_what_they_are_not_for_is_said(fit):
    with pytest.raises(DataError, match="its tests are z"):
        fit("rats").tests(ddf="satterthwaite")
    with pytest.raises(DataError, match="reml=True"):
        fit("sleepstudy", reml=False).tests(ddf="kenward-roger")
    y = np.random.default_rng(1).normal(size=(4001, 2)) + np.random.default_rng(2).normal(size=(4001, 1))
    many = mk.lmer("y ~ 1 + (1|g)", pd.DataFrame({"y": y.ravel(), "g": np.repeat(np.arange(4001), 2)}))
    with pytest.raises(DataError, match="4001 × 4001 matrices.*satterthwaite"):
        many.tests(ddf="kenward-roger")
    with pytest.raises(DataError, match="'Day' is not a coefficient.*Did you mean 'Days'"):
        fit("sleepstudy").tests({"Day": 1})
    with pytest.raises(DataError, match="3 weights"):
        fit("sleepstudy").tests([[1, 0, 0]])
    with pytest.raises(DataError, match="kenward-roger"):
        fit("sleepstudy").tests(ddf="kr")


@pytest.mark.parametrize(
    ("df", "joint"),
    [
        ([7.0], 7.0),
        ([5.0, 5.0], 5.0),
        ([4.0, 8.0], 2 * (2 + 8 / 6) / (2 + 8 / 6 - 2)),
        ([2.0, 8.0], 2.0),
        ([2.0, 8.0, 2.5], 2 * (5 + 8 / 6) / (5 + 8 / 6 - 3)),
        ([1.5, 1.0], 2.0),
        ([np.inf, np.inf], np.inf),
        ([1.5], 1.5),
        ([np.nan], np.nan),
    ],
)
def test_directions_of_few_degrees_of_freedom_count_as_their_f_has_a_mean(df, joint):
    """Fai and Cornelius: E[F] of each direction is ν/(ν − 2), which 2 degrees of freedom do not have."""
    assert joint_degrees(np.array(df)) == pytest.approx(joint, nan_ok=True)
