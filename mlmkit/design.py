"""`Spec` + data → the arrays of the model: y, X, one block of Z for each random-effects term, weights, offset.

This is the floor where names meet data, so this is where bad data are refused: every error says which
variable, which value and what to do, and nothing half-built is returned.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from formulaic import Formula
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from .errors import DataError, did_you_mean
from .formula import is_column, names_in
from .spec import INTERCEPT, RandomTerm, Response, Spec, Term

_FUNCTIONS = {"sqrt": np.sqrt, "abs": np.abs, "log1p": np.log1p}

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}

#: A column counts as collinear with those before it when less than this fraction of its length is left
#: over, R's own tolerance.
COLLINEAR = 1e-7


@dataclass(frozen=True)
class Columns:
    """How terms become columns, kept so that new data become the same columns (same levels, same centring)."""

    terms: tuple[Term, ...]
    names: tuple[str, ...]
    # formulaic's, where a term is more than numeric columns
    encoder: object = field(default=None, repr=False)
    levels: dict = field(default_factory=dict, repr=False)

    def matrix(self, data: pd.DataFrame) -> np.ndarray:
        """The columns for these rows, shape (rows, columns)."""
        if self.encoder is None:
            return np.column_stack(
                [_product(term, data) for term in self.terms] or [np.empty((len(data), 0))]
            )
        for name, levels in self.levels.items():
            strange = sorted(set(data[name].unique()) - set(levels), key=str)
            if strange:
                saw = ", ".join(map(_shown, levels))
                raise DataError(
                    f"{name!r} has the value {_shown(strange[0])}, which the fit never saw; it saw {saw}."
                )
        data = data.assign(
            **{name: _used_levels(data[name]) for name in self.levels if _is_categorical(data[name])}
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.encoder.get_model_matrix(data, context=_FUNCTIONS), dtype=float)


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
    columns: Columns = field(default=None, repr=False)
    factors: tuple[str, ...] = ()


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
    columns: Columns = field(default=None, repr=False)
    keep: np.ndarray = field(default=None, repr=False)

    def with_response(self, y: np.ndarray) -> Design:
        """The same design with another response, for refitting simulated data."""
        y = np.asarray(y, dtype=float)
        if y.shape != self.y.shape:
            raise DataError(
                f"The new response has {len(y)} values; this model was fitted to {len(self.y)} rows."
            )
        return replace(self, y=y)


def build_design(spec: Spec, data: pd.DataFrame, weights=None, offset=None) -> Design:
    """The design of a specification on a data frame.

    Parameters
    ----------
    spec
        From `parse_formula`.
    data
        One row an observation. Rows with a missing value in a used column are dropped and counted.
    weights, offset
        A column's name, or one value for each row of `data`; None for ones and zeros.

    Raises
    ------
    DataError
        A column that is not there, a missing or one-level group, no rows left, a response that is not
        numeric, infinite values, weights that are negative.
    """
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"The data must be a pandas DataFrame, not {type(data).__name__}.")
    used = _used_columns(spec, data)
    extras = {name: _given(name, value, data) for name, value in (("weights", weights), ("offset", offset))}
    everything = data
    data, extras, factors, n_dropped = _complete_rows(data, used, _grouping(spec), extras)
    y, trials = _response(spec, data)
    weights = _weights(extras["weights"], len(y))
    if spec.family.name == "binomial":
        # A proportion's weights are its trials, as in R; cbind says its trials itself.
        trials, weights = (trials, weights * trials) if spec.response.failures else (weights, weights)
    fixed, X = _encode(spec.fixed, data, everything)
    keep = independent_columns(X)
    names = np.array(fixed.names, dtype=object)
    blocks = [block for term in spec.random for block in _blocks(term, factors, data, everything)]
    for block in blocks:
        _check_groups(block, spec)
    return Design(
        spec=spec,
        y=y,
        X=X if keep.all() else X[:, keep],
        fixed_names=tuple(names[keep]),
        aliased=tuple(names[~keep]),
        blocks=_in_lme4_order(blocks),
        weights=weights,
        trials=trials,
        offset=np.zeros(len(y)) if extras["offset"] is None else extras["offset"],
        rows=data.index,
        n_dropped=n_dropped,
        columns=fixed,
        keep=keep,
    )


def independent_columns(X: np.ndarray) -> np.ndarray:
    """Which columns are not a linear combination of the columns before them, a boolean array of shape (p,).

    The columns are walked in order and a later collinear one is left out, as R does.
    """
    gram = X.T @ X
    length = np.sqrt(np.diag(gram))
    length[length == 0.0] = 1.0
    if X.shape[1] == 0 or np.linalg.eigvalsh(gram / np.outer(length, length))[0] > 1e-6:
        return np.ones(X.shape[1], dtype=bool)
    kept, basis = [], np.empty((len(X), 0))
    for column in (X / length).T:
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)  # once more: Gram–Schmidt loses orthogonality the first time
        size = np.linalg.norm(rest)
        kept.append(size > COLLINEAR)
        if kept[-1]:
            basis = np.column_stack([basis, rest / size])
    return np.array(kept)


# -- rows -----------------------------------------------------------------------------------------------


def _used_columns(spec: Spec, data: pd.DataFrame) -> list[str]:
    """The columns that a model uses, all of them checked to be there."""
    twice = data.columns[data.columns.duplicated()]
    if len(twice):
        raise DataError(f"The data have two columns named {twice[0]!r}: rename one of them.")
    roles = [(_response_names(spec.response), "The response"), (_factor_names(spec.fixed), "The predictor")]
    for term in spec.random:
        roles += [(_factor_names(term.terms), "The predictor"), (term.factors, "The grouping variable")]
    for names, role in roles:
        for name in names:
            if name not in data.columns:
                raise DataError(
                    f"{role} {name!r} is not a column of the data.{did_you_mean(name, data.columns)}"
                )
    return list(dict.fromkeys(name for names, _ in roles for name in names))


def _response_names(response: Response) -> list[str]:
    return names_in(response.expr) + (names_in(response.failures) if response.failures else [])


def _factor_names(terms: tuple[Term, ...]) -> list[str]:
    return [name for term in terms for factor in term for name in names_in(factor)]


def _grouping(spec: Spec) -> list[str]:
    return list(dict.fromkeys(name for term in spec.random for name in term.factors))


def _given(name: str, value, data: pd.DataFrame) -> np.ndarray | None:
    """Weights or an offset as one number a row of the data."""
    if value is None:
        return None
    if isinstance(value, str):
        if value not in data.columns:
            raise DataError(
                f"The {name} {value!r} are not a column of the data.{did_you_mean(value, data.columns)}"
            )
        value = data[value]
    if (
        isinstance(value, pd.Series)
        and len(value) == len(data)
        and value.index.sort_values().equals(data.index.sort_values())
    ):
        value = value.reindex(data.index) if data.index.is_unique else value
    try:
        value = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"The {name} are not numbers.") from None
    if value.shape not in ((), (len(data),)):
        raise DataError(f"There are {value.size} {name} for {len(data)} rows; give one for each row.")
    return np.broadcast_to(value, (len(data),))


def _complete_rows(data: pd.DataFrame, used: list[str], grouping: list[str], extras: dict):
    """The rows without a missing value in what the model uses, and each grouping factor's codes and levels there.

    Infinite values are an error, not a missing value.
    """
    if len(data) == 0:
        raise DataError("The data frame has no rows.")
    missing = np.zeros(len(data), dtype=bool)
    factors = {name: _factor(data[name]) for name in grouping}
    for name in used:  # to code a factor is to find what it misses: a million strings are read once
        missing |= factors[name][0] < 0 if name in factors else data[name].isna().to_numpy()
    for value in extras.values():
        if value is not None:
            missing |= np.isnan(value)
    if missing.all():
        empty = [name for name in used if data[name].isna().all()]
        why = f" {empty[0]!r} has none but missing values." if empty else ""
        raise DataError(
            f"No rows are left: each of the {len(data)} has a missing value in {', '.join(used)}.{why}"
        )
    if missing.any():
        data = data.loc[~missing, used]
        extras = {name: None if value is None else value[~missing] for name, value in extras.items()}
        factors = {name: (codes[~missing], levels) for name, (codes, levels) in factors.items()}
    for name in used:
        if is_numeric_dtype(data[name]):
            values = data[name].to_numpy(dtype=float, na_value=np.nan)
            _finite(values[:, None], (name,), "The column", data.index)
    factors = {name: _present(codes, levels) for name, (codes, levels) in factors.items()}
    return data, extras, factors, int(missing.sum())


def _shown(value) -> str:
    """A value of the data as its owner would write it, without numpy's type around it."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def _finite(matrix: np.ndarray, names, what: str, rows=None) -> np.ndarray:
    if not np.isfinite(matrix.sum()) and not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        place = f"in row {_shown(rows[row])}" if rows is not None else f"in row {row} of those used"
        raise DataError(
            f"{what} {names[column]!r} is {matrix[row, column]} {place}; "
            "take out or recode values that are infinite or have no value under a transform."
        )
    return matrix


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


# -- the response -----------------------------------------------------------------------------------------


def _response(spec: Spec, data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """y of shape (n,), and the number of trials of each row (ones where the family counts none)."""
    response, family = spec.response, spec.family.name
    if response.failures is not None:
        return _proportions(spec, data)
    y = _values(response.expr, data, two_levels=family == "binomial")
    if family == "binomial" and ((y < 0) | (y > 1)).any():
        strange = y[(y < 0) | (y > 1)][0]
        raise DataError(
            f"{response.expr!r} has the value {strange:g}: a binomial response is 0 or 1, a proportion with its number "
            "of trials as weights, or cbind(successes, failures)."
        )
    if family == "poisson" and ((y < 0) | (y != np.round(y))).any():
        raise DataError(
            f"{response.expr!r} has the value {y[(y < 0) | (y != np.round(y))][0]:g}: a Poisson response is a count."
        )
    if family == "gamma" and (y <= 0).any():
        raise DataError(f"{response.expr!r} has the value {y[y <= 0][0]:g}: a Gamma response is positive.")
    return y, np.ones(len(y))


def _proportions(spec: Spec, data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    if spec.family.name != "binomial":
        raise DataError(
            f"cbind(successes, failures) is a binomial response; this model is {spec.family.name}."
        )
    successes, failures = (_values(expr, data) for expr in (spec.response.expr, spec.response.failures))
    for expr, values in ((spec.response.expr, successes), (spec.response.failures, failures)):
        if (values < 0).any():
            raise DataError(
                f"{expr!r} is {values.min():g} in some row: cbind takes counts of successes and of failures."
            )
    trials = successes + failures
    if (trials == 0).any():
        raise DataError(
            f"{spec.response} has no trials in row {_shown(data.index[trials == 0][0])}: take it out of the data."
        )
    return successes / trials, trials


def _values(expr: str, data: pd.DataFrame, two_levels: bool = False) -> np.ndarray:
    """A response expression's values; arithmetic and transforms through formulaic."""
    if is_column(expr):
        column = data[expr.strip("`")]
        if not is_numeric_dtype(column):
            return _two_levels(expr, column) if two_levels else _not_numeric(expr, column)
        return column.to_numpy(dtype=float)
    for name in names_in(expr):
        if not is_numeric_dtype(data[name]):
            _not_numeric(name, data[name])
    with np.errstate(divide="ignore", invalid="ignore"):
        values = _arithmetic(ast.parse(expr, mode="eval").body, data) if "`" not in expr else None
        if values is None:
            values = Formula(f"0 + I({expr})").get_model_matrix(data, context=_FUNCTIONS, na_action="ignore")
    values = np.asarray(values, dtype=float).reshape(len(data), -1)
    return _finite(values, [expr], "The response")[:, 0]


def _arithmetic(node: ast.expr, data: pd.DataFrame) -> np.ndarray | float | None:
    """Sums, differences, products and quotients of columns and numbers; None for what only formulaic knows."""
    if isinstance(node, ast.Name):
        return data[node.id].to_numpy(dtype=float)
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _arithmetic(node.left, data), _arithmetic(node.right, data)
        return None if left is None or right is None else _OPERATORS[type(node.op)](left, right)
    return None


def _two_levels(expr: str, column: pd.Series) -> np.ndarray:
    """A two-level factor as 0 and 1: the first level is a failure, as in R."""
    levels = column.astype("category").cat.remove_unused_categories().cat
    if len(levels.categories) != 2:
        raise DataError(
            f"{expr!r} has {len(levels.categories)} different values; a binomial response has two."
        )
    return levels.codes.to_numpy(dtype=float)


def _not_numeric(expr: str, column: pd.Series):
    strange = next((value for value in column if not isinstance(value, (int, float))), column.iloc[0])
    raise DataError(
        f"The response {expr!r} is not numeric: it has the value {_shown(strange)}. Recode it as numbers."
    )


# -- columns ----------------------------------------------------------------------------------------------


def _encode(
    terms: tuple[Term, ...], data: pd.DataFrame, everything: pd.DataFrame
) -> tuple[Columns, np.ndarray]:
    """How these terms become columns, and the columns: products of plain numbers here, all else through formulaic.

    `scale(x)` and its like take their mean and SD from all rows that have an x, as in R, so that a missing
    response elsewhere in the row does not move the origin of a predictor.
    """
    if all(_is_plain_number(factor, data) for term in terms for factor in term):
        columns = Columns(terms, tuple(":".join(f.strip("`") for f in term) or "Intercept" for term in terms))
        return columns, _finite(columns.matrix(data), columns.names, "The column")
    rows = _rows_with(terms, data, everything)
    first = _model_matrix(terms, rows)
    columns = Columns(terms, tuple(first.model_spec.column_names), first.model_spec, _levels(terms, data))
    # formulaic's work is not done twice: with no row missing, the first matrix is the one wanted
    matrix = np.asarray(first, dtype=float) if len(rows) == len(data) else columns.matrix(data)
    return columns, _finite(matrix, columns.names, "The column")


def _model_matrix(terms: tuple[Term, ...], rows: pd.DataFrame):
    right = " + ".join(["1" if INTERCEPT in terms else "0", *(":".join(term) for term in terms if term)])
    try:
        # what is not finite is refused by name afterwards
        with np.errstate(divide="ignore", invalid="ignore"):
            return Formula(right).get_model_matrix(
                rows, context=_FUNCTIONS, na_action="ignore", output="numpy"
            )
    except Exception as error:  # noqa: BLE001  (formulaic has no base class for its errors)
        raise DataError(f"The columns of {right!r} cannot be computed: {_cause(error)}.") from None


def _levels(terms: tuple[Term, ...], data: pd.DataFrame) -> dict[str, list]:
    """The levels of every column that a term takes as a factor."""
    coded = [name for term in terms for f in term if f.startswith("C(") for name in names_in(f)]
    coded += [name for name in _factor_names(terms) if not is_numeric_dtype(data[name])]
    return {name: sorted(data[name].unique(), key=str) for name in dict.fromkeys(coded)}


def _rows_with(terms: tuple[Term, ...], data: pd.DataFrame, everything: pd.DataFrame) -> pd.DataFrame:
    """All rows that have these terms' columns, and of a factor only the levels that the rows used have."""
    names = list(dict.fromkeys(_factor_names(terms)))
    if len(data) == len(everything):
        return data[names].assign(**{n: _used_levels(data[n]) for n in names if _is_categorical(data[n])})
    rows = everything[names].dropna()
    for name in names:
        if not is_numeric_dtype(rows[name]):
            rows = rows[rows[name].isin(data[name].unique())]
        if _is_categorical(rows[name]):
            rows = rows.assign(**{name: _used_levels(rows[name])})
    return rows


def _is_categorical(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def _used_levels(column: pd.Series) -> pd.Series:
    return column.cat.remove_unused_categories()


def _cause(error: Exception) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).rstrip(".") or type(error).__name__


def _is_plain_number(factor: str, data: pd.DataFrame) -> bool:
    return (
        is_column(factor)
        and is_numeric_dtype(data[factor.strip("`")])
        and not is_bool_dtype(data[factor.strip("`")])
    )


def _product(term: Term, data: pd.DataFrame) -> np.ndarray:
    column = np.ones(len(data))
    for factor in term:
        column = column * data[factor.strip("`")].to_numpy(dtype=float)
    return column


# -- groups -------------------------------------------------------------------------------------------------


Factor = tuple[np.ndarray, pd.Index]


def _factor(column: pd.Series) -> Factor:
    """Each row's level, −1 where it is missing, and the levels sorted (a categorical keeps its own order)."""
    if _is_categorical(column):
        return column.cat.codes.to_numpy(), column.cat.categories
    codes, levels = pd.factorize(column, sort=True)
    return codes, pd.Index(levels)


def _present(codes: np.ndarray, levels: pd.Index) -> Factor:
    """A factor with only the levels that some row has."""
    found = np.bincount(codes, minlength=len(levels)) > 0
    return (codes, levels) if found.all() else ((np.cumsum(found) - 1)[codes], levels[found])


def _combined(factors: list[Factor]) -> Factor:
    """One factor whose levels are the combinations, as strings `"1:2"`, that some row has."""
    codes, levels = factors[0]
    for inner, inner_levels in factors[1:]:
        pairs, codes = np.unique(codes.astype(np.int64) * len(inner_levels) + inner, return_inverse=True)
        first, second = levels[pairs // len(inner_levels)], inner_levels[pairs % len(inner_levels)]
        levels = pd.Index([f"{a}:{b}" for a, b in zip(first, second, strict=True)])
    return codes, levels


def _blocks(
    term: RandomTerm, factors: dict[str, Factor], data: pd.DataFrame, everything: pd.DataFrame
) -> list[Block]:
    """A random-effects term as one block, or as one block a column where `||` takes the correlations out."""
    codes, levels = _combined([factors[name] for name in term.factors])
    codes, levels = codes.astype(np.intp), levels.rename(":".join(term.factors))
    columns, Z = _encode(term.terms, data, everything)
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


def _check_groups(block: Block, spec: Spec) -> None:
    n, groups, effects = len(block.codes), len(block.levels), len(block.levels) * len(block.names)
    if groups < 2:
        raise DataError(
            f"The grouping variable {block.group!r} has one level, {_shown(block.levels[0])}: "
            "variation across groups needs at least two groups."
        )
    if spec.family.name != "gaussian":
        return
    term = f"({' + '.join('1' if name == 'Intercept' else name for name in block.names)} | {block.group})"
    if groups >= n:
        raise DataError(
            f"{block.group!r} has {groups} levels for {n} rows: with one row a group, the variation across groups "
            "and the residual variation cannot be told apart."
        )
    if effects >= n:
        raise DataError(
            f"{term} asks for {effects} group effects from {n} rows: they cannot be told apart from the residuals. "
            "Let fewer coefficients vary."
        )
