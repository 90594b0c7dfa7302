"""The four ways in, against lme4's numbers: every case of tests/reference/lme4.json."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError, FitWarning, FormulaError

REFERENCE = Path(__file__).parent / "reference"
CASES = {case["id"]: case for case in json.loads((REFERENCE / "lme4.json").read_text())}
BOUNDARY = {case["id"] for case in CASES.values() if case["singular"]}


def reference_data(name: str) -> pd.DataFrame:
    if name == "math":
        return mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"), on="school")
    path = REFERENCE / "data" / f"{name}.csv"
    return pd.read_csv(path) if path.exists() else mk.load_data(name)


_FITS: dict = {}


def fitted(case: dict):
    """The case's fit, made once; its warnings are looked at in tests of their own."""
    if case["id"] not in _FITS:
        data = reference_data(case["data"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)
            if case["kind"] == "lmer":
                _FITS[case["id"]] = mk.lmer(case["formula"], data, reml=case["REML"])
            else:
                _FITS[case["id"]] = mk.glmer(case["formula"], data, case["family"], n_agq=case["nAGQ"])
    return _FITS[case["id"]]


def ours(name: str) -> str:
    """lme4's name of a term in our spelling."""
    return name.replace("(Intercept)", "Intercept").replace("periodp", "period[T.p") + (
        "]" if name.startswith("periodp") else ""
    )


every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
def test_criterion_is_lme4s_or_lower(case):
    fit = fitted(case)
    if case["nAGQ"] not in (None, 1):
        pytest.skip("lme4 leaves the binomial constants out of its log likelihood when nAGQ > 1")
    assert fit.criterion <= case["criterion"] + 1e-6 * abs(case["criterion"])
    assert fit.criterion >= case["criterion"] - 1e-4 * abs(case["criterion"])
    assert_allclose(fit.loglik, case["logLik"], rtol=1e-6)
    assert_allclose([fit.aic, fit.bic], [case["AIC"], case["BIC"]], rtol=1e-6)


@every_case
def test_fixed_effects_to_four_digits(case):
    fit = fitted(case)
    wanted = pd.Series(case["fixef"]).rename(ours)
    assert list(fit.fixef.index) == list(wanted.index)
    assert_allclose(fit.fixef, wanted, rtol=1e-4)
    if case["kind"] == "lmer":
        assert_allclose(fit.se, pd.Series(case["se"]).rename(ours), rtol=1e-4)


@every_case
def test_sds_and_correlations_to_four_digits(case):
    got = {(r.group, r.term1, r.term2): r.sdcor for r in fitted(case).varcorr.itertuples()}
    sds = fitted(case).varcorr.loc[lambda table: table["term2"].isna()]
    assert_allclose(sds["vcov"], sds["sdcor"] ** 2)
    for row in case["varcorr"]:
        name = (row["grp"].removesuffix(".1"), *(ours(v) if v else None for v in (row["var1"], row["var2"])))
        assert_allclose(got[name], row["sdcor"], rtol=2e-4, atol=1e-4)


@every_case
def test_groups_modes_and_fitted_values(case):
    fit = fitted(case)
    assert fit.nobs == case["nobs"]
    assert dict(fit.ngroups) == case["ngrps"]
    assert_allclose(fit.fitted.iloc[:8], case["fitted"], rtol=1e-4)
    for group, wanted in case["ranef"].items():
        table = fit.ranef[group]
        table = table.set_axis(table.index.astype(str)).loc[wanted["levels"]]
        scale = np.sqrt(np.atleast_1d(wanted["ssq"]) / wanted["n"])
        assert_allclose(
            table / np.where(scale > 0, scale, 1), wanted["values"] / np.where(scale > 0, scale, 1), atol=2e-3
        )


@every_case
def test_a_fit_is_flagged_singular_just_where_it_is(case):
    fit = fitted(case)
    assert fit.converged
    assert fit.is_singular == case["singular"]


@every_case
def test_theta_is_in_lme4s_order(case):
    theta = np.atleast_1d(case["theta"])
    assert_allclose(fitted(case).theta, theta, rtol=1e-3, atol=1e-4)


def test_standard_errors_of_a_glmm_use_the_whole_hessian():
    assert_allclose(fitted(CASES["rats"]).se["Intercept"], 0.1211, atol=5e-5)


def test_weights_of_two_count_every_row_twice_constants_included():
    rats = mk.load_data("rats")
    weighted = mk.glm("cbind(m, n - m) ~ n", rats, weights=np.full(71, 2.0))
    twice = mk.glm("cbind(m, n - m) ~ n", pd.concat([rats, rats]))
    assert_allclose(weighted.loglik, twice.loglik, rtol=1e-12)
    assert_allclose(weighted.se, twice.se, rtol=1e-8)


def test_quadrature_keeps_the_full_log_likelihood():
    assert_allclose(-2 * fitted(CASES["cbpp_agq9"]).loglik, 183.967, atol=5e-4)


def test_the_chapters_printed_lines():
    coef = fitted(CASES["sleep_full"]).coef["Subject"]
    assert_allclose(coef.loc[[308, 309], "Days"], [19.666262, 1.847605], atol=2e-4)
    assert_allclose(coef.loc[308, "Intercept"], 253.6637, atol=5e-4)


def test_scaled_residuals():
    quantiles = np.quantile(fitted(CASES["rats"]).resid("scaled"), [0, 0.25, 0.5, 0.75, 1])
    assert_allclose(quantiles, [-1.2392, -0.6230, -0.1055, 0.4795, 1.0253], atol=1e-4)
    quantiles = np.quantile(fitted(CASES["alcohol"]).resid("scaled"), [0, 0.25, 0.5, 0.75, 1])
    assert_allclose(quantiles, [-3.4661, -0.1582, -0.0719, 0.1642, 5.9576], atol=1e-4)


def test_groups_are_found_under_either_order_of_their_factors():
    ranef = fitted(CASES["classroom_nested"]).ranef
    assert ranef["schoolid:classid2"] is ranef["classid2:schoolid"]
    with pytest.raises(KeyError, match="school"):
        ranef["scholid"]


def test_double_bar_is_the_sum_of_two_terms():
    sleep = mk.load_data("sleepstudy")
    double = mk.lmer("Reaction ~ Days + (Days||Subject)", sleep)
    two = mk.lmer("Reaction ~ Days + (1|Subject) + (0 + Days|Subject)", sleep)
    assert_allclose(double.criterion, two.criterion, rtol=1e-12)
    assert (
        list(double.ranef["Subject"].columns) == list(two.ranef["Subject"].columns) == ["Intercept", "Days"]
    )


# -- flat models -----------------------------------------------------------------------------------------


def test_lm_of_one_subject():
    sleep = mk.load_data("sleepstudy")
    fit = mk.lm("Reaction ~ Days", sleep[sleep.Subject == 350])
    assert_allclose(fit.fixef, [225.83460, 19.50402], atol=5e-6)


def test_lm_agrees_with_least_squares_and_its_textbook_errors():
    sleep = mk.load_data("sleepstudy")
    fit = mk.lm("Reaction ~ Days", sleep)
    X = np.column_stack([np.ones(180), sleep.Days])
    b, rss = np.linalg.lstsq(X, sleep.Reaction, rcond=None)[:2]
    assert_allclose(fit.fixef, b)
    assert_allclose(fit.sigma**2, rss / 178)
    assert_allclose(fit.vcov, rss / 178 * np.linalg.inv(X.T @ X))
    assert_allclose(fit.loglik, -90 * (np.log(2 * np.pi * rss / 180) + 1))


def test_a_collinear_column_is_nan_in_lm_and_dropped_in_lmer():
    sleep = mk.load_data("sleepstudy").assign(Hours=lambda d: 24 * d.Days)
    with pytest.warns(FitWarning, match="Hours"):
        flat = mk.lm("Reaction ~ Days + Hours", sleep)
    assert np.isnan(flat.fixef["Hours"]) and flat.df_resid == 178
    with pytest.warns(FitWarning, match="Hours"):
        mixed = mk.lmer("Reaction ~ Days + Hours + (1|Subject)", sleep)
    assert list(mixed.fixef.index) == ["Intercept", "Days"]


def test_one_batch_of_rats():
    rats = mk.load_data("rats")
    fit = mk.glm("cbind(m, n - m) ~ 1", rats[rats.batch == 42])
    assert_allclose(1 / (1 + np.exp(-fit.fixef["Intercept"])), 2 / 13)


def test_batches_without_a_tumour_have_no_finite_estimate():
    with pytest.warns(FitWarning, match="no finite"):
        fit = mk.glm("cbind(m, n - m) ~ 0 + batch", mk.load_data("rats"))
    assert np.isneginf(fit.fixef).sum() == 14
    assert np.isfinite(fit.fixef).sum() == 71 - 14


# -- what a fit says --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("classroom_full", ["correlation of Intercept and ses across classid", "+1"]),
        ("classroom_diag", ["SD of ses across classid is estimated as 0"]),
    ],
)
def test_a_boundary_fit_says_so_in_a_sentence(case, words):
    with pytest.warns(FitWarning) as caught:
        mk.lmer(CASES[case]["formula"], mk.load_data("classroom"))
    message = str(caught[0].message)
    for word in words:
        assert word in message


def test_repeated_ids_get_a_hint():
    with pytest.warns(FitWarning, match=r"schoolid/classid2"):
        mk.lmer("mathscore ~ ses + (1|schoolid) + (1|classid2)", mk.load_data("classroom"))


def test_crossed_factors_get_no_hint(recwarn):
    mk.lmer("diameter ~ 1 + (1|plate) + (1|sample)", reference_data("Penicillin"))
    mk.lmer("rt ~ 1 + (1|participant) + (1|spelling)", mk.load_data("blp"))
    assert not [w for w in recwarn if issubclass(w.category, FitWarning)]


def test_models_point_to_one_another():
    sleep = mk.load_data("sleepstudy")
    with pytest.raises(FormulaError, match=r"lmer\(\)"):
        mk.lm("Reaction ~ Days + (1|Subject)", sleep)
    with pytest.raises(FormulaError, match=r"lm\(\)"):
        mk.lmer("Reaction ~ Days", sleep)


def test_refit_to_its_own_response_changes_nothing():
    fit = fitted(CASES["sleep_full"])
    assert_allclose(fit.refit(fit.design.y).theta, fit.theta, rtol=1e-8)


def test_a_new_response_may_be_any_column_of_numbers():
    fit = fitted(CASES["sleep_full"])
    drawn = fit.simulate(1, seed=1)
    expected = fit.refit(drawn["sim_1"].to_numpy()).criterion
    for y in (drawn, drawn["sim_1"], drawn["sim_1"].astype("Float64"), list(drawn["sim_1"])):
        assert_allclose(fit.refit(y).criterion, expected, rtol=1e-10)
    for y, words in (
        (["a"] * fit.nobs, "'response' is not numeric"),
        (3, "1 values"),
        (fit.simulate(2), "360 values"),
    ):
        with pytest.raises(DataError, match=words):
            fit.refit(y)


@pytest.mark.parametrize(
    ("family", "y", "words"),
    [
        ("gamma", 0.0, "has the value 0"),
        ("inverse.gaussian", -1.0, "has the value -1"),
        ("poisson", -1.0, "has the value -1"),
        ("nbinom", -1.0, "has the value -1"),
        ("nbinom", 0.0, "cannot be solved"),
    ],
)
def test_a_new_response_that_the_family_cannot_have_is_refused(family, y, words):
    data = pd.DataFrame({"k": [1, 2, 3, 4] * 10, "f": list("aabbc") * 8})
    fit = mk.glm("k ~ f", data, family)
    with pytest.raises(DataError, match=words):
        fit.refit(np.full(40, y))


# -- laws -------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(shift=st.floats(-1e6, 1e6), scale=st.floats(1e-3, 1e3))
def test_shifting_and_scaling_the_response(shift, scale):
    sleep = mk.load_data("sleepstudy")
    base = fitted(CASES["sleep_full"])
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", sleep.assign(Reaction=shift + scale * sleep.Reaction))
    assert_allclose(fit.theta, base.theta, rtol=1e-4)
    assert_allclose(fit.sigma, scale * base.sigma, rtol=1e-5)
    assert_allclose(fit.criterion, base.criterion + 178 * 2 * np.log(scale), rtol=1e-8)
    assert_allclose(fit.fixef["Days"], scale * base.fixef["Days"], rtol=1e-5)


@settings(max_examples=15, deadline=None)
@given(shift=st.floats(-1e3, 1e3), scale=st.floats(1e-3, 1e3))
def test_shifting_and_scaling_the_predictor_under_one_bar(shift, scale):
    sleep = mk.load_data("sleepstudy")
    base = fitted(CASES["sleep_full"])
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", sleep.assign(Days=shift + scale * sleep.Days))
    assert_allclose(fit.criterion, base.criterion + 2 * np.log(scale), rtol=1e-7)
    assert_allclose(fit.fitted, base.fitted, rtol=1e-5)
    assert_allclose(fit.varcorr.sdcor[1], base.varcorr.sdcor[1] / scale, rtol=1e-3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(seed):
    sleep = mk.load_data("sleepstudy").sample(frac=1, random_state=seed)
    fit, base = mk.lmer("Reaction ~ Days + (Days|Subject)", sleep), fitted(CASES["sleep_full"])
    assert_allclose(fit.criterion, base.criterion, rtol=1e-10)
    assert_allclose(fit.fitted.sort_index(), base.fitted.sort_index(), rtol=1e-5)


def test_centring_matters_under_two_bars_and_not_under_one():
    sleep = mk.load_data("sleepstudy").assign(Late=lambda d: d.Days - 5)
    one = [mk.lmer(f"Reaction ~ {x} + ({x}|Subject)", sleep).criterion for x in ("Days", "Late")]
    two = [mk.lmer(f"Reaction ~ {x} + ({x}||Subject)", sleep).criterion for x in ("Days", "Late")]
    assert_allclose(one[0], one[1], rtol=1e-9)
    assert_allclose(two, [1743.669, 1755.13], atol=5e-3)


def test_the_table_of_covariances_has_numbers_where_numbers_stand():
    assert fitted(CASES["sleep_full"]).varcorr.dtypes.astype(str).to_dict() == {
        "group": "object",
        "term1": "object",
        "term2": "object",
        "sdcor": "float64",
        "vcov": "float64",
    }
