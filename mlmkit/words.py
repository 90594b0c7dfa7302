"""Numbers, counts and lists as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

#: A number is the rounding error of another that is larger by this factor.
ROUNDING = 1e-15


def number(value: float, digits: int = 3, decimals: int | None = None, minus: str = "−") -> str:
    """A number for reading: never in exponent form, never minus zero, infinity in words.

    Parameters
    ----------
    value
    digits
        About this many significant digits.
    decimals
        At most this many decimals; None for as many as `digits` needs.
    minus
        The sign of a negative number: a true minus in sentences, a hyphen where a program reads it.
    """
    if math.isnan(value):
        return "not known"
    if math.isinf(value):
        return "minus infinity" if value < 0 else "infinity"
    if abs(value) < 1e-8:
        return "0"
    places = max(0, digits - 1 - int(f"{abs(value):e}".split("e")[1]))
    text = f"{value:.{places if decimals is None else min(places, decimals)}f}"
    return text.replace("-", minus)


def listed(items: Iterable, limit: int | None = None, last: str = "and") -> str:
    """Words in a row: "a", "a and b", "a, b and c"; beyond `limit` a row ends in how many more there are."""
    words = [str(item) for item in items]
    if limit is not None and len(words) > limit:
        words = [*words[: limit - 1], f"{len(words) - limit + 1} more"]
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if words[1:] else "".join(words)


def count(n: int, noun: str, plural: str | None = None) -> str:
    """How many of something: "1 group", "18 groups"."""
    return f"{n} {noun if n == 1 else plural or noun + 's'}"


def significant(*columns, digits: int = 4) -> list[list[str]]:
    """Columns of numbers with one number of decimals, so many that the smallest of each has `digits` digits.

    That is R's rule; beside a large number a small one is not given more than six decimals. Where these would
    leave a row's largest number fewer than three digits, all numbers are in exponent form, as R's are.
    """
    numbers = [np.asarray(values, dtype=float) for values in columns]
    sizes = np.abs(np.array(numbers))
    sizes[~np.isfinite(sizes)] = 0.0
    highest = np.max(sizes, initial=0.0)
    told = sizes[sizes > 1e-6 * highest]
    decimals = int(np.clip(digits - 1 - np.floor(np.log10(told.min())), 0, 6)) if told.size else 0
    rows = np.max(sizes, axis=0, initial=0.0)
    lost = (rows > ROUNDING * highest) & (rows < 10.0 ** (2 - decimals))
    form = f".{digits - 1}e" if lost.any() else f".{decimals}f"
    return [[f"{value:{form}}" for value in column] for column in numbers]


def p_value(p: float) -> str:
    """A p value in three digits; nothing where there is none."""
    return ("<2e-16" if p < 2e-16 else f"{p:.3g}") if np.isfinite(p) else ""
