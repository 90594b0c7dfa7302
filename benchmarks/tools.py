"""One tool fits one case, in a process of its own: `python -m benchmarks.tools mlmkit '{…}' frame.csv`.

Prints a line of JSON: processor seconds of the fastest warm fit from formula and data frame to estimates,
what was minimised, and the process's peak memory. It needs the tool and pandas, nothing else, so that peers
may live in an environment of their own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import pandas as pd

from .case import Case

#: Fits are repeated until so many are done or so many seconds are spent, the first one not counted.
MOST_FITS, LONG_ENOUGH = 7, 2.0


def fit_mlmkit(case: Case, data: pd.DataFrame) -> float:
    import mlmkit as mk

    if case.family == "gaussian":
        return mk.lmer(case.formula, data).criterion
    return mk.glmer(case.formula, data, case.family, n_agq=case.n_agq).criterion


def fit_glmm(case: Case, data: pd.DataFrame) -> float:
    import glmm

    weights = None if case.weights is None else data[case.weights].to_numpy(float)
    fit = glmm.fit(data, case.peer_formula or case.formula, case.family, weights=weights, nagq=case.n_agq)
    return -2.0 * fit.loglik


def fit_mixedlm(case: Case, data: pd.DataFrame) -> float:
    import mixedlm

    formula = case.peer_formula or case.formula
    if case.family == "gaussian":
        return float(mixedlm.lmer(formula, data).REMLcrit())
    family = mixedlm.families.Binomial()
    weights = None if case.weights is None else data[case.weights].to_numpy(float)
    return float(-2.0 * mixedlm.glmer(formula, data, family, nAGQ=case.n_agq, weights=weights).logLik().value)


FITS = {"mlmkit": fit_mlmkit, "glmm": fit_glmm, "mixedlm": fit_mixedlm}


def measure(fit, case: Case, data: pd.DataFrame) -> dict:
    """Time a tool's warm fits; of a heavy case the first one counts."""
    times, begin = [], time.perf_counter()
    while len(times) < MOST_FITS + 1 and (len(times) < 2 or time.perf_counter() - begin < LONG_ENOUGH):
        start = time.process_time()
        criterion = fit(case, data)
        times.append(time.process_time() - start)
        if times[0] > 10.0 * LONG_ENOUGH:
            break
    return {"seconds": min(times[1:] or times), "criterion": criterion, "peak_mb": peak_memory()}


def peak_memory() -> float:
    """This process's peak memory in MB; `ru_maxrss`, where there is no other, may be the parent's."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) / 1024.0


def main(tool: str, case: str, frame: str) -> None:
    warnings.simplefilter("ignore")
    data = pd.read_csv(frame)
    print(json.dumps(measure(FITS[tool], Case(**json.loads(case)), data)))


if __name__ == "__main__":
    main(*sys.argv[1:])
