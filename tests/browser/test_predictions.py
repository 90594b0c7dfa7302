"""Predictions as a reader meets them in JupyterLab: asked, committed to, remembered; and a chapter that is only read."""

from __future__ import annotations

import re

import nbformat
import pytest
from playwright.sync_api import expect

from tools.notebooks import dress, from_text

NOTEBOOK = r"""
# A small chapter

+++ {"tags": ["predict"]}

**Predict.** What is the estimate $\hat\beta_j$ of such a batch?

* (a) 0
* (b) about $-28$
* (c) there is none

```{code-cell}
:tags: [reveal]

print("minus", "infinity")
```

```{code-cell}
:tags: [reveal, fold]

print("a", "picture")
```

+++ {"tags": ["reveal"]}

<details class="answer"><summary>I have predicted: show the answer</summary>

* (a) No.
* (b) There the program lost patience.
* (c) Right.

</details>

+++ {"tags": ["predict"]}

**Predict.** How many?

+++ {"tags": ["reveal"]}

<details class="answer"><summary>I have predicted: show the answer</summary>

* below 8: too few.
* 8 to 13: about right.
* above 13: too many.

</details>
"""


@pytest.fixture
def asking_chapter(course):
    nb = from_text(NOTEBOOK)
    dress(nb)
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    for cell, text in zip(code, ("minus infinity\n", "a picture\n"), strict=True):
        cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", name="stdout", text=text)], 1
    nbformat.write(nb, course / "chapters" / "asking.ipynb")
    return "chapters/asking.ipynb"


def test_an_answer_opens_when_the_reader_has_decided(open_notebook, asking_chapter):
    notebook = open_notebook(asking_chapter)
    page = notebook.page
    outputs = page.locator("pre", has_text=re.compile("minus infinity|a picture"))
    feedback = page.locator("li", has_text="lost patience")
    page.get_by_role("button", name="(b)", exact=True).wait_for()
    assert page.get_by_role("button", name=re.compile(r"^\([a-e]\)$")).count() == 3
    assert not feedback.is_visible() and outputs.count() == 0
    page.get_by_role("button", name="(b)", exact=True).click()
    feedback.wait_for(state="visible")
    expect(outputs).to_have_count(2)
    expect(feedback).to_have_class(re.compile("mine"))
    expect(page.get_by_text("You predicted (b).")).to_be_visible()
    assert page.locator("li", has_text="too few").is_visible() is False, "the next question is not answered"


def test_a_number_is_typed_and_told_what_it_means(open_notebook, asking_chapter):
    page = open_notebook(asking_chapter).page
    page.get_by_label("Your prediction").fill("−3,5 dd")  # "d, d" in a notebook would delete the cell
    page.keyboard.press("Enter")
    expect(page.locator("li", has_text="too few")).to_have_class(re.compile("mine"))
    page.get_by_label("Your prediction").fill("13")
    page.keyboard.press("Enter")
    expect(page.locator("li", has_text="about right")).to_have_class(re.compile("mine"))
    assert page.locator(".jp-Cell").count() == 7


def test_a_prediction_is_remembered_for_the_session_and_the_chapter_stays_clean(
    open_notebook, asking_chapter
):
    notebook = open_notebook(asking_chapter)
    page = notebook.page
    page.get_by_role("button", name="(c)", exact=True).click()
    expect(page.get_by_text("minus infinity")).to_be_visible()
    page.reload()
    notebook.wait_until_idle()
    expect(page.get_by_text("You predicted (c).")).to_be_visible()
    expect(page.get_by_text("minus infinity")).to_be_visible()
    page.wait_for_timeout(1500)  # JupyterLab notes the kernel's version about now
    assert page.locator(".jp-mod-dirty").count() == 0
    page.locator(".jp-CodeCell .cm-content:visible").first.click()  # another tab may be restored
    page.keyboard.type("# mine ")
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty").first).to_be_attached()


def test_a_link_to_the_glossary_arrives(open_notebook):
    page = open_notebook("chapters/01-random-effects.ipynb").page
    link = page.locator("a[href*=glossary]").first
    link.scroll_into_view_if_needed()
    link.click()
    heading = page.locator("h2", has_text="Glossary")
    heading.wait_for(state="visible")
    page.wait_for_timeout(3000)  # what is drawn above it must not push it away again
    expect(heading).to_be_in_viewport()
