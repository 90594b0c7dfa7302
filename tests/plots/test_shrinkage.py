"""Figures 4 and 7, and the densities beside them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from mlmkit import DataError, lmer, load_data, plots
from mlmkit.plots import density_data, likelihoods, likelihoods_data, shrinkage, shrinkage_data
from mlmkit.plots.distributions import _highest
from mlmkit.plots.shrinkage import Shrinkage


def test_rats_are_shown_as_probabilities(rats, rats_flat):
    drawn = shrinkage_data(rats, rats_flat)
    assert drawn.table["flat"].min() == pytest.approx(0, abs=1e-12)
    assert drawn.table.loc[42, "flat"] == pytest.approx(2 / 13, abs=1e-9)
    assert drawn.table.loc[1, "multilevel"] == pytest.approx(1 / (1 + np.exp(2.566785)), abs=1e-5)
    assert drawn.centre == pytest.approx(0.126, abs=5e-4)
    assert list(drawn.table.loc[[1, 42], "n"]) == [20, 13]


def test_the_link_scale_is_there_for_the_asking(rats, rats_flat):
    drawn = shrinkage_data(rats, rats_flat, scale="link")
    assert drawn.table.loc[1, "multilevel"] == pytest.approx(-2.566785, abs=1e-4)
    assert drawn.quantity == "log odds of m"
    with pytest.raises(DataError, match="'response' or 'link'"):
        shrinkage_data(rats, rats_flat, scale="odds")


def test_the_weight_of_the_data_is_what_the_formula_says(countries):
    drawn = shrinkage_data(countries)
    tau, sigma = countries.varcorr["sdcor"]
    weight = drawn.table["n"] / sigma**2 / (drawn.table["n"] / sigma**2 + 1 / tau**2)
    assert np.abs(1 - drawn.pulled - weight).max() < 1e-6
    assert drawn.pulled.median() < 0.05  # shrinkage is slight, the ICC being 0.95


def test_given_or_fitted_flat_models_agree(countries, sleep, sleep_flat):
    own = shrinkage_data(sleep, term="Days").table["flat"]
    given = shrinkage_data(sleep, sleep_flat, term="Days").table["flat"]
    assert np.abs(own - given).max() < 1e-8
    as_table = shrinkage_data(sleep, given.to_frame("Days"), term="Days").table["flat"]
    assert (as_table == given).all()


def test_two_columns_joined_by_a_line_a_group(rats, rats_flat):
    ax = shrinkage(rats, rats_flat, label=[1, 42])
    (lines,) = [c for c in ax.collections if type(c).__name__ == "LineCollection"]
    assert len(lines.get_segments()) == 71
    assert {"1", "42"} <= {text.get_text() for text in ax.texts}
    assert ax.get_ylabel() == "probability of m"


def test_the_key_tells_small_groups_from_large_ones(rats, rats_flat):
    ax = shrinkage(rats, rats_flat)
    key = {
        text.get_text(): line
        for text, line in zip(ax.get_legend().get_texts(), ax.get_legend().get_lines(), strict=True)
    }
    assert set(key) == {"population, 0.126", "$n_j$ = 10", "$n_j$ = 52"}
    areas = [key[f"$n_j$ = {n}"].get_markersize() ** 2 for n in (10, 52)]
    assert areas[1] / areas[0] == pytest.approx(5, rel=0.05)  # as the numbers of rats, but for the least size


def test_of_many_groups_some_are_told_and_the_others_grey(countries):
    drawn = shrinkage_data(countries, label=["Russia"])
    shown = drawn.table[drawn.telling]
    assert len(shown) in (20, 21) and drawn.telling["Russia"]
    assert (
        shown["flat"].min() == drawn.table["flat"].min() and shown["flat"].max() == drawn.table["flat"].max()
    )
    ax = shrinkage(countries, label=["Russia"])
    grey, coloured = [c for c in ax.collections if type(c).__name__ == "LineCollection"]
    assert len(grey.get_segments()) + len(coloured.get_segments()) == 189
    assert ax.get_ylabel() == "mean alcohol (litres per adult and year)"


def test_an_unknown_term_is_refused_by_name(sleep):
    with pytest.raises(DataError, match="'day' is not a coefficient"):
        shrinkage_data(sleep, term="day")


# ---- the population's distribution ---------------------------------------------------------------------


def test_the_median_is_not_the_mean_on_a_curved_scale(rats):
    drawn = density_data(rats)
    assert (drawn.median, drawn.mean) == pytest.approx((0.1260, 0.1434), abs=1e-4)
    assert drawn.interval == pytest.approx((0.038, 0.347), abs=5e-4)


def test_a_density_has_area_one(rats, countries):
    for drawn in (density_data(rats), density_data(rats, scale="link"), density_data(countries)):
        assert np.trapezoid(drawn.curve["density"], drawn.curve["value"]) == pytest.approx(1, abs=1e-3)


def test_on_the_link_scale_mean_and_median_are_b(rats):
    drawn = density_data(rats, scale="link")
    assert drawn.mean == pytest.approx(drawn.median, abs=1e-10)
    assert drawn.median == pytest.approx(-1.9369, abs=1e-4)


def test_the_product_peaks_at_the_conditional_mode(rats, countries):
    for fit, level in ((rats, 71), (rats, 1), (countries, "Albania")):
        drawn = likelihoods_data(fit, level)
        peak = drawn.curves.loc[drawn.curves["together"].idxmax(), "value"]
        step = np.diff(drawn.curves["value"]).max()
        assert drawn.multilevel == pytest.approx(peak, abs=step)


def test_a_gaussian_likelihood_has_the_width_of_its_mean(sleep_intercepts):
    fit = sleep_intercepts
    drawn = likelihoods_data(fit, 308)
    data = load_data("sleepstudy").query("Subject == 308")
    own = (data["Reaction"] - fit.fixef["Days"] * data["Days"]).mean()
    curve = norm.pdf(drawn.curves["value"], own, fit.sigma / np.sqrt(len(data)))
    assert drawn.flat == pytest.approx(own, abs=1e-3)
    assert drawn.curves["likelihood"].to_numpy() == pytest.approx(curve / curve.max(), abs=1e-9)


def test_a_singular_fit_has_no_distribution_to_draw():
    data = pd.DataFrame({"g": np.repeat(np.arange(8), 5), "y": np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], 8)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = lmer("y ~ 1 + (1|g)", data)
    with pytest.raises(DataError, match="SD of Intercept across g is 0: there is no distribution"):
        density_data(fit)


def test_a_likelihood_without_a_maximum_says_so(rats):
    drawn = likelihoods_data(rats, 1)
    assert np.isneginf(drawn.flat)
    assert drawn.curves["likelihood"].is_monotonic_decreasing
    assert "no peak" in drawn.alt_text and "minus infinity" in drawn.alt_text
    assert likelihoods_data(rats, 42).flat == pytest.approx(np.log(2 / 11), abs=1e-3)


@pytest.mark.parametrize(("batch", "has_maximum"), [(1, False), (42, True)])
def test_maxima_are_marked_where_the_curves_have_them(rats, batch, has_maximum):
    drawn, ax = likelihoods_data(rats, batch), likelihoods(rats, batch)
    marked = [tuple(line.get_xydata()[0]) for line in ax.lines if len(line.get_xdata()) == 1]
    assert marked == ([(drawn.flat, 1)] if has_maximum else []) + [(drawn.multilevel, 1)]


def test_likelihoods_need_one_varying_coefficient_and_a_known_group(sleep, rats):
    with pytest.raises(DataError, match="More than one coefficient"):
        likelihoods_data(sleep, 308)
    with pytest.raises(DataError, match="no group 99"):
        likelihoods_data(rats, 99)


def test_arms_are_told_apart_and_none_is_left_out():
    data = load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    drawn = shrinkage_data(lmer("mathach ~ ses + sector + (ses|school)", data))
    schools = data.groupby("sector")["school"].nunique()
    assert drawn.factor == "sector"
    assert drawn.table["arm"].value_counts().to_dict() == schools.to_dict()
    assert all(f"{n} groups of {sector}" in drawn.alt_text for sector, n in schools.items())
    key = [text.get_text() for text in drawn.draw().get_legend().get_texts()]
    assert {f"sector {name}" for name in schools.index} <= set(key)


# ---- shares, words and marks by hand ------------------------------------------------------------------


def made(flat, multilevel, n=1, **changes) -> Shrinkage:
    table = pd.DataFrame({"flat": flat, "multilevel": multilevel, "n": n, "arm": ""})
    return Shrinkage(table, 10.0, "g", "mean y", **changes)


def test_pulled_is_the_share_of_the_way_to_the_centre():
    drawn = made([14.0, 6.0, 20.0, 10.0], [13.0, 7.0, 21.0, 10.0])
    np.testing.assert_allclose(drawn.pulled, [0.25, 0.25, -0.1, np.nan])
    assert drawn.alt_text == (
        "Two columns of points, one for each of 4 groups of g, joined by lines: the mean y estimated flat runs from 6.00 "
        "to 20.0, multilevel from 7.00 to 21.0. 2 of 4 move towards the population's 10.0, half of them by 25.0% of the "
        "way or more."
    )


def test_ninety_groups_are_all_told_and_of_more_twenty_from_end_to_end():
    assert made(np.arange(90.0), np.arange(90.0)).telling.all()
    flat = np.arange(191.0)[::-1]
    drawn = made(flat, flat, labelled=(3,))
    shown = flat[drawn.telling.to_numpy()]
    np.testing.assert_array_equal(np.sort(shown), np.sort([*(np.arange(20) * 10.0), 187.0]))


def test_marks_have_areas_as_their_groups_sizes_with_a_least_one():
    drawn = made(np.arange(4.0), np.arange(4.0), n=[1, 20, 50, 100])
    np.testing.assert_allclose(drawn._sizes(drawn.table["n"]), [12, 12, 30, 60])
    np.testing.assert_allclose(drawn._sizes([10, 200]), [12, 120])
    key = {line.get_label(): line.get_markersize() for line in drawn._key()}
    assert key["$n_j$ = 1"] ** 2 == pytest.approx(12) and key["$n_j$ = 100"] ** 2 == pytest.approx(60)
    assert set(key) == {"population, 10.0", "$n_j$ = 1", "$n_j$ = 100"}


def test_the_key_names_grey_groups_and_arms():
    flat = np.arange(100.0)
    assert "other groups" in {line.get_label() for line in made(flat, flat)._key()}
    drawn = made([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], factor="arm")
    drawn.table["arm"] = ["b", "a", "b"]
    assert [line.get_label() for line in drawn._key()] == ["population, 10.0", "arm a", "arm b"]
    assert drawn.arms == {"a": "multilevel", "b": "group2"}
    assert drawn.alt_text.endswith(
        "Colours tell arm: 2 groups of b and 1 group of a; its own effect is taken out."
    )


def test_the_scale_is_the_coefficients_where_it_is_not_alone(rats, sleep):
    assert plots.shrinkage_data(rats).centre == pytest.approx(1 / (1 + np.exp(-rats.fixef.iloc[0])))
    assert plots.shrinkage_data(sleep).centre == sleep.fixef["Intercept"]
    assert plots.shrinkage_data(sleep).quantity == "intercept (ms)"
    assert plots.shrinkage_data(sleep, term="Days").quantity == "slope of Days (ms per day)"
    assert density_data(rats).quantity == "probability of m"


@pytest.mark.parametrize(("peak", "at"), [(3.0, 5.0), (-20.0, -18.0), (60.0, np.inf), (-60.0, -np.inf)])
def test_a_likelihood_still_as_high_fifty_sds_out_has_no_peak(peak, at):
    found = _highest(lambda zeta: -((np.clip(zeta, -50, 50) - peak) ** 2), 2.0, 1.0)
    assert found == pytest.approx(at, abs=1e-3)


def test_curves_of_a_group_run_over_ten_sds_of_the_population(rats):
    drawn, tau = likelihoods_data(rats, 42), rats.varcorr["sdcor"].iloc[0]
    assert drawn.curves["value"].iloc[[0, -1]].tolist() == pytest.approx(
        [drawn.centre - 5 * tau, drawn.centre + 5 * tau]
    )
    np.testing.assert_allclose(drawn.curves.drop(columns="value").max(), 1)
    x = drawn.curves["value"].to_numpy()
    binomial = 2 * x - 13 * np.log1p(np.exp(x))
    np.testing.assert_allclose(drawn.curves["likelihood"], np.exp(binomial - binomial.max()), atol=1e-9)
    prior = -0.5 * ((x - drawn.centre) / tau) ** 2
    np.testing.assert_allclose(drawn.curves["population"], np.exp(prior), atol=1e-9)
    both = binomial + prior
    np.testing.assert_allclose(drawn.curves["together"], np.exp(both - both.max()), atol=1e-9)
    assert (
        drawn.data == "2 of 13"
        and likelihoods(rats, 42).get_title("left") + likelihoods(rats, 42).get_title() == "batch 42: 2 of 13"
    )


def test_a_density_is_drawn_to_four_sds_and_its_words_name_its_peak(countries):
    drawn = density_data(countries)
    ends = drawn.curve["value"].iloc[[0, -1]].to_numpy()
    np.testing.assert_allclose((ends - drawn.b) / drawn.tau, [-4, 4])
    assert drawn.curve["density"].max() == pytest.approx(1 / (drawn.tau * np.sqrt(2 * np.pi)))
    np.testing.assert_allclose((np.array(drawn.interval) - drawn.b) / drawn.tau, [-1.959964, 1.959964])
    labels = [text.get_text() for text in plots.density(countries).get_legend().get_texts()]
    assert not any(label.startswith("mean") for label in labels), "mean and median are one on this scale"
