"""Nested or crossed: the clicked cells decide."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from mlmkit.errors import DataError
from mlmkit.style import INK, RULE, colour
from mlmkit.widgets import design_builder
from mlmkit.widgets.design_builder import (
    CROSSED,
    INNER,
    NESTED,
    NOUNS,
    OUTER,
    RESTART,
    UNIQUE,
    Grid,
    compute,
    describe,
    draw,
    explore_design,
    panels,
    presets,
)

from .artists import has, painted, points, segments, texts


@pytest.mark.parametrize(
    ("preset", "formula", "columns"),
    [
        ("nested", "(1|school/class)", 9),
        ("relative ids", "(1|school/class)", 9),
        ("mixed up", "(1|school) + (1|class)", 5),
        ("crossed", "(1|person) + (1|word)", 7),
        ("one class moved", "(1|school) + (1|class)", 9),
    ],
)
def test_each_design_has_its_formula_and_z(preset, formula, columns):
    it = compute(**presets()[preset].values)
    Z, labels, terms = it.Z()
    assert it.formula == formula
    assert Z.shape == (len(it.rows), columns) and len(labels) == len(terms) == columns
    np.testing.assert_array_equal(Z.sum(axis=1), 2)


def test_z_marks_each_rows_groups():
    it = compute(NESTED)
    Z, labels, terms = it.Z()
    for row, (_, person) in zip(Z, it.rows.iterrows(), strict=True):
        marked = [label for label, one in zip(labels, row, strict=True) if one]
        assert marked == [person.school, f"{person['class']}:{person.school}"]
    assert terms[0] == "school"


def test_ids_that_start_again_look_crossed_but_are_not():
    it = compute(NESTED, ids=RESTART)
    assert it.nested and it.ids_repeat and not it.mixed_up
    assert "class 1 of school A is not class 1 of school B" in describe(it)
    literal = compute(NESTED, ids=RESTART, literal=True)
    assert literal.mixed_up and "write (1|school/class)" in describe(literal)


@pytest.mark.parametrize("nouns", NOUNS)
@pytest.mark.parametrize("ids", [UNIQUE, RESTART])
@pytest.mark.parametrize("literal", [False, True])
@settings(deadline=None, max_examples=40)
@given(cells=st.sets(st.tuples(st.integers(0, INNER - 1), st.integers(0, OUTER - 1)), min_size=4))
def test_one_word_is_said_of_one_design(cells, literal, ids, nouns):
    """Nested or crossed, never both; and what the formula takes for one group is one, or it is said."""
    inner, outer = NOUNS[nouns]
    try:
        it = compute(tuple(cells), 2, ids, literal, nouns)
    except DataError:
        return  # too few groups to vary
    words = describe(it)
    assert ("nested" in words) != ("crossed" in words) or "same grouping" in words
    right = f"(1|{outer}/{inner})" if it.nested else f"(1|{outer}) + (1|{inner})"
    groups = {k for k, _ in it.cells}
    columns = sum(term != outer for term in it.Z()[2])
    if it.mixed_up:
        assert "write (1|" in words or "number the" in words
        assert ids == RESTART
    elif it.kind != "the same grouping twice":
        assert it.formula == right and columns == len(groups)


def test_one_more_click_makes_it_crossed():
    assert compute(NESTED).nested
    assert not compute((*NESTED, (0, 2))).nested


@pytest.mark.parametrize("each", [1, 3])
def test_each_cell_has_its_rows(each):
    it = compute(CROSSED, each, nouns="words and people")
    counts = it.rows.groupby(["person", "word"]).size()
    assert len(counts) == len(CROSSED) and (counts == each).all()


def test_nothing_clicked_is_help_not_a_crash():
    with pytest.raises(DataError, match="Nothing is clicked"):
        compute(())
    explorer = explore_design()
    explorer.set(cells=())
    assert "Nothing is clicked" in explorer.problem


def test_one_row_a_class_is_help_not_a_crash():
    explorer = explore_design()
    explorer.set(each=1)
    assert explorer.problem == "" and len(explorer.result.rows) == 6
    assert "cannot be told apart" in explorer.words
    explorer.use("crossed")
    explorer.set(each=1)  # crossed groups have several rows each all the same
    assert explorer.problem == ""


def test_one_school_alone_is_help_not_a_crash():
    explorer = explore_design()
    explorer.set(cells=((0, 0), (1, 0)))
    assert "school" in explorer.problem


def test_one_class_a_school_is_said_to_be_one_grouping_twice():
    it = compute(((0, 0), (1, 1), (2, 2)), ids=UNIQUE)
    assert "same grouping" in describe(it) and not it.ids_repeat


def test_buttons_and_value_follow_each_other():
    grid = Grid(NESTED)
    grid._buttons[5, 0].value = True
    assert (5, 0) in grid.value and grid._buttons[5, 0].description == "✓"
    seen = []
    grid.observe(lambda change: seen.append(change.new), "value")
    grid.value = CROSSED
    assert {cell for cell, button in grid._buttons.items() if button.value} == set(CROSSED)
    assert seen == [CROSSED]  # one change, not one a button


def test_buttons_say_what_they_stand_for():
    explorer = explore_design("crossed")
    assert explorer.controls["cells"]._buttons[1, 2].tooltip == "word 2 occurs with person C"


@pytest.mark.parametrize("left_out", range(3))
def test_groups_in_the_picture_have_the_numbers_of_their_rows_of_buttons(left_out):
    """Those that occur nowhere too, though pale: the numbers run on, and none is there twice."""
    it = compute(tuple(cell for cell in CROSSED if cell[0] != left_out), ids=UNIQUE, nouns="words and people")
    axes = panels(plt.Figure())
    draw(axes, it)
    labels = [text.get_text() for text in axes[0].texts if text.get_position()[1] == 1.0]
    labels = [label for label in labels if label.isdigit()]
    assert labels == [str(k + 1) for k in range(len(labels))] and len(labels) > left_out


def test_one_row_for_each_group_is_said_only_where_some_model_term_has_no_second_row():
    alone = describe(compute(each=1))
    assert "With one row for each class" in alone and "this model cannot be fitted" in alone
    assert "cannot be fitted" not in describe(compute(each=2))
    crossed = {**presets()["crossed"].values, "each": 1}
    assert "cannot be fitted" not in describe(compute(**crossed))
    mixed = {
        **presets()["mixed up"].values,
        "each": 1,
    }  # ids shared between schools: several rows share an id
    assert "cannot be fitted" not in describe(compute(**mixed))


# ---- the picture ---------------------------------------------------------------------------------------------


def test_rows_hang_in_a_fan_under_their_group():
    it = design_builder.compute(each=3)
    links, Z = painted(design_builder, it)
    ways = segments(links)
    for k in range(6):
        for place in (-0.36, 0.0, 0.36):
            assert has(ways, [[k + 0.5, 1.0], [k + 0.5 + place, 0.2]])
    for k, j in it.cells:
        assert has(ways, [[1.0 + 2 * j, 2.0], [k + 0.5, 1.0]])
    assert len(ways) == 6 + 18
    single = segments(painted(design_builder, design_builder.compute(each=1))[0])
    assert has(single, [[0.5, 1.0], [0.5, 0.2]])
    places = texts(links)
    assert [places[name] for name in ("school", "class", "rows")] == [
        (-0.55, 2.0),
        (-0.55, 1.0),
        (-0.55, 0.2),
    ]
    assert [places[name] for name in "ABC"] == [(1, 2), (3, 2), (5, 2)]
    squares = {tuple(p) for p in np.round(points(Z, "s"), 6)}
    assert squares == {(x, round((r + 0.5) / 18, 6)) for r in range(18) for x in (r // 6, 3 + r // 3)}
    assert Z.get_xlim() == (-0.5, 8.5) and Z.get_ylim() == (1, 0) and Z.lines[-1].get_xdata()[0] == 2.5
    assert Z.get_title() == "Z: 18 rows, 9 columns"
    assert [label.get_text() for label in Z.get_xticklabels()][:3] == ["A", "B", "C"]
    np.testing.assert_allclose(segments(Z)[:, 0, 1], np.arange(19) / 18)


def test_groups_that_cross_have_red_ways_and_unused_ones_are_pale():
    cells = ((0, 0), (0, 1), (1, 1), (2, 0))
    links = painted(design_builder, design_builder.compute(cells))[0]
    ways = next(c for c in links.collections if len(c.get_segments()) == 4)
    red = [to_hex(c) == to_hex(colour("population")) for c in ways.get_colors()]
    assert sorted(red) == [False, False, True, True]
    inks = {text.get_text(): to_hex(text.get_color()) for text in links.texts}
    assert inks["A"] == inks["1"] == to_hex(INK) and inks["C"] == inks["5"] == to_hex(RULE)


def test_words_of_a_design_count_its_rows_and_its_groups():
    one = ((0, 0), (0, 1), (1, 1), (2, 0))
    assert "One class occurs with more than one school: crossed in part, 4 of 6" in design_builder.describe(
        design_builder.compute(one)
    )
    two = (*one, (1, 0))
    assert "2 of the classes occur with more than one school" in design_builder.describe(
        design_builder.compute(two)
    )
    assert design_builder.describe(design_builder.compute(two)).startswith("10 rows.")
