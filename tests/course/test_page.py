"""A chapter as a page: folds, forms, pictures with their words, nothing that needs a kernel."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest

from mlmkit.course.page import Book, page

ROOT = Path(__file__).resolve().parents[2]


def markdown(source, *tags):
    return nbformat.v4.new_markdown_cell(source, metadata={"tags": list(tags)})


def code(source, *tags, outputs=()):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs))


def shown(data, **metadata):
    return nbformat.v4.new_output("display_data", data, metadata=metadata)


def made(*cells, book=None):
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    notebook.metadata["kernelspec"] = {"name": "python3"}
    return page(notebook, book or Book()).cells


def sources(cells):
    return [cell.source for cell in cells]


def test_a_solution_folds_under_its_heading():
    cells = made(
        markdown("### Exercise", "exercise"),
        markdown("#### Solution", "solution"),
        markdown("Because.", "solution"),
        code("1 + 1", "solution"),
        markdown("After."),
    )
    assert sources(cells) == [
        "### Exercise",
        '<details class="course-solution"><summary>Solution</summary>\n',
        "Because.",
        "1 + 1",
        "</details>\n",
        "After.",
    ]


@pytest.mark.parametrize("signs", ["#", "##", "####"])
def test_a_fold_is_called_as_its_heading_is_whatever_the_level(signs):
    opening, *rest = sources(
        made(markdown(f"{signs} For later", "instructor"), markdown("One.", "instructor"))
    )
    assert "<summary>For later</summary>" in opening and rest[0] == "One."


@pytest.mark.parametrize("signs", ["#", "###"])
def test_two_notes_in_a_row_are_two_folds(signs):
    notes = [markdown(text, "instructor") for text in (f"{signs} First", "One.", f"{signs} Second", "Two.")]
    assert [source.count("<summary>") for source in sources(made(*notes))] == [1, 0, 0, 1, 0, 0]


def test_code_and_words_that_answer_a_prediction_share_a_fold():
    words = '<details class="answer"><summary>Answer</summary>\n\nMore.\n\n</details>'
    cells = made(
        markdown("**Predict.** More?", "predict"),
        code("x", "reveal"),
        code("y", "reveal"),
        markdown(words, "reveal"),
    )
    assert sources(cells)[1].startswith('<details class="answer">')
    assert sources(cells)[2:] == ["x", "y", "More.", "</details>\n"]


def test_code_that_is_not_the_lesson_is_folded():
    (cell,) = made(code("draw()", "fold", "subslide"))
    assert cell.metadata == {"tags": ["hide-input"]}


def test_an_attempt_becomes_a_form_that_knows_the_options():
    asked = []
    book = Book(form=lambda exercise, letters: asked.append((exercise, letters)) or "<form></form>")
    cells = made(
        markdown("### Exercise 1\n\n* (a) one\n* (b) two", "exercise"),
        code('answer = ...\nmk.check("03-1", answer)', "attempt"),
        markdown("### Exercise 2\n\nHow many?", "exercise"),
        code('answer = ...\nmk.check("03-2", answer)', "attempt"),
        book=book,
    )
    assert asked == [("03-1", "ab"), ("03-2", "")]
    assert sources(cells)[1] == "<form></form>" == sources(cells)[3]


def test_an_exploration_is_followed_by_its_film():
    line = shown({"text/plain": "An exploration to use while the notebook runs"})
    cells = made(code("mk.explore_icc()", outputs=[line]), book=Book(films={"explore_icc": "icc"}))
    assert cells[0].outputs == [] and 'name="icc"' in cells[1].source
    (left,) = made(code("mk.playground()", outputs=[line]), book=Book(films={"explore_icc": "icc"}))
    assert left.outputs == [line]


def test_a_picture_becomes_a_file_with_its_words():
    buffer = BytesIO()
    plt.Figure(figsize=(4, 2), dpi=50).savefig(buffer, dpi=50)
    png = b64encode(buffer.getvalue()).decode()
    book = Book()
    output = shown(
        {"image/png": png, "text/plain": "Figure"}, **{"image/png": {"alt": 'A "box" & more', "width": 100}}
    )
    (cell,) = made(code("plt.show()", outputs=[output]), book=book)
    ((name, content),) = book.pictures.items()
    html = cell.outputs[0].data["text/html"]
    assert content == buffer.getvalue() and f'src="../_static/pictures/{name}"' in html
    assert (
        'alt="A &quot;box&quot; &amp; more"' in html and 'width="100" height="50"' in html and "wide" in html
    )


def test_of_two_forms_the_sharp_one_is_taken():
    svg = '<svg width="72pt" height="36.0pt" xmlns="http://www.w3.org/2000/svg"></svg>'
    both = shown({"image/png": "", "image/svg+xml": svg}, **{"image/png": {"alt": "A network"}})
    (cell,) = made(code("x", outputs=[both]), book=(book := Book()))
    assert list(book.pictures.values()) == [svg.encode()]
    assert 'width="96.0" height="48"' in cell.outputs[0].data["text/html"] and "A network" in str(
        cell.outputs
    )


def test_an_empty_header_is_no_header_and_words_are_for_everybody():
    table = shown({"text/html": "<table><tr><th></th><th>x</th></tr></table>"})
    words = shown(
        {
            "text/html": '<details class="jp-sr-only"><summary tabindex="-1">The picture in words</summary>A.</details>'
        }
    )
    (cell,) = made(code("x", outputs=[table, words]))
    assert (
        cell.outputs[0].data["text/html"].count("<td></td>") == 1
        and "<th>x</th>" in cell.outputs[0].data["text/html"]
    )
    assert (
        "jp-sr-only" not in cell.outputs[1].data["text/html"]
        and "tabindex" not in cell.outputs[1].data["text/html"]
    )


@pytest.mark.parametrize("path", sorted((ROOT / "chapters").glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_every_chapter_becomes_a_page(path):
    notebook, book = nbformat.read(path, 4), Book(form=lambda exercise, letters: f"<form>{exercise}</form>")
    before = nbformat.writes(notebook)
    cells = page(notebook, book).cells
    text = "\n".join(sources(cells))
    assert nbformat.writes(notebook) == before
    assert text.count("<details") == text.count("</details>")
    assert "answer = ..." not in text
    html = [
        output.data["text/html"]
        for cell in cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    pictures = [it for it in html if it.startswith("<img")]
    assert pictures and all('alt="' in it and 'alt=""' not in it for it in pictures)


@pytest.mark.parametrize(("width", "is_wide"), [(100, False), (170, False), (171, True), (300, True)])
def test_a_picture_is_wide_beyond_seven_to_ten(width, is_wide):
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}px" height="100px"></svg>'
    (cell,) = made(code("draw()", outputs=[shown({"image/svg+xml": drawing})]))
    html = cell.outputs[0].data["text/html"]
    assert ('class="course-picture wide"' in html) is is_wide
    assert f'width="{float(width)}" height="100"' in html


def test_an_exercises_options_may_stand_in_several_cells():
    asked = []
    book = Book(form=lambda exercise, letters: asked.append((exercise, letters)) or "<form></form>")
    made(
        markdown("### Exercise 3.1\n\n(a) less", "exercise"),
        markdown("(b) more\n(c) as much", "exercise"),
        code('answer = ...\nmk.check("03-1", answer)', "attempt"),
        book=book,
    )
    assert asked == [("03-1", "abc")]
