"""What a fit prints."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy

import mlmkit as mk
from mlmkit.printing import _correlations, coefficients


@pytest.fixture(scope="module")
def sleep_fit():
    return mk.lmer("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"))


@pytest.mark.parametrize(
    "line",
    [
        "Linear mixed model fit by REML",
        "Formula: Reaction ~ Days + (Days|Subject)",
        "REML criterion at convergence: 1743.6",
        "-3.9536 -0.4634 0.0231 0.4634 5.1793",
        "Groups   Name      Variance SD across groups Corr",
        "Subject  Intercept   612.09           24.740",
        "         Days         35.07            5.922 0.07",
        "Residual             654.94           25.592",
        "Number of obs: 180, groups: Subject, 18",
        "Intercept  251.405      6.825  36.838",
        "Days    -0.138",
    ],
)
def test_the_lines_a_reader_of_lme4_looks_for(sleep_fit, line):
    assert line in str(sleep_fit.summary()).split("\n")


def test_ml_and_generalized_fits_print_their_criteria():
    fit = mk.glmer("cbind(m, n - m) ~ 1 + (1|batch)", mk.load_data("rats"))
    text = str(fit.summary())
    assert "Family: binomial (logit)" in text and "Laplace approximation" in text
    assert "319.9 324.4 -157.9     315.9       69" in text
    assert "Pr(>|z|)" in text and "<2e-16" in text


def test_dropped_rows_and_notes_are_part_of_it():
    text = str(mk.lmer("rt ~ 1 + (1|participant) + (1|spelling)", mk.load_data("blp")).summary())
    assert "Rows: 651 used, 11 dropped for a missing value" in text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = str(
            mk.lmer("mathscore ~ ses + (ses||classid) + (ses|schoolid)", mk.load_data("classroom")).summary()
        )
    assert "SD of ses across classid is estimated as 0" in text


def test_html_carries_the_same_numbers_and_escapes_names(sleep_fit):
    html = sleep_fit.summary()._repr_html_()
    for cell in ("24.740", "0.07", "36.838", "REML criterion at convergence: 1743.6"):
        assert cell in html
    odd = mk.lm("y ~ `a<b`", mk.load_data("sleepstudy").rename(columns={"Days": "a<b", "Reaction": "y"}))
    assert "a&lt;b" in odd.summary()._repr_html_() and "a<b" not in odd.summary()._repr_html_()


def test_a_linear_model_prints_exact_p_values():
    text = str(mk.lm("Reaction ~ Days", mk.load_data("sleepstudy")).summary())
    assert "9.89e-15" in text and "Residual SD: 47.71 on 178 degrees of freedom" in text


def test_tidy_has_broom_mixeds_columns_and_terms(sleep_fit):
    table = sleep_fit.tidy()
    assert list(table.columns[:6]) == ["effect", "group", "term", "estimate", "std.error", "statistic"]
    assert list(table.term) == [
        "Intercept",
        "Days",
        "sd__Intercept",
        "sd__Days",
        "cor__Intercept.Days",
        "sd__Observation",
    ]
    np.testing.assert_allclose(table.estimate[:2], sleep_fit.fixef)
    np.testing.assert_allclose(table.estimate[2:], sleep_fit.varcorr.sdcor)


def test_a_response_in_a_large_unit_prints_its_numbers_not_noughts():
    """The digits of the same fit in milliseconds, in exponent form as R has them."""
    data = mk.load_data("sleepstudy")
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", data.assign(Reaction=data["Reaction"] * 1e-6))
    text = str(mk.summary(fit))
    for line in (
        "Subject  Intercept 6.121e-10        2.474e-05",
        "Residual           6.549e-10        2.559e-05",
        "Intercept 2.514e-04  6.825e-06  36.838",
        "Days      1.047e-05  1.546e-06   6.771",
    ):
        assert line in text


def test_correlations_of_estimates_stand_below_the_diagonal():
    data = mk.load_data("sleepstudy").assign(late=lambda d: (d["Days"] > 4) * 1.0)
    fit = mk.lmer("Reaction ~ Days + late + (1|Subject)", data)
    sd = np.sqrt(np.diag(fit.vcov))
    r = fit.vcov.to_numpy() / np.outer(sd, sd)
    table = _correlations(fit)
    assert table.rows == (("Days", f"{r[1, 0]:.3f}", ""), ("late", f"{r[2, 0]:.3f}", f"{r[2, 1]:.3f}"))


def test_a_generalized_model_prints_normal_p_values_of_both_sides():
    table = coefficients(mk.glmer("cbind(m, n - m) ~ 1 + (1|batch)", mk.load_data("rats")))
    z = table["Estimate"] / table["Std. Error"]
    assert list(table["z value"]) == list(z)
    assert list(table["Pr(>|z|)"]) == pytest.approx(2 * scipy.stats.norm.sf(abs(z)))
    count = coefficients(mk.glm("y ~ x", pd.DataFrame({"y": [1, 0, 2, 1, 3, 2], "x": range(6)}), "poisson"))
    assert count.loc["x", "Pr(>|z|)"] == pytest.approx(2 * scipy.stats.norm.sf(count.loc["x", "z value"]))
