"""A table with the sentences that its reader needs."""

from __future__ import annotations

from html import escape

import pandas as pd


class Noted(pd.DataFrame):
    """A DataFrame whose notes print below it. Whatever is computed from it is a plain DataFrame.

    Attributes
    ----------
    notes : tuple of str
        One plain sentence each.
    """

    _metadata = ["notes"]  # noqa: RUF012  (pandas asks for this name)

    def __init__(self, data=None, *args, notes=(), **kwargs):
        super().__init__(data, *args, **kwargs)
        self.notes = tuple(notes)

    def __repr__(self):
        with pd.option_context("display.max_columns", None, "display.width", 110):
            return "\n".join([super().__repr__(), *self.notes])

    def _repr_html_(self):
        notes = "".join(f"<p><em>{escape(note)}</em></p>" for note in self.notes)
        return (super()._repr_html_() or "") + notes
