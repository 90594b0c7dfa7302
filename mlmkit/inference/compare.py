"""Models against each other: likelihood-ratio tests, with the right reference for a variance of zero."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import scipy

from ..errors import DataError
from ..habits import answers
from ..results import Fit, FlatFit
from ..spec import same_group
from .anova import anova_of_terms
from .bootstrap_test import simulated_p, simulated_ratios
from .noted import Compared, Noted
from .parameters import as_ml, one_of
from .simulate import seeds

REFITTED = (
    "Models fitted by REML were fitted again by maximum likelihood, since REML criteria of different fixed "
    "parts do not compare."
)

#: A larger model whose −2 log L is lower by no more than this describes the data no better: it is rounding.
NO_BETTER = 1e-6


@answers
def anova(
    *fits: Fit,
    type: int | str = 3,
    ddf: str | None = None,
    test: str = "chisq",
    n: int = 1000,
    seed=None,
    workers: int | None = None,
    progress: bool = True,
) -> Noted:
    """Of one fit the test of each term; of several, tests of one against the next.

    Parameters
    ----------
    *fits
        One fit, or two or more to the same rows, in any order; REML fits are then fitted again by ML.
    type, ddf
        Of one fit's table: type 1, 2 or 3, and `"satterthwaite"` or `"kenward-roger"`; see `anova_of_terms`.
    test
        Of several fits: `"chisq"`, or `"bootstrap"` for `Pr(bootstrap)`, too: the share of n responses simulated from
        the smaller model whose likelihood ratio is as large as the one observed.
    n, seed, workers, progress
        Of that bootstrap; see `fit.bootstrap`.

    Returns
    -------
    DataFrame
        Of one fit a row for each term: num_df, den_df, statistic and p.value (sumsq, meansq) of an F test, or df,
        statistic and p.value of a χ² test.
        Of several fits a row for each, the smallest first (in print m0, m1, …): npar, AIC, BIC, logLik, deviance
        (−2 logLik), and against the model above it Chisq, Df and `Pr(>Chisq)`. Where the models differ by one varying
        coefficient, `Pr(mixture)` is the p value that allows for an SD that cannot be negative (half χ²_q, half
        χ²_{q+1}). Of several `lm` fits the exact F: Res.Df, RSS, Df, `Sum of Sq`, F, `Pr(>F)`.

    References
    ----------
    Self & Liang (1987), JASA 82:605–610; Stram & Lee (1994), Biometrics 50:1171–1177.
    """
    one_of("test", test, ("chisq", "bootstrap"))
    if len(fits) == 1 and isinstance(fits[0], Fit):
        if test == "bootstrap":
            raise DataError("A bootstrap compares two models: give anova() the one without the term, too.")
        return anova_of_terms(fits[0], type, ddf)
    _check(fits)
    if ddf is not None:
        raise DataError(f"ddf={ddf!r} is for the terms of one fit; fits are compared by their likelihoods.")
    flat = [fit for fit in fits if isinstance(fit, FlatFit) and fit.family.is_linear]
    if len(flat) == len(fits):
        if test == "bootstrap":
            raise DataError(
                "The F test of linear models is exact: there is nothing that a bootstrap could add."
            )
        return _exact_f(sorted(flat, key=lambda fit: fit.n_parameters))
    ordered = sorted(map(as_ml, fits), key=lambda fit: fit.n_parameters)
    table = _likelihood_ratios(ordered, any(fit.reml for fit in fits))
    return _with_bootstrap(table, ordered, n, seed, workers, progress) if test == "bootstrap" else table


def _with_bootstrap(table: Noted, fits: list[Fit], n: int, seed, workers, progress: bool) -> Noted:
    """The table with a simulated p value for each pair of models."""
    p = [np.nan]
    for pair, own, observed in zip(
        pairwise(fits), seeds(seed, len(fits) - 1), table["Chisq"][1:], strict=True
    ):
        p.append(simulated_p(observed, simulated_ratios(*pair, n, own, workers, progress)))
    note = f"Pr(bootstrap) is from {n} responses simulated from the smaller model of each pair."
    return Compared(table.assign(**{"Pr(bootstrap)": p}), notes=[*table.notes, note])


def _likelihood_ratios(fits: list[Fit], refitted: bool) -> Noted:
    table = pd.DataFrame([_row(fit) for fit in fits], [fit.formula for fit in fits])
    table["Chisq"] = -table["deviance"].diff()
    table["Df"] = table["npar"].diff()
    p = scipy.stats.chi2.sf(table["Chisq"].clip(lower=0), table["Df"])
    table["Pr(>Chisq)"] = np.where(table["Df"] > 0, p, np.nan)
    notes = [REFITTED] if refitted else []
    mixtures = [np.nan] + [_mixture(*pair) for pair in pairwise(fits)]
    if not np.isnan(mixtures).all():
        table["Pr(mixture)"] = mixtures
        notes.append(
            "Pr(>Chisq) is naive where an SD is tested: zero lies at the edge of its range, so this p value "
            "is too large. Pr(mixture) is half the tail of χ² with one degree of freedom less, half with all."
        )
    return Compared(table, notes=[*notes, *_not_nested(fits)])


def _exact_f(fits: list[FlatFit]) -> Noted:
    """F tests of nested linear models, each against the one above it, with the largest model's σ̂² (R's `anova.lm`)."""
    rss = np.array([fit.sigma**2 * fit.df_resid for fit in fits])
    table = pd.DataFrame(
        {"Res.Df": [fit.df_resid for fit in fits], "RSS": rss}, [fit.formula for fit in fits]
    )
    table["Df"] = -table["Res.Df"].diff()
    table["Sum of Sq"] = -table["RSS"].diff()
    with np.errstate(divide="ignore", invalid="ignore"):
        table["F"] = table["Sum of Sq"] / table["Df"] / fits[-1].sigma ** 2
    table["Pr(>F)"] = scipy.stats.f.sf(table["F"], table["Df"], fits[-1].df_resid)
    return Compared(table, notes=_not_nested(fits))


def _not_nested(fits: Sequence[Fit]) -> list[str]:
    """A sentence for each fit that is not the next one with something left out."""
    return [
        f"{one.formula!r} is not {other.formula!r} with terms left out, so the test between them has no meaning: "
        "compare their AIC."
        for one, other in pairwise(fits)
        if not _is_nested(one, other)
    ]


def _is_nested(small: Fit, large: Fit) -> bool:
    """Whether the columns of one, fixed and random, are combinations of the other's."""
    one, other = small.design, large.design
    if small.family.link != large.family.link or not np.allclose(one.weights, other.weights):
        return False
    pairs = [(one.X, [other.X])]
    for block in one.blocks:
        pairs.append((block.Z, [b.Z for b in other.blocks if same_group(b.group, block.group)]))
    return all(parts and _within(columns, np.hstack(parts)) for columns, parts in pairs)


def _within(columns: np.ndarray, span: np.ndarray) -> bool:
    size = np.linalg.norm(span, axis=0)
    found = np.linalg.lstsq(span / np.where(size > 0, size, 1.0), columns, rcond=None)[0]
    left = columns - span / np.where(size > 0, size, 1.0) @ found
    return bool(np.all(np.linalg.norm(left, axis=0) <= 1e-6 * np.linalg.norm(columns, axis=0)))


def _check(fits) -> None:
    if len(fits) < 2:
        raise DataError("anova compares models: give it at least two fits.")
    for fit in fits:
        if not isinstance(fit, Fit):
            hint = ": compare() compares posteriors, by their loo()" if hasattr(fit, "loo") else ""
            raise DataError(f"anova compares fits, and {type(fit).__name__} is not one{hint}.")
    first = fits[0]
    for fit in fits[1:]:
        if fit.nobs != first.nobs:
            raise DataError(
                f"{first.formula!r} was fitted to {first.nobs} rows and {fit.formula!r} to {fit.nobs}: "
                "likelihoods compare on the same rows only, so drop the rows with missing values first."
            )
        same = np.allclose(fit.design.y, first.design.y, rtol=1e-12, atol=0)
        if fit.family.distribution is not first.family.distribution or not same:
            raise DataError(f"{first.formula!r} and {fit.formula!r} do not have the same response.")


def _row(fit: Fit) -> dict:
    return {
        "npar": fit.n_parameters,
        "AIC": fit.aic,
        "BIC": fit.bic,
        "logLik": fit.loglik,
        "deviance": -2 * fit.loglik,
    }


def _mixture(small: Fit, large: Fit) -> float:
    """The mixture p value where one more coefficient varies, correlated with q others; else NaN."""
    q = extra_coefficient(small, large)
    ratio = 2 * (large.loglik - small.loglik)
    return np.nan if q is None else mixture(ratio if ratio > NO_BETTER else 0.0, q)


def mixture(chisq: float, q: int) -> float:
    """The tail of half χ²_q and half χ²_{q+1}."""
    return 0.5 * (_tail(chisq, q) + _tail(chisq, q + 1))


def _tail(chisq: float, df: int) -> float:
    return float(scipy.stats.chi2.sf(chisq, df)) if df else float(chisq <= 0)


def extra_coefficient(small: Fit, large: Fit) -> int | None:
    """With how many others the one coefficient correlates that only `large` lets vary; else None."""
    if set(small.design.fixed_names) != set(large.design.fixed_names):
        return None
    before, after = _varying(small), _varying(large)
    more = [key for key in after if key not in before]
    if len(more) == 1 and len(after) == len(before) + 1 and len(more[0][1]) == 1:
        return 0
    gone = [key for key in before if key not in after]
    if len(more) == 1 and len(gone) == 1 and len(after) == len(before):
        (group, names), (same, fewer) = more[0], gone[0]
        if group == same and fewer < names and len(names) == len(fewer) + 1:
            return len(fewer)
    return None


def _varying(fit: Fit) -> list[tuple[str, frozenset]]:
    return [(block.group, frozenset(block.names)) for block in fit.design.blocks]
