"""The flat model, y = Xb + ε: least squares through QR."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr, solve_triangular

from ...errors import DataError
from ..estimates import Estimates


def fit_lm(design) -> Estimates:
    """Fit a linear model without group effects.

    The least-squares estimate from √w X = QR, Rb = Qᵀ√w y. `sigma` divides the residual sum of squares by
    n − p; `criterion` is −2 × the full log likelihood at its maximum, which divides by n (Gelman & Hill 2007,
    section 3.4; the numbers R's `lm` and `logLik` print).

    Raises
    ------
    DataError
        No more rows (of positive weight) than coefficients.
    """
    root = np.sqrt(design.weights)
    n, p = int(np.count_nonzero(root)), design.X.shape[1]
    if n <= p:
        raise DataError(
            f"The model has {p} coefficients but only {n} rows: nothing is left to estimate the noise.{design.crowded}"
        )
    Q, R = qr(design.X * root[:, None], mode="economic")
    beta = solve_triangular(R, Q.T @ (root * (design.y - design.offset)))
    predictor = design.X @ beta + design.offset
    rss = float(np.sum((root * (design.y - predictor)) ** 2))
    sigma = np.sqrt(rss / (n - p))
    half = solve_triangular(R, np.eye(p))
    log_weights = float(np.log(design.weights[root > 0]).sum())
    with np.errstate(divide="ignore"):
        criterion = n * (1.0 + np.log(2.0 * np.pi * rss / n)) - log_weights
    return Estimates(
        beta=beta,
        vcov=sigma**2 * half @ half.T,
        theta=np.empty(0),
        sigma=float(sigma),
        modes=(),
        criterion=float(criterion),
        loglik=-0.5 * float(criterion),
        reml=False,
        linear_predictor=predictor,
        fitted=predictor,
    )
