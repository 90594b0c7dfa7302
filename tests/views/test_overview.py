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


def test_columns_are_told_by_their_numbers():
    data = pd.DataFrame(
        {"g": list("aabbc"), "x": [1.0, 3, 2, np.nan, 2], "y": [1.0, 2, 4, 8, 3], "k": list("uvuuu")}
    )
    table = mk.overview(data, "y", groups="g").table
    assert table.loc["x", ["missing", "values", "mean", "sd"]].tolist() == [
        1,
        3,
        2.0,
        pytest.approx(np.sqrt(2 / 3)),
    ]
    assert table.loc["x", "sd within g"] == pytest.approx(np.sqrt(2 / 1)), "4 rows less 3 groups"
    assert table.loc["x", "sd between g"] == 0
    assert table.loc["y", "sd within g"] == pytest.approx(np.sqrt((0.5 + 8) / 2))
    assert table.loc["y", "sd between g"] == pytest.approx(np.std([1.5, 6, 3], ddof=1))
    assert table.loc["k", "values"] == 2 and np.isnan(table.loc["k", "mean"])


def test_without_a_second_row_in_any_group_there_is_no_sd_within():
    data = pd.DataFrame({"g": list("abcd"), "y": [1.0, 2, 4, 8]})
    assert np.isnan(mk.overview(data, "y", groups="g").table.loc["y", "sd within g"])


def test_the_sentences_word_for_word():
    data = pd.DataFrame(
        {"g": list("aabbcc"), "x": [0.0, 1] * 3, "z": [1, 1, 2, 2, 3, 3], "y": [1.0, 3, 2, 4, np.nan, np.nan]}
    )
    assert mk.overview(data, "y", groups="g").sentences == (
        "6 rows; y is missing in 2.",
        "2 groups of g with 2 responses each; 1 have none.",
        "SD of y within g: 1.41; of the means of g: 0.707.",
        (
            "Within g x varies: its slope may vary across g, (x|g). The same for all rows of one g: z; no slope of these can "
            "vary across g."
        ),
    )
    whole = data.assign(y=np.arange(6.0), w=[3.0, 1, 4, 1, 5, 9])
    sentences = mk.overview(whole, "y", groups="g").sentences
    assert sentences[:2] == ("6 rows, none without y.", "3 groups of g with 2 responses each.")
    assert "Within g x and w vary: their slopes may vary across g, (x + w|g)." in sentences[-1]
    uneven = mk.overview(whole.drop(index=[3, 4, 5]), "y", groups="g").sentences[1]
    assert uneven == "2 groups of g with 1 to 2 (median 1.5) responses each."


def test_arms_are_columns_of_two_or_three_labels_that_a_group_keeps():
    data = pd.DataFrame({"g": np.repeat(np.arange(8), 2), "x": np.tile([0, 1], 8), "y": np.arange(16.0)})
    data["one"], data["four"] = "only", np.array(list("pqrs"))[data["g"] % 4]
    data["three"], data["moves"] = np.array(list("pqr"))[data["g"] % 3], np.tile(["u", "v"], 8)
    assert mk.overview(data, "y", groups="g", x="x").arm == "three"
    assert (
        mk.overview(data.assign(trt=np.where(data["g"] % 2, "drug", "none")), "y", groups="g", x="x").arm
        == "trt"
    )
    assert mk.overview(data.drop(columns="three"), "y", groups="g", x="x").arm is None
    assert mk.overview(data, "y", x="x").arm is None


def test_patterns_count_groups_by_their_responses():
    data = pd.DataFrame({"g": list("aabbbc"), "y": [1.0, np.nan, 1, 2, 3, np.nan]})
    assert mk.overview(data, "y", groups="g").patterns["g"].to_dict() == {0: 1, 1: 1, 3: 1}


@pytest.mark.parametrize(("groups", "drawn", "width"), [(40, 40, 1), (41, 41, 0.6), (230, 100, 0.6)])
def test_of_many_groups_a_hundred_are_drawn_from_the_first_to_the_last(groups, drawn, width):
    data = pd.DataFrame({"g": np.repeat(np.arange(groups), 2), "x": np.tile([1.0, 0.0], groups), "y": 1.0})
    data["y"] = data["g"] + data["x"]
    made = mk.overview(data, "y", groups="g", x="x")
    shown = made.lines["group"].unique()
    assert len(shown) == drawn and (shown[0], shown[-1]) == (0, groups - 1)
    ax = made.plot()
    assert {line.get_linewidth() for line in ax.lines[:-1]} == {width}
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[0, 0], [1, 1]])
    np.testing.assert_allclose(ax.lines[-1].get_xydata(), [[0, shown.mean()], [1, shown.mean() + 1]])
    assert made.alt_text.startswith(f"y against x, {drawn} lines, one for each g. {2 * groups} rows")


def test_groupings_with_many_patterns_are_not_listed():
    sizes = np.arange(1, 22)
    data = pd.DataFrame({"g": np.repeat(np.arange(21), sizes)}).assign(y=1.0, h=lambda d: d["g"] % 2)
    assert list(mk.overview(data, "y", groups=["g", "h"]).patterns.columns) == ["h"]
    few = data[data["g"] < 20]
    assert list(mk.overview(few, "y", groups=["g", "h"]).patterns.columns) == ["g", "h"]


def test_lines_are_drawn_of_numbers_against_numbers(trial):
    words = trial.assign(
        when=trial["wave"].map({0: "a", 1: "b", 2: "c", 3: "d"}), mood=np.where(trial["mood"] > 0, "u", "v")
    )
    assert len(mk.overview(words, "y", groups="who", x="wave").lines)
    assert not len(mk.overview(words, "y", groups="who", x="when").lines)
    assert not len(mk.overview(words, "mood", groups="who", x="wave").lines)
