"""A response that its predictors and groups reproduce has no residual variance: that is said at once."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

import mlmkit as mk


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    d = pd.DataFrame(rng.normal(size=(60, 3)), columns=["y", "x", "z"])
    return d.assign(
        f=np.array(list("abc"))[rng.integers(0, 3, 60)],
        g=rng.integers(0, 8, 60),
        h=np.arange(60) // 4,
        k=rng.poisson(2, 60),
    )


@pytest.mark.parametrize(
    ("formula", "change"),
    [
        ("k ~ 0 + poly(k*2, 2) + (1|h) + (1|g)", {}),
        ("level ~ 1 + (1|h)", {"level": lambda d: d.h * 1.5}),
        ("level ~ x + (x|h)", {"level": lambda d: d.h * 1.5 + d.x * d.h}),
        ("y ~ 1 + (0 + twice|h) + (1|g)", {"twice": lambda d: 2 * d.y}),
        ("y ~ 1 + (thrice|f)", {"thrice": lambda d: 3 * d.y}),
    ],
)
def test_fewer_effects_than_rows_that_are_the_response(data, formula, change):
    with pytest.raises(mk.MlmkitError, match="reproduce|is the response"):
        mk.lmer(formula, data.assign(**change))


@pytest.mark.filterwarnings("ignore:Singular fit")
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", ["y ~ 1 + (1|h)", "y ~ x + (x|h)", "y ~ 0 + x + (x|h)", "y ~ x + (x||h)"])
def test_side_by_side_such_a_response_is_no_fit_either(data, formula, reml):
    """Rounding alone may make the criterion as low there as anything: it is left to a fit by itself, which says no."""
    fit = mk.lmer(formula, data, reml=reml)
    responses = np.column_stack([data.h * 1.5, data.y, 3.0 - 7.0 * (data.h % 3), 1e6 * data.h + 1e3])
    refits = fit.refit_many(responses)
    assert refits.converged.tolist() == [False, True, False, False]
    assert np.isnan(refits.criterion).tolist() == [True, False, True, True]


def test_as_many_effects_as_rows_are_a_model_like_any_other():
    """Crossed groups of two rows each: the criterion is the density of what the model says, V written out."""
    rng = np.random.default_rng(4)
    d = pd.DataFrame({"a": np.arange(40) // 2, "b": rng.permutation(40) // 2, "c": rng.permutation(40) // 2})
    a, b, c = rng.normal(size=(3, 20))
    d["y"] = a[d.a] + b[d.b] + c[d.c] + rng.normal(size=40)
    fit = mk.lmer("y ~ 1 + (1|a) + (1|b) + (1|c)", d, reml=False)
    assert fit.converged
    V = fit.sigma**2 * np.eye(40)
    for sd, codes in zip(fit.varcorr["sdcor"], (d.a, d.b, d.c), strict=False):
        V += sd**2 * np.equal.outer(codes.to_numpy(), codes.to_numpy())
    density = multivariate_normal(np.full(40, fit.fixef["Intercept"]), V)
    assert fit.loglik == pytest.approx(density.logpdf(d.y), abs=1e-6)


@pytest.mark.parametrize("ratio", [0.2, 0.1, 0.04323562358919848, 0.01, 0.0058706, 1e-3, 3e-4])
def test_small_residuals_are_residuals(data, ratio):
    d = data.assign(level=data.h + ratio * data.z)
    fit = mk.lmer("level ~ 1 + (1|h)", d)
    assert fit.sigma == pytest.approx(ratio, rel=0.25)
    assert fit.converged
    assert fit.refit_many(d.level.to_numpy()[:, None]).converged.all()


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + y",
        "y ~ 1 + (y|g)",
        "y ~ x:y + (1|g)",
        "k ~ x + (1|k)",
        "y ~ x + (1|g/y)",
        "exp(y) ~ y",
        "y > 0 ~ x + (1|y:g)",
        "y ~ x + offset(y)",
    ],
)
def test_the_response_explains_itself(data, formula):
    with pytest.raises(mk.FormulaError, match="is the response and stands on the right-hand side"):
        mk.lmer(formula, data) if "|" in formula else mk.lm(formula, data)
