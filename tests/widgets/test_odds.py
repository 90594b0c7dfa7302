"""Odds ratios of one patient and of all: numbers of the toenail trial, and of brute-force integration."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import integrate, stats

from mlmkit.widgets import odds
from mlmkit.widgets.odds import MONTHS, PATIENTS, compute, describe, draw, panels

from .artists import painted, segments


def test_the_toenail_trials_two_answers():
    """Exact: 0.165 for a patient and 0.413 for the patients, at month 12."""
    it = compute(tau=4.00658, b0=-1.61829, slope=-0.391, effect=-0.16077 - 12 * 0.13679, month=12)
    assert it.conditional == pytest.approx(0.165, abs=5e-4)
    assert it.marginal == pytest.approx(0.413, abs=1e-3)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_the_mean_of_the_patients_is_the_integral(link):
    it = compute(tau=2.5, b0=0.4, slope=-0.2, link=link)
    chance = {"logit": lambda x: 1 / (1 + np.exp(-x)), "probit": stats.norm.cdf}[link]
    for k in (0, 20, 48):
        eta = 0.4 - 0.2 * MONTHS[k]
        exact = integrate.quad(lambda z, eta=eta: chance(eta + 2.5 * z) * stats.norm.pdf(z), -9, 9)[0]
        assert it.mean[k] == pytest.approx(exact, abs=1e-6)
        assert it.median[k] == pytest.approx(chance(eta))


def test_patients_alike_have_one_odds_ratio():
    it = compute(tau=0.0)
    assert it.conditional == pytest.approx(it.marginal) == pytest.approx(np.exp(-1.8))


def test_the_more_patients_differ_the_nearer_is_their_ratio_to_one():
    ratios = [compute(tau=tau).marginal for tau in (0, 1, 2, 4, 6)]
    assert np.all(np.diff(ratios) > 0) and ratios[-1] < 1


def test_chances_are_those_of_many_patients_at_the_month():
    it = compute(tau=4.0, b0=-1.6, slope=0.0, month=0.0)
    shares = stats.norm.cdf((np.log([0.2 / 0.8, 0.8 / 0.2]) + 1.6) / 4)
    assert np.mean((it.chances > 0.2) & (it.chances < 0.8)) == pytest.approx(np.diff(shares)[0], abs=2e-3)
    assert "both are right" in describe(it)


def test_the_curves_are_patients_on_both_sides_of_the_median():
    it = compute(tau=2.0)
    assert it.curves.shape == (PATIENTS, len(MONTHS))
    log_odds = np.log(it.curves / (1 - it.curves)) - np.log(it.median / (1 - it.median))
    np.testing.assert_allclose(log_odds, np.broadcast_to(log_odds[:, :1], log_odds.shape), atol=1e-8)
    np.testing.assert_allclose(log_odds[:, 0], -log_odds[::-1, 0], atol=1e-8)
    assert log_odds[:, 0].std() == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize(("b0", "effect"), [(3.0, 3.0), (-5.0, -3.0), (3.0, -3.0)])
def test_ratios_are_exact_where_chances_are_nearly_0_or_1(link, b0, effect):
    """1 − chance is not taken from a chance that is rounded to 1."""
    it = compute(tau=2.0, b0=b0, slope=0.5, effect=effect, month=12, link=link)
    here, law = b0 + 6.0, {"logit": stats.logistic, "probit": stats.norm}[link]

    def odds(eta):
        yes, no = (
            integrate.quad(
                lambda z, side=side: side(eta + 2 * z) * stats.norm.pdf(z), -12, 12, epsabs=0, limit=400
            )[0]
            for side in (law.cdf, law.sf)
        )
        return yes / no

    assert it.marginal == pytest.approx(odds(here + effect) / odds(here), rel=1e-4)
    log = [law.logcdf(eta) - law.logsf(eta) for eta in (here + effect, here)]
    assert it.conditional == pytest.approx(np.exp(log[0] - log[1]), rel=1e-9)


def test_under_probit_nothing_is_said_of_log_odds():
    words = describe(compute(link="probit"))
    assert "probit scale" in words and "log odds" not in words and "the median patient's odds" in words
    assert "log odds" in describe(compute()) and "a patient's odds" in describe(compute())


def test_patients_alike_are_said_to_be():
    assert "are the same" in describe(compute(tau=0.0)) and "different questions" not in describe(
        compute(tau=0.0)
    )


@pytest.mark.parametrize(
    ("b0", "slope", "effect", "said"), [(3, 0.5, 3, "more than 10000"), (-5, -1, -3, "less than 0.0001")]
)
def test_ratios_out_of_sight_are_said_and_drawn_as_that(b0, slope, effect, said):
    it, axes = (
        compute(tau=0.0, b0=b0, slope=slope, effect=effect, month=12, link="probit"),
        panels(plt.Figure()),
    )
    assert f"odds by {said}, and the odds of the patients by {said}" in describe(it)
    draw(axes, it)
    low, high = axes[2].get_ylim()
    assert all(low < y < high for line in axes[2].lines for y in line.get_ydata()) and high / low < 1e7


# ---- the picture ---------------------------------------------------------------------------------------------


def test_the_histogram_is_of_shares_and_the_ratios_stand_beside_each_other():
    it = odds.compute(month=3.0)
    curves, chances, ratios = painted(odds, it)
    heights, edges, _ = chances.patches[0].get_data()
    np.testing.assert_allclose(edges, np.arange(21) / 20)
    np.testing.assert_allclose(
        heights, [np.mean((it.chances >= a) & (it.chances < a + 0.05)) for a in edges[:-1]]
    )
    assert heights.sum() == pytest.approx(1)
    stems = [line.get_xydata() for line in ratios.lines if len(line.get_xdata()) == 2][1:]
    np.testing.assert_allclose(stems, [[[0, 1], [0, it.conditional]], [[1, 1], [1, it.marginal]]])
    (month,) = (line for line in curves.lines if list(line.get_ydata()) == [0, 1])
    assert list(month.get_xdata()) == [3, 3] and chances.get_title("right") == "month 3"
    assert len(segments(curves)) == odds.PATIENTS
    assert ratios.get_ylim() == pytest.approx((0.01, 10))
    middle = np.mean((it.chances > 0.2) & (it.chances < 0.8))
    assert f"{middle:.0%} of patients have a chance between .2 and .8" in odds.describe(it)


@pytest.mark.parametrize(("effect", "side"), [(-1.0, -1), (1.0, 1)])
def test_a_ratio_is_written_beyond_its_dot(effect, side):
    ratios = painted(odds, odds.compute(effect=effect))[2]
    for text in ratios.texts:
        assert text.xyann == (0, 7 * side) and text.get_va() == ("bottom" if side > 0 else "top")


def test_the_scale_of_ratios_opens_for_large_ones():
    low, high = painted(odds, odds.compute(effect=3.0, tau=0.0))[2].get_ylim()
    assert high == pytest.approx(1.5 * np.exp(3)) and low == pytest.approx(0.01)
    low, high = painted(odds, odds.compute(effect=-6.0, tau=0.0))[2].get_ylim()
    assert low == pytest.approx(1e-3) and high == 10, "a whole power of ten below 0.7 exp(−6)"
