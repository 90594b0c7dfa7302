"""Studies of other sizes: which sizes there may be."""

from __future__ import annotations

import numpy as np
import pytest

from mlmkit.datasets import load_data
from mlmkit.errors import DataError
from mlmkit.inference.sizes import sizes
from mlmkit.models import lmer


@pytest.fixture(scope="module")
def sleep():
    return lmer("Reaction ~ Days + (1|Subject)", load_data("sleepstudy"))


def test_the_smallest_study_has_two_groups_of_one_row(sleep):
    (smallest,) = sizes(sleep, {"Subject": [2]}, rows=[1])
    assert smallest.told == {"Subject": 2, "rows": 2} and len(smallest.data) == 2
    for given in ({"groups": {"Subject": [1]}}, {"rows": [0]}):
        with pytest.raises(DataError, match="is no number of them"):
            sizes(sleep, **given)
    for value in (2.5, True, "3", None):
        with pytest.raises(DataError, match="whole numbers"):
            sizes(sleep, {"Subject": [value]})


def test_rows_of_a_group_are_the_first_so_many_and_then_again(sleep):
    (longer,) = sizes(sleep, rows=[12])
    for _, rows in longer.data.groupby("Subject"):
        assert rows["Days"].tolist() == [*range(10), 0, 1]
    (more,) = sizes(sleep, {"Subject": [40]})
    assert more.data["Subject"].nunique() == 40 and len(more.data) == 400
    copies = [name for name in more.data["Subject"].unique() if str(name).endswith("(3)")]
    assert len(copies) == 40 - 2 * 18
    np.testing.assert_allclose(more.data["Reaction"][:180], more.data["Reaction"][180:360])
