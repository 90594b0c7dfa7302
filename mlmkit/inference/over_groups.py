"""From the linear predictor to the response, the group effects integrated out.

For η ~ N(m, s²) and a link that is not the identity, E g⁻¹(η) is not g⁻¹(m): a mean over groups is not the
mean of the average group. Integrals over z ~ N(0, 1) by the trapezoidal rule, whose error falls exponentially
with 1/step for a smooth integrand that dies away at both ends (Trefethen & Weideman 2014, SIAM Review 56:385–458):
a logistic curve in s z has its nearest pole at iπ/s, so that a step of 0.6/s leaves an error of e^(−2π²/0.6) ≈ 10⁻¹⁴.
Gauss–Hermite nodes, which know nothing of s, are wrong in the third digit where s is 8.

Some links, such as the inverse, have no mean to give for every η. Where normal group effects go there, more
often than once in a million groups, nothing can be averaged, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import DataError
from ..families import Family

#: A share of groups out of range that is as good as none.
NONE = 1e-6

#: For SDs beyond this, at which a logit's means are 0 or 1 and exp overflows, nodes come no closer.
WIDEST = 300.0
#: No more than this many values of an integrand are held at a time.
AT_A_TIME = 2_000_000

OUT_OF_RANGE = (
    "The {} family has no mean for some of the linear predictors here, which lie beyond what its link can take, as "
    "normal group effects or the ends of an interval may: use a link that keeps every mean in range, such as log "
    "or logit."
)


def normal_nodes(sd: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for expectations over N(0, 1) of what varies with sd z, for SDs up to the largest given."""
    widest = float(np.max(sd, initial=0.0))
    if not np.isfinite(widest):
        raise DataError(
            f"The SD of the group effects is {widest} for some of these rows: no mean over them is finite."
        )
    step, end = min(0.4, 0.6 / np.clip(widest, 1e-9, WIDEST)), 8.5 + 2 * min(widest, 5.0)
    nodes = step * np.arange(-np.ceil(end / step), np.ceil(end / step) + 1)
    weights = np.exp(-0.5 * nodes**2)
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


def means_over_groups(family: Family, eta, sd) -> tuple[np.ndarray, np.ndarray]:
    """(..., n) the means at n nodes of η ~ N(eta, sd²), and the nodes' weights, (n,)."""
    nodes, weights = normal_nodes(sd)
    at_nodes = np.asarray(eta)[..., None] + np.asarray(sd)[..., None] * nodes
    return means_in_range(family, at_nodes, weights), weights


def mean_over_groups(family: Family, eta, sd) -> np.ndarray:
    """E μ for η ~ N(eta, sd²), elementwise."""
    return _in_pieces(lambda each, weights: means_in_range(family, each, weights), eta, sd)


def slope_over_groups(family: Family, eta, sd) -> np.ndarray:
    """dE μ/d eta for η ~ N(eta, sd²), elementwise."""
    return _in_pieces(lambda each, weights: family.mean_slope(each), eta, sd)


def variances(family: Family, eta, sd, dispersion: float) -> tuple[np.ndarray, np.ndarray]:
    """Variance of μ over groups, and the mean of an observation's variance within them."""
    mu, weights = means_over_groups(family, eta, sd)
    between = (mu - (mu @ weights)[..., None]) ** 2 @ weights
    return between, family.at(dispersion).variance(mu) @ weights


def variance_of_part(family: Family, eta, sd, rest) -> np.ndarray:
    """Variance of E[μ | one part of η], for η = eta + part + rest, parts N(0, sd²) and N(0, rest²)."""
    nodes, weights = normal_nodes(sd)
    part = np.asarray(eta)[..., None] + np.asarray(sd)[..., None] * nodes
    if np.any(rest):
        given = mean_over_groups(family, part, np.asarray(rest)[..., None])
    else:
        given = means_in_range(family, part, weights)
    return (given - (given @ weights)[..., None]) ** 2 @ weights


def _in_pieces(function: Callable[[np.ndarray, np.ndarray], np.ndarray], eta, sd) -> np.ndarray:
    """E function(η) for η ~ N(eta, sd²), elementwise, a piece of the elements at a time."""
    eta, sd = np.broadcast_arrays(np.asarray(eta, dtype=float), np.asarray(sd, dtype=float))
    nodes, weights = normal_nodes(sd)
    flat, spread = eta.ravel(), sd.ravel()
    size = max(1, AT_A_TIME // len(nodes))
    parts = [
        function(flat[k : k + size, None] + spread[k : k + size, None] * nodes, weights) @ weights
        for k in range(0, len(flat), size)
    ]
    return np.concatenate(parts or [flat]).reshape(eta.shape)
