"""What is said of a fit unasked: here, whether ids are numbered anew within each outer group."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.notices import ids_restart, notices


def classes(sizes) -> pd.DataFrame:
    """Schools of so many classes, each numbered from 1, two pupils a class."""
    rows = [(school, k + 1) for school, n in enumerate(sizes) for k in range(n) for _ in range(2)]
    return pd.DataFrame(rows, columns=["school", "cls"])


def judged(data: pd.DataFrame, inner: str = "cls", outer: str = "school") -> bool:
    codes, levels = pd.factorize(data[inner], sort=True)
    return ids_restart(codes, pd.factorize(data[outer])[0], pd.Index(levels))


def test_numbers_that_begin_again_in_every_school():
    assert judged(classes([2, 3, 4, 2]))
    assert judged(classes([2, 3, 12, 2]).assign(cls=lambda d: d["cls"].astype(str))), "2 comes before 10"
    assert judged(classes([2, 3, 4, 2]).assign(cls=lambda d: "class " + d["cls"].astype(str)))


def test_ids_that_are_not_numbered_within_schools():
    data = classes([2, 3, 4, 2])
    assert not judged(data.assign(cls=data["school"] * 10 + data["cls"])), "unique ids are nested"
    assert not judged(classes([3, 3, 3])), "every school with every id: crossed as far as the ids can say"
    rng = np.random.default_rng(4)
    assert not judged(pd.DataFrame({"cls": rng.integers(0, 40, 300), "school": rng.integers(0, 20, 300)}))


@pytest.mark.parametrize(("gaps", "expected"), [(1, True), (3, False)])
def test_a_few_gaps_do_not_hide_it(gaps, expected):
    """Of twenty schools, in some the first class dropped out."""
    data = classes([2, 3, 4, 5] * 5)
    assert judged(data[~((data["school"] < gaps) & (data["cls"] == 1))]) == expected


@pytest.mark.filterwarnings("ignore::mlmkit.FitWarning")
@pytest.mark.parametrize(
    ("varying", "lme4s"),
    [("sex||school", "(1|school) + (0 + sex|school)"), ("0 + sex||school", "(0 + sex|school)")],
)
def test_two_bars_and_a_factor_are_another_model_in_lme4(varying, lme4s):
    data = mk.load_data("mathachieve")
    with pytest.warns(mk.errors.FitWarning, match="independently of the others") as caught:
        mk.lmer(f"mathach ~ sex + ({varying})", data)
    assert f"for lme4's model write {lme4s} (chapter 5)" in str(caught[0].message)
    for plain in ("sex|school", "ses||school"):
        assert not notices(mk.lmer(f"mathach ~ sex + ({plain})", data))


def test_a_fit_and_a_structure_judge_alike():
    rng = np.random.default_rng(1)
    for data in (classes([2, 3, 4, 5] * 5), classes([3] * 12)):
        data = data.assign(y=rng.normal(size=len(data)) + data["school"])
        said = any(
            "start again" in sentence for sentence in notices(mk.lmer("y ~ 1 + (1|school) + (1|cls)", data))
        )
        found = any(relation.restarts for relation in mk.structure(data, ["school", "cls"]).relations)
        assert said == found == judged(data)


def test_a_group_in_the_fixed_part_too():
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"g": np.repeat(list("abcdef"), 5), "x": rng.normal(size=30), "y": rng.normal(size=30)})
    with pytest.warns(mk.FitWarning) as caught:
        mk.lmer("y ~ x + g + (1|g)", d)
    sentences = [str(one.message) for one in caught]
    assert any("g is in the fixed part, too" in sentence for sentence in sentences)
    assert not any("proven minimum" in sentence for sentence in sentences)


@pytest.mark.parametrize(("most", "said"), [(2, False), (3, True), (4, True)])
def test_up_to_so_many_labels_are_compared(most, said, monkeypatch):
    monkeypatch.setattr("mlmkit.notices.MOST_LABELS", most)
    d = pd.DataFrame({"g": np.repeat(["s0", "S0", "t"], 10), "y": np.random.default_rng(1).normal(size=30)})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mk.lm("y ~ g", d)
    assert any("capitals" in str(one.message) for one in caught) == said


def test_labels_that_differ_in_spaces_or_capitals():
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"g": np.repeat(["s00", "s01", "s02"], 10), "y": rng.normal(size=30)})
    d.loc[3, "g"] = "S00 "
    with pytest.warns(mk.FitWarning, match="'S00 ' and 's00', which differ in spaces or capitals alone"):
        mk.lmer("y ~ 1 + (1|g)", d)
    with pytest.warns(mk.FitWarning, match="differ in spaces or capitals alone"):
        mk.lm("y ~ g", d)


@pytest.mark.parametrize(
    ("formula", "change", "words"),
    [
        ("y ~ f", {"f": pd.Categorical(list("abc") * 10, ordered=True)}, "orthogonal polynomial contrasts"),
        ("y ~ f", {"f": [1, 2.5, None] * 10}, None),
        (
            "y ~ f",
            {"f": pd.Series([1, 2, 3] * 10, dtype=object)},
            "came as Python objects that are all numbers",
        ),
        ("y ~ f", {"f": pd.date_range("2020", periods=30)}, "taken as days since 1970-01-01"),
        ("y ~ f", {"f": pd.to_timedelta(range(30), "h")}, "taken as a number of days"),
        ("y ~ f", {"f": "only"}, "has one level only, 'only'"),
    ],
)
def test_how_a_column_was_taken_is_said(formula, change, words):
    d = pd.DataFrame({"y": np.sin(np.arange(30.0))}).assign(**change)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mk.lm(formula, d)
    sentences = [str(one.message) for one in caught]
    assert len(sentences) == (words is not None) and all(words in sentence for sentence in sentences)


def test_a_spline_split_by_two_bars_is_said():
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"g": np.repeat(np.arange(10), 8), "x": rng.normal(size=80), "y": rng.normal(size=80)})
    with pytest.warns(mk.FitWarning, match=r"write \(1\|g\) \+ \(0 \+ poly\(x, 2\)\|g\)"):
        mk.lmer("y ~ x + (poly(x, 2)||g)", d)


@pytest.mark.filterwarnings("ignore::mlmkit.FitWarning")
@pytest.mark.parametrize("varying", ["pracad|school", "ses + pracad|school", "pracad||school"])
def test_a_property_of_groups_has_no_slope_within_them(varying):
    data = mk.load_data("mathachieve").merge(mk.load_data("mathachieve_school"), on="school")
    said = [one for one in notices(mk.lmer(f"mathach ~ pracad + ({varying})", data)) if "one value" in one]
    assert len(said) == 1 and "pracad has one value within each school, so no school has a slope" in said[0]
    for meant in ("ses|school", "0 + sector|school", "1|school"):
        fit = mk.lmer(f"mathach ~ pracad + ({meant})", data)
        assert not any("one value" in one for one in notices(fit))


@pytest.mark.filterwarnings("ignore::mlmkit.FitWarning")
def test_the_term_that_is_split_is_the_one_named():
    """Also where another factor, of more levels, comes first in the design."""
    data = mk.load_data("mathachieve").assign(desk=lambda d: np.arange(len(d)) % 300)
    with pytest.warns(mk.errors.FitWarning, match="independently of the others") as caught:
        mk.lmer("mathach ~ sex + (1|desk) + (sex||school)", data)
    split = [str(one.message) for one in caught if "independently of the others" in str(one.message)]
    assert len(split) == 1 and "(1|school) + (0 + sex|school)" in split[0]
