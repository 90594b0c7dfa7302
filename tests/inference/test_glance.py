"""One row per fit."""

import pytest

import mlmkit as mk

from .conftest import data


def test_reml_maximum_likelihood_and_flat(fit):
    reml = fit("sleepstudy").glance().iloc[0]
    assert reml["REMLcrit"] == pytest.approx(1743.62827, abs=1e-4) and reml["df.residual"] == 174
    ml = fit("sleepstudy", reml=False).glance().iloc[0]
    assert ml["deviance"] == pytest.approx(1751.93934, abs=1e-4) and ml["AIC"] == pytest.approx(
        1763.93934, abs=1e-4
    )
    flat = mk.lm("Reaction ~ Days", data("sleepstudy")).glance().iloc[0]
    assert flat["df.residual"] == 178 and flat["nobs"] == 180
