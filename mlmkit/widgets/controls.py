"""The controls that explorations use, all of one width, each with its name spelt out for a screen reader."""

from __future__ import annotations

from ipywidgets import Checkbox, Dropdown, FloatSlider, IntSlider, Layout, SelectionSlider, ToggleButtons

from .frame import Press

_STYLE = {"description_width": "auto"}


def slider(label: str, value: float, low: float, high: float, step: float = 0.01, tip: str = "", **traits) -> FloatSlider:
    """A slider for a real number; its label is what a chapter calls the parameter."""
    return FloatSlider(
        value, min=low, max=high, step=step, description=label, tooltip=tip or label, readout_format=_digits(step),
        style=_STYLE, layout=_layout(), **traits,
    )  # fmt: skip


def whole(label: str, value: int, low: int, high: int, tip: str = "", **traits) -> IntSlider:
    """A slider for a whole number."""
    return IntSlider(
        value, min=low, max=high, description=label, tooltip=tip or label, style=_STYLE, layout=_layout(), **traits
    )


def steps(label: str, options, value, tip: str = "") -> SelectionSlider:
    """A slider over values that are not evenly spaced, such as 0 … ∞; `options` are (label, value)."""
    return SelectionSlider(
        options=options, value=value, description=label, tooltip=tip or label, style=_STYLE, layout=_layout("420px")
    )


def choice(label: str, options, value=None, tip: str = "", width: str = "240px") -> Dropdown:
    """One of a list."""
    value = value if value is not None else _first(options)
    return Dropdown(
        options=options, value=value, description=label, tooltip=tip or label, style=_STYLE, layout=_layout(width)
    )


def buttons(label: str, options, value=None, tip: str = "") -> ToggleButtons:
    """One of a few, all in sight."""
    value = value if value is not None else _first(options)
    style = {"description_width": "auto", "button_width": "auto"}
    return ToggleButtons(options=options, value=value, description=label, tooltip=tip or label, style=style)


def tick(label: str, value: bool = False, tip: str = "") -> Checkbox:
    """On or off."""
    return Checkbox(value, description=label, tooltip=tip or label, indent=False, layout=Layout(width="auto"))


def press(label: str, tip: str = "") -> Press:
    """A button whose presses are counted."""
    return Press(label, tooltip=tip or label, layout=Layout(width="auto"))


def _layout(width: str = "300px") -> Layout:
    return Layout(width=width, margin="2px 14px 2px 2px")


def _digits(step: float) -> str:
    return f".{max(0, len(f'{step:.10f}'.rstrip('0').partition('.')[2]))}f"


def _first(options):
    first = next(iter(options))
    return first[1] if isinstance(first, tuple) else first
