"""One model fitted to many responses: behind the bootstrap, power, and whatever else asks what would have been."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd
import scipy

from ..design import Design
from ..engine.covariance import factors_from_theta
from ..engine.estimates import Estimates
from ..engine.generalized.again import before, fit_again
from ..engine.generalized.batch import ScalarBatch, scalar_batch
from ..engine.linear.batch import LinearBatch, linear_batch
from ..engine.linear.batch_degrees import BatchDegrees
from ..engine.linear.criterion import responseless_criterion
from ..engine.linear.lmm import refit_lmm
from ..engine.search.singular import is_singular
from ..errors import DataError
from ..results import Fit, FlatFit, MixedFit
from .combinations import combinations
from .degrees import joint_degrees, method
from .parameters import parameter_labels, sds_and_correlations
from .replicate import BATCH, cuts, run
from .simulate import simulated


@dataclass(frozen=True, eq=False)
class Refits:
    """The estimates of one model from B responses.

    Attributes
    ----------
    fit
        The fit whose model it is.
    responses : (n, B) array
    labels
        A name for each response.
    beta, vcov : (B, p), (B, p, p) array
        Population coefficients and their estimated covariances.
    theta : (B, n_theta) array
        Relative covariance parameters, as `fit.theta`; no columns without random effects.
    sigma, dispersion, criterion : (B,) array
        As of a fit.
    converged, singular : (B,) boolean array
        Whether each is a proven optimum, and whether its covariance lies on the boundary. A response that could
        not be fitted has missing estimates and is not converged.
    """

    fit: Fit
    responses: np.ndarray = field(repr=False)
    labels: pd.Index = field(repr=False)
    beta: np.ndarray
    vcov: np.ndarray
    theta: np.ndarray
    sigma: np.ndarray
    dispersion: np.ndarray
    criterion: np.ndarray
    converged: np.ndarray
    singular: np.ndarray

    def __len__(self) -> int:
        return len(self.criterion)

    def __repr__(self):
        failed = int(np.isnan(self.criterion).sum())
        told = (
            f"{len(self)} refits of {self.fit.formula}: {self.singular.mean():.0%} singular, {failed} failed"
        )
        return f"{told}; see .fixef, .se, .parameters, .tests()"

    @cached_property
    def fixef(self) -> pd.DataFrame:
        """The population coefficients: a row for each response."""
        return pd.DataFrame(self.beta, self.labels, self._names).reindex(columns=self.fit.fixef.index)

    @cached_property
    def se(self) -> pd.DataFrame:
        """Their standard errors."""
        with np.errstate(invalid="ignore"):
            se = np.sqrt(np.einsum("bpp->bp", self.vcov))
        return pd.DataFrame(se, self.labels, self._names).reindex(columns=self.fit.fixef.index)

    @property
    def _names(self) -> list[str]:
        return list(self.fit.design.fixed_names)

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Coefficients, SDs, correlations and σ, named as in `confint`: a row for each response."""
        family, parts = self.fit.family, [self.fixef.to_numpy()]
        if isinstance(self.fit, MixedFit):
            sizes = [len(block.names) for block in self.fit.design.blocks]
            for Lambda in factors_from_theta(self.sigma[:, None] * self.theta, sizes):
                parts.append(sds_and_correlations(Lambda @ Lambda.swapaxes(1, 2)))
            parts += [self.sigma[:, None]] if family.has_sigma else []
            if family.has_dispersion and not family.has_sigma:
                parts.append(self.dispersion[:, None])
        return pd.DataFrame(np.concatenate(parts, axis=1), self.labels, parameter_labels(self.fit))

    # -- tests -------------------------------------------------------------------------------------
    def tests(self, contrasts=None, ddf: str | None = None) -> pd.DataFrame:
        """t or z tests of combinations of coefficients, as `fit.tests`, of every refit.

        Parameters
        ----------
        contrasts, ddf
            As in `fit.tests`.

        Returns
        -------
        DataFrame
            A row for each response and combination; columns estimate, std.error, df, statistic, p.value.
        """
        L = combinations(self._names, contrasts)
        weights = L.to_numpy()
        how = _degrees(self, ddf)
        estimate = self.beta @ weights.T
        with np.errstate(invalid="ignore", divide="ignore"):
            se = np.sqrt(np.einsum("lp,bpq,lq->bl", weights, how.vcov, weights))
            statistic = np.where(se > 0, estimate / se, np.nan)
        df = np.reshape([how.of(row) for row in weights], estimate.T.shape).T
        p = 2 * scipy.stats.t.sf(np.abs(statistic), df)
        index = pd.MultiIndex.from_product([self.labels, L.index], names=["response", "contrast"])
        columns = {"estimate": estimate, "std.error": se, "df": df, "statistic": statistic, "p.value": p}
        return pd.DataFrame({name: np.ravel(values) for name, values in columns.items()}, index)

    def f_test(self, contrasts=None, ddf: str | None = None) -> pd.DataFrame:
        """F (or χ²) tests that several combinations are all 0, as `fit.f_test`, of every refit.

        Returns
        -------
        DataFrame
            A row for each response; columns num_df, den_df, statistic, p.value of an F test, or df, statistic, p.value
            of a χ² test. Kenward and Roger's scaled F is `fit.f_test`'s alone.
        """
        if ddf == "kenward-roger":
            raise DataError("F tests of many refits are with ddf='satterthwaite' or 'asymptotic'.")
        weights, how = combinations(self._names, contrasts).to_numpy(), _degrees(self, ddf)
        if not len(weights):
            raise DataError("There is nothing to test: the model has no fixed part.")
        fine = np.flatnonzero(np.all(np.isfinite(how.vcov), axis=(1, 2)))
        values, vectors = np.linalg.eigh(weights @ how.vcov[fine] @ weights.T)
        kept = values > 1e-10 * values.max(axis=1, keepdims=True)
        directions = np.einsum("blk,lp->bkp", vectors, weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            squares = np.where(kept, np.einsum("bkp,bp->bk", directions, self.beta[fine]) ** 2 / values, 0.0)
        q, chi2 = kept.sum(axis=1), squares.sum(axis=1)
        if isinstance(how, _SameForAll) and np.isinf(how.df):
            columns = {"df": q, "statistic": chi2, "p.value": scipy.stats.chi2.sf(chi2, q)}
        else:
            den = _joint(how, fine, directions, kept, len(self))
            columns = {"num_df": q, "den_df": den, "statistic": chi2 / q}
            columns["p.value"] = scipy.stats.f.sf(chi2 / q, q, den)
        return pd.DataFrame(columns, self.labels[fine], dtype=float).reindex(self.labels)


def _joint(how, fine: np.ndarray, directions: np.ndarray, kept: np.ndarray, count: int) -> np.ndarray:
    """The denominators' degrees of freedom, from those of the directions that were kept."""
    df = np.empty(kept.shape)
    for k in range(kept.shape[1]):
        own = np.zeros((count, directions.shape[2]))
        own[fine] = directions[:, k]
        df[:, k] = how.of(own)[fine]
    return np.array([joint_degrees(one[use]) for one, use in zip(df, kept, strict=True)])


def refit_many(fit: Fit, Y, workers: int | None = None, progress: bool = True) -> Refits:
    """The same model fitted to many other responses, each as by `fit.refit`.

    A linear mixed model with one grouping factor and up to three varying coefficients is fitted to all of them side
    by side, in a small fraction of the time, and so is a generalized one with one varying coefficient. Other models
    are fitted one after the other, each search beginning where this fit ended.

    Parameters
    ----------
    Y : (n, B) array or DataFrame
        A response in each column, such as `fit.simulate(1000, seed=1)`; for a binomial model with trials, the
        proportions.
    workers
        Processes, −1 for one per core; None runs where `joblib.parallel_config` says.
    progress
        Whether to show a progress bar, once it takes longer than a second.

    Returns
    -------
    Refits
        `.fixef`, `.se`, `.parameters` (tables with a row for each response), `.tests()`, and arrays.

    Raises
    ------
    DataError
        If Y does not have a row for each row used, or is not all numbers.

    Examples
    --------
    How often would a study like this one find an effect?

    >>> refits = fit.refit_many(fit.simulate(1000, seed=1))
    >>> (refits.tests("Days")["p.value"] < 0.05).mean()

    Studies of another size are another design: simulate and refit each with its own fit (`fit.power` does).
    """
    responses, labels = _responses(fit, Y)
    work = refitting(fit)
    parts = [responses[:, cut] for cut in cuts(responses.shape[1], work.together)]
    found = run(work, parts, workers, progress, "refits", at_once=work.parts_at_once)
    return collected(fit, responses, labels, found)


NONE_FITTED = (
    "The model could be fitted to none of the responses simulated from it: it asks too much of data like these, so "
    "simplify its random part."
)

#: What is kept of each refit.
NAMES = ("beta", "vcov", "theta", "sigma", "dispersion", "criterion", "converged", "singular")


def _responses(fit: Fit, Y) -> tuple[np.ndarray, pd.Index]:
    labels = Y.columns if isinstance(Y, pd.DataFrame) else None
    try:
        values = np.asarray(Y, dtype=float)
    except (TypeError, ValueError):
        raise DataError("The responses have to be numbers: a column for each response.") from None
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or len(values) != fit.nobs:
        raise DataError(
            f"The responses have shape {np.shape(Y)}: give {fit.nobs} rows, one for each row used, and a column for "
            "each response."
        )
    if not values.shape[1]:
        raise DataError("There is no response to fit: give at least one column.")
    labels = pd.RangeIndex(values.shape[1]) if labels is None else labels
    bad = np.flatnonzero(~np.all(np.isfinite(values), axis=0))
    if len(bad):
        raise DataError(f"The response {labels[bad[0]]!r} has missing or infinite values.")
    return values, labels


def side_by_side(fit: Fit) -> LinearBatch | ScalarBatch | None:
    """What fits many responses at once; None for models that are fitted one by one."""
    if not isinstance(fit, MixedFit):
        return None
    if fit.family.is_linear:
        return linear_batch(fit.design, fit.reml)
    return scalar_batch(_with_a_response(fit), fit.estimates)


def _with_a_response(fit: Fit) -> Design:
    """The fit's design; with a response drawn from it where its numbers were given, not estimated from one."""
    if np.isfinite(fit.estimates.criterion):
        return fit.design
    y = simulated(fit, np.random.SeedSequence(0))
    return fit.design.with_response(y) if np.all(np.isfinite(y)) else fit.design


def _warm(fit: Fit) -> Callable[[np.ndarray], Estimates | None] | None:
    """What fits a response beginning where the first fit ended; None where every fit is a search of its own."""
    if not isinstance(fit, MixedFit):
        return None
    if fit.family.is_linear:
        return partial(refit_lmm, responseless_criterion(fit.design, fit.reml), theta=fit.theta)
    first = before(_with_a_response(fit), fit.estimates)
    return None if first is None else partial(fit_again, first)


@dataclass(frozen=True, eq=False)
class Refitting:
    """Fits a model to responses (n, b): what is kept of each, by name.

    Attributes
    ----------
    fit
    batch
        What fits many at once, if anything does.
    warm
        What fits one beginning where the first fit ended, if anything does.
    """

    fit: Fit
    batch: LinearBatch | ScalarBatch | None
    warm: Callable[[np.ndarray], Estimates | None] | None

    @property
    def together(self) -> int:
        """How many responses to give at once: decided by the model alone, so that numbers depend on nothing else."""
        return 1 if self.batch is None else self.batch.together

    @property
    def parts_at_once(self) -> int:
        """How many such parts make a job for a worker."""
        return BATCH if self.batch is None else 1

    def __call__(self, responses: np.ndarray) -> dict[str, np.ndarray]:
        fine = np.all(np.isfinite(responses), axis=0)
        if self.batch is None or not fine.all():
            found = [_kept(self.fit, self.estimates(y)) for y in responses.T]
            return {name: np.array([one[name] for one in found]) for name in NAMES}
        many = self.batch.fit(responses)
        kept = {name: getattr(many, name) for name in NAMES if name != "dispersion"}
        kept["dispersion"] = many.sigma**2
        for k in np.flatnonzero(~many.converged):
            for name, value in _kept(self.fit, self.estimates(responses[:, k])).items():
                kept[name][k] = value
        return kept

    def whole(self, responses: np.ndarray) -> list[Estimates | None]:
        """All the estimates from each response (n, b): None for one that cannot be fitted."""
        if self.batch is None or not np.all(np.isfinite(responses)):
            return [self.estimates(y) for y in responses.T]
        many = self.batch.fit(responses)
        return [
            self.batch.whole(y, many, k) if many.converged[k] else self.estimates(y)
            for k, y in enumerate(responses.T)
        ]

    def estimates(self, y: np.ndarray) -> Estimates | None:
        """The estimates from one response; None where it cannot be fitted."""
        if not np.all(np.isfinite(y)):
            return None
        try:
            found = None if self.warm is None else self.warm(y)
            return self.fit.refit(y).estimates if found is None else found
        except (DataError, np.linalg.LinAlgError):
            return None


def refitting(fit: Fit) -> Refitting:
    """Prepare to fit the model of a fit to other responses."""
    lean = replace(fit, data=None)
    batch = side_by_side(lean)
    return Refitting(lean, batch, _warm(lean) if batch is None else None)


def collected(fit: Fit, responses: np.ndarray, labels: pd.Index, parts: Sequence[dict]) -> Refits:
    """What several calls of a `Refitting` gave."""
    return Refits(
        fit, responses, labels, **{name: np.concatenate([part[name] for part in parts]) for name in NAMES}
    )


def _kept(fit: Fit, one: Estimates | None) -> dict:
    """What is kept of one refit."""
    p, n_theta = len(fit.estimates.beta), len(fit.estimates.theta)
    if one is None:
        arrays = {
            "beta": np.full(p, np.nan),
            "vcov": np.full((p, p), np.nan),
            "theta": np.full(n_theta, np.nan),
        }
        numbers = dict.fromkeys(("sigma", "dispersion", "criterion"), np.nan)
        return arrays | numbers | {"converged": False, "singular": False}
    return {
        "beta": one.beta,
        "vcov": one.vcov,
        "theta": one.theta,
        "sigma": one.sigma,
        "dispersion": one.family(fit.design).at_dispersion,
        "criterion": one.criterion,
        "converged": one.converged,
        "singular": isinstance(fit, MixedFit) and is_singular(fit.design, one.theta),
    }


# -- degrees of freedom ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _SameForAll:
    """The same degrees of freedom for all."""

    vcov: np.ndarray
    df: float

    def of(self, weights: np.ndarray) -> np.ndarray:
        return np.full(len(self.vcov), self.df)


@dataclass(frozen=True, eq=False)
class _SideBySide:
    """Satterthwaite's, of as many refits at once as a batch takes."""

    vcov: np.ndarray
    parts: list[BatchDegrees]

    def of(self, weights: np.ndarray) -> np.ndarray:
        if weights.ndim == 1:
            return np.concatenate([part.of(weights) for part in self.parts])
        stops = np.cumsum([len(part.at.r2) for part in self.parts])[:-1]
        return np.concatenate(
            [part.of(own) for part, own in zip(self.parts, np.split(weights, stops), strict=True)]
        )


@dataclass(frozen=True, eq=False)
class _OneByOne:
    """A method for each refit; None where there is no refit."""

    vcov: np.ndarray
    methods: Sequence

    def of(self, weights: np.ndarray) -> np.ndarray:
        own = np.broadcast_to(weights, (len(self.methods), weights.shape[-1]))
        pairs = zip(self.methods, own, strict=True)
        return np.array([np.nan if how is None else how.degrees(row) for how, row in pairs])


def _degrees(refits: Refits, ddf: str | None):
    """How tests are made of all refits: `degrees.method` of each."""
    fit = refits.fit
    if ddf in ("asymptotic", "normal") or isinstance(fit, FlatFit) or not fit.family.is_linear:
        how = method(fit, ddf)
        return _SameForAll(refits.vcov, how.degrees(np.zeros(refits.beta.shape[1])))
    batch = side_by_side(fit)
    if isinstance(batch, LinearBatch) and ddf in (None, "satterthwaite"):
        return _SideBySide(refits.vcov, _batch_degrees(batch, refits))
    methods = [_method(refits, k, ddf) for k in range(len(refits))]
    missing = np.full(refits.vcov.shape[1:], np.nan)
    return _OneByOne(np.array([missing if how is None else how.vcov for how in methods]), methods)


def _batch_degrees(batch: LinearBatch, refits: Refits) -> list[BatchDegrees]:
    x = batch.standard(refits.theta)
    parts = cuts(len(refits), batch.together)
    return [BatchDegrees(batch, batch.responses(refits.responses[:, cut]), x[:, cut]) for cut in parts]


def _method(refits: Refits, k: int, ddf: str | None):
    """Of one refit, at its estimates, without a search."""
    if np.isnan(refits.criterion[k]):
        return None
    fit = refits.fit
    design = fit.design.with_response(refits.responses[:, k])
    estimates = replace(
        fit.estimates, beta=refits.beta[k], vcov=refits.vcov[k], theta=refits.theta[k], sigma=refits.sigma[k]
    )
    return method(replace(fit, design=design, estimates=estimates, data=None), ddf)
