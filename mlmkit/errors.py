"""What goes wrong, by name: every error says which variable, which value and what to do."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

PACKAGE = str(Path(__file__).parent)

#: The most characters of a message: a screen of 20 lines. Columns and formulas may be longer than any screen.
SCREEN = 1600


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

    def __init__(self, message: str = ""):
        super().__init__(within_a_screen(str(message)))


class FormulaError(MlmkitError):
    """A formula that cannot be read, or that asks for something a formula may not do."""


class DataError(MlmkitError):
    """Data that the formula cannot be fitted to."""


class OutOfMemory(MlmkitError, MemoryError):
    """A computation that does not fit into the memory there is."""


class FitWarning(Told, UserWarning):
    """One plain sentence on an estimate that needs care."""

    def __init__(self, message: str = ""):
        super().__init__(within_a_screen(str(message)))


def within_a_screen(message: str) -> str:
    """The message, without its middle where it would fill more than a screen."""
    return message if len(message) <= SCREEN else f"{message[: SCREEN - 400]} … {message[-390:]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names as a question, and the names: the end of an error message.

    Of more than twenty names the nearest few are told, and how many there are.
    """
    known = [str(k)[:60] for k in known]
    plain = {k.casefold(): k for k in reversed(known)}  # capitals are the slip made most often
    near = [plain[k] for k in get_close_matches(str(name).casefold()[:60], plain, n=5, cutoff=0.5)]
    question = f" Did you mean {near[0]!r}?" if near else ""
    if len(known) <= 20:
        return f"{question} There are: {', '.join(known)}."
    told = list(dict.fromkeys([*near, *known]))[:8]
    return f"{question} There are {len(known)}, such as {', '.join(told)}."
