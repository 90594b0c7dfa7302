"""Films: what an exploration draws, written down stroke by stroke, and kept so that any page can play it."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from mlmkit import widgets
from mlmkit.errors import DataError
from mlmkit.widgets import films
from mlmkit.widgets.controls import choice, slider, whole
from mlmkit.widgets.drawing import drawing
from mlmkit.widgets.explorer import Explorer
from mlmkit.widgets.films import film as filming
from mlmkit.widgets.films.strokes import (
    AREA,
    GRAIN,
    LINE,
    POINTS,
    TEXT,
    Recorder,
    Table,
    _colour,
    _needed,
    _steps,
    _svg,
)
from mlmkit.widgets.grids import Part, across, every

from .test_frame import exploration

LINES = {"slope": [1.0, 2.0, 3.0], "n": [3, 5], "times": [0, 1]}


def line(**changes) -> Explorer:
    return Explorer(exploration(**{"film": lambda: LINES, **changes}))


def unpacked(script: str) -> dict:
    """The pictures that a film's script brings."""
    raw = b64decode(re.search(r'courseFilm\.reel\("[^"]*","([^"]+)"', script.replace(", ", ","))[1])
    return json.loads(zlib.decompress(raw, -15))


# ---- strokes -------------------------------------------------------------------------------------------------


def recorded(draw, size=(3, 2)):
    """The strokes of a figure of 100 pixels an inch."""
    figure = Figure(size, dpi=100)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set(xlim=(0, size[0]), ylim=(0, size[1]))
    draw(ax)
    recorder = Recorder(100 * size[0], 100 * size[1], 100)
    figure.draw(recorder)
    return recorder, [recorder.strokes.items[number] for number in recorder.picture()]


def places(steps) -> np.ndarray:
    return np.cumsum(np.reshape(steps, (-1, 2)), axis=0) / GRAIN


def test_a_line_is_where_it_was_drawn_from_the_top_left():
    recorder, strokes = recorded(lambda ax: ax.plot([0.5, 1, 2.5], [0.5, 1.5, 1], color="#ff0000", lw=1.44))
    kind, style, steps = strokes[-1]
    assert kind == LINE
    np.testing.assert_array_equal(places(steps), [[50, 150], [100, 50], [250, 100]])
    assert recorder.styles.items[style][:2] == [
        0,
        ["#ff0000", 1.0, 2.0, 0, "square", "round"],
    ]


def test_a_curve_keeps_the_points_it_needs():
    x = np.linspace(0.2, 2.8, 500)
    _, strokes = recorded(lambda ax: ax.plot(x, 1 + 0.8 * np.sin(3 * x)))
    kept = places(strokes[-1][2])
    assert len(kept) < 60
    drawn = np.c_[100 * x, 200 - 100 * (1 + 0.8 * np.sin(3 * x))]
    back = np.interp(drawn[:, 0], kept[:, 0], kept[:, 1])
    slope = np.hypot(1, np.gradient(drawn[:, 1], drawn[:, 0]))
    assert np.max(np.abs(back - drawn[:, 1]) / slope) < 0.8  # of a pixel, at right angles


def test_lines_of_one_style_are_one_stroke_unless_they_shine_through():
    ways = [[(0.1 * k, 0.2), (0.1 * k, 1.5)] for k in range(1, 9)]
    _, strokes = recorded(lambda ax: ax.add_collection(LineCollection(ways, color="k")))
    assert [len(stroke) - 2 for stroke in strokes if stroke[0] == LINE] == [8]
    _, strokes = recorded(lambda ax: ax.add_collection(LineCollection(ways, color="k", alpha=0.5)))
    assert [len(stroke) - 2 for stroke in strokes if stroke[0] == LINE] == [1] * 8


def test_points_are_one_shape_at_many_places():
    recorder, strokes = recorded(
        lambda ax: ax.plot([1, 2], [0.5, 1.5], ls="", marker="o", ms=7.2, color="#00ff00")
    )
    kind, style, shape, across, down = strokes[-1]
    assert kind == POINTS
    assert [recorder.rows.items[row] for row in (across, down)] == [[200, 400], [300, 100]]
    assert recorder.styles.items[style][0] == ["#00ff00", 1.0]
    reach = max(abs(float(x)) for x in re.findall(r"-?[\d.]+", recorder.shapes.items[shape]))
    assert reach == pytest.approx(5, abs=0.01)  # half of 7.2 points, in pixels


def test_areas_bars_and_hatches():
    def draw(ax):
        ax.fill_between([0.5, 2.5], [0.5, 0.5], [1.5, 1.5], color="#0000ff", alpha=0.5, lw=0)
        ax.bar([1], [1], color="#aaaaaa", hatch="//", edgecolor="#bb0000", lw=0)

    recorder, strokes = recorded(draw)
    areas = [stroke for stroke in strokes if stroke[0] == AREA]
    fills = [recorder.styles.items[area[1]][0] for area in areas]
    assert ["#0000ff", 0.5] in fills and ["#aaaaaa", 1.0] in fills
    hatches = [recorder.styles.items[area[1]][3] for area in areas]
    assert [hatch[0] for hatch in hatches if hatch] == ["#bb0000"]


def test_letters_are_shapes_and_equal_letters_are_one_shape():
    recorder, strokes = recorded(lambda ax: ax.text(1, 1, "aba $\\tau$"))
    kind, (colour, _), x, y, angle, runs, rules = strokes[-1]
    letters = [shape for _, _, run in runs for shape in run[::2]]
    assert kind == TEXT and colour == "#000000" and (x, y, angle) == (100, 100, 0)
    assert len(letters) == 4 and letters[0] == letters[2] and len(set(letters)) == 3
    assert len(recorder.shapes.items) == 3 and rules == []


def test_a_picture_in_a_picture_is_refused():
    with pytest.raises(NotImplementedError, match="draw no image"):
        recorded(lambda ax: ax.imshow(np.eye(3)))


def test_a_table_keeps_each_thing_once():
    table = Table()
    assert [table(thing) for thing in ([1, 2], "a", [1, 2], 1, True, "a")] == [0, 1, 0, 2, 3, 1]


# ---- films ---------------------------------------------------------------------------------------------------


def test_every_place_of_the_grid_has_its_picture_in_order():
    film = films.shoot(line())
    frames = film.reel["frames"]
    assert [frame[0] for frame in frames[:12]] == [
        f"The slope is {slope * (1 + times):g} over {n} points."
        for slope in (1, 2, 3)
        for n in (3, 5)
        for times in (0, 1)
    ]
    assert film.card["controls"] == [
        ["slope", "slope", "range", 3],
        ["n", "n", "range", 2],
        ["times", "again", "press", 2],
    ]


def test_a_film_begins_as_the_exploration_stands():
    live = line()
    live.set(slope=2.5, n=9)
    film = films.shoot(live)
    places, frame = film.card["start"]
    assert places == [1, 1, 0]  # of two as near, the first
    assert film.reel["frames"][frame][0] == film.card["words"] == "The slope is 2.5 over 9 points."
    assert film.card["labels"] == ["2.5", "9", "0"]


def test_presets_have_a_picture_each_with_their_note():
    film = films.shoot(line())
    [[name, places, frame]] = film.card["presets"]
    assert (name, places) == ("steep", [2, 0, 0])
    assert film.reel["frames"][frame][0].startswith("As steep as it gets. The slope is 4")


def test_what_the_film_does_not_move_is_said():
    film = films.shoot(line(film=lambda: {"slope": [1.0, 2.0]}))
    assert film.card["others"] == "n: 5"
    assert film.reel["frames"][-1][3] == "n: 3"  # the preset's


def test_a_fault_in_words_is_in_the_film():
    film = films.shoot(line(film=lambda: {"slope": [1.0, -1.0]}))
    first, second = film.reel["frames"][:2]
    assert second[0] == "a slope is <not> negative here"
    assert second[1] == first[1]  # the last picture stands


def test_what_follows_from_a_control_follows_in_the_film():
    follow = {
        "n": lambda values: {"slope": {"max": 100.0, "min": 20.0, "step": 5.0, "value": 10.0 * values["n"]}}
    }
    film = films.shoot(line(follow=follow, film=lambda: {"n": [4, 6], "slope": across(3)}))
    slopes = [float(re.search(r"[\d.]+", frame[0])[0]) for frame in film.reel["frames"][:6]]
    assert slopes == [20, 60, 100, 20, 60, 100]


def test_grids_are_written_shortly():
    assert every(0, 1, 0.25) == [0, 0.25, 0.5, 0.75, 1]
    assert across(3) == [Part(0), Part(0.5), Part(1)]


def test_filming_leaves_the_exploration_alone():
    live = line()
    live.use("steep")
    before = live.picture.value, live.values
    films.shoot(live)
    assert (live.picture.value, live.values) == before


# ---- those of the course -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", films.names())
def test_one_frame_of_each_film_is_what_the_exploration_draws(name, monkeypatch):
    live = getattr(widgets, f"explore_{name}")()
    grid = live.exploration.film()
    firsts = {
        one: dict([next(iter(v.items()))]) if isinstance(v, dict) else list(v)[:1] for one, v in grid.items()
    }
    monkeypatch.setattr(live, "exploration", replace(live.exploration, film=lambda: firsts, presets=dict))
    film = films.shoot(live)
    words, strokes, labels, _, tasks = film.reel["frames"][film.card["start"][1]]
    assert words == live.words and len(labels) == len(grid)
    kinds = {film.reel["strokes"][number][0] for number in strokes}
    assert {LINE, TEXT} <= kinds and len(strokes) > 30
    assert len(film.reel["tasks"][tasks]) == 3
    width, height = film.card["size"]
    assert (width, height) == (960, round(100 * live.exploration.height))
    for left, right in film.card["columns"]:
        assert 0 <= left < right <= width
    json.dumps(film.reel, allow_nan=False)


@pytest.mark.parametrize("name", films.names())
def test_each_films_start_and_presets_lie_on_its_grid(name):
    """Its sliders begin where the exploration's do, and can go back there."""
    live = getattr(widgets, f"explore_{name}")()
    for control, given in live.exploration.film().items():
        values = list(given.values()) if isinstance(given, dict) else list(given)
        assert len(values) > 1
        if not isinstance(values[0], Part):
            at = filming.nearest(values, live.controls[control])
            live.controls[control].value = values[at]
            assert live.values[control] == values[at], "a value that the control can take"


def test_every_exploration_but_the_playground_has_a_film():
    live = {name.removeprefix("explore_") for name in widgets.__all__ if name.startswith("explore_")}
    assert set(films.names()) == live
    with pytest.raises(DataError, match="Playground: any formula, every view” has no film"):
        widgets.playground().save("nowhere.html")


# ---- on disk -------------------------------------------------------------------------------------------------


def test_a_saved_page_holds_everything(tmp_path):
    path = line(title="A </script> line").save(tmp_path / "line.html")
    page = path.read_text("utf-8")
    assert "<title>A &lt;/script&gt; line</title>" in page
    assert page.count("</script>") == 3
    assert not re.search(r"""(?:src|href)=["']?http""", page)
    reel = unpacked(page)
    assert len(reel["frames"]) == 14
    with pytest.raises(DataError, match="saved as a web page: line.html, not line.png"):
        line().save(tmp_path / "line.png")


def test_films_are_written_once_and_again_when_their_sources_change(tmp_path, monkeypatch):
    shots = []

    def shoot(live):
        shots.append(live)
        return filming.Film({"title": "one", "∞": "τ"}, {"frames": []})

    monkeypatch.setattr(films, "shoot", shoot)
    player, film = films.write(tmp_path, ["icc"])
    assert player == tmp_path / "course-film.js" and film == tmp_path / "films" / "icc.js"
    assert 'courseFilm.cards({"icc":{"title":"one","∞":"τ"}});' in player.read_text("utf-8")
    films.write(tmp_path, ["icc"])
    assert len(shots) == 1
    monkeypatch.setattr(films, "sources", lambda: "others")
    films.write(tmp_path, ["icc"])
    assert len(shots) == 2
    with pytest.raises(DataError, match="no film 'ic'. Did you mean 'icc'"):
        films.write(tmp_path, ["ic"])


# ---- strokes by hand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("off", "kept"), [(0.19, 2), (0.21, 3), (-0.21, 3)])
def test_a_point_is_needed_if_it_is_a_fifth_of_a_pixel_off(off, kept):
    """Measured at right angles to the line between its neighbours, which need not lie level."""
    for turn in (0.0, 0.7, 2.0):
        cos, sin = np.cos(turn), np.sin(turn)
        line = np.array([[0.0, 0.0], [4.0, off], [10.0, 0.0]]) @ [[cos, sin], [-sin, cos]]
        assert _needed(line).sum() == kept
    assert _needed(np.array([[1.0, 1], [1.3, 1], [1.0, 1]])).sum() == 3, "there and back"
    assert _needed(np.array([[1.0, 1], [1.1, 1], [1.0, 1]])).sum() == 2


def test_both_halves_of_a_line_are_looked_at_again():
    line = np.array([[0.0, 0], [1, 0.5], [2, 0], [5, 9], [8, 0], [9, 0.5], [10, 0]])
    assert _needed(line).all()


def test_steps_are_in_halves_of_a_pixel_and_none_is_nothing():
    assert _steps(np.array([[1.0, 2.0], [1.1, 2.1], [2.5, 1.0], [2.5, 1.0]])) == [2, 4, 3, -2]


def test_a_path_as_svg_writes_it():
    codes = [
        Path.MOVETO,
        Path.LINETO,
        Path.CURVE3,
        Path.CURVE3,
        Path.CURVE4,
        Path.CURVE4,
        Path.CURVE4,
        Path.CLOSEPOLY,
    ]
    path = Path([[0, 0], [1, 0], [2, 0], [2, 1], [2, 2], [1, 2], [0.04, 2], [0, 0]], codes)
    assert _svg(path, Affine2D()) == "M0 0L1 0Q2 0 2 1C2 2 1 2 0 2Z"
    assert _svg(path, Affine2D().scale(1, -1), 2) == "M0 0L1 0Q2 0 2 -1C2 -2 1 -2 0.04 -2Z"


def test_a_colour_has_its_own_alpha_or_the_artists():
    assert _colour((1, 0, 0), None) == ["#ff0000", 1.0] and _colour((1, 0, 0, 0.25), None) == [
        "#ff0000",
        0.25,
    ]
    assert _colour((1, 0, 0, 0.25), 0.5) == ["#ff0000", 0.5] and _colour((1, 0, 0, 0.0), None) == 0


@pytest.mark.parametrize(("size", "kind"), [(28.0, POINTS), (30.0, AREA)])
def test_a_lone_marker_of_more_than_forty_pixels_is_an_area(size, kind):
    """28 points are 39 pixels at 100 to the inch, 30 are 42."""
    _, strokes = recorded(lambda ax: ax.plot([1], [1], marker="s", ms=size, mew=0, color="r"))
    assert strokes[-1][0] == kind


def test_what_is_cut_at_the_frame_says_where_from_the_top_left():
    recorder, strokes = recorded(lambda ax: ax.plot([1, 2], [1, 1], color="k"))
    assert recorder.styles.items[strokes[-1][1]][2] == [0, 0, 300, 200]
    recorder, strokes = recorded(
        lambda ax: ax.plot([1, 2], [1, 1], color="k", clip_on=False, ls=(0, (2, 1)), lw=3.6)
    )
    fill, stroke, clip, hatch = recorder.styles.items[strokes[-1][1]]
    assert (fill, clip, hatch) == (0, 0, 0) and stroke[:4] == ["#000000", 1.0, 5.0, [10.0, 5.0]]


def test_a_closed_outline_ends_where_it_began_and_points_without_a_number_are_left_out():
    _, strokes = recorded(
        lambda ax: ax.add_patch(Polygon([[0.5, 0.5], [1, 0.5], [1, 1]], fill=False, color="k"))
    )
    ways = places(strokes[-1][2])
    np.testing.assert_allclose(ways[[0, -1]], [[50, 150], [50, 150]])
    recorder, strokes = recorded(lambda ax: ax.plot([1, np.nan, 2], [1, 1, 1], ls="", marker="o"))
    assert [recorder.rows.items[row] for row in strokes[-1][3:]] == [[200, 400], [200, 200]]


def test_letters_have_the_size_of_their_text_and_stand_one_after_the_other():
    _, strokes = recorded(lambda ax: ax.text(1, 1.5, "mm", fontsize=36))
    _, _, x, y, angle, [[scale, up, run]], _ = strokes[-1]
    assert (x, y, angle) == (100, 50, 0) and up == 0
    assert scale == pytest.approx(36 * 100 / 72 / 100, rel=1e-3), "50 pixels for letters drawn at 100"
    assert run[1] == 0 and 40 < run[3] < 55, "an m is about one em wide"


@pytest.mark.parametrize("size", [18, 36])
def test_an_index_is_smaller_and_lower_and_grows_with_its_text(size):
    _, strokes = recorded(lambda ax: ax.text(1, 1, "$x_i^k$", fontsize=size))
    (scale, level, _), *small = strokes[-1][5]
    assert level == 0 and all(one < 0.8 * scale for one, _, _ in small)
    downs = sorted(up / size for _, up, _ in small)
    assert downs == pytest.approx([-0.52, 0.48], abs=0.13), "in pixels to the point, from the line downwards"


# ---- what a page is told of controls -------------------------------------------------------------------------


def test_the_nearest_value_of_a_grid_is_found():
    control = SimpleNamespace(value=2.6, min=0.0, max=4.0)
    assert filming.nearest([0.0, 1.0, 2.0, 3.0], control) == 3
    assert filming.nearest([Part(0.0), Part(0.5), Part(1.0)], control) == 1
    assert filming.nearest([3.0, 2.6], control) == 1
    assert filming.nearest(["a", "b"], SimpleNamespace(value="c")) == 0
    assert filming.nearest(["a", "b"], SimpleNamespace(value="b")) == 1


def test_a_value_is_told_as_its_control_shows_it():
    assert filming.label(slider("s", -0.5, -1, 1, 0.25)) == "−0.50"
    assert filming.label(whole("n", 12, 1, 20)) == "12"
    assert filming.label(choice("c", [("one", 1), ("two", 2)], 2)) == "two"


def test_panels_are_cut_apart_only_where_they_do_not_overlap():
    """Two panels beside each other are two columns; one above the other is one. Eight pixels of margin, within the picture."""

    def beside(figure):
        return [
            figure.add_axes(box)
            for box in ((0.1, 0.1, 0.3, 0.8), (0.6, 0.1, 0.39, 0.3), (0.6, 0.6, 0.39, 0.3))
        ]

    camera = filming.Camera(line(panels=beside))
    with drawing():
        camera.figure.canvas.draw()
        boxes = [ax.get_tightbbox(camera.figure.canvas.get_renderer()) for ax in camera.axes]
    left, right = camera.columns()
    assert left == [round(boxes[0].x0) - 8, round(boxes[0].x1) + 8]
    widest = min(boxes[1].x0, boxes[2].x0), max(boxes[1].x1, boxes[2].x1)
    assert right == [round(widest[0]) - 8, min(960, round(widest[1]) + 8)]


def test_a_card_has_the_longest_words_and_the_size_in_pixels():
    film = films.shoot(line(height=3.0))
    assert film.card["size"] == [960, 300]
    assert film.card["longest"] == max((frame[0] for frame in film.reel["frames"]), key=len)
    assert len(film.reel["frames"]) == 3 * 2 * 2 + 2 and film.card["start"][1] == 12
    assert [one[2] for one in film.card["presets"]] == [13]
    assert film.card["try"] == ["one", "two", "three"] and film.reel["grain"] == 2
