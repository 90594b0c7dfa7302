"""The next group: what the model says of a group not yet seen.

Its coefficients are β = b + ζ with ζ ~ N(0, Σ). With b and Σ at their estimates this is a normal
distribution; the error of b̂ widens it by its covariance, and the error of Σ̂ makes it a mixture, here over
bootstrap replicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import scipy

from ..engine.generalized.separation import finite_part, infinite_part
from ..errors import DataError, did_you_mean
from ..results import MixedFit
from ..spec import same_group
from .bootstrap import bootstrap
from .over_groups import means_in_range, means_over_groups
from .parameters import one_of, tails
from .rows import as_rows, new_rows

UNCERTAINTY = {
    "none": "b and Σ taken as known: the interval ignores that they are estimates.",
    "b": "With the error of the estimated b; Σ taken as known.",
    "all": "With the errors of b and Σ, from a parametric bootstrap.",
}


@dataclass(frozen=True, eq=False)
class NewGroup:
    """The distribution of a new group's coefficients: a mixture of K normals (K = 1 unless Σ is uncertain).

    Attributes
    ----------
    group
        The grouping factor.
    terms
        Names of the c coefficients; those that do not vary across the groups have no variance of their own.
    means, covariances
        (K, c) and (K, c, c).
    uncertainty
        `"none"`, `"b"` or `"all"`.
    """

    group: str
    terms: tuple[str, ...]
    means: np.ndarray
    covariances: np.ndarray
    uncertainty: str
    fit: Any = field(repr=False)

    def coefficients(self, level: float = 0.95) -> pd.DataFrame:
        """Mean, SD and equal-tailed interval of each coefficient, on the scale of b."""
        table = _summary(self.means.T, np.sqrt(np.einsum("kcc->ck", self.covariances)), tails(level))
        return table.set_axis(pd.Index(self.terms, name="term"))

    def at(self, x=None, level: float = 0.95, scale: str = "response") -> pd.DataFrame:
        """The new group's mean response at values of the predictors.

        Parameters
        ----------
        x : DataFrame or dict, optional
            Values of the predictors; not needed where there are none.
        level
            The interval's probability.
        scale
            `"response"`, or `"link"` for the linear predictor.

        Returns
        -------
        DataFrame
            median, mean, sd, lower, upper of each row of x. For a link that is not the identity the median is
            that of the average group and the mean is integrated over groups; they differ.
        """
        one_of("scale", scale, ("response", "link"))
        frame, means, sds = self._linear(x)
        eta = _summary(means, sds, tails(level))
        if scale == "link" or self.fit.family.link == "identity":
            table = eta.assign(median=_mixture_quantile(means, sds, 0.5))
        else:
            table = self._response(means, sds, eta)
        table = table[["median", "mean", "sd", "lower", "upper"]].set_axis(frame.index)
        return pd.concat([frame, table], axis=1)

    def _response(self, means, sds, eta: pd.DataFrame) -> pd.DataFrame:
        mean = partial(means_in_range, self.fit.family)
        mu, weights = means_over_groups(self.fit.family, means, sds)
        first = np.mean(mu @ weights, axis=1)
        variance = np.mean((mu - first[:, None, None]) ** 2 @ weights, axis=1)
        limits = np.sort(mean(eta[["lower", "upper"]].to_numpy()), axis=1)
        return pd.DataFrame(
            {
                "median": mean(_mixture_quantile(means, sds, 0.5)),
                "mean": first,
                "sd": np.sqrt(variance),
                "lower": limits[:, 0],
                "upper": limits[:, 1],
            }
        )

    def density(self, values, x=None, scale: str = "response") -> np.ndarray:
        """The density of the new group's mean at one row of predictors, at each of `values`."""
        one_of("scale", scale, ("response", "link"))
        _, means, sds = self._linear(x)
        values = np.asarray(values, dtype=float)
        eta = values if scale == "link" else self.fit.family.eta(values)
        density = scipy.stats.norm.pdf(eta[:, None], means[0], sds[0]).mean(axis=1)
        return density if scale == "link" else density / np.abs(self.fit.family.mean_slope(eta))

    def sample(self, n: int, seed=None) -> pd.DataFrame:
        """n new groups' coefficients."""
        rng = np.random.default_rng(seed)
        component = rng.integers(len(self.means), size=n)
        values, vectors = np.linalg.eigh(self.covariances)
        roots = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
        noise = np.einsum("ncd,nd->nc", roots[component], rng.standard_normal((n, len(self.terms))))
        return pd.DataFrame(self.means[component] + noise, columns=list(self.terms))

    def _linear(self, x) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
        """The linear predictor at each row: means and SDs of its components, (m, K)."""
        if x is None and self.terms != ("Intercept",):
            raise DataError(
                f"A new {self.group}'s mean depends on predictors: give their values, as in at({{'x': 0}})."
            )
        frame = as_rows({} if x is None else x)
        if x is None:
            frame = pd.DataFrame(index=[0])
        w, offset = _loadings(self.fit, self.group, self.terms, frame)
        variance = np.einsum("mc,kcd,md->mk", w, self.covariances, w)
        means = offset[:, None] + w @ self._finite_means.T
        if self._finite_means is not self.means:
            X = new_rows(self.fit, frame, random=False, groups=False).X
            means += infinite_part(self.fit.design, self.fit.estimates, X)[:, None]
        return frame, means, np.sqrt(np.maximum(variance, 0.0))

    @cached_property
    def _finite_means(self) -> np.ndarray:
        """The means, those of a separated fit replaced by finite ones; `_linear` adds what is infinite."""
        if np.isfinite(self.means).all():
            return self.means
        names = list(self.fit.design.fixed_names)
        b = dict(zip(names, finite_part(self.fit.design, self.fit.estimates), strict=True))
        return np.array([[b.get(name, 0.0) for name in self.terms]])

    def __repr__(self):
        return (
            "\n\n".join(f"{title}:\n{table.to_string()}" for title, table in self._tables())
            + f"\n{self._note()}"
        )

    def _repr_html_(self):
        tables = "".join(f"<p>{title}</p>{table.to_html()}" for title, table in self._tables())
        return f"{tables}<p><em>{self._note()}</em></p>"

    def _tables(self):
        yield f"Coefficients of a new {self.group}", self.coefficients()
        if self.terms == ("Intercept",) and self.fit.family.link != "identity":
            yield f"Mean response of a new {self.group}", self.at()

    def _note(self) -> str:
        return UNCERTAINTY[self.uncertainty]


def new_group(
    fit: MixedFit,
    group: str | None = None,
    uncertainty: str = "none",
    n: int = 1000,
    seed=None,
    workers: int | None = None,
    progress: bool = True,
) -> NewGroup:
    """What the model says of a group not yet seen.

    Parameters
    ----------
    group
        The grouping factor; not needed where there is one. The effects of other factors are taken as 0.
    uncertainty
        `"none"` plugs in the estimates; `"b"` adds the error of b̂; `"all"` adds that of Σ̂, too, from a
        parametric bootstrap of `n` replicates.
    n, seed, workers, progress
        See `bootstrap`.

    Returns
    -------
    NewGroup
        `coefficients()`, `at(x)` on the response's scale, `density(values)`, `sample(n)`.
    """
    one_of("uncertainty", uncertainty, UNCERTAINTY)
    group = _which(fit, group)
    terms = tuple(fit.coef[group].columns)
    if uncertainty == "all":
        draws = bootstrap(fit, n, seed, _Components(group, terms), workers, progress).dropna().to_numpy()
        means, covariances = (
            draws[:, : len(terms)],
            draws[:, len(terms) :].reshape(-1, len(terms), len(terms)),
        )
    else:
        means, covariances = (part[None] for part in _component(fit, group, terms))
        covariances = covariances + (uncertainty == "b") * _padded_vcov(fit, terms)
    return NewGroup(group, terms, means, covariances, uncertainty, fit)


@dataclass(frozen=True)
class _Components:
    """The statistic that a bootstrap of new groups keeps: b and Σ, flattened."""

    group: str
    terms: tuple[str, ...]

    def __call__(self, fit: MixedFit) -> np.ndarray:
        mean, covariance = _component(fit, self.group, self.terms)
        return np.concatenate([mean, covariance.ravel()])


def _component(fit: MixedFit, group: str, terms: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """b (0 for a term that only varies) and Σ (0 for one that does not), in the terms' order."""
    mean = fit.fixef.reindex(list(terms)).fillna(0.0).to_numpy()
    covariance = np.zeros((len(terms), len(terms)))
    for block, Sigma in zip(fit.design.blocks, fit.covariances, strict=True):
        if block.group == group:
            places = [terms.index(name) for name in block.names]
            covariance[np.ix_(places, places)] += Sigma
    return mean, covariance


def _padded_vcov(fit: MixedFit, terms: Sequence[str]) -> np.ndarray:
    return fit.vcov.reindex(index=list(terms), columns=list(terms)).fillna(0.0).to_numpy()


def _which(fit: MixedFit, group: str | None) -> str:
    groups = list(dict.fromkeys(block.group for block in fit.design.blocks))
    if group is None and len(groups) == 1:
        return groups[0]
    if group is None:
        raise DataError(f"Say of which grouping factor the new group is: {', '.join(map(repr, groups))}.")
    match = [name for name in groups if same_group(name, group)]
    if not match:
        raise DataError(
            f"{group!r} is not a grouping factor of this model.{did_you_mean(str(group), groups)}"
        )
    return match[0]


def _loadings(
    fit: MixedFit, group: str, terms: Sequence[str], x: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """(m, c) what each coefficient is multiplied by at each row, and the rows' offset."""
    rows = new_rows(fit, x, groups=False, offset=None)
    columns = dict(zip(fit.design.fixed_names, rows.X.T, strict=True))
    for block, Z in zip(fit.design.blocks, rows.Z, strict=True):
        if block.group == group:
            columns.update(zip(block.names, Z.T, strict=True))
    return np.column_stack([columns[name] for name in terms]), rows.offset


def _summary(means: np.ndarray, sds: np.ndarray, probabilities) -> pd.DataFrame:
    """Mean, SD and limits of mixtures of normals, a row each: (m, K) components."""
    mean = means.mean(axis=1)
    with np.errstate(invalid="ignore"):  # of an infinite mean
        variance = (sds**2 + means**2).mean(axis=1) - mean**2
    lower, upper = (_mixture_quantile(means, sds, p) for p in probabilities)
    return pd.DataFrame(
        {"mean": mean, "sd": np.sqrt(np.maximum(variance, 0)), "lower": lower, "upper": upper}
    )


def _mixture_quantile(means: np.ndarray, sds: np.ndarray, probability: float) -> np.ndarray:
    """Quantiles of mixtures of normals by bisection, (m,); exact at once for a single component."""
    ends = means + sds * scipy.stats.norm.ppf(probability)
    lower, upper = ends.min(axis=1), ends.max(axis=1)
    for _ in range(60 if means.shape[1] > 1 else 0):
        middle = (lower + upper) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            below = np.nan_to_num(scipy.stats.norm.cdf(middle[:, None], means, sds), nan=0.5).mean(axis=1)
        lower, upper = (
            np.where(below < probability, middle, lower),
            np.where(below < probability, upper, middle),
        )
    return (lower + upper) / 2
