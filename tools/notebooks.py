"""Build the chapters: text in chapters/text, executed notebooks in chapters/.

A chapter is written once. `chapters/text/03-….md` (MyST, through jupytext) is what is reviewed;
`chapters/03-….ipynb`, the same cells with their outputs, is what a student opens. Either may be edited:
`sync` carries the edit across, telling which side changed by the text's hash that the notebook carries.

    python tools/notebooks.py build [03 …]      sync, run every cell, store the outputs
    python tools/notebooks.py sync              carry edits across, run nothing
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from mlmkit.course import cells
from mlmkit.course.cells import SLIDES, ChapterError

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"

#: Front matter of every text: what JupyterLab and jupytext need to open it as a notebook.
HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""


@dataclass(frozen=True)
class Chapter:
    """One chapter: its name and the folder of the two files."""

    name: str
    folder: Path = CHAPTERS

    @property
    def notebook(self) -> Path:
        return self.folder / f"{self.name}.ipynb"

    @property
    def text(self) -> Path:
        return self.folder / "text" / f"{self.name}.md"


def chapters(folder: Path = CHAPTERS, wanted: list[str] | None = None) -> list[Chapter]:
    """The chapters of a folder in order, or those whose names start with one of `wanted`."""
    names = {p.stem for p in [*folder.glob("[0-9]*.ipynb"), *folder.glob("text/[0-9]*.md")]}
    chosen = [n for n in sorted(names) if not wanted or n.startswith(tuple(wanted))]
    if wanted and not chosen:
        listed = ", ".join(sorted(names))
        raise ChapterError(f"No chapter starts with {' or '.join(wanted)}. There are: {listed}")
    return [Chapter(name, folder) for name in chosen]


def templates() -> list[Chapter]:
    """Notebooks for a reader's own data: kept as text and notebook like chapters, but never run here."""
    folder = CHAPTERS / "templates"
    return [Chapter(path.stem, folder) for path in sorted(folder.glob("text/*.md"))]


# ---- text and notebook -------------------------------------------------------------------------------


def to_text(nb) -> str:
    """The notebook's cells and tags as MyST Markdown; outputs and derived metadata stay behind."""
    bare = nbformat.v4.new_notebook(cells=[_bare(cell) for cell in nb.cells])
    bare.metadata.jupytext = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "tags,-all"}
    return HEADER + "\n" + jupytext.writes(bare, fmt="md:myst").lstrip("\n")


def _bare(cell):
    cell = nbformat.from_dict({**cell, "source": cell.source.strip("\n")})
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def from_text(text: str):
    """The notebook that a text describes, without outputs."""
    nb = jupytext.reads(text, fmt="md:myst")
    for cell in nb.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k == "tags"}
    nb.cells = [part for cell in nb.cells for part in _at_headings(cell)]
    return nb


#: Where a slide's heading begins; what stands between fences is no heading.
FENCED_OR_HEADING = re.compile(r"^```.*?^```$|^(?P<heading>###? )", re.MULTILINE | re.DOTALL)


def _at_headings(cell) -> list:
    """A Markdown cell cut before each `##` and `###` heading, since a slide starts with a cell."""
    found = FENCED_OR_HEADING.finditer(cell.source) if cell.cell_type == "markdown" else ()
    cuts = [match.start() for match in found if match["heading"] and match.start() > 0]
    if not cuts:
        return [cell]
    parts = [cell.source[a:b].strip("\n") for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    tags = [tag for tag in cell.metadata.get("tags", []) if tag not in SLIDES | {"predict", "reveal"}]
    following = {"tags": tags} if tags else {}
    first, *rest = parts
    return [
        nbformat.v4.new_markdown_cell(first, metadata=cell.metadata),
        *(nbformat.v4.new_markdown_cell(part, metadata=following) for part in rest),
    ]


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def sync(chapter: Chapter):
    """Carry an edit of one side to the other, and return the chapter's notebook.

    Code cells that did not change keep their outputs.

    Raises
    ------
    ChapterError
        If both sides changed since they last agreed.
    """
    stored = nbformat.read(chapter.notebook, 4) if chapter.notebook.exists() else None
    text = to_text(from_text(chapter.text.read_text())) if chapter.text.exists() else None
    if text is None or (stored is not None and _changed_side(chapter, stored, text) == "notebook"):
        text = to_text(from_text(to_text(stored)))
    nb = from_text(text)
    nb.metadata["language_info"] = stored.metadata.get("language_info", {}) if stored else {}
    _keep_outputs(nb, stored)
    dress(nb)
    chapter.text.parent.mkdir(exist_ok=True)
    _write(chapter.text, text)
    write_notebook(chapter, nb)
    return nb


def _changed_side(chapter: Chapter, stored, text: str) -> str:
    agreed = stored.metadata.get("mlmkit", {}).get("text_sha256")
    notebooks = to_text(stored)
    if notebooks == text or digest(notebooks) == agreed:
        return "text"
    if digest(text) == agreed:
        return "notebook"
    raise ChapterError(
        f"{chapter.text.name} and {chapter.notebook.name} were both edited since they last agreed. "
        f"Decide: delete one of the two, and run `make sync` to make it again from the other."
    )


def _keep_outputs(nb, stored) -> None:
    """Give each code cell the outputs that the stored notebook has for the same code, in order."""
    if stored is None:
        return
    left = [c for c in stored.cells if c.cell_type == "code"]
    for cell in nb.cells:
        match = next((c for c in left if c.source.strip("\n") == cell.source), None)
        if cell.cell_type == "code" and match is not None:
            cell.outputs, cell.execution_count = match.outputs, match.execution_count
            del left[: left.index(match) + 1]


# ---- what follows from the cells ---------------------------------------------------------------------


def dress(nb) -> None:
    """Add all that follows from the cells and their tags, and the hash of the text that says the same."""
    cells.dress(nb)
    nb.metadata["mlmkit"] = {"text_sha256": digest(to_text(nb))}


# ---- running -----------------------------------------------------------------------------------------


def build(chapter: Chapter) -> float:
    """Sync a chapter, run it from the top and store what it shows. Returns the seconds it ran.

    Raises
    ------
    ChapterError
        If a cell fails; the chapter's stored outputs stay as they were.
    """
    nb = sync(chapter)
    start = time.perf_counter()
    client = NotebookClient(
        nb,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(chapter.folder)}},
    )
    try:
        client.execute()
    except Exception as error:
        raise ChapterError(f"{chapter.name} does not run:\n{error}") from error
    seconds = time.perf_counter() - start
    dress(nb)
    tidy_outputs(nb)
    write_notebook(chapter, nb)
    return seconds


#: Where the kernel says a warning came from: a path that changes with every run.
KERNEL_PATH = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")
WIDGET = "application/vnd.jupyter.widget-view+json"


def tidy_outputs(nb) -> None:
    """Leave only outputs that are the same after every run: no widget ids, no paths of this machine."""
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
            if "text" in output:
                output["text"] = KERNEL_PATH.sub("cell", output["text"])
            if output.output_type == "error":  # an error that is part of the lesson: what it says, not where
                output["traceback"] = [f"{output.ename}: {output.evalue}"]


def write_notebook(chapter: Chapter, nb) -> None:
    _write(chapter.notebook, nbformat.writes(nb, 4).rstrip("\n") + "\n")


def _write(path: Path, content: str) -> None:
    """Write only what changed, so that file times mean something."""
    if not path.exists() or path.read_text() != content:
        path.write_text(content)


# ---- command line ------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("command", choices=["build", "sync"])
    parser.add_argument("names", nargs="*", help="starts of chapters' names")
    asked = parser.parse_args(arguments)
    try:
        for chapter in chapters(wanted=asked.names):
            _say_and_do(asked.command, chapter)
        for template in () if asked.names else templates():
            _say_and_do("sync", template)
    except ChapterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _say_and_do(command: str, chapter: Chapter) -> None:
    print(f"{chapter.name} … ", end="", flush=True)
    if command == "sync":
        sync(chapter)
        print("in step")
    else:
        print(f"{build(chapter):.1f} s")


if __name__ == "__main__":
    sys.exit(main())
