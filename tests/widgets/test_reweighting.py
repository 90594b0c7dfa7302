"""Densities of weighted draws: reflected at the bounds, so that nothing is lost there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mlmkit.widgets.reweighting import POINTS, smooth


@pytest.mark.parametrize(
    ("low", "high", "bounds", "law"),
    [
        (0.0, 8.0, (0.0,), stats.halfnorm(scale=1.5)),
        (-1.0, 1.0, (-1.0, 1.0), stats.uniform(-1, 2)),
        (-6.0, 6.0, (), stats.norm()),
        (-3.0, 9.0, (), stats.norm(4.0, 1.0)),
    ],
)
def test_the_density_of_draws_is_that_of_their_distribution_up_to_the_bounds(low, high, bounds, law):
    scale: Any = SimpleNamespace(x=np.linspace(low, high, POINTS), bounds=bounds)
    draws = law.ppf((np.arange(20_000) + 0.5) / 20_000)
    found = smooth(draws, np.full(20_000, 1 / 20_000), scale, float(draws.std()), 20_000)
    assert np.trapezoid(found, scale.x) == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(found[2:-2], law.pdf(scale.x)[2:-2], atol=0.04 * found.max())
    assert found[0] == pytest.approx(law.pdf(low), abs=0.04 * found.max()), "nothing is lost at a bound"
