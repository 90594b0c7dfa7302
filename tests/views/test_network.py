"""The specification of the networks: nodes, arrows, plates and who is in them. Pixels are not tested."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlmkit.datasets import load_data
from mlmkit.views.boxes import RADIUS, axis, distance, node_box
from mlmkit.views.draw import figure_for
from mlmkit.views.equation import equation
from mlmkit.views.model import DiagramError
from mlmkit.views.network import Network, network

REFERENCE = Path(__file__).parents[1] / "reference"

# Arrows as "child < parents", plates as "index in those around x those it crosses: what stands in it alone".
EXPECTED = {
    "rats": ("β_j < b τ; m_j < β_j n_j", "j: β_j m_j n_j"),
    "alcohol": ("β_j < b τ; y_i < β_j σ", "j: β_j; i in j: y_i"),
    "sleep_full": ("β_j < b Σ; y_i < β_j σ x_i", "j: β_j; i in j: y_i x_i"),
    "sleep_full_ml": ("β_j < b Σ; y_i < β_j σ x_i", "j: β_j; i in j: y_i x_i"),
    "sleep_vi": ("β_j0 < b_0 τ_0; y_i < β_j0 b_1 σ x_i", "j: β_j0; i in j: y_i x_i"),
    "sleep_vs": ("β_j1 < b_1 τ_1; y_i < β_j1 b_0 σ x_i", "j: β_j1; i in j: y_i x_i"),
    "sleep_diag": ("β_j0 < b_0 τ_0; β_j1 < b_1 τ_1; y_i < β_j0 β_j1 σ x_i", "j: β_j0 β_j1; i in j: y_i x_i"),
    "classroom_full": (
        "β_k < b Σ_s; γ_j < β_k Σ_c; y_i < γ_j σ x_i",
        "k: β_k; j in k: γ_j; i in k j: y_i x_i",
    ),
    "classroom_diag": (
        "β_k < b Σ_s; γ_j0 < β_k τ_c0; γ_j1 < β_k τ_c1; y_i < γ_j0 γ_j1 σ x_i",
        "k: β_k; j in k: γ_j0 γ_j1; i in k j: y_i x_i",
    ),
    "classroom_nested": (
        "β_k0 < b_0 τ_s0; γ_j0 < β_k0 τ_c0; y_i < γ_j0 b_1 σ x_i",
        "k: β_k0; j in k: γ_j0; i in k j: y_i x_i",
    ),
    "blp": ("ζ_j < τ_p; ξ_k < τ_s; y_i < ζ_j ξ_k b σ", "j x k: ζ_j; k x j: ξ_k; i in j k: y_i"),
    "math_pracad": ("β_j0 < b_0, b_1 τ_0 z_j; y_i < β_j0 σ", "j: β_j0 z_j; i in j: y_i"),
    "math_himinty": ("β_j < b Σ z_j; y_i < β_j σ x_i", "j: β_j z_j; i in j: y_i x_i"),
    "dyestuff": ("β_j < b τ; y_i < β_j σ", "j: β_j; i in j: y_i"),
    "penicillin": ("ζ_j < τ_p; ξ_k < τ_s; y_i < ζ_j ξ_k b σ", "j x k: ζ_j; k x j: ξ_k; i in j k: y_i"),
    "pastes": ("β_k < b τ_a; γ_j < β_k τ_c; y_i < γ_j σ", "k: β_k; j in k: γ_j; i in k j: y_i"),
    "cbpp": ("β_j0 < b_0 τ_0; m_i < β_j0 b_1, b_2, b_3 x_i n_i", "j: β_j0; i in j: m_i x_i n_i"),
}
# Three ways to write one model must give one network.
EXPECTED["classroom_nested2"] = EXPECTED["classroom_nested3"] = EXPECTED["classroom_nested"]
EXPECTED["cbpp_agq9"] = EXPECTED["cbpp"]

# formula, family, arrows, plates: without data
WITHOUT_DATA = [
    ("y ~ x", "gaussian", "y_i < β σ x_i", "i: y_i x_i"),
    ("y ~ 1", "gaussian", "y_i < β σ", "i: y_i"),
    ("y ~ 0 + x", "gaussian", "y_i < β_j σ", "j: β_j; i in j: y_i"),
    ("y ~ a + b", "poisson", "y_i < β x_i1 x_i2", "i: y_i x_i1 x_i2"),
    ("cbind(m, f) ~ 1", "binomial", "m_i < β n_i", "i: m_i n_i"),
    ("cbind(m, n - m) ~ 1 + (1|batch)", "binomial", "β_j < b τ; m_i < β_j n_i", "j: β_j; i in j: m_i n_i"),
    ("y ~ x + (x|g)", "binomial", "β_j < b Σ; y_i < β_j x_i", "j: β_j; i in j: y_i x_i"),
    ("y ~ x + (x|g)", "binomial(probit)", "β_j < b Σ; y_i < β_j x_i", "j: β_j; i in j: y_i x_i"),
    ("y ~ x + (1|g)", "gamma(log)", "β_j0 < b_0 τ_0; y_i < β_j0 b_1 σ x_i", "j: β_j0; i in j: y_i x_i"),
    ("y ~ 1 + (x|g)", "gaussian", "β_j < b Σ; y_i < β_j σ x_i", "j: β_j; i in j: y_i x_i"),
    ("y ~ 0 + x + (0 + x|g)", "gaussian", "β_j < b τ; y_i < β_j σ x_i", "j: β_j; i in j: y_i x_i"),
    (
        "y ~ x + (1|g) + (0 + x|g)",
        "gaussian",
        "β_j0 < b_0 τ_0; β_j1 < b_1 τ_1; y_i < β_j0 β_j1 σ x_i",
        "j: β_j0 β_j1; i in j: y_i x_i",
    ),
    ("y ~ 0 + g + g:x", "gaussian", "y_i < β_j σ x_i", "j: β_j; i in j: y_i x_i"),
    (
        "y ~ log(x) + I(x**2) + (1|g)",
        "gaussian",
        "β_j0 < b_0 τ_0; y_i < β_j0 b_1, b_2 σ x_i",
        "j: β_j0; i in j: y_i x_i",
    ),
    (
        "y ~ x * w + (x|g)",
        "gaussian",
        "β_j < b Σ; y_i < β_j b_2, b_3 σ x_i1 x_i2",
        "j: β_j; i in j: y_i x_i1 x_i2",
    ),
    (
        "y ~ x + (x|a/b)",
        "gaussian",
        "β_k < b Σ_a; γ_j < β_k Σ_s; y_i < γ_j σ x_i",
        "k: β_k; j in k: γ_j; i in k j: y_i x_i",
    ),
    (
        "y ~ x + (1|a/b/c)",
        "gaussian",
        "β_l0 < b_0 τ_a0; γ_k0 < β_l0 τ_s0; δ_j0 < γ_k0 τ_c0; y_i < δ_j0 b_1 σ x_i",
        "l: β_l0; k in l: γ_k0; j in l k: δ_j0; i in l k j: y_i x_i",
    ),
    (
        "y ~ x + (x|p) + (1|q)",
        "gaussian",
        "ζ_j < Σ_p; ξ_k0 < τ_q0; y_i < ζ_j ξ_k0 b σ x_i",
        "j x k: ζ_j; k x j: ξ_k0; i in j k: y_i x_i",
    ),
    (
        "y ~ 1 + (1|p) + (1|q) + (1|r)",
        "gaussian",
        "ζ_j < τ_p; ξ_k < τ_q; ψ_l < τ_r; y_i < ζ_j ξ_k ψ_l b σ",
        "j x k l: ζ_j; k x j l: ξ_k; l x j k: ψ_l; i in j k l: y_i",
    ),
    (
        "y ~ 1 + (1|school/class) + (1|rater)",
        "gaussian",
        "ξ_k < τ_s; ζ_j < τ_c; ψ_l < τ_r; y_i < ζ_j ξ_k ψ_l b σ",
        "k x l: ξ_k; j in k x l: ζ_j; l x j k: ψ_l; i in k j l: y_i",
    ),
    (
        "y ~ a + b + c + d + e + (1|g)",
        "gaussian",
        "β_j0 < b_0 τ_0; y_i < β_j0 b_1, …, b_5 σ x_i",
        "j: β_j0; i in j: y_i x_i",
    ),
]


def arrows(net: Network) -> dict[str, set[str]]:
    return {node.name: set(net.parents(node.name)) for node in net.nodes if net.parents(node.name)}


def expected_arrows(text: str) -> dict[str, set[str]]:
    """ "a < b c; …" read back; names with ", " inside are protected by putting the pieces together again."""
    found = {}
    for part in text.split("; "):
        child, parents = part.split(" < ")
        found[child] = set(parents.replace(", ", ",").split(" "))
    return {child: {parent.replace(",", ", ") for parent in parents} for child, parents in found.items()}


def plates(net: Network) -> dict[str, tuple[set, set, set]]:
    own = {p.name: {n.name for n in net.nodes if n.plates[-1:] == (p.name,)} for p in net.plates}
    return {p.name: (set(p.inside), set(p.crosses), own[p.name]) for p in net.plates}


def expected_plates(text: str) -> dict[str, tuple[set, set, set]]:
    found = {}
    for part in text.split("; "):
        head, own = part.split(": ")
        head, _, crosses = head.partition(" x ")
        name, _, inside = head.partition(" in ")
        found[name] = (set(inside.split()), set(crosses.split()), set(own.split()))
    return found


@pytest.fixture(scope="module")
def course_data():
    joined = load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    other = {
        name: pd.read_csv(REFERENCE / "data" / f"{name}.csv")
        for name in ("Dyestuff", "Penicillin", "Pastes", "cbpp")
    }
    return lambda name: joined if name == "math" else other[name] if name in other else load_data(name)


def reference_models():
    return json.loads((REFERENCE / "lme4.json").read_text())


def drawn(case: dict, course_data) -> Network:
    family = case["family"] if isinstance(case["family"], str) else "gaussian"
    return network(case["formula"], course_data(case["data"]), family)


@pytest.mark.parametrize("case", reference_models(), ids=lambda case: case["id"])
def test_every_reference_model_has_the_network_that_was_worked_out_by_hand(case, course_data):
    net = drawn(case, course_data)
    expected = EXPECTED[case["id"]]
    assert arrows(net) == expected_arrows(expected[0])
    assert plates(net) == expected_plates(expected[1])


@pytest.mark.parametrize(
    ("formula", "family", "edges", "boxes"), WITHOUT_DATA, ids=lambda value: str(value)[:40]
)
def test_networks_of_formulas_alone(formula, family, edges, boxes):
    net = network(formula, family=family)
    assert arrows(net) == expected_arrows(edges)
    assert plates(net) == expected_plates(boxes)


def test_membership_is_of_all_the_plates_around():
    net = network("mathscore ~ ses + (ses|classid) + (ses|schoolid)", load_data("classroom"))
    assert net.node("y_i").plates == ("k", "j", "i")
    assert net.node("γ_j").plates == ("k", "j")
    assert net.node("β_k").plates == ("k",)
    assert net.node("Σ_c").plates == ()
    crossed = network("rt ~ 1 + (1|participant) + (1|spelling)", load_data("blp"))
    assert set(crossed.node("y_i").plates) == {"j", "k", "i"}
    assert crossed.node("ζ_j").plates == ("j",)


def test_plates_say_how_many_from_the_data():
    sizes = {
        p.name: p.size for p in network("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy")).plates
    }
    assert sizes == {"j": 18, "i": 10}
    captions = [
        p.caption for p in network("rt ~ 1 + (1|participant) + (1|spelling)", load_data("blp")).plates
    ]
    assert captions == ["participant, J = 78", "spelling, K = 58", "rows, n_jk = 0 to 1"]


def test_a_plate_within_another_is_repeated_for_each_of_its_groups():
    """18 people with 10 rows each, not 18 times 180 rows."""
    data = load_data("classroom")
    net = network("mathscore ~ ses + (1|schoolid/classid2)", data)
    schools, classes, rows = net.plates
    pupils = data.groupby(["schoolid", "classid2"]).size()
    of_schools = pupils.groupby("schoolid").size()
    assert (schools.symbol, classes.symbol, rows.symbol) == (
        r"k = 1 \ldots K",
        r"j = 1 \ldots J_k",
        r"i = 1 \ldots n_j",
    )
    assert classes.caption == f"classid2, J_k = {of_schools.min()} to {of_schools.max()}"
    assert rows.caption == f"rows, n_j = {pupils.min()} to {pupils.max()}"
    bare = network("y ~ x + (x|g)").plates
    assert [(p.symbol, p.caption, p.size) for p in bare] == [
        (r"j = 1 \ldots J", "g", None), (r"i = 1 \ldots n_j", "rows", None),
    ]  # fmt: skip


def test_an_ordinary_trial_is_drawn_and_not_taller_than_a_page():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"who": np.repeat(np.arange(40), 4), "month": np.tile([2, 3, 5, 8], 40)})
    for name, levels in (("treatment", ["a", "b"]), ("drug", ["no", "yes"]), ("length", ["long", "short"])):
        data[name] = rng.choice(levels, 40)[data["who"]]
    data["before"] = rng.normal(size=40)[data["who"]]
    data["y"] = rng.normal(size=160)
    net = network("y ~ before + treatment*month + drug + length + (month|who)", data)
    assert net.layout.bounds.height < 8
    assert [node.caption for node in net.nodes if node.kind == "given"] == ["4 predictors", "month"]
    network("y ~ treatment*drug + month + before + (1|who)", data)


def test_kinds_and_captions_of_nodes():
    net = network("Reaction ~ Days + (Days|Subject)")
    assert {node.name: node.kind for node in net.nodes} == {
        "b": "parameter",
        "Σ": "parameter",
        "β_j": "group",
        "σ": "parameter",
        "y_i": "outcome",
        "x_i": "given",
    }
    assert net.node("b").members == ("b_0", "b_1")
    assert net.node("x_i").caption == "Days" and net.node("y_i").caption == "Reaction"


def test_a_predictor_of_groups_is_found_in_the_data_only(course_data):
    formula = "mathach ~ ses * himinty + (ses|school)"
    with_data, without = network(formula, course_data("math")), network(formula)
    assert with_data.node("z_j").plates == ("j",) and with_data.children("z_j") == ("β_j",)
    assert without.node("x_i2").plates == ("j", "i") and without.children("x_i2") == ("y_i",)
    assert any("level of observations" in note for note in without.notes)
    assert not with_data.notes


def test_a_predictor_of_groups_stays_with_the_observations_where_nothing_varies_that_it_could_move(
    course_data,
):
    net = network("mathach ~ ses * himinty + (1|school)", course_data("math"))
    # himinty moves the schools' mean intercepts; in ses:himinty, whose slope does not vary, it reaches y_i.
    assert set(net.children("z_j")) == {"β_j0", "y_i"}


def test_a_predictor_of_words_stands_on_the_plate_of_words():
    net = network("rt ~ nletters + (1|participant) + (1|spelling)", load_data("blp"))
    assert net.node("w_k").plates == ("k",) and net.children("w_k") == ("y_i",)


def test_one_observation_has_no_plate_and_no_index():
    rats = load_data("rats")
    net = network("cbind(m, n - m) ~ 1", rats.iloc[[41]], "binomial")
    assert arrows(net) == {"m": {"β", "n"}} and not net.plates


def test_flat_models_have_no_population():
    sleep = load_data("sleepstudy")
    formula = "Reaction ~ 0 + Subject + Subject:Days"
    shared, separate = network(formula, sleep), network(formula, sleep, sigma="separate")
    assert arrows(shared) == {"y_i": {"β_j", "σ", "x_i"}} and shared.node("σ").plates == ()
    assert arrows(separate) == {"y_i": {"β_j", "σ_j", "x_i"}} and separate.node("σ_j").plates == ("j",)
    rats = network("cbind(m, n - m) ~ 0 + batch", load_data("rats"), "binomial")
    assert arrows(rats) == {"m_j": {"β_j", "n_j"}} and [p.name for p in rats.plates] == ["j"]


def test_regression_through_the_origin_is_not_taken_for_groups():
    sleep = load_data("sleepstudy")
    assert arrows(network("Reaction ~ 0 + Days", sleep)) == {"y_i": {"β", "σ", "x_i"}}
    guess = network("Reaction ~ 0 + Days")
    assert "taken for a grouping factor" in " ".join(guess.notes)


def test_ids_that_repeat_are_nested_by_the_formula():
    classroom = load_data("classroom")
    slash, colon, unique = (
        network(f"mathscore ~ ses + {random}", classroom)
        for random in (
            "(1|schoolid/classid2)",
            "(1|schoolid) + (1|schoolid:classid2)",
            "(1|schoolid) + (1|classid)",
        )
    )
    assert arrows(slash) == arrows(colon) == arrows(unique)
    within = [("K = 107", 107), ("J_k = 1 to 9", None), ("n_j = 1 to 10", None)]
    for net in (slash, colon, unique):
        assert [(p.caption.split(", ")[1], p.size) for p in net.plates] == within
    crossed = network("mathscore ~ ses + (1|schoolid) + (1|classid2)", classroom)
    assert crossed.plates[0].crosses, "classid2 alone crosses the schools: its ids repeat"


def test_two_groupings_without_data_are_drawn_crossed_and_say_so():
    net = network("y ~ 1 + (1|classid) + (1|schoolid)")
    assert net.plates[0].crosses == ("k",) and any(
        "with data, nested ones are found" in note for note in net.notes
    )


@pytest.mark.parametrize("formula", ["y ~ x", "y ~ x + (x|g)", "y ~ 1 + (1|school/class)"])
def test_without_data_nothing_is_said_of_crossing_where_nothing_crosses(formula):
    assert not any("crossed" in note for note in network(formula).notes)


def test_a_level_may_skip_a_coefficient():
    net = network("mathscore ~ ses + (1|classid) + (ses|schoolid)", load_data("classroom"))
    assert arrows(net)["y_i"] == {"γ_j0", "β_k", "σ", "x_i"} and arrows(net)["γ_j0"] == {"β_k", "τ_c0"}


def test_weights_and_offsets_of_a_fit_are_given_numbers():
    import mlmkit as mk

    sleep = load_data("sleepstudy")
    fit = mk.lmer("Reaction ~ Days + (1|Subject)", sleep, weights=1.0 + sleep.Days.to_numpy() % 2)
    assert "w_i" in network(fit).parents("y_i")
    assert r"/ w_i" in str(equation(fit))


def test_a_fit_has_the_network_of_its_formula_and_data():
    import mlmkit as mk

    sleep = load_data("sleepstudy")
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", sleep)
    assert network(fit) == network("Reaction ~ Days + (Days|Subject)", sleep)


# -- refusals ------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("y ~ 1 + (1|a) + (1|b) + (1|c) + (1|d)", "Up to three crossed groupings"),
        ("y ~ x + (x|g) + (0 + x|g)", "in two terms"),
        ("y ~ 1 + (1|a) + (1|a:b) + (1|a:c)", "cross within another grouping"),
    ],
)
def test_what_is_not_drawn_is_said_in_a_sentence(formula, says):
    with pytest.raises(DiagramError, match=says):
        network(formula)
    with pytest.raises(DiagramError, match=says):
        equation(formula)


def test_the_same_grouping_twice_is_refused():
    sleep = load_data("sleepstudy").assign(person=lambda d: d.Subject.astype(str))
    with pytest.raises(DiagramError, match="same way"):
        network("Reaction ~ Days + (1|Subject) + (0 + Days|person)", sleep)


def test_bad_arguments_are_refused():
    with pytest.raises(DiagramError, match="no style 'plates'.*Did you mean 'plate'"):
        network("y ~ x", style="plates")
    with pytest.raises(DiagramError, match="flat Gaussian"):
        network("y ~ x + (x|g)", sigma="separate")
    with pytest.raises(DiagramError, match="formula such as"):
        network(3)
    with pytest.raises(KeyError, match="no node 'beta'"):
        network("y ~ x").node("beta")


# -- unrolled ------------------------------------------------------------


def test_unrolled_shows_first_second_and_last():
    net = network("cbind(m, n - m) ~ 1 + (1|batch)", load_data("rats"), "binomial", style="unrolled")
    assert arrows(net) == {
        "m_1": {"β_1", "n_1"}, "m_2": {"β_2", "n_2"}, "m_J": {"β_J", "n_J"},
        "β_1": {"b", "τ"}, "β_2": {"b", "τ"}, "β_J": {"b", "τ"},
    }  # fmt: skip
    assert net.layout.dots and not net.plates


def test_unrolled_rows_are_those_of_the_data():
    net = network("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), style="unrolled")
    assert arrows(net)["y_10"] == {"β_1", "x_10", "σ"} and arrows(net)["y_n"] == {"β_J", "x_n", "σ"}
    assert {e.target for e in net.edges if e.source == "β_2"} == {"y_11", "y_20"}


def test_unrolled_single_regression():
    sleep = load_data("sleepstudy")
    net = network("Reaction ~ Days", sleep[sleep.Subject == 350], style="unrolled")
    assert arrows(net) == {f"y_{i}": {"β", f"x_{i}", "σ"} for i in ("1", "2", "n")}


def test_unrolled_without_data_says_what_it_assumes():
    net = network("y ~ x + (x|g)", style="unrolled")
    assert any("two observations" in note for note in net.notes)


@pytest.mark.parametrize("formula", ["y ~ 1 + (1|a) + (1|b)", "y ~ 1 + (1|a/b)", "y ~ x + (x||g)"])
def test_unrolled_refuses_what_plates_can_show(formula):
    network(formula)
    with pytest.raises(DiagramError, match="style='plate'"):
        network(formula, style="unrolled")


# -- geometry: what a picture must never do ------------------------------------------------------------


def layouts(course_data):
    for case in reference_models():
        yield case["id"], drawn(case, course_data)
    for formula, family, _, _ in WITHOUT_DATA:
        yield formula, network(formula, family=family)
    for formula in (
        "mathach ~ ses * himinty + (ses||school)",
        "mathach ~ ses + sex + minority + sector + size + (ses|school)",
    ):
        yield formula, network(formula, course_data("math"))
    for formula in (
        "rt ~ old20 + log(freq) + (1|participant) + (1|spelling)",
        "rt ~ nletters + (nletters|participant) + (1|spelling)",
    ):
        yield formula, network(formula, course_data("blp"))
    yield "skip", network("mathscore ~ ses + (1|classid) + (ses|schoolid)", course_data("classroom"))
    for formula, family in (
        ("y ~ x + (x|g)", "gaussian"),
        ("cbind(m, f) ~ 1 + (1|g)", "binomial"),
        ("y ~ x", "gaussian"),
    ):
        yield f"unrolled {formula}", network(formula, family=family, style="unrolled")
    yield (
        "unrolled himinty",
        network("mathach ~ ses * himinty + (ses|school)", course_data("math"), style="unrolled"),
    )
    yield (
        "unrolled rats",
        network("cbind(m, n - m) ~ 1 + (1|batch)", course_data("rats"), "binomial", style="unrolled"),
    )


def test_nodes_do_not_overlap_and_arrows_run_over_no_node(course_data):
    for name, net in layouts(course_data):
        places = net.layout.places
        for k, node in enumerate(net.nodes):
            for other in net.nodes[k + 1 :]:
                gap = min(
                    math.dist(p, q)
                    for p in axis(node, places[node.name])
                    for q in axis(other, places[other.name])
                )
                assert gap > 2 * RADIUS, f"{name}: {node.name} touches {other.name}"
        for edge in net.edges:
            ends = places[edge.source], places[edge.target]
            for node in net.nodes:
                if node.name not in (edge.source, edge.target):
                    clear = min(distance(point, *ends) for point in axis(node, places[node.name]))
                    assert clear > RADIUS, f"{name}: {edge.source} → {edge.target} runs over {node.name}"


def test_plates_hold_their_nodes_and_no_others(course_data):
    for name, net in layouts(course_data):
        for plate in net.plates:
            box = net.layout.plates[plate.name]
            for node in net.nodes:
                room = node_box(node, net.layout.places[node.name], net.layout.sides.get(node.name, "below"))
                if plate.name in node.plates:
                    assert box.contains(room), f"{name}: {node.name} sticks out of plate {plate.name}"
                else:
                    assert not box.overlaps(room), f"{name}: {node.name} stands on plate {plate.name}"
            for outer in plate.inside:
                assert net.layout.plates[outer].contains(box), (
                    f"{name}: plate {plate.name} is not within {outer}"
                )
            for other in plate.crosses:
                crossing = net.layout.plates[other]
                assert box.overlaps(crossing) and not box.contains(crossing), (
                    f"{name}: {plate.name} and {other} do not cross"
                )


def _cross(a, b, c, d) -> bool:
    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < -1e-9 and side(c, d, a) * side(c, d, b) < -1e-9


@pytest.mark.parametrize("case", reference_models(), ids=lambda case: case["id"])
def test_no_arrows_cross_in_the_models_of_the_course(case, course_data):
    net = drawn(case, course_data)
    lines = [(net.layout.places[e.source], net.layout.places[e.target], e) for e in net.edges]
    for k, (a, b, e) in enumerate(lines):
        for c, d, f in lines[k + 1 :]:
            if not {e.source, e.target} & {f.source, f.target}:
                assert not _cross(a, b, c, d), f"{e} crosses {f}"


def test_a_layout_is_the_same_every_time():
    one, two = (network("y ~ x + (x|a/b)") for _ in range(2))
    assert one.layout == two.layout and one.to_svg() == two.to_svg()


# -- pictures as files ------------------------------------------------------------


def test_svg_has_text_title_and_description():
    net = network("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))
    svg = net.to_svg()
    assert svg.startswith("<svg") and 'role="img"' in svg
    assert "<title>Bayesian network of Reaction ~ Days + (Days|Subject)</title>" in svg
    assert net.alt_text.replace("&", "&amp;") in svg
    assert ">Subject, J = 18</text>" in svg and "σ" in svg and "<metadata" not in svg
    assert net._repr_svg_() == svg


def test_formulas_with_angle_brackets_stay_well_formed():
    from xml.etree import ElementTree

    svg = network("y ~ x + (x|g)").to_svg(key=True)
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_drawing_on_given_axes_leaves_the_rest_of_the_figure_alone():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
    right.plot([0, 1])
    before = plt.rcParams.copy()
    assert network("y ~ x + (1|g)").draw(left) is left
    assert len(right.lines) == 1 and plt.rcParams == before
    ids = {artist.get_gid() for artist in left.patches}
    assert {"node-β_j0", "plate-j", "edge-b_1-y_i"} <= ids
    plt.close(figure)


def test_a_drawing_does_not_register_with_pyplot():
    import matplotlib.pyplot as plt

    plt.close("all")
    network("y ~ x").to_svg()
    drawn = network("y ~ x")
    figure_for(drawn, drawn.layout)
    assert not plt.get_fignums()


def test_a_page_that_does_not_trust_svg_gets_the_same_picture_as_png():
    net = network("Reaction ~ Days + (Days|Subject)")
    assert net._repr_png_().startswith(b"\x89PNG") and net._repr_png_() == net._repr_png_()


def test_a_network_in_a_figure_with_a_layout_is_drawn_for_the_size_it_will_have():
    import matplotlib.pyplot as plt

    net = network("y ~ x + (x|g)")
    figure, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    for ax in axes:
        net.draw(ax)
    figure.canvas.draw()
    unit = axes[0].transData.transform([(0, 0), (1, 0)])[1, 0] - axes[0].transData.transform((0, 0))[0]
    caption = next(text for text in axes[0].texts if text.get_text() == "rows")
    assert caption.get_size() / 72 * figure.dpi == pytest.approx(0.19 * unit, rel=0.12)
    plt.close(figure)
