"""What diagnostic plots are drawn from."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from mlmkit.inference.diagnostics import normal_quantiles


def test_rows_add_up(fit):
    table = fit("sleepstudy").diagnostics()
    assert_allclose(table["fitted"] + table["resid"], fit("sleepstudy").design.y)
    assert_allclose(table["scaled"] * fit("sleepstudy").sigma, table["resid"])
    assert table["scaled"].corr(table["normal_quantile"]) > 0.9


def test_normal_quantiles_of_ranks():
    assert_allclose(normal_quantiles(np.array([3.0, -1.0, 7.0])), norm.ppf([0.5, 1 / 6, 5 / 6]))


def test_group_effects_are_scaled_by_their_own_spread(fit):
    """Balanced: the modes' mean square is their expected one, up to the error of b."""
    table = fit("dyestuff").group_diagnostics()
    assert list(table["level"]) == list("ABCDEF")
    tau2, sigma2 = fit("dyestuff").covariances[0][0, 0], fit("dyestuff").sigma ** 2
    own = tau2 * (5 * tau2 / (5 * tau2 + sigma2))
    assert_allclose(table["effect"] / table["scaled"], np.sqrt(own), rtol=1e-8)
    assert table["scaled"].pow(2).sum() == pytest.approx(5, rel=1e-6)


def test_every_coefficient_has_its_groups(fit):
    table = fit("sleepstudy").group_diagnostics()
    assert table.groupby("term").size().to_dict() == {"Intercept": 18, "Days": 18}
