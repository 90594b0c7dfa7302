"""Posteriors compared by leave-one-out cross-validation."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.bayes.checks import pointwise_loo, summed_loo
from mlmkit.errors import DataError, FitWarning
from tests.bayes.toy import toy

SETTINGS = {"chains": 2, "draws": 300, "tune": 300, "seed": 3, "cores": 1, "progress": False}


@pytest.fixture(scope="module")
def posteriors():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return [mk.brm(f"y ~ {part} + (1|class)", toy(), **SETTINGS) for part in ("1", "x")]


def test_the_better_model_is_first_and_differences_are_paired(posteriors):
    table = mk.compare(*posteriors)
    assert list(table.index) == [posteriors[1].formula, posteriors[0].formula]
    gap = np.subtract(*(pointwise_loo(one)[0] for one in posteriors))
    assert_allclose(table["elpd_diff"], [0, gap.sum()], rtol=1e-12)
    assert_allclose(table["se_diff"], [0, np.sqrt(60 * gap.var())], rtol=1e-12)
    for one in posteriors:
        loo = one.loo()
        assert_allclose(table.loc[one.formula, ["elpd_loo", "se", "p_loo"]], loo[["elpd_loo", "se", "p_loo"]])
    assert (
        table["se_diff"].iloc[1] < table["se"].min()
    )  # the rows are the same, so much of their spread cancels
    assert "less than about two of them says little" in repr(table)


def test_what_does_not_compare_is_refused(posteriors):
    other = mk.brm(
        "y ~ x + (1|class)",
        toy(seed=6),
        **(SETTINGS | {"sample_prior": "only", "priors": {"b": "normal(0, 1)"}}),
    )
    for wrong, said in [
        ((posteriors[0],), "two posteriors or more"),
        (
            (posteriors[0], mk.lmer("y ~ x + (1|class)", toy())),
            "MixedFit is not one; fits are compared with anova",
        ),
        ((posteriors[0], other), "priors alone"),
    ]:
        with pytest.raises(DataError, match=said):
            mk.compare(*wrong)
    with pytest.raises(DataError, match=r"compare\(\) compares posteriors, by their loo\(\)"):
        mk.anova(*posteriors)


def test_other_rows_do_not_compare(posteriors):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        other = mk.brm("y ~ x + (1|class)", toy(seed=6), **(SETTINGS | {"draws": 50, "tune": 50}))
    with pytest.raises(DataError, match="same rows and response"):
        mk.compare(posteriors[0], other)


def test_a_sum_over_rows_has_its_error_its_parameters_and_its_deviance():
    elpd, seen, k = np.array([-1.0, -2.0, -6.0]), np.array([-0.9, -1.8, -5.8]), np.array([0.7, 0.71, 0.2])
    told = summed_loo("y ~ x", elpd, seen, k)
    assert_allclose(told[["elpd_loo", "p_loo", "looic", "high_k"]].astype(float), [-9, 0.5, 18, 1])
    assert told["se"] == pytest.approx(np.sqrt(3) * np.std(elpd))


@pytest.mark.parametrize("change", [1e-6, 0.5])
def test_one_row_with_another_response_is_enough(posteriors, change):
    first, second = posteriors
    y = first.design.y + change * (np.arange(60) == 7)
    with pytest.raises(DataError, match="same rows and response"):
        mk.compare(first, replace(second, design=second.design.with_response(y)))
