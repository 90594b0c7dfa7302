"""Five studies from the CSV to table, figure and paragraph, as the documentation has them: they run, and say R's numbers."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

STUDIES = Path(__file__).parents[1] / "docs" / "studies"

#: For each study a contrast (file contrasts.csv: row, column, value as emmeans or lme4 has it) and words of its report.
EXPECTED = {
    "ratpup": (0, "estimate", 0.42850, "treatment = Low: b = −0.429"),
    "growth": (0, "conf.low", -0.45577, "REML"),
    "lexical": (1, "estimate", 0.296873, "Satterthwaite"),
    "epilepsy": (0, "estimate", 0.7293, "nbinom response, log link"),
    "toenail": (0, "estimate", 6.056, "25 nodes"),
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_every_study_is_run_here():
    assert {path.stem for path in STUDIES.glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_study_leads_from_its_file_to_a_report(name, tmp_path, capsys):
    pytest.importorskip("maketables")
    spec = importlib.util.spec_from_file_location(name, STUDIES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.study(tmp_path)
    row, column, value, words = EXPECTED[name]
    contrasts = pd.read_csv(tmp_path / "contrasts.csv")
    assert contrasts.loc[row, column] == pytest.approx(value, rel=1e-3)
    assert words in (tmp_path / "paragraph.txt").read_text(encoding="utf-8")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    assert any((tmp_path / f"table.{kind}").exists() for kind in ("docx", "tex", "html"))
    assert "Traceback" not in capsys.readouterr().out


@pytest.mark.parametrize("name", EXPECTED)
def test_a_study_has_no_line_of_plotting_or_algebra(name):
    text = (STUDIES / f"{name}.py").read_text(encoding="utf-8")
    assert "matplotlib" not in text and "numpy" not in text
