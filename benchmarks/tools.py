"""One tool fits one case, in a process of its own: `python -m benchmarks.tools mlmkit '{…}' frame.csv`.

Prints a line of JSON: processor seconds of the fastest warm fit from formula and data frame to estimates,
what was minimised, and the process's peak memory. It needs the tool and pandas, nothing else, so that peers
may live in an environment of their own.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
import warnings
from pathlib import Path

import pandas as pd

from .case import Case

#: Fits are repeated until so many are done or so many seconds are spent, the first one not counted.
MOST_FITS, LONG_ENOUGH = 7, 2.0
#: A term such as `+ (x|g)`.
RANDOM = re.compile(r"\+?\s*\(([^()|]*)\|([^()]*)\)")


def fit_mlmkit(case: Case, data: pd.DataFrame) -> float:
    import mlmkit as mk

    if case.family == "gaussian":
        return mk.lmer(case.formula, data).criterion
    return mk.glmer(case.formula, data, case.family, n_agq=case.n_agq).criterion


def fit_glmm(case: Case, data: pd.DataFrame) -> float:
    import glmm

    formula = case.peer_formula or case.formula
    fit = glmm.fit(data, formula, case.family, weights=_weights(case, data), nagq=case.n_agq)
    return -2.0 * fit.loglik


def fit_mixedlm(case: Case, data: pd.DataFrame) -> float:
    import mixedlm

    formula = case.peer_formula or case.formula
    if case.family == "gaussian":
        return float(mixedlm.lmer(formula, data).REMLcrit())
    family = mixedlm.families.Binomial()
    fit = mixedlm.glmer(formula, data, family, nAGQ=case.n_agq, weights=_weights(case, data))
    return float(-2.0 * fit.logLik().value)


def fit_interlace(case: Case, data: pd.DataFrame) -> float:
    import interlace

    fixed, terms = _parts(case)
    random = [f"({columns}|{group})" for columns, group in terms]
    if case.family == "gaussian":
        return -2.0 * interlace.fit(fixed, data, random=random).llf
    weights = _weights(case, data)
    return (
        -2.0 * interlace.glmer(fixed, data, case.family, random=random, weights=weights, nAGQ=case.n_agq).llf
    )


def fit_statsmodels(case: Case, data: pd.DataFrame) -> float:
    from statsmodels.formula.api import mixedlm

    fixed, terms = _parts(case)
    _must(len(terms) == 1 and case.family == "gaussian" and "/" not in case.formula)
    ((columns, group),) = terms
    return -2.0 * mixedlm(fixed, data, groups=data[group], re_formula=f"~ {columns}").fit(reml=True).llf


def fit_gpboost(case: Case, data: pd.DataFrame) -> float:
    import gpboost
    from patsy import dmatrices

    fixed, terms = _parts(case)
    intercepts = all(columns == "1" for columns, _ in terms)
    _must(intercepts and case.weights is None and case.n_agq == 1)
    groups = pd.DataFrame({name: data[name] for _, group in terms for name in group.split("/")})
    y, X = dmatrices(fixed, data)
    likelihood = "gaussian" if case.family == "gaussian" else "bernoulli_logit"
    model = gpboost.GPModel(group_data=groups, likelihood=likelihood, num_parallel_threads=1)
    model.fit(y=y[:, 0], X=X)
    return 2.0 * model.get_current_neg_log_likelihood()


def _parts(case: Case) -> tuple[str, list[tuple[str, str]]]:
    """The fixed part, and what varies across which group for every term in brackets."""
    formula = case.peer_formula or case.formula
    terms = [(columns.strip(), group.strip()) for columns, group in RANDOM.findall(formula)]
    return RANDOM.sub("", formula).strip(), terms


def _weights(case: Case, data: pd.DataFrame):
    return None if case.weights is None else data[case.weights].to_numpy(float)


def _must(can: bool) -> None:
    if not can:
        raise NotImplementedError("this tool has no such model")


FITS = {
    "mlmkit": fit_mlmkit,
    "glmm": fit_glmm,
    "mixedlm": fit_mixedlm,
    "interlace": fit_interlace,
    "statsmodels": fit_statsmodels,
    "gpboost": fit_gpboost,
}


def measure(fit, case: Case, data: pd.DataFrame) -> dict:
    """Time a tool's warm fits; of a heavy case the first one counts."""
    times: list[float] = []
    begin = time.perf_counter()
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
    try:
        result = measure(FITS[tool], Case(**json.loads(case)), data)
    except NotImplementedError:
        result = {"error": "–"}
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
