"""Every picture in full: its lines, areas, texts, key and axes, as they were looked at and approved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Annotation

from mlmkit import plots
from mlmkit.pictures import page
from mlmkit.style import RC, SIZES

#: As `told` tells them; see reference/README.md.
APPROVED = json.loads((Path(__file__).parents[1] / "reference" / "pictures.json").read_text())
PICTURES: dict[str, Callable[[Any], Any]] = {
    "a caterpillar": lambda of: plots.caterpillar(of("sleep"), "Subject", "Days"),
    "a caterpillar of many": lambda of: plots.caterpillar(of("countries")),
    "residuals": lambda of: plots.residuals(of("sleep")),
    "residuals of many": lambda of: plots.residuals(of("words")),
    "quantiles": lambda of: plots.qq(of("sleep")),
    "quantiles of offsets": lambda of: plots.qq(of("sleep"), "Subject", "Days"),
    "a density": lambda of: plots.density(of("sleep")),
    "a density of probabilities": lambda of: plots.density(of("rats")),
    "likelihoods": lambda of: plots.likelihoods(of("rats"), of("rats").data["batch"].iloc[0]),
    "likelihoods of a normal response": lambda of: plots.likelihoods(of("sleep_intercepts"), 308),
    "an ellipse": lambda of: plots.ellipse(of("sleep")),
    "an ellipse with an error": lambda of: plots.ellipse(of("sleep"), error=True, labels=False),
    "lines": lambda of: plots.fitted_lines(of("sleep")),
    "panels": lambda of: plots.panels(of("sleep"), groups=[308, 309, 335]),
    "lines of groups": lambda of: plots.lines_by_group(of("sleep").data, "Days", "Reaction", "Subject"),
    "lines of two arms": lambda of: plots.fitted_lines(of("trial")),
    "counts": lambda of: plots.rootogram(of("counts"), n=40, seed=1),
    "a check": lambda of: plots.check(of("counts"), n=40, seed=1),
    "profiles": lambda of: plots.profiles(of("sleep_intercepts").profile()),
    "a matrix": lambda of: plots.matrix(np.array([[1.0, -0.5], [-0.5, 2.0]]), "G"),
    "a long matrix": lambda of: plots.matrix(np.eye(30)[:, :20]),
    "a path": lambda of: plots.pooling_path(of("sleep_intercepts")),
    "a criterion": lambda of: plots.criterion_curve(of("sleep_intercepts")),
    "a criterion of a slope": lambda of: plots.criterion_curve(of("sleep"), term="Days"),
    "shrinkage": lambda of: plots.shrinkage(of("sleep"), term="Days"),
    "shrinkage of probabilities": lambda of: plots.shrinkage(of("rats")),
    "shrinkage of many": lambda of: plots.shrinkage(of("countries")),
}


def told(drawn: Any) -> dict[str, Any]:
    """What stands in a picture; places that a search found for labels are left out."""
    figure = drawn if isinstance(drawn, mpl.figure.Figure) else np.ravel(drawn)[0].figure
    axes = [ax for ax in figure.axes if ax.get_visible()]
    return {"size": list(figure.get_size_inches()), "axes": [_axes(ax) for ax in axes]}


def _axes(ax: Any) -> dict[str, Any]:
    box = ax.get_window_extent() if ax.get_legend() else None
    key = ax.get_legend()
    return {
        "names": [ax.get_title(), ax.get_xlabel(), ax.get_ylabel()],
        "limits": [*ax.get_xlim(), *ax.get_ylim()],
        "lines": [_line(line) for line in ax.lines],
        "areas": [_area(one) for one in ax.collections],
        "patches": [
            [type(one).__name__, to_hex(one.get_facecolor(), True), one.get_linewidth()] for one in ax.patches
        ],
        "texts": [_text(text) for text in ax.texts],
        "key": None if key is None or box is None else _key(key, box),
    }


def _line(line: Any) -> list:
    x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    mark = [
        line.get_marker(),
        line.get_markersize(),
        line.get_markeredgewidth(),
        to_hex(line.get_markerfacecolor()),
    ]
    style = [
        to_hex(line.get_color()),
        line.get_linestyle(),
        line.get_linewidth(),
        line.get_alpha(),
        line.get_zorder(),
    ]
    return [
        *style,
        line.get_clip_on(),
        mark if line.get_marker() not in ("None", None, "") else None,
        _spread(x, y),
    ]


def _spread(x: np.ndarray, y: np.ndarray) -> list:
    """How many points a line has, its ends and its extremes."""
    known = y[np.isfinite(y)]
    return (
        [len(x), x[0], x[-1], y[0], y[-1], known.min(), known.max(), known.mean()] if known.size else [len(x)]
    )


def _area(one: Any) -> list:
    faces, edges = one.get_facecolor(), one.get_edgecolor()
    colours = [to_hex(c[0], True) if len(c) else None for c in (faces, edges)]
    sizes = one.get_sizes() if hasattr(one, "get_sizes") else []
    ends = np.vstack([path.vertices for path in one.get_paths()]) if not len(sizes) else one.get_offsets()
    ends = np.asarray(ends, float)[np.isfinite(ends).all(axis=1)]
    size = [float(np.min(sizes)), float(np.max(sizes))] if len(sizes) else None
    return [type(one).__name__, *colours, one.get_linewidth()[0], one.get_alpha(), one.get_zorder(), size,
            [*ends.min(axis=0), *ends.max(axis=0)]]  # fmt: skip


def _text(text: Any) -> list:
    place = None if isinstance(text, Annotation) else [float(v) for v in text.get_position()]
    return [
        text.get_text(),
        text.get_fontsize(),
        to_hex(text.get_color()),
        text.get_ha(),
        text.get_va(),
        place,
    ]


def _key(key: Any, box: Any) -> list:
    anchor = key.get_bbox_to_anchor()
    at = [(anchor.x0 - box.x0) / box.width, (anchor.y0 - box.y0) / box.height]
    return [
        key.get_title().get_text(),
        [text.get_text() for text in key.get_texts()],
        key._loc,
        key._ncols,
        at,
    ]


def alike(found: Any, wanted: Any) -> bool:
    """Whether both say the same, numbers to a thousandth."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(alike(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(alike, found, wanted))
    if isinstance(wanted, float) and not isinstance(found, str | None):
        return found == pytest.approx(wanted, rel=2e-3, abs=1e-4)
    return found == wanted


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=lambda v: v.item() if hasattr(v, "item") else str(v)))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_as_it_was_approved(name, request):
    with mpl.rc_context(RC):
        found = plain(told(PICTURES[name](request.getfixturevalue)))
    wanted = APPROVED[name]
    assert alike(found["size"], wanted["size"]) and len(found["axes"]) == len(wanted["axes"])
    for ax, approved in zip(found["axes"], wanted["axes"], strict=True):
        for part, stands in approved.items():
            assert alike(ax[part], stands), f"{part}:\n{ax[part]}\nwas approved as\n{stands}"


def test_a_figure_has_its_pictures_size_unless_the_reader_has_set_one():
    with mpl.rc_context(RC):
        assert page("wide") == SIZES["wide"] and page((3.0, 2.0)) == (3.0, 2.0)
    with mpl.rc_context({**RC, "figure.figsize": (11.0, 5.0)}):
        assert page("wide") == page((3.0, 2.0)) == (11.0, 5.0)
