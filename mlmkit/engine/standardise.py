"""The data brought to a common scale, so that no later step can suffer from units.

A model does not change when y is shifted along the columns of X, when X is replaced by another basis of
its span, or when the columns of one term's Z are: only the numbers that describe it do. So X becomes
orthonormal (X = QR), y becomes its residual on X with unit mean square, and each term's Z becomes Z = Z̃R
with ZᵀZ̃/n = I. A year of 2020 as a predictor, or an income of 1e6, is then as well-behaved as 0 and 1.
What was taken out is kept, and put back into the criterion and the estimates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError
from .covariance import factors_from_theta, lower_triangular, theta_from_factors
from .lapack import cholesky, solve_triangular

#: A column counts as new when more than this fraction of its length is not explained by the earlier ones.
NEW_DIRECTION = 1e-9
#: Below this, Cholesky's squaring of the condition number costs digits and Householder's QR takes over.
SAFE_FOR_CHOLESKY = 1e-5
#: Above this, one pass of a step leaves nothing for a second one to correct.
ONCE_IS_ENOUGH = 0.05
#: A residual no longer than this fraction of the response is rounding.
NOTHING = 1e-14
NOTHING_LEFT = "The fixed part reproduces the response exactly: no variance is left to estimate."


@dataclass(frozen=True, eq=False)
class Term:
    """One random-effects term: columns `Z` (s, n) of unit mean square and orthogonal, where Z = Z̃R.

    `leading` if its columns are the first of X, as in `y ~ x + (x|g)`: then Z̃ is √n times the first of Q, and
    cross-products need not be summed twice.
    """

    codes: np.ndarray
    n_groups: int
    Z: np.ndarray
    R: np.ndarray
    leading: bool = False

    @property
    def size(self) -> int:
        return len(self.Z)


@dataclass(frozen=True, eq=False)
class Standardised:
    """The standardised arrays of a design, all with the square roots of the prior weights worked in.

    Attributes
    ----------
    Q : (p, n) array
        Orthonormal rows that span the columns of √w X.
    R : (p, p) array
        √w X = QᵀR.
    y : (n,) array
        The residual of √w(y − offset) on X, with unit mean square.
    coefficients : (p,) array
        What was taken out of y, in the basis Q.
    scale : float
        What y was divided by.
    terms : tuple of Term
    n : int
        Rows with a positive weight.
    log_weights : float
        Σ log w.
    """

    Q: np.ndarray
    R: np.ndarray
    y: np.ndarray
    coefficients: np.ndarray
    scale: float
    terms: tuple[Term, ...]
    n: int
    log_weights: float

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many coefficients vary in each term."""
        return tuple(term.size for term in self.terms)

    def df(self, reml: bool) -> int:
        """n − p for REML, n for maximum likelihood."""
        return self.n - len(self.Q) * reml

    def constant(self, reml: bool) -> float:
        """What standardising the design took out of the criterion."""
        log_R = np.log(np.abs(np.diag(self.R))).sum() if reml else 0.0
        return float(2.0 * log_R - self.log_weights)

    def factors(self, theta: np.ndarray) -> list[np.ndarray]:
        """The standardised terms' Λ, each (…, s, s), for θ of the data as they came, (…, n_theta)."""
        pairs = zip(self.terms, factors_from_theta(theta, self.sizes), strict=True)
        return [term.R @ Lambda for term, Lambda in pairs]

    def to_standard(self, theta: np.ndarray) -> np.ndarray:
        """The standard θ for θ of the data as they came, both (…, n_theta)."""
        return theta_from_factors([lower_triangular(Lambda) for Lambda in self.factors(theta)])

    def from_standard(self, theta: np.ndarray) -> np.ndarray:
        """θ of the data as they came for the standard θ, both (…, n_theta)."""
        pairs = zip(self.terms, factors_from_theta(theta, self.sizes), strict=True)
        return theta_from_factors([lower_triangular(np.linalg.solve(term.R, L)) for term, L in pairs])


def standardise(design) -> Standardised:
    """Bring a design to the common scale.

    Raises
    ------
    DataError
        The fixed part reproduces the response exactly, so that no variance is left to estimate.
    """
    return with_response(without_response(design), design, design.y)


def without_response(design) -> Standardised:
    """The standardised design with a response of zeros, for responses that are yet to come (`with_response`)."""
    w, root = design.weights, _root(design)
    Q, R = orthonormal(_columns(design.X, root))
    terms = tuple(
        _leading_term(block, Q, R) if _leads(block.Z, design.X) else standard_term(block, root)
        for block in design.blocks
    )
    used = w if root is None else w[w > 0]
    log_weights = 0.0 if root is None else float(np.log(used).sum())
    return Standardised(Q, R, np.zeros(len(w)), np.zeros(len(Q)), 1.0, terms, len(used), log_weights)


def with_response(data: Standardised, design, y: np.ndarray) -> Standardised:
    """The same standardised design with another response (n,), in the units of the data.

    Raises
    ------
    DataError
        As `standardise`.
    """
    residual, coefficients, scale = standard_responses(data, design, y[:, None])
    if np.isnan(scale[0]):
        raise DataError(NOTHING_LEFT + design.crowded)
    return replace(data, y=residual[:, 0], coefficients=coefficients[:, 0], scale=scale[0])


def standard_responses(
    data: Standardised, design, Y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Responses (n, B) on the scale of a design, what was taken out of them (p, B), and what they were divided by (B,).

    They are projected twice where digits were lost. The scale is NaN where the fixed part reproduces a response.
    """
    root, residual = _root(design), Y - design.offset[:, None]
    if root is not None:
        residual *= root[:, None]
    whole, coefficients = _squares(residual), data.Q @ residual
    residual -= data.Q.T @ coefficients
    left = _squares(residual)
    if not np.all(left > ONCE_IS_ENOUGH**2 * whole):
        second = data.Q @ residual
        residual -= data.Q.T @ second
        left, coefficients = _squares(residual), coefficients + second
    scale = np.sqrt(np.where(left > NOTHING**2 * whole, left / len(Y), np.nan))
    residual /= scale
    return residual, coefficients, scale


def _root(design) -> np.ndarray | None:
    """The square roots of the weights, None for ones."""
    return None if np.all(design.weights == 1.0) else np.sqrt(design.weights)


def scales(design) -> list[np.ndarray]:
    """For each block the R of Z = Z̃R, (s, s) upper triangular, Z̃ with columns of unit mean square."""
    root = _root(design)
    return [standard_term(block, root).R for block in design.blocks]


def _columns(matrix: np.ndarray, root: np.ndarray | None) -> np.ndarray:
    """(n, k) → (k, n), each column contiguous, times the square roots of the weights."""
    columns = np.ascontiguousarray(matrix.T, dtype=float)
    return columns if root is None else columns * root


def _leads(Z: np.ndarray, X: np.ndarray) -> bool:
    """Whether the columns of Z are the first of X, in the same order."""
    return Z is X or np.array_equal(Z, X[:, : Z.shape[1]])


def _leading_term(block, Q: np.ndarray, R: np.ndarray) -> Term:
    s, root_n = block.Z.shape[1], np.sqrt(len(block.Z))
    return Term(block.codes, len(block.levels), Q[:s] * root_n, R[:s, :s] / root_n, leading=True)


def standard_term(block, root: np.ndarray | None) -> Term:
    """A block's term, with the square roots of the weights worked in (None for ones)."""
    Z, R = _whiten(_columns(block.Z, root))
    return Term(block.codes, len(block.levels), Z, R)


def orthonormal(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal rows Q and the upper triangular R with columnsᵀ = QᵀR.

    Cholesky of the cross-products, twice where need be: as accurate as Householder's QR and much faster.
    """
    Q, R = _triangularise(columns)
    if np.all(np.abs(np.diag(R)) > ONCE_IS_ENOUGH * np.sqrt((R**2).sum(axis=0))):
        return Q, R
    Q, again = _triangularise(Q)
    return Q, again @ R


def _whiten(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Like `orthonormal` with rows of unit mean square; collinear columns are only scaled."""
    root_n = np.sqrt(columns.shape[1])
    length = np.sqrt(np.einsum("an,an->a", columns, columns)) / root_n
    length[length == 0.0] = 1.0
    if len(columns) > 1:
        Q, R = _triangularise(columns)
        if np.all(np.abs(np.diag(R)) > NEW_DIRECTION * length * root_n):
            return Q * root_n, R / root_n
    return columns / length[:, None], np.diag(length)


def _triangularise(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One pass: columnsᵀ = QᵀR with Q nearly orthonormal."""
    if not len(columns):
        return columns, np.empty((0, 0))
    gram = columns @ columns.T
    length = np.sqrt(np.diag(gram))
    length[length == 0.0] = 1.0
    try:
        R = cholesky(gram / np.outer(length, length)).T
    except np.linalg.LinAlgError:
        R = np.zeros_like(gram)
    if np.min(np.diag(R)) < SAFE_FOR_CHOLESKY:
        Q, R = np.linalg.qr(columns.T)
        return np.ascontiguousarray(Q.T), R
    R = R * length
    return solve_triangular(R, np.eye(len(R))).T @ columns, R


def _squares(columns: np.ndarray) -> np.ndarray:
    """The sum of squares of each column."""
    return np.einsum("nb,nb->b", columns, columns)
