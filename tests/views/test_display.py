"""A notebook's pictures bring their words along: whose they are, and what is sent."""

from __future__ import annotations

import importlib
import json
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import select_figure_formats
from matplotlib.figure import Figure

import mlmkit as mk
from mlmkit import plots
from mlmkit.views import display

CHAPTERS = sorted((Path(__file__).parents[2] / "chapters").glob("*.ipynb"))


class Shell:
    """A notebook's shell as far as pictures are concerned; `sent` is what the page would get."""

    def __init__(self):
        self.kernel, self.sent = True, []
        self.display_formatter = DisplayFormatter()
        self.display_pub = SimpleNamespace(publish=self._publish)
        select_figure_formats(self, {"png"})

    def _publish(self, data, metadata=None):
        self.sent.append((data, metadata or {}))


@pytest.fixture
def shell():
    return Shell()


@pytest.fixture(scope="module")
def fit():
    return mk.lmer("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"))


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def words_sent(shell: Shell) -> str:
    """The words of the one picture that was sent, after checking that both outputs have the same."""
    (data, about), (following, _) = shell.sent
    images = [mime for mime in data if mime.startswith("image/")]
    assert images and all(about[mime]["alt"] for mime in images)
    words = about[images[0]]["alt"]
    assert list(following) == ["text/html"] and words in unescape(following["text/html"])
    return words


def test_a_plot_is_sent_with_the_words_of_its_data(shell, fit):
    figure = plots.ellipse(fit).figure
    display.show(figure, shell)
    assert words_sent(shell) == plots.ellipse_data(fit).alt_text
    assert shell.sent[0][0]["image/png"]


def test_panels_and_several_pictures_in_one_figure(shell, fit):
    panels = plots.panels(fit, groups=[308, 309])
    assert display.words_of(panels) == plots.panels_data(fit, groups=[308, 309]).alt_text
    figure, axes = plt.subplots(1, 2)
    plots.shrinkage(fit, ax=axes[0])
    plots.caterpillar(fit, ax=axes[1]).set_title("people $b_0$")
    both = display.words_of(figure)
    assert both.startswith(plots.shrinkage_data(fit).alt_text)
    assert f"people b_0: {plots.caterpillar_data(fit).alt_text}" in both


def test_subfigures_are_named_by_their_titles(fit):
    figure = plt.figure()
    left, right = figure.subfigures(1, 2)
    left.suptitle("drawn by hand")
    left.subplots().plot([1, 2])
    right.suptitle("the model")
    mk.network(fit).draw(right.subplots())
    words = display.words_of(figure)
    assert words.startswith("drawn by hand: ") and f"the model: {mk.network(fit).alt_text}" in words


def test_a_figure_drawn_by_hand_is_described_by_what_is_in_it(shell):
    figure, ax = plt.subplots()
    ax.plot([1, 2, 3])
    ax.set(xlabel="day", ylabel="reaction time")
    display.show(figure, shell)
    assert "Reaction time (" in words_sent(shell) and "against day (" in words_sent(shell)


def test_networks_trees_and_matrices(shell, fit):
    display.show(mk.network(fit), shell)
    assert words_sent(shell) == mk.network(fit).alt_text
    assert {"image/svg+xml", "image/png", "text/plain"} <= set(shell.sent[0][0])
    tree = mk.structure(mk.load_data("classroom"), ["schoolid", "classid"])
    assert display.words_of(tree) == tree.alt_text == tree.draw().alt_text
    axes = mk.matrices(fit).draw(["X", "V"])
    assert axes[0].alt_text == "The matrix X: 180 rows, 2 columns, 95% of the entries not 0."
    assert "The matrix V" in display.words_of(axes[0].figure)


def test_pictures_that_bring_a_bundle_of_their_own(shell):
    class Still:
        alt_text = "two pictures"

        def _repr_mimebundle_(self, **_):
            return {"image/png": b"png", "text/plain": "still"}, {"image/png": {"width": 300}}

    display.show(Still(), shell)
    assert words_sent(shell) == "two pictures" and shell.sent[0][1]["image/png"]["width"] == 300


def test_an_empty_figure_is_not_sent(shell):
    display.show(Figure(), shell)
    assert shell.sent == []


def test_words_cannot_be_taken_for_markup():
    assert "<b>" not in display.folded("a <b> & c") and "&lt;b&gt; &amp; c" in display.folded("a <b> & c")


def test_only_a_notebook_shows_pictures_so(shell, monkeypatch):
    display.install()  # there is no notebook here: nothing happens
    figure, ax = plt.subplots()  # first: with this shell pyplot would not choose a backend
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    display.install()
    assert all(hasattr(importlib.import_module(module), name) for module, name in display.KINDS)
    ax.plot([1, 2])
    shell.display_formatter.format(figure)
    assert len(shell.sent) == 2


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_picture_stored_in_a_chapter_has_words(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = [o for o in outputs if any(mime.startswith("image/") for mime in o.get("data", {}))]
    assert pictures
    for picture in pictures:
        for mime in picture["data"]:
            if mime.startswith("image/"):
                assert len(picture["metadata"].get(mime, {}).get("alt", "")) > 40
