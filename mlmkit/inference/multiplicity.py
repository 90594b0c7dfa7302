"""Several tests at once: p values and intervals that allow for there being more than one.

*Tukey*: all pairwise differences of k means; the largest of them over its SE has the distribution of the
studentised range over √2 (exact for equal SEs, conservative otherwise: Tukey–Kramer, Hayter 1984). The others are for
any m tests. *Bonferroni*: each at α/m. *Šidák*: each at 1 − (1 − α)^(1/m), exact for independent tests (1967, JASA
62:626–633). *Holm*: p values in order of size are multiplied by m, m − 1, … (1979, Scand. J. Statist. 6:65–70); Holm
has no intervals of its own: Bonferroni's go with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
import scipy

from . import studentised

ADJUSTMENTS = ("tukey", "holm", "bonferroni", "sidak", "none")


@dataclass(frozen=True, eq=False)
class Family:
    """Tests that are made together.

    Attributes
    ----------
    name
        One of `ADJUSTMENTS`.
    sets
        Positions of the tests of each family: one family for each level of what a table is split by. Tukey's are
        all the k(k − 1)/2 pairs of k means.
    """

    name: str
    sets: tuple[np.ndarray, ...]

    @property
    def n_tests(self) -> int:
        return max((len(places) for places in self.sets), default=0)

    @property
    def note(self) -> str:
        """What was done, in a sentence; nothing where there is one test in a family."""
        if self.name == "none" or self.n_tests < 2:
            return ""
        if self.name == "tukey":
            return (
                f"p values and intervals by Tukey's method for all pairs of {means_of(self.n_tests)} means."
            )
        if self.name == "holm":
            return f"p values by Holm's method for {self.n_tests} tests, intervals by Bonferroni's."
        who = {"bonferroni": "Bonferroni", "sidak": "Šidák"}[self.name]
        return f"p values and intervals by {who}'s method for {self.n_tests} tests."

    def p_values(self, statistic: np.ndarray, df: np.ndarray) -> np.ndarray:
        """Two-sided p values of t statistics with these degrees of freedom."""
        p = 2 * scipy.stats.t.sf(np.abs(statistic), df)
        for places in self.sets if self.name != "none" else ():
            p[places] = self._adjusted(p[places], np.abs(statistic[places]), df[places])
        return p

    def _adjusted(self, p: np.ndarray, size: np.ndarray, df: np.ndarray) -> np.ndarray:
        """The p values of one family."""
        if len(p) < 2:
            return p
        if self.name == "tukey":
            return studentised.sf(size * np.sqrt(2), means_of(len(p)), df)
        if self.name == "holm":
            return holm(p)
        return np.minimum(len(p) * p, 1.0) if self.name == "bonferroni" else sidak(p)

    def quantiles(self, level: float, df: np.ndarray) -> np.ndarray:
        """How many standard errors an interval reaches to either side."""
        quantiles = scipy.stats.t.isf((1 - level) / 2, df)
        for places in self.sets if self.name != "none" else ():
            quantiles[places] = self._quantiles(len(places), level, df[places])
        return quantiles

    def _quantiles(self, m: int, level: float, df: np.ndarray) -> np.ndarray:
        """The quantiles of a family of m tests."""
        if self.name == "tukey" and m > 1:
            return studentised.ppf(level, means_of(m), df) / np.sqrt(2)
        each = -np.expm1(np.log(level) / m) if self.name == "sidak" else (1 - level) / m
        return scipy.stats.t.isf(each / 2, df)


def means_of(pairs: int) -> int:
    """How many means have so many pairs."""
    return (1 + isqrt(1 + 8 * pairs)) // 2


def sidak(p: np.ndarray) -> np.ndarray:
    """Šidák's adjusted p values, 1 − (1 − p)^m."""
    return -np.expm1(scipy.special.xlog1py(len(p), -p))


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p values; NaN stays NaN and is one of the tests, as it is for the intervals."""
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # NaN is sorted last
    steps = p[order] * (len(p) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
