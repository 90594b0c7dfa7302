"""New responses from a fitted model: what the data might have been, had the model been true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..columns import shown
from ..errors import DataError
from ..results import Fit
from .over_groups import means_in_range
from .parameters import check_count, one_of
from .rows import Rows, fixed_part, new_rows, refuse_fractions, rows_used


def simulate(fit: Fit, n: int = 1, seed=None, groups: str = "new", newdata=None) -> pd.DataFrame:
    """Responses drawn from the model with its estimates taken as true.

    Parameters
    ----------
    n
        How many responses of all rows to draw.
    seed : int, SeedSequence or None
        The k-th response depends on the seed and k alone.
    groups
        `"new"` draws the group effects afresh for each response, from N(0, Σ); `"same"` keeps the groups'
        conditional modes and draws only what varies within them.
    newdata : DataFrame, optional
        Other rows than those fitted: another design to try out. Its groups are new ones, whatever their
        names.

    Returns
    -------
    DataFrame
        (rows, n), columns `sim_1` …; of a binomial model with trials the proportions, so that
        `fit.refit(fit.simulate(1, seed=1)["sim_1"])` works.
    """
    one_of("groups", groups, ("new", "same"))
    check_count(n, "responses")
    rows, sizes = _rows(fit, newdata, groups)
    refuse_fractions(fit, rows)
    _refuse_unknown(fit, rows)
    draws = [draw(fit, rows, sizes, np.random.default_rng(s), groups == "new") for s in seeds(seed, n)]
    return pd.DataFrame(np.column_stack(draws), rows.index, [f"sim_{k + 1}" for k in range(n)])


def seeds(seed, n: int) -> list[np.random.SeedSequence]:
    """One seed for each of n draws, so that any worker may make any of them."""
    if isinstance(seed, np.random.SeedSequence):
        # A copy: spawning from the caller's own would make the next call's draws differ.
        seed = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
        return seed.spawn(n)
    return np.random.SeedSequence(seed).spawn(n)


def draw(
    fit: Fit, rows: Rows, sizes: Sequence[int], rng: np.random.Generator, new_groups: bool
) -> np.ndarray:
    """One response: group effects, linear predictor, mean, and the family's own variation."""
    estimates, family = fit.estimates, fit.family
    eta = fixed_part(fit, rows)
    effects = group_effects(fit, sizes, rng) if new_groups else estimates.modes
    for Z, codes, effect in zip(rows.Z, rows.codes, effects, strict=True):
        eta = eta + np.einsum("is,is->i", Z, effect[codes])
    return family.draw(rng, means_in_range(family, eta), rows.weights, fit.dispersion)


def simulated(fit: Fit, seed: np.random.SeedSequence) -> np.ndarray:
    """A response drawn from the fit with new group effects; missing where the family cannot draw it."""
    sizes = [len(block.levels) for block in fit.design.blocks]
    try:
        return draw(fit, rows_used(fit), sizes, np.random.default_rng(seed), new_groups=True)
    except DataError:
        return np.full(fit.nobs, np.nan)


def _refuse_unknown(fit: Fit, rows: Rows) -> None:
    """A separated fit may say nothing of some new rows."""
    unknown = np.isnan(fixed_part(fit, rows))
    if unknown.any():
        row = rows.index[int(np.flatnonzero(unknown)[0])]
        raise DataError(
            f"The fit has no finite estimates for row {shown(row)} of the new data, and the data fitted do not say "
            "in which direction they go: nothing can be drawn for it."
        )


def group_effects(fit: Fit, sizes: Sequence[int], rng: np.random.Generator) -> list[np.ndarray]:
    """ζ ~ N(0, Σ) for so many new groups of each term, (J, s) each."""
    factors = getattr(fit, "relative_factors", ())
    return [
        fit.sigma * rng.standard_normal((J, len(Lambda))) @ Lambda.T
        for J, Lambda in zip(sizes, factors, strict=True)
    ]


def _rows(fit: Fit, newdata, groups: str) -> tuple[Rows, list[int]]:
    if newdata is None:
        return rows_used(fit), [len(block.levels) for block in fit.design.blocks]
    if groups == "same":
        raise DataError(
            'groups="same" keeps the groups of the data fitted; leave newdata out, or use groups="new".'
        )
    rows = new_rows(fit, newdata)
    codes = tuple(labels.present().codes for labels in rows.labels)
    return replace(rows, codes=codes), [max(c) + 1 for c in codes]
