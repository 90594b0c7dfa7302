"""Power: other effects and other sizes of a study that was fitted."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit import DataError
from mlmkit.inference.sizes import sizes


@pytest.fixture(scope="module")
def sleep():
    return mk.lmer("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"))


@pytest.fixture(scope="module")
def trial():
    """Two arms of 15 and 5 clinics with wards in them; patients nested in wards by unique ids."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"clinic": np.repeat(np.arange(20), 12), "ward": np.repeat(np.arange(60), 4)})
    data["arm"] = np.where(data["clinic"] % 4 == 0, "new", "old")
    data["x"] = rng.normal(size=240)
    data["y"] = (
        data["x"]
        + rng.normal(size=20)[data["clinic"]]
        + rng.normal(size=60)[data["ward"]]
        + rng.normal(size=240)
    )
    return mk.lmer("y ~ x + arm + (1|clinic) + (1|ward)", data)


def test_power_is_rs_within_its_error(sleep):
    """lmerTest, 400 fits: 0.515 at J = 8; the exact noncentral t gives 0.460, and 0.862 at J = 18."""
    made = sleep.power("Days", effect=5, groups={"Subject": [8, 18]}, n=250, seed=1, progress=False)
    small, large = made.table["power"]
    assert 0.36 < small < 0.60 and 0.77 < large < 0.94
    assert made.table["width"].iloc[0] > made.table["width"].iloc[1] > 0
    assert made.table["type.m"].iloc[0] > made.table["type.m"].iloc[1] > 0.95


def test_without_an_effect_it_is_the_false_alarm_rate(sleep):
    made = sleep.power("Days", effect=0, n=200, seed=2, progress=False)
    row = made.table.iloc[0]
    assert row["power"] < 0.12 and np.isnan(row["type.m"])


def test_the_same_seed_gives_the_same_studies(sleep):
    one, other = (
        sleep.power("Days", effect=4, groups={"Subject": [6]}, n=24, seed=3, workers=w, progress=False)
        for w in (1, 2)
    )
    pd.testing.assert_frame_equal(one.table, other.table)


def test_more_groups_are_copies_with_names_of_their_own(trial):
    size = sizes(trial, {"clinic": [50]})[0]
    assert size.told == {"clinic": 50, "ward": 150, "rows": 600}
    per_ward = size.data.groupby("ward")["clinic"].nunique()
    assert per_ward.max() == 1 and size.data.groupby("clinic").size().eq(12).all()


def test_fewer_groups_keep_the_shares_of_whole_groups_treatments(trial):
    size = sizes(trial, {"clinic": [8]})[0]
    arms = size.data.groupby("clinic")["arm"].first().value_counts()
    assert arms.to_dict() == {"old": 6, "new": 2}


def test_rows_per_group_are_the_first_or_repeated(sleep):
    short, long = sizes(sleep, rows=[4, 15])
    assert list(short.data.groupby("Subject").size().unique()) == [4]
    assert short.data["Days"].max() == 3
    assert list(long.data.groupby("Subject").size().unique()) == [15]
    both = sizes(sleep, {"Subject": [5, 9]}, rows=[4, 10])
    assert [(s.told["Subject"], s.told["rows"]) for s in both] == [(5, 20), (5, 50), (9, 36), (9, 90)]


def test_costs_are_added_up(sleep):
    made = sleep.power(
        "Days",
        effect=5,
        groups={"Subject": [6, 9]},
        n=20,
        seed=1,
        cost={"Subject": 300, "rows": 10},
        progress=False,
    )
    assert list(made.table["cost"]) == [6 * 300 + 600, 9 * 300 + 900]
    with pytest.raises(DataError, match="cost names 'person'"):
        sleep.power("Days", n=20, cost={"person": 1}, progress=False)


def test_generalized_models_are_tested_by_z():
    rats = mk.load_data("rats").assign(drug=lambda d: np.where(np.arange(71) % 2, "a", "b"))
    fit = mk.glmer("cbind(m, n - m) ~ drug + (1|batch)", rats)
    made = fit.power("drug[T.b]", effect=0.8, n=40, seed=1, progress=False)
    assert made.table["power"].iloc[0] > 0.8 and made.studies[0]["df"].eq(np.inf).all()


def test_misuse_is_named(sleep):
    for wrong, said in (
        ({"term": "days"}, "Did you mean 'Days'"),
        ({"term": "Days", "groups": {"subject": [8]}}, "Did you mean 'Subject'"),
        ({"term": "Days", "groups": [8, 12]}, "groups takes one grouping factor"),
        ({"term": "Days", "groups": {"Subject": [8.5]}}, "8.5 is no number"),
        ({"term": "Days", "groups": {"Subject": [1]}}, "2 or more"),
        ({"term": "Days", "n": 1}, "at least 2"),
        ({"term": "Days", "ddf": "wald"}, "ddf='wald'"),
    ):
        with pytest.raises(DataError, match=said):
            sleep.power(**{"n": 20, "progress": False, **wrong})


def test_it_prints_draws_and_says_its_error(sleep):
    made = sleep.power("Days", effect=5, groups={"Subject": [6, 12]}, n=30, seed=1, progress=False)
    assert "Monte Carlo error" in repr(made) and "<table" in made._repr_html_()
    ax = made.plot()
    assert list(ax.lines[1].get_xdata()) == [6, 12]
    assert ax.get_xlabel() == "number of Subject" and "12 Subject" in made.alt_text


def test_a_study_that_can_never_be_fitted_is_told(sleep, monkeypatch):
    many = sleep.refit_many(sleep.simulate(3, seed=1))
    module = importlib.import_module("mlmkit.inference.power")
    monkeypatch.setattr(module, "refit_many", lambda *_: replace(many, criterion=np.full(3, np.nan)))
    with pytest.raises(DataError, match="none of the responses simulated from it"):
        sleep.power("Days", n=3, seed=1)
