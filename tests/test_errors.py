"""A message is never longer than a screen, and a near name is offered."""

import linecache

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.errors import SCREEN, did_you_mean


def test_a_typo_among_thousands_of_columns():
    wide = pd.DataFrame(np.zeros((3, 5000)), columns=[f"column{k}" for k in range(5000)]).assign(
        y=[1.0, 2, 4]
    )
    with pytest.raises(mk.DataError) as caught:
        mk.lm("y ~ colunm17", wide)
    message = str(caught.value)
    assert "'colunm17' is not a column" in message and "Did you mean 'column17'" in message
    assert "There are 5001" in message and len(message) < 400


def test_names_longer_than_a_screen():
    name = "x" * 1900
    d = pd.DataFrame({name: ["a", "b", "c"], "y": [1.0, 2, 4]})
    for formula in (f"y ~ log(`{name}`)", f"`{name}` ~ y", f"y ~ {name}z", f"y ~ (1|{name})"):
        with pytest.raises(mk.MlmkitError) as caught:
            mk.lm(formula, d)
        assert len(str(caught.value)) <= SCREEN


def test_a_notebook_shows_the_readers_own_line_and_none_of_the_package():
    cell = "import pandas as pd\nimport mlmkit as mk\nmk.lm('y ~ q', pd.DataFrame({'y': [1.0, 2, 4]}))\n"
    linecache.cache["a cell"] = (len(cell), None, cell.splitlines(True), "a cell")
    with pytest.raises(mk.DataError) as caught:
        exec(compile(cell, "a cell", "exec"), {})  # noqa: S102
    where, message = caught.value._render_traceback_()
    assert where == f"in line 3:  {cell.splitlines()[2]}" and "'q' is not a column" in message


def test_of_a_long_name_the_beginning_is_told():
    assert did_you_mean("q", ["x" * 100, "y"]) == f" There are: {'x' * 60}, y."


def test_few_names_are_all_told():
    assert did_you_mean("dyas", ["Days", "Subject"]) == " Did you mean 'Days'? There are: Days, Subject."
