"""Which groupings nest, and where each is put."""

import numpy as np
from numpy.testing import assert_array_equal

from mlmkit.engine.random.arrange import arrange, distinct, parents
from mlmkit.engine.random.border import Cells
from mlmkit.engine.standardise import Term

PUPIL = np.arange(24)
CLASS, SCHOOL, ITEM = PUPIL // 2, PUPIL // 8, PUPIL % 5


def arranged(*codes):
    terms = [Term(c, c.max() + 1, np.ones((1, len(c))), np.eye(1)) for c in codes]
    return arrange(terms, [f"g{k}" for k in range(len(codes))])


def test_a_group_inside_another_has_a_parent():
    assert_array_equal(parents(CLASS, 12, SCHOOL), np.repeat([0, 1, 2], 4))


def test_a_group_in_several_has_none():
    assert parents(SCHOOL, 3, CLASS) is None
    assert parents(CLASS, 12, ITEM) is None


def test_a_single_late_row_is_enough_to_cross():
    inner = np.arange(4000) // 2
    outer = inner // 10
    outer[-1] = 0
    assert parents(inner, 2000, outer) is None


def test_nested_groupings_are_a_chain_from_the_finest():
    found = arranged(SCHOOL, CLASS, PUPIL)
    assert found.chain == [2, 1, 0]
    assert found.tail is None


def test_where_some_cross_the_finest_grouping_goes_first_and_the_rest_into_the_tail():
    found = arranged(SCHOOL, ITEM, CLASS, PUPIL)
    assert found.chain == [3]
    assert [one.term for one in found.tail.crossed] == [0, 1, 2]


def test_equal_partitions_nest_in_each_other():
    assert sorted(arranged(CLASS, CLASS[::-1].max() - CLASS).chain) == [0, 1]


def test_distinct_keys_are_counted_or_sorted_alike():
    keys = np.random.default_rng(0).integers(0, 50, 200)
    for size in (50, 10**6):
        found, place = distinct(keys, size)
        assert_array_equal(found, np.unique(keys))
        assert_array_equal(found[place], keys)


def test_pairs_of_cells_are_counted_as_they_are_listed():
    """In groups of 3, 0, 1 and 4 cells there are 6 + 0 + 1 + 10 pairs, each cell with itself and those before it."""
    cells = Cells(4, 5, np.array([0, 0, 0, 2, 3, 3, 3, 3]), np.array([0, 1, 4, 2, 0, 1, 2, 3]))
    first, second = cells.all_pairs()
    assert cells.n_pairs == len(first) == len(second) == 17
    assert np.all(second <= first) and np.all(cells.group[first] == cells.group[second])
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == 17
