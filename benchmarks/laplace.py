"""Is Laplace's approximation doubted where it should be? The notice of `glmer` held against exact integration.

Data with one grouping factor are simulated over counts and 0/1 responses, few and many rows per group, small and
large SDs; each is fitted by Laplace and with enough nodes. The truth is the largest distance between the two fits,
in standard errors of the exact one; the notice is given from 0.3 standard errors on, as forecast from one step.

    python -m benchmarks.laplace              # 336 data sets, some five minutes
    python -m benchmarks.laplace 20           # 20 of each setting instead of 4
"""

from __future__ import annotations

import itertools
import sys
import warnings

import numpy as np
import pandas as pd
from scipy.special import expit

import mlmkit as mk
from mlmkit.engine.estimates import DOUBTFUL
from mlmkit.errors import FitWarning
from mlmkit.inference.focus import standard_deviation

FAMILIES, GROUPS, ROWS, SDS = ("binomial", "poisson", "nbinom"), (40, 200), (3, 6, 20), (0.5, 1.5, 3.0)


def simulated(family: str, groups: int, rows: int, sd: float, slopes: bool, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng([seed, groups, rows, int(10 * sd), slopes])
    g, x = np.repeat(np.arange(groups), rows), rng.normal(size=groups * rows)
    z = rng.integers(0, 2, groups)[g]
    eta = -1 + 0.5 * x + 0.3 * z + sd * rng.normal(size=groups)[g]
    eta = np.minimum(eta + slopes * sd / 2 * rng.normal(size=groups)[g] * x, 8)
    mean = np.exp(eta) * (rng.gamma(1.5, 1 / 1.5, len(g)) if family == "nbinom" else 1)
    y = rng.binomial(1, expit(eta)) if family == "binomial" else rng.poisson(mean)
    return pd.DataFrame({"g": g, "x": x, "z": z, "y": y})


def compared(family: str, groups: int, rows: int, sd: float, slopes: bool, seed: int) -> dict:
    """One data set: how far exact integration moves the Laplace fit, as forecast and as it is."""
    data = simulated(family, groups, rows, sd, slopes, seed)
    formula = "y ~ x + z + (x|g)" if slopes else "y ~ x + z + (1|g)"
    laplace, exact = (mk.glmer(formula, data, family, n_agq=n) for n in (1, 13 if slopes else 40))
    moves = list(((exact.fixef - laplace.fixef) / exact.se).abs())
    for k, value in enumerate(laplace.varcorr[laplace.varcorr["term2"].isna()]["sdcor"]):
        held = standard_deviation(exact, 0, k, "").deviance(max(value, 1e-6))
        moves.append(np.sqrt(max(held - exact.criterion, 0.0)))
    return {
        "forecast": laplace.estimates.move.largest,
        "truth": max(moves),
        "slopes": slopes,
        "family": family,
    }


def main(repetitions: int) -> None:
    warnings.simplefilter("ignore", FitWarning)
    settings = itertools.product(FAMILIES, GROUPS, ROWS, SDS, (False, True))
    wanted = [one for one in settings if not (one[4] and (one[1] == 200 or one[0] == "nbinom"))]
    table = pd.DataFrame([compared(*one, seed) for one in wanted for seed in range(repetitions)])
    table["noticed"], table["true"] = table["forecast"] >= DOUBTFUL, table["truth"] >= DOUBTFUL
    print(pd.crosstab([table["family"], table["slopes"], table["true"]], table["noticed"]))
    print(pd.crosstab(table["true"], table["noticed"], margins=True))
    missed = table[table["true"] & ~table["noticed"]]["truth"].sort_values()
    print("truth of those not noticed:", missed.round(2).tolist())
    print("truth of false alarms:", table[~table["true"] & table["noticed"]]["truth"].round(2).tolist())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
