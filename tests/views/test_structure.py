"""Nested, crossed, in part: on the course's data and on made ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle

from mlmkit.datasets import load_data
from mlmkit.errors import DataError
from mlmkit.models import lmer
from mlmkit.style import COLOURS
from mlmkit.views.groupings import treatment_of
from mlmkit.views.structure import _some_ids, structure


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


# ---- what is drawn stands at its numbers ---------------------------------------------------------------------


def circles(ax, radius: float) -> list[tuple[float, float]]:
    """Centres of the circles of one size, rounded."""
    found = [patch for patch in ax.patches if getattr(patch, "radius", None) == radius]
    return [(round(float(x), 3), round(float(y), 3)) for x, y in (patch.center for patch in found)]


def strokes(ax) -> list[list[list[float]]]:
    return [np.round(line.get_xydata(), 3).tolist() for line in ax.lines]


def written(ax) -> dict[str, tuple[float, float]]:
    return {text.get_text(): tuple(np.round(text.get_position(), 3).tolist()) for text in ax.texts}


def classes(schools: int, each: int, rows: int) -> pd.DataFrame:
    names = [(f"s{s}", f"s{s}c{c}") for s in range(schools) for c in range(each) for _ in range(rows)]
    return pd.DataFrame(names, columns=["school", "cls"])


def test_a_tree_shows_the_first_second_and_last_with_dots_for_the_rest():
    """Leaves are 0.62 apart, 0.5 more beside dots and 0.22 after each branch; a parent is above their middle."""
    ax = structure(classes(4, 3, 3), ["school", "cls"]).draw()
    assert circles(ax, 0.13)[:4] == [(0.0, 0.0), (1.12, 0.0), (2.46, 0.0), (3.58, 0.0)]
    assert circles(ax, 0.4) == [(1.79, 3.0), (6.43, 3.0), (11.57, 3.0)]
    dots = circles(ax, 0.035)
    assert dots[:3] == [(0.39, 0.0), (0.56, 0.0), (0.73, 0.0)] and dots[-3:] == [
        (8.83, 3.0),
        (9.0, 3.0),
        (9.17, 3.0),
    ]
    assert strokes(ax)[:3] == [[[1.79, 3], [0.56, 1.5]], [[0.56, 1.5], [0, 0]], [[0.56, 1.5], [1.12, 0]]]
    names = written(ax)
    assert {"s0", "s1", "s3", "s0c0", "s0c2", "s1c0", "s1c2", "s3c0", "s3c2"} <= set(
        names
    ) and "s0c1" not in names
    assert (names["4 school"], names["12 cls"], names["36 rows"]) == (
        (-2.28, 3.0),
        (-2.28, 1.5),
        (-2.28, 0.0),
    )
    assert ax.get_xlim() == pytest.approx((-2.48, 14.74)) and ax.get_ylim() == pytest.approx((-0.55, 3.6))
    assert ax.figure.get_size_inches() == pytest.approx([17.22 * 0.55, 4.15 * 0.55])


def test_each_level_of_a_tree_has_its_colour_the_finest_groups_that_of_groups():
    rows = np.arange(16)
    ax = structure(pd.DataFrame({"a": rows // 8, "b": rows // 4, "c": rows // 2}), ["a", "b", "c"]).draw()
    colours = {
        round(patch.center[1], 1): to_hex(patch.get_edgecolor())
        for patch in ax.patches
        if isinstance(patch, Circle) and patch.radius == 0.4
    }
    roles = {1.5: "group", 3.0: "group2", 4.5: "group3"}
    assert colours == {height: to_hex(COLOURS[role]) for height, role in roles.items()}


def test_a_tree_of_few_has_no_dots():
    ax = structure(classes(2, 2, 2), ["school", "cls"]).draw()
    assert (
        circles(ax, 0.035) == [] and len(circles(ax, 0.13)) == 8 and set(written(ax)) >= {"s0", "s1", "s1c1"}
    )
    ax = structure(classes(4, 2, 2), ["school", "cls"]).draw()
    assert len(circles(ax, 0.035)) == 3 and {height for _, height in circles(ax, 0.035)} == {3.0}
    ax = structure(classes(3, 2, 1).assign(pupil=np.arange(6)), ["school", "cls"]).draw()
    assert circles(ax, 0.035) == [], "one row in each class"


def test_the_names_of_levels_have_the_room_of_the_longest():
    short = structure(classes(4, 3, 3), ["school", "cls"]).draw().get_xlim()[0]
    long = classes(4, 3, 3).rename(columns={"school": "neighbourhood"})
    assert structure(long, ["neighbourhood", "cls"]).draw().get_xlim()[0] == pytest.approx(short - 7 * 0.185)


def test_a_graph_joins_each_row_shown_to_both_of_its_groups():
    data = pd.DataFrame(
        [(f"a{i}", f"b{j}") for i in range(4) for j in range(5) if (i + j) % 4], columns=["a", "b"]
    )
    ax = structure(data, ["a", "b"]).draw()
    names, cells = written(ax), circles(ax, 0.2)
    above, below = [0.54, 4.5, 8.46], [0.54, 3.18, 5.82, 8.46]  # 6%, and evenly on to 94%, of the nine steps
    assert [names[f"a{k}"] for k in (1, 2, 3)] == [(x, 2.1) for x in above]
    assert [names[f"b{k}"] for k in (0, 1, 2, 4)] == [(x, -2.1) for x in below]
    assert cells == [(float(k), 0.0) for k in range(10)]
    joined = {tuple(map(tuple, line)) for line in strokes(ax)}
    pairs = [(i, j) for i in (1, 2, 3) for j in (0, 1, 2, 4) if (i + j) % 4]
    assert len(pairs) == 10 and len(joined) == 20
    for k, (i, j) in enumerate(pairs):
        assert (names[f"a{i}"], (k, 0.0)) in joined and (names[f"b{j}"], (k, 0.0)) in joined
    assert circles(ax, 0.035) == [(x, y) for y in (2.1, -2.1, 0.0) for x in (9.43, 9.6, 9.77)]
    assert (names["4 a"], names["5 b"], names["15 rows"]) == ((-2.06, 2.1), (-2.06, -2.1), (-2.06, 0.0))
    assert ax.get_xlim() == pytest.approx((-2.26, 10)) and ax.get_ylim() == (-2.75, 2.75)


def test_a_graph_of_all_groups_has_dots_for_rows_alone():
    ax = structure(grid(3, 3), ["a", "b"]).draw()
    assert {height for _, height in circles(ax, 0.035)} == {0.0} and len(circles(ax, 0.2)) == 9
    assert set(written(ax)) >= {"a0", "a1", "a2", "b0", "b1", "b2"}


def test_cells_say_how_many_combinations_occur_and_count_their_rows():
    data = pd.concat([grid(3, 4), grid(3, 4).iloc[:5]])
    found = structure(data, ["a", "b"])
    ax = found.draw(kind="cells")
    assert ax.get_title(loc="left") == "12 of 12 combinations occur"
    np.testing.assert_array_equal(ax.images[0].get_array(), [[2, 2, 2, 2], [2, 1, 1, 1], [1, 1, 1, 1]])
    assert (
        len(ax.figure.axes) == 2
        and len(structure(grid(3, 4), ["a", "b"]).draw(kind="cells").figure.axes) == 1
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("b", "a")
    assert {text.get_rotation() for text in ax.get_xticklabels()} == {0}
    long = structure(grid(3, 4).assign(b=lambda d: d["b"] + "long"), ["a", "b"]).draw(kind="cells")
    assert {text.get_rotation() for text in long.get_xticklabels()} == {90}


def test_of_many_ids_every_second_or_third_is_named():
    assert _some_ids(pd.Index(range(10)))[0] == list(range(10))
    assert _some_ids(pd.Index(range(11))) == ([0, 2, 4, 6, 8, 10], ["0", "2", "4", "6", "8", "10"])
    assert _some_ids(pd.Index(range(25)))[0] == [0, 3, 6, 9, 12, 15, 18, 21, 24]


def test_counts_are_of_rows_in_each_group():
    data = classes(3, 2, 4).iloc[:-3]
    found = structure(data, ["school", "cls"])
    assert found.counts.loc["school"].tolist() == [3, 5, 8, 8] and found.counts.loc["cls"].tolist() == [
        6,
        1,
        4,
        4,
    ]
    assert "school: 3 groups, 5 to 8 rows each" in str(found)


@pytest.mark.parametrize(("values", "is_condition"), [(5, True), (6, False)])
def test_a_column_of_fewer_than_six_words_is_a_condition(values, is_condition):
    words = ["red", "green", "blue", "white", "black", "grey"][:values]
    data = pd.DataFrame({"id": np.repeat(np.arange(12), 6), "colour": (words * 72)[:72]})
    assert bool(structure(data, ["id", "colour"]).treatments) is is_condition
    assert not structure(data, ["id", "colour"], few=0).treatments
    assert not structure(data.assign(colour=[f"c{w}1" for w in data["colour"]]), ["id", "colour"]).treatments
