"""What every exploration offers: the ranges of its sliders, its presets, and the settings of its film."""

from __future__ import annotations

import re
import sys
from math import inf

import numpy as np
import pytest

from mlmkit import widgets
from mlmkit.widgets.grids import Part, across, every
from mlmkit.widgets.paint import stepped

#: Sliders: where they begin, their ends and their steps.
SLIDERS = {
    "explore_clustering": {"icc": (0.1, 0, 0.8, 0.01), "n": (20, 2, 100, 1), "J": (20, 4, 60, 2)},
    "explore_design": {"each": (2, 1, 4, 1)},
    "explore_dropout": {"strength": (1.5, 0, 3, 0.1), "J": (60, 20, 200, 1)},
    "explore_future_batch": {"b": (-1.94, -5, 3, 0.01), "tau": (0.66, 0.02, 3, 0.01)},
    "explore_icc": {
        "tau": (2, 0, 10, 0.01), "sigma": (2, 0, 10, 0.01), "J": (12, 2, 30, 1), "n": (10, 2, 40, 1),
    },
    "explore_likelihood": {"J": (18, 3, 18, 1), "alike": (0, 0, 1, 0.01)},
    "explore_loss": {
        "tau": (1, 0, 4, 0.05), "sigma": (2, 0.1, 6, 0.1), "J": (12, 3, 40, 1), "n": (5, 2, 40, 1),
        "apart": (0, 0, 10, 0.1),
    },
    "explore_odds": {
        "tau": (4, 0, 6, 0.1), "b0": (-1.6, -5, 3, 0.1), "slope": (-0.39, -1, 0.5, 0.01),
        "effect": (-1.8, -3, 3, 0.1), "month": (6, 0, 12, 0.5),
    },
    "explore_plan": {
        "J": (18, 4, 100, 1), "n": (10, 2, 100, 1), "effect": (4, 0, 12, 0.1), "tau": (5.9, 0, 15, 0.1),
        "sigma": (25.6, 1, 60, 0.1), "group_cost": (10, 0, 100, 1),
    },
    "explore_plane": {
        "tau0": (24.7, 0.1, 80, 0.1), "tau1": (5.9, 0.1, 20, 0.1), "rho": (0.07, -0.99, 0.99, 0.01),
        "sigma": (25.6, 1, 80, 0.1),
    },
    "explore_predictor": {
        "b1": (2, 0, 5, 0.01), "tau": (1.5, 0, 5, 0.01), "sigma": (6, 0.1, 10, 0.1), "J": (60, 4, 200, 1),
        "n": (20, 2, 200, 1),
    },
    "explore_prior": {"centre": (0, -20, 30, 0.5), "eta": (1, 0.5, 12, 0.1)},
    "explore_weight": {
        "n": (47, 1, 70, 1), "mean": (16.52, 4, 20, 0.01), "tau": (2.93, 0, 9, 0.01), "sigma": (6.26, 0, 19, 0.01),
    },
}  # fmt: skip

#: The numbers that presets set; what they set beside them is held with the fits that it comes from.
PRESETS = {
    "explore_design": {
        "nested": {"cells": ((0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)), "each": 2, "ids": "each its own"},
        "relative ids": {"ids": "from 1 in each", "literal": False}, "mixed up": {"ids": "from 1 in each", "literal": True},
        "crossed": {"cells": tuple((k, j) for k in range(4) for j in range(3)), "nouns": "words and people"},
        "crossed in part": {"cells": ((0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (2, 2), (3, 1), (3, 2))},
        "one class moved": {"cells": ((0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (1, 1))},
    },
    "explore_clustering": {
        "rats": {"icc": 0.05, "n": 24, "J": 60}, "sleep": {"icc": 0.58, "n": 10, "J": 18},
        "small ICC": {"icc": 0.01, "n": 100, "J": 20}, "independent": {"icc": 0, "n": 20, "J": 20},
    },
    "explore_dropout": {
        "MCAR": {"mechanism": "chance", "strength": 1.5}, "MAR": {"mechanism": "last", "strength": 1.5},
        "MNAR, this score": {"mechanism": "this", "strength": 1.5},
        "MNAR, own slope": {"mechanism": "slope", "strength": 1.5},
    },
    "explore_future_batch": {
        "rats": {"b": -1.94, "tau": 0.66}, "symmetric": {"b": 0, "tau": 0.66}, "wide": {"b": -1.94, "tau": 2},
        "rare": {"b": -4, "tau": 1},
    },
    "explore_icc": {
        "alcohol": {"tau": 4.71, "sigma": 1.05, "J": 20, "n": 2}, "sleepstudy": {"tau": 3.71, "sigma": 3.1, "n": 10},
        "mathachieve": {"tau": 2.93, "sigma": 6.26, "n": 40}, "rats, latent": {"tau": 0.66, "sigma": 1.81, "n": 20},
        "rats, response": {"tau": 0.81, "sigma": 3.41, "n": 20, "sample": 0},
    },
    "explore_likelihood": {
        "sleepstudy": {"data": "sleepstudy", "J": 18, "alike": 0}, "five people": {"J": 5, "alike": 0},
        "schools": {"data": "mathachieve", "J": 18, "alike": 0}, "alike": {"J": 18, "alike": 0.75},
        "on the boundary": {"data": "sleepstudy", "J": 6, "alike": 0.85},
    },
    "explore_loss": {
        "typical": {"J": 12, "n": 5, "tau": 1, "sigma": 2, "apart": 0}, "an outlier": {"tau": 1, "apart": 6},
        "three groups": {"J": 3, "n": 5}, "large groups": {"J": 12, "n": 40, "tau": 2},
        "no difference": {"tau": 0, "sigma": 2},
    },
    "explore_odds": {
        "toenails": {"tau": 4, "b0": -1.6, "slope": -0.39, "effect": -1.8, "month": 12, "link": "logit"},
        "patients alike": {"tau": 0, "month": 12}, "half as different": {"tau": 2, "month": 12},
        "at the start": {"tau": 4, "month": 0},
    },
    "explore_plan": {
        "sleep": {"design": "days", "J": 18, "n": 10, "effect": 4, "tau": 5.9, "sigma": 25.6, "group_cost": 10},
        "schools": {"design": "arms", "J": 36, "n": 10, "effect": 2, "tau": 2.9, "sigma": 6.3, "group_cost": 30},
        "few schools": {"J": 12, "n": 30, "effect": 2}, "too small": {"design": "days", "J": 6, "effect": 2},
    },
    "explore_plane": {
        "fitted": {"tau0": 24.7, "tau1": 5.9, "rho": 0.07, "sigma": 25.6}, "strong correlation": {"rho": 0.9},
        "slopes alike": {"tau1": 1}, "nearly flat": {"tau0": 80, "tau1": 20}, "nearly pooled": {"tau0": 4, "tau1": 1},
    },
    "explore_pooling": {
        "complete pooling": {"multiple": 0}, "partial pooling": {"multiple": 1}, "no pooling": {"multiple": inf},
    },
    "explore_predictor": {
        "pracad": {"b1": 2.11, "tau": 2.06, "sigma": 6.3, "J": 160, "n": 45}, "meanses": {"b1": 2.43, "tau": 1.62},
        "himinty": {"b1": 1.18, "tau": 2.69}, "size": {"b1": 0.32, "tau": 2.93, "sample": 0},
    },
    "explore_weight": {"one noisy observation": {"data": "mathachieve", "n": 1}},
}  # fmt: skip

#: What films move: how many values, the first, the second and the last.
FILMS = {
    "explore_clustering": {"icc": (9, 0, 0.01, 0.6), "n": (6, 2, 5, 100), "J": (3, 8, 20, 60)},
    "explore_dropout": {"mechanism": (4, "chance", "last", "slope"), "strength": (6, 0, 0.5, 3), "J": (2, 40, 100, 100)},
    "explore_future_batch": {"b": (33, -5, -4.75, 3), "tau": (21, 0.05, 0.1975, 3)},
    "explore_icc": {"tau": (11, 0, 0.5, 5), "sigma": (11, 0, 0.5, 5), "n": (2, 2, 10, 10), "sample": (4, 0, 1, 3)},
    "explore_likelihood": {"J": (16, 3, 4, 18), "alike": (11, 0, 0.1, 1)},
    "explore_loss": {"tau": (9, 0, 0.5, 4), "sigma": (10, 0.5, 1, 5), "apart": (3, 0, 3, 6)},
    "explore_odds": {"tau": (13, 0, 0.5, 6), "effect": (4, -3, -1.8, 1), "month": (7, 0, 2, 12)},
    "explore_plan": {"J": (6, 6, 10, 100), "n": (4, 4, 10, 50), "effect": (3, 2, 4, 8), "tau": (4, 0, 3, 9)},
    "explore_plane": {"tau0": (7, 1, 11, 61), "tau1": (8, 0.5, 2.5, 14.5), "rho": (7, -0.9, -0.6, 0.9)},
    "explore_pooling": {"data": (3, "rats", "alcohol", "sleepstudy"), "multiple": (35, 0, 0.05, inf)},
    "explore_predictor": {
        "b1": (5, 0, 1, 4), "tau": (9, 0, 0.5, 4), "sample": (3, 0, 1, 2), "far_out": (2, False, True, True),
        "reversal": (2, False, True, True),
    },
    "explore_reveal": {
        "data": (4, "mathachieve", "alcohol", "rats"), "turn": (6, 0, 1, 5), "guess": (11, Part(0.0), Part(0.1), Part(1.0)),
        "revealed": (2, False, True, True),
    },
    "explore_weight": {
        "data": (3, "alcohol", "sleepstudy", "mathachieve"), "n": (10, 1, 2, 70),
        "tau": (13, Part(0.0), Part(1 / 12), Part(1.0)),
    },
}  # fmt: skip


def exploration(name: str):
    return sys.modules[getattr(widgets, name).__module__].EXPLORATION


@pytest.mark.parametrize("name", SLIDERS)
def test_sliders_have_their_ranges(name):
    controls = exploration(name).controls()
    sliders = {one: (w.value, w.min, w.max, w.step) for one, w in controls.items() if w.has_trait("min")}
    assert sliders == SLIDERS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_set_their_numbers(name):
    presets = exploration(name).presets()
    assert {p: {one: presets[p].values[one] for one in set_} for p, set_ in PRESETS[name].items()} == PRESETS[
        name
    ]


@pytest.mark.parametrize("name", FILMS)
def test_films_move_over_their_grids(name):
    film = {one: list(values) for one, values in exploration(name).film().items()}
    assert {one: (len(v), v[0], v[1], v[-1]) for one, v in film.items()} == FILMS[name]


def test_every_goes_to_the_end_and_across_over_the_whole_range():
    assert every(0, 1, 0.25) == [0, 0.25, 0.5, 0.75, 1] and every(-1, 2, 2) == [-1, 1]
    assert every(0.1, 0.3, 0.1) == [0.1, 0.2, 0.3]
    control = exploration("explore_plane").controls()["rho"]
    np.testing.assert_allclose([part.of(control) for part in across(3)], [-0.99, 0, 0.99], atol=1e-12)


@pytest.mark.parametrize(
    ("reach", "step"),
    [
        (0.0, 1.0),
        (-2.0, 1.0),
        (1.0, 1.0),
        (1.01, 1.5),
        (1.7, 2.0),
        (2.3, 3.0),
        (4.0, 5.0),
        (0.061, 0.08),
        (90.0, 100.0),
    ],
)
def test_a_scale_goes_up_in_steps(reach, step):
    assert stepped(reach) == pytest.approx(step)


STILLS = [name for name in widgets.__all__ if name.startswith("show_") and name != "show_prior"]
SYMBOLS = {
    "τ": "tau", "σ": "sigma", "b": "b", "n": "n", "b₁": "b1", "ρ": "rho", "τ₀": "tau0", "τ₁": "tau1", "J": "J",
}  # fmt: skip


def on_paper(name: str, monkeypatch) -> dict[str, dict]:
    """The settings that are drawn side by side, by their captions."""
    module, settings = sys.modules[getattr(widgets, name).__module__], {}
    monkeypatch.setattr(module, "stills", lambda exploration, given: settings.update(given))
    getattr(widgets, name)()
    return settings


@pytest.mark.parametrize("name", STILLS)
def test_captions_on_paper_are_what_is_set(name, monkeypatch):
    settings = on_paper(name, monkeypatch)
    assert len(settings) == 4
    for caption, values in settings.items():
        for symbol, text in re.findall(r"([A-Za-zτσρ][₀₁]?) = ([−\d.]+\d|\d)", caption):
            if name != "show_pooling":
                assert values[SYMBOLS[symbol]] == pytest.approx(float(text.replace("−", "-"))), caption


def test_other_captions_on_paper(monkeypatch):
    assert [one["n"] for one in on_paper("show_weight", monkeypatch).values()] == [1, 5, 20, 60]
    assert {one["group"] for one in on_paper("show_weight", monkeypatch).values()} == {"s2336"}
    assert [one["multiple"] for one in on_paper("show_pooling", monkeypatch).values()] == [
        0.0, pytest.approx(0.325172), 1.0, inf,
    ]  # fmt: skip
    people = on_paper("show_likelihood", monkeypatch).values()
    assert [(one["J"], one["alike"]) for one in people] == [(18, 0), (5, 0), (18, 0.75), (6, 0.85)]
    assert [one["J"] for one in on_paper("show_loss", monkeypatch).values()] == [12, 12, 3, 12]
    assert on_paper("show_predictor", monkeypatch)["tells half, in ten groups"]["J"] == 10
