"""Flat estimates by group, whichever way the flat model was written."""

import numpy as np
import pandas as pd
import pytest

from mlmkit import DataError, lm, lmer, load_data
from mlmkit.plots.pooling import (
    arms,
    flat_coefficients,
    group_covariance,
    only_group,
    separate_coefficients,
)


@pytest.mark.parametrize("formula", ["Reaction ~ 0 + Subject + Subject:Days", "Reaction ~ Subject * Days"])
def test_a_flat_model_gives_each_subject_its_own_regression(formula, sleep):
    flat = flat_coefficients(lm(formula, load_data("sleepstudy")), "Subject")
    assert list(flat.columns) == ["Intercept", "Days"]
    assert flat.loc[350].to_numpy() == pytest.approx([225.83460, 19.50402], abs=1e-5)
    assert np.abs(flat - separate_coefficients(sleep)).max().max() < 1e-8


def test_batches_without_a_tumour_have_no_finite_estimate(rats_flat):
    flat = flat_coefficients(rats_flat, "batch")["Intercept"]
    assert np.isneginf(flat).sum() == 14
    assert flat.loc[42] == pytest.approx(np.log(2 / 11), abs=1e-8)


def test_a_model_without_the_group_is_refused(sleep):
    with pytest.raises(DataError, match="no coefficients of its own for each Subject"):
        flat_coefficients(lm("Reaction ~ Days", load_data("sleepstudy")), "Subject")


def test_one_row_cannot_tell_a_slope():
    data = load_data("sleepstudy")
    data = data[(data.Subject != 308) | (data.Days == 3)]
    alone = separate_coefficients(lmer("Reaction ~ Days + (1|Subject)", data))
    assert alone.loc[308].isna().all()  # nor the intercept, which is the value on day 0
    assert alone.notna().all(axis=1).sum() == 17


def test_a_predictor_constant_in_each_group_is_held_at_the_fits_estimate():
    data = load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    fit = lmer("mathach ~ pracad + (1|school)", data)
    alone = separate_coefficients(fit)
    means = data.groupby("school")[["mathach", "pracad"]].mean()
    slope = fit.fixef["pracad"]
    np.testing.assert_allclose(alone["pracad"], slope)
    np.testing.assert_allclose(alone["Intercept"], means["mathach"] - slope * means["pracad"], rtol=1e-10)


def test_groups_of_every_arm_are_told_without_pooling():
    """A treatment that a whole group has, and its product with time, are not the group's own to tell."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"person": np.repeat(np.arange(12), 4), "time": np.tile(np.arange(4.0), 12)})
    data["arm"] = np.where(data["person"] < 6, "drug", "placebo")
    data["y"] = rng.normal(size=48) + data["person"]
    fit = lmer("y ~ arm * time + (time|person)", data)
    alone = separate_coefficients(fit)
    assert alone.notna().all(axis=None)
    for person in (2, 9):  # one of each arm
        rows = data[data["person"] == person]
        slope, intercept = np.polyfit(rows["time"], rows["y"], 1)
        placebo = person >= 6
        own = (
            slope - placebo * fit.fixef["arm[T.placebo]:time"],
            intercept - placebo * fit.fixef["arm[T.placebo]"],
        )
        np.testing.assert_allclose(alone.loc[person, ["time", "Intercept"]].astype(float), own, rtol=1e-9)
    assert arms(fit, "person").to_dict() == data.groupby("person")["arm"].first().to_dict()
    assert arms(lmer("y ~ time + (1|person)", data), "person").empty


@pytest.mark.parametrize(
    ("column", "is_told"),
    [
        (np.repeat(["u", "v"], 24), True),
        (np.repeat(list("uvwu"), 12), True),
        (np.tile(["u", "v"], 24), False),  # both within every person
        (np.repeat(list("uvwx"), 12), False),  # more arms than colours
    ],
)
def test_an_arm_is_a_factor_of_two_or_three_levels_constant_within_groups(column, is_told):
    data = pd.DataFrame({"person": np.repeat(np.arange(12), 4), "arm": column})
    data["y"] = np.random.default_rng(1).normal(size=48) + data["person"]
    assert arms(lmer("y ~ arm + (1|person)", data), "person").empty is not is_told


def test_a_binomial_group_alone_is_the_flat_models(rats, rats_flat):
    alone = separate_coefficients(rats)["Intercept"]
    flat = flat_coefficients(rats_flat, "batch")["Intercept"]
    finite = np.isfinite(flat)
    assert np.abs(alone[finite] - flat[finite]).max() < 1e-8
    assert np.isneginf(alone[~finite]).all()


def test_weights_count_in_a_group_alone():
    data = load_data("sleepstudy")
    data["w"] = 1.0 + (data["Days"] % 3)
    alone = separate_coefficients(lmer("Reaction ~ Days + (1|Subject)", data, weights="w"))
    one = lm("Reaction ~ Days", data[data.Subject == 308], weights="w")
    assert alone.loc[308].to_numpy() == pytest.approx(one.fixef.to_numpy())


def test_groups_go_by_lme4s_names(words, sleep):
    assert only_group(words) == "participant"
    assert only_group(words, "spelling") == "spelling"
    with pytest.raises(DataError, match="'word' is not a grouping factor"):
        only_group(words, "word")
    with pytest.raises(DataError, match="no groups to draw"):
        only_group(lm("Reaction ~ Days", load_data("sleepstudy")))


def test_double_bars_leave_zeros_in_the_covariance(sleep):
    apart = group_covariance(lmer("Reaction ~ Days + (Days||Subject)", load_data("sleepstudy")), "Subject")
    assert apart.loc["Intercept", "Days"] == 0
    assert np.sqrt(np.diag(apart)) == pytest.approx([25.0513, 5.9882], abs=2e-4)
    assert group_covariance(sleep, "Subject").to_numpy() == pytest.approx(sleep.covariances[0])
