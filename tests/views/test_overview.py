"""Before the fit: what is missing, what varies where, which slopes the design allows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit import DataError


@pytest.fixture
def trial() -> pd.DataFrame:
    """30 people, 4 waves, two arms; who is odd leaves after two waves, one never came."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"who": np.repeat(np.arange(30), 4), "wave": np.tile([0, 1, 2, 3], 30)})
    data["sex"] = np.where(data["who"] < 12, "f", "m")
    data["treatment"] = np.where(data["who"] % 3, "drug", "none")
    data["mood"] = rng.normal(size=120)
    data["y"] = rng.normal(size=30)[data["who"]] * 3 + rng.normal(size=120)
    data.loc[(data["who"] % 2 == 1) & (data["wave"] > 1), "y"] = np.nan
    data.loc[data["who"] == 0, "y"] = np.nan
    return data


def test_missing_is_told_by_wave_and_arm(trial):
    made = mk.overview(trial, "y", groups="who", x="wave")
    assert made.arm == "treatment"
    assert list(made.missing["all"]) == ["29 of 30", "29 of 30", "14 of 30", "14 of 30"]
    drug = trial[trial["treatment"] == "drug"].groupby("wave")["y"]
    assert list(made.missing["treatment drug"]) == [
        f"{a} of {b}" for a, b in zip(drug.count(), drug.size(), strict=True)
    ]
    assert made.patterns["who"].to_dict() == {0: 1, 2: 15, 4: 14}
    assert "1 to 4" not in repr(made) and "2 to 4 (median 2) responses each; 1 have none" in repr(made)


def test_sds_within_and_between_are_those_of_the_analysis_of_variance(trial):
    made = mk.overview(trial, "y", groups="who")
    seen = trial.dropna(subset=["y"])
    within = np.sqrt(((seen["y"] - seen.groupby("who")["y"].transform("mean")) ** 2).sum() / (len(seen) - 29))
    assert made.table.loc["y", "sd within who"] == pytest.approx(within)
    assert made.table.loc["y", "sd between who"] == pytest.approx(seen.groupby("who")["y"].mean().std())
    assert made.table.loc["y", "missing"] == 34


def test_slopes_that_the_design_allows(trial):
    slopes = mk.overview(trial, "y", groups="who").slopes.set_index("predictor")["slope may vary"]
    assert slopes.to_dict() == {"wave": True, "sex": False, "treatment": False, "mood": True}
    crossed = mk.overview(mk.load_data("blp"), "rt", groups=["participant", "spelling"]).slopes
    may = crossed.set_index(["group", "predictor"])["slope may vary"]
    assert may["participant", "nletters"] and not may["spelling", "nletters"]
    assert "(wave + mood|who)" in repr(mk.overview(trial, "y", groups="who"))


def test_trajectories_are_drawn_in_the_arms_colours(trial):
    made = mk.overview(trial, "y", groups="who", x="wave")
    ax = made.plot()
    assert len(ax.lines) == 29 + 2
    means = trial.groupby(["treatment", "wave"])["y"].mean()
    np.testing.assert_allclose(ax.lines[-2].get_ydata(), means["drug"])
    assert "29 lines" in made.alt_text
    with pytest.raises(DataError, match="need groups and x"):
        mk.overview(trial, "y").plot()


def test_an_arm_of_ones_own_choice(trial):
    made = mk.overview(trial, "y", groups="who", x="wave", arm="sex")
    assert list(made.missing.columns) == ["all", "sex f", "sex m"]


def test_misuse_is_named(trial):
    with pytest.raises(DataError, match="'z'"):
        mk.overview(trial, "z")
    with pytest.raises(DataError, match="'whom'.*Did you mean 'who'"):
        mk.overview(trial, "y", groups="whom")
    with pytest.raises(DataError, match="takes the data, then the outcome"):
        mk.overview(trial, trial)


def test_it_shows_itself_in_a_notebook(trial):
    assert "<table" in mk.overview(trial, "y", groups="who", x="wave")._repr_html_()


def test_every_group_is_counted_the_first_too():
    data = pd.DataFrame({"g": ["a", "a", "b", "b", "c", "c"], "x": [0, 1, 2, 2, 3, 3], "y": np.arange(6.0)})
    row = mk.overview(data, "y", groups="g").slopes.set_index("predictor").loc["x"]
    assert (row["varies in"], row["of"], row["slope may vary"]) == (1, 3, True)
