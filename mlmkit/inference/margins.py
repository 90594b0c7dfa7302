"""From the linear predictor to the response, the group effects integrated out.

For η ~ N(m, s²) and a link that is not the identity, E g⁻¹(η) is not g⁻¹(m): a mean over groups is not the
mean of the average group. Integrals by Gauss–Hermite quadrature.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from ..families import Family


def normal_nodes(n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for expectations over N(0, 1)."""
    nodes, weights = hermegauss(n)
    return nodes, weights / weights.sum()


def mean_over_groups(family: Family, eta, sd) -> np.ndarray:
    """E μ for η ~ N(eta, sd²), elementwise."""
    nodes, weights = normal_nodes()
    return family.mean(np.asarray(eta)[..., None] + np.asarray(sd)[..., None] * nodes) @ weights


def variances(family: Family, eta, sd, dispersion: float) -> tuple[np.ndarray, np.ndarray]:
    """Variance of μ over groups, and the mean of an observation's variance within them."""
    nodes, weights = normal_nodes()
    mu = family.mean(np.asarray(eta)[..., None] + np.asarray(sd)[..., None] * nodes)
    mean = mu @ weights
    between = (mu - mean[..., None]) ** 2 @ weights
    return between, family.at(dispersion).variance(mu) @ weights


def variance_of_part(family: Family, eta, sd, rest) -> np.ndarray:
    """Variance of E[μ | one part of η], for η = eta + part + rest, parts N(0, sd²) and N(0, rest²)."""
    nodes, weights = normal_nodes(40)
    inner = np.asarray(eta)[..., None] + np.asarray(sd)[..., None] * nodes
    given = family.mean(inner[..., None] + np.asarray(rest)[..., None, None] * nodes) @ weights
    mean = given @ weights
    return (given - mean[..., None]) ** 2 @ weights
