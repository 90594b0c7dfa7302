"""The studentised range: the range of k standard normals over an independent s = χ_ν/√ν.

P(Q < q) = E W(q s) with W(w) = k ∫ φ(z) [Φ(z) − Φ(z − w)]^{k−1} dz (Harter 1960, Ann. Math. Statist. 31:1122–1147). Both
integrals are of smooth functions that die away, so that the trapezoidal rule converges exponentially; the outer one
is taken in log s, whose density is ∝ exp(ν (u − e^{2u}/2)). All values are worked out at once: SciPy's integrates for
each on its own, which takes seconds where every contrast has degrees of freedom of its own.
"""

from __future__ import annotations

import numpy as np
import scipy

_Z = np.arange(-8.5, 8.75, 0.25)
_PHI = 0.25 * np.exp(-0.5 * _Z**2) / np.sqrt(2 * np.pi)

#: The weight of log s, as an exponent, where its integral is cut off.
_END = 38.0


def sf(q: np.ndarray, k: int, df: np.ndarray) -> np.ndarray:
    """P(Q > q) for k means, elementwise in q and df (which may be infinite); NaN stays NaN."""
    q, df = np.broadcast_arrays(np.asarray(q, dtype=float), np.asarray(df, dtype=float))
    told = ~(np.isnan(q) | np.isnan(df))
    values = np.full(q.shape, np.nan)
    values[told] = np.clip(1 - _cdf(q[told], k, df[told]), 0.0, 1.0)
    return values


def ppf(level: float, k: int, df: np.ndarray) -> np.ndarray:
    """The quantile of Q for k means at each of df: secant steps, from Student's quantile and Bonferroni's."""
    df = np.asarray(df, dtype=float)
    told, values = ~np.isnan(df), np.full(np.shape(df), np.nan)
    nu, pairs = df[told], k * (k - 1) / 2
    low = np.sqrt(2) * scipy.stats.t.isf((1 - level) / 2, nu)
    high = np.sqrt(2) * scipy.stats.t.isf((1 - level) / 2 / pairs, nu)
    one, two = low, np.where(high > low, high, low * 1.01)
    at_one, at_two = (_cdf(each, k, nu) - level for each in (one, two))
    for _ in range(40):
        change = np.where(at_two != at_one, at_two - at_one, 1.0)
        new = np.clip(two - at_two * (two - one) / change, low, high)
        if np.all(np.abs(new - two) <= 1e-11 * new):
            break
        one, at_one, two, at_two = two, at_two, new, _cdf(new, k, nu) - level
    values[told] = new
    return values


def _cdf(q: np.ndarray, k: int, df: np.ndarray) -> np.ndarray:
    finite = np.isfinite(df)
    value = np.empty(len(q))
    value[~finite] = _range_cdf(q[~finite], k)
    if finite.any():
        s, weights = _scales(df[finite])
        value[finite] = np.sum(weights * _range_cdf(q[finite, None] * s, k), axis=1)
    return value


def _range_cdf(w: np.ndarray, k: int) -> np.ndarray:
    """W of the range of k standard normals."""
    inside = scipy.special.ndtr(_Z) - scipy.special.ndtr(_Z - w[..., None])
    return k * (inside ** (k - 1) @ _PHI)


def _scales(df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, n) nodes of s and their weights for each of df."""
    nu = df[:, None]
    start, end = -np.sqrt(2 / df.min()) * _END - 9, 9.0
    u = np.arange(start, end, 0.25) / np.sqrt(2 * nu)
    log_density = nu * (u - np.exp(2 * u) / 2)
    weights = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return np.exp(u), weights / weights.sum(axis=1, keepdims=True)
