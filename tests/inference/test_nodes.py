"""The table of nodes: a log likelihood that stands still once there are enough."""

from __future__ import annotations

import pytest

import mlmkit as mk
from mlmkit.errors import DataError


def test_nodes_are_enough_when_the_log_likelihood_stands_still():
    fit = mk.glmer("cbind(m, n - m) ~ 1 + (1|batch)", mk.load_data("rats"), n_agq=25)
    table = fit.nodes([25, 1, 5, 11, 50])
    assert list(table.index) == [1, 5, 11, 25, 50] and table.index.name == "n_agq"
    assert table["loglik"][25] == pytest.approx(fit.loglik, abs=1e-10)
    assert table["error"].abs().is_monotonic_decreasing and abs(table["error"][11]) < 1e-3 < abs(
        table["error"][1]
    )
    assert "more change nothing" in repr(table)


def test_nodes_of_two_coefficients_with_a_dispersion():
    data = mk.load_data("epilepsy").assign(late=lambda d: (d["period"] == 4).astype(int))
    fit = mk.glmer("seizures ~ late + (late||subject)", data, "nbinom", n_agq=11)
    table = fit.nodes([1, 11, 15, 31])
    assert table["loglik"][11] == pytest.approx(fit.loglik, abs=1e-8)
    assert table["error"].abs()[[11, 15]].max() < 0.02 < abs(table["error"][1])


def test_what_has_no_nodes_is_refused():
    sleep = mk.lmer("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"))
    with pytest.raises(DataError, match="is exact"):
        sleep.nodes()
    ticks = mk.glmer("ticks ~ 1 + (1|brood) + (1|location)", mk.load_data("grouseticks"), "poisson")
    with pytest.raises(DataError, match="one grouping factor"):
        ticks.nodes()
    with pytest.raises(DataError, match="whole number from 1 to 100"):
        mk.glmer("ticks ~ 1 + (1|brood)", mk.load_data("grouseticks"), "poisson").nodes([0])
