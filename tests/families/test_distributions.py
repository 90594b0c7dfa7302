"""Every distribution against scipy's densities, finite differences and its own draws."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import scipy.stats

from mlmkit.families import DISTRIBUTIONS, Distribution
from mlmkit.families.nbinom import _log_rising, _log_rising_slope, _stirling

#: A dispersion that is neither large nor small, for those that have one.
DISPERSION = {"nbinom": 2.5, "student": (0.3, 5.0)}
FLOATING = [one for one in DISTRIBUTIONS.values() if one.has_dispersion and not one.is_sampled_only]


@pytest.fixture(params=list(DISTRIBUTIONS.values()), ids=list(DISTRIBUTIONS))
def one(request) -> Distribution:
    return request.param


def dispersion(one: Distribution):
    return DISPERSION.get(one.name, 0.3) if one.has_dispersion else 1.0


def values(one: Distribution) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Responses that the distribution can give, means inside its range, and weights."""
    mu, weights = np.linspace(0.3, 4.0, 7), np.arange(1.0, 8.0)
    if one.counts_trials:
        return np.array([0.0, 0.5, 1.0, 0.25, 1.0, 0.5, 0.0]), mu / 5, np.array([2.0, 4, 1, 4, 3, 2, 1])
    if one.discrete:
        return np.array([0.0, 1.0, 2.0, 7.0, 4.0, 3.0, 12.0]), mu, weights
    return np.array([0.3, 1.2, 2.0, 0.7, 4.0, 3.0, 1.0]), mu, weights


def differences(function, x: np.ndarray | float, h: float = 1e-6):
    return (function(x + h) - function(x - h)) / (2 * h)


def log_density(one: Distribution, y, mu, weights, phi) -> np.ndarray:
    return weights * one.kernel(y, mu, phi) + one.constants(y, weights, weights, phi)


def test_the_saturated_log_density_is_that_at_the_response_itself(one):
    """Where a response is a mean that there may be; no other mean does better."""
    if one.is_sampled_only:
        pytest.skip("it has no deviance")
    y, mu, _ = values(one)
    phi = dispersion(one)
    inside = (y > one.mean_range[0]) & (y < one.mean_range[1])
    saturated = np.broadcast_to(one.saturated(y, phi), y.shape)
    np.testing.assert_allclose(saturated[inside], one.kernel(y[inside], y[inside], phi), rtol=1e-10)
    assert np.all(saturated >= one.kernel(y, mu, phi) - 1e-10)


def test_the_log_density_is_scipys(one):
    y, mu, weights = values(one)
    phi = dispersion(one)
    weights = np.ones_like(y) if one.weights_repeat and not one.counts_trials else weights
    frozen = one.frozen(mu, weights, phi)
    density = frozen.logpmf(y * (weights if one.counts_trials else 1)) if one.discrete else frozen.logpdf(y)
    np.testing.assert_allclose(log_density(one, y, mu, weights, phi), density, rtol=1e-10)


def test_a_weight_of_two_is_two_observations_or_half_the_variance(one):
    y, mu, _ = values(one)
    phi, once = dispersion(one), np.ones_like(y)
    twice = one.constants(y, 2 * once, once, phi) + 2 * one.kernel(y, mu, phi)
    repeated = 2 * log_density(one, y, mu, once, phi)
    expected = repeated if one.weights_repeat else log_density(one, y, mu, once, phi / 2)
    np.testing.assert_allclose(twice, expected, rtol=1e-10)


def test_the_score_by_the_mean_is_the_gap_over_the_variance(one):
    y, mu, _ = values(one)
    phi = dispersion(one)
    by_mean = differences(lambda m: one.kernel(y, m, phi), mu)
    np.testing.assert_allclose(one.score(y, mu, phi), by_mean, rtol=1e-6, atol=1e-8)
    if not one.is_sampled_only:
        np.testing.assert_allclose(by_mean, (y - mu) / one.variance(mu, phi), rtol=1e-6, atol=1e-8)


def test_derivatives_of_the_variance(one):
    if one.is_sampled_only:
        return  # nothing asks for them
    _, mu, _ = values(one)
    phi = dispersion(one)
    slope = differences(lambda m: one.variance(m, phi), mu)
    curvature = differences(lambda m: one.variance_slope(m, phi), mu)
    np.testing.assert_allclose(one.variance_slope(mu, phi), slope, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(one.variance_curvature(mu, phi), curvature, rtol=1e-6, atol=1e-8)


def test_saturated_is_the_highest_kernel(one):
    y, mu, _ = values(one)
    phi = dispersion(one)
    inside = (y > one.mean_range[0]) & (y < one.mean_range[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        own = one.kernel(y, y, phi)
    np.testing.assert_allclose(one.saturated(y, phi)[inside], own[inside], rtol=1e-12)
    assert np.all(one.saturated(y, phi) >= one.kernel(y, mu, phi) - 1e-12)


def test_start_is_inside_the_range(one):
    y, _, weights = values(one)
    low, high = one.mean_range
    start = one.start(y, weights)
    assert np.all((start > low) & (start < high))


def test_draws_have_the_mean_and_the_variance(one):
    n, phi, mean = 200_000, dispersion(one), 0.3 if one.counts_trials else 2.0
    draws = one.draw(np.random.default_rng(1), np.full(n, mean), np.ones(n), phi)
    variance = float(one.variance(np.array(mean), phi))
    assert draws.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / n))
    assert draws.var() == pytest.approx(variance, rel=0.05)
    assert not np.any(one.refused(draws))


def test_parameters_as_they_are_sampled(one):
    y, mu, weights = values(one)
    own = np.array([1.3, 4.0][: len(one.own)])

    def loglik(own):
        return float(np.sum(log_density(one, y, mu, weights, one.from_own(*own))))

    expected = [(loglik(own + step) - loglik(own - step)) / 2e-6 for step in 1e-6 * np.eye(len(own))]
    np.testing.assert_allclose(one.by_own(y, mu, weights, weights, own), expected, rtol=1e-6, atol=1e-7)
    assert len(one.symbols) == len(one.own) == len(one.told(one.from_own(*own)))
    assert all(value > parameter.lower for value, parameter in zip(one.own_start(y), one.own, strict=True))


@pytest.mark.parametrize("one", FLOATING, ids=lambda one: one.name)
class TestDispersion:
    def test_its_line_has_no_ends(self, one):
        phi = dispersion(one)
        place = one.coordinate(phi)
        assert one.from_coordinate(place) == pytest.approx(phi, rel=1e-14)
        assert np.isfinite(place) and one.from_coordinate(-place) > 0

    def test_derivatives(self, one):
        y, mu, weights = values(one)
        place = one.coordinate(dispersion(one))
        phi, slope = one.from_coordinate(place), one.coordinate_slope(place)

        def at(function):
            return differences(lambda c: function(one.from_coordinate(c)), place)

        np.testing.assert_allclose(
            slope * one.kernel_by_dispersion(y, mu, phi),
            at(lambda p: one.kernel(y, mu, p)),
            rtol=1e-6,
            atol=1e-8,
        )
        np.testing.assert_allclose(
            slope * one.constants_by_dispersion(y, weights, weights, phi),
            at(lambda p: one.constants(y, weights, weights, p)),
            rtol=1e-6,
            atol=1e-8,
        )
        by_v, by_slope = one.variance_by_dispersion(mu, phi)
        np.testing.assert_allclose(slope * by_v, at(lambda p: one.variance(mu, p)), rtol=1e-6)
        np.testing.assert_allclose(
            slope * by_slope, at(lambda p: one.variance_slope(mu, p)), rtol=1e-6, atol=1e-9
        )

    def test_it_is_told_in_words(self, one):
        assert one.words and one.symbols and one.dispersion_name in ("sigma", "size")


class TestNegativeBinomial:
    one, poisson = DISTRIBUTIONS["nbinom"], DISTRIBUTIONS["poisson"]
    y, mu, weights = (
        np.array([0.0, 1.0, 5.0, 40.0, 3000.0]),
        np.array([0.2, 3.0, 4.0, 60.0, 2900.0]),
        np.ones(5),
    )

    def test_an_infinite_size_is_the_poisson(self):
        np.testing.assert_allclose(
            log_density(self.one, self.y, self.mu, self.weights, np.inf),
            log_density(self.poisson, self.y, self.mu, self.weights, 1.0),
            rtol=1e-12,
        )

    @pytest.mark.parametrize("size", [1e-3, 0.5, 30.0, 99.0, 101.0, 2e3, 1e5])
    def test_density_and_slope_for_small_and_large_sizes(self, size):
        expected = scipy.stats.nbinom.logpmf(self.y, size, size / (size + self.mu))
        np.testing.assert_allclose(
            log_density(self.one, self.y, self.mu, self.weights, size), expected, rtol=1e-9, atol=1e-9
        )

    @pytest.mark.parametrize("alpha", [0.0, 1e-12, 1e-8, 1e-4, 9.9e-3, 1.01e-2, 0.3, 20.0])
    def test_the_slope_by_alpha_is_a_sum_over_the_counts(self, alpha):
        """Σ j/(1 + αj) over j < y, and the derivative of −(y + 1/α) log(1 + αμ), by a long expansion near 0."""
        size = np.inf if alpha == 0 else 1 / alpha
        counts = np.array([sum(j / (1 + alpha * j) for j in range(int(y))) for y in self.y])
        np.testing.assert_allclose(
            self.one.constants_by_dispersion(self.y, self.weights, self.weights, size),
            counts,
            rtol=1e-9,
            atol=1e-9,
        )
        if alpha == 0:
            expected = self.mu**2 / 2 - self.y * self.mu
            np.testing.assert_allclose(
                self.one.kernel_by_dispersion(self.y, self.mu, size), expected, rtol=1e-12
            )

    def test_the_slope_at_the_poisson_tells_overdispersion(self):
        slope = self.one.kernel_by_dispersion(self.y, self.mu, np.inf)
        slope += self.one.constants_by_dispersion(self.y, self.weights, self.weights, np.inf)
        np.testing.assert_allclose(slope, ((self.y - self.mu) ** 2 - self.y) / 2, rtol=1e-9)

    def test_the_most_likely_size(self):
        rng = np.random.default_rng(3)
        mu = np.exp(rng.normal(size=2000))
        y, weights = rng.poisson(mu * rng.gamma(2.0, 0.5, 2000)).astype(float), np.ones(2000)
        size = self.one.most_likely(y, mu, weights)
        best = scipy.optimize.minimize_scalar(
            lambda k: -log_density(self.one, y, mu, weights, np.exp(k)).sum(),
            bounds=(-5, 5),
            method="bounded",
            options={"xatol": 1e-10},
        )
        assert size == pytest.approx(np.exp(best.x), rel=1e-5)
        assert self.one.most_likely(np.round(mu), mu, weights) == np.inf


def test_what_is_sampled_is_the_parameter_that_is_named():
    """σ and ν, a gamma's and an inverse Gaussian's shape: each gives the variance that its textbook does."""
    mu = np.array([0.5, 2.0])
    variances = {
        "gaussian": ((1.3,), 1.3**2 + 0 * mu),
        "gamma": ((1.3,), mu**2 / 1.3),
        "inverse.gaussian": ((1.3,), mu**3 / 1.3),
        "nbinom": ((1.3,), mu + mu**2 / 1.3),
        "student": ((1.3, 5.0), 1.3**2 * 5 / 3 + 0 * mu),
    }
    assert set(variances) == {name for name, one in DISTRIBUTIONS.items() if one.own}
    for name, (own, variance) in variances.items():
        one = DISTRIBUTIONS[name]
        frozen = one.frozen(mu, np.ones(2), one.from_own(*own))
        np.testing.assert_allclose(frozen.var(), variance, rtol=1e-12)


def test_the_variance_of_a_logarithm_is_that_of_a_lognormal_of_this_mean_and_variance(one):
    _, mu, _ = values(one)
    phi = dispersion(one)
    spread = np.sqrt(Distribution.log_variance(one, mu, phi))  # a Gamma's own is exact
    alike = scipy.stats.lognorm(spread, scale=mu * np.exp(-(spread**2) / 2))
    np.testing.assert_allclose(alike.mean(), mu)
    np.testing.assert_allclose(alike.var(), one.variance(mu, phi) * np.ones_like(mu))


@pytest.mark.parametrize("z", [5.0, 20.0, 300.0])
def test_what_stirlings_formula_lacks(z):
    exact = scipy.special.gammaln(z) - ((z - 0.5) * np.log(z) - z + 0.5 * np.log(2 * np.pi))
    assert _stirling(np.array(1 / z)) == pytest.approx(exact, abs=1e-13 + 1 / (1600 * z**7))


@pytest.mark.parametrize("unit", [0.01, 1.0, 100.0])
def test_an_inverse_gaussian_shape_starts_at_its_moments_in_any_unit(unit):
    """λ = μ³/σ², of the unit of the response."""
    y = unit * np.array([1.0, 2.0, 3.0, 6.0])
    assert DISTRIBUTIONS["inverse.gaussian"].own_start(y) == pytest.approx((unit * 27 / 3.5,))


def test_no_trials_have_no_successes():
    weights = np.array([0.0, 1.0, 4.0])
    drawn = DISTRIBUTIONS["binomial"].draw(np.random.default_rng(1), np.full(3, 0.5), weights, 1.0)
    assert drawn[0] == 0 and set(4 * drawn[2:]) <= {0, 1, 2, 3, 4} and drawn[1] in (0, 1)


@pytest.mark.parametrize("size", [3.0, 99.0, 101.0, 1e3, 1e6])
def test_the_rising_factorial_is_its_sum(size):
    """log Γ(s + y) − log Γ(s) − y log s = Σ log(1 + j/s) over j < y; its slope by 1/s is Σ j/(1 + j/s)."""
    y = np.arange(60.0)
    j = np.arange(60.0)[None, :]
    below = j < y[:, None]
    value, slope = np.log1p(j / size), j / (1 + j / size)
    np.testing.assert_allclose(_log_rising(y, size), np.sum(value * below, axis=1), rtol=1e-10, atol=1e-12)
    tolerance = {"rtol": 1e-10, "atol": 1e-12 if size > 100 else 1e-9}
    np.testing.assert_allclose(_log_rising_slope(y, size), np.sum(slope * below, axis=1), **tolerance)
