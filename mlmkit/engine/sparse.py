"""The mixed-model equations as one sparse system, for more crossed groups than a dense matrix can hold.

Pupils and teachers by the hundred thousand, who each meet few of the other: ΛᵀZᵀZΛ + I is factorised as it
is. SuperLU with symmetric pivoting is a sparse Cholesky in all but name, and log|·| is the sum of its
pivots' logarithms. It gives no inverse at the cells that a gradient needs, so derivatives are differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import block_diag, csc_matrix, eye_array, kron
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import SuperLU, splu

from .covariance import theta_from_factors
from .standardise import Standardised, Term

#: Step of the central differences; columns of the inverse computed at once.
STEP, COLUMNS_AT_ONCE = 1e-4, 256


@dataclass(frozen=True, eq=False)
class SparseState:
    """The equations at one Λ; the attributes as in `BlockedState`."""

    factors: Sequence[np.ndarray]
    Lambda: csc_matrix
    factorised: SuperLU
    log_determinant: float
    Xy: np.ndarray


@dataclass(frozen=True, eq=False)
class SparseSystem:
    """The mixed-model equations of one design, for any Λ.

    Attributes
    ----------
    terms : tuple of Term
    products : sparse (m, m)
        ZᵀZ over all terms, each term group by group.
    border : (m, p + 1) array
        Zᵀ[X y].
    Xy : (p + 1, p + 1) array
        [X y]ᵀ[X y].
    """

    terms: tuple[Term, ...]
    products: csc_matrix
    border: np.ndarray
    Xy: np.ndarray

    @property
    def work(self) -> float:
        """A bound on the operations of one factorisation: Σ width² of its profile, well reordered."""
        order = reverse_cuthill_mckee(self.products, symmetric_mode=True)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        entries = self.products.tocoo()
        widths = np.zeros(len(order))
        np.maximum.at(widths, place[entries.row], place[entries.row] - place[entries.col])
        return float(widths @ widths)

    def start(self) -> np.ndarray:
        """A standard θ to start from: every SD as large as the residual's."""
        return theta_from_factors([np.eye(term.size) for term in self.terms])

    def at(self, factors: Sequence[np.ndarray]) -> SparseState:
        """Solve for the standardised terms' Λ, each (s, s), triangular or not."""
        pairs = zip(self.terms, factors, strict=True)
        Lambda = csc_matrix(block_diag([kron(eye_array(term.n_groups), L) for term, L in pairs]))
        H = (Lambda.T @ self.products @ Lambda + eye_array(Lambda.shape[0])).tocsc()
        factorised = splu(
            H, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )
        right = Lambda.T @ self.border
        left = self.Xy - right.T @ factorised.solve(right)
        log_determinant = float(np.log(np.abs(factorised.U.diagonal())).sum())
        return SparseState(factors, Lambda, factorised, log_determinant, np.linalg.cholesky(left))

    def gradients(self, state: SparseState, df: int, reml: bool) -> list[np.ndarray]:
        """The criterion's derivatives by each term's Λ, by central differences; of a triangle only those."""
        gradients = [np.zeros_like(Lambda) for Lambda in state.factors]
        for k, Lambda in enumerate(state.factors):
            whole = np.triu(Lambda, 1).any()
            for a, b in np.argwhere(np.ones_like(Lambda) if whole else np.tri(len(Lambda))):
                h = STEP * max(1.0, abs(Lambda[a, b]))
                up, down = (self._moved(state, k, a, b, step, df, reml) for step in (h, -h))
                gradients[k][a, b] = (up - down) / (2.0 * h)
        return gradients

    def _moved(self, state: SparseState, k: int, a: int, b: int, step: float, df: int, reml: bool) -> float:
        factors = [Lambda.copy() for Lambda in state.factors]
        factors[k][a, b] += step
        moved = self.at(factors)
        pivots = np.log(np.diagonal(moved.Xy))
        return moved.log_determinant + 2.0 * (pivots[:-1].sum() * reml + df * pivots[-1])

    def effects(self, state: SparseState, b: np.ndarray) -> list[np.ndarray]:
        """Each term's conditional modes, (s, J), given b."""
        right = state.Lambda.T @ (self.border[:, -1] - self.border[:, :-1] @ b)
        modes = state.Lambda @ state.factorised.solve(right)
        parts = np.split(modes, np.cumsum([term.n_groups * term.size for term in self.terms])[:-1])
        return [part.reshape(-1, term.size).T for part, term in zip(parts, self.terms, strict=True)]

    def covariances(self, state: SparseState) -> list[np.ndarray]:
        """Each term's covariances of the group effects given the data and b, over σ²: (s, s, J). Slow."""
        covariances, start = [], 0
        for term in self.terms:
            stop = start + term.n_groups * term.size
            covariances.append(self._blocks(state, term, start, stop))
            start = stop
        return covariances

    def _blocks(self, state: SparseState, term: Term, start: int, stop: int) -> np.ndarray:
        """A term's diagonal blocks of Λ(ΛᵀZᵀZΛ + I)⁻¹Λᵀ, some columns at a time."""
        s, blocks = term.size, []
        width = max(1, COLUMNS_AT_ONCE // s) * s
        rows = state.Lambda.tocsr()
        for first in range(start, stop, width):
            own = rows[first : min(first + width, stop)]
            inverse = own @ state.factorised.solve(own.T.toarray())
            by_group = inverse.reshape(len(inverse) // s, s, len(inverse) // s, s)
            blocks.append(np.einsum("jajb->abj", by_group))
        return np.concatenate(blocks, axis=2)


def sparse_system(data: Standardised) -> SparseSystem:
    """The sparse equations of standardised data."""
    Z = _regressors(data)
    Xy = np.concatenate([data.Q, data.y[None]])
    return SparseSystem(data.terms, csc_matrix(Z @ Z.T), Z @ Xy.T, Xy @ Xy.T)


def _regressors(data: Standardised) -> csc_matrix:
    """Zᵀ over all terms, (m, n)."""
    n, rows, start = len(data.y), [], 0
    for term in data.terms:
        rows += [start + term.codes * term.size + a for a in range(term.size)]
        start += term.n_groups * term.size
    values = np.concatenate([row for term in data.terms for row in term.Z])
    columns = np.tile(np.arange(n), len(rows))
    return csc_matrix((values, (np.concatenate(rows), columns)), shape=(start, n))
