"""Draws from the posterior with their names, and the tables made from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats

from ..design import Design
from ..results import ByGroup, Grouped, varcorr_table
from .priors import Priors

#: What is called slow mixing and too few draws (Vehtari et al. 2021, Bayesian Anal. 16(2)).
RHAT_LIMIT, ESS_PER_CHAIN = 1.01, 100


class Parameter(NamedTuple):
    """One parameter: its column in `draws`, its group ("" for b and σ), its term, and its (C, D) draws."""

    column: str
    group: str
    term: str
    draws: np.ndarray


@dataclass(frozen=True, eq=False)
class Posterior(Grouped):
    """Draws from the posterior of a multilevel model. Use `brm` to make one.

    C chains of D draws; arrays of draws start with the axes (C, D).

    Attributes
    ----------
    design, data, priors
    beta : (C, D, p) array
        Population coefficients b.
    factors : tuple of (C, D, s, s) arrays
        For each block of the design L, where LLᵀ is the covariance Σ across groups.
    own : (C, D, k) array
        The distribution's own parameters, such as σ; k is 0 where there are none.
    effects : tuple of (C, D, J, s) arrays
        For each block the group effects ζ.
    diverging : (C, D) array of bool
        Whether the trajectory that led to a draw diverged.
    depth : (C, D) array of int
        Its tree depth.
    tune : int
        Draws a chain before those kept.
    prior_only : bool
        Whether the draws are from the priors alone, the response not looked at.
    """

    design: Design
    data: pd.DataFrame = field(repr=False)
    priors: Priors = field(repr=False)
    beta: np.ndarray = field(repr=False)
    factors: tuple[np.ndarray, ...] = field(repr=False)
    own: np.ndarray = field(repr=False)
    effects: tuple[np.ndarray, ...] = field(repr=False)
    diverging: np.ndarray = field(repr=False)
    depth: np.ndarray = field(repr=False)
    tune: int = 0
    prior_only: bool = False

    @property
    def n_chains(self) -> int:
        return self.beta.shape[0]

    @property
    def n_draws(self) -> int:
        """Draws over all chains."""
        return self.beta.shape[0] * self.beta.shape[1]

    @cached_property
    def prior(self) -> pd.DataFrame:
        """The priors as brms tabulates them: prior, class, coef, group, lb, source.

        `source` is "user", "default", or "(vectorized)" where the class's prior above holds.
        """
        return self.priors.table()

    # -- draws -------------------------------------------------------------------------------------
    @cached_property
    def covariances(self) -> tuple[np.ndarray, ...]:
        """Draws of Σ, (C, D, s, s), one array for each block."""
        return tuple(L @ L.swapaxes(-1, -2) for L in self.factors)

    @cached_property
    def parameters(self) -> list[Parameter]:
        """Every parameter, in the order of the summary."""
        found = [parameter for group in self.ngroups for parameter in self._of_group(group)]
        fixed = enumerate(self.design.fixed_names)
        found += [Parameter(f"b_{name}", "", name, self.beta[..., k]) for k, name in fixed]
        return found + [Parameter(name, "", name, draws) for name, draws in self.own_draws.items()]

    def _of_group(self, group: str):
        """The SDs of a group, then its correlations."""
        blocks = [
            (block, Sigma)
            for block, Sigma in zip(self.design.blocks, self.covariances, strict=True)
            if block.group == group
        ]
        for block, Sigma in blocks:
            for k, name in enumerate(block.names):
                yield Parameter(f"sd_{group}__{name}", group, f"sd({name})", np.sqrt(Sigma[..., k, k]))
        for block, Sigma in blocks:
            for m, second in enumerate(block.names):
                for k, first in enumerate(block.names[:m]):
                    correlation = Sigma[..., m, k] / np.sqrt(Sigma[..., k, k] * Sigma[..., m, m])
                    column, term = f"cor_{group}__{first}__{second}", f"cor({first},{second})"
                    yield Parameter(column, group, term, correlation)

    @cached_property
    def index(self) -> pd.MultiIndex:
        """(chain, draw) of every draw."""
        chains, draws = self.beta.shape[:2]
        return pd.MultiIndex.from_product([range(chains), range(draws)], names=["chain", "draw"])

    @cached_property
    def draws(self) -> pd.DataFrame:
        """The draws, one row per draw and one column per parameter, named as brms names them.

        `b_Days`, `sd_Subject__Days`, `cor_Subject__Intercept__Days`, `sigma`; the index is (chain, draw).
        """
        return pd.DataFrame({p.column: p.draws.ravel() for p in self.parameters}, self.index)

    # -- summaries ---------------------------------------------------------------------------------
    @cached_property
    def table(self) -> pd.DataFrame:
        """Every parameter in a row, with equal-tailed 95% intervals.

        Columns: group ("" for b and σ), term, estimate (the mean), est_error (the SD), lower, upper, rhat,
        bulk_ess, tail_ess.
        """
        return self.summarise(0.95)

    def summarise(self, level: float = 0.95) -> pd.DataFrame:
        """`table` with intervals of another level."""
        rows = [
            (p.group, p.term, *mean_sd_interval(p.draws, level), *_mixing(p.draws)) for p in self.parameters
        ]
        columns = ["estimate", "est_error", "lower", "upper", "rhat", "bulk_ess", "tail_ess"]
        return pd.DataFrame(rows, columns=["group", "term", *columns])

    @cached_property
    def fixef(self) -> pd.Series:
        """The population coefficients' posterior means."""
        return pd.Series(self.beta.mean(axis=(0, 1)), list(self.design.fixed_names), name="estimate")

    @property
    def sigma(self) -> float:
        """The posterior mean of the residual SD; 1 where the family has none."""
        return float(self.own_draws["sigma"].mean()) if "sigma" in self.own_draws else 1.0

    @property
    def own_draws(self) -> dict[str, np.ndarray]:
        """Draws of the distribution's own parameters by name, (C, D) each: sigma, nu, shape."""
        names = [one.name for one in self.family.distribution.own]
        return dict(zip(names, np.moveaxis(self.own, -1, 0), strict=True))

    @property
    def residual_sd(self) -> np.ndarray | None:
        """Draws of σ, (C, D), where the family has one."""
        return self.own_draws.get("sigma")

    @property
    def dispersion(self) -> float:
        """What the distribution has beside its mean, at its posterior mean; 1 where it has nothing."""
        return self.family.distribution.from_own(*(draws.mean() for draws in self.own_draws.values()))

    def dispersions(self, axes: int = 0):
        """The dispersion of every draw, (C, D) with that many axes of length one after it, as the family takes it."""
        draws = (one[(..., *[None] * axes)] for one in self.own_draws.values())
        return self.family.distribution.from_own(*draws)

    @cached_property
    def ranef(self) -> ByGroup:
        """The group effects' posterior means: per grouping factor, groups × terms."""
        return self._by_group([effects.mean(axis=(0, 1)) for effects in self.effects])

    @cached_property
    def ranef_sd(self) -> ByGroup:
        """The group effects' posterior SDs, laid out as `ranef`."""
        return self._by_group([effects.std(axis=(0, 1), ddof=1) for effects in self.effects])

    @cached_property
    def coef(self) -> ByGroup:
        """The group coefficients' posterior means b + ζ_j: per grouping factor, groups × coefficients."""
        return ByGroup(
            {
                group: self.coef_table(group)
                .pivot(index="level", columns="term", values="estimate")
                .reindex(index=effects.index, columns=self._coefficient_names(effects.columns))
                .rename_axis(index=group, columns=None)
                for group, effects in self.ranef.items()
            }
        )

    def _coefficient_names(self, varying) -> list[str]:
        return list(dict.fromkeys([*self.design.fixed_names, *varying]))

    def coef_draws(self, group: str) -> dict[str, np.ndarray]:
        """Draws of the group coefficients β_j = b + ζ_j: for each coefficient a (C, D, J) array.

        J groups in the order of `coef[group]`.
        """
        blocks = [(b, e) for b, e in zip(self.design.blocks, self.effects, strict=True) if b.group == group]
        varying = {name: effects[..., k] for block, effects in blocks for k, name in enumerate(block.names)}
        fixed = {name: self.beta[..., k, None] for k, name in enumerate(self.design.fixed_names)}
        none = np.zeros((*self.beta.shape[:2], self.ngroups[group]))
        return {
            name: fixed.get(name, 0.0) + varying.get(name, none) for name in self._coefficient_names(varying)
        }

    def coef_table(self, group: str, level: float = 0.95) -> pd.DataFrame:
        """The group coefficients with their uncertainty: level, term, estimate, est_error, lower, upper."""
        levels = self.ranef[group].index
        parts = []
        for term, x in self.coef_draws(self._group_name(group)).items():
            estimate, error, lower, upper = mean_sd_interval(x, level)
            part = {"level": levels, "term": term, "estimate": estimate, "est_error": error}
            parts.append(pd.DataFrame({**part, "lower": lower, "upper": upper}))
        return pd.concat(parts, ignore_index=True)

    def _group_name(self, group: str) -> str:
        return self.ranef[group].index.name

    @cached_property
    def varcorr(self) -> pd.DataFrame:
        """Posterior means of SDs and correlations (sdcor) and of variances and covariances (vcov).

        A fit's columns and rows: group, term1, term2 (None for an SD), sdcor, vcov; the residual last.
        """
        rows = [
            row
            for block, Sigma in zip(self.design.blocks, self.covariances, strict=True)
            for row in _varcorr(block, Sigma)
        ]
        if self.residual_sd is not None:
            rows.append(("Residual", None, None, self.sigma, float((self.residual_sd**2).mean())))
        return varcorr_table(rows)

    @cached_property
    def messages(self) -> tuple[str, ...]:
        """What should be said of the sampling, one plain sentence each; empty where all is well."""
        return tuple(_messages(self))


def flatten(draws: np.ndarray) -> np.ndarray:
    """(C, D, …) → (C·D, …)."""
    return draws.reshape(-1, *draws.shape[2:])


def mean_sd_interval(x: np.ndarray, level: float):
    """Mean, SD and equal-tailed interval over the first two axes."""
    tail = (1 - level) / 2
    lower, upper = np.quantile(x, [tail, 1 - tail], axis=(0, 1))
    return x.mean(axis=(0, 1)), x.std(axis=(0, 1), ddof=1), lower, upper


def _mixing(x: np.ndarray) -> tuple[float, float, float]:
    """Rhat, bulk and tail ESS of (C, D) draws, rank-normalised as in Vehtari et al. (2021)."""
    axes = {"chain_axis": 0, "draw_axis": 1}
    return (
        float(array_stats.rhat(x, **axes)) if len(x) > 1 else np.nan,
        float(array_stats.ess(x, method="bulk", **axes)),
        float(array_stats.ess(x, method="tail", prob=(0.05, 0.95), **axes)),
    )


def _varcorr(block, Sigma: np.ndarray):
    mean = Sigma.mean(axis=(0, 1))
    sd = np.sqrt(np.einsum("cdss->cds", Sigma))
    for k, name in enumerate(block.names):
        yield block.group, name, None, float(sd[..., k].mean()), float(mean[k, k])
    for k, first in enumerate(block.names):
        for m in range(k + 1, len(block.names)):
            correlation = Sigma[..., m, k] / (sd[..., k] * sd[..., m])
            yield block.group, first, block.names[m], float(correlation.mean()), float(mean[m, k])


def _messages(posterior: Posterior):
    if posterior.prior_only:
        return
    divergent = int(posterior.diverging.sum())
    if divergent:
        yield (
            f"{divergent} of {posterior.n_draws} draws came from a trajectory that diverged: the sampler may "
            "have missed a narrow part of the posterior; tighten the priors on the SDs, or simplify the "
            "random part (chapter 8)."
        )
    table = posterior.table
    slow = table[table.rhat > RHAT_LIMIT]
    if len(slow):
        worst = slow.loc[slow.rhat.idxmax()]
        yield (
            f"The chains disagree: Rhat is {worst.rhat:.3f} for {_called(worst)}, above {RHAT_LIMIT}; "
            "run more draws before reading the table (chapter 8)."
        )
    few = table[table[["bulk_ess", "tail_ess"]].min(axis=1) < ESS_PER_CHAIN * posterior.n_chains]
    if len(few):
        worst = few.loc[few[["bulk_ess", "tail_ess"]].min(axis=1).idxmin()]
        ess = min(worst.bulk_ess, worst.tail_ess)
        yield (
            f"The draws of {_called(worst)} are worth only {ess:.0f} independent ones: its interval is "
            "imprecise; run more draws (chapter 8)."
        )


def _called(row) -> str:
    return f"{row.term} across {row.group}" if row.group else row.term
