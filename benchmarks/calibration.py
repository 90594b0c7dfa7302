"""Simulation-based calibration of brm: are its posteriors as wide as they should be?

Parameters are drawn from the prior, data from the parameters, a posterior from the data. Over many
repetitions the rank of each true value among the posterior's draws is uniform if density, sampler and draws
of the group effects agree with the model. Ranks piled up at the ends mean posteriors that are too narrow, in
the middle too wide, on one side biased.

    python -m benchmarks.calibration          # 200 repetitions of four small models, some minutes on two cores
    python -m benchmarks.calibration 1000

Talts, Betancourt, Simpson, Vehtari & Gelman (2018). arXiv:1804.06788.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import joblib
import numpy as np
import pandas as pd
from scipy import stats

from mlmkit.bayes import brm
from mlmkit.bayes.correlation import draw_correlation_factor
from mlmkit.bayes.priors import Prior
from mlmkit.errors import FitWarning
from mlmkit.families import Family

GROUPS, ROWS = 8, 6
PRIORS = {"Intercept": "normal(0, 2)", "b": "normal(0, 1)", "sd": "normal(0, 1)", "cor": "lkj(2)"}
MODELS = {
    "gaussian, slopes": ("y ~ x + (x|g)", "gaussian", {**PRIORS, "sigma": "normal(0, 1)"}),
    "binomial, intercepts": (
        "cbind(y, 10 - y) ~ x + (1|g)",
        "binomial",
        {k: v for k, v in PRIORS.items() if k != "cor"},
    ),
    "negative binomial, intercepts": (
        "y ~ x + (1|g)",
        "nbinom",
        {
            "Intercept": "normal(1, 0.5)",
            "b": "normal(0, 0.5)",
            "sd": "normal(0, 0.5)",
            "shape": "gamma(4, 1)",
        },
    ),
    "Student, intercepts": (
        "y ~ x + (1|g)",
        "student",
        {k: v for k, v in PRIORS.items() if k != "cor"} | {"sigma": "normal(0, 0.5)", "nu": "gamma(2, 0.2)"},
    ),
}
#: Draws kept of each posterior: every THIN-th, so that they are nearly independent.
KEPT, THIN, BINS = 99, 5, 10


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for name in MODELS:
        seeds = np.random.SeedSequence(2024).spawn(repetitions)
        ranks = pd.DataFrame(joblib.Parallel(n_jobs=-1)(joblib.delayed(rank)(name, seed) for seed in seeds))
        print(f"\n{name}: {repetitions} repetitions\n{uniformity(ranks).to_string(float_format='%.3f')}")


def rank(name: str, seed: np.random.SeedSequence) -> dict[str, int]:
    """The true values' ranks among the draws of one posterior."""
    formula, family, priors = MODELS[name]
    rng = np.random.default_rng(seed)
    data, truth = simulate(family, {key: Prior.parse(text) for key, text in priors.items()}, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        settings: dict[str, Any] = {
            "chains": 1,
            "draws": KEPT * THIN,
            "tune": 500,
            "cores": 1,
            "progress": False,
        }
        posterior = brm(formula, data, family, priors, seed=int(rng.integers(2**31)), **settings)
    draws = posterior.draws.assign(first_group=posterior.coef_draws("g")["Intercept"][..., 0].ravel())
    return {column: int((draws[column].to_numpy()[::THIN] < value).sum()) for column, value in truth.items()}


def simulate(family: str, priors: dict[str, Prior], rng: np.random.Generator):
    """Data from parameters from the prior, and those parameters by their names in `posterior.draws`."""
    size = 2 if "cor" in priors else 1
    x, g = rng.normal(size=GROUPS * ROWS) + 1, np.repeat(np.arange(GROUPS), ROWS)
    slope = float(priors["b"].draw(rng))
    b = np.array([float(priors["Intercept"].draw(rng)) - slope * x.mean(), slope])
    sd = priors["sd"].draw(rng, size, lower=0.0)
    C = draw_correlation_factor(rng, 2, priors["cor"].args[0]) if size == 2 else np.eye(1)
    effects = rng.normal(size=(GROUPS, size)) @ (sd[:, None] * C).T
    eta = b[0] + b[1] * x + (np.column_stack([np.ones_like(x), x])[:, :size] * effects[g]).sum(axis=1)
    truth = {"b_Intercept": b[0], "b_x": b[1], "sd_g__Intercept": sd[0], "first_group": b[0] + effects[0, 0]}
    if size == 2:
        truth |= {"sd_g__x": sd[1], "cor_g__Intercept__x": C[1, 0]}
    distribution = Family(family).distribution
    own = {one.name: float(priors[one.name].draw(rng, lower=one.lower)) for one in distribution.own}
    weights = np.full(len(x), 10.0 if distribution.counts_trials else 1.0)
    dispersion = distribution.from_own(*own.values())
    y = distribution.draw(rng, Family(family).mean(eta), weights, dispersion)
    return pd.DataFrame({"y": y * weights, "x": x, "g": g}), truth | own


def uniformity(ranks: pd.DataFrame) -> pd.DataFrame:
    """Each parameter's mean rank, in standard errors from the middle, and a χ² test of uniformity."""
    rows = {}
    for name, values in ranks.items():
        counts = np.histogram(values, BINS, (0, KEPT + 1))[0]
        error = np.sqrt(((KEPT + 1) ** 2 - 1) / 12 / len(values))
        rows[name] = {"z of mean": (values.mean() - KEPT / 2) / error, "χ² p": stats.chisquare(counts).pvalue}
    return pd.DataFrame(rows).T


if __name__ == "__main__":
    main()
