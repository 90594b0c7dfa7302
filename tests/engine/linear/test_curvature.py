"""The average information against its definition with dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from mlmkit.engine.linear.criterion import lmm_criterion
from tests.engine.toy import block, design


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("theta", [0.2, 0.7, 2.5])
def test_the_curvature_of_one_sd_is_the_average_information(reml, theta):
    """f = log|V| + df log r² with r² = yᵀPy: 2 ∂f/∂Ω, and the mean of observed and expected information."""
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(7), [2, 3, 4, 5, 3, 2, 6])
    z, X = rng.normal(2.0, 1.0, 25), np.column_stack([np.ones(25), rng.normal(size=25)])
    y = X @ [1.0, 2.0] + z * rng.normal(size=7)[codes] + rng.normal(size=25)
    it = lmm_criterion(design(y, X, [block("g", codes, z)]), reml)
    place = it.to_standard(np.array([theta]))
    _, (slope,), curve = it.standard(place)
    found = curve()

    unit = z * theta / place[0]  # the regressor that goes with the standard SD
    Z = (np.eye(7)[codes] * unit[:, None]) @ np.eye(7)
    V = np.eye(25) + place[0] ** 2 * Z @ Z.T
    inverse = np.linalg.inv(V)
    P = inverse - inverse @ X @ np.linalg.solve(X.T @ inverse @ X, X.T @ inverse)
    dV, Py, df = 2 * place[0] * Z @ Z.T, P @ y, 25 - 2 * reml
    r2 = y @ Py
    information = df / r2 * (Py @ dV @ P @ dV @ Py) - df / r2**2 * (Py @ dV @ Py) ** 2
    assert found.shape == (1, 1) and found[0, 0] == pytest.approx(slope / place[0] + information, rel=1e-7)
