"""A table, or a column, with the sentences that its reader needs."""

from __future__ import annotations

from html import escape

import pandas as pd

AVERAGE_GROUP = (
    'For the average group (ζ = 0): the median of the groups\' means, not their mean; groups="average" integrates '
    "over the groups."
)
OVER_GROUPS = (
    "Means over the groups: the group effects are integrated out with Σ at its estimate; standard errors by the "
    "delta method, from the coefficients alone."
)


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
            return "\n".join([self._printed(), *self.notes])

    def _printed(self) -> str:
        return super().__repr__()

    def _repr_html_(self):
        notes = "".join(f"<p><em>{escape(note)}</em></p>" for note in self.notes)
        return (super()._repr_html_() or "") + notes


class Compared(Noted):
    """A table with a row for each model. In print the rows have short names, which are explained above it: two long
    formulas cut to a table's width could not be told apart."""

    def _printed(self) -> str:
        names = [f"m{k}" for k in range(len(self))]
        legend = [f"{name}: {formula}" for name, formula in zip(names, self.index, strict=True)]
        return "\n".join(
            [*legend, repr(pd.DataFrame(self.to_numpy(), names, self.columns).astype(self.dtypes))]
        )


class NotedSeries(pd.Series):
    """A Series whose notes print below it. Whatever is computed from it is a plain Series.

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
        return "\n".join([super().__repr__(), *self.notes])
