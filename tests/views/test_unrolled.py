"""Where things stand in an unrolled network: in the order of the data, parameters above and below."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mlmkit.datasets import load_data
from mlmkit.views.network import network
from mlmkit.views.read import read
from mlmkit.views.unrolled import _drawn

SLEEP = load_data("sleepstudy")
BEFORE = 2.1  # how far the parameters are moved below
MODELS = {
    "a mean and a slope that vary": ("Reaction ~ Days + (Days|Subject)", SLEEP),
    "a mean that varies": ("Reaction ~ Days + (1|Subject)", SLEEP),
    "no data": ("y ~ x + (x|g)", None),
    "one regression": ("Reaction ~ Days", SLEEP),
    "flat groups": (
        "Reaction ~ 0 + Subject + Subject:Days",
        SLEEP.assign(Subject=SLEEP["Subject"].astype(str)),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_parameters_that_stand_further_off_leave_the_rest_in_place(name):
    """Those above go up, those below go down, each by the same distance; nothing else moves."""
    model = read(*MODELS[name], "gaussian", "shared")
    near, far = _drawn(model, 0.0), _drawn(model, BEFORE)
    moved = {
        node.name: far.layout.places[node.name][1] - near.layout.places[node.name][1]
        for node in near.nodes
        if far.layout.places[node.name] != near.layout.places[node.name]
    }
    above = {
        node.name: near.layout.places[node.name][1] > 0 for node in near.nodes if node.kind == "parameter"
    }
    assert moved == pytest.approx({each: BEFORE if up else -BEFORE for each, up in above.items()})
    assert not above["σ"], "the residual SD comes from below"


@pytest.mark.parametrize("name", MODELS)
def test_it_is_read_from_left_to_right_and_centred(name):
    net = network(*MODELS[name], style="unrolled")
    places = net.layout.places
    rows = [places[node.name] for node in net.nodes if node.kind == "outcome"]
    groups = [node.name for node in net.nodes if node.kind == "group"]
    assert {y for _, y in rows} == {0.0} and np.all(np.diff([x for x, _ in rows]) > 0.84)
    assert rows[0][0] == pytest.approx(-rows[-1][0]), "the row of observations is centred"
    for group in groups:
        below = [places[edge.target][0] for edge in net.edges if edge.source == group]
        assert places[group][0] == pytest.approx((min(below) + max(below)) / 2), f"{group} is above its own"
    for height in {places[node.name][1] for node in net.nodes if node.kind == "parameter"}:
        row = [node for node in net.nodes if node.kind == "parameter" and places[node.name][1] == height]
        if len(row) == 2:  # their arrows fan out evenly
            assert places[row[0].name][0] < 0 < places[row[1].name][0]
    gaps = [(a + b) / 2 for (a, _), (b, _) in pairwise(rows)]
    for x, _ in (dot for dot in net.layout.dots if dot[1] == 0):
        assert min(abs(x - gap) for gap in gaps) < 0.55, "dots stand between two observations"


@pytest.mark.parametrize(("formula", "gap"), [("y ~ 1", 1.1), ("y ~ x", 1.1 + 1.02)])
def test_observations_without_groups_stand_apart_by_their_predictors_and_the_dots(formula, gap):
    """Each has its predictor on its left; before the last there is room for the dots, in their middle."""
    net = network(formula, style="unrolled")
    places = net.layout.places
    first, second, last = (places[name][0] for name in ("y_1", "y_2", "y_n"))
    assert (second - first, last - second) == pytest.approx((gap, gap + 0.82)) and first == pytest.approx(
        -last
    )
    ((at, height),) = net.layout.dots
    room = last - (1.02 if formula == "y ~ x" else 0.0)
    assert (at, height) == (pytest.approx((second + room) / 2), 0.0)
    if formula == "y ~ x":
        assert places["x_1"] == pytest.approx((first - 1.02, 0.0))


@pytest.mark.parametrize(("n", "dots"), [(3, 0), (4, 1)])
def test_three_observations_are_all_that_there_are(n, dots):
    data = SLEEP.head(n)
    net = network("Reaction ~ 1", data, style="unrolled")
    assert len([at for at in net.layout.dots if at[1] == 0]) == dots
