"""Steps that lead uphill are shortened, in every search, and a saddle is left downhill."""

from __future__ import annotations

import numpy as np
import pytest

from mlmkit.engine.generalized.irls import _halved
from mlmkit.engine.search.many import _escape, begin_many


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.9, 2.1, 7.0, 1e3])
def test_a_step_that_lowers_the_likelihood_is_halved_until_it_does_not(factor):
    """Of −b² from b = 1, a step of more than 2 overshoots; its halves are tried in turn."""
    step, value = _halved(lambda b: -float(b @ b), np.array([1.0]), np.array([-factor]), -1.0)
    halvings = np.log2(factor / -step[0])
    assert halvings == round(halvings) and value == -((1 + step[0]) ** 2) >= -1.0
    assert (halvings == 0) == (factor <= 2)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_saddle_is_left_on_the_side_that_goes_down(side):
    """Beside a saddle the slope tells the side; on the other one the function rises first."""

    def slanting(x, rows):
        return side * 0.2 * x[0] - 0.5 * x[0] ** 2, np.array([side * 0.2 - x[0]])

    many = begin_many(slanting, np.zeros((1, 2)), np.eye(1))
    left = _escape(many, np.arange(2), np.array([[1.0, -1.0]]))
    assert left.all() and np.all(side * many.x[0] < 0)
