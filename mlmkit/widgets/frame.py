"""What every exploration shares: controls, one picture that is redrawn in place, and the same in words.

An exploration is three pure functions and a list of controls:

    compute(**values of the controls)  →  a frozen dataclass
    draw(axes, result)                 →  paints it on Axes that are already there
    describe(result)                   →  the picture in a sentence or two

`Explorer` makes it live. It keeps one figure for its whole life and hands each redraw to the browser as an
image of fixed size, so nothing jumps or flickers, and a notebook that is run stores one constant line of
text. `stills` paints the same `draw` for several settings side by side: for print, and for readers without a
kernel.

Whatever reaches a control, `compute` is given values within the limits that the control was made with; and
explorations change and draw one at a time, whichever thread a message comes in by.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ipywidgets import HTML, Box, VBox, Widget
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from ..errors import DataError, MlmkitError, did_you_mean
from . import markup
from .controls import Press, limits, set_traits
from .drawing import ONE_AT_A_TIME, WIDTH, canvas, drawing, pixels, scaled, small_png
from .drawing import png as _png
from .paint import Painter, wipe

__all__ = ["WIDTH", "Exploration", "Explorer", "Preset", "Press", "Stills", "stills"]

#: Width of a picture in inches, live and with several stills in one.
INCHES, STILLS_INCHES = 9.6, 12.0
#: Above each still, in inches: its setting, to be read from the back row.
HEADLINE = 0.4


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
    to_try_with
        From the values, what to try with them, where that depends on them.
    at_work
        From the values, what to say while `compute` takes seconds; empty where it does not.
    film
        Makes the settings that its film shows, a list of values for each of some controls: every combination
        is a picture. None where there are too many to show, as with a formula that is typed.
    film_to_try
        What to try with the film, where it cannot do all of `to_try`.
    """

    title: str
    shows: str
    compute: Callable[..., Any]
    draw: Callable[[tuple[Axes, ...], Any], None]
    describe: Callable[[Any], str]
    panels: Callable[[FigureBase], tuple[Axes, ...]]
    controls: Callable[[], dict[str, Widget]]
    presets: Callable[[], dict[str, Preset]]
    to_try: tuple[str, str, str]
    height: float = 4.2
    follow: Mapping[str, Callable[[dict], dict[str, dict]]] = field(default_factory=dict)
    to_try_with: Callable[[dict], tuple[str, str, str]] | None = None
    at_work: Callable[[dict], str] = field(default=lambda values: "")
    film: Callable[[], Mapping[str, Sequence | Mapping[str, Any]]] | None = None
    film_to_try: tuple[str, ...] = ()


class Explorer(VBox):
    """One exploration, live in a notebook; `explorer.Explorer` can be saved as a page, too.

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
    width : int
        Of the picture, in CSS pixels.
    """

    width = WIDTH

    def __init__(self, exploration: Exploration, preset: str | None = None, **values):
        self.exploration = exploration
        self.controls = exploration.controls()
        self._limits = {name: limits(control) for name, control in self.controls.items()}
        self.result, self.words, self.problem = None, "", ""
        self.figure, self.axes = _blank(exploration)
        self._painter = Painter(self.figure)
        kinds = ("mlmkit-picture", "mlmkit-said", "mlmkit-help", "mlmkit-to-try")
        self.picture, self.sentence, self.help, self.tasks = (markup.marked(HTML(), kind) for kind in kinds)
        self.presets = exploration.presets()
        self._buttons = {name: markup.button(name) for name in self.presets}
        self._note, self._waiting = "", False
        self._shown: tuple[str, dict[str, Any]] | None = None
        for control in self.controls.values():
            control.observe(self._changed, "value")
        super().__init__(self._rows())
        self.add_class("mlmkit-explorer")
        if preset is not None:
            self.use(preset)
        if values or preset is None:
            self.set(**values)
        self._start = self.state

    # -- values ------------------------------------------------------------------------------------
    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name, within the limits that the controls were made with."""
        return {name: self._limits[name].clip(control.value) for name, control in self.controls.items()}

    @property
    def state(self) -> tuple[str, dict[str, Any]]:
        """All that a picture depends on: what is said of a preset, and the values."""
        return self._note, self.values

    @property
    def to_try(self) -> tuple[str, ...]:
        """What to try with the values as they are."""
        with_values = self.exploration.to_try_with
        return with_values(self.values) if with_values else self.exploration.to_try

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
        with self._one_redraw():
            self._begin()

    def _begin(self) -> None:
        note, values = self._start
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
    def _one_redraw(self) -> Iterator[None]:
        with ONE_AT_A_TIME:
            with self._waits():
                yield
            self._update()

    @contextmanager
    def _waits(self) -> Iterator[None]:
        was_waiting, self._waiting = self._waiting, True
        try:
            yield
        finally:
            self._waiting = was_waiting

    def _changed(self, change) -> None:
        if change.new == change.old:  # a browser's echo in other digits, put right on the way
            return
        with ONE_AT_A_TIME:
            name = next(name for name, control in self.controls.items() if control is change.owner)
            self._note = ""
            with self._waits():
                self._limits[name].restore(change.owner)
                if name in self.exploration.follow:
                    self._follow(name)
            self._update()

    def _follow(self, name: str) -> None:
        with self._waits():
            for other, traits in self.exploration.follow[name](self.values).items():
                self._limits[other] = self._limits[other].moved(traits)
                set_traits(self.controls[other], traits)

    # -- drawing -----------------------------------------------------------------------------------
    def _update(self) -> None:
        """Redraw, unless more is to change first or the picture shows these values already."""
        if not self._waiting and self.state != self._shown:
            self._shown = self.state
            self.redraw()

    def redraw(self) -> None:
        """Compute and draw for the values as they are; what goes wrong is shown where it is seen."""
        with ONE_AT_A_TIME:
            try:
                with self._sign_of_work():
                    self.result = self.exploration.compute(**self.values)
                self._show(self.result)
                self.problem = ""
                self.remove_class("mlmkit-behind")
            except MemoryError:  # the kit's own among them
                self.problem = "There is not enough memory for this. Choose smaller numbers."
            except MlmkitError as error:
                self.problem = str(error)
            except Exception as error:
                self.problem = f"{type(error).__name__}: {error} (a fault of the kit: please report it)"
                raise
            finally:
                if self.problem:  # the picture and its words are still those of other values
                    self.add_class("mlmkit-behind")
                self.help.value = markup.problem(self.problem)
                self._mark_presets()

    @contextmanager
    def _sign_of_work(self) -> Iterator[None]:
        """Where computing takes seconds, say so, and grey the picture that is not up to date."""
        if not (text := self.exploration.at_work(self.values)):
            yield
            return
        self.help.value = markup.at_work(text)
        self.add_class("mlmkit-at-work")
        try:
            yield
        finally:
            self.remove_class("mlmkit-at-work")

    def _show(self, result) -> None:
        with drawing():
            for ax in self.axes:
                wipe(ax)
            self.exploration.draw(self.axes, result)
            self.words = " ".join(filter(None, [self._note, self.exploration.describe(result)]))
            self.paint()

    def paint(self) -> None:
        """Hand the figure, just drawn, and its words to the browser; a film takes a picture of it here instead."""
        self.picture.value = markup.picture(self._painter.pixels(), self.alt_text)
        self.sentence.value = markup.sentence(self.words)

    # -- the parts on the page ---------------------------------------------------------------------
    def _rows(self) -> list[Widget]:
        self.tasks.value = markup.tasks(self.to_try)
        shown = [control for control in self.controls.values() if isinstance(control, Widget)]
        title = markup.marked(HTML(markup.title(self.exploration.title)), "mlmkit-title")
        return [
            title,
            self._presets_row(),
            markup.arranged(shown),
            self.picture,
            self.sentence,
            self.help,
            self.tasks,
        ]

    def _presets_row(self) -> Box:
        for name, button in self._buttons.items():
            button.on_click(lambda _, name=name: self.use(name))
        reset = markup.button("reset", icon="rotate-left", tooltip="back to how it began")
        reset.on_click(self.reset)
        return markup.row([*self._buttons.values(), reset], "mlmkit-presets")

    def _mark_presets(self) -> None:
        """Show which presets the controls stand at, and what to try there."""
        values = self.values
        for name, button in self._buttons.items():
            stands = all(values[control] == value for control, value in self.presets[name].values.items())
            (button.add_class if stands else button.remove_class)("mlmkit-on")
        self.tasks.value = markup.tasks(self.to_try)

    # -- what stays in a stored notebook ---------------------------------------------------------------
    @property
    def alt_text(self) -> str:
        """What the picture shows now."""
        return f"{self.exploration.shows} {self.words}"

    def _repr_mimebundle_(self, **options) -> dict:
        """The widget; and its picture as it stands, for a notebook that is read where no kernel runs."""
        data = super()._repr_mimebundle_(**options)
        with drawing():
            return {**data, "image/png": small_png(self._painter.pixels())}

    def __repr__(self):
        place = "while the notebook runs" if _in_notebook() else "in a notebook"
        return f"An exploration to use {place}: {self.exploration.title}"


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
        with drawing():
            self.figure.savefig(path, **options)

    def _repr_mimebundle_(self, **_):
        with drawing():
            data = {"image/png": _png(pixels(self.figure), level=9), "text/plain": repr(self)}
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
    results = {name: exploration.compute(**{**start, **values}) for name, values in settings.items()}
    rows, width = -(-len(settings) // columns), STILLS_INCHES / columns
    with drawing(scaled(0.88)):
        figure = canvas((STILLS_INCHES, rows * (width * exploration.height / INCHES * 1.17 + HEADLINE)))
        parts = np.ravel(figure.subfigures(rows, columns))
        for part, (name, result) in zip(parts, results.items(), strict=False):
            axes = exploration.panels(part)
            _leave_above(axes, HEADLINE * rows / figure.get_figheight())
            exploration.draw(axes, result)
            part.suptitle(name, fontweight="bold", fontsize=15, x=0.02, ha="left", y=0.985)
    texts = [f"{name}: {exploration.describe(result)}" for name, result in results.items()]
    return Stills(exploration.title, figure, " ".join([exploration.shows, *texts]))


def _leave_above(axes: tuple[Axes, ...], share: float) -> None:
    """Move axes down, so that this share of their figure's height is free above them."""
    for ax in axes:
        left, bottom, width, height = ax.get_position(original=True).bounds
        ax.set_position((left, bottom * (1 - share), width, height * (1 - share)))


def _blank(exploration: Exploration) -> tuple[Figure, tuple[Axes, ...]]:
    with drawing():
        figure = canvas((INCHES, exploration.height))
        return figure, exploration.panels(figure)


def _in_notebook() -> bool:
    """Whether widgets can be shown: a terminal where someone types shows none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel") if shell else not hasattr(sys, "ps1")
