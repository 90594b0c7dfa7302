"""JupyterLab as `make lab` sets it up: opens, runs, redraws widgets and folds solutions, all offline."""

from __future__ import annotations

import json
from urllib.request import urlopen

import nbformat
import pytest

from tools.notebooks import dress, from_text

NOTEBOOK = """
# A small chapter

```{code-cell}
from ipywidgets import HTML, IntSlider, VBox

slider = IntSlider(value=3, max=10, description="groups")
picture, sentence = HTML(), HTML()


def redraw(change=None):
    bar = f'<rect width="{20 * slider.value}" height="20"/>'
    picture.value = f'<div role="img" aria-label="{slider.value} groups"><svg>{bar}</svg></div>'
    sentence.value = f'<p aria-live="polite">There are {slider.value} groups.</p>'


slider.observe(redraw, "value")
redraw()
VBox([slider, picture, sentence])
```

+++ {"tags": ["exercise"]}

### Exercise 1

How many?

<details><summary>Hint</summary>

Count *them*.

</details>

```{code-cell}
:tags: [attempt]

answer = ...
```

+++ {"tags": ["solution"]}

#### Solution

+++ {"tags": ["solution"]}

Three, see:

```{code-cell}
:tags: [solution]

print("three", "groups")
```

### Exercise 2

The end.
"""


@pytest.fixture
def small_chapter(course):
    nb = from_text(NOTEBOOK)
    dress(nb)
    nbformat.write(nb, course / "chapters" / "small.ipynb")
    return "chapters/small.ipynb"


def test_widgets_speak_to_the_thread_that_runs_the_cells(address):
    """JupyterLab may send sliders' messages past it, so that a picture is drawn while a cell draws another."""
    settings = "/lab/api/settings/@jupyterlab/apputils-extension:kernels-settings"
    schema = json.load(urlopen(address + settings))["schema"]
    assert schema["properties"]["commsOverSubshells"]["default"] == "disabled"


def test_a_slider_redraws_the_picture_and_the_sentence(open_notebook, small_chapter):
    notebook = open_notebook(small_chapter)
    notebook.run_all()
    assert notebook.failures() == []
    notebook.wait_until(lambda: notebook.sentences() == ["There are 3 groups."])
    before = notebook.pictures()
    notebook.drag("groups", by=60)
    notebook.wait_until(lambda: notebook.pictures() != before)
    dragged = float(notebook.slider("groups").get_attribute("aria-valuenow"))
    assert dragged > 3
    notebook.wait_until(lambda: notebook.sentences() == [f"There are {dragged:.0f} groups."])
    notebook.press("groups", "ArrowLeft")
    notebook.wait_until(lambda: notebook.sentences() == [f"There are {dragged - 1:.0f} groups."])


def test_a_slider_lives_on_a_slide(open_notebook, small_chapter, course, address):
    notebook = open_notebook(small_chapter)
    notebook.run_all()
    notebook.menu("File", "docmanager:save")
    notebook.wait_until(lambda: "widget-view" in (course / small_chapter).read_text())
    notebook.page.goto(f"{address}/rise/{small_chapter}")
    notebook.wait_until(lambda: notebook.sentences() == ["There are 3 groups."])
    notebook.drag("groups", by=60)  # by hand: on slides the arrow keys turn the page
    notebook.wait_until(lambda: notebook.sentences() not in ([], ["There are 3 groups."]))


def test_hints_and_solutions_stay_folded_until_opened(open_notebook, small_chapter):
    notebook = open_notebook(small_chapter)
    notebook.run_all()
    hint = notebook.page.locator("details p")
    words = notebook.page.locator("p:text-is('Three, see:')")
    output = notebook.page.locator("pre:text-is('three groups')")
    assert not hint.is_visible() and not words.is_visible() and not output.is_visible()
    notebook.page.locator("summary:text-is('Hint')").click()
    hint.wait_for(state="visible")
    notebook.page.get_by_role("button", name="2 cells hidden").click()
    words.wait_for(state="visible")
    output.wait_for(state="visible")
