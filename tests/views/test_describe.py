"""Models, networks and figures in words."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

import mlmkit as mk
from mlmkit.views.describe import alt_text, describe
from mlmkit.views.network import network


@pytest.fixture(scope="module")
def sleep():
    return mk.load_data("sleepstudy")


def test_a_fit_in_words_with_units(sleep):
    text = describe(
        mk.lmer("Reaction ~ Days + (Days|Subject)", sleep), units={"Reaction": "ms", "Days": "day"}
    )
    for part in (
        "Each of the 18 groups of Subject has its own intercept and slope of Days, drawn together",
        "intercept 251.4 ms (SE 6.825) and slope of Days 10.47 ms per day (SE 1.546)",
        "SD across Subject is: intercept 24.74 ms and slope of Days 5.922 ms per day; their correlation is 0.07",
        "The residual SD is 25.59 ms.",
    ):
        assert part in text


def test_without_a_fit_there_are_no_numbers_of_it(sleep):
    text = describe("Reaction ~ Days + (Days||Subject)", sleep)
    assert "independently of one another" in text and "SD across" not in text and "180 rows" in text


def test_nested_crossed_and_flat():
    classroom = mk.load_data("classroom")
    assert "Each group of classid lies within one group of schoolid." in describe(
        "mathscore ~ 1 + (1|classid) + (1|schoolid)", classroom
    )
    assert "participant and spelling cross" in describe(
        "rt ~ 1 + (1|participant) + (1|spelling)", mk.load_data("blp")
    )
    assert "nothing is pooled" in describe(
        "Reaction ~ 0 + Subject + Subject:Days", mk.load_data("sleepstudy")
    )


def test_predictors_of_groups_and_why_they_have_no_varying_slope():
    data = mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"), on="school")
    cross = describe("mathach ~ ses * himinty + (ses|school)", data)
    assert (
        "himinty is the same for all rows of a group of school and shifts the mean of the groups' intercept"
        " and slope of ses" in cross
    )
    assert "no slope within groups" in describe("mathach ~ pracad + (pracad|school)", data)


def test_a_binomial_fit_is_read_on_the_scale_of_probability_too():
    fit = mk.glm("cbind(m, n - m) ~ 1", mk.load_data("rats").iloc[[41]], family="binomial")
    assert "The probability is 0.154." in describe(fit)


def test_a_singular_fit_is_called_so():
    with pytest.warns(mk.FitWarning):
        fit = mk.lmer("mathscore ~ ses + (ses|classid) + (ses|schoolid)", mk.load_data("classroom"))
    assert "The fit is singular" in describe(fit)


def test_a_network_in_words(sleep):
    text = network("Reaction ~ Days + (Days|Subject)", sleep).alt_text
    assert "β_j depends on b and Σ." in text
    assert "y_i (Reaction) depends on β_j, σ and x_i (Days)." in text
    assert "repeats β_j for j = 1 … J (Subject, J = 18)" in text
    crossed = network("rt ~ 1 + (1|participant) + (1|spelling)", mk.load_data("blp")).alt_text
    assert "It overlaps the plate of k." in crossed
    unrolled = network("Reaction ~ Days + (Days|Subject)", sleep, style="unrolled").alt_text
    assert "Dots stand for" in unrolled


def test_every_node_is_named_in_the_alt_text(sleep):
    for formula in ("Reaction ~ Days + (Days|Subject)", "Reaction ~ Days + (1|Subject)"):
        net = network(formula, sleep)
        assert all(node.name in net.alt_text for node in net.nodes)


def test_alt_text_of_a_figure():
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([0, 9], [200, 400], label="flat")
    left.scatter([0, 1, 2], [210, 220, 230])
    left.set(xlabel="Days", ylabel="Reaction (ms)", title="308")
    left.legend()
    right.bar([0, 1], [1, 2])
    text = alt_text(figure, "Reaction slows from day to day.")
    plt.close(figure)
    assert text.startswith("Reaction slows from day to day. A figure of 2 panels. 308: Reaction (ms) (")
    assert "3 points and 1 line" in text and "Key: flat." in text and "2 filled shapes" in text
