"""The same computation many times, on any number of workers, with the same result.

Each repetition has a seed of its own and the work is cut into batches that do not depend on who does them, so
one core, many or a cluster give the same numbers. joblib runs the batches: inside
`joblib.parallel_config(backend="dask")` they run on a Dask cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from joblib import Parallel, delayed
from tqdm.auto import tqdm

#: Repetitions in one batch: enough to be worth sending, few enough for the progress bar to move. The bar is
#: shown once the work takes longer than LONG seconds.
BATCH, LONG = 20, 1.0


def cuts(count: int, size: int) -> list[slice]:
    """`count` things in parts of `size`, the last of them perhaps smaller."""
    return [slice(start, start + size) for start in range(0, count, size)]


def run(
    function: Callable,
    items: Sequence,
    workers: int | None = None,
    progress: bool = True,
    what: str = "",
    at_once: int = BATCH,
) -> list:
    """[function(item) for item in items], in parallel.

    Parameters
    ----------
    function
        Called with one item; must be picklable.
    workers
        joblib's `n_jobs`: a number of processes, −1 for one per core, None for what `joblib.parallel_config`
        says (one, where it says nothing).
    progress
        Whether to show a bar, titled `what`, if it takes long.
    at_once
        Repetitions in one batch.
    """
    batches = [items[cut] for cut in cuts(len(items), at_once)]
    jobs = (delayed(_batch)(function, batch) for batch in batches)
    results = []
    with tqdm(total=len(items), desc=what, disable=not progress, delay=LONG) as bar:
        for part in Parallel(n_jobs=workers, return_as="generator")(jobs):
            results += part
            bar.update(len(part))
    return results


def _batch(function: Callable, items: Sequence) -> list:
    return [function(item) for item in items]
