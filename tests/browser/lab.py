"""JupyterLab in a headless Chromium, driven as a student would: open a notebook, run it, drag a slider."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse
from urllib.request import urlopen

from playwright.sync_api import Locator, Page, Request, expect

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 90_000  # ms: the most that anything may take on a slow machine
RUNNING = 400_000  # ms: … but for running a whole chapter, which may sample three posteriors


def chromium() -> str | None:
    """The browser to use: `$CHROMIUM`, or the first of the usual names that is installed."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


@contextmanager
def serve(folder: Path, configured: bool = True) -> Iterator[str]:
    """Serve a folder with JupyterLab, set up as `make lab` does, or as it comes; yields the address."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlmkit", "lab", str(folder)]
    if not configured:
        command = [sys.executable, "-m", "jupyterlab", "--allow-root", f"--ServerApp.root_dir={folder}"]
    options = ["--no-browser", f"--port={port}", "--IdentityProvider.token=", "--ServerApp.port_retries=0"]
    here = {
        "JUPYTER_PATH": str(_extensions(folder)),
        "JUPYTER_CONFIG_DIR": str(folder / "settings"),  # a theme that a test chooses is nobody else's
        "PYTHONPATH": str(ROOT),
    }
    with open(folder / "jupyterlab.log", "w") as log:
        server = subprocess.Popen(
            command + options, cwd=folder, env={**os.environ, **here}, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(address + "/api/status", server, folder / "jupyterlab.log")
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _extensions(folder: Path) -> Path:
    """A place where JupyterLab finds the course's extension as it is here, before the one that was installed."""
    place = folder / "share" / "labextensions"
    place.mkdir(parents=True)
    (place / "mlmkit").symlink_to(ROOT / "tools" / "labextension", target_is_directory=True)
    return place.parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and server.poll() is None:
        try:
            urlopen(url, timeout=2).close()
            return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


class Notebook:
    """One notebook open in JupyterLab.

    Attributes
    ----------
    page
        Playwright's page, for what is not offered here.
    errors
        What the page complained of: uncaught errors.
    foreign
        Requests to any host but the server's own: there must be none.
    """

    def __init__(self, page: Page, address: str, path: str):
        self.page = page
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url, address))
        page.goto(f"{address}/lab/tree/{path}?reset")
        self.wait_until_idle()

    def _note(self, url: str, address: str) -> None:
        there = urlparse(url)
        if there.scheme in ("http", "https", "ws", "wss") and there.netloc != urlparse(address).netloc:
            self.foreign.append(url)

    def wait_until_idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        expect(self.page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("| Idle")).to_be_visible(
            timeout=PATIENCE
        )

    def menu(self, name: str, command: str) -> None:
        """Choose a command of a menu: `menu("Run", "runmenu:run-all")`."""
        self.page.locator(f'.lm-MenuBar-itemLabel:text-is("{name}")').click()
        self.page.locator(f'.lm-Menu-item[data-command="{command}"]').click()

    def run_all(self) -> None:
        """Run every cell from a clean slate and wait until the last one has run."""
        self.menu("Edit", "editmenu:clear-all")
        self.menu("Run", "runmenu:run-all")
        unfinished = self.page.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(r"^\[[ *]\]:$"))
        expect(unfinished).to_have_count(0, timeout=RUNNING)
        self.wait_until_idle()

    def failures(self) -> list[str]:
        """The errors that cells show."""
        return self.page.locator('.jp-OutputArea-output[data-mime-type*="error"]').all_inner_texts()

    def slider(self, label: str) -> Locator:
        """The handle of the slider with that label, focused by `press` and moved by `drag`."""
        row = self.page.locator(".widget-hslider", has=self.page.locator(f'.widget-label:text-is("{label}")'))
        return row.first.locator(".noUi-handle")

    def drag(self, label: str, by: int) -> None:
        """Drag a slider's handle by so many pixels."""
        drag(self.slider(label), by)

    def press(self, label: str, key: str, times: int = 1) -> None:
        """Move a slider with the keyboard."""
        for _ in range(times):
            self.slider(label).press(key)

    def pictures(self) -> list[str]:
        """What the widgets' pictures show now: the source of each, to see whether it changed."""
        found = self.page.locator("img.widget-image, .jupyter-widgets [role=img]")
        return [element.evaluate("e => e.src || e.outerHTML") for element in found.all()]

    def sentences(self) -> list[str]:
        """The texts that widgets keep up to date for every reader."""
        return self.page.locator(".jupyter-widgets [aria-live]").all_inner_texts()

    def wait_until(self, true: Callable[[], bool], patience: float = PATIENCE / 1000) -> None:
        """Wait until something holds, and fail if it does not within `patience` seconds."""
        end = time.monotonic() + patience
        while not true():
            assert time.monotonic() < end, f"waited {patience} s in vain; the page shows {self.sentences()}"
            self.page.wait_for_timeout(50)


def drag(handle: Locator, by: int, tries: int = 5) -> None:
    """Drag a slider's handle by so many pixels, as a hand does: again where the page moved beneath the hand."""
    mouse, before = handle.page.mouse, handle.get_attribute("aria-valuenow")
    for _ in range(tries):
        handle.hover()  # waits until the handle stands still and nothing covers it
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + by, y, steps=5)
        mouse.up()
        if handle.get_attribute("aria-valuenow") != before:
            return
    raise AssertionError(f"the handle stayed at {before} in {tries} drags by {by} pixels")


def note_foreign(seen: list[str], ours: tuple[str, ...], request: Request) -> None:
    """Keep the address of a request that goes elsewhere."""
    if not request.url.startswith(ours):
        seen.append(request.url)
