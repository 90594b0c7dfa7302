"""Does the model fit? What was observed, beside what the model makes.

Responses are simulated from the fit. A row's quantile residual is the place of its response among those simulated
for it, between 0 and 1, ties broken at random: uniform if the model is right, for yes or no and for counts as well
(Dunn & Smyth 1996, J. Comput. Graph. Stat. 5, 236; Hartig's DHARMa). Residuals proper are compared with those of
the same model fitted again to each simulated response, since fitting itself bends them: with slopes fitted, the
residuals of neighbouring rows are negatively correlated even where the errors are not, so a lag-1 correlation is
never to be judged against 0. A check sees only what its statistic looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd

from ..columns import look
from ..design import Design
from ..errors import DataError, did_you_mean
from ..habits import methods_answer
from ..pictures import Panels
from ..results import Fit, MixedFit
from ..words import listed, number
from .check_picture import paint
from .noted import Noted
from .parameters import check_count, one_of
from .refits import Refitting, refitting
from .replicate import cuts, run
from .simulate import simulate

#: No more numbers than this are simulated at once (400 MB).
MOST_NUMBERS = 50_000_000

#: A statistic of one response: from y and the rows of the data to a number.
Statistic = Callable[[pd.Series, pd.DataFrame], float]


@methods_answer
@dataclass(frozen=True, eq=False, repr=False)
class Check(Panels):
    """A fit's check: statistics beside their simulations, and quantile residuals; `.plot()` draws them.

    Attributes
    ----------
    table
        A row for each statistic: statistic (as observed), expected (the mean over simulations), conf.low and conf.high
        (the middle 95% of them), p.value (two-sided), refitted (whether the model was fitted to each simulation).
    residuals
        The quantile residuals, indexed like the rows used.
    simulated
        Statistics × simulations: what `table` sums up.
    """

    table: pd.DataFrame
    residuals: pd.Series
    simulated: Mapping[str, np.ndarray] = field(repr=False)
    places: np.ndarray = field(repr=False)
    fit: Fit = field(repr=False)
    groups: str = "new"
    x: str | None = None

    size = "panels"

    @property
    def alt_text(self) -> str:
        statistics = listed(
            f"{name} {number(row['statistic'])} beside {number(row['conf.low'])} to {number(row['conf.high'])}"
            for name, row in self.table.iterrows()
        )
        return f"Quantile residuals, and histograms of simulated statistics with what was seen: {statistics}. {self.notes[1]}"

    def paint(self, figure) -> None:
        paint(figure, self.table, self.simulated, self.places, self.along)

    @property
    def along(self) -> pd.DataFrame:
        """What the residuals are drawn against, a row for each of them: the column `x`, or the mean.

        Where effects are drawn afresh it is the mean without them: a residual that holds its group's effect would
        rise with a mean that holds it too, whatever the model.
        """
        if self.x is not None:
            return _column(self.fit, self.x).to_frame()
        fit, name = self.fit, "fitted"
        mean = np.asarray(fit.fitted)
        if isinstance(fit, MixedFit) and self.groups == "new":
            name = "fitted without group effects"
            mean = fit.family.mean(fit.design.X @ fit.estimates.beta + fit.design.offset)
        return pd.DataFrame({name: mean})

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done, and which statistics lie outside what the model makes; one plain sentence each."""
        kinds = {
            "new": "new groups: their effects are drawn afresh in each",
            "same": "the same groups: their effects are kept as estimated",
        }
        kind = f", with {kinds[self.groups]}" if isinstance(self.fit, MixedFit) else ""
        outside = self.table[
            (self.table["statistic"] < self.table["conf.low"])
            | (self.table["statistic"] > self.table["conf.high"])
        ]
        found = listed(
            f"{name} ({number(row['statistic'])}; the model makes {number(row['conf.low'])} to {number(row['conf.high'])})"
            for name, row in outside.iterrows()
        )
        verdict = (
            f"Outside what the model makes: {found}."
            if found
            else "Nothing lies outside what the model makes."
        )
        return f"From {self.places.shape[1] - 1} simulated responses{kind}.", verdict

    def __repr__(self):
        return repr(Noted(self.table.drop(columns="refitted").round(3), notes=self.notes))

    def _repr_html_(self):
        return Noted(self.table.drop(columns="refitted").round(3), notes=self.notes)._repr_html_()

    def by(self, name: str, bins: int = 8) -> pd.DataFrame:
        """The mean quantile residual at each value of a column, beside its simulations.

        Parameters
        ----------
        name
            A column of the data, whether or not the model uses it; a grouping factor too.
        bins
            Into how many parts of equal size a column of more different numbers is cut.

        Returns
        -------
        DataFrame
            A row for each value or part: n, statistic (the mean, 0.5 if the model is right there), conf.low,
            conf.high, p.value.
        """
        parts = _parts(self.fit, name, bins)
        rows = []
        for level, own in parts.items():
            means = self.places[own].mean(axis=0)
            rows.append({name: level, "n": len(own), **_beside(means[0], means[1:])})
        return pd.DataFrame(rows).set_index(name).drop(columns="expected")


def check(
    fit: Fit,
    n: int = 250,
    seed=None,
    groups: str = "new",
    statistics: Mapping[str, Statistic] | None = None,
    refits: int | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Check:
    """Hold the fit against responses that it would give.

    Parameters
    ----------
    n
        How many responses to simulate.
    seed
        The same seed gives the same numbers, for any number of workers.
    groups
        `"new"` draws the group effects afresh: the check of the whole model. `"same"` keeps them as estimated and
        checks what varies within groups: sharper for the spread of counts.
    statistics
        Statistics of your own by name, each a function of the response (a Series) and of the rows of the data, such
        as `{"relapses": lambda y, rows: ...}`.
    refits
        To how many of the simulated responses the model is fitted again, for the statistics of residuals; 0 leaves
        these out. By default all n for a linear model and at most 50 for a generalized one.
    workers, progress
        As for `bootstrap`.

    Returns
    -------
    Check
        Prints as its `.table`; `.residuals`, `.by("column")`, `.plot()`.

    Raises
    ------
    DataError
        For a number of simulations below 20, or a statistic that gives no number.
    """
    one_of("groups", groups, ("new", "same"))
    n = _size(fit, n)
    draws = simulate(fit, n, seed, groups).to_numpy()
    everything = np.column_stack([fit.design.y, draws])
    places = _places(everything, np.random.default_rng(seed if isinstance(seed, int) else None))
    observed: dict[str, float] = {}
    simulated: dict[str, np.ndarray] = {}
    for name, values in _of_responses(fit, everything, places, statistics or {}).items():
        observed[name], simulated[name] = values[0], values[1:]
    again = _of_refits(fit, draws, refits, workers, progress)
    for name, value in _of_residuals(fit).items() if len(again) else ():
        observed[name], simulated[name] = value, again[name].to_numpy()
    table = pd.DataFrame({name: _beside(observed[name], simulated[name]) for name in observed}).T
    table = table.astype(float).assign(refitted=[name in again for name in observed]).rename_axis("check")
    residuals = pd.Series(places[:, 0], fit.design.rows, name="quantile residual")
    return Check(table, residuals, simulated, places, fit, groups)


def _size(fit: Fit, n: int) -> int:
    check_count(n, "simulated responses", 20)
    if n * fit.nobs > MOST_NUMBERS:
        raise DataError(
            f"n={n} responses of {fit.nobs} rows are too many to hold at once: ask for n={max(20, MOST_NUMBERS // fit.nobs)}."
        )
    return int(n)


def _beside(observed: float, simulated: np.ndarray) -> dict[str, float]:
    """A statistic beside its simulations."""
    known = simulated[np.isfinite(simulated)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    tail = min((np.sum(known >= observed) + 1), (np.sum(known <= observed) + 1)) / (len(known) + 1)
    return {
        "statistic": observed,
        "expected": known.mean() if len(known) else np.nan,
        "conf.low": low,
        "conf.high": high,
        "p.value": min(1.0, 2 * tail) if np.isfinite(observed) else np.nan,
    }


def _places(everything: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(rows, 1 + n) where each response of a row lies among all of that row, in (0, 1); ties in random order."""
    order = np.lexsort((rng.random(everything.shape), everything), axis=-1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(everything.shape[1])[None, :], axis=1)
    return (ranks + rng.random(everything.shape)) / everything.shape[1]


# -- statistics of responses, observed first ------------------------------------------------------------------


def _of_responses(
    fit: Fit, everything: np.ndarray, places: np.ndarray, own: Mapping[str, Statistic]
) -> dict[str, np.ndarray]:
    found = {"uniformity": _distance(places), "outliers": _outliers(places)}
    found["dispersion"] = _dispersion(everything)
    if fit.family.is_count:
        found["zeros"] = (everything == 0).sum(axis=0).astype(float)
    rows = fit.design.rows_of(fit.data) if own else None
    for name, statistic in own.items():
        found[name] = np.array([_own(name, statistic, y, fit.design, rows) for y in everything.T])
    return found


def _distance(places: np.ndarray) -> np.ndarray:
    """Kolmogorov and Smirnov's distance of each column from uniform."""
    n = len(places)
    p = np.sort(places, axis=0)
    steps = np.arange(1, n + 1)[:, None] / n
    return np.maximum(steps - p, p - steps + 1 / n).max(axis=0)


def _outliers(places: np.ndarray) -> np.ndarray:
    """How many rows lie outside all the other responses of their row."""
    edge = 1 / places.shape[1]
    return ((places < edge) | (places > 1 - edge)).sum(axis=0).astype(float)


def _dispersion(everything: np.ndarray) -> np.ndarray:
    """The variance about the simulated means, relative to its own mean over simulations."""
    means = everything[:, 1:].mean(axis=1)
    spread = (everything - means[:, None]).var(axis=0)
    return spread / spread[1:].mean()


def _own(name: str, statistic: Statistic, y: np.ndarray, design: Design, rows: pd.DataFrame) -> float:
    try:
        return float(statistic(pd.Series(y, design.rows), rows))
    except Exception as error:
        raise DataError(f"The statistic {name!r} gave no number: {error}") from error


# -- statistics of residuals ----------------------------------------------------------------------------------


def _of_refits(fit: Fit, draws: np.ndarray, refits: int | None, workers, progress: bool) -> pd.DataFrame:
    most = draws.shape[1] if fit.family.is_linear else min(50, draws.shape[1])
    count = most if refits is None else min(refits, draws.shape[1])
    if count < 1:
        return pd.DataFrame()
    work, long = refitting(fit), count * fit.nobs > 300_000
    parts = [draws[:, :count][:, cut] for cut in cuts(count, work.together)]
    found = run(partial(_again, work), parts, workers, progress and long, "check", at_once=work.parts_at_once)
    return pd.DataFrame([one for part in found for one in part])


def _again(work: Refitting, responses: np.ndarray) -> list[dict[str, float]]:
    """What the residuals of the model are asked when it is fitted again to responses (n, b)."""
    pairs = zip(responses.T, work.whole(responses), strict=True)
    return [
        {}
        if estimates is None
        else _of_residuals(replace(work.fit, design=work.fit.design.with_response(y), estimates=estimates))
        for y, estimates in pairs
    ]


def _of_residuals(fit: Fit) -> dict[str, float]:
    """What residuals are asked: their shape, their largest, whether their spread grows, whether neighbours agree."""
    e = fit.resid("scaled").to_numpy()
    found = {}
    if not fit.family.is_linear:
        found["pearson"] = float(np.sum(fit.resid("pearson") ** 2) / (fit.nobs - fit.n_parameters))
    else:
        spread = e - e.mean()
        found["skewness"] = float(np.mean(spread**3) / np.mean(spread**2) ** 1.5)
    found["largest residual"] = float(np.max(np.abs(e)))
    found["spread"] = _correlation(np.abs(e), np.asarray(fit.fitted))
    if isinstance(fit, MixedFit):
        found["lag-1"] = _neighbours(e, fit.design.blocks[0].codes)
    return found


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else np.nan


def _neighbours(e: np.ndarray, codes: np.ndarray) -> float:
    """Σ e_t e_{t−1} / Σ e², over rows that follow one another within a group."""
    order = np.argsort(codes, kind="stable")
    e, codes = e[order], codes[order]
    return float(np.sum((e[1:] * e[:-1])[codes[1:] == codes[:-1]]) / np.sum(e**2))


# -- by a column ----------------------------------------------------------------------------------------------


def _parts(fit: Fit, name: str, bins: int) -> dict:
    """Value or part of a column → the positions of its rows."""
    column = _column(fit, name)
    if look(name, column).is_number and column.nunique() > max(bins, 12):
        column = pd.qcut(column, bins, duplicates="drop")
    return dict(column.groupby(column, observed=True).indices)


def _column(fit: Fit, name: str) -> pd.Series:
    """A column of the data on the rows used, numbered from 0."""
    if name not in fit.data:
        raise DataError(f"The data have no column {name!r}.{did_you_mean(str(name), fit.data.columns)}")
    return fit.design.rows_of(fit.data)[name].reset_index(drop=True)
