"""Do 95% intervals hold the true value in 95% of studies?

    python -m benchmarks.coverage            # 2000 studies with 8 and with 20 groups
    python -m benchmarks.coverage 200 12     # 200 with 12 groups

A study has persons seen at ten times, whose intercepts and slopes vary and are correlated, with the numbers of
sleepstudy. For each method it prints the share of studies whose interval for the slope holds the true one, that share's
Monte Carlo standard error, the intervals' mean width, and processor milliseconds per interval.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
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
SLOPE, REPLICATES = 10.47, 499
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


def by_profile(ddf: str | None) -> Callable[[Refits], np.ndarray]:
    """Profile likelihood: (B, 1), whether the interval holds the true slope, which is a likelihood-ratio test of it."""

    def held(refits: Refits) -> np.ndarray:
        design, Y = refits.fit.design, refits.responses
        without = replace(design, X=design.X[:, :1], fixed_names=design.fixed_names[:1])
        free, fixed = linear_batch(design, reml=False).fit(Y.copy()), linear_batch(without, reml=False)
        rise = fixed.fit(Y - SLOPE * design.X[:, 1:]).criterion - free.criterion
        if ddf is None:
            return (rise <= scipy.stats.chi2.ppf(0.95, 1))[:, None]
        table = refits.tests("day", ddf)
        size = table["df"] * table["std.error"] ** 2 / free.vcov[:, 1, 1]
        squared = table["df"] * np.expm1(rise / size)
        return (squared <= scipy.stats.t.ppf(0.975, table["df"]) ** 2).to_numpy()[:, None]

    return held


def by_bootstrap(refits: Refits) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Percentile and studentised intervals of every study, from one parametric bootstrap of it."""
    fit, rng = refits.fit, np.random.default_rng(2)
    design, (block,) = fit.design, fit.design.blocks
    batch = linear_batch(design, reml=True)
    for beta, vcov, theta, sigma in zip(refits.beta, refits.vcov, refits.theta, refits.sigma, strict=True):
        (Lambda,) = factors_from_theta(theta, (2,))
        effects = rng.standard_normal((REPLICATES, len(block.levels), 2)) @ Lambda.T
        noise = rng.standard_normal((REPLICATES, len(design.y)))
        Y = design.X @ beta + sigma * (np.einsum("is,bis->bi", block.Z, effects[:, block.codes]) + noise)
        again = batch.fit(Y.T.copy())
        draws = again.beta[:, 1]
        yield percentile(draws), studentized(beta[1], vcov[1, 1] ** 0.5, draws, again.vcov[:, 1, 1] ** 0.5)


def percentile(draws: np.ndarray) -> np.ndarray:
    return np.quantile(draws, [0.025, 0.975])


def studentized(estimate: float, se: float, draws: np.ndarray, ses: np.ndarray) -> np.ndarray:
    return estimate - se * np.quantile((draws - estimate) / ses, [0.975, 0.025], method="weibull")


METHODS: dict[str, Callable[[Refits], np.ndarray]] = {
    "normal": by_t("asymptotic"),
    "Satterthwaite": by_t("satterthwaite"),
    "Kenward–Roger": by_t("kenward-roger"),
    "profile": by_profile(None),
    "profile by t": by_profile("satterthwaite"),
}


def row(groups: int, name: str, told: np.ndarray, ms: float) -> str:
    """A row of the table: of intervals (B, 2), or of whether they hold the true slope (B, 1)."""
    whole = told.shape[1] == 2
    held = np.mean((told[:, 0] <= SLOPE) & (told[:, 1] >= SLOPE)) if whole else told.mean()
    error, width = np.sqrt(held * (1 - held) / len(told)), f"{np.mean(np.diff(told)):.2f}" if whole else "–"
    return f"| {groups} | {name} | {held:.1%} | {error:.1%} | {width} | {ms:.2f} |"


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    warnings.simplefilter("ignore")
    print("| groups | interval | coverage | standard error | mean width | ms |\n|---|---|---|---|---|---|")
    for groups in [int(size) for size in sys.argv[2:]] or [8, 20]:
        fit = study(groups)
        refits = fit.refit_many(fit.simulate(n, seed=1), progress=False)
        for name, intervals in METHODS.items():
            begin = time.process_time()
            told = intervals(refits)
            print(row(groups, name, told, (time.process_time() - begin) / n * 1e3), flush=True)
        begin = time.process_time()
        both = zip(*by_bootstrap(refits), strict=True)
        for name, told in zip(("percentile bootstrap", "studentised bootstrap"), both, strict=True):
            print(row(groups, name, np.array(told), (time.process_time() - begin) / n * 1e3), flush=True)


if __name__ == "__main__":
    main()
