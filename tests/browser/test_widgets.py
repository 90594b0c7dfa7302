"""The explorations as a class sees them: in JupyterLab, and in each chapter with one."""

from __future__ import annotations

import re
from contextlib import closing
from functools import partial
from importlib.resources import files

import nbformat
import pytest
from playwright.sync_api import expect

from mlmkit.widgets.lecture import PAGES
from tools.notebooks import dress, from_text

from .lab import ROOT, Notebook, drag

CALL = re.compile(r"mk\.(?:explore_\w+|playground)\(")
NAMES = [function.__name__ for function in PAGES.values()]
WITHOUT_SLIDER = {"playground"}
#: The place of a preset that shows something else than the start does, where that is not the third.
OTHER_PRESET = {"playground": 0, "explore_weight": 0}


def chapters_with_widgets() -> list[str]:
    found = []
    for path in sorted((ROOT / "chapters").glob("[0-9]*.ipynb")):
        cells = nbformat.read(path, 4).cells
        if any(cell.cell_type == "code" and CALL.search(cell.source) for cell in cells):
            found.append(path.name)
    return found


@pytest.fixture(scope="module")
def every_exploration(browser, address, course):
    """All explorations in one notebook, a cell each, open and run. A test that needs them as they begin runs them again."""
    cells = ["```{code-cell}\nfrom mlmkit.widgets import *\n```"]
    cells += [f"```{{code-cell}}\n{name}()\n```" for name in NAMES]
    notebook = from_text("\n\n".join(cells))
    dress(notebook)
    nbformat.write(notebook, course / "chapters" / "every_exploration.ipynb")
    with closing(browser.new_page(viewport={"width": 1400, "height": 1000})) as page:
        opened = Notebook(page, address, "chapters/every_exploration.ipynb")
        opened.run_all()
        assert opened.failures() == []
        yield opened
        assert not opened.errors and not opened.foreign


def output(notebook, k: int):
    """The k-th cell's output, scrolled into sight (JupyterLab renders what is seen)."""
    cell = notebook.page.locator(".jp-CodeCell").nth(k).locator(".jp-Cell-outputWrapper")
    cell.scroll_into_view_if_needed()
    cell.locator("[role=img]").wait_for()
    return cell


def seen(cell) -> tuple[str, str]:
    """The picture's source and the sentence."""
    return cell.locator("[role=img]").get_attribute("src"), cell.locator("[aria-live=polite]").inner_text()


def wait_for_change(notebook, cell, before: tuple[str, str]) -> tuple[str, str]:
    notebook.wait_until(lambda: seen(cell)[0] != before[0] and seen(cell)[1] != before[1])
    return settled(notebook, cell)


def another_picture(cell, before: tuple[str, str]) -> bool:
    return seen(cell)[0] != before[0]


def settled(notebook, cell) -> tuple[str, str]:
    """What stands when nothing follows any more: a drag is many changes, and a busy kernel is late with them."""
    now = seen(cell)
    while True:
        notebook.page.wait_for_timeout(400)
        notebook.wait_until_idle()
        last, now = now, seen(cell)
        if now == last:
            return now


def towards_room(handle) -> int:
    """1 to the right or -1 to the left: where a handle is farther from its end."""
    low, now, high = (float(handle.get_attribute(f"aria-value{it}")) for it in ("min", "now", "max"))
    return 1 if now < (low + high) / 2 else -1


@pytest.mark.parametrize("chapter", chapters_with_widgets())
def test_the_widgets_of_a_chapter_move(open_notebook, chapter):
    notebook = open_notebook(f"chapters/{chapter}")
    notebook.run_all()
    assert notebook.failures() == []
    cells = notebook.page.locator(".jp-CodeCell").filter(has_text=CALL)
    for k in range(cells.count()):
        cell = cells.nth(k).locator(".jp-Cell-outputWrapper")
        cell.scroll_into_view_if_needed()
        cell.locator("[role=img]").wait_for()
        before = seen(cell)
        slider = cell.locator(".widget-hslider .noUi-handle").first
        if slider.count():
            drag(slider, 40 * towards_room(slider))
        else:
            cell.locator(".widget-button").nth(1).click()
        wait_for_change(notebook, cell, before)


def test_every_exploration_answers_to_mouse_and_keyboard(every_exploration):
    notebook = every_exploration
    notebook.run_all()
    for k, name in enumerate(NAMES, start=1):
        cell = output(notebook, k)
        before = seen(cell)
        cell.locator(".widget-button").nth(OTHER_PRESET.get(name, 2)).click()
        before = wait_for_change(notebook, cell, before)
        if name in WITHOUT_SLIDER:
            continue
        handle = cell.locator(".widget-hslider .noUi-handle").first
        way = towards_room(handle)
        drag(handle, 30 * way)
        before = wait_for_change(notebook, cell, before)
        handle.focus()
        for _ in range(3):
            notebook.page.keyboard.press("ArrowLeft" if way > 0 else "ArrowRight")
        notebook.wait_until(partial(another_picture, cell, before))  # the words change less often


def test_the_picture_neither_flickers_nor_jumps_while_a_slider_moves(every_exploration):
    notebook = every_exploration
    cell = output(notebook, 1 + NAMES.index("explore_icc"))
    before = seen(cell)
    cell.evaluate("""cell => {
        window.frames_seen = [];
        const look = () => {
            const img = cell.querySelector('[role=img]');
            const box = img ? img.getBoundingClientRect() : {width: 0, height: 0};
            const painted = !!img && img.complete && img.naturalWidth > 0;
            window.frames_seen.push([painted, box.width, box.height, img && img.src.length]);
            requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    }""")
    handle = cell.locator(".widget-hslider .noUi-handle").first
    drag(handle, 60 * towards_room(handle))
    wait_for_change(notebook, cell, before)
    frames = notebook.page.evaluate("window.frames_seen")
    assert len({length for *_, length in frames}) > 1, "the picture changed while it was watched"
    assert all(painted for painted, *_ in frames), "every frame showed a picture that was there"
    assert len({(width, height) for _, width, height, _ in frames}) == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_explorations_stand_in_nobodys_way(every_exploration, theme):
    """axe-core has nothing to say of what is ours in JupyterLab."""
    notebook, name = every_exploration, f"JupyterLab {theme.title()}"
    if notebook.page.evaluate("document.body.dataset.jpThemeName") != name:
        notebook.page.locator('.lm-MenuBar-itemLabel:text-is("Settings")').click()
        notebook.page.locator('.lm-Menu-itemLabel:text-is("Theme")').hover()
        notebook.page.locator(f'.lm-Menu-itemLabel:text-is("{name}")').click()
        notebook.page.wait_for_function(f"document.body.dataset.jpThemeName === '{name}'")
    notebook.page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    faults = {}
    for k, name in enumerate(NAMES, start=1):
        output(notebook, k)
        notebook.page.wait_for_timeout(300)
        found = notebook.page.evaluate(
            "k => axe.run(document.querySelectorAll('.jp-CodeCell')[k].querySelector('.mlmkit-explorer'),"
            " {resultTypes: ['violations']})",
            k,
        )["violations"]
        faults[name] = [(it["id"], [node["html"][:200] for node in it["nodes"][:3]]) for it in found]
    assert {name: found for name, found in faults.items() if found} == {}


def test_typing_a_formula_changes_every_view(every_exploration):
    notebook = every_exploration
    notebook.run_all()
    cell = output(notebook, 1 + NAMES.index("playground"))
    before = seen(cell)
    formula = cell.locator("input[type=text]")
    formula.fill("Reaction ~ Days + (1|Subject)")
    wait_for_change(notebook, cell, before)
    expect(cell.locator(".mlmkit-summary")).to_contain_text("(1|Subject)")
    expect(cell.locator("mjx-container, .MathJax").first).to_be_visible()
    formula.fill("Reaction ~ Days + (1|Sub")
    expect(cell.locator("[role=alert]")).to_contain_text("^ here")
    formula.fill("Reaction ~ <b>bold</b>")
    expect(cell.locator("[role=alert]")).to_contain_text("<b>bold</b>")
