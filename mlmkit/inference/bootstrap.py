"""The parametric bootstrap: fit the model to responses drawn from it, and see how the estimates scatter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..results import Fit, MixedFit
from .noted import Noted
from .parameters import parameter_labels, parameter_values
from .replicate import run
from .rows import refuse_fractions, rows_used
from .simulate import draw, seeds


def bootstrap(
    fit: Fit,
    n: int = 1000,
    seed=None,
    statistic: Callable[[Any], Sequence[float] | np.ndarray] | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Noted:
    """Estimates from n responses simulated from the fit, group effects drawn afresh each time.

    Parameters
    ----------
    n, seed
        How many, and the seed: the same seed gives the same numbers for any number of workers.
    statistic
        From a fit to numbers, a Series if they are to have names; by default the parameters, named as in
        `confint`.
    workers
        Processes, −1 for one a core; None runs where `joblib.parallel_config` says, such as a Dask cluster.
    progress
        Whether to show a progress bar.

    Returns
    -------
    DataFrame
        A row a replicate, a column a number; missing where a replicate could not be fitted.

    References
    ----------
    Davison & Hinkley (1997), *Bootstrap Methods and their Application*, section 2.2.
    """
    if not isinstance(n, int | np.integer) or n < 1:
        raise DataError(f"n={n!r}: ask for a whole number of replicates, at least 1.")
    refuse_fractions(fit, rows_used(fit))
    work = Replicate(_lean(fit), statistic or parameter_values)
    outcomes = run(work, seeds(seed, n), workers, progress, "bootstrap")
    fitted = [values for values, _ in outcomes if values is not None]
    if not fitted:
        raise DataError("None of the replicates could be fitted.")
    names = parameter_labels(fit) if statistic is None else getattr(fitted[0], "index", None)
    missing = np.full(len(fitted[0]), np.nan)
    draws = np.array([missing if values is None else np.asarray(values) for values, _ in outcomes])
    singular = np.mean([flag for _, flag in outcomes])
    return Noted(draws, columns=names, notes=_notes(n, n - len(fitted), singular))


def _notes(n: int, failed: int, singular: float) -> list[str]:
    notes = [f"{n} replicates by parametric bootstrap."]
    if singular:
        notes.append(f"{singular:.0%} of them lie on the boundary (an SD of 0 or a correlation of ±1).")
    if failed:
        notes.append(f"{failed} could not be fitted and are missing.")
    return notes


@dataclass(frozen=True)
class Replicate:
    """One replicate: simulate, fit, summarise."""

    fit: Fit
    statistic: Callable[[Any], Sequence[float] | np.ndarray]

    def __call__(self, seed: np.random.SeedSequence) -> tuple[Sequence[float] | np.ndarray | None, bool]:
        fit = self.fit
        sizes = [len(block.levels) for block in fit.design.blocks]
        try:
            y = draw(fit, rows_used(fit), sizes, np.random.default_rng(seed), new_groups=True)
            again = fit.refit(y)
        except (DataError, np.linalg.LinAlgError):
            return None, False
        return self.statistic(again), isinstance(fit, MixedFit) and again.is_singular


def _lean(fit: Fit) -> Fit:
    """The fit without the data frame, which no replicate needs: less to send to the workers."""
    return replace(fit, data=None)
