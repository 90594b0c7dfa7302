"""Many responses on one design: linear mixed models with one grouping factor, fitted side by side.

For one grouping factor the criterion depends on a response only through sums over the groups. With G = ZᵀZ,
K = ZᵀX and h = Zᵀy of a group, T = Λ(ΛᵀGΛ + I)⁻¹Λᵀ and W = I − GT,

    log|V| = Σ log|ΛᵀGΛ + I|        [X y]ᵀV⁻¹[X y] = [X y]ᵀ[X y] − Σ [K h]ᵀ T [K h]        ZᵀV⁻¹u = W Zᵀu,

and T is the same in all groups with the same G. So groups are put together by their G, in a balanced design all
of them, and of a response the sums of hKᵀ and hhᵀ are kept: what an evaluation costs depends neither on the
rows nor, where groups are alike, on their number. The derivative by ΛΛᵀ is

    Σ (G − GTG)  −  Σ W { (df/r²) e eᵀ + K (XᵀV⁻¹X)⁻¹ Kᵀ } Wᵀ,        e = h − K b̂

(without its last part for maximum likelihood). The last axis of every array is that of the responses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from ...design import Design
from ..covariance import factors_from_theta, lower_indices
from ..estimates import Estimates
from ..lapack import solve_triangular
from ..random.blocks import cholesky, group_products, group_squares, membership, solve_lower, sum_by_group
from ..search.many import Many, begin_many, minimise_many
from ..search.optimise import GIVEN_UP
from ..search.singular import RANK_TOLERANCE
from ..standardise import Standardised, standard_responses, without_response
from .criterion import NOTHING_LEFT, LmmCriterion, criterion_of
from .lmm import TRACE, canonical, several_minima

#: Most varying coefficients that are fitted this way.
MOST_COEFFICIENTS = 3
#: G of two groups is the same when it agrees to this many digits.
DIGITS = 11
#: Most numbers in one array.
MOST_NUMBERS = 1 << 20
#: For one, two or three varying coefficients, how many SDs the criterion is looked at before the searches: none,
#: then from the smallest to the largest.
LOOKS, SMALLEST, LARGEST = {1: 24, 2: 10, 3: 5}, 0.1, 300.0
#: A search begins from no smaller SD, and from no more low places for one response.
LEAST, MOST_STARTS = 0.01, 4
#: Where there may be several minima, searches also begin with no SD below this, and correlated coefficients with
#: these ratios to those before them.
INSIDE, LEANING = 0.3, (-1.5, 1.5)


@dataclass(frozen=True, eq=False)
class Responses:
    """What is known of B standardised responses.

    Attributes
    ----------
    by_group : (k, p, B) array
        Sums of h Kᵀ over the groups with the same G: k runs over (s, s, C).
    squares : (k, B) array
        Sums of h hᵀ.
    scale : (B,) array
        What the responses were divided by.
    coefficients : (p, B) array
        What was taken out of them, in the basis of X.
    """

    by_group: np.ndarray
    squares: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray

    def take(self, which: np.ndarray) -> Responses:
        return Responses(
            self.by_group[:, :, which],
            self.squares[:, which],
            self.scale[which],
            self.coefficients[:, which],
        )


@dataclass(frozen=True, eq=False)
class ManyEstimates:
    """The estimates of B responses; arrays as in `Estimates`, with a first axis of B."""

    beta: np.ndarray
    vcov: np.ndarray
    theta: np.ndarray
    sigma: np.ndarray
    criterion: np.ndarray
    converged: np.ndarray
    singular: np.ndarray


@dataclass(frozen=True, eq=False)
class Solved:
    """The model at one θ for each response.

    Attributes
    ----------
    value : (B,) array
    Lambda : (s, s, B) array
    T, W : (s, s, C, B) array
    b, r2
        (p, B) coefficients in the basis of X, less those that were taken out, and (B,) residual sums of squares.
    inverse : (p, p, B) array
        (XᵀV⁻¹X)⁻¹.
    """

    value: np.ndarray
    Lambda: np.ndarray
    T: np.ndarray
    W: np.ndarray
    b: np.ndarray
    r2: np.ndarray
    inverse: np.ndarray


@dataclass(frozen=True, eq=False)
class LinearBatch:
    """One design, for any number of responses.

    Attributes
    ----------
    design, reml
    data
        The standardised design, without a response.
    G : (s, s, C) array
        The cross-products of Z in a group, for each of the C kinds of groups there are.
    counts : (C,) array
        How many groups of each kind.
    K : (s, p, J) array
        ZᵀX of each group.
    kind : (J,) array
        Which kind each group is of.
    """

    design: Design
    reml: bool
    data: Standardised
    G: np.ndarray
    counts: np.ndarray
    K: np.ndarray
    kind: np.ndarray

    @property
    def df(self) -> int:
        """n − p for REML, n for maximum likelihood."""
        return self.data.df(self.reml)

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the entries of θ in the joint (s, s) Λ of all terms."""
        sizes = self.data.sizes
        starts = np.cumsum([0, *sizes[:-1]])
        parts = [np.add(lower_indices(size), start) for size, start in zip(sizes, starts, strict=True)]
        rows, columns = np.concatenate(parts, axis=1)
        return rows, columns

    @cached_property
    def squares(self) -> np.ndarray:
        """Sums of K Kᵀ over the groups with the same G: (k, p²)."""
        (s, p, J), C = self.K.shape, len(self.counts)
        outer = np.einsum("apj,bqj->abpqj", self.K, self.K).reshape(s * s * p * p, J)
        by_kind = sum_by_group(outer, self.kind, C).reshape(s, s, p * p, C)
        return by_kind.swapaxes(2, 3).reshape(s * s * C, p * p)

    @cached_property
    def together(self) -> int:
        """Responses that are worked on at once."""
        k, p = self.squares.shape[0], len(self.data.Q)
        n, J = len(self.design.y), self.K.shape[2]
        return max(8, min(2000, MOST_NUMBERS // max(n, k * max(p, 2), J * self.K.shape[0])))

    # -- the responses ---------------------------------------------------------------------------------
    def responses(self, Y: np.ndarray) -> Responses:
        """Standardise responses (n, B) and sum what is needed of them."""
        residual, coefficients, scale = standard_responses(self.data, self.design, Y)
        (s, p, J), C = self.K.shape, len(self.counts)
        kind, codes = membership(self.kind, C), self.data.terms[0].codes
        h = [membership(codes, J, z) @ residual for term in self.data.terms for z in term.Z]
        by_group = np.empty((s, s, C, p, Y.shape[1]))
        squares = np.empty((s, s, C, Y.shape[1]))
        for a, b in product(range(s), repeat=2):
            for x in range(p):
                by_group[a, b, :, x] = kind.multiply(self.K[b, x]).tocsr() @ h[a]
            squares[a, b] = kind @ (h[a] * h[b])
        return Responses(
            by_group.reshape(s * s * C, p, Y.shape[1]), squares.reshape(-1, Y.shape[1]), scale, coefficients
        )

    # -- the criterion ---------------------------------------------------------------------------------
    def at(self, x: np.ndarray, responses: Responses) -> Solved:
        """The model at a standard θ (n_theta, B) for each of B responses."""
        Lambda, T, half, log_det = self._without_response(x)
        flat = T.reshape(-1, x.shape[1])
        z = np.einsum("pqx,qx->px", half, -np.einsum("kx,kpx->px", flat, responses.by_group))
        r2 = len(self.design.y) - np.einsum("kx,kx->x", flat, responses.squares) - np.einsum("px,px->x", z, z)
        W = np.eye(len(T))[:, :, None, None] - np.einsum("abc,bdcx->adcx", self.G, T)
        b, inverse = np.einsum("rpx,rx->px", half, z), np.einsum("rpx,rqx->pqx", half, half)
        return Solved(self._value(log_det, r2), Lambda, T, W, b, r2, inverse)

    def values(self, x: np.ndarray, responses: Responses) -> np.ndarray:
        """The criterion of every one of B responses at every one of M standard θ, (n_theta, M): (M, B)."""
        _, T, half, log_det = self._without_response(x)
        flat, (k, p, B) = T.reshape(-1, x.shape[1]).T, responses.by_group.shape
        XVy = flat @ responses.by_group.reshape(k, p * B)
        z = np.einsum("pqm,mqb->mpb", half, XVy.reshape(len(flat), p, B))
        r2 = len(self.design.y) - flat @ responses.squares - np.einsum("mpb,mpb->mb", z, z)
        return self._value(log_det[:, None], r2)

    def _value(self, log_det: np.ndarray, r2: np.ndarray) -> np.ndarray:
        """The criterion, from log|V| (+ log|XᵀV⁻¹X|) and r²."""
        return log_det + self.df * (1.0 + np.log(2.0 * np.pi * r2 / self.df))

    def _without_response(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What follows from a standard θ alone: Λ, T (s, s, C, B), L⁻¹ with LLᵀ = XᵀV⁻¹X, and the log determinants."""
        (s, _, C), B, p = self.G.shape, x.shape[1], len(self.data.Q)
        Lambda = np.zeros((s, s, B))
        Lambda[self.places] = x
        H = np.einsum("bax,bdcx->adcx", Lambda, np.einsum("abc,bdx->adcx", self.G, Lambda))
        H[np.arange(s), np.arange(s)] += 1.0
        L = cholesky(H.reshape(s, s, C * B))
        right = np.broadcast_to(Lambda.swapaxes(0, 1)[:, :, None], (s, s, C, B)).reshape(s, s, C * B)
        half = solve_lower(L, right)
        diagonal = np.log(np.einsum("aax->ax", L)).sum(axis=0).reshape(C, B)
        T = np.einsum("kax,kbx->abx", half, half).reshape(s, s, C, B)
        log_det = 2.0 * np.einsum("c,cx->x", self.counts, diagonal)
        explained = np.einsum("kx,kq->qx", T.reshape(-1, B), self.squares).reshape(p, p, B)
        L = cholesky(np.eye(p)[:, :, None] - explained)
        if self.reml:
            log_det += 2.0 * np.log(np.einsum("ppx->px", L)).sum(axis=0)
        return Lambda, T, solve_lower(L, np.eye(p)[:, :, None]), log_det

    def gradient(self, at: Solved, responses: Responses) -> np.ndarray:
        """The derivatives by the standard θ, (n_theta, B)."""
        D = np.einsum("abcx,bdc->adx", at.W, self.counts * self.G)
        D -= self.df / at.r2 * self.residual_squares(at, responses)
        if self.reml:
            D -= self.weighted_squares(at, at.inverse)
        return self.by_theta(D, at.Lambda)

    def by_theta(self, D: np.ndarray, Lambda: np.ndarray) -> np.ndarray:
        """2DΛ in θ's order, (n_theta, B): derivatives by Λ from those by ΛΛᵀ."""
        return 2.0 * np.einsum("abx,bdx->adx", D, Lambda)[self.places]

    def residual_squares(self, at: Solved, responses: Responses) -> np.ndarray:
        """Σ u uᵀ over the groups, u = ZᵀV⁻¹(y − Xb̂): (s, s, B)."""
        s, _, C = self.G.shape
        cross = np.einsum("kpx,px->kx", responses.by_group, at.b).reshape(s, s, C, -1)
        own = self._with_weights(at.b[:, None] * at.b[None])
        squares = responses.squares.reshape(own.shape) + own - cross - cross.swapaxes(0, 1)
        return self._through(at, squares)

    def weighted_squares(self, at: Solved, weights: np.ndarray) -> np.ndarray:
        """Σ R M Rᵀ over the groups, R = ZᵀV⁻¹X, for M (p, p, B): (s, s, B)."""
        return self._through(at, self._with_weights(weights))

    def _with_weights(self, weights: np.ndarray) -> np.ndarray:
        """Σ K M Kᵀ of each kind of groups, (s, s, C, B)."""
        s, _, C = self.G.shape
        flat = np.einsum("kq,qx->kx", self.squares, weights.reshape(self.squares.shape[1], weights.shape[2]))
        return flat.reshape(s, s, C, weights.shape[2])

    def _through(self, at: Solved, squares: np.ndarray) -> np.ndarray:
        """Σ W M Wᵀ over the kinds of groups, (s, s, B)."""
        return np.einsum("adcx,bdcx->abx", np.einsum("abcx,bdcx->adcx", at.W, squares), at.W)

    def objective(self, responses: Responses):
        """Value and gradient of the responses at some positions, for the searches."""

        def value_and_gradient(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            own = responses if len(rows) == len(responses.scale) else responses.take(rows)
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                at = self.at(x, own)
                return at.value, self.gradient(at, own)

        return value_and_gradient

    # -- the searches ----------------------------------------------------------------------------------
    def fit(self, Y: np.ndarray) -> ManyEstimates:
        """Fit the model to each column of Y, (n, B)."""
        responses = self.responses(Y)
        owner, starts, lowest = self._starts(responses)
        many = begin_many(self.objective(responses.take(owner)), starts)
        converged = minimise_many(many, self._canonical)
        best = _best(owner, many, converged)
        converged = converged[best] & (many.value[best] <= lowest + GIVEN_UP)
        return self.estimates(many.x[:, best], responses, converged)

    def _starts(self, responses: Responses) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Low places on a lattice of SDs: whose response, the standard θ there, and the lowest value seen."""
        K, B = self.G.shape[0], len(responses.scale)
        ladder = np.array([0.0, *np.geomspace(SMALLEST, LARGEST, LOOKS[K] - 1)])
        lattice = np.array(list(product(ladder, repeat=K)))
        x = np.array([np.diag(sds)[self.places] for sds in lattice]).T
        with np.errstate(invalid="ignore", divide="ignore"):
            values = self.values(x, responses)
        values = np.where(np.isfinite(values), values, np.inf)
        best, everyone = np.argmin(values, axis=0), np.arange(B)
        if not self._many_minima:
            return everyone, self._theta_of(lattice[best]), values[best, everyone]
        low = _low(values.reshape(*[len(ladder)] * K, B)).reshape(values.shape)
        low[best, everyone] = True
        order = np.argsort(np.where(low, values, np.inf), axis=0, kind="stable")[:MOST_STARTS]
        rank, owner = np.nonzero(np.take_along_axis(low, order, axis=0))
        inside = [np.ones((B, K)), np.maximum(lattice[best], INSIDE)]
        owners = [owner, everyone, everyone]
        starts = [self._theta_of(sds) for sds in (lattice[order[rank, owner]], *inside)]
        if max(self.data.sizes) > 1:
            owners += [everyone, everyone]
            starts += [self._theta_of(lattice[best], slope) for slope in LEANING]
        return np.concatenate(owners), np.concatenate(starts, axis=1), values[best, everyone]

    def _theta_of(self, sds: np.ndarray, slope: float = 0.0) -> np.ndarray:
        """θ (n_theta, b) for SDs (b, K), none of them 0, and entries below the diagonal in this proportion."""
        rows, columns = self.places
        x = np.maximum(sds, LEAST).T[rows]
        x[rows != columns] *= slope
        return x

    @cached_property
    def _many_minima(self) -> bool:
        """Whether a response may have more than one minimum: then every low place is searched from."""
        return several_minima(self.design, self.data)

    def _canonical(self, x: np.ndarray) -> np.ndarray:
        """θ without directions of hardly any variance (`lmm.canonical`)."""
        low = np.flatnonzero(self._smallest(x) <= TRACE)
        x = x.copy()
        for row in low:
            x[:, row] = canonical(x[:, row], self.data.sizes)
        return x

    def _smallest(self, x: np.ndarray) -> np.ndarray:
        """The smallest singular value of any term's standardised Λ, (B,)."""
        factors = factors_from_theta(x.T, self.data.sizes)
        return np.min([np.linalg.svd(Lambda, compute_uv=False)[:, -1] for Lambda in factors], axis=0)

    # -- what follows from θ ---------------------------------------------------------------------------
    def estimates(self, x: np.ndarray, responses: Responses, converged: np.ndarray) -> ManyEstimates:
        """Everything that follows from the standard θ of each response."""
        with np.errstate(invalid="ignore", divide="ignore"):
            at = self.at(x, responses)
            sigma = responses.scale * np.sqrt(at.r2 / self.df)
            back = solve_triangular(self.data.R, np.eye(len(self.data.R)))
            beta = np.einsum("pq,qx->xp", back, responses.coefficients + responses.scale * at.b)
            vcov = np.einsum("pqx,rq->xpr", np.einsum("pq,qrx->prx", back, at.inverse), back)
            criterion = at.value + self.data.constant(self.reml) + 2.0 * self.df * np.log(responses.scale)
        vcov *= sigma[:, None, None] ** 2
        converged = converged & (at.r2 > NOTHING_LEFT * len(self.design.y))  # else a single fit has to tell
        singular = self._smallest(x) < RANK_TOLERANCE
        theta = self.data.from_standard(x.T)
        return ManyEstimates(beta, vcov, theta, sigma, criterion, converged, singular)

    @cached_property
    def _criterion(self) -> LmmCriterion:
        return criterion_of(self.design, self.reml, self.data)

    def whole(self, y: np.ndarray, many: ManyEstimates, k: int) -> Estimates:
        """All the estimates of one response (n,), which was the k-th of many: the group effects and fitted values too."""
        return self._criterion.with_response(y).solve(many.theta[k], converged=bool(many.converged[k]))

    def standard(self, theta: np.ndarray) -> np.ndarray:
        """The standard θ (n_theta, B) for θ of the data as they came, (B, n_theta)."""
        return self.data.to_standard(theta).T


def _low(values: np.ndarray) -> np.ndarray:
    """Where on a lattice (…, B) a value is no higher than at the places beside it, for each of B."""
    low = np.isfinite(values)
    for axis in range(values.ndim - 1):
        pad = [(0, 0)] * values.ndim
        pad[axis] = (1, 1)
        wide = np.pad(values, pad, constant_values=np.inf)
        n = values.shape[axis]
        low &= values <= np.take(wide, np.arange(n), axis)
        low &= values <= np.take(wide, np.arange(2, n + 2), axis)
    return low


def _best(owner: np.ndarray, many: Many, converged: np.ndarray) -> np.ndarray:
    """The position of the best search of each response: the lowest, proven ones first where values agree."""
    order = np.lexsort((~converged, np.round(many.value, 7), owner))
    return order[np.unique(owner[order], return_index=True)[1]]


def linear_batch(design: Design, reml: bool) -> LinearBatch | None:
    """Prepare a design for many responses; None where it has more than one grouping factor, or too much varies."""
    if len({block.group for block in design.blocks}) != 1:
        return None
    if sum(block.Z.shape[1] for block in design.blocks) > MOST_COEFFICIENTS:
        return None
    data = without_response(design)
    Z = np.concatenate([term.Z for term in data.terms])
    codes, J = data.terms[0].codes, data.terms[0].n_groups
    G = group_squares(list(Z), codes, J)
    flat = G.reshape(-1, J)
    size = np.maximum(np.abs(flat).max(axis=1, keepdims=True), np.finfo(float).tiny)
    _, first, kind, counts = np.unique(
        np.round(flat / size, DIGITS), axis=1, return_index=True, return_inverse=True, return_counts=True
    )
    K = group_products(list(Z), list(data.Q), codes, J)
    return LinearBatch(design, reml, data, G[:, :, first], counts.astype(float), K, np.ravel(kind))
