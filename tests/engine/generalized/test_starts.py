"""Where searches begin: SDs by the method of moments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlmkit.design import build_design
from mlmkit.engine.generalized.criterion import LARGEST, glmm_criterion, starting_sds
from mlmkit.engine.generalized.irls import iterate
from mlmkit.formula import parse_formula


def test_a_start_is_the_sd_that_makes_the_scores_vary_as_they_do():
    """In a group with information a a score has variance a + θ²a²; 40,000 groups tell θ."""
    rng = np.random.default_rng(1)
    a = rng.uniform(0.5, 4.0, size=(2, 40_000))
    theta = np.array([[0.8], [1.5]])
    scores = rng.standard_normal(a.shape) * np.sqrt(a + theta**2 * a**2)
    (sds,) = starting_sds([scores], [a])
    assert sds == pytest.approx(theta[:, 0], rel=0.05)


def test_a_start_is_neither_0_nor_beyond_the_largest():
    a = np.full((1, 50), 4.0)
    (none,), (huge,) = (starting_sds([scale * np.ones((1, 50))], [a]) for scale in (0.0, 1e6))
    assert none == pytest.approx(np.sqrt(0.1 / 4)) and huge == pytest.approx(LARGEST)


def test_a_dispersion_is_searched_for_in_steps_of_its_standard_error():
    """Σ w(y−μ)²/(μ²y) is φχ² in an inverse Gaussian model, so that −2 log likelihood has the curvature Σ/φ in log φ."""
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"g": np.repeat(np.arange(20), 6), "y": rng.wald(2.0, 9.0, 120)})
    design = build_design(parse_formula("y ~ 1 + (1|g)", "inverse.gaussian(log)"), data)
    flat = iterate(design)
    criterion, mu = glmm_criterion(design, flat), np.exp(flat.eta)
    deviance = np.sum((design.y - mu) ** 2 / (mu**2 * design.y))
    assert criterion.place == pytest.approx(np.log(flat.dispersion))
    assert criterion.unit == pytest.approx(np.sqrt(2 * flat.dispersion / deviance), rel=1e-4)
