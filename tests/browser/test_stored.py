"""An exploration whose kernel is gone: it says so, and a stored notebook keeps its picture."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from playwright.sync_api import expect

from tools.notebooks import dress, from_text

from .lab import ROOT

CELLS = """
```{code-cell}
import mlmkit as mk

mk.explore_icc()
```
"""
STORED = ".jp-OutputArea-output img[src^='data:image/png']"


@pytest.fixture
def stored(course):
    """A notebook with one exploration, not yet run."""
    notebook = from_text(CELLS)
    dress(notebook)
    nbformat.write(notebook, course / "chapters" / "one_exploration.ipynb")
    return course / "chapters" / "one_exploration.ipynb"


def restart(notebook) -> None:
    notebook.menu("Kernel", "kernelmenu:restart")
    notebook.page.locator(".jp-Dialog-button.jp-mod-accept").click()


def test_after_a_restart_it_says_that_it_no_longer_follows(open_notebook, stored):
    notebook = open_notebook(f"chapters/{stored.name}")
    notebook.run_all()
    explorer = notebook.page.locator(".mlmkit-explorer")
    picture = explorer.locator("img[role=img]")
    picture.wait_for()
    before = float(picture.evaluate("it => getComputedStyle(it).opacity"))
    restart(notebook)
    gone = notebook.page.locator(".mlmkit-explorer.jupyter-widgets-disconnected")
    gone.wait_for()
    said = gone.evaluate("it => getComputedStyle(it, '::before').content")
    assert "no longer follows its controls" in said and "Run its cell again" in said
    assert float(picture.evaluate("it => getComputedStyle(it).opacity")) < before
    notebook.run_all()
    notebook.page.locator(".mlmkit-explorer:not(.jupyter-widgets-disconnected)").wait_for()


def test_a_notebook_that_is_saved_and_opened_again_shows_the_picture(open_notebook, stored):
    notebook = open_notebook(f"chapters/{stored.name}")
    notebook.run_all()
    notebook.page.locator(".mlmkit-explorer img[role=img]").wait_for()
    notebook.menu("File", "docmanager:save")
    notebook.wait_until(lambda: "image/png" in stored.read_text())
    saved = nbformat.read(stored, 4).cells[0].outputs[0]
    assert "ICC" in saved.metadata["image/png"]["alt"]
    assert len(json.dumps(saved)) < 60_000, "a few colours are enough"
    notebook.menu("Kernel", "kernelmenu:shutdown")
    again = open_notebook(f"chapters/{stored.name}")
    picture = again.page.locator(STORED)
    picture.wait_for()
    assert "true mean" in picture.get_attribute("alt")
    expect(again.page.get_by_text("run its cell, and it moves")).to_be_visible()


def test_an_exported_page_shows_the_picture_without_a_network(browser, stored, tmp_path):
    """As run and written at once, with the course's template."""
    for source in (ROOT / "tools/nbconvert/mlmkit", ROOT / "docs/_static/mathjax"):
        shutil.copytree(source, tmp_path / "templates" / "mlmkit", dirs_exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--execute",
        "--to",
        "html",
        "--template",
        "mlmkit",
        str(stored),
    ]
    command += [
        f"--output-dir={tmp_path}",
        f"--TemplateExporter.extra_template_basedirs={tmp_path / 'templates'}",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked = []
    page.on("request", lambda it: it.url.startswith(("file:", "data:", "blob:")) or asked.append(it.url))
    page.goto((tmp_path / f"{stored.stem}.html").as_uri())
    picture = page.locator("main img")
    expect(picture).to_have_count(1)
    assert picture.evaluate("it => it.naturalWidth") > 1000
    assert re.search("variance lies between groups", picture.get_attribute("alt"))
    context.close()
    assert asked == []
