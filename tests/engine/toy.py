"""Small designs for the engine's tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlmkit.design import Block, Design
from mlmkit.engine.covariance import theta_length
from mlmkit.formula import parse_formula
from mlmkit.terms import Columns

#: Arrays come without a formula, so nothing says how terms become columns.
NO_COLUMNS = Columns((), (), (), (), {})


def block(group: str, codes: np.ndarray, Z: np.ndarray, names: tuple[str, ...] = ()) -> Block:
    """One random-effects term from each row's group and regressors."""
    levels, codes = np.unique(codes, return_inverse=True)
    Z = np.asarray(Z, dtype=float).reshape(len(codes), -1)
    names = names or tuple(f"z{a}" for a in range(Z.shape[1]))
    return Block(group, names, pd.Index(levels), codes.astype(np.intp), Z, NO_COLUMNS)


def design(y, X, blocks=(), weights=None, offset=None) -> Design:
    """A design from arrays."""
    n = len(y)
    return Design(
        spec=parse_formula("y ~ x"),
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
        columns=NO_COLUMNS,
        keep=np.ones(np.shape(X)[1], dtype=bool),
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


def differences(function, x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The gradient of a function by central differences."""
    units = np.eye(len(x))
    return np.array([(function(x + step * e) - function(x - step * e)) / (2.0 * step) for e in units])
