"""The log posterior: its gradient for every kind of model, its value against dense formulas."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from mlmkit.bayes.density import centred_where_known
from mlmkit.bayes.effects import draw_effects
from tests.bayes.toy import constrained, dense_omega, density

MODELS = {
    "one slope": ("y ~ x + (x|class)", "gaussian", {}),
    "three coefficients": ("y ~ x + (x + z|class)", "gaussian", {"cor": "lkj(2.5)", "b": "normal(0.3, 2)"}),
    "uncorrelated": ("y ~ 0 + x + (x||class)", "gaussian", {"sd": "exponential(1)"}),
    "nested": ("y ~ x + (x|school/class)", "gaussian", {"sigma": "gamma(2, 1)"}),
    "crossed": ("y ~ x + (1|class) + (x|item)", "gaussian", {"Intercept": "normal(20, 3)"}),
    "nested and crossed": ("y ~ x*z + (1|school) + (z|class) + (1|item)", "gaussian", {}),
    "flat": ("y ~ x", "gaussian", {}),
    "binomial": ("cbind(hits, trials - hits) ~ x + (x|class)", "binomial", {"b": "cauchy(0, 1)"}),
    "probit crossed": ("hit ~ x + (1|class) + (z|item)", "binomial(probit)", {}),
    "cloglog": ("hit ~ x + (1|class)", "binomial(cloglog)", {}),
    "poisson": ("count ~ x + (x + z|class)", "poisson", {}),
    "poisson sqrt": ("count ~ x + (1|class)", "poisson(sqrt)", {}),
    "no groups": ("hit ~ x", "binomial", {}),
    "student": ("y ~ x + (x|class) + (1|item)", "student", {"nu": "gamma(3, 0.2)"}),
    "negative binomial": ("count ~ x + (x|class)", "nbinom", {}),
    "gamma": ("y ~ x + (1|class)", "gamma(log)", {"shape": "exponential(0.1)"}),
    "gamma, inverse": ("y ~ 1 + (1|class)", "gamma", {}),
    "inverse Gaussian": ("y ~ x + (1|class)", "inverse.gaussian(log)", {}),
    "normal, log": ("y ~ x + (1|class)", "gaussian(log)", {}),
}
GAUSSIAN = [name for name, (_, family, _) in MODELS.items() if family == "gaussian"]


def make(name, **extras):
    formula, family, priors = MODELS[name]
    return density(formula, family, priors, **extras)


@pytest.mark.parametrize("name", MODELS)
def test_gradient_is_the_derivative(name):
    model = make(name)
    q = model.start(np.random.default_rng(1))
    steps = 1e-5 * np.eye(len(q))
    numeric = [
        (model.value_and_gradient(q + h)[0] - model.value_and_gradient(q - h)[0]) / 2e-5 for h in steps
    ]
    gradient = model.value_and_gradient(q)[1]
    assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-7 * np.abs(gradient).max())


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x + (x|class) + (1|item)", "gaussian"),
        ("count ~ x + (1|class)", "nbinom"),
        ("y ~ x + (1|class)", "student"),
    ],
)
def test_gradient_with_weights_and_an_offset(formula, family):
    model = density(formula, family, weights="w", offset=np.linspace(0, 3, 60))
    q = model.start(np.random.default_rng(2))
    steps = 1e-5 * np.eye(len(q))
    numeric = [
        (model.value_and_gradient(q + h)[0] - model.value_and_gradient(q - h)[0]) / 2e-5 for h in steps
    ]
    assert_allclose(model.value_and_gradient(q)[1], numeric, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "block"), [("student", 0), ("student", 1), ("negative binomial", 0), ("binomial", 0)]
)
def test_another_choice_of_coordinates_is_the_same_density(name, block):
    """Centring moves a point and changes volumes by |L|/|units| for each group, nothing else; gradients are derivatives."""
    model = make(name, weights="w", offset=np.linspace(0, 1, 60)) if name != "binomial" else make(name)
    rng = np.random.default_rng(6)
    size = len(model.parameters.design.blocks[block].names)
    other = replace(model, centred=block, units=rng.uniform(0.5, 2, size))
    gaps = []
    for q in two_points(model):
        factors = constrained(model, q)[1]
        effects = model.effects(q, factors)
        at = model.population(q, effects)
        moved = other.numbers(at, effects)
        for one, same in zip(effects, other.effects(moved, factors), strict=True):
            assert_allclose(same, one, rtol=1e-9, atol=1e-12)
        assert_allclose(
            other.population(moved, effects)[: model.parameters.p], at[: model.parameters.p], rtol=1e-9
        )
        groups = len(effects[block])
        volume = groups * np.log(np.diag(factors[block])).sum()
        gaps.append(other.value_and_gradient(moved)[0] + volume - model.value_and_gradient(q)[0])
        steps = 1e-5 * np.eye(len(q))
        numeric = [
            (other.value_and_gradient(moved + h)[0] - other.value_and_gradient(moved - h)[0]) / 2e-5
            for h in steps
        ]
        gradient = other.value_and_gradient(moved)[1]
        assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-7 * np.abs(gradient).max())
    assert_allclose(gaps[0], gaps[1], rtol=1e-9, atol=1e-9)


def test_what_the_data_know_is_centred():
    """The group effects known to a small part of their variance, and of two crossed factors the better known ones."""
    rng = np.random.default_rng(1)
    model = make("student")
    vague = np.tile(model.start(rng), (40, 1))
    for place in model.parameters.scores:
        vague[:, place] = rng.normal(size=vague[:, place].shape)
    assert centred_where_known(model, vague)[0].centred is None
    known = vague.copy()
    known[:, model.parameters.scores[0]] = known[0, model.parameters.scores[0]]
    known[:, model.parameters.scores[0]] += 0.01 * rng.normal(size=(40, 24))
    chosen, drawn = centred_where_known(model, known)
    assert chosen.centred == 0
    factors = constrained(model, known[-1])[1]
    assert len(drawn) == 40
    assert_allclose(chosen.effects(drawn[-1], factors)[0], model.effects(known[-1], factors)[0], rtol=1e-9)


def log_prior(model, q):
    """The log prior with its Jacobians, in scipy's densities of the model's own parameters."""
    parameters, design = model.parameters, model.parameters.design
    b, total = constrained(model, q)[0], 0.0
    for name, value in zip(design.fixed_names, b, strict=True):
        key, x = (("Intercept",), design.X.mean(axis=0) @ b) if name == "Intercept" else (("b", name), value)
        total += 0.0 if parameters.priors[key].is_flat else np.log(parameters.priors[key].density(x))
    for block, part in zip(design.blocks, parameters.covariances, strict=True):
        sd, C = part.unpack(q)
        for name, tau in zip(block.names, sd, strict=True):
            total += np.log(parameters.priors["sd", block.group, name].density(tau, positive=True)) + np.log(
                tau
            )
        if len(sd) == 2:  # ρ = tanh q: LKJ(η) is (1 − ρ²)^(η − 1), the Jacobian 1 − ρ²
            total += parameters.priors["cor", block.group].args[0] * np.log(1 - C[1, 0] ** 2)
    for one, value in zip(design.spec.family.distribution.own, parameters.own_values(q), strict=True):
        total += np.log(parameters.priors[one.name,].density(value)) + np.log(value - one.lower)
    return total


def two_points(model):
    rng = np.random.default_rng(3)
    one = model.start(rng)
    return one, one + 0.3 * rng.normal(size=len(one))


@pytest.mark.parametrize("name", [name for name in GAUSSIAN if name not in ("flat", "three coefficients")])
def test_gaussian_value_is_the_multivariate_normal_density(name):
    model = make(name)
    design = model.parameters.design

    def direct(q):
        b, factors, sigma = constrained(model, q)
        Z, Omega = dense_omega(design, factors)
        V = Z @ Omega @ Z.T + sigma**2 * np.diag(1 / design.weights)
        return stats.multivariate_normal(design.offset + design.X @ b, V).logpdf(design.y) + log_prior(
            model, q
        )

    one, other = two_points(model)
    difference = model.value_and_gradient(one)[0] - model.value_and_gradient(other)[0]
    assert_allclose(difference, direct(one) - direct(other), rtol=1e-9)


def _log_density(name, design, eta, own):
    """scipy's log density of every row."""
    y, mean = design.y, np.exp(eta)
    if name in ("binomial", "probit crossed"):
        p = stats.norm.cdf(eta) if "probit" in name else 1 / (1 + np.exp(-eta))
        return stats.binom.logpmf(np.round(y * design.weights), design.weights, p)
    return {
        "student": lambda: stats.t.logpdf(y, own[1], eta, own[0]),
        "negative binomial": lambda: stats.nbinom.logpmf(y, own[0], own[0] / (own[0] + mean)),
        "gamma": lambda: stats.gamma.logpdf(y, own[0], scale=mean / own[0]),
        "inverse Gaussian": lambda: stats.invgauss.logpdf(y, mean / own[0], scale=own[0]),
        "normal, log": lambda: stats.norm.logpdf(y, mean, own[0]),
    }[name]()


@pytest.mark.parametrize(
    "name",
    [
        "binomial",
        "probit crossed",
        "student",
        "negative binomial",
        "gamma",
        "inverse Gaussian",
        "normal, log",
    ],
)
def test_joint_value_is_likelihood_times_priors(name):
    model = make(name)
    parameters, design = model.parameters, model.parameters.design

    def direct(q):
        b, factors, _ = constrained(model, q)
        eta, total = design.X @ b, log_prior(model, q)
        for place, block, L in zip(parameters.scores, design.blocks, factors, strict=True):
            u = q[place].reshape(-1, len(L))
            eta = eta + (block.Z * (u @ L.T)[block.codes]).sum(axis=1)
            total += stats.norm.logpdf(u).sum()
        return total + _log_density(name, design, eta, parameters.own_values(q)).sum()

    one, other = two_points(model)
    difference = model.value_and_gradient(one)[0] - model.value_and_gradient(other)[0]
    assert_allclose(difference, direct(one) - direct(other), rtol=1e-9)


@pytest.mark.parametrize("name", ["one slope", "nested", "crossed", "nested and crossed"])
def test_group_effects_are_drawn_from_their_conditional_distribution(name):
    model = make(name)
    design = model.parameters.design
    q = model.start(np.random.default_rng(4))
    b, factors, sigma = constrained(model, q)
    Z, Omega = dense_omega(design, factors)
    information = np.linalg.inv(Omega) + Z.T @ (Z * design.weights[:, None]) / sigma**2
    covariance = np.linalg.inv(information)
    mean = covariance @ Z.T @ (design.weights * (design.y - design.X @ b)) / sigma**2
    rng = np.random.default_rng(5)
    draws = np.array([np.concatenate([e.ravel() for e in draw_effects(model, q, rng)]) for _ in range(2000)])
    sd = np.sqrt(np.diag(covariance))
    assert_allclose(draws.mean(axis=0), mean, atol=4.5 * sd.max() / np.sqrt(2000))
    assert_allclose(np.cov(draws.T) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.13)


def test_scaling_the_data_does_not_change_the_density_beyond_its_jacobian():
    # ×1000 in x: q stands for the same model, so differences of the likelihood are the same.
    from tests.bayes.toy import toy

    flat = {"Intercept": "flat"}
    small = density("y ~ x + (1|class)", priors=flat)
    large = density("y ~ x + (1|class)", priors=flat, data=toy().assign(x=1000 * toy().x))
    one, other = two_points(small)
    expected = small.value_and_gradient(one)[0] - small.value_and_gradient(other)[0]
    assert_allclose(
        large.value_and_gradient(one)[0] - large.value_and_gradient(other)[0], expected, rtol=1e-9
    )


@pytest.mark.parametrize("name", MODELS)
def test_chains_start_apart_in_everything(name):
    """Coefficients, SDs and scores: chains that start at one place could not be seen to disagree."""
    model = make(name)
    one, other = (model.start(np.random.default_rng(seed)) for seed in (1, 2))
    assert np.all(one != other)
