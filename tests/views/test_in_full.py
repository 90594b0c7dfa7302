"""Models that are not everybody's, in full: every equation and every sentence, as they were read and approved."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from mlmkit import lmer, load_data
from mlmkit.views.describe import describe, network_in_words
from mlmkit.views.equation import equation
from mlmkit.views.matrices import matrices
from mlmkit.views.model import DiagramError
from mlmkit.views.network import network
from mlmkit.views.structure import structure
from tools import pictures
from tools.pictures import different

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

#: As `tools.pictures` tells them; see reference/README.md.
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


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_is_drawn_as_it_was_approved(name):
    assert different(pictures.told(DIAGRAMS[name]()), APPROVED[name]) == []
