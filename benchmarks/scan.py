"""Linear mixed models of small unbalanced data: does the search miss a lower point of its own criterion?

    python -m benchmarks.scan            # 400 sets, each by REML and by maximum likelihood

Each criterion is looked at on a lattice of SDs and correlations, and searched by a method that knows nothing of ours
(Nelder–Mead, then scipy's BFGS by differences) from the lattice's lowest places. Printed are the fits that end above it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from mlmkit.design import build_design
from mlmkit.engine.covariance import factors_from_theta, theta_from_factors
from mlmkit.engine.linear.criterion import LmmCriterion, lmm_criterion
from mlmkit.engine.linear.lmm import optimise
from mlmkit.errors import DataError
from mlmkit.formula import parse_formula

SETS = 400
FORMULAS = (
    "y ~ 1 + (1|g)",
    "y ~ x + (1|g)",
    "y ~ x + (x|g)",
    "y ~ x + (x||g)",
    "y ~ 1 + (x|g)",
    "y ~ 1 + (0 + x|g)",
    "y ~ x + (1|g) + (1|h)",
    "y ~ 1 + (1|g) + (0 + x|h)",
    "y ~ x + (x|g) + (1|h)",
)
#: SDs of the lattice in units of the residual's, by how many vary, correlations, and how many places are searched.
LADDERS = {
    1: np.concatenate([[0.0], np.geomspace(0.01, 300.0, 60)]),
    2: np.concatenate([[0.0], np.geomspace(0.03, 300.0, 17)]),
    3: np.concatenate([[0.0], np.geomspace(0.1, 100.0, 8)]),
}
CORRELATIONS, PLACES = (-0.99, -0.6, 0.0, 0.6, 0.99), 6
#: A fit that ends above another point by more than this has missed it. Further out, rounding makes points of its own.
MISSED, FARTHEST = 1e-6, 1000.0


def sets() -> Iterator[tuple[str, pd.DataFrame]]:
    """3–10 groups, of which some hold many rows and some one; other groups cross them."""
    for seed in range(SETS):
        rng = np.random.default_rng(5000 + seed)
        groups = int(rng.integers(3, 11))
        rows = 1 + rng.geometric(rng.choice([0.1, 0.3, 0.7]), groups)
        rows[0] *= int(rng.choice([1, 1, 10]))
        g = np.repeat(np.arange(groups), rows)
        h = rng.integers(0, int(rng.integers(3, 8)), len(g))
        x = rng.normal(rng.choice([0, 1, 5, 20]), rng.choice([0.3, 1.0]), len(g))
        centred = (x - x.mean()) / x.std() + rng.choice([0, 0, 1])
        sd = rng.choice([0, 0.3, 1.0, 4.0], 3)
        u, v, w = (rng.normal(0, one, groups) for one in sd)
        y = u[g] + v[g] * centred + w[h % groups] + rng.choice([0, 1]) * centred + rng.normal(size=len(g))
        yield FORMULAS[seed % len(FORMULAS)], pd.DataFrame({"g": g, "h": h, "x": x, "y": y})


def lattice(sizes: tuple[int, ...]) -> Iterator[np.ndarray]:
    """θ of standardised regressors."""
    turned = [CORRELATIONS if size == 2 else (0.0,) for size in sizes]
    ladder = LADDERS[sum(sizes)]
    for sds in product(ladder, repeat=sum(sizes)):
        for correlations in product(*turned):
            yield theta_from_factors(_factors(np.array(sds), sizes, correlations))


def _factors(sds: np.ndarray, sizes: tuple[int, ...], correlations: tuple[float, ...]) -> list[np.ndarray]:
    parts = np.split(sds, np.cumsum(sizes)[:-1])
    return [
        np.diag(part) if len(part) == 1 else part[:, None] * np.array([[1.0, 0.0], [r, np.sqrt(1.0 - r**2)]])
        for part, r in zip(parts, correlations, strict=True)
    ]


def lowest_seen(criterion: LmmCriterion) -> tuple[float, np.ndarray]:
    """The lowest value that the lattice and the searches from its lowest places find, and where."""

    def value(x: np.ndarray) -> float:
        return criterion.at_standard(factors_from_theta(x, criterion.sizes))

    places = sorted(((value(x), tuple(x)) for x in lattice(criterion.sizes)), key=lambda one: one[0])
    best = (places[0][0], np.array(places[0][1]))
    for place in _apart([np.array(x) for _, x in places]):
        end = minimize(value, place, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10})
        end = minimize(value, end.x, method="BFGS")
        if np.max(np.abs(end.x)) < FARTHEST:
            best = min(best, (float(end.fun), end.x), key=lambda one: one[0])
    return best


def _apart(places: list[np.ndarray]) -> list[np.ndarray]:
    """The first few places no two of which are within half of each other."""
    chosen: list[np.ndarray] = []
    for x in places[:3000]:
        if all(np.linalg.norm(x - one) > 0.5 * np.linalg.norm(one) for one in chosen):
            chosen.append(x)
        if len(chosen) == PLACES:
            break
    return chosen


def main() -> None:
    done, missed = 0, 0
    for k, (formula, data) in enumerate(sets()):
        for reml in (True, False):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    criterion = lmm_criterion(build_design(parse_formula(formula), data), reml)
                    found = optimise(criterion)
                    seen, where = lowest_seen(criterion)
            except DataError:
                continue
            done += 1
            if seen < found.value - MISSED:
                missed += 1
                at = f"θ {criterion.to_standard(found.theta).round(3)}, the lower {where.round(3)}"
                print(
                    f"set {k}, {formula}, {'REML' if reml else 'ML'}: {found.value:.6f}, another {seen:.6f}; {at}"
                )
    print(f"{done} fits, {missed} end above a point that was seen")


if __name__ == "__main__":
    main()
