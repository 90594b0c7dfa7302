"""Time what a hand on a slider waits for: from a control's new value to the new picture and sentence.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.widgets              # all explorations, one thread
    OPENBLAS_NUM_THREADS=1 python -m benchmarks.widgets likelihood   # those whose names contain a word

Every control is swept from one value to another, as a hand does; a move is computing, painting, encoding and
handing over. The median is held
against the course's bounds: 60 ms where nothing is refitted, 150 ms where it is. CPU time is counted, so that
other work on the machine does not count; wall time stands beside it.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from datetime import date

import numpy as np

from mlmkit import widgets
from mlmkit.widgets.frame import Explorer

REDRAW, REFIT = 60, 150  # ms
MOVES = 26

#: Each exploration's moves: a control and two values, and whether a move fits a model again.
CASES: dict[str, tuple] = {
    "explore_icc": (("tau", 1.0, 3.0), ("J", 5, 30), False),
    "explore_weight": (("mean", 8.0, 18.0), ("tau", 1.0, 6.0), False),
    "explore_pooling": (("multiple", 0.0, np.inf), False),
    "explore_reveal": (("guess", 8.0, 12.0), ("turn", 0, 25), False),
    "explore_plane": (("rho", -0.5, 0.5), ("subject", "308", "350"), False),
    "explore_loss": (("J", 5, 40), ("apart", 0.0, 6.0), False),
    "explore_likelihood": (("alike", 0.1, 0.7), ("J", 6, 18), True),
    "explore_future_batch": (("b", -3.0, 0.0), ("tau", 0.5, 2.0), False),
    "explore_prior": (("shape", "half normal", "exponential"), ("eta", 1.0, 6.0), False),
    "explore_design": (("each", 2, 4), ("literal", False, True), False),
    "explore_predictor": (("b1", 0.5, 3.0), ("J", 20, 160), False),
    "explore_clustering": (("icc", 0.05, 0.4), ("n", 5, 60), False),
    "explore_odds": (("tau", 1.0, 5.0), ("month", 0.0, 12.0), False),
    "explore_plan": (("J", 10, 60), ("effect", 1.0, 8.0), True),
    "explore_dropout": (("strength", 0.5, 2.5), ("J", 40, 160), True),
    "playground": (
        ("formula", "Reaction ~ Days + (Days|Subject)", "Reaction ~ Days + (Days||Subject)"),
        ("numbers", False, True),
        True,
    ),
}


def main(words: list[str]) -> int:
    print(f"{date.today()}, {platform.machine()}, Python {platform.python_version()}\n")
    print("| exploration | a move of | CPU ms: median | 90% | wall ms: median | bound |")
    print("|---|---|---|---|---|---|")
    slow = 0
    for name, (*moves, refits) in CASES.items():
        if words and not any(word in name for word in words):
            continue
        explorer = getattr(widgets, name)()
        for control, *values in moves:
            cpu, wall = np.transpose(list(timed(explorer, control, values)))
            bound = REFIT if refits else REDRAW
            over = np.median(cpu) > bound
            slow += over
            print(
                f"| {name} | {control} | {np.median(cpu):.0f} | {np.quantile(cpu, 0.9):.0f} | "
                f"{np.median(wall):.0f} | {bound}{' **over**' if over else ''} |",
                flush=True,
            )
    return int(slow > 0)


def timed(explorer: Explorer, control: str, values: list) -> Iterator[tuple[float, float]]:
    """Milliseconds of CPU and of wall time for each move of one control, after one to warm up."""
    widget = explorer.controls[control]
    first, *rest = sweep(*values)
    widget.value = first
    for value in rest:
        cpu, wall = time.process_time(), time.perf_counter()
        widget.value = value
        yield 1e3 * (time.process_time() - cpu), 1e3 * (time.perf_counter() - wall)


def sweep(start, end) -> list:
    """MOVES steps from one number to another; to and fro between what are no numbers."""
    if isinstance(start, bool | str) or not np.isfinite(end):
        return [start, end] * (MOVES // 2)
    steps = np.linspace(start, end, MOVES)
    return list(dict.fromkeys(type(start)(step) for step in steps))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
