"""Likelihood-ratio tests whose reference distribution is simulated: the parametric bootstrap.

Responses are drawn from the smaller model, both models are fitted to each, and the p value is the share of their
likelihood ratios that are at least as large as the observed one, itself counted among them (Davison & Hinkley 1997,
*Bootstrap Methods and their Application*, section 4.4; Halekoh & Højsgaard 2014, J. Stat. Softw. 59(9)). It holds for
few groups, and for SDs, whose edge at 0 spoils the χ² distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..results import Fit
from .parameters import check_count
from .refits import Refitting, refitting
from .replicate import cuts, run
from .rows import refuse_fractions, rows_used
from .simulate import seeds, simulated


def simulated_ratios(
    small: Fit, large: Fit, n: int, seed, workers: int | None = None, progress: bool = True
) -> np.ndarray:
    """Likelihood ratios of two models, from n responses drawn from the smaller one.

    Parameters
    ----------
    small, large
        Fits by maximum likelihood to the same rows.
    n, seed, workers, progress
        As of `bootstrap`.

    Returns
    -------
    (n,) array
        2 (log L of the larger − log L of the smaller), not below 0; missing where either could not be fitted.
    """
    check_count(n, "replicates")
    refuse_fractions(small, rows_used(small))
    work = _Ratios(refitting(small), refitting(large))
    own, together = seeds(seed, n), max(work.small.together, work.large.together)
    parts = [own[cut] for cut in cuts(n, together)]
    at_once = min(work.small.parts_at_once, work.large.parts_at_once)
    return np.concatenate(run(work, parts, workers, progress, "bootstrap", at_once=at_once))


def simulated_p(observed: float, ratios: np.ndarray) -> float:
    """The share of ratios, with the observed one among them, that are at least as large."""
    told = ratios[np.isfinite(ratios)]
    return float((1 + np.sum(told >= observed - 1e-8)) / (1 + len(told)))


@dataclass(frozen=True, eq=False)
class _Ratios:
    small: Refitting
    large: Refitting

    def __call__(self, own: Sequence[np.random.SeedSequence]) -> np.ndarray:
        responses = np.column_stack([simulated(self.small.fit, seed) for seed in own])
        return np.maximum(self.small(responses)["criterion"] - self.large(responses)["criterion"], 0.0)
