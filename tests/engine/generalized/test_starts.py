"""Where searches begin: SDs by the method of moments."""

from __future__ import annotations

import numpy as np
import pytest

from mlmkit.engine.generalized.criterion import LARGEST, starting_sds


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
