"""The parametric bootstrap: seeded, the same for any number of workers, at home on a cluster."""

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.inference.refits import Refitting

from .conftest import data


def slope(fit):
    return pd.Series({"slope": fit.fixef["Days"]})


def test_the_same_for_any_number_of_workers(fit):
    one = fit("sleepstudy")
    alone, two = (one.bootstrap(50, seed=7, workers=workers, progress=False) for workers in (None, 2))
    pd.testing.assert_frame_equal(pd.DataFrame(alone), pd.DataFrame(two))


def test_a_longer_run_begins_with_the_shorter(fit):
    short, long = (fit("dyestuff").bootstrap(n, seed=3, progress=False) for n in (10, 30))
    assert_allclose(long.iloc[:10].to_numpy(), short.to_numpy())
    assert not np.allclose(short, fit("dyestuff").bootstrap(10, seed=4, progress=False))


def test_it_runs_on_a_dask_cluster(fit):
    distributed = pytest.importorskip("distributed")
    expected = fit("sleepstudy").confint(method="bootstrap", n=30, seed=1, progress=False)
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        there = fit("sleepstudy").confint(method="bootstrap", n=30, seed=1, progress=False)
    assert_allclose(there.to_numpy(), expected.to_numpy())


def test_its_spread_is_the_standard_error(fit):
    one = fit("sleepstudy")
    draws = one.bootstrap(300, seed=1, progress=False)
    assert_allclose(draws[["Intercept", "Days"]].std(), one.se, rtol=0.15)
    assert abs(draws["Days"].mean() - one.fixef["Days"]) < 4 * one.se["Days"] / np.sqrt(300)


def test_any_statistic_may_be_asked_for(fit):
    draws = fit("sleepstudy").bootstrap(5, seed=1, statistic=slope, progress=False)
    assert_allclose(draws["slope"], fit("sleepstudy").bootstrap(5, seed=1, progress=False)["Days"])


@pytest.mark.parametrize("form", [list, tuple, np.array, pd.Series])
def test_a_statistic_gives_a_number_or_several_in_any_form(fit, form):
    one = fit("sleepstudy")
    expected = one.bootstrap(4, seed=1, progress=False)
    several = one.bootstrap(
        4, seed=1, statistic=lambda it: form([it.fixef["Days"], it.sigma]), progress=False
    )
    assert_allclose(several.to_numpy(), expected[["Days", "sigma"]].to_numpy())
    single = one.bootstrap(4, seed=1, statistic=lambda it: it.sigma, progress=False)
    assert_allclose(single[0], expected["sigma"])


@pytest.mark.parametrize(
    "statistic", [lambda it: "high", lambda it: it.vcov, lambda it: [1.0] * (1 + int(it.sigma) % 7)]
)
def test_a_statistic_that_gives_no_row_of_numbers_is_refused(fit, statistic):
    with pytest.raises(DataError, match="as many numbers"):
        fit("sleepstudy").bootstrap(6, seed=1, statistic=statistic, progress=False)


def test_replicates_on_the_boundary_are_counted(fit):
    notes = fit("pastes").bootstrap(30, seed=1, progress=False).notes
    assert "lie on the boundary" in notes[1]


def test_generalized_and_flat_models_too(fit):
    assert fit("rats").bootstrap(3, seed=1, progress=False).notna().all(axis=None)
    flat = mk.lm("Reaction ~ Days", data("sleepstudy")).bootstrap(3, seed=1, progress=False)
    assert list(flat.columns) == ["Intercept", "Days"]


def test_the_number_of_replicates_is_checked(fit):
    with pytest.raises(DataError, match="n=0"):
        fit("dyestuff").bootstrap(0)


def test_a_replicate_that_fails_is_missing_and_not_on_the_boundary(fit, monkeypatch):
    one, calls = fit("sleepstudy"), []
    whole = one.bootstrap(5, seed=1, statistic=slope, progress=False)
    estimates = Refitting.estimates

    def second_fails(refitting, y):
        calls.append(y)
        return None if len(calls) == 2 else estimates(refitting, y)

    monkeypatch.setattr(Refitting, "estimates", second_fails)
    draws = one.bootstrap(5, seed=1, statistic=slope, progress=False)
    expected = whole["slope"].where(np.arange(5) != 1)
    assert_allclose(draws["slope"], expected)
    assert not any("boundary" in note for note in draws.notes)
    assert draws.notes[-1].startswith("1 could not be fitted")
