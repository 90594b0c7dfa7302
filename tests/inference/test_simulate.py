"""New responses from a fit."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError

from .conftest import data


def test_a_seed_gives_the_same_responses_and_each_its_own(fit):
    one, more = fit("sleepstudy").simulate(2, seed=1), fit("sleepstudy").simulate(5, seed=1)
    pd.testing.assert_frame_equal(one, more[["sim_1", "sim_2"]])
    assert not np.allclose(one["sim_1"], one["sim_2"])
    again = np.random.SeedSequence(1)
    assert_allclose(fit("sleepstudy").simulate(2, again), fit("sleepstudy").simulate(2, again))


def test_their_moments_are_the_models(fit):
    """Mean Xb, covariance of the first person's days ZΣZᵀ + σ²I."""
    sleep = fit("sleepstudy")
    draws = sleep.simulate(4000, seed=2)
    X, Z = sleep.design.X[:10], sleep.design.blocks[0].Z[:10]
    V = Z @ sleep.covariances[0] @ Z.T + sleep.sigma**2 * np.eye(10)
    assert_allclose(draws.iloc[:10].mean(axis=1), X @ sleep.fixef, atol=4 * np.sqrt(V.max() / 4000))
    assert_allclose(np.cov(draws.iloc[:10]), V, atol=0.1 * V.max())


def test_the_same_groups_keep_their_means(fit):
    sleep = fit("sleepstudy")
    draws = sleep.simulate(2000, seed=3, groups="same")
    assert_allclose(draws.mean(axis=1), sleep.fitted, atol=5 * sleep.sigma / np.sqrt(2000))
    assert_allclose(draws.std(axis=1), sleep.sigma, rtol=0.1)


def test_binomial_responses_are_counts_over_trials_and_refit(fit):
    draws = fit("rats").simulate(1, seed=1)["sim_1"]
    counts = draws * data("rats")["n"].to_numpy()
    assert_allclose(counts, counts.round(), atol=1e-9)
    assert fit("rats").refit(draws).fixef["Intercept"] == pytest.approx(-1.94, abs=0.5)


def test_another_design_may_be_tried_out(fit):
    new = pd.DataFrame({"Subject": np.repeat(np.arange(200), 3), "Days": np.tile([0, 5, 9], 200)})
    y = fit("sleepstudy").simulate(1, seed=4, newdata=new)["sim_1"]
    again = mk.lmer("Reaction ~ Days + (Days|Subject)", new.assign(Reaction=y))
    assert again.fixef["Days"] == pytest.approx(fit("sleepstudy").fixef["Days"], abs=4 * again.se["Days"])


def test_flat_models_simulate_too():
    flat = mk.lm("Reaction ~ Days", data("sleepstudy"))
    assert_allclose(flat.simulate(500, seed=1).std(axis=1).mean(), flat.sigma, rtol=0.05)


def test_what_cannot_be_asked_for(fit):
    with pytest.raises(DataError, match="n=0"):
        fit("sleepstudy").simulate(0)
    with pytest.raises(DataError, match="'same'"):
        fit("sleepstudy").simulate(groups="old")
    with pytest.raises(DataError, match="leave newdata out"):
        fit("sleepstudy").simulate(groups="same", newdata=data("sleepstudy"))
    with pytest.raises(DataError, match="no column 'Subject'"):
        fit("sleepstudy").simulate(newdata=pd.DataFrame({"Days": [1, 2]}))
