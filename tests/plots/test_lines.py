"""Figures 8, 13, 15 and 17: lines of groups."""

import numpy as np
import pandas as pd
import pytest

from mlmkit import DataError, lmer, load_data
from mlmkit.plots import (
    ellipse_data,
    fitted_lines_data,
    lines_by_group,
    lines_by_group_data,
    panels,
    panels_data,
)
from mlmkit.plots.canvas import term_unit, units_of
from mlmkit.plots.curves import group_curves, only_predictor, slopes
from mlmkit.plots.lines import FittedLines, SmallMultiples
from mlmkit.style import SIZES

SIX = (31, 33, 71, 76, 77, 93)


def role(lines, name):
    return slopes(lines[lines["role"] == name], "panel")


def test_each_panel_has_the_flat_and_the_multilevel_line(sleep, sleep_flat):
    drawn = panels_data(sleep)
    assert drawn.panels == list(sleep.coef["Subject"].index)
    flat, multilevel = role(drawn.lines, "flat"), role(drawn.lines, "multilevel")
    assert flat.loc[350] == pytest.approx(19.50402, abs=1e-5)
    assert np.abs(multilevel - sleep.coef["Subject"]["Days"]).max() < 1e-8
    assert np.ptp(role(drawn.lines, "population")) == pytest.approx(0, abs=1e-9)


def test_chosen_panels_come_in_the_order_asked(sleep):
    assert panels_data(sleep, groups=[350, 308], show=()).panels == [350, 308]
    with pytest.raises(DataError, match="has no group 7"):
        panels_data(sleep, groups=[7])
    with pytest.raises(DataError, match="no 'pooled' lines"):
        panels_data(sleep, show=["pooled"])


def test_a_multilevel_line_may_go_on_beyond_its_groups_rows():
    sleep = load_data("sleepstudy").astype({"Subject": int})
    few = sleep[(sleep.Subject != 308) | (sleep.Days <= 1)]
    fit = lmer("Reaction ~ Days + (Days|Subject)", few)
    for beyond, end in ((False, 1), (True, 9)):
        lines = panels_data(fit, groups=[308], beyond=beyond).lines.groupby("role")["x"].max()
        assert lines.to_dict() == {"flat": 1, "multilevel": end, "population": 9}


def test_of_many_groups_some_are_shown_from_the_lowest_to_the_highest(many_groups):
    drawn = panels_data(many_groups)
    effects = many_groups.ranef["g"]["Intercept"]
    assert (
        len(drawn.panels) == 36
        and drawn.panels[0] == effects.idxmin()
        and drawn.panels[-1] == effects.idxmax()
    )
    assert effects[drawn.panels].is_monotonic_increasing
    assert "36 of 300 groups of g" in drawn.note and drawn.note in drawn.alt_text
    assert len(panels_data(many_groups, groups=5, show=()).panels) == 5
    assert len(panels_data(many_groups, groups=range(50), show=()).panels) == 50
    with pytest.raises(DataError, match="not 0"):
        panels_data(many_groups, groups=0)


def test_an_ellipse_names_only_so_many_groups_as_can_be_read(many_groups, sleep):
    assert ellipse_data(sleep).labels and not ellipse_data(many_groups).labels
    assert ellipse_data(many_groups, labels=True).labels


def test_panels_share_one_scale(sleep):
    figure = panels(sleep)
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert len(shown) == 18
    assert len({ax.get_ylim() for ax in shown}) == 1


def test_varying_intercepts_are_parallel_and_varying_slopes_meet(sleep_intercepts):
    parallel = fitted_lines_data(sleep_intercepts)
    assert slopes(parallel.lines, "group").to_numpy() == pytest.approx(np.full(18, 10.46729), abs=1e-5)
    assert "all parallel" in parallel.alt_text
    fan = fitted_lines_data(lmer("Reaction ~ Days + (0 + Days|Subject)", load_data("sleepstudy")))
    starts = fan.lines.groupby("group", sort=False)["y"].first()
    assert starts.to_numpy() == pytest.approx(np.full(18, 251.40510), abs=1e-5)
    assert slopes(fan.lines, "group").iloc[0] == pytest.approx(20.0867, abs=1e-3)
    assert "all starting from one point" in fan.alt_text


@pytest.fixture(scope="session")
def many_groups():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"g": np.repeat(np.arange(300), 4), "x": np.tile(np.arange(4.0), 300)})
    effects = rng.normal(size=(300, 2)) * (3, 1)
    data["y"] = 10 + effects[data["g"], 0] + (1 + effects[data["g"], 1]) * data["x"] + rng.normal(size=1200)
    return lmer("y ~ x + (x|g)", data)


def test_every_arm_has_its_line_and_a_glmm_the_mean_of_its_groups(trial):
    drawn = fitted_lines_data(trial)
    assert drawn.factor == "arm" and list(drawn.roles) == ["drug", "placebo"]
    assert drawn.lines.groupby("arm")["group"].nunique().to_dict() == {"drug": 40, "placebo": 40}
    b, tau = trial.fixef, trial.varcorr["sdcor"].iloc[0]
    shares = trial.data["task"].groupby(trial.data["arm"]).value_counts(normalize=True)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    for arm, line in drawn.population.groupby("arm"):
        mean_task = sum(b.get(f"task[T.{task}]", 0.0) * shares[arm, task] for task in "abc")
        placebo = arm == "placebo"
        slope = b["day"] + placebo * b["arm[T.placebo]:day"]
        eta = b["Intercept"] + placebo * b["arm[T.placebo]"] + mean_task + slope * line["x"].to_numpy()
        np.testing.assert_allclose(line["y"], 1 / (1 + np.exp(-eta)), rtol=1e-9)
        mean = 1 / (1 + np.exp(-(eta[:, None] + tau * nodes))) @ weights / weights.sum()
        np.testing.assert_allclose(line["mean"], mean, rtol=1e-6)
    assert drawn.is_curved and "mean of the groups" in drawn.alt_text
    key = [text.get_text() for text in drawn.draw().get_legend().get_texts()]
    assert "typical who, drug" in key and "mean of all, placebo" in key


def test_a_panels_population_line_is_that_of_its_arm(trial):
    lines = panels_data(trial, groups=[0, 1], show=["population"]).lines
    whole = fitted_lines_data(trial).population
    for who, arm in ((0, "placebo"), (1, "drug")):
        mine = lines.loc[lines["panel"] == who, "y"].to_numpy()
        np.testing.assert_array_equal(mine, whole.loc[whole["arm"] == arm, "y"])


def test_a_class_has_its_schools_effect_in_its_line():
    data = load_data("classroom")
    fit = lmer("mathscore ~ ses + (1|schoolid) + (1|classid)", data)
    lines = group_curves(fit, "classid", "ses")
    school = data.loc[data.classid == 160, "schoolid"].iloc[0]
    line = lines[lines["group"] == 160].iloc[0]
    expected = (
        fit.fixef["Intercept"]
        + fit.fixef["ses"] * line["x"]
        + fit.ranef["classid"].loc[160, "Intercept"]
        + fit.ranef["schoolid"].loc[school, "Intercept"]
    )
    assert line["y"] == pytest.approx(expected, abs=1e-9)


def test_a_crossed_factors_effect_is_left_out(words):
    data = load_data("blp").dropna(subset=["rt"])
    fit = lmer("rt ~ nletters + (1|participant) + (1|spelling)", data)
    line = group_curves(fit, "participant", "nletters").iloc[0]
    expected = fit.coef["participant"].loc[line["group"], "Intercept"] + fit.fixef["nletters"] * line["x"]
    assert line["y"] == pytest.approx(expected, abs=1e-9)


def test_curves_bend_with_a_square():
    fit = lmer("Reaction ~ Days + I(Days**2) + (1|Subject)", load_data("sleepstudy"))
    line = fitted_lines_data(fit).population
    b0, b1, b2 = fit.fixef
    assert line["y"].to_numpy() == pytest.approx((b0 + b1 * line["x"] + b2 * line["x"] ** 2).to_numpy())


def test_the_predictor_is_found_or_asked_for(sleep, words):
    assert only_predictor(sleep) == "Days"
    with pytest.raises(DataError, match="no numeric predictor"):
        only_predictor(words)
    with pytest.raises(DataError, match="no column 'day'"):
        only_predictor(sleep, "day")


def test_a_line_a_school_and_a_line_a_class():
    data = load_data("classroom")
    schools = lines_by_group_data(data, "ses", "mathscore", "schoolid", groups=SIX)
    assert schools.panels == list(SIX)
    slope = slopes(schools.lines, "panel")
    rows = data[data.schoolid == 77]
    assert slope.loc[77] == pytest.approx(np.polyfit(rows.ses, rows.mathscore, 1)[0], abs=1e-9)
    classes = lines_by_group_data(data, "ses", "mathscore", "schoolid", line="classid", groups=SIX)
    assert classes.lines.groupby(["panel", "line"]).ngroups == 26
    assert classes.points.shape == schools.points.shape


def test_kinds_are_told_by_colour_marker_and_line():
    data = load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    groups = ["s1224", "s3088"]
    drawn = lines_by_group_data(data, "ses", "mathach", "school", kind="himinty", groups=groups)
    assert drawn.roles == {"group": "himinty 0", "group2": "himinty 1"}
    figure = lines_by_group(data, "ses", "mathach", "school", kind="himinty", groups=groups)
    looks = {
        (line.get_color(), line.get_linestyle())
        for ax in figure.axes
        for line in ax.lines
        if line.get_linestyle() != "None"
    }
    marks = {line.get_marker() for ax in figure.axes for line in ax.lines if line.get_linestyle() == "None"}
    assert len(looks) == 2 and len({ls for _, ls in looks}) == 2 and len(marks) == 2


def test_panels_come_in_the_order_of_their_slopes_when_asked():
    data = load_data("sleepstudy")
    drawn = lines_by_group_data(data, "Days", "Reaction", "Subject", order="slope")
    slope = slopes(drawn.lines, "panel")
    assert list(slope.index) == drawn.panels and slope.is_monotonic_increasing
    assert drawn.panels[0] == 335 and drawn.panels[-1] == 308
    chosen = lines_by_group_data(data, "Days", "Reaction", "Subject", groups=[308, 335], order="slope")
    assert chosen.panels == [308, 335]
    with pytest.raises(DataError, match="'name' or 'slope', not 'size'"):
        lines_by_group_data(data, "Days", "Reaction", "Subject", order="size")


def test_one_line_for_all_stands_in_every_panel():
    data = load_data("sleepstudy")
    drawn = lines_by_group_data(data, "Days", "Reaction", "Subject", together=True)
    pooled = drawn.lines[drawn.lines.role == "pooled"]
    slope = slopes(pooled, "panel")
    assert len(slope) == 18 and slope.to_numpy() == pytest.approx(np.polyfit(data.Days, data.Reaction, 1)[0])
    assert drawn.roles == {"group": "each Subject's own line", "pooled": "one line for all"}


def test_axes_name_the_units_that_data_carry(sleep):
    figure = lines_by_group(load_data("sleepstudy"), "Days", "Reaction", "Subject")
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("Days", "Reaction (ms)")
    own = pd.DataFrame({"g": list("aabb"), "x": [0, 1, 0, 1], "y": [1.0, 2, 3, 4]})
    own.attrs["units"] = {"x": "km"}
    figure = lines_by_group(own, "x", "y", "g")
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("x (km)", "y")
    own.attrs["units"] = {"x": 3, "y": "s"}
    assert units_of(own) == {"y": "s"}, "a unit is a word"
    own.attrs["units"] = "ms"
    assert lines_by_group(own, "x", "y", "g").get_supxlabel() == "x"
    assert term_unit(sleep, "Intercept") == "ms" and term_unit(sleep, "Days") == "ms per day"
    assert term_unit(lmer("log(Reaction) ~ Days + (1|Subject)", sleep.data), "Days") == ""


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="no column 'sess'"):
        lines_by_group_data(load_data("classroom"), "sess", "mathscore", "schoolid")


@pytest.mark.parametrize(
    ("n", "columns", "low", "high"), [(1, 3, 3, 4.5), (3, 3, 3, 4), (5, 5, 2, 3), (6, 3, 5, 6), (20, 5, 5, 6)]
)
def test_a_figure_is_as_high_as_its_rows_of_panels(n, columns, low, high):
    schools = load_data("classroom")
    drawn = lines_by_group_data(
        schools, "ses", "mathscore", "schoolid", groups=range(1, n + 1), n_columns=columns
    )
    width, height = drawn.draw().get_size_inches()
    assert low < height < high and width == 6.4
    many = lines_by_group_data(schools, "ses", "mathscore", "schoolid", groups=range(1, 41), n_columns=5)
    assert many.size[1] > 8 * 1.2


def small(n: int, n_columns: int, **changes) -> SmallMultiples:
    """n panels of two points and a line each, whose slopes are 0, 1, …"""
    names = np.repeat(np.arange(n), 2)
    x = np.tile([0.0, 2.0], n)
    points = pd.DataFrame({"panel": names, "x": x, "y": names * x})
    lines = points.assign(line="own", role="flat")
    return SmallMultiples(
        points.assign(role="data"),
        lines,
        {"flat": "flat"},
        "g",
        "x",
        "y",
        **{"n_columns": n_columns, **changes},
    )


@pytest.mark.parametrize(
    ("n", "columns", "rows", "height"),
    [
        (6, 6, 1, 0.9 + 1.5),
        (3, 3, 1, 0.9 + 1.3 * 5.7 / 3),
        (2, 1, 2, None),
        (18, 6, 3, 0.9 + 3 * 1.5),
        (60, 6, 10, 0.9 + 12),
    ],
)
def test_panels_are_as_high_as_their_rows_need(n, columns, rows, height):
    drawn, (width, tall) = small(n, columns), SIZES["tall"]
    assert drawn.n_rows == rows
    row = min(max(1.3 * (width - 0.7) / columns, 1.5), 3.2)
    assert drawn.size == (width, pytest.approx(height or min(0.9 + row * rows, tall)))


def test_the_words_of_panels_count_points_and_tell_slopes():
    assert small(3, 2).alt_text == (
        "3 panels, one for each g, of y against x: 6 points in all. The 3 flat lines have slopes between 0.00 and 2.00."
    ).replace("between 0.00", "between 0")
    assert small(1, 1, note="1 of 9").alt_text.endswith("The 1 flat line has a slope of 0. 1 of 9")


def test_panels_that_are_not_needed_are_hidden_and_those_above_have_the_numbers():
    figure = small(5, 3).draw()
    assert [ax.get_visible() for ax in figure.axes] == [True] * 5 + [False]
    numbered = [ax.xaxis.get_tick_params()["labelbottom"] for ax in figure.axes[:5]]
    assert numbered == [False, False, True, True, True]
    assert [ax.get_title() or ax.get_title("left") for ax in figure.axes[:5]] == list("01234")
    for k, ax in enumerate(figure.axes[:5]):
        np.testing.assert_allclose([line.get_ydata() for line in ax.lines], [[0, 2 * k]] * 2)


@pytest.mark.parametrize(
    ("starts", "ends", "shape"),
    [
        ([1.0, 2.0], [3.0, 4.0], "all parallel"),
        ([1.0, 1.0], [3.0, 4.0], "all starting from one point"),
        ([1.0, 2.0], [3.0, 5.0], "with different slopes"),
    ],
)
def test_the_shape_of_lines_is_told(starts, ends, shape):
    lines = pd.DataFrame({"group": list("aabb"), "x": [0.0, 2, 0, 2], "arm": ""})
    lines["y"] = np.column_stack([starts, ends]).ravel()
    population = pd.DataFrame({"arm": "", "x": [0.0, 2.0], "y": [1.5, 3.5], "mean": [1.5, 3.5]})
    words = FittedLines(lines, population, lines[["x", "y"]], "g", "x", "y").alt_text
    assert f"2 lines of y against x, one for each g, {shape}: at the left end" in words
    assert words.endswith("The population line goes from 1.50 at 0 to 3.50 at 2.")
    curved = FittedLines(lines, population.assign(mean=[1.5, 3.0]), lines[["x", "y"]], "g", "x", "y")
    assert curved.alt_text.endswith("to 3.50 at 2; the mean of the groups from 1.50 to 3.00.")


@pytest.mark.parametrize(("n", "width"), [(39, 1.3), (40, 0.7)])
def test_many_lines_are_thin(n, width):
    lines = pd.DataFrame(
        {"group": np.repeat(np.arange(n), 2), "x": np.tile([0.0, 1.0], n), "y": 0.0, "arm": ""}
    )
    population = pd.DataFrame({"arm": "", "x": [0.0, 1.0], "y": 0.0, "mean": 0.0})
    ax = FittedLines(lines, population, lines[["x", "y"]], "g", "x", "y").draw()
    assert {line.get_linewidth() for line in ax.lines[1 : n + 1]} == {width}


def test_a_panel_that_tells_no_slope_comes_first():
    data = pd.DataFrame({"g": list("aabbcc"), "x": [0.0, 1, 0, 2, 1, 1], "y": [0.0, 3, 0, 2, 5, 6]})
    drawn = lines_by_group_data(data, "x", "y", "g", order="slope")
    assert drawn.panels == ["c", "b", "a"] and drawn.n_columns == 3
    assert lines_by_group_data(data, "x", "y", "g", n_columns=2).n_columns == 2
    missing = data.assign(y=[0.0, 3, np.nan, 2, 5, 6])
    assert len(lines_by_group_data(missing, "x", "y", "g").points) == 5


def test_a_panel_for_one_group_is_enough_and_none_is_not(many_groups):
    assert panels_data(many_groups, groups=1, show=()).panels == [
        many_groups.ranef["g"]["Intercept"].idxmin()
    ]
    with pytest.raises(DataError, match="not -1"):
        panels_data(many_groups, groups=-1)
