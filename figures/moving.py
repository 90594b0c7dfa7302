"""The moving picture of README.md: an exploration's own frames, as an animated WebP.

python -m figures.moving
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from PIL import Image

from mlmkit.widgets import explore_plane
from mlmkit.widgets.drawing import drawing

FILE = Path(__file__).parent / "moving-plane.webp"
#: The SD of the slopes as a hand would drag it: from its estimate down until all slopes are alike, and back.
TAU = 5.9 * np.cos(np.linspace(0, np.pi / 2, 14)) ** 1.5 + 0.1
DPI, MILLISECONDS, REST = 75, 110, 1400


def frames() -> list[Image.Image]:
    """The exploration's picture for each value, there and back."""
    live = explore_plane()
    shown = []
    for tau in TAU:
        live.set(tau1=float(tau))
        buffer = BytesIO()
        with drawing():
            live.figure.savefig(buffer, dpi=DPI)
        shown.append(Image.open(buffer).convert("RGB"))
    return shown + shown[-2:0:-1]


def main() -> None:
    pictures = frames()
    ends = {0, len(TAU) - 1}
    durations = [REST if k in ends else MILLISECONDS for k in range(len(pictures))]
    pictures[0].save(
        FILE, save_all=True, append_images=pictures[1:], duration=durations, loop=0, quality=80, method=6
    )
    print(f"{FILE.name}: {len(pictures)} frames, {FILE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
