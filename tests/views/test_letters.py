"""Symbols set letter by letter: which letters, how they slant, and where they stand."""

import itertools
from pathlib import Path

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser

import mlmkit as mk
from mlmkit.views.letters import SMALL, font, typeset


def texts(latex: str) -> str:
    return "".join(one.text for one in typeset(latex).letters)


@pytest.mark.parametrize(
    ("latex", "letters"),
    [
        ("b", "b"),
        (r"\beta_{j0}", "βj0"),
        (r"\tau_{s0}", "τs0"),
        (r"\Sigma_s", "Σs"),
        (r"\vec{b}'", "b→′"),
        ("y_{n-1}", "yn−1"),
        (r"j = 1 \ldots J", "j=1…J"),
        (r"b_1, \ldots, b_5", "b1,…,b5"),
    ],
)
def test_the_letters_of_a_symbol(latex, letters):
    assert texts(latex) == letters


def test_letters_and_small_greek_slant_all_else_is_upright():
    faces = {one.text: one.face for one in typeset(r"\vec{\beta}_{j0} = \Sigma_x, 1").letters}
    assert {text for text, face in faces.items() if face == "italic"} == {"β", "j", "x"}


def test_an_index_is_smaller_and_lower_an_arrow_is_above():
    vector, arrow, index = typeset(r"\vec{\beta}_j").letters
    assert index.size == SMALL and index.y < 0 < index.x and index.x >= vector.width
    assert arrow.bottom > vector.top and vector.x <= arrow.x + arrow.width / 2 <= vector.x + vector.width


def test_letters_follow_one_another_without_overlap():
    for latex in (r"b_1, \ldots, b_5", "y_{n-1}", r"k = 1 \ldots K"):
        letters = typeset(latex).letters
        for one, following in itertools.pairwise(letters):
            assert following.x >= one.x + one.width - 1e-9
        assert typeset(latex).width >= letters[-1].x + letters[-1].width - 1e-9


@pytest.mark.parametrize(
    "latex", ["x_i", r"\beta_{j0}", r"\Sigma_s", "y_{171}", r"j = 1 \ldots J", r"\vec{b}"]
)
def test_about_as_wide_as_matplotlib_sets_it(latex):
    parser, face = MathTextParser("path"), FontProperties(size=100, math_fontfamily="stix")
    assert typeset(latex).width == pytest.approx(parser.parse(f"${latex}$", 72, face)[0] / 100, abs=0.35)


def test_faces_are_files_and_names():
    for face in ("upright", "italic", "sans"):
        assert Path(font(face, 10).get_file()).exists()
    svg = mk.network("y ~ x + (x|g)").to_svg()
    assert "STIXGeneral" in svg and "DejaVu Sans" in svg and ">β</text>" in svg


def test_a_prime_stands_above_and_an_index_below():
    letter, prime = typeset("b'").letters
    assert prime.text == "′" and prime.bottom > (letter.bottom + letter.top) / 2
    letter, index = typeset("b_j").letters
    assert index.bottom < letter.bottom
