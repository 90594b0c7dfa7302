"""A future batch: the course's numbers, and Jensen's inequality."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from mlmkit.datasets import load_data
from mlmkit.models import glmer
from mlmkit.widgets import future
from mlmkit.widgets.future import compute, describe, draw, panels, presets

from .artists import has, painted, points, segments, texts


def test_the_rats_next_batch():
    fit = glmer("cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats"))
    it = compute(fit.fixef.iloc[0], fit.varcorr.sdcor[0])
    assert it.median == pytest.approx(0.126, abs=5e-4)
    assert it.mean == pytest.approx(0.1434, abs=5e-5)
    assert it.interval == pytest.approx((0.038, 0.347), abs=5e-4)
    assert presets()["rats"].values == {"b": -1.94, "tau": 0.66}


@pytest.mark.parametrize(("b", "tau"), [(-1.94, 0.66), (-4.0, 1.0), (1.0, 3.0), (0.0, 0.02)])
def test_the_mean_is_the_integral(b, tau):
    exact, _ = quad(lambda x: expit(x) * norm.pdf(x, b, tau), b - 12 * tau, b + 12 * tau, epsabs=1e-12)
    assert compute(b, tau).mean == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize(("b", "tau"), [(-1.94, 0.66), (0.5, 1.5)])
def test_the_density_is_one(b, tau):
    assert quad(compute(b, tau).density, 0, 1)[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("tau", [0.3, 1.0, 2.5])
def test_the_mean_is_on_the_side_of_a_half(tau):
    below, middle, above = (compute(b, tau) for b in (-2.0, 0.0, 2.0))
    assert below.median < below.mean < 0.5
    assert middle.mean == pytest.approx(0.5)
    assert 0.5 < above.mean < above.median


def test_a_narrow_distribution_has_no_gap():
    it = compute(-1.0, 0.02)
    assert it.mean == pytest.approx(it.median, abs=1e-4)
    assert "agree" in describe(it)


def test_the_interval_holds_95_percent():
    it = compute(-1.0, 0.8)
    draws = expit(np.random.default_rng(3).normal(-1.0, 0.8, 50_000))
    assert np.mean((draws > it.interval[0]) & (draws < it.interval[1])) == pytest.approx(0.95, abs=0.005)


def test_it_is_said_why_median_and_mean_agree():
    """At 0 they agree however much batches differ: that is symmetry, the curve is far from straight there."""
    assert "bent alike on both sides of 0" in describe(compute(0.0, 2.5))
    assert "straight" not in describe(compute(0.0, 2.5))
    assert "as good as straight" in describe(compute(-1.0, 0.02))


@pytest.mark.parametrize(("b", "tau"), [(-1.0, 0.02), (3.0, 0.02), (0.0, 0.05)])
def test_a_narrow_distribution_is_drawn_with_its_peak(b, tau):
    it, axes = compute(b, tau), panels(plt.Figure())
    draw(axes, it)
    drawn = [values for ax in axes for line in ax.lines for values in line.get_data()]
    drawn += [
        path.vertices[:, k] for ax in axes for c in ax.collections for path in c.get_paths() for k in (0, 1)
    ]
    highest = max(np.max(np.asarray(values, dtype=float)) for values in drawn if len(values))
    assert highest >= 0.99 * it.density(float(expit(b)))


# ---- the picture ---------------------------------------------------------------------------------------------


def test_log_odds_go_up_to_the_curve_and_over_to_their_probabilities():
    it = future.compute(-1.0, 0.8)
    curve, beside, below, words = painted(future, it)
    x = -1 + 0.8 * stats.norm.ppf((np.arange(25) + 0.5) / 25)
    lines = segments(curve)
    for k in (0, 12, 24):
        assert has(lines, [[x[k], 0], [x[k], expit(x[k])]]) and has(
            lines, [[x[k], expit(x[k])], [5, expit(x[k])]]
        )
    assert has(lines, [[-1, expit(-1)], [5, expit(-1)]]) and has(lines, [[-1, 0], [-1, expit(-1)]])
    assert has(lines, [[-7, it.mean], [5, it.mean]])
    np.testing.assert_allclose(points(curve, "o"), np.column_stack([x, expit(x)]))
    eta, density = below.lines[0].get_data()
    np.testing.assert_allclose(density, stats.norm.pdf(eta, -1, 0.8))
    assert (eta[0], eta[-1]) == (-7, 5) and below.get_xlim() == (-7, 5)
    assert density.max() < below.get_ylim()[1] <= 2 * density.max()
    density, p = beside.lines[0].get_data()
    np.testing.assert_allclose(density, it.density(p))
    assert beside.get_ylim() == (0, 1) and density.max() < beside.get_xlim()[1] <= 2 * density.max()
    inner = below.collections[1].get_paths()[0].vertices[:, 0]
    assert (inner.min(), inner.max()) == pytest.approx((-1 - 1.96 * 0.8, -1 + 1.96 * 0.8), abs=0.06)
    inner = beside.collections[1].get_paths()[0].vertices[:, 1]
    assert (inner.min(), inner.max()) == pytest.approx(it.interval, abs=0.01)
    low, high = it.interval
    assert list(texts(words)) == [
        f"mean {it.mean:.3f}",
        f"median {it.median:.3f}",
        f"95%: {low:.3f} to {high:.3f}",
    ]


def test_the_words_of_a_future_batch():
    words = future.describe(future.compute(-1.0, 0.8))
    assert words.startswith(
        "Log odds −1.00, 95% from −2.57 to 0.568. As a probability: median 0.269, 95% from 0.071 to 0.638."
    )
    assert "is above the median" in words and "is below the median" in future.describe(
        future.compute(1.0, 0.8)
    )
