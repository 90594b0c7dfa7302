"""What a fit answers can be stored, or sent to another process, and says the same when it is back."""

import pickle
import warnings

import numpy as np
import pytest

import mlmkit as mk


def data():
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(12), 10)
    x = rng.normal(size=120)
    eta = 0.4 + 0.5 * x + 0.6 * rng.normal(size=12)[g] + 0.3 * rng.normal(size=12)[g] * x
    y = rng.negative_binomial(4.0, 4.0 / (4.0 + np.exp(eta)))
    return {
        "g": g.astype(str),
        "x": x,
        "eta": eta + rng.normal(size=120),
        "y": y,
        "t": rng.gamma(3, np.exp(eta)),
    }


def models():
    table = data()
    yield "linear", lambda: mk.lmer("eta ~ x + (x|g)", table)
    yield "flat", lambda: mk.lm("eta ~ x", table)
    yield "flat counts", lambda: mk.glm("y ~ x", table, "nbinom")
    yield "times on the log2 scale", lambda: mk.lmer("log2(t) ~ x + (1|g)", table)
    yield "times on the root's scale", lambda: mk.lmer("sqrt(t) ~ x + (1|g)", table)
    yield "counts", lambda: mk.glmer("y ~ x + (1|g)", table, "nbinom")
    yield "times", lambda: mk.glmer("t ~ x + (1|g)", table, ("gamma", "log"))


MODELS = dict(models())


def again(answer):
    return pickle.loads(pickle.dumps(answer))


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_the_same_when_they_come_back(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mk.FitWarning)
        fit = MODELS[name]()
        which = [
            name for name in fit.confint(ddf=None).index if name.startswith(("x", "sd_", "sigma", "shape"))
        ]
        scale = {"log2": "original", "sqrt": "original"}.get(fit.spec.response.name[:4], "response")
        profile, means, slopes = fit.profile(which), fit.means("x", scale=scale), fit.slopes("x")
        for answer in (fit, means, slopes, fit.tests(), fit.check(20, seed=1)):
            assert repr(again(answer)) == repr(answer)
        np.testing.assert_allclose(
            again(profile).confint(0.9).to_numpy(), profile.confint(0.9).to_numpy(), rtol=1e-6, atol=1e-8
        )
