"""What each term's test of types 1, 2 and 3 says of the coefficients: one matrix L for each term, H₀: Lb = 0.

*Type 1*: each term after those before it, whatever comes later. With A = UᵀDU, U unit upper triangular and A the
cross product of the columns in the formula's order, the term's rows of U (Doolittle; Goodnight 1978, SAS report
R-106).

*Type 2*: each term after all others but those that contain it: the same with the containing terms put last.

*Type 3*: a contrast of cell means in which every cell counts alike, made orthogonal to the terms that contain it,
whatever the contrasts of the factors: SAS's construction from estimable functions (Goodnight 1978, section 5).

For a linear mixed model these are the rows of lmerTest (Kuznetsova, Brockhoff & Christensen 2017, J. Stat. Softw.
82(13)), where A = XᵀX and, as in SAS, a term is contained in another only if their numeric factors are the same:
`treatment` is not contained in `treatment:month`. They are kept row by row, because the degrees of freedom of a
Satterthwaite F depend on the basis (Fai & Cornelius 1996). For all other models they are those of car (Fox &
Weisberg 2019): A is the inverse covariance of b̂, and a term is contained in every term that has all its factors.

One difference from lmerTest is meant: in `a/b`, and in `x + x:f`, it does not see that `a` and `x` are contained in the
other term, and tests them at the reference level of b or f; here they are averages over its levels, as in SAS.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np

from ..design import independent_columns
from ..errors import DataError
from ..frames import look_at
from ..results import Fit
from ..spec import INTERCEPT, Factor, Term
from ..terms import Columns
from ..transforms import Coded, Values


def hypotheses(fit: Fit, kind: int, sas: bool) -> dict[Term, np.ndarray]:
    """L of each term but the intercept, (k, p) over the fit's coefficients.

    Parameters
    ----------
    kind
        1, 2 or 3.
    sas
        Whether as lmerTest (XᵀX and SAS's containment), or as car.
    """
    terms = [term for term in fit.spec.fixed if term != INTERCEPT]
    if not terms:
        return {}
    owner = column_owners(fit)
    cross = _cross_product(fit, sas) if kind < 3 or len(terms) == 1 else None
    if kind == 1 or len(terms) == 1:
        rows = _unit_upper(cross)
        return {term: rows[owner == fit.spec.fixed.index(term)] for term in terms}
    values = factor_values(fit)
    containing = {term: containing_terms(terms, term, values, sas) for term in terms}
    if kind == 3:
        return _type_3(fit, terms, containing, values)
    places = {term: owner == fit.spec.fixed.index(term) for term in terms}
    return {
        term: _type_2(
            cross, places[term], _any([places[other] for other in containing[term]], len(cross)), sas
        )
        for term in terms
    }


def _cross_product(fit: Fit, sas: bool) -> np.ndarray:
    if sas:
        return fit.design.X.T @ fit.design.X
    infinite = fit.fixef.index[np.isinf(fit.fixef)]
    if len(infinite):
        raise DataError(
            f"The coefficient {infinite[0]!r} is infinite, so that Wald's tests of this model say nothing: compare it "
            "with the model without the term, mk.anova(smaller, fit), or use drop1()."
        )
    return np.linalg.inv(fit.estimates.vcov)


def column_owners(fit: Fit) -> np.ndarray:
    """(p,) which term of the fixed part each column of X belongs to."""
    return np.array(fit.design.columns.assign, dtype=int)[fit.design.keep]


def factor_values(fit: Fit) -> dict[Factor, Values]:
    """Each factor of the fixed part on the rows used: numbers, or positions among levels."""
    columns = fit.design.columns
    table = look_at(fit.design.rows_of(fit.data), columns.used)
    return columns.values(table)


def containing_terms(terms: list[Term], term: Term, values: dict[Factor, Values], sas: bool) -> list[Term]:
    """The terms that contain this one: all its factors and more, and by SAS the same numeric ones."""

    def numbers(of: Term) -> set[Factor]:
        return {factor for factor in of if _is_number(factor, values[factor])}

    larger = [other for other in terms if set(term) < set(other)]
    return [other for other in larger if not sas or numbers(other) == numbers(term)]


def _is_number(factor: Factor, value: Values) -> bool:
    """Whether a factor is a numeric vector. What poly() and scale() give is a matrix in R, and so none to lmerTest."""
    return isinstance(value, np.ndarray) and value.ndim == 1 and not factor.name.startswith("scale(")


def _type_2(cross: np.ndarray, mine: np.ndarray, containing: np.ndarray, sas: bool) -> np.ndarray:
    p = len(cross)
    if sas and not containing.any():
        return np.eye(p)[mine]
    parts = (~mine & ~containing, mine, containing)
    order = np.concatenate([np.flatnonzero(part) for part in parts])
    rows = np.zeros((p, p))
    rows[:, order] = _unit_upper(cross[np.ix_(order, order)])
    return rows[mine[order]]


def _type_3(fit: Fit, terms: list[Term], containing: dict, values: dict[Factor, Values]) -> dict:
    everything, owner, treatment = _indicators(fit.design.columns, values)
    places = np.flatnonzero(treatment)
    places = places[independent_columns(everything[:, places])]
    X, owner = everything[:, places], owner[places]
    mine = {term: owner == fit.spec.fixed.index(term) for term in terms}
    L = _translation(X, everything).T  # a row for every indicator, a column for every column of X
    for term in sorted(terms, key=len, reverse=True):
        theirs = _any([mine[other] for other in containing[term]], len(owner))
        if theirs.any():
            L[:, mine[term]] -= L[:, theirs] @ np.linalg.lstsq(L[:, theirs], L[:, mine[term]], rcond=1e-10)[0]
    to_fit = _translation(X, fit.design.X)
    tables = {term: L[places][:, mine[term]].T for term in terms}
    return {term: rows[np.abs(rows).sum(axis=1) > 1e-8] @ to_fit for term, rows in tables.items()}


def _indicators(columns: Columns, values: dict[Factor, Values]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every factor with levels as indicators of all of them: the columns, whose they are, and which of them
    treatment contrasts would keep."""
    found, owner, kept = [], [], []
    n = len(_full(next(iter(values.values()))))
    for k, (term, whole) in enumerate(zip(columns.terms, columns.full, strict=True)):
        parts = [_full(values[factor]) for factor in term]
        found.append(_products(parts) if parts else np.ones((n, 1)))
        owner += [k] * found[-1].shape[1]
        shorter = [factor in columns.codings and factor not in whole for factor in term]
        masks = [
            (np.arange(part.shape[1]) >= short)[None] for part, short in zip(parts, shorter, strict=True)
        ]
        kept += list(_products(masks)[0]) if masks else [True]
    return np.hstack(found), np.array(owner), np.array(kept, dtype=bool)


def _full(value: Values) -> np.ndarray:
    """(n, k) indicators of all levels, or a number's own columns."""
    if isinstance(value, Coded):
        return np.eye(len(value.labels.levels))[value.labels.codes]
    return value.reshape(len(value), -1)


def _products(parts: Iterable[np.ndarray]) -> np.ndarray:
    """(n, k₁k₂…) products of the columns of (n, k₁), (n, k₂), …; the first one's columns run fastest."""
    return reduce(lambda left, right: (right[:, :, None] * left[:, None, :]).reshape(len(left), -1), parts)


def _any(masks: list[np.ndarray], size: int) -> np.ndarray:
    return np.any([np.zeros(size, dtype=bool), *masks], axis=0)


def _unit_upper(cross: np.ndarray) -> np.ndarray:
    """U of A = UᵀDU, unit upper triangular."""
    size = np.sqrt(np.diag(cross))
    upper = np.linalg.cholesky(cross / np.outer(size, size)).T * size
    return upper / np.diag(upper)[:, None]


def _translation(X: np.ndarray, other: np.ndarray) -> np.ndarray:
    """M with X M = other: how a linear function of the coefficients on X reads on those of `other`."""
    size = np.sqrt(np.mean(X**2, axis=0))
    M = np.linalg.lstsq(X / size, other, rcond=None)[0] / size[:, None]
    M[np.abs(M) < 1e-11 * np.abs(M).max()] = 0.0
    return M
