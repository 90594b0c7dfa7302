"""What goes wrong, by name: every error says which variable, which value and what to do."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

PACKAGE = str(Path(__file__).parent)


class Told(Exception):
    """An error as IPython shows it: the reader's own line and the message, not the way through the package.

    Outside IPython, and for whoever asks `traceback`, nothing changes.
    """

    def _render_traceback_(self) -> list[str]:
        frames = traceback.extract_tb(self.__traceback__)
        own = [f for f in frames if not f.filename.startswith(PACKAGE) and linecache.getlines(f.filename)]
        message = f"\x1b[0;31m{type(self).__name__}\x1b[0m: {self}"
        if not own or len(linecache.getlines(own[-1].filename)) < 2:
            return [message]
        return [f"in line {own[-1].lineno}:  {own[-1].line}", message]


class MlmkitError(Told, ValueError):
    """Base of every error mlmkit raises on bad input."""


class FormulaError(MlmkitError):
    """A formula that cannot be read, or that asks for something a formula may not do."""


class DataError(MlmkitError):
    """Data that the formula cannot be fitted to."""


class FitWarning(Told, UserWarning):
    """One plain sentence on an estimate that needs care."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names as a question, and all of them: the end of an error message."""
    known = [str(k) for k in known]
    plain = {k.casefold(): k for k in reversed(known)}  # capitals are the slip made most often
    near = get_close_matches(name.casefold(), plain, n=1, cutoff=0.5)
    question = f" Did you mean {plain[near[0]]!r}?" if near else ""
    return f"{question} There are: {', '.join(known)}."
