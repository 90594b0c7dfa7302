"""Draws of a posterior: the picture's numbers are the posterior's own."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gaussian_kde

from mlmkit import DataError, load_data
from mlmkit.bayes import brm
from mlmkit.plots import draws, draws_data
from mlmkit.plots.draws import Draws
from mlmkit.words import number


@pytest.fixture(scope="module")
def posterior():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few draws are for the picture only
        formula = "Reaction ~ Days + (1|Subject)"
        return brm(
            formula, load_data("sleepstudy"), chains=2, draws=60, tune=80, seed=1, cores=1, progress=False
        )


def test_parameters_go_by_their_columns(posterior, sleep_intercepts):
    drawn = draws_data(posterior, reference=sleep_intercepts)
    assert list(drawn.table.index) == list(posterior.draws.columns)
    assert drawn.table["estimate"].to_numpy() == pytest.approx(posterior.draws.mean().to_numpy())
    assert drawn.reference["sd_Subject__Intercept"] == pytest.approx(37.124, abs=1e-3)
    assert drawn.reference["b_Days"] == pytest.approx(10.46729, abs=1e-5)
    assert set(drawn.reference.index) == set(posterior.draws.columns)


def test_a_row_a_parameter_and_a_line_a_chain(posterior):
    figure = draws(posterior, ["sigma", "b_Days"])
    assert len(figure.axes) == 4
    assert all(len(ax.lines) == 2 for ax in figure.axes)
    styles = {line.get_linestyle() for line in figure.axes[0].lines}
    assert len(styles) == 2


def test_an_unknown_parameter_is_named(posterior):
    with pytest.raises(DataError, match="no parameter 'sd_Days'"):
        draws_data(posterior, ["sd_Days"])
    assert "2 chains" in draws_data(posterior).alt_text


def test_parameters_are_told_in_words_and_units(posterior):
    figure = draws(posterior, ["sd_Subject__Intercept", "b_Days", "sigma"])
    titles = [ax.get_title(loc="left") for ax in figure.axes[::2]]
    assert titles == ["SD of the intercept (ms)", "slope of Days (ms per day)", "sigma"]


def test_each_chain_has_its_density_and_its_draws_in_order(posterior, sleep_intercepts):
    figure = draws(posterior, ["b_Days"], reference=sleep_intercepts)
    left, right = figure.axes
    values = posterior.draws["b_Days"]
    row = draws_data(posterior, ["b_Days"]).table.loc["b_Days"]
    for k in range(2):
        own = values.xs(values.index.get_level_values(0).unique()[k], level=0).to_numpy()
        np.testing.assert_allclose(right.lines[k].get_ydata(), own)
        grid, density = left.lines[k].get_data()
        assert (grid[0], grid[-1], len(grid)) == (values.min(), values.max(), 200)
        np.testing.assert_allclose(density, gaussian_kde(own)(grid))
    assert left.lines[2].get_xdata()[0] == pytest.approx(10.46729, abs=1e-5)
    shade = left.patches[0].get_extents().transformed(left.transData.inverted())
    assert (shade.x0, shade.x1) == pytest.approx((row["lower"], row["upper"]))
    n = len(right.lines[0].get_ydata())
    assert right.get_xlim() == pytest.approx((-0.01 * (n - 1), 1.01 * (n - 1)))
    assert right.get_title("right") == f"Rhat {row['rhat']:.2f}" and left.get_ylim()[0] == 0


def test_pictures_of_more_parameters_are_higher(posterior):
    columns = list(posterior.draws.columns)
    sizes = [
        Draws(posterior.draws, pd.DataFrame(index=range(n)), pd.Series(dtype=float), {}).size
        for n in (2, 3, 4, 5)
    ]
    assert sizes == ["page", "tall", "tall", "panels"]
    words = draws_data(posterior, columns[:1]).alt_text
    row = draws_data(posterior, columns[:1]).table.iloc[0]
    assert words == (
        f"For each of 1 parameter the density of its draws in 2 chains and, beside it, the draws in order. {columns[0]}: mean "
        f"{number(row['estimate'])}, 95% between {number(row['lower'])} and {number(row['upper'])}, Rhat {row['rhat']:.2f}."
    )
