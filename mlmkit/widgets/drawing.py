"""How explorations come to be drawn: one at a time, in the house style, and without a trace elsewhere.

A slider's message may be handled by a thread of its own while a cell draws in another. Matplotlib takes its
settings from one dictionary for all threads and shares more than that, so explorations draw in turn, and
their style is laid over that dictionary for the drawing thread alone: nobody else sees it, and nothing that
others set meanwhile is lost.
"""

from __future__ import annotations

import struct
import threading
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ..style import RC

#: Held while an exploration's controls change or it draws. Who holds it may take it again.
ONE_AT_A_TIME = threading.RLock()

#: Width of a picture in CSS pixels; it is painted with SHARPNESS as many, for projectors and fine screens.
WIDTH, SHARPNESS = 960, 1.5


# ---- the style -----------------------------------------------------------------------------------------------

_laid_over: ContextVar[dict[str, Any] | None] = ContextVar("laid_over", default=None)


class _Settings(mpl.RcParams):
    """Matplotlib's settings, over which the drawing thread has laid its own, to read and to write.

    `_get` and `_set` are what everything else is made of; matplotlib guarantees that they stay.
    """

    def _get(self, key: str) -> Any:
        over = self._over()
        return super()._get(key) if over is None or key not in over else over[key]

    def _set(self, key: str, val: Any) -> None:
        if (over := self._over()) is None:
            super()._set(key, val)
        else:
            over[key] = val

    def _update_raw(self, other_params: Mapping[str, Any]) -> None:
        for key, value in dict.items(cast(dict, other_params)):  # raw: reading "backend" may switch it
            self._set(key, value)

    def _over(self) -> dict[str, Any] | None:
        return _laid_over.get() if self is mpl.rcParams else None  # a copy holds what it was given


def _complete(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Matplotlib's defaults with these changes, so that nothing is left to what a session has set."""
    settings = mpl.rcParamsDefault.copy()
    settings.update(changes)
    return {name: settings[name] for name in settings if not name.startswith("backend")}


#: With the titles' height given, matplotlib need not measure all labels to find it.
STYLE = _complete({**RC, "axes.titley": 1.0})


def scaled(factor: float) -> dict[str, Any]:
    """The style with letters so many times as large."""
    sizes = ("font.size", "fontsize", "labelsize", "titlesize")
    return _complete({**STYLE, **{name: factor * RC[name] for name in RC if name.endswith(sizes)}})


@contextmanager
def drawing(style: Mapping[str, Any] = STYLE) -> Iterator[None]:
    """Draw in a style, and alone: other explorations wait, other threads see nothing of it."""
    with ONE_AT_A_TIME:
        usual, before = type(mpl.rcParams), _laid_over.set(dict(style))
        mpl.rcParams.__class__ = _Settings
        try:
            yield
        finally:
            mpl.rcParams.__class__ = usual
            _laid_over.reset(before)


# ---- from a figure to a picture ------------------------------------------------------------------------------


def canvas(size: tuple[float, float]) -> Figure:
    """A figure of its own, unknown to pyplot, so that no notebook shows it by itself."""
    figure = Figure(size, dpi=SHARPNESS * WIDTH / size[0])
    FigureCanvasAgg(figure)
    return figure


def pixels(figure: Figure) -> np.ndarray:
    """The figure painted, (height, width, 3) bytes."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def png(pixels: np.ndarray, level: int = 1) -> str:
    """An RGB picture as base64 PNG: rows unfiltered, lightly compressed, in half of Pillow's time."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # each row begins with a 0: "no filter"
    np.ndarray(pixels.shape, np.uint8, rows, offset=1, strides=(rows.shape[1], 3, 1))[...] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.data, level)), (b"IEND", b""))
    return b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)).decode()


def small_png(pixels: np.ndarray, colours: int = 64) -> str:
    """The same in few colours, for keeping: a drawing needs no more, and takes a fifth of the room."""
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).quantize(colours).save(file, "PNG", optimize=True)
    return b64encode(file.getvalue()).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
