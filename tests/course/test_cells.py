"""A chapter's cells: what follows from their tags, and the rules that a build holds them to."""

from __future__ import annotations

import nbformat
import pytest

from mlmkit.course.cells import ChapterError, complaints, dress, heading_level
from tools.notebooks import HEADER, from_text

QUESTION = """\
+++ {"tags": ["predict"]}

**Predict.** More or less? (a) more (b) less

"""
ANSWER = """\
```{code-cell}
:tags: [reveal]

x = 1
```

+++ {"tags": ["reveal"]}

<details class="answer"><summary>I have predicted: show the answer</summary>

* (a) Right.
* (b) That would be so without groups.

</details>

+++

And so on.
"""


def notebook(text):
    nb = from_text(HEADER + "\n" + text)
    dress(nb)
    return nb


def slides(nb):
    return [cell.metadata.get("slideshow", {}).get("slide_type") for cell in nb.cells]


def test_an_answer_is_stored_hidden_and_comes_on_a_slide_of_its_own():
    nb = notebook(QUESTION + ANSWER)
    assert nb.cells[1].metadata.jupyter == {"outputs_hidden": True}
    assert slides(nb) == [None, "subslide", None, None]


def test_cells_that_are_not_on_slides_do_not_take_the_answers_slide():
    prepared = ANSWER.replace("[reveal]", "[reveal, skip]") + '\n+++ {"tags": ["reveal"]}\n\n'
    prepared = "```{code-cell}\n:tags: [reveal, skip]\n\ndef draw():\n    pass\n```\n\n" + ANSWER
    assert slides(notebook(QUESTION + prepared)) == [None, "skip", "subslide", None, None]


def test_code_that_is_not_the_lesson_is_stored_folded():
    nb = notebook(
        "```{code-cell}\n:tags: [fold]\n\nplt.plot(x)\n```\n"
        + QUESTION
        + ANSWER.replace("[reveal]", "[reveal, fold]")
    )
    assert nb.cells[0].metadata.jupyter == {"source_hidden": True}
    assert nb.cells[2].metadata.jupyter == {"outputs_hidden": True, "source_hidden": True}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (QUESTION.replace("predict", "exercise") + ANSWER, "`predict` and a paragraph that begins with"),
        ('+++ {"tags": ["predict"]}\n\nNothing is asked.\n', "`predict` and a paragraph that begins with"),
        (QUESTION + "\n**Predict.** And by how much?\n\n" + ANSWER, "One cell asks one prediction"),
        (QUESTION + ANSWER.replace("reveal", "skip"), "'x = 1' follows a prediction and shows its answer"),
        (QUESTION + "+++\n\nMore.\n", "'More.' follows a prediction and shows its answer"),
        (QUESTION + ANSWER.replace('<details class="answer">', "<details>"), "stand between"),
        (QUESTION + ANSWER.replace('"answer">', '"answer" open>'), "stand between"),
        (ANSWER + QUESTION, "Nothing was asked before 'x = 1'"),
        ('+++ {"tags": ["solved"]}\n\nx\n', "Unknown tag solved"),
        ('+++ {"tags": ["solution"]}\n\n#### Solution\n\nTwice two.\n', "stands alone"),
        ('+++ {"tags": ["instructor"]}\n\n### Note\n\n+++\n\nThe data.\n', "'The data.' lies in the fold"),
        ('+++ {"tags": ["instructor"]}\n\n### Note\n\n+++\n\n#### Data\n', "'#### Data' lies in the fold"),
    ],
)
def test_what_breaks_a_rule_is_named(text, says):
    with pytest.raises(ChapterError, match=says):
        notebook(text)


@pytest.mark.parametrize(
    "text",
    [
        QUESTION + "+++\n\n## Later\n\nThe answer comes in section 4.\n",
        '+++ {"tags": ["instructor"]}\n\n### Note\n\n+++ {"tags": ["instructor"]}\n\nAsk.\n\n+++\n\n### Data\n',
        '+++ {"tags": ["solution"]}\n\n#### Solution\n\n+++\n\n## Next\n\nText.\n',
        '+++ {"tags": ["instructor"]}\n\n## Note\n\n+++\n\n# Part two\n\nA heading of any level ends a fold.\n',
        "* **Predict.** A question before the answer: a word on the method asks nothing.\n",
    ],
)
def test_what_keeps_the_rules_is_let_through(text):
    assert list(complaints(from_text(HEADER + "\n" + text))) == []


@pytest.mark.parametrize(
    ("source", "level"),
    [
        ("# One", 1),
        ("## Two\n\ntext", 2),
        ("### Three", 3),
        ("#no heading", 0),
        ("text\n# later", 0),
        ("", 0),
    ],
)
def test_a_headings_level_is_its_number_of_signs(source, level):
    assert heading_level(nbformat.v4.new_markdown_cell(source)) == level
    assert heading_level(nbformat.v4.new_code_cell(source)) == 0


def test_a_cell_is_quoted_by_the_beginning_of_its_first_line():
    text = QUESTION + "+++\n\n" + "x" * 90 + "\nanother line\n"
    with pytest.raises(ChapterError, match=f"^'{'x' * 70}' follows a prediction"):
        notebook(text)


@pytest.mark.parametrize("signs", ["#", "##", "####"])
def test_a_heading_of_any_level_folds(signs):
    nb = notebook(f'+++ {{"tags": ["instructor"]}}\n\n{signs} Note\n')
    assert nb.cells[-1].metadata["jp-MarkdownHeadingCollapsed"] is True


def test_a_notebook_is_of_the_format_whose_cells_have_ids():
    nb = notebook(QUESTION + ANSWER)
    assert (nb.nbformat, nb.nbformat_minor) == (4, 5) and all(cell.id for cell in nb.cells)


def test_equal_cells_have_ids_of_their_own_in_their_order():
    nb = notebook("One.\n\n+++\n\nTwo.\n\n+++\n\nOne.\n\n+++\n\nOne.\n")
    first, other, second, third = (cell.id for cell in nb.cells)
    assert (second, third) == (f"{first}-2", f"{first}-3") and len(first) == len(other) == 12
    assert notebook("One.\n").cells[0].id == first
