"""Steps that lead uphill are shortened, in every search, and a saddle is left downhill."""

from __future__ import annotations

import numpy as np
import pytest

from mlmkit.engine.generalized.irls import MAX_HALVINGS, halved
from mlmkit.engine.search.many import _escape, begin_many


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.9, 2.1, 7.0, 1e3])
def test_a_step_that_raises_a_value_is_halved_until_it_does_not(factor):
    """Of b² from b = 1, a step of more than 2 overshoots; its halves are tried in turn."""
    size, value = halved(lambda size: (1 - size * factor) ** 2, 1.0, MAX_HALVINGS)
    halvings = -np.log2(size)
    assert halvings == round(halvings) and value == (1 - size * factor) ** 2 <= 1.0
    assert (halvings == 0) == (factor <= 2)


def test_no_part_of_a_step_uphill_is_taken():
    assert halved(lambda size: 1.0 + size, 1.0, 12) == (0.0, 1.0)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_saddle_is_left_on_the_side_that_goes_down(side):
    """Beside a saddle the slope tells the side; on the other one the function rises first."""

    def slanting(x, rows):
        return side * 0.2 * x[0] - 0.5 * x[0] ** 2, np.array([side * 0.2 - x[0]])

    many = begin_many(slanting, np.zeros((1, 2)), np.eye(1))
    left = _escape(many, np.arange(2), np.array([[1.0, -1.0]]))
    assert left.all() and np.all(side * many.x[0] < 0)
