"""One JupyterLab and one Chromium for all browser tests; skipped with a message where Chromium is missing."""

from __future__ import annotations

import shutil

import pytest

from .lab import FLAGS, ROOT, Notebook, chromium, serve


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        pytest.skip("Chromium is not installed: nothing was tried in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield (it := playwright.chromium.launch(executable_path=path, args=FLAGS))
        it.close()


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """A copy of the course, so that running it changes nothing here."""
    folder = tmp_path_factory.mktemp("course")
    for room in ("chapters", "figures"):
        shutil.copytree(ROOT / room, folder / room)
    return folder


@pytest.fixture(scope="session")
def address(course, browser):
    with serve(course) as url:
        yield url


@pytest.fixture
def open_notebook(browser, address):
    """Open notebooks of the course; afterwards none may have erred or asked another host for anything."""
    opened = []

    def _open(path: str) -> Notebook:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        opened.append(Notebook(page, address, path))
        return opened[-1]

    yield _open
    for notebook in opened:
        notebook.page.close()
        assert not notebook.errors
        assert not notebook.foreign
