"""Bounds on what strangers ask for: no term has more columns than were counted before it was built."""

from __future__ import annotations

import pandas as pd
import pytest

from mlmkit.datasets import load_data
from mlmkit.design import build_design
from mlmkit.formula import parse_formula
from mlmkit.widgets.bounds import TooLarge, _columns, check_size

TERMS = [
    "Days", "factor(Days)", "Subject", "I(Days**2)", "scale(Days)", "C(Days, Sum)", 'relevel(Subject, "309")',
    "poly(Days, 3)", "poly(Days, 4, raw=True)", "poly(Days)", "bs(Days)", "ns(Days)", "bs(Days, df=6)", "ns(Days, df=5)",
    "bs(Days, knots=c(2, 4, 6))", "ns(Days, knots=c(1, 2, 3, 5, 7))", "bs(Days, knots=c(2, 4, 6), degree=5)",
    "bs(Days, knots=c(3, 5), degree=4, intercept=True)", "ns(Days, knots=c(3, 5), intercept=True)",
    "bs(Days, df=7, intercept=True)", "bs(Days, intercept=True)", "Subject:Days", "Subject:poly(Days, 2)", "factor(Days):Subject",
]  # fmt: skip


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    return load_data("sleepstudy").assign(Subject=lambda d: d["Subject"].astype(str))


@pytest.mark.parametrize("term", TERMS)
def test_no_term_has_more_columns_than_were_counted(sleep, term):
    spec = parse_formula(f"Reaction ~ 0 + {term}")
    (one,) = spec.fixed
    counted, built = _columns(one, sleep), build_design(spec, sleep).X.shape[1]
    assert built <= counted <= built + 1


def test_many_knots_are_too_many_columns(sleep):
    knots = ", ".join(f"{k / 30:.3f}" for k in range(1, 260))
    with pytest.raises(TooLarge, match="columns on 180 rows"):
        check_size(parse_formula(f"Reaction ~ ns(Days, knots=c({knots}))"), sleep)
