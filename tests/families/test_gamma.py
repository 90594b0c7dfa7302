"""Moments of a Gamma response against its density."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

from mlmkit.families import DISTRIBUTIONS

GAMMA = DISTRIBUTIONS["gamma"]


@pytest.mark.parametrize("phi", [0.05, 0.4, 1.5])
def test_the_variance_of_the_log_is_the_integral(phi):
    """It depends on the shape alone, not on the mean."""
    density = gamma(1 / phi, scale=2.0 * phi).pdf
    first, second = (
        quad(lambda t, k=k: t**k * density(np.exp(t)) * np.exp(t), -60, 6, limit=200)[0] for k in (1, 2)
    )
    np.testing.assert_allclose(GAMMA.log_variance(np.array([2.0, 7.0]), phi), second - first**2, rtol=1e-6)
