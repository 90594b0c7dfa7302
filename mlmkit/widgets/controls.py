"""The controls that explorations use, all of one width, each with its name spelt out for a screen reader."""

from __future__ import annotations

from ipywidgets import Checkbox, Dropdown, FloatSlider, IntSlider, Layout, SelectionSlider, ToggleButtons
from traitlets import Any, HasTraits, TraitError, validate

from .frame import Press

_STYLE = {"description_width": "auto"}


class Kept(HasTraits):
    """A value that is kept like a control's and not shown: presets and other controls set it."""

    value = Any()

    def __init__(self, value, options=()):
        self._options = tuple(options)
        super().__init__(value=value)

    @validate("value")
    def _one_of_the_options(self, proposal):
        if self._options and proposal.value not in self._options:
            raise TraitError(f"there are {', '.join(self._options)}")
        return proposal.value


def slider(
    label: str, value: float, low: float, high: float, step: float = 0.01, tip: str = ""
) -> FloatSlider:
    """A slider for a real number; its label is what a chapter calls the parameter."""
    named = _named(label, tip)
    return FloatSlider(value, min=low, max=high, step=step, readout_format=_digits(step), **named)


def whole(label: str, value: int, low: int, high: int, tip: str = "") -> IntSlider:
    """A slider for a whole number."""
    return IntSlider(value, min=low, max=high, **_named(label, tip))


def steps(label: str, options, value, tip: str = "") -> SelectionSlider:
    """A slider over values that are not evenly spaced, such as 0 … ∞; `options` are (label, value)."""
    return SelectionSlider(options=options, value=value, **_named(label, tip, "420px"))


def choice(label: str, options, value=None, tip: str = "", width: str = "240px") -> Dropdown:
    """One of a list."""
    value = value if value is not None else _first(options)
    return Dropdown(options=options, value=value, **_named(label, tip, width))


def buttons(label: str, options, value=None, tip: str = "") -> ToggleButtons:
    """One of a few, all in sight."""
    value = value if value is not None else _first(options)
    named = _named(label, tip, "max-content")
    return ToggleButtons(
        options=options, value=value, **named | {"style": {**_STYLE, "button_width": "auto"}}
    )


def tick(label: str, value: bool = False, tip: str = "") -> Checkbox:
    """On or off."""
    return Checkbox(value, indent=False, **_named(label, tip, "auto"))


def press(label: str, tip: str = "") -> Press:
    """A button whose presses are counted."""
    return Press(label, tooltip=tip or label, layout=Layout(width="auto"))


def _named(label: str, tip: str, width: str = "300px") -> dict:
    layout = Layout(width=width, margin="2px 14px 2px 2px")
    return {"description": label, "tooltip": tip or label, "style": _STYLE, "layout": layout}


def _digits(step: float) -> str:
    return f".{max(0, len(f'{step:.10f}'.rstrip('0').partition('.')[2]))}f"


def _first(options):
    first = next(iter(options))
    return first[1] if isinstance(first, tuple) else first
