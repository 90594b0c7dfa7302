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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..random.blocks import cholesky, group_squares, sum_by_group
from ..random.effects import Effects
from ..random.pattern import Pattern
from .laplace import Approximation, Gradient, Sums, approximate, from_sums
from .pirls import Modes, Response

#: Nodes are taken together as long as their rows are no more than this.
AT_ONCE = 1 << 17


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
    grid = np.meshgrid(*[nodes] * size, indexing="ij")
    total = sum(np.meshgrid(*[log_weights] * size, indexing="ij"))
    return np.array([axis.ravel() for axis in grid]), np.ravel(total)


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


def integrate(
    part: Pattern, factors: Sequence[np.ndarray], response: Response, start: Effects, rule: Rule
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
    modes = np.concatenate(at.modes.u)
    if rule.placed:
        wide = _roots(z, 0.25 * at.information, codes, n_groups)
        placement = Placement(modes, wide)
        for _ in range(PLACINGS):
            placement = _summed(z, placement, codes, response, rule).placement(placement)
        return integrate_placed(part, at, response, rule, placement)
    totals = _summed(z, Placement(modes, B), codes, response, rule)
    value = _value(totals, B, response)
    return Integral(value, at, _sums(part, at, B, totals), response)


def integrate_placed(
    part: Pattern, at: Approximation, response: Response, rule: Rule, placement: Placement
) -> Integral:
    """The same on a lattice that stays where it is.

    Parameters
    ----------
    at
        Its Z̃ is the one taken; its modes, which need not belong to it, are handed on.
    """
    codes, z = part.terms[0].codes, np.concatenate(at.Z)
    totals = _summed(z, placement, codes, response, rule)
    score, by_effect, by_dispersion = totals.averages(placement, codes, response)
    nothing = [np.zeros_like(one) for one in at.Z]
    sums = Sums(score, _by_term(part, by_effect), part.nothing(), nothing, by_dispersion)
    value = _value(totals, placement.root, response)
    return Integral(value, at, sums, response, totals.placement(placement))


def _value(totals: _Totals, root: np.ndarray, response: Response) -> float:
    log_volume = np.log(np.abs(np.linalg.det(root.transpose(2, 0, 1))))
    value = -2.0 * (np.sum(totals.log_total + log_volume) + response.constant)
    if not np.isfinite(value):
        raise FloatingPointError("A quadrature node takes a mean out of the family's range.")
    return float(value)


def gradient(part: Pattern, at: Integral) -> Gradient:
    """The derivatives of −2 log L; those of a lattice where it lies."""
    if at.placement is None:
        return from_sums(part, at.laplace, at.sums)
    by_factor = [-2.0 * term.Z @ effect.T for term, effect in zip(part.terms, at.sums.by_effect, strict=True)]
    return Gradient(by_factor, -2.0 * at.sums.score, -2.0 * at.sums.by_dispersion)


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

    def placement(self, at: Placement) -> Placement:
        """Where a lattice belongs: around each group's mean effects, as far as their covariance."""
        mean = self.by_node / self.total
        spread = self.by_pair / self.total - mean[:, None] * mean
        center = at.center + np.einsum("abj,bj->aj", at.root, mean)
        return Placement(center, np.einsum("abj,bcj->acj", at.root, cholesky(spread)))

    def averages(
        self, at: Placement, codes: np.ndarray, response: Response
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Over the nodes: each row's score, its score times the effects, and the slope by the dispersion."""
        total = self.total[codes]
        score = self.score / total
        by_effect = at.center[:, codes] * score
        by_effect += np.einsum("abn,bn->an", at.root[:, :, codes], self.score_by_node / total)
        slope = float(np.sum(self.by_dispersion / self.total)) + response.constant_by_dispersion
        return score, by_effect, slope

    def raise_to(self, highest: np.ndarray, codes: np.ndarray) -> None:
        """Make everything relative to a higher term."""
        factor = np.exp(self.highest - highest)
        by_row = factor[codes]
        for name in ("total", "by_node", "by_pair", "by_dispersion"):
            setattr(self, name, getattr(self, name) * factor)
        self.score, self.score_by_node = self.score * by_row, self.score_by_node * by_row
        self.highest = highest


def _summed(z: np.ndarray, at: Placement, codes: np.ndarray, response: Response, rule: Rule) -> _Totals:
    """Sums over all nodes, a few nodes at a time."""
    (s, n), n_groups = z.shape, at.center.shape[1]
    totals = _Totals(
        np.full(n_groups, -np.inf), np.zeros(n_groups), np.zeros((s, n_groups)), np.zeros((s, s, n_groups)),
        np.zeros(n), np.zeros((s, n)), np.zeros(n_groups),
    )  # fmt: skip
    for nodes, log_weights in _few(rule, max(1, AT_ONCE // n)):
        u = at.center[:, None] + np.einsum("abj,bk->akj", at.root, nodes)
        _add(totals, u, nodes, log_weights, z, codes, response)
    return totals


def _add(totals: _Totals, u, nodes, log_weights, z, codes: np.ndarray, response: Response) -> None:
    """Add some nodes, at the effects u of every group."""
    family, y, weights, n_groups = response.family, response.y, response.weights, u.shape[-1]
    eta = response.population + sum(a * b for a, b in zip(z, u[:, :, codes], strict=True))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mu, score, _ = family.working(y, eta, weights)
        density = sum_by_group(weights * family.kernels(y, mu), codes, n_groups)
    terms = log_weights[:, None] + density - 0.5 * np.sum(u**2, axis=0)
    if not np.all(np.isfinite(terms)):
        raise FloatingPointError("A quadrature node takes a mean out of the family's range.")
    totals.raise_to(np.maximum(totals.highest, terms.max(axis=0)), codes)
    terms = np.exp(terms - totals.highest)
    score *= terms[:, codes]
    totals.total += terms.sum(axis=0)
    totals.by_node += nodes @ terms
    totals.by_pair += np.einsum("ak,bk,kj->abj", nodes, nodes, terms)
    totals.score += score.sum(axis=0)
    totals.score_by_node += nodes @ score
    if family.has_dispersion:
        by_row = family.loglik_by_dispersion(y, mu, weights)
        totals.by_dispersion += np.sum(terms * sum_by_group(by_row, codes, n_groups), axis=0)


def _few(rule: Rule, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(rule.log_weights), count):
        yield rule.nodes[:, start : start + count], rule.log_weights[start : start + count]


def _sums(part: Pattern, at: Approximation, B: np.ndarray, totals: _Totals) -> Sums:
    """The sums over moving nodes that the gradient needs, term by term."""
    codes, z, u = part.terms[0].codes, np.concatenate(at.Z), np.concatenate(at.modes.u)
    node, pair, n_groups = totals.by_node / totals.total, totals.by_pair / totals.total, len(totals.total)
    score, by_effect, by_dispersion = totals.averages(Placement(u, B), codes, at.response)
    pull = u + np.einsum("abj,bj->aj", B, node) - sum_by_group(z * score, codes, n_groups)
    # N[a, b] = 2 Σ_k π z_a (Bᵀ(u_k − Σ_i z̃_i s_ik))_b
    inner = np.einsum("aj,cj->acj", node, u) + np.einsum("abj,cbj->acj", pair, B)
    inner -= sum_by_group((totals.score_by_node / totals.total[codes])[:, None] * z, codes, n_groups)
    N = 2.0 * np.einsum("acj,cbj->abj", inner, B)
    lower = np.tril(N.transpose(2, 0, 1), -1).transpose(1, 2, 0)
    symmetric = lower + lower.swapaxes(0, 1) + np.einsum("ab,abj->abj", np.eye(len(z)), N)
    G = np.einsum("abj,bcj,dcj->adj", B, np.eye(len(z))[:, :, None] - 0.5 * symmetric, B)
    spread = np.einsum("abn,bn->an", G[:, :, codes], z)
    effects, pulls, spreads = (_by_term(part, values) for values in (by_effect, pull, spread))
    return Sums(score, effects, pulls, spreads, by_dispersion)


def _by_term(part: Pattern, values: np.ndarray) -> Effects:
    return list(np.split(values, np.cumsum(part.sizes)[:-1]))
