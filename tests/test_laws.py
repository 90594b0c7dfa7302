"""The generator of random models: what it draws can be fitted, and lme4's criteria are compared where R is there."""

import numpy as np

from benchmarks import laws


def test_models_are_drawn_and_fitted():
    rng = np.random.default_rng(3)
    models = [laws.model(rng) for _ in range(12)]
    assert len({one.kind for one in models}) >= 3
    fits = [one.fit() for one in models]
    assert sum(fit is not None and np.isfinite(fit.loglik) for fit in fits) >= 10
