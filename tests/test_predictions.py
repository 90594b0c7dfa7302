"""No answer stands open under a prediction: not in a chapter, not in a student's notebook, not on a slide."""

from __future__ import annotations

import re

import nbformat
import pytest

from mlmkit.course.cells import heading_level, tags_of
from mlmkit.course.handouts import student
from tools.notebooks import chapters

CHAPTERS = chapters()
OPTION = re.compile(r"\(([a-e])\)")
FOLDED = re.compile(r"<details[^>]*>.*?</details>", re.DOTALL)


def stored(chapter):
    return nbformat.read(chapter.notebook, 4)


forms = pytest.mark.parametrize("form", [lambda nb: nb, student], ids=["notebook", "student"])
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.name)


def questions(nb):
    """Each cell that asks, and the cells after it up to the next question or section."""
    for start, cell in enumerate(nb.cells):
        if "predict" in tags_of(cell):
            ends = (k for k in range(start + 1, len(nb.cells)) if _ends(nb.cells[k]))
            yield cell, nb.cells[start + 1 : next(ends, len(nb.cells))]


def _ends(cell):
    return "predict" in tags_of(cell) or heading_level(cell) > 0


def open_answers(question, following):
    """What a reader sees of an answer before deciding: open words that name an option, outputs, open reveals."""
    offered = set(OPTION.findall(question.source))
    for cell in following:
        if cell.cell_type == "markdown":
            named = set(OPTION.findall(FOLDED.sub("", cell.source))) & offered
            if named or ("reveal" in tags_of(cell) and FOLDED.sub("", cell.source).strip()):
                yield cell.source
        elif "reveal" in tags_of(cell) and not cell.metadata.get("jupyter", {}).get("outputs_hidden"):
            yield cell.source
    if following and "reveal" not in tags_of(following[0]):
        yield following[0].source


@forms
@each_chapter
def test_what_answers_a_prediction_is_folded(chapter, form):
    found = [
        (q.source, list(open_answers(q, following))) for q, following in questions(form(stored(chapter)))
    ]
    assert found, "every chapter asks"
    assert [pair for pair in found if pair[1]] == []


@each_chapter
def test_every_prompt_is_a_question_with_a_tag(chapter):
    for cell in stored(chapter).cells:
        asks = cell.cell_type == "markdown" and re.search(
            r"^(?!\*\s)[^\n]*\*\*Predict", cell.source, re.MULTILINE
        )
        assert bool(asks) == ("predict" in tags_of(cell)), cell.source


@forms
@each_chapter
def test_no_slide_shows_a_question_and_an_answer(chapter, form):
    for slide in slides(form(stored(chapter))):
        tags = [tags_of(cell) for cell in slide]
        asked = [k for k, each in enumerate(tags) if "predict" in each]
        assert not asked or not any("reveal" in each for each in tags[asked[0] :]), slide[asked[0]].source


def slides(nb):
    """The cells that are seen together, slide by slide."""
    shown = [[]]
    for cell in nb.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind in ("slide", "subslide"):
            shown.append([])
        if kind not in ("skip", "notes"):
            shown[-1].append(cell)
    return shown


def test_an_open_answer_is_found():
    question = nbformat.v4.new_markdown_cell("**Predict.** (a) more (b) less", metadata={"tags": ["predict"]})
    hidden = {"tags": ["reveal"], "jupyter": {"outputs_hidden": True}}
    answer = nbformat.v4.new_code_cell("1 + 1", metadata=hidden)
    for bad in (
        [nbformat.v4.new_code_cell("1 + 1")],
        [nbformat.v4.new_code_cell("1 + 1", metadata={"tags": ["reveal"]})],
        [answer, nbformat.v4.new_markdown_cell("It is **(b)**, since …")],
        [answer, nbformat.v4.new_markdown_cell("Less.", metadata={"tags": ["reveal"]})],
    ):
        assert list(open_answers(question, bad))
    good = [answer, nbformat.v4.new_markdown_cell('<details class="answer">It is (b).</details>'), answer]
    assert not list(open_answers(question, good))
