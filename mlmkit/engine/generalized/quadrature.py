"""Adaptive Gauss–Hermite quadrature for the coefficients that vary across one grouping factor.

A group's likelihood is an integral over its effects u_j, s numbers. With P_j(u) the group's penalised
deviance, û_j its minimum and H_j = CCᵀ the curvature there, the nodes are u_jk = û_j + C⁻ᵀ z_k and

    −2 log L  =  Σ_j log|H_j| − 2 Σ_j log Σ_k ω_k exp(−P_j(u_jk)/2),      ω_k = w_k exp(|z_k|²/2)

for the nodes z_k and weights w_k of s independent standard normals: n of them in each direction (Pinheiro &
Chao 2006, J. Comput. Graph. Stat. 15, 58–81, section 4). One node is Laplace's approximation.

The nodes move with the parameters, through û_j and through H_j. With π_jk the share of node k in the sum,
B = C⁻ᵀ and N = Σ_k π_jk z_k (Bᵀ P_j′(u_jk))ᵀ, the derivative by H_j is B (I − ½ (N_L + N_Lᵀ)) Bᵀ, where N_L is
the lower triangle of N with half its diagonal. The rest is as in `laplace`, with sums over the nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..random.blocks import group_squares, sum_by_group
from ..random.effects import Effects
from ..random.random_part import RandomPart
from .laplace import Approximation, Gradient, Sums, approximate, from_sums
from .pirls import Modes, Response

#: Nodes are taken together as long as their rows are no more than this.
AT_ONCE = 1 << 17


@dataclass(frozen=True, eq=False)
class Rule:
    """Nodes of s standard normals, (s, K), and log ω_k = log w_k + |z_k|²/2; `n` of them in each direction."""

    n: int
    nodes: np.ndarray
    log_weights: np.ndarray


def gauss_hermite(n: int, size: int = 1) -> Rule:
    """The rule with n nodes in each of `size` directions: exact for polynomials up to degree 2n − 1 in each."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    log_weights = np.log(weights) - 0.5 * np.log(2.0 * np.pi) + 0.5 * nodes**2
    grid = np.meshgrid(*[nodes] * size, indexing="ij")
    total = sum(np.meshgrid(*[log_weights] * size, indexing="ij"))
    return Rule(n, np.array([axis.ravel() for axis in grid]), np.ravel(total))


@dataclass(frozen=True, eq=False)
class Integral:
    """−2 log L at one point.

    Attributes
    ----------
    value
    laplace
        The approximation with one node, whose modes and curvature place the nodes.
    sums
        What the gradient needs of the nodes.
    """

    value: float
    laplace: Approximation
    sums: Sums

    @property
    def modes(self) -> Modes:
        """The conditional modes the nodes are placed around."""
        return self.laplace.modes

    @property
    def response(self) -> Response:
        return self.laplace.response


def integrate(
    part: RandomPart, factors: Sequence[np.ndarray], response: Response, start: Effects, rule: Rule
) -> Integral:
    """Integrate the groups' effects out, the modes sought from `start`.

    Raises
    ------
    FloatingPointError
        The modes were not found, or the nodes around them take a mean out of the family's range.
    """
    at = approximate(part, factors, response, start)
    codes, n_groups, z = part.terms[0].codes, part.terms[0].n_groups, np.concatenate(at.Z)
    B = _roots(z, at.information, codes, n_groups)
    nodes = _Nodes(z, np.concatenate(at.modes.u), B, codes, response)
    totals = nodes.summed(rule)
    value = -2.0 * (
        np.sum(totals.log_total + np.log(np.einsum("ssj->sj", B)).sum(axis=0)) + response.constant
    )
    if not np.isfinite(value):
        raise FloatingPointError("A quadrature node takes a mean out of the family's range.")
    return Integral(float(value), at, _sums(part, at, B, totals))


def gradient(part: RandomPart, X: np.ndarray, at: Integral) -> Gradient:
    """The derivatives of −2 log L."""
    return from_sums(part, X, at.laplace, at.sums)


def _roots(z: np.ndarray, information: np.ndarray, codes: np.ndarray, n_groups: int) -> np.ndarray:
    """B = C⁻ᵀ of every group's H = CCᵀ, (s, s, J) upper triangular."""
    H = group_squares(z * np.sqrt(np.abs(information)), codes, n_groups)
    if np.any(information < 0.0):
        H = np.array([[np.bincount(codes, information * a * b, n_groups) for b in z] for a in z])
    H = H.transpose(2, 0, 1) + np.eye(len(z))
    try:
        return np.linalg.inv(np.linalg.cholesky(H)).transpose(2, 1, 0)
    except np.linalg.LinAlgError:
        raise FloatingPointError("The curvature at some group's modes is not positive definite.") from None


@dataclass
class _Totals:
    """Sums over the nodes seen so far, each relative to its group's `highest` log term.

    `total`, `by_node` (s, J) and `by_pair` (s, s, J) are of the terms, and of them times z and zzᵀ; `score`
    (n,) and `score_by_node` (s, n) of the terms times the rows' scores, and times z; `by_dispersion` (J,) of
    the terms times the derivative of the group's log density.
    """

    highest: np.ndarray
    total: np.ndarray
    by_node: np.ndarray
    by_pair: np.ndarray
    score: np.ndarray
    score_by_node: np.ndarray
    by_dispersion: np.ndarray

    @property
    def log_total(self) -> np.ndarray:
        """The log of each group's sum."""
        return self.highest + np.log(self.total)

    def raise_to(self, highest: np.ndarray, codes: np.ndarray) -> None:
        """Make everything relative to a higher term."""
        factor = np.exp(self.highest - highest)
        by_row = factor[codes]
        for name in ("total", "by_node", "by_pair", "by_dispersion"):
            setattr(self, name, getattr(self, name) * factor)
        self.score, self.score_by_node = self.score * by_row, self.score_by_node * by_row
        self.highest = highest


@dataclass(frozen=True, eq=False)
class _Nodes:
    """The nodes of every group, u = û + B z, and the rows' log densities there."""

    z: np.ndarray
    modes: np.ndarray
    B: np.ndarray
    codes: np.ndarray
    response: Response

    def summed(self, rule: Rule) -> _Totals:
        """Sums over all nodes, a few nodes at a time."""
        (s, n), n_groups = self.z.shape, self.modes.shape[1]
        totals = _Totals(
            np.full(n_groups, -np.inf), np.zeros(n_groups), np.zeros((s, n_groups)), np.zeros((s, s, n_groups)),
            np.zeros(n), np.zeros((s, n)), np.zeros(n_groups),
        )  # fmt: skip
        for nodes, log_weights in _few(rule, max(1, AT_ONCE // n)):
            self._add(totals, nodes, log_weights)
        return totals

    def _add(self, totals: _Totals, nodes: np.ndarray, log_weights: np.ndarray) -> None:
        response, n_groups = self.response, self.modes.shape[1]
        family, y, weights = response.family, response.y, response.weights
        u = self.modes[:, None] + np.einsum("abj,bk->akj", self.B, nodes)
        eta = response.population + sum(z * one[:, self.codes] for z, one in zip(self.z, u, strict=True))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            mu, score, _ = family.working(y, eta, weights)
            density = sum_by_group(weights * family.kernels(y, mu), self.codes, n_groups)
        terms = log_weights[:, None] + density - 0.5 * np.sum(u**2, axis=0)
        if not np.all(np.isfinite(terms)):
            raise FloatingPointError("A quadrature node takes a mean out of the family's range.")
        totals.raise_to(np.maximum(totals.highest, terms.max(axis=0)), self.codes)
        terms = np.exp(terms - totals.highest)
        score *= terms[:, self.codes]
        totals.total += terms.sum(axis=0)
        totals.by_node += nodes @ terms
        totals.by_pair += np.einsum("ak,bk,kj->abj", nodes, nodes, terms)
        totals.score += score.sum(axis=0)
        totals.score_by_node += nodes @ score
        if family.has_dispersion:
            by_row = family.loglik_by_dispersion(y, mu, weights)
            totals.by_dispersion += np.sum(terms * sum_by_group(by_row, self.codes, n_groups), axis=0)


def _few(rule: Rule, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(rule.log_weights), count):
        yield rule.nodes[:, start : start + count], rule.log_weights[start : start + count]


def _sums(part: RandomPart, at: Approximation, B: np.ndarray, totals: _Totals) -> Sums:
    """The sums over the nodes that the gradient needs, term by term."""
    codes, z, u = part.terms[0].codes, np.concatenate(at.Z), np.concatenate(at.modes.u)
    node, pair = totals.by_node / totals.total, totals.by_pair / totals.total
    by_row = totals.total[codes]
    score, score_by_node = totals.score / by_row, totals.score_by_node / by_row
    by_effect = u[:, codes] * score + np.einsum("abn,bn->an", B[:, :, codes], score_by_node)
    n_groups = len(totals.total)
    pull = u + np.einsum("abj,bj->aj", B, node) - sum_by_group(z * score, codes, n_groups)
    # N[a, b] = 2 Σ_k π z_a (Bᵀ(u_k − Σ_i z̃_i s_ik))_b
    inner = np.einsum("aj,cj->acj", node, u) + np.einsum("abj,cbj->acj", pair, B)
    inner -= sum_by_group(score_by_node[:, None] * z, codes, n_groups)
    N = 2.0 * np.einsum("acj,cbj->abj", inner, B)
    lower = np.tril(N.transpose(2, 0, 1), -1).transpose(1, 2, 0)
    symmetric = lower + lower.swapaxes(0, 1) + np.einsum("ab,abj->abj", np.eye(len(z)), N)
    G = np.einsum("abj,bcj,dcj->adj", B, np.eye(len(z))[:, :, None] - 0.5 * symmetric, B)
    spread = np.einsum("abn,bn->an", G[:, :, codes], z)
    by_dispersion = float(np.sum(totals.by_dispersion / totals.total)) + at.response.constant_by_dispersion
    stops = np.cumsum(part.sizes)[:-1]
    split = (list(np.split(values, stops)) for values in (by_effect, pull, spread))
    return Sums(score, *split, by_dispersion)
