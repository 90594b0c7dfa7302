"""The command line: `mlmkit` opens the course; `mlmkit --help` lists what else it does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import MlmkitError
from .folder import copy_course
from .lab import open_lab

HOME = Path("~") / "mlmkit-course"
SITE = Path("mlmkit-site")
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
    lecture.epilog = "Options: --port 8866, --no-browser"
    site = _add(commands, "site", _site, "Make the course's web book: a folder of pages that opens anywhere.")
    site.add_argument("folder", nargs="?", type=Path, default=SITE, help=f"where to (default: {SITE})")
    site.add_argument("--course", type=Path, help="the folder with your own copy of the course")
    return parser


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
