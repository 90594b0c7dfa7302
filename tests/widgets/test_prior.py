"""Prior against posterior: reweighting that agrees with sampling, and says when it cannot."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from mlmkit.bayes import Prior, brm
from mlmkit.datasets import load_data
from mlmkit.errors import DataError
from mlmkit.models import lmer
from mlmkit.widgets import prior, reweighting
from mlmkit.widgets.drawing import canvas
from mlmkit.widgets.prior import (
    ALL,
    FEW,
    FORMULA,
    SCALES,
    Marginal,
    choose,
    compute,
    default,
    describe,
    explore_prior,
    prior_density,
    show_prior,
    smooth,
)

TAU, SLOPE, RHO = SCALES


def half_normal(scale: float):
    return choose("half normal", scale, 0.0, np.inf, 1.0)


# -- reweighting -----------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [ALL, FEW])
def test_under_the_prior_that_was_sampled_all_draws_count_alike(people):
    it = compute(people)
    assert it.ess == pytest.approx(it.draws) and it.reliable
    for quantity in it.quantities:
        np.testing.assert_allclose(quantity.now.density, quantity.was.density)
        assert quantity.now.mean == pytest.approx(quantity.was.mean)


@pytest.mark.parametrize(
    "moves",
    [
        [{"shape": "half normal", "scale": scale} for scale in (100, 10, 5, 3, 2, 1)],
        [{"width": 5.0, "centre": centre} for centre in (10, 5, 0, -5, -10)],
        [{"eta": eta} for eta in (1, 2, 4, 8)],
    ],
)
def test_the_further_the_prior_moves_the_less_the_draws_are_worth(moves):
    worth = [compute(ALL, **move).ess for move in moves]
    assert all(later < earlier for earlier, later in pairwise(worth))


@pytest.mark.parametrize("people", [ALL, FEW])
def test_reweighting_agrees_with_sampling_under_that_prior(people):
    values = {"shape": "half normal", "scale": 5.0, "width": 10.0, "eta": 2.0}
    chosen = choose("half normal", 5.0, 0.0, 10.0, 2.0)
    reweighted, sampled = compute(people, **values), compute(people, **values, sampled=(chosen, 0))
    assert reweighted.ess < 0.9 * reweighted.draws and sampled.ess == pytest.approx(sampled.draws)
    for one, two in zip(reweighted.quantities, sampled.quantities, strict=True):
        error = two.now.sd * np.sqrt(1 / one.now.ess + 2 / two.now.ess)  # draws of a chain are alike a little
        assert abs(one.now.mean - two.now.mean) < 4 * error
        assert one.now.sd == pytest.approx(two.now.sd, rel=0.2)


def test_few_people_leave_the_prior_a_say_and_many_hardly_any():
    shift = {}
    for people in (ALL, FEW):
        tau = compute(people, shape="half normal", scale=5.0).quantities[0]
        shift[people] = tau.was.mean - tau.now.mean
    assert 0.2 < shift[ALL] < 1.0 and shift[FEW] > 3


def test_a_slope_pulled_away_from_the_data_makes_people_differ_more():
    contradicted = choose("half t", default().tau.args[-1], 0.0, 2.0, 1.0)
    tau, slope, _ = compute(ALL, width=2.0, sampled=(contradicted, 1)).quantities
    assert slope.now.mean < slope.was.mean - 3 and tau.now.mean > tau.was.mean + 1


def test_lmers_estimates_are_marked():
    fit = lmer(FORMULA, load_data("sleepstudy"))
    assert [quantity.estimate for quantity in compute().quantities] == pytest.approx(
        [fit.varcorr.sdcor[1], fit.fixef["Days"], fit.varcorr.sdcor[2]]
    )


# -- curves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "scale"),
    [
        (Prior("student_t", (3.0, 0.0, 2.0)), TAU),
        (Prior("normal", (0.0, 3.0)), TAU),
        (Prior("exponential", (0.5,)), TAU),
        (Prior("normal", (5.0, 2.0)), SLOPE),
        (Prior("lkj", (1.0,)), RHO),
        (Prior("lkj", (4.0,)), RHO),
    ],
)
def test_a_priors_area_is_one(chosen, scale):
    area = np.trapezoid if hasattr(np, "trapezoid") else np.trapz
    assert area(prior_density(chosen, scale), scale.x) == pytest.approx(1, abs=0.005)


def test_a_flat_prior_has_no_density():
    assert np.isnan(prior_density(Prior("flat"), SLOPE)).all()


def test_a_curve_has_all_the_draws_and_does_not_fall_at_a_bound():
    x = np.abs(np.random.default_rng(1).normal(size=20_000)) * 5
    density = smooth(x, np.full(len(x), 1 / len(x)), TAU, x.std(), len(x))
    assert density.sum() * (TAU.x[1] - TAU.x[0]) == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(density, 2 * stats.norm.pdf(TAU.x, scale=5), atol=0.006)


def test_weights_count_like_copies():
    x = np.random.default_rng(1).normal(8, 3, size=400)
    weights = np.random.default_rng(2).integers(0, 4, size=400)
    copies = np.repeat(x, weights)
    common = {"scale": SLOPE, "sd": 3.0, "ess": 300.0}
    once = smooth(x, weights / weights.sum(), **common)
    np.testing.assert_allclose(once, smooth(copies, np.full(len(copies), 1 / len(copies)), **common))


@pytest.mark.parametrize(
    ("sd", "ess", "told"),
    [(1.5, 40_000, ("6.57", "4.2", "10.1")), (1.5, 400, ("6.6", "4", "10")), (15, 100, ("7", "4", "10"))],
)
def test_no_more_digits_than_the_monte_carlo_error_allows(sd, ess, told):
    assert Marginal(np.zeros(1), 6.566, sd, 4.15, 10.13, ess).told == told


def test_a_mean_that_rounds_to_zero_has_no_sign():
    assert Marginal(np.zeros(1), -0.004, 0.3, -0.5, 0.5, 100).told == ("0.0", "−0.5", "0.5")


# -- the live exploration --------------------------------------------------------------------------


def test_too_far_is_said_and_sampling_again_mends_it():
    explorer = explore_prior("too far")
    assert not explorer.result.reliable
    assert "press “sample again”" in explorer.words and "95%" not in explorer.words
    assert explorer.axes[0].get_title(loc="right") == "τ₁: too few draws"
    explorer.controls["again"].click()
    assert explorer.result.reliable and "count alike" in explorer.words
    explorer.set(width=3.0)  # the new draws serve for neighbouring priors, too
    assert explorer.result.reliable and explorer.result.ess < explorer.result.draws
    explorer.set(people=FEW)
    assert explorer.values["sampled"] is None
    explorer.reset()
    assert not explorer.result.reliable and explorer.values["sampled"] is None


def test_pressing_again_under_the_same_priors_shows_the_monte_carlo_error_alone():
    explorer = explore_prior()
    before = explorer.result.quantities[0].now
    explorer.controls["again"].click()
    after = explorer.result.quantities[0].now
    assert after.mean != before.mean
    assert abs(after.mean - before.mean) < 6 * before.sd / np.sqrt(before.ess)


def test_it_says_that_it_is_sampling(monkeypatch):
    explorer, said = explore_prior(), []

    def quick(*_, **settings):
        said.append(explorer.help.value)
        return prior.drawn(ALL, default(), 0)

    monkeypatch.setattr(prior, "brm", quick)
    monkeypatch.setattr(prior, "_drawn", dict(prior._drawn))
    explorer.set(scale=20.0)
    assert said == []
    explorer.controls["again"].click()
    assert len(said) == 1 and "Sampling the posterior of 18 people" in said[0]
    assert explorer.help.value == ""


def test_what_the_sampler_complains_of_is_passed_on(monkeypatch):
    poor = brm(FORMULA, load_data("sleepstudy"), chains=1, draws=20, tune=20, seed=1, progress=False, cores=1)
    monkeypatch.setattr(prior, "_drawn", {**prior._drawn, (ALL, default(), 0): poor})
    assert poor.messages and poor.messages[0] in describe(compute())


def test_ones_own_draws_are_taken_and_others_refused(monkeypatch):
    sleep, short = load_data("sleepstudy"), {"chains": 1, "draws": 100, "tune": 100, "seed": 3, "cores": 1}
    monkeypatch.setattr(prior, "_drawn", {})
    own = brm(FORMULA, sleep, progress=False, **short)
    assert explore_prior(posterior=own).result.draws == 100
    assert list(prior._drawn.values()) == [own], "nothing was sampled"
    narrower = brm(FORMULA, sleep, priors={"sd": "normal(0, 5)"}, progress=False, **short)
    fewer = brm(FORMULA, sleep[sleep.Subject != 308], progress=False, **short)
    for other in (narrower, fewer):
        with pytest.raises(DataError, match="under the default priors"):
            show_prior(other)


def test_words():
    words = describe(compute(FEW, shape="half normal", scale=5.0))
    assert words.startswith("5 people. Priors: τ₁ half normal, scale 5; b₁ flat; ρ LKJ, η 1. τ₁: mean ")
    assert "(default priors: 12, 4 to " in words and "draws, reweighted, are worth about" in words
    assert "default priors:" not in describe(compute(FEW))


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("half t", "half t, scale 4"),
        ("half normal", "half normal, scale 4"),
        ("exponential", "exponential, mean 4"),
    ],
)
def test_a_prior_is_said_as_its_controls_say_it(shape, said):
    """No rate where the slider has a mean, no whole normal distribution where the SD has half of one."""
    words = describe(compute(FEW, shape=shape, scale=4.0, centre=8.0, width=5.0, eta=2.5))
    assert f"τ₁ {said}; b₁ normal, mean 8, SD 5; ρ LKJ, η 2.5." in words


def test_a_flat_prior_has_no_mean_to_move():
    explorer = explore_prior()
    mean = explorer.controls["centre"]
    seen = [mean.disabled]
    for change in (
        lambda: explorer.set(width=5.0),
        lambda: explorer.set(width=np.inf),
        lambda: explorer.use("too far"),
        explorer.reset,
    ):
        change()
        seen.append(mean.disabled)
    assert seen == [True, False, True, False, True]


# ---- the picture ---------------------------------------------------------------------------------------------


def quantity(peak=1.0, density_prior=None):
    """A parameter from −1 to 1 with a posterior of this height, and one half as high under the chosen prior."""
    x = reweighting.SCALES[2].x
    shape = stats.norm.pdf(x, 0, 0.2) / stats.norm.pdf(0, 0, 0.2)
    was, now = (
        reweighting.Marginal(height * shape, 0.1, 0.2, -0.3, 0.4, 1000.0) for height in (peak, peak / 2)
    )
    flat = np.full(x.shape, np.nan)
    return prior.Quantity(
        reweighting.SCALES[2], flat if density_prior is None else density_prior, was, now, 0.25
    )


@pytest.mark.parametrize("reliable", [True, False])
def test_a_posterior_is_drawn_over_the_first_one_with_the_estimate_across(reliable):
    (ax,) = canvas((5, 4)).subplots(1, 1, squeeze=False)[0]
    it = quantity(1.2)
    prior._draw_quantity(ax, it, reliable)
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_allclose(lines["its posterior"].get_ydata(), it.now.density)
    assert ax.get_ylim() == (0, 1.5) and ax.get_xlim() == (-1, 1), "the next of 1, 1.5, 2 beyond 1.08 × 1.2"
    np.testing.assert_allclose(lines["lmer's estimate"].get_xydata(), [[0.25, 0], [0.25, 1.5]])
    np.testing.assert_allclose(lines["chosen prior"].get_ydata(), 0.09)
    (flat,) = ax.texts
    assert flat.get_text() == "flat" and flat.get_position() == pytest.approx((it.scale.x[3], 0.12))
    assert ax.get_title("right") == ("ρ: mean 0.10, now 0.10" if reliable else "ρ: too few draws")
    shade = ax.collections[0].get_paths()[0].vertices
    assert shade[:, 1].max() == pytest.approx(1.2)


def test_a_prior_that_is_not_flat_is_drawn_as_it_is():
    (ax,) = canvas((5, 4)).subplots(1, 1, squeeze=False)[0]
    density = np.full(reweighting.POINTS, 0.5)
    prior._draw_quantity(ax, quantity(1.2, density), True)
    (line,) = (line for line in ax.lines if line.get_label() == "chosen prior")
    np.testing.assert_array_equal(line.get_ydata(), density)
    assert not ax.texts


@pytest.mark.parametrize(
    ("mean", "sd", "ess", "told"),
    [
        (1.234, 1.0, 100.0, ("1.2", "−1", "3")),
        (1.234, 100.0, 100.0, ("1", "−1", "3")),
        (1.234, 0.1, 1e4, ("1.234", "−0.57", "3.21")),
    ],
)
def test_numbers_of_a_posterior_have_the_digits_their_errors_allow(mean, sd, ess, told):
    it = reweighting.Marginal(np.zeros(1), mean, sd, -0.5678 if sd != 100 else -1.2, 3.21, ess)
    assert it.told == told


def test_draws_that_are_made_again_are_others(monkeypatch):
    monkeypatch.setattr(prior, "brm", lambda *_, seed, **__: seed)
    assert [prior._sample(18, seed=k) for k in range(4)] == [1, 2, 3, 4]
