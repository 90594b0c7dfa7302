"""The population of groups as a distribution, and what each group's data say beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from ..errors import DataError
from ..pictures import Picture
from ..results import MixedFit
from ..style import LINES, MARKERS, MUTED, PAPER, colour, tint
from ..words import count, number
from .canvas import on_axes
from .pooling import group_covariance, only_group
from .shrinkage import on_response_scale, quantity

GRID = 401
TAILS = 4.0  # how many SDs of the population the curves run to


@dataclass(frozen=True, eq=False)
class Density(Picture):
    """The distribution of a coefficient, or of the mean it implies, across the population of groups.

    Attributes
    ----------
    b, tau
        Mean and SD of the coefficient across groups.
    transform
        From the coefficient to what is shown: the inverse link, or the identity.
    slope
        The transform's derivative.
    estimates
        The groups' multilevel estimates, shown below the curve.
    """

    b: float
    tau: float
    transform: Callable
    slope: Callable
    estimates: pd.Series
    group: str
    quantity: str
    size = "page"

    @cached_property
    def curve(self) -> pd.DataFrame:
        """Columns value, density; the density is φ((β − b)/τ)/τ divided by the slope of the transform."""
        beta = self.b + self.tau * np.linspace(-TAILS, TAILS, GRID)
        density = norm.pdf(beta, self.b, self.tau) / self.slope(beta)
        return pd.DataFrame({"value": self.transform(beta), "density": density})

    @property
    def median(self) -> float:
        return float(self.transform(np.array(self.b)))

    @cached_property
    def mean(self) -> float:
        """The mean across groups: not the transform of b where the transform is curved."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(61)
        return float(weights @ self.transform(self.b + self.tau * nodes) / weights.sum())

    @property
    def interval(self) -> tuple[float, float]:
        """Where the middle 95% of groups lie, were b and τ known."""
        low, high = self.transform(self.b + self.tau * norm.ppf([0.025, 0.975]))
        return float(low), float(high)

    @property
    def alt_text(self) -> str:
        low, high = self.interval
        peak = self.curve.loc[self.curve["density"].idxmax(), "value"]
        return (
            f"Density of the {self.quantity} across the population of {self.group}: one peak at {number(peak)}, median "
            f"{number(self.median)}, mean {number(self.mean)}, the middle 95% between {number(low)} and {number(high)}. "
            f"Ticks below it mark the multilevel estimates of {count(len(self.estimates), 'group')}, from "
            f"{number(self.estimates.min())} to {number(self.estimates.max())}."
        )

    def paint(self, ax: Axes) -> None:
        red, (low, high) = colour("population"), self.interval
        value, density = self.curve["value"], self.curve["density"]
        inside = value.between(low, high)
        words = f"middle 95%: {number(low)} to {number(high)}"
        ax.fill_between(value, density, where=inside, color=tint(red, 0.85), lw=0, label=words)
        ax.plot(value, density, color=red, lw=2)
        at = {"ymin": 0.0, "color": red}
        ax.vlines(
            self.median, ymax=self._height(self.median), ls="-", label=f"median {number(self.median)}", **at
        )
        if abs(self.mean - self.median) > 1e-6 * (high - low):
            ax.vlines(
                self.mean, ymax=self._height(self.mean), ls="--", label=f"mean {number(self.mean)}", **at
            )
        drop = 0.035 * density.max()
        ax.plot(
            self.estimates,
            np.full(len(self.estimates), -drop),
            ls="",
            marker="|",
            markersize=8,
            alpha=0.7,
            color=colour("multilevel"),
            label=f"estimates of {count(len(self.estimates), 'group')}",
        )
        ax.set(xlabel=self.quantity, ylabel="density", ylim=(-2.2 * drop, None))
        ax.legend()

    def _height(self, value: float) -> float:
        return float(np.interp(value, self.curve["value"], self.curve["density"]))


@on_axes
def density(
    fit: MixedFit, group: str | None = None, term: str | None = None, scale: str | None = None
) -> Density:
    """How a coefficient, or the mean it implies, is distributed across the population of groups.

    Parameters
    ----------
    fit
        A multilevel fit.
    group, term
        The grouping factor and the coefficient; by default the first that varies.
    scale
        `"response"` for the mean (probabilities), `"link"` for the coefficient (log odds). By default the mean
        where the intercept is all there is, else the coefficient.

    Raises
    ------
    DataError
        If the term does not vary across the group, or its SD is 0.
    """
    group = only_group(fit, group)
    Sigma = group_covariance(fit, group)
    term = Sigma.index[0] if term is None else term
    if term not in Sigma:
        raise DataError(
            f"{term!r} does not vary across {group}: {', '.join(Sigma)} {'does' if len(Sigma) < 2 else 'do'}."
        )
    response = on_response_scale(fit, term, scale)
    transform = fit.family.mean if response else np.asarray
    slope = fit.family.mean_slope if response else np.ones_like
    tau = float(np.sqrt(Sigma.loc[term, term]))
    if tau == 0:
        raise DataError(f"The estimated SD of {term} across {group} is 0: there is no distribution to draw.")
    estimates = fit.coef[group][term].pipe(
        lambda values: pd.Series(transform(values.to_numpy()), values.index)
    )
    return Density(
        float(fit.fixef.get(term, 0.0)),
        tau,
        transform,
        slope,
        estimates,
        group,
        quantity(fit, term, response),
    )


# ---- one group's likelihood beside the population ------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Likelihoods(Picture):
    """What one group's data say of its coefficient, what the population says, and the two together.

    Attributes
    ----------
    curves
        Columns value, likelihood, population, together; each curve has its peak at 1.
    flat, multilevel
        Where the likelihood and the product are highest.
    centre
        b, where the population's density is highest.
    data
        The group's data in short, where they are one proportion: "2 of 13".
    """

    curves: pd.DataFrame
    flat: float
    multilevel: float
    centre: float
    group: str
    level: object
    quantity: str
    data: str = ""
    size = "page"

    @property
    def alt_text(self) -> str:
        where = number(self.flat)
        highest = (
            f"peaks at {where}" if np.isfinite(self.flat) else f"has no peak: it keeps rising towards {where}"
        )
        return (
            f"Three curves over the {self.quantity} of {self._title}, each with its peak at 1: the likelihood "
            f"of its own data {highest}; the population's density peaks at {number(self.centre)} and their product, the "
            f"multilevel model's view, at {number(self.multilevel)}."
        )

    def paint(self, ax: Axes) -> None:
        curves, value = self.curves, self.curves["value"]
        roles = {"likelihood": "flat", "population": "population", "together": "multilevel"}
        names = {
            "likelihood": "likelihood of its data",
            "population": "population $N(b, \\tau^2)$",
            "together": "product",
        }
        ax.fill_between(value, curves["together"], color=tint(colour("multilevel"), 0.85), lw=0)
        for name, role in roles.items():
            ls = ":" if role == "population" else LINES[role]
            ax.plot(value, curves[name], color=colour(role), ls=ls, lw=2, label=names[name])
        for spot, role in ((self.flat, "flat"), (self.multilevel, "multilevel")):
            if not np.isfinite(spot):
                continue  # no maximum to mark: the curve runs off level with the top
            face = PAPER if role == "flat" else colour(role)
            ax.plot(
                spot,
                1,
                marker=MARKERS[role],
                markersize=8,
                color=colour(role),
                markerfacecolor=face,
                clip_on=False,
            )
        ax.set(xlabel=self.quantity, ylim=(0, 1.42), yticks=[], title=self._title)
        ax.set_ylabel("relative height", color=MUTED)
        ax.legend(loc="upper right")

    @property
    def _title(self) -> str:
        return f"{self.group} {self.level}" + (f": {self.data}" if self.data else "")


@on_axes
def likelihoods(fit: MixedFit, level, group: str | None = None) -> Likelihoods:
    """One group's likelihood, the population's density and their product: why the estimate is drawn in.

    Parameters
    ----------
    fit
        A multilevel fit in which one coefficient varies across the group.
    level
        Which group, such as batch 42.
    group
        The grouping factor; by default the first.

    Raises
    ------
    DataError
        If there is no such group, or more than one coefficient varies.
    """
    group = only_group(fit, group)
    block = next(block for block in fit.design.blocks if block.group == group)
    if fit.ranef[group].shape[1] > 1:
        raise DataError(f"More than one coefficient varies across {group}: likelihoods() draws one.")
    if level not in block.levels:
        raise DataError(f"{group!r} has no group {level!r}.")
    term, b = block.names[0], float(fit.fixef.get(block.names[0], 0.0))
    tau = float(np.sqrt(group_covariance(fit, group).iloc[0, 0]))
    beta = np.linspace(b - 5 * tau, b + 5 * tau, GRID)
    loglik = partial(_group_loglik, fit, block, block.levels.get_loc(level))
    data, prior = loglik(beta - b), norm.logpdf(beta, b, tau)
    logs = {"likelihood": data, "population": prior, "together": data + prior}
    curves = pd.DataFrame({"value": beta} | {name: np.exp(log - log.max()) for name, log in logs.items()})
    multilevel = float(fit.coef[group].loc[level, term])
    words = quantity(fit, term, False), _in_short(fit, block.codes == block.levels.get_loc(level))
    return Likelihoods(curves, _highest(loglik, b, tau), multilevel, b, group, level, *words)


def _in_short(fit: MixedFit, own: np.ndarray) -> str:
    """ "2 of 13" where a group is one binomial count, else nothing."""
    if not fit.family.counts_trials or own.sum() != 1:
        return ""
    share, n = float(fit.design.y[own][0]), float(fit.design.trials[own][0])
    return f"{share * n:.0f} of {n:.0f}"


def _highest(loglik: Callable, b: float, tau: float) -> float:
    """Where the likelihood is highest; infinite if it is as high 50 SDs from the population's centre."""
    far = 50 * tau
    found = minimize_scalar(lambda zeta: -loglik(np.array([zeta]))[0], bounds=(-far, far), method="bounded")
    ends = np.array([-far, far])
    as_high = ends[loglik(ends) >= -found.fun]
    return float(np.copysign(np.inf, as_high[0])) if len(as_high) else b + found.x


def _group_loglik(fit: MixedFit, block, j: int, zeta: np.ndarray) -> np.ndarray:
    """The log likelihood of group j's rows at each offset ζ, other groups' effects as estimated."""
    own = block.codes == j
    design, z = fit.design, block.Z[own, 0]
    k = next(k for k, one in enumerate(design.blocks) if one is block)
    rest = fit.estimates.linear_predictor[own] - z * fit.estimates.modes[k][j, 0]
    mean = (fit.family.mean(rest + z * one) for one in zeta)
    args = design.weights[own], fit.dispersion, design.trials[own]
    return np.array([fit.family.loglik(design.y[own], mu, *args) for mu in mean])
