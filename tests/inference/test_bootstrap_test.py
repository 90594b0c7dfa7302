"""Likelihood-ratio tests whose reference distribution is simulated."""

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.inference.bootstrap_test import simulated_p, simulated_ratios


def study(slope, J=6, seed=1):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(J), 5)
    x = np.repeat(np.arange(J) % 2, 5)
    y = slope * x + rng.normal(0, 1, J)[g] + rng.normal(size=5 * J)
    return pd.DataFrame({"g": g.astype(str), "x": x.astype(float), "t": np.tile(np.arange(5.0), J), "y": y})


def pair(d):
    return mk.lmer("y ~ 1 + (1|g)", d, reml=False), mk.lmer("y ~ x + (1|g)", d, reml=False)


def test_few_groups_make_the_chi_square_too_bold():
    """With 6 groups a ratio of 3.84 is exceeded about twice as often as 5%: F(1, 4), nearly."""
    ratios = simulated_ratios(*pair(study(0.0)), 2000, seed=1, progress=False)
    assert 0.09 < np.mean(ratios > 3.841) < 0.16
    assert (ratios >= 0).all()


def test_anova_tells_the_simulated_p(fit):
    small, large = pair(study(2.0))
    table = mk.anova(small, large, test="bootstrap", n=400, seed=2, progress=False)
    p = table["Pr(bootstrap)"].iloc[1]
    assert p > table["Pr(>Chisq)"].iloc[1]
    again = mk.anova(small, large, test="bootstrap", n=400, seed=2, progress=False)
    assert again["Pr(bootstrap)"].iloc[1] == p and np.isnan(table["Pr(bootstrap)"].iloc[0])
    assert "400 responses simulated" in table.notes[-1]


def test_of_an_sd_the_mixture_is_a_little_too_shy():
    """With 20 groups more than half of the ratios are 0, so those above are rarer than the mixture says."""
    d = study(0.0, J=20, seed=4)
    d["y"] += np.random.default_rng(4).normal(0, 0.15, 20)[d["g"].astype(int)] * d["t"]
    small, large = mk.lmer("y ~ t + (1|g)", d), mk.lmer("y ~ t + (t||g)", d)
    table = mk.anova(small, large, test="bootstrap", n=1000, seed=1, progress=False)
    simulated, mixture = table["Pr(bootstrap)"].iloc[1], table["Pr(mixture)"].iloc[1]
    assert 0.4 * mixture < simulated < 1.1 * mixture


def test_an_sd_of_zero_is_no_better():
    """A ratio that is rounding counts as none: both p values are 1, not the mixture's half."""
    d = study(0.0, J=20, seed=5)
    small, large = mk.lmer("y ~ t + (1|g)", d), mk.lmer("y ~ t + (t||g)", d)
    table = mk.anova(small, large, test="bootstrap", n=200, seed=1, progress=False)
    assert table["Pr(bootstrap)"].iloc[1] == 1.0 == table["Pr(mixture)"].iloc[1]


def test_generalized_models_too(fit):
    rats = mk.load_data("rats")
    small, large = mk.glm("cbind(m, n - m) ~ 1", rats), fit("rats")
    table = mk.anova(small, large, test="bootstrap", n=60, seed=1, progress=False)
    assert table["Pr(bootstrap)"].iloc[1] == pytest.approx(1 / 61)


def test_the_observed_ratio_is_counted():
    assert simulated_p(5.0, np.array([1.0, 2.0, np.nan])) == pytest.approx(1 / 3)
    assert simulated_p(1.5, np.array([1.0, 2.0, 3.0])) == pytest.approx(3 / 4)


def test_one_fit_and_bad_numbers(fit):
    small, large = pair(study(0.0))
    with pytest.raises(DataError, match="two models"):
        mk.anova(large, test="bootstrap")
    with pytest.raises(DataError, match="n=0"):
        mk.anova(small, large, test="bootstrap", n=0)
    with pytest.raises(DataError, match="test='boot'"):
        mk.anova(small, large, test="boot")
    flat = mk.lm("y ~ x", study(0.0)), mk.lm("y ~ 1", study(0.0))
    with pytest.raises(DataError, match="exact"):
        mk.anova(*flat, test="bootstrap")
