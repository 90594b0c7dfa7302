"""`Spec` + data → the arrays of the model: y, X, one block of Z for each random-effects term, weights, offset.

This is the floor where names meet data, so this is where bad data are refused: every error says which
variable, which value and what to do, and nothing half-built is returned. What a column is, `mlmkit.columns`
decides; how terms become columns, `mlmkit.terms`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from .columns import Labels, label_text, look, shown
from .errors import DataError, FormulaError
from .expression import Name, as_they_are
from .frames import Table, as_frame, check_there, given, look_at
from .response import numbers_of, response_values
from .spec import INTERCEPT, RandomTerm, Spec, term_name
from .terms import Columns, encode, finite
from .words import count, listed

#: A column counts as collinear with those before it when less than this fraction of its length is left
#: over, R's own tolerance.
COLLINEAR = 1e-7

#: exp(100) is 10⁴³: no offset of a linear predictor whose exponential is taken is larger.
LARGEST_OFFSET = 100.0


@dataclass(frozen=True)
class Block:
    """One random-effects term with the data in: s coefficients for each of J groups.

    Attributes
    ----------
    group
        The grouping factor's name, `"schoolid:classid2"` for a combination.
    names
        The s columns that vary: `("Intercept", "Days")`.
    levels
        The J groups, sorted; a combination of factors has strings `"1:2"`.
    codes
        (n,) the position in `levels` of each row's group.
    Z
        (n, s) the rows' regressors: row i of Z γ is `Z[i] @ effects[codes[i]]`.
    """

    group: str
    names: tuple[str, ...]
    levels: pd.Index
    codes: np.ndarray
    Z: np.ndarray
    columns: Columns = field(repr=False)
    factors: tuple[str, ...] = ()

    def matrix(self, table: Table) -> np.ndarray:
        """The s columns that vary, for other rows; a `||` term's blocks share its columns, each takes its own."""
        return self.columns.of(table)[:, [self.columns.names.index(name) for name in self.names]]

    def positions(self, table: Table) -> np.ndarray:
        """Which group each of other rows belongs to, −1 for a group that the fit never saw."""
        labels = group_labels(self.factors, table)
        return labels.positions_in(self.levels, [label_text(level) for level in self.levels])


@dataclass(frozen=True)
class Design:
    """The arrays of a model. n rows, p fixed columns; see `Block` for the random part.

    Attributes
    ----------
    y
        (n,) the response; for a binomial family the proportion of successes.
    X
        (n, p) the fixed part, of full column rank.
    fixed_names, aliased
        The p columns' names, and those of the columns dropped as collinear with earlier ones.
    blocks
        The random-effects terms in lme4's order, most groups first; θ is laid out in this order.
    weights
        (n,) prior weights; for a binomial family trials × weights.
    trials
        (n,) a binomial family's number of trials, which its log likelihood's constant needs; else ones.
    offset
        (n,) a known part of the linear predictor.
    rows, n_dropped
        The data's index of the rows kept, and how many were dropped for a missing value.
    columns, keep
        How the fixed part's terms become columns, aliased ones included, and (mask) which of those are in X.
    used
        (rows of the data,) mask of the rows kept; None where that is all of them.
    given_offset
        Whether an offset was given as an argument, besides what the formula's `offset(…)` say.
    notes
        What should be said of how the data's columns were taken, one sentence each.
    """

    spec: Spec
    y: np.ndarray
    X: np.ndarray
    fixed_names: tuple[str, ...]
    aliased: tuple[str, ...]
    blocks: tuple[Block, ...]
    weights: np.ndarray
    trials: np.ndarray
    offset: np.ndarray
    rows: pd.Index
    n_dropped: int
    columns: Columns = field(repr=False)
    keep: np.ndarray = field(repr=False)
    used: np.ndarray | None = field(default=None, repr=False)
    given_offset: bool = False
    notes: tuple[str, ...] = ()

    def __repr__(self):
        told = [count(len(self.y), "row"), f"fixed {listed(self.fixed_names, 8)}"]
        told += [f"{listed(one.names, 8)} across {len(one.levels)} {one.group}" for one in self.blocks]
        return f"Design of {self.spec.formula}: {'; '.join(told)}"

    def rows_of(self, data: pd.DataFrame) -> pd.DataFrame:
        """The rows of the data fitted that were kept, with dates and numbers of other types as float64."""
        rows = data if self.used is None else data[self.used]
        columns = {name: look(name, rows[name]) for name in self.spec.predictors}
        return rows.assign(**{name: column.numbers for name, column in columns.items() if column.is_number})

    @property
    def crowded(self) -> str:
        """A sentence on the factor that has a level for every row or two, where there is one; else ""."""
        codings = self.columns.codings
        widest = max(codings, key=lambda factor: len(codings[factor].levels), default=None)
        if widest is None or 2 * len(codings[widest].levels) <= len(self.y):
            return ""
        return (
            f" {widest.name!r} alone has {len(codings[widest].levels)} levels in {len(self.y)} rows; if these are numbers, "
            f"make the column one of numbers with pd.to_numeric."
        )

    def with_response(self, y: np.ndarray) -> Design:
        """The same design with another response, for refitting simulated data."""
        y = np.asarray(y, dtype=float)
        if y.shape != self.y.shape:
            raise DataError(
                f"The new response has {len(y)} values; this model was fitted to {len(self.y)} rows."
            )
        finite(y[:, None], ["response"], "The new", self.rows)
        return replace(self, y=y)


def build_design(spec: Spec, data: Any, weights: Any = None, offset: Any = None) -> Design:
    """The design of a specification on a data frame.

    Parameters
    ----------
    spec
        From `parse_formula`.
    data
        One row per observation. Rows with a missing value in a used column are dropped and counted.
    weights, offset
        A column's name, or one value for each row of `data`; None for ones and zeros.

    Raises
    ------
    DataError
        A column that is not there, a missing or one-level group, no rows left, a response that is not
        numeric, infinite values, weights that are negative.
    """
    _check_roles(spec)
    _check_repeated(spec)
    data = as_frame(data, spec.columns)
    _check_names(spec, data)
    extras = {name: given(name, value, data) for name, value in (("weights", weights), ("offset", offset))}
    everything = look_at(data, spec.columns)
    used = _complete_rows(everything, extras)
    table = everything if used is None else everything.take(used)
    extras = {name: value if value is None or used is None else value[used] for name, value in extras.items()}
    y, trials = response_values(spec, table)
    weights = _weights(extras["weights"], len(y))
    if spec.family.counts_trials:
        # A proportion's weights are its trials, as in R; cbind says its trials itself.
        trials, weights = (trials, weights * trials) if spec.response.failures else (weights, weights)
    reserved = spec.family.distribution.parameter_names
    # once for y ~ x + (x|g), where the columns are the same
    encoded = cache(partial(encode, table=everything, used=used, reserved=reserved))
    columns, X = encoded(spec.fixed)
    keep = independent_columns(X)
    names = np.array(columns.names, dtype=object)
    blocks = [block for term in spec.random for block in _blocks(term, table, encoded(term.terms), spec)]
    _check_parameters(blocks, len(y))
    return Design(
        spec=spec,
        y=y,
        X=X if keep.all() else X[:, keep],
        fixed_names=tuple(names[keep]),
        aliased=tuple(names[~keep]),
        blocks=_in_lme4_order(blocks),
        weights=weights,
        trials=trials,
        offset=_offset(spec, table, extras["offset"]),
        rows=table.index,
        n_dropped=len(everything) - len(table),
        columns=columns,
        keep=keep,
        used=used,
        given_offset=offset is not None,
        notes=_notes(spec, table, [columns, *(block.columns for block in blocks)]),
    )


def independent_columns(X: np.ndarray) -> np.ndarray:
    """Which columns are not a linear combination of the columns before them, a boolean array of shape (p,).

    The columns are walked in order and a later collinear one is left out, as R does. A column of zeros, such as
    that of a cell of two factors without rows, is one.
    """
    n, p = X.shape
    gram = X.T @ X if p <= n else None  # p × p numbers are made only where they are fewer than X's
    length = np.linalg.norm(X, axis=0) if gram is None else np.sqrt(np.diag(gram))
    some = length > 0
    if not some.all():
        some[some] = independent_columns(X[:, some])
        return some
    if p == 0 or (gram is not None and np.linalg.eigvalsh(gram / np.outer(length, length))[0] > 1e-6):
        return np.ones(p, dtype=bool)
    kept, basis, rank = np.zeros(p, dtype=bool), np.empty((n, min(n, p))), 0
    for k, column in enumerate((X / length).T):
        if rank == n:
            break
        known = basis[:, :rank]
        rest = column - known @ (known.T @ column)
        rest -= known @ (known.T @ rest)  # once more: Gram–Schmidt loses orthogonality the first time
        size = np.linalg.norm(rest)
        if size > COLLINEAR:
            kept[k], basis[:, rank] = True, rest / size
            rank += 1
    return kept


# -- rows -----------------------------------------------------------------------------------------------


def _check_names(spec: Spec, data: pd.DataFrame) -> None:
    check_there(spec.response.columns, data, "The response")
    check_there(spec.predictors, data, "The predictor")
    check_there(spec.grouping, data, "The grouping variable")


def _complete_rows(table: Table, extras: Mapping[str, np.ndarray | None]) -> np.ndarray | None:
    """Mask of the rows without a missing value in what the model uses; None for all of them.

    Infinite values are an error, not a missing value.
    """
    if len(table) == 0:
        raise DataError("The data frame has no rows.")
    missing = table.missing(table.columns)
    for value in extras.values():
        if value is not None:
            missing = missing | np.isnan(value)
    if missing.all():
        empty = [name for name in table.columns if table[name].missing.all()]
        why = f" {empty[0]!r} has none but missing values." if empty else ""
        raise DataError(
            f"No rows are left: each of the {len(table)} has a missing value in {', '.join(table.columns)}.{why}"
        )
    used = ~missing if missing.any() else None
    numbers = [(name, column.numbers) for name, column in table.columns.items() if column.kind == "number"]
    numbers += [(name, value) for name, value in extras.items() if value is not None]
    rows = table.index if used is None else table.index[used]
    for name, values in numbers:
        there = values if used is None else values[used]
        finite(there[:, None], (name,), "The column", rows, squared=False)
    return used


def _offset(spec: Spec, table: Table, given: np.ndarray | None) -> np.ndarray:
    """The known part of the linear predictor: what the formula's `offset(…)` say plus the argument."""
    if given is None and not spec.offsets:
        return np.zeros(len(table))
    total = offset_of(spec, table) if given is None else given + offset_of(spec, table)
    largest = np.abs(total).max()
    if spec.family.link in ("log", "logit", "probit", "cloglog") and largest > LARGEST_OFFSET:
        raise DataError(
            f"The offset reaches {largest:.3g} on the scale of the link ({spec.family.link}), beyond any mean: an "
            "exposure n enters as its logarithm, offset(log(n))."
        )
    return total


def offset_of(spec: Spec, table: Table) -> np.ndarray:
    """The sum of a formula's `offset(…)` terms, (n,)."""
    total = np.zeros(len(table))
    for offset in spec.offsets:
        values = numbers_of(offset.tree, table, f"offset({offset.name})", role="The offset")
        total += finite(values[:, None], (f"offset({offset.name})",), "The", table.index, squared=False)[:, 0]
    return total


def _notes(spec: Spec, table: Table, columns: list[Columns]) -> tuple[str, ...]:
    """What should be said of how columns were taken, each once."""
    trees = [*spec.response.trees, *(factor.tree for one in columns for term in one.terms for factor in term)]
    trees += [offset.tree for offset in spec.offsets]
    notes = [table[name].note for tree in trees for name in as_they_are(tree)]
    codings = {factor: coding for one in columns for factor, coding in one.codings.items()}
    for factor, coding in codings.items():
        if coding.contrast.kind == "Poly" and coding.by_default:
            notes.append(
                f"{factor.name!r} is an ordered factor, so its coefficients are orthogonal polynomial contrasts "
                f"(linear, quadratic, …), as in R; to compare levels with the first write C({factor.expr}, Treatment)."
            )
        if len(coding.levels) == 1:
            notes.append(
                f"{factor.name!r} has one level only, {shown(coding.levels[0])}, in the rows used: it cannot explain "
                "differences between them."
            )
        if isinstance(factor.tree, Name) and (sentence := table[factor.tree.column].numeric_text):
            notes.append(f"{sentence} They were taken as labels.")
    return tuple(dict.fromkeys(note for note in notes if note))


def _weights(weights: np.ndarray | None, n: int) -> np.ndarray:
    if weights is None:
        return np.ones(n)
    if (weights < 0).any() or not np.isfinite(weights).all():
        raise DataError(f"The weights must be finite and not negative; one of them is {weights.min():g}.")
    if (weights == 0).any():
        raise DataError(
            "A weight is 0: take that row out of the data, since a row without weight is no observation."
        )
    return weights


# -- groups -------------------------------------------------------------------------------------------------


def group_labels(factors: tuple[str, ...], table: Table) -> Labels:
    """Which group each row belongs to: the levels of a column, or the combinations, `"1:2"`, that some row has."""
    labels = table[factors[0]].labels
    for name in factors[1:]:
        labels = _combined(labels, table[name].labels)
    return labels


def _combined(outer: Labels, inner: Labels) -> Labels:
    pairs, codes = np.unique(
        outer.codes.astype(np.int64) * len(inner.levels) + inner.codes, return_inverse=True
    )
    first, second = pairs // len(inner.levels), pairs % len(inner.levels)
    texts = [f"{outer.texts[a]}:{inner.texts[b]}" for a, b in zip(first, second, strict=True)]
    return Labels(codes, pd.Index(texts))


def _blocks(term: RandomTerm, table: Table, encoded: tuple[Columns, np.ndarray], spec: Spec) -> list[Block]:
    """A random-effects term as one block, or as one block per column where `||` takes the correlations out."""
    labels = group_labels(term.factors, table).present()
    codes, levels = labels.codes.astype(np.intp), labels.levels.rename(term.group)
    columns, Z = encoded
    _check_groups(term, columns, len(levels), spec, table)
    if term.correlated or Z.shape[1] == 1:
        return [Block(term.group, columns.names, levels, codes, Z, columns, term.factors)]
    return [
        Block(term.group, (name,), levels, codes, np.ascontiguousarray(Z[:, [k]]), columns, term.factors)
        for k, name in enumerate(columns.names)
    ]


def _in_lme4_order(blocks: list[Block]) -> tuple[Block, ...]:
    """Most groups first. lme4 sorts only where needed, and its sort turns equal ones round."""
    sizes = np.array([len(block.levels) for block in blocks])
    if (np.diff(sizes) > 0).any():
        blocks = [blocks[k] for k in np.argsort(sizes, kind="stable")[::-1]]
    return tuple(blocks)


def _check_groups(term: RandomTerm, columns: Columns, groups: int, spec: Spec, table: Table) -> None:
    n, together = len(table), _varying_together(term, columns)
    if groups < 2:
        level = group_labels(term.factors, table).present().levels[0]
        raise DataError(
            f"The grouping variable {term.group!r} has one level, {shown(level)}: "
            "variation across groups needs at least two groups."
        )
    # an effect for each row is a model only where a row has no variance to be estimated besides, as in lme4
    most = n - 1 if spec.family.has_sigma else n
    if groups > most:
        raise DataError(
            f"{term.group!r} has {groups} levels for {n} rows: with one row per group, the variation across groups "
            "and the residual variation cannot be told apart."
        )
    if groups * together > most:
        raise DataError(
            f"{term} asks for {groups * together} group effects from {n} rows: they cannot be told apart"
            f"{' from the residuals' if spec.family.has_sigma else ''}. Let fewer coefficients vary."
        )


def _check_parameters(blocks: list[Block], n: int) -> None:
    parameters = sum(len(block.names) * (len(block.names) + 1) // 2 for block in blocks)
    if parameters > n:
        widest = max(blocks, key=lambda block: len(block.names))
        raise DataError(
            f"The random part has {parameters} variances and correlations for {n} rows, most of them of the "
            f"{len(widest.names)} coefficients that vary across {widest.group}: let fewer vary."
        )


def _check_roles(spec: Spec) -> None:
    """A response, or what a response of one column is made of, explains itself, and no variance is left."""
    own = spec.response.columns
    if len(own) == 1 and (own[0] in spec.predictors or own[0] in spec.grouping):
        raise FormulaError(
            f"{own[0]!r} is the response and stands on the right-hand side, too: take it out of one of the two."
        )


def _check_repeated(spec: Spec) -> None:
    """A coefficient varies across a grouping factor in one term: two variances could not be told apart."""
    for k, term in enumerate(spec.random):
        for other in spec.random[:k]:
            twice = [one for one in term.terms if one in other.terms]
            if other.key == term.key and twice:
                what = "the intercept" if twice[0] == INTERCEPT else term_name(twice[0])
                raise FormulaError(
                    f"{other} and {term}: {what} varies across {term.group} in two terms, whose variances cannot be "
                    "told apart. Keep it in one of them; 0 + … leaves the intercept out of the other."
                )


def _varying_together(term: RandomTerm, columns: Columns) -> int:
    """How many coefficients lme4 counts together: all of `(x|g)`; of `(x||g)` those of one term."""
    return len(columns.names) if term.correlated else max(Counter(columns.assign).values())
