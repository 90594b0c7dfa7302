"""Draws of a posterior: the picture's numbers are the posterior's own."""

import warnings

import pytest

from mlmkit import DataError, load_data
from mlmkit.bayes import brm
from mlmkit.plots import draws, draws_data


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
