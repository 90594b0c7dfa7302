"""Tables as a page shows them: rounded, the same on every machine, with heads that a screen reader can tell."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.errors import DataError
from mlmkit.showing import Sheets, _sheets, show


def sheets(table, digits=3, index=True):
    return Sheets(tuple(_sheets(table, digits, index)))


def text(*arguments, **options):
    return str(sheets(*arguments, **options))


ESTIMATES = pd.DataFrame(
    {"estimate": [251.40510, 10.46729], "p.value": [2e-18, 0.0712], "n": [180, 18]},
    index=["Intercept", "Days"],
)


def test_numbers_have_the_digits_that_were_asked_for():
    assert text(ESTIMATES, 2) == (
        "           estimate  p.value    n\n"
        "Intercept    251.41    <0.01  180\n"
        "Days          10.47     0.07   18"
    )
    assert text(ESTIMATES, {"estimate": 1}).splitlines()[2] == "Days           10.5    0.071   18"


def test_it_prints_where_there_is_no_notebook(capsys):
    assert show(ESTIMATES["estimate"], 1) is None
    assert capsys.readouterr().out == "           estimate\nIntercept     251.4\nDays           10.5\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-0.0004, "0.000"),
        (0.5, "0.500"),
        (np.nan, "–"),
        (np.inf, "∞"),
        (-np.inf, "-∞"),
        (1e6 + 0.5, "1000000.500"),
    ],
)
def test_a_number_that_is_small_missing_or_infinite(value, shown):
    assert text(pd.Series([value, 0.25], name="x")).splitlines()[1].split()[1] == shown


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ([1.0, 2.0, np.nan], ["1", "2", "–"]),
        (pd.array([1, None, 3], dtype="Int64"), ["1", "–", "3"]),
        ([True, False], ["yes", "no"]),
        (pd.array([True, None], dtype="boolean"), ["yes", "–"]),
        (["a", None], ["a", "–"]),
        ([1, 0.5, "x", True], ["1", "0.500", "x", "yes"]),
        (pd.Categorical(["u", "v"]), ["u", "v"]),
        (pd.to_datetime(["2026-01-05"]), ["2026-01-05 00:00:00"]),
    ],
)
def test_columns_of_every_kind(column, shown):
    (sheet,) = sheets(pd.DataFrame({"x": column})).sheets
    assert [row[1] for row in sheet.rows] == shown


def test_levels_of_labels_and_heads_are_said_once():
    index = pd.MultiIndex.from_tuples(
        [("school", "1"), ("school", "2"), ("class", "1")], names=["group", "level"]
    )
    columns = pd.MultiIndex.from_product([["Wald", "profile"], ["lower", "upper"]])
    table = pd.DataFrame(np.arange(12).reshape(3, 4) / 8, index=index, columns=columns)
    assert text(table, 1) == (
        "                Wald         profile\n"
        "group   level  lower  upper    lower  upper\n"
        "school  1        0.0    0.1      0.2    0.4\n"
        "        2        0.5    0.6      0.8    0.9\n"
        "class   1        1.0    1.1      1.2    1.4"
    )
    html = sheets(table, 1).html()
    assert html.count('colspan="2"') == 3  # both halves, and the labels' empty corner
    assert '<th scope="col" style="text-align: right">lower</th>' in html


def test_html_has_no_empty_head_and_escapes_what_it_shows():
    html = sheets(pd.DataFrame({"a < b": [0.5]}, index=["x & y"])).html()
    assert "<th></th>" not in html and "a &lt; b" in html and "x &amp; y" in html
    assert html.count("<th scope='row'") == 1


def test_several_tables_stand_side_by_side():
    both = sheets({"flat": ESTIMATES, "multilevel": ESTIMATES}, 1)
    assert str(both).startswith("flat\n") and "\n\nmultilevel\n" in str(both)
    assert "inline-block" in both.html() and both.html().count("<caption>") == 2
    assert str(sheets([ESTIMATES, ESTIMATES])).count("Intercept") == 2


def test_without_row_labels():
    assert text(ESTIMATES, 1, index=False).splitlines()[1] == "   251.4     <0.1  180"


def test_the_kits_own_tables():
    fit = mk.lmer("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"))
    assert "24.740" in text(fit.varcorr) and "10.467" in text(fit.fixef)
    assert "profile" not in text(fit.confint(), 1)
    assert len(sheets(fit.coef["Subject"]).sheets[0].rows) == 18


@pytest.mark.parametrize("thing", [3, "text", None, [1, 2]])
def test_what_is_no_table_is_refused(thing):
    with pytest.raises(DataError, match=r"show\(\) takes a table"):
        show(thing)


def test_in_a_notebook_it_is_shown_as_text_and_as_html(monkeypatch, capsys):
    shown = []
    hub = SimpleNamespace(publish=shown.append)
    shell = SimpleNamespace(kernel=None, display_pub=hub)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    show(ESTIMATES, 2)
    (both,) = shown
    assert both["text/plain"] == text(ESTIMATES, 2) and both["text/html"].count("<tr>") == 3
    assert capsys.readouterr().out == ""
    del shell.kernel  # IPython in a terminal
    show(ESTIMATES, 2)
    assert len(shown) == 1 and capsys.readouterr().out == text(ESTIMATES, 2) + "\n"


def test_without_ipython_it_is_printed(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    show(ESTIMATES, 2)
    assert capsys.readouterr().out == text(ESTIMATES, 2) + "\n"


def test_a_small_p_value_below_a_head_of_two_levels():
    columns = pd.MultiIndex.from_tuples([("slope", "p.value"), ("p.value", "slope")])
    (sheet,) = sheets(pd.DataFrame([[1e-9, 1e-9]], columns=columns)).sheets
    assert sheet.rows[0][1] == "<0.001" and not sheet.rows[0][2].startswith("<")
