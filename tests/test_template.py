"""The template of a report runs on files that the course does not use, by changing one cell, and names what is misnamed."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest

from mlmkit.errors import DataError
from tools.notebooks import dress, from_text, templates, to_text

OWN = Path(__file__).parent / "reference" / "own"
(TEMPLATE,) = templates()

LITTERS = {
    "file": "ratpup.csv", "outcome": "weight", "group": "litter", "time": None, "treatment": "treatment",
    "reference": "Control", "covariates": ["sex", "lsize"], "random_slope": False, "unit": "g",
}  # fmt: skip
VISITS = {
    "file": "wide.csv", "outcome": "the score", "group": "patient no", "time": "week", "treatment": "arm",
    "reference": "old", "covariates": ["age"], "wide": {"score 0": 0, "score 4": 4, "score 9": 9},
}  # fmt: skip
COUNTS = VISITS | {"family": "nbinom", "random_slope": False, "outcome": "falls"}


@pytest.fixture(autouse=True)
def beside(tmp_path, monkeypatch):
    """The files of three studies in a folder of their own."""
    shutil.copy(OWN / "ratpup.csv", tmp_path)
    rng = np.random.default_rng(4)
    people = pd.DataFrame({"patient no": np.arange(40), "arm": np.repeat(["new", "old"], 20)})
    people["age"] = rng.integers(20, 60, 40)
    level, slope = rng.normal(0, 5, 40), rng.normal(0, 0.5, 40)
    for week in (0, 4, 9):
        score = 20 + level + (slope - 0.5 * (people["arm"] == "new")) * week + rng.normal(0, 3, 40)
        people[f"score {week}"] = score.clip(0).round().where(rng.uniform(size=40) > 0.03 * week)
    people.to_csv(tmp_path / "wide.csv", index=False)
    monkeypatch.chdir(tmp_path)
    yield
    plt.close("all")


def run(settings):
    """Run the template's cells with other values in its one cell; what they leave behind."""
    cells = [c.source for c in nbformat.read(TEMPLATE.notebook, 4).cells if c.cell_type == "code"]
    (place,) = [k for k, source in enumerate(cells) if source.startswith("file = ")]
    there: dict = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k, source in enumerate(cells):
            exec(source, there)  # noqa: S102 - the notebook is ours
            if k == place:
                unknown = set(settings) - set(there)
                assert not unknown, "the settings are the names in that cell"
                there.update(settings)
    return there


def test_text_and_notebook_agree_and_nothing_is_stored():
    text, nb = TEMPLATE.text.read_text(encoding="utf-8"), nbformat.read(TEMPLATE.notebook, 4)
    assert to_text(nb) == text == to_text(from_text(text)), "run `make sync`"
    before = nbformat.writes(nb)
    dress(nb)
    assert nbformat.writes(nb) == before
    assert not any(cell.get("outputs") for cell in nb.cells)


def test_it_runs_on_a_long_file_and_says_emmeans_numbers(capsys):
    there = run(LITTERS)
    table = there["differences"].table.set_index("contrast")
    assert there["fit"].formula == "weight ~ treatment + sex + lsize + (1|litter)"
    # emmeans(lmer(weight ~ treatment + sex + lsize + (1|litter)), trt.vs.ctrl ~ treatment), KR
    assert table.loc["Low - Control", "estimate"] == pytest.approx(-0.42850, abs=1e-5)
    assert "Kenward and Roger" in capsys.readouterr().out


def test_it_runs_on_a_wide_file_with_names_of_several_words(capsys):
    there = run(VISITS)
    assert there["fit"].nobs == there["table"].filter(like="score").notna().sum().sum()
    assert list(there["rows"]["arm"].cat.categories) == ["old", "new"]
    assert {"as planned", "no random slope", "complete groups only (not to be reported)"} == set(
        there["others"]
    )
    assert list(there["differences"].table["week"].unique()) == [0, 4, 9]
    assert "120 rows" not in capsys.readouterr().err


def test_it_runs_on_counts():
    assert run(COUNTS)["fit"].family.name == "nbinom"


def test_it_runs_without_a_treatment():
    there = run(VISITS | {"treatment": None, "reference": None})
    assert "differences" not in there and "week" in there["fit"].fixef.index


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"group": "patient_no"}, "The `group` 'patient_no' is not a column of the data. Did you mean 'patient no'"),
        ({"treatment": "Arm"}, "The `treatment` 'Arm' is not a column of the data. Did you mean 'arm'"),
        ({"covariates": ["age", "sexe"]}, "The `covariates` 'sexe' is not a column"),
        ({"wide": {"score 0": 0, "score 5": 5}}, "The `wide` 'score 5' is not a column"),
        ({"wide": {}, "outcome": "scores"}, "The `outcome` 'scores' is not a column"),
        ({"reference": "control"}, "`reference` is 'control', but the levels of 'arm' are: ['new', 'old']"),
        ({"file": "Wide.csv.txt"}, "CSV files here: ratpup.csv, wide.csv"),
        ({"time": None}, "`time` needs a name"),
    ],
    ids=lambda it: next(iter(it)) if isinstance(it, dict) else "",
)  # fmt: skip
def test_what_is_misnamed_is_named(changed, told):
    with pytest.raises(DataError) as caught:
        run(VISITS | changed)
    assert told in str(caught.value)
