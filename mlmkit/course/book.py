"""The course as a web book: one folder of static pages that opens from a disk, a zip or a server.

`docs/` holds the pages that are no chapter, and Sphinx's configuration. Here the chapters become pages beside them,
with forms, pictures and films, and Sphinx makes HTML of it all. No page asks another host for anything.
"""

from __future__ import annotations

import shutil
from collections.abc import Container, Iterator
from importlib.util import find_spec
from pathlib import Path

from joblib import Parallel, cpu_count, delayed

from ..widgets import films
from . import quiz
from .folder import CourseError, chapters, room
from .page import Book, page
from .reference import reference_page

#: What the book shares with the rest of a clone, by its place in the book; a wheel carries it among its documents.
SHARED = {"CHANGELOG.md": "CHANGELOG.md", "_static/predict.js": "tools/labextension/static/predict.js"}

#: Where JupyterLite lies in a published book (deploy/lite.sh puts it there), and a chapter's place in it.
LITE = Path("lite")
LIVE = """\
<p class="course-live"><a href="../{lite}/lab/index.html?path={name}">Run this chapter in your browser</a>, without
installing anything: cells, sliders and all. The first start takes a minute and asks the network for Python.</p>"""

#: Pages that Sphinx makes by itself.
OF_SPHINX = {Path("genindex"), Path("search"), Path("py-modindex")}


def build_book(out: Path, course: Path | None = None) -> Path:
    """Make the web book.

    Parameters
    ----------
    out
        Where the pages go. What Sphinx works with stays beside it, in a folder that ends in `.work`, so that pages
        and films that did not change are not made again.
    course
        The folder whose chapters are used: a lecturer's own copy, say. By default this installation's.

    Notes
    -----
    If JupyterLite lies in `lite` of that folder already, each chapter that it holds links to it.

    Returns
    -------
    Path
        The first page.

    Raises
    ------
    CourseError
        If Sphinx is missing, there are no chapters, or a page cannot be made.
    """
    if find_spec("sphinx") is None or find_spec("myst_nb") is None:
        raise CourseError('The web book is made by Sphinx. Add it with: pip install "mlmkit[site]"')
    texts = chapters() if course is None else course / "chapters"
    if not any(texts.glob("[0-9]*.ipynb")):
        raise CourseError(f"There are no chapters in {texts}.")
    work = out.with_name(out.name + ".work")
    recorded = _films(work / "films")
    live = {path.name for path in (out / LITE / "files").glob("*.ipynb")}
    _fill(work / "source", {**dict(_documents()), **recorded, **dict(_pages(texts, live))})
    _sphinx(work / "source", out, work / "doctrees")
    _prune(work / "source", out)
    (out / ".nojekyll").touch()  # or GitHub's pages leave out folders that begin with an underscore
    return out / "index.html"


def _documents() -> Iterator[tuple[str, bytes]]:
    """The pages of docs/ with their styles and scripts, by their place in the book."""
    documents = room("docs")
    for path in documents.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(documents).as_posix(), path.read_bytes()
    for place, shared in SHARED.items():
        if not (documents / place).is_file():
            yield place, (documents.parent / shared).read_bytes()
    yield "api.md", reference_page().encode()


def _films(folder: Path) -> dict[str, bytes]:
    """The explorations' films and their player, by their place in the book; recorded on all cores at once."""
    with Parallel(n_jobs=max(1, cpu_count())) as workers:
        workers(delayed(films.write)(folder, [name]) for name in films.names())
    files = films.write(folder)  # all are there now; the player gets what each shows at first
    return {f"_static/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files}


def _pages(texts: Path, live: Container[str] = ()) -> Iterator[tuple[str, bytes]]:
    """The chapters and templates as pages, and their pictures; those that are live elsewhere say where."""
    import nbformat

    filmed = {f"explore_{name}": name for name in films.names()}
    book = Book(films=filmed, form=quiz.form)
    for path in sorted([*texts.glob("[0-9]*.ipynb"), *texts.glob("templates/*.ipynb")]):
        made = page(nbformat.read(path, 4), book)
        if path.name in live:
            made.cells.insert(1, nbformat.v4.new_markdown_cell(LIVE.format(lite=LITE, name=path.name)))
        yield f"chapters/{path.relative_to(texts).as_posix()}", nbformat.writes(made).encode()
    for name, content in book.pictures.items():
        yield f"_static/pictures/{name}", content


def _fill(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold these files and no others, touching only what changed.

    Sphinx adds a page for each public name to `generated`; they are made anew when the list of names has changed.
    """
    listed = folder / "api.md"
    if listed.is_file() and listed.read_bytes() != files.get("api.md"):
        shutil.rmtree(folder / "generated", ignore_errors=True)
    for place, content in files.items():
        path = folder / place
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder).as_posix() not in files and "generated" not in path.parts:
            path.unlink()


def _sphinx(source: Path, out: Path, doctrees: Path) -> None:
    from sphinx.cmd.build import build_main

    failed = build_main(["-q", "-b", "html", "-d", str(doctrees), str(source), str(out)])
    if failed:
        raise CourseError("Sphinx could not make the book; what it said stands above.")


def _prune(source: Path, out: Path) -> None:
    """Remove pages and pictures of an earlier build that are no longer made from anything."""
    documents = {path.relative_to(source).with_suffix("") for path in source.rglob("*")}
    for path in out.rglob("*.html"):
        place = path.relative_to(out)
        if place.with_suffix("") not in documents | OF_SPHINX and LITE not in place.parents:
            path.unlink()
    for path in (out / "_static" / "pictures").glob("*"):
        if not (source / path.relative_to(out)).exists():
            path.unlink()
