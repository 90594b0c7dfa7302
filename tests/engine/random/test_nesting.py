"""Which groupings nest, and which chain is eliminated."""

import numpy as np
from numpy.testing import assert_array_equal

from mlmkit.engine.random.nesting import GLANCE, longest_chain, parents

PUPIL = np.arange(24)
CLASS, SCHOOL, ITEM = PUPIL // 2, PUPIL // 8, PUPIL % 5


def chain(*codes):
    return longest_chain(codes, [len(np.unique(c)) for c in codes], [1] * len(codes))


def test_a_group_inside_another_has_a_parent():
    assert_array_equal(parents(CLASS, 12, SCHOOL), np.repeat([0, 1, 2], 4))


def test_a_group_in_several_has_none():
    assert parents(SCHOOL, 3, CLASS) is None
    assert parents(CLASS, 12, ITEM) is None


def test_a_single_late_row_is_enough_to_cross():
    inner = np.arange(2 * GLANCE) // 2
    outer = inner // 10
    outer[-1] = 0
    assert parents(inner, GLANCE, outer) is None


def test_the_chain_runs_from_the_finest_and_leaves_out_what_crosses():
    assert chain(SCHOOL, ITEM, CLASS, PUPIL) == [3, 2, 0]


def test_the_chain_with_the_most_effects_wins():
    many = np.arange(24) % 20
    assert chain(SCHOOL, CLASS, many) == [2]


def test_equal_partitions_nest_in_each_other():
    assert sorted(chain(CLASS, CLASS[::-1].max() - CLASS)) == [0, 1]
