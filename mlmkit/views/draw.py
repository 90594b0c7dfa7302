"""A laid-out network → matplotlib artists and SVG.

Observed nodes are shaded: the outcome round, what is given and not modelled square. Unknowns are open:
population parameters with a heavy outline, group coefficients with a fine double one. So colour never speaks
alone.
"""

from __future__ import annotations

import math
import re
from html import escape
from io import BytesIO, StringIO
from pathlib import Path
from textwrap import wrap

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.transforms import ScaledTranslation

from ..style import COLOURS, INK, MUTED, PAPER, RC, SANS, SERIF, SHADE, tint
from .boxes import RADIUS, Box, Layout, caption_words, half_width, plate_words
from .describe import network_in_words
from .graph import Graph, Node, Plate
from .letters import font, typeset

INCHES = 0.66  # a unit's size in a figure of our own
ROUNDING = 0.16
SQUARE = 0.88  # half a square node's side, in radii
PLATE_LINES = {"group": "-", "group2": (0, (6, 2.2)), "group3": (0, (1.4, 1.6)), "data": "-", "flat": "-"}
KEY = (
    ("outcome", "data"),
    ("parameter", "population parameter"),
    ("given", "given"),
    ("group", "group coefficient"),
)
KEY_WIDTH = 7.0


def figure_for(network: Graph, layout: Layout, key: bool = False) -> Figure:
    """A figure of the network's own size, with one Axes over all of it."""
    bounds = _bounds(network, layout, key)
    figure = Figure(figsize=(bounds.width * INCHES, bounds.height * INCHES), facecolor=PAPER)
    FigureCanvasAgg(figure)
    figure.add_axes((0, 0, 1, 1))
    return figure


def _bounds(network: Graph, layout: Layout, key: bool) -> Box:
    """The drawing's box: the network, and below it its notes and the key."""
    bounds = layout.bounds
    lines = len(_wrapped_notes(network, bounds)) * 1.6 * note_height(bounds)
    lines += 0.42 * len(_key_rows(bounds)) + 0.15 if key else 0
    wide = max(0.0, (KEY_WIDTH / 2 if key else 0) - bounds.width) / 2
    return bounds.grown(wide, lines + (0.1 if lines else 0), 0)


def _key_rows(bounds: Box) -> list:
    """The key in one line, or in two where the picture is narrow."""
    return [KEY] if bounds.width >= KEY_WIDTH else [KEY[:2], KEY[2:]]


def note_height(bounds: Box) -> float:
    """The notes' size: a caption's, but larger in a wide picture, to be read when that is shown small."""
    return max(0.185, bounds.width / 50)


def _wrapped_notes(network: Graph, bounds: Box) -> list[str]:
    letters = int((bounds.width - 0.28) / (0.545 * note_height(bounds)))
    return [line for note in network.notes for line in wrap(note, letters)]


def draw(network: Graph, layout: Layout, ax=None, key: bool = False):
    """Draw a network, laid out, on an Axes; see `Network.draw`."""
    with mpl.rc_context(RC):
        if ax is None:
            ax = figure_for(network, layout, key).axes[0]
        bounds = _bounds(network, layout, key)
        ax.set(xlim=(bounds.left, bounds.right), ylim=(bounds.bottom, bounds.top), aspect="equal")
        ax.axis("off")
        pen = Pen(ax, bounds)
        for plate in sorted(network.plates, key=lambda plate: len(plate.inside)):
            pen.plate(plate, layout.plates[plate.name], layout.corners.get(plate.name))
        for edge in network.edges:
            source, target = network.node(edge.source), network.node(edge.target)
            pen.arrow(source, layout.places[source.name], target, layout.places[target.name])
        for node in network.nodes:
            pen.node(node, layout.places[node.name], layout.sides.get(node.name, "below"))
        for place in layout.dots:
            pen.dots(*place)
        _foot(network, layout, pen, bounds, key)
        ax.alt_text = network_in_words(network)
        return ax


def _foot(network: Graph, layout: Layout, pen: Pen, bounds: Box, key: bool) -> None:
    size = note_height(layout.bounds)
    for k, line in enumerate(_wrapped_notes(network, layout.bounds)):
        pen.text(
            bounds.left + 0.14, layout.bounds.bottom - 0.1 - (0.6 + 1.6 * k) * size, line, size, MUTED, "left"
        )
    rows = _key_rows(layout.bounds) if key else []
    for k, row in enumerate(rows):
        pen.key(row, bounds.left + 0.35, bounds.bottom + 0.3 + 0.42 * (len(rows) - 1 - k))


def symbol_height(node: Node) -> float:
    """The size of a node's symbol: as large as all, or as fits inside."""
    room = 2 * half_width(node) - (0.26 if node.kind == "given" else 0.2)
    return min(0.4, room / typeset(node.symbol).width)


class Pen:
    """Draws on one Axes with sizes in units of the drawing, so that text and lines grow with it."""

    def __init__(self, ax, bounds: Box):
        self.ax = ax
        engine = ax.get_figure(root=True).get_layout_engine()
        if engine is not None:
            engine.execute(ax.get_figure(root=True))  # the Axes get their size only now
        inches = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
        self.points = 72 * min(inches.width / bounds.width, inches.height / bounds.height)

    def line(self, width: float) -> float:
        """A line's width, given for a drawing at its own size."""
        return width * self.points / (72 * INCHES)

    def text(self, x, y, text, height, colour=INK, across="center", zorder=6):
        return self.ax.text(
            x,
            y,
            text,
            fontproperties=font("sans", height * self.points),
            color=colour,
            ha=across,
            va="center",
            zorder=zorder,
        )

    def symbol(self, x: float, y: float, latex: str, height: float, colour=INK, across="center") -> None:
        """A symbol, letter by letter, its middle at y; its letters keep together if the Axes are resized."""
        symbol, size = typeset(latex), height * self.points
        left = -symbol.width * {"left": 0.0, "center": 0.5, "right": 1.0}[across]
        inches = self.ax.figure.dpi_scale_trans
        for one in symbol.letters:
            aside = ScaledTranslation((left + one.x) * size / 72, (one.y - symbol.middle) * size / 72, inches)
            style = {"color": colour, "ha": "left", "va": "baseline", "zorder": 6}
            style |= {"fontproperties": font(one.face, one.size * size), "clip_on": False}
            self.ax.text(x, y, one.text, transform=self.ax.transData + aside, **style)

    # -- nodes ------------------------------------------------------------
    def node(self, node: Node, place: tuple[float, float], side: str = "below") -> None:
        for patch in self.shapes(node.kind, node.role, place, RADIUS, half_width(node)):
            patch.set_gid(f"node-{node.name}")
            self.ax.add_artist(patch)
        x, y = place
        colour = INK if node.observed else COLOURS[node.role]
        self.symbol(x, y, node.symbol, symbol_height(node), colour)
        for words in caption_words(node, place, side):
            self.text(words.x, words.y, words.text, 0.19, MUTED, words.across)

    def shapes(self, kind: str, role: str, place, radius: float, half: float) -> list:
        """The outlines of one kind of node, `half` as wide."""
        colour = COLOURS[role]
        if kind == "given":
            side = radius * SQUARE
            corner, style = (place[0] - side, place[1] - side), "round,pad=0,rounding_size=0.07"
            outline = {"fc": SHADE, "ec": colour, "lw": self.line(1.3), "zorder": 4}
            return [FancyBboxPatch(corner, 2 * side, 2 * side, style, **outline)]
        if kind == "outcome":
            return [Circle(place, radius, fc=SHADE, ec=colour, lw=self.line(1.7), zorder=4)]
        if kind == "group":
            rings = ((radius, 1.5), (radius * 0.86, 0.7))
            return [Circle(place, r, fc="white", ec=colour, lw=self.line(lw), zorder=4) for r, lw in rings]
        return [self.parameter(place, half, radius, colour)]

    def parameter(self, place, half: float, radius: float, colour: str, width: float = 2.3):
        """An open circle, or a stadium where more room is needed."""
        if half <= radius:
            return Circle(place, radius, fc="white", ec=colour, lw=self.line(width), zorder=4)
        corner, style = (place[0] - half, place[1] - radius), f"round,pad=0,rounding_size={radius}"
        return FancyBboxPatch(
            corner, 2 * half, 2 * radius, style, fc="white", ec=colour, lw=self.line(width), zorder=4
        )

    # -- arrows ------------------------------------------------------------
    def arrow(self, source: Node, start, target: Node, end) -> None:
        """An arrow from border to border, stopping just short of the target."""
        angle = math.atan2(end[1] - start[1], end[0] - start[0])
        a = _border(source, start, angle, 0.0)
        b = _border(target, end, angle + math.pi, 0.05)
        arrow = FancyArrowPatch(
            a,
            b,
            arrowstyle=f"-|>,head_length={self.line(5.2)},head_width={self.line(2.2)}",
            color=INK,
            lw=self.line(1.15),
            shrinkA=0,
            shrinkB=0,
            mutation_scale=1,
            zorder=3,
            joinstyle="miter",
            capstyle="butt",
        )
        arrow.set_gid(f"edge-{source.name}-{target.name}")
        self.ax.add_artist(arrow)

    def dots(self, x: float, y: float) -> None:
        for step in (-0.17, 0, 0.17):
            self.ax.add_artist(Circle((x + step, y), 0.035, color=MUTED, zorder=4))

    def stroke(self, start, end, colour=MUTED, ls="-") -> None:
        """A plain line from centre to centre, under the nodes."""
        self.ax.plot(
            *zip(start, end, strict=True),
            color=colour,
            lw=self.line(1.2),
            ls=ls,
            zorder=2,
            solid_capstyle="round",
        )

    def bubble(self, place, label: str, colour: str) -> None:
        """An open circle with a short piece of text; a stadium where the text is long."""
        half = max(0.4, 0.085 * len(label) + 0.13)
        self.ax.add_artist(self.parameter(place, half, 0.4, colour, 1.8))
        self.text(place[0], place[1], label, 0.28 if len(label) < 4 else 0.24, INK)

    # -- plates ------------------------------------------------------------
    def plate(self, plate: Plate, box: Box, corner: str | None = None) -> None:
        """A box with its label: along its foot, or stacked in a lower corner that no other plate covers."""
        colour = COLOURS[plate.role]
        patch = FancyBboxPatch(
            (box.left, box.bottom),
            box.width,
            box.height,
            f"round,pad=0,rounding_size={ROUNDING}",
            fc=(*mpl.colors.to_rgb(tint(colour, 0.72)), 0.2),
            ec=colour,
            lw=self.line(1.3),
            ls=PLATE_LINES[plate.role],
            zorder=1 + 0.1 * len(plate.inside),
        )
        patch.set_gid(f"plate-{plate.name}")
        self.ax.add_artist(patch)
        *captions, values = plate_words(plate, box, corner)
        for words in captions:
            self.text(words.x, words.y, words.text, 0.19, MUTED, words.across)
        self.symbol(values.x, values.y, values.text, 0.25, colour, values.across)

    # -- the key ------------------------------------------------------------
    def key(self, entries, x: float, y: float) -> None:
        """What the shapes mean, one line of it."""
        for kind, meaning in entries:
            role = {"group": "group", "parameter": "population"}.get(kind, "data")
            for patch in self.shapes(kind, role, (x, y), 0.15, 0.15):
                self.ax.add_artist(patch)
            self.text(x + 0.26, y, meaning, 0.18, MUTED, "left")
            x += max(0.62 + 0.112 * len(meaning), 1.9 if len(entries) == 2 else 0)


def _border(node: Node, place: tuple[float, float], angle: float, gap: float) -> tuple[float, float]:
    """The point at which a ray from a node's centre leaves it."""
    cos, sin = math.cos(angle), math.sin(angle)
    half = half_width(node)
    if node.kind == "given":
        reach = SQUARE * RADIUS / max(abs(cos), abs(sin))
    elif half > RADIUS:
        reach = _stadium(half, cos, sin)
    else:
        reach = RADIUS
    return place[0] + (reach + gap) * cos, place[1] + (reach + gap) * sin


def _stadium(half: float, cos: float, sin: float) -> float:
    """How far a ray goes inside a stadium: up to its straight side, or to its round end."""
    straight = half - RADIUS
    if abs(sin) > 1e-9 and RADIUS / abs(sin) * abs(cos) <= straight:
        return RADIUS / abs(sin)
    along = straight * abs(cos)
    return along + math.sqrt(along**2 - straight**2 + RADIUS**2)


# -- SVG ------------------------------------------------------------


def to_png(network: Graph, layout: Layout) -> bytes:
    """The network as PNG, for a page that does not trust SVG: JupyterLab before the notebook is run."""
    figure = figure_for(network, layout)
    draw(network, layout, figure.axes[0])
    return figure_to_png(figure)


def to_svg(network: Graph, layout: Layout, path=None, key: bool = False) -> str:
    """The network as SVG with real text, a title and a description."""
    figure = figure_for(network, layout, key)
    draw(network, layout, figure.axes[0], key)
    svg = figure_to_svg(figure, f"Bayesian network of {network.title}", network_in_words(network))
    if path is not None:
        Path(path).write_text(svg, encoding="utf-8")
    return svg


def figure_to_png(figure: Figure) -> bytes:
    """Any figure as PNG, at the resolution of a notebook."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return buffer.getvalue()


def figure_to_svg(figure: Figure, title: str, description: str) -> str:
    """Any figure as accessible SVG: `<title>`, `<desc>`, text that is text, the same file each time."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mlmkit"}):
        buffer = StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for faces in (SERIF, SANS):
        spare = ", ".join(f"'{face}'" if " " in face else face for face in faces)
        svg = re.sub(rf"'?{faces[0]}'?(, [^;\"]*)?(?=[;\"])", spare, svg)
    head = f"<title>{escape(title)}</title>\n <desc>{escape(description)}</desc>\n"
    fit = 'role="img" style="max-width: 100%; height: auto"'
    return re.sub(r"(<svg[^>]*?)>", lambda m: f"{m[1]} {fit}>\n {head}", svg, count=1)
