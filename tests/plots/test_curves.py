"""Lines and curves as numbers: slopes, least squares, shares of categories, ranges."""

import numpy as np
import pandas as pd
import pytest

from mlmkit import lm, lmer, load_data
from mlmkit.plots.curves import (
    POINTS,
    flat_curves,
    group_curves,
    least_squares_line,
    only_predictor,
    population_curve,
    slopes,
)


def test_a_slope_is_rise_over_run_of_each_line():
    lines = pd.DataFrame({"g": list("aaabb"), "x": [0.0, 1, 2, 1, 5], "y": [1.0, 9, 2, 3, 1]})
    assert slopes(lines, "g").to_dict() == {"a": 0.5, "b": -0.5}


def test_a_least_squares_line_ends_where_x_does():
    rows = pd.DataFrame({"x": [1.0, 2, 4, 7, np.nan], "y": [2.0, 1, 5, np.nan, 3]})
    line = least_squares_line(rows, "x", "y")
    fit = lm("y ~ x", rows)
    assert list(line["x"]) == [1, 4]
    np.testing.assert_allclose(line["y"], fit.fixef["Intercept"] + fit.fixef["x"] * line["x"])
    assert least_squares_line(rows.assign(x=1.0), "x", "y").empty
    assert len(least_squares_line(rows[:2], "x", "y")) == 2


def test_the_predictor_that_varies_comes_before_those_that_do_not():
    data = load_data("sleepstudy").assign(
        age=lambda d: d["Subject"].astype(int) % 7, night=lambda d: d["Days"]
    )
    assert only_predictor(lmer("Reaction ~ age + Days + (Days|Subject)", data)) == "Days"
    assert only_predictor(lmer("Reaction ~ age + Days + (1|Subject)", data)) == "age"


@pytest.fixture(scope="module")
def mixed():
    """x runs over another range in each group, z is a number beside it, kind a category with unequal shares."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 8)})
    data["x"] = np.tile(np.arange(8.0), 10) + data["g"]
    data.loc[data["g"] == 9, "x"] = 5.0
    data["z"], data["kind"] = rng.normal(size=80), rng.choice(list("pqr"), size=80, p=[0.6, 0.3, 0.1])
    data["y"] = data["x"] + data["z"] + rng.normal(size=10)[data["g"]] + rng.normal(size=80)
    return lmer("y ~ x + z + kind + (x|g)", data)


def test_a_groups_line_is_at_its_own_average_of_the_others(mixed):
    lines, b, data = group_curves(mixed, "g", "x"), mixed.fixef, mixed.data
    for level in (0, 3, 9):
        own, line = data[data["g"] == level], lines[lines["group"] == level]
        coef = mixed.coef["g"].loc[level]
        mean = b["z"] * own["z"].mean() + sum(b[f"kind[T.{k}]"] * (own["kind"] == k).mean() for k in "qr")
        np.testing.assert_allclose(line["y"], coef["Intercept"] + mean + coef["x"] * line["x"])
        assert len(line) == POINTS == 41
        np.testing.assert_allclose(np.diff(line["x"], 2), 0, atol=1e-9)


def test_a_line_runs_over_its_groups_range_or_everybodys(mixed):
    ends = group_curves(mixed, "g", "x").groupby("group")["x"].agg(["min", "max"])
    assert ends.loc[3].tolist() == [3, 10] and ends.loc[9].tolist() == [0, 15], "group 9 has one x only"
    beyond = group_curves(mixed, "g", "x", beyond=True).groupby("group")["x"].agg(["min", "max"])
    assert (beyond["min"] == 0).all() and (beyond["max"] == 15).all()


def test_flat_lines_are_those_of_each_group_alone(sleep):
    data, lines = sleep.data, flat_curves(sleep, "Subject", "Days")
    for level in (308, 335):
        own = data[data["Subject"] == level]
        line = lines[lines["group"] == level]
        np.testing.assert_allclose(
            line["y"], np.polyval(np.polyfit(own["Days"], own["Reaction"], 1), line["x"])
        )


def test_a_flat_fit_has_one_population_line_even_if_a_group_is_named(sleep_flat):
    fit = lm("Reaction ~ Days + Subject", sleep_flat.data)
    line = population_curve(fit, "Days", "Subject")
    assert set(line["arm"]) == {""} and len(line) == POINTS
    slope = np.diff(line["y"]) / np.diff(line["x"])
    np.testing.assert_allclose(slope, fit.fixef["Days"])
    assert line["y"].mean() == pytest.approx(sleep_flat.data["Reaction"].mean())
    assert (line["mean"] == line["y"]).all()
