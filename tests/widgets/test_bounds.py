"""Bounds on what strangers ask for: no term has more columns than were counted before it was built."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
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


def bounded(formula: str, rows: int, **groups: int) -> None:
    """Check a formula on so many rows, with numbers x and so many groups of each name."""
    k = np.arange(rows)
    names = {name: k % n for name, n in groups.items()}
    check_size(
        parse_formula(formula),
        pd.DataFrame({"y": 0.0, "x": k * 1.0, "f": [f"l{j % 200}" for j in k], **names}),
    )


@pytest.mark.parametrize(
    ("formula", "rows", "groups", "refused"),
    [
        ("y ~ x", 50_000, {}, ""), ("y ~ x", 50_001, {}, "50001 rows"),
        ("y ~ 0 + f", 1000, {}, ""), ("y ~ f", 1000, {}, "201 columns on 1000 rows"),
        ("y ~ 0 + poly(x, 20) + poly(x, 19) + x", 50_000, {}, ""), ("y ~ poly(x, 20) + poly(x, 19) + x", 50_000, {}, "41 columns on 50000 rows"),
        ("y ~ (poly(x, 6)|g)", 100, {"g": 5}, "7 coefficients vary"), ("y ~ (poly(x, 5)|g)", 100, {"g": 5}, ""),
        ("y ~ (1|g)", 20_000, {"g": 20_000}, ""), ("y ~ (1|g)", 20_001, {"g": 20_001}, "20001 effects in 1 terms"),
        ("y ~ (1|g) + (1|h)", 5000, {"g": 900, "h": 800}, ""),
        ("y ~ (1|g) + (1|h)", 5000, {"g": 900, "h": 801}, "801 more group effects"),
        ("y ~ (x|g) + (1|h)", 5000, {"g": 300, "h": 800}, ""), ("y ~ (x|g) + (1|h)", 5000, {"g": 401, "h": 801}, "801 more"),
    ],
)  # fmt: skip
def test_what_is_just_too_large_is_refused_and_what_is_just_small_enough_is_not(
    formula, rows, groups, refused
):
    with pytest.raises(TooLarge, match=refused) if refused else nullcontext():
        bounded(formula, rows, **groups)
