"""A matplotlib renderer that writes down what is drawn instead of painting it.

A picture becomes a list of strokes: lines, areas, points and letters, each with its style. Equal strokes, styles
and shapes are kept once and numbered, so a picture that differs little from another takes little room.

A stroke is one of

    [LINE, style, [x, y, dx, dy, …], …]     lines through points: the first place, then the steps from it
    [AREA, style, [x, y, dx, dy, …], …]     the same, closed
    [POINTS, style, shape, row, row]        one shape stamped at many places: their x, their y
    [TEXT, colour, x, y, angle, [[scale, y, [shape, x, …]], …], ["M …", …]]    letters, and the rules of fractions

with lines' and points' places in halves of a pixel from the top left, and `shape` and `row` by their numbers. A style
is [fill, stroke, clip, hatch], each 0 where there is none: a fill is [hex, alpha], a stroke goes on with [width,
dashes, cap, join], a clip is a rectangle, a hatch is [hex, alpha, width, side of the tile, tile as an SVG path].
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.font_manager import findfont, get_font
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from matplotlib.transforms import Affine2D, Transform

LINE, AREA, POINTS, TEXT = range(4)
#: Places on the film to a pixel: finer is larger, and no finer is seen.
GRAIN = 2
#: How far a line of many points may be off, in pixels, to get by with fewer.
OFF = 0.2
#: Larger than any marker, in pixels.
LARGE = 40

_MIRROR = Affine2D().scale(1, -1)


class Table:
    """Every different thing once; its number from then on."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._numbers: dict[str, int] = {}

    def __call__(self, thing: Any) -> int:
        key = json.dumps(thing)
        if key not in self._numbers:
            self._numbers[key] = len(self.items)
            self.items.append(thing)
        return self._numbers[key]


class Recorder(RendererBase):
    """Writes down strokes, picture by picture.

    Parameters
    ----------
    width, height
        Of the pictures, in pixels.
    dpi
        Pixels to an inch.

    Attributes
    ----------
    styles, shapes, rows, strokes : Table
        What the pictures so far are made of.
    """

    def __init__(self, width: int, height: int, dpi: float):
        super().__init__()
        self.width, self.height, self.dpi = width, height, dpi
        self.styles, self.shapes, self.rows, self.strokes = Table(), Table(), Table(), Table()
        self._flip = Affine2D().scale(1, -1).translate(0, height)
        self._picture: list[list] = []
        self._letters: dict[str, Any] = {}
        self._speller = TextToPath()

    def picture(self) -> list[int]:
        """The strokes since the last picture, by their numbers."""
        strokes, self._picture = self._picture, []
        return [self.strokes(stroke) for stroke in strokes]

    # -- what matplotlib asks of a renderer --------------------------------------------------------------------
    def get_canvas_width_height(self) -> tuple[int, int]:
        return self.width, self.height

    def points_to_pixels(self, points: float) -> float:
        return points * self.dpi / 72

    def draw_path(
        self, gc: GraphicsContextBase, path: Path, transform: Transform, rgbFace: Any = None
    ) -> None:
        style = self._style(gc, rgbFace)
        kind = LINE if rgbFace is None else AREA
        lines = [_steps(line) for line in self._lines(path, transform, kind == LINE)]
        last = self._picture[-1] if self._picture else None
        if kind == LINE and last and last[:2] == [LINE, style] and self._opaque(style):
            last.extend(lines)  # what does not shine through may as well be one stroke
        elif lines:
            self._picture.append([kind, style, *lines])

    def draw_markers(
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: Any = None,
    ) -> None:
        places = trans.transform(path.vertices)
        places = places[np.isfinite(places).all(axis=1)]
        size = max(marker_path.get_extents(marker_trans).size)
        if len(places) == 1 and size > LARGE:  # how matplotlib hands on a single area
            self.draw_path(gc, marker_path, marker_trans + Affine2D().translate(*places[0]), rgbFace)
            return
        shape = self.shapes(_svg(marker_path, marker_trans + _MIRROR, 2))
        rows = [self.rows(row) for row in _grains(self._flip.transform(places)).T.tolist()]
        self._picture.append([POINTS, self._style(gc, rgbFace), shape, *rows])

    def draw_image(self, gc: GraphicsContextBase, x: float, y: float, im: Any, transform: Any = None) -> None:
        raise NotImplementedError("A film is made of strokes; draw no image in an exploration.")

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        letters, rules = self._spell(s, prop, ismath)
        size = self.points_to_pixels(prop.get_size_in_points()) / self._speller.FONT_SCALE
        runs: list[list] = []
        for letter, at, up, scale in letters:
            if (shape := self._letter(letter)) is None:
                continue
            how = [round(scale * size, 4), round(-up * size, 1)]
            if not runs or runs[-1][:2] != how:
                runs.append([*how, []])
            runs[-1][2] += [shape, round(at * size, 1)]
        bars = [_svg(Path(*rule), Affine2D().scale(size, -size)) for rule in rules]
        where = [round(float(one), 1) for one in (x, y, angle)]
        self._picture.append([TEXT, _colour(gc.get_rgb(), None), *where, runs, bars])

    # -- the parts of a stroke ---------------------------------------------------------------------------------
    def _lines(self, path: Path, transform: Transform, thin: bool) -> Iterator[np.ndarray]:
        """The (n, 2) places of each line of a path, in pixels from the top left."""
        box = (0, 0, self.width, self.height) if thin else None
        clean = path.cleaned(transform + self._flip, remove_nans=True, clip=box)
        starts = np.flatnonzero(clean.codes == Path.MOVETO)
        for start, end in zip(starts, [*starts[1:], len(clean.codes)], strict=False):
            part, codes = clean.vertices[start:end], clean.codes[start:end]
            line = part[(codes == Path.MOVETO) | (codes == Path.LINETO)]
            if thin and (codes == Path.CLOSEPOLY).any():
                line = np.vstack([line, line[:1]])
            if len(line) > 1:
                yield line[_needed(line)]

    def _spell(self, s: str, prop: Any, ismath: Any) -> tuple[Iterable, Iterable]:
        """Each letter with its place and scale, and the rules of fractions and roots, in the font's units."""
        if ismath:
            letters, found, rules = self._speller.get_glyphs_mathtext(prop, s)
        else:
            font = get_font(findfont(prop))
            font.set_size(self._speller.FONT_SCALE, self._speller.DPI)
            letters, found, rules = self._speller.get_glyphs_with_font(font, s)
        self._letters.update(found)
        return letters, rules

    def _letter(self, name: str) -> int | None:
        vertices, codes = self._letters[name]
        return self.shapes(_svg(Path(vertices, codes), _MIRROR, 0)) if len(vertices) else None

    def _style(self, gc: GraphicsContextBase, face: Any) -> int:
        forced = gc.get_alpha() if gc.get_forced_alpha() else None
        fill = _colour(face, forced) if face is not None else 0
        width = round(self.points_to_pixels(gc.get_linewidth()), 2)
        stroke: Any = _colour(gc.get_rgb(), forced) if width else 0
        if stroke:
            dashes = gc.get_dashes()[1]
            cap = str(gc.get_capstyle()).replace("projecting", "square")
            pattern = [round(self.points_to_pixels(dash), 1) for dash in dashes] if dashes else 0
            stroke = [*stroke, width, pattern, cap, str(gc.get_joinstyle())]
        return self.styles([fill, stroke, self._clip(gc), self._hatch(gc)])

    def _clip(self, gc: GraphicsContextBase) -> list[float] | int:
        if (box := gc.get_clip_rectangle()) is None:
            return 0
        x, y, width, height = box.bounds
        return [round(float(one), 1) for one in (x, self.height - y - height, width, height)]

    def _hatch(self, gc: GraphicsContextBase) -> list | int:
        """A tile of one inch, as matplotlib's other renderers lay it."""
        if (path := gc.get_hatch_path()) is None:
            return 0
        width = self.points_to_pixels(gc.get_hatch_linewidth())
        colour = _colour(gc.get_hatch_color(), None)
        if not colour:
            return 0
        tile = _svg(path, Affine2D().scale(self.dpi, -self.dpi).translate(0, self.dpi))
        return [*colour, round(width, 2), self.dpi, tile]

    def _opaque(self, style: int) -> bool:
        stroke = self.styles.items[style][1]
        return bool(stroke) and stroke[1] == 1


def _colour(rgba: Any, forced: float | None) -> Any:
    """[hex, alpha], or 0 for what is not seen."""
    alpha = forced if forced is not None else (rgba[3] if len(rgba) == 4 else 1.0)
    return [to_hex(rgba[:3]), round(float(alpha), 3)] if alpha > 0 else 0


def _grains(places: np.ndarray) -> np.ndarray:
    return np.rint(GRAIN * places).astype(int)


def _steps(line: np.ndarray) -> list[int]:
    """The first place, then how far each is from the one before: small numbers, often the same ones."""
    grains = _grains(line)
    grains = grains[np.r_[True, np.any(np.diff(grains, axis=0) != 0, axis=1)]]
    return np.diff(grains, axis=0, prepend=np.zeros((1, 2), dtype=int)).ravel().tolist()


def _needed(line: np.ndarray) -> np.ndarray:
    """Which points of a line are needed for it to be off by no more than OFF anywhere.

    References
    ----------
    Douglas & Peucker (1973). Cartographica 10(2).
    """
    needed = np.zeros(len(line), dtype=bool)
    needed[[0, -1]] = True
    open_parts = [(0, len(line) - 1)]
    while open_parts:
        start, end = open_parts.pop()
        if end - start < 2:
            continue
        way, rest = line[end] - line[start], line[start + 1 : end] - line[start]
        length = np.hypot(*way)
        off = np.abs(rest @ [-way[1], way[0]]) / length if length > 0 else np.hypot(*rest.T)
        worst = int(np.argmax(off))
        if off[worst] > OFF:
            needed[start + 1 + worst] = True
            open_parts += [(start, start + 1 + worst), (start + 1 + worst, end)]
    return needed


#: What an SVG path calls each step, and how many places it takes.
_SVG = {Path.MOVETO: ("M", 1), Path.LINETO: ("L", 1), Path.CURVE3: ("Q", 2), Path.CURVE4: ("C", 3)}


def _svg(path: Path, transform: Transform, decimals: int = 1) -> str:
    """A path as SVG writes it, transformed."""
    words = []
    for vertices, code in path.iter_segments(transform, simplify=False, curves=True):
        if code == Path.CLOSEPOLY:
            words.append("Z")
        else:
            numbers = " ".join(f"{round(float(one), decimals) + 0.0:g}" for one in vertices)
            words.append(_SVG[code][0] + numbers)
    return "".join(words)
