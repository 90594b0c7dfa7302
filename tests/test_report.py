"""Fits side by side: as a table, and in files for a paper."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import mlmkit as mk
from mlmkit import DataError, MlmkitError
from mlmkit.report import coefficients, readable

OWN = Path(__file__).parent / "reference" / "own"


@pytest.fixture(scope="module")
def fits():
    pups = pd.read_csv(OWN / "ratpup.csv")
    pups["treatment"] = pd.Categorical(pups["treatment"], ["Control", "Low", "High"])
    plain = mk.lmer("weight ~ treatment + sex + lsize + (1|litter)", pups)
    crossed = mk.lmer("weight ~ treatment*sex + lsize + (1|litter)", pups)
    return plain, crossed, mk.lm("weight ~ treatment + sex", pups)


def test_a_column_for_each_fit_and_a_row_for_each_number(fits):
    made = mk.table(*fits, names=["plain", "crossed", "flat"], labels={"lsize": "litter size"}).table
    assert list(made.columns) == ["plain", "crossed", "flat"]
    low = fits[0].tidy(conf_int=True, ddf="satterthwaite").set_index("term").loc["treatment[T.Low]"]
    cell = f"{low['estimate']:.2f} [{low['conf.low']:.2f}, {low['conf.high']:.2f}]"
    assert made.loc["treatment = Low", "plain"] == cell
    assert (
        made.loc["treatment = Low × sex = Male", "plain"]
        == ""
        != made.loc["treatment = Low × sex = Male", "crossed"]
    )
    assert made.loc["SD of Intercept across litter", "plain"] == f"{fits[0].varcorr['sdcor'].iloc[0]:.2f}"
    assert made.loc["groups of litter"].tolist() == ["27", "27", ""] and made.loc["rows", "flat"] == "322"
    assert list(made.index[:5]) == [
        "Intercept",
        "treatment = Low",
        "treatment = High",
        "sex = Male",
        "litter size",
    ]


def test_interval_and_p_value_are_of_one_mind(fits):
    for ddf in ("satterthwaite", "kenward-roger"):
        rows = coefficients(fits[1], ddf)
        tested = fits[1].tests(ddf=ddf)
        assert rows["p"].to_numpy() == pytest.approx(tested["p.value"].to_numpy())
        outside = (rows["ci95l"] > 0) | (rows["ci95u"] < 0)
        assert (outside == (rows["p"] < 0.05)).all()
    assert "Kenward and Roger" in mk.table(fits[0], ddf="kenward-roger").note


@pytest.mark.parametrize("kind", ["docx", "tex", "html"])
def test_it_is_written_for_word_latex_and_the_web(fits, kind, tmp_path, monkeypatch):
    pytest.importorskip("maketables")
    made = mk.table(*fits, ddf="kenward-roger")
    monkeypatch.chdir(tmp_path)
    path = made.save(f"my table.{kind}")  # as one writes it, into the folder where one works
    if kind == "docx":
        from docx import Document

        words = "\n".join(cell.text for row in Document(str(path)).tables[0].rows for cell in row.cells)
    else:
        words = path.read_text(encoding="utf-8")
    cell = made.table.loc["treatment = Low", "m0"]
    assert cell in words and "residual SD" in words and "27" in words
    if kind == "tex":
        assert r"95\% intervals" in words


def test_maketables_reads_a_fit_without_us(fits):
    maketables = pytest.importorskip("maketables")
    assert "treatment" in maketables.ETable(list(fits[:2])).make(type="tex")


def test_misuse_is_named(fits, tmp_path, monkeypatch):
    for bad, said in (([], "nothing"), ([fits[0], "fit"], "not str")):
        with pytest.raises(DataError, match=said):
            mk.table(*bad)
    with pytest.raises(DataError, match="1 names for 2 fits"):
        mk.table(*fits[:2], names=["one"])
    with pytest.raises(DataError, match="docx, .tex or .html"):
        mk.table(fits[0]).save(tmp_path / "table.pdf")
    with pytest.raises(DataError, match="no folder"):
        mk.table(fits[0]).save(tmp_path / "nowhere" / "table.docx")
    monkeypatch.setitem(__import__("sys").modules, "maketables", None)
    with pytest.raises(MlmkitError, match=r"mlmkit\[report\]"):
        mk.table(fits[0]).save(tmp_path / "table.docx")


def test_generalized_models_stand_beside_each_other():
    rats = mk.load_data("rats")
    made = mk.table(mk.glmer("cbind(m, n - m) ~ 1 + (1|batch)", rats), mk.glm("cbind(m, n - m) ~ 1", rats))
    assert "AIC" in made.table.index and "scale of the link" in made.note


def test_names_for_readers():
    assert readable("treatment[T.Low]:month", {"month": "months"}) == "treatment = Low × months"
    assert readable("f[S.a]", {}) == "f = a" and readable("log(x)", {}) == "log(x)"


def test_it_prints_and_shows_itself(fits):
    made = mk.table(*fits)
    assert "m2" in repr(made) and made.note in repr(made) and "<table" in made._repr_html_()


def test_a_groups_name_is_shown_whole_and_labels_reach_the_random_part(fits):
    """A bar or a point in a column's name is no part of the notation."""
    litters = fits[0].data.rename(columns={"litter": "x.y|z"})
    made = mk.table(mk.lmer("weight ~ sex + (sex|`x.y|z`)", litters), labels={"x.y|z": "mother"}).table
    assert {"SD of Intercept across mother", "SD of sex = Male across mother", "groups of mother"} <= set(
        made.index
    )
    plain = mk.table(mk.lmer("weight ~ sex + (1|`x.y|z`)", litters)).table
    assert {"SD of Intercept across x.y|z", "groups of x.y|z"} <= set(plain.index)


@pytest.mark.parametrize("digits", [0, 15])
def test_decimals_are_from_none_to_fifteen(fits, digits):
    cell = mk.table(fits[2], digits=digits).table.iloc[0, 0]
    assert len(cell.split(" ")[0].partition(".")[2]) == digits
    with pytest.raises(DataError, match="a whole number from 0 to 15"):
        mk.table(fits[2], digits=16 if digits else -1)


def test_many_fits_side_by_side_are_printed_in_lines_of_160(fits):
    made = mk.table(*(fits * 6))
    shown = repr(made).removesuffix(made.note)
    assert 120 < max(map(len, shown.splitlines())) <= 160 and shown.count("log likelihood") > 1
