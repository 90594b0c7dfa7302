"""Predictions, and the three intervals."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import trapezoid

import mlmkit as mk
from mlmkit.errors import DataError

from .conftest import data

ENDS = {"Subject": ["308", "308"], "Days": [0, 9]}


def half_width(table):
    return ((table["upper"] - table["lower"]) / 2 / stats.norm.ppf(0.975)).to_numpy()


def test_without_new_data_they_are_the_fitted_values(fit):
    assert_allclose(fit("sleepstudy").predict(), fit("sleepstudy").fitted)
    assert_allclose(fit("rats").predict(), fit("rats").fitted)


def test_they_are_lme4s(fit, reference):
    expected, sleep = reference["predict"], fit("sleepstudy")
    assert_allclose(sleep.predict(ENDS), expected["sleep_308"], rtol=1e-7)
    assert_allclose(sleep.predict(ENDS), [253.663652, 430.660019], atol=5e-5)
    assert_allclose(sleep.predict({"Days": [0, 9]}, groups="none"), expected["sleep_population"], rtol=1e-9)
    assert sleep.predict({"Days": 9}, groups="none").iloc[0] == pytest.approx(345.610678, abs=1e-6)
    new = sleep.predict({"Subject": ["308", "999"], "Days": 9}, new_levels="population")
    assert_allclose(new, expected["sleep_new"], rtol=1e-7)


def test_generalized_models_predict_on_either_scale(fit, reference):
    new = {"period": ["p1", "p4"], "herd": 2}
    population = fit("cbpp").predict(new, groups="none")
    assert_allclose(population, reference["predict"]["cbpp_population_response"], rtol=1e-6)
    link = fit("cbpp").predict(new, scale="link")
    assert_allclose(link, reference["predict"]["cbpp_herd2_link"], rtol=1e-5)
    assert_allclose(fit("cbpp").predict(new), 1 / (1 + np.exp(-link)))


def test_numbers_and_text_name_the_same_group(fit):
    assert_allclose(
        fit("sleepstudy").predict({"Subject": [308, 308], "Days": [0, 9]}), fit("sleepstudy").predict(ENDS)
    )


def test_a_nested_group_is_found_by_both_its_names(fit):
    nested = mk.lmer("mathscore ~ ses + (1|schoolid/classid2)", data("classroom"))
    rows = data("classroom").iloc[[0, 500, 1189]]
    assert_allclose(nested.predict(rows), nested.fitted.loc[rows.index])


def test_the_index_is_that_of_the_new_data(fit):
    rows = pd.DataFrame({"Days": [1, 2]}, index=["a", "b"])
    assert list(fit("sleepstudy").predict(rows, groups="none").index) == ["a", "b"]


def test_mean_group_and_observation_add_up(fit):
    """Variances: xVxᵀ, then zΣzᵀ, then σ²."""
    sleep, x = fit("sleepstudy"), np.array([1.0, 9.0])
    widths = [
        half_width(sleep.predict({"Days": 9}, groups="none", interval=kind))[0]
        for kind in ("mean", "group", "observation")
    ]
    mean = x @ sleep.vcov.to_numpy() @ x
    between = x @ sleep.covariances[0] @ x
    assert_allclose(np.square(widths), np.cumsum([mean, between, sleep.sigma**2]), rtol=1e-9)


def test_a_known_groups_mean_against_the_joint_normal(fit):
    """b flat and γ ~ N(0, Ω): the error of xb̂ + zζ̂ from the dense covariance of (b̂ − b, γ̂ − γ)."""
    sleep = fit("sleepstudy")
    design, block = sleep.design, sleep.design.blocks[0]
    Z = np.zeros((180, 36))
    for i, j in enumerate(block.codes):
        Z[i, 2 * j : 2 * j + 2] = block.Z[i]
    C = np.hstack([design.X, Z])
    prior = np.zeros((38, 38))
    prior[2:, 2:] = np.kron(np.eye(18), np.linalg.inv(sleep.covariances[0]))
    covariance = np.linalg.inv(C.T @ C / sleep.sigma**2 + prior)
    expected = np.sqrt(np.einsum("ic,cd,id->i", C, covariance, C))
    assert_allclose(half_width(sleep.predict(groups="all", interval="mean")), expected, rtol=1e-8)


def test_an_unseen_groups_mean_is_a_new_groups(fit):
    sleep = fit("sleepstudy")
    unseen = sleep.predict(
        {"Subject": "999", "Days": 9}, groups="all", new_levels="population", interval="mean"
    )
    new = sleep.predict({"Days": 9}, groups="none", interval="group")
    assert_allclose(unseen, new)


def test_a_linear_models_intervals_are_rs(reference):
    flat, new = mk.lm("Reaction ~ Days", data("sleepstudy")), {"Days": [0, 9]}
    for kind in ("mean", "observation"):
        assert_allclose(flat.predict(new, interval=kind), reference["predict"][f"lm_{kind}"], rtol=1e-9)


def test_intervals_cover_what_they_say():
    """New groups' means and observations from a model whose parameters are known well."""
    rng, J = np.random.default_rng(5), 400
    g = np.repeat(np.arange(J), 5)
    y = 3 + rng.normal(0, 2, J)[g] + rng.normal(0, 1, 5 * J)
    fit = mk.lmer("y ~ 1 + (1|g)", pd.DataFrame({"y": y, "g": g}))
    new_means = 3 + rng.normal(0, 2, 20000)
    for kind, values in (("group", new_means), ("observation", new_means + rng.normal(0, 1, 20000))):
        _, low, high = fit.predict(pd.DataFrame(index=[0]), groups="none", interval=kind, level=0.8).iloc[0]
        assert np.mean((low < values) & (values < high)) == pytest.approx(0.8, abs=0.03)


def test_an_observations_interval_is_of_counts(fit):
    """For a binomial the limits are proportions of the trials, and contain the interval of the mean."""
    rows = data("rats").head(5)
    table, mean = (fit("rats").predict(rows, groups="all", interval=kind) for kind in ("observation", "mean"))
    counts = table[["lower", "upper"]].mul(rows["n"], axis=0)
    assert_allclose(counts, counts.round(), atol=1e-9)
    assert (table["upper"] > mean["upper"]).all() and (table["lower"] < mean["lower"]).all()


def test_infinite_coefficients_spoil_only_their_own_rows():
    with pytest.warns(mk.FitWarning):
        flat = mk.glm("cbind(m, n - m) ~ 0 + batch", data("rats").iloc[[0, 40, 60]])
    table = flat.predict(interval="mean")
    assert table.iloc[0]["prediction"] == pytest.approx(0) and np.isnan(table.iloc[0]["upper"])
    assert table.iloc[1:].notna().all(axis=None)


def test_an_offset_is_asked_for():
    d = pd.DataFrame({"y": np.random.default_rng(1).poisson(4, 200), "g": np.arange(200) % 20, "t": 2.0})
    fit = mk.glmer("y ~ 1 + (1|g)", d, family="poisson", offset=np.log(d["t"]))
    assert_allclose(fit.predict({"g": [0]}, offset=np.log(2.0)), fit.fitted.iloc[:1])
    with pytest.raises(DataError, match="offset"):
        fit.predict({"g": [0]})


@pytest.mark.parametrize(
    ("new", "options", "words"),
    [
        ({"Subject": ["308", "999"], "Days": 9}, {}, "never saw Subject 999 .row 1.*population"),
        ({"Days": 9}, {}, "no column 'Subject'.*groups=\"none\""),
        ({"Subject": "308"}, {}, "no column 'Days'"),
        ({"Subject": "308", "Days": np.nan}, {}, "'Days' is missing in row 0"),
        ({"Subject": "308", "Days": 9}, {"groups": "all", "interval": "group"}, 'goes with groups="none"'),
        ({"Subject": "308", "Days": 9}, {"interval": "prediction"}, "'observation'"),
        ({"Subject": "308", "Days": 9}, {"groups": "some"}, "groups='some'"),
        (3, {}, "DataFrame or a dict"),
    ],
)
def test_what_is_wrong_is_named(fit, new, options, words):
    with pytest.raises(DataError, match=words):
        fit("sleepstudy").predict(new, **options)


def test_a_level_the_predictor_never_had_is_named(fit):
    with pytest.raises(DataError, match="'period' has the value 'p9'.*p1.*p4"):
        fit("cbpp").predict({"period": "p9"}, groups="none")


def test_transforms_and_factors_of_new_rows_are_those_of_the_fit():
    """log, poly and dummy columns come out the same for a single row as among all of them."""
    sleep = data("sleepstudy").assign(late=lambda d: np.where(d["Days"] > 4, "late", "early"))
    for formula in ("log(Days + 1) * late + (late|Subject)", "poly(Days, 2) + (0 + late|Subject)"):
        fit = mk.lmer(f"Reaction ~ {formula}", sleep)
        assert_allclose(fit.predict(sleep.iloc[[7]]), fit.fitted.iloc[[7]])
        assert_allclose(fit.predict(sleep.iloc[::-1]).sort_index(), fit.fitted)


def test_an_interval_is_about_the_population_unless_groups_are_asked_for(fit):
    sleep, new = fit("sleepstudy"), {"Days": [0, 9]}
    for kind in ("mean", "group", "observation"):
        assert_allclose(sleep.predict(new, interval=kind), sleep.predict(new, groups="none", interval=kind))
    assert not np.allclose(sleep.predict(), sleep.predict(groups="none"))


def test_what_a_generalized_prediction_is_the_mean_of_is_said(fit):
    """The average group's, the groups', or the row's own; nothing where it is plain."""
    rats = fit("rats")
    rows = data("rats").head(3)
    assert "ζ = 0" in repr(rats.predict(rows, groups="none"))
    assert "ζ = 0" in repr(rats.predict(rows, interval="group"))
    assert "integrated out" in repr(rats.predict(rows, groups="average"))
    for plain in (rats.predict(rows), rats.predict(rows, groups="none", scale="link")):
        assert not plain.notes
    assert not fit("sleepstudy").predict(ENDS, groups="none").notes
    assert type(rats.predict(rows, groups="none") * 2) is pd.Series


def test_the_mean_over_groups_is_the_integral(fit):
    rats = fit("rats")
    b, sd = rats.fixef.iloc[0], rats.varcorr["sdcor"].iloc[0]
    z = np.linspace(-9, 9, 20001)
    integral = trapezoid(stats.norm.pdf(z) / (1 + np.exp(-(b + sd * z))), z)
    average = rats.predict(data("rats").head(2), groups="average", interval="mean")
    assert_allclose(average["prediction"], integral, rtol=1e-9)
    link = rats.predict(data("rats").head(2), groups="average", scale="link")
    assert_allclose(1 / (1 + np.exp(-link)), integral, rtol=1e-9)
    group = rats.predict(data("rats").head(2), groups="average", interval="group")
    assert_allclose(group["prediction"], integral)
    assert_allclose(
        group[["lower", "upper"]], rats.predict(data("rats").head(2), interval="group")[["lower", "upper"]]
    )


def test_degrees_of_freedom_widen_a_means_interval(fit):
    """In a balanced design of 18 people both methods have 17."""
    sleep, new = fit("sleepstudy"), {"Days": [0, 9]}
    normal, student = (
        sleep.predict(new, interval="mean"),
        sleep.predict(new, interval="mean", ddf="kenward-roger"),
    )
    ratio = (student["upper"] - student["lower"]) / (normal["upper"] - normal["lower"])
    assert_allclose(ratio, stats.t.ppf(0.975, 17) / stats.norm.ppf(0.975), rtol=1e-6)
    for options in ({"interval": "group"}, {"interval": "mean", "groups": "all"}, {}):
        with pytest.raises(DataError, match="for the interval of the population's mean"):
            sleep.predict(ENDS, ddf="satterthwaite", **options)


def test_an_interval_for_a_single_yes_or_no_is_refused(fit):
    d = pd.DataFrame(
        {"y": np.tile([0, 1, 1, 0, 1], 40), "g": np.repeat(np.arange(20), 10), "x": np.arange(200) % 7}
    )
    flat = mk.glm("y ~ x", d)
    with pytest.raises(DataError, match="One observation is 0 or 1 here"):
        flat.predict({"x": [1]}, interval="observation")
    with pytest.raises(DataError, match="numbers of trials"):
        fit("rats").predict({"batch": [1]}, interval="observation")
    assert len(flat.predict({"x": [1]}, interval="mean")) == 1


def dated() -> pd.DataFrame:
    """Straight lines in a number, a date and a duration, with noise."""
    k, rng = np.arange(40), np.random.default_rng(4)
    day = pd.date_range("2020-01-01", periods=40)
    y = 2 + 0.5 * k + rng.normal(0, 0.1, 40)
    return pd.DataFrame(
        {"y": y, "x": k.astype(float), "day": day, "since": day - day[0], "f": np.where(k % 3, "a", "b")}
    )


@pytest.mark.parametrize(
    ("name", "new", "words"),
    [
        (
            "x",
            pd.Timestamp("2020-01-01"),
            "'x' was a number when the model was fitted and is a date or time now",
        ),
        ("x", pd.Timedelta(days=1), "'x' was a number when the model was fitted and is a duration now"),
        ("x", "50", "is none now: 'x' is not numeric: it is text and has the value '50'"),
        ("day", "2020-01-05", r"'day' was a date .* is text now. Write data\['day'\] = pd.to_datetime"),
        ("day", pd.Timedelta(days=1), "'day' was a date or time .* is a duration now"),
        ("since", "1 day", r"'since' was a duration .* pd.to_timedelta"),
        ("since", pd.Timestamp("2020-01-01"), "'since' was a duration .* is a date or time now"),
    ],
)
def test_a_date_is_not_taken_for_a_number(name, new, words):
    fit = mk.lm(f"y ~ {name}", dated())
    with pytest.raises(DataError, match=words):
        fit.predict(pd.DataFrame({name: [new]}))


def test_a_date_by_its_number_of_days_is_the_same_date():
    fit = mk.lm("y ~ day", dated())
    by_number = fit.predict({"day": 18262 + 4}).iloc[0]  # 2020-01-01 is day 18262 of R's dates
    assert_allclose(fit.predict({"day": pd.Timestamp("2020-01-05")}).iloc[0], by_number, rtol=1e-12)


def test_no_rows_give_no_predictions():
    fit = mk.lm("y ~ f*x", dated())
    assert len(fit.predict(dated()[:0])) == 0


def test_a_group_that_is_in_the_index_is_found_there(fit):
    with pytest.raises(DataError, match=r"'Subject'.*reset_index\(\)"):
        fit("sleepstudy").predict(data("sleepstudy").set_index("Subject")[:2])


def test_one_grouping_factors_effects_alone(fit):
    """lme4's re.form = ~(1|g): what the other factors add is left out, and so are their columns."""
    penicillin = fit("penicillin")
    rows = penicillin.data.head(5)
    plate, sample = (penicillin.predict(rows[[name]], groups=name) for name in ("plate", "sample"))
    both = penicillin.predict(rows, groups=["sample", "plate"])
    population = penicillin.predict(rows, groups="none")
    assert_allclose(both, penicillin.predict(rows))
    assert_allclose(plate + sample - population, both)
    assert_allclose(plate, population + penicillin.ranef["plate"].loc[rows["plate"], "Intercept"].to_numpy())
    assert_allclose(penicillin.predict(groups="plate").head(5), plate)


def test_intervals_for_one_grouping_factors_groups(fit):
    """Where the mean of a new sample's rows lies on a known plate: the sample's variance comes on top."""
    penicillin = fit("penicillin")
    rows = penicillin.data.head(3)
    mean, new, one = (
        half_width(penicillin.predict(rows, groups="plate", interval=kind)) ** 2
        for kind in ("mean", "group", "observation")
    )
    sd = penicillin.varcorr.set_index("group")["vcov"]
    assert_allclose(new - mean, sd["sample"], rtol=1e-8)
    assert_allclose(one - new, sd["Residual"], rtol=1e-8)
    with pytest.raises(mk.MlmkitError, match="groups='plat' is not known here.*plate and sample"):
        penicillin.predict(rows, groups=["plat"])
    with pytest.raises(mk.MlmkitError, match="never saw plate new"):
        penicillin.predict({"plate": "new"}, groups="plate")
