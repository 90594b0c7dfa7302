"""A chapter as a page of the web book: notebook in, notebook out, for readers without a kernel.

What JupyterLab folds by a cell's tags is folded here by `<details>`; an exercise's attempt becomes a form that
answers (quiz.py); an exploration is followed by its film; pictures become files with their words as alt text.
"""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from itertools import chain, groupby
from typing import Any

from .cells import heading_level, tags_of

FOLDED = {"solution": "Solution", "instructor": "For the lecturer"}
REVEALED = "I have predicted: show the answer"
ANSWER = re.compile(r'<details class="answer"><summary>(.*?)</summary>\n(.*)</details>', re.DOTALL)
WITHOUT = (
    "<p>With JavaScript, an exploration with sliders stands here; the pictures show some of its settings.</p>"
)
EXPLORES = re.compile(r"\bmk\.(explore_\w+)\(")
OPTION = re.compile(r"\(([a-h])\)")
CHECKS = re.compile(r'mk\.check\("(\d\d-\d+)"')
#: Pictures as they are best shown on a page, and the ending of their files.
PICTURES = {"image/svg+xml": "svg", "image/png": "png"}
WORDS = re.compile(r'^<details class="jp-sr-only">\s*<summary[^>]*>')


@dataclass
class Book:
    """What the pages of one book share.

    Attributes
    ----------
    films
        The exploration functions that have a film, by name: `{"explore_icc": "icc"}`.
    form
        Makes the HTML form of an exercise from its id and the letters it offers; the empty text where there is none.
    pictures
        The files that pages refer to, by name; filled while pages are made.
    """

    films: Mapping[str, str] = field(default_factory=dict)
    form: Callable[[str, str], str] = lambda exercise, letters: ""
    pictures: dict[str, bytes] = field(default_factory=dict)


def page(notebook: Any, book: Book) -> Any:
    """The notebook of a page: the same cells, dressed for reading."""
    made = type(notebook)(notebook)
    cells = list(_with_forms(notebook.cells, book))
    dressed = chain.from_iterable(_dressed(kind, run, book) for kind, run in _runs(cells))
    made.cells = [_bare(cell) for cell in dressed]
    made.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    return made


# ---- folds -------------------------------------------------------------------------------------------


def _runs(cells: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """The cells in runs of one kind: `solution`, `instructor`, `reveal` (what answers a prediction) or none of these.

    A heading within solutions or notes begins a run of its own.
    """
    numbered, fold = [], 0
    for cell in cells:
        kind = _kind(cell)
        fold += kind in FOLDED and heading_level(cell) > 0
        numbered.append(((kind, fold if kind in FOLDED else 0), cell))
    for (kind, _), run in groupby(numbered, key=lambda pair: pair[0]):
        yield kind, [cell for _, cell in run]


def _kind(cell: Any) -> str:
    return next((tag for tag in ("reveal", *FOLDED) if tag in tags_of(cell)), "")


def _dressed(kind: str, run: list[Any], book: Book) -> Iterable[Any]:
    cells = chain.from_iterable(_alive(cell, book) for cell in run)
    if kind == "reveal":
        return _fold("answer", REVEALED, map(_unfolded, cells))
    if kind in FOLDED:
        titled = heading_level(run[0]) > 0
        title = run[0].source.lstrip("# ").strip() if titled else FOLDED[kind]
        rest = chain.from_iterable(_alive(cell, book) for cell in run[titled:])
        return _fold(f"course-{kind}", title, rest)
    return cells


def _unfolded(cell: Any) -> Any:
    """An answer in words without the fold that JupyterLab needs: here it shares one with the code that answers."""
    found = ANSWER.fullmatch(cell.source) if cell.cell_type == "markdown" else None
    return _markdown(found[2].strip()) if found else cell


def _fold(css: str, title: str, cells: Iterable[Any]) -> Iterator[Any]:
    yield _markdown(f'<details class="{css}"><summary>{escape(title)}</summary>\n')
    yield from cells
    yield _markdown("</details>\n")


# ---- cells that do something ---------------------------------------------------------------------------


def _with_forms(cells: Iterable[Any], book: Book) -> Iterator[Any]:
    """The cells with a form in place of each attempt; an exercise's options stand in the cells before it."""
    question = ""
    for cell in cells:
        tags, asked = tags_of(cell), CHECKS.search(cell.source)
        if "exercise" in tags:
            question = cell.source if heading_level(cell) else question + cell.source
        letters = "".join(sorted(set(OPTION.findall(question))))
        made = book.form(asked[1], letters) if "attempt" in tags and asked else ""
        yield _markdown(made) if made else cell


def _alive(cell: Any, book: Book) -> Iterator[Any]:
    """The cell as it is, or what does its work where no kernel runs."""
    explored = EXPLORES.search(cell.source) if cell.cell_type == "code" else None
    if explored and explored[1] in book.films:
        yield _copy(cell, outputs=[])
        yield _markdown(f'<course-film name="{book.films[explored[1]]}">\n{WITHOUT}\n</course-film>')
    elif cell.cell_type == "code":
        yield _copy(cell, outputs=[_shown(output, book) for output in cell.outputs])
    else:
        yield cell


def _shown(output: Any, book: Book) -> Any:
    """An output as a page shows it: its picture as a file, its table with real headers only."""
    data = output.get("data", {})
    mime = next((mime for mime in PICTURES if mime in data), None)
    if mime is not None:
        html = _picture(
            mime, data[mime], output.metadata.get("image/png", output.metadata.get(mime, {})), book
        )
    elif "text/html" in data:
        html = _table(_text(data["text/html"]))
    else:
        return output
    return _copy(output, data={"text/html": html}, metadata={})


def _picture(mime: str, data: Any, about: Mapping[str, Any], book: Book) -> str:
    """An image of a file that the book carries, its words as alt text."""
    content = b64decode(_text(data)) if mime == "image/png" else _text(data).encode()
    name = f"{sha256(content).hexdigest()[:16]}.{PICTURES[mime]}"
    book.pictures[name] = content
    width, height = _size(mime, content)
    shown = about.get("width", width)
    attributes = {
        "class": "course-picture wide" if width > 1.7 * height else "course-picture",
        "loading": "lazy",
        "src": f"../_static/pictures/{name}",
        "alt": about.get("alt", ""),
        "width": shown,
        "height": round(shown * height / width),
    }
    return "<img " + " ".join(f'{key}="{escape(str(value))}"' for key, value in attributes.items()) + ">"


def _size(mime: str, content: bytes) -> tuple[float, float]:
    """A picture's width and height: a PNG's first chunk has them, an SVG's first tag (in pt or px)."""
    if mime == "image/png":
        return struct.unpack(">II", content[16:24])
    head = content[:2000].decode(errors="replace")
    width, height = (float(re.findall(rf'\b{name}="([\d.]+)', head)[0]) for name in ("width", "height"))
    return (4 / 3 * width, 4 / 3 * height) if re.search(r'\bwidth="[\d.]+pt', head) else (width, height)


def _table(html: str) -> str:
    """A header cell without words is no header; the words of a picture are for everybody to open."""
    html = re.sub(r"<th[^>]*>\s*</th>", "<td></td>", html)
    return WORDS.sub('<details class="course-words"><summary>', html)


# ---- cells -------------------------------------------------------------------------------------------


def _text(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source)


def _markdown(text: str) -> Any:
    from nbformat.v4 import new_markdown_cell

    return new_markdown_cell(text)


def _copy(of: Any, **changes: Any) -> Any:
    return type(of)({**of, **changes})


def _bare(cell: Any) -> Any:
    """Without tags, which mean something in JupyterLab only; code that is not the lesson is folded."""
    return _copy(cell, metadata={"tags": ["hide-input"]} if "fold" in tags_of(cell) else {})
