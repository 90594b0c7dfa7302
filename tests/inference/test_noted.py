"""Tables with notes."""

import pandas as pd

from mlmkit.inference.noted import Noted


def test_notes_print_below_and_do_not_spread():
    table = Noted({"a": [1, 2]}, notes=["A <note>."])
    assert repr(table).endswith("A <note>.") and "A &lt;note&gt;." in table._repr_html_()
    assert type(table[["a"]]) is pd.DataFrame and type(table * 2) is pd.DataFrame
    assert "note" not in repr(table.head(1))
