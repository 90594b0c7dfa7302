"""The controls that explorations use, all of one width, each with its name spelt out for a screen reader.

A browser may set a control's value and nothing else of it: not the range of a slider, not the list of a
menu. What is no value of the control is refused, and the browser is told the value that stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import ipywidgets as w
from traitlets import Any as AnyTrait
from traitlets import HasTraits, Int, TraitError, validate

from .drawing import ONE_AT_A_TIME

_STYLE = {"description_width": "auto"}


class _FromHand:
    """For a widget: takes from a browser what a hand can do to it, and waits for its turn.

    A message that is no hand's, forged by someone who knows the protocol, changes nothing.
    """

    def set_state(self, sync_data: dict[str, Any]) -> None:
        by_hand = {name: sync_data[name] for name in ("value", "index") if name in sync_data}
        with ONE_AT_A_TIME:
            try:
                super().set_state(by_hand)  # type: ignore[misc]
            except TraitError:
                self.send_state()  # type: ignore[attr-defined]


class Real(_FromHand, w.FloatSlider):
    """A slider for a real number: one of its steps from its lower end.

    A browser's slider knows nothing between its steps: it would answer another value with the nearest step,
    as if a hand had moved it.
    """

    @validate("value")
    def _validate_value(self, proposal):
        if math.isnan(proposal["value"]):
            raise TraitError("it is not a number")
        value = super()._validate_value(proposal)
        steps = round((value - self.min) / self.step)
        return min(round(self.min + steps * self.step, 10), self.max)


class Whole(_FromHand, w.IntSlider):
    """A slider for a whole number."""


class Steps(_FromHand, w.SelectionSlider):
    """A slider over given values."""


class Choice(_FromHand, w.Dropdown):
    """One of a list."""


class Choices(_FromHand, w.ToggleButtons):
    """One of a few, all in sight."""


class Tick(_FromHand, w.Checkbox):
    """On or off."""


class Toggle(_FromHand, w.ToggleButton):
    """A button that stays down."""


class Line(_FromHand, w.Text):
    """A line of text."""


class Press(w.Button, w.ValueWidget):
    """A button whose value counts how often it was pressed: "new sample" as a control like the others."""

    value = Int(0, min=0)

    def __init__(self, label: str, **traits):
        super().__init__(description=label, **traits)
        self.on_click(self._count)

    def _count(self, _) -> None:
        self.value += 1


class Kept(HasTraits):
    """A value that is kept like a control's and not shown: presets and other controls set it."""

    value = AnyTrait()

    def __init__(self, value, options=()):
        self._options = tuple(options)
        super().__init__(value=value)

    @validate("value")
    def _one_of_the_options(self, proposal):
        if self._options and proposal.value not in self._options:
            raise TraitError(f"there are {', '.join(self._options)}")
        return proposal.value


# ---- what a control may be set to ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Limits:
    """What a control can be set to: numbers of a range, or certain values; `start` where neither says more.

    Attributes
    ----------
    start
        Its value now, which stands for what is no value at all.
    low, high
        The ends of its range; None where it has none.
    values
        All its values; None where they are not listed.
    """

    start: Any
    low: float | None = None
    high: float | None = None
    values: tuple | None = None

    def clip(self, value: Any) -> Any:
        """The nearest value within the limits; `start` for what is not of the control's kind."""
        if self.values is not None:
            return value if value in self.values else self.start
        if self.low is None or self.high is None:
            return value
        if not isinstance(value, int | float) or value != value:  # NaN is not even itself
            return self.start
        return type(self.start)(min(max(value, self.low), self.high))

    def moved(self, traits: Mapping[str, Any]) -> Limits:
        """The limits after a control that this one follows has set some of its traits."""
        options = [one[1] if isinstance(one, tuple) else one for one in traits.get("options", ())]
        return Limits(
            traits.get("value", self.start),
            traits.get("min", self.low),
            traits.get("max", self.high),
            tuple(options) or self.values,
        )

    def restore(self, control: w.Widget) -> None:
        """Give a slider back its range, if something took it out of it."""
        if self.low is not None and (control.min, control.max) != (self.low, self.high):
            value = self.clip(control.value)
            set_traits(control, {"max": self.high, "min": self.low, "value": value})


def limits(control: w.Widget) -> Limits:
    """A control's limits as they are now."""
    if control.has_trait("min"):
        return Limits(control.value, control.min, control.max)
    if isinstance(control, w.widget_selection._Selection):
        return Limits(control.value, values=tuple(control._options_values))
    return Limits(control.value)


def set_traits(control: w.Widget, traits: Mapping[str, Any]) -> None:
    """Set several traits; a range and a value inside it as one, since either alone may not go with the other."""
    with control.hold_trait_notifications() if "min" in traits else nullcontext():
        for name, value in traits.items():
            setattr(control, name, value)


# ---- how they are made ---------------------------------------------------------------------------------------


def slider(
    label: str,
    value: float,
    low: float,
    high: float,
    step: float = 0.01,
    tip: str = "",
    disabled: bool = False,
) -> Real:
    """A slider for a real number; its label is what a chapter calls the parameter."""
    more = {"readout_format": _digits(step), "disabled": disabled, **_named(label, tip)}
    return Real(value, min=low, max=high, step=step, **more)


def whole(label: str, value: int, low: int, high: int, tip: str = "", step: int = 1) -> Whole:
    """A slider for a whole number."""
    return Whole(value, min=low, max=high, step=step, **_named(label, tip))


def steps(label: str, options, value, tip: str = "") -> Steps:
    """A slider over values that are not evenly spaced, such as 0 … ∞; `options` are (label, value)."""
    return Steps(options=options, value=value, **_named(label, tip, "420px"))


def choice(label: str, options, value=None, tip: str = "", width: str = "240px") -> Choice:
    """One of a list."""
    value = value if value is not None else _first(options)
    return Choice(options=options, value=value, **_named(label, tip, width))


def buttons(label: str, options, value=None, tip: str = "") -> Choices:
    """One of a few, all in sight."""
    value = value if value is not None else _first(options)
    named = _named(label, tip, "max-content")
    return Choices(options=options, value=value, **named | {"style": {**_STYLE, "button_width": "auto"}})


def tick(label: str, value: bool = False, tip: str = "") -> Tick:
    """On or off."""
    return Tick(value, indent=False, **_named(label, tip, "auto"))


def press(label: str, tip: str = "") -> Press:
    """A button whose presses are counted."""
    return Press(label, tooltip=tip or label, layout=w.Layout(width="auto"))


def _named(label: str, tip: str, width: str = "300px") -> dict:
    layout = w.Layout(width=width, margin="2px 14px 2px 2px")
    return {"description": label, "tooltip": tip or label, "style": _STYLE, "layout": layout}


def _digits(step: float) -> str:
    return f".{max(0, len(f'{step:.10f}'.rstrip('0').partition('.')[2]))}f"


def _first(options):
    first = next(iter(options))
    return first[1] if isinstance(first, tuple) else first
