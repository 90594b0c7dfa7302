"""The frame: controls in, one picture and its words out, and nothing else shown, stored or swallowed."""

from __future__ import annotations

import io
import re
import zlib
from base64 import b64decode
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mlmkit.errors import DataError
from mlmkit.widgets.controls import Kept, press, slider, whole
from mlmkit.widgets.frame import WIDTH, Exploration, Explorer, Preset, _png, stills
from mlmkit.widgets.paint import Painter, key, stepped, wipe


@dataclass(frozen=True)
class Line:
    slope: float
    n: int


def compute(slope, n, times=0, kept="a"):
    if slope < 0:
        raise DataError("a slope is <not> negative here")
    if slope == 7:
        raise ZeroDivisionError("by nought")
    return Line(slope * (1 + times), n)


def draw(axes, it):
    axes[0].plot(range(it.n), [it.slope * k for k in range(it.n)])
    axes[0].set(xlim=(0, 10), ylim=(0, 50))


def exploration(**changes):
    parts = {
        "title": "A line", "shows": "A line.", "compute": compute, "draw": draw,
        "describe": lambda it: f"The slope is {it.slope:g} over {it.n} points.",
        "panels": lambda figure: (figure.add_subplot(),),
        "controls": lambda: {"slope": slider("slope", 1.0, -1, 10, 0.5), "n": whole("n", 5, 2, 9),
                             "times": press("again"), "kept": Kept("a", ("a", "b"))},
        "presets": lambda: {"steep": Preset({"slope": 4.0, "n": 3}, "As steep as it gets.")},
        "to_try": ("one", "two", "three"),
    }  # fmt: skip
    return Exploration(**{**parts, **changes})


@pytest.fixture
def line():
    return Explorer(exploration())


def source(explorer):
    return re.search(r'src="data:image/png;base64,([^"]+)"', explorer.picture.value)[1]


def test_a_control_redraws_the_picture_its_alt_text_and_the_sentence(line):
    before = source(line)
    line.controls["slope"].value = 3.0
    assert line.result == Line(3.0, 5)
    assert source(line) != before
    assert line.words == "The slope is 3 over 5 points."
    assert 'aria-label="A line. The slope is 3 over 5 points."' in line.picture.value
    assert 'aria-live="polite"' in line.sentence.value and "The slope is 3" in line.sentence.value


def test_the_picture_has_one_size_whatever_it_shows(line):
    sizes = set()
    for slope in (0.5, 3.0, 10.0):
        line.set(slope=slope)
        sizes.add(tuple(re.findall(r'(?:width|height)="(\d+)"', line.picture.value)))
    assert len(sizes) == 1 and f'width="{WIDTH}"' in line.picture.value


def test_the_figure_is_one_for_life_and_unknown_to_pyplot(line):
    figure, open_figures = line.figure, plt.get_fignums()
    for k in range(5):
        line.set(slope=float(k))
    assert line.figure is figure
    assert len(figure.axes) == 1 and len(figure.axes[0].lines) == 1
    assert plt.get_fignums() == open_figures


def test_setting_several_controls_draws_once(line, monkeypatch):
    drawn = []
    monkeypatch.setattr(line, "redraw", lambda: drawn.append(1))
    line.set(slope=2.0, n=4)
    assert drawn == [1]


def test_presets_set_values_with_a_note_that_goes_when_a_control_moves(line):
    line.use("steep")
    assert line.values["slope"] == 4.0 and line.values["n"] == 3
    assert line.words.startswith("As steep as it gets.")
    line.controls["n"].value = 6
    assert line.words == "The slope is 4 over 6 points."


def test_a_preset_is_marked_as_long_as_all_its_values_stand(line):
    def marked():
        return "mlmkit-on" in line._buttons["steep"]._dom_classes

    seen = [marked()]
    for values in ({"slope": 4.0}, {"n": 3}, {"slope": 2.0}):
        line.set(**values)
        seen.append(marked())
    assert seen == [False, False, True, False]


def test_reset_goes_back_to_the_start():
    line = Explorer(exploration(), slope=2.0)
    start = source(line)
    line.use("steep")
    line.controls["times"].click()
    line.reset()
    assert line.values == {"slope": 2.0, "n": 5, "times": 0, "kept": "a"}
    assert source(line) == start


def test_a_press_counts(line):
    line.controls["times"].click()
    assert line.result.slope == 2.0


def test_user_errors_are_shown_as_help_and_go_when_mended(line):
    line.controls["slope"].value = -1.0
    assert line.problem == "a slope is <not> negative here"
    assert 'role="alert"' in line.help.value and "&lt;not&gt;" in line.help.value
    assert line.result == Line(1.0, 5)  # the last good one still stands
    assert "mlmkit-behind" in line._dom_classes  # but greyed, for the sliders say something else
    line.controls["slope"].value = 1.0
    assert line.problem == "" and line.help.value == ""
    assert "mlmkit-behind" not in line._dom_classes


def test_other_errors_are_shown_and_raised(line):
    with pytest.raises(ZeroDivisionError):
        line.controls["slope"].value = 7.0
    assert "ZeroDivisionError: by nought" in line.problem
    assert "by nought" in line.help.value
    assert "mlmkit-behind" in line._dom_classes


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"slop": 1}, "There is no control 'slop'. Did you mean 'slope'?"),
        ({"n": "many"}, "n cannot be 'many'"),
        ({"kept": "c"}, "kept cannot be 'c': there are a, b"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(line, values, message):
    with pytest.raises(DataError, match=re.escape(message)):
        line.set(**values)


def test_presets_that_are_not_there_are_refused(line):
    with pytest.raises(DataError, match="no preset 'step'. Did you mean 'steep'"):
        line.use("step")


def test_controls_follow_others():
    follow = {"n": lambda values: {"slope": {"max": 100.0, "min": 20.0, "value": 10.0 * values["n"]}}}
    line = Explorer(exploration(follow=follow))
    line.controls["n"].value = 4
    assert line.result == Line(40.0, 4)
    line.controls["slope"].value = 25.0
    line.set(n=4)  # the same value again: the others follow all the same
    assert line.result == Line(40.0, 4)


def test_a_notebook_stores_one_constant_line(line):
    start = repr(line)
    line.set(slope=9.0)
    assert repr(line) == start == "An exploration to use while the notebook runs: A line"
    assert line._repr_mimebundle_()["text/plain"] == start


def test_everything_on_the_page_can_be_reached_and_read(line):
    page = "".join(
        child.value for child in line.children if hasattr(child, "value") and isinstance(child.value, str)
    )
    assert re.findall("<li>(.*?)</li>", page) == ["one", "two", "three"]
    for control in (line.controls["slope"], line.controls["n"], line.controls["times"]):
        assert control.description and control.tooltip


def test_stills_paint_the_same_draw_side_by_side():
    it = stills(exploration(), {"flat": {"slope": 0.5}, "steep": {"slope": 4.0}, "steeper": {"slope": 5.0}})
    assert len(it.figure.subfigs) == 4 and len(it.figure.axes) == 3
    assert [ax.lines[0].get_ydata()[1] for ax in it.figure.axes] == [0.5, 4.0, 5.0]
    assert "steep: The slope is 4 over 5 points." in it.alt_text
    data, metadata = it._repr_mimebundle_()
    assert b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == it.alt_text
    assert data["text/plain"] == "Stills(title='A line')"


def test_the_png_holds_the_pixels():
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    picture = plt.imread(io.BytesIO(b64decode(_png(pixels))), format="png")
    np.testing.assert_array_equal(np.round(picture[..., :3] * 255), pixels)
    assert zlib.crc32(b"IEND") == int.from_bytes(b64decode(_png(pixels))[-4:], "big")


def test_a_key_is_made_anew_only_where_it_says_something_else():
    _, ax = plt.subplots()
    ax.plot([0, 1], label="a")
    key(ax)
    first = ax.get_legend()
    wipe(ax)
    ax.plot([0, 2], label="a")
    key(ax)
    assert ax.get_legend() is first
    ax.plot([0, 3], label="b")
    key(ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    plt.close()


def test_what_is_kept_as_background_makes_no_difference(line):
    for values in ({"slope": 2.0}, {"slope": 3.0}, {"n": 9}, {"slope": 0.5, "n": 2}):
        line.set(**values)
        kept = line._painter.pixels().astype(int)
        afresh = Painter(line.figure).pixels().astype(int)
        np.testing.assert_array_equal(kept, afresh)


def test_a_background_is_painted_anew_when_scales_labels_or_key_change():
    figure, ax = plt.subplots()
    painter = Painter(figure)

    def kept():
        background = painter._background
        painter.pixels()
        return painter._background is background

    ax.plot([0, 1], label="a")
    assert not kept()
    ax.plot([1, 0])
    ax.set_title("titles are painted each time")
    assert kept()
    for change in (
        lambda: ax.set_xlim(0, 5),
        lambda: ax.set_ylabel("y"),
        lambda: ax.legend(),
        lambda: ax.set_xticks([1, 2], ["one", "two"]),
        lambda: ax.set_axis_off(),
    ):
        change()
        assert not kept()
        assert kept()
    plt.close()


def test_axes_keep_their_proportions_on_a_kept_background():
    figure, ax = plt.subplots(figsize=(8, 3))
    painter = Painter(figure)
    ax.plot([0, 1], [0, 1])
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    first = painter.pixels().copy()
    ax.reset_position()
    np.testing.assert_array_equal(painter.pixels(), first)
    plt.close()


@pytest.mark.parametrize(
    ("reach", "step"), [(0.9, 1), (1, 1), (1.2, 1.5), (3.1, 5), (80, 80), (81, 100), (0.012, 0.015), (0, 1)]
)
def test_scales_change_in_steps(reach, step):
    assert stepped(reach) == pytest.approx(step)


def test_wiping_leaves_nothing_but_the_axes():
    _, ax = plt.subplots()
    ax.plot([0, 1], label="a")
    ax.bar([0], [1])
    ax.text(0, 0, "a")
    ax.set(xlim=(0, 3), xlabel="x")
    wipe(ax)
    assert not [*ax.lines, *ax.patches, *ax.texts]
    assert ax.get_xlim() == (0, 3) and ax.get_xlabel() == "x"
    plt.close()
