"""Checks as pictures, and the rootogram."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit import DataError
from mlmkit.plots import check, check_data, rootogram, rootogram_data

OWN = Path(__file__).parents[1] / "reference" / "own"


def test_a_check_draws_its_residuals_and_four_statistics(counts):
    figure = check(counts, x="arm", seed=1, n=60)
    titles = [ax.get_title("left") or ax.get_title() for ax in figure.axes]
    assert titles == ["residuals, ordered", "residuals along arm", "zeros", "dispersion", "pearson", "lag-1"]
    made = check_data(counts, n=60, seed=1)
    zeros = figure.axes[2]
    assert zeros.lines[0].get_xdata()[0] == made.table.loc["zeros", "statistic"]
    assert sum(patch.get_height() for patch in zeros.patches) == 60
    ordered = figure.axes[0].lines[1].get_ydata()
    np.testing.assert_allclose(ordered, np.sort(made.residuals))
    assert "zeros" in figure.alt_text
    with pytest.raises(DataError, match="no column 'amr'"):
        check(counts, x="amr", n=20)


def test_a_rootogram_hangs_what_was_seen_from_what_is_expected(counts):
    made = rootogram_data(counts, n=300, seed=1)
    y = counts.design.y
    seen = np.bincount(y.astype(int))
    np.testing.assert_array_equal(made.table["seen"][: len(seen)], seen)
    assert made.table["expected"].sum() == pytest.approx(len(y))
    ax = rootogram(counts, n=300, seed=1)
    bars = ax.patches[: len(made.table)]
    tops = [bar.get_y() + bar.get_height() for bar in bars]
    np.testing.assert_allclose(tops, np.sqrt(made.table["expected"]))
    np.testing.assert_allclose([bar.get_height() for bar in bars], np.sqrt(made.table["seen"]))
    assert all(0.5 < bar.get_width() < 1 for bar in bars), "bars one apart do not touch"


def test_many_counts_are_drawn_in_bins():
    data = pd.read_csv(OWN / "epilepsy.csv")
    fit = mk.glmer("seizures ~ treatment + log(base) + (1|subject)", data, family="poisson")
    table = rootogram_data(fit, n=40, seed=1).table
    assert list(table.index) == ["0", "1–2", "3–5", "6–10", "11–20", "21–50", "51–100", "> 100"]
    assert list(table["seen"]) == [23, 36, 79, 46, 31, 16, 4, 1]


def test_what_is_no_count_has_no_rootogram():
    fit = mk.lmer("Reaction ~ Days + (1|Subject)", mk.load_data("sleepstudy"))
    with pytest.raises(DataError, match="drawn of counts"):
        rootogram(fit)
