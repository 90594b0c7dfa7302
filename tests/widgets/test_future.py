"""A future batch: the course's numbers, and Jensen's inequality."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from mlmkit.datasets import load_data
from mlmkit.models import glmer
from mlmkit.widgets.future import compute, describe, draw, panels, presets


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
