"""Group effects, as one array for each random term."""

from __future__ import annotations

from functools import reduce

import numpy as np

#: One array for each random term: (s, J) by group, or (s, n) by row.
Effects = list[np.ndarray]


def row_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row by row the inner product of two (s, n) arrays."""
    return reduce(np.add, map(np.multiply, a, b))


def dot(a: Effects, b: Effects) -> float:
    """The inner product of two sets of effects."""
    return float(sum(np.vdot(x, y) for x, y in zip(a, b, strict=True)))
