"""Odds ratios of one patient and of all: numbers of the toenail trial, and of brute-force integration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from mlmkit.widgets.odds import MONTHS, PATIENTS, compute, describe


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
