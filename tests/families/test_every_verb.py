"""Everything a fit can do, for every family: nothing fails, and what comes out agrees with the family's facts."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import scipy

import mlmkit as mk
from mlmkit.errors import DataError, FitWarning, FormulaError

FAMILIES = {
    "poisson": "counts",
    "nbinom": "spread",
    "negative binomial(sqrt)": "spread",
    "gamma(log)": "times",
    "inverse.gaussian(log)": "times",
    "gaussian(log)": "times",
    "probit": "yes",
    "cloglog": "yes",
    "cauchit": "yes",
    "bernoulli": "yes",
}
NEW = pd.DataFrame({"g": ["g00", "g01"], "x": [0.0, 1.0]})


@cache
def data() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    g, x = np.repeat(np.arange(20), 8), rng.normal(size=160)
    mu = np.exp(1.2 + 0.3 * x + 0.3 * rng.normal(size=20)[g])
    counts, spread = rng.poisson(mu), rng.poisson(mu * rng.gamma(2.0, 0.5, 160))
    return pd.DataFrame(
        {"g": [f"g{k:02}" for k in g], "x": x, "counts": counts, "spread": spread, "yes": (counts > 3).astype(int),
         "times": rng.gamma(6.0, mu / 6)}
    )  # fmt: skip


@cache
def fitted(family: str, formula: str = "{} ~ x + (1|g)", flat: bool = False):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return (mk.glm if flat else mk.glmer)(formula.format(FAMILIES[family]), data(), family)


@pytest.fixture(params=FAMILIES)
def fit(request):
    return fitted(request.param)


@pytest.fixture(params=FAMILIES)
def flat(request):
    return fitted(request.param, "{} ~ x", flat=True)


def test_summary_says_family_and_spread(fit):
    text = str(fit.summary())
    assert f"Family: {fit.family}" in text and "Pr(>|z|)" in text
    assert ("Spread: " in text) == (fit.family.has_dispersion and fit.family.name != "gaussian")
    assert ("as in glmmTMB" in text) == fit.family.has_sigma


def test_tables_have_every_parameter(fit):
    tidy, labels = fit.tidy(conf_int=True), list(fit.confint().index)
    assert len(tidy) == len(labels) == fit.n_parameters
    assert ("Residual" in list(fit.varcorr["group"])) == fit.family.has_sigma
    assert ("size" in labels) == (fit.family.has_dispersion and not fit.family.has_sigma)
    again = fit.bootstrap(4, seed=1, progress=False)
    assert list(again.columns) == labels and again.notna().all(axis=None)


@pytest.mark.parametrize("style", ["levels", "mixed", "matrix"])
@pytest.mark.parametrize("estimates", [True, False])
def test_equation_and_network_show_the_same_symbols(fit, style, estimates):
    distribution = fit.family.distribution
    text = str(mk.equation(fit, style=style, estimates=estimates))
    assert distribution.mean_symbol in text and text.count("{") == text.count("}")
    drawn = mk.network(fit)
    if distribution.has_dispersion:
        assert any(node.symbol == distribution.symbols[0] for node in drawn.nodes)
        assert estimates or style == "matrix" or distribution.symbols[0] in text
    else:
        assert r"\sigma" not in text
    assert mk.network(fit, style="unrolled").alt_text


def test_words(fit):
    text = str(mk.describe(fit))
    kind = "yes or no" if fit.family.counts_trials else fit.family.distribution.words.split(" (")[0]
    assert kind in text
    spread = fit.family.distribution.spread_in_words(fit.dispersion)
    assert spread in text


@pytest.mark.parametrize("interval", ["mean", "group", "observation"])
def test_predictions_lie_in_their_intervals(fit, interval):
    if interval == "observation" and fit.family.counts_trials:
        with pytest.raises(DataError, match="One observation is 0 or 1"):
            fit.predict(NEW, interval=interval)
        return
    table = fit.predict(NEW, groups="none", interval=interval)
    assert (table["lower"] <= table["prediction"]).all() and (table["prediction"] <= table["upper"]).all()
    if interval != "group":
        own = fit.predict(NEW, groups="all", interval=interval)
        assert (own["lower"] <= own["prediction"]).all() and (own["prediction"] <= own["upper"]).all()


def test_observation_intervals_cover_what_the_fit_draws(flat):
    if flat.family.counts_trials:
        return  # refused: see above
    table = flat.predict(data()[["x"]], interval="observation", level=0.8)
    draws = flat.simulate(400, seed=1).to_numpy()
    inside = np.mean((draws >= table[["lower"]].to_numpy()) & (draws <= table[["upper"]].to_numpy()))
    assert 0.78 < inside <= (1.0 if flat.family.distribution.discrete else 0.84)


def test_residuals(fit):
    for kind in ("response", "pearson", "scaled", "deviance", "working", "quantile"):
        assert np.isfinite(fit.resid(kind, seed=1)).all()
    np.testing.assert_allclose(fit.resid("pearson"), fit.resid("scaled") * fit.sigma, rtol=1e-10)
    np.testing.assert_array_equal(fit.resid("quantile", seed=2), fit.resid("quantile", seed=2))


def test_quantile_residuals_of_what_the_fit_draws_are_standard_normal(flat):
    y = flat.simulate(1, seed=3)["sim_1"]
    many = [flat.refit(y).resid("quantile", seed=k).to_numpy() for k in range(3)]
    assert scipy.stats.kstest(many[0], "norm").pvalue > 1e-3
    assert flat.family.distribution.discrete == (not np.allclose(many[0], many[1]))


def test_shares_of_variance(fit):
    if fit.family.link == "cauchit":
        with pytest.raises(DataError, match="no residual variance to work with"):
            fit.r2()
    elif fit.family.link == "log" and fit.family.name != "gaussian":
        assert 0 <= fit.r2()["marginal"] <= fit.r2()["conditional"] <= 1
        assert set(fit.icc()["scale"]) == {"latent", "response"}
    if fit.family.link != "sqrt":
        assert fit.icc()["icc"].between(0, 1).all()


def test_refit_and_anova(fit):
    again = fit.refit(fit.simulate(1, seed=2, groups="same")["sim_1"])
    assert again.family == fit.family and np.isfinite(again.loglik)
    family = next(name for name in FAMILIES if fitted(name) is fit)
    table = mk.anova(fitted(family, "{} ~ 1 + (1|g)"), fit)
    assert table["Df"].iloc[1] == 1 and table["Pr(>Chisq)"].between(0, 1).iloc[1]
    assert np.isfinite(mk.anova(fitted(family, "{} ~ x", flat=True), fit)["Pr(mixture)"].iloc[1])


def test_a_profile_of_the_dispersion_contains_the_estimate(fit):
    name = fit.family.distribution.dispersion_name
    if not fit.family.has_dispersion:
        with pytest.raises(DataError, match="is not a parameter of this fit"):
            fit.profile([name])
        return
    (value,) = fit.family.distribution.told(fit.dispersion)
    lower, upper = fit.profile([name]).confint().loc[name]
    assert lower < value < upper


def test_slopes_that_vary_and_several_factors():
    for family in ("nbinom", "gamma(log)", "inverse.gaussian(log)"):
        half = data().assign(h=np.tile(np.arange(8), 20))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)
            fit = mk.glmer(f"{FAMILIES[family]} ~ x + (x||g) + (1|h)", half, family)
        assert fit.converged and len(fit.ranef) == 2


@pytest.mark.parametrize("family", ["gamma", "inverse.gaussian", "poisson(identity)"])
def test_groups_beyond_a_links_range_are_refused_in_a_sentence(family):
    response = "counts" if family.startswith("poisson") else "times"
    times = np.maximum(data()[response] * np.repeat([1.0, 5.0], 80), 0.1)
    wide = data().assign(**{response: times.round() if response == "counts" else times})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fit = mk.glmer(f"{response} ~ 1 + (1|g)", wide, family)
    for verb in (lambda: fit.simulate(20, seed=1), fit.icc, lambda: fit.predict(interval="observation")):
        with pytest.raises(DataError, match="keeps every mean in range"):
            verb()
    assert np.isfinite(fit.predict(interval="mean")).all(axis=None)


def test_a_family_that_is_sampled_is_not_maximised():
    for verb, formula in ((mk.glm, "times ~ x"), (mk.glmer, "times ~ x + (1|g)")):
        with pytest.raises(FormulaError, match=r"sampled, not maximised: fit it with brm\(\)"):
            verb(formula, data(), "student")
