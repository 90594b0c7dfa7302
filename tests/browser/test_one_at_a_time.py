"""Clicks and the sliders' echoes of them reach a kernel's threads at once: one drawing at a time, none of them torn."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import nbformat
import pytest

from tools.notebooks import dress, from_text

from .lab import Notebook, serve

CLICKS = 50
CELLS = """
```{code-cell}
from ipykernel.kernelapp import IPKernelApp
from mlmkit.widgets import explore_icc, explore_predictor
```

```{code-cell}
explore_predictor()
```

```{code-cell}
explore_icc()
```
"""
#: Every fault that is ever shown, however short.
WATCH = """() => {
    window.faults = [];
    const look = () => document.querySelectorAll('.mlmkit-explorer [role=alert]')
        .forEach(e => window.faults.includes(e.innerText) || window.faults.push(e.innerText));
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


@contextmanager
def other_work(processes: int = 2):
    """A machine that is busy with something else."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.fixture
def notebook(browser, tmp_path):
    """Two explorations in JupyterLab as it comes: each kind of widget message has a thread of its own."""
    nb = from_text(CELLS)
    dress(nb)
    (tmp_path / "chapters").mkdir()
    nbformat.write(nb, tmp_path / "chapters" / "two.ipynb")
    with serve(tmp_path, configured=False) as address:
        page = browser.new_page(viewport={"width": 1400, "height": 1400})
        it = Notebook(page, address, "chapters/two.ipynb")
        it.run_all()
        yield it
        page.close()
        assert not it.errors


def words(exploration) -> str:
    return exploration.locator("[aria-live]").inner_text()


@pytest.mark.slow
def test_fifty_clicks_while_the_sliders_echo_tear_no_picture(notebook):
    page = notebook.page
    page.locator(".mlmkit-explorer [role=img]").nth(1).wait_for()
    page.evaluate(WATCH)
    first, second = page.locator(".mlmkit-explorer").nth(0), page.locator(".mlmkit-explorer").nth(1)
    names = ("pracad", "meanses", "himinty", "size")
    others = ("alcohol", "sleepstudy", "mathachieve")
    with other_work():
        for k in range(CLICKS):
            first.get_by_role("button", name=names[k % 4], exact=True).click()
            second.get_by_role("button", name=others[k % 3], exact=True).click()
        notebook.wait_until(lambda: words(first).startswith("Schools by the mean socio-economic status"), 240)
        notebook.wait_until(lambda: words(second).startswith("Reaction times"), 240)
    assert page.evaluate("window.faults") == []
    notebook.page.wait_for_timeout(1000)  # nothing older comes after it
    assert words(first).startswith("Schools by the mean socio-economic status")
    assert words(second).startswith("Reaction times")
