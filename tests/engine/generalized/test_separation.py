"""What is said of coefficients without a finite maximum."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mlmkit.engine.generalized.separation import _message, find_separation


@pytest.mark.parametrize(
    ("n", "rows", "said"),
    [
        (1, 1, "1 coefficient has no finite maximum (b0): 1 row is described"),
        (4, 2, "4 coefficients have no finite maximum (b0, b1, b2, b3): 2 rows are described"),
        (6, 2, "6 coefficients have no finite maximum (b0, b1, b2, b3 and 2 more): 2 rows are described"),
    ],
)
def test_four_coefficients_are_named_and_the_others_counted(n, rows, said):
    design = SimpleNamespace(fixed_names=[f"b{k}" for k in range(8)])
    limits = np.where(np.arange(8) < n, np.inf, 0.0)
    assert _message(design, limits, np.arange(9) < rows).startswith(said)


def test_where_every_row_is_separated_no_column_is_left_to_estimate():
    design = SimpleNamespace(
        X=np.column_stack([np.ones(6), np.repeat([0.0, 1.0], 3)]),
        y=np.repeat([0.0, 1.0], 3),
        fixed_names=("Intercept", "x"),
        spec=SimpleNamespace(family=SimpleNamespace(distribution=SimpleNamespace(mean_range=(0.0, 1.0)))),
    )
    found = find_separation(design)
    assert found is not None and found.rows.all() and not len(found.columns)
