"""Weighted normal equations of the random part: factorised, solved, and inverted where it matters.

H = Z̃ᵀWZ̃ + I is eliminated along the chain of nested groupings, and the crossed terms are left in one dense
matrix, as for a linear mixed model. See `weighted_sparse` for crossed groups that meet few of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotrf, dpotri

from ..standardise import Standardised
from .blocks import posterior_spread, sum_by_group
from .border import DenseBorder
from .effects import Effects, RandomTerms, row_products
from .elimination import Eliminated, Elimination, eliminate, inverse_on_pattern
from .equations import NormalEquations, normal_equations

NOT_POSITIVE = "The curvature at the group effects is not positive definite."


@dataclass(frozen=True, eq=False)
class BlockedPart(RandomTerms):
    """The random terms of a design and the pattern of their cross-products.

    Attributes
    ----------
    pattern
        Normal equations of which only the arrangement matters here.
    columns, cells
        For each crossed coefficient (its term, its place there) two (n,) arrays: each row's column in the
        tail, and the place of that cross-product in the border of the finest groups.
    """

    pattern: NormalEquations
    columns: dict[tuple[int, int], np.ndarray]
    cells: dict[tuple[int, int], np.ndarray]

    @property
    def chain(self) -> list[int]:
        """The terms of the chain, finest level first."""
        return [k for level in self.pattern.levels for k in level.terms]

    @property
    def crossed(self) -> list[tuple[int, int]]:
        """The crossed coefficients: the term and the place in it."""
        return list(self.columns)

    def factorise(self, Z: Effects, weights: np.ndarray) -> Factorised:
        """Factorise H = Z̃ᵀWZ̃ + I.

        Raises
        ------
        FloatingPointError
            H is not positive definite to working precision.
        """
        z = np.concatenate([Z[k] for k in self.chain])
        weighted = z * weights
        finest = self.pattern.levels[0]
        products = np.empty((len(z), len(z), finest.n_groups))
        for a, row in enumerate(weighted):
            for b in range(a + 1):
                products[a, b] = products[b, a] = np.bincount(finest.codes, row * z[b], finest.n_groups)
        chain = _eliminated(self, Z, weights, weighted, products)
        L, failed = chain.tail, 0
        if self.crossed:
            L, failed = dpotrf(chain.tail + np.eye(len(chain.tail)), lower=1, clean=1)
        if failed or not np.isfinite(chain.log_determinant):
            raise FloatingPointError(NOT_POSITIVE)
        return Factorised(self, chain, L)


def blocked_part(data: Standardised, groups: Sequence[str], split) -> BlockedPart:
    """The pattern of terms split into a chain and crossed ones by `split_terms`."""
    pattern = normal_equations(data, groups, split)
    columns = {
        (one.term, a): one.columns.start + data.terms[one.term].codes * one.size + a
        for one in pattern.crossed
        for a in range(one.size)
    }
    cells = {key: _cells(pattern, column) for key, column in columns.items()}
    return BlockedPart(data.terms, pattern, columns, cells)


def _cells(pattern: NormalEquations, column: np.ndarray) -> np.ndarray:
    finest, border = pattern.levels[0], pattern.border
    if isinstance(border, DenseBorder):
        return column * finest.n_groups + finest.codes
    known = border.pattern.group * pattern.n_crossed + border.pattern.column
    return np.searchsorted(known, finest.codes * pattern.n_crossed + column)


@dataclass(frozen=True, eq=False)
class Factorised:
    """H with its chain eliminated, and the Cholesky factor L of what is left for the crossed effects."""

    part: BlockedPart
    chain: Elimination
    L: np.ndarray

    @property
    def log_determinant(self) -> float:
        """log|H|."""
        return self.chain.log_determinant + 2.0 * float(np.log(np.diagonal(self.L)).sum())

    def solve(self, right: Effects) -> Effects:
        """H⁻¹ right: forward through the levels to the crossed effects, and back."""
        levels, n_crossed = self.part.pattern.levels, len(self.L)
        own = [np.concatenate([right[k] for k in level.terms]) for level in levels]
        crossed = _flattened(self.part, right)
        carried = None
        for position, (level, done) in enumerate(zip(levels, self.chain.levels, strict=True)):
            if carried is not None:
                own[position] = own[position] + carried[: level.size]
                carried = carried[level.size :]
            step = np.einsum("abj,bj->aj", done.W, own[position])
            if n_crossed:
                crossed -= done.B.transposed_times(step)
            if level.parent is not None:
                above = -np.einsum("abj,aj->bj", done.U, step) + (0.0 if carried is None else carried)
                carried = sum_by_group(above, level.parent, levels[position + 1].n_groups)
        return self._back(own, cho_solve((self.L, True), crossed) if n_crossed else crossed)

    def _back(self, own: list[np.ndarray], crossed: np.ndarray) -> Effects:
        """Given the crossed effects and everything coarser, a group's are W times what is left for them."""
        levels, effects = self.part.pattern.levels, _unflattened(self.part, crossed)
        coarser = None
        steps = zip(reversed(levels), reversed(self.chain.levels), reversed(own), strict=True)
        for level, done, left in steps:
            if len(crossed):
                left = left - done.B.times_vector(crossed)
            if level.parent is not None:
                coarser = coarser[:, level.parent]
                left = left - np.einsum("abj,bj->aj", done.U, coarser)
            solved = np.einsum("abj,bj->aj", done.W, left)
            coarser = solved if coarser is None else np.concatenate([solved, coarser])
            start = 0
            for k in level.terms:
                effects[k] = solved[start : start + len(self.part.terms[k].Z)]
                start += len(self.part.terms[k].Z)
        return [effects[k] for k in range(len(self.part.terms))]

    def inverse_by_row(self, Z: Effects) -> Effects:
        """H⁻¹z̃ of each row at the row's own groups, (s, n) a term.

        Only the entries of H⁻¹ where H has some are needed, and only they are computed.
        """
        part, z = self.part, np.concatenate([Z[k] for k in self.part.chain])
        F = _inverse(self.L)
        blocks = inverse_on_pattern(part.pattern, self.chain, F)[0]
        codes = part.pattern.levels[0].codes
        own = np.array([row_products(row.take(codes, axis=1), z) for row in blocks.products])
        result = {}
        if part.crossed:
            beside = blocks.border.values.reshape(len(z), -1)
            for (k, a), cell in part.cells.items():
                between = beside[:, cell]
                own += between * Z[k][a]
                result[k, a] = row_products(between, z) + sum(
                    F[part.columns[k, a], part.columns[m, b]] * Z[m][b] for m, b in part.crossed
                )
        stops = np.cumsum([len(Z[k]) for k in part.chain])[:-1]
        whole = dict(zip(part.chain, np.split(own, stops), strict=True))
        for k, _ in part.crossed:
            whole[k] = np.array([result[k, a] for a in range(len(Z[k]))])
        return [whole[k] for k in range(len(Z))]

    def inverse_by_group(self) -> Effects:
        """The diagonal blocks of H⁻¹, (s, s, J) a term."""
        part, F = self.part, _inverse(self.L)
        blocks = {}
        for one in part.pattern.crossed:
            whole = F[one.columns, one.columns].reshape(one.n_groups, one.size, one.n_groups, one.size)
            blocks[one.term] = np.einsum("jajb->abj", whole)
        inverses = inverse_on_pattern(part.pattern, self.chain, F)
        for level, inverse in zip(part.pattern.levels, inverses, strict=True):
            start = 0
            for k in level.terms:
                stop = start + len(part.terms[k].Z)
                blocks[k] = inverse.products[start:stop, start:stop]
                start = stop
        return [blocks[k] for k in range(len(part.terms))]


def _inverse(L: np.ndarray) -> np.ndarray:
    if not len(L):
        return L
    half = dpotri(L, lower=1)[0]
    return np.tril(half) + np.tril(half, -1).T


def _flattened(part: BlockedPart, effects: Effects) -> np.ndarray:
    """The crossed effects in the order of the tail."""
    return np.concatenate([np.zeros(0), *(effects[one.term].T.ravel() for one in part.pattern.crossed)])


def _unflattened(part: BlockedPart, tail: np.ndarray) -> dict[int, np.ndarray]:
    return {one.term: tail[one.columns].reshape(one.n_groups, one.size).T for one in part.pattern.crossed}


def _eliminated(
    part: BlockedPart, Z: Effects, weights, weighted: np.ndarray, products: np.ndarray
) -> Elimination:
    """The chain eliminated; a single grouping is no more than its own blocks."""
    levels = part.pattern.levels
    with np.errstate(invalid="ignore", divide="ignore"):
        if len(levels) == 1 and not part.crossed:
            W, log_determinant = posterior_spread(products, np.eye(len(products)))
            nothing = np.empty((len(products), 0, products.shape[2]))
            only = Eliminated(products, nothing, DenseBorder(nothing), W)
            return Elimination((only,), np.empty((0, 0)), log_determinant)
        border, tail = _border(part, Z, weighted), _tail(part, Z, weights)
        equations = replace(part.pattern, products=products, border=border, tail=tail)
        return eliminate(equations, [np.eye(level.size) for level in levels])


def _border(part: BlockedPart, Z: Effects, weighted: np.ndarray):
    """Cross-products of the finest groups' regressors with the crossed ones."""
    border = part.pattern.border
    if not part.crossed:
        return DenseBorder(np.empty((len(weighted), 0, part.pattern.levels[0].n_groups)))
    dense = isinstance(border, DenseBorder)
    shape = (part.pattern.n_crossed, part.pattern.levels[0].n_groups) if dense else border.values.shape[1:]
    values = np.zeros((len(weighted), int(np.prod(shape))))
    for (k, b), cell in part.cells.items():
        for total, row in zip(values, weighted, strict=True):
            total += np.bincount(cell, row * Z[k][b], values.shape[1])
    if dense:
        return DenseBorder(values.reshape(-1, *shape))
    no_columns = np.empty((len(weighted), 0, part.pattern.levels[0].n_groups))
    return replace(border, values=values, dense=no_columns, pairs=None)


def _tail(part: BlockedPart, Z: Effects, weights: np.ndarray) -> np.ndarray:
    """Cross-products of the crossed regressors with each other."""
    d = part.pattern.n_crossed
    tail = np.zeros(d * d)
    for k, a in part.crossed:
        row = weights * Z[k][a]
        for m, b in part.crossed:
            place = part.columns[k, a] * d + part.columns[m, b]
            tail += np.bincount(place, row * Z[m][b], d * d)
    return tail.reshape(d, d)
