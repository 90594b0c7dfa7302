"""Do 95% intervals hold the true value in 95% of studies?

    python -m benchmarks.coverage            # 2000 studies with 8 and with 18 groups
    python -m benchmarks.coverage 200 12     # 200 with 12 groups

A study has persons seen at ten times, whose intercepts and slopes vary and are correlated, with the numbers of
sleepstudy. For each method it prints the share of studies whose interval for the slope holds the true one, that share's
Monte Carlo standard error, the intervals' mean width, and processor milliseconds per interval.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats

from mlmkit.engine.covariance import factors_from_theta
from mlmkit.engine.linear.batch import linear_batch
from mlmkit.inference.refits import Refits
from mlmkit.planning import assumed

#: The true numbers, and the replicates of each bootstrap.
SLOPE, REPLICATES = 10.47, 500
NUMBERS: dict[str, Any] = {"fixef": [251.4, SLOPE], "sd": [24.74, 5.92], "cor": 0.07, "sigma": 25.6}


def study(groups: int):
    """The model with its true numbers, for so many persons."""
    data = pd.DataFrame({"person": np.repeat(np.arange(groups), 10), "day": np.tile(np.arange(10.0), groups)})
    return assumed("y ~ day + (day|person)", data, **NUMBERS)


def by_t(ddf: str) -> Callable[[Refits], np.ndarray]:
    """Estimate ± Student's quantile × standard error of every study, (B, 2)."""

    def intervals(refits: Refits) -> np.ndarray:
        table = refits.tests("day", ddf)
        half = scipy.stats.t.ppf(0.975, table["df"]) * table["std.error"]
        return np.column_stack([table["estimate"] - half, table["estimate"] + half])

    return intervals


def by_profile(refits: Refits) -> np.ndarray:
    """Profile likelihood: (B, 1), whether the interval holds the true slope, which is a likelihood-ratio test of it."""
    fit, Y = refits.fit, refits.responses
    design = fit.design
    held = replace(design, X=design.X[:, :1], fixed_names=design.fixed_names[:1])
    free, fixed = (linear_batch(one, reml=False) for one in (design, held))
    rise = fixed.fit(Y - SLOPE * design.X[:, 1:]).criterion - free.fit(Y.copy()).criterion
    return (rise <= scipy.stats.chi2.ppf(0.95, 1))[:, None]


def by_bootstrap(refits: Refits) -> np.ndarray:
    """Percentiles of the parametric bootstrap: responses from each study's estimates, fitted to the same design."""
    fit, rng = refits.fit, np.random.default_rng(2)
    design, (block,) = fit.design, fit.design.blocks
    batch, found = linear_batch(design, reml=True), []
    for beta, theta, sigma in zip(refits.beta, refits.theta, refits.sigma, strict=True):
        (Lambda,) = factors_from_theta(theta, (2,))
        effects = rng.standard_normal((REPLICATES, len(block.levels), 2)) @ Lambda.T
        noise = rng.standard_normal((REPLICATES, len(design.y)))
        Y = design.X @ beta + sigma * (np.einsum("is,bis->bi", block.Z, effects[:, block.codes]) + noise)
        found.append(np.quantile(batch.fit(Y.T.copy()).beta[:, 1], [0.025, 0.975]))
    return np.array(found)


METHODS: dict[str, Callable[[Refits], np.ndarray]] = {
    "normal": by_t("asymptotic"),
    "Satterthwaite": by_t("satterthwaite"),
    "Kenward–Roger": by_t("kenward-roger"),
    "profile": by_profile,
    "bootstrap": by_bootstrap,
}


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    warnings.simplefilter("ignore")
    print("| groups | interval | coverage | standard error | mean width | ms |\n|---|---|---|---|---|---|")
    for groups in [int(size) for size in sys.argv[2:]] or [8, 18]:
        fit = study(groups)
        refits = fit.refit_many(fit.simulate(n, seed=1), progress=False)
        for name, intervals in METHODS.items():
            begin = time.process_time()
            told = intervals(refits)
            took = (time.process_time() - begin) / n
            whole = told.shape[1] == 2
            held = np.mean((told[:, 0] <= SLOPE) & (told[:, 1] >= SLOPE)) if whole else told.mean()
            error, width = np.sqrt(held * (1 - held) / n), f"{np.mean(np.diff(told)):.2f}" if whole else "–"
            print(
                f"| {groups} | {name} | {held:.1%} | {error:.1%} | {width} | {took * 1e3:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
