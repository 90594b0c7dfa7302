"""Figure 12: Σ's contours and the arrows into them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Annotation

from mlmkit import DataError, FitWarning, lmer, load_data
from mlmkit.plots import ellipse, ellipse_data
from mlmkit.plots.labels import overlaps
from mlmkit.style import house


def test_every_subject_moves_inwards_in_sigmas_own_distance(sleep, sleep_flat):
    drawn = ellipse_data(sleep, sleep_flat)
    assert (drawn.distances["multilevel"] < drawn.distances["flat"]).all()


def test_five_slopes_move_away_coordinate_by_coordinate(sleep, sleep_flat):
    away = ellipse_data(sleep, sleep_flat).away
    assert list(away.index[away["Days"]]) == [309, 310, 337, 352, 372]


def test_the_contours_hold_their_share():
    fit = lmer("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))
    drawn = ellipse_data(fit)
    offsets = drawn.contour(0.95) - drawn.centre
    distance2 = np.einsum("ka,ab,kb->k", offsets, np.linalg.inv(drawn.covariance), offsets)
    assert distance2 == pytest.approx(np.full(len(offsets), 5.991465), abs=1e-5)  # χ² with 2 df, 95%


def test_arrows_run_from_the_flat_fit_to_coef(sleep, sleep_flat):
    drawn = ellipse_data(sleep, sleep_flat)
    assert drawn.flat.loc[350].to_numpy() == pytest.approx([225.83460, 19.50402], abs=1e-5)
    assert drawn.multilevel.loc[308].to_numpy() == pytest.approx([253.6637, 19.66626], abs=1e-3)


@pytest.mark.parametrize("projector", [False, True])
@pytest.mark.parametrize("size", [(6.4, 5.8), (5, 5), (9, 5)])
def test_no_two_labels_overlap(sleep, size, projector):
    with house(projector=projector):
        fig, ax = plt.subplots(figsize=size, layout="constrained")
        ellipse(sleep, ax=ax)
        fig.canvas.draw()
    labels = [text for text in ax.texts if isinstance(text, Annotation) and text.get_text()]
    boxes = np.array([label.get_window_extent().extents for label in labels])
    assert len(labels) == 18
    assert overlaps(boxes, boxes)[~np.eye(18, dtype=bool)].max() == 0


def test_a_boundary_fit_is_drawn_as_a_line():
    data = load_data("classroom")
    with pytest.warns(FitWarning, match="boundary|singular|correlation"):
        fit = lmer("mathscore ~ ses + (ses|classid) + (ses|schoolid)", data)
    offsets = ellipse_data(fit, labels=False).contour(0.95) - fit.fixef.to_numpy()
    assert np.linalg.svd(offsets, compute_uv=False)[1] < 1e-3


def test_one_varying_coefficient_makes_no_ellipse(sleep_intercepts):
    with pytest.raises(DataError, match="Only Intercept varies"):
        ellipse_data(sleep_intercepts)


def test_the_words_name_those_that_move_away(sleep):
    words = ellipse_data(sleep).alt_text
    assert "18 of 18 move towards the centre" in words
    assert "309, 310, 337, 352 and 372" in words and "0.066" in words


def test_the_error_of_one_group_alone_is_drawn_beside_the_contours(sleep, sleep_flat):
    """Its SDs and its correlation explain which way the arrows run: the figures of a balanced design."""
    drawn = ellipse_data(sleep, sleep_flat, error=True)
    days = np.arange(10.0)
    X = np.column_stack([np.ones(10), days])
    np.testing.assert_allclose(drawn.error, sleep.sigma**2 * np.linalg.inv(X.T @ X))
    assert "SDs 15.0 of the intercept and 2.82 of the slope of Days, correlation −0.84" in drawn.alt_text
    assert ellipse_data(sleep, sleep_flat).error is None
    ax = ellipse(sleep, sleep_flat, error=True)
    assert any("error of one Subject" in text.get_text() for text in ax.texts)
    assert ax.get_xlabel().endswith("(ms)") and ax.get_ylabel().endswith("(ms per day)")
