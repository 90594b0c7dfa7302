"""What stands in a picture, in numbers and words: for tests that hold pictures as they were looked at and approved."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Annotation


def told(picture: Any) -> dict[str, Any]:
    """A figure, or that of Axes: its size, and of each Axes the limits, lines, areas, shapes, texts and key.

    Places that a search found for labels (annotations) are left out: they follow from the letters' sizes.
    """
    figure = picture if isinstance(picture, Figure) else np.ravel(picture)[0].figure
    axes = [_axes(ax) for ax in figure.axes if ax.get_visible()]
    return json.loads(json.dumps({"size": list(figure.get_size_inches()), "axes": axes}, default=float))


def different(found: dict[str, Any], approved: dict[str, Any]) -> list[str]:
    """What of a picture is not as it was approved; numbers may be off by two thousandths of themselves or a hundredth."""
    if len(found["axes"]) != len(approved["axes"]):
        return [f"{len(found['axes'])} Axes, {len(approved['axes'])} approved"]
    parts = [("the figure", "size", found["size"], approved["size"])]
    for k, (ax, wanted) in enumerate(zip(found["axes"], approved["axes"], strict=True)):
        parts += [(f"Axes {k}", name, ax.get(name), part) for name, part in wanted.items()]
    return [
        f"{where}, {name}: {is_}, approved {was}" for where, name, is_, was in parts if not _alike(is_, was)
    ]


def rounded(value: Any) -> Any:
    """Numbers to five digits, as the files of approved pictures hold them."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return {name: rounded(one) for name, one in value.items()} if isinstance(value, dict) else value


def _alike(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(_alike(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_alike, found, wanted))
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return bool(np.isclose(found, wanted, rtol=2e-3, atol=1e-4))
    return found == wanted


def _axes(ax: Any) -> dict[str, Any]:
    return {
        "names": [ax.get_title(), ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()],
        "limits": [*ax.get_xlim(), *ax.get_ylim()],
        "lines": [_line(line) for line in ax.lines],
        "areas": [_area(one) for one in ax.collections],
        "shapes": [_shape(patch) for patch in ax.patches],
        "texts": [_text(text) for text in ax.texts],
        "images": [[*image.get_extent(), *image.get_clim()] for image in ax.images],
        "key": _key(ax),
    }


def _line(line: Any) -> list:
    x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    style = [to_hex(line.get_color()), line.get_linestyle(), line.get_linewidth(), line.get_alpha()]
    mark = [line.get_marker(), line.get_markersize(), line.get_markeredgewidth()]
    mark = (
        None if line.get_marker() in ("None", None, "", " ") else [*mark, to_hex(line.get_markerfacecolor())]
    )
    return [*style, line.get_zorder(), line.get_clip_on(), mark, _spread(x, y)]


def _spread(x: np.ndarray, y: np.ndarray) -> list:
    """How many points a line has, its ends, and the extremes and the mean of its heights."""
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return [len(x)]
    x, y = x[known], y[known]
    return [len(known), x[0], x[-1], y[0], y[-1], y.min(), y.max(), y.mean()]


def _area(one: Any) -> list:
    colours = [to_hex(c[0], True) if len(c) else None for c in (one.get_facecolor(), one.get_edgecolor())]
    sizes = list(one.get_sizes()) if hasattr(one, "get_sizes") else []
    marks = (
        one.get_offsets()
        if sizes
        else np.vstack([path.vertices for path in one.get_paths()] or [[np.nan] * 2])
    )
    marks = np.asarray(marks, float)
    marks = marks[np.isfinite(marks).all(axis=1)]
    ends = [*marks.min(axis=0), *marks.max(axis=0)] if len(marks) else []
    style = [*one.get_linewidth()[:1], one.get_alpha(), one.get_zorder()]
    return [type(one).__name__, *colours, style, [min(sizes), max(sizes)] if sizes else None, ends]


def _shape(patch: Any) -> list:
    """A shape's kind, colours, line and box; of an arrow, from where to where."""
    if isinstance(patch, FancyArrowPatch):
        box = np.ravel(patch._posA_posB)
    else:
        box = patch.get_path().get_extents(patch.get_patch_transform()).extents
    faces = [to_hex(patch.get_facecolor(), True), to_hex(patch.get_edgecolor(), True)]
    return [type(patch).__name__, *faces, patch.get_linewidth(), patch.get_zorder(), *map(float, box)]


def _text(text: Any) -> list:
    place = None if isinstance(text, Annotation) else [float(value) for value in text.get_position()]
    style = [text.get_fontsize(), to_hex(text.get_color()), text.get_ha(), text.get_va(), text.get_rotation()]
    return [text.get_text(), *style, place]


def _key(ax: Any) -> list | None:
    key = ax.get_legend()
    if key is None:
        return None
    anchor, box = key.get_bbox_to_anchor(), ax.get_window_extent()
    at = [(anchor.x0 - box.x0) / box.width, (anchor.y0 - box.y0) / box.height]
    return [
        key.get_title().get_text(),
        [text.get_text() for text in key.get_texts()],
        key._loc,
        key._ncols,
        at,
    ]
