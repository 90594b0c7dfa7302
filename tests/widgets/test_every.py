"""What holds of every exploration: each control changes what is seen, in pixels and in words."""

from __future__ import annotations

import math
import re
import sys
from base64 import b64decode

import pytest
from ipywidgets import Checkbox, Dropdown, FloatSlider, IntSlider, SelectionSlider, Text, ToggleButtons

from mlmkit import widgets
from mlmkit.widgets.controls import Kept, limits
from mlmkit.widgets.design_builder import CROSSED, Grid
from mlmkit.widgets.frame import Press, stills
from mlmkit.widgets.lecture import PAGES

LIVE = [name for name in widgets.__all__ if name.startswith("explore_")] + ["playground"]
STILL = [name for name in widgets.__all__ if name.startswith("show_")]


@pytest.fixture(scope="module")
def explorers():
    """Each is made once and put back by the tests that move it."""
    return {name: getattr(widgets, name)() for name in LIVE}


def picture(explorer) -> str:
    return re.search(r'src="([^"]+)"', explorer.picture.value)[1]


def other_value(control):
    """A value that the control has not now."""
    if isinstance(control, FloatSlider):
        middle = (control.min + control.max) / 2
        return middle if abs(control.value - middle) > 0.1 * (control.max - control.min) else control.max
    if isinstance(control, IntSlider):
        return control.max if control.value != control.max else control.min
    if isinstance(control, Dropdown | ToggleButtons | SelectionSlider):
        values = [option[1] if isinstance(option, tuple) else option for option in control.options]
        return next(value for value in values if value != control.value)
    if isinstance(control, Checkbox):
        return not control.value
    if isinstance(control, Grid):
        return CROSSED
    assert isinstance(control, Text)
    return "Reaction ~ 1 + (1|Subject)"


#: Controls that change something only in a certain setting.
SETTINGS = {
    ("explore_design", "literal"): {"ids": "from 1 in each"},
    ("explore_prior", "centre"): {"width": 5.0},
    ("explore_prior", "again"): {"shape": "half normal", "scale": 2.0},
    ("playground", "numbers"): {},
}
NOT_IN_THE_PICTURE = {("playground", "numbers")}


def exploration(name):
    """An exploration without its first picture, which for one of them takes seconds to sample."""
    module = sys.modules[getattr(widgets, name).__module__]
    return getattr(module, "EXPLORATION", None) or getattr(widgets, name)().exploration


def controls():
    for name in LIVE:
        for control in exploration(name).controls():
            yield name, control


@pytest.mark.parametrize(("name", "control"), list(controls()))
def test_each_control_changes_what_is_seen(explorers, name, control):
    explorer = explorers[name]
    explorer.reset()
    explorer.set(**SETTINGS.get((name, control), {}))
    widget = explorer.controls[control]
    if isinstance(widget, Kept):
        pytest.skip("presets and other controls set it; see the tests of its exploration")
    before, words = picture(explorer), explorer.words
    if isinstance(widget, Press):
        widget.click()
    elif (name, control) == ("playground", "family"):
        explorer.set(data="rats")
        before, words = picture(explorer), explorer.words
        explorer.set(formula="m ~ 1 + (1|batch)", family="poisson")
    else:
        widget.value = other_value(widget)
    assert explorer.problem == ""
    if (name, control) in NOT_IN_THE_PICTURE:
        assert re.search(r"251\.4|251{,}4", explorer.equation.value)
    else:
        assert picture(explorer) != before
        assert explorer.words != words or control == "sample"
    explorer.reset()
    assert explorer.problem == ""


@pytest.mark.parametrize(("name", "control"), list(controls()))
def test_whatever_arrives_is_computed_within_the_controls_first_limits(explorers, name, control):
    explorer = explorers[name]
    explorer.reset()
    widget, first = explorer.controls[control], limits(explorer.controls[control])
    if isinstance(widget, Kept | Text):
        pytest.skip("it has no limits, or its text is read by the formula's reader")
    for value in (10**7, math.nan, -math.inf, "many", [1, 2]):
        widget.set_state({"max": 10**7, "min": -(10**7), "value": value, "index": value})
        assert first.clip(explorer.values[control]) == explorer.values[control]
        assert explorer.problem == ""
    if first.low is not None:
        widget.max = 10**7  # as if the message had got through
        widget.value = 10**7
        assert explorer.values[control] == first.high
        assert (widget.min, widget.max) == (first.low, first.high)
    explorer.reset()
    assert explorer.problem == ""


@pytest.mark.parametrize("name", LIVE)
def test_each_preset_can_be_used_and_undone(explorers, name):
    explorer = explorers[name]
    explorer.reset()
    start = picture(explorer)
    assert explorer.presets
    for preset in explorer.presets:
        explorer.use(preset)
        assert explorer.problem == ""
        assert "mlmkit-on" in explorer._buttons[preset]._dom_classes, (
            "its values stand, none was rounded away"
        )
        assert (
            explorer.words in re.sub("&#x27;", "'", explorer.sentence.value) or "&" in explorer.sentence.value
        )
    explorer.reset()
    assert picture(explorer) == start


@pytest.mark.parametrize("name", LIVE)
def test_each_has_tasks_and_words_and_a_constant_line(explorers, name):
    explorer = explorers[name]
    tasks = explorer.exploration.to_try
    assert len(tasks) == 3 and all(len(task) > 30 for task in tasks)
    assert any(task.endswith("?") for task in tasks)
    assert len(explorer.words) > 60
    assert explorer.exploration.shows in re.sub("&#x27;", "'", explorer.picture.value)
    assert repr(explorer) == f"An exploration to use while the notebook runs: {explorer.exploration.title}"
    assert len(repr(explorer)) <= 110  # or ipywidgets would cut it


@pytest.mark.parametrize("name", LIVE)
def test_moving_controls_leaves_no_litter_in_the_figure(explorers, name):
    explorer = explorers[name]
    explorer.reset()

    def counts():
        return [len(ax.get_children()) for ax in explorer.figure.axes]

    before = counts()
    for preset in explorer.presets:
        explorer.use(preset)
    explorer.reset()
    assert counts() == before


@pytest.mark.parametrize("name", STILL)
def test_each_has_a_companion_on_paper(name):
    it = getattr(widgets, name)()
    data, _ = it._repr_mimebundle_()
    assert len(b64decode(data["image/png"])) > 20_000
    assert len(it.alt_text) > 300
    assert len(it.figure.subfigs) == 4
    for part in it.figure.subfigs:
        assert any(ax.has_data() for ax in part.axes)


def test_every_exploration_has_its_companion_and_its_place_in_the_lecture():
    topics = {name.removeprefix("explore_") for name in LIVE}
    assert topics == {name.removeprefix("show_") for name in STILL}
    assert set(PAGES.values()) == {getattr(widgets, name) for name in LIVE}


def test_stills_take_any_setting():
    from mlmkit.widgets.icc import EXPLORATION

    it = stills(EXPLORATION, {"a": {"tau": 1.0}, "b": {"tau": 5.0}}, columns=1)
    assert it.figure.get_figheight() > it.figure.get_figwidth() * 0.8


def test_the_lecture_shows_one_page_at_a_time_and_keeps_them():
    page = widgets.lecture("weight")
    first = page.page
    page.choice.value = "losses"
    assert page.children[1] is page.pages["losses"] is page.page
    page.choice.value = "weight"
    assert page.page is first and set(page.pages) == {"weight", "losses"}
    assert repr(page) == "All explorations, to use while the notebook runs"


@pytest.mark.parametrize("name", [name for name in LIVE if name != "explore_prior"])
def test_no_name_of_an_axis_is_cut_or_lies_on_another_panel(explorers, name):
    explorer = explorers[name]
    figure = explorer.figure
    figure.canvas.draw()
    for ax in (ax for ax in figure.axes if ax.axison):
        for label in (ax.xaxis.label, ax.yaxis.label, ax.title):
            if not label.get_text():
                continue
            box = label.get_window_extent()
            assert box.x0 >= -1 and box.x1 <= figure.bbox.width + 1, label.get_text()
            assert box.y0 >= -1 and box.y1 <= figure.bbox.height + 1, label.get_text()
            assert not any(
                box.overlaps(other.bbox) for other in figure.axes if other is not ax and other.axison
            )
