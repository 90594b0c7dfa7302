"""Methods and results of a fit in sentences that a paper could carry: estimate, interval, df, and how it was got."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from ..errors import DataError
from ..printing import tidy
from ..report import readable
from ..results import Fit, MixedFit
from ..words import count, listed, number

METHODS = {"satterthwaite": "Satterthwaite's", "kenward-roger": "Kenward and Roger's"}


def methods(fit: Fit, ddf: str, units: dict[str, str]) -> str:
    """What was fitted to what, how, and with which program."""
    rows = count(fit.nobs, "row")
    if isinstance(fit, MixedFit):
        rows += f" of {listed(_sizes(fit))}"
    lost = (
        f" ({count(fit.design.n_dropped, 'row')} with a missing value left out)"
        if fit.design.n_dropped
        else ""
    )
    how = _estimator(fit)
    sentences = [f"{_kind(fit)} was fitted to {rows}{lost} {how}: {fit.formula}."]
    if isinstance(fit, MixedFit):
        sentences.append(_random_part(fit))
        if fit.family.is_linear:
            sentences.append(f"Degrees of freedom are by {METHODS[ddf]} method.")
    sentences[1:1] = _known_of_rows(fit)
    return " ".join([*sentences, f"Computed with mlmkit {_version()}."])


def results(fit: Fit, ddf: str, level: float, units: dict[str, str]) -> str:
    """Each coefficient with its interval and test, then the SDs."""
    ratio = (
        {"logit": "odds ratio", "log": "ratio"}.get(fit.family.link, "") if not fit.family.is_linear else ""
    )
    mixed = isinstance(fit, MixedFit) and fit.family.is_linear
    rows = tidy(fit, conf_int=True, level=level, ddf=ddf if mixed else None)
    rows = rows[rows["effect"] == "fixed"].set_index("term")
    sentences = [_coefficient(name, row, ratio, level, fit, units) for name, row in rows.iterrows()]
    return " ".join([*sentences, *_spread(fit, units), *_caveats(fit)])


def _kind(fit: Fit) -> str:
    if fit.family.is_linear:
        return "A linear mixed model" if isinstance(fit, MixedFit) else "A linear model"
    kind = "generalized linear mixed model" if isinstance(fit, MixedFit) else "generalized linear model"
    return f"A {kind} ({fit.family.name} response, {fit.family.link} link)"


def _estimator(fit: Fit) -> str:
    if fit.family.is_linear:
        return (
            ("by REML" if fit.reml else "by maximum likelihood")
            if isinstance(fit, MixedFit)
            else "by least squares"
        )
    if not isinstance(fit, MixedFit):
        return "by maximum likelihood"
    nodes = fit.estimates.n_agq
    how = "Laplace's approximation" if nodes == 1 else f"adaptive Gauss–Hermite quadrature, {nodes} nodes"
    return f"by maximum likelihood ({how})"


def _known_of_rows(fit: Fit) -> list[str]:
    """What was known of each row beside its predictors: an argument that the formula does not show."""
    known = (
        ["An offset known for each row was added to the linear predictor."] if fit.design.given_offset else []
    )
    weighted = not fit.family.counts_trials and bool(np.any(fit.design.weights != 1))
    return known + (["Rows had prior weights."] if weighted else [])


def _sizes(fit: MixedFit) -> list[str]:
    told = []
    for name, J in fit.ngroups.items():
        codes = next(block.codes for block in fit.design.blocks if block.group == name)
        rows = np.bincount(codes)
        each = (
            f"{rows.min()}"
            if rows.min() == rows.max()
            else f"{rows.min()} to {rows.max()}, median {np.median(rows):g}"
        )
        told.append(f"{J} groups of {name} ({each} {'row' if each == '1' else 'rows'} each)")
    return told


def _random_part(fit: MixedFit) -> str:
    sentences = []
    for block in fit.design.blocks:
        words = [
            "the intercept" if name == "Intercept" else f"the slope of {readable(name, {})}"
            for name in block.names
        ]
        verb, together = ("varies", "") if len(words) == 1 else ("vary", ", correlated")
        text = f"{listed(words)} {verb} across {block.group}{together}."
        sentences.append(text[0].upper() + text[1:])
    return " ".join(sentences)


def _coefficient(name: str, row: pd.Series, ratio: str, level: float, fit: Fit, units: dict[str, str]) -> str:
    what = "Intercept" if name == "Intercept" else readable(name, {})
    values = row[["estimate", "conf.low", "conf.high"]].to_numpy(dtype=float)
    told = "b"
    if ratio and name != "Intercept":
        values, told = np.exp(values), f"ratio of {ratio}s" if ":" in name else ratio
    unit = _unit(name, fit, units) if not ratio else ""
    estimate, low, high = (number(value, 3) for value in values)
    return f"{what}: {told} = {estimate}{unit}, {level:.0%} CI [{low}, {high}], {_test(row)}."


def _unit(name: str, fit: Fit, units: dict[str, str]) -> str:
    """The response's unit, per that of a predictor that has one."""
    own = units.get(str(fit.spec.response), "")
    return f" {own}{f' per {units[name]}' if name in units else ''}" if own else ""


def _test(row: pd.Series) -> str:
    df = row.get("df", np.nan)
    p = row.get("p.value", np.nan)
    letter = "z" if not np.isfinite(df) else f"t({df:.1f})" if df != round(df) else f"t({df:.0f})"
    told = f"{letter} = {number(row['statistic'], 3)}"
    if not np.isfinite(p):
        return told
    return f"{told}, p < .001" if p < 0.001 else f"{told}, p = {f'{p:.3f}'.removeprefix('0')}"


def _spread(fit: Fit, units: dict[str, str]) -> list[str]:
    sentences = []
    unit = units.get(str(fit.spec.response), "")
    for row in fit.varcorr.itertuples() if isinstance(fit, MixedFit) else ():
        if row.group == "Residual":
            sentences.append(f"Residual SD {number(row.sdcor)}{f' {unit}' if unit else ''}.")
        elif row.term2 is None:
            what = "intercept" if row.term1 == "Intercept" else f"slope of {readable(row.term1, {})}"
            sentences.append(f"SD of the {what} across {row.group}: {number(row.sdcor)}.")
        else:
            sentences.append(
                f"Correlation of {row.term1} and {row.term2} across {row.group}: {row.sdcor:.2f}."
            )
    return sentences


def _caveats(fit: Fit) -> list[str]:
    said = ["The fit is singular: an SD is estimated as 0 or a correlation as ±1."] if fit.is_singular else []
    return said + ([] if fit.converged else ["The optimiser did not converge: do not report these numbers."])


def _version() -> str:
    try:
        return version("mlmkit")
    except PackageNotFoundError:
        return "from its sources"


def in_a_paper(fit: Fit, style: str, ddf: str, level: float, units: dict[str, str]) -> str:
    """The paragraph of this style: "methods" or "results".

    Raises
    ------
    DataError
        If there is no fit, but a formula.
    """
    if not isinstance(fit, Fit):
        raise DataError(f'style="{style}" describes a fit: give describe() what lmer() or glmer() returned.')
    return methods(fit, ddf, units) if style == "methods" else results(fit, ddf, level, units)
