"""Combinations of coefficients, however they are written: names, "a - b", weights by name, a matrix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError, did_you_mean


def combinations(names: Sequence[str], given: Any = None) -> pd.DataFrame:
    """The matrix L of hypotheses Lb = 0.

    Parameters
    ----------
    names
        The p coefficients.
    given
        None for each coefficient alone; a name or a combination of names (`"f[T.b]"`, `"f[T.b] - x"`,
        `"2*x = f[T.b]"`), or a list of them; weights by name (`{"Days": 1, "Intercept": -1}`), or several such under
        a label each (`{"difference": {"f[T.b]": 1, "x": -1}}`, each as text or as p weights, too); a table or matrix with a column for each coefficient.

    Returns
    -------
    DataFrame
        A row for each combination, a column for each coefficient.

    Raises
    ------
    DataError
        Naming what is no coefficient, or no number.
    """
    names = list(names)
    if given is None:
        return pd.DataFrame(np.eye(len(names)), names, names)
    if isinstance(given, str):
        return _table([given], [_read(given, names)], names)
    if isinstance(given, Mapping):
        return _from_mapping(given, names)
    if isinstance(given, Sequence) and given and all(isinstance(one, str) for one in given):
        return _table(list(given), [_read(one, names) for one in given], names)
    return _from_matrix(given, names)


def _from_mapping(given: Mapping, names: list[str]) -> pd.DataFrame:
    if not any(np.ndim(value) or isinstance(value, Mapping | str) for value in given.values()):
        weights = _weights(given, names)
        return _table([" + ".join(f"{w:g} {name}" for name, w in weights.items())], [weights], names)
    rows = [_under(label, value, names) for label, value in given.items()]
    return _table([str(label) for label in given], rows, names)


def _under(label: Any, value: Any, names: list[str]) -> dict[str, float]:
    """The weights of a combination that has a name of its own."""
    if isinstance(value, str):
        return _read(value, names)
    if isinstance(value, Mapping):
        return _weights(value, names)
    if np.ndim(value) == 1:
        return _from_matrix(value, names).iloc[0].to_dict()
    raise DataError(
        f"{label!r} is a combination: give it weights by name, {{'x': 1}}, in order, or as text, 'x - z'."
    )


def _from_matrix(given: Any, names: list[str]) -> pd.DataFrame:
    if not isinstance(given, pd.DataFrame):
        try:
            given = np.atleast_2d(np.asarray(given, dtype=float))
        except (TypeError, ValueError):
            raise DataError(
                f"{given!r} is no combination of coefficients: give names, 'a - b', weights by name or a DataFrame."
            ) from None
        if given.ndim != 2 or given.shape[1] != len(names):
            raise DataError(
                f"A contrast has {given.shape[-1]} weights for the {len(names)} coefficients {', '.join(names)}."
            )
        given = pd.DataFrame(given, columns=names)
    rows = [_weights(row.dropna().to_dict(), names) for _, row in given.iterrows()]
    return _table(list(given.index), rows, names)


def _table(labels: list, rows: list[dict[str, float]], names: list[str]) -> pd.DataFrame:
    table = pd.DataFrame([[row.get(name, 0.0) for name in names] for row in rows], labels, names)
    if not np.isfinite(table.to_numpy()).all() or (table == 0).all(axis=1).any():
        strange = next(
            label for label, row in table.iterrows() if not np.isfinite(row).all() or (row == 0).all()
        )
        raise DataError(
            f"The combination {strange!r} is no combination of coefficients: its weights are all 0."
        )
    return table


def _weights(given: Mapping, names: list[str]) -> dict[str, float]:
    for name, weight in given.items():
        _known(str(name), names)
        if not isinstance(weight, int | float | np.number):
            raise DataError(f"The weight of {name!r} is {weight!r}, not a number.")
    return {str(name): float(weight) for name, weight in given.items()}


def _known(name: str, names: list[str]) -> str:
    if name not in names:
        raise DataError(f"{name!r} is not a coefficient of this fit.{did_you_mean(name, names)}")
    return name


def _read(text: str, names: list[str]) -> dict[str, float]:
    """Weights from text: coefficients with signs and factors, and one `=` at most."""
    if text.strip() in names:
        return {text.strip(): 1.0}
    left, equal, right = text.partition(" = ")
    weights = _sum(left, text, names)
    for name, weight in (_sum(right, text, names) if equal and right.strip() != "0" else {}).items():
        weights[name] = weights.get(name, 0.0) - weight
    return weights


def _sum(part: str, text: str, names: list[str]) -> dict[str, float]:
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    term = re.compile(rf"\s*([+-]?)\s*(?:([0-9.]+)\s*\*\s*)?({known})(?:\s*/\s*([0-9.]+))?(?=\s|[+-]|$)")
    weights: dict[str, float] = {}
    at = 0
    while part[at:].strip():
        found = term.match(part, at)
        if found is None or (at and not found[1]):
            word = re.split(r"\s[+-]\s|\s*\*\s*", part[at:].strip(" +-"))[0].strip()
            raise DataError(
                f"{text!r}: {word!r} is not a coefficient of this fit.{did_you_mean(word, names)}"
            )
        size = float(found[2] or 1) / float(found[4] or 1)
        weights[found[3]] = weights.get(found[3], 0.0) + (-size if found[1] == "-" else size)
        at = found.end()
    return weights
