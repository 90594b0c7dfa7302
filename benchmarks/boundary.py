"""Small data sets with few groups and variances near zero, where searches stop at false boundaries.

`python -m benchmarks.boundary` fits 400 of them with mlmkit and with lme4 (its defaults, and tight) and
prints how often either ends higher than the other.
"""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import mlmkit as mk

SETS = 400
FORMULAS = (
    "y ~ x + (x|g)",
    "y ~ x + (x||g)",
    "y ~ x + (x|g) + (1|h)",
    "y ~ x + (1|g) + (x|h)",
    "y ~ x + (x|g) + (x|k)",
)


def data_set(seed: int) -> pd.DataFrame:
    """3–8 groups of 3–8 rows, SDs of the group effects drawn from 0, 0.05, 0.2 and 0.6 of the noise's."""
    rng = np.random.default_rng(seed)
    groups, rows = rng.integers(3, 9, 2)
    g, x = np.repeat(np.arange(groups), rows), rng.normal(size=groups * rows)
    h, k = rng.integers(0, 4, len(g)), g // 2
    tau = rng.choice([0.0, 0.05, 0.2, 0.6], 3)
    b, c = rng.normal(size=(groups, 2)) * tau[:2], rng.normal(size=groups) * tau[2]
    other = {2: c[h % groups], 3: c[h % groups], 4: c[k]}.get(seed % 5, 0.0)
    y = 1.0 + 0.5 * x + b[g, 0] + b[g, 1] * x + other + rng.normal(size=len(g))
    columns = {"y": y.round(4), "x": x.round(4)}
    return pd.DataFrame(
        {**columns, **{name: [f"g{v}" for v in code] for name, code in zip("ghk", (g, h, k), strict=True)}}
    )


def ours(frames: list[pd.DataFrame]) -> list:
    """mlmkit's fits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [mk.lmer(FORMULAS[seed % 5], frame) for seed, frame in enumerate(frames)]


def theirs(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """lme4's REML criteria: columns default and tight."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.csv", Path(folder) / "out.csv"
        pd.concat([f.assign(set=i, formula=FORMULAS[i % 5]) for i, f in enumerate(frames)]).to_csv(
            data, index=False
        )
        script = Path(__file__).with_name("boundary.R")
        subprocess.run(["Rscript", str(script), str(data), str(out)], check=True)
        return pd.read_csv(out)


def main() -> None:
    frames = [data_set(seed) for seed in range(SETS)]
    fits, lme4 = ours(frames), theirs(frames)
    criterion = np.array([fit.criterion for fit in fits])
    singular, converged = sum(f.is_singular for f in fits), sum(f.converged for f in fits)
    print(f"{SETS} data sets: {singular} fits singular, {converged} converged")
    for column in ("default", "tight"):
        above = criterion - lme4[column]
        print(
            f"lme4 {column}: mlmkit higher by > 1e-5 in {np.sum(above > 1e-5)}, "
            f"at most by {above.max():.1e}; lme4 in {np.sum(above < -1e-5)}, at most by {-above.min():.1e}"
        )


if __name__ == "__main__":
    main()
