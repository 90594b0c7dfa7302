"""Many functions minimised side by side."""

import numpy as np
import pytest

from mlmkit.engine.search.many import begin_many, hessians_many, minimise_many

CENTRES = np.random.default_rng(0).normal(size=(2, 30))


def bowls(x, rows):
    """Rosenbrock's valley, bent, around a centre of its own for each function."""
    a, b = x - CENTRES[:, rows]
    value = (1 - a) ** 2 + 10 * (b - a**2) ** 2
    return value, np.array([-2 * (1 - a) - 40 * a * (b - a**2), 20 * (b - a**2)])


def test_each_function_finds_its_own_minimum():
    many = begin_many(bowls, np.zeros((2, 30)))
    converged = minimise_many(many, lambda x: x)
    assert converged.all()
    np.testing.assert_allclose(many.x, CENTRES + 1, atol=1e-6)
    assert many.evaluations.max() < 120


def test_those_that_have_arrived_are_not_evaluated_again():
    start = np.zeros((2, 30))
    start[:, 0] = CENTRES[:, 0] + 1
    many = begin_many(bowls, start)
    minimise_many(many, lambda x: x)
    assert many.evaluations[0] < many.evaluations[1:].min()


def test_a_saddle_is_left():
    def saddle(x, rows):
        a, b = x
        return a**2 + (b**2 - 1) ** 2, np.array([2 * a, 4 * b * (b**2 - 1)])

    many = begin_many(saddle, np.array([[0.3, 0.0], [0.0, 0.0]]))
    assert minimise_many(many, lambda x: x).all()
    np.testing.assert_allclose(np.abs(many.x), [[0, 0], [1, 1]], atol=1e-6)


def test_the_canonical_point_is_taken_where_it_is_as_good():
    def flat(x, rows):
        return x[0] ** 4, 4 * x**3

    many = begin_many(flat, np.full((1, 3), 1e-3))
    minimise_many(many, lambda x: np.where(np.abs(x) < 1e-2, 0.0, x))
    assert np.all(many.x == 0.0)


def test_a_function_without_a_value_is_not_converged():
    def some(x, rows):
        value, gradient = x[0] ** 2, 2 * x
        return np.where(rows == 1, np.nan, value), gradient

    many = begin_many(some, np.ones((1, 3)))
    assert minimise_many(many, lambda x: x).tolist() == [True, False, True]


def test_a_stuck_function_does_not_stop_the_others():
    def some(x, rows):
        value = np.where(rows == 0, -np.abs(x[0]), (x[0] - 3) ** 2)
        return value, np.where(rows == 0, np.ones_like(x), 2 * (x - 3))

    many = begin_many(some, np.ones((1, 2)))
    converged = minimise_many(many, lambda x: x)
    assert converged[1] and many.x[0, 1] == pytest.approx(3.0)
    assert not converged[0]


def test_hessians():
    many = begin_many(bowls, CENTRES + 1)
    downhill = hessians_many(many, np.arange(30))
    np.testing.assert_allclose(many.hessian[:, :, 4], [[82.0, -40.0], [-40.0, 20.0]], rtol=1e-2)
    np.testing.assert_allclose(many.metric[:, :, 4] @ many.hessian[:, :, 4], np.eye(2), atol=1e-6)
    assert not downhill.any()


def test_functions_are_never_asked_for_none_of_them():
    """All searches begin on a saddle, so that none has arrived when the first round ends."""

    def saddle(x, rows):
        assert len(rows) > 0
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4, np.array([2 * x[0], -2 * x[1] + 4 * x[1] ** 3])

    many = begin_many(saddle, np.zeros((2, 3)))
    assert minimise_many(many, lambda x: x).all()
    np.testing.assert_allclose(np.abs(many.x), np.array([[0.0], [np.sqrt(0.5)]]) * np.ones(3), atol=1e-6)
