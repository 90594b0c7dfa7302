"""Nested, crossed, in part: on the course's data and on made ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlmkit.datasets import load_data
from mlmkit.errors import DataError
from mlmkit.models import lmer
from mlmkit.views.groupings import treatment_of
from mlmkit.views.structure import structure


def grid(a: int, b: int) -> pd.DataFrame:
    return pd.DataFrame([(f"a{i}", f"b{j}") for i in range(a) for j in range(b)], columns=["a", "b"])


def test_children_in_classes_in_schools():
    found = structure(load_data("classroom"), ["classid", "schoolid"])
    (relation,) = found.relations
    assert (relation.kind, relation.inner, relation.outer, relation.filled) == (
        "nested",
        "classid",
        "schoolid",
        312,
    )
    assert found.groups == ("schoolid", "classid") and found.formula == "(1|schoolid/classid)"
    assert found.counts.groups.to_dict() == {"schoolid": 107, "classid": 312}
    assert found.nested and found.crossing is None and not found.warnings


def test_class_numbers_that_repeat_across_schools_are_noticed():
    found = structure(load_data("classroom"), ["schoolid", "classid2"])
    (relation,) = found.relations
    assert relation.kind == "partially crossed" and relation.restarts and relation.filled == 312
    assert found.formula == "(1|schoolid/classid2)"
    assert (
        "repeat across schoolid" in found.warnings[0]
        and "(1|classid2) alone would mix them up" in found.warnings[0]
    )


def test_people_and_words_cross_in_part():
    found = structure(load_data("blp"), ["participant", "spelling"])
    (relation,) = found.relations
    assert (relation.kind, relation.filled, relation.cells, relation.restarts) == (
        "partially crossed",
        662,
        78 * 58,
        False,
    )
    assert found.formula == "(1|participant) + (1|spelling)" and not found.warnings
    assert found.cells.shape == (78, 58) and int((found.cells > 0).to_numpy().sum()) == 662


def test_a_full_crossing_asks_whether_ids_are_relative():
    found = structure(grid(6, 3), ["a", "b"])
    assert found.relations[0].kind == "crossed" and found.formula == "(1|a) + (1|b)"
    assert "write (1|a/b)" in found.warnings[0]


def test_one_grouping_and_one_under_two_names():
    sleep = load_data("sleepstudy").assign(person=lambda d: d.Subject.astype(str))
    assert structure(sleep, "Subject").formula == "(1|Subject)"
    twice = structure(sleep, ["Subject", "person"])
    assert twice.relations[0].kind == "identical" and twice.formula == "(1|Subject)"
    assert "cannot both vary" in twice.warnings[0]


def test_three_levels_and_a_nested_pair_that_crosses_a_third():
    rows = [
        (f"s{s}", f"s{s}c{c}", f"s{s}c{c}p{p}")
        for s in range(3)
        for c in range(2)
        for p in range(4)
        for _ in range(2)
    ]
    data = pd.DataFrame(rows, columns=["school", "klass", "pupil"])
    assert structure(data, ["pupil", "school", "klass"]).formula == "(1|school/klass/pupil)"
    data["rater"] = [f"r{k % 5}" for k in range(len(data))]
    both = structure(data, ["school", "klass", "rater"])
    assert both.formula == "(1|school/klass) + (1|rater)" and not both.nested and both.crossing is not None


def test_rows_without_a_group_are_counted():
    data = grid(3, 4)
    data.loc[0, "b"] = None
    found = structure(data, ["a", "b"])
    assert found.relations[0].filled == 11 and any("1 row without a group" in w for w in found.warnings)


def test_what_cannot_be_read_is_refused():
    data = grid(2, 2)
    with pytest.raises(DataError, match="'c' is not a column"):
        structure(data, ["a", "c"])
    with pytest.raises(DataError, match="at least one"):
        structure(data, [])
    with pytest.raises(DataError, match="No row has a value"):
        structure(data.assign(a=None), ["a"])


def test_pictures_fit_the_structure():
    nested, crossed = (
        structure(load_data("classroom"), ["schoolid", "classid"]),
        structure(grid(5, 4), ["a", "b"]),
    )
    texts = [text.get_text() for text in nested.draw().texts]
    assert {"107 schoolid", "312 classid", "1190 rows", "1", "2", "107"} <= set(texts)
    texts = [text.get_text() for text in crossed.draw().texts]
    assert {"5 a", "4 b", "20 rows"} <= set(texts)
    with pytest.raises(DataError, match="these nest"):
        nested.draw(kind="graph")
    with pytest.raises(DataError, match="these cross"):
        crossed.draw(kind="tree")
    with pytest.raises(DataError, match="no picture 'table'"):
        nested.draw(kind="table")
    assert "312 of 33384" in nested.draw(kind="cells").get_title(loc="left")


def test_the_lines_of_the_graph_are_rows_that_exist():
    data = grid(4, 4).iloc[[0, 1, 5, 6, 7, 10, 12, 15]]
    found = structure(data, ["a", "b"])
    ax = found.draw()
    cells = sum(1 for patch in ax.patches if getattr(patch, "radius", None) == 0.2)
    assert len(ax.lines) == 2 * cells and 0 < cells <= len(data)


def test_words_and_svg():
    found = structure(load_data("blp"), ["participant", "spelling"])
    assert found.alt_text.startswith(
        "Crossing graph of 662 rows in 78 groups of participant and 58 groups of spelling."
    )
    assert "<desc>Crossing graph" in found._repr_svg_()
    assert "Formula: (1|participant) + (1|spelling)" in str(found)


def test_a_table_of_cells_names_its_groups_and_keeps_their_order():
    cells = structure(load_data("classroom"), ["schoolid", "classid2"])
    assert [int(one) for one in cells.cells.columns] == sorted(int(one) for one in cells.cells.columns)
    ax = structure(grid(5, 4), ["a", "b"]).draw(kind="cells")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["b0", "b1", "b2", "b3"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a0", "a1", "a2", "a3", "a4"]
    many = structure(load_data("blp"), ["participant", "spelling"]).draw(kind="cells")
    assert 5 <= len(many.get_yticks()) <= 10 and len(many.get_xticks()) <= 10


def test_a_tree_of_many_levels_stays_narrow_and_its_dots_beside_its_nodes():
    rows = np.arange(480)
    data = pd.DataFrame({"area": rows // 120, "school": rows // 24, "cls": rows // 6, "pupil": rows // 2})
    for groups, widest in ((["area", "school", "cls"], 11), (["area", "school", "cls", "pupil"], 13)):
        ax = structure(data, groups).draw()
        assert ax.figure.get_size_inches()[0] < widest
        circles = [patch for patch in ax.patches if hasattr(patch, "center")]
        dots = [c.center for c in circles if c.radius < 0.1]
        nodes = [c.center for c in circles if c.radius > 0.1]
        assert dots and all(np.hypot(a - x, b - y) > 0.16 for a, b in dots for x, y in nodes)


def test_labels_of_cells_are_within_the_picture():
    ax = structure(load_data("blp"), ["participant", "spelling"]).draw(kind="cells")
    ax.figure.draw_without_rendering()
    whole = ax.figure.bbox
    for words in (*ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.title):
        box = words.get_window_extent()
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1


def test_conditions_go_to_the_fixed_part_and_are_no_groups():
    """People by words in two tasks: each person has one task, each word both."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"id": np.repeat([f"p{k}" for k in range(12)], 20)})
    data["item"] = [word for _ in range(12) for word in rng.choice(40, 20, replace=False)]
    data["task"] = np.where(data["id"].isin([f"p{k}" for k in range(6)]), "naming", "lexdec")
    data["rt"] = rng.normal(size=240)
    found = structure(data, ["id", "item", "task"])
    assert found.formula == "task + (1|id) + (1|item)"
    assert set(found.groups) == {"id", "item"} and [t.name for t in found.treatments] == ["task"]
    assert found.treatments[0].varies_within == ("item",)
    assert "is the same for all rows of one id and varies within item" in str(found)
    lmer("rt ~ " + found.formula, data)  # what is suggested can be fitted


def test_a_treatment_given_to_whole_groups_is_not_their_parent():
    data = pd.DataFrame({"litter": np.repeat(np.arange(9), 3)})
    data["treatment"] = np.array(["control", "high", "low"])[data["litter"] % 3]
    assert structure(data, ["litter", "treatment"]).formula == "treatment + (1|litter)"


def test_rows_without_an_outcome_say_nothing_of_the_structure():
    data = grid(5, 4).assign(y=1.0)
    data.loc[data["a"] == data["a"].iloc[0], "y"] = np.nan
    found = structure(data, ["a", "b"], outcome="y")
    assert found.counts.loc["a", "groups"] == 4 and len(found.data) == 16
    assert any("4 rows without an outcome or a group" in warning for warning in found.warnings)
    with pytest.raises(DataError, match="'z' is not a column"):
        structure(data, ["a"], outcome="z")


def test_a_term_with_a_group_for_each_row_is_not_suggested():
    data = pd.DataFrame({"school": np.repeat(np.arange(8), 5), "pupil": np.arange(40)})
    found = structure(data, ["school", "pupil"])
    assert found.formula == "(1|school)"
    assert any("that is the residual" in warning for warning in found.warnings)


def test_arguments_in_the_other_order_are_answered():
    with pytest.raises(DataError, match="takes the data first"):
        structure("y ~ x + (1|g)", grid(2, 2))


def test_a_treatment_varies_within_those_groups_that_meet_several_of_its_levels():
    data = pd.DataFrame({"person": np.repeat(np.arange(6), 4), "item": np.tile(np.arange(4), 6)})
    data["arm"] = np.where(data["person"] < 3, "drug", "placebo")
    assert treatment_of(data, "arm", ("person", "item")).varies_within == ("item",)


def test_dots_are_between_the_branches_that_are_left_and_clear_of_both():
    """What a dot stands for lies between its neighbours: to the right of one, to the left of the next."""
    rows = np.arange(480)
    data = pd.DataFrame({"area": rows // 120, "school": rows // 24, "cls": rows // 6})
    ax = structure(data, ["area", "school", "cls"]).draw()
    circles = [patch for patch in ax.patches if hasattr(patch, "center")]
    heights = {c.center[1] for c in circles if c.radius < 0.1}
    for height in heights:
        dots = sorted(c.center[0] for c in circles if c.radius < 0.1 and c.center[1] == height)
        nodes = sorted(c.center[0] for c in circles if c.radius > 0.1 and c.center[1] == height)
        nodes += [
            t.get_position()[0] for t in ax.texts if t.get_position()[1] == height and t.get_ha() == "center"
        ]
        for middle in dots[1::3]:
            left = [middle - x for x in nodes if x < middle]
            assert left and min(left) > 0.5, "after the branch that is shown"
            right = [x - middle for x in nodes if x > middle]
            assert not right or min(right) > 0.5, "before the next one"
    for height in (1.5, 3.0):  # of an area and of a school the first alone is shown, dots after it
        dots = [c.center[0] for c in circles if c.radius < 0.1 and c.center[1] == height]
        assert max(dots) > max(c.center[0] for c in circles if c.radius > 0.1 and c.center[1] == height)
