"""Does the model fit: each statistic beside what the model makes, on models that are right and on wrong ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmkit as mk
from mlmkit import DataError
from mlmkit.inference.checks import _beside, _distance, _places

OWN = Path(__file__).parents[1] / "reference" / "own"


@pytest.fixture(scope="module")
def epilepsy():
    return pd.read_csv(OWN / "epilepsy.csv")


@pytest.fixture(scope="module")
def poisson(epilepsy):
    return mk.glmer(
        "seizures ~ treatment + log(base) + log(age) + period + (1|subject)", epilepsy, family="poisson"
    )


@pytest.fixture(scope="module")
def sleep():
    return mk.lmer("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"))


def test_places_among_simulations_are_uniform_and_random_in_ties():
    rng = np.random.default_rng(1)
    places = _places(rng.poisson(0.7, size=(400, 51)).astype(float), rng)
    assert places.min() > 0 and places.max() < 1
    np.testing.assert_allclose(np.sort(np.floor(places[0] * 51)), np.arange(51))
    assert stats.kstest(places[:, 0], "uniform").pvalue > 0.01


def test_overdispersed_counts_are_seen_as_in_r(poisson):
    """R: 4000 simulations, and performance::check_overdispersion for Pearson's ratio."""
    new = poisson.check(1500, seed=1, refits=60).table
    assert new.loc["dispersion", "statistic"] == pytest.approx(1.830, rel=0.15)
    assert new.loc["zeros", "statistic"] == 23
    assert 23 / new.loc["zeros", "expected"] == pytest.approx(1.587, rel=0.1)
    assert new.loc["pearson", "statistic"] == pytest.approx(1.58269226, rel=1e-4)
    assert new.loc["pearson", "p.value"] < 0.05 and new.loc["pearson", "refitted"]
    same = poisson.check(1500, seed=1, groups="same", refits=0)
    assert same.table.loc["dispersion", "statistic"] == pytest.approx(2.823, rel=0.05)
    assert same.table.loc["dispersion", "p.value"] < 0.01
    assert "the same groups" in same.notes[0] and "dispersion" in same.notes[1]
    assert "pearson" not in same.table.index


def test_residuals_are_judged_beside_those_of_refits(sleep):
    """Fitting slopes makes neighbouring residuals negatively correlated where the errors are independent."""
    table = sleep.check(200, seed=2).table
    lag = table.loc["lag-1"]
    assert lag["statistic"] == pytest.approx(0.1045, abs=5e-4)
    assert -0.30 < lag["conf.low"] < lag["expected"] < -0.12 and lag["conf.high"] < 0
    assert lag["p.value"] < 0.05
    assert table.loc["largest residual", "statistic"] == pytest.approx(5.1793, abs=1e-4)


@pytest.mark.parametrize(
    ("family", "refits", "refitted"),
    [
        ("gaussian", None, 60),
        ("gaussian", 25, 25),
        ("gaussian", 99, 60),
        ("poisson", None, 50),
        ("poisson", 55, 55),
    ],
)
def test_the_model_is_refitted_to_as_many_responses_as_is_said(family, refits, refitted):
    """To all of a linear model's, 50 of a generalized one's, however few its rows; to none twice."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"y": rng.poisson(4, 24), "x": np.tile(np.arange(4.0), 6)})
    fit = mk.lm("y ~ x", data) if family == "gaussian" else mk.glm("y ~ x", data, family)
    made = fit.check(60, seed=1, refits=refits)
    of_refits = set(made.table.index[made.table["refitted"]])
    assert of_refits
    assert {len(made.simulated[name]) for name in of_refits} == {refitted}
    assert {len(made.simulated[name]) for name in set(made.table.index) - of_refits} == {60}


def test_one_spread_for_all_countries_is_found_wrong():
    """What chapter 2 says of its residuals: they fan out, and one of them is no luck."""
    table = mk.lmer("alcohol ~ 1 + (1|country)", mk.load_data("alcohol")).check(200, seed=1).table
    found = table.loc[["skewness", "largest residual", "spread"]]
    assert found["statistic"].to_numpy() == pytest.approx([1.533, 5.958, 0.526], abs=2e-3)
    assert (found["statistic"] > found["conf.high"]).all()


def test_a_model_that_made_the_data_is_not_accused():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(40), 6), "x": np.tile(np.arange(6.0), 40)})
    data["y"] = 1 + 0.5 * data["x"] + rng.normal(size=40)[data["g"]] + rng.normal(size=240)
    table = mk.lmer("y ~ x + (1|g)", data).check(200, seed=1).table
    assert (table["p.value"] > 0.01).all()
    assert table.loc["uniformity", "statistic"] < table.loc["uniformity", "conf.high"]


def test_a_bend_that_the_model_lacks_is_seen_along_its_predictor():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"g": np.repeat(np.arange(30), 8), "x": np.tile(np.arange(8.0), 30)})
    data["y"] = 0.3 * (data["x"] - 3.5) ** 2 + rng.normal(size=30)[data["g"]] + rng.normal(size=240)
    along = mk.lmer("y ~ x + (1|g)", data).check(100, seed=1, refits=0).by("x")
    outside = (along["statistic"] < along["conf.low"]) | (along["statistic"] > along["conf.high"])
    assert outside.sum() >= 4 and along.loc[0.0, "statistic"] > 0.5 > along.loc[3.0, "statistic"]


def test_residuals_with_their_groups_effects_are_drawn_along_a_mean_without_them():
    """Along fitted values that hold the effects, the lowest would lie too low and the highest too high."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"x": np.tile(np.arange(8.0), 30), "g": np.repeat(np.arange(30), 8)})
    data["y"] = 1 + 0.5 * data.x + rng.normal(0, 3, 30)[data.g] + rng.normal(0, 1, len(data))
    check = mk.lmer("y ~ x + (1|g)", data).check(100, seed=1, refits=0)
    (name,) = check.along
    assert name == "fitted without group effects" and check.along[name].nunique() == 8
    means = pd.DataFrame(check.places).groupby(check.along[name].to_numpy()).mean()
    low, high = np.quantile(means.iloc[:, 1:], [0.025, 0.975], axis=1)
    assert ((means[0] >= low) & (means[0] <= high)).sum() >= 7
    same = mk.lmer("y ~ x + (1|g)", data).check(100, seed=1, refits=0, groups="same")
    np.testing.assert_allclose(same.along["fitted"], same.fit.fitted)


def test_a_statistic_of_ones_own_stands_beside_its_simulations(poisson):
    def most(y, rows):
        assert list(y.index) == list(rows.index)
        return y.max()

    table = poisson.check(100, seed=1, refits=0, statistics={"most": most}).table
    assert table.loc["most", "statistic"] == 102
    with pytest.raises(DataError, match="'broken' gave no number"):
        poisson.check(20, statistics={"broken": lambda y, rows: rows["nothing"]}, refits=0)


def test_the_same_seed_gives_the_same_check(sleep):
    one, other = (sleep.check(30, seed=5, workers=workers, progress=False) for workers in (1, 2))
    pd.testing.assert_frame_equal(one.table, other.table)
    pd.testing.assert_series_equal(one.residuals, other.residuals)


def test_flat_models_are_checked_too():
    sleep = mk.load_data("sleepstudy")
    linear = mk.lm("Reaction ~ Days", sleep).check(60, seed=1)
    assert "lag-1" not in linear.table.index and "simulated responses." in linear.notes[0]
    toy = pd.DataFrame({"y": [0, 1, 1, 0, 1, 0, 1, 1] * 10, "x": np.tile(np.arange(8.0), 10)})
    yes_no = mk.glm("y ~ x", toy).check(60, seed=1)
    assert "zeros" not in yes_no.table.index and "pearson" in yes_no.table.index


def test_misuse_is_named(sleep):
    for n in (5, 2.5, "many"):
        with pytest.raises(DataError, match="at least 20"):
            sleep.check(n)
    with pytest.raises(DataError, match="groups"):
        sleep.check(groups="old")
    with pytest.raises(DataError, match="no column 'days'. Did you mean 'Days'"):
        sleep.check(20, refits=0).by("days")
    with pytest.raises(DataError, match="too many to hold at once"):
        sleep.check(10**6)


def test_it_prints_as_its_table(sleep):
    made = sleep.check(40, seed=1)
    assert "lag-1" in repr(made) and "new groups" in repr(made) and "<table" in made._repr_html_()


@pytest.mark.parametrize(
    ("observed", "as_far"), [(-9.0, 0), (109.0, 0), (0.5, 1), (1.5, 2), (97.5, 2), (98.5, 1)]
)
def test_a_p_value_counts_the_simulations_as_far_out_on_the_nearer_side_twice(observed, as_far):
    """Of 0, 1 … 99 with the observed value among them: Davison & Hinkley's (1 + k)/(1 + n), for both sides."""
    told = _beside(observed, np.arange(100.0))
    assert told["p.value"] == pytest.approx(2 * (1 + as_far) / 101)
    middle = _beside(49.5, np.arange(100.0))
    assert middle["p.value"] == 1.0 and middle["expected"] == 49.5
    assert (middle["conf.low"], middle["conf.high"]) == pytest.approx((2.475, 96.525))


def test_the_distance_from_uniform_is_kolmogorov_and_smirnovs():
    places = np.random.default_rng(1).beta(0.8, 1.3, size=(17, 6))
    places = np.hstack([places, 1 - places])  # too low, and too high
    told = [stats.kstest(column, "uniform").statistic for column in places.T]
    np.testing.assert_allclose(_distance(places), told)
