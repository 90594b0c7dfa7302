"""Caterpillars, paths, criteria, profiles, checks and matrices."""

import re
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mlmkit import DataError, lmer, plots, style
from mlmkit.engine.linear.lmm import lmm_criterion
from mlmkit.plots.checks import Quantiles
from mlmkit.words import number


def test_caterpillars_are_in_order_with_conditional_sds(sleep):
    drawn = plots.caterpillar_data(sleep, term="Days")
    assert drawn.table["effect"].is_monotonic_increasing
    assert (drawn.table["sd"] == sleep.ranef_sd["Subject"]["Days"].loc[drawn.table.index]).all()
    half = (drawn.table["upper"] - drawn.table["lower"]) / 2
    assert half.to_numpy() == pytest.approx(1.959964 * drawn.table["sd"].to_numpy(), rel=1e-6)
    assert (drawn.table.index[0], drawn.table.index[-1]) == (335, 308)


def test_many_groups_lose_their_names(words):
    ax = plots.caterpillar(words, "participant")
    assert len(ax.get_yticks()) == 0
    assert len(plots.caterpillar(words, "spelling", level=0.5).collections) == 1


def test_the_path_leads_from_complete_pooling_to_none(sleep):
    drawn = plots.pooling_path_data(sleep, term="Days")
    alone = plots.separate_coefficients(sleep)["Days"]
    assert np.abs(drawn.paths.iloc[-1] - alone).max() < 0.01
    assert np.ptp(drawn.paths.iloc[0]) < 0.1
    at_estimate = drawn.paths.iloc[np.abs(np.log(drawn.paths.index)).argmin()]
    assert np.abs(at_estimate - sleep.coef["Subject"]["Days"]).max() < 1e-8


def test_the_criterion_is_lowest_at_the_estimate(sleep_intercepts, sleep):
    drawn = plots.criterion_curve_data(sleep_intercepts)
    step = np.diff(drawn.curves.index).max()
    assert drawn.minima["REML"] == pytest.approx(1.19788154563, abs=step)
    assert drawn.minima["ML"] < drawn.minima["REML"]
    assert drawn.curves.min().to_numpy() == pytest.approx([0, 0])
    two = plots.criterion_curve_data(sleep, term="Days")
    assert two.minima["REML"] == pytest.approx(5.922138 / 25.592, abs=np.diff(two.curves.index).max())


def test_the_curve_of_a_second_blocks_slope_starts_where_the_slope_is_constant():
    """Its SD is made up of the last two elements of θ, behind the other factor's."""
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"few": np.repeat(np.arange(8), 30), "many": np.tile(np.arange(12), 20)})
    data["x"] = rng.normal(size=240)
    shift, slope, noise = rng.normal(size=8), rng.normal(size=8), rng.normal(size=240)
    data["y"] = rng.normal(size=12)[data["many"]] + shift[data["few"]] + noise
    data["y"] += (shift + slope)[data["few"]] * data["x"]
    fit = lmer("y ~ x + (1|many) + (x|few)", data)
    assert [len(block.names) for block in fit.design.blocks] == [1, 2]
    drawn, criterion = plots.criterion_curve_data(fit, group="few", term="x"), lmm_criterion(fit.design, True)
    rise = criterion(fit.theta * [1, 1, 0, 0]) - criterion(fit.theta)
    assert drawn.curves.index[0] == 0
    assert drawn.curves["REML"].iloc[0] == pytest.approx(rise, abs=0.02)


def test_the_words_of_a_path_and_of_a_curve_name_their_ends(sleep):
    path, curve = plots.pooling_path_data(sleep, term="Days"), plots.criterion_curve_data(sleep, term="Days")
    here = sleep.coef["Subject"]["Days"]
    for words, ends in (
        ("near 0 all lie between", path.paths.iloc[0]),
        ("at the estimate between", here),
        ("very large SDs between", path.paths.iloc[-1]),
    ):
        assert f"{words} {number(ends.min())} and {number(ends.max())}" in path.alt_text
    told = " and ".join(f"{number(curve.curves[name].iloc[0])} ({name})" for name in ("REML", "ML"))
    assert f"at an SD of 0 they stand {told} higher" in curve.alt_text


def test_on_the_boundary_the_curve_starts_at_its_minimum_and_ends_where_it_is_clearly_above():
    groups = np.repeat(np.arange(8), 5)
    y = np.random.default_rng(3).normal(size=40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = lmer("y ~ 1 + (1|g)", pd.DataFrame({"g": groups, "y": y}))
    drawn = plots.criterion_curve_data(fit)
    assert list(drawn.minima) == [0, 0] and 5 <= drawn.curves["REML"].iloc[-1] <= 15
    assert "at an SD of 0 they" not in drawn.alt_text and "lowest for REML at 0" in drawn.alt_text
    key = plots.criterion_curve(fit).get_legend().get_texts()
    assert all(text.get_text().endswith("the boundary") for text in key)


def test_paths_are_for_linear_models(rats, sleep):
    for drawn in (plots.pooling_path_data, plots.criterion_curve_data):
        with pytest.raises(DataError, match="linear mixed models"):
            drawn(rats)
        with pytest.raises(DataError, match="does not vary"):
            drawn(sleep, term="days")


def test_profiles_cross_zero_at_the_estimate(sleep):
    profile = sleep.profile()
    drawn = plots.profiles_data(profile, ["Days", "sigma"])
    assert list(drawn.intervals.index) == ["Days", "sigma"]
    for name, row in drawn.intervals.iterrows():
        curve = drawn.curves[drawn.curves["parameter"] == name]
        zeta = np.interp([row["lower"], row["estimate"], row["upper"]], curve["value"], curve["zeta"])
        assert zeta == pytest.approx([-1.96, 0, 1.96], abs=0.02)
    assert len(plots.profiles(profile, ["Days"]).axes) == 1
    with pytest.raises(DataError, match="no profile of 'days'"):
        plots.profiles_data(profile, ["days"])


def test_residuals_are_scaled_and_far_ones_named(sleep):
    drawn = plots.residuals_data(sleep)
    assert drawn.table["residual"].min() == pytest.approx(-3.9536, abs=1e-3)
    assert drawn.table["residual"].max() == pytest.approx(5.1793, abs=1e-3)
    assert sorted(drawn.far["name"]) == ["308", "332", "332"]


def test_quantiles_of_a_normal_sample_lie_on_the_line(sleep):
    drawn = plots.qq_data(sleep, "Subject", "Days")
    assert len(drawn.table) == 18 and drawn.table["value"].is_monotonic_increasing
    assert (drawn.table["lower"] < drawn.table["normal"]).all()
    assert drawn.table["normal"].to_numpy() == pytest.approx(
        -drawn.table["normal"].to_numpy()[::-1], abs=1e-6
    )
    assert plots.qq_data(sleep).outside > 20  # the sleep study's residuals have heavy tails


def test_a_matrix_says_how_much_of_it_is_zero():
    drawn = plots.matrix_data(pd.DataFrame(np.eye(4)), r"$\Omega$")
    assert drawn.share == 0.25
    assert drawn.alt_text.startswith("The matrix Ω: 4 rows, 4 columns, 25%")
    assert len(plots.matrix(np.eye(4)).texts) == 16
    assert len(plots.matrix(np.eye(40)).texts) == 0


@pytest.mark.parametrize(
    "draw", [plots.shrinkage, plots.density, plots.caterpillar, plots.residuals, plots.qq]
)
def test_axes_in_axes_out(draw, countries):
    _, ax = plt.subplots()
    assert draw(countries, ax=ax) is ax
    before = plt.get_fignums()
    assert draw(countries) is not ax
    assert len(plt.get_fignums()) == len(before) + 1


def test_values_outside_the_band_are_counted_on_both_sides():
    table = pd.DataFrame({"normal": [-1.0, 0.0, 1.0, 2.0], "value": [-3.0, 0.0, 1.0, 9.0]})
    table = table.assign(lower=table["normal"] - 1, upper=table["normal"] + 1)
    assert Quantiles(table, "residuals").outside == 2


def test_the_house_style_is_on_inside_and_off_outside(countries):
    before = plt.rcParams["font.size"], plt.rcParams["svg.hashsalt"]
    ax = plots.density(countries)
    assert not ax.spines["top"].get_visible()
    assert (plt.rcParams["font.size"], plt.rcParams["svg.hashsalt"]) == before


def test_a_projectors_larger_type_is_kept(countries):
    with style.house("slide", projector=True):
        large = plots.density(countries).xaxis.label.get_size()
    assert large == pytest.approx(1.5 * plots.density(countries).xaxis.label.get_size())


def test_a_picture_has_its_own_size_unless_one_is_set(sleep):
    assert tuple(plots.ellipse(sleep).figure.get_size_inches()) == style.SIZES["tall"]
    with style.house():
        assert tuple(plots.ellipse(sleep).figure.get_size_inches()) == style.SIZES["tall"]
    with style.house("slide", projector=True):
        assert tuple(plots.ellipse(sleep).figure.get_size_inches()) == style.SIZES["slide"]


@pytest.mark.parametrize("name", [name for name in plots.__all__ if hasattr(getattr(plots, name), "data")])
def test_where_to_draw_stands_among_the_parameters(name):
    sections = re.findall(r"^    ([A-Z]\w+)\n    -+$", text := getattr(plots, name).__doc__, re.MULTILINE)
    assert sections[:2] == ["Parameters", "Returns"] and len(sections) == len(set(sections))
    place = re.search(r"^    (?:ax|figure)\n        Where to draw", text, re.MULTILINE)
    assert place and place.start() < text.index("    Returns\n")
