"""Every chapter as it is stored: run in order, in step with its text, readable, offline, with its numbers.

Whether its outputs are still what the package gives is strict nbval's part (`make notebooks`).
"""

from __future__ import annotations

import ast
import csv
import re
from html import unescape
from pathlib import Path

import nbformat
import pytest

from tools.notebooks import chapters, dress, from_text, to_text

REFERENCE = Path(__file__).parent / "reference"
CHAPTERS = chapters()
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.name)


def notebook(chapter):
    return nbformat.read(chapter.notebook, 4)


def code_cells(nb):
    return [c for c in nb.cells if c.cell_type == "code"]


def shown(nb) -> str:
    """All that a reader sees: the text, the code and every output, as plain text."""
    parts = []
    for cell in nb.cells:
        parts.append(cell.source)
        for output in cell.get("outputs", []):
            parts.append(output.get("text", ""))
            parts += [v for k, v in output.get("data", {}).items() if k.startswith("text/")]
    return unescape("\n".join(parts)).replace("−", "-")


@each_chapter
def test_every_cell_was_run_in_order(chapter):
    cells = code_cells(notebook(chapter))
    not_run = [cell.source for cell in cells if cell.execution_count is None]
    assert not_run == [], "cells without code count as not run: take them out"
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@each_chapter
def test_text_and_notebook_agree(chapter):
    text, nb = chapter.text.read_text(encoding="utf-8"), notebook(chapter)
    assert to_text(nb) == text == to_text(from_text(text)), (
        f"run `make chapters CHAPTER={chapter.name.partition('-')[0]}`"
    )
    before = nbformat.writes(nb)
    dress(nb)
    assert nbformat.writes(nb) == before, "ids, folding or slides are not what the text's tags ask for"


@each_chapter
def test_no_cell_failed_unless_it_is_meant_to(chapter):
    for cell in code_cells(notebook(chapter)):
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in cell.metadata.get("tags", [])), cell.source


@each_chapter
def test_nothing_of_this_machine_or_this_run_is_stored(chapter):
    nb = notebook(chapter)
    assert "widgets" not in nb.metadata
    passing = r"/(?:home|root|Users|work|tmp|opt)/\w+|ipykernel_\d|\b0x[0-9a-f]{6,}|widget-view"
    shown = [
        {kind: text for kind, text in output.get("data", output).items() if kind != "image/png"}
        for cell in code_cells(nb)
        for output in cell.outputs
    ]
    assert re.findall(passing, str(shown)) == []


@each_chapter
def test_no_warning_is_stored_as_a_red_box(chapter):
    outputs = [output for cell in code_cells(notebook(chapter)) for output in cell.outputs]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


@each_chapter
def test_a_beginner_meets_no_formatting_of_tables(chapter):
    assert not re.search(r"to_string\(|float_format=", shown(notebook(chapter)))


@each_chapter
def test_nothing_is_fetched_from_elsewhere(chapter):
    """Links are for clicking; whatever a page loads by itself must be here."""
    loads = r"""(?:src=|href=["'][^"']*\.css|!\[[^\]]*\]\(|@import|url\()\s*["']?https?://[^\s"')]+"""
    assert re.findall(loads, shown(notebook(chapter))) == []


@each_chapter
def test_pictures_in_the_text_exist_and_have_alt_text(chapter):
    for cell in notebook(chapter).cells:
        for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)", cell.source):
            assert alt.strip(), f"{target} has no alt text"
            assert (chapter.folder / target).exists(), target


@each_chapter
def test_links_to_other_files_lead_somewhere(chapter):
    for cell in notebook(chapter).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"(?<!!)\[[^\]]*\]\((?!https?:|#|mailto:)([^)#\s]+)", cell.source):
                assert (chapter.folder / target).exists(), target


@each_chapter
def test_each_exercise_has_a_hint_an_attempt_and_a_solution(chapter):
    cells = notebook(chapter).cells
    starts = [i for i, c in enumerate(cells) if "exercise" in c.metadata.get("tags", [])]
    for start, end in zip(starts, [*starts[1:], len(cells)], strict=True):
        tags = {tag for c in cells[start:end] for tag in c.metadata.get("tags", [])}
        assert "<details>" in cells[start].source, cells[start].source[:60]
        assert {"attempt", "solution"} <= tags, cells[start].source[:60]


@each_chapter
def test_a_students_notebook_needs_nothing_from_the_solutions(chapter):
    cells = code_cells(notebook(chapter))
    solutions = names(c.source for c in cells if "solution" in c.metadata.get("tags", []))
    others = names(c.source for c in cells if "solution" not in c.metadata.get("tags", []))
    assert (solutions[ast.Store] - others[ast.Store]) & others[ast.Load] == set()


def names(sources):
    """The names that code sets and reads, by how they are used."""
    found = {ast.Store: set(), ast.Load: set()}
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Name):
                found.setdefault(type(node.ctx), set()).add(node.id)
    return found


def test_no_chapter_stands_without_its_other_half():
    assert all(c.text.exists() and c.notebook.exists() for c in CHAPTERS)


# ---- the course's numbers --------------------------------------------------------------------------


def course_numbers():
    with open(REFERENCE / "course_numbers.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def stands_in(number: str, text: str) -> bool:
    """The number to at least its digits: 5.92 is shown by 5.92 and by 5.922138, not by 15.92 or 5.9."""
    if re.search(rf"(?<![\d.-]){re.escape(number)}(?!\d)", text):
        return True
    decimals = len(number.partition(".")[2])
    longer = re.findall(rf"(?<![\d.-])-?\d+\.\d{{{decimals + 1},}}", text) if decimals else []
    return any(f"{float(found):.{decimals}f}" == number for found in longer)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.name)
def test_every_number_of_the_course_stands_in_its_chapter(chapter):
    text = shown(notebook(chapter))
    asked = [row for row in course_numbers() if row["chapter"] == chapter.name.partition("-")[0]]
    missing = [f"{row['number']}: {row['what']}" for row in asked if not stands_in(row["number"], text)]
    assert not missing, f"{len(missing)} of {len(asked)} are missing:\n" + "\n".join(missing)


@pytest.mark.parametrize(
    ("number", "text", "stands"),
    [
        ("5.92", "SD 5.92 ms", True),
        ("5.92", "5.922138", True),
        ("5.92", "15.92", False),
        ("5.92", "5.923", True),
        ("5.92", "5.926", False),
        ("-0.138", "-0.1381", True),
        ("0.138", "-0.138", False),
        ("71", "171 rats", False),
    ],
)
def test_a_number_is_found_with_its_digits_only(number, text, stands):
    assert stands_in(number, text) is stands
