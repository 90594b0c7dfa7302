"""Controls: what a browser may do to them, and what is left of what it may not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets import TraitError

from mlmkit.widgets.controls import Press, choice, limits, slider, steps, tick, whole

FORGED = [math.nan, math.inf, -math.inf, 1e300, "many", "", [1, 2], {"a": 1}, None, True, 10**7, -(10**7)]


@pytest.mark.parametrize("value", FORGED)
@pytest.mark.parametrize("make", [
    lambda: slider("a", 2.0, 0.5, 10), lambda: whole("a", 3, 2, 9), lambda: choice("a", ["x", "y"]),
    lambda: steps("a", [("0", 0.0), ("∞", math.inf)], 0.0), lambda: tick("a"),
])  # fmt: skip
def test_no_message_takes_a_control_out_of_its_limits(make, value):
    control = make()
    before, allowed = control.get_state(), limits(control)
    control.set_state(
        {
            "max": value,
            "min": value,
            "step": value,
            "options": value,
            "_options_labels": value,
            "value": value,
            "index": value,
        }
    )
    after = control.get_state()
    assert {k: v for k, v in after.items() if k not in ("value", "index")} == {
        k: v for k, v in before.items() if k not in ("value", "index")
    }
    assert type(control.value) is type(allowed.start) or control.value is None
    assert allowed.clip(control.value) == control.value or control.value is None


def test_a_hand_moves_a_control():
    control = slider("a", 2.0, 0.5, 10)
    control.set_state({"value": 3.25})
    assert control.value == 3.25
    menu = choice("a", ["x", "y"])
    menu.set_state({"index": 1})
    assert menu.value == "y"


def test_a_slider_stands_on_its_steps():
    control = slider("a", 2.43, 0, 5, 0.05)
    assert control.value == 2.45
    moves = []
    control.observe(lambda change: moves.append((change.old, change.new)), "value")
    control.set_state({"value": 2.4500000000000006})  # a browser's answer to 2.45
    assert [move for move in moves if move[0] != move[1]] == []
    control.value = 99
    assert control.value == 5
    with pytest.raises(TraitError, match="not a number"):
        control.value = math.nan


@settings(deadline=None)
@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers() | st.text() | st.none() | st.booleans())
def test_clipping_gives_a_value_of_the_controls_own_kind(value):
    for control in (slider("a", 2.0, -1, 10), whole("a", 3, 2, 9), choice("a", ["x", "y"])):
        it = limits(control)
        clipped = it.clip(value)
        assert type(clipped) is type(control.value)
        assert it.clip(clipped) == clipped
        if it.low is not None:
            assert it.low <= clipped <= it.high


def test_presses_are_counted_from_nought():
    button = Press("again")
    button.click()
    assert button.value == 1
    with pytest.raises(TraitError):
        button.value = -1
    button.set_state({"value": 10**9})
    assert button.value == 1
