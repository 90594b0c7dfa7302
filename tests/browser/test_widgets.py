"""The explorations as a class sees them: in JupyterLab, in each chapter with one, and on their own page."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import nbformat
import pytest
from playwright.sync_api import expect
from tornado.websocket import websocket_connect

from mlmkit.widgets.lecture import PAGES
from tools.notebooks import dress, from_text

from .lab import PATIENCE, ROOT

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
def every_exploration(course):
    """A notebook with all explorations, one a cell."""
    cells = ["```{code-cell}\nfrom mlmkit.widgets import *\n```"]
    cells += [f"```{{code-cell}}\n{name}()\n```" for name in NAMES]
    notebook = from_text("\n\n".join(cells))
    dress(notebook)
    nbformat.write(notebook, course / "chapters" / "every_exploration.ipynb")
    return "chapters/every_exploration.ipynb"


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
    return seen(cell)


def drag(notebook, handle, by: int) -> None:
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    notebook.page.mouse.move(x, y)
    notebook.page.mouse.down()
    notebook.page.mouse.move(x + by, y, steps=5)
    notebook.page.mouse.up()


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
            at_its_end = slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax")
            drag(notebook, slider, -40 if at_its_end else 40)
        else:
            cell.locator(".widget-button").nth(1).click()
        wait_for_change(notebook, cell, before)


def test_every_exploration_answers_to_mouse_and_keyboard(open_notebook, every_exploration):
    notebook = open_notebook(every_exploration)
    notebook.run_all()
    assert notebook.failures() == []
    for k, name in enumerate(NAMES, start=1):
        cell = output(notebook, k)
        before = seen(cell)
        cell.locator(".widget-button").nth(OTHER_PRESET.get(name, 2)).click()
        before = wait_for_change(notebook, cell, before)
        if name in WITHOUT_SLIDER:
            continue
        handle = cell.locator(".widget-hslider .noUi-handle").first
        drag(notebook, handle, -30)
        before = wait_for_change(notebook, cell, before)
        handle.focus()
        for _ in range(3):
            notebook.page.keyboard.press("ArrowRight")
        wait_for_change(notebook, cell, before)


def test_the_picture_neither_flickers_nor_jumps_while_a_slider_moves(open_notebook, every_exploration):
    notebook = open_notebook(every_exploration)
    notebook.run_all()
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
    drag(notebook, cell.locator(".widget-hslider .noUi-handle").first, 60)
    wait_for_change(notebook, cell, before)
    frames = notebook.page.evaluate("window.frames_seen")
    assert len({length for *_, length in frames}) > 1, "the picture changed while it was watched"
    assert all(painted for painted, *_ in frames), "every frame showed a picture that was there"
    assert len({(width, height) for _, width, height, _ in frames}) == 1


def test_typing_a_formula_changes_every_view(open_notebook, every_exploration):
    notebook = open_notebook(every_exploration)
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


# ---- the page for a lecture --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lecture_page():
    if find_spec("voila") is None:
        pytest.skip("Voila is not installed: the lecture's page was not tried")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlmkit.widgets", f"--port={port}", "--no-browser"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE / 1000
    try:
        while not _answers(url + "/voila/static/voila.js"):
            assert server.poll() is None and time.monotonic() < end, "the lecture's page did not start"
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def _answers(url: str) -> bool:
    try:
        urlopen(url, timeout=2).close()
    except (URLError, OSError):
        return False
    return True


#: The page shows no picture at all while the next exploration is made.
ANOTHER_PICTURE = "before => (document.querySelector('[role=img]')?.src ?? before) !== before"


def test_the_lecture_needs_no_notebook_and_no_network(browser, lecture_page):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(PATIENCE)
    errors, foreign = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    ours = (lecture_page, "data:", "blob:")
    page.on("request", lambda request: request.url.startswith(ours) or foreign.append(request.url))
    page.goto(lecture_page)
    page.locator("[role=img]").wait_for()
    assert page.locator(".jp-InputArea:visible").count() == 0
    for name in ("pooling", "nested or crossed", "playground"):
        before = page.locator("[role=img]").get_attribute("src")
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_function(ANOTHER_PICTURE, arg=before)
    page.locator("input[type=text]").fill("Reaction ~ __import__('os')")
    expect(page.locator("[role=alert]")).to_contain_text("__import__")
    page.close()
    assert not errors and not foreign


def test_the_lectures_kernel_runs_nothing_that_a_visitor_sends(lecture_page, tmp_path):
    """A visitor who knows the protocol asks the page's own kernel to run code: it answers, and does not."""
    page = urlopen(lecture_page, timeout=60).read().decode()
    kernel = re.search(r'"kernelId":\s*"([^"]+)"', page)[1]
    trace = tmp_path / "trace"
    code = {
        "code": f"open({str(trace)!r}, 'w')",
        "silent": False,
        "allow_stdin": False,
        "user_expressions": {},
    }
    address = f"{lecture_page.replace('http', 'ws')}/api/kernels/{kernel}/channels"
    requests = ("execute_request", code), ("kernel_info_request", {})
    with ThreadPoolExecutor() as beside_playwrights_loop:
        answers = beside_playwrights_loop.submit(lambda: asyncio.run(_send(address, *requests))).result()
    assert "kernel_info_reply" in answers and "execute_reply" not in answers
    assert not trace.exists()


async def _send(address: str, *requests: tuple[str, dict]) -> list[str]:
    """The kinds of messages that come back within two seconds of silence."""
    socket = await websocket_connect(address)
    for kind, content in requests:
        header = {
            "msg_id": uuid4().hex,
            "msg_type": kind,
            "username": "",
            "session": "a",
            "version": "5.3",
            "date": "",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}
        await socket.write_message(json.dumps({**message, "channel": "shell"}))
    kinds = []
    with suppress(TimeoutError):
        while answer := await asyncio.wait_for(socket.read_message(), 2):
            kinds.append(json.loads(answer)["msg_type"])
    return kinds


@pytest.mark.parametrize(
    "path",
    [
        "/voila/files/explorations.ipynb",
        "/files/explorations.ipynb",
        "/voila/files/../../etc/passwd",
        "/api/contents",
    ],
)
def test_the_lectures_server_hands_out_no_file(lecture_page, path):
    from urllib.error import HTTPError

    try:
        body = urlopen(lecture_page + path, timeout=10).read()
    except HTTPError as refused:
        assert refused.code in (403, 404)
    else:
        assert b"from mlmkit" not in body and b"root:" not in body


def test_without_voila_the_page_says_what_to_install(monkeypatch, capsys):
    from mlmkit.widgets import __main__ as page

    monkeypatch.setattr(page, "find_spec", lambda name: None)
    assert page.main([]) == 1
    assert 'pip install "mlmkit[lecture]"' in capsys.readouterr().err


def test_the_pages_template_is_in_the_package():
    assert (Path(ROOT) / "mlmkit/widgets/page/voila/templates/lecture/index.html.j2").is_file()
