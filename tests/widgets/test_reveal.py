"""Predict, then reveal: right answers, honest scores."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from mlmkit.datasets import load_data
from mlmkit.models import glmer, lmer
from mlmkit.widgets import reveal
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

from .artists import has, painted, segments, texts


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


# ---- the picture ---------------------------------------------------------------------------------------------


def test_a_question_shows_the_flat_estimate_with_one_standard_error_and_the_answer_when_revealed():
    it = reveal.compute("mathachieve", 2, 12.0, True, ((0, 0.5), (1, 1.5), (2, 0.1)))
    place, score = painted(reveal, it)
    a, j = it.answers, it.group
    error = 6.25686 / np.sqrt(a.n[j])
    assert a.error[j] == pytest.approx(error, rel=1e-4)
    bars = [line.get_xydata() for line in place.lines if len(line.get_xdata()) == 2]
    assert any(
        np.allclose(bar, [[a.flat[j] - a.error[j], 1.6], [a.flat[j] + a.error[j], 1.6]]) for bar in bars
    )
    low, high = a.flat.min(), a.flat.max()
    assert place.get_xlim() == pytest.approx((low - 0.06 * (high - low), high + 0.06 * (high - low)))
    assert has(segments(place), [[it.truth, 0.8], [it.truth, 1.6]])
    rug = next(line for line in place.lines if len(line.get_xdata()) == len(a.flat))
    assert stats.spearmanr(rug.get_ydata(), a.n).statistic > 0.99, "larger groups lie higher in the rug"
    assert np.ptp(rug.get_ydata()) == pytest.approx(0.2)
    assert [bar.get_height() for bar in score.patches] == [0.5, 1.0, 0.1], "a miss is cut at the whole way"
    assert score.lines[0].get_ydata()[0] == pytest.approx(0.7) and score.get_title() == "mean miss 70%"
    assert score.get_xlim() == (0.4, 8.6)
    names = {text.get_text() for text in place.texts}
    assert {"your guess", "population $b$", "multilevel", f"flat, n = {a.n[j]}"} <= names
    hidden = painted(reveal, reveal.compute("mathachieve", 2, 12.0, False))
    assert "multilevel" not in texts(hidden[0]) and hidden[1].get_title() == "score"


def test_many_misses_widen_the_score():
    many = tuple((k, 0.2) for k in range(11))
    assert painted(reveal, reveal.compute("rats", 0, 0.1, True, many))[1].get_xlim() == (0.4, 11.6)


def test_only_groups_with_a_way_to_go_are_asked():
    it = reveal.answers("sleepstudy")
    far = np.abs(it.flat - it.b) > 0.3 * np.std(it.flat)
    assert set(it.order) == set(np.flatnonzero(far)) and (~far).sum() > 0
    rats = reveal.answers("rats")
    np.testing.assert_allclose(rats.error, np.sqrt(rats.b * (1 - rats.b) / rats.n))


def test_the_guess_begins_at_the_flat_estimate_and_reaches_all_of_them():
    it = reveal.answers("rats")
    traits = reveal._guess_traits("rats", 3)
    assert traits["value"] == it.flat[it.order[3]]
    assert traits["step"] == float(f"{np.ptp(it.flat) / 400:.0e}")
    assert (traits["low"], traits["high"]) == pytest.approx(
        (it.flat.min() - traits["step"], it.flat.max() + traits["step"])
    )
    assert reveal._guess_traits("rats", 3 + len(it.order)) == traits
