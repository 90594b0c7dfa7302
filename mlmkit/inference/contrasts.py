"""Differences (or ratios) of means and of slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..engine.generalized.separation import population_part
from ..errors import DataError, did_you_mean
from ..habits import methods_answer
from ..results import Fit
from .estimated import Estimated, Scale, row_names
from .multiplicity import ADJUSTMENTS, Family
from .parameters import one_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONTRASTS = ("pairwise", "reference", "consecutive")


@methods_answer
@dataclass(frozen=True, eq=False, repr=False)
class Contrasts(Estimated):
    """Contrasts of means or slopes; `.table` holds them, `.plot()` draws them."""

    def plot(self, ax: Axes | None = None, units: str = "", labels: Mapping[str, str] | None = None) -> Axes:
        """Every contrast with its interval, filled where that leaves out no difference.

        Parameters
        ----------
        ax
            Where to draw; by default a new figure.
        units
            Of a difference, for the axis.
        labels
            Other words for levels and variables, by name.

        Returns
        -------
        Axes
        """
        from .drawn import ContrastsPicture  # who prints a table needs no drawing

        ratio = self.scale.show is np.exp
        axis = self.scale.axis("" if ratio else units, labels)
        names = tuple(self.labels.columns)
        return ContrastsPicture(self.table, names, axis, self.level, labels or {}, float(ratio)).draw(ax)


@methods_answer
@dataclass(frozen=True, eq=False, repr=False)
class Margins(Estimated):
    """Means or slopes; `.table` holds them, `.contrasts()` compares them, `.plot()` draws them.

    Attributes
    ----------
    over, by
        The variables whose levels are compared, and those that split the table.
    fit
        Whose coefficients they are.
    offset
        Where the values are linear in b̂, what they have besides gradient @ b̂; None where they are not linear.
    ratios
        Whether `contrasts` gives ratios unless told otherwise.
    """

    over: tuple[str, ...]
    by: tuple[str, ...]
    fit: Fit
    offset: np.ndarray | None
    ratios: bool

    def contrasts(
        self,
        method: str | Mapping = "pairwise",
        adjust: str | None = None,
        by: str | Sequence[str] | None = None,
        ratios: bool | None = None,
    ) -> Contrasts:
        """Compare the rows of the table, within each level of what splits it.

        Parameters
        ----------
        method
            `"pairwise"`: every pair, the first less the second. `"reference"`: each less the first.
            `"consecutive"`: each less the one before. `{"name": weights}`: contrasts of your own, the weights in the
            order of the rows, or by level: `{"mean of both": {"Low": .5, "High": .5, "Control": -1}}`.
        adjust
            `"tukey"` (for all pairs, the default there), `"holm"` (the default elsewhere), `"bonferroni"`, `"sidak"` or
            `"none"`. Each level of what splits the table is a family of its own.
        by
            Compare within the levels of these variables instead of those that the table was split by; `[]` for none.
        ratios
            Whether to give ratios (odds ratios where the link is a logit, rate ratios or ratios of means where it is a
            log) or differences. By default ratios for what is shown on the response's scale, but differences for means
            that are averaged over groups or rows.

        Returns
        -------
        Contrasts

        Raises
        ------
        DataError
            Naming the level that is not there, the weights that are too few, or ratios where there are none.
        """
        by = self.by if by is None else (by,) if isinstance(by, str) else tuple(by)
        ratios = self._can_be_ratios(ratios)
        sets = _sets(self.labels, by, (*self.over, *self.by))
        if not isinstance(method, Mapping):  # a level with one row only has nothing to compare
            sets = [places for places in sets if len(places) > 1] or sets
        inner = self.labels.drop(columns=list(by))
        found = [_weights(method, row_names(inner.iloc[places]), ratios) for places in sets]
        names = [name for part in found for name in part]
        C = np.zeros((len(names), len(self.value)))
        rows = np.split(np.arange(len(names)), np.cumsum([len(part) for part in found])[:-1])
        for places, own, part in zip(sets, rows, found, strict=True):
            C[np.ix_(own, places)] = list(part.values())
        first = np.repeat([places[0] for places in sets], [len(part) for part in found])
        split = self.labels[list(by)].iloc[first].reset_index(drop=True)
        labels = pd.concat([pd.Series(names, name="contrast", dtype=object), split], axis=1)
        return self._combined(C, labels, _family(method, adjust, tuple(rows)), ratios)

    def plot(self, ax: Axes | None = None, units: str = "", labels: Mapping[str, str] | None = None) -> Axes:
        """Means or slopes with their intervals: along a number as lines, else as points beside each other.

        Parameters
        ----------
        ax
            Where to draw; by default a new figure.
        units
            Of an estimate, for the axis.
        labels
            Other words for variables and levels, by name: `{"treatment": "Arm", "TAU": "usual care"}`.

        Returns
        -------
        Axes
        """
        from .drawn import MarginsPicture  # who prints a table needs no drawing

        axis = self.scale.axis(units, labels)
        names = tuple(name for name in self.labels.columns if name in (*self.over, *self.by))
        return MarginsPicture(self.table, names, axis, self.level, labels or {}).draw(ax)

    def _can_be_ratios(self, ratios: bool | None) -> bool:
        if ratios and not self.scale.ratio:
            raise DataError(
                'There are no ratios here: they go with a log or logit link and scale="response", '
                'or with a log of the response and scale="original".'
            )
        return self.ratios if ratios is None else bool(ratios)

    def _combined(self, C: np.ndarray, labels: pd.DataFrame, family: Family, ratios: bool) -> Contrasts:
        """Linear combinations on the scale of the tests, shown as ratios, or of the values as they are shown."""
        value, gradient, scale = (
            self.value,
            self.gradient,
            Scale(f"difference in {self.scale.quantity}", self.scale.of),
        )
        if ratios:
            unbalanced = np.flatnonzero(np.abs(C.sum(axis=1)) > 1e-8)
            if len(unbalanced):
                raise DataError(
                    f"The weights of {labels['contrast'].iloc[unbalanced[0]]!r} do not sum to 0, so there is no ratio: use ratios=False."
                )
            note = f"Estimates are {self.scale.ratio}s; tests are of their logarithms, against a ratio of 1."
            scale = Scale(self.scale.ratio, "", np.exp, np.exp, note=note)
        elif not self.scale.is_plain:
            value, gradient = self.scale.show(value), self.scale.slope(value)[:, None] * gradient
        combined = _times(C, value)
        if self.offset is not None and (ratios or self.scale.is_plain):
            combined = population_part(self.fit.design, self.fit.estimates, C @ gradient) + C @ self.offset
        return Contrasts(
            labels,
            combined,
            C @ gradient,
            C @ self.defect,
            self.method,
            self.level,
            scale,
            family,
            self.notes,
        )


def _times(C: np.ndarray, value: np.ndarray) -> np.ndarray:
    """C value, where a value that is not known matters only to the rows that use it."""
    known = np.isfinite(value)
    return np.where(np.any(C[:, ~known] != 0, axis=1), np.nan, C[:, known] @ value[known])


def _sets(labels: pd.DataFrame, by: tuple[str, ...], variables: tuple[str, ...]) -> list[np.ndarray]:
    """Positions of the rows that are compared with each other."""
    for name in by:
        if name not in variables:
            raise DataError(f"{name!r} does not split this table.{did_you_mean(str(name), variables)}")
    if not by:
        return [np.arange(len(labels))]
    groups = labels.groupby(list(by), sort=False, observed=True).indices
    return sorted(groups.values(), key=lambda places: places[0])


def _weights(method: str | Mapping, names: list[str], ratios: bool) -> dict[str, np.ndarray]:
    """The weights of each contrast of rows with these names, by the contrast's name."""
    if isinstance(method, Mapping):
        return {str(name): _own(str(name), weights, names) for name, weights in method.items()}
    one_of("method", method, CONTRASTS)
    if len(names) < 2:
        raise DataError(f"There is nothing to compare with {names[0]!r}: a contrast needs two rows or more.")
    pairs = {
        "pairwise": list(combinations(range(len(names)), 2)),
        "reference": [(k, 0) for k in range(1, len(names))],
        "consecutive": [(k, k - 1) for k in range(1, len(names))],
    }[method]
    eye, sign = np.eye(len(names)), "/" if ratios else "-"
    return {f"{names[i]} {sign} {names[j]}": eye[i] - eye[j] for i, j in pairs}


def _own(name: str, weights, rows: list[str]) -> np.ndarray:
    if isinstance(weights, Mapping):
        strange = next((level for level in weights if str(level) not in rows), None)
        if strange is not None:
            raise DataError(
                f"{name!r} weights {strange!r}, which is no row.{did_you_mean(str(strange), rows)}"
            )
        by_name = {str(level): weight for level, weight in weights.items()}
        weights = [by_name.get(row, 0.0) for row in rows]
    try:
        numbers = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"The weights of {name!r} are not numbers: {weights!r}.") from None
    if numbers.shape != (len(rows),):
        raise DataError(f"{name!r} has {numbers.size} weights for {len(rows)} rows: {', '.join(rows)}.")
    return numbers


def _family(method: str | Mapping, adjust: str | None, sets: tuple[np.ndarray, ...]) -> Family:
    adjust = adjust or ("tukey" if method == "pairwise" else "holm")
    one_of("adjust", adjust, ADJUSTMENTS)
    if adjust == "tukey" and method != "pairwise":
        raise DataError(
            'Tukey\'s method is for all pairs of means: for other contrasts use adjust="holm" or "none".'
        )
    return Family(adjust, sets)
