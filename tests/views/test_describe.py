"""Models, networks and figures in words."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.views.describe import alt_text, describe
from mlmkit.views.equation import equation
from mlmkit.views.network import network


@pytest.fixture(scope="module")
def sleep():
    return mk.load_data("sleepstudy")


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(list("abcdefghijkl"), 6), "x": rng.normal(size=72)})
    data = data.assign(n=rng.integers(5, 50, 72), z=rng.normal(size=72))
    groups = np.repeat(rng.normal(0, 0.4, 12), 6)
    return data.assign(y=rng.poisson(data.n * np.exp(-1 + 0.3 * data.x + groups)))


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


def test_no_probability_is_told_where_each_row_has_an_offset():
    rats = mk.load_data("rats")
    fit = mk.glm("cbind(m, n - m) ~ 1", rats, family="binomial", offset=np.linspace(-1, 1, len(rats)))
    text = describe(fit)
    assert "the offset, is added to the probability, on the scale of log odds" in text
    assert "The probability is" not in text


@pytest.mark.parametrize(
    ("formula", "offset", "which"),
    [
        ("y ~ x + offset(log(n)) + (1|g)", None, "the offset log(n), is added to the mean, on the log scale"),
        (
            "y ~ x + offset(log(n)) + offset(z) + (1|g)",
            None,
            "the offsets log(n) and z, is added to the mean",
        ),
        ("y ~ x + (1|g)", "z", "the offset, is added to the mean, on the log scale"),
        ("y ~ x + (1|g)", None, ""),
    ],
)
def test_an_offset_is_told_however_it_was_given(counts, formula, offset, which):
    fit = mk.glmer(formula, counts, "poisson", offset=offset)
    assert (which in describe(fit)) if which else ("offset" not in describe(fit))
    assert ("o_i : " in str(equation(fit))) == bool(which)
    told = "An offset known for each row was added to the linear predictor."
    assert (told in describe(fit, style="methods")) == (offset is not None)  # the formula shows others


def test_weighted_rows_are_not_said_to_have_one_residual_sd(counts):
    fit = mk.lmer("z ~ x + (1|g)", counts, weights="n")
    text = describe(fit)
    assert "a row's residual variance is the squared residual SD over its weight" in text
    assert "the same for all rows" not in text
    assert "Rows had prior weights." in describe(fit, style="methods")
    assert r"w_i : \mathrm{weight}" in str(equation(fit))


def test_weights_that_no_equation_shows_are_in_no_list_of_symbols(counts):
    fit = mk.glmer("y ~ x + (1|g)", counts, "poisson", weights="n")
    assert "each counts in the likelihood by its weight" in describe(fit)
    assert "w_i" not in str(equation(fit))


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


def test_results_as_a_paper_would_say_them(sleep):
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", sleep)
    text = describe(fit, style="results", units={"Reaction": "ms", "Days": "day"})
    row = fit.tidy(conf_int=True, ddf="satterthwaite").set_index("term").loc["Days"]
    low, high = (f"{value:.3g}" for value in (row["conf.low"], row["conf.high"]))
    assert f"Days: b = 10.5 ms per day, 95% CI [{low}, {high}], t(17.0) = 6.77, p < .001." in text
    assert "SD of the slope of Days across Subject: 5.92." in text and "Residual SD 25.6 ms." in text


def test_methods_as_a_paper_would_say_them(sleep):
    text = describe(
        mk.lmer(
            "Reaction ~ Days + (Days|Subject)", sleep.assign(Days=sleep["Days"].where(sleep["Days"] != 9))
        ),
        style="methods",
        ddf="kenward-roger",
    )
    for part in (
        "A linear mixed model was fitted to 162 rows of 18 groups of Subject (9 rows each)",
        "18 rows with a missing value left out",
        "by REML: Reaction ~ Days + (Days|Subject).",
        "The intercept and the slope of Days vary across Subject, correlated.",
        "by Kenward and Roger's method",
        "mlmkit ",
    ):
        assert part in text


def test_odds_ratios_are_called_so():
    toenail = pd.read_csv(Path(__file__).parents[1] / "reference" / "own" / "toenail.csv")
    fit = mk.glmer("outcome ~ treatment*month + (1|patient)", toenail)
    text = describe(fit, style="results")
    assert f"month: odds ratio = {np.exp(fit.fixef['month']):.3f}, 95% CI [" in text
    assert "treatment = terbinafine × month: ratio of odds ratios = " in text and "z = " in text
    assert "Laplace's approximation" in describe(fit, style="methods")


def test_a_paper_needs_a_fit_and_a_known_style(sleep):
    with pytest.raises(mk.DataError, match="describes a fit"):
        describe("Reaction ~ Days + (Days|Subject)", sleep, style="results")
    with pytest.raises(mk.DataError, match="style='paper'"):
        describe("Reaction ~ Days + (Days|Subject)", sleep, style="paper")


def test_predictors_that_do_the_same_share_a_sentence():
    data = pd.DataFrame({"g": np.repeat(np.arange(8), 3), "t": np.tile([0.0, 1, 2], 8)})
    data = data.assign(a=data["g"] % 2.0, b=data["g"] // 4.0, y=np.arange(24.0) ** 0.5)
    text = describe("y ~ a + b + t + (t|g)", data)
    assert text.count("the same for all rows of a group") == 1
    assert (
        "a and b are the same for all rows of a group of g and shift the mean of the groups' intercept."
        in text
    )


def test_of_many_panels_the_first_is_told_and_the_others_named():
    figure, axes = plt.subplots(1, 6)
    for k, ax in enumerate(axes):
        ax.plot([0, 1], [k, k + 1])
        ax.set_title(f"panel {k}")
    text = alt_text(figure)
    assert "A figure of 6 panels." in text and text.count("1 line") == 1
    plt.close(figure)
    assert all(text.count(f"panel {k}") == 1 for k in range(1, 6))


def test_a_panel_that_shows_nothing_is_not_told():
    figure, (told, hidden, empty) = plt.subplots(1, 3)
    told.plot([0, 1], [2, 3])
    hidden.plot([0, 1], [2, 3])
    hidden.set_visible(False)
    text = alt_text(figure)
    assert "panels" not in text and text.count("1 line") == 1 and "nothing drawn" not in text
    assert empty.get_visible()
    plt.close(figure)


def test_estimates_in_a_large_unit_are_not_said_to_be_0():
    data = mk.load_data("sleepstudy")
    kiloseconds = data.assign(Reaction=data["Reaction"] * 1e-6)
    text = str(mk.describe(mk.lmer("Reaction ~ Days + (Days|Subject)", kiloseconds)))
    assert "slope of Days 0.00001047 (SE 0.000001546)" in text and "The residual SD is 0.00002559" in text
