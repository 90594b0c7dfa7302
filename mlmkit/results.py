"""What a fit offers: estimates by name, as Series and DataFrames.

The numbers are computed in `mlmkit.engine`; here they get their names. These classes are records: what a fit
can do (predict, confint, summary, ...) are functions of a record on the floors above, and `mlmkit.fits` is the
one page that makes methods of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .columns import look
from .design import Block, Design
from .engine import conditional_covariance
from .engine.covariance import factors_from_theta
from .engine.estimates import Estimates
from .engine.search.singular import is_singular
from .errors import DataError, MlmkitError, did_you_mean
from .families import Family
from .frames import only_column
from .habits import attribute, methods_answer
from .spec import Spec, same_group


class UnknownGroup(DataError, KeyError):
    """A grouping factor that the model does not have."""

    __str__ = Exception.__str__  # a KeyError would put its message in quotes


class ByGroup(dict):
    """One table for each grouping factor. `classid2:schoolid` is found under `schoolid:classid2` too."""

    def __missing__(self, name):
        for key in self:
            if same_group(key, name):
                return self[key]
        raise UnknownGroup(f"{name!r} is not a grouping factor of this model.{did_you_mean(str(name), self)}")


class Modelled:
    """What follows from a design alone: shared by all that was estimated from one."""

    design: Design

    @property
    def spec(self) -> Spec:
        return self.design.spec

    @property
    def formula(self) -> str:
        return self.spec.formula

    @property
    def family(self) -> Family:
        return self.spec.family

    @property
    def nobs(self) -> int:
        """Rows used: those of the data without a missing value in a used column."""
        return len(self.design.y)

    def __getattr__(self, name: str) -> Any:
        """What is not here is answered with the kit's word for it."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise attribute(type(self), name)


class Grouped(Modelled):
    """What follows from a design with groups, for a fit and for a posterior alike."""

    @cached_property
    def ngroups(self) -> dict[str, int]:
        """How many groups each grouping factor has."""
        return ByGroup({block.group: len(block.levels) for block in self.design.blocks})

    def _by_group(self, arrays) -> ByGroup:
        tables: dict[str, list] = {}
        for block, values in zip(self.design.blocks, arrays, strict=True):
            table = pd.DataFrame(values, block.levels.rename(block.group), list(block.names))
            tables.setdefault(block.group, []).append(table)
        return ByGroup(
            {
                group: parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)
                for group, parts in tables.items()
            }
        )


def estimated(estimator: Callable[[Design], Estimates], design: Design) -> Estimates:
    """What an estimator finds on a design; where the numbers of numpy and scipy break down, a sentence."""
    try:
        return estimator(design)
    except MlmkitError:
        raise
    except (np.linalg.LinAlgError, ArithmeticError, ValueError) as error:  # of numpy and scipy
        raise DataError(
            "The model's equations cannot be solved to working precision: rescale or centre the predictors, or simplify "
            f"the model. ({error})"
        ) from None


def varcorr_table(rows) -> pd.DataFrame:
    """Rows (group, term1, term2, sdcor, vcov) as the table lme4 makes of them."""
    # object columns keep None as None; text columns would turn it into a missing value
    kinds = {"group": object, "term1": object, "term2": object, "sdcor": float, "vcov": float}
    columns = zip(kinds.items(), zip(*rows, strict=True), strict=True)
    return pd.DataFrame({name: pd.Series(values, dtype=kind) for (name, kind), values in columns})


@methods_answer
@dataclass(frozen=True, eq=False)
class Fit(Modelled):
    """A fitted model. Use `lm`, `glm`, `lmer` or `glmer` to make one.

    Attributes
    ----------
    design, estimates
        The arrays that went into the engine and those that came out.
    data
        The data frame as given, rows with missing values included.
    estimator
        The engine's function from a design to estimates, kept so that the model can be refitted.
    again
        The function that made the fit with all its options but formula and data, for `update`.
    """

    design: Design
    estimates: Estimates
    data: pd.DataFrame = field(repr=False)
    estimator: Callable[[Design], Estimates] = field(repr=False)
    again: Callable[..., Fit] | None = field(default=None, repr=False)

    @property
    def converged(self) -> bool:
        return self.estimates.converged

    @property
    def messages(self) -> tuple[str, ...]:
        """What should be said of this fit, one plain sentence each."""
        return self.estimates.messages

    # -- the fixed part ----------------------------------------------------------------------------
    @cached_property
    def fixef(self) -> pd.Series:
        """The population coefficients b, by name."""
        return pd.Series(self.estimates.beta, list(self.design.fixed_names), name="estimate")

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """The covariance matrix of the estimated population coefficients."""
        names = list(self.design.fixed_names)
        return pd.DataFrame(self.estimates.vcov, names, names)

    @cached_property
    def se(self) -> pd.Series:
        """The standard errors of the population coefficients."""
        return pd.Series(
            np.sqrt(np.diag(self.estimates.vcov)), list(self.design.fixed_names), name="std.error"
        )

    # -- the fit as a whole ------------------------------------------------------------------------
    @property
    def sigma(self) -> float:
        """The residual SD, root of a dispersion that is a factor of the variance; 1 where there is none."""
        return float(self.estimates.sigma)

    @property
    def dispersion(self) -> float:
        """What the distribution has beside its mean; 1 where it has nothing.

        σ² of a gaussian; φ of a gamma (variance φμ²) or an inverse Gaussian (φμ³), as R's dispersion; the size
        of a negative binomial (variance μ + μ²/size), glmmTMB's and brms's shape.
        """
        return float(self.fitted_family.at_dispersion)

    @cached_property
    def fitted_family(self) -> Family:
        """The family at the dispersion that was estimated."""
        return self.estimates.family(self.design)

    @property
    def loglik(self) -> float:
        """The full log likelihood (of a REML fit: the restricted one)."""
        return float(self.estimates.loglik)

    @property
    def criterion(self) -> float:
        """What was minimised: the REML criterion, or −2 × the full log likelihood."""
        return float(self.estimates.criterion)

    @property
    def reml(self) -> bool:
        return self.estimates.reml

    @property
    def n_parameters(self) -> int:
        """How many numbers were estimated: b, θ and, where the family has one, the dispersion."""
        return len(self.estimates.beta) + len(self.estimates.theta) + self.family.has_dispersion

    @property
    def aic(self) -> float:
        return -2 * self.loglik + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        return -2 * self.loglik + np.log(self.nobs) * self.n_parameters

    # -- rows --------------------------------------------------------------------------------------
    @cached_property
    def fitted(self) -> pd.Series:
        """The fitted means, group effects included, on the response's scale; indexed like the rows used."""
        return pd.Series(self.estimates.fitted, self.design.rows, name="fitted")

    def resid(self, kind: str | None = None, seed=None) -> pd.Series:
        """The residuals of the rows used.

        Parameters
        ----------
        kind
            `"response"` (y − fitted), `"pearson"` (divided by the SD that the mean and the weights imply),
            `"scaled"` (Pearson's, divided by σ), `"deviance"`, `"working"`, or `"quantile"`: the normal quantile of
            the probability of a smaller response, standard normal under every model that is right. By default
            `"response"` for a linear model and `"deviance"` for the others, as in R.
        seed
            Of quantile residuals of counts and trials, whose probability is drawn between that of a smaller
            response and that of one no larger.

        References
        ----------
        Dunn & Smyth (1996). Journal of Computational and Graphical Statistics 5, 236–244.
        """
        kind = kind or ("response" if self.family.is_linear else "deviance")
        y, mu, weights = self.design.y, self.estimates.fitted, self.design.weights
        family = self.family.unscaled(self.dispersion)
        kinds = {
            "response": lambda: y - mu,
            "pearson": lambda: family.pearson_residuals(y, mu, weights),
            "scaled": lambda: self.fitted_family.pearson_residuals(y, mu, weights),
            "deviance": lambda: family.deviance_residuals(y, mu, weights),
            "quantile": lambda: self.fitted_family.quantile_residuals(
                y, mu, weights, np.random.default_rng(seed)
            ),
            "working": lambda: (y - mu) / family.mean_slope(self.estimates.linear_predictor),
        }
        if kind not in kinds:
            raise DataError(f"There are no {kind!r} residuals.{did_you_mean(kind, kinds)}")
        return pd.Series(kinds[kind](), self.design.rows, name=f"{kind} residual")

    # -- again -------------------------------------------------------------------------------------
    def refit(self, y) -> Fit:
        """The same model fitted to another response.

        Parameters
        ----------
        y
            (n,) one value for each row used, such as a column of `simulate()`; for a binomial model with
            trials, the proportions.

        Raises
        ------
        DataError
            If they are not numbers, or not as many as the rows used.
        """
        y = only_column(y)
        if np.ndim(y) != 1 or len(y) != self.nobs:
            raise DataError(
                f"The new response has {np.size(y)} values; this model was fitted to {self.nobs} rows."
            )
        values = look("response", y if isinstance(y, pd.Series) else pd.Series(np.asarray(y))).numbers
        distribution = self.family.distribution
        strange = distribution.refused(values)
        if strange.any():
            raise DataError(
                f"The new response has the value {values[strange][0]:g}: {distribution.response_is}."
            )
        return self.reestimate(self.design.with_response(values))

    def reestimate(self, design: Design) -> Fit:
        """The same kind of fit on another design (fewer rows, another response, other weights)."""
        return replace(self, design=design, estimates=estimated(self.estimator, design))


@methods_answer
@dataclass(frozen=True, eq=False)
class FlatFit(Fit):
    """A fit without random effects: `lm` or `glm`."""

    is_singular = False

    @cached_property
    def fixef(self) -> pd.Series:
        """The coefficients by name; NaN for a column that is collinear with earlier ones, as in R."""
        estimates = pd.Series(self.estimates.beta, list(self.design.fixed_names), name="estimate")
        return estimates.reindex(self.design.columns.names) if self.design.aliased else estimates

    @property
    def coef(self) -> pd.Series:
        return self.fixef

    @property
    def df_resid(self) -> int:
        """Residual degrees of freedom: rows less coefficients."""
        return self.nobs - len(self.design.fixed_names)


@methods_answer
@dataclass(frozen=True, eq=False)
class MixedFit(Grouped, Fit):
    """A fit with random effects: `lmer` or `glmer`."""

    @property
    def theta(self) -> np.ndarray:
        """The relative covariance parameters in lme4's order."""
        return self.estimates.theta

    @cached_property
    def ranef(self) -> ByGroup:
        """The conditional modes ζ of the group effects: per grouping factor, a DataFrame of groups × terms."""
        return self._by_group(self.estimates.modes)

    @cached_property
    def conditional_covariance(self) -> tuple[np.ndarray, ...]:
        """For each block of the design, the (J, s, s) covariances of its group effects given the data and θ."""
        return conditional_covariance(self.design, self.estimates)

    @cached_property
    def ranef_sd(self) -> ByGroup:
        """The conditional SDs of the group effects, laid out as `ranef`."""
        return self._by_group([np.sqrt(np.einsum("jss->js", cov)) for cov in self.conditional_covariance])

    @cached_property
    def coef(self) -> ByGroup:
        """The group coefficients β_j = b + ζ_j: per grouping factor, a DataFrame of groups × coefficients."""
        return ByGroup({group: self._coefficients(effects) for group, effects in self.ranef.items()})

    def _coefficients(self, effects: pd.DataFrame) -> pd.DataFrame:
        names = list(dict.fromkeys([*self.fixef.index, *effects.columns]))
        table = pd.DataFrame({name: self.fixef.get(name, 0.0) for name in names}, effects.index)
        return table.add(effects.reindex(columns=names), fill_value=0.0)[names]

    # -- the covariance across groups --------------------------------------------------------------
    @cached_property
    def relative_factors(self) -> tuple[np.ndarray, ...]:
        """Λ of each block of the design, (s, s) lower triangular: Σ = σ²ΛΛᵀ."""
        return tuple(factors_from_theta(self.theta, [len(block.names) for block in self.design.blocks]))

    @cached_property
    def covariances(self) -> tuple[np.ndarray, ...]:
        """Σ of each block of the design, (s, s): the covariance of its coefficients across groups."""
        return tuple(self.sigma**2 * Lambda @ Lambda.T for Lambda in self.relative_factors)

    @cached_property
    def varcorr(self) -> pd.DataFrame:
        """SDs and correlations across groups, and the residual SD: one row each, as lme4 tabulates them.

        Columns: group, term1, term2 (None for an SD), sdcor (the SD or the correlation), vcov.
        """
        rows = [
            row
            for block, Sigma in zip(self.design.blocks, self.covariances, strict=True)
            for row in _varcorr(block, Sigma)
        ]
        if self.family.has_sigma:
            rows.append(("Residual", None, None, self.sigma, self.sigma**2))
        return varcorr_table(rows)

    @cached_property
    def is_singular(self) -> bool:
        """Whether Σ̂ lies on the boundary: an SD of 0, or coefficients that vary in lockstep."""
        return is_singular(self.design, self.theta)


def _varcorr(block: Block, Sigma: np.ndarray):
    sd = np.sqrt(np.diag(Sigma))
    with np.errstate(invalid="ignore"):
        correlation = np.clip(Sigma / np.outer(sd, sd), -1, 1)
    for k, name in enumerate(block.names):
        yield block.group, name, None, sd[k], Sigma[k, k]
    for k, name in enumerate(block.names):
        for m in range(k + 1, len(block.names)):
            yield block.group, name, block.names[m], correlation[m, k], Sigma[m, k]
