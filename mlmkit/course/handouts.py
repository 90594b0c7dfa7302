"""What a class is given: the same notebooks without solutions, notes and outputs, in a folder that starts."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from .cells import NOT_FOR_STUDENTS, dress, tags_of
from .folder import HANDED_OUT, CourseError, chapters

#: Files that travel with the chapters: the licence of the texts, how slides look, and a report for one's own data.
COMPANIONS = ("LICENSE", "rise.css", "templates/report.ipynb")
START = """\
# Multilevel models: the notebooks of your class

You need Python 3.11 or later. Open a terminal in this folder. The first two lines are for the first time; the last one is for
whenever you work. On Linux and macOS:

    python3 -m venv .venv
    .venv/bin/pip install "mlmkit[course]"
    .venv/bin/mlmkit lab .

On Windows:

    py -m venv .venv
    .venv\\Scripts\\pip install "mlmkit[course]"
    .venv\\Scripts\\mlmkit lab .

If the first line fails on Debian or Ubuntu, run `sudo apt install python3-venv` once and try again.

JupyterLab opens in your browser; your answers are saved in the notebooks of the folder `chapters`. Begin with {first}.

Where a question says **Predict**, decide before you read on: what follows is folded until you have. Each exercise has a folded
hint and a check that says whether your answer is right and, if not, often why. The worked solutions are with your lecturer.

The texts may be shared and changed under the licence in `chapters/LICENSE`.
"""


def student(nb: Any) -> Any:
    """The same notebook for a class: no solutions, no instructor's notes, nothing run yet; answers stay folded.

    Parameters
    ----------
    nb
        A chapter, as nbformat reads it; it is left as it is.
    """
    copy = deepcopy(nb)
    copy.cells = [cell for cell in copy.cells if not NOT_FOR_STUDENTS & set(tags_of(cell))]
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    dress(copy)
    return copy


def write_student(folder: Path, names: Iterable[str] = (), course: Path | None = None) -> list[Path]:
    """Write the notebooks for a class, with a START.md and the licence, so that the folder can be handed out as it is.

    Parameters
    ----------
    folder
        Where to; the notebooks go to `folder/chapters`. Notebooks of that name are written anew.
    names
        Which chapters, by the starts of their names, `("00", "03")`; all of them if there are none.
    course
        The folder that the chapters are read from; by default those of this installation.

    Returns
    -------
    list of Path
        The notebooks.

    Raises
    ------
    CourseError
        If no chapter has such a name, or the folder holds chapters that were not written by this function.
    """
    source = course or chapters()
    target = folder / "chapters"
    if target.is_dir() and any(target.iterdir()) and not (target / HANDED_OUT).exists():
        raise CourseError(
            f"There are chapters in {target} already, and a hand-out would be written over them. Name another folder."
        )
    chosen = chosen_chapters(source, names)
    target.mkdir(parents=True, exist_ok=True)
    (target / HANDED_OUT).touch()
    written = [_write(target / path.name, student(_read(path))) for path in chosen]
    for companion in COMPANIONS:
        (target / companion).parent.mkdir(exist_ok=True)
        (target / companion).write_bytes((source / companion).read_bytes())
    (folder / "START.md").write_text(START.format(first=f"`{written[0].name}`"), encoding="utf-8")
    return written


def chosen_chapters(source: Path, names: Iterable[str] = ()) -> list[Path]:
    """The chapters of a folder whose names start so, in order; all of them without names.

    Raises
    ------
    CourseError
        If no chapter has such a name; the message lists those there are.
    """
    there, wanted = sorted(source.glob("[0-9]*.ipynb")), tuple(names)
    missing = [name for name in wanted if not any(path.name.startswith(name) for path in there)]
    if missing or not there:
        listed = ", ".join(path.stem for path in there) or "none"
        raise CourseError(f"No chapter in {source} starts with {' or '.join(missing)}. There are: {listed}.")
    return [path for path in there if not wanted or path.name.startswith(wanted)]


def _read(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, 4)


def _write(path: Path, nb: Any) -> Path:
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(nb, 4).rstrip("\n") + "\n", encoding="utf-8")
    return path
