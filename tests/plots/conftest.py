"""The course's fits, made once for all tests of the plots."""

import warnings

import matplotlib
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
