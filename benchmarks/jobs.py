"""Time what is asked of a fit, against R's packages and the Python samplers that are installed, one thread each.

    python -m benchmarks.jobs                     # all jobs
    python -m benchmarks.jobs profile bootstrap   # jobs whose names contain a word
    python -m benchmarks.jobs --peers PYTHON      # bambi and PyMC from another environment

Every tool runs in a process of its own. The last columns hold one number that the tools should agree on, up to
simulation where they simulate.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from .__main__ import HERE, about, has, run
from .cases import contraception, course, mathachieve

#: What a sampler is asked for: a mean, and the effective draws of the parameter that has fewest.
Draws = tuple[float, float]

SLEEP = "Reaction ~ Days + (Days|Subject)"
SCHOOLS = "mathach ~ ses * himinty + (ses|school)"
USED = "used ~ age + age2 + urban + livch + (1|district)"
DRAWS, CHAINS = 1000, 4


@dataclass(frozen=True)
class Job:
    """One question to a fit.

    Attributes
    ----------
    name, key
        Its row in the table, and what `jobs.R` and `OURS` call it.
    value
        What the number is that the tools should agree on.
    data
        A function that makes the data frame.
    share
        Which share of the work R does; its seconds are divided by that.
    peers
        Python tools that have such a thing.
    """

    name: str
    key: str
    value: str
    data: Callable[[], pd.DataFrame]
    share: float = 1.0
    peers: tuple[str, ...] = ()


sleepstudy = partial(course, "sleepstudy", "Subject")
JOBS = (
    Job("1000 bootstrap replicates, sleepstudy", "bootstrap", "standard error of Days", sleepstudy),
    Job("200 refits of a 0/1 model, Contraception", "refits", "standard error of age", contraception),
    Job("profile and intervals, sleepstudy", "profile", "lower limit of Days", sleepstudy),
    Job("Kenward–Roger's tests, MathAchieve", "kenward_roger", "df of ses", mathachieve),
    Job("power curve, 2000 studies × 6 sizes", "power", "power at 6 people", sleepstudy, share=0.05),
    Job(
        "posterior, per 1000 effective draws",
        "posterior",
        "mean of Days",
        sleepstudy,
        peers=("bambi", "pymc"),
    ),
)


# -- ours ------------------------------------------------------------------------------------------
def bootstrap(data: pd.DataFrame) -> Callable[[], float]:
    import mlmkit as mk

    fit = mk.lmer(SLEEP, data)
    return lambda: float(fit.bootstrap(1000, seed=1, progress=False)["Days"].std())


def refits(data: pd.DataFrame) -> Callable[[], float]:
    import mlmkit as mk

    fit = mk.glmer(USED, data, "binomial")
    Y = fit.simulate(200, seed=1)
    return lambda: float(fit.refit_many(Y, progress=False).fixef["age"].std())


def profile(data: pd.DataFrame) -> Callable[[], float]:
    import mlmkit as mk

    fit = mk.lmer(SLEEP, data)
    return lambda: float(fit.profile().confint().loc["Days"].iloc[0])


def kenward_roger(data: pd.DataFrame) -> Callable[[], float]:
    import mlmkit as mk

    fit = mk.lmer(SCHOOLS, data)
    return lambda: float(fit.tests(ddf="kenward-roger").loc["ses", "df"])


def power(data: pd.DataFrame) -> Callable[[], float]:
    import mlmkit as mk

    fit = mk.lmer(SLEEP, data)
    sizes = {"Subject": [6, 10, 14, 18, 24, 36]}
    asked = partial(fit.power, "Days", effect=5.0, groups=sizes, n=2000, seed=1, progress=False)
    return lambda: float(asked().table["power"].iloc[0])


def posterior(data: pd.DataFrame) -> Callable[[], Draws]:
    import mlmkit as mk

    asked = partial(mk.brm, SLEEP, data, chains=CHAINS, draws=DRAWS, seed=1, cores=1, progress=False)

    def ask() -> Draws:
        drawn = asked()
        return float(drawn.draws["b_Days"].mean()), float(drawn.table["bulk_ess"].min())

    return ask


# -- the samplers beside it ------------------------------------------------------------------------
def bambi(data: pd.DataFrame) -> Callable[[], Draws]:
    import bambi  # type: ignore[import-not-found]

    def ask() -> Draws:
        model = bambi.Model(SLEEP, data)
        drawn = model.fit(draws=DRAWS, chains=CHAINS, cores=1, random_seed=1, progressbar=False)
        return _told(drawn, "Days", ["Intercept", "Days", "sigma", "1|Subject_sigma", "Days|Subject_sigma"])

    return ask


def pymc(data: pd.DataFrame) -> Callable[[], Draws]:
    import pymc

    from mlmkit.bayes import pymc_model

    def ask() -> Draws:
        with pymc_model(SLEEP, data).build():
            drawn = pymc.sample(DRAWS, chains=CHAINS, cores=1, random_seed=1, progressbar=False)
        return _told(drawn, "b_Days", ["b_Intercept", "b_Days", "sigma", "Subject_stds"])

    return ask


def _told(drawn, slope: str, parameters: list[str]) -> Draws:
    """The slope's mean, and the effective draws of the parameter that has fewest."""
    import arviz

    effective = arviz.ess(drawn, var_names=parameters)
    return float(drawn.posterior[slope].mean()), min(float(one.min()) for one in effective.values())


ASKED = {one.__name__: one for one in (bootstrap, refits, profile, kenward_roger, power, posterior)}
ASKED |= {one.__name__: one for one in (bambi, pymc)}


# -- the table -------------------------------------------------------------------------------------
def main() -> None:
    options = _options()
    chosen = [
        job for job in JOBS if not options.only or any(word in job.key + job.name for word in options.only)
    ]
    here = {peer for peer in ("bambi", "pymc") if has(options.peers, peer)}
    print(f"{about()}\n")
    print("| what is asked | mlmkit, s | other tools, s | the number | mlmkit's | theirs |\n|" + "---|" * 6)
    for job in chosen:
        print(row(job, measure(job, options.peers, here)), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="words that the jobs' names contain")
    parser.add_argument(
        "--peers", default=sys.executable, help="a Python in which bambi and PyMC are installed"
    )
    return parser.parse_args()


def measure(job: Job, peers: str, here: set[str]) -> dict[str, dict]:
    """Seconds and the number by tool, or the tool's error."""
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.csv"
        job.data().to_csv(frame, index=False)
        commands = {"mlmkit": [sys.executable, "-m", "benchmarks.jobs", "--once", job.key, str(frame)]}
        if shutil.which("Rscript"):
            commands["R"] = ["Rscript", str(HERE / "jobs.R"), job.key, str(frame)]
        for peer in here.intersection(job.peers):
            commands[peer] = [peers, "-m", "benchmarks.jobs", "--once", peer, str(frame)]
        found = {tool: run(command, timeout=900) for tool, command in commands.items()}
    return {tool: one for tool, one in found.items() if one.get("error") != "–"}


def row(job: Job, results: dict[str, dict]) -> str:
    """One job's row."""
    ours, others = results["mlmkit"], {tool: one for tool, one in results.items() if tool != "mlmkit"}
    times = [_seconds(one, one.get("package", tool), job) for tool, one in others.items()]
    values = [f"{one['value']:.4g}" for one in others.values() if "value" in one]
    cells = [job.name, f"{ours['seconds']:.3g}", ", ".join(times), job.value]
    return "| " + " | ".join([*cells, f"{ours['value']:.4g}", ", ".join(values)]) + " |"


def _seconds(one: dict, tool: str, job: Job) -> str:
    if "error" in one:
        return f"{tool}: {one['error']}"
    share = job.share if "package" in one else 1.0
    told = f"{one['seconds'] / share:.3g} ({tool}"
    return told + (f", {share:.0%} of it measured)" if share < 1 else ")")


def once(key: str, frame: str) -> dict:
    """One tool's work in this process: processor seconds and the number; of quick work the second turn counts.

    A sampler's seconds are those of a thousand effective draws.
    """
    warnings.simplefilter("ignore")
    data = pd.read_csv(frame)
    for _ in range(2):
        ask = ASKED[key](data)  # a new fit, which remembers nothing of the first turn
        begin = time.process_time()
        answer = ask()
        seconds = time.process_time() - begin
        if seconds > 60:
            break
    value, effective = answer if isinstance(answer, tuple) else (answer, 1000.0)
    return {"seconds": seconds * 1000.0 / effective, "value": value}


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--once":
        print(json.dumps(once(*sys.argv[2:])))
    else:
        main()
