"""The mixed-model equations as one sparse system, for crossed groups that meet few of each other.

Pupils and teachers by the thousand, each of whom meets few of the other: ΛᵀZᵀZΛ + I is factorised as it
is, in an order that keeps its factor sparse. SuperLU with symmetric pivoting is a sparse Cholesky in all
but name, and log|·| is the sum of its pivots' logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import block_diag, coo_matrix, csc_matrix, eye_array, kron
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import SuperLU, splu

from ..search.start import sparse_quadratic_forms, theta_from_forms
from ..standardise import Standardised, Term
from .selected import SelectedInverse, plan

#: Step of the central differences that stand in for a gradient whose plan would be too large.
STEP = 1e-4
#: Columns of the inverse solved for at once where there is no plan.
COLUMNS_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class SparseState:
    """The equations at one Λ; `log_determinant` and `Xy` as in `BlockedState`.

    Attributes
    ----------
    factors
        Each term's Λ.
    Lambda : sparse (m, m)
        The same for all groups of all terms, in the order of elimination.
    factorised : SuperLU
        ΛᵀZᵀZΛ + I.
    moved : sparse (m, m)
        ZᵀZΛ, on the pattern of ZᵀZ.
    half : (m, p + 1) array
        (ΛᵀZᵀZΛ + I)⁻¹ΛᵀZᵀ[X y].
    """

    factors: Sequence[np.ndarray]
    Lambda: csc_matrix
    moved: csc_matrix
    factorised: SuperLU
    half: np.ndarray
    log_determinant: float
    Xy: np.ndarray


@dataclass(frozen=True, eq=False)
class SparseSystem:
    """The mixed-model equations of one design, for any Λ.

    Attributes
    ----------
    terms : tuple of Term
    order : (m,) array
        The order in which the effects are eliminated; all of the below is in that order.
    products : sparse (m, m)
        ZᵀZ over all terms.
    border : (m, p + 1) array
        Zᵀ[X y].
    Xy : (p + 1, p + 1) array
        [X y]ᵀ[X y].
    n : int
        Rows of the data.
    inverse : SelectedInverse or None
        The plan for the entries of the inverse that gradients need.
    """

    terms: tuple[Term, ...]
    order: np.ndarray
    products: csc_matrix
    border: np.ndarray
    Xy: np.ndarray
    n: int
    inverse: SelectedInverse | None

    def start(self) -> np.ndarray:
        """A standard θ to start from."""
        sizes = [term.size for term in self.terms]
        member = np.zeros((len(self.order), sum(sizes)))
        for rows, size, first in zip(self.rows, sizes, np.cumsum([0, *sizes]), strict=False):
            for a in range(size):
                member[rows[a::size], first + a] = 1.0
        residual = np.array([self.n - len(self.Xy) + 1, self.Xy[-1, -1]])
        forms = sparse_quadratic_forms(self.products, self.border, member, residual)
        return theta_from_forms(*forms, self.n, sizes)

    def at(self, factors: Sequence[np.ndarray]) -> SparseState:
        """Solve for the standardised terms' Λ, each (s, s), triangular or not."""
        Lambda = _for_all_groups(self.terms, factors, self.order)
        moved = _columns_scaled(self.products, Lambda)
        factorised = factorise_sparse(_rows_scaled(moved, Lambda))
        right = Lambda.T @ self.border
        half = factorised.solve(right)
        log_determinant = float(np.log(np.abs(factorised.U.diagonal())).sum())
        Xy = np.linalg.cholesky(self.Xy - right.T @ half)
        return SparseState(factors, Lambda, moved, factorised, half, log_determinant, Xy)

    def gradients(self, state: SparseState, df: int, reml: bool) -> list[np.ndarray]:
        """The criterion's derivatives by each term's Λ.

        With F the derivative by the whole system and A that by [X y]ᵀV⁻¹[X y], the part of F that belongs
        to the group effects is H⁻¹ + half A halfᵀ, and the derivative by Λ is twice ZᵀZΛ F − Zᵀ[X y] A halfᵀ.
        """
        if self.inverse is None:
            return self._differences(state, df, reml)
        by_Xy = (state.moved @ state.half - self.border) @ _by_Xy(state.Xy, df, reml)
        inverse, gradients = self._inverse_data(state), []
        for k, rows in enumerate(self.rows):
            shape = (self.terms[k].n_groups, self.terms[k].size, -1)
            low_rank = np.einsum("jax,jbx->ab", by_Xy[rows].reshape(shape), state.half[rows].reshape(shape))
            gradients.append(2.0 * (low_rank + self._through(state.moved, k, inverse)))
        return gradients

    @cached_property
    def rows(self) -> list[np.ndarray]:
        """For each term its effects, group by group, in the order of elimination."""
        return places_of_effects(self.terms, self.order)

    def _inverse_data(self, state: SparseState) -> np.ndarray:
        return self.inverse.data(state.factorised.L, state.factorised.U.diagonal())

    def _through(self, moved: csc_matrix, k: int, inverse: np.ndarray) -> np.ndarray:
        """Σ over a term's groups of (ZᵀZΛ H⁻¹) on the diagonal: (s, s)."""
        size = self.terms[k].size
        total = np.empty((size, size))
        for a in range(size):
            entries, columns = self._entries[k][a]
            for b in range(size):
                total[a, b] = moved.data[entries] @ inverse[columns[b]]
        return total

    @cached_property
    def _entries(self) -> list[list[tuple[np.ndarray, list[np.ndarray]]]]:
        """For each term and coefficient its entries of ZᵀZΛ, whose pattern is that of ZᵀZ, and the places of
        the inverse's entries that each meets, one array for each coefficient of the same group."""
        columns = np.repeat(np.arange(len(self.order)), np.diff(self.products.indptr))
        rows = self.products.indices
        owner = np.empty((len(self.order), 3), dtype=np.int64)  # term, coefficient, group
        for k, (term, own) in enumerate(zip(self.terms, self.rows, strict=True)):
            effect = np.arange(len(own))
            owner[own] = np.column_stack([np.full(len(own), k), effect % term.size, effect // term.size])
        found = []
        for k, (term, own) in enumerate(zip(self.terms, self.rows, strict=True)):
            found.append([])
            for a in range(term.size):
                entries = np.flatnonzero((owner[rows, 0] == k) & (owner[rows, 1] == a))
                beside = [own[owner[rows[entries], 2] * term.size + b] for b in range(term.size)]
                places = [self.inverse.positions(columns[entries], other) for other in beside]
                found[k].append((entries, places))
        return found

    def _differences(self, state: SparseState, df: int, reml: bool) -> list[np.ndarray]:
        """The derivatives by central differences; of a triangle only those by its entries."""
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
        return by_term(state.Lambda @ (state.half[:, -1] - state.half[:, :-1] @ b), self.terms, self.rows)

    def covariances(self, state: SparseState) -> list[np.ndarray]:
        """Each term's covariances of the group effects given the data and b, over σ²: (s, s, J)."""
        if self.inverse is None:
            return [self._solved(state, k) for k in range(len(self.terms))]
        inverse, blocks = self._inverse_data(state), []
        for term, rows, Lambda in zip(self.terms, self.rows, state.factors, strict=True):
            within = self.inverse.diagonal_blocks(inverse, rows.reshape(-1, term.size))
            blocks.append(np.einsum("ab,jbc,dc->adj", Lambda, within, Lambda))
        return blocks

    def _solved(self, state: SparseState, k: int) -> np.ndarray:
        """A term's diagonal blocks of Λ(ΛᵀZᵀZΛ + I)⁻¹Λᵀ, some columns at a time. Slow."""
        s, blocks, Lambda = self.terms[k].size, [], state.Lambda.tocsr()
        width = max(1, COLUMNS_AT_ONCE // s) * s
        for first in range(0, len(self.rows[k]), width):
            own = Lambda[self.rows[k][first : first + width]]
            inverse = own @ state.factorised.solve(own.T.toarray())
            by_group = inverse.reshape(len(inverse) // s, s, len(inverse) // s, s)
            blocks.append(np.einsum("jajb->abj", by_group))
        return np.concatenate(blocks, axis=2)


def sparse_system(data: Standardised) -> SparseSystem:
    """The sparse equations of standardised data, with their order of elimination."""
    Z = regressors(data.terms, np.concatenate([term.Z for term in data.terms]))
    Xy = np.concatenate([data.Q, data.y[None]])
    products, border = csc_matrix(Z @ Z.T), Z @ Xy.T
    products.sort_indices()
    order = elimination_order(_anything(data.terms, products))
    products = products[order][:, order].tocsc()
    products.sort_indices()
    pattern = factorise_sparse(_anything(data.terms, products, order)).L
    return SparseSystem(data.terms, order, products, border[order], Xy @ Xy.T, data.n, plan(pattern))


def _anything(terms: Sequence[Term], products: csc_matrix, order: np.ndarray | None = None) -> csc_matrix:
    """The system for some Λ without zeros, for its pattern."""
    rng = np.random.default_rng(0)
    factors = [rng.uniform(0.5, 1.0, (term.size, term.size)) for term in terms]
    Lambda = _for_all_groups(terms, factors, order)
    return _rows_scaled(_columns_scaled(products, Lambda), Lambda)


def profile(products: csc_matrix) -> float:
    """A bound on the operations of a factorisation: Σ width² of the profile, well reordered."""
    order = reverse_cuthill_mckee(products, symmetric_mode=True)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    entries = products.tocoo()
    widths = np.zeros(len(order))
    np.maximum.at(widths, place[entries.row], place[entries.row] - place[entries.col])
    return float(widths @ widths)


def crossings(data: Standardised, finest: Term, crossed: Sequence[int]) -> csc_matrix:
    """How the crossed terms' groups are linked once the finest groups are eliminated: a sparse pattern."""
    stops = np.cumsum([0, *(data.terms[k].n_groups for k in crossed)])
    n = len(data.y)
    columns = np.concatenate([data.terms[k].codes + start for k, start in zip(crossed, stops, strict=False)])
    rows = np.tile(finest.codes, len(crossed))
    met = coo_matrix((np.ones(n * len(crossed)), (rows, columns)), shape=(finest.n_groups, stops[-1])).tocsr()
    return csc_matrix(met.T @ met)


def elimination_order(H) -> np.ndarray:
    """An order of the effects that keeps the factor of H sparse."""
    return np.argsort(factorise_sparse(H, "MMD_AT_PLUS_A").perm_c)


def factorise_sparse(H, order: str = "NATURAL") -> SuperLU:
    """LDLᵀ in all but name; panels of one column suit factors this sparse."""
    options = {"SymmetricMode": True}
    return splu(H, permc_spec=order, diag_pivot_thresh=0.0, relax=1, panel_size=1, options=options)


def _for_all_groups(
    terms: Sequence[Term], factors: Sequence[np.ndarray], order: np.ndarray | None
) -> csc_matrix:
    """Λ over all effects: a diagonal block for each group."""
    pairs = list(zip(terms, factors, strict=True))
    if all(term.size == 1 for term in terms):
        scalars = np.concatenate([np.full(term.n_groups, L[0, 0]) for term, L in pairs])
        scalars = scalars if order is None else scalars[order]
        return csc_matrix((scalars, np.arange(len(scalars)), np.arange(len(scalars) + 1)))
    Lambda = csc_matrix(block_diag([kron(eye_array(term.n_groups), L) for term, L in pairs]))
    return Lambda if order is None else Lambda[order][:, order].tocsc()


def _columns_scaled(products: csc_matrix, Lambda: csc_matrix) -> csc_matrix:
    """ZᵀZΛ on the pattern of ZᵀZ, which holds it: groups that meet do so with all their coefficients."""
    if _is_diagonal(Lambda):
        scalars = np.repeat(Lambda.diagonal(), np.diff(products.indptr))
        return csc_matrix((products.data * scalars, products.indices, products.indptr), shape=products.shape)
    moved = (products @ Lambda).tocoo()
    m = products.shape[0]
    known = np.repeat(np.arange(m, dtype=np.int64), np.diff(products.indptr)) * m + products.indices
    data = np.zeros(products.nnz)
    data[np.searchsorted(known, moved.col * np.int64(m) + moved.row)] = moved.data
    return csc_matrix((data, products.indices, products.indptr), shape=products.shape)


def _is_diagonal(Lambda: csc_matrix) -> bool:
    return np.array_equal(Lambda.indices, np.arange(Lambda.shape[0]))


def _rows_scaled(moved: csc_matrix, Lambda: csc_matrix) -> csc_matrix:
    """ΛᵀZᵀZΛ + I, from ZᵀZΛ."""
    m = Lambda.shape[0]
    if not _is_diagonal(Lambda):
        return csc_matrix(Lambda.T @ moved + eye_array(m))
    data = moved.data * Lambda.diagonal()[moved.indices]
    data[moved.indices == np.repeat(np.arange(m), np.diff(moved.indptr))] += 1.0
    return csc_matrix((data, moved.indices, moved.indptr), shape=moved.shape)


def _by_Xy(L: np.ndarray, df: int, reml: bool) -> np.ndarray:
    """The derivative of (log|XᵀV⁻¹X| +) df log r² by [X y]ᵀV⁻¹[X y], whose Cholesky factor is L."""
    inverse = np.linalg.inv(L @ L.T)
    v = inverse[:, -1] * L[-1, -1]
    return (inverse - np.outer(v, v)) * reml + df * np.outer(v, v)


def effect_numbers(terms: Sequence[Term]) -> list[np.ndarray]:
    """For each coefficient the (n,) effects that the rows have, counted term by term and group by group."""
    numbers, start = [], 0
    for term in terms:
        numbers += [start + term.codes * term.size + a for a in range(term.size)]
        start += term.n_groups * term.size
    return numbers


def regressors(terms: Sequence[Term], values: np.ndarray) -> csc_matrix:
    """Zᵀ over all terms, (m, n), from one row of `values` a coefficient."""
    m, n = sum(term.n_groups * term.size for term in terms), values.shape[1]
    rows, columns = np.concatenate(effect_numbers(terms)), np.tile(np.arange(n), len(values))
    return csc_matrix((values.ravel(), (rows, columns)), shape=(m, n))


def places_of_effects(terms: Sequence[Term], order: np.ndarray) -> list[np.ndarray]:
    """For each term its effects, group by group: their places in an order of elimination."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return np.split(place, np.cumsum([term.n_groups * term.size for term in terms])[:-1])


def by_term(vector: np.ndarray, terms: Sequence[Term], places: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A vector over all effects as one (s, J) array a term."""
    return [vector[own].reshape(-1, term.size).T for own, term in zip(places, terms, strict=True)]
