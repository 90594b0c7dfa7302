"""Which settings of an exploration its film shows: lists of values, made short to write."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ipywidgets import Widget


def every(low: float, high: float, step: float) -> list[float]:
    """From one value to another in equal steps, both included."""
    return [round(float(value), 6) for value in np.arange(low, high + step / 2, step)]


@dataclass(frozen=True)
class Part:
    """A value so far along a slider's range, whatever the range is then."""

    share: float

    def of(self, control: Widget) -> float:
        return control.min + self.share * (control.max - control.min)


def across(n: int) -> list[Part]:
    """n values from one end of a slider to the other, for a slider whose range depends on other controls."""
    return [Part(float(share)) for share in np.linspace(0, 1, n)]
