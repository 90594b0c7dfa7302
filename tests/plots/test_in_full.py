"""Every picture in full: its lines, areas, texts, key and axes, as they were looked at and approved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from mlmkit import plots
from mlmkit.pictures import page
from mlmkit.style import RC, SIZES
from tools.pictures import different, told

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


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_as_it_was_approved(name, request):
    with mpl.rc_context(RC):
        assert different(told(PICTURES[name](request.getfixturevalue)), APPROVED[name]) == []


def test_a_figure_has_its_pictures_size_unless_the_reader_has_set_one():
    with mpl.rc_context(RC):
        assert page("wide") == SIZES["wide"] and page((3.0, 2.0)) == (3.0, 2.0)
    with mpl.rc_context({**RC, "figure.figsize": (11.0, 5.0)}):
        assert page("wide") == page((3.0, 2.0)) == (11.0, 5.0)
