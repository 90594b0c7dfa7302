"""The left-hand side of a formula on the data: y as numbers, and a binomial's trials."""

from __future__ import annotations

import numpy as np

from .columns import Labels, shown
from .errors import DataError
from .expression import Expression, Name, spell
from .frames import Table
from .spec import Response, Spec
from .terms import finite
from .transforms import Coded, evaluate


def response_values(spec: Spec, table: Table) -> tuple[np.ndarray, np.ndarray]:
    """y of shape (n,), and the number of trials of each row (ones where the family counts none)."""
    response, distribution = spec.response, spec.family.distribution
    if response.failures is not None:
        return _proportions(spec, table)
    y = numbers_of(response.tree, table, response.name, two_levels=distribution.counts_trials)
    finite(y[:, None], [response.name], "The response", table.index)
    strange = distribution.refused(y)
    if strange.any():
        raise DataError(f"{response.name!r} has the value {y[strange][0]:g}: {distribution.response_is}.")
    return y, np.ones(len(y))


def _proportions(spec: Spec, table: Table) -> tuple[np.ndarray, np.ndarray]:
    if not spec.family.counts_trials:
        raise DataError(
            f"cbind(successes, failures) is a binomial response; this model is {spec.family.name}."
        )
    successes, failures = _counts(spec.response, table)
    trials = successes + failures
    if (trials == 0).any():
        raise DataError(
            f"{spec.response} has no trials in row {shown(table.index[trials == 0][0])}: take it out of the data."
        )
    return successes / trials, trials


def trials_of(response: Response, table: Table) -> np.ndarray:
    """Successes plus failures of a `cbind` response, (n,)."""
    successes, failures = _counts(response, table)
    return successes + failures


def _counts(response: Response, table: Table) -> list[np.ndarray]:
    counts = []
    for tree in response.trees:
        name = spell(tree, quoted=False)
        values = numbers_of(tree, table, name)
        finite(values[:, None], [name], "The response", table.index, squared=False)
        if (values < 0).any():
            raise DataError(
                f"{name!r} is {values.min():g} in some row: cbind takes counts of successes and of failures."
            )
        counts.append(values)
    return counts


def numbers_of(
    tree: Expression, table: Table, name: str, two_levels: bool = False, role: str = "The response"
) -> np.ndarray:
    """An expression as one number for each row; with `two_levels` a factor of two levels as 0 and 1."""
    values = evaluate(tree, table, {})
    if isinstance(values, Coded):
        labels = values.labels
        if labels.levels.dtype == bool:
            known = labels.levels.to_numpy(dtype=float)
            return np.where(labels.codes < 0, np.nan, known[labels.codes])
        return _two_levels(name, labels) if two_levels else _not_numeric(tree, table, name, role)
    if values.ndim > 1:
        raise DataError(f"{name!r} is {values.shape[1]} columns: a model has one response, and one offset.")
    return values


def _two_levels(name: str, labels: Labels) -> np.ndarray:
    """A two-level factor as 0 and 1: the first level is a failure, as in R."""
    labels = labels.present()
    if len(labels.levels) != 2:
        raise DataError(f"{name!r} has {len(labels.levels)} different values; a binomial response has two.")
    return labels.codes.astype(float)


def _not_numeric(tree: Expression, table: Table, name: str, role: str) -> np.ndarray:
    if isinstance(tree, Name):
        raise DataError(f"{role} {table[tree.column].no_number} Recode it as numbers.")
    raise DataError(
        f"{name!r} is not numeric but a factor: write the column itself, or recode it as numbers."
    )
