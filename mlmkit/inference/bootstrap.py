"""The parametric bootstrap: fit the model to responses drawn from it, and see how the estimates scatter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError
from ..results import Fit, MixedFit
from ..words import number
from .noted import Noted
from .parameters import check_count, parameters
from .refits import NONE_FITTED, Refits, Refitting, collected, refitting
from .replicate import cuts, run
from .rows import refuse_fractions, rows_used
from .simulate import seeds, simulated

#: Replicates from which it is worth asking where an estimate lies among its own.
ENOUGH = 40


def bootstrap(
    fit: Fit,
    n: int = 1000,
    seed=None,
    statistic: Callable[[Any], float | Sequence[float] | np.ndarray] | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Noted:
    """Estimates from n responses simulated from the fit, group effects drawn afresh each time.

    Parameters
    ----------
    n, seed
        How many, and the seed: the same seed gives the same numbers for any number of workers.
    statistic
        From a fit to a number or several, a Series if they are to have names; by default the parameters, named as in
        `confint`.
    workers
        Processes, −1 for one per core; None runs where `joblib.parallel_config` says, such as a Dask cluster.
    progress
        Whether to show a progress bar.

    Returns
    -------
    DataFrame
        One row per replicate, one column per number; missing where a replicate could not be fitted.

    References
    ----------
    Davison & Hinkley (1997), *Bootstrap Methods and their Application*, section 2.2.
    """
    if statistic is None:
        refits, notes = replicates(fit, n, seed, workers, progress)
        return Noted(refits.parameters, notes=notes)
    check_count(n, "replicates")
    refuse_fractions(fit, rows_used(fit))
    return _of_statistic(Replicate(refitting(fit), statistic), n, seed, workers, progress)


def replicates(
    fit: Fit, n: int, seed=None, workers: int | None = None, progress: bool = True
) -> tuple[Refits, tuple[str, ...]]:
    """The refits behind `bootstrap`, without their responses, and what its notes say of them."""
    check_count(n, "replicates")
    refuse_fractions(fit, rows_used(fit))
    work, own = refitting(fit), seeds(seed, n)
    parts = [own[cut] for cut in cuts(n, work.together)]
    found = run(Replicates(work), parts, workers, progress, "bootstrap", at_once=work.parts_at_once)
    refits = collected(fit, np.empty((fit.nobs, 0)), pd.RangeIndex(n), found)
    failed = np.isnan(refits.criterion)
    if failed.all():
        raise DataError(NONE_FITTED)
    return refits, (*_notes(n, int(failed.sum()), refits.singular.mean()), *_biased(fit, refits.parameters))


def _of_statistic(work: Replicate, n: int, seed, workers: int | None, progress: bool) -> Noted:
    outcomes = run(work, seeds(seed, n), workers, progress, "bootstrap")
    fitted = [values for values, _ in outcomes if values is not None]
    if not fitted:
        raise DataError(NONE_FITTED)
    draws = _as_rows([values for values, _ in outcomes], fitted[0])
    notes = _notes(n, n - len(fitted), np.mean([flag for _, flag in outcomes]))
    return Noted(draws, columns=fitted[0].index if isinstance(fitted[0], pd.Series) else None, notes=notes)


def _as_rows(told: Sequence, first) -> np.ndarray:
    """What a statistic told of each fit, a row each; missing where there is none."""
    missing = np.full(np.size(first), np.nan)
    try:
        rows = np.array([missing if one is None else np.atleast_1d(np.asarray(one, float)) for one in told])
    except (TypeError, ValueError):
        rows = missing
    if rows.ndim != 2:
        raise DataError(
            "The statistic has to give as many numbers for every fit: a number, a list of numbers or a Series; it gave "
            f"{first!r}."
        )
    return rows


def _notes(n: int, failed: int, singular: float) -> list[str]:
    notes = [f"{n} replicates by parametric bootstrap."]
    if singular:
        notes.append(f"{singular:.0%} of them lie on the boundary (an SD of 0 or a correlation of ±1).")
    if failed:
        notes.append(f"{failed} could not be fitted and {'is' if failed == 1 else 'are'} missing.")
    return notes


def _biased(fit: Fit, draws: pd.DataFrame) -> Iterator[str]:
    """A sentence on the estimate that lies farthest outside the middle of its own replicates, if one does."""
    if len(draws) < ENOUGH:
        return
    estimates, finite = parameters(fit), draws.replace([np.inf, -np.inf], np.nan)
    lower, upper = finite.quantile(0.025), finite.quantile(0.975)
    outside = np.maximum(lower - estimates, estimates - upper) / (upper - lower)
    outside = outside[np.isfinite(outside) & (outside > 0)]
    if outside.empty:
        return
    name = outside.idxmax()
    told = (
        f"The estimate of {name}, {number(estimates[name])}, lies outside the middle 95% of its own replicates, "
        f"{number(lower[name])} to {number(upper[name])}: responses simulated from this fit give other estimates than "
        "it has itself, so the method is biased here and the percentiles are no intervals"
    )
    yield f"{told}{_remedy(fit)}."


def _remedy(fit: Fit) -> str:
    if not isinstance(fit, MixedFit) or fit.family.is_linear:
        return ""
    few, move = fit.estimates.n_agq, fit.estimates.move
    if len({block.group for block in fit.design.blocks}) > 1:
        return " (Laplace's approximation, n_agq=1: sample the model with brm() instead)"
    nodes = (move.nodes if move is not None else None) or max(25, 2 * few)
    if few == 1:
        return f" (Laplace's approximation, n_agq=1: fit again with n_agq={nodes})"
    return f" (n_agq={few}: fit again with n_agq={nodes})"


@dataclass(frozen=True, eq=False)
class Replicates:
    """Several replicates: simulate and fit; what is kept of each, by name."""

    refitting: Refitting

    def __call__(self, own: Sequence[np.random.SeedSequence]) -> dict[str, np.ndarray]:
        return self.refitting(np.column_stack([simulated(self.refitting.fit, seed) for seed in own]))


@dataclass(frozen=True, eq=False)
class Replicate:
    """One replicate: simulate, fit, summarise."""

    refitting: Refitting
    statistic: Callable[[Any], float | Sequence[float] | np.ndarray]

    def __call__(
        self, seed: np.random.SeedSequence
    ) -> tuple[float | Sequence[float] | np.ndarray | None, bool]:
        fit = self.refitting.fit
        y = simulated(fit, seed)
        estimates = self.refitting.estimates(y)
        if estimates is None:
            return None, False
        again = replace(fit, design=fit.design.with_response(y), estimates=estimates)
        return self.statistic(again), isinstance(fit, MixedFit) and again.is_singular
