"""Tables of means, contrasts and slopes: values that depend on b̂ smoothly, with tests and intervals.

A value g(b̂) has the standard error √(∇gᵀ V ∇g) (the delta method). What is estimated on a link's scale, such as
log odds, is tested and given an interval there, and then shown on the response's scale: an interval of a
probability never leaves (0, 1), and an odds ratio's is not symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape

import numpy as np
import pandas as pd

from ..words import p_value, significant
from .degrees import Method
from .multiplicity import Family
from .tests import wald_table

#: A row of a rank-deficient design is estimable if what the dropped columns add to it is less than this.
ESTIMABLE = 1e-8

STATISTICS = ("estimate", "std.error", "df", "statistic", "p.value", "conf.low", "conf.high")


@dataclass(frozen=True, eq=False)
class Scale:
    """How what was worked out on one scale is shown on another.

    Attributes
    ----------
    quantity, of
        What an estimate is, and of what: "mean {}" of "bdi", "odds ratio".
    show, slope
        The function from the scale of the tests to the one shown, and its derivative.
    ratio
        What the exponential of a difference on the scale of the tests is, "odds ratio"; empty if it is nothing.
    note
        On which scale tests and intervals are made, if not on the one shown.
    """

    quantity: str
    of: str = ""
    show: Callable[[np.ndarray], np.ndarray] = field(default=np.asarray)
    slope: Callable[[np.ndarray], np.ndarray] = field(default=np.ones_like)
    ratio: str = ""
    note: str = ""

    def axis(self, units: str = "", labels: Mapping[str, str] | None = None) -> str:
        """What an axis says."""
        of = (labels or {}).get(self.of, self.of)
        return self.quantity.format(of) + (f" ({units})" if units else "")

    @property
    def is_plain(self) -> bool:
        """Whether what is shown is what was worked out."""
        return self.slope is np.ones_like


@dataclass(frozen=True, eq=False, repr=False)
class Estimated:
    """m estimates, each a function of the coefficients.

    Attributes
    ----------
    labels
        (m, …) what each row is of.
    value, gradient
        (m,) and (m, p) the estimates on the scale of the tests, and their derivatives by b̂.
    defect
        (m, d) what the d dropped columns of a rank-deficient design add: not 0 where a row is not estimable.
    method, level, scale, family
        Covariance and degrees of freedom; the intervals' probability; the scale shown; tests made together.
    notes
        What the reader of the table should know, one plain sentence each.
    """

    labels: pd.DataFrame
    value: np.ndarray
    gradient: np.ndarray
    defect: np.ndarray
    method: Method
    level: float
    scale: Scale
    family: Family
    notes: tuple[str, ...]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row for each estimate: its labels, then estimate, std.error, df, statistic, p.value, conf.low, conf.high.

        `df` is infinite for z tests; rows that the data cannot tell are NaN.
        """
        known = ~(np.abs(self.defect) > ESTIMABLE).any(axis=1)
        value = np.where(known, self.value, np.nan)
        numbers = wald_table(value, np.where(known[:, None], self.gradient, np.nan), self.method)
        df = numbers["df"].to_numpy()
        half = self.family.quantiles(self.level, df) * numbers["std.error"].to_numpy()
        limits = np.sort(self.scale.show(np.stack([value - half, value + half])), axis=0)
        shown = {
            "estimate": self.scale.show(value),
            "std.error": np.abs(self.scale.slope(value)) * numbers["std.error"],
            "df": df,
            "statistic": numbers["statistic"],
            "p.value": self.family.p_values(numbers["statistic"].to_numpy(), df),
            "conf.low": limits[0],
            "conf.high": limits[1],
        }
        table = pd.concat([self.labels.reset_index(drop=True), pd.DataFrame(shown)], axis=1)
        return table.set_axis(pd.Index(row_names(self.labels)), axis=0)

    def __repr__(self) -> str:
        with pd.option_context("display.max_columns", None, "display.width", 200):
            return "\n".join([readable(self.table).to_string(index=False), *self._sentences()])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p><em>{escape(note)}</em></p>" for note in self._sentences())
        return readable(self.table).to_html(index=False) + notes

    def _sentences(self) -> tuple[str, ...]:
        missing = self.table.index[self.table["estimate"].isna()]
        unknown = (
            f"The data do not tell: {', '.join(missing)} (no rows from which to estimate)."
            if len(missing)
            else ""
        )
        return tuple(note for note in (*self.notes, self.scale.note, self.family.note, unknown) if note)


def row_names(labels: pd.DataFrame) -> list[str]:
    """Each row's labels in one text."""
    return [" ".join(map(in_words, row)) for row in labels.itertuples(index=False)]


def in_words(value) -> str:
    """A level or a number as its owner would write it."""
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text: estimates and limits with the same decimals, z tests without their infinite df."""
    shown = {name: list(map(in_words, table[name])) for name in table.columns if name not in STATISTICS}
    decimals = ["estimate", "std.error", "conf.low", "conf.high"]
    shown |= dict(zip(decimals, significant(*(table[name] for name in decimals)), strict=True))
    shown["df"] = [f"{df:.4g}" if df < 1000 else f"{df:.0f}" for df in table["df"]]
    shown["statistic"] = [f"{t:.3f}" for t in table["statistic"]]
    shown["p.value"] = [p_value(p) for p in table["p.value"]]
    infinite = np.isinf(table["df"].dropna()).all()
    order = [name for name in table.columns if not (name == "df" and infinite)]
    return pd.DataFrame(shown)[order].replace({"nan": ""})
