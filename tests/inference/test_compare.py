"""anova: likelihood-ratio tests against lme4's."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.inference.compare import _is_nested

from .conftest import data, numbers

CASES = {
    "sleep_days": ("sleepstudy", ["Reaction ~ 1 + (Days|Subject)", "Reaction ~ Days + (Days|Subject)"]),
    "sleep_slope": (
        "sleepstudy",
        [
            "Reaction ~ Days + (1|Subject)",
            "Reaction ~ Days + (Days||Subject)",
            "Reaction ~ Days + (Days|Subject)",
        ],
    ),
    "pastes_batch": ("Pastes", ["strength ~ 1 + (1|sample)", "strength ~ 1 + (1|sample) + (1|batch)"]),
    "cbpp_period": (
        "cbpp",
        [f"cbind(incidence, size - incidence) ~ {x} + (1|herd)" for x in ("1", "period")],
    ),
}


def fits(case, **options):
    name, formulas = CASES[case]
    make = mk.glmer if name == "cbpp" else mk.lmer
    return [make(formula, data(name), **options) for formula in formulas]


@pytest.mark.parametrize("case", CASES)
def test_the_table_is_lme4s(reference, case):
    table = mk.anova(*fits(case)).drop(columns="Pr(mixture)", errors="ignore")
    names = ["npar", "AIC", "BIC", "logLik", "deviance", "chisq", "df", "p"]
    expected = np.column_stack([numbers(reference["anova"][case][name]) for name in names])
    assert_allclose(table.to_numpy(float)[:, :-1], expected[:, :-1], rtol=0, atol=2e-6)
    assert_allclose(table["Pr(>Chisq)"], expected[:, -1], rtol=1e-5)


def test_the_issues_numbers():
    assert_allclose(mk.anova(*fits("sleep_days"))["Chisq"].iloc[1], 23.5365, atol=5e-5)
    assert_allclose(mk.anova(*fits("pastes_batch"))["Pr(>Chisq)"].iloc[1], 0.523377, atol=5e-7)


def test_reml_fits_are_refitted_and_it_says_so():
    restricted, maximum = mk.anova(*fits("sleep_days")), mk.anova(*fits("sleep_days", reml=False))
    assert_allclose(restricted.to_numpy(float), maximum.to_numpy(float), rtol=1e-7)
    assert "again by maximum likelihood" in restricted.notes[0] and not maximum.notes


def test_the_mixture_halves_two_tails():
    """An SD alone: ½χ²₀ + ½χ²₁. An SD and its correlation: ½χ²₁ + ½χ²₂. A correlation alone: none."""
    one = mk.anova(*fits("pastes_batch"))
    assert_allclose(one["Pr(mixture)"].iloc[1], one["Pr(>Chisq)"].iloc[1] / 2)
    assert "naive" in one.notes[-1]
    slope = fits("sleep_slope")
    two = mk.anova(slope[0], slope[2])
    chisq = two["Chisq"].iloc[1]
    assert_allclose(two["Pr(mixture)"].iloc[1], (chi2.sf(chisq, 1) + chi2.sf(chisq, 2)) / 2)
    assert "Pr(mixture)" not in mk.anova(slope[1], slope[2])


def test_the_order_given_does_not_matter_and_flat_models_may_take_part():
    flat, mixed = mk.lm("Reaction ~ Days", data("sleepstudy")), fits("sleep_slope")[0]
    one, other = mk.anova(flat, mixed), mk.anova(mixed, flat)
    assert_allclose(one.to_numpy(float), other.to_numpy(float))
    assert list(one["npar"]) == [3, 4] and one["Pr(mixture)"].iloc[1] == pytest.approx(
        one["Pr(>Chisq)"].iloc[1] / 2
    )


def test_models_of_other_rows_or_responses_do_not_compare():
    sleep = data("sleepstudy")
    whole, part = (mk.lmer("Reaction ~ Days + (1|Subject)", d) for d in (sleep, sleep.iloc[:100]))
    with pytest.raises(DataError, match="180 rows and .* to 100"):
        mk.anova(whole, part)
    logs = mk.lmer("log(Reaction) ~ Days + (1|Subject)", sleep)
    with pytest.raises(DataError, match="same response"):
        mk.anova(whole, logs)
    with pytest.raises(DataError, match="at least two"):
        mk.anova()
    with pytest.raises(DataError, match="str is not one"):
        mk.anova(whole, "Reaction ~ 1")


def test_equal_models_have_no_p_value():
    one, same = fits("sleep_days")[1], fits("sleep_days")[1]
    assert np.isnan(mk.anova(one, same)["Pr(>Chisq)"].iloc[1])


def test_rows_can_be_told_apart_in_print():
    """Formulas longer than a table is wide, alike for most of their length."""
    sleep = data("sleepstudy").assign(a=lambda d: d["Days"] % 3, b=lambda d: d["Days"] % 2)
    long = (
        "Reaction ~ " + " + ".join(f"I(a * {k} + Days)" for k in range(2, 4)) + " + I(Days * a * b) + b + a:b"
    )
    table = mk.anova(*(mk.lm(f"{long}{end}", sleep) for end in ("", " + I(b - a * Days)")))
    lines = repr(table).splitlines()
    assert lines[0] == f"m0: {long}" and lines[1].startswith(f"m1: {long} + I(b")
    assert [line.split()[0] for line in lines[3:5]] == ["m0", "m1"]
    assert list(table.index) == [line[4:] for line in lines[:2]] and long in table._repr_html_()
    assert "left out" not in repr(table)


def test_models_that_are_not_nested_are_said_to_be_so():
    sleep = data("sleepstudy").assign(z=lambda d: np.sin(d["Days"]), g=lambda d: d["Days"])
    pairs = [
        ("Days", "z"),
        ("Days + (1|Subject)", "z + Days:z + (1|Subject)"),
        ("Days + (1|Subject)", "Days + (Days|g)"),
    ]
    for one, other in pairs:
        make = mk.lmer if "|" in one else mk.lm
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mk.FitWarning)
            fits = [make(f"Reaction ~ {right}", sleep) for right in (one, other)]
        assert "with terms left out, so the test between them" in repr(mk.anova(*fits))
    nested = [
        mk.lmer(f"Reaction ~ {right}", sleep) for right in ("Days + (1|Subject)", "Days + z + (Days|Subject)")
    ]
    assert "left out" not in repr(mk.anova(*nested))
    with pytest.raises(DataError, match="terms of one fit"):
        mk.anova(*nested, ddf="kenward-roger")


@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_whether_models_are_nested_does_not_depend_on_units(unit):
    data = mk.load_data("sleepstudy")
    data = data.assign(Days=data["Days"] * unit, noise=np.random.default_rng(1).normal(size=len(data)) * unit)
    small, large, other = (
        mk.lmer(f"Reaction ~ {right} + (1|Subject)", data, reml=False)
        for right in ("Days", "Days + noise", "noise")
    )
    assert _is_nested(small, large) and not _is_nested(large, small) and not _is_nested(small, other)
