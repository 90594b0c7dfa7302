"""A matrix as a picture: which are written out, in which ink, and what is said of them."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from mlmkit import plots
from mlmkit.style import INK, PAPER


@pytest.mark.parametrize(("shape", "texts"), [((10, 2), 20), ((2, 10), 20), ((11, 2), 0), ((2, 11), 0)])
def test_small_ones_are_written_out(shape, texts):
    assert len(plots.matrix(np.ones(shape)).texts) == texts


def test_numbers_on_strong_shades_are_in_the_papers_colour():
    ax = plots.matrix(np.array([[9.0, 3.0, -4.0, -2.0, 0.0]]))
    inks = [to_hex(text.get_color()) for text in ax.texts]
    assert inks == [to_hex(ink) for ink in (PAPER, INK, PAPER, INK, INK)]


@pytest.mark.parametrize(
    ("shape", "aspect"), [((4, 4), 1.0), ((20, 5), 1.0), ((40, 4), "auto"), ((4, 40), "auto")]
)
def test_long_ones_are_drawn_out_to_the_frame(shape, aspect):
    assert plots.matrix(np.ones(shape)).get_aspect() in (aspect, "equal" if aspect == 1.0 else aspect)


def test_words_and_a_matrix_of_zeros():
    words = plots.matrix_data(np.array([[0.0, -2.0], [3.0, 0.0]]), "$A$").alt_text
    assert words.startswith("The matrix A: 2 rows, 2 columns, 50%") and words.endswith(
        "values from −2.00 to 3.00."
    )
    image = plots.matrix(np.zeros((2, 2))).images[0]
    assert (image.norm.vmin, image.norm.vmax) == (-1, 1)
