"""Random models beside lme4: mlmkit's criterion is never above the best that lme4 finds.

    python -m benchmarks.laws --n 300 --seed 1

A model has a random fixed part, one or two random terms, now and then weights or an offset, and is linear (REML or
maximum likelihood), binomial or Poisson; its data are drawn from it with SDs that may be 0. lme4 fits each with
three optimisers and the lowest of its criteria counts. Printed are the models where mlmkit's is higher, and how
often lme4's default ends higher than mlmkit. A model that either of the two refuses is counted, not compared.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import mlmkit as mk

#: mlmkit may be above lme4 by this share of the criterion, and by this much: rounding of lme4's own search.
SHARE, LEAST = 1e-5, 1e-6
FIXED = ("1", "x", "x + z", "f", "x*f", "x + f + z", "x:f", "0 + f", "poly(x, 2)", "t + x", "x*z", "t:x + f")
RANDOM = (
    "(1|g)", "(1|g)", "(x|g)", "(x||g)", "(0 + x|g)", "(z|g)", "(1|g) + (1|h)", "(x|g) + (1|h)", "(1|s/g)",
    "(1|g:h)", "(x + z|g)", "(x + z||g)", "(t|g)", "(1|g) + (0 + x|h)", "(0 + f|g)", "(x|g) + (z|h)",
)  # fmt: skip
KINDS = ("reml", "reml", "ml", "binomial", "poisson")


@dataclass(frozen=True)
class Model:
    """One model and its data; `kind` is reml, ml or a family."""

    formula: str
    kind: str
    data: pd.DataFrame
    weights: str | None = None

    def fit(self):
        """mlmkit's fit, or None where it refuses."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                if self.kind in ("reml", "ml"):
                    return mk.lmer(self.formula, self.data, reml=self.kind == "reml", weights=self.weights)
                return mk.glmer(self.formula, self.data, self.kind)
            except mk.MlmkitError:
                return None


def model(rng: np.random.Generator) -> Model:
    """A random model and data drawn from it."""
    kind, groups, rows = str(rng.choice(KINDS)), int(rng.integers(6, 25)), int(rng.integers(4, 16))
    n, g = groups * rows, np.repeat(np.arange(groups), rows)
    h, x = rng.integers(0, rng.integers(4, 9), n), rng.normal(size=n)
    x = x * rng.choice([1.0, 1.0, 20.0]) + rng.choice([0.0, 0.0, 5.0])
    z, f, t = rng.normal(size=n), rng.integers(0, 3, n), rng.random(n) < 0.5
    sds = rng.choice([0.0, 0.3, 1.0, 3.0], 3) * (1.0 if kind in ("reml", "ml") else 0.5)
    u, slopes, v = (rng.normal(size=60) * sd for sd in sds)
    scaled = (x - x.mean()) / x.std()
    eta = 0.5 + (0.4 + slopes[g]) * scaled + 0.3 * (f == 1) + u[g] + v[h]
    draws = {
        "binomial": lambda: (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
        "poisson": lambda: rng.poisson(np.exp(np.minimum(eta, 6.0))),
    }
    y = draws.get(kind, lambda: (eta + rng.normal(size=n)).round(5))()
    columns = {
        "y": y,
        "x": x.round(5),
        "z": z.round(5),
        "t": np.where(t, "yes", "no"),
        "w": rng.integers(1, 5, n),
    }
    labels = {"f": np.array(list("abc"))[f], "g": [f"g{k}" for k in g], "h": [f"h{k}" for k in h], "s": [f"s{k // 4}" for k in g]}  # fmt: skip
    offset = " + offset(z/2)" if rng.random() < 0.1 else ""
    formula = f"y ~ {rng.choice(FIXED)}{offset} + {rng.choice(RANDOM)}"
    weights = "w" if kind in ("reml", "ml") and rng.random() < 0.15 else None
    return Model(formula, kind, pd.DataFrame({**columns, **labels}), weights)


def theirs(models: list[Model]) -> pd.DataFrame:
    """lme4's criteria, a row for each model: its default, bobyqa and Nelder–Mead at tight tolerances, or NaN."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.csv", Path(folder) / "out.csv"
        sets = [
            one.data.assign(set=k, formula=one.formula, kind=one.kind, weighted=one.weights is not None)
            for k, one in enumerate(models)
        ]
        pd.concat(sets).to_csv(data, index=False)
        script = Path(__file__).with_name("laws.R")
        subprocess.run(["Rscript", str(script), str(data), str(out)], check=True)
        return pd.read_csv(out)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Random models: is mlmkit's criterion ever above lme4's best?"
    )
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    models = [model(rng) for _ in range(options.n)]
    lme4 = theirs(models).to_numpy()
    fits = [one.fit() for one in models]
    ours = np.array([np.nan if fit is None else -2 * fit.loglik for fit in fits])
    answered = np.isfinite(lme4).any(axis=1)
    best = np.where(answered, np.nanmin(np.where(np.isfinite(lme4), lme4, np.inf), axis=1), np.nan)
    both = np.isfinite(ours) & answered
    above = ours - best > np.maximum(SHARE * np.abs(best), LEAST)
    print(
        f"{options.n} models; {np.sum(np.isnan(ours))} refused by mlmkit, {np.sum(~answered)} by lme4, {both.sum()} compared"
    )
    print(
        f"mlmkit above lme4's best by more than {SHARE:g} of it: {np.sum(above & both)}; largest excess {np.nanmax(ours - best):.2e}"
    )
    default = lme4[:, 0] - ours > np.maximum(SHARE * np.abs(ours), LEAST)
    print(
        f"lme4's default above mlmkit: {np.sum(default & both)}; its best: {np.sum((best - ours > SHARE * np.abs(ours)) & both)}"
    )
    for k in np.flatnonzero(above & both):
        print(
            f"    {k}: {models[k].kind} {models[k].formula}  mlmkit {ours[k]:.6f}, lme4 {best[k]:.6f}, converged {fits[k].converged}"
        )
    raise SystemExit(bool(np.any(above & both)))


if __name__ == "__main__":
    main()
