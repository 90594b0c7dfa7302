"""The likelihood of τ: minima where the fits have them, and the boundary."""

from __future__ import annotations

import numpy as np
import pytest

from mlmkit.datasets import load_data
from mlmkit.design import build_design
from mlmkit.formula import parse_formula
from mlmkit.models import lmer
from mlmkit.widgets import likelihood
from mlmkit.widgets.likelihood import MODELS, _drawn_together, compute, describe

from .artists import has, painted, points, segments, texts


def test_both_minima_are_the_fits():
    it = compute("sleepstudy", 18)
    for profile, reml in ((it.ml, False), (it.reml, True)):
        fit = lmer(MODELS["sleepstudy"][0], load_data("sleepstudy"), reml=reml)
        assert profile.best == pytest.approx(fit.varcorr.sdcor[0], rel=1e-4)
        assert profile.rise.min() == pytest.approx(0, abs=0.15)
        assert profile.rise.min() > -1e-6
    assert it.reml.best == pytest.approx(37.124, abs=1e-3)


def test_the_height_at_zero_is_that_of_the_flat_model():
    from mlmkit.models import lm

    fit = lmer(MODELS["sleepstudy"][0], load_data("sleepstudy"), reml=False)
    flat = lm("Reaction ~ Days", load_data("sleepstudy"))
    assert compute().ml.rise[0] == pytest.approx(-2 * flat.loglik - fit.criterion, abs=1e-4)


def test_the_sds_come_nearer_to_zero_as_the_means_are_drawn_together():
    best = [compute("sleepstudy", 18, alike).reml.best for alike in (0.0, 0.2, 0.4, 0.6)]
    assert np.all(np.diff(best) < 0)


def test_means_drawn_together_altogether_are_on_the_boundary():
    it = compute("sleepstudy", 18, 1.0)
    assert it.ml.singular and it.reml.singular
    assert it.ml.best == pytest.approx(0, abs=1e-9) and it.reml.best == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose([group.mean() for group in it.residuals], 0, atol=1e-8)
    assert "boundary" in describe(it)


def test_ml_reaches_the_boundary_first():
    seen = {
        (it.ml.singular, it.reml.singular)
        for it in (compute("sleepstudy", 6, a) for a in np.linspace(0.5, 1, 26))
    }
    assert seen == {(False, False), (True, False), (True, True)}


def test_ml_is_smaller_and_more_so_with_fewer_groups():
    ratios = [it.ml.best / it.reml.best for it in (compute("sleepstudy", J) for J in (5, 18))]
    assert ratios[0] < ratios[1] < 1


@pytest.mark.parametrize("data", MODELS)
def test_only_the_groups_kept_are_there(data):
    it = compute(data, 7)
    assert it.J == 7 and len(it.residuals) == 7


@pytest.mark.parametrize("alike", [0.0, 0.3, 1.0])
def test_of_what_groups_differ_by_the_share_is_taken_away_and_nothing_else(alike):
    design = build_design(parse_formula(MODELS["sleepstudy"][0]), load_data("sleepstudy"))
    y, codes = _drawn_together(design, alike), design.blocks[0].codes
    before, after = (
        np.bincount(codes, one - design.X @ np.linalg.lstsq(design.X, design.y, rcond=None)[0])
        / np.bincount(codes)
        for one in (design.y, y)
    )
    np.testing.assert_allclose(after, (1 - alike) * before, atol=1e-9)
    taken = design.y - y
    np.testing.assert_allclose(taken, (np.bincount(codes, taken) / np.bincount(codes))[codes], atol=1e-9)


# ---- the picture ---------------------------------------------------------------------------------------------


def test_residuals_stand_over_their_group_with_their_mean_and_minima_on_the_axis():
    it = likelihood.compute(J=6)
    groups, curves = painted(likelihood, it)
    for j, own in enumerate(it.residuals):
        assert has(segments(groups), [[j + 0.6, own.mean()], [j + 1.4, own.mean()]])
    dots = points(groups, "o")
    np.testing.assert_allclose(dots[:, 1], np.concatenate(it.residuals))
    np.testing.assert_array_equal(dots[:, 0], np.repeat(np.arange(1, 7), 10))
    assert groups.get_xlim() == (0, 19) and groups.get_ylim() == (-it.window, it.window)
    assert it.window == pytest.approx(1.05 * np.abs(np.concatenate(likelihood.compute().residuals)).max())
    assert it.reach == pytest.approx(2.2 * 37.124, rel=1e-4), "2.2 times τ̂ of all 18"
    assert curves.get_xlim() == (0, it.reach) and curves.get_ylim() == (-0.35, 12)
    lowest = {tuple(line.get_xydata()[0]) for line in curves.lines if len(line.get_xdata()) == 1}
    assert lowest == {(it.ml.best, 0), (it.reml.best, 0)}
    assert 3.84 in {line.get_ydata()[0] for line in curves.lines}
    (name,) = [text for text in curves.texts if text.get_text() == "95% interval"]
    assert 0.9 * it.reach < name.get_position()[0] < it.reach and name.get_ha() == "right"
    assert it.ml.tau[0] == 0 and it.ml.tau[-1] > it.reach and len(it.ml.tau) == 41


def test_the_boundary_is_marked_if_either_optimum_is_on_it():
    seen = {}
    for alike in (0.5, 0.7, 0.76, 0.8, 0.84, 0.86, 0.9, 1.0):
        it = likelihood.compute("sleepstudy", 6, alike)
        seen[it.ml.singular, it.reml.singular] = it
    assert len(seen) >= 2
    for (ml, reml), it in seen.items():
        assert ("on the boundary" in texts(painted(likelihood, it)[1])) is (ml or reml)


def test_the_words_of_the_likelihood_tell_how_much_smaller_ml_is():
    it = likelihood.compute(J=5)
    words = likelihood.describe(it)
    assert f"ML is the smaller by {(it.reml.best - it.ml.best) / it.reml.best:.0%}" in words
    assert ("speak against it" in words) == (it.reml.rise[0] > 3.84)
    near = likelihood.compute("sleepstudy", 6, 0.7)
    assert 0 < near.reml.rise[0] < 3.84 and "do not rule it out" in likelihood.describe(near)
