"""Generalized models whose likelihood may have two summits: is the one that is found the highest?

    python -m benchmarks.hills           # 120 sets with one large group and many small ones, 400 small sets

Each set is fitted by mlmkit as anybody would, then searched from many starting points, and by lme4 from three
starts where `Rscript` finds it. A summit's height is the likelihood with the groups' effects integrated, since
Laplace's approximation, which all of them maximise, can be far too high where responses of a group are all 0 or
all 1. Counted apart are the sets where another summit than the reported one is

missed   higher by Laplace's criterion and by the exact integral: the search did not find it;
said     higher by the exact integral alone, and the fit says that Laplace is in doubt or that there are two maxima;
unsaid   higher by the exact integral alone, and the fit says nothing;
Laplace  higher by Laplace's criterion alone: the fit reports the summit that is higher by the exact integral.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from mlmkit.design import build_design
from mlmkit.engine import fit_glmm
from mlmkit.engine.covariance import lower_triangular, theta_from_factors
from mlmkit.engine.estimates import Estimates
from mlmkit.engine.generalized import glmm
from mlmkit.engine.generalized.criterion import GlmmCriterion, glmm_criterion
from mlmkit.engine.generalized.irls import iterate
from mlmkit.engine.generalized.summits import height, units
from mlmkit.engine.search.hills import diagonal_factors
from mlmkit.errors import DataError
from mlmkit.families import get_family
from mlmkit.formula import parse_formula

#: Rows of the large group, how many small groups, and their rows.
UNEVEN = ((3000, 45, 1), (1000, 30, 1), (300, 20, 1), (300, 20, 3), (1000, 20, 5))
SEEDS, SMALL = 12, 400
FORMULAS = (
    "y ~ z + (x||g)",
    "y ~ 1 + (0 + x|g)",
    "y ~ 1 + (x|g)",
    "y ~ x + (x|g)",
    "y ~ z + (1|g)",
    "y ~ z + (0 + x|g)",
    "y ~ x + (0 + x|g)",
)
#: SDs on the scale of η from which the comparison searches start.
STARTS = (0.1, 0.5, 2.0, 8.0, 40.0)
#: Criteria and heights that differ by less are of one summit.
SAME = 1e-3
KINDS = ("missed", "said", "unsaid", "Laplace")


@dataclass(frozen=True)
class Set:
    """A data set and its model."""

    name: str
    formula: str
    family: str
    data: pd.DataFrame


def uneven_sets() -> Iterator[Set]:
    """One large group and many of one to five rows, group effects with an SD of 1.5."""
    for family, (large, small, rows), seed in product(("binomial", "poisson"), UNEVEN, range(SEEDS)):
        rng = np.random.default_rng(seed)
        codes = np.concatenate([np.zeros(large, int), np.repeat(np.arange(1, small + 1), rows)])
        u = rng.normal(0.0, 1.5, small + 1)
        x = rng.normal(size=len(codes))
        eta = x + u[codes]
        if family == "binomial":
            y = (rng.random(len(codes)) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
        else:
            y = rng.poisson(np.exp(eta - 1.0))
        data = pd.DataFrame({"g": [f"u{j}" for j in codes], "x": x.round(2), "y": y})
        yield Set(f"{family}, {large} and {small} × {rows}, seed {seed}", "y ~ x + (1|g)", family, data)


def small_sets() -> Iterator[Set]:
    """3–11 groups of 2–8 rows; slopes on a predictor that may lie far from 0, with and without a fixed effect."""
    for seed in range(SMALL):
        rng = np.random.default_rng(1000 + seed)
        groups, rows = int(rng.integers(3, 12)), int(rng.integers(2, 9))
        codes, family = np.repeat(np.arange(groups), rows), ("poisson", "binomial")[seed % 2]
        mean, spread = rng.choice([0, 1, 5, 20, 100]), rng.choice([0.1, 0.3, 1.0])
        x, z = rng.normal(mean, spread, groups * rows), rng.normal(size=groups * rows)
        formula = FORMULAS[int(rng.integers(len(FORMULAS)))]
        sd, tau = rng.choice([0, 0.3, 1, 2.0]), rng.choice([0, 0.3, 1, 2.0])
        u, v = rng.normal(0, sd, groups), rng.normal(0, tau, groups)
        eta = rng.choice([-1, 0, 1.0]) + u[codes]
        slope = v[codes] + rng.choice([0, 0.5, 1])
        eta = np.clip(eta + slope * (x - mean) / spread + 0.3 * z, -8, 6)
        if family == "poisson":
            y = rng.poisson(np.exp(eta))
        else:
            y = (rng.random(len(codes)) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
        data = pd.DataFrame({"g": [f"g{j}" for j in codes], "x": x, "z": z, "y": y})
        yield Set(f"small {seed}: {formula}, {family}", formula, family, data)


@dataclass(frozen=True)
class Outcome:
    """Criterion and height where mlmkit's fit ended, and those of another summit that is higher by one or by both.

    `kind` is what the head of this file calls it; empty where no other summit is higher.
    """

    set: Set
    criterion: float
    height: float
    other: tuple[float, float]
    kind: str
    is_zero: bool


def compare(one: Set, starts: list[tuple[np.ndarray, np.ndarray]]) -> Outcome | None:
    """Fit a set, and search it from many other places; None where there is nothing to search."""
    try:
        design = build_design(parse_formula(one.formula, get_family(one.family)), one.data)
        fit = fit_glmm(design, examine=True)
    except DataError:
        return None
    if not np.all(np.isfinite(fit.beta)):
        return None
    criterion = glmm_criterion(design, iterate(design))
    places = [*_grid(criterion), *(_standard(criterion, theta, beta) for theta, beta in starts)]
    own = height(criterion, _standard(criterion, fit.theta, fit.beta), _modes(criterion, fit))
    here, others = (fit.criterion, own), [_summit(criterion, x) for x in places]
    other, kind = _higher(here, others, _is_said(fit))
    return Outcome(one, *here, other, kind, bool(np.any(fit.theta == 0.0)))


def _higher(
    here: tuple[float, float], others: list[tuple[float, float]], is_said: bool
) -> tuple[tuple[float, float], str]:
    """The summit (criterion and height) that is the most above the reported one, and what that is called."""
    exact = min(others, key=lambda one: one[1], default=here)
    both = [one for one in others if one[0] < here[0] - SAME and one[1] < here[1] - SAME]
    if both:
        return min(both, key=lambda one: one[1]), "missed"
    if exact[1] < here[1] - SAME:
        return exact, "said" if is_said else "unsaid"
    laplace = min(others, default=here)
    return (laplace, "Laplace") if laplace[0] < here[0] - SAME else (here, "")


def _is_said(fit: Estimates) -> bool:
    in_doubt = fit.move is not None and fit.move.matters
    return in_doubt or any("two maxima" in message for message in fit.messages)


def _grid(criterion: GlmmCriterion) -> Iterator[np.ndarray]:
    scale = units(criterion)
    for sds in product(STARTS, repeat=len(scale)):
        theta = theta_from_factors(diagonal_factors(scale * np.array(sds), criterion.sizes))
        yield np.concatenate([theta, np.zeros(len(criterion.b0))])


def _standard(criterion: GlmmCriterion, theta: np.ndarray, beta: np.ndarray) -> np.ndarray:
    x = np.linalg.solve(criterion.T, beta - criterion.b0)
    factors = [lower_triangular(L) for L in criterion.standard_factors(theta)]
    return np.concatenate([theta_from_factors(factors), x])


def _modes(criterion: GlmmCriterion, fit: Estimates) -> list[np.ndarray]:
    """The spherical effects of a fit."""
    factors = [lower_triangular(L) for L in criterion.standard_factors(fit.theta)]
    effects = [term.R @ modes.T for term, modes in zip(criterion.part.terms, fit.modes, strict=True)]
    return [np.linalg.pinv(L) @ one for L, one in zip(factors, effects, strict=True)]


def _summit(criterion: GlmmCriterion, x: np.ndarray) -> tuple[float, float]:
    """Criterion and height where a search from x ends."""
    search = glmm.begin_at(criterion, x, criterion.part.nothing())
    if search is None:
        return np.inf, np.inf
    try:
        end = glmm.climb(search)
        return end.walk.at(end.x).value, height(criterion, end.x, end.modes)
    except (FloatingPointError, np.linalg.LinAlgError):
        return np.inf, np.inf


def theirs(sets: list[Set]) -> dict[int, list[tuple[np.ndarray, np.ndarray]]]:
    """lme4's θ and b from each of its starts, by position of the set; nothing without R."""
    if not shutil.which("Rscript"):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.csv", Path(folder) / "out.csv"
        frames = [s.data.assign(set=k, formula=s.formula, family=s.family) for k, s in enumerate(sets)]
        pd.concat(frames).to_csv(data, index=False)
        subprocess.run(["Rscript", str(Path(__file__).with_name("hills.R")), str(data), str(out)], check=True)
        table = pd.read_csv(out)
    found: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
    for (k, _), rows in table.groupby(["set", "start"]):
        parts = rows.groupby("what")["value"].agg(np.array)
        found.setdefault(int(k), []).append((parts["theta"], parts["beta"]))
    return found


def main() -> None:
    for title, sets in (("one large group", list(uneven_sets())), ("small", list(small_sets()))):
        lme4 = theirs(sets)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcomes = [compare(one, lme4.get(k, [])) for k, one in enumerate(sets)]
        fitted = [one for one in outcomes if one is not None]
        print(
            f"{title}: {len(fitted)} of {len(sets)} fitted, {sum(o.is_zero for o in fitted)} with an SD of 0"
        )
        print(
            "  another summit is higher: "
            + ", ".join(f"{k} {sum(o.kind == k for o in fitted)}" for k in KINDS)
        )
        for one in (one for one in fitted if one.kind):
            here, there = (one.criterion, one.height), one.other
            pairs = "; ".join(f"{a:.4f} (exactly {b:.4f})" for a, b in (here, there))
            print(f"    {one.kind:8}{one.set.name}: {pairs}")


if __name__ == "__main__":
    main()
