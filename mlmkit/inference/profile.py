"""Profile likelihood: how the best attainable likelihood falls as one parameter is moved.

ζ(v) = sign(v − v̂) √(D(v) − D̂), with D = −2 log L maximised over all other parameters. Where the likelihood
is normal ζ is a straight line; its curvature shows the skewness that Wald's intervals ignore. The interval of
level 1 − α holds the values with |ζ| ≤ z_{1−α/2} (Bates et al. 2015, section 5.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
import scipy
from scipy.special import ndtri

from ..errors import DataError, did_you_mean
from ..results import Fit, MixedFit
from .focus import (
    Focus,
    coefficient,
    correlation,
    dispersion,
    infinite_coefficient,
    standard_deviation,
)
from .influence import without_rows
from .noted import Noted
from .parameters import as_ml, label, parameters, tails

#: Steps aim at this change of ζ; a curve has at most so many points on each side.
STEP, MOST_POINTS = 0.4, 40
#: So many points on each side are taken at once, where that is cheaper than one by one.
AT_ONCE = 8
#: Ends of intervals are sought until ζ is this close.
CLOSE = 1e-6

ON_ML = "Profiles of a REML fit are made on the ML criterion, so the intervals surround the ML estimates."
ONE_SIDED = (
    "A limit at 0, or ±1 for a correlation, is the end of the range: the likelihood does not exclude it."
)
NO_CORRELATION = "A correlation with something whose SD is estimated as 0 has no profile."
INFINITE = (
    "The interval of a coefficient whose estimate is infinite reaches from there to the likelihood's limit."
)
NOT_TOLD = "A coefficient that the data leave undetermined, so that its estimate is nan, has no profile."


@dataclass(frozen=True, eq=False)
class Profile:
    """The ζ curves of a fit's parameters.

    Attributes
    ----------
    table : DataFrame
        Columns parameter, value, zeta: the points of the curves.
    estimates : Series
        The maximum-likelihood estimates.
    notes : tuple of str
    """

    table: pd.DataFrame
    estimates: pd.Series
    notes: tuple[str, ...]
    _points: dict[str, dict[float, float]] = field(repr=False)
    _foci: dict[str, Focus] = field(repr=False)
    _minimum: float = field(repr=False)

    def curve(self, parameter: str) -> Callable:
        """ζ as a function of one parameter's value, between the points of its curve."""
        if parameter not in self._points:
            raise DataError(f"There is no profile of {parameter!r}.{did_you_mean(parameter, self._points)}")
        values, zetas = np.array(_shown(self._foci[parameter], self._points[parameter])).T
        finite = np.isfinite(values)
        return scipy.interpolate.PchipInterpolator(values[finite], zetas[finite], extrapolate=False)

    def confint(self, level: float = 0.95, cutoffs: Mapping[str, float] | None = None) -> Noted:
        """Intervals; columns lower, upper. Each end is sought on the likelihood itself, not on the curve.

        Parameters
        ----------
        level
        cutoffs
            The |ζ| at which the intervals of some parameters end; those of the others at the normal quantile.
        """
        normal = float(ndtri(tails(level)[1]))
        table = Noted(np.nan, self.estimates.index, ["lower", "upper"])
        at_the_end = False
        for name, focus in self._foci.items():
            end = (cutoffs or {}).get(name, normal)
            limits = limits_of(focus, self._points[name], self._minimum, (-end, end))
            table.loc[name] = np.sort([focus.shown(value) for value in limits])
            at_the_end |= limits[0] == focus.lower or limits[1] == focus.upper
        table.notes = self.notes + ((ONE_SIDED,) if at_the_end else ())
        return table

    def __repr__(self):
        return "\n".join([f"Profile likelihood of {', '.join(self._points)}", *self.notes])


def profile(fit: Fit, which: list[str] | None = None, level: float = 0.95) -> Profile:
    """Profile the likelihood along each parameter.

    Parameters
    ----------
    which
        Labels as in `confint`; all of them by default. Of a flat fit, its coefficients.
    level
        The curves reach at least as far as intervals of this level.

    Returns
    -------
    Profile
        `.table` to plot, `.confint(level)`, `.curve(parameter)`.

    Raises
    ------
    DataError
        For a parameter that the fit does not have.
    """
    cutoff = float(max(ndtri(tails(level)[1]), ndtri(0.995)))
    ml = as_ml(fit)
    foci = {focus.label: focus for focus in _foci(ml, which)}
    minimum = ml.criterion
    points = {name: trace(focus, minimum, cutoff) for name, focus in foci.items()}
    rows = [(name, *point) for name, curve in points.items() for point in _shown(foci[name], curve)]
    table = pd.DataFrame(rows, columns=["parameter", "value", "zeta"])
    estimates = parameters(ml)
    return Profile(table, estimates, _notes(fit, estimates), points, foci, minimum)


def _shown(focus: Focus, points: dict[float, float]) -> list[tuple[float, float]]:
    """The points of a curve as they are told, from the smallest value to the largest; ζ rises with it."""
    ordered = sorted((focus.shown(value), abs(zeta)) for value, zeta in points.items())
    estimate = focus.shown(focus.estimate)
    return [(value, zeta if value > estimate else -zeta) for value, zeta in ordered]


def _finite_part(fit: Fit) -> Fit:
    """The fit without the rows that infinite coefficients describe perfectly: they say no more."""
    infinite = ~np.isfinite(fit.estimates.linear_predictor)
    return fit.reestimate(without_rows(fit.design, infinite)) if infinite.any() else fit


def _notes(fit: Fit, estimates: pd.Series) -> tuple[str, ...]:
    notes = [ON_ML] if fit.reml else []
    notes += [NO_CORRELATION] if estimates.drop(fit.fixef.index).isna().any() else []
    notes += [INFINITE] if np.isinf(fit.estimates.beta).any() else []
    notes += [NOT_TOLD] if np.isnan(fit.estimates.beta).any() else []
    return tuple(notes)


def trace(focus: Focus, minimum: float, cutoff: float) -> dict[float, float]:
    """The points of one curve: outwards from the estimate until |ζ| passes the cutoff or the range ends."""
    if np.isinf(focus.estimate):
        return _trace_from_infinity(focus, minimum, cutoff)
    points = {focus.estimate: 0.0}
    if focus.together is not None:
        steps = np.r_[-AT_ONCE:0, 1 : AT_ONCE + 1]
        add(points, focus, minimum, focus.estimate + focus.scale * STEP * steps)
    for direction in (-1, 1):
        value, step = (min, max)[direction > 0](points), focus.scale * STEP
        at = abs(points[value])
        for _ in range(MOST_POINTS):
            if at >= cutoff or value == (focus.lower if direction < 0 else focus.upper):
                break
            new = float(np.clip(value + direction * step, focus.lower, focus.upper))
            add(points, focus, minimum, [new])
            rise = max(abs(points[new]) - at, STEP / 4)
            step, value, at = abs(new - value) * min(STEP / rise, 4.0), new, abs(points[new])
    return points


def _trace_from_infinity(focus: Focus, minimum: float, cutoff: float) -> dict[float, float]:
    """The points of the curve of a coefficient estimated as ±∞: from next to no rise to the cutoff."""
    away = -np.sign(focus.estimate)
    points: dict[float, float] = {}
    add(points, focus, minimum, [0.0])
    for direction, enough in ((-away, lambda at: at <= STEP / 4), (away, lambda at: at >= cutoff)):
        value, step = 0.0, focus.scale
        for _ in range(MOST_POINTS):
            if enough(abs(points[value])):
                break
            value, step = value + direction * step, 1.5 * step
            add(points, focus, minimum, [value])
    return points


def add(
    points: dict[float, float], focus: Focus, minimum: float, values: Sequence[float] | np.ndarray
) -> None:
    """Add points to a curve: ζ is the signed root of the deviance's rise."""
    values = np.asarray(values, dtype=float)
    rises = np.maximum(focus.deviances(values) - minimum, 0.0)
    points.update(
        zip(values.tolist(), (np.sign(values - focus.estimate) * np.sqrt(rises)).tolist(), strict=True)
    )


def limits_of(
    focus: Focus, points: dict[float, float], minimum: float, targets: Sequence[float]
) -> list[float]:
    """The values where ζ is each target; the end of the range where ζ never gets there. Adds to `points`."""
    found: dict[float, float] = {}
    for _ in range(MOST_POINTS):
        guesses: dict[float, float] = {}
        for target in targets:
            if target not in found:
                known, value = _guess(focus, points, target)
                (found if known else guesses)[target] = value
        if not guesses:
            break
        add(points, focus, minimum, list(guesses.values()))
        found |= {target: value for target, value in guesses.items() if abs(points[value] - target) < CLOSE}
    return [found[target] if target in found else guesses[target] for target in targets]


def _guess(focus: Focus, points: dict[float, float], target: float) -> tuple[bool, float]:
    """Where ζ first is about `target`; or, known, that it is the end of the range or cannot be told.

    Of the points beyond the target only those count up to which the curve still rises. Further out it may be flat, as
    that of a correlation is where one of its SDs goes to 0, and a flat curve has no inverse.
    """
    end = focus.lower if target < 0 else focus.upper
    if end == focus.estimate:
        return True, end
    side = [v for v in points if points[v] * target >= 0 and (v - focus.estimate) * target >= 0]
    outwards = np.array(sorted(side, reverse=bool(target < 0)))
    zetas = np.array([points[v] for v in outwards])
    beyond = np.flatnonzero(np.abs(zetas) >= abs(target))
    if not len(beyond):
        return True, end if outwards[-1] == end else np.nan
    flat = np.flatnonzero(np.diff(np.abs(zetas[beyond[0] :])) < CLOSE)
    rising = slice(beyond[0] + flat[0] + 1 if len(flat) else None)
    return False, _inverse(outwards[rising], zetas[rising], target)


def _inverse(values: np.ndarray, zetas: np.ndarray, target: float) -> float:
    """Where the curve passes `target`: a monotone cubic through the nearest points."""
    order = np.argsort(zetas, kind="stable")
    keep = order[np.concatenate([[True], np.diff(zetas[order]) > 0])]
    if len(keep) == 2:
        return float(np.interp(target, zetas[keep], values[keep]))
    return float(scipy.interpolate.PchipInterpolator(zetas[keep], values[keep])(target))


def _foci(whole: Fit, wanted: list[str] | None) -> list[Focus]:
    """What is profiled: of a separated fit the finite parameters on the rows that tell them, the rest on all rows."""
    fit, b = _finite_part(whole), whole.estimates.beta
    places = {name: k for k, name in enumerate(fit.design.fixed_names)}
    makers: dict[str, Callable[[], Focus]] = {}
    for k, name in enumerate(whole.design.fixed_names):
        if np.isfinite(b[k]):
            makers[name] = partial(coefficient, fit, places[name])
        elif np.isinf(b[k]):
            makers[name] = partial(infinite_coefficient, whole, k)
    if isinstance(fit, MixedFit):
        makers |= _random_makers(fit)
    if wanted is None:
        wanted = list(makers)
    for name in wanted:
        if name not in makers and name in whole.design.fixed_names:
            raise DataError(f"{NOT_TOLD[:-1]}: {name}.")
        if name not in makers:
            raise DataError(f"{name!r} is not a parameter of this fit.{did_you_mean(str(name), makers)}")
    return [makers[name]() for name in wanted]


def _random_makers(fit: MixedFit) -> dict[str, Callable[[], Focus]]:
    """SDs and correlations in the order of `varcorr`; a correlation with an SD of 0 is left out."""
    names = iter(label(row) for row in fit.varcorr.itertuples())
    makers: dict[str, Callable[[], Focus]] = {}
    for k, (block, Sigma) in enumerate(zip(fit.design.blocks, fit.covariances, strict=True)):
        size = len(block.names)
        for i in range(size):
            name = next(names)
            makers[name] = partial(standard_deviation, fit, k, i, name)
        for i in range(size):
            for m in range(i + 1, size):
                name = next(names)
                if Sigma[i, i] > 0 and Sigma[m, m] > 0:
                    makers[name] = partial(correlation, fit, k, i, m, name)
    if fit.family.has_dispersion:
        makers[fit.family.distribution.dispersion_name] = partial(dispersion, fit)
    return makers
