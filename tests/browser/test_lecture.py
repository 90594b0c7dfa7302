"""The explorations as a page of their own: a visitor moves them and does nothing else, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import math
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from importlib.util import find_spec
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from uuid import uuid4

import psutil
import pytest
from playwright.sync_api import expect

from mlmkit.widgets.lecture import PAGES

from .lab import PATIENCE, ROOT, note_foreign

pytestmark = pytest.mark.skipif(
    find_spec("voila") is None, reason="Voila is not installed: the lecture's page was not tried"
)
#: The page shows no picture at all while the next exploration is made.
ANOTHER_PICTURE = "before => (document.querySelector('img[role=img]')?.src ?? before) !== before"


@dataclass
class Server:
    """The page's server in a process of its own."""

    url: str
    process: psutil.Process
    said: str

    def kernels(self) -> list[psutil.Process]:
        """The visitors' kernels that are alive."""
        found = []
        for child in self.process.children(recursive=True):
            with suppress(psutil.Error):
                if child.status() != psutil.STATUS_ZOMBIE and "ipykernel_launcher" in " ".join(
                    child.cmdline()
                ):
                    found.append(child)
        return found

    def wait_until(self, true: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE / 1000
        while not true():
            assert time.monotonic() < end, what
            time.sleep(0.1)


@contextmanager
def lecture(*options: str) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlmkit.widgets", f"--port={port}", "--no-browser", *options]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    server = Server(f"http://127.0.0.1:{port}", psutil.Process(process.pid), process.stdout.readline())
    try:
        server.wait_until(lambda: answer(server.url + "/voila/static/voila.js")[0] == 200, "it starts")
        yield server
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture(scope="module")
def server():
    with lecture() as it:
        yield it


def answer(url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """The status and the text of an answer."""
    try:
        with urlopen(Request(url, method=method, headers=headers), timeout=90) as page:
            return page.status, page.read().decode(errors="replace")
    except HTTPError as refused:
        return refused.code, refused.read().decode(errors="replace")
    except (URLError, OSError):
        return 0, ""


def kernel_of(page: str) -> str:
    return re.search(r'"kernelId":\s*"([^"]+)"', page)[1]


# ---- what a visitor sees -------------------------------------------------------------------------------------


@pytest.fixture
def opened(browser):
    """Open pages; afterwards none may have erred or asked any host but the server's for anything."""
    pages = []

    def _open(url: str, width: int = 1280, height: int = 720, scheme: str = "light"):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.set_default_timeout(PATIENCE)
        seen: list[str] = []
        page.on("pageerror", lambda error: seen.append(str(error)))
        ours = (url.partition("?")[0].rstrip("/"), "data:", "blob:")
        page.on("request", partial(note_foreign, seen, ours))
        pages.append((page, seen))
        page.goto(url)
        page.locator("img[role=img]").wait_for()
        return page

    yield _open
    for page, seen in pages:
        page.close()
        assert seen == []


def turn(page, name: str) -> None:
    """Choose another exploration."""
    before = page.locator("img[role=img]").get_attribute("src")
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_function(ANOTHER_PICTURE, arg=before)


def test_it_needs_no_notebook_and_no_network(opened, server):
    page = opened(server.url)
    assert page.locator(".jp-InputArea:visible").count() == 0
    for name in ("pooling", "nested or crossed", "playground"):
        turn(page, name)
    expect(page.locator("mjx-container, .MathJax").first).to_be_visible()
    page.locator("input[type=text]").fill("Reaction ~ __import__('os')")
    expect(page.locator("[role=alert]")).to_contain_text("__import__")


def test_every_exploration_fits_a_small_projector_and_stands_in_nobodys_way(opened, server):
    """Nothing to scroll at 1280 × 720, and axe-core has nothing to say."""
    page = opened(server.url)
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    names = ["ICC", *(name for name in PAGES if name != "ICC")]  # it opens with the first
    faults = {}
    for name in names:
        if name != names[0]:
            turn(page, name)
        page.wait_for_function("!document.querySelector('.mlmkit-at-work')")
        page.wait_for_timeout(500)
        bottom = page.evaluate("document.querySelector('.mlmkit-lecture').getBoundingClientRect().bottom")
        right = page.evaluate("document.documentElement.scrollWidth")
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        faults[name] = [(it["id"], [node["html"][:200] for node in it["nodes"][:3]]) for it in found]
        if bottom > 720 or right > 1280:
            faults[name].append(("does not fit", bottom, right))
    assert {name: found for name, found in faults.items() if found} == {}


def test_a_phone_scrolls_no_page_sideways(opened, server):
    page = opened(server.url, width=390, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("img[role=img]").bounding_box()["width"] >= 600, (
        "large enough to be read, moved sideways"
    )


def test_keys_and_what_is_read_out(opened, server):
    page = opened(server.url)
    slider = page.get_by_role("slider", name="τ between groups")
    slider.focus()
    before = page.locator("img[role=img]").get_attribute("src")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(ANOTHER_PICTURE, arg=before)
    expect(slider).to_have_attribute("aria-valuetext", "2.01")
    preset = page.get_by_role("button", name="sleepstudy", exact=True)
    expect(preset).to_have_attribute("aria-pressed", "false")
    preset.click()
    expect(preset).to_have_attribute("aria-pressed", "true")
    turn(page, "nested or crossed")
    cell = page.get_by_role("button", name="class 1 occurs with school B")
    expect(cell).to_have_attribute("aria-pressed", "false")
    cell.click()
    expect(cell).to_have_attribute("aria-pressed", "true")


# ---- what stays when a visitor goes --------------------------------------------------------------------------


def test_a_page_that_is_closed_leaves_no_kernel_behind(browser, server):
    server.wait_until(lambda: not server.kernels(), "earlier pages' kernels have ended")
    page = browser.new_page()
    page.goto(server.url)
    page.locator("img[role=img]").wait_for(timeout=PATIENCE)
    (first,) = server.kernels()
    page.reload()
    page.locator("img[role=img]").wait_for(timeout=PATIENCE)
    server.wait_until(
        lambda: first not in server.kernels(), "a page that is loaded again ends its first kernel"
    )
    assert len(server.kernels()) == 1
    page.close()
    server.wait_until(lambda: not server.kernels(), "the page was closed, its kernel ended")


def test_a_page_whose_kernel_is_gone_says_so(browser, server):
    page = browser.new_page()
    page.clock.install()
    page.goto(server.url)
    page.locator("img[role=img]").wait_for(timeout=PATIENCE)
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    assert answer(f"{server.url}/voila/api/shutdown/{kernel}", "POST")[0] == 204
    page.clock.fast_forward("01:00")
    explorer = page.locator(".mlmkit-explorer.jupyter-widgets-disconnected")
    explorer.wait_for(timeout=PATIENCE)
    said = explorer.evaluate("it => getComputedStyle(it, '::before').content")
    assert "no longer follows" in said and "reload the page" in said
    page.close()


# ---- who may come in -----------------------------------------------------------------------------------------


def test_as_many_visitors_as_there_is_room_for():
    with lecture("--visitors=1") as server:
        assert "for 1 visitors at a time" in server.said or "for 1 visitor at a time" in server.said
        status, first = answer(server.url)
        assert status == 200
        status, second = answer(server.url)
        assert status == 503 and "The page is full" in second and "closes the page makes room" in second
        answer(f"{server.url}/voila/api/shutdown/{kernel_of(first)}", "POST")
        assert answer(server.url)[0] == 200
        with ThreadPoolExecutor(4) as crowd:
            statuses = [status for status, _ in crowd.map(answer, [server.url] * 4)]
        assert statuses == [503] * 4


@pytest.mark.parametrize("path", ["/", "/voila/static/voila.js", "/api/kernels/" + "0" * 8 + "-0-0-0-0"])
@pytest.mark.parametrize("name", ["elsewhere.example", "192.168.1.20", "localhost.elsewhere.example"])
def test_this_machines_page_answers_to_no_other_name(server, path, name):
    assert answer(server.url + path, Host=name)[0] == 403


@pytest.mark.parametrize("asked", ["template=base", "voila-template=base", "theme=dark", "voila-theme=dark"])
def test_an_address_chooses_no_other_template(server, asked):
    status, page = answer(f"{server.url}/?{asked}")
    answer(f"{server.url}/voila/api/shutdown/{kernel_of(page)}", "POST")
    assert (
        status == 200 and "explorations.js" in page and "fontawesome" not in page and "theme-dark" not in page
    )


def test_a_room_needs_its_token_and_shows_where_it_is(opened):
    with lecture("--ip=0.0.0.0", "--token=let-me-in", "--host=127.0.0.1") as server:
        assert "http://127.0.0.1" in server.said and "token=let-me-in" in server.said
        page = answer(server.url)[1]
        assert "kernelId" not in page and not server.kernels()
        assert answer(server.url, Host="elsewhere.example")[0] == 403
        assert answer(f"{server.url}/?token=wrong")[1].count("kernelId") == 0
        page = opened(f"{server.url}/?token=let-me-in")
        page.get_by_text("On your own screen").click()
        expect(page.get_by_role("img", name="The address as a square code")).to_be_visible()
        expect(page.get_by_text(f"{server.url}/?token=let-me-in")).to_be_visible()
        turn(page, "weight")


# ---- what a visitor who knows the protocol can do ------------------------------------------------------------


@dataclass
class Visitor:
    """A browser's connection to its kernel, without the browser."""

    url: str
    models: dict[str, dict] = field(default_factory=dict)

    async def __aenter__(self):
        from tornado.websocket import websocket_connect

        page = (await asyncio.to_thread(answer, self.url))[1]
        self.kernel = kernel_of(page)
        self.socket = await websocket_connect(
            f"{self.url.replace('http', 'ws')}/api/kernels/{self.kernel}/channels"
        )
        return self

    async def __aexit__(self, *_):
        await asyncio.to_thread(answer, f"{self.url}/voila/api/shutdown/{self.kernel}", "POST")
        self.socket.close()

    async def send(self, kind: str, content: dict) -> None:
        header = {
            "msg_id": uuid4().hex,
            "msg_type": kind,
            "username": "",
            "session": "a",
            "version": "5.3",
            "date": "",
        }
        message = {
            "header": header,
            "parent_header": {},
            "metadata": {"version": "1.0.0"},
            "content": content,
            "buffers": [],
        }
        await self.socket.write_message(json.dumps({**message, "channel": "shell"}))

    async def update(self, model: str, **state) -> None:
        """Say that a widget has another state."""
        data = {"method": "update", "state": state, "buffer_paths": []}
        await self.send("comm_msg", {"comm_id": model, "data": data})

    async def look(self) -> dict[str, dict]:
        """The states of all widgets, once everything sent before is worked off."""
        comm = uuid4().hex
        await self.send(
            "comm_open",
            {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}, "target_module": None},
        )
        await self.send("comm_msg", {"comm_id": comm, "data": {"method": "request_states"}})
        async with asyncio.timeout(PATIENCE / 1000):
            while True:
                message = json.loads(await self.socket.read_message())
                content = message.get("content", {})
                if content.get("comm_id") == comm and content["data"].get("method") == "update_states":
                    return {name: one["state"] for name, one in content["data"]["states"].items()}

    async def kinds(self, seconds: float = 2) -> list[str]:
        """The kinds of messages that come until so long nothing does."""
        found = []
        with suppress(TimeoutError):
            while message := await asyncio.wait_for(self.socket.read_message(), seconds):
                found.append(json.loads(message)["msg_type"])
        return found


def as_visitor(url: str, act: Callable):
    """Act beside Playwright's own loop."""

    async def visit():
        async with Visitor(url) as visitor:
            return await act(visitor)

    with ThreadPoolExecutor(1) as beside:
        return beside.submit(lambda: asyncio.run(visit())).result()


def test_a_kernel_runs_nothing_that_is_sent_to_it(server, tmp_path):
    trace = tmp_path / "trace"
    code = {
        "code": f"open({str(trace)!r}, 'w')",
        "silent": False,
        "allow_stdin": False,
        "user_expressions": {},
    }

    async def act(visitor: Visitor):
        await visitor.send("execute_request", code)
        await visitor.send("kernel_info_request", {})
        return await visitor.kinds()

    kinds = as_visitor(server.url, act)
    assert "kernel_info_reply" in kinds and "execute_reply" not in kinds
    assert not trace.exists()


FORGED = (10**7, 10**9, -(10**9), math.nan, math.inf, "many", [1, 2, 3], None, {"a": 1})


def test_forged_messages_move_nothing_out_of_its_first_bounds(server):
    """Each of nine values for every trait of every slider and menu of an exploration, and the kernel stays small."""

    async def act(visitor: Visitor):
        states = await visitor.look()
        (choice,) = (name for name, state in states.items() if "ICC" in (state.get("_options_labels") or ()))
        seen = {}
        for page in ("nested or crossed", "likelihood", "plane", "predict"):
            await visitor.update(choice, index=list(PAGES).index(page))
            before = await visitor.look()
            sliders = {name: state for name, state in before.items() if {"min", "max", "value"} <= set(state)}
            menus = [name for name, state in before.items() if "_options_labels" in state and name != choice]
            for value in FORGED:
                for name in sliders:
                    await visitor.update(name, max=value, min=value, step=value, value=value)
                for name in menus:
                    await visitor.update(name, _options_labels=value, index=value)
            after = await visitor.look()
            for name, was in sliders.items():
                now = after[name]
                assert (now["min"], now["max"], now["step"]) == (was["min"], was["max"], was["step"])
                assert now["min"] <= now["value"] <= now["max"]
            seen[page] = [str(state.get("value")) for state in after.values() if "_view_name" in state]
        return seen

    server.wait_until(lambda: not server.kernels(), "earlier pages' kernels have ended")
    peak = []
    with ThreadPoolExecutor(1) as watch:
        done = []

        def look():
            while not done:
                for kernel in server.kernels():
                    with suppress(psutil.Error):
                        peak.append(kernel.memory_info().rss)
                time.sleep(0.2)

        watching = watch.submit(look)
        try:
            seen = as_visitor(server.url, act)
        finally:
            done.append(True)
            watching.result()
    assert max(peak) < 600e6
    for page, values in seen.items():
        assert not any("fault of the kit" in value for value in values), page
        assert any("<img" in value for value in values), page


@pytest.mark.parametrize(
    "path",
    [
        "/voila/files/explorations.ipynb",
        "/files/explorations.ipynb",
        "/voila/files/../../etc/passwd",
        "/api/contents",
    ],
)
def test_the_server_hands_out_no_file(server, path):
    status, body = answer(server.url + path)
    assert status in (403, 404) or ("from mlmkit" not in body and "root:" not in body)


def test_without_voila_it_says_what_to_install(monkeypatch, capsys):
    from mlmkit.widgets import __main__ as page

    monkeypatch.setattr(page, "find_spec", lambda name: None)
    assert page.main([]) == 1
    assert 'pip install "mlmkit[lecture]"' in capsys.readouterr().err


def test_without_what_comes_with_voila_it_still_says_so():
    """nbformat, jupyter_server and tornado come with Voila: nothing may ask for them before Voila is looked for."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['nbformat', 'voila', 'jupyter_server', 'tornado', 'psutil']));"
        "import importlib.util as u; real = u.find_spec;"
        "u.find_spec = lambda name, *more: None if name == 'voila' else real(name, *more);"
        "from mlmkit.widgets.__main__ import main; sys.exit(main([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and 'pip install "mlmkit[lecture]"' in done.stderr


def test_the_pages_template_is_in_the_package():
    assert (ROOT / "mlmkit/widgets/page/voila/templates/lecture/index.html.j2").is_file()
