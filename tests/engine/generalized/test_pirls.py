"""The conditional modes: found to rounding in a few steps, or not looked for long where there are none to find."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import mlmkit as mk
from mlmkit.design import build_design
from mlmkit.engine.generalized import glmm
from mlmkit.engine.generalized.criterion import glmm_criterion
from mlmkit.engine.generalized.glmm import fit_glmm
from mlmkit.engine.generalized.irls import iterate
from mlmkit.engine.generalized.pirls import MAX_IDLE, find_modes
from mlmkit.engine.generalized.summits import units
from mlmkit.engine.search.hills import are_alike
from mlmkit.families import get_family
from mlmkit.formula import parse_formula


def design(formula, data, family):
    return build_design(parse_formula(formula, get_family(family)), data)


def criterion(formula, data, family):
    it = design(formula, data, family)
    return glmm_criterion(it, iterate(it))


def grouped(seed, J=8, per=5):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(J), per)
    x = rng.normal(size=J * per)
    return pd.DataFrame({"g": g, "x": x, "eta": 0.5 * x + rng.normal(size=J)[g]}), rng


def steps_taken(monkeypatch, part, *rest):
    """What `find_modes` gives or says, and how many steps it took."""
    taken, factorise = [], type(part).factorise
    monkeypatch.setattr(type(part), "factorise", lambda *a: taken.append(1) or factorise(*a))
    try:
        return find_modes(part, *rest), len(taken)
    except FloatingPointError as error:
        return str(error), len(taken)


def test_steps_that_do_not_lower_the_deviance_end_the_search(monkeypatch):
    # Where η is far out the log density of a 0/1 response is cut off: the score says 1, and nothing falls.
    data, rng = grouped(1)
    it = criterion("y ~ x + (1|g)", data.assign(y=rng.integers(0, 2, 40)), "binomial")
    response = it.response.given(np.where(it.response.y > 0, -900.0, 900.0), None)
    Z = it.part.scaled([np.eye(1)])
    answer, steps = steps_taken(monkeypatch, it.part, Z, response, it.part.nothing())
    assert "were not found" in answer and steps <= MAX_IDLE + 3


def test_a_plateau_that_is_not_wide_is_crossed():
    # η begins where exp(η) is cut off, so that the first steps lower nothing; the group effects lift it.
    data, rng = grouped(1)
    it = criterion("y ~ x + (1|g)", data.assign(y=rng.poisson(5, 40)), "poisson")
    response = it.response.given(np.full(40, -700.0), None)
    Z = it.part.scaled([np.array([[1000.0 / abs(it.part.terms[0].Z[0, 0])]])])
    modes = find_modes(it.part, Z, response, it.part.nothing())
    np.testing.assert_allclose(
        modes.eta, np.log(data.assign(y=it.response.y).groupby("g").y.mean())[data.g], atol=0.01
    )


@pytest.mark.parametrize("sd", [1.0, 3.0])
def test_steps_become_short_quickly_where_some_information_is_negative(sd, monkeypatch):
    # A normal response with a log link: −∂²ℓ/∂η² is negative where μ < y/2.
    data, rng = grouped(2)
    data["y"] = np.exp(data["eta"]) + rng.normal(0, 1.0, 40)
    it = criterion("y ~ x + (x|g)", data.assign(y=data["y"].clip(0.05)), "gaussian(log)")
    response = it.response.given(it.response.population, 0.5)
    Z = it.part.scaled([sd * np.eye(2)])
    modes, steps = steps_taken(monkeypatch, it.part, Z, response, it.part.nothing())
    observed = response.family.observed_information(response.y, modes.eta, modes.mu, response.weights)
    assert np.any(observed < -0.01 * modes.fisher) and steps < 20

    def penalised(u):
        eta = response.population + it.part.predictor(Z, [u.reshape(2, 8)])
        return -2.0 * response.kernel(eta) + u @ u

    found = minimize(penalised, modes.u[0].ravel(), method="BFGS", options={"gtol": 1e-7})
    np.testing.assert_allclose(modes.u[0].ravel(), found.x, atol=1e-5)


@pytest.mark.parametrize("dispersion", [1e-2, 1e-12, 1e-18])
def test_modes_are_found_to_rounding_however_small_the_noise(dispersion, monkeypatch):
    data, _ = grouped(3)
    it = criterion("y ~ x + (1|g)", data.assign(y=np.exp(data["eta"])), "gamma(log)")
    response = it.response.given(it.response.population, dispersion)
    modes, steps = steps_taken(monkeypatch, it.part, it.part.scaled([np.eye(1)]), response, it.part.nothing())
    assert steps < 20 + MAX_IDLE
    np.testing.assert_allclose(
        it.part.sums(it.part.scaled([np.eye(1)]), modes.score)[0],
        modes.u[0],
        atol=1e-6 * np.abs(modes.fisher).sum() ** 0.5,
    )


# -- further searches


@pytest.mark.parametrize("family", ["inverse.gaussian", "gamma(inverse)"])
def test_the_scale_of_a_response_changes_no_search(family):
    # Where η = 1/μ² is a ten-thousandth, an SD of 1 is no place to look: SDs are counted in the noise of a row.
    data, rng = grouped(4, 10, 6)
    data["y"] = np.exp(1.0 + 0.1 * data["eta"]) * rng.gamma(20, 1 / 20, 60)
    large = data.assign(y=1000.0 * data["y"])
    one, other = (fit_glmm(design("y ~ 1 + (x||g)", d, family)) for d in (data, large))
    np.testing.assert_allclose(units(criterion("y ~ 1 + (x||g)", data, family)), 1.0)
    assert abs(one.evaluations - other.evaluations) <= 0.2 * one.evaluations
    assert other.loglik == pytest.approx(one.loglik - 60 * np.log(1000.0), abs=1e-5)


def test_a_further_search_that_comes_to_a_known_summit_ends_there(monkeypatch):
    data, rng = grouped(5, 10, 12)
    data["y"] = rng.poisson(np.exp(data["eta"]))
    it = design("y ~ 1 + (x|g)", data, "poisson")  # the slope varies around 0
    short = fit_glmm(it)
    monkeypatch.setattr(glmm, "_comes_to_one_of", lambda *_: False)
    whole = fit_glmm(it)
    assert short.evaluations < 0.9 * whole.evaluations
    assert short.criterion == pytest.approx(whole.criterion, abs=1e-8)
    np.testing.assert_allclose(short.theta, whole.theta, atol=1e-5)


def test_alike_is_asked_of_each_term():
    large, small = 30.0 * np.eye(1), 0.5 * np.eye(1)
    assert are_alike([large, small], [1.001 * large, small], 0.01)
    assert not are_alike([large, small], [large, 0.3 * small], 0.01)
    assert are_alike([large, 0.0 * small], [large, 0.02 * np.eye(1)], 0.01)
    for size, alike in (
        (0.029, True),
        (0.031, False),
    ):  # an SD of 0.03 on the scale of the link is next to nothing
        assert are_alike([0.0 * small], [size * np.eye(1)], 0.0) is alike


def test_evaluations_are_bounded_where_the_likelihood_has_no_summit():
    # As many group effects as rows, and 0/1 responses that they tell: the likelihood is flat for ever.
    rng = np.random.default_rng(6)
    x, z = rng.normal(size=(2, 60))
    data = pd.DataFrame(
        {"x": x, "z": z, "g": rng.integers(0, 8, 60), "h": rng.integers(0, 15, 60), "y": x < z}
    )
    for formula in ("y ~ 1 + (x || g/h) + (z|h)", "y ~ x + (z || g) + (z|h)", "y ~ 1 + (x + z || h:g)"):
        it = design(formula, data.assign(y=data["y"].astype(int)), "binomial")
        estimates = fit_glmm(it)
        assert estimates.evaluations < glmm.MOST_IN_ALL + 100


# -- the edge of a family's range


@pytest.mark.parametrize("family", ["poisson(sqrt)", "poisson(identity)"])
@pytest.mark.parametrize("seed", range(4))
def test_no_flat_fit_leaves_the_range_of_means(family, seed):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"x": rng.normal(size=40), "f": rng.integers(0, 6, 40), "k": rng.poisson(0.7, 40)})
    data["k"] = np.where(data["x"] > 0.5, 0, data["k"])  # pulls the means of some rows to 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = mk.glm("k ~ x + factor(f)", data, family)
        except mk.DataError as error:
            assert "range" in str(error)
            return
    assert np.all(fit.fitted > 0) and np.isfinite(fit.loglik)
    assert not [one for one in caught if one.category is RuntimeWarning]
    said = any("leaves the range" in str(one.message) for one in caught)
    assert said == (not fit.converged)
