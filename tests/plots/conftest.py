"""The course's fits, made once for all tests of the plots."""

import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from mlmkit import FitWarning, glm, glmer, lm, lmer, load_data


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def sleep():
    return lmer("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))


@pytest.fixture(scope="session")
def sleep_intercepts():
    return lmer("Reaction ~ Days + (1|Subject)", load_data("sleepstudy"))


@pytest.fixture(scope="session")
def sleep_flat():
    return lm("Reaction ~ 0 + Subject + Subject:Days", load_data("sleepstudy"))


@pytest.fixture(scope="session")
def rats():
    return glmer("cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats"), "binomial")


@pytest.fixture(scope="session")
def rats_flat():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return glm("cbind(m, n - m) ~ 0 + batch", load_data("rats"), "binomial")


@pytest.fixture(scope="session")
def countries():
    return lmer("alcohol ~ 1 + (1|country)", load_data("alcohol"))


@pytest.fixture(scope="session")
def words():
    return lmer("rt ~ 1 + (1|participant) + (1|spelling)", load_data("blp"))


@pytest.fixture(scope="session")
def trial():
    """Two arms of people, yes or no on four days; clinics differ in another way, sex varies within nobody."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"who": np.repeat(np.arange(80), 6), "day": np.tile(np.arange(6.0), 80)})
    data["arm"] = np.where(data["who"] % 2, "drug", "placebo")
    data["task"] = rng.choice(["a", "b", "c"], size=480, p=[0.6, 0.3, 0.1])
    eta = 1 - 0.4 * data["day"] - (data["arm"] == "drug") + rng.normal(size=80)[data["who"]] * 2
    data["sick"] = (rng.random(480) < 1 / (1 + np.exp(-eta))).astype(int)
    return glmer("sick ~ arm * day + task + (1|who)", data, n_agq=5)


@pytest.fixture(scope="session")
def counts():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(40), 6), "arm": np.tile(["a", "b"], 120)})
    data["y"] = rng.poisson(np.exp(0.5 + 0.4 * rng.normal(size=40)[data["g"]]))
    return glmer("y ~ arm + (1|g)", data, family="poisson")
