"""Quadrature for the coefficients that vary across one grouping factor: two rules, one for each need.

**Adaptive Gauss–Hermite.**

A group's likelihood is an integral over its effects u_j, s numbers. With P_j(u) the group's penalised
deviance, û_j its minimum and H_j = CCᵀ the curvature there, the nodes are u_jk = û_j + C⁻ᵀ z_k and

    −2 log L  =  Σ_j log|H_j| − 2 Σ_j log Σ_k ω_k exp(−P_j(u_jk)/2),      ω_k = w_k exp(|z_k|²/2)

for the nodes z_k and weights w_k of s independent standard normals: n of them in each direction (Pinheiro &
Chao 2006, J. Comput. Graph. Stat. 15, 58–81, section 4). One node is Laplace's approximation.

The nodes move with the parameters, through û_j and through H_j. With π_jk the share of node k in the sum,
B = C⁻ᵀ and N = Σ_k π_jk z_k (Bᵀ P_j′(u_jk))ᵀ, the derivative by H_j is B (I − ½ (N_L + N_Lᵀ)) Bᵀ, where N_L is
the lower triangle of N with half its diagonal. The rest is as in `laplace`, with sums over the nodes.

**A lattice.** With few 0/1 rows per group and SDs of 5 or more, the likelihood of several effects is nearly a
wedge, and Gauss–Hermite nodes, most of which lie far out, close in on its integral slowly. There equally spaced
nodes do better, whose error falls exponentially (Trefethen & Weideman 2014, SIAM Review 56, 385–458): from −w to w
SDs in each direction around each group's mean effects given the data. Where they lie matters next to nothing, so they
stay while a search goes on (`Placement`), and are placed anew where it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, cast

import numpy as np

from ..random.blocks import cholesky, multiply, solve_lower, sum_by_group, times_vectors, transpose
from ..random.effects import Effects
from ..random.pattern import Pattern
from .laplace import Approximation, Gradient, Sums, from_sums
from .pirls import Modes, Response

#: Nodes are taken together as long as their rows are no more than this.
AT_ONCE = 1 << 17
#: Terms whose logarithms differ by less than this can be told relative to one of them.
NEAR = 200.0

#: Most nodes in each direction.
MOST_NODES = 100
#: Of several coefficients, this many nodes in each direction or more make a lattice.
DENSE = 15
#: A lattice reaches this many SDs, times the fourth root of its steps: 4.3 with 15 nodes, 5.1 with 31.
REACH = 2.2
#: How often the nodes of a lattice are placed anew before they are taken to be in place.
PLACINGS = 4


@dataclass(frozen=True, eq=False)
class Rule:
    """Nodes of s standard normals, (s, K), and log ω_k = log w_k + |z_k|²/2; `n` of them in each direction.

    `placed` if they are a lattice, to be placed by means and covariances, rather than by modes and curvatures.
    """

    n: int
    nodes: np.ndarray
    log_weights: np.ndarray
    placed: bool = False


def rule_of(n: int, size: int) -> Rule:
    """The rule for `size` coefficients, n nodes in each direction."""
    return lattice(n, size) if is_lattice(n, size) else gauss_hermite(n, size)


def is_lattice(n: int, size: int) -> bool:
    """Whether n nodes in each of `size` directions are a lattice."""
    return size > 1 and n >= DENSE


@cache
def gauss_hermite(n: int, size: int = 1) -> Rule:
    """The rule with n nodes in each of `size` directions: exact for polynomials up to degree 2n − 1 in each."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    log_weights = np.log(weights) - 0.5 * np.log(2.0 * np.pi) + 0.5 * nodes**2
    return Rule(n, *_product(nodes, log_weights, size))


def lattice(n: int, size: int) -> Rule:
    """n equally spaced nodes in each of `size` directions; exact for the normal density itself."""
    reach = REACH * (n - 1) ** 0.25
    nodes = np.linspace(-reach, reach, n)
    log_weights = np.full(n, -np.log(np.sum(np.exp(-0.5 * nodes**2))))
    return Rule(n, *_product(nodes, log_weights, size), placed=True)


def _product(nodes: np.ndarray, log_weights: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    grid, parts = (np.meshgrid(*[one] * size, indexing="ij") for one in (nodes, log_weights))
    return np.array(grid).reshape(size, -1), np.ravel(sum(parts))


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a lattice lies: u = `center` + `root` z, (s, J) and (s, s, J)."""

    center: np.ndarray
    root: np.ndarray


@dataclass(frozen=True, eq=False)
class Integral:
    """−2 log L at one point.

    Attributes
    ----------
    value
    laplace
        The approximation with one node, whose modes and curvature place the nodes. Where a lattice stays, the
        last one.
    sums
        What the gradient needs of the nodes.
    placement
        Where a lattice lies; None for nodes that move.
    """

    value: float
    laplace: Approximation
    sums: Sums
    response: Response
    placement: Placement | None = None

    @property
    def modes(self) -> Modes:
        """The conditional modes."""
        return self.laplace.modes


def integrate(part: Pattern, at: Approximation, rule: Rule) -> Integral:
    """Integrate the groups' effects out, around their modes.

    Raises
    ------
    FloatingPointError
        The nodes take a mean out of the family's range.
    """
    response = at.response
    codes, z, modes = part.terms[0].codes, np.concatenate(at.Z), np.concatenate(at.modes.u)
    products = at.H.chain.levels[0].A
    if rule.placed:
        placement = Placement(modes, _roots(0.25 * products))
        for _ in range(PLACINGS):
            placement = summed(z, placement, codes, response, rule).placement(placement)
        return integrate_placed(part, at, rule, placement)
    B = _roots(products)
    totals = summed(z, Placement(modes, B), codes, response, rule)
    value = _value(totals, -0.5 * at.H.log_determinant, response)
    return Integral(value, at, _sums(part, at, B, totals), response)


def integrate_placed(part: Pattern, at: Approximation, rule: Rule, placement: Placement) -> Integral:
    """The same on a lattice that stays where it is; the modes of `at`, which need not belong to its Z̃, are handed on."""
    codes, z, response = part.terms[0].codes, np.concatenate(at.Z), at.response
    totals = summed(z, placement, codes, response, rule)
    score, by_effect, by_dispersion = totals.averages(placement, codes, response)
    nothing = [np.zeros_like(one) for one in at.Z]
    sums = Sums(score, _by_term(part, by_effect), part.nothing(), nothing, by_dispersion)
    log_volume = float(np.log(np.abs(np.linalg.det(placement.root.transpose(2, 0, 1)))).sum())
    value = _value(totals, log_volume, response)
    return Integral(value, at, sums, response, totals.placement(placement))


def _value(totals: _Totals, log_volume: float, response: Response) -> float:
    value = -2.0 * (np.sum(totals.log_total) + log_volume + response.constant)
    if not np.isfinite(value):
        raise FloatingPointError("A quadrature node takes a mean out of the family's range.")
    return float(value)


def gradient(part: Pattern, at: Integral) -> Gradient:
    """The derivatives of −2 log L; those of a lattice where it lies."""
    if at.placement is None:
        return from_sums(part, at.laplace, at.sums)
    by_factor = [-2.0 * term.Z @ effect.T for term, effect in zip(part.terms, at.sums.by_effect, strict=True)]
    return Gradient(by_factor, -2.0 * at.sums.score, -2.0 * at.sums.by_dispersion)


def _roots(products: np.ndarray) -> np.ndarray:
    """B = C⁻ᵀ of every group's products + I = CCᵀ, (s, s, J) upper triangular."""
    one = np.eye(len(products))[:, :, None]
    return transpose(solve_lower(cholesky(products + one), one))


class _Totals(NamedTuple):
    """Sums over the nodes seen so far, each relative to its group's `highest` log term.

    `total`, `by_node` (s, J) and `by_pair` (s, s, J) are of the terms, and of them times z and zzᵀ;
    `by_dispersion` (J,) of the terms times the derivative of the group's log density; `score` (n,) and
    `score_by_node` (s, n) of the terms times the rows' scores, and times z.
    """

    highest: np.ndarray
    total: np.ndarray
    by_node: np.ndarray
    by_pair: np.ndarray
    by_dispersion: np.ndarray
    score: np.ndarray
    score_by_node: np.ndarray

    @property
    def log_total(self) -> np.ndarray:
        """The log of each group's sum."""
        return self.highest + np.log(self.total)

    def placement(self, at: Placement) -> Placement:
        """Where a lattice belongs: around each group's mean effects, as far as their covariance.

        Where one node has all the weight there is no covariance to see, and the lattice stays as wide as it was.
        """
        mean = self.by_node / self.total
        with np.errstate(invalid="ignore", divide="ignore"):
            root = cholesky(self.by_pair / self.total - mean[:, None] * mean)
        seen = np.isfinite(root).all(axis=(0, 1))
        root = multiply(at.root, np.where(seen, root, np.eye(len(root))[:, :, None]))
        return Placement(at.center + times_vectors(at.root, mean), root)

    def averages(
        self, at: Placement, codes: np.ndarray, response: Response
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Over the nodes: each row's score, its score times the effects, and the slope by the dispersion."""
        total = self.total.take(codes)
        score, by_node = self.score / total, self.score_by_node / total
        by_effect = at.center.take(codes, axis=1) * score
        by_effect += times_vectors(at.root.take(codes, axis=2), by_node)
        slope = float(np.sum(self.by_dispersion / self.total)) + response.constant_by_dispersion
        return score, by_effect, slope

    def and_further(self, other: _Totals, codes: np.ndarray) -> _Totals:
        """The sums over these nodes and others, which may be added to these."""
        if other.highest is self.highest:
            for mine, theirs in zip(self[1:], other[1:], strict=True):
                mine += theirs
            return self
        highest = np.maximum(self.highest, other.highest)
        one, two = self._told_by(highest, codes), other._told_by(highest, codes)
        return _Totals(highest, *(mine + theirs for mine, theirs in zip(one, two, strict=True)))

    def _told_by(self, highest: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
        """All sums, relative to other terms."""
        factor = np.exp(self.highest - highest)
        by_row = factor.take(codes)
        return [factor * sums for sums in self[1:5]] + [by_row * sums for sums in self[5:]]


def summed(z: np.ndarray, at: Placement, codes: np.ndarray, response: Response, rule: Rule) -> _Totals:
    """Sums over all nodes, a few nodes at a time."""
    totals, highest, count = None, np.empty(0), max(1, AT_ONCE // z.shape[1])
    for few in (slice(k, k + count) for k in range(0, len(rule.log_weights), count)):
        more = _over(rule.nodes[:, few], rule.log_weights[few], z, at, codes, response, highest)
        totals = more if totals is None else totals.and_further(more, codes)
        highest = totals.highest
    return cast(_Totals, totals)


def _over(
    nodes, log_weights, z: np.ndarray, at: Placement, codes: np.ndarray, response: Response, known: np.ndarray
) -> _Totals:
    """Sums over some nodes, relative to the `known` highest terms of others where those are near enough."""
    family, y, weights, n_groups = response.family, response.y, response.weights, at.center.shape[1]
    u = at.center[:, None] + np.einsum("abj,bk->akj", at.root, nodes)
    eta = response.population + sum(a * b for a, b in zip(z, u.take(codes, axis=2), strict=True))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mu, score, _ = family.working(y, eta, weights)
        density = sum_by_group(weights * family.kernels(y, mu), codes, n_groups)
    terms = log_weights[:, None] + density - 0.5 * np.sum(u**2, axis=0)
    highest = terms.max(axis=0)
    if not np.all(np.isfinite(terms)):
        raise FloatingPointError("A quadrature node takes a mean out of the family's range.")
    if len(known) and np.all(np.abs(highest - known) < NEAR):
        highest = known
    terms = np.exp(terms - highest)
    score *= terms.take(codes, axis=1)
    by_dispersion = np.zeros(n_groups)
    if family.has_dispersion:
        by_row = family.loglik_by_dispersion(y, mu, weights)
        by_dispersion = np.sum(terms * sum_by_group(by_row, codes, n_groups), axis=0)
    return _Totals(
        highest,
        terms.sum(axis=0),
        nodes @ terms,
        (nodes[:, None] * nodes) @ terms,
        by_dispersion,
        score.sum(axis=0),
        nodes @ score,
    )


def _sums(part: Pattern, at: Approximation, B: np.ndarray, totals: _Totals) -> Sums:
    """The sums over moving nodes that the gradient needs, term by term."""
    codes, z, u = part.terms[0].codes, np.concatenate(at.Z), np.concatenate(at.modes.u)
    node, pair, n_groups = totals.by_node / totals.total, totals.by_pair / totals.total, len(totals.total)
    score, by_effect, by_dispersion = totals.averages(Placement(u, B), codes, at.response)
    pull = u + times_vectors(B, node) - sum_by_group(z * score, codes, n_groups)
    # N[a, b] = 2 Σ_k π z_a (Bᵀ(u_k − Σ_i z̃_i s_ik))_b
    inner = node[:, None] * u + multiply(pair, transpose(B))
    inner -= sum_by_group((totals.score_by_node / totals.total.take(codes))[:, None] * z, codes, n_groups)
    one = np.eye(len(z))
    half = 2.0 * multiply(inner, B) * _lower(len(z))[:, :, None]
    curved = one[:, :, None] - 0.5 * (half + transpose(half))
    G = multiply(multiply(B, curved), transpose(B))
    spread = times_vectors(G.take(codes, axis=2), z)
    effects, pulls, spreads = (_by_term(part, values) for values in (by_effect, pull, spread))
    return Sums(score, effects, pulls, spreads, by_dispersion)


@cache
def _lower(size: int) -> np.ndarray:
    """What takes the lower triangle with half its diagonal."""
    return np.tril(np.ones((size, size))) - 0.5 * np.eye(size)


def _by_term(part: Pattern, values: np.ndarray) -> Effects:
    if len(part.terms) == 1:
        return [values]
    return list(np.split(values, np.cumsum(part.sizes)[:-1]))
