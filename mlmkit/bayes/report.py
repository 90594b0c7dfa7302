"""A posterior in print, in brms's layout: group-level, population-level, family-specific."""

from __future__ import annotations

import pandas as pd

from ..printing import Summary, Table
from ..words import count
from .record import Posterior

_HEAD = ("", "Estimate", "Est.Error", "l-95% CI", "u-95% CI", "Rhat", "Bulk_ESS", "Tail_ESS")


def summary(posterior: Posterior) -> Summary:
    """The posterior in brms's layout; the intervals are equal-tailed, from the 2.5% to the 97.5% quantile.

    Returns
    -------
    Summary
        Prints as text; shows as HTML in a notebook. The numbers themselves are in `posterior.table`.
    """
    table = posterior.table
    tables = [
        _table(f"Group-Level Effects, ~{group} (number of levels: {count})", table[table.group == group])
        for group, count in posterior.ngroups.items()
    ]
    alone = table[table.group == ""]
    own = alone.term.isin(list(posterior.own_draws))
    tables.append(_table("Population-Level Effects", alone[~own]))
    if own.any():
        tables.append(_table("Family Specific Parameters", alone[own]))
    drawn = "the priors alone, no response looked at" if posterior.prior_only else "sampled by NUTS"
    title = f"Bayesian multilevel model, {drawn}"
    return Summary(title, _lines(posterior), tuple(tables), posterior.messages)


def _lines(posterior: Posterior) -> tuple[str, ...]:
    chains, draws = posterior.beta.shape[:2]
    dropped = posterior.design.n_dropped
    rows = f"{posterior.nobs}" + (f", and {dropped} dropped for a missing value" if dropped else "")
    tuned = "" if posterior.prior_only else f" after {posterior.tune} to tune"
    return (
        f"Family: {posterior.family}",
        f"Formula: {posterior.formula}",
        f"Number of observations: {rows}",
        f"Draws: {count(chains, 'chain')}, each {draws}{tuned}; {chains * draws} in all",
    )


def _table(title: str, rows: pd.DataFrame) -> Table:
    cells = tuple(
        (
            row.term,
            *(f"{value:.2f}" for value in (row.estimate, row.est_error, row.lower, row.upper, row.rhat)),
            *(f"{value:.0f}" for value in (row.bulk_ess, row.tail_ess)),
        )
        for row in rows.itertuples()
    )
    return Table(title, _HEAD, cells)
