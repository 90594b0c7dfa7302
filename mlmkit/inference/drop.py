"""What each term is worth: the model fitted again without it.

Only terms that no other contains are dropped, so that an interaction goes before its main effects (R's `drop1`). Linear
mixed models are fitted by maximum likelihood for that, since REML criteria of different fixed parts do not compare; the
terms of the random part are dropped one at a time from the fit as it is (lmerTest's `ranova`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy

from ..design import Block, Design, independent_columns
from ..engine import fit_glm, fit_lm
from ..errors import DataError
from ..frames import look_at
from ..results import Fit, FlatFit, MixedFit
from ..spec import INTERCEPT, Term, columns_in, term_name
from ..terms import encode
from .compare import REFITTED, mixture
from .noted import Noted
from .parameters import as_ml, one_of

WHOLE = "<none>"


def drop1(fit: Fit, part: str = "fixed") -> Noted:
    """Fit the model again without each of the terms that can go, and test what that costs.

    Parameters
    ----------
    part
        `"fixed"`, or `"random"` for the terms of the random part: of `(Days|Subject)` the slope, of `(1|Subject)` the
        whole.

    Returns
    -------
    DataFrame
        A row for the model as it is (`<none>`) and one without each term: df (how many parameters go), AIC, statistic
        and p.value; F for a linear model, else the likelihood ratio χ². Of random terms logLik, too, and
        p.mixture, which allows for an SD that cannot be negative (see `anova`).
    """
    one_of("part", part, ("fixed", "random"))
    if part == "random":
        return _random(fit)
    whole = as_ml(fit)
    terms = list(droppable(fit))
    if not terms:
        raise DataError(f"{fit.formula!r} has no terms to drop, only an intercept.")
    fits = [whole, *(_without(whole, term) for term in terms)]
    names = [WHOLE, *map(term_name, terms)]
    table = pd.DataFrame([_against(whole, small) for small in fits], pd.Index(names, name="term"))
    notes = ["F tests." if isinstance(fit, FlatFit) and fit.family.has_sigma else "Likelihood-ratio tests."]
    return Noted(table, notes=[*notes, *([REFITTED] if fit.reml else []), *_messages(names, fits)])


def droppable(fit: Fit) -> Iterator[Term]:
    """The terms of the fixed part that no other term contains, in the formula's order."""
    terms = [term for term in fit.spec.fixed if term != INTERCEPT]
    return (term for term in terms if not any(set(term) < set(other) for other in terms))


def _without(fit: Fit, term: Term) -> Fit:
    """The same kind of fit on the same rows without a term of the fixed part."""
    design, terms = fit.design, tuple(other for other in fit.spec.fixed if other != term)
    columns, X = encode(terms, look_at(fit.data, columns_in(terms)), design.used)
    keep = independent_columns(X)
    names = np.array(columns.names, dtype=object)
    spec = replace(fit.spec, fixed=terms)
    return fit.reestimate(
        replace(
            design,
            spec=replace(spec, formula=str(spec)),
            X=X[:, keep],
            fixed_names=tuple(names[keep]),
            aliased=tuple(names[~keep]),
            columns=columns,
            keep=keep,
        )
    )


def _against(whole: Fit, small: Fit) -> dict:
    """The row of a smaller model."""
    df = whole.n_parameters - small.n_parameters
    row = {"df": df or np.nan, "AIC": small.aic, "statistic": np.nan, "p.value": np.nan}
    if not df:
        return row
    if isinstance(whole, FlatFit) and isinstance(small, FlatFit) and whole.family.has_sigma:
        statistic = (deviance(small) - deviance(whole)) / df / whole.sigma**2
        return row | {"statistic": statistic, "p.value": scipy.stats.f.sf(statistic, df, whole.df_resid)}
    statistic = max(2 * (whole.loglik - small.loglik), 0.0)
    return row | {"statistic": statistic, "p.value": scipy.stats.chi2.sf(statistic, df)}


def deviance(fit: FlatFit) -> float:
    """The sum of squared deviance residuals; of a linear model the residual sum of squares."""
    return float(np.sum(fit.resid("deviance") ** 2))


def _messages(names: list[str], fits: list[Fit]) -> list[str]:
    """What the fits without a term have to say."""
    return [
        f"Without {name}: {text}"
        for name, fit in zip(names[1:], fits[1:], strict=True)
        for text in fit.messages
    ]


# -- random terms ---------------------------------------------------------------------------------------------


def _random(fit: Fit) -> Noted:
    if not isinstance(fit, MixedFit):
        raise DataError(f"{fit.formula!r} has no random terms to drop.")
    smaller = dict(_smaller_designs(fit.design))
    fits = [fit, *(_refitted(fit, design) for design in smaller.values())]
    rows = []
    for small in fits:
        df = fit.n_parameters - small.n_parameters
        statistic = max(2 * (fit.loglik - _loglik(small, fit.reml)), 0.0) if df else np.nan
        rows.append(
            {
                "df": df or np.nan,
                "logLik": _loglik(small, fit.reml),
                "AIC": -2 * _loglik(small, fit.reml) + 2 * small.n_parameters,
                "statistic": statistic,
                "p.value": scipy.stats.chi2.sf(statistic, df) if df else np.nan,
                "p.mixture": mixture(statistic, df - 1) if df else np.nan,
            }
        )
    names = [WHOLE, *smaller]
    table = pd.DataFrame(rows, pd.Index(names, name="term"))
    note = (
        "Likelihood-ratio tests. p.value is too large, since an SD of 0 lies at the edge of its range; p.mixture is half "
        "the tail of χ² with one degree of freedom less, half with all."
    )
    return Noted(table, notes=[note, *_messages(names, fits)])


def _smaller_designs(design: Design) -> Iterator[tuple[str, Design]]:
    """The design without each random coefficient that can go, by what goes."""
    for k, block in enumerate(design.blocks):
        others = (design.blocks[:k], design.blocks[k + 1 :])
        written = f"({' + '.join(_varying(block))} | {block.group})"
        for term, smaller in _smaller_blocks(block):
            kept = (smaller,) if smaller else ()
            label = f"{term_name(term)} in {written}" if smaller else written
            yield label, replace(design, blocks=(*others[0], *kept, *others[1]))


def _varying(block: Block) -> list[str]:
    """What varies, as a formula says it."""
    names = ["1" if name == "Intercept" else name for name in block.names]
    return names if "1" in names else ["0", *names]


def _smaller_blocks(block: Block) -> Iterator[tuple[Term, Block | None]]:
    """The block without each of its terms that no other contains; a single term takes the block with it."""
    columns = block.columns
    owner = [columns.assign[columns.names.index(name)] for name in block.names]
    terms = [columns.terms[k] for k in dict.fromkeys(owner)]
    if len(terms) == 1:
        yield terms[0], None
        return
    for term in terms:
        if term != INTERCEPT and not any(set(term) < set(other) for other in terms):
            kept = np.array([columns.terms[k] != term for k in owner])
            names = tuple(name for name, keep in zip(block.names, kept, strict=True) if keep)
            yield term, replace(block, names=names, Z=np.ascontiguousarray(block.Z[:, kept]))


def _refitted(fit: MixedFit, design: Design) -> Fit:
    if design.blocks:
        return fit.reestimate(design)
    estimator = fit_lm if fit.family.is_linear else fit_glm
    return FlatFit(design, estimator(design), fit.data, estimator)


def _loglik(fit: Fit, reml: bool) -> float:
    """The log likelihood, or the restricted one, which a flat linear model has, too."""
    if fit.reml or not reml:
        return fit.loglik
    n, p, design = fit.nobs, fit.design.X.shape[1], fit.design
    _, logdet = np.linalg.slogdet(design.X.T @ (design.weights[:, None] * design.X))
    criterion = (n - p) * (1 + np.log(2 * np.pi * fit.sigma**2)) + logdet - np.log(design.weights).sum()
    return float(-criterion / 2)
