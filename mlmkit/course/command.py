"""The command line: `mlmkit` opens the course; `mlmkit --help` lists what else it does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import MlmkitError
from .folder import copy_course
from .lab import open_lab

HOME = Path("~") / "mlmkit-course"
SITE = Path("mlmkit-site")
STUDENT = Path("mlmkit-student")
GRADING = Path("mlmkit-grading")
#: Commands that hand the options they are given to another program.
HANDING_ON = {"lab", "lecture"}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns what the shell is told."""
    given = (sys.argv[1:] if arguments is None else arguments) or ["lab"]
    ours, options = _split(given)
    asked = _parser().parse_args(ours)
    try:
        return asked.run(asked, options)
    except MlmkitError as error:
        print(error, file=sys.stderr)
        return 1


def _split(given: list[str]) -> tuple[list[str], list[str]]:
    """What this command line reads, and the options it hands on: from the first one to the end."""
    if given[0] not in HANDING_ON or {"-h", "--help"} & set(given):
        return given, []
    end = next((k for k, word in enumerate(given) if word.startswith("-")), len(given))
    return given[:end], given[end:]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mlmkit",
        description="A course on multilevel models in notebooks. Without a command: mlmkit lab.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    lab = _add(commands, "lab", _lab, "Copy the course into a folder and open it in JupyterLab.")
    lab.add_argument("folder", nargs="?", type=Path, default=HOME, help=f"where to (default: {HOME})")
    lab.epilog = "Further options go to JupyterLab: mlmkit lab FOLDER --no-browser --port 8890"
    lecture = _add(commands, "lecture", _lecture, "Serve the explorations as a page, for a lecture.")
    lecture.epilog = (
        "Options: --port 8866, --no-browser; for a room: --ip 0.0.0.0, --token, --host, --visitors "
        "(python -m mlmkit.widgets --help says more)"
    )
    site = _add(commands, "site", _site, "Make the course's web book: a folder of pages that opens anywhere.")
    site.add_argument("folder", nargs="?", type=Path, default=SITE, help=f"where to (default: {SITE})")
    site.add_argument("--course", type=Path, help="the folder with your own copy of the course")
    student = _add(
        commands, "student", _student, "Write the notebooks for a class, without solutions and notes."
    )
    student.add_argument(
        "folder", nargs="?", type=Path, default=STUDENT, help=f"where to (default: {STUDENT})"
    )
    _add_chapters(student, "--chapters", nargs="+", metavar="NN")
    assignment = _add(
        commands, "assignment", _assignment, "Write chapters as assignments that nbgrader grades."
    )
    _add_chapters(assignment, "chapters", nargs="*", metavar="NN")
    assignment.add_argument(
        "--folder", type=Path, default=GRADING, help=f"nbgrader's course (default: {GRADING})"
    )
    for handing_out in (student, assignment):
        handing_out.add_argument("--course", type=Path, help="the folder with your own copy of the course")
    return parser


def _add_chapters(parser: argparse.ArgumentParser, name: str, **how: Any) -> None:
    parser.add_argument(name, default=[], help="the chapters, by number: 00 03 (default: all)", **how)


def _add(commands, name: str, run: Callable, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what)
    parser.set_defaults(run=run)
    return parser


def _lab(asked: argparse.Namespace, options: list[str]) -> int:
    folder = asked.folder.expanduser().resolve()
    print(copy_course(folder), flush=True)
    return open_lab(folder, options)


def _lecture(_asked: argparse.Namespace, options: list[str]) -> int:
    from ..widgets.__main__ import main as serve

    return serve(options)


def _site(asked: argparse.Namespace, _options: list[str]) -> int:
    from .book import build_book

    print(f"The book opens with {build_book(asked.folder.expanduser().resolve(), asked.course)}")
    return 0


def _student(asked: argparse.Namespace, _options: list[str]) -> int:
    from .handouts import write_student

    written = write_student(asked.folder.expanduser().resolve(), asked.chapters, _of(asked.course))
    print(
        f"{len(written)} notebooks for a class, and START.md, which says how to begin: {written[0].parents[1]}"
    )
    return 0


def _assignment(asked: argparse.Namespace, _options: list[str]) -> int:
    from .grading import write_assignment

    written = write_assignment(asked.folder.expanduser().resolve(), asked.chapters, _of(asked.course))
    names = " ".join(path.stem for path in written)
    print(f"Written: {names}\nIn {written[0].parents[2]}: nbgrader generate_assignment {written[0].stem}")
    if find_spec("nbgrader") is None:
        print('nbgrader is not installed. Add it with: pip install "mlmkit[grading]"')
    return 0


def _of(course: Path | None) -> Path | None:
    """The chapters of a reader's own copy of the course."""
    return None if course is None else course.expanduser().resolve() / "chapters"
