"""Time mlmkit against lme4 and the Python peers that are installed, one thread each, and print a table.

    python -m benchmarks                      # all but the heavy cases
    python -m benchmarks --heavy              # all cases
    python -m benchmarks VerbAgg InstEval     # cases whose names contain a word
    python -m benchmarks --peers PYTHON       # peers from another environment

Every fit runs in a process of its own, which is told to use one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from .case import Case
from .cases import CASES

HERE = Path(__file__).parent
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
)
PEERS = ("glmm", "mixedlm", "interlace", "statsmodels", "gpboost")
TIMEOUT = 150


def main() -> None:
    options = _options()
    chosen = [
        case
        for case in CASES
        if (
            any(word in case.name for word in options.only)
            if options.only
            else options.heavy or not case.heavy
        )
    ]
    tools = ["mlmkit", *(tool for tool in options.tools if _is_here(tool, options.peers))]
    print(f"{about()}\n")
    print(header(tools), flush=True)
    for case in chosen:
        print(row(case, tools, measure(case, tools, options.peers)), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="words that the cases' names contain")
    parser.add_argument("--heavy", action="store_true", help="the cases that take lme4 minutes, too")
    parser.add_argument("--peers", default=sys.executable, help="a Python in which the peers are installed")
    parser.add_argument(
        "--tools", nargs="*", default=("lme4", *PEERS), help="the tools to time beside mlmkit"
    )
    options = parser.parse_args()
    if not shutil.which(options.peers):
        parser.error(f"--peers {options.peers} is no Python that can be run")
    return options


def measure(case: Case, tools: list[str], peers: str) -> dict[str, dict]:
    """Each tool's seconds, criterion and peak memory; a tool that fails has its error instead."""
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.csv"
        case.data().to_csv(frame, index=False)
        return {tool: run(_command(tool, case, frame, peers)) for tool in tools}


def _command(tool: str, case: Case, frame: Path, peers: str) -> list[str]:
    if tool == "lme4":
        return ["Rscript", str(HERE / "lme4.R"), str(frame), case.formula, case.family, str(case.n_agq)]
    return [
        sys.executable if tool == "mlmkit" else peers,
        "-m",
        "benchmarks.tools",
        tool,
        json.dumps(case.described()),
        str(frame),
    ]


def run(command: list[str], timeout: float = TIMEOUT) -> dict:
    """What a tool prints as JSON, or why it prints nothing."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            text=True,
            env=os.environ | ONE_THREAD,
            cwd=HERE.parent,
            timeout=timeout,
        )
        return json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"error": f"more than {timeout:g} s"}
    except (IndexError, json.JSONDecodeError):
        print(*done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return {"error": "fails"}


def header(tools: list[str]) -> str:
    """The table's head: what each column holds."""
    others = tools[1:]
    columns = ["case", "mlmkit, s", *(f"{t}, s" for t in others)]
    columns += ["ratio to lme4", "criterion − lme4's"] if "lme4" in tools else []
    columns += ["peak MB", *(f"{t}, MB" for t in others if t == "lme4")]
    return "| " + " | ".join(columns) + " |\n|" + "---|" * len(columns)


def row(case: Case, tools: list[str], results: dict[str, dict]) -> str:
    """One case's row."""
    cells = [case.name, *(_seconds(results[tool]) for tool in tools)]
    ours, lme4 = results["mlmkit"], results.get("lme4")
    if lme4 is not None:
        known = "seconds" in ours and "seconds" in lme4
        cells.append(f"{ours['seconds'] / lme4['seconds']:.3f}" if known else "")
        cells.append(f"{ours['criterion'] - lme4['criterion']:+.1e}" if known else "")
    cells.append(f"{ours['peak_mb']:.0f}" if "peak_mb" in ours else "")
    cells += [f"{lme4['peak_mb']:.0f}" if "peak_mb" in lme4 else ""] if lme4 is not None else []
    return "| " + " | ".join(cells) + " |"


def _seconds(result: dict) -> str:
    return result["error"] if "error" in result else f"{result['seconds']:.3g}"


def _is_here(tool: str, peers: str) -> bool:
    return shutil.which("Rscript") is not None if tool == "lme4" else has(peers, tool)


def has(python: str, package: str) -> bool:
    """Whether a Python has a package."""
    found = subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False)
    return found.returncode == 0


def about() -> str:
    """When and on what a table was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    return f"{date.today()}, {model}, {os.cpu_count()} cores, Python {platform.python_version()}, one thread each"


if __name__ == "__main__":
    main()
