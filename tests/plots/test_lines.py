"""Figures 8, 13, 15 and 17: lines of groups."""

import numpy as np
import pytest

from mlmkit import DataError, lmer, load_data
from mlmkit.plots import fitted_lines_data, lines_by_group, lines_by_group_data, panels, panels_data
from mlmkit.plots.curves import group_curves, only_predictor, slopes

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


def test_a_class_has_its_schools_effect_in_its_line():
    data = load_data("classroom")
    fit = lmer("mathscore ~ ses + (1|schoolid) + (1|classid)", data)
    lines = group_curves(fit, "classid", "ses")
    school = data.loc[data.classid == 160, "schoolid"].iloc[0]
    line = lines[lines["group"] == 160].iloc[0]
    expected = (
        fit.fixef["Intercept"] + fit.fixef["ses"] * line["x"]
        + fit.ranef["classid"].loc[160, "Intercept"] + fit.ranef["schoolid"].loc[school, "Intercept"]
    )  # fmt: skip
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
