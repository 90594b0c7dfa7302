"""Where the search starts: variances from quadratic forms of the residuals.

MINQUE(0) (Rao 1971, J. Multivariate Anal. 1, 257–275): the quadratic forms |Zₐᵀy|² of residuals y have
expectations that are linear in the variances,

    E |Zₐᵀy|²  =  Σ_b |ZₐᵀZ_b|² σ_b²  +  tr(ZₐᵀZₐ) σ²,

so the variances solve linear equations. Each column of each term counts as one variance; correlations
start at zero, and that the residuals were taken off X is not allowed for. No iteration, and near enough.
"""

from __future__ import annotations

import numpy as np

from ..covariance import theta_from_factors
from ..random.border import Border
from ..random.elimination import eliminate
from ..random.pattern import CrossProducts
from .equations import Equations

#: The search starts within these SD ratios to the residual: at zero exactly, the gradient would be zero.
SMALLEST, LARGEST = 0.05, 100.0


def starting_theta(equations: Equations, n: int) -> np.ndarray:
    """A θ for standardised data of n rows: diagonal factors with the variance ratios of the forms."""
    sizes = equations.products.pattern.sizes
    forms = np.concatenate([(B[:, -1] ** 2).sum(axis=-1) for B in equations.right])
    y2 = equations.square[-1, -1]
    expectations = np.full((len(forms) + 1, len(forms) + 1), float(n))
    expectations[:-1, :-1] = overlaps(equations.products)
    variances = np.linalg.lstsq(expectations, np.append(forms, y2), rcond=1e-12)[0]
    residual = max(variances[-1], 1e-3 * y2 / n)
    ratios = np.sqrt(np.clip(variances[:-1] / residual, SMALLEST**2, LARGEST**2))
    return theta_from_factors([np.diag(part) for part in np.split(ratios, np.cumsum(sizes)[:-1])])


def overlaps(products: CrossProducts) -> np.ndarray:
    """|ZₐᵀZ_b|² for all pairs of the K columns of Z, (K, K): only the groups that meet are visited."""
    pattern = products.pattern
    stops = np.cumsum(pattern.sizes)
    columns = [np.arange(stop - size, stop) for size, stop in zip(pattern.sizes, stops, strict=True)]
    nothing = [np.zeros((level.size, level.size)) for level in pattern.levels]
    raw = eliminate(pattern.levels, products.products, nothing)
    sums, outer = np.zeros((stops[-1], stops[-1])), np.zeros(0, dtype=int)
    for level, state in reversed(list(zip(pattern.levels, raw.levels, strict=True))):
        own = np.concatenate([columns[k] for k in level.terms])
        sums[np.ix_(own, own)] = (state.A**2).sum(axis=-1)
        _put(sums, own, outer, (state.U**2).sum(axis=-1))
        outer = np.concatenate([own, outer])
    if pattern.tail is not None:
        owner = np.empty(pattern.tail.width, dtype=int)
        for one in pattern.tail.crossed:
            owner[one.columns] = columns[one.term]
        member = (owner[:, None] == np.arange(len(sums))).astype(float)
        sums += member.T @ pattern.tail.times(products.tail**2, member)
        squares = Border(pattern.cells, products.border.values**2)
        _put(sums, outer, np.arange(len(sums)), squares.times_vectors(member).sum(axis=-1))
    return sums


def _put(sums: np.ndarray, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> None:
    """Overlaps of different columns stand on both sides of the diagonal."""
    sums[np.ix_(rows, columns)] += values
    sums[np.ix_(columns, rows)] += values.T
