"""What is drawn is the picture's data: curves, marks and reference lines stand at the numbers they stand for."""

import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import same_color
from scipy.stats import norm

from mlmkit import glmer, lmer, load_data, plots
from mlmkit.plots.checked import _bins, _tally
from mlmkit.plots.pooling import no_pooling
from mlmkit.style import RULE, colour
from mlmkit.words import number


def curves(ax) -> list[np.ndarray]:
    """Every line on the axes, (points, 2)."""
    return [np.asarray(line.get_xydata(), dtype=float) for line in ax.lines]


def is_drawn(ax, x, y) -> bool:
    """Whether one of the lines has just these points."""
    want = np.column_stack([np.atleast_1d(x), np.atleast_1d(y)]).astype(float)
    return any(line.shape == want.shape and np.allclose(line, want, equal_nan=True) for line in curves(ax))


def level_lines(ax) -> list[float]:
    """The heights of the lines that run across the whole picture."""
    return [float(line.get_ydata()[0]) for line in ax.lines if list(line.get_xdata()) == [0, 1]]


def segments(ax) -> list[np.ndarray]:
    return [s for c in ax.collections if isinstance(c, LineCollection) for s in c.get_segments()]


def test_groups_with_as_much_data_have_marks_of_one_size_and_others_by_their_area(sleep, rats):
    ax, drawn = plots.shrinkage(sleep, term="Days"), plots.shrinkage_data(sleep, term="Days")
    marks = [c for c in ax.collections if isinstance(c, PathCollection)]
    assert [set(c.get_sizes()) for c in marks] == [{30.0}, {24.0}]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"population, {number(drawn.centre)}"
    ]
    assert level_lines(ax) == pytest.approx([drawn.centre])
    for column, mark in zip(("flat", "multilevel"), marks, strict=True):
        np.testing.assert_allclose(mark.get_offsets()[:, 1], drawn.table[column])
    assert np.unique(marks[0].get_offsets()[:, 0]) == [0] and np.unique(marks[1].get_offsets()[:, 0]) == [1]
    assert ax.get_xlim() == (-0.28, 1.28), "a quarter of the way between the columns on either side"
    joined = np.array(segments(ax))
    np.testing.assert_allclose(joined[:, :, 1], drawn.table[["flat", "multilevel"]])
    flat = next(c for c in plots.shrinkage(rats).collections if isinstance(c, PathCollection))
    n = plots.shrinkage_data(rats).table["n"].to_numpy()
    large = 60 * n / n.max() > 12
    np.testing.assert_allclose(flat.get_sizes()[large] / n[large], 60 / n.max())


def test_names_stand_outside_beside_the_flat_estimates(sleep):
    ax = plots.shrinkage(sleep, term="Days", label=[308, 335])
    ax.figure.canvas.draw()
    for text in (text for text in ax.texts if text.get_text() in ("308", "335")):
        right = ax.transData.inverted().transform(text.get_window_extent().max)[0]
        assert right < 0, "left of the column of flat estimates, away from the lines"


def test_a_density_stands_on_its_axis_with_its_mean_and_median_as_high_as_the_curve(rats):
    ax, drawn = plots.density(rats), plots.density_data(rats)
    assert is_drawn(ax, drawn.curve["value"], drawn.curve["density"])
    for at, line in zip((drawn.median, drawn.mean), segments(ax), strict=True):
        height = norm.pdf(np.log(at / (1 - at)), drawn.b, drawn.tau) / (at * (1 - at))  # change of variable
        np.testing.assert_allclose(line, [[at, 0], [at, height]], rtol=1e-3)
    shade = ax.collections[0].get_paths()[0].vertices
    assert (shade[:, 0].min(), shade[:, 0].max()) == pytest.approx(drawn.interval, abs=4e-3)
    ticks = curves(ax)[-1]
    np.testing.assert_allclose(ticks[:, 0], drawn.estimates)
    assert np.all(ticks[:, 1] < 0) and ax.get_ylim()[0] < ticks[0, 1]


def test_curves_of_a_group_are_drawn_with_their_peaks_where_they_are(rats):
    ax, drawn = plots.likelihoods(rats, 42), plots.likelihoods_data(rats, 42)
    for name in ("likelihood", "population", "together"):
        assert is_drawn(ax, drawn.curves["value"], drawn.curves[name])
    assert is_drawn(ax, drawn.flat, 1) and is_drawn(ax, drawn.multilevel, 1)
    assert drawn.curves["value"].iloc[[0, -1]].mean() == pytest.approx(drawn.centre)


def test_a_likelihood_that_never_ends_rising_has_no_peak_on_either_side():
    """No tumour at all puts it at minus infinity, tumours alone at plus infinity."""
    data = load_data("rats").assign(m=lambda d: np.where(d.batch == 71, d.n, d.m))
    fit = glmer("cbind(m, n - m) ~ 1 + (1|batch)", data, "binomial")
    assert plots.likelihoods_data(fit, 71).flat == np.inf and plots.likelihoods_data(fit, 1).flat == -np.inf


@pytest.mark.parametrize("random", ["(1|Subject)", "(Days|Subject)", "(Days||Subject)"])
def test_the_axis_says_whether_other_sds_stay_as_they_are(random):
    fit = lmer(f"Reaction ~ Days + {random}", load_data("sleepstudy"))
    ax, drawn = plots.criterion_curve(fit), plots.criterion_curve_data(fit)
    assert ("the rest of θ as estimated" in ax.get_xlabel()) == (random != "(1|Subject)")
    for name in ("REML", "ML"):
        assert is_drawn(ax, drawn.curves.index, drawn.curves[name]) and is_drawn(ax, drawn.minima[name], 0)
    assert ax.get_ylim()[0] == 0


def test_paths_are_drawn_with_the_population_and_the_estimate_marked(sleep):
    ax, drawn = plots.pooling_path(sleep, term="Days"), plots.pooling_path_data(sleep, term="Days")
    for group in drawn.paths:
        assert is_drawn(ax, drawn.paths.index, drawn.paths[group])
    assert is_drawn(ax, drawn.population.index, drawn.population)
    assert [list(line.get_xdata()) for line in ax.lines if list(line.get_ydata()) == [0, 1]] == [[1, 1]]
    assert np.log10(drawn.paths.index[[0, -1]].to_numpy()) == pytest.approx([-2, 2])


def test_profiles_are_drawn_between_their_limits_with_a_tangent_at_the_estimate(sleep):
    profile = sleep.profile(["Days", "sigma"])
    drawn = plots.profiles_data(profile)
    for ax, (name, row) in zip(plots.profiles(profile).axes, drawn.intervals.iterrows(), strict=True):
        own = drawn.curves[drawn.curves["parameter"] == name]
        assert is_drawn(ax, own["value"], own["zeta"]) and level_lines(ax) == [0]
        assert is_drawn(ax, row["estimate"], 0)
        dashed = next(line for line in curves(ax) if len(line) == len(own))
        slope = np.gradient(own["zeta"], own["value"])[np.abs(own["zeta"]).argmin()]
        np.testing.assert_allclose(np.diff(dashed[:, 1]) / np.diff(dashed[:, 0]), slope, rtol=0.02)
        assert np.interp(row["estimate"], *dashed.T) == pytest.approx(0, abs=1e-9)
        ends = [line for line in curves(ax) if len(line) == 2 and line[0, 0] == line[1, 0]]
        at, heights = zip(
            *sorted((line[0, 0], line[:, 1][np.abs(line[:, 1]).argmax()]) for line in ends), strict=True
        )
        assert at == pytest.approx((row["lower"], row["upper"]), rel=1e-6)
        assert heights == pytest.approx((-1.96, 1.96), abs=0.03)
        shade = ax.patches[0].get_extents().transformed(ax.transData.inverted())
        assert (shade.y0, shade.y1) == pytest.approx((-1.959964, 1.959964), abs=1e-5)


def test_a_caterpillars_intervals_and_marks_are_in_their_rows(sleep):
    ax, drawn = plots.caterpillar(sleep, term="Days"), plots.caterpillar_data(sleep, term="Days")
    table = drawn.table
    for row, line in enumerate(segments(ax)):
        np.testing.assert_allclose(line, [[table["lower"].iloc[row], row], [table["upper"].iloc[row], row]])
    filled = (table["lower"] > 0) | (table["upper"] < 0)
    rows = np.arange(len(table))
    assert is_drawn(ax, table["effect"][filled], rows[filled]) and is_drawn(
        ax, table["effect"][~filled], rows[~filled]
    )
    marks = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [len(line.get_xdata()) for line in marks] == [filled.sum(), (~filled).sum()]
    assert marks[0].get_markerfacecolor() == colour("group") != marks[1].get_markerfacecolor()
    assert [list(line.get_xdata()) for line in ax.lines if list(line.get_ydata()) == [0, 1]] == [[0, 0]]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(map(str, table.index))


def test_residuals_and_quantiles_are_drawn_beside_what_is_expected(sleep):
    ax, drawn = plots.residuals(sleep), plots.residuals_data(sleep)
    assert is_drawn(ax, drawn.table["fitted"], drawn.table["residual"]) and level_lines(ax) == [0]
    shade = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (shade.y0, shade.y1) == pytest.approx((-2, 2))
    ax, drawn = plots.qq(sleep), plots.qq_data(sleep)
    assert is_drawn(ax, drawn.table["normal"], drawn.table["value"])
    ends = drawn.table["normal"].iloc[[0, -1]]
    assert is_drawn(ax, ends, ends), "the line on which value and quantile are one"
    assert drawn.table["value"].std() == pytest.approx(1)


def test_a_rootogram_hangs_what_was_seen_from_what_is_expected():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"g": np.repeat(np.arange(12), 10)})
    data["y"] = rng.poisson(np.exp(0.5 + 0.5 * rng.normal(size=12)[data["g"]]))
    fit = glmer("y ~ 1 + (1|g)", data, "poisson")
    drawn = plots.rootogram_data(fit, n=60, seed=1)
    ax = plots.rootogram(fit, n=60, seed=1)
    table = drawn.table
    assert table["seen"].sum() == 120 and table["expected"].sum() == pytest.approx(120)
    for k, (bar, (_, row)) in enumerate(zip(ax.patches, table.iterrows(), strict=True)):
        top, foot = bar.get_y() + bar.get_height(), bar.get_y()
        assert (top, foot) == pytest.approx(
            (row["expected"] ** 0.5, row["expected"] ** 0.5 - row["seen"] ** 0.5)
        )
        assert bar.get_x() + bar.get_width() / 2 == pytest.approx(k)
        ends = np.sort(segments(ax)[k][:, 1])
        assert ends == pytest.approx(
            row["expected"] ** 0.5 - row[["conf.high", "conf.low"]].to_numpy() ** 0.5
        )
    assert is_drawn(ax, np.arange(len(table)), np.sqrt(table["expected"])) and level_lines(ax) == [0]
    counts = [int(name) for name in table.index[:-1]]
    assert [table["seen"].iloc[k] for k in counts] == [(data["y"] == k).sum() for k in counts]


@pytest.mark.parametrize(
    ("highest", "first", "last"), [(20, "0", "> 20"), (21, "0", "> 20"), (50, "0", "> 20"), (51, "0", "> 50")]
)
def test_bins_of_counts_end_below_the_highest(highest, first, last):
    """The last bin, which has no end, holds the highest count where counts are put together."""
    ends, names = _bins(highest)
    tally = _tally(np.arange(highest + 1), ends)
    assert (names[0], names[-1]) == (first, last) and len(names) == len(tally)
    assert tally.sum() == highest + 1 and np.all(tally[:-1] > 0) and (tally[-1] > 0) == (highest > 20)


def test_a_matrix_is_written_where_its_numbers_are():
    values = np.array([[2.0, 0.0, -1.0], [0.5, 0.0, 0.25]])
    ax = plots.matrix(values, "$A$")
    for text in ax.texts:
        column, row = text.get_position()
        assert text.get_text() == f"{values[row, column]:.3g}"
    np.testing.assert_array_equal(ax.images[0].get_array(), values)
    low, high = ax.images[0].norm.vmin, ax.images[0].norm.vmax
    assert (low, high) == (-2, 2), "white is 0"
    assert ax.get_xlabel() == "2 × 3"


def test_an_ellipse_holds_its_share_and_arrows_end_at_the_estimates(sleep):
    ax, drawn = plots.ellipse(sleep), plots.ellipse_data(sleep)
    for share, patch in zip((0.95, 0.8, 0.5), ax.patches, strict=False):
        offsets = patch.get_xy()[:-1] - drawn.centre
        inside = np.einsum("na,ab,nb->n", offsets, np.linalg.inv(drawn.covariance), offsets)
        np.testing.assert_allclose(inside, -2 * np.log(1 - share))  # χ²(2)
    assert is_drawn(ax, *drawn.centre) and is_drawn(ax, *drawn.flat.to_numpy().T)
    arrows = [(one.xyann, one.xy) for one in ax.texts if getattr(one, "arrow_patch", None) is not None]
    for (start, end), name in zip(arrows, drawn.flat.index, strict=False):
        np.testing.assert_allclose(start, drawn.flat.loc[name])
        np.testing.assert_allclose(end, drawn.multilevel.loc[name])


def test_lines_of_groups_are_those_of_the_fit(sleep):
    ax, data = plots.fitted_lines(sleep), load_data("sleepstudy")
    assert is_drawn(ax, data["Days"], data["Reaction"])
    drawn = [line for line in curves(ax) if len(line) > 1 and len(line) < 180]
    for b0, b1 in [*sleep.coef["Subject"].to_numpy(), sleep.fixef.to_numpy()]:
        assert any(np.allclose(line[:, 1], b0 + b1 * line[:, 0]) for line in drawn)


def test_groups_that_cannot_tell_their_own_coefficients_leave_the_others_theirs():
    data = load_data("sleepstudy")
    data = data[(data.Subject != 308) | (data.Days == 3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = lmer("Reaction ~ Days + (Days|Subject)", data)
    alone = no_pooling(fit, "Subject", ["Intercept", "Days"])
    assert alone.loc[308].isna().all() and alone.drop(308).notna().all(axis=None)


def test_groups_beyond_the_first_are_grey_only_where_there_are_many(countries, sleep):
    few, many = plots.shrinkage_data(sleep, term="Days"), plots.shrinkage_data(countries)
    assert few.telling.all() and not many.telling.all()
    greys = [c for c in plots.shrinkage(countries).collections if isinstance(c, LineCollection)]
    assert len(greys[0].get_segments()) == (~many.telling).sum()
    assert same_color(greys[0].get_color()[0], RULE)


def test_contours_are_named_where_no_arrow_passes(sleep):
    ax, drawn = plots.ellipse(sleep), plots.ellipse_data(sleep)
    place = ax.transData.transform
    starts, ends = place(drawn.flat), place(drawn.multilevel.loc[drawn.flat.index])
    for share in (0.5, 0.8, 0.95):
        (text,) = (text for text in ax.texts if text.get_text() == f"{share:.0%}")
        offset = np.array(text.get_position()) - drawn.centre
        assert offset @ np.linalg.inv(drawn.covariance) @ offset == pytest.approx(-2 * np.log(1 - share))
        spot, way = place(text.get_position()), ends - starts
        along = np.clip(np.sum((spot - starts) * way, axis=1) / np.sum(way**2, axis=1), 0, 1)
        away = np.linalg.norm(starts + along[:, None] * way - spot, axis=1)
        assert away.min() > 15, f"{away.min():.0f} pixels from the next arrow"


def test_an_ellipse_without_width_has_no_correlation_to_tell():
    data = pd.DataFrame({"g": np.repeat(np.arange(8), 6), "x": np.tile(np.arange(6.0), 8)})
    noise = np.tile([1.0, -1.0, 0.0, 0.0, -1.0, 1.0], 8) * np.repeat([1.0, -1.0] * 4, 6)
    data["y"] = data["x"] + 3.0 * (data["g"] % 4) + noise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = lmer("y ~ x + (x||g)", data)
    drawn = plots.ellipse_data(fit)
    assert drawn.covariance[1, 1] == 0 < drawn.covariance[0, 0]
    assert f"SDs {number(drawn.covariance[0, 0] ** 0.5)} and 0 and correlation 0." in drawn.alt_text


def test_units_do_not_change_which_intervals_leave_out_zero(sleep):
    seconds = load_data("sleepstudy").assign(Reaction=lambda d: d["Reaction"] / 1e4)
    fit = lmer("Reaction ~ Days + (Days|Subject)", seconds)
    here, there = (plots.caterpillar_data(one, term="Days") for one in (sleep, fit))
    assert 0 < here.clear.sum() < 18 and here.clear.to_dict() == there.clear.to_dict()
    ax = plots.caterpillar(fit, term="Days")
    assert (
        -1 < ax.get_ylim()[0] < -0.5 and 17.5 < ax.get_ylim()[1] < 18
    )  # half a row beyond the first and the last
