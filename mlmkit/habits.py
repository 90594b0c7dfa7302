"""Words of other tools, and what is said for them here: an unknown argument or attribute is answered, not only refused.

Whoever comes from lme4, statsmodels, Bambi or pymer4 types their words. An answer names the kit's own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import numpy as np

from .errors import DataError, MlmkitError, OutOfMemory, did_you_mean

Function = TypeVar("Function", bound=Callable)
Class = TypeVar("Class", bound=type)

#: Arguments of other tools; {value} is what was given.
ARGUMENTS = {
    "groups": "write the grouping variable into the formula, as in y ~ x + (1|{value})",
    "re_formula": "write what varies into the formula, as in (x|g)",
    "vc_formula": "write each variance component into the formula, as in (1|g) + (1|h)",
    "random": "write the random effects into the formula, as in (x|g)",
    "subset": "take the rows out of the data first: data[data.x > 0]",
    "offset": "it goes into the formula: y ~ x + offset(z)",
    "resid.type": "it is kind={value!r} here",
    "REML": "it is reml={value} here",
    "nAGQ": "it is n_agq={value} here",
    "family": "a model with a family is fitted with glm() or glmer()",
    "link": 'the link goes with the family, as in family="binomial(probit)"',
    "method": "there is one way to fit it here; reml=False is maximum likelihood",
    "control": "the optimum is proven here, so that there is nothing to set",
    "start": "the search finds its own start",
    "optimizer": "the optimum is proven here, so that there is nothing to choose",
    "maxiter": "the search ends by itself, at a proven optimum or with a sentence",
    "na_action": "rows with a missing value in a used column are dropped and counted",
    "missing": "rows with a missing value in a used column are dropped and counted",
    "contrasts": "contrasts go into the formula, as in C(f, Sum)",
    "exposure": "it is an offset here: offset(log(x)) in the formula",
    "freq_weights": "it is weights= here",
    "var_weights": "it is weights= here",
    "exog": "it is newdata= here",
    "newx": "it is newdata= here",
    "X": "it is newdata= here",
    "re_form": 'groups="none" predicts for the population (lme4: re.form = NA), groups="all" for the rows\' own groups',
    "use_rfx": 'groups="none" predicts for the population, groups="all" for the rows\' own groups',
    "include_group_specific": 'groups="none" predicts for the population, groups="all" for the rows\' own groups',
    "allow_new_levels": 'it is new_levels="population" here',
    "sample_new_groups": 'it is new_levels="sample" here',
    "type": 'it is scale="response" or scale="link" here',
    "se_fit": 'the standard error is in interval="mean"',
    "nsim": "it is n={value} here",
    "num_draws": "it is n={value} here",
    "random_seed": "it is seed={value} here",
    "random_state": "it is seed={value} here",
    "rng": "it is seed= here",
    "alpha": "it is level= here: level=0.95 is what others call alpha=0.05",
    "conf_level": "it is level={value} here",
    "hdi_prob": "it is level={value} here",
    "parm": "take the rows of the table: confint().loc[[…]]",
    "target_accept": "the sampler finds its step by itself; tune= gives it more draws to find it",
    "samples": "it is draws={value} here",
    "prior": "it is priors= here",
    "nuts_sampler": "there is one sampler here; mk.pymc_model() hands the model to PyMC",
    "inference_method": "there is one sampler here; mk.pymc_model() hands the model to PyMC",
    "r_formula": "it is formula= here",
    "specs": 'name the variables first, as in means("treatment", by="month")',
    "lmer_df": "it is ddf={value!r} here",
    "df": "it is ddf= here",
    "var": 'name the number first, as in slopes("month", by="treatment")',
    "adjust": 'it goes with the comparisons: means(…).contrasts(adjust="holm")',
    "ref": 'put the level first in the data, or write the contrasts yourself: contrasts({{"b - a": {{"a": -1, "b": 1}}}})',
    "reverse": 'write the contrasts yourself: contrasts({{"b - a": {{"a": -1, "b": 1}}}})',
    "interaction": "write the contrasts yourself, with weights for the rows",
    "cov_reduce": "numbers are held at their mean; at={{…}} gives other values",
    "marginal_vars": 'name the variables first, as in means("treatment", by="month")',
    "grouping_vars": 'it is by=, as in means("treatment", by="month")',
    "drop1.test": "the tests are likelihood ratio tests, F tests for lm()",
    "scope": "every term that may be dropped is",
    "refit": "fits by REML are refitted by maximum likelihood where fixed parts differ",
    "stars": "estimates come with intervals instead",
    "test_type": 'ddf="satterthwaite" or "kenward-roger" chooses the degrees of freedom',
}

#: Attributes and methods of other tools' fits.
ATTRIBUTES = {
    **dict.fromkeys(("params", "fe_params", "coefficients", "coefs", "coef_", "fixed_effects"), "fit.fixef"),
    **dict.fromkeys(("bse", "bse_fe", "std_errors"), "fit.se"),
    **dict.fromkeys(("pvalues", "tvalues", "p_values"), "fit.tests() or fit.tidy()"),
    **dict.fromkeys(("random_effects", "ranefs"), "fit.ranef"),
    **dict.fromkeys(("random_effects_cov", "ranef_var", "VarCorr", "cov_re", "vcomp"), "fit.varcorr"),
    **dict.fromkeys(("cov_params", "normalized_cov_params"), "fit.vcov"),
    **dict.fromkeys(("llf", "logLik", "log_likelihood_value"), "fit.loglik"),
    **dict.fromkeys(("deviance", "null_deviance", "minus2ll"), "fit.criterion"),
    **dict.fromkeys(("emmeans", "lsmeans", "marginal_means", "margins"), "fit.means()"),
    **dict.fromkeys(("emtrends", "marginal_effects", "get_margeff"), "fit.slopes()"),
    **dict.fromkeys(
        ("post_hoc", "pairs", "pairwise_comparisons", "t_test_pairwise"), "fit.means(…).contrasts()"
    ),
    **dict.fromkeys(("anova", "anova_table", "Anova"), "mk.anova(fit)"),
    **dict.fromkeys(("ranova", "rand"), 'fit.drop1("random")'),
    **dict.fromkeys(("posthoc", "tukey_hsd", "pairwise_tests"), "fit.means(…).contrasts()"),
    **dict.fromkeys(("wald_test_terms", "fvalue", "f_pvalue", "joint_tests"), "mk.anova(fit)"),
    **dict.fromkeys(("rsquared", "rsquared_adj", "r_squared", "rsquared_mcfadden", "prsquared"), "fit.r2()"),
    **dict.fromkeys(("resid_pearson", "pearson_residuals"), 'fit.resid("pearson")'),
    **dict.fromkeys(("resid_deviance",), 'fit.resid("deviance")'),
    **dict.fromkeys(("predict_proba", "predictions"), "fit.predict()"),
    **dict.fromkeys(("df_model", "info_criteria"), "fit.glance()"),
    **dict.fromkeys(("conf_int", "confidence_interval"), "fit.confint()"),
    **dict.fromkeys(("t_test", "wald_test", "contrast"), "fit.tests() and fit.f_test()"),
    **dict.fromkeys(("fittedvalues", "fitted_values"), "fit.fitted"),
    **dict.fromkeys(("residuals", "resid_response", "wresid"), "fit.resid()"),
    **dict.fromkeys(("df_resid_", "df_residual"), "fit.glance()"),
    **dict.fromkeys(("AIC",), "fit.aic"),
    **dict.fromkeys(("BIC",), "fit.bic"),
    **dict.fromkeys(("scale", "sigma2", "mse_resid"), "fit.sigma, whose square is the residual variance"),
    **dict.fromkeys(("get_prediction", "prediction_interval"), 'fit.predict(interval="mean")'),
    **dict.fromkeys(("fit", "train"), "the fit itself: mk.lmer(formula, data) has fitted the model"),
    **dict.fromkeys(("plot", "plot_fitted", "plot_qq"), "in mk.plots, as in mk.plots.residuals(fit)"),
    **dict.fromkeys(("isSingular", "singular"), "fit.is_singular"),
    **dict.fromkeys(("warnings",), "fit.messages"),
    **dict.fromkeys(
        ("getME", "model", "exog", "endog"), "fit.design, with the arrays X and y and the blocks of Z"
    ),
    **dict.fromkeys(("terms", "model_formula"), "fit.spec"),
    **dict.fromkeys(("grp_estimates", "ranef_table"), "fit.coef"),
    **dict.fromkeys(("ngrps", "n_groups"), "fit.ngroups"),
    **dict.fromkeys(("n", "n_obs", "nobs_"), "fit.nobs"),
}


#: Attributes of other tools' tables of means and contrasts.
OF_TABLES = {
    **dict.fromkeys(("pairs", "contrast", "pairwise"), "means(…).contrasts()"),
    **dict.fromkeys(("summary", "summary_frame", "to_dataframe", "frame", "df", "to_pandas"), ".table"),
    **dict.fromkeys(("p_values", "pvalue", "pvalues", "pval"), '.table["p.value"]'),
    **dict.fromkeys(("confint", "conf_int"), ".table, with the columns conf.low and conf.high"),
    **dict.fromkeys(
        ("to_latex", "to_html", "to_docx", "to_excel", "to_csv", "to_markdown"),
        ".table, which is a DataFrame",
    ),
}

#: Values that other tools have, and the kit's, by argument.
VALUES = {
    ("interval", "confidence"): "mean",
    ("interval", "prediction"): "observation",
    ("groups", "population"): "none",
    ("weights", "proportional"): "data",
    ("weights", "cells"): "data",
    ("method", "trt.vs.ctrl"): "reference",
    ("method", "dunnett"): "reference",
    ("method", "consec"): "consecutive",
    ("method", "tukey"): "pairwise",
    ("method", "pairs"): "pairwise",
    ("method", "boot"): "bootstrap",
    ("adjust", "bonf"): "bonferroni",
    ("ddf", "kr"): "kenward-roger",
    ("ddf", "kenward"): "kenward-roger",
    ("ddf", "satt"): "satterthwaite",
    ("ddf", "asymp"): "asymptotic",
    ("ddf", "lme4"): "asymptotic",
    ("scale", "prob"): "response",
    ("scale", "probability"): "response",
    ("scale", "log-odds"): "link",
    ("scale", "linear"): "link",
}


def value_answer(name: str, value: Any, choices: Collection[Any]) -> str:
    """The kit's word for another tool's value of an argument, or the right spelling; empty if there is none."""
    text = str(value).lower()
    kits = VALUES.get((name, text), text if text != value else None)
    return f" Here it is {kits!r}." if kits in choices else ""


class UnknownAttribute(DataError, AttributeError):
    """An attribute that a fit does not have; the message names the kit's word for it."""


def attribute(kind: type, name: str) -> UnknownAttribute:
    """The error for an attribute that objects of a class do not have."""
    reason = f"A {kind.__name__} has no attribute {name!r}"
    known = ATTRIBUTES if hasattr(kind, "fixef") else OF_TABLES
    if name in known:
        return UnknownAttribute(f"{reason}: here it is {known[name]}.")
    public = [other for other in dir(kind) if not other.startswith("_")]
    return UnknownAttribute(f"{reason}.{did_you_mean(name, public)}")


def answers(function: Function) -> Function:
    """A public function that answers arguments it does not have, and says so where the memory does not do."""
    takes = inspect.signature(function)

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            given = takes.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise DataError(_sentence(function.__name__, takes, kwargs, error)) from None
        if given.get("seed") is not None:
            _check_seed(given["seed"])
        try:
            return function(*args, **kwargs)
        except MlmkitError:
            raise
        except MemoryError as error:
            asked = f" ({error})" if str(error) else ""
            raise OutOfMemory(
                f"{function.__name__}() needs more memory than there is{asked}: use fewer rows, groups or columns, close "
                "other programs, or take a larger machine."
            ) from error

    return called  # type: ignore[return-value]


def methods_answer(kind: Class) -> Class:
    """A class whose methods answer arguments they do not have, and which answers attributes it does not have."""
    for name, value in list(vars(kind).items()):
        if inspect.isfunction(value) and not name.startswith("_"):
            setattr(kind, name, answers(value))
    if not hasattr(kind, "__getattr__"):
        setattr(kind, "__getattr__", _unknown)  # noqa: B010  (mypy knows no class that lacks it)
    return kind


def _unknown(it: Any, name: str) -> Any:
    """What is not there is answered with the kit's word for it."""
    if name.startswith("_"):
        raise AttributeError(name)
    raise attribute(type(it), name)


def _check_seed(seed: Any) -> None:
    """Refuse what numpy makes no random numbers from."""
    try:
        np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise DataError(
            f"seed={_Value(seed)!r}: a seed is a whole number, 0 or more, such as seed=1."
        ) from None


class _Value:
    """A value in a message: a column by its name, and nothing longer than a line."""

    def __init__(self, value: Any):
        self.value = getattr(value, "name", value)

    def __str__(self) -> str:
        text = str(self.value)
        return text if len(text) <= 60 else f"{text[:57]}…"

    def __repr__(self) -> str:
        return repr(self.value) if len(repr(self.value)) <= 60 else str(self)


def _sentence(name: str, takes: inspect.Signature, given: dict[str, Any], error: TypeError) -> str:
    known = [one for one in takes.parameters if one not in ("self", "fit", "posterior")]
    strange = next((one for one in given if one not in takes.parameters), None)
    if strange is None:
        return f"{name}(): {error}. It takes {', '.join(known)}."
    answer = ARGUMENTS.get(f"{name}.{strange}", ARGUMENTS.get(strange))
    if answer is not None and strange.removesuffix("s") not in known:
        return f"{name}() has no argument {strange!r}: {answer.format(value=_Value(given[strange]))}."
    return f"{name}() has no argument {strange!r}.{did_you_mean(strange, known)}"
