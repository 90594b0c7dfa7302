"""What goes wrong, by name: every error says which variable, which value and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MlmkitError(ValueError):
    """Base of every error mlmkit raises on bad input."""


class FormulaError(MlmkitError):
    """A formula that cannot be read, or that asks for something a formula may not do."""


class DataError(MlmkitError):
    """Data that the formula cannot be fitted to."""


class FitWarning(UserWarning):
    """One plain sentence on an estimate that needs care."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names as a question, and all of them: the end of an error message."""
    known = [str(k) for k in known]
    plain = {k.casefold(): k for k in reversed(known)}  # capitals are the slip made most often
    near = get_close_matches(name.casefold(), plain, n=1, cutoff=0.5)
    question = f" Did you mean {plain[near[0]]!r}?" if near else ""
    return f"{question} There are: {', '.join(known)}."
