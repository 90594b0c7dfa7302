"""What is usually done wrong to a right number. Each question says which of these make sense for it."""

from __future__ import annotations

import math
from collections.abc import Callable


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


#: By name: what was done to the right number, and what to say.
SLIPS: dict[str, tuple[Callable[[float], float], str]] = {
    "sign": (lambda t: -t, "the size is right, the sign is not."),
    "per cent": (
        lambda t: 100 * t if abs(t) <= 1 else math.nan,
        "that is in per cent; give it as a proportion.",
    ),
    "square": (lambda t: t**2, "that is its square: a variance where a standard deviation is asked for?"),
    "root": (math.sqrt, "that is its square root: a standard deviation where a variance is asked for?"),
    "upside down": (lambda t: 1 / t, "that is one divided by it: the fraction is upside down."),
    "other share": (lambda t: 1 - t, "that is one minus it: the other share."),
    "probability": (_probability, "that is on the probability scale; log odds are asked for."),
    "log odds": (_log_odds, "that is on the log odds scale; a probability is asked for."),
    "exp": (math.exp, "that is its exponential: take the logarithm."),
    "log": (math.log, "that is its logarithm: undo it with exp."),
}

#: Slips by what is asked for.
A_SHARE = ("per cent", "other share")
A_PROBABILITY = ("per cent", "other share", "log odds")
LOG_ODDS = ("sign", "probability")
AN_SD = ("square",)
A_VARIANCE = ("root",)
A_COEFFICIENT = ("sign",)


def slipped(name: str, truth: float) -> float:
    """The number that this slip makes of the right one; nan where the slip cannot be made."""
    try:
        return SLIPS[name][0](truth)
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan
