"""Dropout: what is biased under which mechanism, and that the truth is the truth."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from mlmkit.widgets import dropout
from mlmkit.widgets.dropout import (
    MECHANISMS,
    MONTHS,
    WAYS,
    Dropout,
    _estimates,
    _study,
    compute,
    describe,
    draw,
    explore_dropout,
    panels,
)

from .artists import painted


def biases(mechanism: str) -> dict[str, float]:
    """Over 60 studies of 100 people."""
    found = [_estimates(*_study(mechanism, 1.5, 100, 1000 + k)) for k in range(60)]
    return dict(zip(WAYS, np.nanmean(found, axis=0) - 13.4, strict=True))


def test_by_chance_only_the_last_value_carried_forward_is_off():
    off = biases("chance")
    assert off["last carried on"] > 2.5
    assert all(abs(off[way]) < 1.0 for way in WAYS if way != "last carried on")


def test_by_the_last_score_the_multilevel_estimate_survives():
    off = biases("last")
    assert abs(off["multilevel"]) < 0.8
    assert off["available"] < -3 and off["completers"] < -3 and off["last carried on"] > 2


@pytest.mark.parametrize("mechanism", ["this", "slope"])
def test_where_the_missing_score_itself_decides_nothing_is_right(mechanism):
    off = biases(mechanism)
    assert abs(off["multilevel"]) > 1 and abs(off["completers"]) > 2


def test_who_leaves_does_not_come_back_and_everybody_starts():
    it = compute("last", 2.0, 80)
    assert it.seen[:, 0].all() and np.all(np.diff(it.seen.astype(int), axis=1) <= 0)
    assert it.truth == pytest.approx(13.4) and len(MONTHS) == it.y.shape[1]
    assert it.kept == pytest.approx(it.seen.mean())


def test_the_sentence_names_the_mechanism_and_each_estimate():
    it = compute("this", 1.0, 40)
    assert isinstance(it, Dropout)
    text = describe(it)
    assert "by this score (MNAR)" in text and all(way in text for way in WAYS)


def test_who_leaves_by_a_slope_leaves_by_its_place_among_the_slopes():
    """At the first visit a share E[1/(1 + exp(1.4 − 4 z))] leaves, z a slope in SDs."""
    left = [1 - _study("slope", 4.0, 200, seed)[1][:, 1].mean() for seed in range(60)]
    z = np.linspace(-8, 8, 4001)
    expected = np.trapezoid(stats.norm.pdf(z) / (1 + np.exp(1.4 - 4 * z)), z)
    assert np.mean(left) == pytest.approx(expected, abs=0.01)


def test_the_line_called_truth_is_straight_and_ends_at_the_mean_that_the_ways_are_judged_by():
    """As `biases` measures it; where nobody has left yet, the mean that is seen is the mean of all."""
    it, axes = compute(), panels(plt.Figure())
    draw(axes, it)
    drawn = {line.get_label(): line.get_xydata() for line in axes[0].lines}
    truth, seen = drawn["truth"], drawn["mean seen"]
    slopes = np.diff(truth[:, 1]) / np.diff(truth[:, 0])
    np.testing.assert_allclose(slopes, slopes[0])
    assert truth[-1, 1] == pytest.approx(13.4)
    np.testing.assert_array_equal(truth[:, 0], MONTHS)
    assert seen[0, 1] == pytest.approx(it.y[:, 0].mean())


def test_at_strength_0_every_mechanism_is_chance():
    chance, *others = (compute(mechanism, 0.0, 40) for mechanism in MECHANISMS.values())
    assert len(others) == 3
    for it in others:
        np.testing.assert_array_equal(it.seen, chance.seen)
        np.testing.assert_allclose(it.estimates, chance.estimates)
        assert "does not matter at strength 0" in describe(it)
    assert "does not matter" not in describe(chance) + describe(compute("last", 1.5, 40))


def test_the_study_that_is_drawn_first_would_show_the_truth_if_nobody_left():
    """What is off on the picture that everybody meets is then off because of who left."""
    for k in range(12):
        y, _ = _study("chance", 0.0, 60, k)
        assert abs(y.mean(axis=0)[-1] - 13.4) < 8
    means = np.mean([_study("chance", 0.0, 60, k)[0].mean(axis=0) for k in range(12)], axis=0)
    assert means[-1] == pytest.approx(13.4, abs=0.6)


@pytest.mark.parametrize("mechanism", list(MECHANISMS.values()))
def test_every_estimate_is_inside_its_panel(mechanism):
    for strength in (0.0, 1.5, 4.0):
        it, axes = compute(mechanism, strength), panels(plt.Figure())
        draw(axes, it)
        low, high = axes[1].get_xlim()
        means = np.nanmean(it.estimates, axis=0)
        assert np.all((low < means) & (means < high))


def test_by_chance_the_strength_is_said_to_matter_nothing_and_cannot_be_moved():
    weak, strong = (compute("chance", strength, 40) for strength in (0.0, 3.0))
    np.testing.assert_array_equal(weak.seen, strong.seen)
    assert "by chance (MCAR), at any strength;" in describe(strong) and describe(weak) == describe(strong)
    explorer = explore_dropout("MCAR")
    seen = [explorer.controls["strength"].disabled]
    for preset in ("MAR", "MCAR", "MNAR, this score"):
        explorer.use(preset)
        seen.append(explorer.controls["strength"].disabled)
    explorer.controls["mechanism"].value = "chance"
    assert [*seen, explorer.controls["strength"].disabled] == [True, False, True, False, True]


# ---- the picture ---------------------------------------------------------------------------------------------


def test_a_life_is_drawn_in_two_parts_that_meet_where_it_was_last_seen():
    it = dropout.compute(J=60)
    people, ways = painted(dropout, it)
    dotted = [line for line in people.lines if line.get_linestyle() == ":"]
    assert len(dotted) == 40
    for k in range(40):
        lost, kept, end = (line.get_xydata() for line in people.lines[3 * k : 3 * k + 3])
        n = it.seen[k].sum()
        np.testing.assert_allclose(kept, np.column_stack([dropout.MONTHS, it.y[k]])[:n])
        np.testing.assert_allclose(lost, np.column_stack([dropout.MONTHS, it.y[k]])[n - 1 :])
        np.testing.assert_allclose(end, kept[-1:])
    for k, row in enumerate((4, 3, 2, 1, 0)):
        own = it.estimates[:, k]
        others, first, mean = (line.get_xydata() for line in ways.lines[1 + 3 * k : 4 + 3 * k])
        np.testing.assert_allclose(others[:, 0], own[1:])
        assert others[[0, -1], 1] == pytest.approx([row - 0.22, row + 0.22])
        np.testing.assert_allclose(first, [[own[0], row]])
        np.testing.assert_allclose(mean, [[own.mean(), row - 0.35], [own.mean(), row + 0.35]])
    assert [label.get_text() for label in ways.get_yticklabels()] == list(dropout.WAYS)
    assert ways.lines[0].get_xdata()[0] == pytest.approx(23 - 1.2 * 8)
    assert ways.get_title() == f"{it.seen.mean():.0%} of scores seen"


def test_words_say_how_far_off_each_way_is():
    y, seen = np.zeros((2, 5)), np.ones((2, 5), dtype=bool)
    seen[1, 3:] = False
    it = dropout.Dropout(y, seen, np.array([[14.4, 12.4, 15.4, 13.4, 13.9]] * 3), "last", 1.5)
    assert "80% of the scores are seen" in dropout.describe(it)
    assert "available 1.0, completers −1.0, last carried on 2.0, multilevel 0" in dropout.describe(it)


def test_within_persons_the_end_is_reached_from_everybodys_start():
    """Of persons on parallel lines, those who left early count for the start and for the slope."""
    month = np.concatenate([MONTHS, MONTHS[:2], MONTHS[:3]]).astype(float)
    person = np.repeat([0, 1, 2], [len(MONTHS), 2, 3])
    y = np.array([5.0, 8.0, 2.0])[person] - 1.5 * month
    assert dropout._within(person, month, y) == pytest.approx(5.0 - 1.5 * MONTHS[-1])
