"""How far exact integration would move an approximate fit: the forecast against fits that are made."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy

import mlmkit as mk
from mlmkit.engine.estimates import DOUBTFUL, Move
from mlmkit.engine.generalized import doubt
from mlmkit.engine.generalized.quadrature import DENSE
from mlmkit.errors import FitWarning


def fitted(formula, data, family="binomial", n_agq=1):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return mk.glmer(formula, data, family, n_agq=n_agq)


def forecast(fit):
    return fit.estimates.move


def simulated(seed, family, groups, rows, tau, slopes=False):
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(groups), rows), rng.normal(size=groups * rows)
    eta = -1 + 0.5 * x + tau * rng.normal(size=groups)[g] + slopes * tau / 2 * rng.normal(size=groups)[g] * x
    y = rng.binomial(1, scipy.special.expit(eta)) if family == "binomial" else rng.poisson(np.exp(eta))
    return pd.DataFrame({"g": g, "x": x, "y": y})


SETTINGS = [
    (3, 0.8, False),
    (3, 2.5, False),
    (8, 1.5, False),
    (20, 1.0, False),
    (8, 1.0, True),
    (20, 1.0, True),
]


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize(("rows", "tau", "slopes"), SETTINGS)
def test_the_forecast_is_what_exact_integration_does(family, rows, tau, slopes):
    data = simulated([rows, int(10 * tau)], family, 60, rows, tau, slopes)
    formula = "y ~ x + (x||g)" if slopes else "y ~ x + (1|g)"
    fit, exact = fitted(formula, data, family), fitted(formula, data, family, 13 if slopes else 40)
    move = forecast(fit)
    moved = (exact.fixef - fit.fixef) / exact.se
    np.testing.assert_allclose(move.coefficients, moved, atol=0.05 + 0.25 * np.abs(moved).max())
    told = np.concatenate(move.sds)
    rows_of = [f.varcorr[f.varcorr["term2"].isna()].set_index("term1")["sdcor"] for f in (fit, exact)]
    direction = (rows_of[1] - rows_of[0]).to_numpy()
    clear = (np.abs(told) > 0.1) & (rows_of[0].to_numpy() > 0.2)
    assert np.all(np.sign(told[clear]) == np.sign(direction[clear]))


def test_the_toenails_are_in_doubt_and_25_nodes_are_not():
    formula = "severe ~ treatment*month + (1|patient)"
    with pytest.warns(
        FitWarning, match=r"Laplace's approximation is in doubt.*more than one.*n_agq=25 \(chapter 9\)"
    ):
        mk.glmer(formula, mk.load_data("toenail"))
    with pytest.warns(
        FitWarning, match=r"5 nodes are too few here.*SD of Intercept across patient.*n_agq=11"
    ):
        mk.glmer(formula, mk.load_data("toenail"), n_agq=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FitWarning)
        mk.glmer(formula, mk.load_data("toenail"), n_agq=25)


def test_slopes_of_the_toenails_are_in_doubt_until_there_is_a_lattice():
    formula = "severe ~ treatment*month + (month|patient)"
    with pytest.warns(FitWarning, match=r"in doubt here: integrated exactly, the SD of .* n_agq=25"):
        mk.glmer(formula, mk.load_data("toenail"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", FitWarning)
        mk.glmer(formula, mk.load_data("toenail"), n_agq=21)


@pytest.mark.parametrize(
    ("formula", "data", "family"),
    [
        ("cbind(m, n - m) ~ 1 + (1|batch)", "rats", "binomial"),
        ("seizures ~ treatment + log(base) + (1|subject)", "epilepsy", "poisson"),
        ("predation ~ symbiont + (1|block)", "culcita", "binomial"),
        ("ticks ~ year + (1|index) + (1|brood) + (1|location)", "grouseticks", "poisson"),
    ],
)
def test_no_false_alarm_where_laplace_hardly_matters(formula, data, family):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*in doubt", category=FitWarning)
        fit = mk.glmer(formula, mk.load_data(data), family)
    assert fit.estimates.move.largest < 0.1 < DOUBTFUL


def test_nested_factors_against_an_integral_within_an_integral():
    """log L = Σ_s log ∫ Π_c ∫ Π p(y) dv du on 31 × 31 nodes, maximised."""
    rng = np.random.default_rng(6)
    c = np.repeat(np.arange(100), 4)
    s, x = c // 4, rng.normal(size=400)
    eta = -0.5 + 0.5 * x + rng.normal(size=25)[s] + 1.5 * rng.normal(size=100)[c]
    data = pd.DataFrame({"s": s, "c": c, "x": x, "y": rng.binomial(1, scipy.special.expit(eta))})
    fit = fitted("y ~ x + (1|s) + (1|c)", data)
    nodes, weights = np.polynomial.hermite_e.hermegauss(31)
    log_weights, y = np.log(weights / weights.sum()), data["y"].to_numpy()

    def criterion(p):
        eta = p[0] + p[1] * x[:, None, None] + np.exp(p[2]) * nodes[:, None] + np.exp(p[3]) * nodes
        rows = y[:, None, None] * eta - np.logaddexp(0, eta)
        by_class = scipy.special.logsumexp(rows.reshape(100, 4, 31, 31).sum(axis=1) + log_weights, axis=2)
        return -scipy.special.logsumexp(by_class.reshape(25, 4, 31).sum(axis=1) + log_weights, axis=1).sum()

    sds = fit.varcorr.set_index("group")["sdcor"]
    found = scipy.optimize.minimize(
        criterion, [*fit.fixef, np.log(sds["s"]), np.log(sds["c"])], method="BFGS"
    )
    errors = np.sqrt(np.diag(found.hess_inv))
    move = forecast(fit)
    named = {block.group: size[0] for block, size in zip(fit.design.blocks, move.sds, strict=True)}
    np.testing.assert_allclose(move.coefficients, (found.x[:2] - fit.fixef) / errors[:2], atol=0.05)
    by_log = (found.x[3] - np.log(sds["c"])) / errors[3]
    assert named["c"] == pytest.approx(by_log, abs=0.25) and min(named["c"], by_log) > DOUBTFUL
    assert abs(named["s"]) < 0.2 and move.nodes is None


def test_where_it_is_not_known():
    data = simulated(3, "binomial", 10, 6, 1.0).assign(v=lambda d: d["x"] ** 2, w=lambda d: d["x"] ** 3)
    assert forecast(fitted("y ~ x + (x + v + w|g)", data)) is None
    separated = data.assign(a=np.where(data["g"] < 3, "one", "two"), y=lambda d: d["y"] * (d["g"] >= 3))
    assert forecast(fitted("y ~ a + (1|g)", separated)) is None
    assert mk.lmer("x ~ 1 + (1|g)", data).estimates.move is None


@pytest.mark.parametrize("family", ["nbinom", "gamma(log)"])
def test_a_dispersion_is_taken_along(family):
    data = simulated(5, "poisson", 80, 4, 1.5)
    rng = np.random.default_rng(1)
    data["t"] = np.exp(0.3 * data["x"] + rng.normal(size=80)[data["g"]]) * rng.gamma(0.8, 1.25, len(data))
    response = "y" if family == "nbinom" else "t"
    fit, exact = (fitted(f"{response} ~ x + (1|g)", data, family, n) for n in (1, 40))
    np.testing.assert_allclose(forecast(fit).coefficients, (exact.fixef - fit.fixef) / exact.se, atol=0.02)


@pytest.fixture
def looks(monkeypatch):
    """An optimum whose gradients are told by a function of the nodes; which nodes were looked at is kept."""

    def make(largest, few=1, size=1):
        seen = []
        rule = None if few == 1 else SimpleNamespace(n=few)
        block = SimpleNamespace(group="g", names=["a"] * size)
        criterion = SimpleNamespace(rule=rule, design=SimpleNamespace(blocks=[block]))
        point = SimpleNamespace(gradient=np.zeros(1))
        end = SimpleNamespace(criterion=criterion, search=SimpleNamespace(point=point))

        def gradient(end, n):
            seen.append(n)
            return np.array([largest(n)])

        monkeypatch.setattr(doubt, "_gradient", gradient)
        monkeypatch.setattr(doubt, "_information", lambda end: 0.0)
        monkeypatch.setattr(doubt, "_moved", lambda end, off: Move(np.asarray(off), []))
        return doubt.move_of(end), seen

    return make


@pytest.mark.parametrize(
    ("few", "size", "first"), [(1, 1, 5), (1, 2, 5), (1, 3, 3), (4, 1, 9), (9, 2, 15), (60, 1, 100)]
)
def test_a_small_move_is_looked_at_once(looks, few, size, first):
    """With about twice the nodes that were used: 2n + 1, no fewer than the first look's, no more than there are."""
    move, seen = looks(lambda n: 0.01, few, size)
    assert seen == [min(first, DENSE - 1) if size > 1 else first] and move.nodes is None


@pytest.mark.parametrize(("size", "second"), [(1, 15), (2, 9), (3, 5)])
def test_a_suspicious_move_of_laplace_is_looked_at_again(looks, size, second):
    move, seen = looks(lambda n: 0.02 if n == second else 0.16, 1, size)
    assert seen[1:] == [second] and move.nodes is None
    _, seen = looks(lambda n: 0.14, 1, size)
    assert len(seen) == 1


def test_a_suspicious_move_of_few_nodes_is_not_looked_at_again(looks):
    _, seen = looks(lambda n: 0.2, 3, 1)
    assert seen == [7]


@pytest.mark.parametrize(("largest", "few", "nodes"), [(0.5, 1, 11), (1.5, 1, 25), (0.5, 3, 25)])
def test_two_coefficients_are_told_eleven_or_twentyfive(looks, largest, few, nodes):
    move, _ = looks(lambda n: largest, few, 2)
    assert move.nodes == nodes


def test_for_one_coefficient_as_many_nodes_as_settle_the_move_are_chosen(looks):
    """Of 11, 25, 50, 100 the first after which more move nothing by more than 0.1."""
    for settles, nodes in ((11, 11), (25, 25), (50, 50)):
        move, _ = looks(lambda n, settles=settles: 1.0 if n >= settles else 1.0 + (settles - n), 1, 1)
        assert move.nodes == nodes


@pytest.mark.parametrize(
    ("family", "groups", "rows", "tau"), [("binomial", 600, 60, 0.5), ("poisson", 300, 40, 0.6)]
)
def test_one_look_tells_of_large_groups_what_two_tell(monkeypatch, family, groups, rows, tau):
    """Their effects are next to normal, so that few nodes do; many groups make the move large enough to see."""
    data = simulated(4, family, groups, rows, tau, slopes=True)
    once = forecast(fitted("y ~ x + (x|g)", data, family))
    monkeypatch.setattr(doubt, "INFORMED", np.inf)
    monkeypatch.setattr(doubt, "SUSPICIOUS", 0.0)
    twice = forecast(fitted("y ~ x + (x|g)", data, family))
    assert not np.array_equal(once.coefficients, twice.coefficients), "they are two ways"
    np.testing.assert_allclose(once.coefficients, twice.coefficients, atol=0.01)
    np.testing.assert_allclose(once.sds[0], twice.sds[0], atol=0.01)


def test_rare_events_in_large_groups_are_looked_at_twice(monkeypatch):
    """It is the information that counts, not the rows."""
    data = simulated(5, "binomial", 60, 100, 1.5, slopes=True).assign(y=lambda d: d.y * (d.index % 50 == 0))
    looks = []
    gradient = doubt._gradient
    monkeypatch.setattr(doubt, "SUSPICIOUS", 0.0)
    monkeypatch.setattr(doubt, "_gradient", lambda end, n: looks.append(n) or gradient(end, n))
    fitted("y ~ x + (x|g)", data)
    assert looks[:2] == [doubt.FIRST[2], doubt.SECOND[2]]


@pytest.mark.parametrize(
    ("sizes", "known"), [((1, 2, 3), True), ((3, 1), True), ((1, 4), False), ((2, 2, 5), False)]
)
def test_a_move_is_known_up_to_three_coefficients_a_factor(monkeypatch, sizes, known):
    monkeypatch.setattr(doubt, "_of_several", lambda end, sizes: "moved")
    blocks = [SimpleNamespace(group=f"g{k}", names=("x",) * size) for k, size in enumerate(sizes)]
    end: Any = SimpleNamespace(criterion=SimpleNamespace(rule=None, design=SimpleNamespace(blocks=blocks)))
    assert doubt.move_of(end) == ("moved" if known else None)
