"""The playground: every view of any formula, and nothing that a stranger types does harm."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mlmkit.datasets import load_data
from mlmkit.errors import DataError, FormulaError, MlmkitError
from mlmkit.formula import parse_formula
from mlmkit.models import lmer
from mlmkit.widgets.bounds import MOST_ROWS, TooLarge, TooLong, check_size, in_time
from mlmkit.widgets.drawing import canvas
from mlmkit.widgets.playground import FIRST, MOST_POINTS, _response, compute, draw, panels, playground


@pytest.fixture(scope="module")
def sleep():
    return load_data("sleepstudy")


def test_the_views_are_of_one_fit(sleep):
    formula = "Reaction ~ Days + (Days|Subject)"
    it = compute(formula, sleep)
    np.testing.assert_allclose(it.fit.theta, lmer(formula, sleep).theta, rtol=1e-5)
    assert {"β_j", "Σ", "y_i"} <= {node.name for node in it.network.nodes}
    assert r"\beta_{[s_i]0}" in it.equation.latex and "251.4" not in it.equation.latex
    assert "251.4" in compute(formula, sleep, numbers=True).equation.latex
    assert "251.4" in it.words


@pytest.mark.parametrize(
    ("formula", "family", "data"),
    [
        ("Reaction ~ Days", "gaussian", "sleepstudy"),
        ("cbind(m, n - m) ~ 1", "binomial", "rats"),
        *((formula, family, data) for data, (formula, family) in FIRST.items() if data != "mathachieve"),
    ],
)
def test_flat_and_multilevel_of_every_family(formula, family, data):
    assert compute(formula, load_data(data), family).fit.converged


def test_what_the_fit_has_to_say_is_noted():
    it = compute("mathscore ~ ses + (ses|classid) + (ses|schoolid)", load_data("classroom"))
    assert len(it.notes) == 1 and "ingular" in it.notes[0]


def test_ones_own_data_frame():
    frame = pd.DataFrame({"y": [1.0, 2, 4, 3, 5, 7], "who<b>": list("aabbcc"), "x": [0, 1, 0, 1, 0, 1]})
    page = playground("y ~ x + (1|`who<b>`)", frame)
    assert page.problem == "" and page.result.fit.ngroups["who<b>"] == 3
    assert "who&lt;b&gt;" in page.columns.value and "<b>who<b>" not in page.columns.value
    with pytest.raises(DataError, match="Give a formula for your data; their columns are y, who<b>, x"):
        playground(data=frame)
    with pytest.raises(DataError, match="no data set 'slepstudy' to play with. Did you mean 'sleepstudy'"):
        playground(data="slepstudy")


def test_choosing_data_brings_a_formula_that_suits():
    page = playground()
    page.controls["data"].value = "rats"
    assert page.values["formula"] == FIRST["rats"][0] and page.values["family"] == "binomial"
    assert page.problem == "" and "batch" in page.columns.value


def test_errors_are_help_and_the_last_good_fit_stays():
    page = playground()
    good = page.result
    for formula, hint in (
        ("Reaction ~ Dais + (1|Subject)", "Dais"),
        ("Reaction ~ Days + (Days|Subject", "^ here"),
        ("", "expected"),
        ("Reaction ~ Days | Subject", "parentheses"),
        ("Reaction ~ Days + (1|Nobody)", "Nobody"),
    ):
        page.controls["formula"].value = formula
        assert hint in page.problem
        assert page.result is good and "last formula that could be fitted" in page.help.value
    page.reset()
    assert page.problem == "" and page.help.value == ""


HOSTILE = [
    "Reaction ~ __import__('os').system('touch /tmp/mlmkit_was_here')",
    "Reaction ~ Days + I(open('/etc/passwd').read())",
    "Reaction ~ Days + C(Days, contr.__class__)",
    "Reaction ~ {print(1)}",
    "Reaction ~ `__import__('os')`",
    "Reaction ~ np.array(Days)",
    "Reaction ~ eval('1')",
    "Reaction ~ Days.__class__",
    "exec('import os') ~ Days",
    "Reaction ~ lambda: 0",
    "Reaction ~ Days if 1 else Days",
    "Reaction ~ <script>alert(1)</script>",
    "Reaction ~ Days[0]",
]


@pytest.mark.parametrize("formula", HOSTILE)
def test_formulas_run_no_code_and_read_no_file(formula, sleep, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("a formula reached the system")

    monkeypatch.setattr("os.system", forbidden)
    with pytest.raises(MlmkitError):
        compute(formula, sleep)


def test_what_was_typed_is_shown_as_text():
    page = playground()
    page.controls["formula"].value = "Reaction ~ <img src=x onerror=alert(1)>"
    assert "&lt;" in page.help.value and "<img" not in page.help.value


@pytest.mark.parametrize(
    ("formula", "bound"),
    [
        ("Reaction ~ " + "*".join(f"C(x{k})" for k in range(8)), "columns"),
        ("Reaction ~ C(id)", "columns"),
        ("Reaction ~ 1 + (C(id)|Subject)", "vary together"),
        ("Reaction ~ 1 + (1|id) + (1|id2)", "group effects"),
        ("Reaction ~ 1 + " + " + ".join(["(1|Subject)"] * 9), "terms"),
        ("Reaction ~ poly(Days, 20) * poly(x1, 20)", "441 columns"),
        ("Reaction ~ 1 + (poly(x1, degree=7)|Subject)", "8 coefficients vary together"),
    ],
)
def test_size_is_bounded_before_anything_is_built(formula, bound, monkeypatch):
    n = 4000
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({f"x{k}": rng.integers(0, 9, n) for k in range(8)})
    frame = frame.assign(
        Reaction=rng.normal(size=n), Days=1.0, Subject=rng.integers(0, 20, n), id=range(n), id2=range(n)
    )
    monkeypatch.setattr("mlmkit.models.build_design", lambda *_, **__: pytest.fail("it was built"))
    with pytest.raises(TooLarge, match=bound):
        compute(formula, frame)


def test_rows_are_bounded():
    frame = pd.DataFrame({"y": np.zeros(MOST_ROWS + 1), "x": 1.0})
    with pytest.raises(TooLarge, match="50001 rows"):
        check_size(parse_formula("y ~ x"), frame)


@pytest.mark.parametrize("formula", [formula for formula, _ in FIRST.values()])
def test_the_courses_models_are_within_the_bounds(formula):
    data = next(data for data, (first, _) in FIRST.items() if first == formula)
    page = playground(data=data)
    assert page.problem == ""


def test_a_fit_that_takes_too_long_is_stopped():
    def endless():
        while True:
            try:  # noqa: SIM105
                time.sleep(0.001)
            except Exception:  # noqa: BLE001, S110  (not even this may swallow it)
                pass

    start = time.monotonic()
    with pytest.raises(TooLong, match="took more than 0.2 s"):
        in_time(endless, 0.2)
    assert time.monotonic() - start < 5


def test_the_watch_does_not_ring_afterwards():
    rung = 0
    for k in range(300):
        try:
            assert in_time(lambda k=k: sum(range(30 * k)), 1e-4) >= 0
        except TooLong:
            rung += 1
        sum(range(2000))  # where a late ring would be heard
    assert rung < 300


def test_results_and_errors_pass_through_the_time_limit():
    assert in_time(lambda: 3, 5) == 3
    with pytest.raises(FormulaError):
        in_time(lambda: parse_formula("y ~"), 5)


def test_observed_values_stand_over_fitted_ones_around_the_diagonal():
    data = load_data("sleepstudy")
    it = compute("Reaction ~ Days + (1|Subject)", data)
    net, ax = panels(canvas((9.6, 4.2)))
    draw((net, ax), it)
    y, fitted = data["Reaction"].to_numpy(), it.fit.fitted.to_numpy()
    dots = next(line for line in ax.lines if line.get_marker() == "o").get_xydata()
    np.testing.assert_allclose(dots, np.column_stack([fitted, y]))
    low, high = min(y.min(), fitted.min()), max(y.max(), fitted.max())
    reach = (low - 0.05 * (high - low), high + 0.05 * (high - low))
    assert ax.get_xlim() == pytest.approx(reach) and ax.get_ylim() == pytest.approx(reach)
    assert ax.get_title() == "Reaction"


def test_of_many_rows_some_are_drawn_from_the_first_to_the_last():
    n = MOST_POINTS * 3
    data = pd.DataFrame({"x": np.arange(n) * 1.0, "y": np.arange(n) * 2.0 + np.arange(n) % 2})
    it = compute("y ~ x", data)
    axes = panels(canvas((9.6, 4.2)))
    draw(axes, it)
    dots = next(line for line in axes[1].lines if line.get_marker() == "o").get_ydata()
    assert len(dots) == MOST_POINTS and (dots[0], dots[-1]) == (data["y"].iloc[0], data["y"].iloc[-1])


@pytest.mark.parametrize(("name", "shown"), [("y" * 29, "y" * 29), ("y" * 30, "y" * 29 + "…")])
def test_a_long_response_is_cut(name, shown):
    response = SimpleNamespace(fit=SimpleNamespace(spec=SimpleNamespace(response=name)))
    assert _response(response) == shown
