"""Posteriors of the sleep study under other priors than they were drawn with: one parameter at a time, as curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..bayes import Posterior, Prior

#: Of each curve.
POINTS = 241


@dataclass(frozen=True)
class Scale:
    """Where a parameter is shown: symbol, axis label, column of the draws, ends of the axis, bounds."""

    symbol: str
    label: str
    column: str
    ends: tuple[float, float]
    bounds: tuple[float, ...] = ()

    @property
    def x(self) -> np.ndarray:
        """(POINTS,) values along the axis."""
        return np.linspace(*self.ends, POINTS)


SCALES = (
    Scale("τ₁", "SD of slopes τ₁, ms per day", "sd_Subject__Days", (0.0, 25.0), (0.0,)),
    Scale("b₁", "population slope b₁, ms per day", "b_Days", (-12.0, 28.0)),
    Scale("ρ", "correlation ρ", "cor_Subject__Intercept__Days", (-1.0, 1.0), (-1.0, 1.0)),
)


@dataclass(frozen=True, eq=False)
class Marginal:
    """A parameter's posterior.

    Attributes
    ----------
    density
        (POINTS,) along its scale.
    mean, sd, lower, upper
        With the equal-tailed 95% interval.
    ess
        How many equally weighted draws this rests on.
    """

    density: np.ndarray
    mean: float
    sd: float
    lower: float
    upper: float
    ess: float

    @property
    def told(self) -> tuple[str, str, str]:
        """Mean, lower and upper, with no more digits than their Monte Carlo errors allow.

        The mean's is SD/√ESS; a normal distribution's 2.5% quantile has 2.7 times as much.
        """
        error = self.sd / np.sqrt(self.ess)
        return _to(self.mean, error), _to(self.lower, 2.7 * error), _to(self.upper, 2.7 * error)


def marginals(posterior: Posterior, priors) -> tuple[Marginal, ...]:
    """τ₁, b₁ and ρ under other priors than they were drawn with."""
    again = posterior.reweight(priors)
    rows = {parameter.column: k for k, parameter in enumerate(posterior.parameters)}
    found = []
    for scale in SCALES:
        told = again.table.loc[rows[scale.column], ["estimate", "est_error", "lower", "upper"]].astype(float)
        draws = posterior.draws[scale.column].to_numpy()
        density = smooth(draws, again.weights, scale, told.est_error, again.ess)
        found.append(Marginal(density, told.estimate, told.est_error, told.lower, told.upper, again.ess))
    return tuple(found)


def prior_density(prior: Prior, scale: Scale) -> np.ndarray:
    """A prior along a scale; LKJ(η) of one correlation is ∝ (1 − ρ²)^(η − 1)."""
    x = scale.x
    if prior.name == "lkj":
        return stats.beta.pdf((1 + x) / 2, *prior.args, *prior.args) / 2
    return prior.density(x, positive=scale.bounds == (0.0,))


def smooth(draws: np.ndarray, weights: np.ndarray, scale: Scale, sd: float, ess: float) -> np.ndarray:
    """The density of weighted draws along a scale, by a normal kernel reflected at the bounds.

    The draws are counted by their nearest x first, so it takes the same time however many they are. The
    kernel's width is Scott's (1979, Biometrika 66(3)).
    """
    x = scale.x
    step = x[1] - x[0]
    width = max(1.06 * sd * ess**-0.2, step)
    place = np.rint((draws - x[0]) / step).astype(int)
    inside = (place >= 0) & (place < POINTS)
    mass = np.bincount(place[inside], weights[inside], minlength=POINTS)
    images = [x, *(2 * bound - x for bound in scale.bounds)]
    kernel = sum(np.exp(-0.5 * ((x[:, None] - image) / width) ** 2) for image in images)
    return kernel @ mass / (width * np.sqrt(2 * np.pi))


def _to(value: float, error: float) -> str:
    decimals = max(0, int(np.floor(-np.log10(error))))
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")  # + 0.0: no "−0"
