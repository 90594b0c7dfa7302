"""An exploration as a film: every picture it draws for a grid of its controls, and for its presets.

The live exploration is driven, so whatever follows from a control (ranges, labels, notes, faults in words) follows
here, too; nothing is drawn twice, in another language or by other rules.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ipywidgets import Button, Widget

from ...errors import DataError
from ..controls import Choice, Choices, Steps
from ..drawing import WIDTH, drawing
from ..frame import INCHES, Explorer
from ..grids import Part
from .strokes import GRAIN, Recorder, Table

DPI = WIDTH / INCHES
#: Around a column of panels, in pixels.
MARGIN = 8


@dataclass(frozen=True)
class Film:
    """A recorded exploration.

    Attributes
    ----------
    card
        What a page shows before the pictures are there: title, controls, presets, tasks, size.
    reel
        The pictures: tables of styles, shapes, rows and strokes, and the frames made of them.
    """

    card: dict[str, Any]
    reel: dict[str, Any]


class Camera(Explorer):
    """An exploration whose every redraw is written down as strokes; it begins as another one stands.

    Attributes
    ----------
    strokes : list of int
        Those of the last picture, by their numbers in the recorder's table.
    """

    def __init__(self, live: Explorer):
        self.recorder = Recorder(WIDTH, round(DPI * live.exploration.height), DPI)
        self.strokes: list[int] = []
        super().__init__(live.exploration)
        self.figure.set_dpi(DPI)
        self._start, self._shown = live.state, None
        self.reset()

    def paint(self) -> None:
        if self.figure.dpi == DPI:
            self.figure.draw(self.recorder)
            self.strokes = self.recorder.picture()

    def stand(self, values: Mapping[str, Any]) -> None:
        """Stand at a place of the grid, whatever was shown before it."""
        with self._one_redraw():
            self._begin()
            for name, value in values.items():
                self._set(name, value.of(self.controls[name]) if isinstance(value, Part) else value)
            self._note = ""

    @property
    def said(self) -> str:
        """The picture in words, or why there is none."""
        return self.problem or self.words

    def columns(self) -> list[list[int]]:
        """Where a narrow screen may cut the picture to stack its parts: the columns of panels, in pixels."""
        with drawing():
            self.figure.canvas.draw()
            boxes = [ax.get_tightbbox(self.figure.canvas.get_renderer()) for ax in self.figure.axes]
        spans: list[list[float]] = []
        for box in sorted((box for box in boxes if box is not None), key=lambda box: box.x0):
            if spans and box.x0 < spans[-1][1]:
                spans[-1][1] = max(spans[-1][1], box.x1)
            else:
                spans.append([box.x0, box.x1])
        return [[max(0, round(x0) - MARGIN), min(WIDTH, round(x1) + MARGIN)] for x0, x1 in spans]


def shoot(live: Explorer) -> Film:
    """Film an exploration.

    Parameters
    ----------
    live
        The exploration as it stands: so the film begins, and so the controls stay that the film does not move.

    Raises
    ------
    DataError
        If it has more settings than can be recorded.
    """
    if live.exploration.film is None:
        raise DataError(
            f"“{live.exploration.title}” has no film: it has more settings than can be recorded. Use it in a "
            "notebook or on the lecture's page."
        )
    take = _Take(Camera(live), live.exploration.film())
    for values in itertools.product(*take.values.values()):
        take.camera.stand(dict(zip(take.values, values, strict=True)))
        take.picture()
    take.camera.reset()
    start = take.picture()
    presets = []
    for name in take.camera.presets:
        take.camera.reset()
        take.camera.use(name)
        presets.append([name, *take.picture()])
    return Film(take.card(start, presets), take.reel())


class _Take:
    """The pictures taken so far.

    Parameters
    ----------
    camera
        What takes them.
    grid
        For each control that the film moves its values, or its values by what they are to be called.
    """

    def __init__(self, camera: Camera, grid: Mapping[str, Sequence | Mapping[str, Any]]):
        self.camera, self.tasks = camera, Table()
        self.values = {
            name: list(given.values()) if isinstance(given, Mapping) else list(given)
            for name, given in grid.items()
        }
        self.names = {name: list(given) for name, given in grid.items() if isinstance(given, Mapping)}
        self.frames: list[list] = []

    def picture(self) -> list:
        """Take a picture; where on the grid it is, or next to, and its number."""
        camera = self.camera
        places = [nearest(values, camera.controls[name]) for name, values in self.values.items()]
        labels = [label(camera.controls[name]) for name in self.values]
        tasks = self.tasks(list(camera.exploration.film_to_try or camera.to_try))
        self.frames.append([camera.said, camera.strokes, labels, self._others(), tasks])
        return [places, len(self.frames) - 1]

    def _others(self) -> str:
        """What stands at the controls that the film does not move."""
        parts = [
            f"{control.description}: {label(control)}"
            for name, control in self.camera.controls.items()
            if name not in self.values and isinstance(control, Widget) and hasattr(control, "description")
            if not isinstance(control, Button)
        ]
        return ", ".join(parts)

    def card(self, start: list, presets: list[list]) -> dict[str, Any]:
        exploration, recorder = self.camera.exploration, self.camera.recorder
        words, _, labels, others, tasks = self.frames[start[1]]
        return {
            "title": exploration.title, "shows": exploration.shows, "size": [recorder.width, recorder.height],
            "columns": self.camera.columns(), "controls": [self._control(name) for name in self.values],
            "start": start, "presets": presets, "words": words, "labels": labels, "others": others,
            "longest": max((frame[0] for frame in self.frames), key=len), "try": self.tasks.items[tasks],
        }  # fmt: skip

    def _control(self, name: str) -> list:
        """A control's name, label and kind, and its values: how many, or what they are called."""
        control, values = self.camera.controls[name], self.values[name]
        text = getattr(control, "description", name) or name
        if isinstance(control, Button):
            return [name, text, "press", len(values)]
        if isinstance(values[0], bool):
            return [name, text, "check", len(values)]
        if isinstance(control, Choice | Choices):
            called = {
                value: str(text)
                for text, value in zip(control._options_labels, control._options_values, strict=True)
            }
            return [name, text, "list", [called[value] for value in values]]
        if name in self.names or isinstance(values[0], str):
            return [name, text, "list", self.names.get(name, values)]
        return [name, text, "range", len(values)]

    def reel(self) -> dict[str, Any]:
        recorder = self.camera.recorder
        tables = {name: getattr(recorder, name).items for name in ("styles", "shapes", "rows", "strokes")}
        return {"grain": GRAIN, **tables, "tasks": self.tasks.items, "frames": self.frames}


def label(control: Widget) -> str:
    """A control's value as the control shows it."""
    value = control.value
    if isinstance(control, Choice | Choices | Steps):
        return control.label
    if isinstance(value, float):
        return format(value, getattr(control, "readout_format", "g")).replace("-", "−")
    return str(value)


def nearest(values: Sequence, control: Widget) -> int:
    """The position of a control's value among these, or of the one next to it."""
    value = control.value
    if value in values:
        return list(values).index(value)
    numbers = [one.of(control) if isinstance(one, Part) else one for one in values]
    if not all(isinstance(number, int | float) for number in [value, *numbers]):
        return 0
    return int(np.argmin([abs(number - value) for number in numbers]))
