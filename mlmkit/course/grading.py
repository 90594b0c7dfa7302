"""A chapter as an assignment of nbgrader, from the same source: attempts are graded by what `mk.check` says of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .cells import ChapterError, heading_level, tags_of
from .folder import chapters
from .handouts import _read, _write, chosen_chapters, student

CHECK = re.compile(r"""mk\.check\(["'](?P<id>[\w-]+)["'],\s*answer\)""")
STARS = re.compile(r"★+")
#: The test of an attempt. It forgets the answer, so that none is left over for the next exercise.
TEST = """\
verdict, answer = mk.check("{id}", answer), ...
print(verdict)
assert verdict, verdict
"""
BLANK = "answer = ..."
CONFIGURATION = f'''\
"""nbgrader for the course of mlmkit: put submissions into submitted/NAME/CHAPTER/ and run nbgrader autograde CHAPTER."""

c = get_config()  # noqa: F821  (nbgrader gives it)
c.CourseDirectory.course_id = "mlmkit"
c.ClearSolutions.code_stub = {{"python": "{BLANK}"}}
c.ClearSolutions.enforce_metadata = True
c.ExecutePreprocessor.timeout = 300
c.Execute.timeout = 300
'''


def assignment(nb: Any) -> Any:
    """The chapter as the lecturer's version of an assignment: attempts with their solutions, a locked test after each.

    `nbgrader generate_assignment` makes the students' version of it, in which each attempt is blank.

    Parameters
    ----------
    nb
        A chapter, as nbformat reads it; it is left as it is.

    Raises
    ------
    ChapterError
        If an exercise has an attempt without a solution that is checked.
    """
    made, points = student(nb), 1
    cells = []
    for cell in made.cells:
        cells.append(cell)
        if "exercise" in tags_of(cell):
            stars = STARS.search(cell.source.partition("\n")[0])
            points = len(stars[0]) if stars else 1
        found = CHECK.search(cell.source) if "attempt" in tags_of(cell) else None
        if found:
            cell.source = cell.source.replace(BLANK, _hidden(solution(nb, found["id"])))
            cell.metadata["nbgrader"] = _about(found["id"], solution=True)
            cells.append(_test(found["id"], points))
    made.cells = cells
    return made


def write_assignment(folder: Path, names: Iterable[str] = (), course: Path | None = None) -> list[Path]:
    """Write chapters as assignments, `folder/source/03-…/03-….ipynb`, and nbgrader's configuration if there is none.

    Parameters
    ----------
    folder
        The folder of nbgrader's course.
    names
        Which chapters, by the starts of their names; all of them if there are none.
    course
        The folder that the chapters are read from; by default those of this installation.

    Raises
    ------
    CourseError
        If no chapter has such a name.
    """
    chosen = chosen_chapters(course or chapters(), names)
    written = [_write(folder / "source" / path.stem / path.name, assignment(_read(path))) for path in chosen]
    configuration = folder / "nbgrader_config.py"
    if not configuration.exists():
        configuration.write_text(CONFIGURATION, encoding="utf-8")
    return written


# ---- cells ---------------------------------------------------------------------------------------------


def solution(nb: Any, exercise: str) -> str:
    """The code of a worked solution that ends with `answer = …`, whatever it was that the solution checks."""
    before: list[str] = []
    for cell in nb.cells:
        if "exercise" in tags_of(cell) and heading_level(cell):
            before = []
        elif cell.cell_type == "code" and "solution" in tags_of(cell):
            code = _answering(cell.source, exercise)
            if code:
                return "\n".join([*before, code])
            before.append(cell.source)
    raise ChapterError(f"Exercise {exercise} has an attempt, but no solution with mk.check({exercise!r}, …).")


def _answering(source: str, exercise: str) -> str:
    """A cell's code up to the check of this exercise, with what is checked as the answer; empty if it is not checked."""
    body = ast.parse(source).body
    for place, statement in enumerate(body):
        for call in _checks(statement, exercise):
            given = ast.get_source_segment(source, call.args[1])
            return "\n".join(
                [*(str(ast.get_source_segment(source, s)) for s in body[:place]), f"answer = {given}"]
            )
    return ""


def _checks(statement: ast.stmt, exercise: str) -> Iterator[ast.Call]:
    """The calls `mk.check("03-1", …)` in a statement."""
    calls = (node for node in ast.walk(statement) if isinstance(node, ast.Call) and len(node.args) == 2)
    asked = ["mk.check", repr(exercise)]
    return (call for call in calls if [ast.unparse(part) for part in (call.func, call.args[0])] == asked)


def _hidden(code: str) -> str:
    return f"### BEGIN SOLUTION\n{code}\n### END SOLUTION"


def _test(exercise: str, points: int) -> Any:
    from nbformat.v4 import new_code_cell

    cell = new_code_cell(TEST.format(id=exercise), id=f"check-{exercise}")
    cell.metadata["nbgrader"] = _about(f"check-{exercise}", grade=True, locked=True, points=points)
    return cell


def _about(grade_id: str, **what: Any) -> dict[str, Any]:
    """What nbgrader wants to know of a cell."""
    plain = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"grade_id": grade_id, "schema_version": 3, "cell_type": "code", **plain, **what}
