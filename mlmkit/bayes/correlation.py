"""Correlation matrices of any size from unbounded numbers, with the LKJ prior on them.

A correlation matrix R of s coefficients has s(s − 1)/2 partial correlations, each free in (−1, 1): of
coefficients i and j < i given those before j. Row by row they build the Cholesky factor C of R,

    C[i, j] = z[i, j] √(1 − C[i, 0]² − … − C[i, j−1]²),      z = tanh(q),

and under LKJ(η), whose density is ∝ |R|^(η−1), they are independent: (1 + z[i, j])/2 is Beta(α, α) with
α = η + (s − 2 − j)/2. With the Jacobian of tanh, 1 − z², the log density of q is Σ α log(1 − z²).

Lewandowski, Kurowicka & Joe (2009). J. Multivariate Anal. 100(9), 1989–2001.
"""

from __future__ import annotations

import numpy as np


def correlation_length(size: int) -> int:
    """How many correlations `size` coefficients have."""
    return size * (size - 1) // 2


def correlation_factor(q: np.ndarray, size: int) -> np.ndarray:
    """The Cholesky factor C of a correlation matrix, (s, s), from its s(s − 1)/2 numbers q, row by row."""
    C, z, sech = np.zeros((size, size)), iter(np.tanh(q)), iter(1 / np.cosh(q))
    for i in range(size):
        left = 1.0  # the square root of what the row's length has left
        for j in range(i):
            C[i, j] = next(z) * left
            left *= next(sech)
        C[i, i] = left
    return C


def correlation_numbers(C: np.ndarray) -> np.ndarray:
    """The inverse of `correlation_factor`."""
    numbers = []
    for i, row in enumerate(C):
        left = 1.0
        for j in range(i):
            z = row[j] / left
            numbers.append(np.arctanh(z))
            left *= np.sqrt(1 - z**2)
    return np.array(numbers)


def factor_gradient(q: np.ndarray, by_factor: np.ndarray) -> np.ndarray:
    """Derivatives by q of a function with derivatives `by_factor`, (s, s), by C: each row in reverse."""
    z, sech = np.tanh(q), 1 / np.cosh(q)
    gradient = np.empty_like(q)
    for i in range(1, len(by_factor)):
        start = correlation_length(i)
        left = np.concatenate([[1.0], np.cumprod(sech[start : start + i])])
        by_left = by_factor[i, i]
        for j in reversed(range(i)):
            at = start + j
            gradient[at] = by_factor[i, j] * left[j] * sech[at] ** 2 - by_left * left[j + 1] * z[at]
            by_left = by_factor[i, j] * z[at] + by_left * sech[at]
    return gradient


def lkj_exponents(size: int, eta: float) -> np.ndarray:
    """α of every number q, row by row."""
    return np.array([eta + (size - 2 - j) / 2 for i in range(size) for j in range(i)])


def lkj_log_density(q: np.ndarray, exponents: np.ndarray) -> tuple[float, np.ndarray]:
    """The log density of q under LKJ, Jacobian included, up to a constant, and its derivatives."""
    log_sech = -np.abs(q) - np.log1p(np.exp(-2 * np.abs(q)))
    return float(2 * exponents @ log_sech), -2 * exponents * np.tanh(q)


def draw_correlation_factor(rng: np.random.Generator, size: int, eta: float) -> np.ndarray:
    """The Cholesky factor of one correlation matrix drawn from LKJ(η)."""
    alpha = lkj_exponents(size, eta)
    return correlation_factor(np.arctanh(2 * rng.beta(alpha, alpha) - 1), size)
