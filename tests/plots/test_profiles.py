"""Profiles by hand: a normal likelihood is its own tangent, and every panel has its parameter."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from mlmkit.plots.profiles import Profiles


def made(n: int = 1, level: float = 0.95, curved=0.0, **changes) -> Profiles:
    """n parameters with estimates 0, 1, … and SE 2; ζ bends where `curved` is not 0."""
    curves, intervals = [], []
    for k in range(n):
        value = np.linspace(k - 8, k + 8, 161)
        zeta = (value - k) / 2 + curved * (value - k) ** 3
        curves.append(pd.DataFrame({"parameter": f"p{k}|g", "value": value, "zeta": zeta}))
        half = 2 * norm.ppf((1 + level) / 2)
        intervals.append({"estimate": float(k), "lower": k - half, "upper": k + half})
    table = pd.DataFrame(intervals, [f"p{k}|g" for k in range(n)])
    return Profiles(pd.concat(curves, ignore_index=True), table, level, **changes)


def test_the_tangent_has_the_slope_at_the_estimate_whatever_the_bend():
    for bend in (0.0, 0.002):
        drawn = made(curved=bend)
        np.testing.assert_allclose(
            drawn._tangent(drawn.curves, 0.0), drawn.curves["value"] / 2, atol=1e-12 if bend == 0 else 0.01
        )


@pytest.mark.parametrize(("level", "cutoff"), [(0.95, 1.959964), (0.5, 0.674490)])
def test_the_shade_is_where_the_level_puts_it(level, cutoff):
    (ax,) = made(level=level).draw().axes
    shade = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (shade.y0, shade.y1) == pytest.approx((-cutoff, cutoff), abs=1e-6)
    assert ax.get_ylim() == pytest.approx((-1.4 * cutoff, 1.4 * cutoff), abs=1e-5)


def test_ends_that_are_not_finite_have_no_mark():
    drawn = made()
    drawn.intervals.loc["p0|g", "lower"] = -np.inf
    (ax,) = drawn.draw().axes
    dotted = [line.get_xydata() for line in ax.lines if line.get_linestyle() == ":"]
    assert len(dotted) == 1
    np.testing.assert_allclose(dotted[0], [[2 * 1.959964, 0], [2 * 1.959964, 1.959964]], atol=1e-5)


@pytest.mark.parametrize(("n", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (4, 3, 2), (7, 3, 3)])
def test_panels_stand_in_rows_of_three(n, columns, rows):
    drawn = made(n)
    axes = drawn.draw().axes
    assert len(axes) == columns * rows and [ax.get_visible() for ax in axes] == [True] * n + [False] * (
        len(axes) - n
    )
    assert [ax.get_title() or ax.get_title("left") for ax in axes[:n]] == [f"p{k} | g" for k in range(n)]
    assert drawn.size == ("page" if n <= 3 else "tall")


def test_words():
    assert made(1).alt_text == (
        "1 panel, each with the signed root of the rise in deviance against one parameter, straight where the likelihood "
        "is normal, and the 95% interval where it lies within 1.96 of 0. p0|g: estimate 0, interval −3.92 to 3.92."
    )
