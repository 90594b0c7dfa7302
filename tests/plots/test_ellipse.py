"""Figure 12: Σ's contours and the arrows into them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Annotation

from mlmkit import DataError, FitWarning, lmer, load_data
from mlmkit.plots import ellipse, ellipse_data
from mlmkit.plots.ellipse import Ellipse
from mlmkit.plots.labels import overlaps
from mlmkit.style import colour, house


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


def made(flat, multilevel, **changes) -> Ellipse:
    """Two or more groups around (0, 0) with SDs 2 and 1."""
    tables = (pd.DataFrame(rows, columns=["a", "b"]) for rows in (flat, multilevel))
    return Ellipse("g", ("a", "b"), np.zeros(2), np.diag([4.0, 1.0]), *tables, **changes)


def arrows(ax) -> list[Annotation]:
    return [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]


def test_no_error_is_drawn_of_a_group_that_has_no_estimate_of_its_own():
    """The largest group has one value of the predictor: its own slope could be anything, not exactly known."""
    data = load_data("sleepstudy")
    of_308 = data[data.Subject == 308].assign(Days=4)
    more = pd.concat([data[data.Subject != 308], of_308, of_308])
    fit = lmer("Reaction ~ Days + (Days|Subject)", more)
    with pytest.raises(DataError, match="most rows cannot tell Intercept and Days apart"):
        ellipse_data(fit, error=True)
    assert ellipse_data(fit).error is None


def test_distances_are_in_units_of_each_sd():
    drawn = made([[2.0, 2.0], [6.0, 0.0]], [[2.0, 0.0], [0.0, 3.0]])
    np.testing.assert_allclose(drawn.distances["flat"], [np.sqrt(5), 3])
    np.testing.assert_allclose(drawn.distances["multilevel"], [1, 3])
    assert "1 of 2 move towards the centre" in drawn.alt_text


def test_who_moves_away_in_the_second_coefficient_has_another_mark_and_a_dashed_arrow():
    """Group 2 has no flat estimate: it has its mark, as if it moved towards b, and no arrow."""
    drawn = made([[4.0, 1.0], [4.0, 0.5]], [[1.0, 0.5], [1.0, 1.5], [0.5, 0.5]])
    ax = drawn.draw()
    marks = {line.get_marker(): line.get_xydata().tolist() for line in ax.lines}
    assert marks["s"] == [[1.0, 1.5]] and [[1.0, 0.5], [0.5, 0.5]] in marks.values()
    lines = [arrow.arrow_patch.get_linestyle() for arrow in arrows(ax)]
    assert len(lines) == 2 and lines[0] == "-" != lines[1]
    key = [text.get_text() for text in ax.get_legend().get_texts()]
    assert key == ["flat", "multilevel", "population, $b$", "b moves away from $b_1$"]
    assert "Taken alone, the slope of a moves towards its mean for all." in drawn.alt_text
    assert "the slope of b moves away from its mean for 1 group (1)" in drawn.alt_text


def test_marks_are_about_as_large_in_the_key_as_in_the_picture(sleep):
    ax = ellipse(sleep)
    drawn = {line.get_marker(): line.get_markersize() for line in ax.lines if line.get_marker() != "None"}
    for line in ax.get_legend().get_lines():
        if line.get_marker() != "None":
            assert line.get_markersize() == pytest.approx(drawn[line.get_marker()], rel=0.15)


def test_an_arrow_has_a_head_where_it_is_longer_than_a_quarter_of_an_inch():
    far = [[step, 0.0] for step in (0.1, 0.3, 1.4, 3.0)]
    ax = made(far, np.zeros((4, 2))).draw()
    for arrow in arrows(ax):
        ends = ax.transData.transform([arrow.xyann, arrow.xy])
        points = np.linalg.norm(ends[1] - ends[0]) * 72 / ax.figure.dpi
        assert not 15 < points < 22, "too near to the limit to tell"
        assert (type(arrow.arrow_patch.get_arrowstyle()).__name__ == "CurveFilledB") == (points > 18)


def test_a_contour_is_named_at_its_point_furthest_from_all_arrows(sleep):
    ax, drawn = ellipse(sleep), ellipse_data(sleep)
    place = ax.transData.transform
    ways = np.linspace(0, 1, 401)[:, None, None]
    ends = drawn.multilevel.loc[drawn.flat.index].to_numpy()
    busy = place((drawn.flat.to_numpy() + (ends - drawn.flat.to_numpy()) * ways).reshape(-1, 2))

    def room(spots):
        return np.linalg.norm(place(np.reshape(spots, (-1, 2)))[:, None] - busy, axis=2).min(axis=1)

    for share in (0.5, 0.8, 0.95):
        (text,) = (text for text in ax.texts if text.get_text() == f"{share:.0%}")
        assert room(text.get_position())[0] == pytest.approx(room(drawn.contour(share)).max(), rel=0.03)


def test_the_error_of_a_group_is_drawn_to_the_scale_of_the_contours_and_clear_of_them(sleep, sleep_flat):
    drawn, ax = ellipse_data(sleep, sleep_flat, error=True), ellipse(sleep, sleep_flat, error=True)
    curve = ax.patches[-1].get_xy()[:-1]
    assert to_hex(ax.patches[-1].get_edgecolor()) == colour("flat").lower()
    centre = (curve.min(axis=0) + curve.max(axis=0)) / 2
    off = curve - centre
    inside = np.einsum("ja,ab,jb->j", off, np.linalg.inv(drawn.error), off)
    np.testing.assert_allclose(inside, 2 * np.log(2), rtol=0.01)  # half of N(0, error)
    from_b = curve - drawn.centre
    assert np.einsum("ja,ab,jb->j", from_b, np.linalg.inv(drawn.covariance), from_b).min() > 5.991465
    low = drawn.contour(0.95).min(axis=0)
    np.testing.assert_allclose(centre - low, [0.1, -0.1] * np.ptp(curve, axis=0), rtol=0.01)
    (name,) = (text for text in ax.texts if "error of one" in text.get_text())
    np.testing.assert_allclose(name.xy, [curve[:, 0].max(), curve[:, 1].min()])


def test_the_words_have_the_numbers_of_the_fit(sleep):
    assert ellipse_data(sleep).alt_text.startswith(
        "Contours of the normal distribution of the intercept and the slope of Days across 18 groups of Subject, centred "
        "at 251 and 10.5, with SDs 24.7 and 5.92 and correlation 0.066."
    )


def test_the_terms_may_be_asked_for_in_the_other_order(sleep):
    drawn, usual = ellipse_data(sleep, terms=("Days", "Intercept")), ellipse_data(sleep)
    np.testing.assert_array_equal(drawn.covariance, usual.covariance[::-1, ::-1])
    np.testing.assert_array_equal(drawn.centre, usual.centre[::-1])
    assert drawn.units == ("ms per day", "ms")
