"""The studentised range against SciPy's and, for two means, Student's t."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from mlmkit.inference import studentised

DF = np.array([1.0, 2.0, 3.3, 8.0, 22.4, 150.0, 9000.0])


@pytest.mark.parametrize("k", [3, 5, 12])
def test_it_is_scipys(k):
    assert_allclose(studentised.ppf(0.95, k, DF), stats.studentized_range.ppf(0.95, k, DF), rtol=1e-9)
    assert_allclose(studentised.sf(4.2, k, DF), stats.studentized_range.sf(4.2, k, DF), atol=1e-10)


def test_rs_values():
    """qtukey and ptukey of R 4.2."""
    assert_allclose(studentised.ppf(0.95, 3, np.array([22.4, 50.0])), [3.548099111, 3.4159205666], rtol=1e-7)
    assert_allclose(
        studentised.sf(np.array([3.3, 3.3]), 3, np.array([22.4, np.inf])),
        [0.0715275037678, 0.051310906419],
        rtol=1e-9,
    )


def test_of_two_means_it_is_students():
    df = np.append(DF, np.inf)
    assert_allclose(studentised.ppf(0.9, 2, df) / np.sqrt(2), stats.t.isf(0.05, df), rtol=1e-10)
    assert_allclose(studentised.sf(np.full(8, 3.0), 2, df), 2 * stats.t.sf(3 / np.sqrt(2), df), rtol=1e-9)


@pytest.mark.parametrize("level", [0.01, 0.5, 0.999])
def test_quantiles_and_probabilities_are_each_others_inverse(level):
    df = np.append(DF, np.inf)
    assert_allclose(studentised.sf(studentised.ppf(level, 6, df), 6, df), 1 - level, rtol=1e-8)


def test_what_is_not_known_stays_so():
    df = np.array([4.0, np.nan, np.inf])
    assert np.isnan(studentised.ppf(0.95, 3, df)).tolist() == [False, True, False]
    assert np.isnan(studentised.sf(np.array([1.0, 2.0, np.nan]), 3, df)).tolist() == [False, True, True]
