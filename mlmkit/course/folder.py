"""Where the course lies, and how a reader gets a copy of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ..errors import MlmkitError

PACKAGE = Path(__file__).parents[1]
#: Which version of mlmkit the chapters beside this file were copied from.
MARK = ".mlmkit-version"
#: Says that the chapters beside it are a class's hand-out, to which no others are added.
HANDED_OUT = ".mlmkit-handout"


class CourseError(MlmkitError):
    """A folder that the course cannot be put into, or a program that is missing; and what to do."""


@dataclass(frozen=True)
class Copied:
    """What was done to a reader's folder.

    Attributes
    ----------
    folder
        The folder; the chapters are in `folder/chapters`.
    new
        Names of the files that were copied.
    kept
        Names of the files that were there already and were left alone.
    version
        The version of mlmkit that the chapters there come from.
    """

    folder: Path
    new: tuple[str, ...]
    kept: tuple[str, ...]
    version: str

    def __str__(self) -> str:
        here = f"The course is in {self.folder / 'chapters'}"
        if not self.kept:
            return f"{here}: {sum(name.endswith('.ipynb') and '/' not in name for name in self.new)} chapters, yours to change."
        added = f", {len(self.new)} new ones were added" if self.new else ""
        mine = version("mlmkit")
        older = (
            f"\nIt was copied from mlmkit {self.version}, and this is {mine}. For the newer chapters name another "
            "folder: mlmkit lab NEW-FOLDER"
        )
        return (
            f"{here}; files that were there stay as they are{added}.{older if self.version != mine else ''}"
        )


def chapters() -> Path:
    """The course's chapters."""
    return room("chapters")


def room(name: str) -> Path:
    """A folder of the course: inside an installed package, or beside it in a clone."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def copy_course(folder: Path, source: Path | None = None) -> Copied:
    """Copy the chapters into `folder/chapters`, never over a file that is there.

    Parameters
    ----------
    folder
        Made if it is missing. A clone's own folder is left as it is, since every file is there.
    source
        The folder the chapters are taken from; by default those of this installation.

    Raises
    ------
    CourseError
        If the folder cannot be made or written to.
    """
    source = source or chapters()
    target = folder / "chapters"
    if (target / HANDED_OUT).exists():
        return Copied(folder, (), tuple(sorted(path.name for path in target.iterdir())), version("mlmkit"))
    beside = sorted(path for path in source.iterdir() if path.is_file() and path.name[0] != ".")
    files = [path.relative_to(source) for path in (*beside, *sorted(source.glob("templates/*.ipynb")))]
    try:
        target.mkdir(parents=True, exist_ok=True)
        new = [path for path in files if not (target / path).exists()]
        for path in new:
            (target / path).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / path, target / path)
        if new and len(new) == len(files):
            (target / MARK).write_text(version("mlmkit"), encoding="utf-8")
    except OSError as error:
        raise CourseError(
            f"The course cannot be put into {folder}: {error.strerror}. Name another folder: mlmkit lab FOLDER"
        ) from error
    names = {path.as_posix() for path in new}
    kept = tuple(path.as_posix() for path in files if path.as_posix() not in names)
    return Copied(folder, tuple(sorted(names)), kept, _version_of(target))


def _version_of(target: Path) -> str:
    """The version a copy comes from; a clone, which has no mark, is of the version that runs."""
    mark = target / MARK
    return mark.read_text(encoding="utf-8").strip() if mark.is_file() else version("mlmkit")
