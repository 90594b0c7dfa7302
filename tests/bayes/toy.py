"""Small models of every kind, and dense formulas to hold the fast ones against."""

import numpy as np
import pandas as pd

from mlmkit.bayes.density import log_posterior
from mlmkit.bayes.priors import find_priors
from mlmkit.design import build_design
from mlmkit.formula import parse_formula


def toy(n=60, seed=5):
    """Rows in 4 schools of 3 classes, crossed with 5 items; responses of every family."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"school": np.arange(n) % 4, "item": rng.integers(5, size=n)})
    data["class"] = data.school * 3 + rng.integers(3, size=n)
    data["x"], data["z"] = rng.normal(size=n) + 1, rng.normal(size=n)
    eta = 0.4 + 0.5 * data.x + rng.normal(size=12)[data["class"]] + 0.7 * rng.normal(size=5)[data.item]
    data["y"] = 20 + 3 * eta + rng.normal(size=n)
    data["hit"] = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    data["trials"] = 5 + rng.integers(5, size=n)
    data["hits"] = rng.binomial(data.trials, 1 / (1 + np.exp(-eta)))
    data["count"] = rng.poisson(np.exp(0.5 * eta))
    data["w"] = rng.uniform(0.5, 2, size=n)
    return data


def density(formula, family="gaussian", priors=None, data=None, **extras):
    design = build_design(parse_formula(formula, family), toy() if data is None else data, **extras)
    return log_posterior(design, find_priors(design, priors))


def indicators(block):
    """A block's Z of the textbooks, (n, J s), the levels' columns side by side."""
    n, s = block.Z.shape
    Z = np.zeros((n, len(block.levels), s))
    Z[np.arange(n), block.codes] = block.Z
    return Z.reshape(n, -1)


def constrained(density, q):
    """b, each block's (s, s) factor L, and σ, from q."""
    parameters = density.parameters
    factors = [sd[:, None] * C for sd, C in (part.unpack(q) for part in parameters.covariances)]
    own = parameters.own_values(q)
    if parameters.sampled_effects:
        q = density.population(q, density.effects(q, factors))
    return parameters.coefficients(q), factors, own[0] if len(own) else None


def dense_omega(design, factors):
    """All blocks' Z side by side, and the covariance Ω of their effects."""
    Z = np.hstack([indicators(block) for block in design.blocks])
    parts = [np.kron(np.eye(len(b.levels)), L @ L.T) for b, L in zip(design.blocks, factors, strict=True)]
    size = sum(map(len, parts))
    Omega, start = np.zeros((size, size)), 0
    for part in parts:
        Omega[start : start + len(part), start : start + len(part)] = part
        start += len(part)
    return Z, Omega
