"""The PyMC view: readable code everywhere; the same posterior where PyMC is installed."""

import importlib.util

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mlmkit.bayes import pymc_model
from mlmkit.bayes.density import log_posterior
from mlmkit.bayes.priors import find_priors
from mlmkit.design import build_design
from mlmkit.errors import MlmkitError
from mlmkit.formula import parse_formula
from tests.bayes.toy import constrained, toy

needs_pymc = pytest.mark.skipif(importlib.util.find_spec("pymc") is None, reason="PyMC is not installed")


def test_code_is_a_program_with_every_part_of_the_model():
    code = str(pymc_model("y ~ x + (x|school/class)", toy(), priors={"b": "normal(0, 10)"}))
    compile(code, "model", "exec")
    assert "b_x = pm.Normal('b_x', mu=0, sigma=10)" in code
    assert "pm.LKJCholeskyCov('school'" in code and "pm.LKJCholeskyCov('class_school'" in code
    assert "sigma = pm.HalfStudentT('sigma'" in code


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("hit ~ x*z + (1|item)", "binomial"),
        ("count ~ C(item) + (x||class)", "poisson"),
        ("hit ~ 1 + (1|class)", "binomial(cloglog)"),
        ("hit ~ 1 + (1|class)", "cauchit"),
        ("y ~ x + (1|class)", "student"),
        ("count ~ x + (1|class)", "nbinom"),
        ("y ~ x + (1|class)", "gamma(log)"),
        ("y ~ x + (1|class)", "inverse.gaussian"),
        ("y ~ x + (1|class)", "gaussian(log)"),
    ],
)
def test_awkward_names_still_make_a_program(formula, family):
    view = pymc_model(formula, toy(), family)
    compile(view.code, "model", "exec")
    assert len(view.arrays["y"]) == 60


def test_parameters_beside_the_mean_and_weights():
    student = str(pymc_model("y ~ x + (1|class)", toy(), "student"))
    assert "nu = pm.Truncated('nu', pm.Gamma.dist(alpha=2, beta=0.1), lower=1)" in student
    assert "pm.StudentT('y', nu=nu, mu=mu, sigma=sigma, observed=y)" in student
    counts = str(pymc_model("count ~ x + (1|class)", toy(), "nbinom", weights="w"))
    assert "shape = pm.InverseGamma('shape', alpha=0.4, beta=0.3)" in counts
    assert "(weights * pm.logp(pm.NegativeBinomial.dist(mu=mu, alpha=shape), y)).sum()" in counts
    normal = str(pymc_model("y ~ x + (1|class)", toy(), weights="w"))
    assert "pm.Normal('y', mu=mu, sigma=sigma / weights**0.5, observed=y)" in normal


def test_priors_that_pymc_cannot_combine_are_named():
    priors = {("sd", "class", "x"): "exponential(1)"}
    with pytest.raises(MlmkitError, match="one kind of prior for all SDs"):
        pymc_model("y ~ x + (x|class)", toy(), priors=priors)


@pytest.mark.skipif(importlib.util.find_spec("pymc") is not None, reason="PyMC is installed")
def test_without_pymc_build_says_what_to_install():
    with pytest.raises(MlmkitError, match="PyMC is not installed"):
        pymc_model("y ~ x + (1|class)", toy()).build()


@needs_pymc
@pytest.mark.parametrize("family", ["binomial", "binomial(probit)", "binomial(cloglog)"])
def test_log_density_differs_from_ours_by_a_constant(family):
    formula = "cbind(hits, trials - hits) ~ x + (1|class) + (1|item)"
    design = build_design(parse_formula(formula, family), toy())
    priors = {"b": "normal(0, 2)"}
    ours = log_posterior(design, find_priors(design, priors))
    theirs = pymc_model(formula, toy(), family, priors).build()
    function = theirs.compile_logp()
    rng = np.random.default_rng(1)
    gaps = []
    for _ in range(3):
        q = ours.start(rng)
        b, factors, _ = constrained(ours, q)
        point = {"b_x": b[1], "Intercept_at_means": design.X.mean(axis=0) @ b}
        for block, place, L in zip(design.blocks, ours.parameters.scores, factors, strict=True):
            point[f"sd_{block.group}__Intercept_log__"] = np.log(L[0, 0])
            point[f"z_{block.group}"] = q[place].reshape(-1, 1)
        gaps.append(function(point) - ours.value_and_gradient(q)[0])
    assert_allclose(gaps, gaps[0], atol=1e-6)


@needs_pymc
def test_correlated_gaussian_model_builds_with_a_finite_density():
    model = pymc_model("y ~ x + (x|class)", toy(), priors={"cor": "lkj(2)"}, weights="w").build()
    assert np.isfinite(sum(model.point_logps().values()))
