"""A network's symbols set letter by letter: an index below the line, an arrow over a vector, and no more.

matplotlib's own typesetting of formulas parses each of them for about ten milliseconds, which is most of the time
that a picture would take. Widths and heights here are multiples of the symbol's size.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.ft2font import LoadFlags

from ..style import SANS, SERIF
from .symbols import plain

FILES = {"upright": "STIXGeneral.ttf", "italic": "STIXGeneralItalic.ttf", "sans": "DejaVuSans.ttf"}
BELOW, SMALL = -0.2, 0.7  # where an index stands, and its size
ABOVE = 0.36  # where a prime's line is
AROUND = {"=": (0.28, 0.28), "…": (0.07, 0.07), "−": (0.12, 0.12), ",": (0.0, 0.18)}  # space before and after
TOKEN = re.compile(r"\\vec\{(?P<vector>[^{}]*)\}|_\{(?P<index>[^{}]*)\}|_(?P<one>.)|\\[A-Za-z]+|[^\s{}]")


@dataclass(frozen=True)
class Letter:
    """Letters of one kind beside each other: their place on the line, how far they reach up and down."""

    text: str
    face: str
    size: float = 1.0
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    top: float = 0.0
    bottom: float = 0.0


@dataclass(frozen=True)
class Symbol:
    """The letters of a symbol, and its size."""

    letters: tuple[Letter, ...]
    width: float

    @property
    def middle(self) -> float:
        """The height of its middle above its line."""
        return (max(one.top for one in self.letters) + min(one.bottom for one in self.letters)) / 2


@cache
def typeset(latex: str) -> Symbol:
    """The letters of a symbol in the small part of LaTeX that networks use."""
    placed: list[Letter] = []
    x = 0.0
    for letter in _letters(latex):
        before, after = (letter.size * space for space in AROUND.get(letter.text, (0.0, 0.0)))
        over = letter.text == "→"  # stands above the letter before it and takes no room
        at = x - placed[-1].width / 2 - letter.width / 2 + 0.06 if over else x + before
        placed.append(replace(letter, x=at))
        x += 0.0 if over else before + letter.width + after
    return Symbol(tuple(placed), x)


def _letters(latex: str, size: float = 1.0, y: float = 0.0) -> Iterator[Letter]:
    for token in TOKEN.finditer(latex):
        index = token["index"] or token["one"]
        if index:
            yield from _letters(index, SMALL * size, y + BELOW * size)
        elif token["vector"]:
            head = list(_letters(token["vector"], size, y))
            yield from head
            arrow = _letter("→", 0.55 * size, 0.0)
            rise = max(one.top for one in head) + 0.05 * size - arrow.bottom
            yield replace(arrow, y=rise, top=arrow.top + rise, bottom=arrow.bottom + rise)
        elif token[0] == "'":
            yield _letter("′", SMALL * size, y + ABOVE * size)
        else:
            yield _letter(plain(token[0]).replace("-", "−"), size, y)


@cache
def _letter(text: str, size: float, y: float) -> Letter:
    """A letter with its measures: Latin and small Greek letters slant, all else is upright."""
    slants = text.isalpha() and not unicodedata.name(text).startswith("GREEK CAPITAL")
    face = "italic" if slants else "upright"
    font = get_font(str(_file(face)))
    font.set_size(100, 72)
    glyph = font.load_char(ord(text), flags=LoadFlags.NO_HINTING)
    _, bottom, _, top = (value / 6400 * size for value in glyph.bbox)
    return Letter(text, face, size, 0.0, y, glyph.linearHoriAdvance / 6553600 * size, y + top, y + bottom)


@cache
def _file(face: str) -> Path:
    return Path(mpl.get_data_path(), "fonts", "ttf", FILES[face])


def font(face: str, points: float) -> FontProperties:
    """A face at a size, without a search for it among all that are installed."""
    family = SANS[0] if face == "sans" else SERIF[0]
    style = "italic" if face == "italic" else "normal"
    return FontProperties(family=family, style=style, size=points, fname=_file(face))
