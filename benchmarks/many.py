"""Many responses on one design: does the batch find what one fit at a time finds, and how much sooner?

    python -m benchmarks.many            # ten designs, 1000 responses each

Prints for each design how many of the responses are singular, how many the batch had to leave to a fit of their
own, the largest distance of the criteria, whether convergence and singularity agree, and milliseconds per fit.
"""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

import mlmkit as mk
from mlmkit.engine.linear.batch import linear_batch
from mlmkit.inference.simulate import simulate


@dataclass(frozen=True)
class Case:
    """A model to simulate from, with the SDs of its group effects as shares of the residual's."""

    name: str
    formula: str
    data: pd.DataFrame
    theta: tuple[float, ...]
    reml: bool = True
    extras: dict = field(default_factory=dict)

    def fit(self):
        """The model with these θ, whatever the response."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = mk.lmer(self.formula, self.data, self.reml, **self.extras)
        return replace(fit, estimates=replace(fit.estimates, theta=np.array(self.theta)))


def rows(seed: int, sizes, mean: float = 0.0, spread: float = 1.0) -> pd.DataFrame:
    """Groups of these sizes: y, x, z, f (between groups), weights w, offset o."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    n = len(codes)
    return pd.DataFrame(
        {
            "g": [f"g{j:03d}" for j in codes],
            "y": rng.normal(size=n),
            "x": rng.normal(mean, spread, n),
            "z": rng.normal(size=n),
            "f": rng.normal(size=len(sizes))[codes],
            "w": rng.gamma(2.0, 0.5, n),
            "o": rng.normal(size=n),
        }
    )


def cases() -> list[Case]:
    """Ten designs: balanced and not, small and uneven ones, on the boundary and off it."""
    sleep = mk.load_data("sleepstudy")
    uneven = np.maximum(1, np.random.default_rng(5).lognormal(1.5, 0.8, 40).round().astype(int))
    return [
        Case("sleepstudy, slope", "Reaction ~ Days + (Days|Subject)", sleep, (0.97, 0.015, 0.23)),
        Case("sleepstudy, no variance", "Reaction ~ Days + (Days|Subject)", sleep, (0.3, 0.0, 0.0)),
        Case("sleepstudy, uncorrelated, ML", "Reaction ~ Days + (Days||Subject)", sleep, (0.5, 0.0), False),
        Case("40 unequal groups", "y ~ x + f + (x|g)", rows(1, uneven), (0.5, 0.2, 0.1)),
        Case(
            "weights and offset",
            "y ~ x + (1|g)",
            rows(2, uneven),
            (0.2,),
            True,
            {"weights": "w", "offset": "o"},
        ),
        Case("4 groups", "y ~ x + (x|g)", rows(3, [6] * 4), (0.6, 0.3, 0.2)),
        Case("one large group, ML", "y ~ x + (1|g)", rows(4, [300, *[1] * 15]), (1.0,), False),
        Case(
            "three coefficients", "y ~ x + z + (x + z|g)", rows(6, [8] * 20), (0.6, 0.2, 0.1, 0.3, 0.0, 0.2)
        ),
        Case("a slope around 0", "y ~ z + (0 + x|g)", rows(7, [5] * 15, 5.0, 0.3), (0.3,)),
        Case(
            "two of three uncorrelated",
            "y ~ x*f + (x|g) + (0 + z|g)",
            rows(8, [7] * 25),
            (0.3, 0.1, 0.0, 0.1),
        ),
    ]


@dataclass(frozen=True)
class Agreement:
    """How a batch and single fits compare: what `main` prints."""

    singular: int
    left: int
    distance: float
    flags: bool
    batch: float
    single: float


def compare(case: Case, n: int) -> Agreement:
    """Fit n simulated responses both ways."""
    fit = case.fit()
    Y = simulate(fit, n, seed=1).to_numpy()
    begin = time.process_time()
    many = linear_batch(fit.design, case.reml).fit(Y)
    batch = time.process_time() - begin
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        single = [fit.refit(y) for y in Y.T]
    took = time.process_time() - begin
    ok = many.converged
    distance = np.abs(many.criterion - [one.criterion for one in single])[ok]
    flags = many.singular[ok] == np.array([one.is_singular for one in single])[ok]

    return Agreement(
        int(many.singular.sum()),
        int((~ok).sum()),
        float(distance.max()),
        bool(flags.all()),
        batch / n,
        took / n,
    )


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(
        "| design | singular | left | largest distance | flags agree | batch, ms | refit, ms |\n|---|---|---|---|---|---|---|"
    )
    for case in cases():
        a = compare(case, n)
        print(
            f"| {case.name} | {a.singular} | {a.left} | {a.distance:.1e} | {a.flags} | {a.batch * 1e3:.3f} | "
            f"{a.single * 1e3:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
