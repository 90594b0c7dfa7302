"""A chapter as an assignment: attempts that can be graded, and what nbgrader makes of right, half-right and wrong ones."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

from mlmkit.course.cells import ChapterError, dress, tags_of
from mlmkit.course.command import main
from mlmkit.course.folder import chapters
from mlmkit.course.grading import assignment, solution, write_assignment
from tools.notebooks import HEADER, from_text

TEXT = """
# 0 A chapter

```{code-cell}
import mlmkit as mk
```

+++ {"tags": ["exercise"]}

### Exercise 0.3 ★★ Which?

(a) (b) (c)

```{code-cell}
:tags: [attempt]

answer = ...
mk.check("00-3", answer)
```

+++ {"tags": ["solution"]}

#### Solution

```{code-cell}
:tags: [solution]

letters = "abc"
```

```{code-cell}
:tags: [solution]

k = 1
print(mk.check("00-3", letters[k]))
```
"""
NAME = "00-start-here"


@pytest.fixture
def chapter():
    nb = from_text(HEADER + TEXT)
    dress(nb)
    return nb


def graded(nb):
    return [cell for cell in nb.cells if "nbgrader" in cell.metadata]


def test_an_attempt_holds_its_solution_and_a_locked_test_follows(chapter):
    attempt, test = graded(assignment(chapter))
    assert attempt.source == (
        '### BEGIN SOLUTION\nletters = "abc"\nk = 1\nanswer = letters[k]\n### END SOLUTION\nmk.check("00-3", answer)'
    )
    assert attempt.metadata.nbgrader["solution"] and not attempt.metadata.nbgrader["locked"]
    assert test.metadata.nbgrader["points"] == 2  # the stars
    assert test.metadata.nbgrader["grade"] and test.metadata.nbgrader["locked"]
    assert 'mk.check("00-3", answer)' in test.source


@pytest.mark.parametrize(("stars", "points"), [(" ★★★", 3), (" ★", 1), ("", 1)])
def test_an_exercise_gives_as_many_points_as_it_has_stars_and_at_least_one(stars, points):
    nb = from_text(HEADER + TEXT.replace(" ★★", stars))
    dress(nb)
    assert graded(assignment(nb))[1].metadata.nbgrader["points"] == points


def test_an_exercise_without_a_checked_solution_is_named(chapter):
    chapter.cells[-1].source = "k = 1"
    with pytest.raises(ChapterError, match="Exercise 00-3 has an attempt, but no solution"):
        assignment(chapter)


@pytest.mark.parametrize("path", sorted(chapters().glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_every_attempt_of_a_chapter_is_graded(path):
    nb = nbformat.read(path, 4)
    attempts = [cell for cell in nb.cells if "attempt" in tags_of(cell)]
    cells = graded(assignment(nb))
    assert len(cells) == 2 * len(attempts)
    assert all(cell.metadata.nbgrader.get("points", 1) in (1, 2, 3) for cell in cells)
    nbformat.validate(assignment(nb))


def test_the_configuration_is_written_once(tmp_path, capsys):
    (path,) = write_assignment(tmp_path, ["03"])
    assert path == tmp_path / "source" / path.stem / path.name and path.stem.startswith("03-")
    (tmp_path / "nbgrader_config.py").write_text("mine")
    assert main(["assignment", "00", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "nbgrader_config.py").read_text() == "mine"
    assert f"nbgrader generate_assignment {NAME}" in capsys.readouterr().out


# ---- nbgrader itself -----------------------------------------------------------------------------------

#: What the second student writes instead of a solution, by the exercise's place in the chapter.
SPOILT = {2: "answer = 1 / 0", 4: "answer = 'four'", 6: "answer = ...", 8: "answer = {'b'}"}


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    """What two students get: one who is right throughout, and one who is right in every second exercise."""
    if find_spec("nbgrader") is None:
        pytest.skip('nbgrader is not installed (pip install "mlmkit[grading]"): nothing was graded')
    course = tmp_path_factory.mktemp("grading")
    (source,) = write_assignment(course, ["00"])
    nbgrader(course, "generate_assignment", NAME)
    released = nbformat.read(course / "release" / NAME / source.name, 4)
    assert "BEGIN SOLUTION" not in str(released) and "answer = ..." in str(released)
    solved = {cell.id: cell.source for cell in nbformat.read(source, 4).cells}
    hand_in(course, "anna", released, solved)
    hand_in(course, "bob", released, solved, spoilt=SPOILT)
    nbgrader(course, "autograde", NAME)
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        return {each.student.id: (each.score, each.max_score) for each in book.assignment_submissions(NAME)}


def nbgrader(course: Path, *command: str) -> None:
    here = {
        "PYTHONPATH": str(chapters().parent),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=course,
        env={**os.environ, **here},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def hand_in(
    course: Path, student: str, released, solved: dict[str, str], spoilt: dict[int, str] | None = None
) -> None:
    """Submit the released notebook with the solutions filled in, but for the exercises that are spoilt."""
    nb, place = nbformat.from_dict(released), 0
    for cell in graded(nb):
        if cell.metadata.nbgrader["solution"]:
            place += 1
            right = solved[cell.id].replace("### BEGIN SOLUTION\n", "").replace("### END SOLUTION\n", "")
            cell.source = (spoilt or {}).get(place, right)
        elif place in (spoilt or {}):
            cell.source = "verdict = True"  # nbgrader puts the test back
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(nb, folder / f"{NAME}.ipynb")


def test_all_right_gets_all_points(scores):
    got, most = scores["anna"]
    assert got == most > 0


def test_half_right_gets_the_points_of_what_is_right(scores):
    got, most = scores["bob"]
    points = [
        cell.metadata.nbgrader["points"]
        for cell in graded(assignment(nbformat.read(chapters() / f"{NAME}.ipynb", 4)))[1::2]
    ]
    right = [each for place, each in enumerate(points, 1) if place not in SPOILT]
    assert 0 < len(right) < len(points) and (got, most) == (sum(right), sum(points))


def test_a_solution_is_found_by_what_it_checks(chapter):
    assert solution(chapter, "00-3").endswith("answer = letters[k]")
