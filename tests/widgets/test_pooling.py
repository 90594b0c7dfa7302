"""From complete pooling to none: both ends, the fit between them, and the criterion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from mlmkit.datasets import load_data
from mlmkit.models import glmer, lmer
from mlmkit.widgets import pooling
from mlmkit.widgets.pooling import FITTED, MULTIPLES, _tau_label, compute, describe, explore_pooling

from .artists import painted, segments

DATA = ("rats", "alcohol", "sleepstudy")


@pytest.mark.parametrize("data", DATA)
def test_at_zero_all_groups_are_alike(data):
    it = compute(data, 0.0)
    np.testing.assert_allclose(it.estimates - it.estimates[0], 0, atol=1e-9)
    np.testing.assert_allclose(it.estimates[0], it.centre)
    assert it.pooled_away == pytest.approx(1)


@pytest.mark.parametrize("data", DATA)
def test_at_infinity_each_keeps_its_own(data):
    it = compute(data, np.inf)
    np.testing.assert_array_equal(it.estimates, it.flat)
    assert it.pooled_away == 0
    assert "no pooling" in describe(it) and "no population" in describe(it)


@pytest.mark.parametrize("data", DATA)
def test_there_is_no_population_at_infinity(data):
    """Its mean would jump: as τ grows, the population of log odds goes on falling."""
    explorer = explore_pooling(data=data, multiple=np.inf)
    assert np.isnan(explorer.result.centre).all()
    assert "population" not in explorer.axes[0].get_legend_handles_labels()[1]
    explorer.use("partial pooling")
    assert "population" in explorer.axes[0].get_legend_handles_labels()[1]


@pytest.mark.parametrize("data", DATA)
def test_the_more_groups_may_differ_the_less_is_pooled_away(data):
    away = [compute(data, multiple).pooled_away for multiple in MULTIPLES]
    assert np.all(np.diff(away) < 0) and (away[0], away[-1]) == (pytest.approx(1), 0)


@pytest.mark.parametrize("data", DATA)
def test_large_multiples_come_near_to_infinity(data):
    far, near = (compute(data, multiple) for multiple in (MULTIPLES[-2], 1.0))
    assert np.abs(far.estimates - far.flat).max() < 0.2 * np.abs(near.estimates - near.flat).max()


def test_the_fitted_tau_gives_the_fit_of_sleepstudy():
    fit = lmer("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))
    it = compute("sleepstudy", FITTED)
    np.testing.assert_allclose(it.estimates, fit.coef["Subject"], rtol=1e-6)
    np.testing.assert_allclose(it.tau, fit.varcorr.sdcor[:2], rtol=1e-6)


def test_the_fitted_tau_gives_the_fit_of_rats():
    rats = load_data("rats")
    fit = glmer("cbind(m, n - m) ~ 1 + (1|batch)", rats)
    it = compute("rats", FITTED)
    np.testing.assert_allclose(it.estimates[:, 0], expit(fit.coef["batch"]["Intercept"]), rtol=1e-4)
    assert it.tau[0] == pytest.approx(0.6646, abs=1e-4)
    assert it.centre[0] == pytest.approx(expit(-1.9369), abs=1e-4)


def test_complete_pooling_of_rats_is_all_tumours_over_all_rats():
    rats = load_data("rats")
    assert compute("rats", 0.0).centre[0] == pytest.approx(rats.m.sum() / rats.n.sum())


@pytest.mark.parametrize("data", DATA)
def test_the_criterion_is_lowest_where_it_was_fitted(data):
    rise = compute(data).rise
    assert MULTIPLES[int(np.argmin(rise))] == FITTED
    assert np.all(np.diff(rise[: MULTIPLES.index(FITTED)]) < 0)
    assert np.all(np.diff(rise[MULTIPLES.index(FITTED) : -1]) > 0)


def test_the_criterion_of_rats_without_groups_is_the_flat_deviance():
    from mlmkit.models import glm

    rats = load_data("rats")
    flat, fit = glm("cbind(m, n - m) ~ 1", rats), glmer("cbind(m, n - m) ~ 1 + (1|batch)", rats)
    assert compute("rats").rise[0] == pytest.approx(-2 * flat.loglik - fit.criterion, abs=1e-4)


def test_the_estimates_keep_to_the_order_of_the_groups():
    by_country = load_data("alcohol").groupby("country").alcohol.mean()
    np.testing.assert_allclose(compute("alcohol").flat[:, 0], by_country)


def test_another_data_set_brings_its_own_tau():
    explorer = explore_pooling(data="alcohol")
    assert dict(explorer.controls["multiple"].options)["4.71 (fitted)"] == FITTED
    explorer.controls["data"].value = "sleepstudy"
    assert explorer.values["multiple"] == FITTED and explorer.result.estimates.shape == (18, 2)


def test_the_spread_that_is_pooled_away_is_what_the_weights_leave():
    """A group keeps λ = τ²/(τ² + σ²/n) of its distance from the population; the rest of the spread is gone."""
    data = load_data("alcohol")
    fit, n = lmer("alcohol ~ 1 + (1|country)", data), data.groupby("country").size().to_numpy()
    it = compute("alcohol", FITTED)
    weights = it.tau[0] ** 2 / (it.tau[0] ** 2 + fit.sigma**2 / n)
    own = it.flat[:, 0] - it.centre[0]
    expected = 1 - np.linalg.norm(weights * own) / np.linalg.norm(own)
    assert it.pooled_away == pytest.approx(expected, rel=1e-5)


def test_the_sd_is_named_with_its_unit():
    labels = {data: _tau_label(compute(data)) for data in ("rats", "sleepstudy")}
    assert labels["rats"] == "τ, the SD between groups, log odds"
    assert labels["sleepstudy"] == "τ₀, ms (and τ₁ in proportion)"


# ---- the picture ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("multiple", [0.0, pooling.FITTED, pooling.MULTIPLES[-2], np.inf])
def test_groups_stand_in_a_row_by_their_flat_estimates(multiple):
    it = pooling.compute("alcohol", multiple)
    row, curve = painted(pooling, it)
    order = np.argsort(it.flat[:, 0], kind="stable")
    ways = segments(row)
    np.testing.assert_allclose(ways[:, 0], np.column_stack([np.arange(1, 190), it.flat[order, 0]]))
    np.testing.assert_allclose(ways[:, 1, 1], it.estimates[order, 0])
    low, high = it.flat.min(), it.flat.max()
    assert row.get_ylim() == pytest.approx((low - 0.05 * (high - low), high + 0.05 * (high - low)))
    assert row.get_xlim() == (-1, 191)
    labels = [line.get_label() for line in row.lines]
    assert ("population" in labels) is bool(np.isfinite(multiple))
    sizes = {line.get_label(): line.get_markersize() for line in row.lines}
    assert (sizes["flat"], sizes["at this τ"]) == (3, 2.6), "189 are many"
    small = {
        line.get_label(): line.get_markersize() for line in painted(pooling, pooling.compute("rats"))[0].lines
    }
    assert (small["flat"], small["at this τ"]) == (5, 4.5), "71 are not"
    highest = 1.15 * it.rise[0]
    (here,) = (line for line in curve.lines if line.get_markersize() == 10)
    ((x, y),) = here.get_xydata()
    x = int(x)
    assert x == pooling.MULTIPLES.index(multiple) and y == min(it.rise[x], highest)
    assert here.get_marker() == ("^" if it.rise[x] > highest else "D")
    assert curve.get_ylim() == pytest.approx((-0.04 * highest, highest)) and curve.get_xlim() == (-1, 35)
    assert list(curve.get_xticks()) == [0, 7, 17, 27, 34]
    assert curve.get_xticklabels()[0].get_text() == "0" and curve.get_xticklabels()[-1].get_text() == "∞"


def test_people_stand_in_their_plane():
    it = pooling.compute("sleepstudy")
    field = painted(pooling, it)[0]
    np.testing.assert_allclose(segments(field), np.stack([it.flat, it.estimates], axis=1))
    low, high = it.flat.min(axis=0), it.flat.max(axis=0)
    for limits, a, b in zip((field.get_xlim(), field.get_ylim()), low, high, strict=True):
        assert limits == pytest.approx((a - 0.08 * (b - a), b + 0.08 * (b - a)))


def test_words_on_either_side_of_the_fit():
    below, above = (pooling.describe(pooling.compute("rats", pooling.MULTIPLES[k])) for k in (12, 22))
    assert "more than the data support" in below and "less than the data support" in above
    assert "where the criterion is lowest" in pooling.describe(pooling.compute("rats"))
