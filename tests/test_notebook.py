"""Warnings and errors as a notebook shows them: one calm line, and a message with the reader's own line."""

from __future__ import annotations

import subprocess
import sys
import warnings

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = {
    "warned": """\
import warnings
import mlmkit as mk
data = mk.load_data("classroom")
def fit():
    return mk.lmer("mathscore ~ ses + (ses|classid) + (ses|schoolid)", data)
twice = fit(), fit()""",
    "again": "again = fit()",
    "recorded": """\
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    again = fit()
print(len(said), said[0].category.__name__)""",
    "ignored": """\
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    again = fit()""",
    "raised": """\
with warnings.catch_warnings():
    warnings.simplefilter("error")
    fit()""",
    "others": "warnings.warn('of somebody else', stacklevel=1)",
    "short": "mk.lmer('mathscore ~ age + (1|schoolid)', data)",
    "long": "x = 1\nmk.lmer('mathscore ~ ses + (1|schoolid', data)",
    "foreign": "data.age",
}


@pytest.fixture(scope="module")
def shown():
    """What each cell shows, in one kernel."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS.values()])
    NotebookClient(nb, kernel_name="python3", allow_errors=True).execute()
    return dict(zip(CELLS, (cell.outputs for cell in nb.cells), strict=True))


@pytest.mark.parametrize("cell", ["warned", "again"])
def test_a_warning_is_one_calm_line_in_every_cell_that_earns_it(shown, cell):
    (note,) = shown[cell]
    text, html = note.data["text/plain"], note.data["text/html"]
    assert note.output_type == "display_data"  # not the red box of stderr
    assert text.startswith("Note. Singular fit: the correlation of Intercept and ses across classid")
    assert "\n" not in text and ".py" not in text and "lmer(" not in text
    assert 'role="note"' in html and "FitWarning" not in html


def test_pythons_filters_go_on_working(shown):
    assert shown["recorded"][0].text == "1 FitWarning\n"
    assert shown["ignored"] == []
    assert shown["raised"][0].ename == "FitWarning"


def test_the_warnings_of_others_stay_as_they_are(shown):
    (output,) = shown["others"]
    assert output.name == "stderr" and "UserWarning: of somebody else" in output.text


def test_an_error_of_the_kit_says_what_to_do_and_not_where_it_arose(shown):
    (error,) = shown["short"]
    assert len(error.traceback) == 1 and "'age' is not a column of the data" in error.traceback[0]
    assert "mlmkit/" not in str(shown["long"]) and "^ here" in shown["long"][0].traceback[-1]
    assert shown["long"][0].traceback[0] == "in line 2:  mk.lmer('mathscore ~ ses + (1|schoolid', data)"


def test_an_error_of_others_keeps_its_traceback(shown):
    assert len(shown["foreign"][0].traceback) > 3


def test_outside_ipython_nothing_is_changed():
    code = (
        "import warnings; before = warnings.showwarning; import mlmkit; print(warnings.showwarning is before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
    assert not hasattr(warnings.showwarning, "is_calm")
