"""Losses: the closed form is REML, and who wins is what theory says."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mlmkit.errors import FitWarning
from mlmkit.models import lmer
from mlmkit.widgets import loss
from mlmkit.widgets.loss import NAMES, STUDIES, compute, describe, draw, panels, reml_weight

from .artists import has, painted, segments, texts


@pytest.mark.parametrize(("seed", "tau"), [(1, 2.0), (2, 0.7), (3, 0.0)])
def test_the_closed_form_is_the_fit(seed, tau):
    rng = np.random.default_rng(seed)
    J, n = 9, 6
    y = tau * rng.standard_normal(J)[:, None] + rng.standard_normal((J, n))
    within = y.var(axis=1, ddof=1).mean()
    lam = reml_weight(y.mean(axis=1)[None, :], np.array([within]), n)[0]
    rows = pd.DataFrame({"y": y.ravel(), "g": np.repeat(np.arange(J), n)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fit = lmer("y ~ 1 + (1|g)", rows)
    estimates = y.mean() + lam * (y.mean(axis=1) - y.mean())
    np.testing.assert_allclose(estimates, fit.coef["g"]["Intercept"], atol=1e-4)


def test_flat_errors_are_what_they_must_be():
    it = compute(J=30, n=4, tau=1.0, sigma=2.0)
    assert np.sqrt(np.mean(it.errors[0] ** 2)) == pytest.approx(2 / np.sqrt(4), rel=0.02)
    assert np.sqrt(np.mean(it.errors[2] ** 2)) == pytest.approx(1.0, rel=0.05)  # τ


def test_partial_pooling_wins_where_groups_are_many_and_small():
    it = compute(J=30, n=3, tau=1.0, sigma=2.0)
    assert np.mean(it.errors[1] < it.errors[0]) > 0.9
    assert np.mean(it.errors[1] < it.errors[2]) > 0.6


def test_it_loses_for_a_group_that_is_set_apart():
    it = compute(J=12, n=5, tau=0.5, sigma=2.0, apart=5.0)
    np.testing.assert_array_equal(it.truth[:, -1], 5.0)
    assert np.mean(it.errors_apart[1] > it.errors_apart[0]) > 0.6
    assert "set apart" in describe(it)


def test_setting_one_apart_leaves_the_draws_of_the_others():
    it, apart = compute(J=6), compute(J=6, apart=4.0)
    np.testing.assert_array_equal(it.truth[:, :-1], apart.truth[:, :-1])
    np.testing.assert_array_equal(compute(J=6).truth, it.truth)  # nor is anything left behind


def test_without_differences_pooling_is_best():
    it = compute(tau=0.0)
    assert np.mean(it.errors[1] <= it.errors[0] + 1e-12) == 1


def test_shapes():
    it = compute(J=8)
    assert (
        it.truth.shape == (STUDIES, 8)
        and it.estimates.shape == (3, STUDIES, 8)
        and it.errors.shape == (3, STUDIES)
    )


@pytest.mark.parametrize("apart", [0.0, 4.0])
def test_each_way_has_its_column_with_its_dots_its_name_and_a_bar_at_their_root_mean_square(apart):
    it, figure = compute(J=8, apart=apart), plt.Figure()
    axes = panels(figure)
    draw(axes, it)
    clouds = [line.get_xydata() for line in axes[1].lines if len(line.get_xdata()) == STUDIES]
    bars = [bar.get_segments()[0] for bar in axes[1].collections]
    names = {
        tick: label.get_text()
        for tick, label in zip(axes[1].get_xticks(), axes[1].get_xticklabels(), strict=True)
    }
    shown = [*it.errors, *it.errors_apart][: 3 if apart == 0 else 6]
    assert [names[round(bar[:, 0].mean())] for bar in bars] == [NAMES[k % 3] for k in range(len(shown))]
    for errors, dots, bar in zip(shown, clouds, bars, strict=True):
        np.testing.assert_array_equal(dots[:, 1], errors)
        assert dots[:, 0].mean() == pytest.approx(bar[:, 0].mean())
        np.testing.assert_allclose(bar[:, 1], np.sqrt(np.mean(errors**2)))
        left, right = axes[1].get_xlim()
        assert left < dots[:, 0].min() and dots[:, 0].max() < right


# ---- the picture ---------------------------------------------------------------------------------------------


def test_the_first_study_is_drawn_group_by_group():
    it = loss.compute(J=5, n=4, tau=1.0, sigma=2.0, apart=6.0)
    study, errors = painted(loss, it)
    flat, multilevel, pooled = it.estimates[:, 0]
    for j in range(5):
        assert has(segments(study), [[j + 0.62, it.truth[0, j]], [j + 1.38, it.truth[0, j]]])
        assert has(segments(study), [[j + 1, flat[j]], [j + 1, multilevel[j]]])
    assert study.lines[0].get_ydata()[0] == pooled[0]
    assert study.get_xlim() == (0.2, 5.8) and study.get_ylim() == (-8, 8), "beyond the group set apart"
    assert painted(loss, loss.compute(J=5, n=4, tau=2.0, sigma=4.0))[0].get_ylim() == (-10, 10), (
        "3 √(4 + 4) = 8.5"
    )
    assert errors.get_xlim() == (-0.6, 6.6) and painted(loss, loss.compute())[1].get_xlim() == (-0.6, 2.6)
    top = max(np.quantile(part, 0.995) for part in (it.errors, it.errors_apart))
    assert 1.1 * top <= errors.get_ylim()[1] < 1.7 * top


def test_errors_are_told_over_the_bars_and_in_words():
    it = loss.compute(J=5, n=4, apart=6.0)
    errors = painted(loss, it)[1]
    rms = np.sqrt(np.mean(np.concatenate([it.errors, it.errors_apart]) ** 2, axis=1))
    bars = segments(errors)
    np.testing.assert_allclose(bars[:, :, 1], np.column_stack([rms, rms]))
    np.testing.assert_allclose(bars[:, :, 0], np.array([0, 1, 2, 4, 5, 6])[:, None] + [-0.4, 0.4])
    told = [text for text in errors.texts if text.get_text()[0].isdigit()]
    assert [text.xy for text in told] == [
        (x, pytest.approx(y)) for x, y in zip((0, 1, 2, 4, 5, 6), rms, strict=True)
    ]
    above = texts(errors)
    assert above["all groups"] == (1, errors.get_ylim()[1]) and above["the group apart"] == (
        5,
        errors.get_ylim()[1],
    )
    wins = np.mean(it.errors[1] < it.errors[0])
    lost = np.mean(it.errors_apart[1] > it.errors_apart[0])
    words = loss.describe(it)
    assert f"beats flat in {wins:.0%}" in words and f"loses in {lost:.0%}" in words


def test_estimates_are_drawn_to_their_studys_mean_by_one_share():
    it = compute(J=8, n=4, tau=2.0, sigma=1.0, apart=9.0)
    flat, multilevel, pooled = it.estimates
    np.testing.assert_allclose(pooled, np.repeat(flat.mean(axis=1), 8).reshape(flat.shape))
    shares = (multilevel - pooled) / (flat - pooled)
    assert np.ptp(shares, axis=1).max() < 1e-9 and shares.min() > 0 and shares.max() < 1
    assert shares.mean() > 0.9, "groups that differ so much keep most of their own means"
