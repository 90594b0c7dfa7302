"""Generalized linear mixed models: lme4's numbers, laws every fit obeys, boundaries and failures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmkit.datasets import load_data
from mlmkit.design import build_design
from mlmkit.engine import conditional_covariance
from mlmkit.engine.generalized.glmm import fit_glmm
from mlmkit.engine.generalized.irls import fit_glm
from mlmkit.engine.generalized.separation import find_separation
from mlmkit.engine.linear.lmm import fit_lmm
from mlmkit.engine.random import arrange, selected
from mlmkit.errors import DataError
from mlmkit.families import get_family
from mlmkit.formula import parse_formula

REFERENCE = Path(__file__).parents[2] / "reference"
LME4 = {case["id"]: case for case in json.loads((REFERENCE / "lme4.json").read_text(encoding="utf-8"))}


def design(formula, data, family="binomial", **extras):
    return build_design(parse_formula(formula, get_family(family)), data, **extras)


def fit(formula, data, family="binomial", n_agq=1, **extras):
    return fit_glmm(design(formula, data, family, **extras), n_agq)


def standard_errors(estimates):
    return np.sqrt(np.diag(estimates.vcov))


def cbpp():
    data = pd.read_csv(REFERENCE / "data" / "cbpp.csv", dtype={"herd": str, "period": str})
    return data.assign(rate=data["incidence"] / data["size"], log_size=np.log(data["size"]))


def rats():
    return load_data("rats").astype({"batch": str})


def alcohol():
    return load_data("alcohol").assign(
        drinks=lambda d: d["alcohol"].round(), year=lambda d: d["year"].astype(str)
    )


def classroom():
    return load_data("classroom").assign(passed=lambda d: (d["mathscore"] > 520).astype(int))


def blp():
    return load_data("blp").dropna(subset="rt").assign(slow=lambda d: (d["rt"] > 600).astype(int))


def mathachieve():
    data = load_data("mathachieve")
    return data[data["school"].isin(data["school"].unique()[:40])].assign(
        good=lambda d: (d["mathach"] > 15).astype(int)
    )


CBPP = "cbind(incidence, size - incidence) ~ period + (1|herd)"


@pytest.mark.parametrize(
    ("case", "formula", "data", "n_agq"),
    [
        ("rats", "cbind(m, n - m) ~ 1 + (1|batch)", rats, 1),
        ("cbpp", CBPP, cbpp, 1),
        ("cbpp_agq9", CBPP, cbpp, 9),
    ],
)
def test_reference_cases(case, formula, data, n_agq):
    lme4, model = LME4[case], design(formula, data())
    estimates = fit_glmm(model, n_agq)
    if n_agq == 1:  # with quadrature lme4 leaves out the binomial coefficients
        assert estimates.criterion == pytest.approx(lme4["criterion"], abs=2e-6)
    np.testing.assert_allclose(estimates.theta, np.atleast_1d(lme4["theta"]), rtol=1e-5)
    np.testing.assert_allclose(estimates.beta, list(lme4["fixef"].values()), rtol=1e-5)
    ranef = next(iter(lme4["ranef"].values()))
    places = model.blocks[0].levels.get_indexer(ranef["levels"])
    np.testing.assert_allclose(estimates.modes[0][places], ranef["values"], rtol=1e-4)
    np.testing.assert_allclose(estimates.fitted[: len(lme4["fitted"])], lme4["fitted"], rtol=1e-4)
    assert estimates.converged and estimates.messages == () and estimates.n_agq == n_agq


def test_standard_errors_allow_for_theta():
    assert standard_errors(fit("cbind(m, n - m) ~ 1 + (1|batch)", rats()))[0] == pytest.approx(
        0.1211, abs=5e-5
    )
    np.testing.assert_allclose(
        standard_errors(fit(CBPP, cbpp())), [0.232468, 0.306642, 0.326636, 0.427434], rtol=1e-4
    )


# lme4 1.1-31 with tolPwrss 1e-13 and bobyqa to rhoend 1e-9: criterion, θ, b, standard errors, and the
# first group's conditional mode and its SD.
TIGHT = {
    "crossed, one SD zero": (
        ("drinks ~ 1 + (1|country) + (1|year)", alcohol, "poisson", {}),
        (2069.13645088, [0.85881258, 0], [1.5960587], [0.0690136], -1.547898, 0.538031),
    ),
    "nested, with a slope": (
        ("passed ~ ses + (ses|schoolid) + (1|schoolid:classid)", classroom, "binomial", {}),
        (
            1507.4608895,
            [0.31980356, 0.87919245, 0.36359774, 0.30925290],
            [0.16094527, 0.66013783],
            [0.114575, 0.121585],
            0.07577204,
            0.310538,
        ),
    ),
    "nested, probit": (
        ("passed ~ ses + (1|schoolid) + (1|schoolid:classid)", classroom, "binomial(probit)", {}),
        (
            1513.76784388,
            [0.19000146, 0.51822181],
            [0.091871628, 0.391659780],
            [0.06735, 0.0616295],
            0.03974468,
            0.1849842,
        ),
    ),
    "crossed, cloglog": (  # lme4 prints an SE of 0.157697, from coarser differences
        ("slow ~ 1 + (1|participant) + (1|spelling)", blp, "binomial(cloglog)", {}),
        (768.428362957, [0.84535571, 0.62999329], [-1.1981045], [0.1647499], -0.7222224, 0.6587634),
    ),
    "uncorrelated, one SD zero": (
        ("good ~ ses + (ses||school)", mathachieve, "binomial", {}),
        (2155.35269881, [0.61583649, 0], [-0.39164362, 0.72605089], [0.1120231, 0.0839159], -0.1485039, None),
    ),
    "offset": (
        ("incidence ~ period + (1|herd)", cbpp, "poisson", {"offset": "log_size"}),
        (
            180.483295442,
            [0.49157899],
            [-1.64836482, -0.84406452, -0.96628928, -1.39104652],
            [0.193857, 0.284533, 0.305518, 0.409189],
            0.4455083,
            0.2975531,
        ),
    ),
    "proportions with weights, cloglog": (
        ("rate ~ period + (1|herd)", cbpp, "binomial(cloglog)", {"weights": "size"}),
        (
            183.604075835,
            [0.58668734],
            [-1.52598075, -0.91632017, -1.03516210, -1.48363294],
            [0.210916, 0.284890, 0.306316, 0.409048],
            0.5112517,
            0.3129141,
        ),
    ),
}


@pytest.mark.parametrize("case", TIGHT)
def test_against_tight_lme4(case):
    (formula, data, family, extras), (criterion, theta, beta, se, mode, mode_sd) = TIGHT[case]
    model = design(formula, data(), family, **extras)
    estimates = fit_glmm(model)
    assert estimates.criterion <= criterion + 1e-8 * criterion
    assert estimates.criterion == pytest.approx(criterion, rel=1e-7)
    np.testing.assert_allclose(estimates.theta, theta, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(estimates.beta, beta, rtol=1e-5)
    if se is not None:
        np.testing.assert_allclose(standard_errors(estimates), se, rtol=2e-4)
    assert estimates.modes[0][0, 0] == pytest.approx(mode, rel=1e-4)
    if mode_sd is not None:
        sd = np.sqrt(conditional_covariance(model, estimates)[0][0, 0, 0])
        assert sd == pytest.approx(mode_sd, rel=1e-4)
    assert estimates.converged
    assert ("Singular fit" in " ".join(estimates.messages)) == (0 in theta)


def test_gaussian_with_the_identity_link_is_the_linear_mixed_model():
    model = design("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), "gaussian")
    linear, general = fit_lmm(model, reml=False), fit_glmm(model)
    assert general.criterion == pytest.approx(linear.criterion, abs=1e-7)
    assert general.sigma == pytest.approx(linear.sigma, rel=1e-5)
    np.testing.assert_allclose(general.theta, linear.theta, rtol=1e-4)
    np.testing.assert_allclose(general.beta, linear.beta, rtol=1e-6)
    np.testing.assert_allclose(general.vcov, linear.vcov, rtol=1e-3)
    np.testing.assert_allclose(general.modes[0], linear.modes[0], atol=1e-2)


class TestBoundary:
    def test_no_variation_gives_the_flat_model(self):
        data = pd.DataFrame({"g": np.repeat(list("abcdef"), 10), "y": np.tile([0, 1], 30)})
        estimates, flat = fit("y ~ 1 + (1|g)", data), fit_glm(design("y ~ 1", data))
        assert estimates.theta[0] == 0 and np.all(estimates.modes[0] == 0)
        assert estimates.criterion == pytest.approx(flat.criterion, abs=1e-8)
        np.testing.assert_allclose(estimates.vcov, flat.vcov, rtol=1e-3)
        assert estimates.converged and "SD of Intercept across g is estimated as 0" in estimates.messages[0]

    def test_a_false_boundary_is_left(self):
        # The slopes vary, the intercepts do not: Λ has an empty first column.
        rng = np.random.default_rng(4)
        g, x = np.repeat(np.arange(30), 20), np.tile(np.linspace(-1, 1, 20), 30)
        eta = 1 + np.repeat(rng.normal(size=30), 20) * x
        data = pd.DataFrame({"g": g, "x": x, "y": rng.poisson(np.exp(eta))})
        correlated, slopes = fit("y ~ x + (x|g)", data, "poisson"), fit("y ~ x + (0 + x|g)", data, "poisson")
        assert correlated.criterion <= slopes.criterion + 1e-8


class TestSeparation:
    def test_fixed_effects_without_a_maximum_are_infinite(self):
        rng = np.random.default_rng(2)
        data = pd.DataFrame({"g": np.tile(np.arange(12), 20), "x": np.repeat(["a", "b"], 120)})
        data["y"] = np.where(
            data["x"] == "a", 0, rng.binomial(1, 1 / (1 + np.exp(-rng.normal(size=12)[data["g"]])))
        )
        estimates = fit("y ~ x + (1|g)", data)
        rest = fit("y ~ 1 + (1|g)", data[data["x"] == "b"])
        np.testing.assert_array_equal(estimates.beta, [-np.inf, np.inf])
        assert estimates.criterion == pytest.approx(rest.criterion, abs=1e-8)
        assert estimates.theta == pytest.approx(rest.theta)
        assert (
            "no finite maximum" in estimates.messages[0] and "mk.brm() (chapter 9)" in estimates.messages[0]
        )
        assert np.all(estimates.fitted[data["x"] == "a"] == 0)
        covariance = conditional_covariance(design("y ~ x + (1|g)", data), estimates)[0]
        assert np.all(np.isfinite(covariance)) and np.all(covariance > 0)

    def test_nothing_but_failures(self):
        data = pd.DataFrame({"g": np.repeat(list("abc"), 4), "y": 0})
        estimates = fit("y ~ 1 + (1|g)", data)
        assert np.isneginf(estimates.beta[0]) and estimates.loglik == 0

    def test_groups_without_successes_are_no_separation(self):
        estimates = fit("cbind(m, n - m) ~ 1 + (1|batch)", rats())
        assert np.all(np.isfinite(estimates.modes[0]))


class TestRefusals:
    @pytest.mark.parametrize("n_agq", [0, -1, 2.5, 101])
    def test_numbers_of_nodes(self, n_agq):
        with pytest.raises(DataError, match="whole number from 1 to 100"):
            fit(CBPP, cbpp(), n_agq=n_agq)

    def test_quadrature_of_several_factors(self):
        with pytest.raises(DataError, match=r"one grouping factor, such as \(x\|g\); this one has h, g"):
            fit("y ~ x + (x|g) + (1|h)", simulated(0), "poisson", n_agq=5)

    def test_quadrature_of_many_coefficients(self):
        data = simulated(0).assign(v=lambda d: d.x**2, w=lambda d: d.x**3)
        with pytest.raises(DataError, match="up to 3 varying coefficients; here 4 vary across g"):
            fit("y ~ x + (x + v + w|g)", data, "poisson", n_agq=5)

    def test_more_crossed_groups_than_fit(self, monkeypatch):
        monkeypatch.setattr(arrange, "NEVER_DENSE", 7)
        monkeypatch.setattr(selected, "MOST_GATHERED", 0)
        crossed = r"g \(8 groups\).*h \(10 groups\)|h \(10 groups\).*g \(8 groups\)"
        with pytest.raises(DataError, match=rf"({crossed}) are crossed.*8 × 8 numbers.*Leave one"):
            fit("y ~ x + (1|g) + (1|h)", simulated(0), "poisson")

    def test_means_out_of_range(self):
        with pytest.raises(DataError, match="use a link that keeps means in range"):
            fit("y ~ x + (1|g)", with_empty_groups(5), "poisson(identity)", n_agq=5)

    def test_no_starting_point(self):
        with pytest.raises(DataError, match="No starting point was found"):
            fit("y ~ x + (1|g)", with_empty_groups(2, 6), "poisson(sqrt)")


@pytest.mark.parametrize("family", ["poisson", "binomial(probit)"])
@pytest.mark.parametrize("formula", ["{} ~ x + (x|g) + (1|h)", "{} ~ x + (1|g) + (0 + x|g) + (x|h)"])
def test_sparse_and_blocked_equations_agree(formula, family, monkeypatch):
    it = design(formula.format("y" if family == "poisson" else "z"), simulated(2), family)
    blocked = fit_glmm(it)
    blocked_covariances = conditional_covariance(it, blocked)
    monkeypatch.setattr(arrange, "is_sparse", lambda *_: True)
    sparse = fit_glmm(it)
    np.testing.assert_allclose(sparse.criterion, blocked.criterion, rtol=1e-11)
    np.testing.assert_allclose(sparse.beta, blocked.beta, atol=1e-5)
    for one, other in zip(conditional_covariance(it, sparse), blocked_covariances, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_no_minimum_within_range_is_said():
    # The log link lets probabilities pass 1, and the likelihood still rises where they do: steeply, with these data.
    estimates = fit("z ~ x + (1|g)", simulated(15), "binomial(log)")
    assert np.abs(estimates.gradient).max() > 10
    assert not estimates.converged and "did not end at a proven minimum" in estimates.messages[0]
    assert np.isfinite(estimates.criterion) and np.all(np.isfinite(estimates.beta))


@pytest.mark.parametrize(("apart", "rows"), [(1e-3, 1), (5e-8, None)])
def test_what_separates_no_row_beyond_rounding_is_no_separation(apart, rows):
    # Two columns that differ in one row only, which has no count: a direction leads there, however long it must be.
    x = np.random.default_rng(1).uniform(-1, 1, 40)
    data = pd.DataFrame({"x": x, "w": x + apart * (np.arange(40) == 0), "y": np.minimum(np.arange(40), 3)})
    it = design("y ~ x + w", data.assign(w=x**2), "poisson")
    found = find_separation(replace(it, X=np.column_stack([np.ones(40), data.x, data.w])))
    assert (found and found.rows.sum()) == rows


def test_groups_at_the_edge_of_the_range():
    # Groups without a count pull their means to 0, where the identity link's range ends.
    estimates = fit("y ~ x + (1|g)", with_empty_groups(1), "poisson(identity)")
    assert estimates.converged and estimates.fitted.min() > 0
    assert np.abs(estimates.gradient).max() < 1e-3


def with_empty_groups(seed, empty=3):
    data = simulated(seed)
    return data.assign(y=data["y"].where(data["g"] >= empty, 0))


def simulated(seed, groups=8, size=10):
    """Counts and 0/1 responses with a varying intercept and slope."""
    rng = np.random.default_rng(seed)
    g, h = np.repeat(np.arange(groups), size), np.tile(np.arange(size), groups)
    x = rng.normal(size=g.size)
    eta = 0.3 + 0.4 * x + 0.7 * rng.normal(size=groups)[g] + 0.3 * rng.normal(size=groups)[g] * x
    y = rng.poisson(np.exp(eta))
    return pd.DataFrame({"g": g, "h": h, "x": x, "y": y, "z": (y > 1).astype(int)})


MODELS = st.sampled_from(
    [
        ("y ~ x + (1|g)", "poisson"),
        ("y ~ x + (x|g)", "poisson"),
        ("z ~ x + (1|g) + (1|h)", "binomial"),
        ("z ~ x + (1|g)", "binomial(probit)"),
    ]
)
SEEDS = st.integers(0, 500)


def assert_same(one, other, rtol=2e-4):
    assert one.criterion == pytest.approx(other.criterion, abs=1e-6)
    np.testing.assert_allclose(one.beta, other.beta, rtol=rtol, atol=2e-4)


@settings(max_examples=15, deadline=None)
@given(MODELS, SEEDS)
def test_order_of_rows_and_names_of_groups_do_not_matter(model, seed):
    data, (formula, family) = simulated(seed), model
    order = np.random.default_rng(seed).permutation(len(data))
    renamed = data.iloc[order].assign(g=lambda d: 100 - d["g"])
    one, other = fit(formula, data, family), fit(formula, renamed, family)
    assert_same(one, other)
    g = [block.group for block in design(formula, data, family).blocks].index("g")
    np.testing.assert_allclose(one.modes[g], other.modes[g][::-1], atol=2e-3)


@settings(max_examples=15, deadline=None)
@given(MODELS, SEEDS, st.floats(-2, 2))
def test_a_constant_offset_moves_the_intercept_alone(model, seed, shift):
    data, (formula, family) = simulated(seed), model
    one, other = fit(formula, data, family), fit(formula, data, family, offset=np.full(len(data), shift))
    assert one.criterion == pytest.approx(other.criterion, abs=1e-6)
    np.testing.assert_allclose(other.beta, one.beta - [shift, 0], atol=5e-4)


@settings(max_examples=15, deadline=None)
@given(MODELS, SEEDS)
def test_every_row_twice_is_weight_two(model, seed):
    data, (formula, family) = simulated(seed), model
    twice = fit(formula, pd.concat([data, data], ignore_index=True), family)
    assert_same(twice, fit(formula, data, family, weights=np.full(len(data), 2.0)))


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.floats(-3, 3))
def test_centring_the_varying_predictor_changes_nothing(seed, centre):
    data = simulated(seed)
    one, other = (fit("y ~ x + (x|g)", d, "poisson") for d in (data, data.assign(x=data["x"] - centre)))
    assert one.criterion == pytest.approx(other.criterion, abs=1e-6)
    assert one.beta[1] == pytest.approx(other.beta[1], abs=5e-4)
