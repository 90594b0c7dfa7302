"""What a stranger may ask for: bounds on the size of a model before it is built, and on the time of a fit.

A formula is data and cannot run code (see `mlmkit.formula`); but a short one can still ask for a matrix that
does not fit into memory, or for a search of minutes. Size is bounded by counting columns before any is made,
time by a watch that interrupts the thread that fits.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import numpy as np
import pandas as pd

from ..columns import look
from ..errors import MlmkitError
from ..expression import Call
from ..frames import check_there
from ..spec import Factor, Spec, Term

MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 50_000, 200, 2_000_000
MOST_EFFECTS, MOST_CROSSED, MOST_VARYING = 20_000, 800, 6
SECONDS = 8.0

Result = TypeVar("Result")


class TooLarge(MlmkitError):
    """A model beyond what this page fits; the message says which bound and what to do."""


class TooLong(MlmkitError):
    """A fit that was stopped."""


class _Stop(BaseException):
    """Raised in the thread that fits; no `except Exception` on the way may swallow it."""


def check_size(spec: Spec, data: pd.DataFrame) -> None:
    """Refuse a model that is too large for a page that strangers use, before anything is built.

    Raises
    ------
    TooLarge
        Rows, columns, their product, varying coefficients or group effects are beyond the bounds above.
    DataError
        A column that the formula names is not there.
    """
    check_there((*spec.predictors, *spec.grouping), data, "The column")
    if len(data) > MOST_ROWS:
        raise TooLarge(
            f"The data have {len(data)} rows; this page fits {MOST_ROWS} at most. Take a sample of them."
        )
    columns = sum(_columns(term, data) for term in spec.fixed)
    if columns > MOST_COLUMNS or columns * len(data) > MOST_CELLS:
        raise TooLarge(
            f"The fixed part has {columns} columns on {len(data)} rows; this page fits {MOST_COLUMNS} "
            f"columns and {MOST_CELLS:,} cells at most. Let many-levelled factors vary as groups, (1|g), "
            "instead."
        )
    _check_effects(spec, data)


def _check_effects(spec: Spec, data: pd.DataFrame) -> None:
    effects = []
    for one in spec.random:
        varying = sum(_columns(term, data) for term in one.terms)
        if varying > MOST_VARYING:
            raise TooLarge(
                f"{one} lets {varying} coefficients vary together; this page fits {MOST_VARYING} at most."
            )
        effects.append(varying * len(data[list(one.factors)].drop_duplicates()))
    if sum(effects) > MOST_EFFECTS or len(effects) > MOST_VARYING:
        raise TooLarge(
            f"The random part has {sum(effects)} effects in {len(effects)} terms; this page fits "
            f"{MOST_EFFECTS} in {MOST_VARYING} at most."
        )
    # The largest grouping is cheap, and so are those nested with it; what may cross it is what takes time.
    if sum(sorted(effects)[:-1]) > MOST_CROSSED:
        raise TooLarge(
            f"Besides the largest grouping there are {sum(sorted(effects)[:-1])} more group effects; this "
            f"page fits {MOST_CROSSED} at most. Fit it in a notebook, with lmer() or glmer()."
        )


def _columns(term: Term, data: pd.DataFrame) -> int:
    """At most how many columns a term becomes: the product over its factors."""
    return math.prod(_levels(factor, data) for factor in term)


def _levels(factor: Factor, data: pd.DataFrame) -> int:
    columns = [look(name, data[name]) for name in factor.columns]
    if isinstance(factor.tree, Call) and factor.tree.function in ("poly", "bs", "ns"):
        return _of_basis(factor.tree)
    coded = isinstance(factor.tree, Call) and factor.tree.function in ("C", "relevel")
    if coded or not all(column.is_number for column in columns):
        return max(len(column.labels.levels) for column in columns)
    return 1


def _of_basis(call: Call) -> int:
    """How many columns a polynomial or a spline has: its degree, its df, or its knots and what stands beside them."""
    if call.function == "poly":
        return call.option("degree", 1)
    beside = (call.option("degree", 3) if call.function == "bs" else 1) + call.option("intercept", False)
    return max(call.option("df", 0), np.size(call.option("knots", ())) + beside)


def in_time(work: Callable[[], Result], seconds: float = SECONDS) -> Result:
    """What `work()` returns, unless it takes longer than so many seconds.

    Python offers no way to interrupt a thread, so the interpreter is asked to raise an exception between two
    of its steps; a single call into compiled code is not cut short, which is why sizes are bounded, too.

    Raises
    ------
    TooLong
        If the work did not end in time.
    """
    watch = _Watch(threading.get_ident())
    timer = threading.Timer(seconds, watch.ring)
    timer.daemon = True
    try:
        with suppress(RuntimeError):  # where no thread can start, as in a browser, there is no limit
            timer.start()
        try:
            return work()
        finally:
            watch.done()
    except _Stop:
        raise TooLong(
            f"This fit took more than {seconds:g} s and was stopped. Simplify its random part or fit it in a "
            "notebook."
        ) from None
    finally:
        timer.cancel()


class _Watch:
    """Rings once, unless the block is done; never afterwards."""

    def __init__(self, thread: int):
        self._thread, self._lock, self._over = ctypes.c_ulong(thread), threading.Lock(), False

    def ring(self) -> None:
        with self._lock:
            if not self._over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, ctypes.py_object(_Stop))

    def done(self) -> None:
        """From here on nothing is raised: an exception still under way is taken back."""
        with self._lock:
            self._over = True
            ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, None)
