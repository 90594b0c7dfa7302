"""Case deletion against lme4's refits."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.inference.influence import _columns_stay, _side_by_side, without_rows
from mlmkit.inference.parameters import parameter_values

from .conftest import data


def test_every_subject_left_out_as_lme4_refits_it(fit, reference):
    table, expected = fit("sleepstudy").influence(), reference["deletion"]
    assert list(table.index.astype(str)) == expected["groups"]
    assert_allclose(table.drop(columns="cooks_distance"), expected["values"], rtol=1e-5, atol=1e-5)
    assert_allclose(table["cooks_distance"], expected["cooks"], rtol=1e-6)


def test_rows_one_at_a_time():
    """Cook's distance of a linear model in closed form: e²h/(pσ²(1 − h)²)."""
    flat = mk.lm("Reaction ~ Days", data("sleepstudy").head(30))
    X = flat.design.X
    h = np.einsum("ip,pq,iq->i", X, np.linalg.inv(X.T @ X), X)
    expected = flat.resid("response") ** 2 * h / (2 * flat.sigma**2 * (1 - h) ** 2)
    assert_allclose(flat.influence("rows")["cooks_distance"], expected, rtol=1e-8)


def test_the_same_with_workers(fit):
    alone, two = (fit("penicillin").influence("sample", workers=workers) for workers in (None, 2))
    pd.testing.assert_frame_equal(pd.DataFrame(alone), pd.DataFrame(two))


def test_a_coefficient_only_one_group_informs_is_missing_without_it():
    d = data("sleepstudy").assign(first=lambda d: (d["Subject"].astype(str) == "308").astype(float))
    table = mk.lmer("Reaction ~ Days + first + (1|Subject)", d).influence()
    assert table["first"].isna().sum() == 1 and np.isnan(table["first"].iloc[0])
    assert table["Days"].notna().all()


def test_a_designs_other_rows_and_groups_stay(fit):
    design = fit("penicillin").design
    smaller = without_rows(design, design.blocks[0].codes == 3)
    assert [len(block.levels) for block in smaller.blocks] == [23, 6] and len(smaller.y) == 138
    again = mk.lmer("diameter ~ 1 + (1|plate) + (1|sample)", data("Penicillin").loc[smaller.rows])
    assert fit("penicillin").reestimate(smaller).criterion == pytest.approx(again.criterion, abs=1e-8)


def test_what_to_leave_out_is_asked_for(fit):
    with pytest.raises(DataError, match="'plate', 'sample', or 'rows'"):
        fit("penicillin").influence()
    with pytest.raises(DataError, match="'dish' is not a grouping factor"):
        fit("penicillin").influence("dish")
    two = mk.lmer("Reaction ~ Days + (1|Subject)", data("sleepstudy").head(20))
    with pytest.raises(DataError, match="fewer than two groups"):
        two.influence()


def test_of_three_groups_each_may_be_left_out():
    rows = data("sleepstudy").head(30)
    table = mk.lmer("Reaction ~ Days + (1|Subject)", rows).influence()
    two = mk.lmer("Reaction ~ Days + (1|Subject)", rows[rows["Subject"].astype(str) != str(table.index[0])])
    assert len(table) == 3 and table["Days"].iloc[0] == pytest.approx(two.fixef["Days"], rel=1e-4)


def test_columns_stay_unless_all_that_tells_one_goes():
    """The second column is 1 in the third group alone; without it nothing tells it from 0."""
    codes = np.repeat([0, 1, 2], 3)
    X = np.column_stack([np.ones(9), codes == 2])
    assert list(_columns_stay(X, codes, 3)) == [True, True, False]
    assert _columns_stay(np.ones((9, 1)), codes, 3).all()


def test_fits_side_by_side_are_those_without_each_group():
    """Rows of no weight are rows left out; none of the fits is left to be done again by itself."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"g": np.repeat(np.arange(12), 10), "x": rng.normal(size=120)})
    rows["y"] = rng.poisson(np.exp(1 + 0.3 * rows["x"] + 0.6 * rng.normal(size=12)[rows["g"]]))
    fit = mk.glmer("y ~ x + (1|g)", rows, "poisson")
    found = _side_by_side(fit, fit.design.blocks[0].codes, 12, workers=1, progress=False, what="influence")
    alone = [parameter_values(mk.glmer("y ~ x + (1|g)", rows[rows["g"] != g], "poisson")) for g in range(12)]
    assert_allclose(found, alone, rtol=1e-3)
