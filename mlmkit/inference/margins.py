"""From the linear predictor to the response, the group effects integrated out.

For η ~ N(m, s²) and a link that is not the identity, E g⁻¹(η) is not g⁻¹(m): a mean over groups is not the
mean of the average group. Integrals by Gauss–Hermite quadrature.

Some links, such as the inverse, have no mean to give for every η. Where normal group effects go there, more
often than once in a million groups, nothing can be averaged, and that is said.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from ..errors import DataError
from ..families import Family

#: A share of groups out of range that is as good as none.
NONE = 1e-6

OUT_OF_RANGE = (
    "The {} family has no mean for some of the linear predictors here, which lie beyond what its link can take, as "
    "normal group effects or the ends of an interval may: use a link that keeps every mean in range, such as log "
    "or logit."
)


def normal_nodes(n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for expectations over N(0, 1)."""
    nodes, weights = hermegauss(n)
    return nodes, weights / weights.sum()


def means_in_range(family: Family, eta, weights=1.0) -> np.ndarray:
    """The means μ of some η.

    Parameters
    ----------
    eta : (..., k) array
    weights : (k,) array, optional
        How often each η occurs; those out of range that occur next to never get the mean of the middle one.

    Raises
    ------
    DataError
        If some η has no mean in the family's range.
    """
    with np.errstate(divide="ignore"):
        mu = family.mean(eta)
    lower, upper = family.distribution.mean_range
    outside = ~((mu >= lower) & (mu <= upper)) & ~np.isnan(eta)
    if family.keeps_range or not outside.any():
        return mu
    if np.max(np.sum(outside * weights, axis=-1)) > NONE or outside[..., mu.shape[-1] // 2].any():
        raise DataError(OUT_OF_RANGE.format(family))
    return np.where(outside, mu[..., mu.shape[-1] // 2, None], mu)


def means_over_groups(family: Family, eta, sd, n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """(..., n) the means at n nodes of η ~ N(eta, sd²), and the nodes' weights, (n,)."""
    nodes, weights = normal_nodes(n)
    return means_in_range(
        family, np.asarray(eta)[..., None] + np.asarray(sd)[..., None] * nodes, weights
    ), weights


def mean_over_groups(family: Family, eta, sd) -> np.ndarray:
    """E μ for η ~ N(eta, sd²), elementwise."""
    mu, weights = means_over_groups(family, eta, sd)
    return mu @ weights


def variances(family: Family, eta, sd, dispersion: float) -> tuple[np.ndarray, np.ndarray]:
    """Variance of μ over groups, and the mean of an observation's variance within them."""
    mu, weights = means_over_groups(family, eta, sd)
    mean = mu @ weights
    between = (mu - mean[..., None]) ** 2 @ weights
    return between, family.at(dispersion).variance(mu) @ weights


def variance_of_part(family: Family, eta, sd, rest) -> np.ndarray:
    """Variance of E[μ | one part of η], for η = eta + part + rest, parts N(0, sd²) and N(0, rest²)."""
    nodes, weights = normal_nodes(40)
    inner = np.asarray(eta)[..., None] + np.asarray(sd)[..., None] * nodes
    spread = np.broadcast_to(np.asarray(rest)[..., None], inner.shape)
    mu, _ = means_over_groups(family, inner, spread, 40)
    given = mu @ weights
    mean = given @ weights
    return (given - mean[..., None]) ** 2 @ weights
