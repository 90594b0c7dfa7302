"""A family with a dispersion has none to estimate where every mean is given: no numbers without meaning."""

import pandas as pd
import pytest

import mlmkit as mk

DATA = pd.DataFrame({"y": [1.0, 2.0, 4.0], "f": list("abc"), "x": [1.0, 2.0, 3.0]})


@pytest.mark.parametrize("family", ["gaussian", "gamma", "inverse.gaussian", "gaussian(log)", "gamma(log)"])
@pytest.mark.parametrize("formula", ["y ~ f", "y ~ poly(x, 2)"])
def test_as_many_coefficients_as_rows_are_refused(family, formula):
    with pytest.raises(mk.DataError, match="reproduces the response exactly"):
        mk.glm(formula, DATA, family)


@pytest.mark.parametrize("family", ["gamma", "gaussian(log)"])
def test_one_row_and_one_value_are_refused(family):
    with pytest.raises(mk.DataError, match="reproduces the response exactly"):
        mk.glm("y ~ 1", DATA[:1], family)
    with pytest.raises(mk.DataError, match="reproduces the response exactly"):
        mk.glm("y ~ x", pd.concat([DATA[:2], DATA[:2]]), family)


def test_counts_have_no_dispersion_to_estimate():
    assert mk.glm("y ~ f", DATA, "poisson").converged
