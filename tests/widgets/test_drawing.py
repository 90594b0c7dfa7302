"""Drawing: one at a time, and in a style that no session's settings reach and that reaches no session."""

from __future__ import annotations

import re
import threading
import time
from base64 import b64decode
from io import BytesIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from mlmkit import widgets
from mlmkit.style import RC
from mlmkit.widgets.drawing import drawing, png, scaled
from mlmkit.widgets.frame import Explorer

from .test_frame import exploration

SETTINGS = {
    "font.size": 30, "axes.grid": True, "lines.linewidth": 9, "text.color": "red", "axes.facecolor": "black",
    "mathtext.fontset": "cm", "axes.unicode_minus": False, "legend.frameon": True, "path.simplify": False,
}  # fmt: skip


def source(explorer) -> str:
    return re.search(r'src="([^"]+)"', explorer.picture.value)[1]


@pytest.mark.parametrize("name", ["explore_icc", "explore_design", "explore_future_batch", "playground"])
def test_a_picture_is_the_same_whatever_the_session_has_set(name):
    make = getattr(widgets, name)
    usual = source(make())
    with plt.style.context("dark_background"), mpl.rc_context(SETTINGS):
        before = dict(mpl.rcParams)
        assert source(make()) == usual
        assert dict(mpl.rcParams) == before


def test_other_threads_see_their_own_settings_and_keep_what_they_set():
    drawing_now, seen_enough = threading.Event(), threading.Event()
    seen = {}

    def draw(axes, it):
        seen["here"] = mpl.rcParams["axes.titlesize"]
        drawing_now.set()
        assert seen_enough.wait(60)
        axes[0].set_title("drawn")

    with mpl.rc_context({"axes.titlesize": 33}):
        thread = threading.Thread(target=lambda: Explorer(exploration(draw=draw)))
        thread.start()
        assert drawing_now.wait(60)
        seen["there"] = mpl.rcParams["axes.titlesize"]
        mpl.rcParams["axes.titlesize"] = 44
        seen_enough.set()
        thread.join(60)
        assert mpl.rcParams["axes.titlesize"] == 44
    assert seen == {"here": RC["axes.titlesize"], "there": 33}


def test_what_is_set_while_drawing_goes_with_it():
    before = dict(mpl.rcParams)
    with drawing():
        with mpl.rc_context({"font.size": 40}):
            assert mpl.rcParams["font.size"] == 40
        assert mpl.rcParams["font.size"] == RC["font.size"]
        mpl.rcParams["lines.linewidth"] = 7
        with drawing():
            assert mpl.rcParams["lines.linewidth"] == RC["lines.linewidth"]
        assert mpl.rcParams["lines.linewidth"] == 7
    assert dict(mpl.rcParams) == before
    assert type(mpl.rcParams) is mpl.RcParams


def test_the_style_goes_when_drawing_fails():
    before = dict(mpl.rcParams)
    with pytest.raises(ZeroDivisionError), drawing():
        raise ZeroDivisionError
    assert dict(mpl.rcParams) == before


def test_two_explorations_never_draw_at_once():
    inside, most = [], []

    def draw(axes, it):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        axes[0].plot([0, it.slope])
        inside.pop()

    explorers = [Explorer(exploration(draw=draw)) for _ in range(2)]

    def move(explorer, preset):
        for k in range(10):
            explorer.controls["slope"].set_state({"value": 0.5 * k})
            explorer.use(preset)

    threads = [threading.Thread(target=move, args=(explorers[k % 2], "steep")) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(most) > 20 and set(most) == {1}
    for explorer in explorers:
        assert explorer.problem == "" and explorer.words.startswith("As steep as it gets.")
        assert explorer.values["slope"] == explorer.result.slope == 4.0


def test_a_plain_picture_is_compressed_and_whole():
    plain = np.full((200, 300, 3), 240, dtype=np.uint8)
    plain[50:60] = (10, 20, 30)
    file = b64decode(png(plain))
    assert len(file) < plain.size / 50
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(file))), plain)


@pytest.mark.parametrize("factor", [0.5, 1.6])
def test_letters_so_many_times_as_large(factor):
    style, sizes = scaled(factor), [name for name in RC if name.endswith(("size", "fontsize"))]
    letters = [
        name
        for name in sizes
        if "marker" not in name and ("font" in name or "label" in name or "title" in name)
    ]
    assert letters and all(style[name] == pytest.approx(factor * RC[name]) for name in letters)
