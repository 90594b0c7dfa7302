"""Predict, then reveal: right answers, honest scores."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.special import expit

from mlmkit.datasets import load_data
from mlmkit.models import glmer, lmer
from mlmkit.widgets.reveal import (
    MODELS,
    _half_way,
    answers,
    compute,
    describe,
    draw,
    explore_reveal,
    panels,
)


@pytest.mark.parametrize("data", MODELS)
def test_the_answer_is_the_fit(data):
    formula, group, *_ = MODELS[data]
    fit = (glmer if data == "rats" else lmer)(formula, load_data(data))
    coef = fit.coef[group]["Intercept"]
    expected = expit(coef) if data == "rats" else coef
    np.testing.assert_allclose(answers(data).multilevel, expected, rtol=1e-6)
    assert answers(data).names == tuple(map(str, coef.index))


def test_rats_flat_estimates_belong_to_their_batches():
    rats, it = load_data("rats"), answers("rats")
    k = it.names.index("42")
    assert (it.n[k], it.flat[k]) == (13, pytest.approx(2 / 13))
    assert sorted(it.n) == sorted(rats.n)


def test_a_right_guess_misses_by_nothing_and_the_flat_one_by_the_shrinkage():
    it = compute("sleepstudy", 0, 0.0, True)
    assert compute("sleepstudy", 0, it.truth, True).miss == pytest.approx(0)
    a, j = it.answers, it.group
    shrinkage = (a.flat[j] - it.truth) / (a.flat[j] - a.b)
    assert compute("sleepstudy", 0, a.flat[j], True).miss == pytest.approx(shrinkage)


def test_turns_ask_every_group_that_has_a_way_to_go():
    it = answers("mathachieve")
    asked = {compute("mathachieve", turn, 0.0, False).group for turn in range(len(it.order))}
    assert asked == set(it.order) and len(asked) > 100
    assert compute("mathachieve", len(it.order), 0.0, False).group == it.order[0]


def test_the_answer_is_not_said_before_it_is_revealed():
    it = compute("alcohol", 3, 5.0, False)
    assert "press “reveal”" in describe(it) and "multilevel estimate is" not in describe(it)
    assert "multilevel estimate is" in describe(compute("alcohol", 3, 5.0, True))


def test_a_game():
    game = explore_reveal()
    game.set(guess=9.0, revealed=True)
    assert list(dict(game.values["misses"])) == [0]
    game.controls["turn"].click()
    assert not game.values["revealed"]
    assert game.values["guess"] == pytest.approx(game.result.answers.flat[game.result.group], abs=0.1)
    for _ in range(2):  # revealing again counts no second time
        game.set(revealed=True)
        game.set(revealed=False)
    game.controls["turn"].click()  # a group passed over
    game.controls["turn"].click()
    game.set(revealed=True)
    assert list(dict(game.values["misses"])) == [0, 1, 3]
    assert all(miss >= 0 for _, miss in game.values["misses"])
    game.use("rats")
    assert game.values["misses"] == () and game.values["turn"] == 0
    assert game.controls["guess"].min < 0.05 < game.controls["guess"].max < 0.5


@pytest.mark.parametrize("data", MODELS)
def test_on_paper_each_guess_is_as_far_from_the_flat_estimate_as_from_the_mean(data):
    it = answers(data)
    for turn in range(4):
        setting = _half_way(data, turn)
        j, guess = it.order[turn], setting["guess"]
        assert guess - it.flat[j] == pytest.approx(it.b - guess)
        assert [k for k, _ in setting["misses"]] == list(range(turn + 1))
        assert setting["misses"][-1][1] == pytest.approx(
            abs(guess - it.multilevel[j]) / abs(it.flat[j] - it.b)
        )


@pytest.mark.parametrize("data", MODELS)
@pytest.mark.parametrize("end", ["lowest", "highest"])
def test_the_label_of_a_guess_at_an_end_is_not_cut(data, end):
    values = answers(data).flat
    guess = float(values.min() if end == "lowest" else values.max())
    figure = plt.figure(figsize=(10, 4))
    axes = panels(figure)
    draw(axes, compute(data, 0, guess, False))
    figure.canvas.draw()
    inside = axes[0].get_window_extent()
    label = next(text for text in axes[0].texts if text.get_text() == "your guess").get_window_extent()
    plt.close(figure)
    assert inside.x0 <= label.x0 and label.x1 <= inside.x1
