"""What a look at another place sees: the joint modes and Laplace's criterion there, by a search that knows no Newton."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from mlmkit.design import build_design
from mlmkit.engine.generalized.criterion import glmm_criterion
from mlmkit.engine.generalized.irls import iterate
from mlmkit.engine.generalized.summits import View, height, is_far, units
from mlmkit.families import get_family
from mlmkit.formula import parse_formula


def criterion(formula: str, family: str, data: pd.DataFrame, n: int = 1):
    design = build_design(parse_formula(formula, get_family(family)), data)
    return glmm_criterion(design, iterate(design), n)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    d = pd.DataFrame({"g": np.repeat(np.arange(8), 6), "x": rng.normal(size=48)})
    eta = 0.4 + 0.5 * d["x"] + rng.normal(size=8)[d["g"]]
    return d.assign(y=(rng.random(48) < 1 / (1 + np.exp(-eta))).astype(int), count=rng.poisson(np.exp(eta)))


@pytest.mark.parametrize(("family", "y"), [("binomial", "y"), ("poisson", "count")])
@pytest.mark.parametrize("sd", [0.3, 1.0, 4.0])
def test_a_look_finds_the_joint_modes(data, family, y, sd):
    """−2 log p(y | u, b) + |u|², lowest in u and b together, and log|H| at that place."""
    it = criterion(f"{y} ~ x + (1|g)", family, data)
    codes, X = data["g"].to_numpy(), np.column_stack([np.ones(48), data["x"]])
    value = data[y].to_numpy(float)

    def penalised(free):
        u, b = free[:8], free[8:]
        eta = X @ b + sd * u[codes]
        log_p = value * eta - (np.logaddexp(0, eta) if family == "binomial" else np.exp(eta))
        return -2 * log_p.sum() + u @ u

    found = minimize(penalised, np.zeros(10), method="BFGS", options={"gtol": 1e-6})
    u, b = found.x[:8], found.x[8:]
    eta = X @ b + sd * u[codes]
    mu = 1 / (1 + np.exp(-eta)) if family == "binomial" else np.exp(eta)
    weight = mu * (1 - mu) if family == "binomial" else mu
    log_h = np.log1p(sd**2 * np.bincount(codes, weight)).sum()
    (factor,) = it.standard_factors(np.array([sd]))
    seen, place = View(it, np.zeros(3))([factor])
    np.testing.assert_allclose(np.ravel(place.effects), factor[0, 0] * u, atol=0.02 * factor[0, 0])
    assert seen == pytest.approx(found.fun + log_h, abs=0.03)


def test_a_look_begun_far_away_sees_the_same(data):
    it = criterion("y ~ x + (1|g)", "binomial", data)
    view, fresh = View(it, np.zeros(3)), View(it, np.zeros(3))
    view([np.array([[9.0]])])
    after, alone = view([np.array([[1.0]])])[0], fresh([np.array([[1.0]])])[0]
    assert after == pytest.approx(alone, abs=5e-3)


def test_a_summits_height_is_that_of_a_fine_quadrature(data):
    """One effect for each group: integrating them one at a time is exact."""
    it = criterion("y ~ x + (1|g)", "binomial", data)
    fine = criterion("y ~ x + (1|g)", "binomial", data, 40)
    modes = it.part.nothing()
    for sd in (0.5, 2.0, 5.0):
        x = np.array([sd, 0.3, 0.2])
        assert height(it, x, modes) == pytest.approx(fine.state_at(x, fine.part.nothing()).value, abs=0.01)
        assert abs(it.state_at(x, modes).value - height(it, x, modes)) > 0.03  # Laplace's is off by more


@pytest.mark.parametrize("seed", range(4))
def test_units_are_sizes_however_far_a_predictor_is_from_zero(seed):
    """Such columns are made orthogonal in another way, which may turn them round."""
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"g": np.arange(60) % 4, "x": 1e6 + rng.normal(size=60), "y": rng.poisson(2, size=60)})
    it = criterion("y ~ 1 + (x|g)", "poisson", d)
    assert np.all(units(it) > 0)
    near = criterion("y ~ 1 + (x|g)", "poisson", d.assign(x=d["x"] - 1e6))
    slope = [one[1] * np.sqrt(np.mean(x**2)) for one, x in ((units(it), d["x"]), (units(near), d["x"] - 1e6))]
    assert slope[0] == pytest.approx(slope[1], rel=0.2)  # of an SD that moves η by as much, in either origin
    for k in (0, 1):
        far = np.zeros((2, 2))
        far[k, 0] = 10.0 * units(it)[k]
        assert is_far(it, [far]) and not is_far(it, [0.5 * far])
