"""What an exploration computes without being told anything is what its controls show at first."""

from __future__ import annotations

import inspect
import sys

import pytest

from mlmkit import widgets

LIVE = [name for name in widgets.__all__ if name.startswith("explore_")]


@pytest.mark.parametrize("name", LIVE)
def test_what_is_computed_by_default_is_what_the_controls_say(name):
    exploration = sys.modules[getattr(widgets, name).__module__].EXPLORATION
    shown = {control: widget.value for control, widget in exploration.controls().items()}
    takes = inspect.signature(exploration.compute).parameters
    assert set(takes) == set(shown)
    told = {one: p.default for one, p in takes.items() if p.default not in (inspect.Parameter.empty, None)}
    assert told == {one: shown[one] for one in told}
