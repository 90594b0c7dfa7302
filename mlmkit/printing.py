"""A fit in print: the layout that readers of lme4 know, in text and in HTML.

A summary is a few titled tables. They are built once, as strings, and rendered twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
import scipy

from .inference.intervals import confint
from .inference.tests import tests
from .notices import notices
from .results import Fit, FlatFit, MixedFit
from .words import p_value, significant

#: How many coefficients a fit shows where it stands alone in a Python session.
GLANCE = 6


@dataclass(frozen=True)
class Table:
    """Cells as text, under a title; the first `labels` columns are labels and stand to the left."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1
    foot: str = ""

    def __str__(self):
        cells = [self.head, *self.rows]
        widths = [max(len(row[k]) for row in cells) for k in range(len(self.head))]
        lines = [
            " ".join(
                c.ljust(w) if k < self.labels else c.rjust(w)
                for k, (c, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        return "\n".join(
            [f"{self.title}:", *(line.rstrip() for line in lines), *([self.foot] if self.foot else [])]
        )

    def _repr_html_(self):
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self.head)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows
        )
        foot = f"<p>{escape(self.foot)}</p>" if self.foot else ""
        return f"<table><caption>{escape(self.title)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{foot}"


@dataclass(frozen=True)
class Summary:
    """What `fit.summary()` gives: prints as text, shows as HTML in a notebook."""

    title: str
    lines: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]

    def __str__(self):
        return "\n\n".join(["\n".join([self.title, *self.lines]), *map(str, self.tables), *self.notes])

    def __repr__(self):
        return str(self)

    def _repr_html_(self):
        lines = "<br>".join(map(escape, self.lines))
        notes = "".join(f"<p><em>{escape(note)}</em></p>" for note in self.notes)
        tables = "".join(table._repr_html_() for table in self.tables)
        return f"<div class='mlmkit-summary'><p><strong>{escape(self.title)}</strong><br>{lines}</p>{tables}{notes}</div>"


def summary(fit: Fit, ddf: str | None = None) -> Summary:
    """The fit in lme4's layout: criterion, scaled residuals, random effects, groups, fixed effects.

    Parameters
    ----------
    ddf
        Of a linear mixed model, how to get degrees of freedom and p values for the fixed effects: `"satterthwaite"` or
        `"kenward-roger"`. None, like lme4, prints t values alone.

    Returns
    -------
    Summary
        Prints as text; shows as HTML in a notebook.
    """
    tables = [*_criteria(fit), _residuals(fit)]
    if isinstance(fit, MixedFit):
        tables += [_random_effects(fit)]
    tables += [_fixed_effects(fit, ddf)]
    if isinstance(fit, MixedFit) and len(fit.fixef) > 1:
        tables += [_correlations(fit)]
    return Summary(_title(fit), _lines(fit), tuple(tables), tuple(notices(fit)))


def in_a_few_lines(fit: Fit) -> str:
    """The fit as a Python session shows it: what was fitted, how well, and b̂; `summary()` says the rest."""
    groups = [f"{count} {name}" for name, count in fit.ngroups.items()] if isinstance(fit, MixedFit) else []
    rows = ", ".join([f"{fit.nobs} rows", *groups])
    name = "REML criterion" if fit.reml else "log likelihood"
    value = fit.criterion if fit.reml else fit.loglik
    coefficients = [f"{name} {value:.5g}" for name, value in fit.fixef.items()]
    shown = ", ".join(coefficients[:GLANCE]) + (
        f", … ({len(coefficients)} in all)" if coefficients[GLANCE:] else ""
    )
    return "\n".join([f"{_title(fit)}: {fit.formula}", f"{rows}; {name} {value:.2f}", f"b: {shown}"])


def _title(fit: Fit) -> str:
    if not isinstance(fit, MixedFit):
        return (
            "Linear model by least squares"
            if fit.family.is_linear
            else "Generalized linear model by maximum likelihood"
        )
    if fit.family.is_linear and fit.estimates.n_agq == 1:
        return f"Linear mixed model fit by {'REML' if fit.reml else 'maximum likelihood'}"
    nodes = fit.estimates.n_agq
    how = "Laplace approximation" if nodes == 1 else f"adaptive Gauss–Hermite quadrature, {nodes} nodes"
    return f"Generalized linear mixed model fit by maximum likelihood ({how})"


def _lines(fit: Fit) -> tuple[str, ...]:
    lines = [f"Formula: {fit.formula}"]
    if not fit.family.is_linear:
        lines.insert(0, f"Family: {fit.family}")
    lines += _spread(fit)
    if fit.reml:
        lines.append(f"REML criterion at convergence: {fit.criterion:.1f}")
    if fit.design.n_dropped:
        lines.append(f"Rows: {fit.nobs} used, {fit.design.n_dropped} dropped for a missing value")
    return tuple(lines)


def _spread(fit: Fit) -> list[str]:
    """What the parameter beside the mean says of an observation, and whose likelihood it is."""
    sentence = fit.family.distribution.spread_in_words(fit.dispersion)
    lines = [f"Spread: {sentence}"] if sentence else []
    if isinstance(fit, MixedFit) and fit.family.has_sigma and not fit.family.is_linear:
        lines.append(LIKE_GLMMTMB)
    return lines


LIKE_GLMMTMB = (
    "Likelihood: the dispersion is estimated with everything else, as in glmmTMB; lme4's criterion of this family is "
    "another, and gives other SDs and another log likelihood."
)


def _criteria(fit: Fit) -> list[Table]:
    """AIC and its kin, for a likelihood that may be compared across fixed parts; REML's stands in the title."""
    if fit.reml:
        return []
    df = fit.nobs - fit.n_parameters
    cells = [*(f"{value:.1f}" for value in (fit.aic, fit.bic, fit.loglik, -2 * fit.loglik)), str(df)]
    return [Table("Criteria", ("AIC", "BIC", "logLik", "-2 logLik", "df.resid"), (tuple(cells),), 0)]


def _residuals(fit: Fit) -> Table:
    quantiles = np.quantile(fit.resid("scaled"), [0, 0.25, 0.5, 0.75, 1])
    return Table(
        "Scaled residuals", ("Min", "1Q", "Median", "3Q", "Max"), (tuple(f"{q:.4f}" for q in quantiles),), 0
    )


def _random_effects(fit: MixedFit) -> Table:
    rows = [row for k in range(len(fit.design.blocks)) for row in _block_rows(fit, k)]
    if fit.family.has_sigma:
        rows.append(("Residual", "", fit.sigma**2, fit.sigma, ()))
    (variances,), (sds,) = significant([row[2] for row in rows]), significant([row[3] for row in rows])
    width = max(len(row[4]) for row in rows)
    head = (
        "Groups",
        "Name",
        "Variance",
        "SD across groups",
        *(["Corr"] + [""] * (width - 1) if width else []),
    )
    cells = [
        (row[0], row[1], variance, sd, *(f"{c:.2f}" for c in row[4]), *[""] * (width - len(row[4])))
        for row, variance, sd in zip(rows, variances, sds, strict=True)
    ]
    groups = "; ".join(f"{name}, {count}" for name, count in fit.ngroups.items())
    return Table("Random effects", head, tuple(cells), 2, f"Number of obs: {fit.nobs}, groups: {groups}")


def _block_rows(fit: MixedFit, k: int):
    block, Sigma = fit.design.blocks[k], fit.covariances[k]
    sd = np.sqrt(np.diag(Sigma))
    for i, name in enumerate(block.names):
        with np.errstate(invalid="ignore"):
            correlations = tuple(Sigma[i, :i] / (sd[i] * sd[:i]))
        yield block.group if i == 0 else "", name, Sigma[i, i], sd[i], correlations


def _fixed_effects(fit: Fit, ddf: str | None) -> Table:
    table = coefficients(fit, ddf)
    columns = [
        *significant(table["Estimate"], table["Std. Error"]),
        *(_plain(table[name]) for name in table.columns[2:]),
    ]
    rows = tuple((name, *cells) for name, *cells in zip(table.index, *columns, strict=True))
    return Table(
        "Fixed effects" if isinstance(fit, MixedFit) else "Coefficients",
        ("", *table.columns),
        rows,
        1,
        _foot(fit, ddf),
    )


def _foot(fit: Fit, ddf: str | None) -> str:
    if isinstance(fit, MixedFit):
        return {
            "satterthwaite": "Degrees of freedom by Satterthwaite's approximation",
            "kenward-roger": "Standard errors and degrees of freedom by Kenward and Roger's method",
        }.get(ddf or "", "")
    if isinstance(fit, FlatFit) and fit.family.is_linear:
        return f"Residual SD: {fit.sigma:.4g} on {fit.df_resid} degrees of freedom"
    return ""


def coefficients(fit: Fit, ddf: str | None = None) -> pd.DataFrame:
    """Estimates, standard errors and test statistics of the fixed part, with p values where they are exact
    (a linear model's t), conventional (z) or asked for (`ddf`, see `tests`)."""
    if ddf is not None and isinstance(fit, MixedFit):
        table = pd.DataFrame(tests(fit, ddf=ddf))
        symbol = "z" if np.isinf(table["df"]).all() else "t"
        names = ["Estimate", "Std. Error", "df", f"{symbol} value", f"Pr(>|{symbol}|)"]
        table = table.set_axis(names, axis=1)
        return table.drop(columns="df") if symbol == "z" else table
    table = pd.DataFrame({"Estimate": fit.fixef, "Std. Error": fit.se.reindex(fit.fixef.index)})
    ratio = table["Estimate"] / table["Std. Error"]
    if isinstance(fit, FlatFit) and fit.family.has_sigma:
        return table.assign(**{"t value": ratio, "Pr(>|t|)": 2 * scipy.stats.t.sf(ratio.abs(), fit.df_resid)})
    if fit.family.is_linear:
        return table.assign(**{"t value": ratio})
    return table.assign(**{"z value": ratio, "Pr(>|z|)": 2 * scipy.stats.norm.sf(ratio.abs())})


def _plain(values) -> list[str]:
    if values.name.startswith("Pr"):
        return [p_value(p) for p in values]
    return [f"{value:.3f}" if np.isfinite(value) else "" for value in values]


def _correlations(fit: MixedFit) -> Table:
    sd = fit.se.to_numpy()
    correlation = fit.vcov.to_numpy() / np.outer(sd, sd)
    names = list(fit.fixef.index)
    rows = [
        (name, *(f"{correlation[i, k]:.3f}" if k < i else "" for k in range(len(names) - 1)))
        for i, name in enumerate(names)
    ]
    return Table("Correlation of fixed effects", ("", *(name[:12] for name in names[:-1])), tuple(rows[1:]))


def tidy(
    fit: Fit,
    conf_int: bool = False,
    level: float = 0.95,
    method: str = "wald",
    ddf: str | None = None,
    **options,
) -> pd.DataFrame:
    """Every estimate in a row, in broom.mixed's columns: effect, group, term, estimate, std.error, statistic.

    Parameters
    ----------
    conf_int
        Whether to add conf.low and conf.high, by `confint(level, method, **options)`.
    ddf
        How to get df and p.value for a linear mixed model, as in `summary`; Wald and profile intervals then use the
        same degrees of freedom and standard errors, so that interval and p value of a row are of one mind.
    """
    names = {
        "Estimate": "estimate",
        "Std. Error": "std.error",
        "t value": "statistic",
        "z value": "statistic",
    }
    table = coefficients(fit, ddf).rename(columns=names | {"Pr(>|t|)": "p.value", "Pr(>|z|)": "p.value"})
    fixed = table.rename_axis("term").reset_index()
    fixed.insert(0, "effect", "fixed")
    fixed.insert(1, "group", None)
    whole = pd.concat([fixed, _tidy_random(fit)], ignore_index=True) if isinstance(fit, MixedFit) else fixed
    if conf_int:
        if method != "bootstrap":
            options["ddf"] = ddf
        whole[["conf.low", "conf.high"]] = confint(fit, level, method, **options).to_numpy()
    return whole


def _tidy_random(fit: MixedFit) -> pd.DataFrame:
    def term(row):
        if row.group == "Residual":
            return "sd__Observation"
        return f"sd__{row.term1}" if row.term2 is None else f"cor__{row.term1}.{row.term2}"

    rows = [("ran_pars", row.group, term(row), row.sdcor) for row in fit.varcorr.itertuples()]
    if fit.family.has_dispersion and not fit.family.has_sigma:
        rows.append(("dispersion", None, fit.family.distribution.dispersion_name, fit.dispersion))
    return pd.DataFrame(rows, columns=["effect", "group", "term", "estimate"])
