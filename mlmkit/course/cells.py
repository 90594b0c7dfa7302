"""A chapter's cells: an author says by tags what a cell is; folds, hidden answers, slides and ids follow from that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from ..errors import MlmkitError

#: Everything an author says about a cell is a tag.
TAGS = {
    "predict": "asks for a prediction, after a bold **Predict.**; the question ends its cell",
    "reveal": 'answers the prediction before it: outputs are stored hidden, words stand in `<details class="answer">`',
    "fold": "code that draws or prints and is not the lesson: stored folded",
    "exercise": "the question and its folded hint",
    "attempt": "where the student answers and checks",
    "solution": "worked solution, folded; not in the student's notebook",
    "instructor": "notes for the lecturer, folded; not in the student's notebook",
    "slide": "starts a slide (as a `##` heading does)",
    "subslide": "starts a slide below the last one (as a `###` heading does)",
    "fragment": "appears on the next key press",
    "skip": "not on the slides",
    "raises-exception": "is meant to fail, and must",
    "nbval-ignore-output": "shows digits of random draws, which differ between machines: not compared",
}
NOT_FOR_STUDENTS = {"solution", "instructor"}
NOT_ON_SLIDES = {"attempt", "solution", "skip"}
SLIDES = {"slide", "subslide", "fragment"}

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
#: How jupyterlab_rise presents a chapter, with chapters/rise.css for the sizes; of its themes this one brings
#: its own fonts instead of fetching them.
SLIDE_SHOW = {"theme": "white", "center": False, "scroll": True, "transition": "none"}

#: A prediction is asked where a paragraph begins so.
ASKS = re.compile(r"^\*\*Predict\.\*\*", re.MULTILINE)
ANSWER = re.compile(r"<details class=\"answer\"><summary>[^<]+</summary>\n\n.*\n\n</details>", re.DOTALL)
HEADING = re.compile(r"(#+) ")


class ChapterError(MlmkitError):
    """A chapter that cannot be built, and what to do about it."""


def dress(nb: Any) -> None:
    """Add all that follows from the cells and their tags: ids, folds, hidden answers, slides, the notebook's metadata.

    Parameters
    ----------
    nb
        A notebook of nbformat 4; changed in place. Of its metadata only the kernel's own language record is kept.

    Raises
    ------
    ChapterError
        If the cells break a rule of the course; the message says which cell and what to do.
    """
    for complaint in complaints(nb):
        raise ChapterError(complaint)
    seen: Counter[str] = Counter()
    asked = False
    for cell in nb.cells:
        tags = tags_of(cell)
        cell.metadata = _metadata(cell, tags, asked)
        asked = "predict" in tags or (asked and _slide_of(cell) in ("skip", "notes"))
        cell.id = _cell_id(cell, seen)
    nb.nbformat, nb.nbformat_minor = 4, 5
    recorded = nb.metadata.get("language_info", {})
    language = LANGUAGE | {key: recorded[key] for key in ("version",) if key in recorded}
    nb.metadata = {"kernelspec": KERNEL, "language_info": language, "rise": SLIDE_SHOW}


def tags_of(cell: Any) -> list[str]:
    """The tags that an author gave a cell."""
    return cell.metadata.get("tags", [])


def heading_level(cell: Any) -> int:
    """1 for a cell that begins with `# `, 2 for `## ` …; 0 for a cell that does not begin with a heading."""
    found = HEADING.match(cell.source) if cell.cell_type == "markdown" else None
    return len(found[1]) if found else 0


def is_folded(cell: Any) -> bool:
    """Whether this heading is stored folded, and hides what follows it up to the next heading of its rank."""
    return bool(NOT_FOR_STUDENTS & set(tags_of(cell))) and heading_level(cell) > 0


def _metadata(cell: Any, tags: list[str], asked: bool) -> dict[str, Any]:
    metadata: dict[str, Any] = {"tags": tags} if tags else {}
    if is_folded(cell):
        metadata["jp-MarkdownHeadingCollapsed"] = True
    if cell.cell_type == "code" and {"reveal", "fold"} & set(tags):
        hidden = {"outputs_hidden": "reveal" in tags, "source_hidden": "fold" in tags}
        metadata["jupyter"] = {name: True for name, is_so in hidden.items() if is_so}
    if slide := _slide_type(cell, set(tags), asked):
        metadata["slideshow"] = {"slide_type": slide}
    return metadata


def _slide_of(cell: Any) -> str | None:
    return cell.metadata.get("slideshow", {}).get("slide_type")


def _slide_type(cell: Any, tags: set[str], asked: bool) -> str | None:
    """What a cell is on the slides; what answers a question just asked comes on a slide of its own."""
    if tags & NOT_ON_SLIDES:
        return "skip"
    if "instructor" in tags:
        return "notes"
    if tags & SLIDES:
        return (tags & SLIDES).pop()
    return {1: "slide", 2: "slide", 3: "subslide"}.get(heading_level(cell), "subslide" if asked else None)


def _cell_id(cell: Any, seen: Counter[str]) -> str:
    """An id that follows from the cell's content, so that a build changes no id of an unchanged cell."""
    key = sha256((cell.cell_type + cell.source).encode()).hexdigest()[:12]
    seen[key] += 1
    return key if seen[key] == 1 else f"{key}-{seen[key]}"


# ---- the course's rules --------------------------------------------------------------------------------


def complaints(nb: Any) -> Iterator[str]:
    """What breaks a rule of the course, cell by cell, and how to mend it."""
    fold, asked, just_asked = 0, False, False
    for cell in nb.cells:
        tags, level, where = set(tags_of(cell)), heading_level(cell), _quoted(cell)
        yield from _tag_complaints(cell, tags, where)
        if "reveal" in tags and not asked:
            yield f"Nothing was asked before {where}, which is tagged `reveal`: tag the question `predict`."
        if just_asked and not level and not tags & {"reveal", *NOT_FOR_STUDENTS}:
            yield f"{where} follows a prediction and shows its answer: tag it `reveal`, or put a heading before it."
        if 0 < level <= fold:
            fold = 0
        if fold and not tags & NOT_FOR_STUDENTS:
            yield f"{where} lies in the fold of the heading before it, where nobody sees it: give it a heading."
        fold = level if is_folded(cell) else fold
        just_asked = "predict" in tags or (just_asked and bool(tags & NOT_FOR_STUDENTS))
        asked |= just_asked


def _tag_complaints(cell: Any, tags: set[str], where: str) -> Iterator[str]:
    """What is wrong with a cell by itself."""
    if unknown := tags - set(TAGS):
        yield f"Unknown tag {', '.join(sorted(unknown))}. There are: {', '.join(TAGS)}"
    if is_folded(cell) and "\n" in cell.source:
        yield f"A heading that folds stands alone in its cell: put `+++` after {where}"
    questions = len(ASKS.findall(cell.source)) if cell.cell_type == "markdown" else 0
    if (questions > 0) != ("predict" in tags):
        yield f"The tag `predict` and a paragraph that begins with **Predict.** go together; look at {where}"
    if questions > 1:
        yield f"One cell asks one prediction: put `+++` between the questions of {where}"
    if "reveal" in tags and cell.cell_type == "markdown" and not ANSWER.fullmatch(cell.source):
        yield (
            f'Words that answer a prediction stand between `<details class="answer"><summary>…</summary>` and '
            f"`</details>`, with empty lines within; look at {where}"
        )


def _quoted(cell: Any) -> str:
    return repr(cell.source.partition("\n")[0][:70])
