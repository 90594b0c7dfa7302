"""Models that are not everybody's, in full: every equation and every sentence, as they were read and approved."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch

from mlmkit import lmer, load_data
from mlmkit.views.describe import describe, network_in_words
from mlmkit.views.equation import equation
from mlmkit.views.matrices import matrices
from mlmkit.views.model import DiagramError
from mlmkit.views.network import network
from mlmkit.views.structure import structure

from .test_layout import ODD, REFERENCE, odd_data

FAMILIES = {
    "counts of trials": ("cbind(m, n - m) ~ x + (x|school)", "binomial"),
    "yes or no": ("yes ~ x * funding + (1|area/school)", "binomial"),
    "probit": ("yes ~ x + (1|school) + (1|rater)", ("binomial", "probit")),
    "counts with an offset": ("m ~ x + offset(w) + (1|school)", "poisson"),
    "a line with an offset": ("y ~ x + offset(w) + (1|school)", "gaussian"),
    "overdispersed counts": ("m ~ x + sector + (1|school)", "nbinom2"),
    "times": ("n ~ x + (1|school)", ("gamma", "log")),
    "a flat model": ("y ~ 0 + factor(area) + factor(area):x", "gaussian"),
    "one line": ("y ~ x + w", "gaussian"),
    "a mean": ("y ~ 1", "gaussian"),
    "a spline and a square": ("y ~ I(x**2) + poly(w, 2) + three + (1|school)", "gaussian"),
    "factors": ("y ~ sector * three + (three|school)", "gaussian"),
    "without an intercept": ("y ~ 0 + x + (0 + x|school)", "gaussian"),
}
MODELS = {name: (formula, "gaussian") for name, formula in ODD.items()} | FAMILIES
DATA = odd_data().assign(
    m=lambda d: np.arange(480) % 7, n=lambda d: 7 + np.arange(480) % 4, yes=lambda d: (d.y > 0) * 1
)
#: As `told` tells them; see reference/README.md.
READ = json.loads((REFERENCE / "views.json").read_text())


def told(name: str) -> dict[str, str]:
    """The model's equations in three styles, the same without data, its description and its network in words."""
    formula, family = MODELS[name]
    views: dict[str, Callable[[], str]] = {
        style: partial(_equation, formula, family, style) for style in ("levels", "mixed", "matrix")
    }
    views["formula alone"] = lambda: str(equation(formula, family=family))
    views["words"] = lambda: str(describe(formula, DATA, family))
    views["network"] = lambda: network_in_words(network(formula, DATA, family))
    return {view: _said(tell) for view, tell in views.items()}


def _equation(formula: str, family: Any, style: str) -> str:
    return str(equation(formula, DATA, family, style))


def _said(tell) -> str:
    try:
        return tell()
    except DiagramError as refusal:
        return f"refused: {refusal}"


@pytest.mark.parametrize("name", MODELS)
def test_every_view_says_what_was_read_and_approved(name):
    assert told(name) == READ[name]


# ---- and in pictures ---------------------------------------------------------------------------------

#: As `drawn` tells them; see reference/README.md.
APPROVED = json.loads((REFERENCE / "diagrams.json").read_text())
SLEEP, BLP = load_data("sleepstudy"), load_data("blp")
DIAGRAMS: dict[str, Callable[[], Any]] = {
    "plates": lambda: network("Reaction ~ Days + (Days|Subject)", SLEEP).draw(key=True),
    "unrolled": lambda: network("Reaction ~ Days + (Days|Subject)", SLEEP, style="unrolled").draw(),
    "crossed": lambda: network("rt ~ 1 + (1|participant) + (1|spelling)", BLP).draw(key=True),
    "nested": lambda: network("y ~ x * funding + (1|area/school)", DATA).draw(),
    "a list": lambda: network("cbind(m, n - m) ~ a + b + (1|batch)", family="binomial").draw(),
    "groups in groups": lambda: structure(DATA, ["area", "school"]).draw(),
    "groups across groups": lambda: structure(BLP.head(80), ["participant", "spelling"]).draw(),
    "matrices": lambda: matrices(lmer("Reaction ~ Days + (Days|Subject)", SLEEP)).draw(),
    "matrices in dots": lambda: matrices(lmer("Reaction ~ Days + (1|Subject)", SLEEP)).draw(
        ["X", "Z"], spy=True
    ),
}


def drawn(picture: Any) -> list[dict[str, Any]]:
    """What stands on each Axes: shapes, lines and texts with their style and where they are."""
    figure = np.ravel(picture)[0].figure
    return json.loads(json.dumps([[*figure.get_size_inches()], *map(_axes, figure.axes)], default=float))


def _axes(ax: Any) -> dict[str, Any]:
    return {
        "names": [ax.get_title(), ax.get_xlabel(), ax.get_ylabel()],
        "limits": [*ax.get_xlim(), *ax.get_ylim()],
        "shapes": [_shape(patch) for patch in ax.patches],
        "lines": [
            [to_hex(line.get_color()), line.get_linewidth(), line.get_marker(), line.get_markersize(),
             line.get_zorder(), *np.asarray(line.get_xydata(), float).ravel()[:8]]
            for line in ax.lines
        ],
        "texts": [
            [text.get_text(), text.get_fontsize(), to_hex(text.get_color()), text.get_ha(), text.get_va(),
             text.get_rotation(), *map(float, text.get_position())]
            for text in ax.texts
        ],
        "collections": [[type(one).__name__, one.get_zorder(), len(one.get_paths())] for one in ax.collections],
        "images": [[*image.get_extent(), *image.get_clim()] for image in ax.images],
    }  # fmt: skip


def _shape(patch: Any) -> list:
    """A shape's kind, colours, line and box; of an arrow, from where to where."""
    if isinstance(patch, FancyArrowPatch):
        box = np.ravel(patch._posA_posB)
    else:
        box = patch.get_path().get_extents(patch.get_patch_transform()).extents
    faces = [to_hex(patch.get_facecolor(), True), to_hex(patch.get_edgecolor(), True)]
    return [type(patch).__name__, *faces, patch.get_linewidth(), patch.get_zorder(), *map(float, box)]


def alike(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(alike(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(alike, found, wanted))
    if isinstance(wanted, float) and isinstance(found, int | float):
        return found == pytest.approx(wanted, rel=2e-3, abs=0.011)
    return found == wanted


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_is_drawn_as_it_was_approved(name):
    found, wanted = drawn(DIAGRAMS[name]()), APPROVED[name]
    assert alike(found[0], wanted[0]) and len(found) == len(wanted)
    for ax, approved in zip(found[1:], wanted[1:], strict=True):
        for part, stands in approved.items():
            assert alike(ax[part], stands), f"{part}:\n{ax[part]}\nwas approved as\n{stands}"
