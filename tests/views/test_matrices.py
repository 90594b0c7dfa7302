"""X, Z, Λ, Ω and V against what the equations say they are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.views.matrices import _below, _edges, matrices


@pytest.fixture(scope="module")
def sleep():
    return mk.load_data("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep):
    return mk.lmer("Reaction ~ Days + (Days|Subject)", sleep)


def test_z_holds_indicators_and_days(fit, sleep):
    Z = matrices(fit).Z
    assert Z.shape == (180, 36) and Z.columns.names == ["group", "term", "level"]
    person = Z.loc[:, ("Subject", "Intercept", 308)]
    assert person.to_list() == [1.0] * 10 + [0.0] * 170
    assert Z.loc[:, ("Subject", "Days", 309)].iloc[10:20].to_list() == list(range(10))


def test_omega_has_the_variances_and_the_covariance(fit):
    Omega = matrices(fit).Omega.to_numpy()
    assert Omega[0, 0] == pytest.approx(612.10, abs=0.02) and Omega[18, 18] == pytest.approx(35.07, abs=0.01)
    assert Omega[4, 18 + 4] == pytest.approx(9.604, abs=0.01)
    assert Omega[4, 18 + 5] == 0 and Omega[0, 1] == 0


def test_v_gives_the_generalised_least_squares_estimate_and_the_criterion(fit, sleep):
    m = matrices(fit)
    X, V, y = m.X.to_numpy(), m.V.to_numpy(), sleep.Reaction.to_numpy()
    b = np.linalg.solve(X.T @ np.linalg.solve(V, X), X.T @ np.linalg.solve(V, y))
    np.testing.assert_allclose(b, fit.fixef, rtol=1e-6)
    rest = y - X @ b
    reml = (
        np.linalg.slogdet(V)[1]
        + np.linalg.slogdet(X.T @ np.linalg.solve(V, X))[1]
        + rest @ np.linalg.solve(V, rest)
    )
    assert reml + (180 - 2) * np.log(2 * np.pi) == pytest.approx(fit.criterion, abs=1e-4)


def test_omega_is_sigma_squared_lambda_lambda_transposed_for_nested_groups():
    classroom = mk.load_data("classroom").iloc[:200]
    m = matrices(
        "mathscore ~ ses + (1|schoolid) + (ses|classid)", classroom, theta=[0.3, 0.1, 0.2, 0.5], sigma=2.0
    )
    Lambda = m.Lambda.to_numpy()
    np.testing.assert_allclose(m.Omega, 4.0 * Lambda @ Lambda.T)
    Z = m.Z.to_numpy()
    np.testing.assert_allclose(m.V, Z @ m.Omega.to_numpy() @ Z.T + 4.0 * np.eye(200))
    assert np.all(np.triu(Lambda, 1) == 0)


def test_prior_weights_divide_the_residual_variance(sleep):
    weights = 1.0 + sleep.Days.to_numpy()
    fit = mk.lmer("Reaction ~ 1 + (1|Subject)", sleep, weights=weights)
    m = matrices(fit)
    own = np.diag(m.V) - np.diag(m.Z.to_numpy() @ m.Omega.to_numpy() @ m.Z.to_numpy().T)
    np.testing.assert_allclose(own, fit.sigma**2 / weights, rtol=1e-10)


def test_without_variances_there_are_x_and_z_only(sleep):
    m = matrices("Reaction ~ Days + (1|Subject)", sleep)
    assert m.X.shape == (180, 2) and m.Z.shape == (180, 18) and m.V is None and m.Lambda is None
    assert "X 180 × 2, Z 180 × 18" in repr(m)
    with pytest.raises(DataError, match="needs variances"):
        m.draw("V")


def test_a_generalised_model_has_no_v():
    rats = mk.load_data("rats")
    m = matrices("cbind(m, n - m) ~ 1 + (1|batch)", rats, "binomial", theta=[0.66])
    assert m.V is None and m.Omega.iloc[0, 0] == pytest.approx(0.66**2)


def test_refusals(sleep):
    with pytest.raises(DataError, match="need data"):
        matrices("y ~ x")
    with pytest.raises(DataError, match="θ has 3 elements in this model; 2 were given"):
        matrices("Reaction ~ Days + (Days|Subject)", sleep, theta=[1.0, 0.0])
    big = mk.load_data("mathachieve")
    with pytest.raises(DataError, match="too large"):
        matrices("mathach ~ ses + (1|school)", big, theta=[0.3])
    # 1500 rows are few, but crossed groups of two rows each are many: Λ would be 2250 × 2250
    many = pd.DataFrame(
        {name: np.arange(1500) * k % 1500 // 2 for name, k in (("a", 1), ("b", 7), ("c", 11))}
    )
    with pytest.raises(DataError, match="1500 rows and 2250 group effects"):
        matrices("y ~ 1 + (1|a) + (1|b) + (1|c)", many.assign(y=0.0))
    # as many rows of few groups: X and Z are small, V would be 2100 × 2100
    few = pd.DataFrame({"y": np.zeros(2100), "g": np.arange(2100) % 3})
    assert matrices("y ~ 1 + (1|g)", few).Z.shape == (2100, 3)
    with pytest.raises(DataError, match="2100 rows and 3 group effects"):
        matrices("y ~ 1 + (1|g)", few, theta=[1.0])


def test_pictures(fit):
    m = matrices(fit)
    axes = m.draw()
    assert [ax.get_title(loc="center").split()[0] for ax in axes] == [
        "$X$",
        "$Z$",
        r"$\Lambda$",
        r"$\Omega$",
        "$V$",
    ]
    (one,) = m.draw("V", spy=True)
    shown = one.images[0].get_array()
    assert set(np.unique(shown)) == {0.0, 1.0} and shown.shape == (180, 180)
    with pytest.raises(DataError, match="no matrix 'W'"):
        m.draw("W")
    with pytest.raises(DataError, match="2 matrices need 2 Axes"):
        m.draw(["X", "Z"], ax=one)


def test_labels_of_narrow_terms_stand_beside_each_other():
    data = mk.load_data("classroom").iloc[:144]
    figure = matrices(mk.lmer("mathscore ~ ses + (ses|schoolid) + (1|classid)", data)).draw()[0].figure
    figure.draw_without_rendering()
    for ax in figure.axes:
        boxes = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
        assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))


def test_terms_are_named_below_the_middle_of_their_columns():
    ax = Figure().subplots()
    labels = pd.MultiIndex.from_tuples(
        [("g", "a", k) for k in range(4)] + [("g", "b", k) for k in range(3)],
        names=["group", "term", "level"],
    )
    _edges(ax, labels, True)
    assert list(ax.get_xticks()) == [1.5, 5.0]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b"]
    assert [line.get_xdata()[0] for line in ax.lines if list(line.get_ydata()) == [0, 1]] == [3.5]
    assert [line.get_ydata()[0] for line in ax.lines if list(line.get_xdata()) == [0, 1]] == [3.5]
    crossed = pd.MultiIndex.from_tuples(
        [("g", "a", k) for k in range(4)] + [("h", "a", k) for k in range(4)],
        names=["group", "term", "level"],
    )
    ax = Figure().subplots()
    _edges(ax, crossed, False)
    assert len(ax.lines) == 1 and [t.get_text() for t in ax.get_xticklabels()] == ["a\ng", "a\nh"]


def test_labels_written_upwards_have_the_room_of_the_longest():
    data = mk.load_data("sleepstudy").assign(day=lambda d: d["Days"])
    one = matrices("Reaction ~ Days + (Days|Subject)", data)
    two = matrices("Reaction ~ 1 + (1|Subject) + (1|day)", data)
    assert _below(one) == 0.5
    assert _below(two) == pytest.approx(0.08 * len("Intercept · Subject"))
