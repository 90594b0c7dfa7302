"""The PyMC view: readable code everywhere; the same posterior where PyMC is installed."""

import re
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from mlmkit.bayes import pymc_model
from mlmkit.bayes.density import log_posterior
from mlmkit.bayes.priors import find_priors
from mlmkit.design import build_design
from mlmkit.errors import MlmkitError
from mlmkit.formula import parse_formula
from tests.bayes.toy import constrained, dense_omega, toy


def test_code_is_a_program_with_every_part_of_the_model():
    code = str(pymc_model("y ~ x + (x|school/class)", toy(), priors={"b": "normal(0, 10)"}))
    compile(code, "model", "exec")
    assert "b_x = pm.Normal('b_x', mu=0, sigma=10)" in code
    assert "pm.LKJCholeskyCov('school'" in code and "pm.LKJCholeskyCov('class_school'" in code
    assert "sigma = pm.HalfStudentT('sigma'" in code


@pytest.mark.parametrize("formula", ["y ~ 1 + (1|class)", "y ~ x + (1|class)", "y ~ x * z + (1|class)"])
def test_the_intercept_is_its_value_at_the_means_less_all_that_the_other_coefficients_add_there(formula):
    design = build_design(parse_formula(formula, "gaussian"), toy())
    lines = [line.strip() for line in str(pymc_model(formula, toy())).splitlines()]
    assigned = [line.partition(" = ")[0] for line in lines if line.startswith("b_")]
    assert len(set(assigned)) == len(assigned) == len(design.fixed_names)
    (shift,) = (line for line in lines if line.startswith("b_Intercept = "))
    taken = re.findall(r" - (-?[\d.e-]+) \* (b_\w+)", shift)
    assert {name for _, name in taken} == set(assigned) - {"b_Intercept"}
    assert_allclose([float(mean) for mean, _ in taken], design.X.mean(axis=0)[1:], rtol=1e-9)


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


def test_without_pymc_build_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymc", None)
    with pytest.raises(MlmkitError, match="PyMC is not installed"):
        pymc_model("y ~ x + (1|class)", toy()).build()


# ---- run by PyMC: its density differs from ours by a constant ----------------------------------------------


def differences(formula, family="gaussian", priors=None, **extras):
    """log density of PyMC's model less that of ours, at three points; the group effects are in both."""
    pytest.importorskip("pymc")
    design = build_design(parse_formula(formula, family), toy(), **extras)
    ours = log_posterior(design, find_priors(design, priors))
    theirs = pymc_model(formula, toy(), family, priors, **extras).build()
    log_density, rng, gaps = theirs.compile_logp(mode="FAST_COMPILE"), np.random.default_rng(1), []
    for _ in range(3):
        q = ours.start(rng)
        b, factors, _ = constrained(ours, q)
        if ours.parameters.sampled_effects:
            places = zip(ours.parameters.scores, factors, strict=True)
            scores, lacking = [q[place].reshape(-1, len(L)) for place, L in places], 0.0
        else:
            scores, lacking = some_scores(design, *constrained(ours, q), rng)
        own = zip(design.spec.family.distribution.own, ours.parameters.own_values(q), strict=True)
        point, by_logarithm = place(design, b, factors, scores)
        point |= {one.name: np.log(value - one.lower) for one, value in own}
        theirs_by_ours = {re.sub("_(log|interval)__$", "", one.name): one.name for one in theirs.value_vars}
        point = {theirs_by_ours[name]: value for name, value in point.items()}
        gaps.append(log_density(point) + by_logarithm - ours.value_and_gradient(q)[0] - lacking)
    return gaps


def place(design, b, factors, scores):
    """A point as PyMC has it, what is positive by its logarithm; and the log of the volume there of one of ours."""
    point, by_logarithm = {}, 0.0
    for name, value in zip(design.fixed_names, b, strict=True):
        if name == "Intercept":
            point["Intercept_at_means"] = design.X.mean(axis=0) @ b
        else:
            point[f"b_{name}"] = value
    for block, L, u in zip(design.blocks, factors, scores, strict=True):
        label = re.sub(r"\W", "_", block.group)
        point[f"z_{label}"] = u
        if len(L) == 1:
            point[f"sd_{block.group}__{block.names[0]}"] = np.log(L[0, 0])
        else:  # the rows of L, logarithms on its diagonal; by log τ₂ and atanh ρ its volume is τ₂
            point[f"{label}_cholesky-cov-packed__"] = np.array([np.log(L[0, 0]), L[1, 0], np.log(L[1, 1])])
            by_logarithm += 0.5 * np.log(L[1] @ L[1])
    return point, by_logarithm


def some_scores(design, b, factors, sigma, rng):
    """Scores of group effects near their mean given all else, and their log density there, by dense formulas."""
    Z, Omega = dense_omega(design, factors)
    covariance = np.linalg.inv(np.linalg.inv(Omega) + Z.T @ (Z * design.weights[:, None]) / sigma**2)
    residual = design.weights * (design.y - design.offset - design.X @ b)
    conditional = stats.multivariate_normal(covariance @ Z.T @ residual / sigma**2, covariance)
    zeta, scores, start = conditional.rvs(random_state=rng), [], 0
    log_density = conditional.logpdf(zeta)
    for block, L in zip(design.blocks, factors, strict=True):
        stop = start + len(block.levels) * len(L)
        scores.append(np.linalg.solve(L, zeta[start:stop].reshape(-1, len(L)).T).T)
        log_density += len(block.levels) * np.log(np.diag(L)).sum()
        start = stop
    return scores, log_density


@pytest.mark.parametrize("family", ["logit", "probit", "cloglog", "cauchit"])
def test_binomial_densities_differ_by_a_constant(family):
    gaps = differences("cbind(hits, trials - hits) ~ x + (1|class) + (1|item)", family, {"b": "normal(0, 2)"})
    assert_allclose(gaps, gaps[0], atol=1e-6)


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("count ~ x + z + (z|class)", "poisson"),
        ("count ~ x + (x|class)", "nbinom"),
        ("y ~ x + (x|class) + (1|item)", "student"),
        ("y ~ x + (x|class)", "gamma(log)"),
        ("y ~ x + (x|class)", "inverse.gaussian(log)"),
        ("y ~ x + (x|class)", "gaussian(log)"),
    ],
)
@pytest.mark.parametrize("weights", [None, "w"])
def test_densities_of_every_family_differ_by_a_constant(formula, family, weights):
    gaps = differences(formula, family, {"b": "normal(0, 1)", "cor": "lkj(2)"}, weights=weights)
    assert_allclose(gaps, gaps[0], rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("formula", "priors"),
    [
        ("y ~ x + (x|class)", {"cor": "lkj(2)", "b": "student_t(4, 1, 2)"}),
        ("y ~ x + (1|school/class)", {"sd": "exponential(0.3)", "sigma": "gamma(2, 1)"}),
        ("y ~ x + (0 + x|class) + (1|item)", {"sd": "normal(1, 2)", "Intercept": "cauchy(20, 3)"}),
    ],
)
@pytest.mark.parametrize("weights", [None, "w"])
def test_normal_densities_differ_by_a_constant(formula, priors, weights):
    gaps = differences(formula, priors=priors, weights=weights)
    assert_allclose(gaps, gaps[0], rtol=1e-9, atol=1e-6)
