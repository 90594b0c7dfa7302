"""What every exploration shares: controls, one picture that is redrawn in place, and the same in words.

An exploration is three pure functions and a list of controls:

    compute(**values of the controls)  →  a frozen dataclass
    draw(axes, result)                 →  paints it on Axes that are already there
    describe(result)                   →  the picture in a sentence or two

`Explorer` makes it live. It keeps one figure for its whole life and hands each redraw to the browser as an
image of fixed size, so nothing jumps or flickers, and a notebook that is run stores one constant line of
text. `stills` paints the same `draw` for several settings side by side: for print, and for readers without a
kernel.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from ipywidgets import HTML, Box, Button, GridBox, Layout, ValueWidget, VBox, Widget
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase
from traitlets import HasTraits, Int

from ..errors import DataError, MlmkitError, did_you_mean
from ..style import COLOURS, MUTED, RC, RULE, house
from .paint import Painter, wipe

#: Width of a picture in CSS pixels; it is painted with SHARPNESS as many, for projectors and fine screens.
WIDTH, SHARPNESS = 960, 1.5
INCHES, STILLS_INCHES = 9.6, 12.0


@dataclass(frozen=True)
class Preset:
    """A named setting of the controls, and what to say of it while it stands."""

    values: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True)
class Exploration:
    """All that makes one exploration.

    Attributes
    ----------
    title, shows
        Its name, and what the picture shows, for those who do not see it.
    compute, draw, describe
        Values → result; axes and result → painted axes; result → words.
    panels
        Makes the axes in an empty figure (or subfigure).
    controls
        Makes the controls, each by the name of the parameter it sets; their values are the start. One that
        is no widget, only a trait called `value`, is kept and not shown.
    presets
        Makes the named settings (they come from real fits, so only when they are asked for).
    to_try
        Three things to try, each a question the picture answers.
    height
        Of the picture, in inches of its 9.6 wide.
    follow
        For a control that others depend on: from the values, the traits the others take when it is set.
    """

    title: str
    shows: str
    compute: Callable[..., Any]
    draw: Callable[[tuple[Axes, ...], Any], None]
    describe: Callable[[Any], str]
    panels: Callable[[FigureBase], tuple[Axes, ...]]
    controls: Callable[[], dict[str, HasTraits]]
    presets: Callable[[], dict[str, Preset]]
    to_try: tuple[str, str, str]
    height: float = 4.2
    follow: Mapping[str, Callable[[dict], dict[str, dict]]] = field(default_factory=dict)


class Press(Button, ValueWidget):
    """A button whose value counts how often it was pressed: "new sample" as a control like the others."""

    value = Int(0)

    def __init__(self, label: str, **traits):
        super().__init__(description=label, **traits)
        self.on_click(self._count)

    def _count(self, _):
        self.value += 1


class Explorer(VBox):
    """One exploration, live in a notebook.

    Attributes
    ----------
    controls : dict
        The widgets by name; setting `.value` of one redraws.
    result
        What `compute` gave for the controls' values.
    words : str
        The picture in words, kept up to date for every reader.
    problem : str
        What went wrong, in words; empty where nothing did.
    """

    def __init__(self, exploration: Exploration, preset: str | None = None, **values):
        self.exploration = exploration
        self.controls = exploration.controls()
        self.result, self.words, self.problem = None, "", ""
        self.figure, self.axes = _blank(exploration)
        self._painter = Painter(self.figure)
        self.picture, self.sentence, self.help = HTML(), HTML(), HTML()
        self.presets = exploration.presets()
        self._note, self._waiting = "", False
        for control in self.controls.values():
            control.observe(self._changed, "value")
        super().__init__(self._rows(), layout=Layout(width="100%", max_width=f"{WIDTH + 20}px"))
        if preset is not None:
            self.use(preset)
        if values or preset is None:
            self.set(**values)
        self._start = (self._note, self.values)

    # -- values ------------------------------------------------------------------------------------
    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values) -> Explorer:
        """Set several controls and redraw once.

        Raises
        ------
        DataError
            If there is no control of that name, or it cannot take that value.
        """
        with self._one_redraw():
            for name, value in values.items():
                self._set(name, value)
        return self

    def use(self, preset: str) -> Explorer:
        """Take the values of a preset by its name."""
        if preset not in self.presets:
            raise DataError(f"There is no preset {preset!r}.{did_you_mean(preset, self.presets)}")
        chosen = self.presets[preset]
        with self._one_redraw():
            for name, value in chosen.values.items():
                self._set(name, value)
            self._note = chosen.note
        return self

    def reset(self, _=None) -> None:
        """Back to how it began."""
        note, values = self._start
        with self._one_redraw():
            for name, value in values.items():
                self._set(name, value)
            self._note = note

    def _set(self, name: str, value) -> None:
        if name not in self.controls:
            raise DataError(f"There is no control {name!r}.{did_you_mean(name, self.controls)}")
        try:
            if name in self.exploration.follow and self.controls[name].value == value:
                self._follow(name)  # nothing changes, so nothing is notified; yet the others are to follow
            self.controls[name].value = value
        except Exception as error:  # noqa: BLE001  (each kind of control has an error of its own)
            raise DataError(f"{name} cannot be {value!r}: {error}") from None

    @contextmanager
    def _one_redraw(self):
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False
        self.redraw()

    def _changed(self, change) -> None:
        name = next(name for name, control in self.controls.items() if control is change.owner)
        self._note = ""
        if name in self.exploration.follow:
            self._follow(name)
        if not self._waiting:
            self.redraw()

    def _follow(self, name: str) -> None:
        was_waiting, self._waiting = self._waiting, True
        try:
            for other, traits in self.exploration.follow[name](self.values).items():
                _set_traits(self.controls[other], traits)
        finally:
            self._waiting = was_waiting

    # -- drawing -----------------------------------------------------------------------------------
    def redraw(self) -> None:
        """Compute and draw for the values as they are; what goes wrong is shown where it is seen."""
        try:
            self.result = self.exploration.compute(**self.values)
            self._show(self.result)
            self.problem = ""
        except MlmkitError as error:
            self.problem = str(error)
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error} (a fault of the kit: please report it)"
            raise
        finally:
            self.help.value = _help(self.problem)

    def _show(self, result) -> None:
        with _style():
            for ax in self.axes:
                wipe(ax)
            self.exploration.draw(self.axes, result)
            pixels = self._painter.pixels()
        self.words = " ".join(filter(None, [self._note, self.exploration.describe(result)]))
        self.picture.value = _img(pixels, f"{self.exploration.shows} {self.words}", self.exploration.height)
        self.sentence.value = _sentence(self.words)

    # -- the parts on the page ---------------------------------------------------------------------
    def _rows(self) -> list:
        rows = [HTML(f'<h4 style="margin:0.2em 0">{escape(self.exploration.title)}</h4>')]
        seen = [control for control in self.controls.values() if isinstance(control, Widget)]
        return [*rows, self._presets_row(), _arranged(seen), self.picture, self.sentence, self.help,
                HTML(_what_to_try(self.exploration.to_try))]  # fmt: skip

    def _presets_row(self) -> Box:
        buttons = []
        for name in self.presets:
            button = _button(name)
            button.on_click(lambda _, name=name: self.use(name))
            buttons.append(button)
        reset = _button("reset", icon="rotate-left")
        reset.on_click(self.reset)
        return _row([*buttons, reset])

    def __repr__(self):
        return f"An exploration to use while the notebook runs: {self.exploration.title}"


@dataclass(frozen=True, eq=False)
class Stills:
    """Several settings of one exploration side by side, as a picture with its words.

    Attributes
    ----------
    figure : matplotlib Figure
    alt_text : str
        What the pictures show, one sentence or two a setting.
    """

    title: str
    figure: Figure = field(repr=False)
    alt_text: str = field(repr=False)

    def savefig(self, path, **options) -> None:
        """Write the picture to a file, as `Figure.savefig` does."""
        self.figure.savefig(path, **options)

    def _repr_mimebundle_(self, **_):
        data = {"image/png": _png(_pixels(self.figure), level=9), "text/plain": repr(self)}
        return data, {"image/png": {"alt": self.alt_text, "width": WIDTH}}


def stills(exploration: Exploration, settings: Mapping[str, Mapping], columns: int = 2) -> Stills:
    """Paint an exploration for several settings, each named, in rows of `columns`.

    Parameters
    ----------
    exploration
        Whose `draw` paints them.
    settings
        Name → values of the controls; controls left out have their start value.
    """
    start = {name: control.value for name, control in exploration.controls().items()}
    rows, width = -(-len(settings) // columns), STILLS_INCHES / columns
    texts = []
    with _style(), mpl.rc_context(_scaled(0.86)):
        figure = _canvas((STILLS_INCHES, rows * (width * exploration.height / INCHES * 1.15 + 0.35)))
        parts = np.ravel(figure.subfigures(rows, columns))
        for part, (name, values) in zip(parts, settings.items(), strict=False):
            result = exploration.compute(**{**start, **values})
            exploration.draw(exploration.panels(part), result)
            part.suptitle(name, fontweight="bold", x=0.02, ha="left", y=0.99)
            texts.append(f"{name}: {exploration.describe(result)}")
    return Stills(exploration.title, figure, f"{exploration.shows} " + " ".join(texts))


def _set_traits(control: HasTraits, traits: Mapping[str, Any]) -> None:
    """A range and a value inside it are set as one, since either alone may not go with what was there."""
    with control.hold_trait_notifications() if "min" in traits else nullcontext():
        for trait, value in traits.items():
            setattr(control, trait, value)


# ---- painting ----------------------------------------------------------------------------------------------


@contextmanager
def _style():
    """The house style; with the titles' height given, matplotlib need not measure all labels to find it."""
    with house(), mpl.rc_context({"axes.titley": 1.0}):
        yield


def _blank(exploration: Exploration) -> tuple[Figure, tuple[Axes, ...]]:
    with _style():
        figure = _canvas((INCHES, exploration.height))
        return figure, exploration.panels(figure)


def _canvas(size) -> Figure:
    """A figure of its own, unknown to pyplot, so that no notebook shows it by itself."""
    figure = Figure(size, dpi=SHARPNESS * WIDTH / size[0])
    FigureCanvasAgg(figure)
    return figure


def _scaled(factor: float) -> dict[str, float]:
    return {
        name: value * factor
        for name, value in RC.items()
        if name.endswith(("font.size", "fontsize", "labelsize", "titlesize"))
    }


def _pixels(figure: Figure) -> np.ndarray:
    """The figure painted, (height, width, 3) bytes."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def _png(pixels: np.ndarray, level: int = 1) -> str:
    """An RGB picture as base64 PNG: rows unfiltered, lightly compressed, in half of Pillow's time."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # each row begins with a 0: "no filter"
    np.ndarray(pixels.shape, np.uint8, rows, offset=1, strides=(rows.shape[1], 3, 1))[...] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, level)), (b"IEND", b""))
    return b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# ---- HTML --------------------------------------------------------------------------------------------------


def _img(pixels: np.ndarray, alt: str, height: float) -> str:
    size = f'width="{WIDTH}" height="{round(WIDTH * height / INCHES)}"'
    style = "display:block;max-width:100%;height:auto;background:#fff"
    alt = escape(alt, quote=True)
    return (
        f'<img role="img" {size} style="{style}" decoding="sync" aria-label="{alt}" alt="{alt}" '
        f'src="data:image/png;base64,{_png(pixels)}">'
    )


def _sentence(words: str) -> str:
    style = "line-height:1.45;min-height:2.9em;margin:0.3em 0;font-size:1.05em;max-width:60em"
    return f'<p role="status" aria-live="polite" style="{style}">{escape(words)}</p>'


def _help(problem: str) -> str:
    if not problem:
        return ""
    border = f"border-left:4px solid {COLOURS['population']}"
    style = f"white-space:pre-wrap;{border};padding:0.3em 0.8em;margin:0.3em 0;line-height:1.45"
    return f'<div role="alert" style="{style}">{escape(problem)}</div>'


def _what_to_try(tasks) -> str:
    items = "".join(f"<li>{escape(task)}</li>" for task in tasks)
    return (
        f'<details open style="border-top:1px solid {RULE};margin-top:0.3em;line-height:1.45;max-width:60em">'
        f'<summary style="color:{MUTED};cursor:pointer">What to try</summary>'
        f'<ol style="margin:0.2em 0">{items}</ol></details>'
    )


def _row(children) -> Box:
    return Box(list(children), layout=Layout(flex_flow="row wrap", align_items="center", overflow="visible"))


def _arranged(controls: list[Widget]) -> Box:
    """Controls in rows; beside a grid, if there is one, in a column."""
    grids = [control for control in controls if isinstance(control, GridBox)]
    others = [control for control in controls if control not in grids]
    return _row([*grids, VBox(others)]) if grids else _row(others)


def _button(label: str, **traits) -> Button:
    return Button(description=label, layout=Layout(width="auto"), **traits)
