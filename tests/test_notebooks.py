"""The chapters' build: one source, both ways, nothing that changes by itself."""

from __future__ import annotations

import nbformat
import pytest

from tools.notebooks import (
    HEADER,
    Chapter,
    ChapterError,
    build,
    chapters,
    dress,
    from_text,
    sync,
    tidy_outputs,
    to_text,
    write_notebook,
)

TEXT = (
    HEADER
    + r"""
# 9 A chapter

With a symbol, $\beta_j = b + \zeta_j$, and code that is only shown:

```r
lmer(y ~ x + (x | g))
```

+++

A second cell.

```{code-cell}
x = 2
x
```

+++ {"tags": ["exercise"]}

### Exercise 9.1 ★

<details><summary>Hint</summary>

Double it.

</details>

```{code-cell}
:tags: [attempt]

answer = ...
```

+++ {"tags": ["solution"]}

#### Solution

```{code-cell}
:tags: [solution]

print(2 * x)
```

+++ {"tags": ["instructor"]}

#### For the lecturer

+++ {"tags": ["instructor"]}

Ask first.
"""
)


@pytest.fixture
def chapter(tmp_path):
    it = Chapter("09-small", tmp_path)
    it.text.parent.mkdir()
    it.text.write_text(TEXT, encoding="utf-8")
    return it


def stored(chapter):
    return nbformat.read(chapter.notebook, 4)


def test_text_and_notebook_say_the_same():
    assert to_text(from_text(TEXT)) == TEXT


def test_a_build_runs_every_cell_and_is_the_same_each_time(chapter):
    build(chapter)
    first = chapter.notebook.read_bytes()
    outputs = [c.outputs for c in stored(chapter).cells if c.cell_type == "code"]
    assert outputs[0][0].data["text/plain"] == "2" and outputs[2][0].text == "4\n"
    build(chapter)
    assert chapter.notebook.read_bytes() == first
    assert chapter.text.read_text(encoding="utf-8") == TEXT


def test_an_edit_of_the_text_reaches_the_notebook_and_keeps_other_outputs(chapter):
    build(chapter)
    chapter.text.write_text(TEXT.replace("print(2 * x)", "print(3 * x)"), encoding="utf-8")
    cells = [c for c in sync(chapter).cells if c.cell_type == "code"]
    assert cells[2].source == "print(3 * x)" and cells[2].outputs == []
    assert cells[0].outputs[0].data["text/plain"] == "2"


def test_an_edit_in_jupyterlab_reaches_the_text(chapter):
    build(chapter)
    nb = stored(chapter)
    nb.cells[1].source = "A better cell."
    nb.cells[1].metadata = {"editable": True, "trusted": True}
    nb.cells.insert(2, nbformat.v4.new_code_cell("y = 1"))
    write_notebook(chapter, nb)
    sync(chapter)
    assert chapter.text.read_text(encoding="utf-8") == TEXT.replace(
        "A second cell.\n", "A better cell.\n\n```{code-cell}\ny = 1\n```\n"
    )
    assert "trusted" not in chapter.notebook.read_text(encoding="utf-8")


def test_edits_of_both_sides_are_not_decided_silently(chapter):
    build(chapter)
    nb = stored(chapter)
    nb.cells[1].source = "Mine."
    write_notebook(chapter, nb)
    chapter.text.write_text(TEXT.replace("A second cell.", "Yours."), encoding="utf-8")
    with pytest.raises(ChapterError, match="both edited"):
        sync(chapter)


def test_a_chapter_that_fails_keeps_what_was_stored(chapter):
    build(chapter)
    chapter.text.write_text(TEXT.replace("x = 2", "x = 1 / 0"), encoding="utf-8")
    with pytest.raises(ChapterError, match="09-small does not run(.|\n)*ZeroDivisionError"):
        build(chapter)


def test_folding_and_slides_follow_from_tags_and_headings():
    nb = from_text(TEXT)
    dress(nb)
    folded = [c.source for c in nb.cells if c.metadata.get("jp-MarkdownHeadingCollapsed")]
    assert folded == ["#### Solution", "#### For the lecturer"]
    slides = [c.metadata.get("slideshow", {}).get("slide_type") for c in nb.cells]
    assert slides == ["slide", None, None, "subslide", "skip", "skip", "skip", "notes", "notes"]


def test_each_heading_of_a_slide_begins_a_cell():
    text = HEADER + "\n## One\n\n```r\n## no heading\n```\n\n### Two\n\n#### Not a slide\n\n## Three\n"
    nb = from_text(text)
    assert [cell.source.splitlines()[0] for cell in nb.cells] == ["## One", "### Two", "## Three"]
    assert to_text(nb) == text.replace("\n### Two", "\n+++\n\n### Two").replace("\n## Th", "\n+++\n\n## Th")


def test_ids_change_only_with_their_cells():
    nb, longer = from_text(TEXT), from_text(TEXT.replace("A second cell.", "New.\n\n+++\n\nA second cell."))
    dress(nb)
    dress(longer)
    ids = [c.id for c in nb.cells]
    assert len(set(ids)) == len(ids)
    assert [c.id for c in longer.cells if c.source != "New."] == ids


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('{"tags": ["exercise"]}', '{"tags": ["excercise"]}', "Unknown tag excercise. There are: .*exercise"),
        ("#### Solution\n", "#### Solution\n\nTwice two.\n", "stands alone in its cell"),
    ],
)
def test_slips_in_the_text_are_named(chapter, old, new, says):
    chapter.text.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(ChapterError, match=says):
        sync(chapter)


def test_outputs_lose_what_changes_with_every_run():
    cell = nbformat.v4.new_code_cell("x")
    view = {"text/plain": "VBox()", "application/vnd.jupyter.widget-view+json": {"model_id": "1f"}}
    cell.outputs = [
        nbformat.v4.new_output("display_data", view),
        nbformat.v4.new_output("stream", name="stderr", text="/tmp/ipykernel_12/345.py:1: FitWarning: so"),
        nbformat.v4.new_output("error", ename="DataError", evalue="no z", traceback=["File /home/me/x.py"]),
    ]
    tidy_outputs(nbformat.v4.new_notebook(cells=[cell]))
    assert cell.outputs[0].data == {"text/plain": "VBox()"}
    assert cell.outputs[1].text == "cell:1: FitWarning: so"
    assert cell.outputs[2].traceback == ["DataError: no z"]


def test_chapters_are_found_by_the_start_of_their_names(chapter):
    assert chapters(chapter.folder, ["09"]) == [chapter]
    with pytest.raises(ChapterError, match="No chapter starts with 03. There are: 09-small"):
        chapters(chapter.folder, ["03"])
