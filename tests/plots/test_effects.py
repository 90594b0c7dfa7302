"""Caterpillars: order, intervals, and what is said of them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from mlmkit import plots
from mlmkit.plots.effects import Caterpillar
from mlmkit.words import number


def made(n: int, **columns) -> Caterpillar:
    effect = np.linspace(-1, 1, n)
    table = pd.DataFrame({"effect": effect, "sd": 0.1, "lower": effect - 0.2, "upper": effect + 0.2})
    return Caterpillar(table.assign(**columns), "g", "x", 0.95)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_half_an_interval_is_the_normals_quantile_times_the_conditional_sd(sleep, level):
    table = plots.caterpillar_data(sleep, level=level).table
    for side, column in ((-1, "lower"), (1, "upper")):
        share = norm.cdf((table[column] - table["effect"]) / table["sd"])
        np.testing.assert_allclose(share, 0.5 + side * level / 2)


def test_an_interval_is_clear_that_leaves_out_zero_on_either_side():
    drawn = made(4, lower=[-3.0, -1.0, 0.0, 0.5], upper=[-0.5, 0.0, 1.0, 2.0])
    assert list(drawn.clear) == [True, False, False, True]
    assert "2 of the intervals leave out 0." in drawn.alt_text


def test_the_words_name_both_ends(sleep):
    drawn = plots.caterpillar_data(sleep, term="Days", level=0.9)
    effects = sleep.ranef["Subject"]["Days"]
    assert (
        f"from {number(effects.min())} ({effects.idxmin()}) to {number(effects.max())} ({effects.idxmax()})"
        in drawn.alt_text
    )
    assert "18 groups in order of their effect on the slope of Days of each Subject" in drawn.alt_text
    assert "each with its 90% interval" in drawn.alt_text


def test_many_groups_are_drawn_higher_smaller_and_at_last_without_names():
    assert [made(n).size for n in (24, 25)] == ["page", "tall"]
    for n, named in ((40, True), (41, False)):
        ax = made(n).draw()
        assert (len(ax.get_yticks()) == n) is named
        marks = {line.get_markersize() for line in ax.lines if line.get_linestyle() == "None"}
        assert marks == ({5} if named else {2.5})
        assert ax.collections[0].get_linewidth()[0] == (1.4 if named else 0.7)
