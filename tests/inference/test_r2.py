"""R² of Nakagawa and Schielzeth."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError

from .conftest import data


@pytest.mark.parametrize(("name", "key", "tolerance"), [
    ("sleepstudy", "sleepstudy", 1e-6), ("mathachieve", "mathachieve", 1e-5), ("cbpp", "cbpp_latent", 1e-5),
])  # fmt: skip
def test_it_is_the_formulas_value(fit, reference, name, key, tolerance):
    assert_allclose(fit(name).r2()[["marginal", "conditional"]], reference["r2"][key], rtol=tolerance)


def test_a_flat_linear_models_is_the_squared_correlation():
    flat = mk.lm("Reaction ~ Days", data("sleepstudy"))
    assert flat.r2()["r2"] == pytest.approx(
        np.corrcoef(data("sleepstudy")[["Reaction", "Days"]].T)[0, 1] ** 2
    )


def test_no_predictor_explains_nothing(fit):
    assert fit("rats").r2()["marginal"] == pytest.approx(0) and fit("rats").r2()[
        "conditional"
    ] == pytest.approx(0.11836, abs=1e-5)


def test_a_link_without_a_residual_variance_is_named():
    d = pd.DataFrame({"y": np.random.default_rng(0).poisson(9, 60), "g": np.arange(60) % 6})
    fit = mk.glmer("y ~ 1 + (1|g)", d, family="poisson(sqrt)")
    with pytest.raises(DataError, match="poisson .sqrt."):
        fit.r2()


def test_an_offset_is_no_part_of_what_is_explained(fit):
    """Of a linear model it is the same as taking it from the response."""
    sleep = data("sleepstudy").assign(off=lambda d: 20.0 * np.sin(d["Days"]))
    sleep["less"] = sleep["Reaction"] - sleep["off"]
    given = mk.lmer("Reaction ~ Days + (Days|Subject)", sleep, offset="off")
    assert_allclose(given.r2(), mk.lmer("less ~ Days + (Days|Subject)", sleep).r2(), rtol=1e-6)
