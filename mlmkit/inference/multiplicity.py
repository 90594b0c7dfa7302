"""Several tests at once: p values and intervals that allow for there being more than one.

*Tukey*: all pairwise differences of k means; the largest of them over its SE has the distribution of the
studentised range over √2 (exact for equal SEs, conservative otherwise: Tukey–Kramer, Hayter 1984). *Holm*: any
tests; p values in order of size are multiplied by m, m − 1, … (Holm 1979, Scand. J. Statist. 6:65–70). Holm has no
intervals of its own: Bonferroni's, with level 1 − α/m each, go with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from . import studentised

ADJUSTMENTS = ("tukey", "holm", "none")


@dataclass(frozen=True, eq=False)
class Family:
    """Tests that are made together.

    Attributes
    ----------
    name
        `"tukey"`, `"holm"` or `"none"`.
    sets
        Positions of the tests of each family: one family for each level of what a table is split by.
    n_means
        How many means each family compares.
    """

    name: str
    sets: tuple[np.ndarray, ...]
    n_means: int = 2

    @property
    def n_tests(self) -> int:
        return max((len(places) for places in self.sets), default=0)

    @property
    def note(self) -> str:
        """What was done, in a sentence; nothing where there is one test in a family."""
        if self.name == "none" or self.n_tests < 2:
            return ""
        if self.name == "tukey":
            return f"p values and intervals by Tukey's method for all pairs of {self.n_means} means."
        return f"p values by Holm's method for {self.n_tests} tests, intervals by Bonferroni's."

    def p_values(self, statistic: np.ndarray, df: np.ndarray) -> np.ndarray:
        """Two-sided p values of t statistics with these degrees of freedom."""
        p = 2 * scipy.stats.t.sf(np.abs(statistic), df)
        if self.name == "none" or self.n_tests < 2:
            return p
        if self.name == "tukey":
            return studentised.sf(np.abs(statistic) * np.sqrt(2), self.n_means, df)
        for places in self.sets:
            p[places] = holm(p[places])
        return p

    def quantiles(self, level: float, df: np.ndarray) -> np.ndarray:
        """How many standard errors an interval reaches to either side."""
        alpha = 1 - level
        if self.name == "none" or self.n_tests < 2:
            return scipy.stats.t.isf(alpha / 2, df)
        if self.name == "tukey":
            return studentised.ppf(level, self.n_means, df) / np.sqrt(2)
        return scipy.stats.t.isf(alpha / self.n_tests / 2, df)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p values; NaN stays NaN and does not count."""
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # NaN is sorted last
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
