"""Where things stand: no arrow through a word, no word on another, nothing too small when shown small."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mlmkit.datasets import load_data
from mlmkit.views.boxes import (
    RADIUS,
    Box,
    Layout,
    Words,
    axis,
    caption_lines,
    caption_words,
    crowding,
    half_width,
    plate_words,
    runs_through,
)
from mlmkit.views.draw import SQUARE, note_height, symbol_height
from mlmkit.views.graph import Node
from mlmkit.views.layout import _Crossed, _Nested, _Sketch
from mlmkit.views.letters import typeset
from mlmkit.views.model import DiagramError
from mlmkit.views.network import Network, network

REFERENCE = Path(__file__).parents[1] / "reference"
NAMED = ("Dyestuff", "Penicillin", "Pastes", "cbpp")

#: Pupils twice, in classes in schools in areas; raters, items and days crossing all of these.
ODD = {
    "four levels": "y ~ x + (1|area/school/cls/pupil)",
    "a slope that skips levels": "y ~ x + (x|area) + (1|school) + (x|cls) + (1|pupil)",
    "three crossed": "y ~ x + (1|rater) + (1|item) + (1|day)",
    "three crossed with slopes": "y ~ x + w + (x|rater) + (w|item) + (1|day)",
    "nested and crossed": "y ~ x + (x|school/cls) + (1|rater)",
    "nested and crossed with predictors": "y ~ x + funding + urban + (1|area/school) + (1|rater)",
    "two chains crossed": "y ~ x + (1|area/school) + (1|rater:item) + (1|rater)",
    "independent slopes": "y ~ x + w + age + (x + w + age||school)",
    "predictors of two levels": "y ~ x * funding + x:urban + (x|area/school)",
    "predictors of groups": "y ~ x * funding * sector + (x|school)",
    "independent and nested": "y ~ x + (x||school/cls)",
    "long names": "achievement_in_mathematics_2021 ~ socioeconomic_status_of_household + (1|school)",
    "long names, crossed": "achievement_in_mathematics_2021 ~ socioeconomic_status_of_household + "
    "(1|primary_school_identifier) + (1|rater)",
    "very long names, crossed": "the_childs_achievement_in_mathematics_at_the_age_of_nine ~ x + (1|school) + (1|rater)",
    "Unicode": "y ~ Größe + (Größe|école)",
    "many": "y ~ x + w + age + funding + sector + urban + three + (1|school)",
    "a slope without a mean": "y ~ 1 + (0 + x|school)",
    "a predictor of groups as a slope": "y ~ funding + (funding|school)",
    "crossed with slopes": "y ~ x * funding + (x|school) + (x|rater)",
    "two predictors, crossed": "y ~ x + w + (1|school) + (1|rater)",
    "three predictors, crossed": "y ~ x + w + age + (1|school) + (1|rater)",
}


def odd_data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 480
    rows = np.arange(n)
    data = pd.DataFrame({name: rng.normal(size=n) for name in ("y", "x", "w", "age", "Größe")})
    data = data.assign(area=rows // 120, school=rows // 24, cls=rows // 6, pupil=rows // 2)
    data = data.assign(**{name: rng.integers(0, k, n) for name, k in (("rater", 7), ("item", 9), ("day", 5))})
    return data.assign(
        funding=(data.school * 1.3) % 5,
        sector=np.where(data.school % 2, "public", "Catholic"),
        urban=(data.area == 1) * 1.0,
        three=np.array(["low", "mid", "high"])[data.cls % 3],
        achievement_in_mathematics_2021=data.y,
        the_childs_achievement_in_mathematics_at_the_age_of_nine=data.y,
        socioeconomic_status_of_household=data.x,
        primary_school_identifier=data.school,
        école=data.school,
    )


def course_networks() -> dict[str, Network]:
    found = {}
    for case in json.loads((REFERENCE / "lme4.json").read_text()):
        family = case["family"] if isinstance(case["family"], str) else "gaussian"
        for style in ("plate", "unrolled"):
            try:
                found[f"{case['id']}, {style}"] = network(
                    case["formula"], _course_data(case["data"]), family, style
                )
            except DiagramError as refusal:
                assert style == "unrolled" and "use style='plate'" in str(refusal)
    return found


def _course_data(name: str) -> pd.DataFrame:
    if name == "math":
        return load_data("mathachieve").merge(load_data("mathachieve_school"), on="school")
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv") if name in NAMED else load_data(name)


def odd_networks() -> dict[str, Network]:
    data = odd_data()
    return {
        f"{name}, {'data' if given is not None else 'formula alone'}": network(formula, given)
        for name, formula in ODD.items()
        for given in (data, None)
        if not (name == "a slope that skips levels" and given is None)  # four crossed groupings
    }


COURSE, STRANGE = course_networks(), odd_networks()
ALL = COURSE | STRANGE


def stands_on(box: Box, net: Network, node) -> bool:
    """Whether a box reaches into a node: a square, a disc, or a stadium about its middle line."""
    places = axis(node, net.layout.places[node.name])
    if node.kind == "given":
        (x, y), side = places[0], SQUARE * RADIUS
        return box.overlaps(Box(x - side, y - side, x + side, y + side))
    nearest = [(min(max(x, box.left), box.right), min(max(y, box.bottom), box.top)) for x, y in places]
    return any(math.dist(a, b) < RADIUS for a, b in zip(places, nearest, strict=True))


def all_words(network: Network, layout: Layout) -> dict[str, list[Words]]:
    """Captions and labels by the name of their node or plate."""
    sides, corners = layout.sides, layout.corners
    words = {
        node.name: caption_words(node, layout.places[node.name], sides.get(node.name, "below"))
        for node in network.nodes
        if node.caption
    }
    boxes = {plate: layout.plates[plate.name] for plate in network.plates}
    return words | {
        plate.name: plate_words(plate, box, corners.get(plate.name)) for plate, box in boxes.items()
    }


@pytest.mark.parametrize("name", ALL)
def test_no_arrow_runs_through_a_word(name):
    net = ALL[name]
    places = net.layout.places
    for of, lines in all_words(net, net.layout).items():
        for words in lines:
            for edge in net.edges:
                struck = runs_through(places[edge.source], places[edge.target], words.box)
                assert not struck, f"{edge.source} → {edge.target} strikes out {words.text!r} of {of}"


@pytest.mark.parametrize("name", ALL)
def test_no_word_stands_on_a_node_or_on_another_word(name):
    net = ALL[name]
    words = [(of, line) for of, lines in all_words(net, net.layout).items() for line in lines]
    for k, (of, line) in enumerate(words):
        for node in net.nodes:
            assert not stands_on(line.box, net, node), f"{line.text!r} of {of} is on {node.name}"
        for other_of, other in words[k + 1 :]:
            assert not line.box.overlaps(other.box), (
                f"{line.text!r} of {of} is on {other.text!r} of {other_of}"
            )


@pytest.mark.parametrize("name", ALL)
def test_words_are_inside_their_plates_and_no_border_runs_through_them(name):
    net = ALL[name]
    layout, plates = net.layout, {plate.name: plate for plate in net.plates}
    for of, lines in all_words(net, layout).items():
        own = (of, *plates[of].inside) if of in plates else net.node(of).plates
        for words in lines:
            assert layout.bounds.contains(words.box)
            for name_of, box in layout.plates.items():
                if name_of in own:
                    assert box.contains(words.box), f"{words.text!r} sticks out of plate {name_of}"
                elif of not in plates:
                    assert not box.overlaps(words.box), f"{words.text!r} is on plate {name_of}"
                corners = [
                    (box.left, box.bottom),
                    (box.right, box.bottom),
                    (box.right, box.top),
                    (box.left, box.top),
                ]
                for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
                    assert not runs_through(a, b, words.box), (
                        f"plate {name_of}'s border strikes {words.text!r}"
                    )


@pytest.mark.parametrize("name", ALL)
def test_arrows_into_different_nodes_do_not_cross(name):
    net = ALL[name]
    if net.style == "unrolled":
        return  # each of several parameters has an arrow to each of several groups
    places = net.layout.places
    lines = [(places[e.source], places[e.target], e) for e in net.edges]
    for k, (a, b, e) in enumerate(lines):
        for c, d, f in lines[k + 1 :]:
            if not {e.source, e.target} & {f.source, f.target}:
                assert not _cross(a, b, c, d), f"{e} crosses {f}"


def _cross(a, b, c, d) -> bool:
    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < -1e-9 and side(c, d, a) * side(c, d, b) < -1e-9


def _blocks(net: Network) -> dict[tuple, list]:
    """The group coefficients of a network, by the plates they stand in."""
    layers: dict[tuple, list] = {}
    for node in net.nodes:
        if node.kind == "group":
            layers.setdefault(node.plates, []).append(node)
    return layers


PLATES = {name: net for name, net in ALL.items() if net.style == "plate" and _blocks(net)}
NESTED = {name: net for name, net in PLATES.items() if not any(plate.crosses for plate in net.plates)}


@pytest.mark.parametrize("name", NESTED)
def test_layers_of_groups_are_centred_and_keep_the_order_of_the_formula(name):
    net = NESTED[name]
    places, outcome = net.layout.places, next(node for node in net.nodes if node.kind == "outcome")
    layers = sorted(_blocks(net).items(), key=lambda one: len(one[0]))  # the outermost groups first
    heights = [{places[node.name][1] for node in layer} for _, layer in layers]
    assert all(len(height) == 1 for height in heights)
    tops = [*(height.pop() for height in heights), places[outcome.name][1]]
    assert all(a - b >= 1.65 - 1e-9 for a, b in pairwise(tops)), "everything flows down"
    for depth, (_, layer) in enumerate(layers):
        across = [places[node.name][0] for node in layer]
        assert all(b - a > 4 * RADIUS for a, b in pairwise(across))
        inner = {node.name for _, deeper in layers[depth + 1 :] for node in deeper} | {outcome.name}
        outer = {node.name for _, further in layers[:depth] for node in further}
        passed = any(edge.source in outer and edge.target in inner for edge in net.edges)
        if name.startswith("independent slopes") and depth == 0:
            continue  # four independent coefficients and their predictors: the row moves aside as a whole
        assert sum(across) / len(across) == pytest.approx(-1.12 if passed else 0.0), "aside for an arrow only"


@pytest.mark.parametrize("name", NESTED)
def test_parameters_of_the_outermost_groups_stand_centred_above_them(name):
    net = NESTED[name]
    places = net.layout.places
    outermost = min(_blocks(net).items(), key=lambda one: len(one[0]))[1]
    for node in outermost:
        above = [n for n in net.nodes if n.kind == "parameter" and n.anchor == node.name and not n.plates]
        row = [places[n.name] for n in above]
        assert len({y for _, y in row}) == 1 and row[0][1] > places[node.name][1] + 2 * RADIUS
        ends = row[0][0] - half_width(above[0]), row[-1][0] + half_width(above[-1])
        assert sum(ends) / 2 == pytest.approx(places[node.name][0])
        assert all(places[a.name][0] < places[b.name][0] for a, b in pairwise(above))


@pytest.mark.parametrize("name", sorted(set(PLATES) - set(NESTED)))
def test_crossed_groups_stand_on_both_sides_of_the_observations_and_outer_ones_inside(name):
    net = PLATES[name]
    places, plates = net.layout.places, {plate.name: plate for plate in net.plates}
    chains: dict[str, list] = {}
    for inside, layer in _blocks(net).items():
        chains.setdefault(next(p for p in inside if plates[p].crosses and not plates[p].inside), []).append(
            layer
        )
    for sign, chain in zip((-1, 1), chains.values(), strict=False):
        outer_first = [[places[node.name] for node in layer] for layer in chain]
        assert all(sign * x > 4 * RADIUS and y > 0 for layer in outer_first for x, y in layer)
        for outer, inner in pairwise(outer_first):
            assert max(sign * x for x, _ in outer) < min(sign * x for x, _ in inner)
            assert min(y for _, y in outer) > max(y for _, y in inner)
    for layer in list(chains.values())[2:]:
        assert all(places[node.name][1] < -4 * RADIUS for node in layer[0])
    for (
        node
    ) in net.nodes:  # a predictor of groups that hold others stands further out than their coefficients
        held = [p for p in net.plates if p.crosses and node.plates[-1:] == tuple(p.inside[-1:]) != ()]
        if node.kind == "given" and held:
            own = _blocks(net)[node.plates]
            assert all(abs(places[node.name][0]) > abs(places[one.name][0]) for one in own)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ sector + three + funding + (x + w||area/school)",  # tall in full, and the lower pictures are crowded
        "y ~ three + w + sector + x*funding + (x||area/school)",  # crowded unless all its predictors are one
        "y ~ x + funding + three + sector + x*funding + (x||area/school)",
    ],
)
def test_of_several_pictures_one_is_drawn_that_is_not_crowded(formula):
    net = network(formula, odd_data())
    assert not crowding(net, net.layout.places)


@pytest.mark.parametrize("name", COURSE)
def test_the_courses_networks_can_be_read_at_400_pixels(name):
    net = COURSE[name]
    pixels = 400 / net.layout.bounds.width
    assert all(symbol_height(node) * pixels >= 9 for node in net.nodes)
    captions = [node for node in net.nodes if node.caption]
    assert not (captions or net.plates) or 0.19 * pixels >= 8
    assert not net.notes or note_height(net.layout.bounds) * pixels >= 7.9


@pytest.mark.parametrize("name", ALL)
def test_symbols_fit_into_their_nodes(name):
    for node in ALL[name].nodes:
        room = 2 * (half_width(node) if node.kind == "parameter" else RADIUS) - 0.15
        assert symbol_height(node) * typeset(node.symbol).width <= room


def test_long_names_are_broken_where_a_reader_would():
    assert caption_lines("socioeconomic_status_of_household") == ["socioeconomic_", "status_of_", "household"]
    assert caption_lines("Reaction") == ["Reaction"] and caption_lines("five predictors") == [
        "five predictors"
    ]
    assert caption_lines("Donaudampfschifffahrt") == ["Donaudampfschifffahrt"]


def test_a_line_through_a_box():
    box = Box(0, 0, 2, 1)
    assert runs_through((-1, 0.5), (3, 0.5), box) and runs_through((1, -1), (1, 2), box)
    assert not runs_through((-1, 1.5), (3, 1.5), box) and not runs_through((-1, 0.5), (-0.5, 0.5), box)
    assert not runs_through((-1, 0), (1, 3), box) and not runs_through((3, -1), (3, 2), box)


# ---- one model has one picture -----------------------------------------------------------------------------


def placed(layout: Layout) -> dict[str, list]:
    """Where everything of a layout stands, to a hundredth of a unit (a node's radius is 0.42)."""
    boxes = {**{f"plate {name}": box for name, box in layout.plates.items()}, "bounds": layout.bounds}
    found = {name: list(place) for name, place in layout.places.items()}
    found |= {name: [box.left, box.bottom, box.right, box.top] for name, box in boxes.items()}
    found |= {f"dots {k}": list(place) for k, place in enumerate(layout.dots)}
    rounded = {name: [round(number, 2) + 0.0 for number in numbers] for name, numbers in found.items()}
    return rounded | {"sides": sorted(layout.sides.items()), "corners": sorted(layout.corners.items())}


#: As `placed` tells them, for all of STRANGE and the course's unrolled networks; see reference/README.md.
PLACES = json.loads((REFERENCE / "layouts.json").read_text())


@pytest.mark.parametrize("name", PLACES)
def test_everything_stands_where_it_stood(name):
    """Pictures in books and slides are compared with those on the screen: none moves unnoticed."""
    found, wanted = json.loads(json.dumps(placed(ALL[name].layout))), PLACES[name]
    assert found.keys() == wanted.keys()
    for of in wanted:
        if of in ("sides", "corners"):
            assert found[of] == wanted[of]
        else:
            assert found[of] == pytest.approx(wanted[of], abs=0.011), of


# ---- where it is tried ---------------------------------------------------------------------------------------


def tried(method, *args) -> list:
    """The places that a search tries where none is free."""
    seen = []
    sketch = SimpleNamespace(
        places={"node": (1.0, 2.0), "row": "here"},
        row_above=lambda nodes, x, height: seen.append(round(x, 2)),
        is_free=lambda node, place: seen.append(place) if place != "here" else None,
        filled=lambda: Box(0, 0, 4, 6),
    )
    found = method(sketch, *args)
    return [*seen, found]


def test_a_row_is_moved_by_half_a_unit_at_a_time_to_either_side_and_at_last_left_where_it_was():
    *seen, _ = tried(_Crossed._free_row, [Node("row", "b", "parameter")], 3.0, 5.0)
    assert seen == [3.0, 2.5, 3.5, 2.0, 4.0, 1.5, 4.5, 1.0, 5.0, 3.0]


@pytest.mark.parametrize(("leftish", "columns"), [(False, (7.0, -7.0)), (True, (-7.0, 7.0))])
def test_a_parameter_is_tried_at_its_nodes_height_then_further_up_and_down_then_on_the_other_side(
    leftish, columns
):
    node, parameter = Node("node", "y", "outcome"), Node("b", "b", "parameter")
    *seen, found = tried(_Nested._free_place, parameter, node, 0.5, {"left": -7.0, "right": 7.0}, leftish)
    heights = [2.5 + shift for shift in (0.0, 0.4, -0.4, 0.8, -0.8, 1.2, -1.2, 1.6, 2.2, 3.0)]
    assert seen == [(column, pytest.approx(height)) for column in columns for height in heights]
    assert found == (7.0, 7.0), "above all, if none is free"


def test_a_layer_is_moved_as_little_as_will_do():
    """Up by 0.3 and to the right by 0.8 at a time, its predictors on the left before the right."""
    steps = _Nested._tries(None, [1, 2])
    assert steps[:6] == [
        (0.0, 0.0, True),
        (0.0, 0.0, False),
        (0.3, 0.0, True),
        (0.3, 0.0, False),
        (0.0, 0.8, True),
        (0.0, 0.8, False),
    ]
    assert len(steps) == 2 * 20 * 2 and max(lift for lift, _, _ in steps) == pytest.approx(19 * 0.3)
    costs = [3 * lift / 0.3 + 4 * shift / 0.8 for lift, shift, _ in steps]
    assert np.all(np.diff(costs) > -1e-9)


@pytest.mark.parametrize("name", [name for name in ALL if "unrolled" not in name])
def test_a_node_stands_in_each_of_its_plates_once(name):
    plates = {plate.name for plate in ALL[name].plates}
    for node in ALL[name].nodes:
        assert len(set(node.plates)) == len(node.plates) and set(node.plates) <= plates


@pytest.mark.parametrize("name", [name for name in ALL if "unrolled" not in name][::6])
def test_the_arrows_of_a_node_begin_or_end_there(name):
    net = ALL[name]
    sketch = _Sketch(net)
    sketch.places = dict.fromkeys([node.name for node in net.nodes[:-1]], (0.0, 0.0))
    last = net.nodes[-1].name
    for node in net.nodes[:-1]:
        own = [edge for edge in net.edges if node.name in (edge.source, edge.target)]
        assert sketch.arrows(node) == [edge for edge in own if last not in (edge.source, edge.target)]
