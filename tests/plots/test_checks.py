"""Residuals and quantiles: who is named, and the bands of order statistics in closed form."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation
from scipy.stats import norm

from mlmkit import lm, load_data, plots
from mlmkit.plots.checks import Quantiles, Residuals, _against_normal


def scaled(residuals, names) -> Residuals:
    table = pd.DataFrame({"fitted": np.arange(1.0, len(residuals) + 1), "residual": residuals})
    return Residuals(table.assign(name=names), "y")


def named(picture: Residuals) -> list[str]:
    return [text.get_text() for text in picture.draw().texts if isinstance(text, Annotation)]


def test_only_residuals_beyond_three_are_named_and_only_with_a_group():
    assert named(scaled([-3.1, 3.0, 0.0, 3.1], ["a", "b", "c", "d"])) == ["a", "d"]
    assert named(scaled([-3.1, 3.0, 0.0, 3.1], ["a", "b", "c", ""])) == ["a"]
    assert named(scaled([-3.1, 3.0, 0.0, 3.1], [""] * 4)) == []


def test_more_than_twelve_far_ones_are_too_many_to_name():
    twelve = [-5.0, 4.0] * 6
    assert len(named(scaled([0.0, *twelve], list("abcdefghijklm")))) == 12
    assert named(scaled([5.0, *twelve], list("abcdefghijklm"))) == []


def test_the_words_of_residuals_have_their_ends_and_who_is_far():
    words = scaled([-3.5, 1.0, 4.25], ["a", "b", "c"]).alt_text
    assert words == (
        "3 residuals in units of their SD, from −3.50 to 4.25, against fitted y from 1.00 to 3.00. 2 lie beyond 3 (a and c)."
    )
    assert scaled([-3.5, 1.0, 4.25], [""] * 3).alt_text.endswith("2 lie beyond 3.")
    assert scaled([-2.0, 1.0, 2.0], ["a", "b", "c"]).alt_text.endswith("0 lie beyond 3.")


@pytest.mark.parametrize(("rows", "size"), [(1000, 4), (1001, 2)])
def test_marks_of_very_many_residuals_are_smaller(rows, size):
    (marks,) = (
        line for line in scaled(np.zeros(rows), [""] * rows).draw().lines if line.get_linestyle() == "None"
    )
    assert marks.get_markersize() == size


def test_a_flat_fits_residuals_have_no_names():
    fit = lm("Reaction ~ Days", load_data("sleepstudy"))
    drawn = plots.residuals_data(fit)
    assert set(drawn.table["name"]) == {""}
    np.testing.assert_allclose(drawn.table["residual"], fit.resid() / fit.sigma)


@pytest.mark.parametrize("n", [5, 20])
def test_the_extremes_of_a_normal_sample_have_the_closed_form(n):
    """P(max < x) = Φ(x)ⁿ, and the lowest is the highest upside down."""
    table = _against_normal(np.linspace(-1, 2, n))
    for column, p in (("normal", 0.5), ("lower", 0.025), ("upper", 0.975)):
        assert table[column].iloc[-1] == pytest.approx(norm.ppf(p ** (1 / n)))
    mirrored = -table[["normal", "upper", "lower"]].to_numpy()[::-1]
    np.testing.assert_allclose(table[["normal", "lower", "upper"]], mirrored, atol=1e-12)


def test_values_stand_in_order_in_units_of_their_own_sd(sleep):
    drawn = plots.qq_data(sleep, "Subject")
    effects = np.sort(sleep.ranef["Subject"]["Intercept"])
    np.testing.assert_allclose(drawn.table["value"], effects / effects.std(ddof=1))
    assert drawn.what == "offsets of the intercept by Subject"
    assert plots.qq_data(sleep, term="Days").what == "offsets of the slope of Days by Subject"


def test_the_words_of_quantiles_have_both_ends():
    table = pd.DataFrame({"value": [-3.0, 0.0, 5.0], "normal": [-1.25, 0.0, 1.5]})
    words = Quantiles(table.assign(lower=-2.0, upper=2.0), "residuals").alt_text
    assert words == (
        "3 values of residuals, in units of their SD, in order against normal quantiles: the lowest is −3.00 where a "
        "normal sample would have about −1.25, the highest 5.00 against 1.50; 2 lie outside the 95% band of their rank."
    )


def test_the_band_is_drawn_between_its_limits(sleep):
    ax, drawn = plots.qq(sleep, "Subject"), plots.qq_data(sleep, "Subject")
    corners = ax.collections[0].get_paths()[0].vertices
    for normal, lower, upper in drawn.table[["normal", "lower", "upper"]].to_numpy()[[0, 9, -1]]:
        heights = corners[np.isclose(corners[:, 0], normal), 1]
        assert (heights.min(), heights.max()) == pytest.approx((lower, upper))
