"""What a class is given: no solutions, no notes, no results; a folder that says how to start."""

from __future__ import annotations

import re

import nbformat
import pytest

from mlmkit.course.cells import dress, tags_of
from mlmkit.course.command import main
from mlmkit.course.folder import HANDED_OUT, CourseError, chapters, copy_course
from mlmkit.course.handouts import START, student, write_student
from tools.notebooks import HEADER, from_text

TEXT = """
# 9 A chapter

+++ {"tags": ["instructor"]}

#### For the lecturer

+++ {"tags": ["instructor"]}

Ask first.

+++ {"tags": ["predict"]}

## 9.1 A section

**Predict.** More or less?

```{code-cell}
:tags: [reveal]

x = 2
```

+++ {"tags": ["reveal"]}

<details class="answer"><summary>I have predicted: show the answer</summary>

More.

</details>

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
"""


@pytest.fixture
def chapter():
    nb = from_text(HEADER + TEXT)
    dress(nb)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = 1, [nbformat.v4.new_output("stream", text="4")]
    return nb


def test_a_students_notebook_has_no_solutions_notes_or_outputs(chapter):
    before = nbformat.writes(chapter)
    mine = student(chapter)
    text = nbformat.writes(mine)
    assert "print(2 * x)" not in text and "Ask first" not in text and "Solution" not in text
    assert "answer = ..." in text and "Double it" in text
    assert all(not c.outputs and c.execution_count is None for c in mine.cells if c.cell_type == "code")
    assert nbformat.writes(chapter) == before


def test_an_answer_stays_folded_for_students(chapter):
    code, words = (cell for cell in student(chapter).cells if "reveal" in tags_of(cell))
    assert code.metadata.jupyter == {"outputs_hidden": True}
    assert words.source.startswith('<details class="answer">')


def test_the_folder_of_a_class_can_be_handed_out_as_it_is(tmp_path):
    written = write_student(tmp_path / "our class")
    there = {
        p.relative_to(tmp_path / "our class").as_posix()
        for p in (tmp_path / "our class").rglob("*")
        if p.is_file()
    }
    names = {f"chapters/{path.name}" for path in chapters().glob("[0-9]*.ipynb")}
    companions = {"chapters/LICENSE", "chapters/rise.css", "chapters/templates/report.ipynb"}
    assert there == names | companions | {"START.md", f"chapters/{HANDED_OUT}"}
    assert {f"chapters/{path.name}" for path in written} == names
    start = (tmp_path / "our class" / "START.md").read_text(encoding="utf-8")
    assert "mlmkit lab ." in start and "`00-start-here.ipynb`" in start


def test_no_sentence_promises_a_student_what_is_not_there(tmp_path):
    for path in write_student(tmp_path):
        for sentence in re.split(r"(?<=[.!?])\s", path.read_text(encoding="utf-8")):
            if re.search(r"\bsolutions?\b", sentence) and "tags" not in sentence:
                assert "unless your lecturer has kept it back" in sentence, (path.name, sentence)


def test_opening_a_hand_out_adds_no_chapter_to_it(tmp_path):
    (path,) = write_student(tmp_path, ["03"])
    before = path.read_bytes()
    assert copy_course(tmp_path).new == () and path.read_bytes() == before
    assert "stay as they are" in str(copy_course(tmp_path))


def test_a_hand_out_is_renewed_but_never_written_over_a_copy_of_the_course(tmp_path):
    write_student(tmp_path / "class", ["03"])
    assert len(write_student(tmp_path / "class", ["03", "04a"])) == 2
    copy_course(tmp_path / "mine")
    with pytest.raises(CourseError, match="would be written over them"):
        write_student(tmp_path / "mine")


def test_a_chapter_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CourseError, match=r"starts with 99\. There are: 00-start-here"):
        write_student(tmp_path, ["03", "99"])


def test_from_the_command_line(tmp_path, capsys):
    assert main(["student", str(tmp_path / "class"), "--chapters", "00", "03"]) == 0
    assert "2 notebooks for a class, and START.md" in capsys.readouterr().out
    assert main(["student", str(tmp_path / "class"), "--chapters", "77"]) == 1
    assert "No chapter" in capsys.readouterr().err
    assert "{first}" in START
