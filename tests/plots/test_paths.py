"""Along τ: the criterion against likelihoods of other fits, and groups' coefficients at the SDs named on the axis."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mlmkit import lm, lmer, load_data, plots
from mlmkit.plots.paths import CriterionCurve, PoolingPath, _far_enough, _theta_rows
from mlmkit.words import number


def test_at_zero_the_ml_curve_is_as_high_as_the_likelihood_ratio(sleep_intercepts):
    curve = plots.criterion_curve_data(sleep_intercepts).curves["ML"]
    ml = lmer("Reaction ~ Days + (1|Subject)", sleep_intercepts.data, reml=False)
    none = lm("Reaction ~ Days", sleep_intercepts.data)
    assert curve.iloc[0] == pytest.approx(2 * (ml.loglik - none.loglik), abs=0.02)
    assert curve.index[-1] == pytest.approx(2.5 * sleep_intercepts.theta[0])


def test_a_coefficients_own_sd_moves_and_nothing_else(sleep):
    """τ₁ = 0 with the intercepts as they are: the model without a varying slope, at the same θ₀."""
    curve = plots.criterion_curve_data(sleep, term="Days").curves["ML"]
    alone = lmer("Reaction ~ Days + (1|Subject)", sleep.data, reml=False)
    full = lmer("Reaction ~ Days + (Days|Subject)", sleep.data, reml=False)
    assert curve.iloc[0] > 2 * (full.loglik - alone.loglik) - 0.1  # not at its best in the rest of θ
    assert list(_theta_rows(sleep, 0, 0)) == [0] and list(_theta_rows(sleep, 0, 1)) == [1, 2]


def test_theta_is_counted_down_the_columns_of_three_coefficients():
    """Λ's row k has k + 1 elements; down the columns they are (0), (1, 3), (2, 4, 5), behind the block before."""

    blocks = [SimpleNamespace(names="ab"), SimpleNamespace(names="abc")]
    fit = SimpleNamespace(design=SimpleNamespace(blocks=blocks))
    assert [list(_theta_rows(fit, 1, k)) for k in range(3)] == [[3], [4, 6], [5, 7, 8]]


@pytest.mark.parametrize("steepness", [0.5, 30.0, 1e4, 1e6])
def test_on_the_boundary_the_curve_is_drawn_to_a_rise_of_five_to_fifteen(steepness):
    assert 5 <= steepness * _far_enough(lambda one: steepness * one**2, 0.0) ** 2 <= 15


def test_a_steep_curve_is_cut_until_it_is_no_wider_than_two_estimates():
    assert _far_enough(lambda one: 1e4 * (one - 0.1) ** 2, 0.1) == pytest.approx(0.25 / 1.2**2)


def test_far_from_zero_it_is_drawn_to_two_and_a_half_estimates():
    assert _far_enough(lambda one: 0.0, 0.3) == pytest.approx(0.75)
    assert _far_enough(lambda one: 0.0, 0.1) == pytest.approx(0.25 * 1.25**40)


def test_the_words_of_a_curve_on_the_boundary_tell_its_far_end():
    curves = pd.DataFrame({"REML": [0.0, 1.0, 4.0], "ML": [0.5, 0.0, 6.0]}, [0.0, 0.5, 2.0])
    words = CriterionCurve(curves, "g", "x", False).alt_text
    assert words.endswith(
        "lowest for REML at 0 and ML at 0.500; at an SD of 2.00 they stand 4.00 (REML) and 6.00 (ML) higher."
    )
    inside = CriterionCurve(curves.assign(REML=[2.0, 0.0, 4.0]), "g", "x", False).alt_text
    assert inside.endswith("at an SD of 0 they stand 2.00 (REML) and 0.500 (ML) higher.")


def test_only_a_minimum_at_zero_is_called_the_boundary():
    curves = pd.DataFrame({"REML": [0.0, 1.0, 4.0], "ML": [0.5, 0.0, 6.0]}, [0.0, 0.5, 2.0])
    key = CriterionCurve(curves, "g", "x", False).draw().get_legend().get_texts()
    assert [text.get_text() for text in key] == ["REML: lowest at 0, the boundary", "ML: lowest at 0.500"]


def test_curves_are_cut_at_thirty():
    curves = pd.DataFrame({"REML": [25.0, 0.0, 50.0], "ML": [20.0, 0.0, 4.0]}, [0.0, 0.5, 2.0])
    assert CriterionCurve(curves, "g", "x", False).draw().get_ylim() == (0, 30)
    assert CriterionCurve(curves.clip(upper=8), "g", "x", False).draw().get_ylim() == (0, 8)


def test_a_coefficient_without_a_fixed_part_has_a_population_of_zero():
    data = load_data("sleepstudy")
    fit = lmer("Reaction ~ 1 + (Days|Subject)", data)
    drawn = plots.pooling_path_data(fit, term="Days")
    assert set(drawn.population) == {0.0}
    at_estimate = drawn.paths.iloc[np.abs(np.log(drawn.paths.index)).argmin()]
    np.testing.assert_allclose(at_estimate, fit.coef["Subject"]["Days"])


def test_the_population_of_a_path_is_the_least_squares_line_of_equal_groups_at_either_end(sleep):
    """In a balanced design b̂ is the same at every Σ."""
    drawn = plots.pooling_path_data(sleep, term="Days")
    np.testing.assert_allclose(drawn.population, sleep.fixef["Days"])
    assert drawn.alt_text.startswith(
        "The slope of Days of 18 groups of Subject against the SDs across groups, as a multiple of their estimates: "
        f"with SDs near 0 all lie between {number(drawn.paths.iloc[0].min())} and"
    )


def test_a_paths_axis_names_its_ends_and_thin_lines_are_for_many_groups():
    for n, width in ((39, 1.2), (40, 0.6)):
        paths = pd.DataFrame(np.zeros((3, n)), [0.01, 1.0, 100.0])
        ax = PoolingPath(paths, pd.Series(0.0, paths.index), "g", "x").draw()
        assert ax.lines[0].get_linewidth() == width and ax.get_xscale() == "log"
        (ends,) = ax.child_axes
        labels = ends.get_xticklabels()
        assert [text.get_text() for text in labels] == ["complete pooling", "estimate", "no pooling"]
        assert list(ends.get_xticks()) == [0.01, 1, 100]
        assert [text.get_horizontalalignment() for text in labels] == ["left", "center", "right"]
