"""Planning: how often a study of some size would find an effect, and how exactly it would tell it.

Responses are simulated from given or estimated numbers, the model is fitted to each of them (`refits.refit_many`,
side by side where the engine can), and its test of the effect is read off. Power is the share of studies that reject;
how wide their intervals are is the precision; of the significant ones, how many have the wrong sign (type S) and how
much too large they are on average (type M; Gelman & Carlin 2014, Perspectives on Psychological Science 9, 641). Power
from R studies has a Monte Carlo error √(p(1 − p)/R), told as an interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import scipy

from ..design import build_design
from ..engine.estimates import Estimates
from ..errors import DataError, did_you_mean
from ..habits import methods_answer
from ..pictures import Picture
from ..results import Fit, MixedFit
from ..words import listed, number
from .noted import Noted
from .parameters import check_count, one_of, tails
from .refits import NONE_FITTED, refit_many
from .simulate import seeds, simulate
from .sizes import Size, sizes


@methods_answer
@dataclass(frozen=True, eq=False, repr=False)
class Power(Picture):
    """What studies of several sizes would find of an effect; `.plot()` draws the curve.

    Attributes
    ----------
    table
        A row for each size: the numbers of groups and rows; power with its Monte Carlo interval conf.low, conf.high;
        width (the mean width of the interval of the effect), type.s, type.m, singular (the share of fits on the
        boundary), n (studies that could be fitted) and, if a cost was given, cost.
    term, effect
        What was tested, and its true value in the simulated studies.
    """

    table: pd.DataFrame
    term: str
    effect: float
    level: float
    along: str
    ddf: str
    studies: Mapping[int, pd.DataFrame] = field(default_factory=dict, repr=False)

    @property
    def notes(self) -> tuple[str, ...]:
        n = int(self.table["n"].max())
        error = number(np.sqrt(0.25 / n), 2)
        studies = f"{n} studies of each size, tested at {1 - self.level:.2g}"
        return (
            f"True {self.term}: {number(self.effect, 4)}. {studies}; the Monte Carlo error of a power is at most {error}.",
        )

    def __repr__(self):
        return repr(Noted(self.table.round(3), notes=self.notes))

    def _repr_html_(self):
        return Noted(self.table.round(3), notes=self.notes)._repr_html_()

    @property
    def alt_text(self) -> str:
        points = listed(
            f"{row[self.along]:.0f} {self.along}: {row['power']:.2f}" for _, row in self.table.iterrows()
        )
        return f"Power to find {self.term} of {number(self.effect)}, with Monte Carlo intervals. {points}."

    def paint(self, ax) -> None:
        from ..style import RULE, colour, tint

        table = self.table.sort_values(self.along)
        x, blue = table[self.along], colour("group")
        ax.axhline(0.8, color=RULE, lw=1)
        ax.fill_between(x, table["conf.low"], table["conf.high"], color=tint(blue, 0.75), lw=0)
        ax.plot(x, table["power"], color=blue, marker="o", markersize=4)
        ax.set(
            xlabel=f"number of {self.along}",
            ylabel=f"power for {self.term} of {number(self.effect)}",
            ylim=(0, 1),
        )


def power(
    fit: Fit,
    term: str,
    effect: float | None = None,
    groups: Mapping[str, Sequence[int]] | None = None,
    rows: Sequence[int] | None = None,
    n: int = 1000,
    seed=None,
    ddf: str = "satterthwaite",
    level: float = 0.95,
    cost: Mapping[str, float] | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Power:
    """The power to find a coefficient in new studies like this one, with another effect or of another size.

    Parameters
    ----------
    term
        A coefficient's name, as in `fit.fixef`.
    effect
        Its true value in the simulated studies: the smallest that would matter. None takes the estimate, which is
        what an exciting study overrates.
    groups
        `{"Subject": [8, 12, 18]}`: other numbers of groups, made as copies of those there are.
    rows
        Other numbers of rows per group: the first ones of a group, or all of them again.
    n, seed
        How many studies of each size to simulate; the same seed gives the same numbers.
    ddf
        Degrees of freedom of a linear mixed model's t test: `"satterthwaite"` or `"kenward-roger"`.
    level
        Of the intervals; the test rejects at 1 − level.
    cost
        What a group and a row cost: `{"Subject": 300, "rows": 10}`.
    workers, progress
        As for `bootstrap`.

    Returns
    -------
    Power

    Raises
    ------
    DataError
        Naming the coefficient, factor or number that does not do.
    """
    one_of("ddf", ddf, ("satterthwaite", "kenward-roger"))
    tails(level)
    check_count(n, "studies", 2)
    names = list(fit.fixef.index)
    if term not in names:
        raise DataError(
            f"{term!r} is not a coefficient of this model.{did_you_mean(str(term), names)} It has {listed(names, 12)}."
        )
    planned = sizes(fit, groups, rows)
    if effect is not None and not (isinstance(effect, int | float | np.number) and np.isfinite(effect)):
        raise DataError(
            f"effect={effect!r}: give the true value of {term} as a number, or None for its estimate."
        )
    true = float(fit.fixef[term] if effect is None else effect)
    told, studies = [], {}
    for k, (size, own_seed) in enumerate(zip(planned, seeds(seed, len(planned)), strict=True)):
        study = _with_effect(resized(fit, size), term, true)
        studies[k] = _studies(study, term, n, own_seed, ddf, workers, progress)
        told.append({**size.told, **_summary(studies[k], true, level), **_price(size, cost)})
    varied = [name for name in told[0] if len({row[name] for row in told}) > 1 and name in planned[0].told]
    return Power(pd.DataFrame(told), term, true, level, (varied or list(planned[0].told))[0], ddf, studies)


def resized(fit: Fit, size: Size) -> Fit:
    """The same model with the same numbers on another study's data, not fitted to it."""
    if size.data is fit.data:
        return fit
    design = build_design(fit.spec, size.data)
    if design.fixed_names != fit.design.fixed_names:
        gone = [name for name in fit.design.fixed_names if name not in design.fixed_names]
        raise DataError(f"A study of {size.told} would not have {listed(gone)}: take more groups.")
    modes = tuple(np.zeros((len(block.levels), len(block.names))) for block in design.blocks)
    estimates = replace(
        fit.estimates, modes=modes, linear_predictor=np.zeros(len(design.y)), fitted=np.zeros(len(design.y))
    )
    return replace(fit, design=design, data=size.data, estimates=estimates)


def _with_effect(fit: Fit, term: str, effect: float) -> Fit:
    beta = fit.estimates.beta.copy()
    beta[list(fit.design.fixed_names).index(term)] = effect
    estimates: Estimates = replace(fit.estimates, beta=beta)
    return replace(fit, estimates=estimates)


def _studies(study: Fit, term: str, n: int, seed, ddf: str, workers, progress: bool) -> pd.DataFrame:
    """A row for each simulated study: estimate, std.error, df, p.value, singular."""
    many = refit_many(study, simulate(study, n, seed), workers, progress)
    if np.isnan(many.criterion).all():
        raise DataError(NONE_FITTED)
    mixed = isinstance(study, MixedFit) and study.family.is_linear
    table = many.tests(term, ddf if mixed else None).droplevel("contrast")
    return table.assign(singular=many.singular)[np.isfinite(many.criterion)].reset_index(drop=True)


def _summary(studies: pd.DataFrame, true: float, level: float) -> dict[str, float]:
    significant = studies[studies["p.value"] < 1 - level]
    interval = scipy.stats.binomtest(len(significant), len(studies)).proportion_ci(0.95, "wilson")
    half = scipy.stats.t.ppf((1 + level) / 2, studies["df"]) * studies["std.error"]
    estimates = significant["estimate"]
    return {
        "power": len(significant) / len(studies),
        "conf.low": interval.low,
        "conf.high": interval.high,
        "width": float(np.mean(2 * half)),
        "type.s": float((np.sign(estimates) != np.sign(true)).mean()) if true and len(estimates) else np.nan,
        "type.m": float(estimates.abs().mean() / abs(true)) if true and len(estimates) else np.nan,
        "singular": float(studies["singular"].mean()),
        "n": len(studies),
    }


def _price(size: Size, cost: Mapping[str, float] | None) -> dict[str, float]:
    if cost is None:
        return {}
    strange = [name for name in cost if name not in size.told]
    if strange:
        raise DataError(f"cost names {strange[0]!r}; there are {listed(size.told)}.")
    return {"cost": float(sum(price * size.told[name] for name, price in cost.items()))}
