"""The search: to the minimum, away from saddles, and honest about where it ends."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.testing import assert_allclose

from mlmkit.engine.search.optimise import begin, descend, escape, hessian, inverse_and_downhill, minimise


def search(objective, start, curvature=1.0):
    start = np.asarray(start, dtype=float)
    return begin(objective, start, np.full(len(start), curvature))


def rosenbrock(x):
    a, b = 1.0 - x[0], x[1] - x[0] ** 2
    return a * a + 100.0 * b * b, np.array([-2.0 * a - 400.0 * x[0] * b, 200.0 * b])


def quartic(x):
    """Minima at ±1 in x₀, a saddle at 0."""
    return (x[0] ** 2 - 1.0) ** 2 + x[1] ** 2, np.array([4.0 * x[0] * (x[0] ** 2 - 1.0), 2.0 * x[1]])


def unchanged(x):
    return x


def without_traces(x):
    return np.where(np.abs(x) < 1e-3, 0.0, x)


def test_bfgs_walks_down_a_bent_valley():
    s = search(rosenbrock, [-1.2, 1.0])
    assert descend(s)
    assert_allclose(s.point.x, 1.0, atol=1e-4)


def test_a_bad_scale_is_found_out():
    for curvature in (1e-4, 1e6):
        s = search(lambda x: (float(x @ x), 2.0 * x), [3.0, -2.0], curvature)
        assert minimise(s, unchanged)[0]
        assert_allclose(s.point.x, 0.0, atol=1e-4)


def test_hessian():
    s = search(rosenbrock, [0.5, 0.2])
    assert_allclose(hessian(s), [[2.0 - 400.0 * (0.2 - 3 * 0.25), -200.0], [-200.0, 200.0]], rtol=2e-3)


def test_a_saddle_is_left():
    s = search(quartic, [0.0, 0.5])
    assert minimise(s, unchanged)[0]
    assert_allclose(np.abs(s.point.x), [1.0, 0.0], atol=1e-4)


def test_the_canonical_form_is_tried_and_the_search_goes_on():
    s = search(lambda x: ((x[0] - 5e-5) ** 2 + x[1] ** 2, 2.0 * (x - [5e-5, 0.0])), [0.0, 1.0])
    assert minimise(s, without_traces)[0]
    assert s.point.x[0] == 0.0


def test_a_canonical_form_that_costs_too_much_is_refused():
    s = search(lambda x: (1e4 * (x[0] - 5e-4) ** 2, 2e4 * (x - 5e-4)), [1.0])
    assert minimise(s, without_traces)[0]
    assert_allclose(s.point.x, 5e-4, rtol=1e-4)


def test_downhill_by_curvature_only_where_there_is_any():
    metric, downhill = inverse_and_downhill(np.diag([4.0, -2.0]))
    assert_allclose(metric, np.diag([0.25, 0.5]))
    assert_allclose(np.abs(downhill), [0.0, 1.0])
    assert inverse_and_downhill(np.diag([4.0, 0.0]))[1] is None


def test_a_function_without_a_minimum_does_not_converge():
    s = search(lambda x: (-x[0], np.array([-1.0])), [0.0])
    assert not minimise(s, unchanged)[0]


def test_points_where_the_objective_fails_are_avoided():
    def guarded(x):
        if x[0] > 1.5:
            raise FloatingPointError
        return (x[0] - 1.0) ** 2, 2.0 * (x - 1.0)

    s = search(guarded, [0.0], curvature=0.5)
    assert minimise(s, unchanged)[0]
    assert_allclose(s.point.x, 1.0, atol=1e-5)


def test_second_derivatives_that_are_offered_are_used():
    def with_curvature(x):
        return *rosenbrock(x), lambda: np.array(
            [[2.0 - 400.0 * (x[1] - 3 * x[0] ** 2), -400.0 * x[0]], [-400.0 * x[0], 200.0]]
        )

    newton, bfgs = search(with_curvature, [-1.2, 1.0]), search(rosenbrock, [-1.2, 1.0])
    converged, H = minimise(newton, unchanged)
    assert converged
    assert_allclose(newton.point.x, 1.0, atol=1e-5)
    assert_allclose(H, [[802.0, -400.0], [-400.0, 200.0]], rtol=1e-3)
    minimise(bfgs, unchanged)
    assert newton.evaluations < bfgs.evaluations


def test_a_saddle_is_left_by_the_longest_of_the_steps_that_lowers():
    """Along ±1 the function falls as far as `reach` and is high beyond."""
    for reach, step in ((1.0, 0.3), (0.2, 0.1), (0.05, 0.03), (0.005, 1e-3)):

        def at(x, reach=reach):
            return SimpleNamespace(x=x, value=-abs(x[0]) if abs(x[0]) < reach else 1.0, gradient=np.zeros(1))

        search: Any = SimpleNamespace(point=at(np.zeros(1)), at=at)
        assert escape(search, np.ones(1)) and search.point.x[0] == step
