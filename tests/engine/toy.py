"""Small designs for the engine's tests, and the same model by brute force: V formed and inverted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlmkit.design import Block, Design
from mlmkit.engine.covariance import factors_from_theta, theta_length
from mlmkit.spec import Response, Spec


def block(group: str, codes: np.ndarray, Z: np.ndarray, names: tuple[str, ...] = ()) -> Block:
    """One random-effects term from each row's group and regressors."""
    levels, codes = np.unique(codes, return_inverse=True)
    Z = np.asarray(Z, dtype=float).reshape(len(codes), -1)
    names = names or tuple(f"z{a}" for a in range(Z.shape[1]))
    return Block(group=group, names=names, levels=pd.Index(levels), codes=codes.astype(np.intp), Z=Z)


def design(y, X, blocks=(), weights=None, offset=None) -> Design:
    """A design from arrays."""
    n = len(y)
    return Design(
        spec=Spec("y ~ x", Response("y"), (), (), None),
        y=np.asarray(y, dtype=float),
        X=np.asarray(X, dtype=float),
        fixed_names=tuple(f"x{a}" for a in range(np.shape(X)[1])),
        aliased=(),
        blocks=tuple(blocks),
        weights=np.ones(n) if weights is None else weights,
        offset=np.zeros(n) if offset is None else offset,
        rows=pd.RangeIndex(n),
        n_dropped=0,
        trials=np.ones(n),
    )


#: The ways in which terms can stand to each other; `toy` makes a design of each.
KINDS = ("one term", "three nested", "uncorrelated and nested", "crossed", "nested and crossed")


def toy(kind: str, seed: int = 0, n: int = 300, weighted: bool = True) -> Design:
    """A seeded design with group effects of every kind that an engine must cope with."""
    rng = np.random.default_rng(seed)
    x = rng.normal(3.0, 1.0, n)
    one, X = np.ones(n), np.column_stack([np.ones(n), x])
    klass, item, day = rng.integers(0, 40, n), rng.integers(0, 12, n), rng.integers(0, 5, n)
    school = klass % 9
    district = school % 3
    blocks = {
        "one term": [block("class", klass, X)],
        "three nested": [
            block("class", klass, X),
            block("school", school, X),
            block("district", district, one),
        ],
        "uncorrelated and nested": [
            block("class", klass, one),
            block("class", klass, x),
            block("school", school, X),
        ],
        "crossed": [block("class", klass, X), block("item", item, X), block("day", day, one)],
        "nested and crossed": [
            block("class", klass, X),
            block("item", item, X),
            block("school", school, X),
            block("day", day, one),
            block("district", district, x),
        ],
    }[kind]
    effects = sum(
        (rng.normal(0.0, 0.5, (len(b.levels), b.Z.shape[1]))[b.codes] * b.Z).sum(axis=1) for b in blocks
    )
    y = 5.0 + x + effects + rng.normal(0.0, 1.5, n)
    weights, offset = (rng.uniform(0.5, 2.0, n), rng.normal(size=n)) if weighted else (None, None)
    return design(y, X, blocks, weights, offset)


def sizes(design: Design) -> list[int]:
    return [b.Z.shape[1] for b in design.blocks]


def n_theta(design: Design) -> int:
    return sum(theta_length(size) for size in sizes(design))


class BruteForce:
    """V = ZΛΛᵀZᵀ + diag(1/w), inverted: everything that follows from it, the long way round."""

    def __init__(self, design: Design, theta: np.ndarray, reml: bool):
        self.design, self.factors = design, factors_from_theta(np.asarray(theta, dtype=float), sizes(design))
        V = np.diag(1.0 / design.weights) + sum(
            Z @ np.kron(np.eye(len(b.levels)), L @ L.T) @ Z.T for b, L, Z in self._terms()
        )
        self.V_inverse = np.linalg.inv(V)
        X, y = design.X, design.y - design.offset
        information = X.T @ self.V_inverse @ X
        self.beta = np.linalg.solve(information, X.T @ self.V_inverse @ y)
        self.residual = y - X @ self.beta
        df = len(y) - reml * X.shape[1]
        r2 = self.residual @ self.V_inverse @ self.residual
        self.sigma = np.sqrt(r2 / df)
        self.vcov = self.sigma**2 * np.linalg.inv(information)
        log_det = np.linalg.slogdet(V)[1] + reml * np.linalg.slogdet(information)[1]
        self.criterion = log_det + df * (1.0 + np.log(2.0 * np.pi * r2 / df))

    def _terms(self):
        for b, L in zip(self.design.blocks, self.factors, strict=True):
            n, J, s = len(b.codes), len(b.levels), b.Z.shape[1]
            Z = np.zeros((n, J, s))
            Z[np.arange(n), b.codes] = b.Z
            yield b, L, Z.reshape(n, J * s)

    @property
    def modes(self) -> list[np.ndarray]:
        """ΩZᵀV⁻¹(y − Xb), each term (J, s)."""
        return [
            (Z.T @ self.V_inverse @ self.residual).reshape(-1, len(L)) @ (L @ L.T)
            for _, L, Z in self._terms()
        ]

    @property
    def covariances(self) -> list[np.ndarray]:
        """σ²(Ω − ΩZᵀV⁻¹ZΩ), each term's blocks on the diagonal, (J, s, s)."""
        blocks = []
        for b, L, Z in self._terms():
            Omega = np.kron(np.eye(len(b.levels)), L @ L.T)
            whole = Omega - Omega @ Z.T @ self.V_inverse @ Z @ Omega
            s = len(L)
            blocks.append(self.sigma**2 * np.einsum("jajb->jab", whole.reshape(-1, s, len(whole) // s, s)))
        return blocks


def differences(function, x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The gradient of a function by central differences."""
    units = np.eye(len(x))
    return np.array([(function(x + step * e) - function(x - step * e)) / (2.0 * step) for e in units])
