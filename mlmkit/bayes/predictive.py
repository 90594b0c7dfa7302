"""What the posterior says of data: of the rows seen, of new rows, of groups not yet seen.

Every quantity is computed for every draw, so that the uncertainty of b, Σ, σ and the group effects goes into
it without a formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import DataError, did_you_mean
from ..inference.newgroup import NewGroup
from ..inference.rows import Rows, new_rows, refuse_fractions, rows_used
from .record import Posterior, flatten, mean_sd_interval

KINDS = ("response", "mean", "link")


def predictive(
    posterior: Posterior,
    newdata=None,
    kind: str = "response",
    groups: str = "all",
    new_levels: str = "error",
    n: int | None = None,
    seed: int | None = None,
    offset=None,
) -> np.ndarray:
    """Draws from the posterior predictive distribution.

    Parameters
    ----------
    newdata : DataFrame or dict, optional
        Rows to predict for; the rows used if left out.
    kind
        `"response"` for new observations, `"mean"` for their means, `"link"` for linear predictors.
    groups
        `"all"` with each row's group effects, `"none"` with ζ = 0, `"new"` with effects of new groups,
        whatever the rows' groups are called (rows with the same name share one).
    new_levels
        With `groups="all"`, what to do about a group that was never seen: `"error"`, `"sample"` draws its
        effects from N(0, Σ), `"population"` takes ζ = 0.
    n
        Use n draws, evenly spaced, instead of all.
    seed
        For the new groups' effects and the observations.
    offset
        The new rows' offset, where the model has one.

    Returns
    -------
    (draws, rows) array
        A binomial response is a proportion of its trials.
    """
    _one_of("kind", kind, KINDS)
    _one_of("groups", groups, ("all", "none", "new"))
    _one_of("new_levels", new_levels, ("error", "sample", "population"))
    rng, picked = np.random.default_rng(seed), _picked(posterior, n)
    if newdata is None:
        rows = rows_used(posterior)
    else:
        rows = new_rows(posterior, newdata, random=groups != "none", groups=groups != "none", offset=offset)
    eta = rows.offset + flatten(posterior.beta)[picked] @ rows.X.T
    if groups != "none":
        codes = _checked_codes(posterior, rows, groups, new_levels)
        for k, Z in enumerate(rows.Z):
            effects = _effects(
                posterior, k, picked, codes[k], rng, new_levels if groups == "all" else "sample"
            )
            eta += np.einsum("ns,dns->dn", Z, effects)
    return _on_scale(posterior, eta, rows, picked, kind, rng)


def predict(
    posterior: Posterior, newdata=None, kind: str = "mean", level: float = 0.95, **how
) -> pd.DataFrame:
    """Predictions with their uncertainty: estimate, est_error, lower, upper for each row.

    Parameters
    ----------
    newdata, kind
        As for `predictive`: `"mean"` gives credible intervals of the mean, `"response"` intervals for a new
        observation.
    level
        The equal-tailed interval's probability.
    **how
        groups, new_levels, n, seed, offset as for `predictive`.
    """
    draws = predictive(posterior, newdata, kind, **how)
    index = posterior.design.rows if newdata is None else pd.DataFrame(newdata).index
    names = ("estimate", "est_error", "lower", "upper")
    return pd.DataFrame(dict(zip(names, mean_sd_interval(draws[None], level), strict=True)), index)


def _one_of(name: str, value, allowed) -> None:
    if value not in allowed:
        raise DataError(f"There is no {name}={value!r}.{did_you_mean(str(value), allowed)}")


def _picked(posterior: Posterior, n: int | None) -> np.ndarray:
    if n is None or n >= posterior.n_draws:
        return np.arange(posterior.n_draws)
    return np.linspace(0, posterior.n_draws - 1, n).astype(int)


def _checked_codes(posterior: Posterior, rows: Rows, groups: str, new_levels: str):
    """Each block's (rows,) codes: known groups from 0 up, unseen ones −1, −2, …, one for each name."""
    codes = []
    for block, known, labels in zip(posterior.design.blocks, rows.codes, rows.labels, strict=True):
        names = np.array(labels.texts, dtype=object)[labels.codes]
        strange = np.ones(len(known), dtype=bool) if groups == "new" else known < 0
        if strange.any() and new_levels == "error" and groups == "all":
            raise DataError(
                f"The model never saw {block.group} {names[strange][0]}: "
                'new_levels="sample" draws its effects, "population" takes it as an average group.'
            )
        codes.append(np.where(strange, -1 - pd.factorize(names)[0], known))
    return codes


def _effects(posterior: Posterior, k: int, picked, codes, rng, new_levels: str) -> np.ndarray:
    """(draws, rows, s) effects of the rows' groups in block k."""
    known = flatten(posterior.effects[k])[picked]
    effects = known[:, np.maximum(codes, 0)]
    new = codes < 0
    if new.any():
        _, which = np.unique(codes[new], return_inverse=True)
        scores = rng.normal(size=(len(picked), which.max() + 1, known.shape[-1]))
        drawn = np.einsum("dst,djt->djs", flatten(posterior.factors[k])[picked], scores)
        effects[:, new] = drawn[:, which] if new_levels == "sample" else 0.0
    return effects


def _on_scale(posterior, eta, rows: Rows, picked, kind: str, rng) -> np.ndarray:
    if kind == "link":
        return eta
    mu = posterior.family.mean(eta)
    if kind == "mean":
        return mu
    refuse_fractions(posterior, rows)
    own = (flatten(draws)[picked, None] for draws in posterior.own_draws.values())
    dispersion = posterior.family.distribution.from_own(*own)
    return posterior.family.draw(rng, mu, np.broadcast_to(rows.weights, mu.shape), dispersion)


@dataclass(frozen=True, eq=False, repr=False)
class PosteriorNewGroup(NewGroup):
    """A new group's coefficients under the posterior: one normal distribution for each draw of b and Σ."""

    def _note(self) -> str:
        return f"With the posterior uncertainty of b and Σ: a mixture over {len(self.means)} draws."


def new_group(posterior: Posterior, group: str | None = None, n: int | None = 1000) -> PosteriorNewGroup:
    """The distribution of a future group's coefficients b + ζ, ζ ~ N(0, Σ), with full uncertainty.

    Parameters
    ----------
    group
        The grouping factor; not needed where there is one. The effects of other factors are taken as 0.
    n
        How many draws of b and Σ make the mixture; None for all.

    Returns
    -------
    PosteriorNewGroup
        As a fit's `new_group`: `coefficients()`, `at(x)` on the response's scale, `density(values)`,
        `sample(n)`.
    """
    if group is None and len(posterior.ngroups) != 1:
        raise DataError(
            f"Say of which grouping factor the new group is: {', '.join(map(repr, posterior.ngroups))}."
        )
    group = posterior.ranef[group or next(iter(posterior.ngroups))].index.name
    picked, terms = _picked(posterior, n), list(posterior.coef[group].columns)
    means, covariances = np.zeros((len(picked), len(terms))), np.zeros((len(picked), len(terms), len(terms)))
    for k, name in enumerate(posterior.design.fixed_names):
        means[:, terms.index(name)] = flatten(posterior.beta)[picked, k]
    for block, Sigma in zip(posterior.design.blocks, posterior.covariances, strict=True):
        if block.group == group:
            places = [terms.index(name) for name in block.names]
            covariances[:, np.array(places)[:, None], places] += flatten(Sigma)[picked]
    return PosteriorNewGroup(group, tuple(terms), means, covariances, "all", posterior)
