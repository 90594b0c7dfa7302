"""Fits for a paper: several side by side in one table, as text, HTML, LaTeX or a Word file.

The table is made here; laying it out in a file is left to maketables, which reads a fit through the attributes
`__maketables_…__` (so `maketables.ETable([fit, other])` works as well). Coefficients come with the interval and the
p value of one and the same number of degrees of freedom.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .errors import DataError, MlmkitError
from .habits import answers, methods_answer
from .printing import tidy
from .results import Fit, MixedFit

#: What `save` writes, by the ending of the file's name.
KINDS = ("docx", "tex", "html")


@methods_answer
@dataclass(frozen=True, eq=False, repr=False)
class Reported:
    """Several fits side by side. Prints as its `.table`; `.save("t.docx")` writes it for a paper.

    Attributes
    ----------
    table
        A row for each coefficient (estimate and interval), SD, correlation and statistic; a column for each fit.
    note
        What the cells are.
    """

    table: pd.DataFrame
    note: str
    columns: tuple[Column, ...]
    labels: Mapping[str, str]
    digits: int

    def __repr__(self):
        with pd.option_context("display.max_columns", None, "display.width", 160, "display.max_rows", None):
            return f"{self.table}\n{self.note}"

    def _repr_html_(self):
        return f"{self.table.to_html()}<p><em>{self.note}</em></p>"

    def save(self, path: str | Path) -> Path:
        """Write the table to a file that ends in .docx, .tex or .html, over one that is there.

        Raises
        ------
        DataError
            If the name ends in none of these.
        MlmkitError
            If maketables is not installed.
        """
        path = Path(path)
        kind = path.suffix.removeprefix(".").lower()
        if kind not in KINDS:
            raise DataError(f"{path.name!r} should end in .docx, .tex or .html, which say what is written.")
        if not path.parent.is_dir():
            raise DataError(f"There is no folder {str(path.parent)!r} to write {path.name!r} to.")
        # a bare per cent sign would make the rest of the line a comment in LaTeX
        note = self.note.replace("%", r"\%") if kind == "tex" else self.note
        made = self._laid_out(note).make(type=kind)
        if kind == "docx":
            made.save(str(path))
        else:  # in UTF-8 on every machine, since estimates have a minus sign and labels may be Greek
            path.write_text(made, encoding="utf-8")
        return path

    def _laid_out(self, note: str):
        try:
            from maketables import ETable
        except ImportError:
            raise MlmkitError(
                "Files are written by maketables: pip install 'mlmkit[report]'. `.table` is a DataFrame that needs "
                "nothing more."
            ) from None
        keys = list(dict.fromkeys(key for column in self.columns for key in column.statistics))
        own = {
            name: readable(name, self.labels) for column in self.columns for name in column.coefficients.index
        }
        low, high = f"ci95l:.{self.digits}f", f"ci95u:.{self.digits}f"
        return ETable(
            list(self.columns),
            coef_fmt=f"b:.{self.digits}f [{low}, {high}]",
            model_heads=list(self.table.columns),
            model_stats=keys,
            model_stats_labels={key: word for column in self.columns for key, word in column.words.items()},
            labels=own,
            notes=note,
        )


@answers
def table(
    *fits: Fit,
    names: Sequence[str] | None = None,
    ddf: str = "satterthwaite",
    digits: int = 2,
    level: float = 0.95,
    labels: Mapping[str, str] | None = None,
) -> Reported:
    """Fits side by side, ready for a paper.

    Parameters
    ----------
    *fits
        What `lm`, `glm`, `lmer` and `glmer` gave; one or several.
    names
        What the columns are called; by default m0, m1, …
    ddf
        Degrees of freedom of linear mixed models: `"satterthwaite"` or `"kenward-roger"`.
    digits
        Decimals.
    level
        Of the intervals.
    labels
        Words for columns of the data: `{"lsize": "litter size"}`.

    Returns
    -------
    Reported
        Prints as text, shows as HTML in a notebook; `.table` is a DataFrame, `.save("table.docx")` writes Word,
        `.tex` LaTeX, `.html` a page.

    Raises
    ------
    DataError
        If one of them is not a fit, or the names are not as many as the fits.
    """
    if not fits or not all(isinstance(fit, Fit) for fit in fits):
        strange = next((type(fit).__name__ for fit in fits if not isinstance(fit, Fit)), "nothing")
        raise DataError(f"table() takes fits side by side, table(m0, m1), not {strange}.")
    if not isinstance(digits, int) or not 0 <= digits <= 15:
        raise DataError(f"digits={digits!r}: it is a number of decimals, a whole number from 0 to 15.")
    names = [f"m{k}" for k in range(len(fits))] if names is None else list(names)
    if len(names) != len(fits) or len(set(names)) != len(names):
        raise DataError(f"names has {len(names)} names for {len(fits)} fits: give each a name of its own.")
    columns = tuple(Column.of(fit, ddf, level, digits, labels or {}) for fit in fits)
    cells = {name: _cells(column, digits, labels or {}) for name, column in zip(names, columns, strict=True)}
    rows = _merged([list(own) for own in cells.values()])
    whole = pd.DataFrame({name: [own.get(row, "") for row in rows] for name, own in cells.items()}, rows)
    return Reported(whole, _note(fits, ddf, level), columns, labels or {}, digits)


@dataclass(frozen=True, eq=False)
class Column:
    """What one fit contributes to the table, in the form that maketables reads.

    Attributes
    ----------
    coefficients
        As `coefficients` gives them, with the degrees of freedom and the level asked for.
    statistics
        As `statistics` gives them, rounded.
    words
        The statistics' names for readers.
    response
    """

    coefficients: pd.DataFrame
    statistics: dict[str, str]
    words: dict[str, str]
    response: str

    @classmethod
    def of(cls, fit: Fit, ddf: str, level: float, digits: int, labels: Mapping[str, str]) -> Column:
        told = {
            key: str(value) if isinstance(value, int) else f"{value:.{digits}f}"
            for key, value in statistics(fit).items()
        }
        return cls(coefficients(fit, ddf, level), told, words(fit, labels), response(fit))

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        return self.coefficients

    def __maketables_stat__(self, key: str) -> str | None:
        return self.statistics.get(key)

    @property
    def __maketables_depvar__(self) -> str:
        return self.response


def _cells(column: Column, digits: int, labels: Mapping[str, str]) -> dict[str, str]:
    """Row of the table → cell."""
    cells = {
        readable(
            name, labels
        ): f"{row['b']:.{digits}f} [{row['ci95l']:.{digits}f}, {row['ci95u']:.{digits}f}]"
        for name, row in column.coefficients.iterrows()
    }
    return cells | {column.words.get(key, key): value for key, value in column.statistics.items()}


def _merged(columns: list[list[str]]) -> list[str]:
    """All rows in an order that keeps each column's own: a coefficient stands before the statistics of all."""
    rows: list[str] = []
    for column in columns:
        at = 0
        for row in column:
            if row in rows:
                at = rows.index(row) + 1
            else:
                rows.insert(at, row)
                at += 1
    return rows


def _note(fits: Sequence[Fit], ddf: str, level: float) -> str:
    cells = f"Estimates with {level:.0%} intervals"
    if any(isinstance(fit, MixedFit) and fit.family.is_linear for fit in fits):
        how = {"satterthwaite": "Satterthwaite's", "kenward-roger": "Kenward and Roger's"}.get(ddf, ddf)
        cells += f"; degrees of freedom of linear mixed models by {how} method"
    if any(not fit.family.is_linear for fit in fits):
        cells += "; generalized models on the scale of the link"
    return f"{cells}."


# -- what maketables asks of a fit --------------------------------------------------------------------------


def coefficients(fit: Fit, ddf: str = "satterthwaite", level: float = 0.95) -> pd.DataFrame:
    """A row for each coefficient: b, se, t, p and its interval ci95l, ci95u, in maketables' names."""
    mixed = isinstance(fit, MixedFit) and fit.family.is_linear
    rows = tidy(fit, conf_int=True, level=level, ddf=ddf if mixed else None)
    rows = rows[rows["effect"] == "fixed"].set_index("term")
    names = {
        "estimate": "b",
        "std.error": "se",
        "statistic": "t",
        "p.value": "p",
        "conf.low": "ci95l",
        "conf.high": "ci95u",
    }
    return rows[list(names)].rename(columns=names).astype(float).rename_axis("Coefficient")


def statistics(fit: Fit) -> dict[str, float | int]:
    """The random part, the residual SD, sizes and the criterion, by key."""
    found: dict[str, float | int] = {_key(row): float(row.sdcor) for row in _varying(fit)}
    if fit.family.has_sigma:
        found["sigma"] = fit.sigma
    elif fit.family.has_dispersion:
        found["dispersion"] = float(fit.dispersion)
    found["N"] = fit.nobs
    if isinstance(fit, MixedFit):
        found |= {f"groups {name}": int(n) for name, n in fit.ngroups.items()}
    return found | (
        {"REML criterion": fit.criterion} if fit.reml else {"log likelihood": fit.loglik, "AIC": fit.aic}
    )


def _varying(fit: Fit) -> list:
    """The rows of `varcorr` about groups."""
    return (
        [row for row in fit.varcorr.itertuples() if row.group != "Residual"]
        if isinstance(fit, MixedFit)
        else []
    )


def _key(row) -> str:
    if row.term2 is None:
        return f"sd {row.term1}|{row.group}"
    return f"cor {row.term1}, {row.term2}|{row.group}"


def statistic(fit: Fit, key: str) -> float | int | None:
    """One of `statistics`; None where the fit has none of that name."""
    return statistics(fit).get(key)


def response(fit: Fit) -> str:
    """The response as the formula has it."""
    return str(fit.spec.response)


def readable(name: str, labels: Mapping[str, str]) -> str:
    """A coefficient's name for readers: `treatment[T.Low]:month` is "treatment = Low × month"."""
    parts = [re.fullmatch(r"(.*?)\[(?:[TS]\.)?(.*)\]", part) or part for part in name.split(":")]
    words = [
        labels.get(part, part) if isinstance(part, str) else f"{labels.get(part[1], part[1])} = {part[2]}"
        for part in parts
    ]
    return " × ".join(words)


def words(fit: Fit, labels: Mapping[str, str]) -> dict[str, str]:
    """The names of `statistics` for readers, by key."""
    found = {_key(row): _in_words(row, labels) for row in _varying(fit)}
    if isinstance(fit, MixedFit):
        found |= {f"groups {name}": f"groups of {labels.get(name, name)}" for name in fit.ngroups}
    return found | {"sigma": "residual SD", "N": "rows"}


def _in_words(row, labels: Mapping[str, str]) -> str:
    terms = [readable(term, labels) for term in (row.term1, row.term2) if term is not None]
    what = "SD" if len(terms) == 1 else "correlation"
    return f"{what} of {', '.join(terms)} across {labels.get(row.group, row.group)}"
