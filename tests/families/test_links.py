"""Links against finite differences, and far out."""

from __future__ import annotations

import numpy as np
import pytest

from mlmkit.families import DISTRIBUTIONS, LINKS


@pytest.fixture(params=LINKS)
def name(request):
    return request.param


def means(name):
    """Means inside the link's range."""
    return np.linspace(0.05, 0.95, 7) if LINKS[name].image == (0.0, 1.0) else np.linspace(0.3, 4.0, 7)


def test_link_and_mean_are_inverses(name):
    link = LINKS[name]
    eta = link.link(means(name))
    np.testing.assert_allclose(link.mean(eta), means(name), rtol=1e-12)
    np.testing.assert_allclose(link.link(link.mean(eta)), eta, rtol=1e-10, atol=1e-12)


def test_derivatives_of_the_mean(name):
    link, h = LINKS[name], 1e-5
    eta = link.link(means(name))
    for function, derivative in (
        (link.mean, link.slope),
        (link.slope, link.curvature),
        (link.curvature, link.third),
    ):
        differences = (function(eta + h) - function(eta - h)) / (2 * h)
        np.testing.assert_allclose(derivative(eta), differences, rtol=1e-6, atol=1e-7)


def test_every_link_is_used_and_every_used_link_is_known(name):
    assert any(name in one.links for one in DISTRIBUTIONS.values())
    assert {link for one in DISTRIBUTIONS.values() for link in one.links} <= set(LINKS)


@pytest.mark.parametrize("name", [name for name, link in LINKS.items() if link.image == (0.0, 1.0)])
def test_bounded_links_stay_inside_far_out(name):
    link, eta = LINKS[name], np.array([-1e30, -800.0, 800.0, 1e30])
    mu = link.mean(eta)
    assert np.all((mu > 0) & (mu < 1)) and np.all(np.diff(mu) >= 0)
    assert all(np.all(np.isfinite(f(eta))) for f in (link.slope, link.curvature, link.third))


def test_a_negative_predictor_has_no_positive_mean():
    for name in ("inverse", "1/mu^2", "sqrt"):
        assert LINKS[name].mean(np.array([-0.5]))[0] < 0
