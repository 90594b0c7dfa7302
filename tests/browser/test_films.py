"""Films in a browser: opened from a folder, without a server and a network, they play what was drawn."""

from __future__ import annotations

import io
from base64 import b64decode
from dataclasses import replace
from functools import partial
from importlib.resources import files

import numpy as np
import pytest
from matplotlib.image import imread
from playwright.sync_api import expect

from mlmkit import widgets
from mlmkit.widgets import films
from mlmkit.widgets.films.store import PLAYER, card_script, reel_script

from .lab import PATIENCE, note_foreign

SHORT = {
    "icc": {"tau": [0.0, 1.0, 2.0, 3.0], "sigma": [1.0, 2.0], "sample": range(3)},
    "design": {
        "cells": {"nested": ((0, 0), (1, 0), (2, 1), (3, 1)), "crossed": ((0, 0), (0, 1), (1, 0), (1, 1))},
        "ids": ["each its own", "from 1 in each"],
        "literal": [False, True],
    },
    "predictor": {"b1": [0.0, 2.0], "tau": [0.0, 1.5]},
}
STEADY = """() => {
    const film = document.querySelector('course-film'), below = document.querySelector('#below');
    return [film.offsetHeight, below.offsetTop];
}"""


@pytest.fixture(scope="module")
def explorations():
    """Three explorations, to be filmed in few settings."""
    made = {}
    for name, grid in SHORT.items():
        live = getattr(widgets, f"explore_{name}")()
        live.exploration = replace(live.exploration, film=lambda grid=grid: grid)
        made[name] = live
    return made


@pytest.fixture(scope="module")
def reels(explorations):
    return {name: films.shoot(live) for name, live in explorations.items()}


@pytest.fixture(scope="module")
def site(reels, tmp_path_factory):
    """A page for each film as a website has it: the player once, the pictures beside it; one's are missing."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "films").mkdir()
    cards = {name: film.card for name, film in reels.items()}
    cards["lost"] = cards["icc"]
    (folder / "course-film.js").write_text(PLAYER.read_text("utf-8") + card_script(cards), "utf-8")
    for name, film in reels.items():
        (folder / "films" / f"{name}.js").write_text(reel_script(name, film), "utf-8")
    for name in cards:
        (folder / f"{name}.html").write_text(
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>A film</title>'
            "<style>body { margin: 0 } @media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }</style>"
            f'<main><h1>A film</h1><course-film name="{name}">A still.</course-film><p id="below">And on.</p></main>'
            '<script src="course-film.js"></script>',
            "utf-8",
        )
    return folder


@pytest.fixture
def opened(browser, site):
    """Open pages from the disk; afterwards none may have erred or asked any host for anything."""
    pages = []

    def _open(name: str, width: int = 1000, scheme: str = "light", density: float = 1):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=density
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        seen: list[str] = []
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("request", partial(note_foreign, seen, ("file:", "data:", "blob:")))
        pages.append((context, seen))
        page.goto((site / name).as_uri())
        return page

    yield _open
    for context, seen in pages:
        context.close()
        assert seen == []


def playing(page):
    page.wait_for_function("document.querySelector('course-film').reel")
    return page


def painted(page) -> str:
    """The picture after all that was asked for is painted."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("document.querySelector('course-film canvas').toDataURL()")


def words(page) -> str:
    return page.locator("course-film [role=status]").inner_text()


def test_a_slider_changes_picture_sentence_and_what_is_read_out(opened, reels):
    page = playing(opened("icc.html"))
    picture, said = painted(page), words(page)
    assert said == reels["icc"].card["words"]
    slider = page.get_by_role("slider", name="τ between groups")
    slider.press("ArrowRight")
    assert painted(page) != picture and words(page) != said
    assert slider.get_attribute("aria-valuetext") == "3.00"
    assert words(page) in page.locator("canvas").get_attribute("aria-label")
    slider.press("ArrowLeft")
    assert painted(page) == picture and words(page) == said


def test_presets_a_new_sample_and_reset(opened):
    page = playing(opened("icc.html"))
    start = painted(page)
    preset = page.get_by_role("button", name="alcohol", exact=True)
    preset.click()
    assert words(page).startswith("Countries' alcohol consumption")
    expect(preset).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("groups J: 20, members n: 2")).to_be_visible()
    page.get_by_role("button", name="reset").click()
    assert painted(page) == start
    expect(preset).to_have_attribute("aria-pressed", "false")
    for _ in range(3):
        page.get_by_role("button", name="new sample").click()
    assert painted(page) == start, "three samples were filmed; the fourth is the first again"


def test_boxes_are_ticked_and_lists_chosen_from(opened):
    page = playing(opened("design.html"))
    before = words(page)
    page.get_by_label("inner ids").select_option("from 1 in each")
    page.get_by_label("take the ids at their word").check()
    assert words(page) != before and "write (1|school/class)" in words(page)
    page.get_by_label("cells").select_option("crossed")
    assert "crossed" in words(page)


@pytest.mark.parametrize("name", SHORT)
def test_a_film_shows_what_the_exploration_draws(opened, explorations, name):
    page = playing(opened(f"{name}.html"))
    film = imread(io.BytesIO(b64decode(painted(page).partition(",")[2])))[..., :3]
    live = explorations[name]
    live.figure.set_dpi(100)
    live.figure.canvas.draw()
    drawn = np.asarray(live.figure.canvas.buffer_rgba())[..., :3] / 255
    live.figure.set_dpi(150)
    assert film.shape == drawn.shape
    # Letters are hinted and lines snapped in one and not in the other; strokes left out or moved differ far more.
    off = np.abs(film - drawn).mean(axis=2)
    assert off.mean() < 0.02 and (off > 0.5).mean() < 0.015


@pytest.mark.parametrize("width", [390, 1000])
def test_nothing_on_the_page_moves_when_a_film_is_loaded_or_played(opened, width):
    page = opened("icc.html", width=width)
    reserved = page.evaluate(STEADY)
    playing(page)
    assert page.evaluate(STEADY) == reserved
    for _ in range(3):
        page.get_by_role("slider", name="σ within groups").press("ArrowLeft")
        painted(page)
        page.get_by_role("slider", name="τ between groups").press("ArrowLeft")
        painted(page)
        assert page.evaluate(STEADY) == reserved
    page.get_by_role("button", name="rats, response").click()
    assert page.evaluate(STEADY) == reserved


def test_a_phone_stacks_the_panels(opened):
    wide = playing(opened("predictor.html")).locator("canvas").bounding_box()
    page = playing(opened("predictor.html", width=390, density=3))
    narrow = page.locator("canvas").bounding_box()
    assert wide["height"] < wide["width"] and narrow["height"] > narrow["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('canvas').width") >= 3 * 370


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SHORT)
def test_nothing_stands_in_a_readers_way(opened, name, scheme):
    page = playing(opened(f"{name}.html", scheme=scheme))
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert not found, [
        (it["id"], it["help"], [node["html"][:200] for node in it["nodes"][:3]]) for it in found
    ]


def test_a_film_that_is_not_there_says_so(opened):
    page = opened("lost.html")
    expect(page.locator("course-film [role=status]")).to_have_text(
        "The film cannot be shown: films/lost.js is not there."
    )
    expect(page.get_by_role("slider", name="τ between groups")).to_be_visible()


def test_a_saved_page_plays_by_itself(browser, explorations, tmp_path):
    path = explorations["predictor"].save(tmp_path / "a page.html")
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda it: asked.append(it.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    playing(page)
    before = painted(page)
    page.get_by_role("slider", name="slope b₁").press("ArrowLeft")
    assert painted(page) != before
    assert "none" in words(page) or "took" in words(page)
    context.close()
    assert asked == [path.as_uri()] and errors == []
